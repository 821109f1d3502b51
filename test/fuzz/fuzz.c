/*
 * fuzz.c: the frame of every fuzz target.
 *
 * Targets are compiled with LLVMFuzzerTestOneInput renamed to fuzz_input.
 * palloc and its kin stand in for libpgcommon's: an allocation is as large as
 * it was asked to be, and all of an input are gone after it.
 */
#include "base/pure.h"

#include <setjmp.h>
#include <stdlib.h>

#include "common/fe_memutils.h"

extern void fuzz_damage(const char *what);
extern jmp_buf damage_found;
extern int	fuzz_input(const uint8 *data, size_t size);
extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

jmp_buf		damage_found;

void
fuzz_damage(const char *what)
{
	if (what[0] == '\0')
		abort();
	longjmp(damage_found, 1);
}

/* Every allocation of the input at hand. */
static void **chunks = NULL;
static size_t nchunks = 0;
static size_t chunk_room = 0;

static void *
remember(void *chunk)
{
	if (chunk != NULL && nchunks == chunk_room)
	{
		chunk_room = Max(64, chunk_room * 2);
		chunks = realloc(chunks, chunk_room * sizeof(void *));
	}
	if (chunk == NULL || chunks == NULL)
		abort();
	return chunks[nchunks++] = chunk;
}

/* Mostly it is one of the latest. */
static void
forget(void *chunk)
{
	for (size_t i = nchunks; i-- > 0;)
	{
		if (chunks[i] == chunk)
		{
			chunks[i] = chunks[--nchunks];
			return;
		}
	}
	abort();
}

void *
palloc(Size size)
{
	return remember(malloc(Max(size, 1)));
}

void *
palloc0(Size size)
{
	return remember(calloc(1, Max(size, 1)));
}

void *
palloc_extended(Size size, int flags)
{
	return (flags & MCXT_ALLOC_ZERO) ? palloc0(size) : palloc(size);
}

void *
repalloc(void *chunk, Size size)
{
	forget(chunk);
	return remember(realloc(chunk, Max(size, 1)));
}

void
pfree(void *chunk)
{
	forget(chunk);
	free(chunk);
}

char *
pstrdup(const char *text)
{
	return strcpy(palloc(strlen(text) + 1), text);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	fuzz_input(data, size);
	while (nchunks > 0)
		free(chunks[--nchunks]);
	return 0;
}
