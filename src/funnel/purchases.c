/*
 * funnel/purchases.c: purchases(journey, funnel, from_time, to_time) and
 * purchase_stats(journey, funnel): what a customer bought.
 *
 * A purchase is a touchpoint of the last stage that is not optional, whatever
 * came before it.
 */
#include "funnel/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "funnel/periods.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_purchases);
PG_FUNCTION_INFO_V1(journey_purchase_stats);

#define PURCHASE_COLUMNS 4
#define STATS_COLUMNS 3

/* Reads the purchases of a journey in order. */
typedef struct PurchaseCursor
{
	FunnelMatcher *matcher;
	uint64		stage;			/* its bit */
	JourneyView view;
	JourneyCursor journey;
} PurchaseCursor;

/* Begins with the journey, argument 0, and the matcher of the funnel, argument 1. */
static void
purchase_cursor_start(PurchaseCursor *cursor, FunctionCallInfo fcinfo, FunnelMatcher *matcher)
{
	journey_open_datum(PG_GETARG_DATUM(0), &cursor->view);
	cursor->matcher = matcher;
	cursor->stage = UINT64CONST(1) << funnel_completed_stage(funnel_matcher_rules(matcher));
	funnel_match_start(matcher, &cursor->view);
	journey_cursor_start(&cursor->journey, &cursor->view, 0);
}

static bool
purchase_cursor_next(PurchaseCursor *cursor, Touch *touch)
{
	while (journey_cursor_next(&cursor->journey, touch))
	{
		CHECK_FOR_INTERRUPTS();
		if (funnel_match_stages(cursor->matcher, &cursor->view, cursor->journey.next - 1) & cursor->stage)
			return true;
	}
	return false;
}

/* purchases(journey, funnel, from_time, to_time): a row for each purchase at from_time <= time < to_time, in order. */
Datum
journey_purchases(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(2);
	TimestampTz to = PG_GETARG_TIMESTAMPTZ(3);
	PurchaseCursor cursor;
	Touch		touch;
	int64		number = 0;
	int64		previous = 0;

	start_rows(fcinfo);
	purchase_cursor_start(&cursor, fcinfo, matcher);
	while (purchase_cursor_next(&cursor, &touch) && touch.at < to)
	{
		Datum		values[PURCHASE_COLUMNS];
		bool		nulls[PURCHASE_COLUMNS] = {false};

		if (touch.at < from)
			continue;
		values[0] = Int64GetDatum(++number);
		values[1] = TimestampTzGetDatum(touch.at);
		nulls[2] = !touch.has_value;
		values[2] = Float8GetDatum(touch.value);
		nulls[3] = number == 1;
		values[3] = (Datum) 0;
		if (!nulls[3])
			values[3] = IntervalPGetDatum(interval_from_microseconds((uint64) touch.at - (uint64) previous));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		previous = touch.at;
	}
	return (Datum) 0;
}

/* purchase_stats(journey, funnel): all purchases of a journey in one row. */
Datum
journey_purchase_stats(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	TupleDesc	row = funnel_result_row(fcinfo);
	PurchaseCursor cursor;
	Touch		touch;
	int64		purchases = 0;
	TimestampTz last_at = 0;
	bool		has_value = false;
	double		value = 0;
	Datum		values[STATS_COLUMNS];
	bool		nulls[STATS_COLUMNS] = {false};

	purchase_cursor_start(&cursor, fcinfo, matcher);
	while (purchase_cursor_next(&cursor, &touch))
	{
		purchases++;
		last_at = touch.at;
		if (touch.has_value)
		{
			has_value = true;
			value += touch.value;
		}
	}
	values[0] = Int64GetDatum(purchases);
	nulls[1] = purchases == 0;
	values[1] = TimestampTzGetDatum(last_at);
	nulls[2] = !has_value;
	values[2] = Float8GetDatum(value);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row, values, nulls)));
}
