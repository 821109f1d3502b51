/*
 * kept/change_log.c: the changes that wait, as one value by which kept journeys are
 * brought up to date while they are read: kept_log(customer, at, event, channel, value,
 * removed), kept_deciders_log(customer, at, values, removed), kept_with(journey,
 * customer, log), kept_touches(customer, log).
 *
 * A query makes the log once, from all changes, and looks every customer of the store
 * up in it; most are not there, and their journeys are passed on as they are.  In place
 * of it a join would make the journeys of all changes, in each process that takes part.
 *
 * A log is a table of hashes, each of a customer with a list of changes, and what their
 * numbers refer to, in one chunk without pointers: workers of a parallel plan are given
 * its bytes.  Nobody can write one down: its type has no input, and nothing but these
 * aggregates makes values of it, so whoever reads one trusts what it says.
 *
 * Customers are equal if their bytes are.  The views of a map whose keys are of another
 * kind do not use it, nor do those who have more changes than fit (kept/guard.c).
 */
#include "journey/argument.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "kept/deciders.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(change_log_in);
PG_FUNCTION_INFO_V1(change_log_out);
PG_FUNCTION_INFO_V1(kept_log_step);
PG_FUNCTION_INFO_V1(kept_deciders_log_step);
PG_FUNCTION_INFO_V1(kept_log_final);
PG_FUNCTION_INFO_V1(kept_with);
PG_FUNCTION_INFO_V1(kept_touches);

#define NONE PG_UINT32_MAX

#define FIRST_CUSTOMERS 64
#define FIRST_CHANGES 256
#define FIRST_KEY_BYTES 1024

#define HAS_VALUE 1
#define REMOVED 2

typedef struct Customer
{
	uint32		hash;			/* of the key */
	uint32		key;			/* where its bytes are */
	uint32		key_size;
	uint32		first;			/* its changes */
	uint32		last;
} Customer;

typedef struct Change
{
	int64		at;
	double		value;
	uint32		event;			/* ids of labels */
	uint32		channel;		/* NONE: none */
	uint32		next;			/* of the same customer; NONE: none */
	uint32		flags;
} Change;

/* Arrays that grow, in the aggregate's context. */
typedef struct LogState
{
	LabelPool  *labels;
	uint32	   *table;			/* numbers of customers + 1 by their hashes, 0: free */
	uint32		slots;			/* a power of two, twice the room for customers */
	Customer   *customers;
	uint32		customer_count;
	uint32		customer_room;
	Change	   *changes;
	uint32		change_count;
	uint32		change_room;
	char	   *keys;
	uint32		key_bytes;
	uint32		key_room;
} LogState;

/* The value: this, and then the arrays, the widest elements first. */
typedef struct ChangeLog
{
	int32		vl_len_;
	uint32		slots;
	uint32		customers;
	uint32		changes;
	uint32		labels;
	uint32		label_bytes;
	uint32		key_bytes;
	uint32		unused;
} ChangeLog;

/* Where the arrays of a value are. */
typedef struct LogView
{
	const ChangeLog *log;
	const Change *changes;
	const Customer *customers;
	const uint32 *table;
	const uint32 *offsets;		/* of labels, as in a pool */
	const uint8 *labels;
	const char *keys;
} LogView;

/* What a call site knows of the type of its customers. */
typedef struct KeyType
{
	int16		length;
	bool		by_value;
} KeyType;

/* The bytes that a customer is known by: in the value, in a detoasted copy, or in *place. */
static Label
key_of(FunctionCallInfo fcinfo, int argument, Datum *place)
{
	KeyType    *type = fcinfo->flinfo->fn_extra;
	Datum		value = PG_GETARG_DATUM(argument);

	if (unlikely(type == NULL))
	{
		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(KeyType));
		get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, argument), &type->length, &type->by_value);
		fcinfo->flinfo->fn_extra = type;
	}
	if (type->by_value)
	{
		*place = value;
		return (Label) {(char *) place, sizeof(Datum)};
	}
	if (type->length > 0)
		return (Label) {DatumGetPointer(value), type->length};
	if (type->length == -2)
		return (Label) {DatumGetCString(value), strlen(DatumGetCString(value))};
	return label_from_text((text *) PG_DETOAST_DATUM_PACKED(value));
}

