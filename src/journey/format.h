/*
 * journey/format.h: the bytes of a journey, see doc/format.md.
 *
 * A JourneyView opens a value without copying it.  Columns stand apart, every
 * entry of a column has the same width, and so any touchpoint's time, event,
 * or channel is found without touching the others.
 */
#ifndef CJM_JOURNEY_FORMAT_H
#define CJM_JOURNEY_FORMAT_H

#include "base/label_pool.h"

#define JOURNEY_FORMAT_VERSION 1
#define JOURNEY_MAX_TOUCHES (1 << 24)

/* A dictionary and its column.  Ids count from 0 in the order of the labels. */
typedef struct JourneyLabels
{
	uint32		count;			/* labels */
	uint32		size;			/* bytes of the dictionary */
	const uint8 *dictionary;	/* (varint size, bytes)* in byte order */
	const uint8 *column;		/* one entry a touchpoint */
	int			width;			/* bytes of an entry; 0: no column */
} JourneyLabels;

typedef struct JourneyView
{
	uint32		count;			/* touchpoints */
	int64		first;			/* time of the first, microseconds since 2000-01-01 UTC */
	int64		unit;			/* microseconds in one unit of an offset; 0 where there are no offsets */
	int			time_width;		/* bytes of an offset; 0: all at the same time */
	int			time_shift;		/* bits by which eight bytes that end with an offset are too long */
	const uint8 *offsets;		/* of touchpoints 1 .. count - 1 from the first */
	JourneyLabels events;
	JourneyLabels channels;		/* column entry 0: no channel, else id + 1 */
	const uint8 *present;		/* bit i: touchpoint i has a value; NULL: all have */
	const uint8 *values;		/* float8 of those that have one; NULL: none has */
} JourneyView;

/* One touchpoint by ids of dictionaries that its holder knows. */
typedef struct Touch
{
	int64		at;
	uint32		event;
	uint32		channel;		/* 0: none, else id + 1 */
	bool		has_value;
	double		value;			/* 0 where there is none */
} Touch;

/* Trusting readers: the value was written by journey_encode or passed journey_check. */
extern bool journey_open(const uint8 *bytes, size_t size, JourneyView *view, CjmError *error);
extern Label *journey_labels(const JourneyLabels *labels);
extern Label journey_label(const JourneyLabels *labels, uint32 id);
extern int64 journey_find_label(const JourneyLabels *labels, Label label);
extern uint32 journey_lower_bound(const JourneyView *view, int64 at);
extern int	journey_compare(const JourneyView *a, const JourneyView *b);

/* The distrusting reader: the one validator of bytes that come from outside. */
extern bool journey_check(const uint8 *bytes, size_t size, uint32 max_label, CjmError *error);

/* The writer, and the rules for what a touchpoint may hold. */
extern uint8 *journey_encode(Touch *touches, uint32 count, const LabelOrder *order, bool distinct,
							 size_t header, size_t *size, CjmError *error);
extern void journey_relabel(const uint8 *bytes, size_t size, const Label *events, const Label *channels,
							StringInfo out);
extern bool touch_time_check(int64 at, CjmError *error);
extern double touch_value_normal(double value);

/*
 * The time of touchpoint i, without a branch: the eight bytes that end with its
 * offset are always readable, and the first touchpoint has no offset.
 */
static inline int64
journey_at(const JourneyView *view, uint32 i)
{
	uint64		offset = bytes_load64(view->offsets + (size_t) i * view->time_width - 8) >> view->time_shift;

	return (int64) ((uint64) view->first + (i == 0 ? 0 : offset) * (uint64) view->unit);
}

/* The entry of a label column: an event id, or 0 and channel id + 1. */
static inline uint32
journey_label_at(const JourneyLabels *labels, uint32 i)
{
	const uint8 *p = labels->column + (size_t) i * labels->width;

	switch (labels->width)
	{
		case 1:
			return p[0];
		case 2:
			return p[0] | (uint32) p[1] << 8;
		case 4:
			return (uint32) bytes_load(p, 4);
		default:
			return 0;
	}
}

/* Reads the touchpoints of a view in order, all columns. */
typedef struct JourneyCursor
{
	const JourneyView *view;
	uint32		next;			/* touchpoint */
	const uint8 *next_value;
} JourneyCursor;

extern void journey_cursor_start(JourneyCursor *cursor, const JourneyView *view, uint32 from);
extern bool journey_cursor_next(JourneyCursor *cursor, Touch *touch);

#endif							/* CJM_JOURNEY_FORMAT_H */
