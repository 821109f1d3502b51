/*
 * statistics/linear_solve.c: solving for what an absorbing Markov chain does, see
 * statistics/linear_solve.h.
 *
 * A chain is factored by the elimination of Grassmann, Taksar and Heyman
 * ("Regenerative analysis and steady state distributions for Markov chains",
 * Operations Research 33, 1985), for chains that end: a pivot is not what a
 * subtraction leaves of the diagonal but the sum of all ways out that are left,
 * to other states or to the end.  So nothing is ever subtracted, no pivoting is
 * needed, and each number of the result has a small relative error however
 * badly conditioned the matrix is: a chain that ends once in a billion steps
 * is solved as exactly as any other (O'Cinneide, "Entrywise perturbation theory
 * and error analysis for Markov chains", Numerische Mathematik 65, 1993).
 *
 * Cost: n^3 / 3 multiplications to factor, n^2 a column to solve.
 */
#include "statistics/linear_solve.h"

#include <math.h>

/*
 * chain_factor takes the n x n matrix t and, by state, how often the chain
 * ended there; both are overwritten, and t belongs to the factors.  False if
 * there is a state that the chain cannot leave.
 */
bool
chain_factor(ChainFactors *chain, uint32 n, double *t, double *ends)
{
	chain->n = n;
	chain->t = t;
	chain->pivots = palloc_extended(Max(n, 1) * sizeof(double), MCXT_ALLOC_HUGE);
	for (uint32 k = 0; k < n; k++)
	{
		double	   *from = t + (size_t) k * n;
		double		pivot = ends[k];

		for (uint32 j = k + 1; j < n; j++)
			pivot += from[j];
		if (!(pivot > 0))
			return false;
		chain->pivots[k] = pivot;
		for (uint32 i = k + 1; i < n; i++)
		{
			double	   *row = t + (size_t) i * n;
			double		share = row[k] / pivot;

			CHECK_FOR_INTERRUPTS();
			row[k] = share;
			if (share == 0)
				continue;
			/* What went from i to k goes on from there; back to i is no move. */
			for (uint32 j = k + 1; j < n; j++)
				row[j] += share * from[j];
			ends[i] += share * ends[k];
		}
	}
	return true;
}

/* Solves (D - T) X = B for the columns of B, which x is and X replaces. */
void
chain_solve(const ChainFactors *chain, double *x, uint32 columns)
{
	uint32		n = chain->n;

	for (uint32 i = 0; i < n; i++)
	{
		const double *row = chain->t + (size_t) i * n;
		double	   *to = x + (size_t) i * columns;

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < i; k++)
			if (row[k] != 0)
				for (uint32 c = 0; c < columns; c++)
					to[c] += row[k] * x[(size_t) k * columns + c];
	}
	for (uint32 i = n; i-- > 0;)
	{
		const double *row = chain->t + (size_t) i * n;
		double	   *to = x + (size_t) i * columns;

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = i + 1; k < n; k++)
			if (row[k] != 0)
				for (uint32 c = 0; c < columns; c++)
					to[c] += row[k] * x[(size_t) k * columns + c];
		for (uint32 c = 0; c < columns; c++)
			to[c] /= chain->pivots[i];
	}
}

/*
 * Solves A X = B by elimination with partial pivoting; a is overwritten, x is B
 * and becomes X.  False if A is singular.
 */
bool
linear_solve(double *a, uint32 n, double *x, uint32 columns)
{
	for (uint32 k = 0; k < n; k++)
	{
		uint32		best = k;

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = k + 1; i < n; i++)
			if (fabs(a[(size_t) i * n + k]) > fabs(a[(size_t) best * n + k]))
				best = i;
		if (!(fabs(a[(size_t) best * n + k]) > 0))
			return false;
		if (best != k)
		{
			for (uint32 j = k; j < n; j++)
			{
				double		swap = a[(size_t) k * n + j];

				a[(size_t) k * n + j] = a[(size_t) best * n + j];
				a[(size_t) best * n + j] = swap;
			}
			for (uint32 c = 0; c < columns; c++)
			{
				double		swap = x[(size_t) k * columns + c];

				x[(size_t) k * columns + c] = x[(size_t) best * columns + c];
				x[(size_t) best * columns + c] = swap;
			}
		}
		for (uint32 i = k + 1; i < n; i++)
		{
			double		factor = a[(size_t) i * n + k] / a[(size_t) k * n + k];

			if (factor == 0)
				continue;
			for (uint32 j = k + 1; j < n; j++)
				a[(size_t) i * n + j] -= factor * a[(size_t) k * n + j];
			for (uint32 c = 0; c < columns; c++)
				x[(size_t) i * columns + c] -= factor * x[(size_t) k * columns + c];
		}
	}
	for (uint32 i = n; i-- > 0;)
		for (uint32 c = 0; c < columns; c++)
		{
			double		sum = x[(size_t) i * columns + c];

			for (uint32 k = i + 1; k < n; k++)
				sum -= a[(size_t) i * n + k] * x[(size_t) k * columns + c];
			x[(size_t) i * columns + c] = sum / a[(size_t) i * n + i];
		}
	return true;
}
