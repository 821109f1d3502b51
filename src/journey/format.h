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
#define JOURNEY_FORMAT_SESSIONS 2	/* the same of journeys that have sessions */
#define JOURNEY_MAX_TOUCHES (1 << 24)

/* A dictionary and its column.  Ids count from 0 in the order of the labels. */
typedef struct JourneyLabels
{
	uint32		count;			/* labels */
	uint32		size;			/* bytes of the dictionary */
	const uint8 *dictionary;	/* (varint size, bytes)* in byte order */
	const uint8 *column;		/* one entry a touchpoint */
	int			width;			/* bytes of an entry; 0: no column */
	uint32		limit;			/* all entries of the column are below it */
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
	JourneyLabels sessions;		/* the same of the sessions that were given */
	const uint8 *present;		/* bit i: touchpoint i has a value; NULL: all have */
	const uint8 *values;		/* float8 of those that have one; NULL: none has */
	uint32		nvalues;		/* for so many there is room in the value */
} JourneyView;

/* One touchpoint by ids of dictionaries that its holder knows. */
typedef struct Touch
{
	int64		at;
	uint32		event;
	uint32		channel;		/* 0: none, else id + 1 */
	uint32		session;		/* 0: none given, else id + 1 */
	bool		has_value;
	double		value;			/* 0 where there is none */
} Touch;

/*
 * Readers of stored values.  What journey_encode has written, or journey_check has
 * let pass, may have been damaged by a disk since.  They take no step outside of
 * the value: journey_open makes sure that the columns are as long as they have to
 * be, and each reader looks at what it goes by, labels, ids and the order of times,
 * and ends in cjm_damaged if it cannot be.  Damage to what is not looked at, such
 * as another label that exists, gives another answer.
 */
extern bool journey_open(const uint8 *bytes, size_t size, JourneyView *view, CjmError *error);
extern bool journey_open_part(const uint8 *bytes, size_t size, size_t whole, JourneyView *view, CjmError *error);
extern Label journey_next_label(const JourneyLabels *labels, const uint8 **p);
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
							const Label *sessions, StringInfo out);
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

/* The same for who reads in order and counts on it; previous is the time before, or PG_INT64_MIN. */
static inline int64
journey_at_after(const JourneyView *view, uint32 i, int64 previous)
{
	int64		at = journey_at(view, i);

	if (unlikely(at < previous || !IS_VALID_TIMESTAMP(at)))
		cjm_damaged("the times of a journey are not in order");
	return at;
}

/* The entry of a label column as it is stored; 0 where there is no column. */
static inline uint32
journey_raw_entry(const JourneyLabels *labels, uint32 i)
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

/* Is there the label that an entry stands for? */
static inline bool
journey_has_entry(const JourneyLabels *labels, uint32 i)
{
	return journey_raw_entry(labels, i) < labels->limit;
}

/* The entry of a label column: an event id, or 0 and channel id + 1. */
static inline uint32
journey_label_at(const JourneyLabels *labels, uint32 i)
{
	uint32		entry = journey_raw_entry(labels, i);

	if (unlikely(entry >= labels->limit))
		cjm_damaged("a touchpoint of a journey has a label that does not exist");
	return entry;
}

/* Reads the touchpoints of a view in order, all columns. */
typedef struct JourneyCursor
{
	const JourneyView *view;
	uint32		next;			/* touchpoint */
	const uint8 *next_value;
	uint32		values_left;
	bool		any_order;		/* times may fall: of bytes that are not written by us */
	int64		previous;		/* time of the touchpoint before, if they may not */
} JourneyCursor;

extern void journey_cursor_start(JourneyCursor *cursor, const JourneyView *view, uint32 from);
extern bool journey_cursor_next(JourneyCursor *cursor, Touch *touch);

#endif							/* CJM_JOURNEY_FORMAT_H */
