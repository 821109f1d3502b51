/*
 * attribution/models.h: which touchpoints earn a conversion.
 *
 * Two layers, both without labels.  attribution_shares knows the models: units
 * in time order in, shares out.  AttributionCursor cuts a journey into its
 * conversions and the units of each.
 */
#ifndef CJM_ATTRIBUTION_H
#define CJM_ATTRIBUTION_H

#include "journey/session.h"

typedef enum AttributionModel
{
	ATTRIBUTION_FIRST_TOUCH,
	ATTRIBUTION_LAST_TOUCH,
	ATTRIBUTION_LAST_NON_DIRECT,
	ATTRIBUTION_LINEAR,
	ATTRIBUTION_TIME_DECAY,
	ATTRIBUTION_POSITION
} AttributionModel;

#define ATTRIBUTION_MODELS 6

/* Settings of the models. */
typedef struct AttributionRules
{
	int64		half_life;		/* microseconds, positive */
	double		weights[3];		/* of the first unit, of all between, of the last; add up to 1 */
} AttributionRules;

/* What may earn a share: a touchpoint, or a visit. */
typedef struct AttributionUnit
{
	int64		at;				/* microseconds */
	uint32		touch;			/* number of the touchpoint, or of the visit's first one that counts */
	uint32		channel;		/* of the journey; 0: none, else id + 1 */
	bool		direct;
} AttributionUnit;

/* Those of the units that may earn something, the others earn nothing. */
typedef struct AttributionSpan
{
	size_t		first;
	size_t		end;
} AttributionSpan;

/* Which units a conversion has. */
typedef struct AttributionScope
{
	bool		looks_back;		/* all in the lookback, else those since the previous conversion */
	int64		lookback;		/* microseconds */
	bool		visits;			/* units are visits, not touchpoints */
	SessionRule rule;			/* what ends a visit */
	bool		only_channels;	/* units without a channel do not count */
	const bool *direct;			/* by entry of the journey's channel column */
} AttributionScope;

/* A conversion: the touchpoint that completes the funnel. */
typedef struct AttributionConversion
{
	uint32		touch;			/* its number */
	bool		has_value;
	double		value;			/* 0 where there is none */
} AttributionConversion;

/* The conversions of one time, which share their units. */
typedef struct AttributionWindow
{
	int64		at;
	const AttributionConversion *conversions;
	size_t		nconversions;
	AttributionUnit *units;		/* in time order; the cursor's */
	size_t		count;
} AttributionWindow;

typedef struct AttributionCursor
{
	const JourneyView *view;
	const AttributionScope *scope;
	AttributionConversion *conversions; /* all, in the order of the journey */
	size_t		nconversions;
	size_t		next;			/* of them */
	uint32		since;			/* the first touchpoint after the previous conversion's time */
	uint32	   *visit;			/* by touchpoint, if units are visits */
	uint32	   *channel_touch;	/* by visit: the first touchpoint that has a channel, or their number */
	uint32	   *asked;			/* by visit: the number of the window that had it last, from 1 */
	uint32		windows;		/* that have been read */
	AttributionUnit *units;
	size_t		capacity;
} AttributionCursor;

extern bool attribution_model(Label name, AttributionModel *model, CjmError *error);
extern const char *attribution_model_name(AttributionModel model);
extern bool attribution_weights(const double *weights, int count, AttributionRules *rules, CjmError *error);
extern AttributionSpan attribution_shares(AttributionModel model, const AttributionRules *rules,
										  const AttributionUnit *units, size_t count, double *shares);
extern void attribution_level(AttributionModel model, const AttributionUnit *units, size_t count, double *shares);

extern void attribution_start(AttributionCursor *cursor, const JourneyView *view, const AttributionScope *scope,
							  const uint32 *touches, size_t nconversions);
extern bool attribution_next(AttributionCursor *cursor, AttributionWindow *window);

#endif							/* CJM_ATTRIBUTION_H */
