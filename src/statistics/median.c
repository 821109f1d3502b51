/*
 * statistics/median.c: median(value), an aggregate that is exact, runs in parallel and
 * needs no order.
 *
 * The state is values as keys: unsigned integers in the order that float8 has, so
 * that a median is found digit by digit, by counting.  That takes a few readings of
 * the values however they are distributed, and moves none.
 *
 * To SQL it is an aggregate_state (base/state.h), in memory a list of keys that is on
 * disk where it is long (statistics/value_list.h).  To another node of the same plan
 * it goes as that list.  Else, as to another server, it goes as counts by value
 * (statistics/value_counts.h), which are two or three bytes a value, and the same whatever
 * the order.  Of counts that come a value that came once or twice is put with the
 * keys, which may go to disk; the others stay counts.
 */
#include "statistics/value_list.h"

#include "base/state.h"
#include "nodes/execnodes.h"
#include "statistics/value_counts.h"

PG_FUNCTION_INFO_V1(median_step);
PG_FUNCTION_INFO_V1(median_combine);
PG_FUNCTION_INFO_V1(median_serialize);
PG_FUNCTION_INFO_V1(median_deserialize);
PG_FUNCTION_INFO_V1(median_final);

/* Of a value that came so often each is a key: no more bytes than an entry of counts. */
#define MOST_AS_KEYS (sizeof(ValueCount) / sizeof(uint64))

/* Keys that are put beside when the median is one of them; and those that are quicker put in order than counted. */
#define FEW 65536
#define FEWEST 32

typedef struct MedianState
{
	ValueList	list;
	ValueCounts *counts;		/* NULL: none */
} MedianState;

/* Adds all values of a state to counts, in the current context. */
static void
count_all(ValueCounts *counts, const MedianState *median)
{
	ValueScan	scan;
	const uint64 *keys;
	size_t		count;
	CjmError	error = {0};
	bool		ok = median->counts == NULL || value_counts_merge(counts, median->counts, &error);

	value_scan_start(&scan, &median->list);
	while (ok && (count = value_scan_next(&scan, &keys)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (size_t i = 0; ok && i < count; i++)
			ok = value_counts_add(counts, keys[i], 1, &error);
	}
	if (!ok)
		cjm_report(&error);
}

static void
encode_median(StringInfo out, void *contents)
{
	MedianState *median = contents;
	ValueCounts counts;

	if (median->list.store->hands_over && median->counts == NULL)
	{
		value_list_send(out, &median->list);
		return;
	}
	value_counts_init(&counts, VALUE_NUMBERS);
	count_all(&counts, median);
	value_counts_encode(out, &counts);
}

static const StateKind median_kind = {sizeof(MedianState), encode_median};

/*
 * A state to be read: an object as it is, bytes decoded, and by that checked, into the
 * current context.  Only a node that takes what others hand over, which has such a store, has
 * the files of theirs.
 */
static MedianState *
open_median(Datum value, const ValueStore *store)
{
	MedianState *median = state_contents(value, &median_kind);
	const uint8 *bytes;
	size_t		size;
	struct varlena *flat;
	CjmError	error = {0};

	if (median != NULL)
		return median;
	flat = PG_DETOAST_DATUM_PACKED(value);
	bytes = (const uint8 *) VARDATA_ANY(flat);
	size = VARSIZE_ANY_EXHDR(flat);
	median = palloc0(sizeof(MedianState));
	if (store != NULL && store->receives && value_list_is_sent(bytes, size))
	{
		value_list_receive(bytes, size, &median->list);
		return median;
	}
	median->counts = palloc(sizeof(ValueCounts));
	if (!value_counts_decode(bytes, size, median->counts, &error))
		cjm_report(&error);
	if (median->counts->kind != VALUE_NUMBERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this state of counted values is of times")));
	return median;
}

/* Adds all values of another state, which may be in shorter memory, to one of an aggregate. */
static void
add_all(FunctionCallInfo fcinfo, AggregateState *state, MedianState *other)
{
	MemoryContext old;
	MedianState *median = state_change(state, &old);
	CjmError	error = {0};
	bool		ok = true;

	for (size_t i = 0; ok && other->counts != NULL && i < other->counts->nentries; i++)
	{
		const ValueCount *entry = &other->counts->entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->count <= MOST_AS_KEYS)
		{
			for (uint64 n = 0; n < entry->count; n++)
				value_list_add(fcinfo, &median->list, entry->key);
			continue;
		}
		if (median->counts == NULL)
		{
			median->counts = palloc(sizeof(ValueCounts));
			value_counts_init(median->counts, VALUE_NUMBERS);
		}
		ok = value_counts_add(median->counts, entry->key, entry->count, &error);
	}
	MemoryContextSwitchTo(old);
	if (!ok)
		cjm_report(&error);
	value_list_append(fcinfo, &median->list, &other->list);
}

/* The state in the first argument, to be changed: the aggregate's own, or a new one with what there is. */
static inline AggregateState *
own_state(FunctionCallInfo fcinfo)
{
	/* As AggCheckCallContext has it, which each row would have to call. */
	MemoryContext aggregate = fcinfo->context != NULL && IsA(fcinfo->context, AggState) ?
		((AggState *) fcinfo->context)->curaggcontext->ecxt_per_tuple_memory : aggregate_context(fcinfo);
	AggregateState *state = PG_ARGISNULL(0) ? NULL : state_of_aggregate(PG_GETARG_DATUM(0), aggregate, &median_kind);
	MedianState *median;
	ValueStore *store;

	if (state != NULL)
		return state;
	store = value_store(fcinfo);
	state = state_new(aggregate, &median_kind);
	median = state_contents_changed(state);
	value_list_init(&median->list, store);
	if (!PG_ARGISNULL(0))
		add_all(fcinfo, state, open_median(PG_GETARG_DATUM(0), store));
	return state;
}

/* The state as it is. */
static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* median_step(state, float8): one more value, NULL none. */
Datum
median_step(PG_FUNCTION_ARGS)
{
	AggregateState *state;
	MedianState *median;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = own_state(fcinfo);
	median = state_contents_changed(state);
	value_list_add(fcinfo, &median->list, value_key(PG_GETARG_FLOAT8(1)));
	PG_RETURN_DATUM(state_datum(state));
}

/* The values of both; one NULL counts as none, two NULLs are NULL. */
Datum
median_combine(PG_FUNCTION_ARGS)
{
	AggregateState *state;
	MedianState *median;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = own_state(fcinfo);
	median = state_contents_changed(state);
	add_all(fcinfo, state, open_median(PG_GETARG_DATUM(1), median->list.store));
	PG_RETURN_DATUM(state_datum(state));
}

/*
 * What the SQL of 0.1.0 calls, where states are internal: to and from bytes.  Nobody
 * but its aggregate has a state to call with.
 */
Datum
median_serialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
}

