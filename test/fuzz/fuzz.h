/*
 * fuzz.h: what the fuzz targets share.
 *
 * Each target defines fuzz_input, which fuzz.c calls for every input.  What
 * should hold is REQUIREd.  Allocations are those of malloc, so that the
 * sanitizer sees each one's ends; what an input left is freed after it.
 */
#ifndef CJM_FUZZ_H
#define CJM_FUZZ_H

#include "input.h"

#include <setjmp.h>
#include <stdlib.h>

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/*
 * Runs a statement that reads bytes which may be damaged; true if it came to its
 * end, false if the reader gave them up.  Variables that the statement sets and
 * that are looked at afterwards have to be volatile.
 */
extern jmp_buf damage_found;
extern void fuzz_damage(const char *what);
#define SOUND(...) \
	(cjm_damage_handler = fuzz_damage, setjmp(damage_found) == 0 ? ({ __VA_ARGS__; cjm_damage_handler = NULL; true; }) : \
	 (cjm_damage_handler = NULL, false))

/* A copy of bytes in an allocation of just their size. */
static inline uint8 *
exact_copy(const void *bytes, size_t size)
{
	uint8	   *copy = palloc(size);

	memcpy(copy, bytes, size);
	return copy;
}

static inline bool
same_bytes(const StringInfoData *a, const StringInfoData *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

#endif							/* CJM_FUZZ_H */
