/*
 * damaged_fuzz.c: a fuzz target for the readers of stored journeys, which trust
 * nobody's disk.
 *
 * Every input is a journey that no validator has seen: as it is, and as a
 * journey made of it with some bytes changed.  Each reader comes to an end, with
 * an answer or in cjm_damaged, and touches nothing outside of the value.  What
 * the validator lets through, and is in order, is damaged for no reader.
 */
#include "fuzz.h"

#include "attribution/models.h"
#include "attribution/path_stats.h"
#include "funnel/engine.h"
#include "funnel/match.h"
#include "funnel/periods.h"
#include "journey/listed.h"
#include "journey/path.h"
#include "journey/session.h"
#include "journey/text.h"
#include "mb/pg_wchar.h"
#include "pattern/program.h"
#include "pattern/rows.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char *const funnels[] = {
	"a -> b -> c", "a -> optional b | * -> c [1 hour] within 2 days excluding d", "a -> * strict", "a -> b -> a unordered within 1 day",
	"a@x -> b", "*"
};

static const char *const patterns[] = {"a", "a+ .* b", "(a | b@x)* c", ". (?t<=60) a within 1 day"};

static FunnelMatcher *
matcher_of(const char *text)
{
	FunnelDef  *def = palloc0(sizeof(FunnelDef));
	CjmError	error = {0};

	REQUIRE(funnel_parse(text, strlen(text), PG_UTF8, def, &error));
	return funnel_matcher(def);
}

static void
read_funnel(const JourneyView *view, size_t i)
{
	FunnelMatcher *matcher = matcher_of(funnels[i]);
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	const FunnelTouch *touches = NULL;
	FunnelPeriod periods[FUNNEL_MAX_PERIODS];
	FunnelWalk	walk;
	uint32	   *conversions;
	size_t		count;

	(void) SOUND(
	{
		funnel_match_start(matcher, view);
		for (uint32 t = 0; t < view->count; t++)
			(void) funnel_match_stages(matcher, view, t);
	});
	(void) SOUND(funnel_match_journey(matcher, view, FUNNEL_ANY_ENTRY, &walk));
	(void) SOUND(
	{
		count = funnel_match_touches(matcher, view, &touches);
		(void) funnel_open_step(rules, FUNNEL_ANY_ENTRY, touches, count, view->first);
		(void) funnel_periods(rules, FUNNEL_ANY_ENTRY, touches, count, periods);
		(void) funnel_conversions(rules, FUNNEL_ANY_ENTRY, touches, count, NULL);
	});
	(void) SOUND(
	{
		AttributionScope scope = {.direct = palloc0(view->channels.count + 1),.looks_back = i % 2,.lookback = USECS_PER_HOUR,
								  .visits = i % 3 == 0,.rule = {.timeout = USECS_PER_MINUTE, .by_channel = i % 5 == 0}};
		AttributionCursor cursor;
		AttributionWindow window;

		count = funnel_match_conversions(matcher, view, &conversions);
		if (count > 0)
		{
			attribution_start(&cursor, view, &scope, conversions, count);
			while (attribution_next(&cursor, &window))
			{
				double	   *shares = palloc(Max(window.count, 1) * sizeof(double));

				if (window.count > 0)
					(void) attribution_shares((AttributionModel) (i % ATTRIBUTION_MODELS), &(AttributionRules) {USECS_PER_DAY, {0.4, 0.2, 0.4}},
											  window.units, window.count, shares);
			}
		}
	});
	(void) SOUND(
	{
		PathStats	stats;
		CjmError	error = {0};

		path_stats_init(&stats, (PathModel) {i % 3, true});
		count = funnel_match_conversions(matcher, view, &conversions);
		(void) path_stats_add_journey(&stats, view, conversions, count, true, &error);
	});
}


static void
read_pattern(const JourneyView *view, size_t i)
{
	Pattern		pattern;
	PatternProgram *program;
	ConditionRows rows;
	CjmError	error = {0};

	REQUIRE(pattern_parse(patterns[i], strlen(patterns[i]), PG_UTF8, PATTERN_NAMED, &pattern, &error));
	program = pattern_compile(&pattern, &error);
	REQUIRE(program != NULL);
	(void) SOUND(
	{
		if (pattern_journey_rows(&pattern, program, view, &rows))
		{
			(void) pattern_matches(program, &rows);
			(void) pattern_count(program, &rows);
		}
	});
}


