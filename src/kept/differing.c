/*
 * kept/differing.c: which keys two sets of keys do not share, without setting one beside
 * the other: those who are written down as the members of an audience, and those who
 * meet its condition now.
 *
 *   differing_agg(customer, written, seed [, row]) -> bytea, of which
 *   differing_keys(places, example) -> anyarray are those that can be read, and
 *   differing_left(places), may_differ(places, customer) ask for the others
 *
 * A hash of each key chooses a place in each of two tables.  In both another hash is
 * added if the key is of the one set, and taken away if it is of the other, and the key
 * itself, where its type is one that can be read back, is XORed.  Where all that is
 * zero the sets share all keys, but that once in 2^64 times hashes of different keys
 * come to the same; the seed is another each time, so that nobody can choose such
 * keys, and who was missed is found the next time.
 *
 * A place that has one key alone is known by the hash of what was XORed, which then is
 * the sum: this key differs.  It is taken out of its other place, where another one may
 * be alone then, and so on: of 5,000 that differ all are read 95 times of 100,
 * or all but two who share both places.  Where something is left, who has both places is
 * looked at.  (D. Eppstein and others, What's the Difference? Efficient Set
 * Reconciliation without Prior Context, SIGCOMM 2011, and M. Goodrich and M.
 * Mitzenmacher, Invertible Bloom Lookup Tables, Allerton 2011; the sums are the
 * MSet-Add-Hash of D. Clarke and others, Incremental Multiset Hash Functions and Their
 * Application to Memory Integrity Checking, ASIACRYPT 2003.)
 *
 * With a hash of all else that is known of them, who is in both sets with another row is
 * two, and read twice.
 *
 * Keys are hashed as the bytes that they are: equal keys of different bytes are read as
 * two, or make places to look at, and nothing worse.
 *
 * A state is a bytea: the seed, how many words its keys and rows have, and for each place
 * the sum, and the words.
 * The result has a bit for each place where something is left, and the keys that were
 * read.  Whoever calls these by hand has anything: what is read is a value of its type, whatever it was.
 */
#include "base/glue.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(differing_add);
PG_FUNCTION_INFO_V1(differing_combine);
PG_FUNCTION_INFO_V1(differing_final);
PG_FUNCTION_INFO_V1(differing_keys);
PG_FUNCTION_INFO_V1(differing_left);
PG_FUNCTION_INFO_V1(may_differ);

/* Of each table: with numbers both fit into half a megabyte, and so into what a processor has at hand. */
#define PLACES ((size_t) 16384)
#define CELLS (2 * PLACES)
#define RESULT_SIZE (sizeof(uint64) + CELLS / 8)

/* How many words keys take that can be read, which says what they are: numbers, a uuid, or a text, its length in the last byte. */
#define NUMBER_WORDS 1
#define UUID_WORDS 2
#define TEXT_WORDS 5
#define TEXT_MAX (TEXT_WORDS * sizeof(uint64) - 1)
#define WORDS_MAX (TEXT_WORDS + 1)

/* What the cells of a state have beside their sums. */
typedef struct Shape
{
	size_t		key_words;
	size_t		words;			/* with the row, which follows the key; of keys that cannot be read it is not kept either */
} Shape;

/* What a key is of, in fn_extra. */
typedef struct KeyType
{
	int16		length;
	bool		by_value;
	size_t		words;			/* none if it cannot be read */
} KeyType;

typedef struct Key
{
	uint64		hash;
	uint64		words[WORDS_MAX];	/* zero where it is too long */
} Key;

/* Texts are of a type whose every text that is valid is a value.  So are numbers, and of others a word could be read that is none. */
static size_t
words_of_type(Oid type)
{
	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of the customer");
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
			return NUMBER_WORDS;
		case UUIDOID:
			return UUID_WORDS;
		case TEXTOID:
		case VARCHAROID:
			return TEXT_WORDS;
		default:
			return 0;
	}
}

