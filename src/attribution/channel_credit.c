/*
 * attribution/channel_credit.c: what the data-driven models have in common.
 */
#include "attribution/channel_credit.h"

/* path_totals adds up all paths. */
bool
path_totals(const PathStats *sorted, PathTotals *totals, CjmError *error)
{
	uint64		conversions = 0;
	Amount		value = {0, 0};
	bool		below = false;
	bool		above = false;

	memset(totals, 0, sizeof(*totals));
	for (uint32 i = 0; i < sorted->ncounts; i++)
	{
		const PathCount *count = &sorted->counts[i];

		if (sorted->model.order > 0 && count->length > (uint32) sorted->model.order)
			continue;			/* a move, not an end */
		if (sorted->model.order == 0 && count->length > 1)
			continue;			/* a part of others */
		if (count->length == 0)
		{
			totals->direct_conversions = count->conversions;
			totals->direct_value = amount_to_float8(count->value);
			continue;
		}
		conversions += count->conversions;
		if (conversions > PATH_MAX_COUNT || !amount_add(&value, count->value))
			return path_stats_too_many(error);
		if (amount_is_negative(count->value))
			below = true;
		else if (!amount_is_zero(count->value))
			above = true;
	}
	totals->conversions = (double) conversions;
	totals->value = amount_to_float8(value);
	totals->has_debts = below && above;
	return true;
}
