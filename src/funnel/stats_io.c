/*
 * funnel/stats_io.c: the type funnel_stats in SQL.
 *
 * Text is JSON, see funnel/stats_json.c.  A message on the wire is
 *
 *	1 byte		format version, 1
 *	4 bytes		size of the funnel's text
 *	bytes		the funnel's text, in the client's encoding
 *	bytes		the counts, as funnel/stats.c stores them
 *
 * so that labels are converted between encodings.  Equality is that of the
 * stored bytes: they are canonical.
 */
#include "funnel/stats_expanded.h"
#include "funnel/stats_json.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(funnel_stats_in);
PG_FUNCTION_INFO_V1(funnel_stats_out);
PG_FUNCTION_INFO_V1(funnel_stats_recv);
PG_FUNCTION_INFO_V1(funnel_stats_send);
PG_FUNCTION_INFO_V1(funnel_stats_to_jsonb);
PG_FUNCTION_INFO_V1(funnel_stats_from_jsonb);
PG_FUNCTION_INFO_V1(funnel_stats_empty);
PG_FUNCTION_INFO_V1(funnel_stats_eq);
PG_FUNCTION_INFO_V1(funnel_stats_ne);
PG_FUNCTION_INFO_V1(funnel_stats_hash);
PG_FUNCTION_INFO_V1(funnel_stats_hash_extended);

/* Version of the message, which may change apart from that of the storage. */
#define MESSAGE_VERSION 1

/* Empty statistics of a funnel that was just parsed. */
static void
init_parsed(FunnelStats *stats, const FunnelDef *def)
{
	StringInfoData funnel;

	initStringInfo(&funnel);
	funnel_encode(&funnel, def);
	funnel_stats_init(stats, (const uint8 *) funnel.data, funnel.len, def);
}

/*
 * Input is JSON or, for funnel_stats('a -> b'), which PostgreSQL takes for a
 * cast of the literal, a definition: empty statistics.  No definition begins
 * with a brace.
 */
Datum
funnel_stats_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	Datum		json;
	FunnelStats stats;
	CjmError	error = {0};

	if (text[strspn(text, " \t\n\r")] != '{')
	{
		FunnelDef	def;

		if (!funnel_parse(text, strlen(text), GetDatabaseEncoding(), &def, &error))
		{
			cjm_report_soft(&error, fcinfo->context);
			PG_RETURN_NULL();
		}
		init_parsed(&stats, &def);
		PG_RETURN_POINTER(funnel_stats_flat(&stats));
	}
	if (!DirectInputFunctionCallSafe(jsonb_in, text, InvalidOid, -1, fcinfo->context, &json))
		PG_RETURN_NULL();
	if (!funnel_stats_read_json(DatumGetJsonbP(json), &stats, &error))
	{
		cjm_report_soft(&error, fcinfo->context);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(funnel_stats_flat(&stats));
}

Datum
funnel_stats_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	funnel_stats_print_json(&out, funnel_stats_open_datum(PG_GETARG_DATUM(0)));
	PG_RETURN_CSTRING(out.data);
}

Datum
funnel_stats_to_jsonb(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	funnel_stats_print_json(&out, funnel_stats_open_datum(PG_GETARG_DATUM(0)));
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

Datum
funnel_stats_from_jsonb(PG_FUNCTION_ARGS)
{
	FunnelStats stats;
	CjmError	error = {0};

	if (!funnel_stats_read_json(PG_GETARG_JSONB_P(0), &stats, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(funnel_stats_flat(&stats));
}

Datum
funnel_stats_send(PG_FUNCTION_ARGS)
{
	const FunnelStats *stats = funnel_stats_open_datum(PG_GETARG_DATUM(0));
	StringInfoData message;
	StringInfoData part;
	FunnelDef	def;
	char	   *text;
	int			size;

	initStringInfo(&part);
	funnel_stats_definition(stats, &def);
	funnel_print(&part, &def);
	text = pg_server_to_client(part.data, part.len);
	size = text == part.data ? part.len : (int) strlen(text);

	pq_begintypsend(&message);
	pq_sendbyte(&message, MESSAGE_VERSION);
	pq_sendint32(&message, size);
	pq_sendbytes(&message, text, size);
	resetStringInfo(&part);
	funnel_stats_encode_counts(&part, stats);
	pq_sendbytes(&message, part.data, part.len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

Datum
funnel_stats_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(message);
	FunnelStats stats;
	FunnelDef	def;
	CjmError	error = {0};
	char	   *text;
	int			size;

	if (version != MESSAGE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("funnel_stats of message version %d", version),
				 errdetail("This release of cjm reads version %d.", MESSAGE_VERSION)));
	size = pq_getmsgint(message, 4);
	text = pq_getmsgtext(message, size, &size);
	if (!funnel_parse(text, size, GetDatabaseEncoding(), &def, &error))
		cjm_report(&error);
	init_parsed(&stats, &def);

	size = message->len - message->cursor;
	if (!funnel_stats_decode_counts((const uint8 *) pq_getmsgbytes(message, size), size, &stats, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(funnel_stats_flat(&stats));
}

/* funnel_stats(funnel): nobody seen yet. */
Datum
funnel_stats_empty(PG_FUNCTION_ARGS)
{
	struct varlena *funnel = PG_GETARG_VARLENA_PP(0);
	FunnelStats stats;
	FunnelDef	def;

	funnel_open_datum(PointerGetDatum(funnel), &def);
	funnel_stats_init(&stats, (const uint8 *) VARDATA_ANY(funnel), VARSIZE_ANY_EXHDR(funnel), &def);
	PG_RETURN_POINTER(funnel_stats_flat(&stats));
}

/* Whether two arguments have the same bytes; expanded ones are flattened. */
static bool
same_bytes(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	Size		size = VARSIZE_ANY_EXHDR(a);
	bool		same = size == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), size) == 0;

	/* Index code compares and hashes in contexts that live long. */
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return same;
}

Datum
funnel_stats_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_bytes(fcinfo));
}

Datum
funnel_stats_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_bytes(fcinfo));
}

Datum
funnel_stats_hash(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

Datum
funnel_stats_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}