Datum
median_deserialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_DATUM(PointerGetDatum(PG_GETARG_BYTEA_P_COPY(0)));
}

/* The keys that begin with the known bits of found, as many, in the current context. */
static void
gather(MedianState *some, const MedianState *median, uint64 known, uint64 found, uint64 count)
{
	ValueScan	scan;
	const uint64 *keys;
	size_t		nkeys;

	memset(some, 0, sizeof(*some));
	some->list.keys = palloc(count * sizeof(uint64));
	value_scan_start(&scan, &median->list);
	while ((nkeys = value_scan_next(&scan, &keys)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (size_t i = 0; i < nkeys; i++)
			if ((keys[i] & known) == found && some->list.count < count)
				some->list.keys[some->list.count++] = keys[i];
	}
	for (size_t i = 0; median->counts != NULL && i < median->counts->nentries; i++)
	{
		const ValueCount *entry = &median->counts->entries[i];

		CHECK_FOR_INTERRUPTS();
		for (uint64 n = 0; (entry->key & known) == found && n < entry->count && some->list.count < count; n++)
			some->list.keys[some->list.count++] = entry->key;
	}
}

/* That of at most FEWEST keys, which are put in order beside. */
static uint64
key_of_fewest(const uint64 *keys, uint64 count, uint64 rank)
{
	uint64		sorted[FEWEST];

	for (uint64 i = 0; i < count; i++)
	{
		uint64		place = i;

		for (; place > 0 && sorted[place - 1] > keys[i]; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = keys[i];
	}
	return sorted[rank];
}

/*
 * The key that comes at a place in their order, from 0: digit by digit, until those
 * that may be it are few enough to be put beside.  Of a file the digits are longer, which
 * takes 512 kB for the counts; memory is quicker read by shorter ones.
 */
static uint64
key_at_rank(const MedianState *median, uint64 rank)
{
	int			bits = median->list.filed > 0 ? 16 : 8;
	uint64		ndigits = UINT64CONST(1) << bits;
	uint64	   *counts;
	uint64		known = 0;
	uint64		found = 0;
	MedianState few;

	if (median->counts == NULL && median->list.filed == 0 && median->list.count <= FEWEST)
		return key_of_fewest(median->list.keys, median->list.count, rank);
	counts = palloc(ndigits * sizeof(uint64));
	for (int shift = 64 - bits; shift >= 0; shift -= bits)
	{
		uint64		digit = 0;
		ValueScan	scan;
		const uint64 *keys;
		size_t		count;

		memset(counts, 0, ndigits * sizeof(uint64));
		value_scan_start(&scan, &median->list);
		while ((count = value_scan_next(&scan, &keys)) > 0)
		{
			CHECK_FOR_INTERRUPTS();
			for (size_t i = 0; i < count; i++)
				counts[keys[i] >> shift & (ndigits - 1)] += (keys[i] & known) == found;
		}
		for (size_t i = 0; median->counts != NULL && i < median->counts->nentries; i++)
		{
			const ValueCount *entry = &median->counts->entries[i];

			CHECK_FOR_INTERRUPTS();
			if ((entry->key & known) == found)
				counts[entry->key >> shift & (ndigits - 1)] += entry->count;
		}
		while (rank >= counts[digit])
			rank -= counts[digit++];
		found |= digit << shift;
		known = ~UINT64CONST(0) << shift;
		if (median != &few && counts[digit] <= FEW)
		{
			gather(&few, median, known, found, counts[digit]);
			median = &few;
		}
	}
	pfree(counts);
	return found;
}

/* The lower one of an even number. */
Datum
median_final(PG_FUNCTION_ARGS)
{
	MedianState *median;
	uint64		total;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	median = open_median(PG_GETARG_DATUM(0), NULL);
	total = median->list.filed + median->list.count + (median->counts != NULL ? median->counts->total : 0);
	PG_RETURN_FLOAT8(value_of_key(key_at_rank(median, (total - 1) / 2)));
}
