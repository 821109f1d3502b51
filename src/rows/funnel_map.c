/*
 * rows/funnel_map.c: map_funnel_agg(customer, at, event, channel, segment, funnel,
 * refusal, now, segment_at, bucket, time_zone, entered): what the views of a map
 * say of its funnel, straight from its rows.
 *
 * The answer is what funnel_agg, funnel_open and funnel_refused say of the journeys
 * that these rows make: an array of (label, entered, stats, open, refused), one for
 * each segment of customers, where a segment is asked for, and each calendar period
 * in which walks begin, where a bucket is.  stats are of all its customers, open of
 * those of them who are open, refused of those who have refused, NULL where nobody
 * is; nobody is both.
 *
 * A segment is the first or the last that any row of the customer tells, so that
 * where it is asked for all rows that tell one are kept.  A row that matters to
 * nothing is kept if it lies after now: that the customer was seen then decides
 * whether a walk of theirs can still go on.
 *
 * The views see to it that funnel, refusal and what follows are the same in all
 * rows, and that customers who are equal have the same bytes; neither is looked at.
 */
#include "rows/funnel.h"

#include "catalog/pg_type.h"
#include "funnel/engine_going.h"
#include "funnel/periods.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(map_funnel_step);
PG_FUNCTION_INFO_V1(map_funnel_final);

extern PGDLLEXPORT void map_funnel_worker(dsm_segment *segment, shm_toc *toc);

/* The arguments of the transition function, after its state. */
enum
{
	ARG_CUSTOMER = 1,
	ARG_AT,
	ARG_EVENT,
	ARG_CHANNEL,
	ARG_SEGMENT,
	ARG_FUNNEL,
	ARG_REFUSAL,
	ARG_NOW,
	ARG_SEGMENT_AT,
	ARG_BUCKET,
	ARG_ZONE,
	ARG_ENTERED,
	ARGS
};

/* Statistics of one group. */
enum
{
	PART_ALL,
	PART_OPEN,
	PART_REFUSED,
	PARTS
};

/* Who counts the customers of a map. */
typedef struct MapCount
{
	RowCount	base;
	RowPeriods	periods;
	RowTable   *stats;
} MapCount;

/* An argument as a text that may not be stored elsewhere; NULL if it is none. */
static text *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_TEXT_PP(n);
}

/* The state of the first row that counts. */
static pg_noinline RowState *
first_state(FunctionCallInfo fcinfo, RowSite *site)
{
	RowQuestion question = {.entry = FUNNEL_ANY_ENTRY, .map = true};
	struct varlena *value;
	RowFunnel  *funnel;
	char	   *known;

	for (int i = ARG_FUNNEL; i < ARGS; i++)
		if (PG_ARGISNULL(i) && i != ARG_REFUSAL && i != ARG_SEGMENT_AT && i != ARG_BUCKET)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of an aggregate of maps must not be null", i)));
	if (site->node == NULL)
	{
		row_collation_check(fcinfo);
		site->node = row_node(fcinfo);
	}
	question.refusal = optional_text(fcinfo, ARG_REFUSAL);
	question.now = PG_GETARG_TIMESTAMPTZ(ARG_NOW);
	question.bucket = optional_text(fcinfo, ARG_BUCKET);
	question.zone = question.bucket == NULL ? NULL : PG_GETARG_TEXT_PP(ARG_ZONE);
	question.entry = funnel_entry(PG_GETARG_DATUM(ARG_ENTERED));
	if (!PG_ARGISNULL(ARG_SEGMENT_AT))
	{
		known = text_to_cstring(PG_GETARG_TEXT_PP(ARG_SEGMENT_AT));
		if (strcmp(known, "first") != 0 && strcmp(known, "last") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a segment is the first or the last that is known, not \"%s\"", known)));
		question.position = strcmp(known, "first") == 0 ? ROW_FIRST_KNOWN : ROW_LAST_KNOWN;
	}
	if (question.bucket != NULL)
	{
		TimestampTz begin;
		TimestampTz end;

		calendar_period(calendar_unit(question.bucket), 0, PointerGetDatum(question.zone), &begin, &end);
	}
	value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(ARG_FUNNEL));
	funnel = row_funnel(site->node, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &question);
	return row_state_new(fcinfo, site->node, funnel, site->customer >= CUSTOMER_TEXT, &question);
}

/*
 * Adds a row.  labelled: the channel or the segment matters, and not the event alone.
 * Inlined with constants.
 */
