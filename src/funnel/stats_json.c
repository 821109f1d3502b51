/*
 * funnel/stats_json.c: a funnel_stats as JSON, which is also its text.
 *
 *	{"funnel": "view -> cart -> pay", "customers": 5, "steps": [
 *	  {"stage": "view", "customers": 4},
 *	  {"stage": "cart", "customers": 3, "time": {"sum": 9000000, "buckets": [[2981888, 3]]}},
 *	  {"stage": "pay", "customers": 1, "time": {...}, "total": {...}}]}
 *
 * Everything in microseconds.  A bucket is named by its shortest duration.
 * A step has "time" if it is not the first and has customers, and "total" if
 * it is not the second either, where the two are the same.  Where walks may begin
 * at any step, each but the first has "entered", the customers whose walk does, and
 * times of the others.
 *
 * All is exact: what is read back is the same value.  Reading demands every
 * key that writing gives, but for "stage", and refuses every other.
 */
#include "funnel/stats_json.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

static void
print_wide(StringInfo out, Wide value)
{
	char		buffer[WIDE_TEXT_SIZE];

	appendStringInfoString(out, wide_print(value, buffer));
}

static void
print_times(StringInfo out, const char *key, const Histogram *times)
{
	HistogramScan scan;
	const char *separator = "";
	int			bucket;
	uint64		count;

	appendStringInfo(out, ", \"%s\": {\"sum\": ", key);
	print_wide(out, times->sum);
	appendStringInfoString(out, ", \"buckets\": [");
	histogram_scan(&scan, times);
	while (histogram_next(&scan, &bucket, &count))
	{
		appendStringInfo(out, "%s[" UINT64_FORMAT ", " UINT64_FORMAT "]",
						 separator, histogram_low(bucket), count);
		separator = ", ";
	}
	appendStringInfoString(out, "]}");
}

void
funnel_stats_print_json(StringInfo out, const FunnelStats *stats)
{
	FunnelDef	def;
	StringInfoData label;

	initStringInfo(&label);
	funnel_stats_definition(stats, &def);
	funnel_print(&label, &def);
	appendStringInfoString(out, "{\"funnel\": ");
	escape_json(out, label.data);
	appendStringInfo(out, ", \"customers\": " UINT64_FORMAT ", \"steps\": [", stats->customers);
	for (int i = 0; i < stats->nsteps; i++)
	{
		const StepStats *step = &stats->steps[i];

		resetStringInfo(&label);
		funnel_stats_step_name(&label, &def, i);
		appendStringInfoString(out, i == 0 ? "{\"stage\": " : ", {\"stage\": ");
		escape_json(out, label.data);
		appendStringInfo(out, ", \"customers\": " UINT64_FORMAT, step->customers);
		if (i > 0 && stats->from_any)
			appendStringInfo(out, ", \"entered\": " UINT64_FORMAT, step->entered);
		if (i > 0 && funnel_stats_came(stats, i) > 0)
			print_times(out, "time", &step->time);
		if (i > 1 && funnel_stats_came(stats, i) > 0)
			print_times(out, "total", &step->total);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoString(out, "]}");
}

/* Where in the JSON a key stands, for messages. */
typedef struct Place
{
	int			step;			/* from 1; 0: not in a step */
	const char *times;			/* "time" or "total"; NULL: not in one */
} Place;

/* Fails with what is wrong about a key; always false. */
static bool
bad_key(CjmError *error, Place place, const char *key, const char *what)
{
	StringInfoData where;

	initStringInfo(&where);
	if (place.times)
		appendStringInfo(&where, " in \"%s\"", place.times);
	if (place.step > 0)
		appendStringInfo(&where, " of step %d", place.step);
	return cjm_fail(error, CJM_ERROR_SYNTAX, "invalid funnel_stats: key \"%s\"%s %s", key, where.data, what);
}

/* Refuses keys of an object that are not among those known. */
static bool
check_keys(JsonbContainer *object, const char *const *known, int nknown, Place place, CjmError *error)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *key;
		bool		found = false;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(value.val.string.val, value.val.string.len);
		for (int i = 0; i < nknown && !found; i++)
			found = strcmp(key, known[i]) == 0;
		if (!found)
			return bad_key(error, place, key, "is unknown");
		pfree(key);
	}
	return true;
}

static JsonbValue *
get_key(JsonbContainer *object, const char *key, Place place, CjmError *error)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key), NULL);

	if (value == NULL)
		bad_key(error, place, key, "is missing");
	return value;
}

static JsonbContainer *
get_array(JsonbContainer *object, const char *key, Place place, CjmError *error)
{
	JsonbValue *value = get_key(object, key, place, error);

	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
	{
		bad_key(error, place, key, "must be an array");
		return NULL;
	}
	return value->val.binary.data;
}

/* Whether a value is a whole number from 0 to 2^128 - 1; numerics are exact. */
static bool
whole_number(const JsonbValue *value, Wide *number)
{
	char	   *digits;
	bool		whole;

	if (value->type != jbvNumeric)
		return false;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	whole = wide_parse(digits, number);
	pfree(digits);
	return whole;
}

static bool
get_customers(JsonbContainer *object, Place place, const char *key, uint64 *customers, CjmError *error)
{
	JsonbValue *value = get_key(object, key, place, error);
	Wide		number;

	if (value == NULL)
		return false;
	if (!whole_number(value, &number) || number.high != 0 || number.low > FUNNEL_STATS_MAX_CUSTOMERS)
		return bad_key(error, place, key,
					   psprintf("must be a whole number from 0 to " UINT64_FORMAT,
								FUNNEL_STATS_MAX_CUSTOMERS));
	*customers = number.low;
	return true;
}

