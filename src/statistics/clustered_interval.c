/*
 * statistics/clustered_interval.c: clustered_rate, clustered_total: the intervals of shares and totals that customers
 * add more than one to, for whoever adds them up in SQL.
 */
#include "base/glue.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "statistics/clustered.h"

PG_FUNCTION_INFO_V1(clustered_rate);
PG_FUNCTION_INFO_V1(clustered_total);

static Datum
row_of_range(FunctionCallInfo fcinfo, ProportionRange range)
{
	Datum		values[2] = {Float8GetDatum(range.low), Float8GetDatum(range.high)};
	bool		nulls[2] = {false};

	return HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls));
}

/* clustered_rate(customers, hits, n, hits_hits, hits_n, n_n); NULL of nobody. */
Datum
clustered_rate(PG_FUNCTION_ARGS)
{
	ClusteredShare share = {
		.customers = (double) PG_GETARG_INT64(0), .hits = (double) PG_GETARG_INT64(1), .n = (double) PG_GETARG_INT64(2),
		.hits_hits = PG_GETARG_FLOAT8(3), .hits_n = PG_GETARG_FLOAT8(4), .n_n = PG_GETARG_FLOAT8(5)
	};

	if (share.hits < 0 || share.hits > share.n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%.0f of %.0f is no share", share.hits, share.n)));
	if (share.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row_of_range(fcinfo, clustered_share_range(&share)));
}

/* clustered_total(total, squares, size, size_squares, negative); NULL of nobody. */
Datum
clustered_total(PG_FUNCTION_ARGS)
{
	double		squares = PG_GETARG_FLOAT8(1);

	if (!(squares > 0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row_of_range(fcinfo, clustered_total_range(PG_GETARG_FLOAT8(0), squares,
															   clustered_customers(PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)),
															   PG_GETARG_BOOL(4))));
}
