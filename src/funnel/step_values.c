/*
 * funnel/step_values.c: step_values_agg(journey, funnel, entered, every_walk): what
 * the touchpoints were worth that walks took at each step; step_values(state): the
 * sums.
 *
 * The state is a bytea, as that of cohorts is (funnel/cohort_state.c): a sum for each
 * stage, changed where it is.  Sums are of integers, so that any order, split or merge
 * of the rows gives the same bytes.
 */
#include "funnel/argument.h"

#include "base/amount_numeric.h"
#include "common/int.h"
#include "funcapi.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(step_values_agg_step);
PG_FUNCTION_INFO_V1(step_values_agg_combine);
PG_FUNCTION_INFO_V1(step_values);

#define VALUE_COLUMNS 3

typedef struct StepValue
{
	Amount		sum;
	int64		valued;			/* touchpoints that have a value */
} StepValue;

typedef struct StepValues
{
	int32		size;			/* as a varlena has it */
	int32		nstages;
	StepValue	stages[FLEXIBLE_ARRAY_MEMBER];
} StepValues;

/* What the walks of one customer add. */
typedef struct Adding
{
	StepValues *values;
	const FunnelRules *rules;
	const JourneyView *view;
	const FunnelTouch *touches;
	size_t		count;
	const uint32 *numbers;		/* of the touches in the journey */
	bool	   *spent;			/* touches that walks have taken */
} Adding;

/*
 * The state that an argument is, aligned, which no value of a tuple need be.  Whoever
 * makes an aggregate of these functions may begin it with any bytes.
 */
static StepValues *
state_of(FunctionCallInfo fcinfo, int argument)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(argument));
	StepValues *values;

	if ((uintptr_t) value % MAXIMUM_ALIGNOF != 0)
		value = bytes_to_varlena(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	values = (StepValues *) value;
	if (VARSIZE(value) < offsetof(StepValues, stages) || values->nstages < 0 || values->nstages > FUNNEL_MAX_STAGES ||
		VARSIZE(value) != offsetof(StepValues, stages) + values->nstages * sizeof(StepValue))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("these bytes are no values of the steps of a funnel")));
	return values;
}

static void
add_value(StepValue *to, Amount sum, int64 valued)
{
	if (!amount_add(&to->sum, sum) || pg_add_s64_overflow(to->valued, valued, &to->valued))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the values of a step are too large to be added up")));
}

/* Adds the values of what a walk took, touches by stage.  What cannot be added up is no money, as in cohorts. */
static void
add_taken(const Adding *adding, const size_t *taken)
{
	for (int i = 0; i < adding->rules->nstages; i++)
	{
		JourneyCursor cursor;
		Touch		touch;
		Amount		amount;

		if (taken[i] == FUNNEL_NONE)
			continue;
		journey_cursor_start(&cursor, adding->view, adding->numbers[taken[i]]);
		journey_cursor_next(&cursor, &touch);
		if (touch.has_value && amount_from_float8(touch.value, &amount))
			add_value(&adding->values->stages[i], amount, 1);
	}
}

static void
add_walk(void *arg, const FunnelTry *one)
{
	Adding	   *adding = (Adding *) arg;
	size_t		taken[FUNNEL_MAX_STAGES];

	funnel_taken_next(adding->rules, one, adding->touches, adding->count, adding->spent, taken);
	add_taken(adding, taken);
}

/*
 * step_values_agg_step(state, journey, funnel, entered, every_walk): adds what the winning
 * walk of a customer took, or what each of the customer's walks did.  A row with a NULL
 * is nobody.
 */
Datum
step_values_agg_step(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher;
	JourneyView view;
	Adding		adding = {.view = &view};
	FunnelEntry entry;
	uint32	   *numbers;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	matcher = funnel_matcher_argument(fcinfo, 2, NULL);
	adding.rules = funnel_matcher_rules(matcher);
	if (PG_ARGISNULL(0))
	{
		size_t		size = offsetof(StepValues, stages) + adding.rules->nstages * sizeof(StepValue);

		adding.values = palloc0(size);
		SET_VARSIZE(adding.values, size);
		adding.values->nstages = adding.rules->nstages;
	}
	else
		adding.values = state_of(fcinfo, 0);
	if (adding.values->nstages != adding.rules->nstages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("values of the steps of different funnels cannot be added up")));
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	entry = funnel_entry(PG_GETARG_DATUM(3));
	if (view.values == NULL)
		PG_RETURN_POINTER(adding.values);
	adding.count = funnel_match_numbered(matcher, &view, &adding.touches, &numbers);
	adding.numbers = numbers;
	if (adding.count == 0)
		PG_RETURN_POINTER(adding.values);
	if (PG_GETARG_BOOL(4))
	{
		adding.spent = palloc_extended(adding.count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		funnel_walks(adding.rules, entry, adding.touches, adding.count, add_walk, &adding);
	}
	else
	{
		FunnelWalk	walk = {.step = 0};
		size_t		taken[FUNNEL_MAX_STAGES];

		funnel_walk(adding.rules, entry, adding.touches, adding.count, &walk);
		funnel_taken(adding.rules, &walk, adding.touches, adding.count, NULL, taken);
		add_taken(&adding, taken);
	}
	PG_RETURN_POINTER(adding.values);
}

/* step_values_agg_combine(state, state): the sums of both. */
Datum
step_values_agg_combine(PG_FUNCTION_ARGS)
{
	StepValues *values;
	const StepValues *other;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	values = state_of(fcinfo, 0);
	other = state_of(fcinfo, 1);
	if (values->nstages != other->nstages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("values of the steps of different funnels cannot be added up")));
	for (int i = 0; i < values->nstages; i++)
		add_value(&values->stages[i], other->stages[i].sum, other->stages[i].valued);
	PG_RETURN_POINTER(values);
}

/* step_values(state): a row for each step at which something has a value. */
Datum
step_values(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const StepValues *values;

	start_rows(fcinfo);
	values = state_of(fcinfo, 0);
	for (int i = 0; i < values->nstages; i++)
	{
		Datum		row[VALUE_COLUMNS];
		bool		nulls[VALUE_COLUMNS] = {false};

		if (values->stages[i].valued == 0)
			continue;
		row[0] = Int32GetDatum(i + 1);
		row[1] = amount_numeric(values->stages[i].sum);
		row[2] = Int64GetDatum(values->stages[i].valued);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}
