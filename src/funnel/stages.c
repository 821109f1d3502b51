/*
 * funnel/stages.c: what a funnel consists of, for SQL that wants to know:
 * funnel_stages(funnel), funnel_within(funnel).
 */
#include "funnel/argument.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(funnel_stages);
PG_FUNCTION_INFO_V1(funnel_asks_channel);
PG_FUNCTION_INFO_V1(funnel_within);

/* Columns of funnel_stages. */
#define STAGES_COLUMNS 6

/* A row for each of count events; stage 0: they are what the funnel excludes. */
static void
put_events(ReturnSetInfo *result, int step, const FunnelStage *stage, const FunnelEvent *events, int count)
{
	for (int i = 0; i < count; i++)
	{
		Datum		values[STAGES_COLUMNS] = {0};
		bool		nulls[STAGES_COLUMNS] = {false};

		nulls[0] = nulls[1] = nulls[2] = stage == NULL;
		nulls[3] = events[i].event.bytes == NULL;
		nulls[4] = events[i].channel.bytes == NULL;
		nulls[5] = stage == NULL || stage->gap == FUNNEL_NO_LIMIT;
		if (stage != NULL)
		{
			values[0] = Int32GetDatum(step);
			values[1] = label_to_datum(stage->name);
			values[2] = BoolGetDatum(stage->optional);
		}
		if (!nulls[3])
			values[3] = label_to_datum(events[i].event);
		if (!nulls[4])
			values[4] = label_to_datum(events[i].channel);
		if (!nulls[5])
			values[5] = IntervalPGetDatum(interval_from_microseconds((uint64) stage->gap));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* funnel_stages(funnel): a row for each event of each stage, then one for each excluded event. */
Datum
funnel_stages(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelDef	def;

	start_rows(fcinfo);
	funnel_open_datum(PG_GETARG_DATUM(0), &def);
	for (int i = 0; i < def.nstages; i++)
		put_events(result, i + 1, &def.stages[i], def.stages[i].events, def.stages[i].nevents);
	put_events(result, 0, NULL, def.excluded, def.nexcluded);
	return (Datum) 0;
}

/* funnel_within(funnel): its time limit, or NULL. */
Datum
funnel_within(PG_FUNCTION_ARGS)
{
	FunnelDef	def;

	funnel_open_datum(PG_GETARG_DATUM(0), &def);
	if (def.within == FUNNEL_NO_LIMIT)
		PG_RETURN_NULL();
	PG_RETURN_INTERVAL_P(interval_from_microseconds((uint64) def.within));
}

/* Does a funnel ask for the channels of touchpoints, by name or by a variable? */
Datum
funnel_asks_channel(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(funnel_matcher_asks_channel(funnel_matcher_argument(fcinfo, 0, NULL)));
}
