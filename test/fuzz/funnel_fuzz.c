/*
 * funnel_fuzz.c: a libFuzzer target for the parser, printer and codec of funnels.
 *
 * Every input is tried as text and as bytes:
 * - text that parses prints to text that parses to the same bytes and prints
 *   the same, and its bytes decode to a definition of the same text and bytes;
 *   it has no colon right between two bare labels, which somebody meant for a
 *   part of one; text that does not parse has an error with a message;
 * - bytes that decode encode to themselves, and print to text that parses to
 *   them.
 *
 * Before the first input, bytes that differ in one thing from good ones are
 * tried, each of which the decoder must refuse: a fuzzer is slow to find them.
 */
#include "fuzz.h"

#include "funnel/definition.h"
#include "mb/pg_wchar.h"

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);
extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static StringInfoData
text_of(const FunnelDef *def)
{
	StringInfoData text;

	initStringInfo(&text);
	funnel_print(&text, def);
	return text;
}

static StringInfoData
bytes_of(const FunnelDef *def)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	funnel_encode(&bytes, def);
	return bytes;
}

static bool
same(StringInfoData a, StringInfoData b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* A definition, from wherever: its text and its bytes lead back to it. */
static void
check_definition(const FunnelDef *def, int encoding)
{
	StringInfoData text = text_of(def);
	StringInfoData bytes = bytes_of(def);
	CjmError	error = {0};
	FunnelDef	again;
	char	   *exact;

	REQUIRE(funnel_check(def, &error));
	REQUIRE(strlen(text.data) == (size_t) text.len);

	exact = palloc(text.len);
	memcpy(exact, text.data, text.len);
	if (!funnel_parse(exact, text.len, encoding, &again, &error))
	{
		fprintf(stderr, "%s\n%s\n", error.message, text.data);
		abort();
	}
	REQUIRE(same(bytes_of(&again), bytes));
	REQUIRE(same(text_of(&again), text));

	exact = palloc(bytes.len);
	memcpy(exact, bytes.data, bytes.len);
	REQUIRE(funnel_decode((const uint8 *) exact, bytes.len, &again, &error));
	REQUIRE(same(bytes_of(&again), bytes));
	REQUIRE(same(text_of(&again), text));

	/* Nothing shorter is whole. */
	if (bytes.len < 256)
	{
		for (int size = 0; size < bytes.len; size++)
		{
			error = (CjmError) {0};
			REQUIRE(!funnel_decode((const uint8 *) exact, size, &again, &error));
			REQUIRE(error.kind == CJM_ERROR_CORRUPT);
		}
	}
}

/* "a -> b", as bytes. */
#define GOOD "\1\0\2" "\0\0\1\1a\0" "\0\0\1\1b\0"

#define CASE(text) {text, sizeof(text) - 1}

static const struct
{
	const char *bytes;
	size_t		size;
}			refused[] =
{
	CASE(""),
	CASE("\0\0\2" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* version */
	CASE("\3\0\2" "\0\0\1\1a\0" "\0\0\1\1b\0"),
	CASE("\2\0\2" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* a later one than needed */
	CASE("\1\20\2" "\0\0\1\1a\0" "\0\0\1\1b\0"), /* flag */
	CASE("\1\0\2" "\4\0\1\1a\0" "\0\0\1\1b\0"),	/* stage flag */
	CASE("\1\40\2" "\0\0\1\1a\0" "\0\0\1\1b\0"), /* flags of the second version */
	CASE("\2\200\2" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* unknown ones */
	CASE("\2\20\2\0" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* a session of no gap */
	CASE("\2\100\2\0" "\4\0\1\1a\0" "\0\0\1\1b\0"),	/* an empty variable */
	CASE("\2\100\2\1v" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* a variable at no stage */
	CASE("\2\100\2\1v" "\4\0\1\1a\1c" "\0\0\1\1b\0"),	/* and a channel */
	CASE("\2\102\2\1v" "\4\0\1\1a\0" "\0\0\1\1b\0"),	/* and unordered */
	CASE("\2\40\2" "\4\0\1\1a\0" "\0\0\1\1b\0"),	/* a stage with a variable that there is not */
	CASE("\2\42\2" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* from any stage and unordered */
	CASE("\2\40\2" "\0\0\1\1a\0" "\1\0\1\1b\0"),	/* and optional */
	CASE("\1\0\0"),			/* no stage */
	CASE("\1\0\3" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* too few stages */
	CASE("\1\0\1" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* too many */
	CASE(GOOD "\0"),			/* trailing byte */
	CASE("\1\3\2" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* strict and unordered */
	CASE("\1\2\2" "\0\0\1\1a\0" "\1\0\1\1b\0"),	/* optional and unordered */
	CASE("\1\2\2" "\0\0\1\1a\0" "\2\1\0\1\1b\0"),	/* gap and unordered */
	CASE("\1\0\2" "\1\0\1\1a\0" "\0\0\1\1b\0"),	/* first optional */
	CASE("\1\0\2" "\2\1\0\1\1a\0" "\0\0\1\1b\0"),	/* gap of the first */
	CASE("\1\0\2" "\0\0\1\1a\0" "\2\0\0\1\1b\0"),	/* gap 0 */
	CASE("\1\4\2\0" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* within 0 */
	CASE("\1\4\2\201\0" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* overlong number */
	CASE("\1\4\2\200\200\200\200\200\200\200\200\200\1" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* 2^63 */
	CASE("\1\10\2\0" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* empty exclusions */
	CASE("\1\10\2\2\1x\0\1x\0" "\0\0\1\1a\0" "\0\0\1\1b\0"),	/* exclusion twice */
	CASE("\1\0\2" "\0\0\0" "\0\0\1\1b\0"),	/* no event */
	CASE("\1\0\2" "\0\0\2\1a\0\1a\0" "\0\0\1\1b\0"),	/* event twice */
	CASE("\1\0\2" "\0\0\2\0\0\0\0" "\0\0\1\1b\0"),	/* "*" twice */
	CASE("\1\0\2" "\0\1a\1\1a\0" "\0\0\1\1b\0"),	/* default name */
	CASE("\1\0\2" "\0\1*\1\0\0" "\0\0\1\1b\0"),
	CASE("\1\0\2" "\0\3*@b\1\0\1b" "\0\0\1\1b\0"),
	CASE("\1\0\2" "\0\0\1\1\0\0" "\0\0\1\1b\0"),	/* zero byte in a label */
	CASE("\1\0\2" "\0\0\1\1a\0" "\0\0\1\2b\0"),	/* label cut off */
	CASE("\1\0\2" "\0\0\1\1a\0" "\0\0\201\10\1b\0")	/* 1025 events */
};

int
LLVMFuzzerInitialize(int *argc pg_attribute_unused(), char ***argv pg_attribute_unused())
{
	FunnelDef	def;
	CjmError	error = {0};
	StringInfoData text;

	REQUIRE(funnel_decode((const uint8 *) GOOD, sizeof(GOOD) - 1, &def, &error));
	for (size_t i = 0; i < lengthof(refused); i++)
	{
		error = (CjmError) {0};
		if (funnel_decode((const uint8 *) refused[i].bytes, refused[i].size, &def, &error))
		{
			fprintf(stderr, "case %d is not refused\n", (int) i);
			abort();
		}
	}

	/* One stage too many, and one event, as text. */
	initStringInfo(&text);
	appendStringInfoString(&text, "a");
	for (int i = 0; i < FUNNEL_MAX_STAGES; i++)
		appendStringInfoString(&text, "->a");
	error = (CjmError) {0};
	REQUIRE(!funnel_parse(text.data, text.len, PG_UTF8, &def, &error) && error.kind == CJM_ERROR_LIMIT);
	error = (CjmError) {0};
	REQUIRE(funnel_parse(text.data, text.len - 3, PG_UTF8, &def, &error));
	resetStringInfo(&text);
	for (int i = 0; i <= FUNNEL_MAX_EVENTS; i++)
		appendStringInfo(&text, "%s%04d", i > 0 ? "|" : "", i);
	error = (CjmError) {0};
	REQUIRE(!funnel_parse(text.data, text.len, PG_UTF8, &def, &error) && error.kind == CJM_ERROR_LIMIT);
	error = (CjmError) {0};
	REQUIRE(funnel_parse(text.data, text.len - 5, PG_UTF8, &def, &error));
	error = (CjmError) {0};
	REQUIRE(funnel_parse("a|b|a", 5, PG_UTF8, &def, &error) && def.stages[0].nevents == 2);
	return 0;
}

/* Whether text, which parses, has a colon right between two bare labels. */
static bool
has_inner_colon(const char *text, size_t size, int encoding)
{
	bool		quoted = false;

	for (size_t i = 0; i < size; i++)
	{
		LabelScanner before = {text, text + i - 1, text + i, encoding};
		LabelScanner after = {text, text + i + 1, text + size, encoding};
		Label		label;

		quoted ^= text[i] == '"';
		if (text[i] == ':' && !quoted && i > 0 && label_scan_bare(&before, &label) && label_scan_bare(&after, &label))
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	/* In another encoding than UTF-8 any bytes are text. */
	int			encoding = pg_encoding_verifymbstr(PG_UTF8, (const char *) data, size) == (int) size ?
		PG_UTF8 : PG_LATIN1;
	CjmError	error = {0};
	FunnelDef	def;

	if (funnel_parse((const char *) data, size, encoding, &def, &error))
	{
		REQUIRE(!has_inner_colon((const char *) data, size, encoding));
		check_definition(&def, encoding);
	}
	else
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');

	error = (CjmError) {0};
	if (funnel_decode(data, size, &def, &error))
	{
		StringInfoData bytes = bytes_of(&def);

		REQUIRE((size_t) bytes.len == size && memcmp(bytes.data, data, size) == 0);
		check_definition(&def, PG_LATIN1);
	}
	else
		REQUIRE(error.kind == CJM_ERROR_CORRUPT || error.kind == CJM_ERROR_VERSION);
	return 0;
}
