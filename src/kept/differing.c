/*
 * kept/differing.c: which keys two sets of keys do not share, without setting one beside
 * the other: those who are written down as the members of an audience, and those who
 * meet its condition now.
 *
 *   differing_agg(customer, written, seed) -> bytea, and may_differ(places, customer)
 *
 * A hash of each key chooses one of 65,536 places, where another is added if the key is
 * of the one set, and taken away if it is of the other.  Where the sum is zero the sets
 * share all keys, but that once in 2^64 hashes of different keys come to the same; the
 * seed is another each time, so that nobody can choose such keys, and who was missed
 * is found the next time.  Where it is not, somebody differs, and who has that place
 * is looked at.  (MSet-Add-Hash of D. Clarke and others, Incremental Multiset Hash
 * Functions and Their Application to Memory Integrity Checking, ASIACRYPT 2003.)
 *
 * Keys are hashed as the bytes that they are: equal keys of different bytes make places
 * to look at, and nothing worse.
 *
 * A state is a bytea: the seed, and the sums, which are half a megabyte.  The result has
 * a bit for each place instead.
 */
#include "base/glue.h"

#include "common/hashfn.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(differing_add);
PG_FUNCTION_INFO_V1(differing_combine);
PG_FUNCTION_INFO_V1(differing_final);
PG_FUNCTION_INFO_V1(may_differ);

#define PLACES ((size_t) 65536)
#define STATE_SIZE (sizeof(uint64) + PLACES * sizeof(uint64))
#define RESULT_SIZE (sizeof(uint64) + PLACES / 8)

/* What a key is of, in fn_extra. */
typedef struct KeyType
{
	int16		length;
	bool		by_value;
} KeyType;

/* The hash of argument n, a key that is not NULL; what it detoasts is in the current memory context. */
static uint64
hash_key(FunctionCallInfo fcinfo, int n, uint64 seed)
{
	KeyType    *type = fcinfo->flinfo->fn_extra;
	Datum		key = PG_GETARG_DATUM(n);
	const void *bytes = DatumGetPointer(key);
	size_t		size;

	if (type == NULL)
	{
		Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, n);

		if (!OidIsValid(oid))
			elog(ERROR, "could not determine the type of the customer");
		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(KeyType));
		get_typlenbyval(oid, &type->length, &type->by_value);
		fcinfo->flinfo->fn_extra = type;
	}
	if (type->by_value)
	{
		bytes = &key;
		size = sizeof(Datum);
	}
	else if (type->length == -1)
	{
		struct varlena *value = PG_DETOAST_DATUM_PACKED(key);

		bytes = VARDATA_ANY(value);
		size = VARSIZE_ANY_EXHDR(value);
	}
	else
		size = type->length == -2 ? strlen(bytes) : (size_t) type->length;
	return DatumGetUInt64(hash_bytes_extended(bytes, (int) size, seed));
}

/* What is in a state or a result, each of a size of its own.  Whoever calls these by hand has anything. */
static char *
content(struct varlena *value, size_t size)
{
	if (VARSIZE_ANY_EXHDR(value) != size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("a bytea of %zu bytes is not of places where customers differ", VARSIZE_ANY_EXHDR(value)),
				 errdetail("It has %zu bytes.", size)));
	return VARDATA_ANY(value);
}

static struct varlena *
make_content(MemoryContext context, size_t size, uint64 seed)
{
	struct varlena *value = MemoryContextAllocZero(context, VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), &seed, sizeof(seed));
	return value;
}

/* Number n of the content, which stands at any address: 0 is the seed. */
static inline uint64
number_at(const char *content, size_t n)
{
	uint64		number;

	memcpy(&number, content + n * sizeof(uint64), sizeof(number));
	return number;
}

static inline void
add_to(char *content, size_t n, uint64 number)
{
	number += number_at(content, n);
	memcpy(content + n * sizeof(uint64), &number, sizeof(number));
}

/* differing_add(state, customer, written, seed): the seed counts where the state begins. */
Datum
differing_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct varlena *state = PG_ARGISNULL(0) ? make_content(context, STATE_SIZE, PG_ARGISNULL(3) ? 0 : (uint64) PG_GETARG_INT64(3))
		: (struct varlena *) PG_GETARG_POINTER(0);
	char	   *sums = content(state, STATE_SIZE);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		uint64		seed = number_at(sums, 0);
		uint64		hash = hash_key(fcinfo, 1, seed);
		uint64		number = DatumGetUInt64(hash_bytes_extended((const unsigned char *) &hash, sizeof(hash), ~seed));

		add_to(sums, 1 + hash % PLACES, PG_GETARG_BOOL(2) ? -number : number);
	}
	PG_RETURN_POINTER(state);
}

/* differing_combine(state, state) */
Datum
differing_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct varlena *state;
	char	   *sums;
	const char *others;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	others = content(PG_GETARG_VARLENA_PP(1), STATE_SIZE);
	state = PG_ARGISNULL(0) ? make_content(context, STATE_SIZE, number_at(others, 0)) : (struct varlena *) PG_GETARG_POINTER(0);
	sums = content(state, STATE_SIZE);
	if (number_at(sums, 0) != number_at(others, 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the seed of customers who are added up has to be the same for all")));
	for (size_t n = 1; n <= PLACES; n++)
		add_to(sums, n, number_at(others, n));
	PG_RETURN_POINTER(state);
}

/* differing_final(state): a bit for each place, 1 where something is left; NULL where nothing is. */
Datum
differing_final(PG_FUNCTION_ARGS)
{
	const char *sums;
	struct varlena *result;
	bool		differ = false;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	sums = content((struct varlena *) PG_GETARG_POINTER(0), STATE_SIZE);
	result = make_content(CurrentMemoryContext, RESULT_SIZE, number_at(sums, 0));
	for (size_t place = 0; place < PLACES; place++)
		if (number_at(sums, 1 + place) != 0)
		{
			VARDATA(result)[sizeof(uint64) + place / 8] |= 1 << (place % 8);
			differ = true;
		}
	if (!differ)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/* may_differ(places, customer): whether something is left where the customer is. */
Datum
may_differ(PG_FUNCTION_ARGS)
{
	const char *places = content(PG_GETARG_VARLENA_PP(0), RESULT_SIZE);
	size_t		place = hash_key(fcinfo, 1, number_at(places, 0)) % PLACES;

	PG_RETURN_BOOL((places[sizeof(uint64) + place / 8] >> (place % 8)) & 1);
}
