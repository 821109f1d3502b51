/*
 * attribution_arguments.c: see attribution_arguments.h.
 */
#include "glue.h"

#include "attribution_arguments.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A model by its name, a text. */
AttributionModel
attribution_model_argument(Datum name)
{
	AttributionModel model;
	CjmError	error = {0};

	if (!attribution_model(label_from_text(DatumGetTextPP(name)), &model, &error))
		cjm_report(&error);
	return model;
}

/* The settings of the models: an interval and a float8[]. */
void
attribution_rules_arguments(Datum half_life, Datum weights, AttributionRules *rules)
{
	Datum	   *elements;
	double	   *numbers;
	bool	   *nulls;
	int			count;
	CjmError	error = {0};

	rules->half_life = interval_microseconds(DatumGetIntervalP(half_life), "half_life");
	if (rules->half_life == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must not be zero"),
				 errhint("It is the time after which a touchpoint is worth half as much, such as '7 days'.")));
	deconstruct_array(DatumGetArrayTypeP(weights), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, &count);
	numbers = palloc(Max(count, 1) * sizeof(double));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a weight must not be NULL")));
		numbers[i] = DatumGetFloat8(elements[i]);
	}
	if (!attribution_weights(numbers, count, rules, &error))
		cjm_report(&error);
}
