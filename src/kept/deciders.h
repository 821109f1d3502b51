/*
 * kept/deciders.h: what a value of a dimension may be if it is to be kept.
 */
#ifndef CJM_KEPT_DECIDERS_H
#define CJM_KEPT_DECIDERS_H

#include "base/label.h"

/* As many as an aggregate takes. */
#define DECIDERS_MAX 99

/* The place of a dimension and a colon, before the value in an event. */
#define DECIDER_PREFIX_MAX 3

static inline bool
decider_check(Label value, CjmError *error)
{
	if (value.size > LABEL_MAX_BYTES - DECIDER_PREFIX_MAX)
		return cjm_fail(error, CJM_ERROR_LIMIT, "a value of %u bytes of a segment or another dimension cannot be kept: %d are the most",
						value.size, LABEL_MAX_BYTES - DECIDER_PREFIX_MAX);
	return true;
}

#endif							/* CJM_KEPT_DECIDERS_H */
