/*
 * rows/funnel_group.c: what the aggregates share that answer for many groups at
 * once: the property that a customer counts with, the calendar periods,
 * statistics by their key, and the array of groups that is the answer.
 */
#include "rows/funnel.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Columns of a group: what it is of, and statistics. */
#define ROW_MAX_KEYS 2
#define ROW_MAX_STATS 3

/* Statistics by their key. */
typedef struct TableEntry
{
	RowKey		key;
	char		status;
	FunnelStats *stats;
} TableEntry;

static inline uint32
hash_key(RowKey key)
{
	return hash_combine(murmurhash32((uint32) key.period ^ (uint32) ((uint64) key.period >> 32)),
						murmurhash32(key.meaning * 4 + key.part));
}

/* Not that of rows/seen.h, whose tables are small. */
#undef SH_RAW_ALLOCATOR
#define SH_PREFIX table
#define SH_ELEMENT_TYPE TableEntry
#define SH_KEY_TYPE RowKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_key(key)
#define SH_EQUAL(table, a, b) ((a).period == (b).period && (a).meaning == (b).meaning && (a).part == (b).part)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct RowTable
{
	table_hash *hash;
};

/* As bytes, a shorter one before its continuations, NULL after all others. */
int
row_compare_properties(Label a, Label b)
{
	int			order;

	if (a.bytes == NULL || b.bytes == NULL)
		return (a.bytes == NULL) - (b.bytes == NULL);
	order = memcmp(a.bytes, b.bytes, Min(a.size, b.size));
	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/*
 * The meaning of the touchpoint whose property a customer counts with, 0 for none: of the one that their winning walk, which
 * begins in entry, has at a step, or of the earliest in entry at which any walk could begin.  Of several that could be it, at the
 * same time, the one with the smallest property counts, as bytes, NULL after all others.
 */
uint32
row_property(const RowWalker *walker, FunnelEntry entry, RowPosition position, const RowEntry *entries, uint32 count,
			 const FunnelWalk *walk)
{
	const RowMeaning *meanings = walker->meanings;
	int			begin = walk->step > 0 ? pg_rightmost_one_pos64(walk->passed) : 0;
	int			stage = position == ROW_EARLIEST || position == 1 ? begin : (position == ROW_LAST_STEP ? walk->step : (int) position) - 1;
	/* Of an unordered funnel the n-th time is of a touchpoint for any stage. */
	uint64		asked = walker->rules->unordered ? ~UINT64CONST(0) :
		position == ROW_EARLIEST ? funnel_begins(walker->rules) : UINT64CONST(1) << Max(stage, 0);
	uint32		found = 0;
	int64		at;

	if (stage < 0 || !(walk->passed >> stage & 1))
		return 0;
	at = walk->at[stage];
	for (uint32 i = 0; i < count && entries[i].at <= at; i++)
	{
		uint32		meaning = entries[i].meaning;

		if ((meanings[meaning].stages & asked) == 0)
			continue;
		/* The earliest may be of any value. */
		if ((asked & walker->rules->bound) != 0 && position != ROW_EARLIEST && row_value(walker, &meanings[meaning]) != walk->value)
			continue;
		if (position == ROW_EARLIEST && entries[i].at >= entry.from)
			at = entries[i].at;
		if (entries[i].at == at && (found == 0 || row_compare_properties(meanings[meaning].property, meanings[found].property) < 0))
			found = meaning;
	}
	return found;
}

/* Prepares for the periods of a question, in the current context. */
void
row_periods_init(RowPeriods *periods, const RowQuestion *question)
{
	periods->unit = calendar_unit(question->bucket);
	periods->zone = question->zone;
	periods->count = 0;
	periods->capacity = 64;
	periods->list = palloc(periods->capacity * sizeof(RowPeriod));
}

/* The period that holds a moment; a new one takes some function calls, so they are kept.  The next one may move it. */
RowPeriod *
row_period(RowPeriods *periods, TimestampTz at)
{
	uint32		low = 0;
	uint32		high = periods->count;
	RowPeriod  *period;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (periods->list[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < periods->count && periods->list[low].begin <= at)
		return &periods->list[low];

	if (periods->count == periods->capacity)
	{
		periods->capacity *= 2;
		periods->list = repalloc_huge(periods->list, periods->capacity * sizeof(RowPeriod));
	}
	period = &periods->list[low];
	memmove(period + 1, period, (periods->count - low) * sizeof(RowPeriod));
	periods->count++;
	calendar_period(periods->unit, at, PointerGetDatum(periods->zone), &period->begin, &period->end);
	period->stats = NULL;
	return period;
}

/* A table of statistics, in the current context. */
RowTable *
row_table_new(void)
{
	RowTable   *table = palloc(sizeof(RowTable));

	table->hash = table_create(CurrentMemoryContext, 256, NULL);
	return table;
}

/* The statistics of a key, at first empty ones of the state's funnel, in the current context. */
FunnelStats *
row_table_stats(RowTable *table, const RowState *state, RowKey key)
{
	bool		found;
	TableEntry *entry = table_insert(table->hash, key, &found);

	if (!found)
	{
		entry->stats = palloc(sizeof(FunnelStats));
		row_state_stats(state, entry->stats);
	}
	return entry->stats;
}

/* All keys of a table, palloc'd; returns how many. */
uint32
row_table_keys(const RowTable *table, RowKey **keys)
{
	table_iterator iterator;
	TableEntry *entry;
	uint32		n = 0;

	*keys = palloc_extended(Max(table->hash->members, 1) * sizeof(RowKey), MCXT_ALLOC_HUGE);
	table_start_iterate(table->hash, &iterator);
	while ((entry = table_iterate(table->hash, &iterator)) != NULL)
		(*keys)[n++] = entry->key;
	return n;
}

/* By property and then by time, whatever the part. */
static inline int
compare_keys(const RowKey *a, const RowKey *b, const RowMeaning *list)
{
	int			order = row_compare_properties(list[a->meaning].property, list[b->meaning].property);

	return order != 0 ? order : (a->period > b->period) - (a->period < b->period);
}

#define ST_SORT sort_keys
#define ST_ELEMENT_TYPE RowKey
#define ST_COMPARE(a, b, list) compare_keys(a, b, list)
#define ST_COMPARE_ARG_TYPE const RowMeaning
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * An array, in the current context, of count rows of the array's element type: nkeys columns of what the statistics are of,
 * one row after the other, and nstats of statistics, which may be NULL.  nulls: of the keys; NULL for none.
 */
Datum
row_groups(FunctionCallInfo fcinfo, int nkeys, const Datum *keys, const bool *nulls, int nstats, FunnelStats *const *stats,
		   uint32 count)
{
	Oid			element = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	TupleDesc	desc;
	Datum	   *rows = palloc_extended(Max(count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);

	if (!OidIsValid(element))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not determine the type of the answer"),
				 errhint("Call the aggregate instead of its support functions.")));
	desc = lookup_rowtype_tupdesc_copy(element, -1);
	for (uint32 i = 0; i < count; i++)
	{
		Datum		values[ROW_MAX_KEYS + ROW_MAX_STATS];
		bool		are_null[ROW_MAX_KEYS + ROW_MAX_STATS] = {false};

		CHECK_FOR_INTERRUPTS();
		for (int key = 0; key < nkeys; key++)
		{
			values[key] = keys[(size_t) i * nkeys + key];
			are_null[key] = nulls != NULL && nulls[(size_t) i * nkeys + key];
		}
		for (int part = 0; part < nstats; part++)
		{
			const FunnelStats *of = stats[(size_t) i * nstats + part];

			values[nkeys + part] = of == NULL ? (Datum) 0 : PointerGetDatum(funnel_stats_flat(of));
			are_null[nkeys + part] = of == NULL;
		}
		rows[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, are_null));
	}
	return PointerGetDatum(construct_array(rows, (int) count, element, -1, false, TYPALIGN_DOUBLE));
}