static inline uint32
hash_key(Label key)
{
	if (key.size == sizeof(uint64))
	{
		uint64		bits;

		memcpy(&bits, key.bytes, sizeof(bits));
		return (uint32) ((bits * UINT64CONST(0x9E3779B97F4A7C15)) >> 32);
	}
	return hash_bytes((const unsigned char *) key.bytes, key.size);
}

/* The slot of a key, or the free one where it would be. */
static inline uint32
find_slot(const uint32 *table, uint32 slots, const Customer *customers, const char *keys, Label key, uint32 hash)
{
	uint32		slot = hash & (slots - 1);

	while (table[slot] != 0)
	{
		const Customer *customer = &customers[table[slot] - 1];

		if (customer->hash == hash && customer->key_size == key.size && memcmp(keys + customer->key, key.bytes, key.size) == 0)
			break;
		slot = (slot + 1) & (slots - 1);
	}
	return slot;
}

/*
 * Making one
 */

pg_noreturn static void
too_many(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many changes of kept journeys wait to be read with them"),
			 errhint("cjm.refresh_journeys puts them into the journeys.")));
}

/* Room for more elements of an array. */
static void *
grow(void *array, uint32 *room, uint64 needed, size_t element)
{
	uint64		wanted = Max(needed, 2 * (uint64) *room);

	if (wanted * element > MaxAllocSize)
		wanted = needed;
	if (wanted * element > MaxAllocSize)
		too_many();
	*room = (uint32) wanted;
	return repalloc(array, wanted * element);
}

static LogState *
new_state(MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	LogState   *state = palloc0(sizeof(LogState));

	state->labels = label_pool_create(false);
	state->slots = 2 * FIRST_CUSTOMERS;
	state->table = palloc0(state->slots * sizeof(uint32));
	state->customer_room = FIRST_CUSTOMERS;
	state->customers = palloc(FIRST_CUSTOMERS * sizeof(Customer));
	state->change_room = FIRST_CHANGES;
	state->changes = palloc(FIRST_CHANGES * sizeof(Change));
	state->key_room = FIRST_KEY_BYTES;
	state->keys = palloc(FIRST_KEY_BYTES);
	MemoryContextSwitchTo(old);
	return state;
}

/* Twice the room for customers. */
static void
grow_customers(LogState *state)
{
	state->customers = grow(state->customers, &state->customer_room, (uint64) state->customer_count + 1, sizeof(Customer));
	if (2 * (uint64) state->slots * sizeof(uint32) > MaxAllocSize)
		too_many();
	state->slots *= 2;
	state->table = repalloc(state->table, state->slots * sizeof(uint32));
	memset(state->table, 0, state->slots * sizeof(uint32));
	for (uint32 i = 0; i < state->customer_count; i++)
	{
		uint32		slot = state->customers[i].hash & (state->slots - 1);

		while (state->table[slot] != 0)
			slot = (slot + 1) & (state->slots - 1);
		state->table[slot] = i + 1;
	}
}

/* The customer of a key, a new one if need be. */
static Customer *
customer_of(LogState *state, Label key)
{
	uint32		hash = hash_key(key);
	uint32		slot = find_slot(state->table, state->slots, state->customers, state->keys, key, hash);

	if (state->table[slot] == 0)
	{
		if (2 * (state->customer_count + 1) > state->slots || state->customer_count == state->customer_room)
		{
			grow_customers(state);
			slot = find_slot(state->table, state->slots, state->customers, state->keys, key, hash);
		}
		if (state->key_room - state->key_bytes < key.size)
			state->keys = grow(state->keys, &state->key_room, (uint64) state->key_bytes + key.size, 1);
		memcpy(state->keys + state->key_bytes, key.bytes, key.size);
		state->customers[state->customer_count] = (Customer) {hash, state->key_bytes, key.size, NONE, NONE};
		state->key_bytes += key.size;
		state->table[slot] = ++state->customer_count;
	}
	return &state->customers[state->table[slot] - 1];
}

