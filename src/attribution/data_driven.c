/*
 * attribution/data_driven.c: the aggregates markov_attribution and shapley_attribution,
 * over journeys and over rows that are paths already.
 *
 * The state is a bytea, expanded while rows are counted (attribution/path_stats_expanded.c),
 * and tells the model and its settings, so that one combine function and one
 * final function serve all.  Neither order nor split of the rows matters: only
 * integers are added, and the models read them in the order of the labels.
 */
#include "funnel/argument.h"

#include "attribution/path_stats_expanded.h"

#include <math.h>

#include "access/htup_details.h"
#include "attribution/channel_credit.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(markov_attribution_journey);
PG_FUNCTION_INFO_V1(markov_attribution_journey_lenient);
PG_FUNCTION_INFO_V1(markov_attribution_path);
PG_FUNCTION_INFO_V1(shapley_attribution_journey);
PG_FUNCTION_INFO_V1(shapley_attribution_journey_lenient);
PG_FUNCTION_INFO_V1(shapley_attribution_path);
PG_FUNCTION_INFO_V1(attribution_paths_combine);
PG_FUNCTION_INFO_V1(attribution_paths_final);
PG_FUNCTION_INFO_V1(attribution_paths_final_or_null);

#define CREDIT_COLUMNS 4

/* Where the settings begin among the arguments of the transition functions. */
#define JOURNEY_SETTINGS 3
#define PATH_SETTINGS 5

/* A set of channels is worth conversions, and null paths have none. */
#define SHAPLEY_MODEL ((PathModel) {0, false})

static MemoryContext
calling_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : NULL;
}

/* The state as it is. */
static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static bool
any_null(FunctionCallInfo fcinfo, int from)
{
	for (int i = from; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/* The settings [order [, with_nulls]] of a Markov chain, from the given argument on. */
static PathModel
markov_model(FunctionCallInfo fcinfo, int from)
{
	PathModel	model = {1, true};

	if (PG_NARGS() > from)
		model.order = PG_GETARG_INT32(from);
	if (PG_NARGS() > from + 1)
		model.with_nulls = PG_GETARG_BOOL(from + 1);
	if (model.order < 1 || model.order > PATH_MAX_ORDER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("order of a Markov chain must be 1 or 2: %d", model.order)));
	return model;
}

/* The state in the first argument, to be changed: a new one, the aggregate's own, or a copy. */
static ExpandedPaths *
own_state(FunctionCallInfo fcinfo, PathModel model)
{
	MemoryContext aggregate = calling_aggregate(fcinfo);

	if (PG_ARGISNULL(0))
		return expanded_paths_new(aggregate, model);
	return expanded_paths_own(PG_GETARG_DATUM(0), aggregate);
}

/* Counts the paths of a journey; lenient: without values that cannot be credited, which else are an error. */
static Datum
add_journey(FunctionCallInfo fcinfo, PathModel model, bool lenient)
{
	FunnelMatcher *matcher = funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(2));
	ExpandedPaths *state = own_state(fcinfo, model);
	PathStats  *stats;
	MemoryContext old;
	JourneyView view;
	uint32	   *conversions = NULL;
	size_t		nconversions;
	CjmError	error = {0};

	journey_open_datum(PG_GETARG_DATUM(1), &view);
	nconversions = funnel_match_conversions(matcher, &view, &conversions);
	stats = expanded_paths_change(state, &old);
	if (!path_stats_require(stats, model, &error) ||
		!path_stats_add_journey(stats, &view, conversions, nconversions, lenient, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(expanded_paths_datum(state));
}

/* How many paths an argument says there were. */
static uint64
count_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
	int64		count = PG_ARGISNULL(argument) ? 0 : PG_GETARG_INT64(argument);

	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative: %lld", name, (long long) count)));
	return (uint64) count;
}

/* Counts a row (path, conversions, value, nulls). */
static Datum
add_path(FunctionCallInfo fcinfo, PathModel model)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	uint64		conversions = count_argument(fcinfo, 2, "conversions");
	double		value = PG_ARGISNULL(3) ? 0 : PG_GETARG_FLOAT8(3);
	uint64		nulls = count_argument(fcinfo, 4, "nulls");
	ExpandedPaths *state = own_state(fcinfo, model);
	PathStats  *stats;
	MemoryContext old;
	Datum	   *elements;
	bool	   *absent;
	int			count;
	uint32	   *path;
	uint32		length = 0;
	Amount		amount;
	CjmError	error = {0};

	if (conversions == 0 && value != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value without a conversion: %g", value),
				 errhint("Give 0 or NULL as the value of paths that have no conversions.")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &absent, &count);
	path = palloc_extended(Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	stats = expanded_paths_change(state, &old);
	if (!path_stats_require(stats, model, &error) || !path_value(value, &amount, &error))
		cjm_report(&error);
	for (int i = 0; i < count; i++)
		if (!absent[i] &&
			!path_stats_channel(stats, label_from_text(DatumGetTextPP(elements[i])), &path[length++], &error))
			cjm_report(&error);
	if (!path_stats_add(stats, path, length, conversions, nulls, amount, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(expanded_paths_datum(state));
}

/*
 * The transition functions.  A row with a NULL does not count, but that
 * conversions, value and nulls may be NULL for none.
 */

Datum
markov_attribution_journey(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 1))
		return unchanged(fcinfo);
	return add_journey(fcinfo, markov_model(fcinfo, JOURNEY_SETTINGS), false);
}

Datum
markov_attribution_journey_lenient(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 1))
		return unchanged(fcinfo);
	return add_journey(fcinfo, markov_model(fcinfo, JOURNEY_SETTINGS), true);
}

