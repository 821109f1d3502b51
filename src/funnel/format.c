/*
 * funnel/format.c: a funnel written, as canonical text and as bytes.
 *
 * The bytes of a value of type funnel, after the varlena header:
 *
 *	byte 0		format version, 1; 2 with any of the flags 16, 32 and 64
 *	byte 1		flags: 1 strict, 2 unordered, 4 within follows, 8 exclusions follow,
 *				16 session follows, 32 from any stage, 64 variable follows
 *	byte 2		number of stages, 1 to 64
 *	[within]	varint, microseconds, at least 1; only with flag 4
 *	[session]	varint, the gap in microseconds, at least 1; only with flag 16
 *	[variable]	label, of at least a byte; only with flag 64
 *	[excluded]	an event list; only with flag 8
 *	stages		one after the other:
 *		byte		flags: 1 optional, 2 gap follows, 4 (with flag 64) the channel of
 *					each event, which is empty, is the variable
 *		[gap]		varint, microseconds, at least 1; only with flag 2
 *		name		label; empty: the default name
 *		events		an event list
 *
 *	event list	varint count, at least 1, then that many events
 *	event		label of the event, label of the channel; empty: any
 *	label		varint size, then that many bytes in the database encoding
 *
 * A varint is LEB128 in the fewest bytes.  No event is in a list twice, no
 * name is stored that is the default one, unknown flags are 0, and nothing
 * follows.  So equal definitions have equal bytes, and the other way round.
 */
#include "funnel/text.h"

#include "base/bytes.h"

#define FUNNEL_FORMAT_VERSION 2
#define FUNNEL_FORMAT_FIRST 1	/* of what needs none of the flags that came with the second */

#define FLAG_STRICT 1
#define FLAG_UNORDERED 2
#define FLAG_WITHIN 4
#define FLAG_EXCLUDED 8
#define FLAG_SESSION 16
#define FLAG_FROM_ANY 32
#define FLAG_VARIABLE 64
#define FLAGS_KNOWN 127
#define FLAGS_FIRST 15

#define STAGE_OPTIONAL 1
#define STAGE_GAP 2
#define STAGE_BOUND 4
#define STAGE_FLAGS_KNOWN 7
#define STAGE_FLAGS_FIRST 3

static const struct
{
	const char *name;
	FunnelWord	word;
}			words[] =
{
	{"within", FUNNEL_WORD_WITHIN},
	{"strict", FUNNEL_WORD_STRICT},
	{"unordered", FUNNEL_WORD_UNORDERED},
	{"excluding", FUNNEL_WORD_EXCLUDING},
	{"optional", FUNNEL_WORD_OPTIONAL}
};

FunnelWord
funnel_word(Label label)
{
	for (size_t i = 0; i < lengthof(words); i++)
	{
		if (label_is_word(label, words[i].name))
			return words[i].word;
	}
	return FUNNEL_WORD_NONE;
}

/* The first of some characters beyond ASCII in a label, or NULL. */
static const char *
find_character(Label label, const char *const *characters, size_t count)
{
	for (uint32 i = 0; i < label.size; i++)
	{
		if (!IS_HIGHBIT_SET(label.bytes[i]))
			continue;
		for (size_t j = 0; j < count; j++)
		{
			size_t		size = strlen(characters[j]);

			if (size <= label.size - i && memcmp(label.bytes + i, characters[j], size) == 0)
				return label.bytes + i;
		}
	}
	return NULL;
}

/*
 * The first of the arrows that editors and word processors put for "->", in
 * UTF-8, or NULL.  A label that has one is printed in quotes, for the parser
 * takes it for a mistyped "->" otherwise.
 */
const char *
funnel_find_arrow(Label label)
{
	static const char *const arrows[] = {"\xe2\x86\x92", "\xe2\x87\x92", "\xe2\x9f\xb6"};

	return find_character(label, arrows, lengthof(arrows));
}

/*
 * The first of the spaces that are not ASCII's, in UTF-8, or NULL.  They come
 * along from web pages and word processors and look like any space, or like
 * nothing, but a bare label that has one is not the event that was meant.
 */
const char *
funnel_find_space(Label label)
{
	/* no-break, ogham, en quad to zero width, line, paragraph, narrow, mathematical, word joiner, ideographic, BOM */
	static const char *const spaces[] = {
		"\xc2\xa0", "\xe1\x9a\x80",
		"\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
		"\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\x8b",
		"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe2\x81\xa0",
		"\xe3\x80\x80", "\xef\xbb\xbf"
	};

	return find_character(label, spaces, lengthof(spaces));
}

