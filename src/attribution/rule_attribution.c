/*
 * attribution/rule_attribution.c: the aggregate rule_attribution(journey, conversion, ...):
 * what each channel earned by the rule-based models, all in one pass and
 * without a row for each touchpoint.
 *
 * The state is an AttributionSums in the aggregate's context.
 */
#include "journey/argument.h"

#include "access/htup_details.h"
#include "attribution/arguments.h"
#include "attribution/sums.h"
#include "base/glue.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
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

#define ALL_MODELS ((1U << ATTRIBUTION_MODELS) - 1)
#define NO_PLACE PG_UINT32_MAX
#define CREDIT_COLUMNS 4

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

/* rule_attribution_step(state, journey, conversion [, models, lookback, ... [, session_rule, time_zone]]): adds the conversions of a journey. */
Datum
rule_attribution_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	AttributionSums *sums = PG_ARGISNULL(0) ? NULL : (AttributionSums *) PG_GETARG_POINTER(0);
	bool		has_options = PG_NARGS() > 1 + ATTRIBUTION_MODEL;
	AttributionJourney journey;
	AttributionWindow window;
	MemoryContext old;
	uint32		models = ALL_MODELS;
	uint32	   *places;
	Label	   *channels;
	bool		converts;

	if (has_options && PG_ARGISNULL(1 + ATTRIBUTION_MODEL))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("models must not be NULL")));
	converts = attribution_open(fcinfo, 1, 1 + ATTRIBUTION_TO + 1, sums != NULL, &journey);
	if (has_options && (converts || sums == NULL))
		models = read_models(PG_GETARG_DATUM(1 + ATTRIBUTION_MODEL));
	if (sums == NULL && !PG_ARGISNULL(1 + ATTRIBUTION_JOURNEY) && !PG_ARGISNULL(1 + ATTRIBUTION_CONVERSION))
	{
		old = MemoryContextSwitchTo(context);
		sums = attribution_sums(models);
		MemoryContextSwitchTo(old);
	}
	if (!converts)
	{
		if (sums == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(sums);
	}

	sums->models |= models;
	channels = journey_labels(&journey.view.channels);
	places = palloc_extended(((Size) journey.view.channels.count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	memset(places, 0xff, ((Size) journey.view.channels.count + 1) * sizeof(uint32));
	while (attribution_read(&journey, &window))
	{
		if (has_options && (window.at < PG_GETARG_TIMESTAMPTZ(1 + ATTRIBUTION_FROM) ||
							window.at >= PG_GETARG_TIMESTAMPTZ(1 + ATTRIBUTION_TO)))
			continue;
		old = MemoryContextSwitchTo(context);
		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
			if (models >> model & 1)
				credit_window(sums, (AttributionModel) model, &journey, &window, places, channels);
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_POINTER(sums);
}

Datum
rule_attribution_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	AttributionSums *sums = PG_ARGISNULL(0) ? NULL : (AttributionSums *) PG_GETARG_POINTER(0);
	MemoryContext old;

	if (PG_ARGISNULL(1))
	{
		if (sums == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(sums);
	}
	old = MemoryContextSwitchTo(context);
	if (sums == NULL)
		sums = attribution_sums(0);
	attribution_sums_merge(sums, (AttributionSums *) PG_GETARG_POINTER(1));
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(sums);
}

/*
 * A state on its way to another process of the same build: models, channels,
 * and for each its label, after the first one, and its sums by model.
 */
Datum
rule_attribution_serialize(PG_FUNCTION_ARGS)
{
	const AttributionSums *sums = (AttributionSums *) PG_GETARG_POINTER(0);
	StringInfoData out;

	aggregate_context(fcinfo);
	pq_begintypsend(&out);
	pq_sendint32(&out, sums->models);
	pq_sendint32(&out, sums->count);
	for (uint32 i = 0; i < sums->count; i++)
	{
		const ChannelSums *channel = &sums->channels[i];

		if (i > 0)
		{
			pq_sendint32(&out, channel->channel.size);
			pq_sendbytes(&out, channel->channel.bytes, channel->channel.size);
		}
		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
		{
			pq_sendfloat8(&out, channel->models[model].conversions.high);
			pq_sendfloat8(&out, channel->models[model].conversions.low);
			pq_sendfloat8(&out, channel->models[model].value.high);
			pq_sendfloat8(&out, channel->models[model].value.low);
			pq_sendbyte(&out, channel->models[model].has_value);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Nothing that is not there is read, and no count is believed. */
Datum
rule_attribution_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_P(0);
	StringInfoData in = {.data = VARDATA(value),.len = VARSIZE(value) - VARHDRSZ};
	AttributionSums *sums;
	uint32		count;

	aggregate_context(fcinfo);
	sums = attribution_sums(pq_getmsgint(&in, 4) & ALL_MODELS);
	count = pq_getmsgint(&in, 4);
	for (uint32 i = 0; i < count; i++)
	{
		Label		label = NO_LABEL;
		ChannelSums *channel;

		if (i > 0)
		{
			label.size = pq_getmsgint(&in, 4);
			label.bytes = pq_getmsgbytes(&in, label.size);
			if (label.size == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						 errmsg("invalid aggregate state")));
		}
		channel = &sums->channels[attribution_sums_place(sums, label)];
		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
		{
			channel->models[model].conversions.high = pq_getmsgfloat8(&in);
			channel->models[model].conversions.low = pq_getmsgfloat8(&in);
			channel->models[model].value.high = pq_getmsgfloat8(&in);
			channel->models[model].value.low = pq_getmsgfloat8(&in);
			channel->models[model].has_value = pq_getmsgbyte(&in) != 0;
		}
	}
	pq_getmsgend(&in);
	PG_RETURN_POINTER(sums);
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
	const AttributionSums *sums = PG_ARGISNULL(0) ? NULL : (AttributionSums *) PG_GETARG_POINTER(0);
	TupleDesc	row = element_row(fcinfo);
	ArrayBuildState *credits;
	uint32	   *order;

	aggregate_context(fcinfo);
	if (sums == NULL)
		PG_RETURN_NULL();
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
