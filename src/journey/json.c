/*
 * journey/json.c: journeys to and from jsonb.
 *
 *	[{"at": "2026-01-31T09:30:00Z", "event": "view", "channel": "email", "value": 19.9, "session": "17"}]
 *
 * channel, value and session are left out where there is none, and may be null on the
 * way in.  JSON has no number for NaN and the infinities: they are strings.
 */
#include "journey/argument.h"

#include <math.h>

#include "base/iso_time.h"
#include "journey/text.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(journey_to_jsonb);
PG_FUNCTION_INFO_V1(journey_from_jsonb);

/* Longest piece of the input that an error message repeats, in bytes. */
#define FOUND_MAX_BYTES 40

static void
push_key(JsonbInState *state, const char *key)
{
	JsonbValue	value = {.type = jbvString, .val.string = {.val = unconstify(char *, key), .len = strlen(key)}};

	cjm_push_jsonb(state, WJB_KEY, &value);
}

static void
push_string(JsonbInState *state, const char *bytes, int size)
{
	JsonbValue	value = {.type = jbvString, .val.string = {.val = unconstify(char *, bytes), .len = size}};

	cjm_push_jsonb(state, WJB_VALUE, &value);
}

/* A value by its exact shortest digits, which numeric keeps.  text is scratch. */
static void
push_number(JsonbInState *state, double number, StringInfo text)
{
	JsonbValue	value = {.type = jbvNumeric};

	resetStringInfo(text);
	number_print(text, number);
	if (isnan(number) || isinf(number))
	{
		push_string(state, pnstrdup(text->data, text->len), text->len);
		return;
	}
	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text->data),
															ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	cjm_push_jsonb(state, WJB_VALUE, &value);
}

Datum
journey_to_jsonb(PG_FUNCTION_ARGS)
{
	JourneyView view;
	Label	   *events;
	Label	   *channels;
	Label	   *sessions;
	JourneyCursor cursor;
	Touch		touch;
	JsonbInState state = {0};
	StringInfoData text;

	initStringInfo(&text);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	events = journey_labels(&view.events);
	channels = journey_labels(&view.channels);
	sessions = journey_labels(&view.sessions);
	cjm_push_jsonb(&state, WJB_BEGIN_ARRAY, NULL);
	journey_cursor_start(&cursor, &view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&text);
		iso_time_print(&text, touch.at);
		cjm_push_jsonb(&state, WJB_BEGIN_OBJECT, NULL);
		push_key(&state, "at");
		push_string(&state, pnstrdup(text.data, text.len), text.len);
		push_key(&state, "event");
		push_string(&state, events[touch.event].bytes, events[touch.event].size);
		if (touch.channel != 0)
		{
			push_key(&state, "channel");
			push_string(&state, channels[touch.channel - 1].bytes, channels[touch.channel - 1].size);
		}
		if (touch.has_value)
		{
			push_key(&state, "value");
			push_number(&state, touch.value, &text);
		}
		if (touch.session != 0)
		{
			push_key(&state, "session");
			push_string(&state, sessions[touch.session - 1].bytes, sessions[touch.session - 1].size);
		}
		cjm_push_jsonb(&state, WJB_END_OBJECT, NULL);
	}
	cjm_push_jsonb(&state, WJB_END_ARRAY, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(state.result));
}

/* One touchpoint as it is read; at and event must come. */
typedef struct JsonTouch
{
	int			number;			/* from 1, for messages */
	int64		at;
	bool		has_at;
	Label		event;
	Label		channel;
	Label		session;
	bool		has_value;
	double		value;
} JsonTouch;

static void
fail_touch(int number, const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid journey: %s in element %d of the array", what, number),
			 errdetail("%s", detail),
			 errhint("A touchpoint is {\"at\": \"2026-01-31T09:30:00Z\", \"event\": \"view\", "
					 "\"channel\": \"email\", \"value\": 9.5}, channel, value and session are optional.")));
}

/* What stands where something else should, for a message: its JSON, cut where it is long. */
static char *
jsonb_found(Jsonb *json)
{
	char	   *text = JsonbToCString(NULL, &json->root, VARSIZE(json));
	int			size = strlen(text);

	if (size <= FOUND_MAX_BYTES)
		return text;
	return psprintf("%.*s...", pg_mbcliplen(text, size, FOUND_MAX_BYTES), text);
}

static char *
json_found(const JsonbValue *value)
{
	return jsonb_found(JsonbValueToJsonb(unconstify(JsonbValue *, value)));
}

