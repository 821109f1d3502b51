/*
 * funnel/entry.c: entry_buckets(journey, funnel, bucket, time_zone): the
 * calendar periods in which a walk of a customer can begin.
 *
 * A report by entry period asks every function that takes an entry range once
 * for each of these, and so reads each journey once.
 */
#include "funnel/argument.h"

#include "base/calendar.h"
#include "funcapi.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_entry_buckets);

Datum
journey_entry_buckets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	const CalendarUnit *unit = calendar_unit(PG_GETARG_TEXT_PP(2));
	text	   *zone = PG_GETARG_TEXT_PP(3);
	KnownPeriods *known = NULL;
	TypeCacheEntry *range_type;
	TimestampTz end = DT_NOBEGIN;
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;

	start_rows(fcinfo);
	range_type = lookup_type_cache(TupleDescAttr(result->setDesc, 0)->atttypid, TYPECACHE_RANGE_INFO);
	/* Of hours there are too many to know them. */
	if (unit->length.time == 0)
		known = known_periods((KnownPeriods **) funnel_call_extra(fcinfo), fcinfo->flinfo->fn_mcxt, unit, zone);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	for (size_t i = 0; i < count; i++)
	{
		TimestampTz begin;
		Datum		range;
		bool		null = false;

		CHECK_FOR_INTERRUPTS();
		/* Touchpoints come in time order, so most lie in the bucket of the one before. */
		if (touches[i].at < end || (touches[i].stages & funnel_begins(rules)) == 0)
			continue;
		if (known != NULL)
		{
			const CalendarPeriod *period = known_period(known, touches[i].at);

			begin = period->begin;
			end = period->end;
		}
		else
			calendar_period(unit, touches[i].at, PointerGetDatum(zone), &begin, &end);
		range = calendar_range(begin, end, range_type);
		tuplestore_putvalues(result->setResult, result->setDesc, &range, &null);
	}
	return (Datum) 0;
}
