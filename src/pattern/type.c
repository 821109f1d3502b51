/*
 * pattern/type.c: the SQL type journey_pattern, and what it finds in a journey.
 *
 * A value is a version byte and the canonical text of the pattern, behind a
 * varlena header that may be a short one.  On the wire it is the same, with the
 * labels in the encoding of the client.
 *
 * Version 1 has neither "!" nor "^" nor "$", and is still written for patterns that
 * need none of them, so that equal patterns are equal bytes, which is how values
 * are compared and hashed.  But in its text a bare label may end with "$", which it
 * may no more: canonical() puts such a label into quotes.
 */
#include "journey/argument.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "pattern/cache.h"
#include "pattern/rows.h"
#include "utils/builtins.h"

#define PATTERN_VERSION_PLAIN 1
#define PATTERN_VERSION 2		/* the latest */

PG_FUNCTION_INFO_V1(journey_pattern_in);
PG_FUNCTION_INFO_V1(journey_pattern_out);
PG_FUNCTION_INFO_V1(journey_pattern_recv);
PG_FUNCTION_INFO_V1(journey_pattern_send);
PG_FUNCTION_INFO_V1(journey_pattern_eq);
PG_FUNCTION_INFO_V1(journey_pattern_ne);
PG_FUNCTION_INFO_V1(journey_pattern_hash);
PG_FUNCTION_INFO_V1(journey_pattern_hash_extended);
PG_FUNCTION_INFO_V1(journey_matches);
PG_FUNCTION_INFO_V1(journey_match_count);
PG_FUNCTION_INFO_V1(journey_match_events);

/* The text of a value, after its version is seen to be ours, and how to read it; points into the value. */
static Label
open_pattern(struct varlena *value, PatternDialect *dialect)
{
	const char *bytes = VARDATA_ANY(value);
	uint32		size = VARSIZE_ANY_EXHDR(value);

	if (size == 0 || bytes[0] < PATTERN_VERSION_PLAIN || bytes[0] > PATTERN_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("journey_pattern has a format that this release of cjm cannot read"),
				 errhint("Update the extension.")));
	*dialect = bytes[0] == PATTERN_VERSION_PLAIN ? PATTERN_NAMED_1 : PATTERN_NAMED;
	return (Label) {bytes + 1, size - 1};
}

/* Reads and compiles a pattern, to see that it is one, and makes a value of it; NULL after an error. */
static struct varlena *
make_pattern(const char *text, size_t size, PatternDialect dialect, CjmError *error)
{
	Pattern		pattern;
	StringInfoData bytes;

	if (!pattern_parse(text, size, GetDatabaseEncoding(), dialect, &pattern, error) ||
		pattern_compile(&pattern, error) == NULL)
		return NULL;
	initStringInfo(&bytes);
	appendStringInfoChar(&bytes, pattern_is_plain(&pattern) ? PATTERN_VERSION_PLAIN : PATTERN_VERSION);
	pattern_print(&bytes, &pattern);
	return bytes_to_varlena(bytes.data, bytes.len);
}

/* A value as it would be written today: itself, but for version 1 with a "$" that may have to be quoted now. */
static struct varlena *
canonical(struct varlena *value)
{
	PatternDialect dialect;
	Label		text = open_pattern(value, &dialect);
	CjmError	error = {0};

	if (dialect == PATTERN_NAMED || memchr(text.bytes, '$', text.size) == NULL)
		return value;
	value = make_pattern(text.bytes, text.size, dialect, &error);
	if (value == NULL)
		cjm_report_stored(&error);
	return value;
}

Datum
journey_pattern_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	CjmError	error = {0};
	struct varlena *value = make_pattern(text, strlen(text), PATTERN_NAMED, &error);

	if (value == NULL)
	{
		cjm_report_soft(&error, fcinfo->context);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(value);
}

Datum
journey_pattern_out(PG_FUNCTION_ARGS)
{
	PatternDialect dialect;
	Label		text = open_pattern(canonical(PG_GETARG_VARLENA_PP(0)), &dialect);

	PG_RETURN_CSTRING(pnstrdup(text.bytes, text.size));
}

