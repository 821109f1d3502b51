/*
 * statistics/value_counts.h: how often each value came, where values are numbers or times.
 */
#ifndef CJM_VALUE_COUNTS_H
#define CJM_VALUE_COUNTS_H

#include "base/pure.h"

#define VALUE_SIGN_BIT (UINT64CONST(1) << 63)

/* What the keys are of, which do not go together. */
typedef enum ValueKind
{
	VALUE_NUMBERS,				/* float8 */
	VALUE_TIMES					/* timestamptz */
} ValueKind;

typedef struct ValueCount
{
	uint64		key;
	uint64		count;
} ValueCount;

/* Entries belong to the context in which they were made; who adds must be in it. */
typedef struct ValueCounts
{
	ValueKind	kind;
	uint64		total;			/* of all counts, at most PG_INT64_MAX */
	size_t		nentries;
	size_t		nsettled;		/* entries at the beginning that are in order, each value once */
	size_t		capacity;
	ValueCount *entries;
} ValueCounts;

extern void value_counts_init(ValueCounts *counts, ValueKind kind);
extern bool value_counts_add(ValueCounts *counts, uint64 key, uint64 count, CjmError *error);
extern bool value_counts_merge(ValueCounts *counts, const ValueCounts *other, CjmError *error);
extern uint64 value_counts_at(ValueCounts *counts, uint64 rank);
extern void value_counts_encode(StringInfo out, ValueCounts *counts);
extern bool value_counts_decode(const uint8 *bytes, size_t size, ValueCounts *counts, CjmError *error);

/* The place of a number in the order that float8 has: -0 is 0, and NaN is greater than all numbers. */
static inline uint64
value_key(double value)
{
	uint64		bits;

	value = value == 0 ? 0 : value;
	if (value != value)
		return ~UINT64CONST(0);
	memcpy(&bits, &value, 8);
	return bits & VALUE_SIGN_BIT ? ~bits : bits | VALUE_SIGN_BIT;
}

static inline double
value_of_key(uint64 key)
{
	uint64		bits = key & VALUE_SIGN_BIT ? key & ~VALUE_SIGN_BIT : ~key;
	double		value;

	memcpy(&value, &bits, 8);
	return value;
}

static inline uint64
time_key(int64 at)
{
	return (uint64) at ^ VALUE_SIGN_BIT;
}

static inline int64
time_of_key(uint64 key)
{
	return (int64) (key ^ VALUE_SIGN_BIT);
}

#endif							/* CJM_VALUE_COUNTS_H */