static pg_attribute_always_inline Datum
add_row(FunctionCallInfo fcinfo, CustomerKind customer, bool labelled)
{
	int			wanted = labelled ? 1 << ROW_EVENT | 1 << ROW_CHANNEL | 1 << ROW_PROPERTY : 1 << ROW_EVENT;
	RowState   *state;
	Label		labels[ROW_LABELS];
	int64		at;
	RowSlot    *slot;
	uint32		meaning;

	/* An event without a name is none. */
	if (!PG_ARGISNULL(ARG_EVENT))
		labels[ROW_EVENT] = label_from_text(PG_GETARG_TEXT_PP(ARG_EVENT));
	if (unlikely(PG_ARGISNULL(ARG_CUSTOMER) || PG_ARGISNULL(ARG_AT) || PG_ARGISNULL(ARG_EVENT) || labels[ROW_EVENT].size == 0))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = likely(!PG_ARGISNULL(0)) ? (RowState *) PG_GETARG_POINTER(0) :
		first_state(fcinfo, (RowSite *) fcinfo->flinfo->fn_extra);
	at = PG_GETARG_TIMESTAMPTZ(ARG_AT);
	if (unlikely(!IS_VALID_TIMESTAMP(at)))
	{
		CjmError	error = {0};

		if (!touch_time_check(at, &error))
			cjm_report(&error);
	}

	labels[ROW_CHANNEL] = labels[ROW_PROPERTY] = NO_LABEL;
	if (labelled && !PG_ARGISNULL(ARG_CHANNEL))
		labels[ROW_CHANNEL] = label_from_text(PG_GETARG_TEXT_PP(ARG_CHANNEL));
	if (labelled && !PG_ARGISNULL(ARG_SEGMENT))
		labels[ROW_PROPERTY] = label_from_text(PG_GETARG_TEXT_PP(ARG_SEGMENT));
	if (unlikely(!row_meaning_seen(&state->funnel->meanings, labels, wanted, &slot, &meaning)))
		meaning = row_state_meaning(state, labels, slot);
	if (unlikely(meaning == 0 && at > state->question.now))
	{
		MemoryContext old = MemoryContextSwitchTo(state->node->query);

		meaning = row_meaning_number(&state->funnel->meanings, &(RowMeaning) {.later = true, .property = NO_LABEL});
		MemoryContextSwitchTo(old);
	}
	row_add(fcinfo, state, customer, at, meaning);
	PG_RETURN_POINTER(state);
}

#define ADD(name, customer) \
	static Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return add_row(fcinfo, customer, false); \
	} \
	static Datum \
	name##_labelled(PG_FUNCTION_ARGS) \
	{ \
		return add_row(fcinfo, customer, true); \
	}

ADD(add_bigint, CUSTOMER_BIGINT)
ADD(add_integer, CUSTOMER_INTEGER)
ADD(add_text, CUSTOMER_TEXT)
ADD(add_uuid, CUSTOMER_UUID)
ADD(add_bytes, CUSTOMER_BYTES)

/* In the order of CustomerKind. */
static const PGFunction adds[][2] = {
	{add_bigint, add_bigint_labelled}, {add_integer, add_integer_labelled}, {add_text, add_text_labelled},
	{add_uuid, add_uuid_labelled}, {add_bytes, add_bytes_labelled}
};

/* Of those that need no conversion there is a kind of its own; of all others the bytes are compared. */
static CustomerKind
customer_kind(Oid type)
{
	switch (getBaseType(type))
	{
		case INT8OID:
			return CUSTOMER_BIGINT;
		case INT4OID:
			return CUSTOMER_INTEGER;
		case TEXTOID:
		case VARCHAROID:
			return CUSTOMER_TEXT;
		case UUIDOID:
			return CUSTOMER_UUID;
		default:
			return CUSTOMER_BYTES;
	}
}

/* Whether an argument is the constant NULL. */
static bool
is_null_constant(FunctionCallInfo fcinfo, int n)
{
	return aggregate_argument_constant(fcinfo, n) && PG_ARGISNULL(n);
}

/* What is to be known of a call site before its first row. */
static pg_noinline RowSite *
map_site(FunctionCallInfo fcinfo)
{
	RowSite    *site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(RowSite));
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, ARG_CUSTOMER);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not determine the type of the customer"),
				 errhint("Call the aggregate instead of its support functions.")));
	site->customer = customer_kind(type);
	get_typlenbyval(type, &site->length, &site->byval);
	site->add = adds[site->customer][!is_null_constant(fcinfo, ARG_CHANNEL) || !is_null_constant(fcinfo, ARG_SEGMENT)];
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/* The state with one more row. */
Datum
map_funnel_step(PG_FUNCTION_ARGS)
{
	RowSite    *site = (RowSite *) fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
		site = map_site(fcinfo);
	return site->add(fcinfo);
}

static void
map_begin(RowCount *count)
{
	MapCount   *counter = (MapCount *) count;

	if (count->state->question.bucket != NULL)
		row_periods_init(&counter->periods, &count->state->question);
	counter->stats = row_table_new();
}

static FunnelStats *
map_stats(RowCount *count, RowKey key)
{
	return row_table_stats(((MapCount *) count)->stats, count->state, key);
}

static uint32
map_keys(RowCount *count, RowKey **keys)
{
	return row_table_keys(((MapCount *) count)->stats, keys);
}

/*
 * The meaning of the row that tells a customer's segment, 0 for none: of the first
 * or the last time that one is told the one with the smallest bytes.
 */
