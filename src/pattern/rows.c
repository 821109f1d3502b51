/*
 * pattern/rows.c: asks of each touchpoint which events of a pattern it is.
 *
 * Every event that a pattern names is a condition.  What asks for an event
 * alone is looked up in the journey's dictionary once, and makes a table of
 * conditions by event id; only what asks for a channel, too, is asked of every
 * touchpoint.
 */
#include "pattern/rows.h"

/* What asks for a channel, for the journey at hand. */
typedef struct Channeled
{
	uint32		condition;
	bool		any_event;
	uint32		event;			/* id */
	uint32		channel;		/* id + 1 */
} Channeled;

static inline void
set_bit(uint64 *words, uint32 bit)
{
	words[bit / 64] |= UINT64CONST(1) << (bit % 64);
}

/*
 * The touchpoints of a journey as rows, in canonical order: those at the same
 * time by the first event of the pattern that they are.  Allocated in the
 * current context; false, and nothing allocated that the caller must free, if
 * the journey has no event that a match could begin with.
 */
bool
pattern_journey_rows(const Pattern *pattern, const PatternProgram *program, const JourneyView *view,
					 ConditionRows *rows)
{
	uint32		nwords = CONDITION_WORDS(pattern->nconditions);
	uint64	   *masks;			/* by event id */
	uint64	   *possible;
	Channeled  *channeled;
	uint32		nchanneled = 0;
	int64		at = PG_INT64_MIN;

	masks = palloc0(((size_t) view->events.count * nwords + nwords + 1) * sizeof(uint64));
	possible = masks + (size_t) view->events.count * nwords;
	channeled = palloc((pattern->nconditions + 1) * sizeof(Channeled));
	for (uint32 c = 0; c < pattern->nconditions; c++)
	{
		const FunnelEvent *asks = &pattern->events[c];
		bool		any_event = asks->event.bytes == NULL;
		int64		event = any_event ? 0 : journey_find_label(&view->events, asks->event);
		int64		channel;

		if (event < 0)
			continue;
		if (asks->channel.bytes == NULL)
			set_bit(masks + (size_t) event * nwords, c);
		else
		{
			channel = journey_find_label(&view->channels, asks->channel);
			if (channel < 0)
				continue;
			channeled[nchanneled++] = (Channeled) {c, any_event, (uint32) event, (uint32) channel + 1};
		}
		set_bit(possible, c);
	}
	if (!pattern_may_begin(program, possible))
	{
		pfree(masks);
		pfree(channeled);
		return false;
	}

	condition_rows_open(rows, view->count, pattern->nconditions);
	for (uint32 i = 0; i < view->count; i++)
	{
		ConditionRow *row = &rows->rows[i];
		uint32		event = journey_label_at(&view->events, i);
		uint64	   *bits = rows->words ? rows->words + row->bits : &row->bits;

		row->at = at = journey_at_after(view, i, at);
		for (uint32 w = 0; w < nwords; w++)
			bits[w] = masks[(size_t) event * nwords + w];
		if (nchanneled > 0)
		{
			uint32		channel = journey_label_at(&view->channels, i);

			for (uint32 c = 0; c < nchanneled; c++)
				if (channeled[c].channel == channel && (channeled[c].any_event || channeled[c].event == event))
					set_bit(bits, channeled[c].condition);
		}
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	condition_rows_sort(rows);
	pfree(masks);
	pfree(channeled);
	return true;
}