Datum
markov_attribution_path(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || any_null(fcinfo, PATH_SETTINGS))
		return unchanged(fcinfo);
	return add_path(fcinfo, markov_model(fcinfo, PATH_SETTINGS));
}

Datum
shapley_attribution_journey(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 1))
		return unchanged(fcinfo);
	return add_journey(fcinfo, SHAPLEY_MODEL, false);
}

Datum
shapley_attribution_journey_lenient(PG_FUNCTION_ARGS)
{
	if (any_null(fcinfo, 1))
		return unchanged(fcinfo);
	return add_journey(fcinfo, SHAPLEY_MODEL, true);
}

Datum
shapley_attribution_path(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	return add_path(fcinfo, SHAPLEY_MODEL);
}

/* The paths of both; one NULL counts as none, two NULLs are NULL. */
Datum
attribution_paths_combine(PG_FUNCTION_ARGS)
{
	ExpandedPaths *state;
	const PathStats *other;
	PathStats  *stats;
	MemoryContext old;
	CjmError	error = {0};

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	other = path_stats_open_datum(PG_GETARG_DATUM(1));
	state = own_state(fcinfo, other->model);
	stats = expanded_paths_change(state, &old);
	if (!path_stats_merge(stats, other, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(expanded_paths_datum(state));
}

/* A row of type channel_credit; no label: conversions without a channel. */
static Datum
credit_row(TupleDesc row, Label channel, const ChannelCredit *credit)
{
	Datum		values[CREDIT_COLUMNS] = {
		channel.bytes != NULL ? label_to_datum(channel) : (Datum) 0,
		Float8GetDatum(credit->removal_effect),
		Float8GetDatum(credit->conversions),
		Float8GetDatum(credit->value)
	};
	bool		nulls[CREDIT_COLUMNS] = {channel.bytes == NULL, isnan(credit->removal_effect), false, false};

	return HeapTupleGetDatum(heap_form_tuple(row, values, nulls));
}

/*
 * The credits as an array of channel_credit, by channel, the conversions
 * without a channel last.  Reads the state without changing it.  What is larger
 * than a limit is NULL or an error.
 */
static Datum
final_credits(FunctionCallInfo fcinfo, bool or_null)
{
	Oid			type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	PathStats	sorted;
	PathTotals	totals;
	ChannelCredit *credits;
	Datum	   *rows;
	int			count = 0;
	TupleDesc	row;
	int16		length;
	bool		byval;
	char		align;
	CjmError	error = {0};

	path_stats_sorted(&sorted, path_stats_open_datum(PG_GETARG_DATUM(0)));
	credits = palloc0((sorted.nchannels + 1) * sizeof(ChannelCredit));
	if (!path_totals(&sorted, &totals, &error))
		cjm_report(&error);
	if (sorted.model.order == 0)
		shapley_credits(&sorted, &totals, credits);
	else if (!markov_credits(&sorted, &totals, credits, &error))
	{
		if (or_null && error.kind == CJM_ERROR_LIMIT)
			PG_RETURN_NULL();
		cjm_report(&error);
	}

	row = lookup_rowtype_tupdesc(type, -1);
	rows = palloc((sorted.nchannels + 1) * sizeof(Datum));
	for (uint32 i = 0; i < sorted.nchannels; i++)
		rows[count++] = credit_row(row, sorted.channels[i], &credits[i]);
	if (totals.direct_conversions > 0)
	{
		ChannelCredit direct = {NAN, (double) totals.direct_conversions, totals.direct_value};

		rows[count++] = credit_row(row, (Label) {NULL, 0}, &direct);
	}
	ReleaseTupleDesc(row);
	get_typlenbyvalalign(type, &length, &byval, &align);
	PG_RETURN_ARRAYTYPE_P(construct_array(rows, count, type, length, byval, align));
}

Datum
attribution_paths_final(PG_FUNCTION_ARGS)
{
	return final_credits(fcinfo, false);
}

Datum
attribution_paths_final_or_null(PG_FUNCTION_ARGS)
{
	return final_credits(fcinfo, true);
}
