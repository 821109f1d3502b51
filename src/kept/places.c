/*
 * kept/places.c: whose changes wait, for whoever reads the store beside them:
 *
 *   kept_places_agg(customer, store) -> bytea, and kept_goes(places, way, customer)
 *
 * Nearly all customers have no changes, and whoever reads the map has to leave those out of
 * the store that have, so each customer in the store is asked about.  A hash chooses one of
 * 2^20 places, and a bit says whether any change has it: that is in the processor's cache,
 * and takes a fraction of what looking a customer up among changes would, however many
 * these are.  (Bloom, Space/time trade-offs in hash coding with allowable errors, CACM 1970,
 * with one hash.)
 *
 * Where few customers have changes their keys stand behind the bits, so that it is known for
 * sure, and the store is asked for these alone, by its index.  Few are as many as the store
 * has pages: reading a page to its end takes longer than a look at it.  Of a store that is
 * larger than effective_cache_size it is fewer, by what random_page_cost is to seq_page_cost;
 * and no more than fit in work_mem * hash_mem_multiplier.
 * Where there are more, the store is read once more for all that have a place which is taken,
 * whether they have changes or not.
 *
 * Keys are compared by their bytes, if equal ones have equal bytes (which is what the function
 * "equalimage" of a B-tree's operator class says).  Of other types no keys are written down,
 * and their hash is that by which PostgreSQL groups them.  Where there is none they share one
 * place, which is right, too, and of no use.
 *
 * What a bytea holds that somebody else made is wrong at worst.
 */
#include "base/glue.h"

#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/nodeHash.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(kept_places_add);
PG_FUNCTION_INFO_V1(kept_places_final);
PG_FUNCTION_INFO_V1(kept_goes);
PG_FUNCTION_INFO_V1(kept_goes_support);

#define PLACES ((uint32) 1 << 20)

/* Bytes of keys and their slots at most, whatever work_mem is: all has to fit in a value. */
#define MOST_BYTES ((size_t) 512 << 20)

/* Of all hashes a quarter: the bits that choose it are neither those of the place nor those of the slot. */
#define REST_SHIFT 20
#define REST_MASK 3

/* The part of the changes that the planner is told are looked up for: where they are few, so that it does not weigh each as if it came from a disk. */
#define FEW_SELECTIVITY 0.01

/* How a part of the view comes to its customers: see kept_goes. */
typedef enum KeptWay
{
	KEPT_ANY,
	KEPT_UNCHANGED,
	KEPT_LOOKED_UP,
	KEPT_READ_MOST,
	KEPT_READ_REST,
	KEPT_READ_ROW,
	KEPT_LOOKED_UP_ROW,
	KEPT_READ_MOST_ROW,
	KEPT_READ_REST_ROW
} KeptWay;

/* What a value begins with; it stands at any address. */
typedef struct PlacesHead
{
	uint32		known;			/* whether there are keys behind the bits */
	uint32		nslots;			/* a power of 2, or 0 where there are none */
	uint32		size;			/* bytes of the keys */
} PlacesHead;

/* A slot has a key whose hash chooses it, or one of those before it that are taken. */
typedef struct Slot
{
	uint32		hash;			/* the upper half */
	uint32		offset;			/* in the bytes of the keys, from 1; 0: none */
} Slot;

/* Behind it come the bits, the slots, and the keys, each of which is its size and its bytes. */
typedef struct Places
{
	PlacesHead	head;
	const uint8 *bits;			/* NULL: no customer at all */
	const uint8 *slots;
	const uint8 *keys;
} Places;

/* What a key is of. */
typedef struct KeyType
{
	Oid			oid;
	int16		length;
	bool		by_value;
	bool		by_image;		/* equal keys have equal bytes */
	TypeCacheEntry *cache;
} KeyType;

/* A key, and its hash. */
typedef struct Key
{
	Datum		value;			/* of those that are passed by value */
	const uint8 *bytes;
	uint32		size;
	uint64		hash;
} Key;

