/*
 * attribution/rule_attribution.c: the aggregate rule_attribution(journey, conversion, ...):
 * what each channel earned by the rule-based models, all in one pass and
 * without a row for each touchpoint.
 *
 * The state is an AttributionSums in an expanded object (base/state.h), a real type to SQL, so that an
 * aggregate over several servers sends a state for each group and no journey.
 */
#include "journey/argument.h"

#include "access/htup_details.h"
#include "attribution/arguments.h"
#include "attribution/sums.h"
#include "base/glue.h"
#include "base/state.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(rule_attribution_step);
PG_FUNCTION_INFO_V1(rule_attribution_combine);
PG_FUNCTION_INFO_V1(rule_attribution_serialize);
PG_FUNCTION_INFO_V1(rule_attribution_deserialize);
PG_FUNCTION_INFO_V1(rule_attribution_final);

#define NO_PLACE PG_UINT32_MAX
#define CREDIT_COLUMNS 4

static void
encode_sums(StringInfo out, void *contents)
{
	attribution_sums_encode(out, contents);
}

static const StateKind sums_kind = {sizeof(AttributionSums), encode_sums};

/*
 * A state to be read: an object as it is, bytes decoded, and by that checked, into
 * the current context.  Channels must be text of this database.
 */
static const AttributionSums *
open_sums(Datum value)
{
	AttributionSums *sums = state_contents(value, &sums_kind);
	struct varlena *bytes;
	CjmError	error = {0};

	if (sums != NULL)
		return sums;
	bytes = PG_DETOAST_DATUM_PACKED(value);
	sums = palloc0(sizeof(AttributionSums));
	if (!attribution_sums_decode((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), sums, &error))
		cjm_report(&error);
	for (uint32 i = 1; i < sums->count; i++)
		pg_verifymbstr(sums->channels[i].channel.bytes, (int) sums->channels[i].channel.size, false);
	return sums;
}

/* The set of models that a text[] names. */
static uint32
read_models(Datum value)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	uint32		models = 0;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a model must not be NULL")));
		models |= 1U << attribution_model_argument(elements[i]);
	}
	return models;
}

/* The place of a channel of the journey in the sums, which is looked up once a journey. */
static ChannelSums *
channel_sums(AttributionSums *sums, uint32 *places, const Label *channels, uint32 channel)
{
	if (places[channel] == NO_PLACE)
		places[channel] = attribution_sums_place(sums, channel == 0 ? NO_LABEL : channels[channel - 1]);
	return &sums->channels[places[channel]];
}

/* Gives the conversions of one time to their channels by one model. */
static void
credit_window(AttributionSums *sums, AttributionModel model, const AttributionJourney *journey,
			  const AttributionWindow *window, uint32 *places, const Label *channels)
{
	AttributionSpan span = {0, 1};

	if (window->count > 0)
		span = attribution_shares(model, &journey->rules, window->units, window->count, journey->shares);
	for (size_t c = 0; c < window->nconversions; c++)
	{
		const AttributionConversion *conversion = &window->conversions[c];

		for (size_t i = span.first; i < span.end; i++)
		{
			double		share = window->count > 0 ? journey->shares[i] : 1;
			ModelSums  *credit;

			CHECK_FOR_INTERRUPTS();
			if (share == 0)
				continue;
			credit = &channel_sums(sums, places, channels, window->count > 0 ? window->units[i].channel : 0)->models[model];
			long_sum_add(&credit->conversions, share);
			if (conversion->has_value)
			{
				credit->has_value = true;
				long_sum_add(&credit->value, conversion->value * share);
			}
		}
	}
}

/* The state in the first argument, to be changed: the aggregate's own, or a new one with what there is. */
static AggregateState *
own_state(FunctionCallInfo fcinfo, uint32 models)
{
	MemoryContext aggregate = calling_aggregate(fcinfo);
	AggregateState *state = PG_ARGISNULL(0) ? NULL : state_of_aggregate(PG_GETARG_DATUM(0), aggregate, &sums_kind);

	if (state == NULL)
	{
		MemoryContext old;
		AttributionSums *sums;

		state = state_new(aggregate, &sums_kind);
		sums = state_change(state, &old);
		attribution_sums_init(sums, models);
		if (!PG_ARGISNULL(0))
			attribution_sums_merge(sums, open_sums(PG_GETARG_DATUM(0)));
		MemoryContextSwitchTo(old);
	}
	return state;
}