bool
funnel_list_has(const FunnelEvent *list, int count, const FunnelEvent *event)
{
	for (int i = 0; i < count; i++)
	{
		if (funnel_event_equal(&list[i], event))
			return true;
	}
	return false;
}

static void
print_label(StringInfo out, Label label)
{
	label_print(out, label, funnel_word(label) != FUNNEL_WORD_NONE || funnel_find_arrow(label) != NULL ||
				funnel_find_space(label) != NULL);
}

/* variable: what the event's channel is called; no bytes: nothing. */
static void
print_event(StringInfo out, const FunnelEvent *event, Label variable)
{
	if (event->event.bytes == NULL)
		appendStringInfoChar(out, '*');
	else
		print_label(out, event->event);
	if (event->channel.bytes != NULL)
	{
		appendStringInfoChar(out, '@');
		print_label(out, event->channel);
	}
	if (variable.bytes != NULL)
	{
		appendStringInfoString(out, "@(");
		print_label(out, variable);
		appendStringInfoChar(out, ')');
	}
}

static void
print_events(StringInfo out, const FunnelEvent *events, int count, Label variable)
{
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, " | ");
		print_event(out, &events[i], variable);
	}
}

/*
 * The name of a stage that has been given none: the label of its first event,
 * or the text of that event if it is any.  Borrowed from the event, or
 * palloc'd; of a long channel it may be longer than a label.
 */
Label
funnel_default_name(const FunnelEvent *event)
{
	StringInfoData text;

	if (event->event.bytes != NULL)
		return event->event;
	if (event->channel.bytes == NULL)
		return (Label) {"*", 1};
	initStringInfo(&text);
	print_event(&text, event, (Label) {NULL, 0});
	return (Label) {text.data, text.len};
}

static bool
has_default_name(const FunnelStage *stage)
{
	if (stage->events[0].event.bytes != NULL)
		return label_equal(stage->name, stage->events[0].event);
	return label_equal(stage->name, funnel_default_name(&stage->events[0]));
}

/* funnel_print appends the canonical text, which funnel_parse reads back to the same definition. */
void
funnel_print(StringInfo out, const FunnelDef *def)
{
	for (int i = 0; i < def->nstages; i++)
	{
		const FunnelStage *stage = &def->stages[i];

		if (i > 0)
			appendStringInfoString(out, " -> ");
		if (stage->optional)
			appendStringInfoString(out, "optional ");
		if (!has_default_name(stage))
		{
			print_label(out, stage->name);
			appendStringInfoString(out, ": ");
		}
		print_events(out, stage->events, stage->nevents, stage->bound ? def->variable : (Label) {NULL, 0});
		if (stage->gap != FUNNEL_NO_LIMIT)
		{
			appendStringInfoString(out, " [");
			funnel_print_duration(out, stage->gap);
			appendStringInfoChar(out, ']');
		}
	}
	if (def->strict)
		appendStringInfoString(out, " strict");
	if (def->unordered)
		appendStringInfoString(out, " unordered");
	if (def->from_any)
		appendStringInfoString(out, " from any stage");
	if (def->within != FUNNEL_NO_LIMIT)
	{
		appendStringInfoString(out, " within ");
		funnel_print_duration(out, def->within);
	}
	if (def->session != 0)
		appendStringInfoString(out, " within session");
	if (def->session != 0 && def->session != FUNNEL_SESSION_GAP)
	{
		appendStringInfoString(out, " (");
		funnel_print_duration(out, def->session);
		appendStringInfoChar(out, ')');
	}
	if (def->nexcluded > 0)
	{
		appendStringInfoString(out, " excluding ");
		print_events(out, def->excluded, def->nexcluded, (Label) {NULL, 0});
	}
}

static bool
check_label(Label label, const char *noun, CjmError *error)
{
	if (!label_check(label, noun, error))
		return false;
	if (memchr(label.bytes, '\0', label.size) != NULL)
		return cjm_fail(error, CJM_ERROR_VALUE, "%s must not contain a zero byte", noun);
	return true;
}