/* Of an aggregate. */
typedef struct PlacesState
{
	PlacesHead	head;
	uint32		count;
	uint32		most;			/* keys that are few */
	size_t		budget;			/* bytes for keys and slots, as for the hash table of a join */
	size_t		allocated;		/* bytes for keys */
	Slot	   *slots;
	uint8	   *keys;
	uint8		bits[PLACES / 8];
} PlacesState;

/* What equal keys of a type have in common, in fn_extra. */
static KeyType *
key_type(FunctionCallInfo fcinfo, int n)
{
	KeyType    *type = fcinfo->flinfo->fn_extra;
	Oid			function;

	if (likely(type != NULL))
		return type;
	type = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(KeyType));
	type->oid = get_fn_expr_argtype(fcinfo->flinfo, n);
	if (!OidIsValid(type->oid))
		elog(ERROR, "could not determine the type of the customer");
	get_typlenbyval(type->oid, &type->length, &type->by_value);
	type->cache = lookup_type_cache(type->oid, TYPECACHE_BTREE_OPFAMILY | TYPECACHE_HASH_PROC_FINFO);
	function = OidIsValid(type->cache->btree_opf)
		? get_opfamily_proc(type->cache->btree_opf, type->cache->btree_opintype, type->cache->btree_opintype, BTEQUALIMAGE_PROC) : InvalidOid;
	/* Spaces at the end make no difference to character, whatever its operator class says. */
	type->by_image = OidIsValid(function) && type->cache->btree_opintype != BPCHAROID &&
		DatumGetBool(OidFunctionCall1Coll(function, PG_GET_COLLATION(), ObjectIdGetDatum(type->cache->btree_opintype)));
	fcinfo->flinfo->fn_extra = type;
	return type;
}