/* The state as it is. */
static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* rule_attribution_step(state, journey, conversion [, models, lookback, ... [, session_rule, time_zone]]): adds the conversions of a journey. */
Datum
rule_attribution_step(PG_FUNCTION_ARGS)
{
	bool		has_options = PG_NARGS() > 1 + ATTRIBUTION_MODEL;
	bool		is_first = PG_ARGISNULL(0);
	AggregateState *state;
	AttributionSums *sums;
	AttributionJourney journey;
	AttributionWindow window;
	MemoryContext old;
	uint32		models = ATTRIBUTION_ALL_MODELS;
	uint32	   *places;
	Label	   *channels;
	bool		converts;

	if (has_options && PG_ARGISNULL(1 + ATTRIBUTION_MODEL))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("models must not be NULL")));
	converts = attribution_open(fcinfo, 1, 1 + ATTRIBUTION_TO + 1, !is_first, &journey);
	if (has_options && (converts || is_first))
		models = read_models(PG_GETARG_DATUM(1 + ATTRIBUTION_MODEL));
	if (!converts && (!is_first || PG_ARGISNULL(1 + ATTRIBUTION_JOURNEY) || PG_ARGISNULL(1 + ATTRIBUTION_CONVERSION)))
		return unchanged(fcinfo);
	state = own_state(fcinfo, models);
	if (!converts)
		PG_RETURN_DATUM(state_datum(state));

	sums = state_change(state, &old);
	sums->models |= models;
	MemoryContextSwitchTo(old);
	channels = journey_labels(&journey.view.channels);
	places = palloc_extended(((Size) journey.view.channels.count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	memset(places, 0xff, ((Size) journey.view.channels.count + 1) * sizeof(uint32));
	while (attribution_read(&journey, &window))
	{
		if (has_options && (window.at < PG_GETARG_TIMESTAMPTZ(1 + ATTRIBUTION_FROM) ||
							window.at >= PG_GETARG_TIMESTAMPTZ(1 + ATTRIBUTION_TO)))
			continue;
		state_change(state, &old);
		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
			if (models >> model & 1)
				credit_window(sums, (AttributionModel) model, &journey, &window, places, channels);
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_DATUM(state_datum(state));
}

/* The sums of both; one NULL counts as none, two NULLs are NULL. */
Datum
rule_attribution_combine(PG_FUNCTION_ARGS)
{
	AggregateState *state;
	const AttributionSums *other;
	MemoryContext old;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	other = open_sums(PG_GETARG_DATUM(1));
	state = own_state(fcinfo, 0);
	attribution_sums_merge(state_change(state, &old), other);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(state_datum(state));
}

/*
 * What the SQL of 0.1.0 calls, where states are internal: to and from bytes.  Nobody
 * but its aggregate has a state to call with.
 */
Datum
rule_attribution_serialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
}

Datum
rule_attribution_deserialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_DATUM(PointerGetDatum(PG_GETARG_BYTEA_P_COPY(0)));
}

/* The row type that the function returns an array of, which stays with its call site. */
static TupleDesc
element_row(FunctionCallInfo fcinfo)
{
	FmgrInfo   *call = fcinfo->flinfo;

	if (call->fn_extra == NULL)
	{
		Oid			element = get_element_type(get_func_rettype(call->fn_oid));
		MemoryContext old = MemoryContextSwitchTo(call->fn_mcxt);

		call->fn_extra = lookup_rowtype_tupdesc_copy(element, -1);
		MemoryContextSwitchTo(old);
	}
	return (TupleDesc) call->fn_extra;
}

/* An element for each model and channel that has earned something, by model and channel. */
Datum
rule_attribution_final(PG_FUNCTION_ARGS)
{
	const AttributionSums *sums;
	TupleDesc	row;
	ArrayBuildState *credits;
	uint32	   *order;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	sums = open_sums(PG_GETARG_DATUM(0));
	row = element_row(fcinfo);
	order = attribution_sums_order(sums);
	credits = initArrayResult(row->tdtypeid, CurrentMemoryContext, false);
	for (int model = 0; model < ATTRIBUTION_MODELS; model++)
	{
		Datum		name = CStringGetTextDatum(attribution_model_name((AttributionModel) model));

		for (uint32 i = 0; i < sums->count && (sums->models >> model & 1); i++)
		{
			const ChannelSums *channel = &sums->channels[order[i]];
			const ModelSums *credit = &channel->models[model];
			Datum		values[CREDIT_COLUMNS] = {name};
			bool		nulls[CREDIT_COLUMNS] = {false};

			CHECK_FOR_INTERRUPTS();
			if (credit->conversions.high == 0)
				continue;
			nulls[1] = channel->channel.bytes == NULL;
			values[1] = nulls[1] ? (Datum) 0 : label_to_datum(channel->channel);
			values[2] = Float8GetDatum(long_sum(credit->conversions));
			nulls[3] = !credit->has_value;
			values[3] = Float8GetDatum(long_sum(credit->value));
			accumArrayResult(credits, HeapTupleGetDatum(heap_form_tuple(row, values, nulls)), false, row->tdtypeid,
							 CurrentMemoryContext);
		}
	}
	PG_RETURN_DATUM(makeArrayResult(credits, CurrentMemoryContext));
}