/* Any bit of n decides any of the result with a probability of a half. (Variant 13 of D. Stafford, Better Bit Mixing, 2011.) */
static inline uint64
mix(uint64 n)
{
	n = (n ^ (n >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static inline uint64
hash_number(uint64 number, uint64 seed)
{
	return mix(mix(number ^ seed) + seed);
}

/* One is mixed already, so that a row that is the number of a key is not taken for it. */
static inline uint64
hash_with_row(uint64 hash, uint64 row, uint64 seed)
{
	return hash_number(hash ^ row, seed);
}

/* What is added to a place for a key. */
static inline uint64
weight(uint64 hash, uint64 seed)
{
	return mix(hash ^ (seed << 32 | seed >> 32));
}

static inline size_t
first_cell(uint64 hash)
{
	return hash % PLACES;
}

static inline size_t
second_cell(uint64 hash)
{
	return PLACES + (hash >> 32) % PLACES;
}

/* Argument n, a key that is not NULL; what it detoasts is in the current memory context. */
static Key
read_key(FunctionCallInfo fcinfo, int n, uint64 seed)
{
	KeyType    *type = fcinfo->flinfo->fn_extra;
	Datum		datum = PG_GETARG_DATUM(n);
	const char *bytes = DatumGetPointer(datum);
	size_t		size;
	Key			key = {0};

	if (type == NULL)
	{
		Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, n);
		size_t		words = words_of_type(oid);

		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(KeyType));
		get_typlenbyval(oid, &type->length, &type->by_value);
		type->words = words;
		fcinfo->flinfo->fn_extra = type;
	}
	if (type->by_value)
	{
		/* What is beyond the length of its type is any. */
		key.words[0] = type->length == 8 ? (uint64) datum : type->length == 4 ? (uint64) (int64) DatumGetInt32(datum)
			: type->length == 2 ? (uint64) (int64) DatumGetInt16(datum) : (uint64) DatumGetUInt8(datum);
		key.hash = hash_number(key.words[0], seed);
		return key;
	}
	if (type->length == -1)
	{
		struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);

		bytes = VARDATA_ANY(value);
		size = VARSIZE_ANY_EXHDR(value);
	}
	else
		size = type->length == -2 ? strlen(bytes) : (size_t) type->length;
	key.hash = DatumGetUInt64(hash_bytes_extended((const unsigned char *) bytes, (int) size, seed));
	if (type->words == UUID_WORDS)
		memcpy(key.words, bytes, size);
	else if (type->words == TEXT_WORDS && size <= TEXT_MAX)
	{
		memcpy(key.words, bytes, size);
		((unsigned char *) key.words)[TEXT_MAX] = (unsigned char) size;
	}
	return key;
}

/* Whether these words are a text, and how long. */
static bool
text_in_words(const uint64 *words, size_t *size)
{
	const char *bytes = (const char *) words;

	*size = ((const unsigned char *) words)[TEXT_MAX];
	if (*size > TEXT_MAX)
		return false;
	for (size_t i = *size; i < TEXT_MAX; i++)
		if (bytes[i] != 0)
			return false;
	return pg_verifymbstr(bytes, (int) *size, true);
}

/* A state or a result, each of sizes of its own. */
static char *
content(struct varlena *value, bool right, size_t size)
{
	if (!right)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("a bytea of %zu bytes is not of places where customers differ", VARSIZE_ANY_EXHDR(value)),
				 errdetail("It has %zu bytes, and more with keys.", size)));
	return VARDATA_ANY(value);
}

#define STATE_HEAD 2				/* numbers: the seed, and the words of keys and of all */

static inline size_t
state_size(Shape shape)
{
	return (STATE_HEAD + CELLS * (1 + shape.words)) * sizeof(uint64);
}

/* What is in a state, and its shape. */
static char *
state_content(struct varlena *value, Shape *shape)
{
	size_t		size = VARSIZE_ANY_EXHDR(value);
	uint64		numbers[STATE_HEAD];

	*shape = (Shape) {0, 0};
	if (size >= sizeof(numbers))
	{
		memcpy(numbers, VARDATA_ANY(value), sizeof(numbers));
		*shape = (Shape) {numbers[1] >> 8, numbers[1] & 0xff};
	}
	if (shape->key_words != 0 && shape->key_words != NUMBER_WORDS && shape->key_words != UUID_WORDS && shape->key_words != TEXT_WORDS)
		size = 0;
	else if (shape->words != shape->key_words && (shape->key_words == 0 || shape->words != shape->key_words + 1))
		size = 0;
	return content(value, size == state_size(*shape), state_size((Shape) {0, 0}));
}

