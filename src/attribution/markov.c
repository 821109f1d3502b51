/*
 * attribution/markov.c: credit by removal effects in an absorbing Markov chain.
 *
 * The model is that of Anderl, Becker, von Wangenheim and Schumann ("Mapping
 * the customer journey", International Journal of Research in Marketing 33,
 * 2016), with the conventions of the R package ChannelAttribution.  A customer
 * walks from state to state as often as the paths did, until a conversion or
 * nothing.  A state of order 1 is a channel, of order 2 a pair of channels that
 * followed each other, or the only channel of a path.  Without a channel every
 * walk that would come to a state with it leads to nothing; its removal effect
 * is the part of all conversions that is lost by that.  Conversions are credited
 * in proportion to the effects.  Value likewise, to the part of the value that
 * is lost, a conversion being worth what those from the same last state are on
 * average.
 *
 * Let T be the counts of moves between states, D of all ways out of each, c of
 * conversions at each, M = D - T, h = M^-1 c, the probability to convert from
 * each state, and S the states with a channel.  Then what is lost without it is
 *
 *	1' ((M^-1)_SS)^-1 h_S
 *
 * conversions: the first two factors say how many walks come to each state of S
 * before any other of S (walks visit a state as often as the paths did), and h_S
 * how many of those convert.  So one factorization does for all channels.  For
 * order 1, where S is one state s, it is h_s / (M^-1)_ss, and nothing is ever
 * subtracted; for order 2 the small system of S is solved with pivoting.
 *
 * Cost for n states and the channels' n_S: n^3 / 3 + sum of n^2 n_S + n_S^3 / 3.
 */
#include "attribution/channel_credit.h"

#include <math.h>

#include "statistics/linear_solve.h"

/* Columns of the inverse that are computed together, for the sake of the processor's cache. */
#define COLUMNS_AT_ONCE 64

/* A state: up to two channels, counted from 1; 0 for none. */
typedef uint64 State;

static State
state_of(const uint32 *key, uint32 length)
{
	return (State) (key[0] + 1) << 32 | (length > 1 ? key[1] + 1 : 0);
}

static bool
state_has(State state, uint32 channel)
{
	return state >> 32 == (State) channel + 1 || (uint32) state == channel + 1;
}

/* Also for bsearch. */
static int
compare_states(const void *left, const void *right)
{
	State		a = *(const State *) left;
	State		b = *(const State *) right;

	return (a > b) - (a < b);
}

#define ST_SORT sort_states
#define ST_ELEMENT_TYPE State
#define ST_COMPARE(a, b) compare_states(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

typedef struct Chain
{
	uint32		nstates;
	State	   *states;			/* ascending */
	ChainFactors factors;
	double	   *rewards;		/* two columns: conversions and value to be had from each state */
} Chain;

static uint32
state_number(const Chain *chain, State state)
{
	State	   *found = bsearch(&state, chain->states, chain->nstates, sizeof(State), compare_states);

	Assert(found != NULL);
	return (uint32) (found - chain->states);
}

/* Finds the states; false if there are too many. */
static bool
find_states(Chain *chain, const PathStats *stats, CjmError *error)
{
	uint32		order = stats->model.order;
	size_t		count = 0;

	chain->states = palloc_extended(Max((size_t) stats->ncounts * 2, 1) * sizeof(State), MCXT_ALLOC_HUGE);
	chain->nstates = 0;
	for (uint32 i = 0; i < stats->ncounts; i++)
	{
		const PathCount *c = &stats->counts[i];
		const uint32 *key = stats->keys + c->first;

		if (c->length > order)
			chain->states[count++] = state_of(key + 1, order);
		if (c->length > 0)
			chain->states[count++] = state_of(key, Min(c->length, order));
	}
	sort_states(chain->states, count);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || chain->states[i] != chain->states[i - 1])
			chain->states[chain->nstates++] = chain->states[i];
	if (chain->nstates <= MARKOV_MAX_STATES)
		return true;
	cjm_fail(error, CJM_ERROR_LIMIT, "Markov chain of %u states is too large", chain->nstates);
	if (order == 1)
		cjm_fail_detail(error, "There are %u channels, and the limit is %d.", stats->nchannels, MARKOV_MAX_STATES);
	else
		cjm_fail_detail(error, "That is how many pairs of the %u channels follow each other, and the limit is %d.",
						stats->nchannels, MARKOV_MAX_STATES);
	cjm_fail_hint(error, order == 1 ? "Bring rare channels together under one name." :
				  "Use order 1, or bring rare channels together under one name.");
	return false;
}

