/*
 * paths_fuzz.c: a fuzz target for the data-driven attribution models.
 *
 * Every input is used twice.
 * - As a state: what decodes encodes to bytes that decode to the same, may be
 *   merged with itself, and is safe to ask for credits; what does not has an
 *   error with a message.
 * - As a few paths: counted in one state, or in two of which one travels and is
 *   merged in another order, they give the same bytes.  Credits add up to what
 *   there was.  Removal effects are those of walks taken step by step, Shapley
 *   values those of all orders of up to four channels.
 */
#include "fuzz.h"

#include <math.h>

#include "attribution/channel_credit.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define MAX_CHANNELS 4
#define MAX_PATHS 8
#define MAX_LENGTH 6
#define MAX_STATES (MAX_CHANNELS * (MAX_CHANNELS + 1))

typedef struct Path
{
	int			length;
	uint32		channels[MAX_LENGTH];
	int			conversions;
	int			nulls;
	int			value;
} Path;

static const char *const names[MAX_CHANNELS] = {"z", ">", "(null)", "aa"};

static StringInfoData
bytes_of(const PathStats *stats)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	path_stats_encode(&bytes, stats);
	return bytes;
}

/* The credits by channel of the sorted stats; NULL for an error. */
static ChannelCredit *
credits_of(const PathStats *sorted, PathTotals *totals)
{
	ChannelCredit *credits = palloc0((sorted->nchannels + 1) * sizeof(ChannelCredit));
	CjmError	error = {0};
	bool		good = path_totals(sorted, totals, &error);

	if (good && sorted->model.order == 0)
		shapley_credits(sorted, totals, credits);
	else if (good)
		good = markov_credits(sorted, totals, credits, &error);
	REQUIRE(good || error.message[0] != '\0');
	return good ? credits : NULL;
}