/* Checks a list of events and adds its length to the total. */
static bool
check_events(const FunnelEvent *events, int count, int *total, CjmError *error)
{
	if (count > FUNNEL_MAX_EVENTS - *total)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "funnel of %d events is too large", *total + count);
		cjm_fail_detail(error, "The limit is %d events in all stages and exclusions together.", FUNNEL_MAX_EVENTS);
		return false;
	}
	*total += count;
	for (int i = 0; i < count; i++)
	{
		if ((events[i].event.bytes != NULL && !check_label(events[i].event, "event", error)) ||
			(events[i].channel.bytes != NULL && !check_label(events[i].channel, "channel", error)))
			return false;
		if (funnel_list_has(events, i, &events[i]))
			return cjm_fail(error, CJM_ERROR_VALUE, "funnel has an event twice in one list");
	}
	return true;
}

/* Fails because "from any stage" stands together with what it has no meaning with. */
static bool
fail_from_any(const char *other, const char *hint, CjmError *error)
{
	cjm_fail(error, CJM_ERROR_VALUE, "invalid funnel: \"from any stage\" and \"%s\" exclude each other", other);
	cjm_fail_hint(error, "%s", hint);
	return false;
}

/* Fails because "unordered" stands together with a rule of ordered funnels. */
static bool
fail_unordered(const char *other, CjmError *error)
{
	cjm_fail(error, CJM_ERROR_VALUE, "invalid funnel: \"unordered\" and \"%s\" exclude each other", other);
	cjm_fail_hint(error, "Without an order of stages only \"within\" and \"excluding\" have a meaning. "
				  "Leave out one of the two.");
	return false;
}

/*
 * funnel_check is the one rule for what a definition may be, wherever it came
 * from: text, bytes or an enum.  What passes can be printed and encoded.
 */
bool
funnel_check(const FunnelDef *def, CjmError *error)
{
	int			total = 0;
	bool		bound = false;

	if (def->nstages < 1)
		return cjm_fail(error, CJM_ERROR_VALUE, "funnel has no stage");
	if (def->nstages > FUNNEL_MAX_STAGES)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "funnel of %d stages is too long", def->nstages);
		cjm_fail_detail(error, "The limit is %d stages.", FUNNEL_MAX_STAGES);
		return false;
	}
	if (def->unordered && def->strict)
		return fail_unordered("strict", error);
	if (def->from_any && def->unordered)
		return fail_from_any("unordered", "An unordered funnel begins at any stage without it. Leave it out.", error);
	if (def->session < 0 || (def->within != FUNNEL_NO_LIMIT && def->within <= 0))
		return cjm_fail(error, CJM_ERROR_VALUE, "funnel has a duration that is not greater than zero");
	if (!check_events(def->excluded, def->nexcluded, &total, error))
		return false;
	if (def->variable.bytes != NULL && !check_label(def->variable, "variable", error))
		return false;

	for (int i = 0; i < def->nstages; i++)
	{
		const FunnelStage *stage = &def->stages[i];

		if (stage->nevents < 1)
			return cjm_fail(error, CJM_ERROR_VALUE, "stage %d of the funnel has no event", i + 1);
		if (!check_events(stage->events, stage->nevents, &total, error))
			return false;
		if (!has_default_name(stage) && !check_label(stage->name, "stage", error))
			return false;
		if (stage->gap != FUNNEL_NO_LIMIT && stage->gap <= 0)
			return cjm_fail(error, CJM_ERROR_VALUE, "funnel has a duration that is not greater than zero");
		if (i == 0 && (stage->optional || stage->gap != FUNNEL_NO_LIMIT))
			return cjm_fail(error, CJM_ERROR_VALUE, "the first stage of the funnel is optional or has a limit");
		if (stage->bound && def->unordered)
			return fail_unordered("@(variable)", error);
		if (stage->bound && def->variable.bytes == NULL)
			return cjm_fail(error, CJM_ERROR_VALUE, "funnel has a stage with a variable and no variable");
		bound |= stage->bound;
		for (int j = 0; stage->bound && j < stage->nevents; j++)
			if (stage->events[j].channel.bytes != NULL)
				return cjm_fail(error, CJM_ERROR_VALUE, "funnel has an event with a channel and a variable");
		if (def->from_any && stage->optional)
			return fail_from_any("optional", "Whoever may begin anywhere need not say what can be left out before. "
								 "Make the stage mandatory, or leave one of the two out.", error);
		if (def->unordered && stage->optional)
			return fail_unordered("optional", error);
		if (def->unordered && stage->gap != FUNNEL_NO_LIMIT)
		{
			StringInfoData limit;

			initStringInfo(&limit);
			appendStringInfoChar(&limit, '[');
			funnel_print_duration(&limit, stage->gap);
			appendStringInfoChar(&limit, ']');
			return fail_unordered(limit.data, error);
		}
	}
	if (bound != (def->variable.bytes != NULL))
		return cjm_fail(error, CJM_ERROR_VALUE, "funnel has a variable at no stage");
	return true;
}

