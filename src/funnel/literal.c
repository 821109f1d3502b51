/*
 * funnel/literal.c: entry ranges that are written as literals without a type.
 *
 * PostgreSQL gives a literal, or a parameter of a driver that knows no types, the
 * type of a string where functions of one name differ in what they take there; if
 * it finds none it cannot choose.  The types journey_literal, funnel_literal and
 * tstzrange_literal count as strings, and nothing but such a literal becomes one.
 * Their values are those of journey, funnel and tstzrange to the byte, so that the
 * C functions need not know of them; the input of the former two is that of
 * journey and funnel, while that of ranges has to be told which range it reads.
 */
#include "base/glue.h"

#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(tstzrange_literal_in);
PG_FUNCTION_INFO_V1(tstzrange_literal_recv);

/* Calls a function that reads a range of any type. */
static Datum
read_range(FunctionCallInfo fcinfo, PGFunction function)
{
	LOCAL_FCINFO(call, 3);
	Datum		range;

	InitFunctionCallInfoData(*call, fcinfo->flinfo, 3, InvalidOid, fcinfo->context, NULL);
	call->args[0] = fcinfo->args[0];
	call->args[1] = (NullableDatum) {.value = ObjectIdGetDatum(TSTZRANGEOID)};
	call->args[2] = (NullableDatum) {.value = Int32GetDatum(-1)};
	range = function(call);
	fcinfo->isnull = call->isnull;
	return range;
}

Datum
tstzrange_literal_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *range = text + strspn(text, " \t\n\r\f\v");

	/* What begins like no range may be a funnel, after a channel. */
	if (*range != '[' && *range != '(' && pg_strncasecmp(range, "empty", strlen("empty")) != 0)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("malformed range literal: \"%s\"", text),
				 errdetail("Literals without a type are taken for a funnel and the range of time in which walks begin."),
				 errhint("If they are a channel and a funnel, say so: 'email'::text or NULL::text.")));
	return read_range(fcinfo, range_in);
}

Datum
tstzrange_literal_recv(PG_FUNCTION_ARGS)
{
	return read_range(fcinfo, range_recv);
}
