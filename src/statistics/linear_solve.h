/*
 * statistics/linear_solve.h: the linear algebra of absorbing Markov chains.
 */
#ifndef CJM_LINEAR_SOLVE_H
#define CJM_LINEAR_SOLVE_H

#include "base/pure.h"

/*
 * The matrix D - T of a chain with n states: T, of which the diagonal does not
 * count, is how often it went from state to state, and D, diagonal, how often
 * it left each state.  Matrices are arrays row by row.
 */
typedef struct ChainFactors
{
	uint32		n;
	double	   *t;				/* above the diagonal: row of U, below: column of L, both positive */
	double	   *pivots;
} ChainFactors;

extern bool chain_factor(ChainFactors *chain, uint32 n, double *t, double *ends);
extern void chain_solve(const ChainFactors *chain, double *x, uint32 columns);
extern bool linear_solve(double *a, uint32 n, double *x, uint32 columns);

#endif							/* CJM_LINEAR_SOLVE_H */