static void
append_label(StringInfo out, Label label)
{
	append_varint(out, label.bytes == NULL ? 0 : label.size);
	if (label.bytes != NULL)
		appendBinaryStringInfo(out, label.bytes, label.size);
}

static void
append_events(StringInfo out, const FunnelEvent *events, int count)
{
	append_varint(out, count);
	for (int i = 0; i < count; i++)
	{
		append_label(out, events[i].event);
		append_label(out, events[i].channel);
	}
}

/* funnel_encode appends the bytes of a definition that funnel_check lets pass. */
void
funnel_encode(StringInfo out, const FunnelDef *def)
{
	int			flags = (def->strict ? FLAG_STRICT : 0) |
		(def->unordered ? FLAG_UNORDERED : 0) |
		(def->within != FUNNEL_NO_LIMIT ? FLAG_WITHIN : 0) |
		(def->nexcluded > 0 ? FLAG_EXCLUDED : 0) |
		(def->session != 0 ? FLAG_SESSION : 0) |
		(def->from_any ? FLAG_FROM_ANY : 0) |
		(def->variable.bytes != NULL ? FLAG_VARIABLE : 0);

	appendStringInfoCharMacro(out, (flags & ~FLAGS_FIRST) != 0 ? FUNNEL_FORMAT_VERSION : FUNNEL_FORMAT_FIRST);
	appendStringInfoCharMacro(out, flags);
	appendStringInfoCharMacro(out, def->nstages);
	if (def->within != FUNNEL_NO_LIMIT)
		append_varint(out, def->within);
	if (def->session != 0)
		append_varint(out, def->session);
	if (def->variable.bytes != NULL)
		append_label(out, def->variable);
	if (def->nexcluded > 0)
		append_events(out, def->excluded, def->nexcluded);
	for (int i = 0; i < def->nstages; i++)
	{
		const FunnelStage *stage = &def->stages[i];

		appendStringInfoCharMacro(out, (stage->optional ? STAGE_OPTIONAL : 0) |
								  (stage->gap != FUNNEL_NO_LIMIT ? STAGE_GAP : 0) |
								  (stage->bound ? STAGE_BOUND : 0));
		if (stage->gap != FUNNEL_NO_LIMIT)
			append_varint(out, stage->gap);
		append_label(out, has_default_name(stage) ? (Label) {NULL, 0} : stage->name);
		append_events(out, stage->events, stage->nevents);
	}
}

/* Bytes being decoded; at moves from start to end. */
typedef struct Reader
{
	const uint8 *start;
	const uint8 *at;
	const uint8 *end;
	int			nevents;		/* read so far */
	CjmError   *error;
} Reader;

static bool
fail_corrupt(const Reader *reader, const char *why)
{
	return cjm_fail(reader->error, CJM_ERROR_CORRUPT, "corrupt funnel: %s at byte %d",
					why, (int) (reader->at - reader->start));
}

static bool
read_byte(Reader *reader, uint8 known, uint8 *byte)
{
	if (reader->at >= reader->end)
		return fail_corrupt(reader, "cut off");
	if (*reader->at & ~known)
		return fail_corrupt(reader, "unknown flags");
	*byte = *reader->at++;
	return true;
}

/* Reads a varint of at most max, which is at least 0. */
static bool
read_number(Reader *reader, uint64 max, uint64 *number)
{
	const uint8 *after = varint_check(reader->at, reader->end, number);

	if (after == NULL)
		return fail_corrupt(reader, "cut-off or overlong number");
	if (*number > max)
		return fail_corrupt(reader, "number out of range");
	reader->at = after;
	return true;
}

static bool
read_duration(Reader *reader, int64 *duration)
{
	uint64		number;

	if (!read_number(reader, PG_INT64_MAX, &number))
		return false;
	*duration = (int64) number; /* funnel_check refuses 0 */
	return true;
}

/* Reads a label; an empty one has no bytes. */
static bool
read_label(Reader *reader, Label *label)
{
	uint64		size;

	if (!read_number(reader, LABEL_MAX_BYTES, &size))
		return false;
	if (size > (uint64) (reader->end - reader->at))
		return fail_corrupt(reader, "cut-off label");
	label->bytes = size == 0 ? NULL : (const char *) reader->at;
	label->size = (uint32) size;
	reader->at += size;
	return true;
}

