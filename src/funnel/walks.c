/*
 * funnel/walks.c: walks(journey, funnel, entered): all walks of a customer in a
 * funnel; latest_walk(journey, funnel): the last of them; funnel_touchpoints(journey,
 * funnel, entered): what the winning walk took.
 */
#include "funnel/argument.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "funnel/periods.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(journey_walks);
PG_FUNCTION_INFO_V1(journey_latest_walk);
PG_FUNCTION_INFO_V1(journey_funnel_touchpoints);

#define WALK_COLUMNS 7
#define LATEST_COLUMNS 2
#define TOUCHPOINT_COLUMNS 5

/* The row type touchpoint; it stays with a call site. */
typedef struct TouchpointType
{
	Oid			type;
	TupleDesc	row;
} TouchpointType;

/* The touchpoints of a journey that a funnel is asked of. */
typedef struct Touches
{
	const FunnelRules *rules;
	const JourneyView *view;
	const TouchpointType *type;
	const FunnelTouch *list;
	size_t		count;
	uint32	   *numbers;		/* of them in the journey */
} Touches;

/* Rows being made of walks. */
typedef struct WalkRows
{
	ReturnSetInfo *result;
	const Touches *touches;
	bool	   *spent;			/* touchpoints that walks have taken */
	int64		number;
} WalkRows;

/* The element type of an array of touchpoints, looked up once for a call site that has a matcher already and keeps nothing else. */
static const TouchpointType *
touchpoint_type(FunctionCallInfo fcinfo, Oid array)
{
	TouchpointType **kept = (TouchpointType **) funnel_call_extra(fcinfo);
	MemoryContext old;

	if (*kept != NULL)
		return *kept;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	*kept = palloc(sizeof(TouchpointType));
	(*kept)->type = get_element_type(array);
	(*kept)->row = lookup_rowtype_tupdesc_copy((*kept)->type, -1);
	MemoryContextSwitchTo(old);
	return *kept;
}

/* An array of the touchpoints that a walk took, one for each stage, by their indexes. */
static Datum
touchpoint_array(const Touches *touches, const FunnelWalk *walk, const size_t *taken)
{
	const JourneyView *view = touches->view;
	int			nstages = touches->rules->nstages;
	int			lower = 1;
	Datum		elements[FUNNEL_MAX_STAGES];
	bool		absent[FUNNEL_MAX_STAGES];

	for (int i = 0; i < nstages; i++)
	{
		JourneyCursor cursor;
		Touch		touch;
		Datum		values[TOUCHPOINT_COLUMNS];
		bool		nulls[TOUCHPOINT_COLUMNS] = {false};

		absent[i] = taken[i] == FUNNEL_NONE;
		elements[i] = (Datum) 0;
		if (absent[i] != !(walk->passed >> i & 1))
			elog(ERROR, "a walk passed stage %d without a touchpoint", i + 1);
		if (absent[i])
			continue;
		journey_cursor_start(&cursor, view, touches->numbers[taken[i]]);
		journey_cursor_next(&cursor, &touch);
		values[0] = TimestampTzGetDatum(touch.at);
		values[1] = label_to_datum(journey_label(&view->events, touch.event));
		nulls[2] = touch.channel == 0;
		values[2] = nulls[2] ? (Datum) 0 : label_to_datum(journey_label(&view->channels, touch.channel - 1));
		nulls[3] = !touch.has_value;
		values[3] = Float8GetDatum(touch.value);
		nulls[4] = touch.session == 0;
		values[4] = nulls[4] ? (Datum) 0 : label_to_datum(journey_label(&view->sessions, touch.session - 1));
		elements[i] = HeapTupleGetDatum(heap_form_tuple(touches->type->row, values, nulls));
	}
	return PointerGetDatum(construct_md_array(elements, absent, 1, &nstages, &lower,
											  touches->type->type, -1, false, TYPALIGN_DOUBLE));
}

