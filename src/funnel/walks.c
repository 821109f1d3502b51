/*
 * funnel/walks.c: walks(journey, funnel, entered): all walks of a customer in a
 * funnel; latest_walk(journey, funnel): the last of them.
 */
#include "funnel/argument.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "funnel/periods.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_walks);
PG_FUNCTION_INFO_V1(journey_latest_walk);

#define WALK_COLUMNS 6
#define LATEST_COLUMNS 2

/* Rows being made of walks. */
typedef struct WalkRows
{
	ReturnSetInfo *result;
	const FunnelRules *rules;
	int64		number;
} WalkRows;

/* A row of a walk. */
static void
put_walk(void *arg, const FunnelWalk *walk)
{
	WalkRows   *rows = (WalkRows *) arg;
	int			nstages = rows->rules->nstages;
	int			lower = 1;
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
	values[0] = Int64GetDatum(++rows->number);
	values[1] = Int32GetDatum(walk->step);
	values[2] = TimestampTzGetDatum(walk->at[pg_rightmost_one_pos64(walk->passed)]);
	values[3] = TimestampTzGetDatum(walk->at[walk->step - 1]);
	values[4] = PointerGetDatum(array);
	values[5] = BoolGetDatum(walk->step > funnel_completed_stage(rows->rules));
	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
	pfree(array);
}

/* walks(journey, funnel, entered): a row for each walk that begins in the range, in time order. */
Datum
journey_walks(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelEntry entry = funnel_entry(PG_GETARG_DATUM(2));
	WalkRows	rows = {(ReturnSetInfo *) fcinfo->resultinfo, funnel_matcher_rules(matcher), 0};
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	if (count > 0)
		funnel_walks(rows.rules, entry, touches, count, put_walk, &rows);
	return (Datum) 0;
}

static void
keep_walk(void *arg, const FunnelWalk *walk)
{
	*(FunnelWalk *) arg = *walk;
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
