/*
 * funnel/period_sums.h: exact sums by period.
 *
 * A figure over time is made of sums over customers, of squares among them: how
 * far it is off by chance is told by how unlike customers are.  Sums of squares of
 * amounts take more than 128 bits, and are to be the same in whatever order
 * customers come.  So a sum is eight limbs of 32 bits, each of which is added up
 * for itself in a cell of a CohortTable: the cohort is the number of the period,
 * the number of the cell that of the sum, times eight, and of the limb.  What is
 * negative has negative limbs.  Of 2^31 customers no limb runs over.
 */
#ifndef CJM_PERIOD_SUMS_H
#define CJM_PERIOD_SUMS_H

#include "funnel/cohort_table.h"

#define PERIOD_LIMBS 8

extern CohortTable *period_sums_count(CohortTable *table, int period, int sum, uint64 count, CjmError *error);
extern CohortTable *period_sums_amount(CohortTable *table, int period, int sum, Amount amount, CjmError *error);
extern CohortTable *period_sums_product(CohortTable *table, int period, int sum, Amount a, Amount b, CjmError *error);

#endif							/* CJM_PERIOD_SUMS_H */
