/*
 * map/feedback.c: map_answers(journey, funnel, events, now): where a customer stood in
 * the funnel at each answer, and what had just happened.
 *
 * What counts at an answer is the journey up to it with all that happened at the
 * same time.  When each stage was reached, of any such beginning of a journey, the
 * engine tells of the whole one, and whether walks still go on it tells on its
 * way; so a journey is read once, however many answers are in it.
 */
#include "funnel/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "funnel/engine_going.h"
#include "funnel/periods.h"
#include "journey/listed.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(map_answers);

#define ANSWER_COLUMNS 6

/* The row type that the function returns an array of, which stays with its call site. */
static TupleDesc
answer_row(FunctionCallInfo fcinfo)
{
	void	  **row = funnel_call_extra(fcinfo);

	if (*row == NULL)
	{
		Oid			element = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		*row = lookup_rowtype_tupdesc_copy(element, -1);
		MemoryContextSwitchTo(old);
	}
	return (TupleDesc) *row;
}

/* The deepest step that was reached up to a time. */
static int
step_until(uint64 stages, const int64 *reached_at, int64 at)
{
	int			step = 0;

	for (uint64 rest = stages; rest != 0; rest &= rest - 1)
	{
		int			stage = pg_rightmost_one_pos64(rest);

		if (reached_at[stage] <= at)
			step = stage + 1;
	}
	return step;
}

/*
 * An element for each touchpoint of the events, which are labels, in canonical
 * order: its time, event and value; the step that was reached by then; whether a
 * walk goes on at now that has not completed the funnel; and the last event
 * that is none of them.  In the current context.
 */
Datum
map_answers(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(1));
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	TupleDesc	row = answer_row(fcinfo);
	TimestampTz now = PG_GETARG_TIMESTAMPTZ(3);
	ArrayBuildState *answers = initArrayResult(row->tdtypeid, CurrentMemoryContext, false);
	JourneyView view;
	Label	   *list;
	uint32		count;
	bool	   *asked;			/* by event */
	Label	   *names;
	const FunnelTouch *touches = NULL;
	size_t		ntouches;
	size_t		before = 0;		/* touchpoints of the funnel up to the time at hand */
	int64		reached_at[FUNNEL_MAX_STAGES];
	uint64		stages;
	FunnelGoing going;
	JourneyCursor cursor;
	JourneyCursor ahead;
	Touch		touch;
	int64		last_event = -1;
	CjmError	error = {0};

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	list = label_list(PG_GETARG_ARRAYTYPE_P(2), &count);
	asked = palloc_extended(Max(view.events.count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (!journey_listed(&view.events, list, count, asked, &error))
		cjm_report(&error);
	names = journey_labels(&view.events);
	ntouches = funnel_match_touches(matcher, &view, &touches);
	stages = funnel_reached(rules, FUNNEL_ANY_ENTRY, touches, ntouches, reached_at);
	funnel_going_start(&going, rules, FUNNEL_ANY_ENTRY, touches);

	/* One cursor reads a time to its end, for its last event; the other its answers. */
	journey_cursor_start(&cursor, &view, 0);
	journey_cursor_start(&ahead, &view, 0);
	for (uint32 first = 0, end; first < view.count; first = end)
	{
		bool		any = false;
		int			step = 0;
		bool		open = false;
		int64		at = 0;

		for (end = first; end < view.count && (end == first || journey_at(&view, end) == at); end++)
		{
			CHECK_FOR_INTERRUPTS();
			journey_cursor_next(&ahead, &touch);
			at = touch.at;
			if (asked[touch.event])
				any = true;
			else
				last_event = touch.event;
		}
		for (; before < ntouches && touches[before].at <= at; before++)
			;
		if (any)
		{
			step = step_until(stages, reached_at, at);
			funnel_going_until(&going, before);
			open = step <= funnel_completed_stage(rules) && funnel_going_at(&going, Max(now, at));
		}
		for (uint32 i = first; i < end; i++)
		{
			Datum		values[ANSWER_COLUMNS];
			bool		nulls[ANSWER_COLUMNS] = {false};

			CHECK_FOR_INTERRUPTS();
			journey_cursor_next(&cursor, &touch);
			if (!asked[touch.event])
				continue;
			values[0] = TimestampTzGetDatum(at);
			values[1] = label_to_datum(names[touch.event]);
			nulls[2] = !touch.has_value;
			values[2] = Float8GetDatum(touch.value);
			values[3] = Int32GetDatum(step);
			values[4] = BoolGetDatum(open);
			nulls[5] = last_event < 0;
			values[5] = last_event < 0 ? (Datum) 0 : label_to_datum(names[last_event]);
			accumArrayResult(answers, HeapTupleGetDatum(heap_form_tuple(row, values, nulls)), false, row->tdtypeid,
							 CurrentMemoryContext);
		}
	}
	PG_RETURN_DATUM(makeArrayResult(answers, CurrentMemoryContext));
}