/* Adds a change of a customer, whose labels are in the pool. */
static void
add_change(LogState *state, Customer *customer, Change change)
{
	uint32		number = state->change_count;

	if (number == state->change_room)
		state->changes = grow(state->changes, &state->change_room, (uint64) number + 1, sizeof(Change));
	change.next = NONE;
	state->changes[number] = change;
	if (customer->first == NONE)
		customer->first = number;
	else
		state->changes[customer->last].next = number;
	customer->last = number;
	state->change_count++;
}

static uint32
label_id(LogState *state, Label label)
{
	CjmError	error = {0};
	uint32		id;

	if (!label_pool_find(state->labels, label, &id) && !label_pool_add(state->labels, label, &id, &error))
		cjm_report(&error);
	return id;
}

/*
 * kept_log_step: the transition function of kept_log(customer, at, event, channel,
 * value, removed).  What has no customer, time or event is no touchpoint.
 */
Datum
kept_log_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	LogState   *state = aggregate_state(fcinfo, 0);
	Change		change = {0};
	Datum		place;
	Label		key;
	MemoryContext old;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(context);
	key = key_of(fcinfo, 1, &place);
	change.at = PG_GETARG_TIMESTAMPTZ(2);
	change.value = PG_ARGISNULL(5) ? 0 : PG_GETARG_FLOAT8(5);
	change.flags = (PG_ARGISNULL(5) ? 0 : HAS_VALUE) | (!PG_ARGISNULL(6) && PG_GETARG_BOOL(6) ? REMOVED : 0);
	old = MemoryContextSwitchTo(context);
	change.event = label_id(state, label_from_text(PG_GETARG_TEXT_PP(3)));
	change.channel = PG_ARGISNULL(4) ? NONE : label_id(state, label_from_text(PG_GETARG_TEXT_PP(4)));
	add_change(state, customer_of(state, key), change);
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(state);
}

/*
 * kept_deciders_log_step: the transition function of kept_deciders_log(customer, at,
 * values, removed), whose events are those of kept_deciders_agg.
 */
Datum
kept_deciders_log_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	LogState   *state = aggregate_state(fcinfo, 0);
	char		buffer[DECIDER_MAX_BYTES];
	Change		change = {0};
	CjmError	error = {0};
	Datum	   *values;
	bool	   *nulls;
	int			count;
	Datum		place;
	Label		key;
	MemoryContext old;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(context);
	key = key_of(fcinfo, 1, &place);
	change.at = PG_GETARG_TIMESTAMPTZ(2);
	change.channel = NONE;
	change.flags = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4) ? REMOVED : 0;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		Label		event;

		if (nulls[i])
			continue;
		event = decider_event(buffer, i, label_from_text((text *) DatumGetPointer(values[i])), &error);
		if (event.bytes == NULL)
			cjm_report(&error);
		change.event = label_id(state, event);
		add_change(state, customer_of(state, key), change);
	}
	MemoryContextSwitchTo(old);
	pfree(values);
	pfree(nulls);
	PG_RETURN_POINTER(state);
}

/* Appends an array to a value that is being made. */
static char *
append(char *to, const void *array, size_t size)
{
	memcpy(to, array, size);
	return to + size;
}

/* The final function of both: NULL of no changes, so that who looks something up there has done so at once. */
Datum
kept_log_final(PG_FUNCTION_ARGS)
{
	LogState   *state = aggregate_state(fcinfo, 0);
	uint64		size;
	ChangeLog  *log;
	char	   *end;

	if (state == NULL || state->change_count == 0)
		PG_RETURN_NULL();
	size = sizeof(ChangeLog) + (uint64) state->change_count * sizeof(Change) + (uint64) state->customer_count * sizeof(Customer) +
		(uint64) state->slots * sizeof(uint32) + ((uint64) state->labels->count + 1) * sizeof(uint32) + state->labels->size + state->key_bytes;
	if (size > MaxAllocSize)
		too_many();
	log = palloc(size);
	*log = (ChangeLog) {
		.slots = state->slots, .customers = state->customer_count, .changes = state->change_count,
		.labels = state->labels->count, .label_bytes = state->labels->size, .key_bytes = state->key_bytes};
	SET_VARSIZE(log, size);
	end = append((char *) (log + 1), state->changes, state->change_count * sizeof(Change));
	end = append(end, state->customers, state->customer_count * sizeof(Customer));
	end = append(end, state->table, state->slots * sizeof(uint32));
	end = append(end, state->labels->offsets, (state->labels->count + 1) * sizeof(uint32));
	end = append(end, state->labels->bytes, state->labels->size);
	append(end, state->keys, state->key_bytes);
	PG_RETURN_POINTER(log);
}

