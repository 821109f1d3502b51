/*
 * attribution_arguments.h: arguments that all attribution functions have.
 */
#ifndef CJM_ATTRIBUTION_ARGUMENTS_H
#define CJM_ATTRIBUTION_ARGUMENTS_H

#include "postgres.h"

#include "attribution.h"

extern AttributionModel attribution_model_argument(Datum name);
extern void attribution_rules_arguments(Datum half_life, Datum weights, AttributionRules *rules);

#endif							/* CJM_ATTRIBUTION_ARGUMENTS_H */