static bool
read_events(Reader *reader, FunnelEvent **events, int *count)
{
	uint64		number;

	if (!read_number(reader, FUNNEL_MAX_EVENTS - reader->nevents, &number))
		return false;
	if (number == 0)
		return fail_corrupt(reader, "empty list of events");
	reader->nevents += (int) number;
	*count = (int) number;
	*events = palloc(number * sizeof(FunnelEvent));
	for (int i = 0; i < *count; i++)
	{
		if (!read_label(reader, &(*events)[i].event) || !read_label(reader, &(*events)[i].channel))
			return false;
	}
	return true;
}

static bool
read_stage(Reader *reader, uint8 known, FunnelStage *stage)
{
	uint8		flags = 0;

	if (!read_byte(reader, known, &flags))
		return false;
	stage->optional = (flags & STAGE_OPTIONAL) != 0;
	stage->bound = (flags & STAGE_BOUND) != 0;
	stage->gap = FUNNEL_NO_LIMIT;
	if (((flags & STAGE_GAP) && !read_duration(reader, &stage->gap)) ||
		!read_label(reader, &stage->name) ||
		!read_events(reader, &stage->events, &stage->nevents))
		return false;
	if (stage->name.bytes == NULL)
		stage->name = funnel_default_name(&stage->events[0]);
	else if (has_default_name(stage))
		return fail_corrupt(reader, "default name of a stage written out");
	return true;
}

/*
 * funnel_decode opens bytes that anybody may have made: it takes exactly what
 * funnel_encode writes.  Labels of the result point into the bytes, which need
 * no alignment.  That they are valid in the database encoding is not checked.
 */
bool
funnel_decode(const uint8 *bytes, size_t size, FunnelDef *def, CjmError *error)
{
	Reader		reader = {bytes, bytes, bytes + size, 0, error};
	CjmError	refused = {0};
	uint8		flags = 0;
	uint8		nstages = 0;
	bool		first;

	memset(def, 0, sizeof(FunnelDef));
	def->within = FUNNEL_NO_LIMIT;
	first = size > 0 && bytes[0] == FUNNEL_FORMAT_FIRST;
	if (size > 0 && !first && bytes[0] != FUNNEL_FORMAT_VERSION)
	{
		cjm_fail(error, CJM_ERROR_VERSION, "funnel has format version %d, which this release of cjm cannot read",
				 bytes[0]);
		cjm_fail_detail(error, "It reads versions %d to %d.", FUNNEL_FORMAT_FIRST, FUNNEL_FORMAT_VERSION);
		cjm_fail_hint(error, "Update the extension, or send the funnel as text.");
		return false;
	}
	if (!read_byte(&reader, 0xff, &flags) ||	/* the version */
		!read_byte(&reader, first ? FLAGS_FIRST : FLAGS_KNOWN, &flags) ||
		!read_byte(&reader, 0xff, &nstages))
		return false;
	if (!first && (flags & ~FLAGS_FIRST) == 0)
		return fail_corrupt(&reader, "a later version than needed");
	if (nstages < 1 || nstages > FUNNEL_MAX_STAGES)
		return fail_corrupt(&reader, "number of stages out of range");
	def->strict = (flags & FLAG_STRICT) != 0;
	def->unordered = (flags & FLAG_UNORDERED) != 0;
	def->from_any = (flags & FLAG_FROM_ANY) != 0;
	def->nstages = nstages;
	if ((flags & FLAG_WITHIN) && !read_duration(&reader, &def->within))
		return false;
	if ((flags & FLAG_SESSION) && !read_duration(&reader, &def->session))
		return false;
	if ((flags & FLAG_VARIABLE) && !read_label(&reader, &def->variable))
		return false;
	if (((flags & FLAG_SESSION) && def->session == 0) || ((flags & FLAG_VARIABLE) && def->variable.bytes == NULL))
		return fail_corrupt(&reader, "a session or a variable of nothing");
	if ((flags & FLAG_EXCLUDED) && !read_events(&reader, &def->excluded, &def->nexcluded))
		return false;
	def->stages = palloc(nstages * sizeof(FunnelStage));
	for (int i = 0; i < nstages; i++)
	{
		if (!read_stage(&reader, first ? STAGE_FLAGS_FIRST : STAGE_FLAGS_KNOWN, &def->stages[i]))
			return false;
	}
	if (reader.at < reader.end)
		return fail_corrupt(&reader, "trailing bytes");
	if (!funnel_check(def, &refused))
		return cjm_fail(error, CJM_ERROR_CORRUPT, "corrupt funnel: %s", refused.message);
	return true;
}
