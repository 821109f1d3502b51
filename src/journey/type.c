/*
 * journey/type.c: the type journey: input and output, comparison, hashing, merging.
 *
 * A value is a varlena around the bytes of journey/format.c, which need no
 * alignment: a short one is read where it stands.  It never changes.
 */
#include "journey/argument.h"

#include "common/hashfn.h"
#include "journey/text.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(journey_in);
PG_FUNCTION_INFO_V1(journey_out);
PG_FUNCTION_INFO_V1(journey_recv);
PG_FUNCTION_INFO_V1(journey_send);
PG_FUNCTION_INFO_V1(journey_eq);
PG_FUNCTION_INFO_V1(journey_ne);
PG_FUNCTION_INFO_V1(journey_lt);
PG_FUNCTION_INFO_V1(journey_le);
PG_FUNCTION_INFO_V1(journey_gt);
PG_FUNCTION_INFO_V1(journey_ge);
PG_FUNCTION_INFO_V1(journey_cmp);
PG_FUNCTION_INFO_V1(journey_hash);
PG_FUNCTION_INFO_V1(journey_hash_extended);

Datum
journey_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	JourneyBuilder *builder = builder_create(NULL);
	CjmError	error = {0};

	if (!journey_parse(text, strlen(text), GetDatabaseEncoding(), &builder, &error))
	{
		cjm_report_soft(&error, fcinfo->context);
		PG_RETURN_NULL();
	}
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}

Datum
journey_out(PG_FUNCTION_ARGS)
{
	JourneyView view;
	StringInfoData out;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	initStringInfo(&out);
	journey_print(&out, &view);
	PG_RETURN_CSTRING(out.data);
}

/* The labels of a dictionary, each through a conversion of encodings. */
static Label *
convert_labels(const JourneyLabels *labels, char *(*convert) (const char *, int))
{
	Label	   *out = journey_labels(labels);

	for (uint32 i = 0; i < labels->count; i++)
	{
		char	   *converted;

		CHECK_FOR_INTERRUPTS();
		converted = convert(out[i].bytes, out[i].size);
		if (converted != out[i].bytes)
			out[i] = (Label) {converted, strlen(converted)};
	}
	return out;
}

/*
 * The bytes of a journey as they travel: its stored form with the labels in
 * the other side's encoding.  The copy is in the current context.
 */
static StringInfoData
convert_journey(const uint8 *bytes, size_t size, char *(*convert) (const char *, int))
{
	JourneyView view;
	StringInfoData out;
	CjmError	error = {0};

	if (!journey_open(bytes, size, &view, &error))
		cjm_report_stored(&error);
	initStringInfo(&out);
	journey_relabel(bytes, size, convert_labels(&view.events, convert),
					convert_labels(&view.channels, convert), convert_labels(&view.sessions, convert), &out);
	return out;
}

/*
 * Reads the binary form.  The bytes are checked as they came, so that they can
 * be opened, and again with the labels in the encoding of the database; then
 * the journey is made anew, which puts it in canonical order.
 */
Datum
journey_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(message, size);
	JourneyBuilder *builder = builder_create(NULL);
	JourneyView view;
	StringInfoData local;
	CjmError	error = {0};

	if (!journey_check(bytes, size, MAX_CONVERSION_GROWTH * LABEL_MAX_BYTES, &error))
		cjm_report(&error);
	local = convert_journey(bytes, size, pg_client_to_server);
	if (!journey_check((uint8 *) local.data, local.len, LABEL_MAX_BYTES, &error) ||
		!journey_open((uint8 *) local.data, local.len, &view, &error) ||
		!builder_add_view(&builder, &view, 0, view.count, &error))
		cjm_report(&error);
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}

Datum
journey_send(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	StringInfoData out = convert_journey((uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
										 pg_server_to_client);

	PG_RETURN_BYTEA_P(bytes_to_varlena(out.data, out.len));
}

static bool
same_bytes(const struct varlena *a, const struct varlena *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/*
 * Equal contents are equal bytes, so that most comparisons need not look
 * inside.  Sorting and index code compare in contexts that live long: what was
 * detoasted is freed.
 */
static bool
arguments_equal(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	bool		equal = same_bytes(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return equal;
}

static int
arguments_compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	int			order = 0;

	if (!same_bytes(a, b))
	{
		JourneyView view_a;
		JourneyView view_b;

		journey_open_datum(PointerGetDatum(a), &view_a);
		journey_open_datum(PointerGetDatum(b), &view_b);
		order = journey_compare(&view_a, &view_b);
	}
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

Datum
journey_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_equal(fcinfo));
}

Datum
journey_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!arguments_equal(fcinfo));
}

Datum
journey_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_compare(fcinfo) < 0);
}

Datum
journey_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_compare(fcinfo) <= 0);
}

Datum
journey_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_compare(fcinfo) > 0);
}

Datum
journey_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_compare(fcinfo) >= 0);
}

Datum
journey_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(arguments_compare(fcinfo));
}

/* The hash is that of the bytes of format 1, or 2 where there are sessions, whatever format a value is stored in. */
Datum
journey_hash(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

Datum
journey_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}
