/*
 * statistics/spread.c: student_95, student_p_value, periods_compared: how far means of a
 * few may lie from each other, for whoever counts in SQL.
 */
#include "base/glue.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "statistics/compared.h"
#include "statistics/student.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(spread_student_95);
PG_FUNCTION_INFO_V1(spread_student_p_value);
PG_FUNCTION_INFO_V1(spread_periods_compared);

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

/* A number of the words of kind in SQL. */
static FigureKind
kind_argument(FunctionCallInfo fcinfo, int n)
{
	static const struct
	{
		const char *word;
		FigureKind	kind;
	}			kinds[] = {
		{"rate", FIGURE_RATE},
		{"count", FIGURE_COUNT},
		{"amount", FIGURE_AMOUNT},
		{"time", FIGURE_POSITIVE},
		{"money", FIGURE_POSITIVE},
		{"score", FIGURE_SCORE}
	};
	char	   *word = text_to_cstring(PG_GETARG_TEXT_PP(n));

	for (size_t i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].word, word) == 0)
			return kinds[i].kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no figure is a \"%s\"", word)));
}

/* The elements of argument n, of which there have to be count, or any number if that is negative. */
static int
elements_argument(FunctionCallInfo fcinfo, int n, Oid type, int count, Datum **values, bool **nulls)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);
	int			found;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("periods must be one-dimensional arrays")));
	deconstruct_array(array, type, type == BOOLOID ? 1 : 8, type == BOOLOID || FLOAT8PASSBYVAL,
					  type == BOOLOID ? TYPALIGN_CHAR : TYPALIGN_DOUBLE, values, nulls, &found);
	if (count >= 0 && found != count)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("periods must be arrays of the same length")));
	return found;
}

static void
put_number(Datum *value, bool *null, double number)
{
	*null = isnan(number);
	*value = Float8GetDatum(number);
}

/*
 * periods_compared(kind, is_now, n, value, low, high, target): see the comment of the function in SQL.
 * Periods without a finite value are left out.
 */
Datum
spread_periods_compared(PG_FUNCTION_ARGS)
{
	FigureKind	kind;
	double		target = PG_ARGISNULL(6) ? NAN : PG_GETARG_FLOAT8(6);
	Datum	   *elements[5];
	bool	   *missing[5];
	FigurePeriod *periods;
	FigureCompared compared;
	Datum		values[10];
	bool		nulls[10] = {false};
	double		beyond = NAN;
	int			count;
	int			kept = 0;

	for (int i = 0; i < 6; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	kind = kind_argument(fcinfo, 0);
	count = elements_argument(fcinfo, 1, BOOLOID, -1, &elements[0], &missing[0]);
	elements_argument(fcinfo, 2, INT8OID, count, &elements[1], &missing[1]);
	for (int i = 2; i < 5; i++)
		elements_argument(fcinfo, i + 1, FLOAT8OID, count, &elements[i], &missing[i]);
	periods = palloc(sizeof(FigurePeriod) * Max(1, count));
	for (int i = 0; i < count; i++)
	{
		FigurePeriod *period = &periods[kept];

		if (missing[0][i] || missing[1][i] || missing[2][i] || !isfinite(DatumGetFloat8(elements[2][i])))
			continue;
		period->is_now = DatumGetBool(elements[0][i]);
		period->n = DatumGetInt64(elements[1][i]);
		period->value = DatumGetFloat8(elements[2][i]);
		period->low = missing[3][i] ? NAN : DatumGetFloat8(elements[3][i]);
		period->high = missing[4][i] ? NAN : DatumGetFloat8(elements[4][i]);
		kept++;
	}
	if (kept == 0)
		PG_RETURN_NULL();
	compared = figure_compared(kind, periods, kept);
	if (compared.noise > 0 && (target > 0 || !figure_logarithmic(kind, periods, kept)))
		beyond = (compared.scaled - figure_scaled(kind, figure_logarithmic(kind, periods, kept), target)) / compared.noise;
	put_number(&values[0], &nulls[0], compared.value);
	put_number(&values[1], &nulls[1], compared.usual);
	put_number(&values[2], &nulls[2], compared.usual_low);
	put_number(&values[3], &nulls[3], compared.usual_high);
	put_number(&values[4], &nulls[4], compared.difference);
	put_number(&values[5], &nulls[5], compared.difference_low);
	put_number(&values[6], &nulls[6], compared.difference_high);
	put_number(&values[7], &nulls[7], isnan(compared.t) ? NAN : student_p_value(compared.t, compared.degrees));
	put_number(&values[8], &nulls[8], isnan(beyond) ? NAN : student_p_value(beyond, compared.degrees) / 2);
	if (beyond > 0)
		values[8] = Float8GetDatum(1 - DatumGetFloat8(values[8]));
	put_number(&values[9], &nulls[9], isnan(beyond) ? NAN : student_p_value(beyond, compared.degrees) / 2);
	if (beyond < 0)
		values[9] = Float8GetDatum(1 - DatumGetFloat8(values[9]));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}