static void
try_state(const uint8 *data, size_t size)
{
	PathStats	stats;
	PathStats	other;
	PathTotals	totals;
	CjmError	error = {0};
	StringInfoData bytes;
	StringInfoData again;

	if (!path_stats_decode(exact_copy(data, size), size, &stats, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return;
	}
	bytes = bytes_of(&stats);
	REQUIRE(path_stats_decode(exact_copy(bytes.data, bytes.len), bytes.len, &other, &error));
	again = bytes_of(&other);
	REQUIRE(same_bytes(&bytes, &again));
	path_stats_sorted(&other, &stats);
	(void) credits_of(&other, &totals);
	if (!path_stats_merge(&stats, &other, &error))
		REQUIRE(error.kind == CJM_ERROR_LIMIT);
}

/* Counts a path; its channels get their numbers in the order of the paths. */
static void
add_path(PathStats *stats, const Path *path)
{
	uint32		numbers[MAX_LENGTH];
	Amount		value;
	CjmError	error = {0};

	REQUIRE(amount_from_float8(path->value / 4.0, &value));
	for (int i = 0; i < path->length; i++)
	{
		const char *name = names[path->channels[i]];

		REQUIRE(path_stats_channel(stats, (Label) {name, strlen(name)}, &numbers[i], &error));
	}
	REQUIRE(path_stats_add(stats, numbers, path->length, path->conversions, path->nulls, value, &error));
}

/* A state as a number: its last channel, and for order 2 the one before or none. */
static int
state_at(const Path *path, int order, int i)
{
	if (order == 1)
		return path->channels[i];
	return path->channels[i] * (MAX_CHANNELS + 1) + (i > 0 ? path->channels[i - 1] + 1 : 0);
}

/* Has a state a channel? */
static bool
has_channel(int order, int state, int channel)
{
	if (order == 1)
		return state == channel;
	return state / (MAX_CHANNELS + 1) == channel || state % (MAX_CHANNELS + 1) == channel + 1;
}

/* Conversions of walks that never come to a state with the channel. */
static double
walk(const Path *paths, int npaths, int order, int without)
{
	double		moves[MAX_STATES][MAX_STATES] = {{0}};
	double		out[MAX_STATES] = {0};
	double		converts[MAX_STATES] = {0};
	double		at[MAX_STATES] = {0};
	double		conversions = 0;

	for (int p = 0; p < npaths; p++)
	{
		const Path *path = &paths[p];
		int			weight = path->conversions + path->nulls;
		int			first = order == 2 && path->length > 1 ? 1 : 0;

		if (path->length == 0)
			continue;
		at[state_at(path, order, first)] += weight;
		for (int i = first; i < path->length; i++)
		{
			int			state = state_at(path, order, i);

			out[state] += weight;
			if (i + 1 < path->length)
				moves[state][state_at(path, order, i + 1)] += weight;
			else
				converts[state] += path->conversions;
		}
	}
	/* Step by step, until no walk to speak of is under way. */
	for (double left = 1; left > 1e-12;)
	{
		double		next[MAX_STATES] = {0};

		left = 0;
		for (int s = 0; s < MAX_STATES; s++)
		{
			if (at[s] == 0 || has_channel(order, s, without))
				continue;
			conversions += at[s] * converts[s] / out[s];
			for (int to = 0; to < MAX_STATES; to++)
				if (moves[s][to] != 0)
					next[to] += at[s] * moves[s][to] / out[s];
		}
		for (int s = 0; s < MAX_STATES; s++)
			left += next[s];
		memcpy(at, next, sizeof(at));
	}
	return conversions;
}

/* What a set of channels is worth. */
static double
worth(const Path *paths, int npaths, int set)
{
	double		conversions = 0;

	for (int p = 0; p < npaths; p++)
	{
		bool		within = paths[p].length > 0;

		for (int i = 0; i < paths[p].length; i++)
			within &= set >> paths[p].channels[i] & 1;
		conversions += within ? paths[p].conversions : 0;
	}
	return conversions;
}

/* What a channel adds in all orders in which the others can follow set; orders counts them. */
static double
added(const Path *paths, int npaths, int set, int channel, int *orders)
{
	double		sum = 0;

	if (set == (1 << MAX_CHANNELS) - 1)
		++*orders;
	for (int next = 0; next < MAX_CHANNELS; next++)
	{
		int			before = *orders;

		if (set >> next & 1)
			continue;
		sum += added(paths, npaths, set | 1 << next, channel, orders);
		if (next == channel)
			sum += (*orders - before) * (worth(paths, npaths, set | 1 << next) - worth(paths, npaths, set));
	}
	return sum;
}

static bool
close_to(double a, double b)
{
	return fabs(a - b) <= 1e-7 * (1 + fabs(a) + fabs(b));
}

static void
try_paths(const uint8 *data, size_t size)
{
	Path		paths[MAX_PATHS] = {{0}};
	int			npaths = 0;
	PathModel	model = {size > 0 ? data[0] % 3 : 0, size > 0 && data[0] / 3 % 2};
	const uint8 *p = data + 1;
	const uint8 *end = data + size;
	PathStats	all;
	PathStats	one;
	PathStats	other;
	PathTotals	totals;
	CjmError	error = {0};
	StringInfoData bytes;
	StringInfoData again;
	ChannelCredit *credits;
	double		sums[2] = {0, 0};
	double		total = 0;
	double		effects[MAX_CHANNELS];
	double		lost = 0;

	while (npaths < MAX_PATHS && size > 0 && end - p >= 3)
	{
		Path	   *path = &paths[npaths++];

		path->conversions = p[0] % 4;
		path->nulls = model.with_nulls ? p[0] / 4 % 4 : 0;
		path->value = path->conversions > 0 ? (int8) p[1] : 0;
		path->length = Min(p[2] % (MAX_LENGTH + 1), end - p - 3);
		p += 3;
		for (int i = 0; i < path->length; i++)
			path->channels[i] = *p++ % MAX_CHANNELS;
	}
	path_stats_init(&all, model);
	path_stats_init(&one, model);
	path_stats_init(&other, model);
	for (int i = 0; i < npaths; i++)
	{
		add_path(&all, &paths[i]);
		add_path(i % 3 == 0 ? &one : &other, &paths[npaths - 1 - i]);
		total += paths[i].value / 4.0;
	}
	again = bytes_of(&one);
	REQUIRE(path_stats_decode(exact_copy(again.data, again.len), again.len, &one, &error));
	REQUIRE(path_stats_merge(&other, &one, &error));
	bytes = bytes_of(&all);
	again = bytes_of(&other);
	REQUIRE(same_bytes(&bytes, &again));

	path_stats_sorted(&one, &all);
	credits = credits_of(&one, &totals);
	REQUIRE(credits != NULL);
	for (uint32 i = 0; i < one.nchannels; i++)
	{
		sums[0] += credits[i].conversions;
		sums[1] += credits[i].value;
		if (totals.conversions > 0)
			REQUIRE(credits[i].removal_effect >= 0 && credits[i].removal_effect <= 1);
		else
			REQUIRE(isnan(credits[i].removal_effect) && credits[i].conversions == 0 && credits[i].value == 0);
	}
	REQUIRE(close_to(sums[0], totals.conversions) && close_to(sums[1], totals.value));
	REQUIRE(close_to(totals.value + totals.direct_value, total));
	REQUIRE(close_to(totals.conversions, worth(paths, npaths, (1 << MAX_CHANNELS) - 1)));
	if (totals.conversions == 0)
		return;
	for (int channel = 0; model.order > 0 && channel < MAX_CHANNELS; channel++)
		lost += effects[channel] = totals.conversions - walk(paths, npaths, model.order, channel);
	for (uint32 i = 0; i < one.nchannels; i++)
		for (int channel = 0; channel < MAX_CHANNELS; channel++)
		{
			if (!label_equal(one.channels[i], (Label) {names[channel], strlen(names[channel])}))
				continue;
			if (model.order > 0)
			{
				REQUIRE(close_to(credits[i].removal_effect, effects[channel] / totals.conversions));
				REQUIRE(close_to(credits[i].conversions, effects[channel] / lost * totals.conversions));
			}
			else
			{
				int			orders = 0;
				double		sum = added(paths, npaths, 0, channel, &orders);

				REQUIRE(orders == 24 && close_to(credits[i].conversions, sum / orders));
			}
		}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	try_state(data, size);
	try_paths(data, size);
	return 0;
}
