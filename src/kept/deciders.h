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

#define DECIDER_MAX_BYTES (LABEL_MAX_BYTES + DECIDER_PREFIX_MAX)

static inline bool
decider_check(Label value, CjmError *error)
{
	if (value.size > LABEL_MAX_BYTES - DECIDER_PREFIX_MAX)
		return cjm_fail(error, CJM_ERROR_LIMIT, "a value of %u bytes of a segment or another dimension cannot be kept: %d are the most",
						value.size, LABEL_MAX_BYTES - DECIDER_PREFIX_MAX);
	return true;
}

/* The event that a value of the dimension of a place, from 0, is among deciders; in a buffer of DECIDER_MAX_BYTES, or NO label and the error. */
static inline Label
decider_event(char *buffer, int place, Label value, CjmError *error)
{
	int			prefix;

	if (!decider_check(value, error))
		return (Label) {NULL, 0};
	prefix = snprintf(buffer, DECIDER_PREFIX_MAX + 1, "%d:", place + 1);
	memcpy(buffer + prefix, value.bytes, value.size);
	return (Label) {buffer, prefix + value.size};
}

#endif							/* CJM_KEPT_DECIDERS_H */
