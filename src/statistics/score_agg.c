/*
 * statistics/score_agg.c: nps, csat, ces and their intervals, aggregates over scores.
 *
 * The state is a bigint[3], the fields of Answers in order: a type that can
 * travel between servers.  NULL before the first answer.  It is changed in
 * place, since it belongs to the aggregate.
 */
#include "base/glue.h"

#include "catalog/pg_type.h"
#include "statistics/score.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(nps_step);
PG_FUNCTION_INFO_V1(csat_step);
PG_FUNCTION_INFO_V1(ces_step);
PG_FUNCTION_INFO_V1(score_combine);
PG_FUNCTION_INFO_V1(nps_final);
PG_FUNCTION_INFO_V1(csat_final);
PG_FUNCTION_INFO_V1(ces_final);
PG_FUNCTION_INFO_V1(nps_interval_final);
PG_FUNCTION_INFO_V1(csat_interval_final);
PG_FUNCTION_INFO_V1(ces_interval_final);

#define STATE_LENGTH ((int) (sizeof(Answers) / sizeof(int64)))

/* The answers in a state, which is checked: anybody may make an aggregate of these functions, over any array. */
static Answers *
answers_of(ArrayType *state)
{
	Answers    *answers = (Answers *) ARR_DATA_PTR(state);

	if (ARR_NDIM(state) != 1 || ARR_HASNULL(state) || ARR_ELEMTYPE(state) != INT8OID || ARR_DIMS(state)[0] != STATE_LENGTH ||
		!answers_valid(answers))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid aggregate state")));
	return answers;
}

static ArrayType *
state_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_ARRAYTYPE_P(n);
}

static Datum
return_state(FunctionCallInfo fcinfo, ArrayType *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(state);
}

/* A state of no answers, to be added to. */
static ArrayType *
new_state(MemoryContext context)
{
	size_t		size = ARR_OVERHEAD_NONULLS(1) + sizeof(Answers);
	ArrayType  *state = MemoryContextAllocZero(context, size);

	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->elemtype = INT8OID;
	ARR_DIMS(state)[0] = STATE_LENGTH;
	ARR_LBOUND(state)[0] = 1;
	return state;
}

/* Takes a row into account; one without a score is none. */
static Datum
add_score(FunctionCallInfo fcinfo, Survey survey)
{
	MemoryContext context = aggregate_context(fcinfo);
	ArrayType  *state = state_argument(fcinfo, 0);
	Answers    *answers;
	CjmError	error = {0};

	if (PG_ARGISNULL(1))
		return return_state(fcinfo, state);
	if (state != NULL)
		answers = answers_of(state);
	else
	{
		state = new_state(context);
		answers = (Answers *) ARR_DATA_PTR(state);
	}
	if (!answers_add(answers, survey, PG_GETARG_FLOAT8(1), &error))
		cjm_report(&error);
	return return_state(fcinfo, state);
}

Datum
nps_step(PG_FUNCTION_ARGS)
{
	return add_score(fcinfo, SURVEY_NPS);
}

Datum
csat_step(PG_FUNCTION_ARGS)
{
	return add_score(fcinfo, SURVEY_CSAT);
}

Datum
ces_step(PG_FUNCTION_ARGS)
{
	return add_score(fcinfo, SURVEY_CES);
}

Datum
score_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *state = state_argument(fcinfo, 0);
	ArrayType  *other = state_argument(fcinfo, 1);
	CjmError	error = {0};

	aggregate_context(fcinfo);
	if (other == NULL)
		return return_state(fcinfo, state);
	if (state == NULL)
		return return_state(fcinfo, other);
	if (!answers_merge(answers_of(state), answers_of(other), &error))
		cjm_report(&error);
	return return_state(fcinfo, state);
}

/* Of no answers: NULL. */
static Datum
final_score(FunctionCallInfo fcinfo, Survey survey)
{
	ArrayType  *state = state_argument(fcinfo, 0);

	aggregate_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(answers_score(answers_of(state), survey));
}

Datum
nps_final(PG_FUNCTION_ARGS)
{
	return final_score(fcinfo, SURVEY_NPS);
}

Datum
csat_final(PG_FUNCTION_ARGS)
{
	return final_score(fcinfo, SURVEY_CSAT);
}

Datum
ces_final(PG_FUNCTION_ARGS)
{
	return final_score(fcinfo, SURVEY_CES);
}

/* {low, high}; NULL of no answers, or if they have no interval. */
static Datum
final_interval(FunctionCallInfo fcinfo, Survey survey)
{
	ArrayType  *state = state_argument(fcinfo, 0);
	ScoreRange	range;
	Datum		ends[2];

	aggregate_context(fcinfo);
	if (state == NULL || !answers_range(answers_of(state), survey, &range))
		PG_RETURN_NULL();
	ends[0] = Float8GetDatum(range.low);
	ends[1] = Float8GetDatum(range.high);
	PG_RETURN_ARRAYTYPE_P(construct_array(ends, 2, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
nps_interval_final(PG_FUNCTION_ARGS)
{
	return final_interval(fcinfo, SURVEY_NPS);
}

Datum
csat_interval_final(PG_FUNCTION_ARGS)
{
	return final_interval(fcinfo, SURVEY_CSAT);
}

Datum
ces_interval_final(PG_FUNCTION_ARGS)
{
	return final_interval(fcinfo, SURVEY_CES);
}
