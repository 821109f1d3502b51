/*
 * pattern/cache.h: compiled patterns that stay with their call site.
 */
#ifndef CJM_PATTERN_CACHE_H
#define CJM_PATTERN_CACHE_H

#include "base/glue.h"

#include "pattern/pattern.h"

/* A pattern in its text and compiled; pattern borrows from text. */
typedef struct CachedPattern
{
	MemoryContext context;		/* of all that belongs to it */
	char	   *text;			/* NULL: none yet */
	size_t		size;
	PatternDialect dialect;		/* that the text is read in */
	Pattern		pattern;
	PatternProgram *program;
} CachedPattern;

extern CachedPattern *pattern_cached(CachedPattern **place, MemoryContext context, const char *text, size_t size,
									 PatternDialect dialect);
extern Datum times_array(const int64 *times, uint32 count);

#endif							/* CJM_PATTERN_CACHE_H */