/* A row of a walk. */
static void
put_walk(void *arg, const FunnelTry *one)
{
	const FunnelWalk *walk = &one->walk;
	WalkRows   *rows = (WalkRows *) arg;
	const Touches *touches = rows->touches;
	int			nstages = touches->rules->nstages;
	int			lower = 1;
	size_t		taken[FUNNEL_MAX_STAGES];
	Datum		times[FUNNEL_MAX_STAGES];
	bool		absent[FUNNEL_MAX_STAGES];
	Datum		values[WALK_COLUMNS];
	bool		nulls[WALK_COLUMNS] = {false};
	ArrayType  *array;

	for (int i = 0; i < nstages; i++)
	{
		absent[i] = !(walk->passed >> i & 1);
		times[i] = absent[i] ? (Datum) 0 : TimestampTzGetDatum(walk->at[i]);
	}
	array = construct_md_array(times, absent, 1, &nstages, &lower,
							   TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	funnel_taken_next(touches->rules, one, touches->list, touches->count, rows->spent, taken);
	values[0] = Int64GetDatum(++rows->number);
	values[1] = Int32GetDatum(walk->step);
	values[2] = TimestampTzGetDatum(walk->at[pg_rightmost_one_pos64(walk->passed)]);
	values[3] = TimestampTzGetDatum(walk->at[walk->step - 1]);
	values[4] = PointerGetDatum(array);
	values[5] = BoolGetDatum(walk->step > funnel_completed_stage(touches->rules));
	values[6] = touchpoint_array(touches, walk, taken);
	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
	pfree(array);
	pfree(DatumGetPointer(values[6]));
}

/* walks(journey, funnel, entered): a row for each walk that begins in the range, in time order. */
Datum
journey_walks(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelEntry entry = funnel_entry(PG_GETARG_DATUM(2));
	JourneyView view;
	Touches		touches = {.rules = funnel_matcher_rules(matcher), .view = &view};
	WalkRows	rows = {.result = (ReturnSetInfo *) fcinfo->resultinfo, .touches = &touches};

	start_rows(fcinfo);
	touches.type = touchpoint_type(fcinfo, TupleDescAttr(rows.result->setDesc, WALK_COLUMNS - 1)->atttypid);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	touches.count = funnel_match_numbered(matcher, &view, &touches.list, &touches.numbers);
	if (touches.count > 0)
	{
		rows.spent = palloc_extended(touches.count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		funnel_walks(touches.rules, entry, touches.list, touches.count, put_walk, &rows);
	}
	return (Datum) 0;
}

static void
keep_walk(void *arg, const FunnelTry *one)
{
	*(FunnelWalk *) arg = one->walk;
}

/* latest_walk(journey, funnel): step and end of the last walk; NULL if there is none. */
Datum
journey_latest_walk(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelWalk	walk = {.step = 0};
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;
	Datum		values[LATEST_COLUMNS];
	bool		nulls[LATEST_COLUMNS] = {false};

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	if (count > 0)
		funnel_walks(funnel_matcher_rules(matcher), FUNNEL_ANY_ENTRY, touches, count, keep_walk, &walk);
	if (walk.step == 0)
		PG_RETURN_NULL();
	values[0] = Int32GetDatum(walk.step);
	values[1] = TimestampTzGetDatum(walk.at[walk.step - 1]);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(funnel_result_row(fcinfo), values, nulls)));
}

/* funnel_touchpoints(journey, funnel, entered): the touchpoint that the winning walk took for each stage. */
Datum
journey_funnel_touchpoints(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	JourneyView view;
	Touches		touches = {.rules = funnel_matcher_rules(matcher), .view = &view};
	FunnelWalk	walk = {.step = 0};
	size_t		taken[FUNNEL_MAX_STAGES];

	touches.type = touchpoint_type(fcinfo, get_func_rettype(fcinfo->flinfo->fn_oid));
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	touches.count = funnel_match_numbered(matcher, &view, &touches.list, &touches.numbers);
	if (touches.count > 0)
		funnel_walk(touches.rules, funnel_entry(PG_GETARG_DATUM(2)), touches.list, touches.count, &walk);
	funnel_taken(touches.rules, &walk, touches.list, touches.count, NULL, taken);
	PG_RETURN_DATUM(touchpoint_array(&touches, &walk, taken));
}
