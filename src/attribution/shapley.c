/*
 * attribution/shapley.c: credit by Shapley values, exact over all orders in which channels
 * could have come.
 *
 * A set of channels is worth the conversions on the paths that use no channel
 * beside it; the credit of a channel is what it adds to the worth of those
 * before it, on average over all n! orders (Zhao, Mahboobi and Bagheri,
 * "Shapley value methods for attribution modeling in online advertising",
 * arXiv:1804.05327, 2018).
 *
 * No order and no set has to be tried out for that.  Worth is a sum over paths,
 * and so are Shapley values.  A path adds its conversions when the last of its
 * channels comes, which any of them is equally often: each earns an equal part
 * (these are the game's dividends, Harsanyi, 1959).  So nothing has to be known
 * of a channel but on how many paths it was, by how many channels these had.
 */
#include "attribution/channel_credit.h"

#include <math.h>

/* shapley_credits fills in the credit of each channel. */
void
shapley_credits(const PathStats *sorted, const PathTotals *totals, ChannelCredit *credits)
{
	for (uint32 channel = 0; channel < sorted->nchannels; channel++)
		credits[channel] = (ChannelCredit) {0, 0, 0};
	for (uint32 i = 0; i < sorted->ncounts; i++)
	{
		const PathCount *count = &sorted->counts[i];
		double		conversions = (double) count->conversions;
		double		value = amount_to_float8(count->value);
		ChannelCredit *credit;
		uint32		channels;

		CHECK_FOR_INTERRUPTS();
		if (count->length < 2)
			continue;
		credit = &credits[sorted->keys[count->first]];
		channels = sorted->keys[count->first + 1];
		credit->removal_effect += conversions;
		credit->conversions += conversions / channels;
		credit->value += value / channels;
	}
	for (uint32 channel = 0; channel < sorted->nchannels; channel++)
		if (totals->conversions > 0)
			credits[channel].removal_effect /= totals->conversions;
		else
			credits[channel].removal_effect = NAN;
}
