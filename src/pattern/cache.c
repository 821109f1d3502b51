/*
 * pattern/cache.c: compiles a pattern when its text is first seen, and keeps it
 * while the text is the same.
 */
#include "pattern/cache.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/memutils.h"

/*
 * The compiled form of a pattern, made when the call site first sees that text
 * and used again while it sees the same.  *place, NULL at first, is where the
 * call site keeps it, in a context that lives as long.  Works as well, only
 * slower, where fn_extra does not last from row to row.
 */
CachedPattern *
pattern_cached(CachedPattern **place, MemoryContext context, const char *text, size_t size, PatternDialect dialect)
{
	CachedPattern *cache = *place;
	CjmError	error = {0};
	MemoryContext old;

	if (cache && cache->text && cache->dialect == dialect && cache->size == size && memcmp(cache->text, text, size) == 0)
		return cache;
	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(context, sizeof(CachedPattern));
		cache->context = AllocSetContextCreate(context, "compiled pattern", ALLOCSET_SMALL_SIZES);
		*place = cache;
	}
	cache->text = NULL;
	MemoryContextReset(cache->context);
	old = MemoryContextSwitchTo(cache->context);
	cache->size = size;
	cache->dialect = dialect;
	/* Text has no zero byte: a copy that ends in one serves for messages, too. */
	text = pnstrdup(text, size);
	if (!pattern_parse(text, size, GetDatabaseEncoding(), dialect, &cache->pattern, &error) ||
		(cache->program = pattern_compile(&cache->pattern, &error)) == NULL)
	{
		/* Patterns of names are values of a type, whose text was read when they were made. */
		if (dialect != PATTERN_NUMBERED)
			cjm_report_stored(&error);
		cjm_report(&error);
	}
	MemoryContextSwitchTo(old);
	cache->text = (char *) text;
	return cache;
}

/* An array of times in the current context. */
Datum
times_array(const int64 *times, uint32 count)
{
	Datum	   *elements;

	if (count == 0)
		return PointerGetDatum(construct_empty_array(TIMESTAMPTZOID));
	if (count > MaxArraySize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("match of %u rows is too long for an array", count),
				 errdetail("The limit is %d.", (int) MaxArraySize)));
	elements = palloc(count * sizeof(Datum));
	for (uint32 i = 0; i < count; i++)
		elements[i] = TimestampTzGetDatum(times[i]);
	return PointerGetDatum(construct_array(elements, count, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}