static char *
result_content(struct varlena *value)
{
	return content(value, VARSIZE_ANY_EXHDR(value) >= RESULT_SIZE, RESULT_SIZE);
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
put_number(char *content, size_t n, uint64 number)
{
	memcpy(content + n * sizeof(uint64), &number, sizeof(number));
}

static struct varlena *
make_state(MemoryContext context, Shape shape, uint64 seed)
{
	struct varlena *state = make_content(context, state_size(shape), seed);

	put_number(VARDATA(state), 1, shape.key_words << 8 | shape.words);
	return state;
}

/* Adds a sum and words to a cell. */
static inline void
add_to_cell(char *content, size_t words, size_t cell, uint64 sum, const uint64 *keys)
{
	size_t		n = STATE_HEAD + cell * (1 + words);

	put_number(content, n, number_at(content, n) + sum);
	for (size_t i = 0; i < words; i++)
		put_number(content, n + 1 + i, number_at(content, n + 1 + i) ^ keys[i]);
}

/* differing_add(state, customer, written, seed [, row]): the seed counts where the state begins. */
Datum
differing_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct varlena *state = PG_ARGISNULL(0) ? NULL : (struct varlena *) PG_GETARG_POINTER(0);
	bool		with_row = PG_NARGS() > 4;
	char	   *cells;
	Shape		shape;

	if (state == NULL)
	{
		shape.key_words = words_of_type(get_fn_expr_argtype(fcinfo->flinfo, 1));
		shape.words = shape.key_words == 0 ? 0 : shape.key_words + (with_row ? 1 : 0);
		state = make_state(context, shape, PG_ARGISNULL(3) ? 0 : (uint64) PG_GETARG_INT64(3));
	}
	cells = state_content(state, &shape);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		uint64		seed = number_at(cells, 0);
		Key			key = read_key(fcinfo, 1, seed);
		uint64		sum;

		if (with_row)
		{
			uint64		row = PG_ARGISNULL(4) ? 0 : (uint64) PG_GETARG_INT64(4);

			key.words[shape.key_words] = row;
			key.hash = hash_with_row(key.hash, row, seed);
		}
		sum = weight(key.hash, seed);
		if (PG_GETARG_BOOL(2))
			sum = -sum;
		add_to_cell(cells, shape.words, first_cell(key.hash), sum, key.words);
		add_to_cell(cells, shape.words, second_cell(key.hash), sum, key.words);
	}
	PG_RETURN_POINTER(state);
}

