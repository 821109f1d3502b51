/*
 * funnel/cohort_table.c: customers and money by cohort and number, see
 * funnel/cohort_table.h.
 *
 * An open hash table, at most three quarters full.  A table that grows is made
 * anew in the current memory context, and the old one is left to whoever owns it.
 */
#include "funnel/cohort_table.h"

#define MAGIC 0x636a6d31

/* Of more cells a varlena has no room. */
#define MAX_CAPACITY (1 << 24)

static inline uint32
hash_cell(int32 cohort, int32 number)
{
	uint64		hash = ((uint64) (uint32) cohort << 32 | (uint32) number) * UINT64CONST(0x9E3779B97F4A7C15);

	return (uint32) (hash >> 32);
}

/* A table with nothing in it, in the current memory context; the caller sets its size as a varlena. */
CohortTable *
cohort_table(uint32 capacity, bool has_money)
{
	CohortTable *table = palloc0(cohort_table_size(capacity, has_money));

	table->magic = MAGIC;
	table->capacity = capacity;
	table->has_money = has_money;
	table->first = PG_INT64_MAX;
	table->last = PG_INT64_MIN;
	for (uint32 i = 0; i < capacity; i++)
		table->cells[i].number = COHORT_NO_CELL;
	return table;
}

/* Are these bytes as large as a table has to be that says of itself what they say? */
bool
cohort_table_check(const CohortTable *table, size_t size, CjmError *error)
{
	if (size < offsetof(CohortTable, cells) || table->magic != MAGIC || table->capacity == 0 || table->capacity > MAX_CAPACITY ||
		(table->capacity & (table->capacity - 1)) != 0 || size != cohort_table_size(table->capacity, table->has_money))
		return cjm_fail(error, CJM_ERROR_VALUE, "invalid counts of cohorts");
	return true;
}

/* The place where a cell is or, of an empty one, would be; the capacity if there is neither. */
static uint32
find_cell(const CohortTable *table, int32 cohort, int32 number)
{
	uint32		mask = table->capacity - 1;
	uint32		place = hash_cell(cohort, number) & mask;

	for (uint32 tries = 0; tries <= mask; tries++, place = (place + 1) & mask)
	{
		const CohortCell *cell = &table->cells[place];

		if (cell->number == COHORT_NO_CELL || (cell->number == number && cell->cohort == cohort))
			return place;
	}
	return table->capacity;
}

/* The same table, or a larger one if it is full. */
static CohortTable *
with_room(CohortTable *table)
{
	CohortTable *larger;

	if (table->count < table->capacity - table->capacity / 4)
		return table;
	if (table->capacity >= MAX_CAPACITY)
		return NULL;
	larger = cohort_table(table->capacity * 2, table->has_money);
	larger->first = table->first;
	larger->last = table->last;
	for (uint32 i = 0; i < table->capacity; i++)
	{
		uint32		place;

		if (table->cells[i].number == COHORT_NO_CELL)
			continue;
		place = find_cell(larger, table->cells[i].cohort, table->cells[i].number);
		larger->cells[place] = table->cells[i];
		if (table->has_money)
			cohort_table_money(larger)[place] = cohort_table_money(table)[i];
		larger->count++;
	}
	return larger;
}

/* Adds sums to others; false if one does not fit, and then they are of no use. */
bool
cohort_money_merge(CohortMoney *into, const CohortMoney *from)
{
	into->purchases = (int64) ((uint64) into->purchases + (uint64) from->purchases);
	into->valued = (int64) ((uint64) into->valued + (uint64) from->valued);
	into->refunds = (int64) ((uint64) into->refunds + (uint64) from->refunds);
	return amount_add(&into->net, from->net) && amount_add(&into->gross, from->gross);
}

/*
 * Adds customers, and money unless it is NULL, to a cell.  Returns the table, or
 * another one that takes its place; NULL, and an error, if there are too many
 * cells, or too much money.
 */