Datum
journey_pattern_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(message);
	char	   *text;
	int			size;
	struct varlena *value;
	CjmError	error = {0};

	if (version < PATTERN_VERSION_PLAIN || version > PATTERN_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("binary journey_pattern has version %d, which this release of cjm cannot read", version),
				 errdetail("It reads versions up to %d.", PATTERN_VERSION),
				 errhint("Update the extension, or send the pattern as text.")));
	text = pq_getmsgtext(message, message->len - message->cursor, &size);
	value = make_pattern(text, size, version == PATTERN_VERSION_PLAIN ? PATTERN_NAMED_1 : PATTERN_NAMED, &error);
	if (value == NULL)
		cjm_report(&error);
	PG_RETURN_POINTER(value);
}

Datum
journey_pattern_send(PG_FUNCTION_ARGS)
{
	PatternDialect dialect;
	Label		text = open_pattern(canonical(PG_GETARG_VARLENA_PP(0)), &dialect);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, text.bytes[-1]);
	pq_sendtext(&message, text.bytes, text.size);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

static bool
equal_arguments(FunctionCallInfo fcinfo)
{
	struct varlena *a = canonical(PG_GETARG_VARLENA_PP(0));
	struct varlena *b = canonical(PG_GETARG_VARLENA_PP(1));
	bool		equal = VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return equal;
}

Datum
journey_pattern_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(equal_arguments(fcinfo));
}

Datum
journey_pattern_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!equal_arguments(fcinfo));
}

Datum
journey_pattern_hash(PG_FUNCTION_ARGS)
{
	struct varlena *value = canonical(PG_GETARG_VARLENA_PP(0));
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

Datum
journey_pattern_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *value = canonical(PG_GETARG_VARLENA_PP(0));
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

/*
 * The program of the arguments journey and pattern, and the rows it reads;
 * NULL if there cannot be a match.
 */
static PatternProgram *
open_arguments(FunctionCallInfo fcinfo, ConditionRows *rows)
{
	PatternDialect dialect;
	Label		text = open_pattern(PG_GETARG_VARLENA_PP(1), &dialect);
	CachedPattern *cached = pattern_cached((CachedPattern **) &fcinfo->flinfo->fn_extra, fcinfo->flinfo->fn_mcxt,
										   text.bytes, text.size, dialect);
	JourneyView view;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	return pattern_journey_rows(&cached->pattern, cached->program, &view, rows) ? cached->program : NULL;
}

/* matches(journey, pattern) */
Datum
journey_matches(PG_FUNCTION_ARGS)
{
	ConditionRows rows;
	PatternProgram *program = open_arguments(fcinfo, &rows);
	bool		result;

	if (program == NULL)
		PG_RETURN_BOOL(false);
	result = pattern_matches(program, &rows);
	condition_rows_close(&rows);
	PG_RETURN_BOOL(result);
}

/* match_count(journey, pattern) */
Datum
journey_match_count(PG_FUNCTION_ARGS)
{
	ConditionRows rows;
	PatternProgram *program = open_arguments(fcinfo, &rows);
	uint32		result;

	if (program == NULL)
		PG_RETURN_INT64(0);
	result = pattern_count(program, &rows);
	condition_rows_close(&rows);
	PG_RETURN_INT64(result);
}

/* match_events(journey, pattern) */
Datum
journey_match_events(PG_FUNCTION_ARGS)
{
	ConditionRows rows;
	PatternProgram *program = open_arguments(fcinfo, &rows);
	CjmError	error = {0};
	int64	   *times;
	uint32		count;

	if (program == NULL)
		PG_RETURN_DATUM(times_array(NULL, 0));
	count = pattern_events(program, &rows, false, &times, &error);
	if (error.kind != CJM_ERROR_NONE)
		cjm_report(&error);
	condition_rows_close(&rows);
	PG_RETURN_DATUM(times_array(times, count));
}
