/*
 * attribution/path_journey.c: the paths of a journey.
 *
 * Each conversion is worth the value of the touchpoint that completes it and
 * has the path of the touchpoints that attribute() gives it: those since the
 * previous conversion.  What comes after the last conversion is a null path, if
 * anything does.  Touchpoints without a channel are on no path.
 */
#include "attribution/path_stats.h"

#include "attribution/models.h"

/* The numbers that channels of a journey have in the stats, given when first needed. */
typedef struct ChannelNumbers
{
	const Label *labels;
	uint32	   *numbers;		/* or NO_NUMBER */
} ChannelNumbers;

#define NO_NUMBER PG_UINT32_MAX

/* Puts a channel, an entry of the journey's column and not 0, at the end of a path. */
static bool
go_on(PathStats *stats, const ChannelNumbers *channels, uint32 channel, uint32 *path, uint32 *length, CjmError *error)
{
	uint32	   *number = &channels->numbers[channel - 1];

	if (*number == NO_NUMBER && !path_stats_channel(stats, channels->labels[channel - 1], number, error))
		return false;
	path[(*length)++] = *number;
	return true;
}

/*
 * path_stats_add_journey counts the paths of a journey, given the touchpoints
 * that are its conversions.  A value that cannot be credited is left out if
 * lenient, else an error.
 */
bool
path_stats_add_journey(PathStats *stats, const JourneyView *view,
					   const uint32 *conversions, size_t nconversions, bool lenient, CjmError *error)
{
	uint32		nchannels = view->channels.count;
	Label	   *labels = journey_labels(&view->channels);
	ChannelNumbers channels = {labels, palloc_extended(Max(nchannels, 1) * sizeof(uint32), MCXT_ALLOC_HUGE)};
	uint32	   *path = palloc_extended(Max((size_t) view->count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	bool	   *direct = palloc0(nchannels + 1);
	AttributionScope scope = {.only_channels = true,.direct = direct};
	uint32		since = 0;
	uint32		length = 0;
	bool		good = true;

	memset(channels.numbers, 0xff, nchannels * sizeof(uint32));
	if (nconversions > 0)
	{
		AttributionCursor cursor;
		AttributionWindow window;

		attribution_start(&cursor, view, &scope, conversions, nconversions);
		while (good && attribution_next(&cursor, &window))
		{
			Amount		total = {0, 0};

			for (size_t i = 0; good && i < window.nconversions; i++)
			{
				const AttributionConversion *conversion = &window.conversions[i];
				Amount		value = {0, 0};

				if (conversion->has_value && !amount_from_float8(conversion->value, &value) && !lenient)
					good = path_value(conversion->value, &value, error);
				good = good && (amount_add(&total, value) || path_stats_too_many(error));
			}
			length = 0;
			for (size_t i = 0; good && i < window.count; i++)
				good = go_on(stats, &channels, window.units[i].channel, path, &length, error);
			good = good && path_stats_add(stats, path, length, window.nconversions, 0, total, error);
		}
		length = 0;
		since = cursor.since;
		pfree(cursor.units);
		pfree(cursor.conversions);
	}
	for (uint32 i = since; good && i < view->count; i++)
	{
		uint32		channel = journey_label_at(&view->channels, i);

		CHECK_FOR_INTERRUPTS();
		if (channel != 0)
			good = go_on(stats, &channels, channel, path, &length, error);
	}
	if (good && since < view->count)
		good = path_stats_add(stats, path, length, 0, 1, (Amount) {0, 0}, error);
	pfree(labels);
	pfree(channels.numbers);
	pfree(path);
	pfree(direct);
	return good;
}
