/*
 * statistics/value_counts.c: how often each value came, see statistics/value_counts.h.
 *
 * Values come as keys, unsigned integers in their order.  New ones stand at the end,
 * until there is no room: then all are sorted, and equal ones become one.
 *
 * The bytes of a state.  A varint is a count as base/bytes.h has it.
 *
 *   1 byte    STATE_MARK, which no other state begins with
 *   1 byte    format version, 1
 *   1 byte    kind
 *   whole:    values that are a whole number of microseconds, or of millionths: all
 *             times, and most numbers, whose float8 is the nearest one to it
 *   others:   the keys of the others
 *
 *   each of both:
 *   varint    values
 *   varint    if there are any: the unit that all whole ones are multiples of; of others 1
 *   varints   the first, in units, of whole ones doubled, less one if negative; then how
 *             much more than one unit each lies above the one before
 *   varints   how often each came, less one
 *
 * They go from process to process and from server to server, never into a table.
 * Equal contents are equal bytes.
 */
#include "statistics/value_counts.h"

#include <math.h>

#include "base/bytes.h"
#include "common/int.h"

#define STATE_MARK 0xa2
#define STATE_VERSION 1

#define FIRST_CAPACITY 8

/* Whole numbers up to this are exact as float8. */
#define EXACT_FLOAT8 (INT64CONST(1) << 53)

void
value_counts_init(ValueCounts *counts, ValueKind kind)
{
	memset(counts, 0, sizeof(*counts));
	counts->kind = kind;
	counts->capacity = FIRST_CAPACITY;
	counts->entries = palloc(FIRST_CAPACITY * sizeof(ValueCount));
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE ValueCount
#define ST_COMPARE(a, b) (((a)->key > (b)->key) - ((a)->key < (b)->key))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Puts all entries in order, each value once.  What they say stays the same. */
static void
settle(ValueCounts *counts)
{
	size_t		kept = 0;

	if (counts->nsettled == counts->nentries)
		return;
	sort_entries(counts->entries, counts->nentries);
	for (size_t i = 0; i < counts->nentries; i++)
	{
		if (kept > 0 && counts->entries[kept - 1].key == counts->entries[i].key)
			counts->entries[kept - 1].count += counts->entries[i].count;
		else
			counts->entries[kept++] = counts->entries[i];
	}
	counts->nentries = counts->nsettled = kept;
}

/* Counts a value so many times, not 0; false, with an error, if there are too many. */
bool
value_counts_add(ValueCounts *counts, uint64 key, uint64 count, CjmError *error)
{
	if (count > (uint64) PG_INT64_MAX - counts->total)
		return cjm_fail(error, CJM_ERROR_LIMIT, "more than " INT64_FORMAT " values", PG_INT64_MAX);
	if (counts->nentries == counts->capacity)
	{
		settle(counts);
		/* Sorting must pay. */
		if (counts->nentries > counts->capacity / 4 * 3)
		{
			counts->capacity *= 2;
			counts->entries = repalloc_huge(counts->entries, counts->capacity * sizeof(ValueCount));
		}
	}
	counts->entries[counts->nentries++] = (ValueCount) {key, count};
	counts->total += count;
	return true;
}

/* Adds all of other, which is of the same kind. */
bool
value_counts_merge(ValueCounts *counts, const ValueCounts *other, CjmError *error)
{
	size_t		nentries = other->nentries;

	if (counts->kind != other->kind)
		return cjm_fail(error, CJM_ERROR_VALUE, "numbers and times are not counted together");
	for (size_t i = 0; i < nentries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!value_counts_add(counts, other->entries[i].key, other->entries[i].count, error))
			return false;
	}
	return true;
}

/* The key that comes at a place in their order, from 0 and below the total. */
uint64
value_counts_at(ValueCounts *counts, uint64 rank)
{
	size_t		i = 0;

	settle(counts);
	while (rank >= counts->entries[i].count)
		rank -= counts->entries[i++].count;
	return counts->entries[i].key;
}

/* ---------------------------------------------------------------- bytes */

/* The microseconds or millionths of a key, if it is a whole number of them. */
static bool
whole_of(ValueKind kind, uint64 key, int64 *whole)
{
	double		value;

	if (kind == VALUE_TIMES)
	{
		*whole = time_of_key(key);
		return true;
	}
	value = value_of_key(key);
	if (!(fabs(value) <= EXACT_FLOAT8 / 1e6))
		return false;
	*whole = (int64) rint(value * 1e6);
	return (double) *whole / 1e6 == value;
}