CohortTable *
cohort_table_add(CohortTable *table, int32 cohort, int32 number, int64 customers, const CohortMoney *money, CjmError *error)
{
	uint32		place = find_cell(table, cohort, number);
	CohortCell *cell;

	if (place == table->capacity || table->cells[place].number == COHORT_NO_CELL)
	{
		table = with_room(table);
		place = table == NULL ? 0 : find_cell(table, cohort, number);
		if (table == NULL || place == table->capacity)
		{
			cjm_fail(error, CJM_ERROR_LIMIT, "more than %d periods of cohorts cannot be counted", MAX_CAPACITY / 4 * 3);
			cjm_fail_hint(error, "Ask for longer periods, or for fewer of them.");
			return NULL;
		}
		table->count++;
	}
	cell = &table->cells[place];
	cell->cohort = cohort;
	cell->number = number;
	cell->customers = (int64) ((uint64) cell->customers + (uint64) customers);
	if (money != NULL && table->has_money && !cohort_money_merge(&cohort_table_money(table)[place], money))
	{
		cjm_fail(error, CJM_ERROR_NUMBER, "the values of a cohort are too large to be added up");
		return NULL;
	}
	return table;
}

/* Adds another table; returns the table as cohort_table_add does. */
CohortTable *
cohort_table_merge(CohortTable *table, const CohortTable *other, CjmError *error)
{
	table->first = Min(table->first, other->first);
	table->last = Max(table->last, other->last);
	for (uint32 i = 0; i < other->capacity && table != NULL; i++)
	{
		const CohortCell *cell = &other->cells[i];

		CHECK_FOR_INTERRUPTS();
		if (cell->number != COHORT_NO_CELL)
			table = cohort_table_add(table, cell->cohort, cell->number, cell->customers, other->has_money ? &cohort_table_money(other)[i] : NULL, error);
	}
	return table;
}

static inline int
cell_order(const CohortCell *a, const CohortCell *b)
{
	if (a->cohort != b->cohort)
		return a->cohort < b->cohort ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

#define ST_SORT sort_cells
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b, cells) cell_order(&(cells)[*(a)], &(cells)[*(b)])
#define ST_COMPARE_ARG_TYPE const CohortCell
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * The cells in order of cohort and number, palloc'd; how many is in *count.  Of a
 * table with money *money has the sums of each, else NULL.
 */
CohortCell *
cohort_table_sorted(const CohortTable *table, uint32 *count, CohortMoney **money)
{
	uint32	   *order = palloc_extended((size_t) table->capacity * sizeof(uint32), MCXT_ALLOC_HUGE);
	CohortCell *cells;

	*count = 0;
	for (uint32 i = 0; i < table->capacity; i++)
		if (table->cells[i].number != COHORT_NO_CELL)
			order[(*count)++] = i;
	sort_cells(order, *count, table->cells);
	cells = palloc_extended(Max(*count, 1) * sizeof(CohortCell), MCXT_ALLOC_HUGE);
	*money = table->has_money ? palloc_extended(Max(*count, 1) * sizeof(CohortMoney), MCXT_ALLOC_HUGE) : NULL;
	for (uint32 i = 0; i < *count; i++)
	{
		cells[i] = table->cells[order[i]];
		if (table->has_money)
			(*money)[i] = cohort_table_money(table)[order[i]];
	}
	pfree(order);
	return cells;
}

/*
 * The same table in the one form that the same counts have, whatever the order in
 * which they came: the cells in order, and then as many empty ones as there have to
 * be.  Nothing can be found in it by its hash.
 */
CohortTable *
cohort_table_canonical(const CohortTable *table)
{
	uint32		count;
	CohortMoney *money;
	CohortCell *cells = cohort_table_sorted(table, &count, &money);
	uint32		capacity = 1;
	CohortTable *result;

	while (capacity < count)
		capacity *= 2;
	result = cohort_table(capacity, table->has_money);
	result->first = table->first;
	result->last = table->last;
	result->count = count;
	memcpy(result->cells, cells, count * sizeof(CohortCell));
	if (table->has_money)
		memcpy(cohort_table_money(result), money, count * sizeof(CohortMoney));
	return result;
}
