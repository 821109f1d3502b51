/*
 * journey/session_groups.c: session_groups(journey, gap, by, bucket, time_zone,
 * from_time, to_time, rule): the sessions of a journey by the groups of a report.
 *
 * What a report counts of a session, and whether it is the first one of its
 * customer in its group, so that nobody has to ask who the customers were.
 */
#include "journey/argument.h"

#include "base/calendar.h"
#include "funcapi.h"
#include "journey/session_rule.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_session_groups);

#define GROUP_COLUMNS 9

/* What sessions are grouped by. */
typedef enum SessionLabel
{
	BY_NOTHING,
	BY_CHANNEL,
	BY_ENTRY_EVENT,
	BY_EXIT_EVENT,
	BY_VISITOR
} SessionLabel;

static const char *const label_names[] = {NULL, "channel", "entry_event", "exit_event", "visitor"};

/*
 * The buckets that a label was met in last.  Sessions come in time order, and so
 * do their buckets, but where clocks are put back past midnight one comes again
 * after the next has begun: two have to be known.
 */
typedef struct LastBuckets
{
	int			count;
	TimestampTz buckets[2];
} LastBuckets;

static SessionLabel
session_label(text *by)
{
	for (int i = BY_CHANNEL; i <= BY_VISITOR; i++)
		if (label_equal(label_from_text(by), (Label) {label_names[i], strlen(label_names[i])}))
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("sessions cannot be grouped by \"%s\"", text_to_cstring(by)),
			 errhint("They can by channel, entry_event, exit_event or visitor.")));
}

/* Notes that a label was met in a bucket; whether for the first time. */
static bool
is_first(LastBuckets *last, TimestampTz bucket)
{
	for (int i = 0; i < last->count; i++)
		if (last->buckets[i] == bucket)
			return false;
	last->buckets[1] = last->buckets[0];
	last->buckets[0] = bucket;
	last->count = Min(last->count + 1, 2);
	return true;
}

/* by, bucket, rule and time_zone may be NULL, the last one where there is no bucket, and no day in the rule. */
Datum
journey_session_groups(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SessionLabel by = PG_ARGISNULL(2) ? BY_NOTHING : session_label(PG_GETARG_TEXT_PP(2));
	bool		bucketed = !PG_ARGISNULL(3);
	Datum		unit = (Datum) 0;
	SessionRule rule;
	TimestampTz from;
	TimestampTz to;
	JourneyView view;
	Datum	   *labels = NULL;	/* by id */
	Datum		visitors[2];
	LastBuckets *last;			/* by 0 for no label, else id + 1 */
	uint32		nlabels = 0;
	SessionCursor cursor;
	Session		session;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || (bucketed && PG_ARGISNULL(4)) || PG_ARGISNULL(5) || PG_ARGISNULL(6))
		return (Datum) 0;
	rule = session_rule_arguments(fcinfo, 1, 7, 4, &fcinfo->flinfo->fn_extra);
	if (bucketed)
		unit = CStringGetTextDatum(calendar_unit(PG_GETARG_TEXT_PP(3))->name);
	from = PG_GETARG_TIMESTAMPTZ(5);
	to = PG_GETARG_TIMESTAMPTZ(6);

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (by == BY_VISITOR)
	{
		visitors[0] = CStringGetTextDatum("new");
		visitors[1] = CStringGetTextDatum("returning");
		labels = visitors;
		nlabels = 2;
	}
	else if (by != BY_NOTHING)
	{
		const JourneyLabels *dictionary = by == BY_CHANNEL ? &view.channels : &view.events;

		labels = label_datums(dictionary);
		nlabels = dictionary->count;
	}
	last = palloc_extended(((size_t) nlabels + 1) * sizeof(LastBuckets), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	session_cursor_start(&cursor, &view, &rule);
	while (session_cursor_next(&cursor, &session))
	{
		uint32		label = by == BY_CHANNEL ? session.channel :
			by == BY_ENTRY_EVENT ? session.entry_event + 1 :
			by == BY_EXIT_EVENT ? session.exit_event + 1 :
			by == BY_VISITOR ? (session.number > 1) + 1 : 0;
		Datum		values[GROUP_COLUMNS];
		bool		nulls[GROUP_COLUMNS] = {false};

		if (session.started_at >= to)
			break;
		if (session.started_at < from)
			continue;
		nulls[0] = label == 0;
		values[0] = nulls[0] ? (Datum) 0 : labels[label - 1];
		nulls[1] = !bucketed;
		values[1] = (Datum) 0;
		if (bucketed)
			values[1] = DirectFunctionCall3(timestamptz_trunc_zone, unit, TimestampTzGetDatum(session.started_at), PG_GETARG_DATUM(4));
		values[2] = BoolGetDatum(is_first(&last[label], bucketed ? DatumGetTimestampTz(values[1]) : 0));
		values[3] = Int64GetDatum(session.number);
		values[4] = Int64GetDatum(session.touches);
		values[5] = Float8GetDatum((double) ((uint64) session.ended_at - (uint64) session.started_at) / USECS_PER_SEC);
		nulls[6] = !session.has_value;
		values[6] = Float8GetDatum(session.value);
		values[7] = BoolGetDatum(session.touches == 1);
		nulls[8] = !session.has_gross;
		values[8] = Float8GetDatum(session.gross);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
