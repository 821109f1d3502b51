/*
 * attribution/arguments.c: reads the arguments that several attribution
 * functions have, and says what is wrong with them.
 */
#include "funnel/argument.h"

#include "attribution/arguments.h"
#include "catalog/pg_type.h"
#include "journey/listed.h"
#include "journey/session_rule.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A model by its name, a text. */
AttributionModel
attribution_model_argument(Datum name)
{
	AttributionModel model;
	CjmError	error = {0};

	if (!attribution_model(label_from_text(DatumGetTextPP(name)), &model, &error))
		cjm_report(&error);
	return model;
}

/* The settings of the models: an interval and a float8[]. */
void
attribution_rules_arguments(Datum half_life, Datum weights, AttributionRules *rules)
{
	Datum	   *elements;
	double	   *numbers;
	bool	   *nulls;
	int			count;
	CjmError	error = {0};

	rules->half_life = interval_microseconds(DatumGetIntervalP(half_life), "half_life");
	if (rules->half_life == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must not be zero"),
				 errhint("It is the time after which a touchpoint is worth half as much, such as '7 days'.")));
	deconstruct_array(DatumGetArrayTypeP(weights), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, &count);
	numbers = palloc(Max(count, 1) * sizeof(double));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a weight must not be NULL")));
		numbers[i] = DatumGetFloat8(elements[i]);
	}
	if (!attribution_weights(numbers, count, rules, &error))
		cjm_report(&error);
}

/* Which entries of a journey's channel column are direct: none, and the labels of the argument. */
static const bool *
direct_channels(FunctionCallInfo fcinfo, int first, const JourneyView *view)
{
	bool	   *direct = palloc0((Size) view->channels.count + 1);
	Label		by_default = {"direct", 6};
	Label	   *list = &by_default;
	uint32		count = 1;
	CjmError	error = {0};

	direct[0] = true;
	if (PG_NARGS() > first + ATTRIBUTION_DIRECT)
		list = label_list(PG_GETARG_ARRAYTYPE_P(first + ATTRIBUTION_DIRECT), &count);
	if (!journey_listed(&view->channels, list, count, direct + 1, &error))
		cjm_report(&error);
	return direct;
}

/* Reads the arguments from the lookback on but which channels are direct, and what ends a visit; a function without them means the defaults. */
static void
read_options(FunctionCallInfo fcinfo, int first, int rule, AttributionRules *rules, AttributionScope *scope)
{
	static const char *const names[] = {
		"model", "lookback", "per", "session_gap", "half_life", "weights", "direct", "only_channels", "from_time", "to_time"
	};
	Label		per;

	if (PG_NARGS() <= first + ATTRIBUTION_MODEL)
	{
		*rules = (AttributionRules) {7 * USECS_PER_DAY, {0.4, 0.2, 0.4}};
		return;
	}
	for (int i = ATTRIBUTION_MODEL; first + i < Min(PG_NARGS(), rule); i++)
		if (PG_ARGISNULL(first + i) && i != ATTRIBUTION_LOOKBACK)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be NULL", names[i - ATTRIBUTION_MODEL])));
	scope->looks_back = !PG_ARGISNULL(first + ATTRIBUTION_LOOKBACK);
	if (scope->looks_back)
		scope->lookback = interval_microseconds(PG_GETARG_INTERVAL_P(first + ATTRIBUTION_LOOKBACK), "lookback");
	per = label_from_text(PG_GETARG_TEXT_PP(first + ATTRIBUTION_PER));
	scope->visits = label_equal(per, (Label) {"session", 7});
	if (!scope->visits && !label_equal(per, (Label) {"touchpoint", 10}))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("per must not be \"%.*s\"", (int) Min(per.size, 100), per.bytes),
				 errhint("It is touchpoint, for a share to each touchpoint, or session, for a share to each visit.")));
	(void) interval_microseconds(PG_GETARG_INTERVAL_P(first + ATTRIBUTION_GAP), "session gap");
	attribution_rules_arguments(PG_GETARG_DATUM(first + ATTRIBUTION_HALF_LIFE), PG_GETARG_DATUM(first + ATTRIBUTION_WEIGHTS), rules);
	scope->only_channels = PG_GETARG_BOOL(first + ATTRIBUTION_ONLY_CHANNELS);
}

/*
 * Opens the journey of a call whose arguments begin at first, in the current
 * context; fn_extra is used.  rule is the place of the argument that says what ends a
 * visit beside the gap, if there is one, and a time zone follows.  Returns false if it has no conversion, or if
 * journey or funnel are NULL.  What is wrong with the other arguments is said
 * all the same, unless they have been checked, as in an aggregate's next row.
 */
bool
attribution_open(FunctionCallInfo fcinfo, int first, int rule, bool checked, AttributionJourney *journey)
{
	FunnelMatcher *matcher;
	uint32	   *conversions;
	size_t		count;

	memset(journey, 0, sizeof(*journey));
	if (!checked)
		read_options(fcinfo, first, rule, &journey->rules, &journey->scope);
	if (PG_ARGISNULL(first + ATTRIBUTION_JOURNEY) || PG_ARGISNULL(first + ATTRIBUTION_CONVERSION))
		return false;
	journey_open_datum(PG_GETARG_DATUM(first + ATTRIBUTION_JOURNEY), &journey->view);
	matcher = funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(first + ATTRIBUTION_CONVERSION));
	if (PG_NARGS() > first + ATTRIBUTION_GAP)
		journey->scope.rule = session_rule_arguments(fcinfo, first + ATTRIBUTION_GAP, rule, rule + 1, funnel_call_extra(fcinfo));
	count = funnel_match_conversions(matcher, &journey->view, &conversions);
	if (count == 0)
		return false;
	if (checked)
		read_options(fcinfo, first, rule, &journey->rules, &journey->scope);
	journey->scope.direct = direct_channels(fcinfo, first, &journey->view);
	attribution_start(&journey->cursor, &journey->view, &journey->scope, conversions, count);
	return true;
}

/* Reads the conversions of the next time, with room for the shares of their units; false at the end. */
bool
attribution_read(AttributionJourney *journey, AttributionWindow *window)
{
	if (!attribution_next(&journey->cursor, window))
		return false;
	if (window->count > journey->capacity)
	{
		if (journey->shares != NULL)
			pfree(journey->shares);
		journey->capacity = journey->cursor.capacity;
		journey->shares = palloc_extended(journey->capacity * sizeof(double), MCXT_ALLOC_HUGE);
	}
	return true;
}