/*
 * Reading one
 */

static LogView
open_log(Datum value)
{
	const ChangeLog *log = (const ChangeLog *) PG_DETOAST_DATUM(value);
	LogView		view = {.log = log};

	view.changes = (const Change *) (log + 1);
	view.customers = (const Customer *) (view.changes + log->changes);
	view.table = (const uint32 *) (view.customers + log->customers);
	view.offsets = view.table + log->slots;
	view.labels = (const uint8 *) (view.offsets + log->labels + 1);
	view.keys = (const char *) view.labels + log->label_bytes;
	return view;
}

/* The changes of the customer in an argument, NULL if there are none. */
static inline const Customer *
look_up(FunctionCallInfo fcinfo, int argument, const LogView *view)
{
	Datum		place;
	Label		key = key_of(fcinfo, argument, &place);
	uint32		slot = find_slot(view->table, view->log->slots, view->customers, view->keys, key, hash_key(key));

	return view->table[slot] == 0 ? NULL : &view->customers[view->table[slot] - 1];
}

static inline Label
label_of(const LogView *view, uint32 id)
{
	uint64		size;
	const uint8 *bytes = varint_load(view->labels + view->offsets[id], &size);

	return (Label) {(const char *) bytes, (uint32) size};
}

/* The journey of what came to a customer, or of what went, in *view; NULL if nothing did. */
static const JourneyView *
changes_as_journey(const LogView *log, const Customer *customer, uint32 removed, JourneyView *view)
{
	JourneyBuilder *builder = NULL;
	CjmError	error = {0};

	for (uint32 i = customer->first; i != NONE; i = log->changes[i].next)
	{
		const Change *change = &log->changes[i];

		if ((change->flags & REMOVED) != removed)
			continue;
		if (builder == NULL)
			builder = builder_create(NULL);
		if (!builder_add(&builder, change->at, label_of(log, change->event), change->channel == NONE ? NO_LABEL : label_of(log, change->channel),
						 change->flags & HAS_VALUE, change->value, &error))
			cjm_report(&error);
	}
	if (builder == NULL)
		return NULL;
	journey_open_datum(journey_from_builder(builder, false), view);
	builder_free(builder);
	return view;
}

/* kept_with(journey, customer, log): the stored journey of a customer, or NULL for none, after the changes in a log; NULL if nothing is left. */
Datum
kept_with(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		LogView		log = open_log(PG_GETARG_DATUM(2));
		const Customer *customer = look_up(fcinfo, 1, &log);

		if (customer != NULL)
		{
			JourneyView views[3];
			const JourneyView *added = changes_as_journey(&log, customer, 0, &views[1]);
			const JourneyView *removed = changes_as_journey(&log, customer, REMOVED, &views[2]);
			bool		nothing;
			Datum		value;

			if (!PG_ARGISNULL(0))
				journey_open_datum(PG_GETARG_DATUM(0), &views[0]);
			value = journey_after(PG_ARGISNULL(0) ? NULL : &views[0], added, removed, &nothing);
			if (nothing)
				PG_RETURN_NULL();
			PG_RETURN_DATUM(value);
		}
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* kept_touches(customer, log): whether a log has changes of a customer; strict. */
Datum
kept_touches(PG_FUNCTION_ARGS)
{
	LogView		log = open_log(PG_GETARG_DATUM(1));

	PG_RETURN_BOOL(look_up(fcinfo, 0, &log) != NULL);
}

/* The type has no values in text. */
Datum
change_log_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type %s", "cjm_internal.change_log")));
	PG_RETURN_NULL();
}

/* How much is in one. */
Datum
change_log_out(PG_FUNCTION_ARGS)
{
	LogView		view = open_log(PG_GETARG_DATUM(0));

	PG_RETURN_CSTRING(psprintf("%u changes of %u customers", view.log->changes, view.log->customers));
}
