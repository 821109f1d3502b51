/*
 * map/fixed.c: what a map's expressions call where PostgreSQL's own functions
 * would ask the settings of whoever reads: map_text, map_json, map_jsonb,
 * map_read, map_to_timestamp and map_shift.
 *
 * Each does what PostgreSQL does under settings that are always the same: the
 * time zone that it is given, ISO dates, intervals as "postgres" writes them, the
 * shortest floats that read back equal, bytea in hex, NULL in arrays.  The order
 * of day and month in what is read is an argument.  The settings are those of the
 * process for the length of one call, and are put back however it ends.
 */
#include "base/glue.h"

#include "catalog/pg_type.h"
#include "map/fixed.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(map_text);
PG_FUNCTION_INFO_V1(map_json);
PG_FUNCTION_INFO_V1(map_jsonb);
PG_FUNCTION_INFO_V1(map_read);
PG_FUNCTION_INFO_V1(map_to_timestamp);
PG_FUNCTION_INFO_V1(map_shift);

/* What the results depend on. */
typedef struct Settings
{
	pg_tz	   *zone;
	int			date_style;
	int			date_order;
	int			interval_style;
	int			float_digits;
	int			bytea_style;
	bool		array_nulls;
} Settings;

/* What a call keeps for the next one, in fn_extra: the zone by its name, and the function that does the work. */
typedef struct Kept
{
	pg_tz	   *zone;
	FmgrInfo	function;
	Oid			type_argument;	/* of an input function */
	bool		shifted;		/* whether map_shift has come to "to" from "from" by "by" */
	TimestampTz from;
	TimestampTz to;
	Interval	by;
	int			name_size;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} Kept;

static pg_tz *
zone_of_name(const char *name)
{
	pg_tz	   *zone = strlen(name) > TZ_STRLEN_MAX ? NULL : pg_tzset(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name)));
	return zone;
}

/*
 * Refuses a name that AT TIME ZONE takes and that is no zone's, or not that of
 * the same times: what an abbreviation means is a setting.
 */
void
check_zone_name(const char *name)
{
	static const int some_year[][3] = {{2026, 1, 15}, {2026, 7, 15}};
	Datum		argument = CStringGetTextDatum(name);
	pg_tz	   *zone = strlen(name) > TZ_STRLEN_MAX ? NULL : pg_tzset(name);

	for (int i = 0; i < (int) lengthof(some_year); i++)
	{
		TimestampTz at = (date2j(some_year[i][0], some_year[i][1], some_year[i][2]) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
		Timestamp	local = DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, argument, TimestampTzGetDatum(at)));
		int			west = 0;	/* seconds */
		struct pg_tm tm;
		fsec_t		fraction;

		if (zone == NULL || timestamp2tm(at, &west, &tm, &fraction, NULL, zone) != 0 ||
			local - at != -west * USECS_PER_SEC)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("time zone \"%s\" is an abbreviation", name),
					 errdetail("What an abbreviation means depends on the settings of whoever asks."),
					 errhint("Choose a name of pg_timezone_names, such as Europe/Riga.")));
	}
}

static Settings
use_settings(Settings wanted)
{
	Settings	before = {session_timezone, DateStyle, DateOrder, IntervalStyle, extra_float_digits, bytea_output, Array_nulls};

	session_timezone = wanted.zone;
	DateStyle = wanted.date_style;
	DateOrder = wanted.date_order;
	IntervalStyle = wanted.interval_style;
	extra_float_digits = wanted.float_digits;
	bytea_output = wanted.bytea_style;
	Array_nulls = wanted.array_nulls;
	return before;
}

/* Calls a function under settings that are always the same, but for these two. */
static Datum
invoke_fixed(FunctionCallInfo call, pg_tz *zone, int date_order)
{
	Settings	before = use_settings((Settings) {zone, USE_ISO_DATES, date_order, INTSTYLE_POSTGRES, 1, BYTEA_OUTPUT_HEX, true});
	volatile Datum result = (Datum) 0;

	PG_TRY();
	{
		result = FunctionCallInvoke(call);
	}
	PG_FINALLY();
	{
		use_settings(before);
	}
	PG_END_TRY();
	return result;
}

/* What is kept of this call site, with the zone that the argument names; new tells that function has yet to be filled in. */
static Kept *
kept_for(FunctionCallInfo fcinfo, int zone_argument, bool *new)
{
	text	   *name = PG_GETARG_TEXT_PP(zone_argument);
	int			size = VARSIZE_ANY_EXHDR(name);
	Kept	   *kept = fcinfo->flinfo->fn_extra;

	*new = kept == NULL || kept->name_size != size || memcmp(kept->name, VARDATA_ANY(name), size) != 0;
	if (*new)
	{
		pg_tz	   *zone = zone_of_name(text_to_cstring(name));

		if (kept != NULL)
			pfree(kept);
		fcinfo->flinfo->fn_extra = NULL;
		kept = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, offsetof(Kept, name) + size);
		kept->zone = zone;
		kept->name_size = size;
		memcpy(kept->name, VARDATA_ANY(name), size);
		fcinfo->flinfo->fn_extra = kept;
	}
	return kept;
}

/* The type of an argument; these functions are called by expressions, which have types. */
static Oid
type_of_argument(FunctionCallInfo fcinfo, int n)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);

	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of an argument");
	return type;
}

