/*
 * attribute.c: attribute(journey, conversion, ...), which touchpoints earned
 * the conversions of a journey, and attribution_credits(...), what its channels
 * earned by several models at once.
 */
#include "glue.h"

#include "access/htup_details.h"
#include "attribution_arguments.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_attribute);
PG_FUNCTION_INFO_V1(journey_attribution_credits);

#define CREDIT_COLUMNS 6
#define CHANNEL_COLUMNS 4

/* Arguments that both functions have at the same places. */
enum
{
	ARG_JOURNEY, ARG_CONVERSION, ARG_MODEL, ARG_LOOKBACK, ARG_PER, ARG_GAP, ARG_HALF_LIFE, ARG_WEIGHTS, ARG_DIRECT,
	ARG_ONLY_CHANNELS, ARG_FROM, ARG_TO
};

static const char *const argument_names[] = {
	"journey", "conversion", "model", "lookback", "per", "session_gap", "half_life", "weights", "direct",
	"only_channels", "from_time", "to_time"
};

/* Reads all arguments from ARG_LOOKBACK to ARG_ONLY_CHANNELS but which channels are direct. */
static void
read_options(FunctionCallInfo fcinfo, AttributionRules *rules, AttributionScope *scope)
{
	Label		per;

	for (int i = ARG_MODEL; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && i != ARG_LOOKBACK)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be NULL", i == ARG_MODEL && PG_NARGS() > ARG_FROM ? "models" : argument_names[i])));
	memset(scope, 0, sizeof(*scope));
	scope->looks_back = !PG_ARGISNULL(ARG_LOOKBACK);
	if (scope->looks_back)
		scope->lookback = interval_microseconds(PG_GETARG_INTERVAL_P(ARG_LOOKBACK), "lookback");
	per = label_from_text(PG_GETARG_TEXT_PP(ARG_PER));
	scope->visits = label_equal(per, (Label) {"session", 7});
	if (!scope->visits && !label_equal(per, (Label) {"touchpoint", 10}))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("per must not be \"%.*s\"", (int) Min(per.size, 100), per.bytes),
				 errhint("It is touchpoint, for a share to each touchpoint, or session, for a share to each visit.")));
	scope->gap = interval_microseconds(PG_GETARG_INTERVAL_P(ARG_GAP), "session gap");
	attribution_rules_arguments(PG_GETARG_DATUM(ARG_HALF_LIFE), PG_GETARG_DATUM(ARG_WEIGHTS), rules);
	scope->only_channels = PG_GETARG_BOOL(ARG_ONLY_CHANNELS);
}

/* Which entries of a journey's channel column are direct: none, and the labels of the argument. */
static const bool *
direct_channels(FunctionCallInfo fcinfo, const JourneyView *view)
{
	bool	   *direct = palloc0((Size) view->channels.count + 1);
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	direct[0] = true;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(ARG_DIRECT), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
		{
			int64		id = journey_find_label(&view->channels, label_from_text(DatumGetTextPP(elements[i])));

			if (id >= 0)
				direct[id + 1] = true;
		}
	return direct;
}

/* The value of a touchpoint.  Returns false if it has none. */
static bool
touch_value(const JourneyView *view, uint32 i, double *value)
{
	JourneyCursor cursor;
	Touch		touch;

	journey_cursor_start(&cursor, view, i);
	journey_cursor_next(&cursor, &touch);
	*value = touch.value;
	return touch.has_value;
}

/*
 * Opens the journey and begins with its conversions.  Returns false if there are
 * none; what is wrong with the other arguments has been said all the same.
 */
static bool
open_conversions(FunctionCallInfo fcinfo, JourneyView *view, AttributionScope *scope, AttributionRules *rules,
				 AttributionCursor *cursor)
{
	uint32	   *conversions;
	size_t		count;

	read_options(fcinfo, rules, scope);
	if (PG_ARGISNULL(ARG_JOURNEY) || PG_ARGISNULL(ARG_CONVERSION))
		return false;
	journey_open_datum(PG_GETARG_DATUM(ARG_JOURNEY), view);
	count = funnel_match_conversions(funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(ARG_CONVERSION)), view, &conversions);
	if (count == 0)
		return false;
	scope->direct = direct_channels(fcinfo, view);
	attribution_start(cursor, view, scope, conversions, count);
	return true;
}

