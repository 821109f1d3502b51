/*
 * statistics/rate.c: rate_interval, rate_difference, odds_ratio, stratified_odds_ratio:
 * what counted shares say, for whoever counts in SQL.
 */
#include "base/glue.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "statistics/proportion.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(rate_interval);
PG_FUNCTION_INFO_V1(rate_difference);
PG_FUNCTION_INFO_V1(rate_odds_ratio);
PG_FUNCTION_INFO_V1(rate_stratified_odds_ratio);

static Proportion
share_of(int64 hits, int64 of)
{
	if (hits < 0 || hits > of)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%lld of %lld is no share", (long long) hits, (long long) of),
				 errhint("A count must be at least 0 and at most the number that it is a part of.")));
	return (Proportion) {(uint64) hits, (uint64) of};
}

/* The share in two arguments from n on. */
static Proportion
share_argument(FunctionCallInfo fcinfo, int n)
{
	return share_of(PG_GETARG_INT64(n), PG_GETARG_INT64(n + 1));
}

/* The counts in argument n, one for each of so many strata. */
static const int64 *
counts_argument(FunctionCallInfo fcinfo, int n, int strata)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("counts must be a one-dimensional array without NULLs")));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != strata)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the four arrays must have the same length"),
				 errhint("Each has a count for each stratum, in the same order.")));
	return (const int64 *) ARR_DATA_PTR(array);
}

static Datum
row_of(FunctionCallInfo fcinfo, Datum *values)
{
	bool		nulls[4] = {false};

	return HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls));
}

/* rate_interval(hits, customers, comparisons): the rate with its Wilson interval; NULL of nobody. */
Datum
rate_interval(PG_FUNCTION_ARGS)
{
	Proportion	share = share_argument(fcinfo, 0);
	int64		comparisons = PG_GETARG_INT64(2);
	ProportionRange range;
	Datum		values[3];

	if (comparisons < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("comparisons must be at least 1, not %lld", (long long) comparisons),
				 errhint("It is how many intervals are looked at together, this one included.")));
	if (share.of == 0)
		PG_RETURN_NULL();
	range = proportion_range_of(share, normal_quantile_95((uint64) comparisons));
	values[0] = Float8GetDatum(proportion_rate(share));
	values[1] = Float8GetDatum(range.low);
	values[2] = Float8GetDatum(range.high);
	PG_RETURN_DATUM(row_of(fcinfo, values));
}

/* rate_difference(hits, customers, other_hits, other_customers): NULL where a group has nobody. */
Datum
rate_difference(PG_FUNCTION_ARGS)
{
	Proportion	with = share_argument(fcinfo, 0);
	Proportion	without = share_argument(fcinfo, 2);
	ProportionRange range;
	Datum		values[4];

	if (with.of == 0 || without.of == 0)
		PG_RETURN_NULL();
	range = proportion_difference_range(without, with);
	values[0] = Float8GetDatum(proportion_rate(with) - proportion_rate(without));
	values[1] = Float8GetDatum(range.low);
	values[2] = Float8GetDatum(range.high);
	values[3] = Float8GetDatum(proportion_p_value(without, with));
	PG_RETURN_DATUM(row_of(fcinfo, values));
}

/* odds_ratio(hits, customers, other_hits, other_customers): NULL where a group has nobody. */
Datum
rate_odds_ratio(PG_FUNCTION_ARGS)
{
	Proportion	with = share_argument(fcinfo, 0);
	Proportion	without = share_argument(fcinfo, 2);
	OddsRatio	odds;
	Datum		values[4];

	if (with.of == 0 || without.of == 0)
		PG_RETURN_NULL();
	odds = proportion_odds_ratio(without, with);
	values[0] = Float8GetDatum(odds.ratio);
	values[1] = Float8GetDatum(odds.range.low);
	values[2] = Float8GetDatum(odds.range.high);
	values[3] = Float8GetDatum(odds.p_value);
	PG_RETURN_DATUM(row_of(fcinfo, values));
}

/*
 * stratified_odds_ratio(hits[], customers[], other_hits[], other_customers[]):
 * NULL where no stratum has anybody in both groups.
 */
Datum
rate_stratified_odds_ratio(PG_FUNCTION_ARGS)
{
	ArrayType  *hits = PG_GETARG_ARRAYTYPE_P(0);
	int			count = ArrayGetNItems(ARR_NDIM(hits), ARR_DIMS(hits));
	const int64 *counts[4];
	Stratum    *strata = palloc_extended((Size) Max(count, 1) * sizeof(Stratum), MCXT_ALLOC_HUGE);
	OddsRatio	odds;
	Datum		values[4];
	bool		nulls[4] = {false};

	for (int n = 0; n < 4; n++)
		counts[n] = counts_argument(fcinfo, n, count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		strata[i].b = share_of(counts[0][i], counts[1][i]);
		strata[i].a = share_of(counts[2][i], counts[3][i]);
	}
	if (!proportion_strata_odds_ratio(strata, count, &odds))
		PG_RETURN_NULL();
	values[0] = Float8GetDatum(odds.ratio);
	values[1] = Float8GetDatum(odds.range.low);
	values[2] = Float8GetDatum(odds.range.high);
	values[3] = Float8GetDatum(odds.p_value);
	nulls[3] = isnan(odds.p_value);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}
