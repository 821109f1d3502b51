/*
 * pattern/sequence_agg.c: sequence_match, sequence_count and sequence_match_events.
 *
 * The state is a ConditionLog whose head is the text of the pattern.  A row
 * that no condition holds for is no part of any sequence, as in ClickHouse, and
 * is not kept; a row without a time is not there at all.
 */
#include "conditions/agg.h"
#include "pattern/cache.h"

PG_FUNCTION_INFO_V1(sequence_agg_step);
PG_FUNCTION_INFO_V1(sequence_agg_combine);
PG_FUNCTION_INFO_V1(sequence_match_final);
PG_FUNCTION_INFO_V1(sequence_count_final);
PG_FUNCTION_INFO_V1(sequence_match_events_final);

typedef struct SequenceSite
{
	ConditionSite conditions;
	CachedPattern *pattern;
	const ConditionHead *head;	/* of its states */
	bool		sparse;			/* no row that matters, no state: nothing changes, and the pattern has been read */
} SequenceSite;

static void
report_patterns(const char *a, size_t size_a, const char *b, size_t size_b)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("pattern must be the same in all rows of a group"),
			 errdetail("One is \"%.*s\", another \"%.*s\".", (int) size_a, a, (int) size_b, b),
			 errhint("Group by the pattern, too, or call the aggregate once for each.")));
}

static void
check_patterns(const ConditionHead *a, const ConditionHead *b)
{
	if (!condition_head_is(a, b->bytes, b->size))
		report_patterns((const char *) a->bytes, a->size, (const char *) b->bytes, b->size);
}

/* A new state for rows like the one at hand, whose pattern is read to see that it is one. */
static ConditionLog *
create_state(FunctionCallInfo fcinfo, SequenceSite *site, text *pattern, const Conditions *conditions)
{
	CachedPattern *cached = pattern_cached(&site->pattern, fcinfo->flinfo->fn_mcxt,
										   VARDATA_ANY(pattern), VARSIZE_ANY_EXHDR(pattern), PATTERN_NUMBERED);
	uint32		needed = pattern_conditions(cached->program);

	if (needed > conditions->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pattern \"%s\" asks for condition %u, but there are %u",
						cached->text, needed, conditions->count),
				 errhint("Conditions count from 1, in the order of the arguments after the time.")));
	/* A pattern that needs no row matches none as well, so its groups need a state. */
	site->sparse = site->conditions.fixed && !pattern_matches_nothing(cached->program);
	return condition_agg_create(fcinfo, &site->head, conditions->count,
								VARDATA_ANY(pattern), VARSIZE_ANY_EXHDR(pattern), 0);
}

static SequenceSite *
sequence_site(FunctionCallInfo fcinfo)
{
	SequenceSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
	{
		site = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(SequenceSite));
		site->conditions.head = 1;
	}
	return site;
}

/* sequence_agg_step(state, pattern, at, conditions) */
Datum
sequence_agg_step(PG_FUNCTION_ARGS)
{
	ConditionLog *log = aggregate_state(fcinfo, 0);
	SequenceSite *site = sequence_site(fcinfo);
	text	   *pattern;
	Conditions	conditions;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("pattern must not be null")));
	if (PG_ARGISNULL(2) || !conditions_argument(fcinfo, 3, &site->conditions, &conditions))
		return condition_agg_return(fcinfo, log);
	if (site->sparse)
	{
		if (!conditions_any(&conditions))
			return condition_agg_leave(fcinfo, log, PG_GETARG_TIMESTAMPTZ(2));
		if (log != NULL)
			return condition_agg_add(log, PG_GETARG_TIMESTAMPTZ(2), &conditions);
	}
	pattern = PG_GETARG_TEXT_PP(1);
	if (log == NULL)
		log = create_state(fcinfo, site, pattern, &conditions);
	else if (!condition_head_is(log->head, VARDATA_ANY(pattern), VARSIZE_ANY_EXHDR(pattern)))
		report_patterns((const char *) log->head->bytes, log->head->size,
						VARDATA_ANY(pattern), VARSIZE_ANY_EXHDR(pattern));
	if (conditions_any(&conditions))
		return condition_agg_add(log, PG_GETARG_TIMESTAMPTZ(2), &conditions);
	return condition_agg_pass_over(log, PG_GETARG_TIMESTAMPTZ(2), &conditions);
}

Datum
sequence_agg_combine(PG_FUNCTION_ARGS)
{
	return condition_agg_combine(fcinfo, check_patterns);
}

/* The program and the rows of a state that is not NULL; for the caller to free the rows. */
static PatternProgram *
open_state(FunctionCallInfo fcinfo, ConditionRows *rows)
{
	ConditionLog *log = aggregate_state(fcinfo, 0);
	CachedPattern *cached = pattern_cached((CachedPattern **) &fcinfo->flinfo->fn_extra, fcinfo->flinfo->fn_mcxt,
										   (const char *) log->head->bytes, log->head->size, PATTERN_NUMBERED);
	CjmError	error = {0};

	if (!condition_log_rows(log, rows, &error))
		cjm_report(&error);
	return cached->program;
}

/* The final functions only read the state: as window aggregates they go on. */
Datum
sequence_match_final(PG_FUNCTION_ARGS)
{
	ConditionRows rows;
	PatternProgram *program;
	bool		result;

	if (aggregate_state(fcinfo, 0) == NULL)
		PG_RETURN_BOOL(false);
	program = open_state(fcinfo, &rows);
	result = pattern_matches(program, &rows);
	condition_rows_close(&rows);
	PG_RETURN_BOOL(result);
}

Datum
sequence_count_final(PG_FUNCTION_ARGS)
{
	ConditionRows rows;
	PatternProgram *program;
	uint32		result;

	if (aggregate_state(fcinfo, 0) == NULL)
		PG_RETURN_INT32(0);
	program = open_state(fcinfo, &rows);
	result = pattern_count(program, &rows);
	condition_rows_close(&rows);
	PG_RETURN_INT32((int32) result);
}

/* Without a match: of the longest beginning of one, as in ClickHouse. */
Datum
sequence_match_events_final(PG_FUNCTION_ARGS)
{
	ConditionRows rows;
	PatternProgram *program;
	CjmError	error = {0};
	int64	   *times;
	uint32		count;

	if (aggregate_state(fcinfo, 0) == NULL)
		PG_RETURN_DATUM(times_array(NULL, 0));
	program = open_state(fcinfo, &rows);
	count = pattern_events(program, &rows, true, &times, &error);
	if (error.kind != CJM_ERROR_NONE)
		cjm_report(&error);
	condition_rows_close(&rows);
	PG_RETURN_DATUM(times_array(times, count));
}
