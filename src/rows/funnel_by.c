/*
 * rows/funnel_by.c: funnel_agg_by(customer, at, event [, channel], property,
 * position, funnel): statistics of a funnel, one for each value that a property
 * has at one touchpoint of the winning walk.
 *
 * Grouping rows by the property would cut a customer's journey into pieces; so
 * the property is part of what a row means to the funnel (rows/meaning.h), and
 * the walk decides which row's counts: the one at its first step, at its last,
 * or at a given one.  Of several touchpoints that could be that step, at the
 * same time, the one with the smallest property counts, as bytes, NULL after
 * all others.
 *
 * The answer is an array of (property, stats), in the order of the property as
 * bytes and NULL last; NULL also stands for customers without such a touchpoint.
 * The statistics add up to those of funnel_agg.
 *
 * Meanings are those of all groups of the plan node, and the final function looks
 * through them once for each group: its work is groups times different values of
 * the property, besides that of the rows.
 */
#include "rows/funnel.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(funnel_rows_by_final);

extern PGDLLEXPORT void funnel_rows_by_worker(dsm_segment *segment, shm_toc *toc);

/* Who counts customers by a property; the key of statistics is the meaning of the touchpoint, 0 for none. */
typedef struct ByCount
{
	RowCount	base;
	FunnelStats **stats;		/* by meaning, NULL where there is nobody */
} ByCount;

/* As bytes, a shorter one before its continuations, NULL after all others. */
static int
compare_properties(Label a, Label b)
{
	int			order;

	if (a.bytes == NULL || b.bytes == NULL)
		return (a.bytes == NULL) - (b.bytes == NULL);
	order = memcmp(a.bytes, b.bytes, Min(a.size, b.size));
	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

#define ST_SORT sort_meanings
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b, list) compare_properties((list)[*(a)].property, (list)[*(b)].property)
#define ST_COMPARE_ARG_TYPE const RowMeaning
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void
by_begin(RowCount *count)
{
	((ByCount *) count)->stats = palloc_extended(count->state->funnel->meanings.count * sizeof(FunnelStats *),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* The statistics of those who count with a meaning. */
static FunnelStats *
by_stats(RowCount *count, int64 meaning)
{
	FunnelStats **stats = &((ByCount *) count)->stats[meaning];

	if (*stats == NULL)
	{
		*stats = palloc(sizeof(FunnelStats));
		row_state_stats(count->state, *stats);
	}
	return *stats;
}

static uint32
by_keys(RowCount *count, int64 **keys)
{
	uint32		nmeanings = count->state->funnel->meanings.count;
	uint32		n = 0;

	*keys = palloc_extended(nmeanings * sizeof(int64), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < nmeanings; i++)
		if (((ByCount *) count)->stats[i] != NULL)
			(*keys)[n++] = i;
	return n;
}

/* Counts a customer with the meaning of the touchpoint that their walk has at the step in question. */
static bool
by_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	RowCount   *counter = (RowCount *) arg;
	const RowMeaning *meanings = counter->walker.meanings;
	RowPosition position = counter->state->question.position;
	uint32		found = 0;
	int			stage;
	FunnelWalk	walk;

	row_walk(&counter->walker, entries, count, &walk);
	stage = (position == ROW_LAST_STEP ? walk.step : (int) position) - 1;
	if (stage >= 0 && (walk.passed >> stage & 1))
	{
		/* Of an unordered funnel the n-th time is of a touchpoint for any stage. */
		uint64		asked = counter->walker.rules->unordered ? ~UINT64CONST(0) : UINT64CONST(1) << stage;

		for (uint32 i = 0; i < count && entries[i].at <= walk.at[stage]; i++)
		{
			uint32		meaning = entries[i].meaning;

			if (entries[i].at == walk.at[stage] && (meanings[meaning].stages & asked) != 0 &&
				compare_properties(meanings[meaning].property, meanings[found].property) < 0)
				found = meaning;
		}
	}
	return funnel_stats_add(by_stats(counter, found), &walk, error);
}

static const RowCountMethods by_methods = {
	"funnel_rows_by_worker", sizeof(ByCount), by_begin, by_customer, by_stats, by_keys
};

/* The main function of a process that helps. */
void
funnel_rows_by_worker(dsm_segment *segment, shm_toc *toc)
{
	row_worker(segment, toc, &by_methods);
}

/* An array, in the current context, of count rows of the array's element type: a key and statistics. */
Datum
row_pairs(FunctionCallInfo fcinfo, const Datum *keys, const bool *nulls, FunnelStats *const *stats, uint32 count)
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
		Datum		values[2] = {keys[i], PointerGetDatum(funnel_stats_flat(stats[i]))};
		bool		are_null[2] = {nulls != NULL && nulls[i], false};

		CHECK_FOR_INTERRUPTS();
		rows[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, are_null));
	}
	return PointerGetDatum(construct_array(rows, (int) count, element, -1, false, TYPALIGN_DOUBLE));
}

/* The groups of a state as an array of (property, stats). */
Datum
funnel_rows_by_final(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	const RowMeanings *meanings;
	MemoryContext work;
	MemoryContext old;
	RowCount   *counter;
	int64	   *used;
	uint32		nused;
	FunnelStats **stats;
	Datum	   *keys;
	bool	   *nulls;
	uint32		count = 0;
	Datum		result;
	uint64		others;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	meanings = &state->funnel->meanings;
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg_by from rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	counter = row_count(fcinfo, &by_methods, state, &others);
	if (others > 0 && !funnel_stats_add_seen(by_stats(counter, 0), others, &error))
		cjm_report(&error);

	/* Meanings that differ in their stages may have the same property. */
	nused = by_keys(counter, &used);
	sort_meanings(used, nused, meanings->list);
	stats = palloc_extended(nused * sizeof(FunnelStats *), MCXT_ALLOC_HUGE);
	keys = palloc_extended(nused * sizeof(Datum), MCXT_ALLOC_HUGE);
	nulls = palloc_extended(nused * sizeof(bool), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < nused; i++)
	{
		Label		property = meanings->list[used[i]].property;

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && compare_properties(meanings->list[used[i - 1]].property, property) == 0)
		{
			if (!funnel_stats_merge(stats[count - 1], by_stats(counter, used[i]), &error))
				cjm_report(&error);
			continue;
		}
		nulls[count] = property.bytes == NULL;
		keys[count] = nulls[count] ? (Datum) 0 : label_to_datum(property);
		stats[count++] = by_stats(counter, used[i]);
	}
	result = row_pairs(fcinfo, keys, nulls, stats, count);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