/* The finalizer of MurmurHash3, which is in the public domain (Austin Appleby). */
static inline uint64
mix(uint64 x)
{
	x ^= x >> 33;
	x *= UINT64CONST(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

/* Argument n, which is not NULL and stays where it is; what is detoasted is in the current memory context. */
static inline void
read_key(FunctionCallInfo fcinfo, int n, const KeyType *type, Key *key)
{
	key->value = PG_GETARG_DATUM(n);
	if (type->by_value)
	{
		key->bytes = (const uint8 *) &key->value;
		key->size = sizeof(Datum);
	}
	else if (!type->by_image)
	{
		key->bytes = (const uint8 *) "";
		key->size = 0;
	}
	else if (type->length == -1)
	{
		struct varlena *value = PG_DETOAST_DATUM_PACKED(key->value);

		key->bytes = (const uint8 *) VARDATA_ANY(value);
		key->size = VARSIZE_ANY_EXHDR(value);
	}
	else
	{
		key->bytes = (const uint8 *) DatumGetPointer(key->value);
		key->size = type->length == -2 ? strlen((const char *) key->bytes) : (size_t) type->length;
	}
	if (!type->by_image)
		key->hash = OidIsValid(type->cache->hash_proc)
			? hash_bytes_uint32(DatumGetUInt32(FunctionCall1Coll(&type->cache->hash_proc_finfo, PG_GET_COLLATION(), key->value))) : 0;
	else if (type->by_value)
		key->hash = mix((uint64) key->value);
	else
		key->hash = DatumGetUInt64(hash_bytes_extended(key->bytes, (int) key->size, 0));
}

static inline uint32
place_of(const Key *key)
{
	return (uint32) key->hash & (PLACES - 1);
}

/* What chooses the slot of a key: other bits than those of its place. */
static inline uint32
slot_hash(const Key *key)
{
	return (uint32) (key->hash >> 32);
}

static inline uint32
number_at(const uint8 *bytes)
{
	uint32		number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

/* Whether the key at an offset of size bytes of keys is this one. */
static inline bool
is_key(const uint8 *keys, uint32 size, uint32 offset, const Key *key)
{
	return offset <= size && size - offset >= sizeof(uint32) + (size_t) key->size && number_at(keys + offset) == key->size &&
		memcmp(keys + offset + sizeof(uint32), key->bytes, key->size) == 0;
}

/* How many customers of a store are few. */
static uint32
few_of(Oid store)
{
	Relation	relation = get_rel_relkind(store) == RELKIND_RELATION ? try_relation_open(store, AccessShareLock) : NULL;
	double		pages;

	if (relation == NULL)
		return 0;
	pages = RelationGetNumberOfBlocks(relation);
	relation_close(relation, AccessShareLock);
	if (pages > effective_cache_size && random_page_cost > seq_page_cost)
		pages *= seq_page_cost / random_page_cost;
	return (uint32) Min(pages, (double) PG_INT32_MAX);
}

/* Makes slots for as many keys again, and moves those that are there. */
static void
grow_slots(PlacesState *state, MemoryContext context)
{
	Slot	   *old = state->slots;
	uint32		nold = state->head.nslots;
	uint32		nslots = Max(nold * 2, 1024);

	state->slots = MemoryContextAllocExtended(context, nslots * sizeof(Slot), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	state->head.nslots = nslots;
	for (uint32 i = 0; i < nold; i++)
		if (old[i].offset != 0)
		{
			uint32		n = old[i].hash & (nslots - 1);

			while (state->slots[n].offset != 0)
				n = (n + 1) & (nslots - 1);
			state->slots[n] = old[i];
		}
	if (old != NULL)
		pfree(old);
}

/* There are too many keys to write down. */
static void
drop_keys(PlacesState *state)
{
	if (state->slots != NULL)
		pfree(state->slots);
	if (state->keys != NULL)
		pfree(state->keys);
	state->slots = NULL;
	state->keys = NULL;
	state->head = (PlacesHead) {0};
}

/* Writes a key down, if it is not yet. */
static void
add_key(PlacesState *state, const Key *key, MemoryContext context)
{
	size_t		need = (size_t) state->head.size + sizeof(uint32) + key->size;
	uint32		hash = slot_hash(key);
	uint32		n;

	if ((state->count + 1) * 2 > state->head.nslots)
		grow_slots(state, context);
	for (n = hash & (state->head.nslots - 1); state->slots[n].offset != 0; n = (n + 1) & (state->head.nslots - 1))
		if (state->slots[n].hash == hash && is_key(state->keys, state->head.size, state->slots[n].offset - 1, key))
			return;
	if (state->count == state->most || need + state->head.nslots * sizeof(Slot) > state->budget)
	{
		drop_keys(state);
		return;
	}
	if (need > state->allocated)
	{
		state->allocated = Max(need, Max(state->allocated * 2, 16384));
		state->keys = state->keys == NULL ? MemoryContextAlloc(context, state->allocated) : repalloc(state->keys, state->allocated);
	}
	memcpy(state->keys + state->head.size, &key->size, sizeof(uint32));
	memcpy(state->keys + state->head.size + sizeof(uint32), key->bytes, key->size);
	state->slots[n] = (Slot) {hash, state->head.size + 1};
	state->head.size = (uint32) need;
	state->count++;
}

/* kept_places_add(state, customer, store) */
Datum
kept_places_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	PlacesState *state = PG_ARGISNULL(0) ? NULL : (PlacesState *) PG_GETARG_POINTER(0);
	const KeyType *type;
	Key			key;
	uint32		place;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	type = key_type(fcinfo, 1);
	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(PlacesState));
		state->most = PG_ARGISNULL(2) || !type->by_image ? 0 : few_of(PG_GETARG_OID(2));
		state->head.known = state->most > 0;
		state->budget = Min(get_hash_memory_limit(), MOST_BYTES);
	}
	read_key(fcinfo, 1, type, &key);
	place = place_of(&key);
	state->bits[place / 8] |= 1 << (place % 8);
	if (state->head.known)
		add_key(state, &key, context);
	PG_RETURN_POINTER(state);
}

/* kept_places_final(state): empty if there was no customer. */
Datum
kept_places_final(PG_FUNCTION_ARGS)
{
	const PlacesState *state = PG_ARGISNULL(0) ? NULL : (PlacesState *) PG_GETARG_POINTER(0);
	size_t		size = VARHDRSZ;
	struct varlena *value;
	char	   *p;

	aggregate_context(fcinfo);
	if (state != NULL)
		size += sizeof(PlacesHead) + sizeof(state->bits) + state->head.nslots * sizeof(Slot) + state->head.size;
	value = palloc(size);
	SET_VARSIZE(value, size);
	if (state != NULL)
	{
		p = VARDATA(value);
		memcpy(p, &state->head, sizeof(PlacesHead));
		p += sizeof(PlacesHead);
		memcpy(p, state->bits, sizeof(state->bits));
		p += sizeof(state->bits);
		if (state->head.nslots > 0)
			memcpy(p, state->slots, state->head.nslots * sizeof(Slot));
		p += state->head.nslots * sizeof(Slot);
		if (state->head.size > 0)
			memcpy(p, state->keys, state->head.size);
	}
	PG_RETURN_POINTER(value);
}

/* Whoever calls these by hand has anything. */
static inline Places
open_places(struct varlena *value)
{
	Places		places = {.bits = NULL};
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(value);
	uint64		size = VARSIZE_ANY_EXHDR(value);

	if (size == 0)
		return places;
	if (size >= sizeof(PlacesHead))
		memcpy(&places.head, bytes, sizeof(PlacesHead));
	if ((places.head.nslots & (places.head.nslots - 1)) != 0 ||
		size != sizeof(PlacesHead) + PLACES / 8 + places.head.nslots * (uint64) sizeof(Slot) + places.head.size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("a bytea of %llu bytes is not of places of customers", (unsigned long long) size)));
	places.bits = bytes + sizeof(PlacesHead);
	places.slots = places.bits + PLACES / 8;
	places.keys = places.slots + places.head.nslots * sizeof(Slot);
	return places;
}

