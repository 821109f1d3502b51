/*
 * attribution/channel_credit.h: what the data-driven models say of each channel.
 *
 * Both read counts that path_stats_sorted has put in order, so that the same
 * paths give the same bits.  Paths without a channel are not theirs: what was
 * converted so is nobody's credit.
 */
#ifndef CJM_CHANNEL_CREDIT_H
#define CJM_CHANNEL_CREDIT_H

#include "attribution/path_stats.h"

/* States of a chain: 32 MB of matrix. */
#define MARKOV_MAX_STATES 2048

typedef struct ChannelCredit
{
	double		removal_effect; /* part of the conversions that would be lost without it; NaN if there are none */
	double		conversions;
	double		value;
} ChannelCredit;

/* What all paths with a channel have together, and those without. */
typedef struct PathTotals
{
	double		conversions;
	double		value;
	uint64		direct_conversions; /* of paths without a channel */
	double		direct_value;
	bool		has_debts;		/* some value is below and some above zero */
} PathTotals;

extern bool path_totals(const PathStats *sorted, PathTotals *totals, CjmError *error);
extern bool markov_credits(const PathStats *sorted, const PathTotals *totals, ChannelCredit *credits, CjmError *error);
extern void shapley_credits(const PathStats *sorted, const PathTotals *totals, ChannelCredit *credits);

#endif							/* CJM_CHANNEL_CREDIT_H */
