/*
 * journey_fuzz.c: a fuzz target for the bytes and the text of journeys.
 *
 * Every input is tried as bytes and as text.
 * - Bytes that the validator lets through are safe for every reader and have
 *   ids that exist; written anew, in whatever order and parts, they are
 *   canonical bytes that pass the validator too and are their own; and they
 *   print to text that reads back to them.  Nothing shorter is sound.
 * - Text that parses gives canonical bytes; text or bytes that are refused
 *   have an error with a message.
 */
#include "fuzz.h"

#include "journey/combine.h"
#include "journey/text.h"
#include "mb/pg_wchar.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static StringInfoData
encoded(const JourneyBuilder *builder, bool distinct)
{
	StringInfoData bytes = {0};
	CjmError	error = {0};
	size_t		size;

	bytes.data = (char *) builder_encode(builder, distinct, 0, &size, &error);
	REQUIRE(bytes.data != NULL);
	bytes.len = bytes.maxlen = size;
	return bytes;
}

/* A shared pool; a crowded one has room for few bytes more, so that builders leave it. */
static LabelPool *
shared_pool(bool crowded)
{
	static char filler[LABEL_MAX_BYTES];
	LabelPool  *pool = label_pool_create(true);
	Label		label = {filler, LABEL_MAX_BYTES};
	CjmError	error = {0};
	uint32		id;

	while (crowded && label_pool_takes(pool, label))
	{
		filler[0]++;
		REQUIRE(label_pool_add(pool, label, &id, &error));
	}
	/* It has just refused one, but is to be used. */
	pool->shared->full = false;
	label.size = SHARED_POOL_BYTES - pool->size - 16;
	if (crowded && label.size <= LABEL_MAX_BYTES)
		REQUIRE(label_pool_add(pool, label, &id, &error));
	return pool;
}

/* A builder of touchpoints from .. to of a view: of a log, or of the journey as another process hands it over. */
static JourneyBuilder *
part(const JourneyView *view, uint32 from, uint32 to, bool whole)
{
	JourneyBuilder *builder = builder_create(NULL);
	StringInfoData bytes;
	CjmError	error = {0};

	REQUIRE(builder_add_view(&builder, view, from, to, &error));
	if (!whole || builder->count == 0)
		return builder;
	bytes = encoded(builder, false);
	builder = builder_of_journey((uint8 *) bytes.data, bytes.len, builder->count);
	return builder;
}

/*
 * Touchpoints from .. to of a view, then those before, then those after, so
 * that the writer has to sort; in a pool of their own or in a shared one.
 */
static StringInfoData
rewritten(const JourneyView *view, uint32 from, uint32 to, bool distinct)
{
	JourneyBuilder *builder = builder_create(from % 3 == 0 ? NULL : shared_pool(from % 3 == 1));
	bool		whole = view->count % 2 != 0;
	CjmError	error = {0};

	REQUIRE(builder_add_builder(&builder, part(view, from, to, whole), &error));
	if (view->count % 4 == 1)
		REQUIRE(builder_add_view(&builder, view, 0, from, &error));
	else
		REQUIRE(builder_add_builder(&builder, part(view, 0, from, whole), &error));
	REQUIRE(builder_add_builder(&builder, part(view, to, view->count, whole && to % 2 != 0), &error));
	REQUIRE(builder->count == view->count);
	return encoded(builder, distinct);
}

