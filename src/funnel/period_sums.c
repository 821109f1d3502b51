/*
 * funnel/period_sums.c: exact sums by period, see funnel/period_sums.h.
 */
#include "funnel/period_sums.h"

/* Adds what is size, or is that below 0, limb by limb.  Returns the table as cohort_table_add does. */
static CohortTable *
add_limbs(CohortTable *table, int period, int sum, const uint32 *size, int limbs, bool negative, CjmError *error)
{
	for (int i = 0; i < limbs && table != NULL; i++)
		if (size[i] != 0)
			table = cohort_table_add(table, period, sum * PERIOD_LIMBS + i, negative ? -(int64) size[i] : (int64) size[i], NULL, error);
	return table;
}

static inline void
split_word(uint64 word, uint32 *limbs)
{
	limbs[0] = (uint32) word;
	limbs[1] = (uint32) (word >> 32);
}

/* Adds a count, of 64 bits without a sign, to a sum of a period. */
CohortTable *
period_sums_count(CohortTable *table, int period, int sum, uint64 count, CjmError *error)
{
	uint32		limbs[2];

	split_word(count, limbs);
	return add_limbs(table, period, sum, limbs, lengthof(limbs), false, error);
}

/* Adds an amount, in billionths. */
CohortTable *
period_sums_amount(CohortTable *table, int period, int sum, Amount amount, CjmError *error)
{
	bool		negative = amount_is_negative(amount);
	Amount		size = negative ? amount_negate(amount) : amount;
	uint32		limbs[4];

	split_word(size.low, limbs);
	split_word(size.high, limbs + 2);
	return add_limbs(table, period, sum, limbs, lengthof(limbs), negative, error);
}

/* Adds the product of two amounts, or of an amount and a count, as they are. */
CohortTable *
period_sums_product(CohortTable *table, int period, int sum, Amount a, Amount b, CjmError *error)
{
	bool		negative = amount_is_negative(a) != amount_is_negative(b);
	Amount		sizes[2] = {amount_is_negative(a) ? amount_negate(a) : a, amount_is_negative(b) ? amount_negate(b) : b};
	uint32		factors[2][4];
	uint32		product[PERIOD_LIMBS] = {0};

	for (int i = 0; i < 2; i++)
	{
		split_word(sizes[i].low, factors[i]);
		split_word(sizes[i].high, factors[i] + 2);
	}
	/* As with paper and pencil: no step is larger than 64 bits. */
	for (int i = 0; i < 4; i++)
	{
		uint64		carry = 0;

		for (int k = 0; k < 4; k++)
		{
			carry += (uint64) factors[0][i] * factors[1][k] + product[i + k];
			product[i + k] = (uint32) carry;
			carry >>= 32;
		}
		product[i + 4] = (uint32) carry;
	}
	return add_limbs(table, period, sum, product, lengthof(product), negative, error);
}
