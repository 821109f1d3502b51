/*
 * funnel/entry_channel.c: entry_channel(journey, funnel [, entered]): the channel
 * through which a customer came into a funnel.
 *
 * That is the channel of the first touchpoint of the winning walk.  Of several at
 * that time that could be it, the one with the smallest channel counts, as bytes,
 * none after all others: as for funnel_agg_by.
 */
#include "funnel/argument.h"

#include "port/pg_bitutils.h"

PG_FUNCTION_INFO_V1(journey_entry_channel);

Datum
journey_entry_channel(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelEntry entry = PG_NARGS() > 2 ? funnel_entry(PG_GETARG_DATUM(2)) : FUNNEL_ANY_ENTRY;
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	uint64		asked;
	int64		began;
	uint32		found = 0;
	JourneyView view;
	FunnelWalk	walk;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.channels.count == 0)
		PG_RETURN_NULL();
	funnel_match_journey(matcher, &view, entry, &walk);
	if (walk.step == 0)
		PG_RETURN_NULL();
	began = walk.at[pg_rightmost_one_pos64(walk.passed)];
	/* An unordered funnel may begin with any stage. */
	asked = rules->unordered ? ~UINT64CONST(0) : walk.passed & (~walk.passed + 1);
	/* The matcher has been asked of this journey and knows its labels, whose ids are in the order of their bytes. */
	for (uint32 i = journey_lower_bound(&view, began); i < view.count && journey_at(&view, i) == began; i++)
	{
		uint32		channel = journey_label_at(&view.channels, i);

		CHECK_FOR_INTERRUPTS();
		if (((asked & rules->bound) != 0 && channel != walk.value) ||
			(rules->session != 0 && journey_label_at(&view.sessions, i) != walk.session))
			continue;
		if (channel != 0 && (found == 0 || channel < found) && (funnel_match_stages(matcher, &view, i) & asked) != 0)
			found = channel;
	}
	if (found == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(label_to_datum(journey_label(&view.channels, found - 1)));
}