static uint64
common_divisor(uint64 a, uint64 b)
{
	while (b != 0)
	{
		uint64		rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Appends one of both parts: the entries, so many, whose order is that of the numbers; whole: those are signed. */
static void
append_part(StringInfo out, const uint64 *numbers, const uint64 *counts, size_t n, bool whole)
{
	uint64		unit = 1;
	int64		first;

	append_varint(out, n);
	if (n == 0)
		return;
	first = (int64) numbers[0];
	if (whole)
	{
		unit = first < 0 ? -(uint64) first : (uint64) first;
		for (size_t i = 1; i < n && unit != 1; i++)
			unit = common_divisor(numbers[i] - numbers[i - 1], unit);
		unit = Max(unit, 1);
		first = unit > (uint64) PG_INT64_MAX ? -1 : first / (int64) unit;
		append_varint(out, unit);
		append_varint(out, (uint64) first << 1 ^ (uint64) (first >> 63));
	}
	else
	{
		append_varint(out, unit);
		append_varint(out, numbers[0]);
	}
	for (size_t i = 1; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		append_varint(out, (numbers[i] - numbers[i - 1]) / unit - 1);
	}
	for (size_t i = 0; i < n; i++)
		append_varint(out, counts[i] - 1);
}

/* Appends the bytes of a state. */
void
value_counts_encode(StringInfo out, ValueCounts *counts)
{
	uint64	   *numbers;
	uint64	   *times;
	size_t		n;

	settle(counts);
	appendStringInfoChar(out, (char) STATE_MARK);
	appendStringInfoChar(out, STATE_VERSION);
	appendStringInfoChar(out, (char) counts->kind);
	numbers = palloc_extended(Max(counts->nentries, 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	times = palloc_extended(Max(counts->nentries, 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	for (int others = 0; others < 2; others++)
	{
		n = 0;
		for (size_t i = 0; i < counts->nentries; i++)
		{
			int64		number = 0;
			bool		whole = whole_of(counts->kind, counts->entries[i].key, &number);

			if (whole == others)
				continue;
			numbers[n] = others ? counts->entries[i].key : (uint64) number;
			times[n++] = counts->entries[i].count;
		}
		append_part(out, numbers, times, n, !others);
	}
	pfree(numbers);
	pfree(times);
}

/* The key of a number of one of both parts; false if it has none. */
static bool
key_of_part(ValueKind kind, bool whole, uint64 number, uint64 *key)
{
	int64		signed_number = (int64) number;

	if (!whole)
	{
		*key = number;
		return kind == VALUE_NUMBERS && value_key(value_of_key(number)) == number;
	}
	if (kind == VALUE_TIMES)
	{
		*key = time_key(signed_number);
		return IS_VALID_TIMESTAMP(signed_number) || TIMESTAMP_NOT_FINITE(signed_number);
	}
	*key = value_key((double) signed_number / 1e6);
	return signed_number >= -EXACT_FLOAT8 && signed_number <= EXACT_FLOAT8;
}

/* Adds one of both parts to the counts; the byte after it, or NULL if it is damaged. */
static const uint8 *
load_part(const uint8 *p, const uint8 *end, ValueCounts *counts, bool whole, CjmError *error)
{
	uint64		n;
	uint64		unit;
	uint64		number;
	const uint8 *times;

	p = varint_check(p, end, &n);
	if (p == NULL || n == 0)
		return p;
	/* Each has a byte of its own, and one of how often it came. */
	if (n > (uint64) (end - p) / 2 || (p = varint_check(p, end, &unit)) == NULL || unit == 0 || (!whole && unit != 1) ||
		(p = varint_check(p, end, &number)) == NULL)
		return NULL;
	times = p;
	for (uint64 i = 1; i < n && times != NULL; i++)
	{
		uint64		unused;

		times = varint_check(times, end, &unused);
	}
	if (times == NULL)
		return NULL;
	if (whole)
	{
		int64		first = (int64) (number >> 1 ^ -(number & 1));

		/* -infinity alone. */
		if (unit > (uint64) PG_INT64_MAX)
		{
			if (unit != VALUE_SIGN_BIT || first != -1)
				return NULL;
			first = PG_INT64_MIN;
		}
		else if (pg_mul_s64_overflow(first, (int64) unit, &first))
			return NULL;
		number = (uint64) first;
	}
	for (uint64 i = 0; i < n; i++)
	{
		uint64		key;
		uint64		count;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
		{
			uint64		above;
			uint64		room = whole ? (uint64) PG_INT64_MAX - number : PG_UINT64_MAX - number;

			p = varint_check(p, end, &above);
			if (p == NULL || above == PG_UINT64_MAX || above + 1 > room / unit)
				return NULL;
			number += (above + 1) * unit;
		}
		times = varint_check(times, end, &count);
		if (times == NULL || count == PG_UINT64_MAX || !key_of_part(counts->kind, whole, number, &key) ||
			!value_counts_add(counts, key, count + 1, error))
			return NULL;
	}
	return times;
}

/*
 * value_counts_decode makes counts, which need not be initialized, of the bytes of a
 * state, of which nothing is believed: false, with an error, of bytes that are none.
 */
bool
value_counts_decode(const uint8 *bytes, size_t size, ValueCounts *counts, CjmError *error)
{
	const uint8 *end = bytes + size;
	const uint8 *p;

	if (size < 5 || bytes[0] != STATE_MARK || bytes[1] != STATE_VERSION || bytes[2] > VALUE_TIMES)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "these bytes are no state of counted values");
	value_counts_init(counts, bytes[2]);
	p = load_part(bytes + 3, end, counts, true, error);
	if (p != NULL)
		p = load_part(p, end, counts, false, error);
	if (p != end || counts->nentries == 0)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "this state of counted values is damaged");
	return true;
}