/* Whether a key has been written down. */
static bool
has_key(const Places *places, const Key *key)
{
	uint32		hash = slot_hash(key);
	uint32		n = hash;

	for (uint32 tries = 0; tries < places->head.nslots; tries++, n++)
	{
		Slot		slot;

		memcpy(&slot, places->slots + (n & (places->head.nslots - 1)) * sizeof(Slot), sizeof(Slot));
		if (slot.offset == 0)
			return false;
		if (slot.hash == hash && is_key(places->keys, places->head.size, slot.offset - 1, key))
			return true;
	}
	return false;
}

/*
 * kept_goes(places, way, customer): whether a customer is of a part of the view
 * "journeys", by the way in which that comes to its customers: 1, those of the store who
 * have no changes, and, if their keys are not known, none who has a place that is taken;
 * 2, those who have changes, if their keys are known; 3 and 4, if they are not, all who have
 * such a place, with changes or not: three quarters of them, and the rest, for the process
 * that has read the store by then.  5 are both of these, 6 to 8 are 2 to 4, where the rest
 * has been asked without a customer.  0 is any.  Where the customer is NULL, whether there may
 * be any at all.
 */
Datum
kept_goes(PG_FUNCTION_ARGS)
{
	int32		way = PG_ARGISNULL(1) ? KEPT_ANY : PG_GETARG_INT32(1);
	Places		places;
	Key			key;
	bool		taken;
	bool		rest;

	if (way == KEPT_ANY)
		PG_RETURN_BOOL(true);
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(way == KEPT_UNCHANGED);
	places = open_places(PG_GETARG_VARLENA_PP(0));
	if (PG_ARGISNULL(2))
		PG_RETURN_BOOL(way == KEPT_UNCHANGED || (places.bits != NULL && (places.head.known != 0) == (way == KEPT_LOOKED_UP)));
	if (places.bits == NULL)
		PG_RETURN_BOOL(way == KEPT_UNCHANGED);
	if (way == KEPT_LOOKED_UP || way == KEPT_LOOKED_UP_ROW)
		PG_RETURN_BOOL(places.head.known != 0);
	read_key(fcinfo, 2, key_type(fcinfo, 2), &key);
	taken = (places.bits[place_of(&key) / 8] >> (place_of(&key) % 8)) & 1;
	if (taken && places.head.known)
		taken = has_key(&places, &key);
	if (way == KEPT_UNCHANGED)
		PG_RETURN_BOOL(!taken);
	rest = ((key.hash >> REST_SHIFT) & REST_MASK) == 0;
	PG_RETURN_BOOL(taken && !places.head.known &&
				   (way == KEPT_READ_ROW || rest == (way == KEPT_READ_REST || way == KEPT_READ_REST_ROW)));
}