static Label
json_label(const JsonbValue *value, const char *key, int number)
{
	if (value->type != jbvString)
		fail_touch(number, psprintf("\"%s\" is not a string but %s", key, json_found(value)), "Labels are strings.");
	return (Label) {value->val.string.val, value->val.string.len};
}

static void
read_value(JsonTouch *touch, const JsonbValue *value)
{
	touch->has_value = true;
	if (value->type == jbvNumeric)
	{
		touch->value = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
		return;
	}
	if (value->type == jbvString)
	{
		static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
		const double numbers[] = {NAN, INFINITY, -INFINITY};

		for (int i = 0; i < (int) lengthof(words); i++)
			if (value->val.string.len == (int) strlen(words[i]) &&
				memcmp(value->val.string.val, words[i], value->val.string.len) == 0)
			{
				touch->value = numbers[i];
				return;
			}
	}
	fail_touch(touch->number, psprintf("\"value\" is not a number but %s", json_found(value)),
			   "It is a JSON number, or one of the strings \"NaN\", \"Infinity\", \"-Infinity\".");
}

static void
read_at(JsonTouch *touch, const JsonbValue *value)
{
	LabelScanner scanner;
	CjmError	error = {0};

	if (value->type != jbvString)
		fail_touch(touch->number, psprintf("\"at\" is not a string but %s", json_found(value)),
				   "Times are strings such as \"2026-01-31T09:30:00Z\".");
	scanner.start = scanner.at = value->val.string.val;
	scanner.end = scanner.start + value->val.string.len;
	scanner.encoding = GetDatabaseEncoding();
	if (!iso_time_scan(&scanner, &touch->at, &error))
		fail_touch(touch->number, error.message, error.detail ? error.detail : "It does not fit in timestamptz.");
	if (scanner.at != scanner.end)
		fail_touch(touch->number, psprintf("\"at\" goes on after the time with %s", label_found(&scanner, scanner.at)),
				   "Times are strings such as \"2026-01-31T09:30:00Z\".");
	touch->has_at = true;
}

static void
read_key(JsonTouch *touch, const JsonbValue *key, const JsonbValue *value)
{
	const char *name = pnstrdup(key->val.string.val, key->val.string.len);

	if (strcmp(name, "at") == 0)
		read_at(touch, value);
	else if (strcmp(name, "event") == 0)
		touch->event = json_label(value, "event", touch->number);
	else if (strcmp(name, "channel") == 0)
	{
		if (value->type != jbvNull)
			touch->channel = json_label(value, "channel", touch->number);
	}
	else if (strcmp(name, "session") == 0)
	{
		if (value->type != jbvNull)
			touch->session = json_label(value, "session", touch->number);
	}
	else if (strcmp(name, "value") == 0)
	{
		if (value->type != jbvNull)
			read_value(touch, value);
	}
	else
		fail_touch(touch->number, psprintf("unknown key \"%s\"", name),
				   "The keys are \"at\", \"event\", \"channel\", \"value\" and \"session\".");
}

/* Scalar members only: a touchpoint has no containers in it. */
static void
read_touch(JsonbContainer *object, JsonTouch *touch)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbValue	value;

	JsonbIteratorNext(&iterator, &value, false);
	while (JsonbIteratorNext(&iterator, &key, false) == WJB_KEY)
	{
		if (JsonbIteratorNext(&iterator, &value, true) != WJB_VALUE)
			elog(ERROR, "jsonb object has a key without a value");
		read_key(touch, &key, &value);
	}
	if (!touch->has_at || touch->event.bytes == NULL)
		fail_touch(touch->number, touch->has_at ? "\"event\" is missing" : "\"at\" is missing",
				   "A touchpoint has at least a time and an event.");
}

Datum
journey_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *json = PG_GETARG_JSONB_P(0);
	JourneyBuilder *builder = builder_create(NULL);
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonTouch	touch = {0};

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid journey: the JSON value is not an array: %s", jsonb_found(json)),
				 errhint("A journey is an array of touchpoints: [{\"at\": \"2026-01-31T09:30:00Z\", \"event\": \"view\"}].")));
	iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorNext(&iterator, &value, false);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		CjmError	error = {0};

		CHECK_FOR_INTERRUPTS();
		touch = (JsonTouch) {.number = touch.number + 1};
		if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
			fail_touch(touch.number, psprintf("%s is not an object", json_found(&value)),
					   "Each element of the array is a touchpoint.");
		read_touch(value.val.binary.data, &touch);
		if (!builder_add(&builder, touch.at, touch.event, touch.channel, touch.session, touch.has_value, touch.value, &error))
			cjm_report(&error);
	}
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}
