/*
 * journey/paths.c: event_path, channel_path, transitions, paths: what follows what
 * in a journey, or in each of its sessions.
 */
#include "journey/argument.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "journey/path.h"
#include "journey/session_rule.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_event_path);
PG_FUNCTION_INFO_V1(journey_channel_path);
PG_FUNCTION_INFO_V1(journey_transitions);
PG_FUNCTION_INFO_V1(journey_paths);

#define TRANSITION_COLUMNS 5
#define PATHS_COLUMNS 3
#define MAX_LENGTH 100			/* of the sequences that paths() gives from everywhere */

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
	path_start(&cursor, &view, channels, PG_GETARG_BOOL(2), NULL);
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
 * Whether sessions are asked for, by the places of gap and rule, which that of time_zone follows; sets what ends one.  The transitions
 * of 0.1.0 had none of these arguments.
 */
static bool
by_session_arguments(FunctionCallInfo fcinfo, int gap, int rule, SessionRule *found)
{
	if (PG_NARGS() <= gap)
		return false;
	*found = session_rule_arguments(fcinfo, gap, rule, rule + 1, &fcinfo->flinfo->fn_extra);
	return !PG_ARGISNULL(gap) || !PG_ARGISNULL(rule);
}

static inline double
seconds_between(int64 from, int64 to)
{
	return (double) ((uint64) to - (uint64) from) / USECS_PER_SEC;
}

/*
 * transitions(journey, by, depth, repeats, gap, rule, time_zone): a row for each place of the path
 * with the place after it; the last place of the journey, or of each session, has
 * none.  Of a path that is cut at depth the last place has no row, since what
 * follows is not asked for.
 */
Datum
journey_transitions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		channels;
	uint32		depth;
	bool		by_session;
	SessionRule rule;
	JourneyView view;
	const JourneyLabels *labels;
	Label	   *names;
	Datum	   *made;
	PairCounts	counts;
	PathCursor	cursor;
	uint32		source;
	uint32		position = 1;
	bool		more;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return (Datum) 0;
	channels = by_channel_argument(PG_GETARG_TEXT_PP(1));
	depth = depth_argument(PG_GETARG_INT32(2));
	by_session = by_session_arguments(fcinfo, 4, 5, &rule);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	labels = channels ? &view.channels : &view.events;
	names = journey_labels(labels);
	made = no_datums(labels->count);
	pair_counts_start(&counts);
	path_start(&cursor, &view, channels, PG_GETARG_BOOL(3), by_session ? &rule : NULL);
	more = path_next(&cursor, &source);
	while (more && (position < depth || by_session))
	{
		int64		session = cursor.session;
		int64		at = cursor.at;
		uint32		target;
		bool		goes_on;

		more = path_next(&cursor, &target);
		goes_on = more && cursor.session == session;
		if (position < depth)
		{
			Datum		values[TRANSITION_COLUMNS];
			bool		nulls[TRANSITION_COLUMNS] = {false};

			values[0] = Int32GetDatum((int32) position);
			values[1] = label_datum(made, names, source);
			nulls[2] = nulls[4] = !goes_on;
			values[2] = goes_on ? label_datum(made, names, target) : (Datum) 0;
			values[3] = Int64GetDatum(pair_counts_add(&counts, source, goes_on ? target + 1 : 0)->count);
			values[4] = goes_on ? Float8GetDatum(seconds_between(at, cursor.at)) : (Datum) 0;
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
		position = goes_on ? position + 1 : 1;
		source = target;
	}
	return (Datum) 0;
}

/* What paths() reads of a journey, and of the session at hand. */
typedef struct PathPlace
{
	uint32		id;
	int64		at;
} PathPlace;

typedef struct Paths
{
	ReturnSetInfo *result;
	const Label *names;
	Datum	   *made;
	uint32		depth;
	uint32		length;			/* 0: one path, else all of this length */
	bool		has_after;
	bool		has_before;
	int64		after;			/* id, or -1: not in the journey */
	int64		before;
	PairCounts	beginnings;		/* of paths: the number of one and the place that follows it */
	PairCounts	whole;
	PathPlace  *places;			/* of the session */
	uint32		count;
	Datum	   *nodes;
} Paths;