/*
 * What has been counted, as row_groups has it: a row for each property and, where there are periods, period, in the order of property,
 * as bytes and NULL last, and time.  Columns are the property, the period if timed, NULL without periods, and nparts of statistics, NULL
 * where there are none.
 */
Datum
row_keyed_groups(FunctionCallInfo fcinfo, RowCount *count, RowPeriods *periods, bool timed, int nparts)
{
	const RowMeaning *list = count->state->funnel->meanings.list;
	int			nkeys = timed ? 2 : 1;
	TypeCacheEntry *range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RowKey	   *used;
	uint32		nused = count->methods->keys(count, &used);
	FunnelStats **stats = palloc_extended(Max(nused, 1) * nparts * sizeof(FunnelStats *), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Datum	   *keys = palloc_extended(Max(nused, 1) * nkeys * sizeof(Datum), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	bool	   *nulls = palloc_extended(Max(nused, 1) * nkeys * sizeof(bool), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32		ngroups = 0;
	CjmError	error = {0};

	sort_keys(used, nused, list);
	for (uint32 i = 0; i < nused; i++)
	{
		Label		property = list[used[i].meaning].property;
		FunnelStats **place;

		CHECK_FOR_INTERRUPTS();
		/* Meanings that differ otherwise may have the same property. */
		if (i == 0 || compare_keys(&used[i - 1], &used[i], list) != 0)
		{
			size_t		first = (size_t) ngroups * nkeys;

			nulls[first] = property.bytes == NULL;
			if (property.bytes != NULL)
				keys[first] = label_to_datum(property);
			if (timed)
				nulls[first + 1] = periods == NULL;
			if (timed && periods != NULL)
			{
				const RowPeriod *period = row_period(periods, used[i].period);

				keys[first + 1] = calendar_range(period->begin, period->end, range_type);
			}
			ngroups++;
		}
		place = &stats[(size_t) (ngroups - 1) * nparts + used[i].part];
		if (*place == NULL)
			*place = count->methods->stats(count, used[i]);
		else if (!funnel_stats_merge(*place, count->methods->stats(count, used[i]), &error))
			cjm_report(&error);
	}
	return row_groups(fcinfo, nkeys, keys, nulls, nparts, stats, ngroups);
}
