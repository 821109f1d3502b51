/*
 * funnel/feed_apart.c: follows a funnel that is several (funnel/engine_apart.c) from
 * time to time.
 *
 * A longer gap than that of a session ends all walks under way, and so does a session
 * of another name; where there are names touchpoints come session by session.  Walks that begin
 * with a stage are followed by a feed of their own, and so are those of a value;
 * one that has not been met has no other touchpoints than those that have no value,
 * so its feed is that of no value until it is met.
 *
 * Cost of a touchpoint: what the feed takes, for each first stage and for each
 * value met, if it may be of any; else for its own value.  Memory: a feed for each
 * of these.
 */
#include "funnel/feed.h"

#define FIRST_VALUES 8

/* Begins with a customer, in the current context, where all that it will ever own stays.  The rules must outlive the feed. */
ApartFeed *
apart_feed_start(const FunnelRules *rules)
{
	ApartFeed  *feed = palloc0(sizeof(ApartFeed));

	feed->rules = rules;
	feed->nparts = rules->from_any ? rules->nstages : 1;
	feed->parts = palloc(feed->nparts * sizeof(FunnelRules));
	for (int first = 0; first < feed->nparts; first++)
	{
		FunnelRules *part = &feed->parts[first];

		*part = *rules;
		part->session = 0;
		part->bound = 0;
		part->from_any = part->apart = false;
		if (first == 0)
			continue;
		part->nstages = rules->nstages - first;
		part->gapped = rules->gapped >> first & ~UINT64CONST(1);
		memmove(part->gap, rules->gap + first, part->nstages * sizeof(int64));
	}
	feed->capacity = FIRST_VALUES;
	feed->feeds = palloc0(feed->capacity * sizeof(FunnelFeed *));
	feed->values = palloc(feed->capacity * sizeof(uint32));
	feed->feeds[0] = palloc(feed->nparts * sizeof(FunnelFeed));
	feed->values[feed->nvalues++] = 0;
	for (int first = 0; first < feed->nparts; first++)
		funnel_feed_start(&feed->feeds[0][first], &feed->parts[first]);
	return feed;
}

/* All walks under way are over. */
static void
end_session(ApartFeed *feed)
{
	for (uint32 i = 1; i < feed->nvalues; i++)
	{
		pfree(feed->feeds[feed->values[i]]);
		feed->feeds[feed->values[i]] = NULL;
	}
	feed->nvalues = 1;
	for (int first = 0; first < feed->nparts; first++)
		feed->feeds[0][first].state.alive = 0;
}

/* Sees to it that a value has feeds. */
static void
meet_value(ApartFeed *feed, uint32 value)
{
	size_t		size = feed->nparts * sizeof(FunnelFeed);

	if (value >= feed->capacity)
	{
		uint32		capacity = Max(feed->capacity * 2, value + 1);

		feed->feeds = repalloc_huge(feed->feeds, capacity * sizeof(FunnelFeed *));
		memset(feed->feeds + feed->capacity, 0, (capacity - feed->capacity) * sizeof(FunnelFeed *));
		feed->values = repalloc_huge(feed->values, capacity * sizeof(uint32));
		feed->capacity = capacity;
	}
	if (feed->feeds[value] != NULL)
		return;
	feed->feeds[value] = palloc(size);
	memcpy(feed->feeds[value], feed->feeds[0], size);
	feed->values[feed->nvalues++] = value;
}

/* Of the ends of a touchpoint in several feeds the deepest counts, of those that of most stages, and then of the latest start. */
static void
take_ends(int first, const FunnelEnd *found, size_t count, FunnelEnd *ends, int *firsts)
{
	for (size_t i = 0; i < count; i++)
	{
		FunnelEnd	end = found[i];

		if (end.step == 0)
			continue;
		end.step += first;
		if (end.step > ends[i].step ||
			(end.step == ends[i].step && (first < firsts[i] || (first == firsts[i] && end.start > ends[i].start))))
		{
			ends[i] = end;
			firsts[i] = first;
		}
	}
}

/*
 * Takes all touchpoints of a time, or of a session those, which is later than those before
 * (in the session); ends[i] is then about touches[i].  The current context must be that of the feed.
 */
void
apart_feed_group(ApartFeed *feed, const FunnelTouch *touches, size_t count, FunnelEnd *ends)
{
	const FunnelRules *rules = feed->rules;
	FunnelTouch *scratch = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	FunnelEnd  *found = palloc_extended(count * sizeof(FunnelEnd), MCXT_ALLOC_HUGE);
	int		   *firsts = palloc_extended(count * sizeof(int), MCXT_ALLOC_HUGE);
	bool		shared = rules->bound == 0 || rules->strict;

	if (rules->session != 0 && feed->begun &&
		(touches[0].session != feed->session ||
		 (feed->session == 0 && !time_within(feed->last, touches[0].at, rules->session))))
		end_session(feed);
	feed->begun = true;
	feed->session = touches[0].session;
	feed->last = touches[0].at;
	for (size_t i = 0; i < count; i++)
	{
		ends[i].step = 0;
		firsts[i] = 0;
		shared |= (touches[i].stages & ~rules->bound) != 0 || touches[i].excluded;
		if ((touches[i].stages & rules->bound) != 0 && touches[i].value != 0)
			meet_value(feed, touches[i].value);
	}
	for (uint32 n = 0; n < feed->nvalues; n++)
	{
		uint32		value = feed->values[n];
		bool		own = false;

		CHECK_FOR_INTERRUPTS();
		for (size_t i = 0; i < count && !shared && !own; i++)
			own = touches[i].value == value && (touches[i].stages & rules->bound) != 0;
		if (!shared && !own)
			continue;
		for (int first = 0; first < feed->nparts; first++)
		{
			for (size_t i = 0; i < count; i++)
			{
				scratch[i] = touches[i];
				scratch[i].stages = (value == 0 ? touches[i].stages & ~rules->bound :
									 stages_with_value(rules, &touches[i], value)) >> first;
			}
			funnel_feed_group(&feed->feeds[value][first], scratch, count, found);
			take_ends(first, found, count, ends, firsts);
		}
	}
	pfree(firsts);
	pfree(found);
	pfree(scratch);
}