/* Reads "time" or "total" of a step into an empty histogram. */
static bool
read_times(JsonbContainer *step, Place place, const char *key, uint64 customers,
		   Histogram *times, CjmError *error)
{
	static const char *const known[] = {"sum", "buckets"};
	JsonbValue *value = get_key(step, key, place, error);
	JsonbContainer *object;
	JsonbContainer *buckets;

	if (value == NULL)
		return false;
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return bad_key(error, place, key, "must be an object");
	object = value->val.binary.data;
	place.times = key;
	if (!check_keys(object, known, lengthof(known), place, error) ||
		(value = get_key(object, "sum", place, error)) == NULL)
		return false;
	if (!whole_number(value, &times->sum))
		return bad_key(error, place, "sum", "must be a whole number");
	if ((buckets = get_array(object, "buckets", place, error)) == NULL)
		return false;

	for (uint32 i = 0; i < JsonContainerSize(buckets); i++)
	{
		JsonbValue *pair = getIthJsonbValueFromContainer(buckets, i);
		Wide		low;
		Wide		count;

		CHECK_FOR_INTERRUPTS();
		if (pair->type != jbvBinary || !JsonContainerIsArray(pair->val.binary.data) ||
			JsonContainerSize(pair->val.binary.data) != 2 ||
			!whole_number(getIthJsonbValueFromContainer(pair->val.binary.data, 0), &low) ||
			!whole_number(getIthJsonbValueFromContainer(pair->val.binary.data, 1), &count))
			return bad_key(error, place, "buckets", "must hold pairs of whole numbers");
		if (low.high != 0 || histogram_low(histogram_bucket(low.low)) != low.low)
			return bad_key(error, place, "buckets", "has a number that no bucket begins with");
		if (count.high != 0 || count.low == 0 || count.low > customers)
			return bad_key(error, place, "buckets", "does not add up to the customers");
		histogram_count(times, histogram_bucket(low.low), count.low);
		customers -= count.low;
	}
	if (customers != 0)
		return bad_key(error, place, "buckets", "does not add up to the customers");
	return true;
}

static bool
read_step(JsonbContainer *json, const FunnelDef *def, FunnelStats *stats, int i, CjmError *error)
{
	static const char *const begun[] = {"stage", "customers"};
	static const char *const come[] = {"stage", "customers", "time", "total"};
	static const char *const entered[] = {"stage", "customers", "entered", "time", "total"};
	const char *const *known = i == 0 ? begun : stats->from_any ? entered : come;
	Place		place = {i + 1, NULL};
	uint64		came;
	StepStats  *step = &stats->steps[i];
	JsonbValue *stage = getKeyJsonValueFromContainer(json, "stage", strlen("stage"), NULL);
	int			nknown;

	if (stage != NULL)
	{
		StringInfoData name;

		initStringInfo(&name);
		funnel_stats_step_name(&name, def, i);
		if (stage->type != jbvString || stage->val.string.len != name.len ||
			memcmp(stage->val.string.val, name.data, name.len) != 0)
			return bad_key(error, place, "stage",
						   psprintf("must be \"%s\", as the funnel says", name.data));
	}
	if (!get_customers(json, place, "customers", &step->customers, error))
		return false;
	if (i == 0)
		return check_keys(json, known, 2, place, error);
	if (stats->from_any && !get_customers(json, place, "entered", &step->entered, error))
		return false;
	if (step->entered > step->customers)
		return bad_key(error, place, "entered", "is more than the customers");
	came = funnel_stats_came(stats, i);
	nknown = (stats->from_any ? 3 : 2) + (came == 0 ? 0 : i == 1 ? 1 : 2);
	return check_keys(json, known, nknown, place, error) &&
		(came == 0 || read_times(json, place, "time", came, &step->time, error)) &&
		(came == 0 || i == 1 || read_times(json, place, "total", came, &step->total, error));
}

/*
 * funnel_stats_read_json makes stats, in the current context, of JSON that may
 * be anything.
 */
bool
funnel_stats_read_json(Jsonb *json, FunnelStats *stats, CjmError *error)
{
	static const char *const known[] = {"funnel", "customers", "steps"};
	Place		top = {0, NULL};
	JsonbContainer *steps;
	JsonbValue *value;
	FunnelDef	def;
	StringInfoData funnel;

	if (!JB_ROOT_IS_OBJECT(json))
		return cjm_fail(error, CJM_ERROR_SYNTAX, "invalid funnel_stats: not a JSON object");
	if (!check_keys(&json->root, known, lengthof(known), top, error) ||
		(value = get_key(&json->root, "funnel", top, error)) == NULL)
		return false;
	if (value->type != jbvString)
		return bad_key(error, top, "funnel", "must be a string");
	if (!funnel_parse(value->val.string.val, value->val.string.len, GetDatabaseEncoding(), &def, error))
		return false;
	initStringInfo(&funnel);
	funnel_encode(&funnel, &def);
	funnel_stats_init(stats, (const uint8 *) funnel.data, funnel.len, &def);

	if (!get_customers(&json->root, top, "customers", &stats->customers, error) ||
		(steps = get_array(&json->root, "steps", top, error)) == NULL)
		return false;
	if (JsonContainerSize(steps) != (uint32) stats->nsteps)
		return bad_key(error, top, "steps", psprintf("must have %d elements, one for each step of the funnel",
													 stats->nsteps));
	for (int i = 0; i < stats->nsteps; i++)
	{
		value = getIthJsonbValueFromContainer(steps, i);
		if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
			return bad_key(error, top, "steps", "must hold objects");
		if (!read_step(value->val.binary.data, &def, stats, i, error))
			return false;
	}
	if (!funnel_stats_check(stats, error))
	{
		error->kind = CJM_ERROR_SYNTAX;
		return false;
	}
	return true;
}
