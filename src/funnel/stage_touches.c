/*
 * funnel/stage_touches.c: stage_touches(journey, funnel, by, entered): what a customer
 * met at each stage; funnel_exposures(journey, funnel, entered): when they met
 * something first, and whom they can be compared with.
 *
 * Both give rows that only have to be counted over all customers: rows for each
 * label that was met, and those without a label that stand for the customer, so
 * that those who did not meet it are the rest.
 */
#include "funnel/argument.h"

#include "funcapi.h"
#include "funnel/periods.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_stage_touches);
PG_FUNCTION_INFO_V1(journey_funnel_exposures);

#define STAGE_COLUMNS 10
#define EXPOSURE_COLUMNS 9

/* Touchpoints of one label in one period. */
typedef struct LabelTouches
{
	uint32		label;
	uint32		count;
	int64		first;
	int64		last;
} LabelTouches;

/* A journey with its labels in one direction: by event or by channel. */
typedef struct Labels
{
	const JourneyLabels *column;
	uint32		none;			/* what is to be taken off an entry of the column: 1 for channels, which have 0 for none */
	Label	   *names;
	uint8	   *seen;			/* by label: in which period last, from 1 */
	uint32	   *place;			/* by label: in met */
	LabelTouches *met;
	uint32		nmet;
} Labels;

