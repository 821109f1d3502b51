/*
 * funnel_rows_by.c: funnel_agg_by(customer, at, event [, channel], property,
 * position, funnel): statistics of a funnel, one for each value that a property
 * has at one touchpoint of the winning walk.
 *
 * Grouping rows by the property would cut a customer's journey into pieces; so
 * the property is part of what a row means to the funnel (row_meaning.h), and
 * the walk decides which row's counts: the one at its first step, at its last,
 * or at a given one.  Of several touchpoints that could be that step, at the
 * same time, the one with the smallest property counts, as bytes, NULL after
 * all others.
 *
 * The answer is an array of (property, stats), in the order of the property as
 * bytes and NULL last; NULL also stands for customers without such a touchpoint.
 * The statistics add up to those of funnel_agg.
 */
#include "funnel_rows.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(funnel_rows_by_step_number);
PG_FUNCTION_INFO_V1(funnel_rows_by_step_number_channel);
PG_FUNCTION_INFO_V1(funnel_rows_by_step_text);
PG_FUNCTION_INFO_V1(funnel_rows_by_step_text_channel);
PG_FUNCTION_INFO_V1(funnel_rows_by_step_uuid);
PG_FUNCTION_INFO_V1(funnel_rows_by_step_uuid_channel);
PG_FUNCTION_INFO_V1(funnel_rows_by_final);

Datum
funnel_rows_by_step_number(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_NUMBER, false, true);
}

Datum
funnel_rows_by_step_number_channel(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_NUMBER, true, true);
}

Datum
funnel_rows_by_step_text(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_TEXT, false, true);
}

Datum
funnel_rows_by_step_text_channel(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_TEXT, true, true);
}

Datum
funnel_rows_by_step_uuid(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_UUID, false, true);
}

Datum
funnel_rows_by_step_uuid_channel(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_UUID, true, true);
}

/* The customers with one value of the property. */
typedef struct PropertyGroup
{
	Label		property;
	FunnelStats stats;			/* steps NULL: nobody yet */
} PropertyGroup;

/* Who counts customers by a property. */
typedef struct Counter
{
	RowWalker	walker;
	const RowState *state;
	PropertyGroup	   *groups;			/* sorted; the last is of NULL */
	uint32		ngroups;
	uint32	   *group_of;		/* by meaning */
} Counter;

/* As bytes, a shorter one before its continuations, NULL after all others. */
static int
compare_properties(const void *a, const void *b)
{
	const Label *x = &((const PropertyGroup *) a)->property;
	const Label *y = &((const PropertyGroup *) b)->property;
	int			order;

	if (x->bytes == NULL || y->bytes == NULL)
		return (x->bytes == NULL) - (y->bytes == NULL);
	order = memcmp(x->bytes, y->bytes, Min(x->size, y->size));
	return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* Makes a group of every value of the property that some row of the node has. */
static void
make_groups(Counter *counter, const RowMeanings *meanings)
{
	uint32		count = meanings->count;
	uint32		unique = 0;

	counter->groups = palloc_extended(((size_t) count + 1) * sizeof(PropertyGroup), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	counter->group_of = palloc_extended((size_t) count * sizeof(uint32), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < count; i++)
		counter->groups[i].property = meanings->list[i].property;
	/* The one of NULL is there whatever the rows have. */
	qsort(counter->groups, count + 1, sizeof(PropertyGroup), compare_properties);
	for (uint32 i = 0; i <= count; i++)
		if (i == 0 || compare_properties(&counter->groups[unique - 1], &counter->groups[i]) != 0)
			counter->groups[unique++].property = counter->groups[i].property;
	counter->ngroups = unique;
	for (uint32 i = 0; i < count; i++)
	{
		PropertyGroup		key = {.property = meanings->list[i].property};

		counter->group_of[i] = (PropertyGroup *) bsearch(&key, counter->groups, unique, sizeof(PropertyGroup), compare_properties) -
			counter->groups;
	}
}

/* Counts a customer in the group of the property that their walk has at the step in question. */
static bool
count_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	Counter    *counter = (Counter *) arg;
	const RowWalker *walker = &counter->walker;
	uint32		group = counter->ngroups - 1;
	int			stage;
	FunnelWalk	walk;

	row_walk(&counter->walker, entries, count, &walk);
	stage = counter->state->by == ROW_BY_LAST ? walk.step - 1 : (int) counter->state->by - 1;
	if (stage >= 0 && (walk.passed >> stage & 1))
	{
		/* Of an unordered funnel the n-th time is of a touchpoint for any stage. */
		uint64		asked = walker->rules->unordered ? ~UINT64CONST(0) : UINT64CONST(1) << stage;

		for (uint32 i = 0; i < count && entries[i].at <= walk.at[stage]; i++)
			if (entries[i].at == walk.at[stage] && (walker->meanings[entries[i].meaning].stages & asked) != 0)
				group = Min(group, counter->group_of[entries[i].meaning]);
	}
	if (counter->groups[group].stats.steps == NULL)
		row_state_stats(counter->state, &counter->groups[group].stats);
	return funnel_stats_add(&counter->groups[group].stats, &walk, error);
}

/* The groups of a state as an array of (property, stats); reads the state and does not change it. */
Datum
funnel_rows_by_final(PG_FUNCTION_ARGS)
{
	RowState   *state = row_state_to_read(fcinfo);
	Oid			element = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	MemoryContext work;
	MemoryContext old;
	TupleDesc	desc;
	Counter		counter = {.state = state};
	Datum	   *elements;
	int			nelements = 0;
	ArrayType  *result;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	if (!OidIsValid(element))
		elog(ERROR, "could not determine the type of the answer");
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg_by customers", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	row_walker_init(&counter.walker, state);
	make_groups(&counter, &state->funnel->meanings);
	if (!row_log_read(&state->log, count_customer, &counter, &error))
		cjm_report(&error);

	desc = lookup_rowtype_tupdesc_copy(element, -1);
	elements = palloc_extended(counter.ngroups * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < counter.ngroups; i++)
	{
		PropertyGroup	   *group = &counter.groups[i];
		Datum		values[2] = {0};
		bool		nulls[2] = {group->property.bytes == NULL, false};

		CHECK_FOR_INTERRUPTS();
		if (group->stats.steps == NULL)
			continue;
		if (!nulls[0])
			values[0] = label_to_datum(group->property);
		values[1] = PointerGetDatum(funnel_stats_flat(&group->stats));
		elements[nelements++] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	MemoryContextSwitchTo(old);
	result = construct_array(elements, nelements, element, -1, false, TYPALIGN_DOUBLE);
	MemoryContextDelete(work);
	PG_RETURN_ARRAYTYPE_P(result);
}
