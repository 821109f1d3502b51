/*
 * funnel/type.c: the SQL type funnel.
 *
 * A value holds the canonical bytes of funnel/format.c behind a varlena header,
 * which may be a short one: the bytes need no alignment.  Since they are
 * canonical, values are compared and hashed as bytes, with neither opening them
 * nor a collation.
 *
 * On the wire (send and receive) a funnel is a version byte, 1, and the
 * canonical text, so that labels are converted between encodings.
 */
#include "funnel/argument.h"
#include "funnel/stage.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define FUNNEL_WIRE_VERSION 1

PG_FUNCTION_INFO_V1(funnel_in);
PG_FUNCTION_INFO_V1(funnel_out);
PG_FUNCTION_INFO_V1(funnel_recv);
PG_FUNCTION_INFO_V1(funnel_send);
PG_FUNCTION_INFO_V1(funnel_eq);
PG_FUNCTION_INFO_V1(funnel_ne);
PG_FUNCTION_INFO_V1(funnel_lt);
PG_FUNCTION_INFO_V1(funnel_le);
PG_FUNCTION_INFO_V1(funnel_gt);
PG_FUNCTION_INFO_V1(funnel_ge);
PG_FUNCTION_INFO_V1(funnel_cmp);
PG_FUNCTION_INFO_V1(funnel_hash);
PG_FUNCTION_INFO_V1(funnel_hash_extended);
PG_FUNCTION_INFO_V1(funnel_from_stages);

/* A value of the current context. */
static Datum
make_funnel(const FunnelDef *def)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	funnel_encode(&bytes, def);
	return PointerGetDatum(bytes_to_varlena(bytes.data, bytes.len));
}

static void
print_datum(StringInfo text, Datum value)
{
	FunnelDef	def;

	funnel_open_datum(value, &def);
	initStringInfo(text);
	funnel_print(text, &def);
}

Datum
funnel_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	FunnelDef	def;
	CjmError	error = {0};

	if (!funnel_parse(text, strlen(text), GetDatabaseEncoding(), &def, &error))
	{
		cjm_report_soft(&error, fcinfo->context);
		PG_RETURN_NULL();
	}
	return make_funnel(&def);
}

Datum
funnel_out(PG_FUNCTION_ARGS)
{
	StringInfoData text;

	print_datum(&text, PG_GETARG_DATUM(0));
	PG_RETURN_CSTRING(text.data);
}

Datum
funnel_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(message);
	char	   *text;
	int			size;
	FunnelDef	def;
	CjmError	error = {0};

	if (version != FUNNEL_WIRE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("binary funnel has version %d, which this release of cjm cannot read", version),
				 errdetail("It reads version %d.", FUNNEL_WIRE_VERSION),
				 errhint("Update the extension, or send the funnel as text.")));
	text = pq_getmsgtext(message, message->len - message->cursor, &size);
	if (!funnel_parse(text, size, GetDatabaseEncoding(), &def, &error))
		cjm_report(&error);
	return make_funnel(&def);
}

Datum
funnel_send(PG_FUNCTION_ARGS)
{
	StringInfoData text;
	StringInfoData message;

	print_datum(&text, PG_GETARG_DATUM(0));
	pq_begintypsend(&message);
	pq_sendbyte(&message, FUNNEL_WIRE_VERSION);
	pq_sendtext(&message, text.data, text.len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* The order of two arguments: that of their bytes, a shorter one before its continuations. */
static int
compare_arguments(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	size_t		size_a = VARSIZE_ANY_EXHDR(a);
	size_t		size_b = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(size_a, size_b));

	if (order == 0)
		order = (size_a > size_b) - (size_a < size_b);

	/* Index code compares in contexts that live long. */
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

Datum
funnel_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

Datum
funnel_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

Datum
funnel_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
funnel_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
funnel_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
funnel_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
funnel_cmp(PG_FUNCTION_ARGS)
{
	int			order = compare_arguments(fcinfo);

	PG_RETURN_INT32((order > 0) - (order < 0));
}

Datum
funnel_hash(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

Datum
funnel_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

/* The index of the label that an argument is, else (it is NULL or not there) that of an open end. */
static int
stage_bound(FunctionCallInfo fcinfo, int argument, const StageLabel *labels, int count, int open_end)
{
	if (PG_NARGS() <= argument || PG_ARGISNULL(argument))
		return open_end;
	for (int i = 0; i < count; i++)
		if (labels[i].oid == PG_GETARG_OID(argument))
			return i;
	elog(ERROR, "enum label %u is not of the type of the argument", PG_GETARG_OID(argument));
}

/*
 * funnel_from_stages(stages [, from_stage, to_stage]): the funnel of an enum's
 * labels, or of those from one to another.  Of the first argument only the type
 * matters.
 */
Datum
funnel_from_stages(PG_FUNCTION_ARGS)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	FunnelStage stages[FUNNEL_MAX_STAGES];
	FunnelEvent events[FUNNEL_MAX_STAGES];
	FunnelDef	def = {.stages = stages, .within = FUNNEL_NO_LIMIT};
	StageLabel *labels;
	CjmError	error = {0};
	int			count;
	int			from;
	int			to;

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not determine the enum type of the argument"),
				 errhint("Cast the argument to its type, as in NULL::cjm.aida.")));
	count = stage_labels(type, &labels);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("enum type %s has no labels", format_type_be(type)),
				 errhint("Add its stages with ALTER TYPE ... ADD VALUE.")));
	from = stage_bound(fcinfo, 1, labels, count, 0);
	to = stage_bound(fcinfo, 2, labels, count, count - 1);
	if (from > to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("stage \"%s\" is not before \"%s\" in %s",
						NameStr(labels[from].label), NameStr(labels[to].label), format_type_be(type)),
				 errhint("The first stage of the funnel is given before the last one.")));
	labels += from;
	count = to - from + 1;
	if (count > FUNNEL_MAX_STAGES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("enum type %s has %d labels, too many for a funnel", format_type_be(type), count),
				 errdetail("The limit is %d stages.", FUNNEL_MAX_STAGES),
				 errhint("Take a part of them: funnel_from_stages(stages, from_stage, to_stage).")));

	for (int i = 0; i < count; i++)
	{
		Label		label = {NameStr(labels[i].label), strlen(NameStr(labels[i].label))};

		events[i] = (FunnelEvent) {.event = label};
		stages[i] = (FunnelStage) {.name = label, .gap = FUNNEL_NO_LIMIT, .nevents = 1, .events = &events[i]};
	}
	def.nstages = count;
	if (!funnel_check(&def, &error))
		cjm_report(&error);
	return make_funnel(&def);
}
