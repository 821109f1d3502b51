/*
 * journey/paths.c: event_path, channel_path, transitions: what follows what in
 * a journey.
 */
#include "journey/argument.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "journey/path.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_event_path);
PG_FUNCTION_INFO_V1(journey_channel_path);
PG_FUNCTION_INFO_V1(journey_transitions);

#define TRANSITION_COLUMNS 4

/* How many places at most; that a journey cannot have more is no error. */
static uint32
depth_argument(int32 depth)
{
	if (depth < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("depth must be at least 1, not %d", depth)));
	return (uint32) depth;
}

/* The labels of a dictionary by id as datums, made as they are asked for. */
static Datum
label_datum(Datum *made, const Label *labels, uint32 id)
{
	if (made[id] == (Datum) 0)
		made[id] = label_to_datum(labels[id]);
	return made[id];
}

static Datum *
no_datums(uint32 count)
{
	return palloc_extended((size_t) Max(count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* The path of arguments journey, depth, repeats as an array. */
static Datum
path_array(FunctionCallInfo fcinfo, bool channels)
{
	uint32		depth = depth_argument(PG_GETARG_INT32(1));
	JourneyView view;
	const JourneyLabels *labels = channels ? &view.channels : &view.events;
	Label	   *names;
	Datum	   *made;
	Datum	   *places;
	PathCursor	cursor;
	uint32		count = 0;
	uint32		id;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	names = journey_labels(labels);
	made = no_datums(labels->count);
	places = no_datums(Min(depth, view.count));
	path_start(&cursor, &view, channels, PG_GETARG_BOOL(2));
	while (count < depth && path_next(&cursor, &id))
		places[count++] = label_datum(made, names, id);
	PG_RETURN_ARRAYTYPE_P(construct_array(places, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* event_path(journey, depth, repeats): its events in canonical order. */
Datum
journey_event_path(PG_FUNCTION_ARGS)
{
	return path_array(fcinfo, false);
}

/* channel_path(journey, depth, repeats): the channels of the touchpoints that have one. */
Datum
journey_channel_path(PG_FUNCTION_ARGS)
{
	return path_array(fcinfo, true);
}

/*
 * transitions(journey, by, depth, repeats): a row for each place of the path
 * with the place after it; the last place of the journey has none.  Of a path
 * that is cut at depth the last place has no row, since what follows is not
 * asked for.
 */
Datum
journey_transitions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		channels = by_channel_argument(PG_GETARG_TEXT_PP(1));
	uint32		depth = depth_argument(PG_GETARG_INT32(2));
	JourneyView view;
	const JourneyLabels *labels = channels ? &view.channels : &view.events;
	Label	   *names;
	Datum	   *made;
	PairCounts	counts;
	PathCursor	cursor;
	uint32		source;
	bool		more;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	names = journey_labels(labels);
	made = no_datums(labels->count);
	pair_counts_start(&counts);
	path_start(&cursor, &view, channels, PG_GETARG_BOOL(3));
	more = path_next(&cursor, &source);
	for (uint32 position = 1; more && position < depth; position++)
	{
		Datum		values[TRANSITION_COLUMNS];
		bool		nulls[TRANSITION_COLUMNS] = {false};
		uint32		target;

		more = path_next(&cursor, &target);
		values[0] = Int32GetDatum((int32) position);
		values[1] = label_datum(made, names, source);
		nulls[2] = !more;
		values[2] = more ? label_datum(made, names, target) : (Datum) 0;
		values[3] = Int64GetDatum(pair_counts_add(&counts, source, more ? target + 1 : 0));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		source = target;
	}
	return (Datum) 0;
}
