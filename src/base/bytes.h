/*
 * base/bytes.h: integers in stored values.
 *
 * Fixed-width integers are little-endian wherever the value was written.
 * Counts are LEB128: seven bits a byte, lowest first, the high bit set on all
 * but the last byte, in the fewest bytes that hold the number.
 */
#ifndef CJM_BYTES_H
#define CJM_BYTES_H

#include "base/pure.h"
#include "port/pg_bswap.h"

static inline uint64
bytes_load64(const uint8 *p)
{
	uint64		v;

	memcpy(&v, p, 8);
#ifdef WORDS_BIGENDIAN
	v = pg_bswap64(v);
#endif
	return v;
}

static inline void
bytes_store64(uint8 *p, uint64 v)
{
#ifdef WORDS_BIGENDIAN
	v = pg_bswap64(v);
#endif
	memcpy(p, &v, 8);
}

/*
 * Loads an integer of width bytes (1 to 8).  It reads the eight bytes that end
 * with it, which must be readable: every format here has a longer header.
 */
static inline uint64
bytes_load(const uint8 *p, int width)
{
	return bytes_load64(p + width - 8) >> (64 - 8 * width);
}

static inline int
varint_size(uint64 v)
{
	int			size = 1;

	while (v >= 0x80)
	{
		v >>= 7;
		size++;
	}
	return size;
}

/* Writes v at p and returns the byte after it; at most 10 bytes. */
static inline uint8 *
varint_store(uint8 *p, uint64 v)
{
	while (v >= 0x80)
	{
		*p++ = (uint8) v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8) v;
	return p;
}

/* Reads a varint that is known to be whole; returns the byte after it. */
static inline const uint8 *
varint_load(const uint8 *p, uint64 *v)
{
	uint64		value = *p & 0x7f;

	for (int shift = 7; *p++ & 0x80; shift += 7)
		value |= (uint64) (*p & 0x7f) << shift;
	*v = value;
	return p;
}

/* What varint_check does with a varint of more than a byte. */
static inline const uint8 *
varint_check_long(const uint8 *p, const uint8 *end, uint64 *v)
{
	uint64		value = 0;

	for (int shift = 0; shift < 64 && p < end; shift += 7)
	{
		uint8		byte = *p++;

		if (shift == 63 && byte > 1)
			return NULL;
		value |= (uint64) (byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte == 0 && shift > 0)
			return NULL;
		*v = value;
		return p;
	}
	return NULL;
}

/*
 * Reads a varint from bytes that nobody has checked.  Returns the byte after
 * it, or NULL if it is cut off, longer than 64 bits or not in its fewest bytes.
 */
static inline const uint8 *
varint_check(const uint8 *p, const uint8 *end, uint64 *v)
{
	if (likely(p < end && *p < 0x80))
	{
		*v = *p;
		return p + 1;
	}
	return varint_check_long(p, end, v);
}

static inline void
append_varint(StringInfo out, uint64 v)
{
	enlargeStringInfo(out, 10);
	out->len = (int) (varint_store((uint8 *) out->data + out->len, v) - (uint8 *) out->data);
	out->data[out->len] = '\0';
}

#endif							/* CJM_BYTES_H */
