/*
 * statistics/clustered.h: what shares and totals say that customers add more than one to.
 *
 * What one customer does is alike: ten sessions of one say less than one each of ten.
 * So customers are what is drawn by chance, and not what they do.
 */
#ifndef CJM_CLUSTERED_H
#define CJM_CLUSTERED_H

#include "statistics/proportion.h"

/* A share of n that is made up of the hits of each customer in the n of theirs; of these sums over customers. */
typedef struct ClusteredShare
{
	double		customers;
	double		hits;
	double		n;				/* at least 1 */
	double		hits_hits;
	double		hits_n;
	double		n_n;
} ClusteredShare;

extern double clustered_customers(double sum, double squares);
extern ProportionRange clustered_share_range(const ClusteredShare *share);
extern ProportionRange clustered_total_range(double total, double squares, double customers, bool negative);

#endif							/* CJM_CLUSTERED_H */
