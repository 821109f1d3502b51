/*
 * funnel/cohort_rule.c: reads what a report of retention asks of each customer.
 */
#include "funnel/cohort_rule.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* More than anybody reads, and of no number that a date cannot have. */
#define MAX_BRACKETS 1000
#define MAX_BRACKET 100000

static void
read_brackets(ArrayType *array, CohortRule *rule)
{
	int			count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	const int32 *numbers = (const int32 *) ARR_DATA_PTR(array);

	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || count == 0 || count > MAX_BRACKETS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("brackets must be 1 to %d numbers", MAX_BRACKETS),
				 errhint("Each is the number of the period that a bracket begins with, such as '{0,1,3,7,14,30}'.")));
	for (int i = 0; i < count; i++)
		if (numbers[i] < 0 || numbers[i] > MAX_BRACKET || (i > 0 && numbers[i] <= numbers[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("brackets must rise, from 0 to %d at most: %d", MAX_BRACKET, numbers[i]),
					 errhint("Each is the number of the period that a bracket begins with, such as '{0,1,3,7,14,30}'.")));
	rule->nbrackets = count;
	rule->brackets = palloc(count * sizeof(int32));
	memcpy(rule->brackets, numbers, count * sizeof(int32));
}

static FunnelMatcher *
read_funnel(FunctionCallInfo fcinfo, int argument)
{
	FunnelDef	def;

	if (PG_ARGISNULL(argument))
		return NULL;
	funnel_open_datum(PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(argument))), &def);
	return funnel_matcher(&def);
}

/*
 * Reads so many arguments of a rule, the first of which is one of the call, into the
 * current memory context.  What must not be NULL is none: the caller has looked.
 */
void
cohort_rule_read(FunctionCallInfo fcinfo, int from, int arguments, CohortRule *rule)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(from + RULE_KIND));

	memset(rule, 0, sizeof(CohortRule));
	rule->periods = cohort_periods(PG_GETARG_TEXT_PP(from + RULE_PERIOD),
								   PG_ARGISNULL(from + RULE_WEEK_STARTS) ? NULL : PG_GETARG_TEXT_PP(from + RULE_WEEK_STARTS), true);
	rule->time_zone = PG_GETARG_TEXT_P_COPY(from + RULE_TIME_ZONE);
	if (!PG_ARGISNULL(from + RULE_BRACKETS))
		read_brackets(PG_GETARG_ARRAYTYPE_P(from + RULE_BRACKETS), rule);
	rule->or_after = strcmp(kind, "on_or_after") == 0;
	if (!rule->or_after && strcmp(kind, "in") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind of retention \"%s\"", kind),
				 errhint("It is in, for customers seen in a period, or on_or_after, for those seen in it or in a later one.")));
	rule->at_least = 1;
	if (arguments <= RULE_AT_LEAST)
		return;
	rule->starts = read_funnel(fcinfo, from + RULE_STARTS);
	rule->every_start = PG_GETARG_BOOL(from + RULE_EVERY_START);
	rule->returns = read_funnel(fcinfo, from + RULE_RETURNS);
	rule->at_least = PG_GETARG_INT32(from + RULE_AT_LEAST);
	if (rule->at_least < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at_least must be at least 1, not %d", (int) rule->at_least)));
	rule->purchase = read_funnel(fcinfo, from + RULE_PURCHASE);
	rule->refunds = read_funnel(fcinfo, from + RULE_REFUNDS);
}

/* The cell that a period belongs to by its number: the bracket, or the period itself; -1 if there is none. */
int
cohort_rule_cell(const CohortRule *rule, uint64 number)
{
	int			low = 0;
	int			high = rule->nbrackets;

	if (number > PG_INT32_MAX)
		return -1;
	if (rule->nbrackets == 0)
		return (int) number;
	/* The first one that begins later. */
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if ((uint64) rule->brackets[middle] <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}