/* differing_combine(state, state) */
Datum
differing_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	struct varlena *state;
	char	   *cells;
	const char *others;
	Shape		shape;
	Shape		other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	others = state_content(PG_GETARG_VARLENA_PP(1), &other);
	state = PG_ARGISNULL(0) ? make_state(context, other, number_at(others, 0)) : (struct varlena *) PG_GETARG_POINTER(0);
	cells = state_content(state, &shape);
	if (number_at(cells, 0) != number_at(others, 0) || number_at(cells, 1) != number_at(others, 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the seed of customers who are added up has to be the same for all")));
	for (size_t cell = 0; cell < CELLS; cell++)
	{
		uint64		keys[WORDS_MAX];
		size_t		n = STATE_HEAD + cell * (1 + shape.words);

		memcpy(keys, others + (n + 1) * sizeof(uint64), shape.words * sizeof(uint64));
		add_to_cell(cells, shape.words, cell, number_at(others, n), keys);
	}
	PG_RETURN_POINTER(state);
}

/* Whether a cell has one key alone: that key, and its sum. */
static bool
read_cell(const char *cells, Shape shape, size_t cell, Key *key, uint64 *sum)
{
	uint64		seed = number_at(cells, 0);
	size_t		n = STATE_HEAD + cell * (1 + shape.words);
	size_t		size = shape.key_words * sizeof(uint64);
	uint64		expected;

	*sum = number_at(cells, n);
	if (*sum == 0 || shape.words == 0)
		return false;
	memcpy(key->words, cells + (n + 1) * sizeof(uint64), shape.words * sizeof(uint64));
	if (shape.key_words == NUMBER_WORDS)
		key->hash = hash_number(key->words[0], seed);
	else
	{
		if (shape.key_words == TEXT_WORDS && !text_in_words(key->words, &size))
			return false;
		key->hash = DatumGetUInt64(hash_bytes_extended((const unsigned char *) key->words, (int) size, seed));
	}
	if (shape.words > shape.key_words)
		key->hash = hash_with_row(key->hash, key->words[shape.key_words], seed);
	expected = weight(key->hash, seed);
	return (*sum == expected || *sum == -expected) && (cell == first_cell(key->hash) || cell == second_cell(key->hash));
}

/* Takes the keys out that are alone, into keys, which has room for as many as there are cells; says how many. */
static size_t
take_keys(char *cells, Shape shape, char *keys)
{
	size_t		size = shape.key_words * sizeof(uint64);
	size_t		count = 0;

	for (size_t start = 0; start < CELLS; start++)
	{
		size_t		cell = start;
		uint64		sum;
		Key			key;

		/* Taking one out changes one other cell. Sums of keys have no more of these than cells, and what is made by hand has an end, too. */
		while (count < CELLS && read_cell(cells, shape, cell, &key, &sum))
		{
			add_to_cell(cells, shape.words, first_cell(key.hash), -sum, key.words);
			add_to_cell(cells, shape.words, second_cell(key.hash), -sum, key.words);
			memcpy(keys + count++ * size, key.words, size);
			cell = first_cell(key.hash) + second_cell(key.hash) - cell;
		}
	}
	return count;
}

/* differing_final(state): the keys that can be read, and a bit for each place, 1 where something is left; NULL if there is nothing. */
Datum
differing_final(PG_FUNCTION_ARGS)
{
	struct varlena *result;
	char	   *cells;
	char	   *keys;
	char	   *state;
	Shape		shape;
	size_t		size;
	bool		differ;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = state_content((struct varlena *) PG_GETARG_POINTER(0), &shape);
	cells = palloc(state_size(shape));
	memcpy(cells, state, state_size(shape));
	keys = palloc(Max(CELLS * shape.key_words * sizeof(uint64), 1));
	size = take_keys(cells, shape, keys) * shape.key_words * sizeof(uint64);
	result = make_content(CurrentMemoryContext, RESULT_SIZE + size, number_at(cells, 0));
	memcpy(VARDATA(result) + RESULT_SIZE, keys, size);
	differ = size > 0;
	for (size_t cell = 0; cell < CELLS; cell++)
		for (size_t i = 0; i <= shape.words; i++)
			if (number_at(cells, STATE_HEAD + cell * (1 + shape.words) + i) != 0)
			{
				VARDATA(result)[sizeof(uint64) + cell / 8] |= 1 << (cell % 8);
				differ = true;
			}
	pfree(cells);
	pfree(keys);
	if (!differ)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/* differing_keys(places, example): those that were read, of the type of the elements of an array. */
Datum
differing_keys(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	const char *keys = result_content(value) + RESULT_SIZE;
	size_t		size = VARSIZE_ANY_EXHDR(value) - RESULT_SIZE;
	Oid			type = get_element_type(getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1)));
	size_t		words = words_of_type(type);
	size_t		count = words == 0 ? 0 : size / (words * sizeof(uint64));
	Datum	   *datums;
	int16		length;
	bool		by_value;
	char		alignment;

	if (size != count * words * sizeof(uint64) || count > CELLS)
		content(value, false, RESULT_SIZE);
	datums = palloc(Max(count, 1) * sizeof(Datum));
	get_typlenbyvalalign(type, &length, &by_value, &alignment);
	for (size_t i = 0; i < count; i++)
	{
		uint64		key[TEXT_WORDS];

		memcpy(key, keys + i * words * sizeof(uint64), words * sizeof(uint64));
		if (words == NUMBER_WORDS)
			datums[i] = length == 8 ? Int64GetDatum((int64) key[0]) : length == 4 ? Int32GetDatum((int32) key[0]) : Int16GetDatum((int16) key[0]);
		else if (words == UUID_WORDS)
			datums[i] = PointerGetDatum(memcpy(palloc(sizeof(key)), key, sizeof(key)));
		else
		{
			size_t		bytes;

			if (!text_in_words(key, &bytes))
				content(value, false, RESULT_SIZE);
			datums[i] = PointerGetDatum(bytes_to_varlena(key, bytes));
		}
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(datums, (int) count, type, length, by_value, alignment));
}

/* differing_left(places): whether there is anybody whose key was not read. */
Datum
differing_left(PG_FUNCTION_ARGS)
{
	const char *bits = result_content(PG_GETARG_VARLENA_PP(0)) + sizeof(uint64);

	for (size_t i = 0; i < CELLS / 8; i++)
		if (bits[i] != 0)
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}

static inline bool
is_left(const char *places, size_t cell)
{
	return (places[sizeof(uint64) + cell / 8] >> (cell % 8)) & 1;
}

/* may_differ(places, customer): whether something is left at both places of the customer. */
Datum
may_differ(PG_FUNCTION_ARGS)
{
	const char *places = result_content(PG_GETARG_VARLENA_PP(0));
	Key			key = read_key(fcinfo, 1, number_at(places, 0));

	PG_RETURN_BOOL(is_left(places, first_cell(key.hash)) && is_left(places, second_cell(key.hash)));
}
