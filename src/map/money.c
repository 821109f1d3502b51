/*
 * map/money.c: map_money(value).
 *
 * trim_scale(round(value::numeric, 9)) to the digit.  Amounts with at most two
 * decimals, which nearly all are, take no detour by text: it costs a row of a
 * view half a microsecond.
 */
#include "base/glue.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include <math.h>

PG_FUNCTION_INFO_V1(map_money);

/* Of numbers below it hundredths are whole numbers of fewer than the 15 digits that float8 is read by. */
#define FEW_DIGITS 1e12

Datum
map_money(PG_FUNCTION_ARGS)
{
	double		value = PG_GETARG_FLOAT8(0);

	if (fabs(value) < FEW_DIGITS)
	{
		double		hundredths = rint(value * 100);

		/* The float8 nearest to so many hundredths is what these digits mean, and nothing else is. */
		if (hundredths / 100 == value)
		{
			int64		digits = (int64) hundredths;

			if (digits % 100 == 0)
				PG_RETURN_NUMERIC(int64_to_numeric(digits / 100));
			if (digits % 10 == 0)
				PG_RETURN_NUMERIC(int64_div_fast_to_numeric(digits / 10, 1));
			PG_RETURN_NUMERIC(int64_div_fast_to_numeric(digits, 2));
		}
	}
	return DirectFunctionCall1(numeric_trim_scale,
							   DirectFunctionCall2(numeric_round, DirectFunctionCall1(float8_numeric, Float8GetDatum(value)), Int32GetDatum(9)));
}