/* Asks a sound value everything that can be asked. */
static void
read_all(const JourneyView *view, bool canonical)
{
	Label	   *events = journey_labels(&view->events);
	Label	   *channels = journey_labels(&view->channels);
	Label	   *sessions = journey_labels(&view->sessions);
	JourneyCursor cursor;
	Touch		touch;
	uint32		count = 0;

	for (uint32 i = 0; i < view->events.count; i++)
	{
		REQUIRE(events[i].size > 0 && events[i].size <= LABEL_MAX_BYTES);
		if (canonical)
		{
			REQUIRE(journey_find_label(&view->events, events[i]) == i);
			REQUIRE(i == 0 || label_compare(events[i - 1], events[i]) < 0);
		}
		else
			(void) journey_find_label(&view->events, events[i]);
	}
	for (uint32 i = 0; i < view->channels.count; i++)
	{
		REQUIRE(channels[i].size > 0 && channels[i].size <= LABEL_MAX_BYTES);
		REQUIRE(!canonical || journey_find_label(&view->channels, channels[i]) == i);
	}

	for (uint32 i = 0; i < view->sessions.count; i++)
	{
		REQUIRE(sessions[i].size > 0 && sessions[i].size <= LABEL_MAX_BYTES);
		REQUIRE(!canonical || journey_find_label(&view->sessions, sessions[i]) == i);
	}

	journey_cursor_start(&cursor, view, 0);
	cursor.any_order = !canonical;
	while (journey_cursor_next(&cursor, &touch))
	{
		CjmError	error = {0};

		REQUIRE(touch.at == journey_at(view, count));
		REQUIRE(touch_time_check(touch.at, &error));
		REQUIRE(touch.event == journey_label_at(&view->events, count) && touch.event < view->events.count);
		REQUIRE(touch.channel == journey_label_at(&view->channels, count) && touch.channel <= view->channels.count);
		REQUIRE(touch.session == journey_label_at(&view->sessions, count) && touch.session <= view->sessions.count);
		if (canonical)
		{
			uint32		bound = journey_lower_bound(view, touch.at);

			REQUIRE(count == 0 || journey_at(view, count - 1) <= touch.at);
			REQUIRE(bound <= count && journey_at(view, bound) == touch.at);
			REQUIRE(bound == 0 || journey_at(view, bound - 1) < touch.at);
		}
		count++;
	}
	REQUIRE(count == view->count);
}

/* A sum and a difference of journeys, each of which may be NULL; without data if there is none. */
static StringInfoData
combined(const StringInfoData *a, const StringInfoData *b, const StringInfoData *taken, CjmError *error)
{
	const StringInfoData *parts[3] = {a, b, taken};
	JourneyView views[3];
	StringInfoData bytes = {0};
	size_t		size;

	for (int i = 0; i < 3; i++)
		REQUIRE(parts[i] == NULL || journey_open(exact_copy(parts[i]->data, parts[i]->len), parts[i]->len, &views[i], error));
	bytes.data = (char *) journey_combine(a ? &views[0] : NULL, b ? &views[1] : NULL, taken ? &views[2] : NULL, 0, &size, error);
	if (bytes.data != NULL)
		bytes.len = bytes.maxlen = size;
	return bytes;
}

/* Touchpoints from .. to of a canonical view and the others: what they are together, and without each other. */
static void
check_combining(const JourneyView *view, uint32 from, uint32 to)
{
	StringInfoData some = encoded(part(view, from, to, false), false);
	JourneyBuilder *others = part(view, 0, from, false);
	StringInfoData all = encoded(part(view, 0, view->count, false), false);
	StringInfoData rest;
	StringInfoData got;
	CjmError	error = {0};

	REQUIRE(builder_add_view(&others, view, to, view->count, &error));
	rest = encoded(others, false);
	got = combined(&some, &rest, NULL, &error);
	REQUIRE(same_bytes(&all, &got));
	got = combined(&rest, &some, NULL, &error);
	REQUIRE(same_bytes(&all, &got));
	got = combined(&all, NULL, &some, &error);
	REQUIRE(same_bytes(&rest, &got));
	got = combined(&rest, &some, &rest, &error);
	REQUIRE(same_bytes(&some, &got));
	got = combined(NULL, &some, &some, &error);
	REQUIRE(got.len == 4);
	got = combined(&rest, NULL, &all, &error);
	REQUIRE((got.data != NULL) == (from == to));
	REQUIRE(from == to || (error.kind == CJM_ERROR_VALUE && error.detail != NULL));
}