static void
put_path(Paths *paths, uint32 from, uint32 to)
{
	Datum		values[PATHS_COLUMNS];
	bool		nulls[PATHS_COLUMNS] = {false};
	uint32		number = 0;

	for (uint32 i = from; i < to; i++)
	{
		paths->nodes[i - from] = label_datum(paths->made, paths->names, paths->places[i].id);
		number = pair_counts_add(&paths->beginnings, number, paths->places[i].id)->number;
	}
	values[0] = PointerGetDatum(construct_array(paths->nodes, to - from, TEXTOID, -1, false, TYPALIGN_INT));
	values[1] = Int64GetDatum(pair_counts_add(&paths->whole, number, 0)->count);
	values[2] = Float8GetDatum(seconds_between(paths->places[from].at, paths->places[to - 1].at));
	tuplestore_putvalues(paths->result->setResult, paths->result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[0]));
}

/* The first place with a label from a place on; count if there is none. */
static uint32
find_place(const Paths *paths, uint32 from, int64 id)
{
	while (from < paths->count && paths->places[from].id != id)
		from++;
	return from;
}

/* The paths of a session, or of the journey. */
static void
put_session(Paths *paths)
{
	uint32		from = paths->has_after ? find_place(paths, 0, paths->after) : 0;
	uint32		to = paths->count;

	if (paths->has_before)
		to = find_place(paths, paths->has_after ? from + 1 : 0, paths->before) + 1;
	if (from >= to || to > paths->count)
		return;
	if (paths->length > 0)
		for (uint32 i = from; i + paths->length <= to; i++)
			put_path(paths, i, i + paths->length);
	else if (paths->has_before && !paths->has_after)
		put_path(paths, to - from > paths->depth ? to - paths->depth : from, to);
	else
		put_path(paths, from, to - from > paths->depth ? from + paths->depth : to);
}

/* paths(journey, by, depth, repeats, gap, length, after, before, rule, time_zone): see its comment in SQL. */
Datum
journey_paths(PG_FUNCTION_ARGS)
{
	Paths		paths = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	bool		channels;
	bool		by_session;
	SessionRule rule;
	JourneyView view;
	const JourneyLabels *labels;
	PathCursor	cursor;
	int64		session = 1;
	uint32		id;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return (Datum) 0;
	channels = by_channel_argument(PG_GETARG_TEXT_PP(1));
	paths.depth = depth_argument(PG_GETARG_INT32(2));
	if (!PG_ARGISNULL(5))
	{
		int32		length = PG_GETARG_INT32(5);

		if (length < 1 || length > MAX_LENGTH)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("length must be from 1 to %d, not %d", MAX_LENGTH, length)));
		paths.length = (uint32) length;
	}
	by_session = by_session_arguments(fcinfo, 4, 8, &rule);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	labels = channels ? &view.channels : &view.events;
	paths.has_after = !PG_ARGISNULL(6);
	paths.has_before = !PG_ARGISNULL(7);
	if (paths.has_after)
		paths.after = journey_find_label(labels, label_from_text(PG_GETARG_TEXT_PP(6)));
	if (paths.has_before)
		paths.before = journey_find_label(labels, label_from_text(PG_GETARG_TEXT_PP(7)));
	if (view.count == 0 || (paths.has_after && paths.after < 0) || (paths.has_before && paths.before < 0))
		return (Datum) 0;
	paths.names = journey_labels(labels);
	paths.made = no_datums(labels->count);
	paths.places = palloc_extended((size_t) view.count * sizeof(PathPlace), MCXT_ALLOC_HUGE);
	paths.nodes = no_datums(paths.length > 0 ? paths.length : Min(paths.depth, view.count));
	pair_counts_start(&paths.beginnings);
	pair_counts_start(&paths.whole);
	path_start(&cursor, &view, channels, PG_GETARG_BOOL(3), by_session ? &rule : NULL);
	while (path_next(&cursor, &id))
	{
		if (cursor.session != session)
		{
			put_session(&paths);
			paths.count = 0;
			session = cursor.session;
		}
		paths.places[paths.count++] = (PathPlace) {id, cursor.at};
	}
	put_session(&paths);
	return (Datum) 0;
}