/* The labels of a dictionary as texts. */
static Datum *
label_datums(const JourneyLabels *dictionary)
{
	Label	   *labels = journey_labels(dictionary);
	Datum	   *texts = palloc_extended(Max(dictionary->count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < dictionary->count; i++)
		texts[i] = label_to_datum(labels[i]);
	return texts;
}

/* attribute(): a row for each touchpoint or visit that earns a share of a conversion. */
Datum
journey_attribute(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AttributionModel model;
	AttributionRules rules;
	AttributionScope scope;
	AttributionCursor cursor;
	AttributionWindow window;
	JourneyView view;
	Datum	   *events;
	Datum	   *channels;
	double	   *shares = NULL;
	size_t		capacity = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (!open_conversions(fcinfo, &view, &scope, &rules, &cursor))
	{
		if (!PG_ARGISNULL(ARG_MODEL))
			attribution_model_argument(PG_GETARG_DATUM(ARG_MODEL));
		return (Datum) 0;
	}
	model = attribution_model_argument(PG_GETARG_DATUM(ARG_MODEL));
	events = label_datums(&view.events);
	channels = label_datums(&view.channels);
	while (attribution_next(&cursor, &window))
	{
		AttributionSpan span = {0, 0};

		if (window.count > capacity)
		{
			if (shares != NULL)
				pfree(shares);
			capacity = cursor.capacity;
			shares = palloc_extended(capacity * sizeof(double), MCXT_ALLOC_HUGE);
		}
		if (window.count > 0)
			span = attribution_shares(model, &rules, window.units, window.count, shares);
		for (size_t c = 0; c < window.nconversions; c++)
		{
			Datum		values[CREDIT_COLUMNS] = {TimestampTzGetDatum(window.at)};
			bool		nulls[CREDIT_COLUMNS] = {false};
			double		value;

			nulls[5] = !touch_value(&view, window.conversions[c], &value);
			if (window.count == 0)
			{
				nulls[1] = nulls[2] = nulls[3] = true;
				values[4] = Float8GetDatum(1);
				values[5] = Float8GetDatum(value);
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
				continue;
			}
			for (size_t i = span.first; i < span.end; i++)
			{
				const AttributionUnit *unit = &window.units[i];

				CHECK_FOR_INTERRUPTS();
				if (shares[i] == 0)
					continue;
				values[1] = TimestampTzGetDatum(unit->at);
				values[2] = events[journey_label_at(&view.events, unit->touch)];
				nulls[3] = unit->channel == 0;
				values[3] = nulls[3] ? (Datum) 0 : channels[unit->channel - 1];
				values[4] = Float8GetDatum(shares[i]);
				values[5] = Float8GetDatum(value * shares[i]);
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			}
		}
	}
	return (Datum) 0;
}

/* What a channel has earned by a model. */
typedef struct ChannelCredit
{
	double		conversions;
	bool		has_value;
	double		value;
} ChannelCredit;

/* Gives the conversions of one time to their channels by one model. */
static void
credit_channels(const AttributionWindow *window, const JourneyView *view, AttributionModel model,
				const AttributionRules *rules, double *shares, ChannelCredit *credits)
{
	AttributionSpan span = {0, 1};

	if (window->count > 0)
		span = attribution_shares(model, rules, window->units, window->count, shares);
	else
		shares[0] = 1;
	for (size_t c = 0; c < window->nconversions; c++)
	{
		double		value;
		bool		has_value = touch_value(view, window->conversions[c], &value);

		for (size_t i = span.first; i < span.end; i++)
		{
			ChannelCredit *credit = &credits[window->count > 0 ? window->units[i].channel : 0];

			CHECK_FOR_INTERRUPTS();
			if (shares[i] == 0)
				continue;
			credit->conversions += shares[i];
			if (has_value)
			{
				credit->has_value = true;
				credit->value += value * shares[i];
			}
		}
	}
}

/* The models of a text[] argument; returns how many. */
static int
read_models(Datum value, AttributionModel **models)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	*models = palloc(Max(count, 1) * sizeof(AttributionModel));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a model must not be NULL")));
		(*models)[i] = attribution_model_argument(elements[i]);
	}
	return count;
}

/*
 * attribution_credits(): a row for each model and channel that earns a part of
 * the conversions in a time range, which is [from, to).
 */
Datum
journey_attribution_credits(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AttributionModel *models;
	int			nmodels;
	AttributionRules rules;
	AttributionScope scope;
	AttributionCursor cursor;
	AttributionWindow window;
	JourneyView view;
	Datum	   *channels;
	size_t		nchannels;
	ChannelCredit *credits;
	double	   *shares = NULL;
	size_t		capacity = 0;
	bool		converts;

	InitMaterializedSRF(fcinfo, 0);
	converts = open_conversions(fcinfo, &view, &scope, &rules, &cursor);
	nmodels = read_models(PG_GETARG_DATUM(ARG_MODEL), &models);
	if (!converts)
		return (Datum) 0;

	nchannels = (size_t) view.channels.count + 1;
	credits = palloc_extended(nmodels * nchannels * sizeof(ChannelCredit), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	while (attribution_next(&cursor, &window))
	{
		if (window.at < PG_GETARG_TIMESTAMPTZ(ARG_FROM) || window.at >= PG_GETARG_TIMESTAMPTZ(ARG_TO))
			continue;
		if (shares == NULL || window.count > capacity)
		{
			if (shares != NULL)
				pfree(shares);
			capacity = cursor.capacity;
			shares = palloc_extended(capacity * sizeof(double), MCXT_ALLOC_HUGE);
		}
		for (int i = 0; i < nmodels; i++)
			credit_channels(&window, &view, models[i], &rules, shares, credits + i * nchannels);
	}

	channels = label_datums(&view.channels);
	for (int i = 0; i < nmodels; i++)
	{
		Datum		model = CStringGetTextDatum(attribution_model_name(models[i]));

		for (size_t c = 0; c < nchannels; c++)
		{
			const ChannelCredit *credit = &credits[i * nchannels + c];
			Datum		values[CHANNEL_COLUMNS] = {model};
			bool		nulls[CHANNEL_COLUMNS] = {false};

			if (credit->conversions == 0)
				continue;
			nulls[1] = c == 0;
			values[1] = c == 0 ? (Datum) 0 : channels[c - 1];
			values[2] = Float8GetDatum(credit->conversions);
			nulls[3] = !credit->has_value;
			values[3] = Float8GetDatum(credit->value);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