/* Builds and solves the chain. */
static bool
solve_chain(Chain *chain, const PathStats *stats, CjmError *error)
{
	uint32		order = stats->model.order;
	size_t		n;
	double	   *moves;
	double	   *ends;

	if (!find_states(chain, stats, error))
		return false;
	n = chain->nstates;
	moves = palloc_extended(Max(n * n, 1) * sizeof(double), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ends = palloc0(Max(n, 1) * sizeof(double));
	chain->rewards = palloc0(Max(n, 1) * 2 * sizeof(double));
	for (uint32 i = 0; i < stats->ncounts; i++)
	{
		const PathCount *count = &stats->counts[i];
		const uint32 *key = stats->keys + count->first;
		double		weight = (double) count->conversions + (double) count->nulls;
		uint32		from;

		if (count->length == 0)
			continue;
		from = state_number(chain, state_of(key, Min(count->length, order)));
		if (count->length > order)
		{
			moves[from * n + state_number(chain, state_of(key + 1, order))] = weight;
			continue;
		}
		ends[from] = weight;
		chain->rewards[2 * from] = (double) count->conversions;
		chain->rewards[2 * from + 1] = amount_to_float8(count->value);
	}
	if (!chain_factor(&chain->factors, (uint32) n, moves, ends))
		return cjm_fail(error, CJM_ERROR_CORRUPT, "invalid attribution state: it has paths without an end");
	pfree(ends);
	chain_solve(&chain->factors, chain->rewards, 2);
	return true;
}

/*
 * What is lost without a channel, conversions and value.  The states with it
 * are given by number, and their columns of the inverse, which begin at the
 * given one of all ncolumns.
 */
static bool
removal(const Chain *chain, const uint32 *states, uint32 count,
		const double *inverse, uint32 column, uint32 ncolumns, double lost[2])
{
	double	   *part = palloc_extended(Max((size_t) count * count, 1) * sizeof(double), MCXT_ALLOC_HUGE);
	double	   *rewards = palloc(Max(count, 1) * 2 * sizeof(double));
	bool		good;

	for (uint32 i = 0; i < count; i++)
	{
		memcpy(part + (size_t) i * count, inverse + (size_t) states[i] * ncolumns + column, count * sizeof(double));
		memcpy(rewards + 2 * i, chain->rewards + 2 * states[i], 2 * sizeof(double));
	}
	good = linear_solve(part, count, rewards, 2);
	lost[0] = lost[1] = 0;
	for (uint32 i = 0; i < count; i++)
	{
		lost[0] += rewards[2 * i];
		lost[1] += rewards[2 * i + 1];
	}
	pfree(part);
	pfree(rewards);
	return good;
}

/* The columns of the inverse that belong to states; palloc'd. */
static double *
inverse_columns(const Chain *chain, const uint32 *states, uint32 count)
{
	double	   *inverse = palloc_extended(Max((size_t) chain->nstates * count, 1) * sizeof(double),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint32 i = 0; i < count; i++)
		inverse[(size_t) states[i] * count + i] = 1;
	chain_solve(&chain->factors, inverse, count);
	return inverse;
}

/*
 * markov_credits fills in the credit of each channel.  Where some values are
 * debts, effects on value may cancel out, and value follows the conversions.
 */
bool
markov_credits(const PathStats *sorted, const PathTotals *totals, ChannelCredit *credits, CjmError *error)
{
	Chain		chain;
	uint32	   *states;
	uint32	   *ends;			/* by channel: of its states among those at hand */
	double		sum[2] = {0, 0};

	if (!solve_chain(&chain, sorted, error))
		return false;
	states = palloc((chain.nstates + COLUMNS_AT_ONCE) * sizeof(uint32));
	ends = palloc((sorted->nchannels + 1) * sizeof(uint32));
	for (uint32 first = 0, channel; first < sorted->nchannels; first = channel)
	{
		uint32		count = 0;
		double	   *inverse;

		/* As many channels as make a good number of columns. */
		for (channel = first; channel < sorted->nchannels && count < COLUMNS_AT_ONCE; channel++)
		{
			CHECK_FOR_INTERRUPTS();
			for (uint32 i = 0; i < chain.nstates; i++)
				if (state_has(chain.states[i], channel))
					states[count++] = i;
			ends[channel] = count;
		}
		inverse = inverse_columns(&chain, states, count);
		for (uint32 i = first; i < channel; i++)
		{
			uint32		begin = i == first ? 0 : ends[i - 1];
			double		lost[2];

			if (!removal(&chain, states + begin, ends[i] - begin, inverse, begin, count, lost))
				return cjm_fail(error, CJM_ERROR_NUMBER, "Markov chain cannot be solved");
			/* Rounding must not take it out of its range. */
			lost[0] = Min(Max(lost[0], 0), totals->conversions);
			credits[i].conversions = lost[0];
			credits[i].value = totals->has_debts ? lost[0] : lost[1];
			sum[0] += credits[i].conversions;
			sum[1] += credits[i].value;
		}
		pfree(inverse);
	}
	for (uint32 channel = 0; channel < sorted->nchannels; channel++)
	{
		ChannelCredit *credit = &credits[channel];

		credit->removal_effect = totals->conversions > 0 ? credit->conversions / totals->conversions : NAN;
		credit->conversions = sum[0] > 0 ? credit->conversions / sum[0] * totals->conversions : 0;
		credit->value = sum[1] != 0 ? credit->value / sum[1] * totals->value : 0;
	}
	return true;
}