static void
labels_start(Labels *labels, const JourneyLabels *column, bool channels)
{
	size_t		count = Max(column->count, 1);

	labels->column = column;
	labels->none = channels ? 1 : 0;
	labels->names = journey_labels(column);
	labels->seen = palloc_extended(count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	labels->place = palloc_extended(count * sizeof(uint32), MCXT_ALLOC_HUGE);
	labels->met = palloc_extended(count * sizeof(LabelTouches), MCXT_ALLOC_HUGE);
	labels->nmet = 0;
}

/* Counts touchpoint i under its label, if it has one; touchpoints come in time order. */
static void
labels_count(Labels *labels, uint8 period, uint32 i, int64 at)
{
	uint32		entry = journey_label_at(labels->column, i);
	uint32		label = entry - labels->none;
	LabelTouches *touches;

	if (entry < labels->none)
		return;
	if (labels->seen[label] != period)
	{
		labels->seen[label] = period;
		labels->place[label] = labels->nmet;
		touches = &labels->met[labels->nmet++];
		touches->label = label;
		touches->count = 0;
		touches->first = at;
	}
	touches = &labels->met[labels->place[label]];
	touches->count++;
	touches->last = at;
}

/* The number of the first touchpoint at or after a time, which may be never. */
static uint32
touch_at(const JourneyView *view, int64 at)
{
	return at == FUNNEL_NEVER ? view->count : journey_lower_bound(view, at);
}

/* Seconds from one time to a later or an earlier one. */
static Datum
seconds_between(int64 from, int64 to)
{
	return Float8GetDatum((to >= from ? (double) ((uint64) to - (uint64) from) : -(double) ((uint64) from - (uint64) to)) /
						  USECS_PER_SEC);
}

/* A row of a period: of the whole of it, without a label, or of a label met in it. */
static void
put_stage(ReturnSetInfo *result, const FunnelPeriod *period, int64 reached_at, const Label *label, const LabelTouches *touches)
{
	Datum		values[STAGE_COLUMNS];
	bool		nulls[STAGE_COLUMNS] = {false};
	bool		went_on = period->went_on_at != FUNNEL_NEVER;

	values[0] = Int32GetDatum(period->step);
	nulls[1] = label == NULL;
	values[1] = label ? label_to_datum(*label) : (Datum) 0;
	values[2] = Int64GetDatum(touches->count);
	nulls[3] = nulls[4] = touches->count == 0;
	values[3] = TimestampTzGetDatum(touches->first);
	values[4] = TimestampTzGetDatum(touches->last);
	values[5] = TimestampTzGetDatum(reached_at);
	nulls[6] = label == NULL;
	values[6] = seconds_between(reached_at, touches->first);
	nulls[7] = !period->goes_on;
	values[7] = BoolGetDatum(went_on);
	nulls[8] = !went_on;
	values[8] = seconds_between(reached_at, period->went_on_at);
	nulls[9] = period->to == FUNNEL_NEVER;
	values[9] = seconds_between(reached_at, period->to);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * stage_touches(journey, funnel, by, entered): for each stage that the customer
 * stood at, and for the time before the first one if there was any, a row for
 * the stage and one for each label met there.
 *
 * Where several stages are reached at one time, a touchpoint of that time
 * belongs to the first of them that it matches, else to the last.
 */
Datum
journey_stage_touches(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelMatcher *matcher = funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(1));
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	bool		channels = by_channel_argument(PG_GETARG_TEXT_PP(2));
	FunnelEntry entry = funnel_entry(PG_GETARG_DATUM(3));
	JourneyView view;
	Label	   *event_names;
	Label	   *channel_names;
	const FunnelTouch *touches = NULL;
	size_t		ntouches;
	FunnelPeriod periods[FUNNEL_MAX_PERIODS];
	int			nperiods;
	uint64		taken = 0;		/* stages reached at the same time as the one at hand, before it */
	Labels		labels;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	ntouches = funnel_match_touches(matcher, &view, &touches);
	nperiods = funnel_periods(rules, entry, touches, ntouches, periods);
	labels_start(&labels, channels ? &view.channels : &view.events, channels);
	event_names = channels ? journey_labels(&view.events) : labels.names;
	channel_names = channels ? labels.names : journey_labels(&view.channels);
	for (int p = 0; p < nperiods; p++)
	{
		const FunnelPeriod *period = &periods[p];
		bool		more_tied = p + 1 < nperiods && period->to == period->from;
		uint64		stage = period->step > 0 && !rules->unordered ? UINT64CONST(1) << (period->step - 1) : 0;
		uint32		from = touch_at(&view, period->from);
		uint32		to = touch_at(&view, more_tied ? period->from + 1 : period->to);
		LabelTouches all = {0};

		labels.nmet = 0;
		for (uint32 i = from; i < to; i++)
		{
			int64		at = journey_at(&view, i);

			CHECK_FOR_INTERRUPTS();
			if (at == period->from && (more_tied || taken != 0))
			{
				uint32		channel = journey_label_at(&view.channels, i);
				uint64		stages = funnel_match_row(matcher, at, event_names[journey_label_at(&view.events, i)],
													  channel ? channel_names[channel - 1] : NO_LABEL).stages;

				if ((stages & taken) || (more_tied && !(stages & stage)))
					continue;
			}
			if (all.count++ == 0)
				all.first = at;
			all.last = at;
			labels_count(&labels, (uint8) (p + 1), i, at);
		}
		taken = more_tied ? taken | stage : 0;
		if (period->step == 0 && all.count == 0)
			continue;
		put_stage(result, period, period->step == 0 ? view.first : period->from, NULL, &all);
		for (uint32 i = 0; i < labels.nmet; i++)
			put_stage(result, period, period->step == 0 ? view.first : period->from,
					  &labels.names[labels.met[i].label], &labels.met[i]);
	}
	return (Datum) 0;
}

/* What is the same in all rows of a customer. */
typedef struct Exposures
{
	ReturnSetInfo *result;
	const FunnelPeriod *stays;	/* of some length, before the conversion */
	int			nstays;
	int64		first;			/* touchpoint of all */
	int64		began_at;
	int64		converted_at;	/* or FUNNEL_NEVER */
} Exposures;

/* A row of a stay, or of the customer (stay NULL); label NULL: of no label; met_at NULL: met before the stay. */
static void
put_exposure(const Exposures *exposures, const FunnelPeriod *stay, const char *kind, const Label *label, const int64 *met_at)
{
	Datum		values[EXPOSURE_COLUMNS] = {0};
	bool		nulls[EXPOSURE_COLUMNS] = {true, true, true, true, true, false, false, true, true};
	bool		converted = exposures->converted_at != FUNNEL_NEVER;

	if (label)
	{
		values[0] = CStringGetTextDatum(kind);
		values[1] = label_to_datum(*label);
		nulls[0] = nulls[1] = false;
	}
	values[5] = BoolGetDatum(converted);
	values[6] = TimestampTzGetDatum(exposures->began_at);
	if (stay)
	{
		int64		reached_at = stay->step == 0 ? exposures->first : stay->from;

		values[2] = Int32GetDatum(stay->step);
		nulls[2] = false;
		nulls[3] = met_at == NULL;
		if (met_at)
			values[3] = seconds_between(reached_at, *met_at);
		nulls[4] = stay->to == FUNNEL_NEVER;
		values[4] = seconds_between(reached_at, stay->to);
		values[7] = TimestampTzGetDatum(reached_at);
		nulls[7] = false;
	}
	else if (converted)
	{
		values[8] = seconds_between(exposures->began_at, exposures->converted_at);
		nulls[8] = false;
	}
	tuplestore_putvalues(exposures->result->setResult, exposures->result->setDesc, values, nulls);
}

/* Of each label a row for the stay in which it was met first, and for each later one. */
static void
put_exposures(const Exposures *exposures, const char *kind, const Labels *labels)
{
	for (uint32 i = 0; i < labels->nmet; i++)
	{
		const Label *label = &labels->names[labels->met[i].label];
		int64		met_at = labels->met[i].first;

		CHECK_FOR_INTERRUPTS();
		for (int s = 0; s < exposures->nstays; s++)
		{
			const FunnelPeriod *stay = &exposures->stays[s];

			if (met_at < stay->to)
				put_exposure(exposures, stay, kind, label, met_at >= stay->from ? &met_at : NULL);
		}
	}
}

/*
 * funnel_exposures(journey, funnel, entered): of a customer who began the
 * funnel, a row for the customer, one for each stay at a stage until the funnel
 * was completed, and of each event and channel met by then one for the stay in
 * which it was met first and each later one.  Touchpoints that the funnel itself
 * asks for beyond its first stage, or excludes, are left out: whoever comes far
 * has them because they come far.
 *
 * A stage that was left at the time at which it was reached is no stay: nothing
 * could be met there.
 */
Datum
journey_funnel_exposures(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	FunnelMatcher *matcher = funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(1));
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	FunnelEntry entry = funnel_entry(PG_GETARG_DATUM(2));
	int			completed = funnel_completed_stage(rules);
	uint64		own = rules->unordered || rules->from_any ? ~UINT64CONST(0) : ~UINT64CONST(1);
	JourneyView view;
	const FunnelTouch *touches = NULL;
	size_t		ntouches;
	FunnelPeriod periods[FUNNEL_MAX_PERIODS];
	int			nperiods;
	Exposures	exposures = {.result = result, .stays = periods, .began_at = FUNNEL_NEVER, .converted_at = FUNNEL_NEVER};
	uint32		end;
	Labels		events;
	Labels		channels;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	ntouches = funnel_match_touches(matcher, &view, &touches);
	nperiods = funnel_periods(rules, entry, touches, ntouches, periods);
	for (int p = 0; p < nperiods && exposures.converted_at == FUNNEL_NEVER; p++)
	{
		FunnelPeriod period = periods[p];

		if (period.step > 0 && exposures.began_at == FUNNEL_NEVER)
			exposures.began_at = period.from;
		if (period.step > completed)
			exposures.converted_at = period.from;
		else if (period.to > (period.step == 0 ? view.first : period.from))
			periods[exposures.nstays++] = period;
	}
	if (exposures.began_at == FUNNEL_NEVER)
		return (Datum) 0;
	exposures.first = view.first;
	end = touch_at(&view, exposures.converted_at);
	labels_start(&events, &view.events, false);
	labels_start(&channels, &view.channels, true);
	for (uint32 i = 0; i < end; i++)
	{
		uint32		channel = journey_label_at(&view.channels, i);
		int64		time = journey_at(&view, i);
		FunnelTouch touch = funnel_match_row(matcher, time, events.names[journey_label_at(&view.events, i)],
											 channel ? channels.names[channel - 1] : NO_LABEL);

		CHECK_FOR_INTERRUPTS();
		if ((touch.stages & own) || touch.excluded)
			continue;
		labels_count(&events, 1, i, time);
		labels_count(&channels, 1, i, time);
	}
	put_exposure(&exposures, NULL, NULL, NULL, NULL);
	for (int s = 0; s < exposures.nstays; s++)
		put_exposure(&exposures, &exposures.stays[s], NULL, NULL, NULL);
	put_exposures(&exposures, "event", &events);
	put_exposures(&exposures, "channel", &channels);
	return (Datum) 0;
}
