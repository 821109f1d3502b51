/*
 * attribution/arguments.h: arguments that several attribution functions have.
 */
#ifndef CJM_ATTRIBUTION_ARGUMENTS_H
#define CJM_ATTRIBUTION_ARGUMENTS_H

#include "postgres.h"

#include "attribution/models.h"
#include "fmgr.h"

/* Their places, counted from the journey. */
enum
{
	ATTRIBUTION_JOURNEY, ATTRIBUTION_CONVERSION, ATTRIBUTION_MODEL, ATTRIBUTION_LOOKBACK, ATTRIBUTION_PER, ATTRIBUTION_GAP,
	ATTRIBUTION_HALF_LIFE, ATTRIBUTION_WEIGHTS, ATTRIBUTION_DIRECT, ATTRIBUTION_ONLY_CHANNELS, ATTRIBUTION_OPTIONS,
	/* Of rule_attribution, which is about a time range: */
	ATTRIBUTION_FROM = ATTRIBUTION_OPTIONS, ATTRIBUTION_TO
};

/* A journey opened at its first conversion. */
typedef struct AttributionJourney
{
	JourneyView view;
	AttributionRules rules;
	AttributionScope scope;
	AttributionCursor cursor;
	double	   *shares;			/* room for those of a window */
	size_t		capacity;
} AttributionJourney;

extern AttributionModel attribution_model_argument(Datum name);
extern void attribution_rules_arguments(Datum half_life, Datum weights, AttributionRules *rules);
extern bool attribution_open(FunctionCallInfo fcinfo, int first, int rule, bool checked, AttributionJourney *journey);
extern bool attribution_read(AttributionJourney *journey, AttributionWindow *window);

#endif							/* CJM_ATTRIBUTION_ARGUMENTS_H */
