/*
 * conditions/window_funnel_agg.c: window_funnel(within, [mode,] at, VARIADIC steps).
 *
 * The state is a log of the rows (conditions/agg.h) with the rules as its head.
 * Rows that match no step are not kept unless the mode wants to see them.
 */
#include "conditions/agg.h"

#include "conditions/window_funnel.h"

PG_FUNCTION_INFO_V1(window_funnel_step);
PG_FUNCTION_INFO_V1(window_funnel_step_mode);
PG_FUNCTION_INFO_V1(window_funnel_combine);
PG_FUNCTION_INFO_V1(window_funnel_final);

/* The rules of a call site, the arguments that they were read from, and the head of its states. */
typedef struct CachedRules
{
	ConditionSite conditions;
	bool		sparse;			/* no row that matters, no state: nothing changes, and the rules have been read */
	Interval	within;
	text	   *mode;			/* a copy, or NULL */
	WindowFunnelRules rules;
	const ConditionHead *head;
} CachedRules;

static void
null_argument(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s of window_funnel must not be null", name)));
}

static bool
same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* The rules in argument 1 and, if there is one, argument 2; read again only if they change. */
static CachedRules *
rules_argument(FunctionCallInfo fcinfo, bool has_mode)
{
	CachedRules *cache = fcinfo->flinfo->fn_extra;
	Interval   *within;
	text	   *mode = NULL;
	CachedRules fresh;
	CjmError	error = {0};

	if (cache && cache->sparse)
		return cache;
	if (PG_ARGISNULL(1))
		null_argument("the window");
	within = PG_GETARG_INTERVAL_P(1);
	if (has_mode)
	{
		if (PG_ARGISNULL(2))
			null_argument("the mode");
		mode = PG_GETARG_TEXT_PP(2);
	}
	if (cache && memcmp(&cache->within, within, sizeof(Interval)) == 0 &&
		(mode == NULL || same_text(cache->mode, mode)))
		return cache;

	memset(&fresh, 0, sizeof(fresh));
	fresh.within = *within;
	fresh.rules.within = interval_microseconds(within, "the window of window_funnel");
	if (mode && !window_funnel_modes(VARDATA_ANY(mode), VARSIZE_ANY_EXHDR(mode), &fresh.rules, &error))
		cjm_report(&error);
	if (mode)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		fresh.mode = (text *) bytes_to_varlena(VARDATA_ANY(mode), VARSIZE_ANY_EXHDR(mode));
		MemoryContextSwitchTo(old);
	}
	if (cache == NULL)
		cache = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CachedRules));
	else if (cache->mode)
		pfree(cache->mode);
	fresh.conditions = cache->conditions;
	fresh.conditions.head = has_mode ? 2 : 1;
	fresh.head = cache->head;
	*cache = fresh;
	return cache;
}

static void
changed_rules(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the window and the mode of window_funnel must be the same in all rows of a group"),
			 errhint("Make them constants, or columns that the rows are grouped by.")));
}

static void
check_heads(const ConditionHead *a, const ConditionHead *b)
{
	if (!condition_head_is(a, b->bytes, b->size))
		changed_rules();
}

/* A row; the time is argument n, the conditions are argument n + 1. */
static Datum
add_row(FunctionCallInfo fcinfo, int n)
{
	ConditionLog *log = aggregate_state(fcinfo, 0);
	CachedRules *cache = rules_argument(fcinfo, n > 2);
	const WindowFunnelRules *rules = &cache->rules;
	Conditions	conditions;
	CjmError	error = {0};

	if (PG_ARGISNULL(n) || !conditions_argument(fcinfo, n + 1, &cache->conditions, &conditions))
		return condition_agg_return(fcinfo, log);
	if (cache->sparse)
	{
		if (!conditions_any(&conditions))
			return condition_agg_leave(fcinfo, log, PG_GETARG_TIMESTAMPTZ(n));
		if (log != NULL)
			return condition_agg_add(log, PG_GETARG_TIMESTAMPTZ(n), &conditions);
	}
	if (log == NULL)
	{
		if (!window_funnel_check(rules, conditions.count, &error))
			cjm_report(&error);
		cache->sparse = cache->conditions.fixed && !rules->order;
		log = condition_agg_create(fcinfo, &cache->head, conditions.count, rules, sizeof(WindowFunnelRules), 0);
	}
	else if (!condition_head_is(log->head, rules, sizeof(WindowFunnelRules)))
		changed_rules();
	if (!rules->order && !conditions_any(&conditions))
		return condition_agg_pass_over(log, PG_GETARG_TIMESTAMPTZ(n), &conditions);
	return condition_agg_add(log, PG_GETARG_TIMESTAMPTZ(n), &conditions);
}

Datum
window_funnel_step(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, 2);
}

Datum
window_funnel_step_mode(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, 3);
}

Datum
window_funnel_combine(PG_FUNCTION_ARGS)
{
	return condition_agg_combine(fcinfo, check_heads);
}

/* No rows: nobody went anywhere, 0. */
Datum
window_funnel_final(PG_FUNCTION_ARGS)
{
	ConditionLog *log = aggregate_state(fcinfo, 0);
	WindowFunnelRules rules;
	ConditionRows rows;
	CjmError	error = {0};
	int			level;

	if (log == NULL || log->count == 0)
		PG_RETURN_INT32(0);
	if (log->head->size != sizeof(rules))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid aggregate state")));
	memcpy(&rules, log->head->bytes, sizeof(rules));
	if (!condition_log_rows(log, &rows, &error))
		cjm_report(&error);
	level = window_funnel_level(&rules, &rows);
	condition_rows_close(&rows);
	PG_RETURN_INT32(level);
}
