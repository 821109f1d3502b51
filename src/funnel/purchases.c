/*
 * funnel/purchases.c: purchases(journey, funnel, from_time, to_time [, refunds]) and
 * purchase_stats(journey, funnel [, refunds]): what a customer bought.
 *
 * What a purchase is, and a refund, is in funnel/purchase_cursor.h.
 */
#include "funnel/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "funnel/purchase_cursor.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_purchases);
PG_FUNCTION_INFO_V1(journey_purchase_stats);

#define PURCHASE_COLUMNS 4
#define STATS_COLUMNS 4

/* Begins with the journey, argument 0. */
static void
cursor_start(PurchaseCursor *cursor, FunctionCallInfo fcinfo, JourneyView *view, FunnelMatcher *matcher, FunnelMatcher *refunds)
{
	journey_open_datum(PG_GETARG_DATUM(0), view);
	purchase_cursor_start(cursor, view, matcher, refunds);
}

/*
 * purchases(journey, funnel, from_time, to_time [, refunds]): a row for each purchase at
 * from_time <= time < to_time, in order, and one without a number for each refund.
 */
Datum
journey_purchases(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(2);
	TimestampTz to = PG_GETARG_TIMESTAMPTZ(3);
	FunnelMatcher *refunds = PG_NARGS() > 4 ? funnel_matcher_other(fcinfo, PG_GETARG_DATUM(4)) : NULL;
	JourneyView view;
	PurchaseCursor cursor;
	Touch		touch;
	bool		refund;
	int64		number = 0;
	int64		previous = 0;

	start_rows(fcinfo);
	cursor_start(&cursor, fcinfo, &view, matcher, refunds);
	while (purchase_cursor_next(&cursor, &touch, &refund) && touch.at < to)
	{
		Datum		values[PURCHASE_COLUMNS];
		bool		nulls[PURCHASE_COLUMNS] = {false};

		if (touch.at < from)
			continue;
		nulls[0] = refund;
		values[0] = Int64GetDatum(refund ? 0 : ++number);
		values[1] = TimestampTzGetDatum(touch.at);
		nulls[2] = !touch.has_value;
		values[2] = Float8GetDatum(touch.value);
		nulls[3] = refund || number == 1;
		values[3] = (Datum) 0;
		if (!nulls[3])
			values[3] = IntervalPGetDatum(interval_from_microseconds((uint64) touch.at - (uint64) previous));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (!refund)
			previous = touch.at;
	}
	return (Datum) 0;
}

/* purchase_stats(journey, funnel [, refunds]): all purchases of a journey in one row. */
Datum
journey_purchase_stats(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	TupleDesc	row;
	FunnelMatcher *refunds = NULL;
	JourneyView view;
	PurchaseCursor cursor;
	Touch		touch;
	int64		purchases = 0;
	TimestampTz last_at = 0;
	bool		refund;
	bool		has_value = false;
	double		value = 0;
	bool		has_gross = false;
	double		gross = 0;
	Datum		values[STATS_COLUMNS];
	bool		nulls[STATS_COLUMNS] = {false};

	/* What a call site keeps beside its matcher is one thing: here the row, or the refunds. */
	if (PG_NARGS() > 2)
	{
		refunds = funnel_matcher_other(fcinfo, PG_GETARG_DATUM(2));
		row = result_row_looked_up(fcinfo);
	}
	else
		row = funnel_result_row(fcinfo);
	cursor_start(&cursor, fcinfo, &view, matcher, refunds);
	while (purchase_cursor_next(&cursor, &touch, &refund))
	{
		if (!refund)
		{
			purchases++;
			last_at = touch.at;
		}
		if (touch.has_value && !refund)
		{
			has_gross = true;
			gross += touch.value;
		}
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
	nulls[3] = !has_gross;
	values[3] = Float8GetDatum(gross);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row, values, nulls)));
}