/* Asks everything, of funnels and patterns one each; false if any reader has given up. */
static bool
read_all(const uint8 *bytes, size_t size, size_t way)
{
	JourneyView view;
	CjmError	error = {0};
	StringInfoData text;
	volatile bool sound;
	JourneyBuilder *builder = builder_create(NULL);
	bool	   *listed;
	size_t		written;

	if (!journey_open(bytes, size, &view, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return false;
	}
	listed = palloc0(view.events.count + 1);
	sound = SOUND((void) journey_labels(&view.events));
	sound &= SOUND((void) journey_labels(&view.channels));
	sound &= SOUND(if (view.count > 0) (void) journey_label(&view.events, view.events.count - 1));
	sound &= SOUND((void) journey_find_label(&view.events, (Label) {"no such", 7}));
	sound &= SOUND((void) journey_listed(&view.events, &(Label) {"no such", 7}, 1, listed, &error));
	sound &= SOUND((void) journey_lower_bound(&view, view.first + 1));
	initStringInfo(&text);
	sound &= SOUND(journey_print(&text, &view));
	sound &= SOUND(REQUIRE(journey_compare(&view, &view) == 0));
	sound &= SOUND(
	{
		SessionCursor cursor;
		Session		session;
		SessionRule rule = {.timeout = USECS_PER_HOUR, .by_channel = view.count % 2 == 0};

		session_cursor_start(&cursor, &view, &rule);
		while (session_cursor_next(&cursor, &session))
			REQUIRE(session.entry_event < view.events.count && session.channel <= view.channels.count);
	});
	for (int channels = 0; channels <= 1; channels++)
		sound &= SOUND(
		{
			PathCursor	cursor;
			uint32		id;
			SessionRule rule = {.timeout = 1000000, .by_channel = view.count % 2 == 0};

			path_start(&cursor, &view, channels, true, channels ? &rule : NULL);
			while (path_next(&cursor, &id))
				REQUIRE(id < (channels ? view.channels.count : view.events.count));
		});
	sound &= SOUND(
	{
		if (builder_add_view(&builder, &view, 0, view.count, &error))
			(void) builder_encode(builder, true, 0, &written, &error);
	});
	read_funnel(&view, way % lengthof(funnels));
	read_pattern(&view, way % lengthof(patterns));
	return sound;
}

/* A journey of some touchpoints, with bytes changed as the input says. */
static void
try_changed(const uint8 *data, size_t size)
{
	Input		input = {data, data + size};
	int			count = 1 + take(&input, 12);
	JourneyBuilder *builder = builder_create(NULL);
	CjmError	error = {0};
	int64		at = 0;
	uint8	   *bytes;
	size_t		written;

	for (int i = 0; i < count; i++)
	{
		static const char *const names[] = {"a", "b", "c", "d"};
		static const char *const channels[] = {"x", "direct"};
		int			kind = take(&input, 256);

		at += (int64) take(&input, 4) * USECS_PER_MINUTE + (kind >= 128 ? 1 : 0);
		REQUIRE(builder_add(&builder, at, (Label) {names[kind % 4], 1},
							kind / 4 % 3 == 0 ? NO_LABEL : (Label) {channels[kind / 4 % 3 - 1], strlen(channels[kind / 4 % 3 - 1])},
							kind / 24 % 3 == 0 ? NO_LABEL : (Label) {names[kind / 24 % 3], 1}, kind / 12 % 2, kind, &error));
	}
	bytes = builder_encode(builder, false, 0, &written, &error);
	REQUIRE(read_all(bytes, written, size));
	while (input.at < input.end)
	{
		int			place = take(&input, 256);

		bytes[place % written] ^= take(&input, 256);
	}
	(void) read_all(exact_copy(bytes, written), written, size);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	CjmError	error = {0};
	bool		sound = read_all(exact_copy(data, size), size, size);

	/* Times that fall are let through, since they are put in order. */
	if (!sound && journey_check(exact_copy(data, size), size, LABEL_MAX_BYTES, &error))
	{
		JourneyView view;
		bool		falls = false;

		REQUIRE(journey_open(exact_copy(data, size), size, &view, &error));
		for (uint32 i = 1; i < view.count; i++)
			falls |= journey_at(&view, i) < journey_at(&view, i - 1);
		REQUIRE(falls);
	}
	try_changed(data, size);
	return 0;
}