/* map_text(value, time_zone): the text of a value. */
Datum
map_text(PG_FUNCTION_ARGS)
{
	bool		new;
	Kept	   *kept = kept_for(fcinfo, 1, &new);
	LOCAL_FCINFO(output, 1);
	char	   *printed;

	if (new)
	{
		Oid			function;
		bool		varlena;

		getTypeOutputInfo(type_of_argument(fcinfo, 0), &function, &varlena);
		fmgr_info_cxt(function, &kept->function, fcinfo->flinfo->fn_mcxt);
	}
	InitFunctionCallInfoData(*output, &kept->function, 1, InvalidOid, NULL, NULL);
	output->args[0] = fcinfo->args[0];
	printed = DatumGetCString(invoke_fixed(output, kept->zone, DATEORDER_MDY));
	PG_RETURN_TEXT_P(cstring_to_text(printed));
}

/* Calls one of PostgreSQL's functions with the first arguments of this one, which have the same types. */
static Datum
call_kept(FunctionCallInfo fcinfo, Kept *kept, bool new, Oid function, int arguments)
{
	LOCAL_FCINFO(inner, 2);
	Datum		result;

	if (new)
	{
		fmgr_info_cxt(function, &kept->function, fcinfo->flinfo->fn_mcxt);
		fmgr_info_set_expr(fcinfo->flinfo->fn_expr, &kept->function);
	}
	InitFunctionCallInfoData(*inner, &kept->function, arguments, PG_GET_COLLATION(), NULL, NULL);
	for (int i = 0; i < arguments; i++)
		inner->args[i] = fcinfo->args[i];
	result = invoke_fixed(inner, kept->zone, DATEORDER_MDY);
	fcinfo->isnull = inner->isnull;
	return result;
}

static Datum
call_fixed(FunctionCallInfo fcinfo, Oid function, int arguments, int zone_argument)
{
	bool		new;
	Kept	   *kept = kept_for(fcinfo, zone_argument, &new);

	return call_kept(fcinfo, kept, new, function, arguments);
}

/* map_json(value, time_zone), map_jsonb(value, time_zone): to_json and to_jsonb. */
Datum
map_json(PG_FUNCTION_ARGS)
{
	return call_fixed(fcinfo, F_TO_JSON, 1, 1);
}

Datum
map_jsonb(PG_FUNCTION_ARGS)
{
	return call_fixed(fcinfo, F_TO_JSONB, 1, 1);
}

/* map_to_timestamp(value, format, time_zone): to_timestamp of a text. */
Datum
map_to_timestamp(PG_FUNCTION_ARGS)
{
	return call_fixed(fcinfo, F_TO_TIMESTAMP_TEXT_TEXT, 2, 2);
}

/*
 * map_shift(at, by, time_zone): a time and an interval, whose months and days are those of the calendar there.  Conditions ask for
 * the same of every row, such as now() - interval '7 days', so the last one is remembered.
 */
Datum
map_shift(PG_FUNCTION_ARGS)
{
	bool		new;
	Kept	   *kept = kept_for(fcinfo, 2, &new);
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(0);
	const Interval *by = PG_GETARG_INTERVAL_P(1);

	if (new || !kept->shifted || kept->from != from || kept->by.time != by->time || kept->by.day != by->day || kept->by.month != by->month)
	{
		kept->shifted = false;
		kept->to = DatumGetTimestampTz(call_kept(fcinfo, kept, new, F_TIMESTAMPTZ_PL_INTERVAL, 2));
		kept->from = from;
		kept->by = *by;
		kept->shifted = true;
	}
	PG_RETURN_TIMESTAMPTZ(kept->to);
}

static int
order_of_dates(text *name)
{
	char	   *word = text_to_cstring(name);

	if (strcmp(word, "DMY") == 0)
		return DATEORDER_DMY;
	if (strcmp(word, "YMD") == 0)
		return DATEORDER_YMD;
	if (strcmp(word, "MDY") == 0)
		return DATEORDER_MDY;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("dates cannot be in the order \"%s\"", word), errhint("It is DMY, MDY or YMD.")));
}

/* The same of this session, as map_read takes it. */
const char *
map_date_order(void)
{
	return DateOrder == DATEORDER_DMY ? "DMY" : DateOrder == DATEORDER_YMD ? "YMD" : "MDY";
}

/*
 * map_read(value, time_zone, date_order, example): the value of the example's
 * type that a text is; NULL if one of the first three is.
 */
Datum
map_read(PG_FUNCTION_ARGS)
{
	bool		new;
	Kept	   *kept;
	LOCAL_FCINFO(input, 3);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	kept = kept_for(fcinfo, 1, &new);
	if (new)
	{
		Oid			function;

		getTypeInputInfo(type_of_argument(fcinfo, 3), &function, &kept->type_argument);
		fmgr_info_cxt(function, &kept->function, fcinfo->flinfo->fn_mcxt);
	}
	InitFunctionCallInfoData(*input, &kept->function, 3, InvalidOid, NULL, NULL);
	input->args[0] = (NullableDatum) {CStringGetDatum(text_to_cstring(PG_GETARG_TEXT_PP(0))), false};
	input->args[1] = (NullableDatum) {ObjectIdGetDatum(kept->type_argument), false};
	input->args[2] = (NullableDatum) {Int32GetDatum(-1), false};
	PG_RETURN_DATUM(invoke_fixed(input, kept->zone, order_of_dates(PG_GETARG_TEXT_PP(2))));
}
