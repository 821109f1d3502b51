/*
 * funnel_entry.c: entry_buckets(journey, funnel, bucket, time_zone): the
 * calendar periods in which a walk of a customer can begin.
 *
 * A report by entry period asks every function that takes an entry range once
 * for each of these, and so reads each journey once.
 */
#include "glue.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rangetypes.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(journey_entry_buckets);

/* A period of the calendar, whose length is an interval. */
typedef struct BucketUnit
{
	const char *name;
	Interval	length;
} BucketUnit;

static const BucketUnit units[] = {
	{"hour", {.time = USECS_PER_HOUR}},
	{"day", {.day = 1}},
	{"week", {.day = 7}},
	{"month", {.month = 1}},
	{"quarter", {.month = 3}},
	{"year", {.month = 12}}
};

static const BucketUnit *
find_unit(text *name)
{
	for (int i = 0; i < (int) lengthof(units); i++)
		if (VARSIZE_ANY_EXHDR(name) == strlen(units[i].name) &&
			pg_strncasecmp(VARDATA_ANY(name), units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown bucket \"%s\"", text_to_cstring(name)),
			 errhint("Buckets are hour, day, week, month, quarter and year.")));
}

/* The moment at which a clock of the zone shows a local time; the later one of two. */
static TimestampTz
clock_shows(Datum local, Datum zone)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, zone, local));
}

/*
 * The bucket that holds a moment: from begin, before end.  Buckets cover all of
 * time and never overlap, wherever clocks are changed.
 *
 * Hours have one length; but one in which clocks are changed by half of it
 * ends, or begins, with the change.  From days on begin and end are local
 * times, so that a day may have 23 or 25 hours; one that begins at a time that
 * clocks show twice begins at the second.
 */
static void
find_bucket(const BucketUnit *unit, TimestampTz at, Datum zone, TimestampTz *begin, TimestampTz *end)
{
	Datum		name = CStringGetTextDatum(unit->name);
	Datum		length = IntervalPGetDatum(unconstify(Interval *, &unit->length));
	Datum		local;

	if (unit->length.time != 0)
	{
		TimestampTz before;

		*begin = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_trunc_zone, name, TimestampTzGetDatum(at), zone));
		*end = *begin + unit->length.time;
		before = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_trunc_zone, name, TimestampTzGetDatum(*begin), zone));
		if (before < *begin)
			*begin = before + unit->length.time;
		return;
	}
	local = DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at));
	local = DirectFunctionCall2(timestamp_trunc, name, local);
	*begin = clock_shows(local, zone);
	if (*begin > at)
	{
		*end = *begin;
		*begin = clock_shows(DirectFunctionCall2(timestamp_mi_interval, local, length), zone);
	}
	else
		*end = clock_shows(DirectFunctionCall2(timestamp_pl_interval, local, length), zone);
}

Datum
journey_entry_buckets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	const BucketUnit *unit = find_unit(PG_GETARG_TEXT_PP(2));
	Datum		zone = PG_GETARG_DATUM(3);
	TypeCacheEntry *range_type;
	TimestampTz end = DT_NOBEGIN;
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	range_type = lookup_type_cache(TupleDescAttr(result->setDesc, 0)->atttypid, TYPECACHE_RANGE_INFO);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	for (size_t i = 0; i < count; i++)
	{
		RangeBound	lower = {.inclusive = true, .lower = true};
		RangeBound	upper = {.inclusive = false, .lower = false};
		TimestampTz begin;
		Datum		range;
		bool		null = false;

		CHECK_FOR_INTERRUPTS();
		/* Touchpoints come in time order, so most lie in the bucket of the one before. */
		if (touches[i].at < end || (rules->unordered ? touches[i].stages == 0 : !(touches[i].stages & 1)))
			continue;
		find_bucket(unit, touches[i].at, zone, &begin, &end);
		lower.val = TimestampTzGetDatum(begin);
		upper.val = TimestampTzGetDatum(end);
		range = RangeTypePGetDatum(make_range(range_type, &lower, &upper, false));
		tuplestore_putvalues(result->setResult, result->setDesc, &range, &null);
	}
	return (Datum) 0;
}
