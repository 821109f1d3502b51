/*
 * base/state_text.c: bytes as a short text, for states on their way between servers.
 *
 * Whoever splits an aggregate between servers sends the text of a state.  Ours
 * are mostly varints, small ones after each other, whose bytes say little: they
 * are coded bit by bit, each by how often it was what it is so far, and the result
 * is written in base 64.  A funnel's counts take a third of their bytes so.
 *
 *   1 byte    format version, 1
 *   varint    how many bytes there are (base/bytes.h)
 *   bytes     them, coded
 *
 * The coder is binary arithmetic coding with two bounds of 32 bits, which never
 * carries (M. Mahoney, Data Compression Explained, 4.1.1).  The chance of a bit is
 * that of the bits that were in its place: after the same leading bits of the byte,
 * and a byte before it of the same size.  All of it is integers, so that every
 * machine does the same.
 *
 * Whoever reads believes no number: a coded byte stands for fewer than 90, since no
 * chance is below 1/128.
 */
#include "base/state_text.h"

#include "base/bytes.h"
#include "common/base64.h"

#define FORMAT_VERSION 1

/* Chances are of 65536. */
#define EVEN_CHANCE 32768
#define LEAST_CHANCE 512
#define MOST_CHANCE (65536 - LEAST_CHANCE)

/* How far a chance follows what comes: as of the mean of so many bits. */
#define LONGEST_MEAN 30

#define SIZES 8

/* What a coded byte may stand for at most: 8 bits of -log2(1 - 1/128) each. */
#define MOST_FROM_BYTE 90

typedef struct Chances
{
	uint16		set[SIZES][256];	/* that the bit is 1, by the byte before and the bits before in the byte */
	uint8		seen[SIZES][256];
	uint8		before;
} Chances;

static void
chances_init(Chances *chances)
{
	for (int i = 0; i < SIZES; i++)
		for (int j = 0; j < 256; j++)
			chances->set[i][j] = EVEN_CHANCE;
	memset(chances->seen, 0, sizeof(chances->seen));
	chances->before = 0;
}

/* 0 to 3 as they are, then by the number of their bits. */
static inline int
size_of(uint8 byte)
{
	return byte < 4 ? byte : byte < 8 ? 4 : byte < 16 ? 5 : byte < 128 ? 6 : 7;
}

/* The last value below high that stands for a bit of 1. */
static inline uint32
divide(uint32 low, uint32 high, uint16 chance)
{
	return low + (uint32) (((uint64) (high - low) * chance) >> 16);
}

static inline void
chance_follow(Chances *chances, int size, int place, int bit)
{
	int32		chance = chances->set[size][place];
	int32		seen = chances->seen[size][place];

	/* 1 / (n + 1.5) of the way. */
	chance += 2 * ((bit ? 65535 : 0) - chance) / (2 * seen + 3);
	chances->set[size][place] = (uint16) Min(Max(chance, LEAST_CHANCE), MOST_CHANCE);
	if (seen < LONGEST_MEAN)
		chances->seen[size][place]++;
}

static void
code_bytes(StringInfo out, const uint8 *bytes, size_t size)
{
	Chances		chances;
	uint32		low = 0;
	uint32		high = PG_UINT32_MAX;

	chances_init(&chances);
	for (size_t i = 0; i < size; i++)
	{
		int			before = size_of(chances.before);
		int			place = 1;

		CHECK_FOR_INTERRUPTS();
		for (int shift = 7; shift >= 0; shift--)
		{
			int			bit = bytes[i] >> shift & 1;
			uint32		middle = divide(low, high, chances.set[before][place]);

			if (bit)
				high = middle;
			else
				low = middle + 1;
			chance_follow(&chances, before, place, bit);
			place = place * 2 + bit;
			while ((low ^ high) >> 24 == 0)
			{
				appendStringInfoCharMacro(out, (char) (high >> 24));
				low <<= 8;
				high = high << 8 | 0xff;
			}
		}
		chances.before = bytes[i];
	}
	/* Of what lies between both bounds the reader needs the first byte, and takes zeros for the others. */
	if (low > 0)
		appendStringInfoCharMacro(out, (char) ((low >> 24) + 1));
}

/* The bytes that were coded, so many; false if the coded ones are not just those. */
static bool
decode_bytes(const uint8 *coded, size_t length, StringInfo out, size_t size)
{
	Chances		chances;
	uint32		low = 0;
	uint32		high = PG_UINT32_MAX;
	uint32		at = 0;
	size_t		read = 0;

	for (; read < 4; read++)
		at = at << 8 | (read < length ? coded[read] : 0);
	chances_init(&chances);
	for (size_t i = 0; i < size; i++)
	{
		int			before = size_of(chances.before);
		int			place = 1;

		CHECK_FOR_INTERRUPTS();
		for (int shift = 7; shift >= 0; shift--)
		{
			uint32		middle = divide(low, high, chances.set[before][place]);
			int			bit = at <= middle;

			if (bit)
				high = middle;
			else
				low = middle + 1;
			chance_follow(&chances, before, place, bit);
			place = place * 2 + bit;
			while ((low ^ high) >> 24 == 0)
			{
				low <<= 8;
				high = high << 8 | 0xff;
				at = at << 8 | (read < length ? coded[read] : 0);
				read++;
			}
		}
		chances.before = (uint8) place;
		appendStringInfoCharMacro(out, (char) place);
	}
	/* Four are read ahead, of which the writer has given one, or none. */
	return length == read - 4 + (low > 0);
}

/* Appends the text of the bytes. */
void
state_text_encode(StringInfo out, const uint8 *bytes, size_t size)
{
	StringInfoData coded;
	int			length;

	initStringInfo(&coded);
	appendStringInfoChar(&coded, FORMAT_VERSION);
	append_varint(&coded, size);
	code_bytes(&coded, bytes, size);
	enlargeStringInfo(out, pg_b64_enc_len(coded.len) + 1);
	length = pg_b64_encode((const void *) coded.data, coded.len, out->data + out->len, pg_b64_enc_len(coded.len));
	Assert(length >= 0);
	out->len += length;
	out->data[out->len] = '\0';
	pfree(coded.data);
}

/* Appends the bytes that a text stands for; false, with an error, of any other text. */
bool
state_text_decode(const char *text, size_t length, StringInfo bytes, CjmError *error)
{
	uint8	   *coded = NULL;
	const uint8 *at = NULL;
	int			size = -1;
	uint64		nbytes = 0;

	if (length <= MaxAllocSize / 2)
	{
		coded = palloc(pg_b64_dec_len(length) + 1);
		size = pg_b64_decode(text, (int) length, (void *) coded, pg_b64_dec_len(length));
	}
	if (size < 1 || coded[0] != FORMAT_VERSION || (at = varint_check(coded + 1, coded + size, &nbytes)) == NULL)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "this text is no state of an aggregate");
	if (nbytes > MaxAllocSize / 2 || nbytes / MOST_FROM_BYTE > (uint64) size)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "this state of an aggregate has fewer bytes than it says");
	if (!decode_bytes(at, coded + size - at, bytes, nbytes))
		return cjm_fail(error, CJM_ERROR_CORRUPT, "this state of an aggregate is cut off, or more");
	pfree(coded);
	return true;
}
