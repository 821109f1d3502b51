/*
 * statistics/spread.c: student_95, student_p_value: how far means of a few may lie
 * from each other, for whoever counts in SQL.
 */
#include "base/glue.h"

#include <math.h>

#include "statistics/student.h"

PG_FUNCTION_INFO_V1(spread_student_95);
PG_FUNCTION_INFO_V1(spread_student_p_value);

static int64
degrees_argument(FunctionCallInfo fcinfo, int n)
{
	int64		degrees = PG_GETARG_INT64(n);

	if (degrees < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("degrees must be at least 1, not %lld", (long long) degrees)));
	return degrees;
}

/* student_95(degrees): 95 % of the distribution lie within +- this. */
Datum
spread_student_95(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(student_95(degrees_argument(fcinfo, 0)));
}

/* student_p_value(t, degrees): two-sided; NULL of NaN. */
Datum
spread_student_p_value(PG_FUNCTION_ARGS)
{
	double		t = PG_GETARG_FLOAT8(0);
	int64		degrees = degrees_argument(fcinfo, 1);

	if (isnan(t))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(student_p_value(t, degrees));
}
