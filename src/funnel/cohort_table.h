/*
 * funnel/cohort_table.h: customers and money by cohort and number.
 *
 * A table is one piece of memory, so that it can be the state of an aggregate as
 * it is: a varlena of cells by the hash of what they are about, and of sums of
 * money, one for each cell, if it has any.  What a cell says is the caller's: the
 * number may be one of a period, or of a kind of move.
 *
 * Whoever calls support functions by hand may bring any bytes: cohort_table_check
 * makes sure of the sizes, and nothing else is trusted with where memory ends.
 */
#ifndef CJM_COHORT_TABLE_H
#define CJM_COHORT_TABLE_H

#include "base/amount.h"

/* The number of no cell. */
#define COHORT_NO_CELL PG_INT32_MIN
/* The cell that counts a cohort's customers. */
#define COHORT_SIZE (-1)

typedef struct CohortCell
{
	int32		cohort;
	int32		number;
	int64		customers;
} CohortCell;

/* What the customers of a cell have paid. */
typedef struct CohortMoney
{
	Amount		net;			/* less refunds */
	Amount		gross;
	int64		purchases;
	int64		valued;			/* so many of them have a value */
	int64		refunds;
} CohortMoney;

typedef struct CohortTable
{
	int32		size;			/* as a varlena has it */
	uint32		magic;
	uint32		capacity;		/* cells, a power of two */
	uint32		count;			/* of them in use */
	uint32		has_money;
	uint32		unused;
	int64		first;			/* when anybody was first seen, or PG_INT64_MAX */
	int64		last;			/* when anybody was last seen, or PG_INT64_MIN */
	CohortCell	cells[FLEXIBLE_ARRAY_MEMBER];
} CohortTable;

extern CohortTable *cohort_table(uint32 capacity, bool has_money);
extern bool cohort_table_check(const CohortTable *table, size_t size, CjmError *error);
extern CohortTable *cohort_table_add(CohortTable *table, int32 cohort, int32 number, int64 customers, const CohortMoney *money,
									 CjmError *error);
extern CohortTable *cohort_table_merge(CohortTable *table, const CohortTable *other, CjmError *error);
extern CohortCell *cohort_table_sorted(const CohortTable *table, uint32 *count, CohortMoney **money);
extern CohortTable *cohort_table_canonical(const CohortTable *table);
extern bool cohort_money_merge(CohortMoney *into, const CohortMoney *from);

/* The sums of money, beside the cells; only if the table has money. */
static inline CohortMoney *
cohort_table_money(const CohortTable *table)
{
	return (CohortMoney *) (uintptr_t) (table->cells + table->capacity);
}

static inline size_t
cohort_table_size(uint32 capacity, bool has_money)
{
	return offsetof(CohortTable, cells) + (size_t) capacity * (sizeof(CohortCell) + (has_money ? sizeof(CohortMoney) : 0));
}

#endif							/* CJM_COHORT_TABLE_H */
