/*
 * base/amount_numeric.c: an amount as SQL has it.
 */
#include "base/amount_numeric.h"

#include "utils/fmgrprotos.h"

/* An amount as a numeric, without zeros at the end. */
Datum
amount_numeric(Amount amount)
{
	bool		negative = amount_is_negative(amount);
	uint64		billionths;
	Wide		whole = wide_divide(negative ? amount_negate(amount) : amount, (uint64) AMOUNT_UNIT, &billionths);
	char		buffer[WIDE_TEXT_SIZE];
	char	   *text = psprintf("%s%s.%09u", negative ? "-" : "", wide_print(whole, buffer), (unsigned int) billionths);
	Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	pfree(text);
	return DirectFunctionCall1(numeric_trim_scale, number);
}