/*
 * The part of the store, or of the changes, that the planner is told is of a way.  Where the
 * store is read they are more than it would have workers find and pass on to one process that
 * groups them: a part of the view that has workers of its own leaves all others without.
 */
static double
part_of(KeptWay way)
{
	double		read = 1.25 * cpu_tuple_cost / Max(parallel_tuple_cost, 0.001);

	read = Min(Max(read, 0.02), 0.5);
	switch (way)
	{
		case KEPT_LOOKED_UP_ROW:
			return FEW_SELECTIVITY;
		case KEPT_READ_ROW:
		case KEPT_READ_MOST_ROW:
			return read;
		case KEPT_READ_REST_ROW:
			return read / REST_MASK;
		default:
			return 1;
	}
}

/*
 * The way for a customer, where the planner has the rest asked once; KEPT_ANY if it has not.
 * Where one process does it all nothing is gained by dealing customers out, and the store
 * would be read once more for it: then the first of those parts takes all, and the second
 * nobody.  That is so for a whole statement, or not, whenever its parts are planned.
 */
static KeptWay
way_of_row(KeptWay way, bool alone)
{
	switch (way)
	{
		case KEPT_LOOKED_UP:
			return KEPT_LOOKED_UP_ROW;
		case KEPT_READ_MOST:
			return alone ? KEPT_READ_ROW : KEPT_READ_MOST_ROW;
		case KEPT_READ_REST:
			return KEPT_READ_REST_ROW;
		default:
			return KEPT_ANY;
	}
}

/*
 * Tells the planner that few customers may have changes; and where the way is known, that
 * what is asked of a customer need not be asked of each.
 */
Datum
kept_goes_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSelectivity) && list_length(((SupportRequestSelectivity *) request)->args) == 3)
	{
		SupportRequestSelectivity *asked = (SupportRequestSelectivity *) request;
		Node	   *way = lsecond(asked->args);
		int32		number = IsA(way, Const) && !((Const *) way)->constisnull ? DatumGetInt32(((Const *) way)->constvalue) : KEPT_ANY;

		asked->selectivity = IsA(lthird(asked->args), Const) ? 1 : part_of(number);
		PG_RETURN_POINTER(asked);
	}
	if (IsA(request, SupportRequestSimplify) && list_length(((SupportRequestSimplify *) request)->fcall->args) == 3)
	{
		PlannerInfo *root = ((SupportRequestSimplify *) request)->root;
		FuncExpr   *call = ((SupportRequestSimplify *) request)->fcall;
		Node	   *customer = lthird(call->args);
		Const	   *way = lsecond(call->args);
		bool		alone = root != NULL && root->glob != NULL && !root->glob->parallelModeOK;
		KeptWay		of_row;
		FuncExpr   *once;

		if (!IsA(way, Const) || way->constisnull || IsA(customer, Const))
			PG_RETURN_POINTER(NULL);
		if (DatumGetInt32(way->constvalue) == KEPT_ANY)
			PG_RETURN_POINTER(makeBoolConst(true, false));
		if (DatumGetInt32(way->constvalue) == KEPT_READ_REST && alone)
			PG_RETURN_POINTER(makeBoolConst(false, false));
		of_row = way_of_row(DatumGetInt32(way->constvalue), alone);
		if (of_row == KEPT_ANY)
			PG_RETURN_POINTER(NULL);
		once = copyObject(call);
		lthird(once->args) = makeNullConst(exprType(customer), exprTypmod(customer), exprCollation(customer));
		call = copyObject(call);
		lsecond_node(Const, call->args)->constvalue = Int32GetDatum(of_row);
		PG_RETURN_POINTER(make_andclause(list_make2(once, call)));
	}
	PG_RETURN_POINTER(NULL);
}