static uint32
find_segment(const RowWalker *walker, RowPosition position, const RowEntry *entries, uint32 count)
{
	uint32		found = 0;
	uint32		at = 0;

	if (position == ROW_NOWHERE)
		return 0;
	for (uint32 n = 0; n < count; n++)
	{
		uint32		i = position == ROW_FIRST_KNOWN ? n : count - 1 - n;
		Label		property = walker->meanings[entries[i].meaning].property;

		if (property.bytes == NULL)
			continue;
		if (found != 0 && entries[i].at != entries[at].at)
			break;
		if (found == 0 || row_compare_properties(property, walker->meanings[found].property) < 0)
			found = entries[i].meaning;
		at = i;
	}
	return found;
}

/* The first and the last refusal at or after a time; false if there is none. */
static bool
find_refusals(const RowWalker *walker, const RowEntry *entries, uint32 count, int64 from, int64 *first, int64 *last)
{
	bool		found = false;

	for (uint32 i = 0; i < count; i++)
		if (walker->meanings[entries[i].meaning].refuses && entries[i].at >= from)
		{
			if (!found)
				*first = entries[i].at;
			*last = entries[i].at;
			found = true;
		}
	return found;
}

/*
 * Counts a customer by walks that begin in entry: among all, and among those who
 * are open or have refused.  The touchpoints are the walker's.
 */
static bool
count_walk(MapCount *counter, RowKey key, FunnelEntry entry, uint32 ntouches, const RowEntry *entries, uint32 count, CjmError *error)
{
	const RowWalker *walker = &counter->base.walker;
	const FunnelRules *rules = walker->rules;
	const RowQuestion *question = &counter->base.state->question;
	int64		seen = Max(question->now, entries[count - 1].at);
	FunnelEntry later = entry;
	FunnelWalk	walk;
	int64		first;
	int64		last;

	row_walk_touches(walker, entry, ntouches, &walk);
	key.part = PART_ALL;
	if (!funnel_stats_add(map_stats(&counter->base, key), &walk, error))
		return false;
	if (walk.step == 0 || walk.step > funnel_completed_stage(rules))
		return true;
	if (question->refusal != NULL && find_refusals(walker, entries, count, funnel_walk_began(&walk), &first, &last))
	{
		later.from = Max(later.from, last + 1);
		if (!funnel_goes_on(rules, later, walker->touches, ntouches, seen))
		{
			key.part = PART_REFUSED;
			return funnel_stats_add(map_stats(&counter->base, key), &walk, error);
		}
	}
	if (!funnel_goes_on(rules, entry, walker->touches, ntouches, seen))
		return true;
	key.part = PART_OPEN;
	return funnel_stats_add(map_stats(&counter->base, key), &walk, error);
}

/* Counts a customer once, or in each period in which a walk can begin. */
static bool
map_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	MapCount   *counter = (MapCount *) arg;
	RowWalker  *walker = &counter->base.walker;
	const RowQuestion *question = &counter->base.state->question;
	uint32		ntouches = row_touches(walker, entries, count);
	RowKey		key = {.meaning = find_segment(walker, question->position, entries, count)};
	uint64		begins = funnel_begins(walker->rules);
	TimestampTz end = DT_NOBEGIN;

	if (question->bucket == NULL)
		return count_walk(counter, key, question->entry, ntouches, entries, count, error);
	for (uint32 i = 0; i < ntouches; i++)
	{
		RowPeriod  *period;
		FunnelEntry entry;

		if (walker->touches[i].at < end || (walker->touches[i].stages & begins) == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		period = row_period(&counter->periods, walker->touches[i].at);
		end = period->end;
		entry = (FunnelEntry) {Max(period->begin, question->entry.from), Min(period->end - 1, question->entry.to)};
		if (entry.from > entry.to)
			continue;
		key.period = period->begin;
		if (!count_walk(counter, key, entry, ntouches, entries, count, error))
			return false;
	}
	return true;
}

static const RowCountMethods map_methods = {
	"map_funnel_worker", sizeof(MapCount), map_begin, map_customer, map_stats, map_keys
};

/* The main function of a process that helps. */
void
map_funnel_worker(dsm_segment *segment, shm_toc *toc)
{
	row_worker(segment, toc, &map_methods);
}

/* The groups of a state as an array of (label, entered, stats, open, refused), in the order of label, NULL last, and time. */
Datum
map_funnel_final(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	MemoryContext work;
	MemoryContext old;
	MapCount   *counter;
	Datum		result;
	uint64		others;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel of a map", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	counter = (MapCount *) row_count(fcinfo, &map_methods, state, &others);
	if (others > 0 && state->question.bucket == NULL &&
		!funnel_stats_add_seen(map_stats(&counter->base, (RowKey) {.part = PART_ALL}), others, &error))
		cjm_report(&error);
	result = row_keyed_groups(fcinfo, &counter->base, state->question.bucket == NULL ? NULL : &counter->periods, true, PARTS);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