/* Canonical bytes, from wherever: they are their own, and so is their text. */
static void
check_canonical(const StringInfoData *bytes, int encoding)
{
	uint8	   *exact = exact_copy(bytes->data, bytes->len);
	CjmError	error = {0};
	JourneyView view;
	JourneyBuilder *builder;
	StringInfoData again;
	StringInfoData text;
	StringInfoData text_again;

	REQUIRE(journey_check(exact, bytes->len, LABEL_MAX_BYTES, &error));
	REQUIRE(journey_open(exact, bytes->len, &view, &error));
	read_all(&view, true);
	REQUIRE(journey_compare(&view, &view) == 0);

	for (uint32 from = 0; from <= view.count; from += Max(1, view.count / 3))
	{
		again = rewritten(&view, from, (from + view.count + 1) / 2, false);
		REQUIRE(same_bytes(bytes, &again));
		check_combining(&view, from, (from + view.count + 1) / 2);
	}
	again = rewritten(&view, 0, view.count, true);
	REQUIRE(journey_check((uint8 *) again.data, again.len, LABEL_MAX_BYTES, &error));

	initStringInfo(&text);
	journey_print(&text, &view);
	REQUIRE(strlen(text.data) == (size_t) text.len);
	builder = builder_create(NULL);
	if (!journey_parse((char *) exact_copy(text.data, text.len), text.len, encoding, &builder, &error))
	{
		fprintf(stderr, "%s\n%s\n", error.message, text.data);
		abort();
	}
	again = encoded(builder, false);
	REQUIRE(same_bytes(bytes, &again));
	REQUIRE(journey_open((uint8 *) again.data, again.len, &view, &error));
	initStringInfo(&text_again);
	journey_print(&text_again, &view);
	REQUIRE(same_bytes(&text, &text_again));
}

static void
try_bytes(const uint8 *data, size_t size)
{
	uint8	   *exact = exact_copy(data, size);
	CjmError	error = {0};
	JourneyView view;
	StringInfoData canonical;
	StringInfoData text;
	Label	   *events;
	bool		is_text;

	if (!journey_check(exact, size, LABEL_MAX_BYTES, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return;
	}
	REQUIRE(journey_open(exact, size, &view, &error));
	read_all(&view, false);
	/* Times that fall are for the builder alone. */
	(void) SOUND(REQUIRE(journey_compare(&view, &view) == 0));
	initStringInfo(&text);
	(void) SOUND(journey_print(&text, &view));

	canonical = rewritten(&view, 0, view.count, false);
	REQUIRE((size_t) canonical.len <= size || memcmp(canonical.data, exact, Min(3, size)) != 0);

	/* Labels of a database are text, without zero bytes: else there is no way back from a printed one. */
	is_text = true;
	events = journey_labels(&view.events);
	for (uint32 i = 0; i < view.events.count; i++)
		is_text &= memchr(events[i].bytes, '\0', events[i].size) == NULL;
	events = journey_labels(&view.channels);
	for (uint32 i = 0; i < view.channels.count; i++)
		is_text &= memchr(events[i].bytes, '\0', events[i].size) == NULL;
	events = journey_labels(&view.sessions);
	for (uint32 i = 0; i < view.sessions.count; i++)
		is_text &= memchr(events[i].bytes, '\0', events[i].size) == NULL;
	if (is_text)
		check_canonical(&canonical, PG_LATIN1);

	if (size < 128)
		for (size_t shorter = 0; shorter < size; shorter++)
		{
			uint8	   *part = exact_copy(data, shorter);

			error = (CjmError) {0};
			REQUIRE(!journey_check(part, shorter, LABEL_MAX_BYTES, &error));
			REQUIRE(error.kind != CJM_ERROR_NONE);
			pfree(part);
		}
}

static void
try_text(const uint8 *data, size_t size)
{
	/* In another encoding than UTF-8 any bytes are text. */
	int			encoding = pg_encoding_verifymbstr(PG_UTF8, (const char *) data, size) == (int) size ?
		PG_UTF8 : PG_LATIN1;
	JourneyBuilder *builder = builder_create(NULL);
	CjmError	error = {0};
	StringInfoData bytes;

	if (memchr(data, '\0', size) != NULL)
		return;
	if (!journey_parse((char *) exact_copy(data, size), size, encoding, &builder, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return;
	}
	bytes = encoded(builder, false);
	check_canonical(&bytes, encoding);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	try_bytes(data, size);
	try_text(data, size);
	return 0;
}
