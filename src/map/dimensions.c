/*
 * map/dimensions.c: what is known of a customer, from the rows of a map.
 *
 * map_first_touches(at, ...) and map_last_touches(at, ...) take the values of all
 * dimensions of a row, and give for each the first or the last that is not NULL; of
 * several at one time the one with the smallest bytes, as first_touch does.  So any
 * order of the rows, and any split of them, gives the same.
 *
 * map_part(values, place) is a value of a row by its place.  Where the array is being
 * made of its parts in the same query, the planner takes the part and makes no array.
 *
 * map_dimensions(names, values) is the object of them that the view "journeys" has, and
 * map_dimensions_same(object, other) tells whether two are the same, byte by byte.
 *
 * Memory: the state of a group is a chunk with a place for each dimension, and one
 * with their bytes, in the aggregate's context.  A row that does not win costs nothing.
 */
#include "base/glue.h"

#include "base/row_time.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(map_touches_first);
PG_FUNCTION_INFO_V1(map_touches_last);
PG_FUNCTION_INFO_V1(map_touches_first_combine);
PG_FUNCTION_INFO_V1(map_touches_last_combine);
PG_FUNCTION_INFO_V1(map_touches_serialize);
PG_FUNCTION_INFO_V1(map_touches_deserialize);
PG_FUNCTION_INFO_V1(map_touches_final);
PG_FUNCTION_INFO_V1(map_part);
PG_FUNCTION_INFO_V1(map_part_support);
PG_FUNCTION_INFO_V1(map_dimensions);
PG_FUNCTION_INFO_V1(map_dimensions_same);

/* Bytes of all values of a state together: what an array of them could hold. */
#define VALUES_MAX_BYTES (MaxAllocSize / 2)
#define VALUES_MIN_BYTES 64

/* The best value of one dimension so far; not in use while room is 0 and size is none. */
typedef struct Best
{
	int64		at;
	uint32		offset;			/* in the bytes of the state */
	int32		size;			/* -1: none */
	uint32		room;			/* bytes that are its own */
} Best;

typedef struct TouchesState
{
	uint32		used;			/* of bytes */
	uint32		capacity;
	char	   *bytes;
	int32		count;			/* dimensions */
	Best		best[FLEXIBLE_ARRAY_MEMBER];
} TouchesState;

static TouchesState *
new_state(MemoryContext context, int32 count)
{
	TouchesState *state = MemoryContextAllocZero(context, offsetof(TouchesState, best) + count * sizeof(Best));

	state->count = count;
	for (int32 i = 0; i < count; i++)
		state->best[i].size = -1;
	return state;
}

/* Would a value of that time take the place of the best one? */
static inline bool
may_win(const Best *best, int64 at, bool last)
{
	return best->size < 0 || at == best->at || (at > best->at) == last;
}

static inline bool
wins(const TouchesState *state, const Best *best, int64 at, Label value)
{
	int			order;

	if (best->size < 0 || at != best->at)
		return true;
	order = memcmp(value.bytes, state->bytes + best->offset, Min(value.size, (uint32) best->size));
	return order != 0 ? order < 0 : value.size < (uint32) best->size;
}

/* Makes room for so many bytes more, without those that nobody has any more. */
static void
make_room(TouchesState *state, MemoryContext context, uint32 size)
{
	uint64		live = size;
	uint32		used = 0;
	char	   *bytes;

	for (int32 i = 0; i < state->count; i++)
		live += Max(state->best[i].size, 0);
	if (live > VALUES_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the dimensions of a customer are longer than %zu bytes", VALUES_MAX_BYTES)));
	state->capacity = Max(VALUES_MIN_BYTES, 2 * live);
	bytes = MemoryContextAlloc(context, state->capacity);
	for (int32 i = 0; i < state->count; i++)
	{
		Best	   *best = &state->best[i];

		if (best->size > 0)
			memcpy(bytes + used, state->bytes + best->offset, best->size);
		best->offset = used;
		best->room = Max(best->size, 0);
		used += best->room;
	}
	if (state->bytes)
		pfree(state->bytes);
	state->bytes = bytes;
	state->used = used;
}

static void
take_value(TouchesState *state, MemoryContext context, int32 i, int64 at, Label value)
{
	Best	   *best = &state->best[i];

	if (value.size > best->room)
	{
		/* Its old bytes are nobody's from now on. */
		best->size = -1;
		if ((uint64) state->used + value.size > state->capacity)
			make_room(state, context, value.size);
		best->offset = state->used;
		best->room = value.size;
		state->used += value.size;
	}
	if (value.size > 0)
		memcpy(state->bytes + best->offset, value.bytes, value.size);
	best->size = (int32) value.size;
	best->at = at;
}

/* The values are texts, as nobody but the views of a map says: looked at once for a call site. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	if (get_fn_expr_variadic(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the values of dimensions are no array")));
	for (int i = 2; i < PG_NARGS(); i++)
		if (get_fn_expr_argtype(fcinfo->flinfo, i) != TEXTOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("the values of dimensions must be texts")));
	fcinfo->flinfo->fn_extra = fcinfo->flinfo;
}

static Datum
return_state(FunctionCallInfo fcinfo, TouchesState *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* Takes a row into account: a time, and the values of the dimensions, which may be NULL. */
static Datum
add_touches(FunctionCallInfo fcinfo, bool last)
{
	TouchesState *state = aggregate_state(fcinfo, 0);
	int32		count = PG_NARGS() - 2;
	CjmError	error = {0};
	int64		at;

	if (fcinfo->flinfo->fn_extra == NULL)
		check_arguments(fcinfo);
	if (PG_ARGISNULL(1))
		return return_state(fcinfo, state);
	at = PG_GETARG_TIMESTAMPTZ(1);
	if (!row_time_check(at, &error))
		cjm_report(&error);
	for (int32 i = 0; i < count; i++)
	{
		Label		value;

		if (PG_ARGISNULL(i + 2) || (state != NULL && !may_win(&state->best[i], at, last)))
			continue;
		value = label_from_text(PG_GETARG_TEXT_PP(i + 2));
		if (state == NULL)
			state = new_state(aggregate_context(fcinfo), count);
		if (wins(state, &state->best[i], at, value))
			take_value(state, aggregate_context(fcinfo), i, at, value);
	}
	return return_state(fcinfo, state);
}

Datum
map_touches_first(PG_FUNCTION_ARGS)
{
	return add_touches(fcinfo, false);
}

Datum
map_touches_last(PG_FUNCTION_ARGS)
{
	return add_touches(fcinfo, true);
}

/* The second state may live in shorter memory than the first, so it is always copied. */
static Datum
combine_touches(FunctionCallInfo fcinfo, bool last)
{
	MemoryContext context = aggregate_context(fcinfo);
	TouchesState *state = PG_ARGISNULL(0) ? NULL : (TouchesState *) PG_GETARG_POINTER(0);
	TouchesState *other = PG_ARGISNULL(1) ? NULL : (TouchesState *) PG_GETARG_POINTER(1);

	if (other == NULL)
		return return_state(fcinfo, state);
	if (state == NULL)
		state = new_state(context, other->count);
	for (int32 i = 0; i < Min(state->count, other->count); i++)
	{
		const Best *best = &other->best[i];
		Label		value = {other->bytes + best->offset, (uint32) best->size};

		if (best->size >= 0 && may_win(&state->best[i], best->at, last) && wins(state, &state->best[i], best->at, value))
			take_value(state, context, i, best->at, value);
	}
	PG_RETURN_POINTER(state);
}

Datum
map_touches_first_combine(PG_FUNCTION_ARGS)
{
	return combine_touches(fcinfo, false);
}

Datum
map_touches_last_combine(PG_FUNCTION_ARGS)
{
	return combine_touches(fcinfo, true);
}

/* A state on its way to another process: how many dimensions, and of each its size, and its time and bytes if there is a value. */
Datum
map_touches_serialize(PG_FUNCTION_ARGS)
{
	const TouchesState *state = (TouchesState *) PG_GETARG_POINTER(0);
	StringInfoData out;

	aggregate_context(fcinfo);
	pq_begintypsend(&out);
	pq_sendint32(&out, state->count);
	for (int32 i = 0; i < state->count; i++)
	{
		const Best *best = &state->best[i];

		pq_sendint32(&out, best->size);
		if (best->size < 0)
			continue;
		pq_sendint64(&out, best->at);
		pq_sendbytes(&out, state->bytes + best->offset, best->size);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

Datum
map_touches_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_P(0);
	StringInfoData in = {.data = VARDATA(value),.len = VARSIZE(value) - VARHDRSZ};
	TouchesState *state;
	int32		count;

	aggregate_context(fcinfo);
	count = pq_getmsgint(&in, 4);
	if (count < 0 || count > FUNC_MAX_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid aggregate state")));
	state = new_state(CurrentMemoryContext, count);
	for (int32 i = 0; i < count; i++)
	{
		int32		size = pq_getmsgint(&in, 4);
		int64		at;

		if (size < 0)
			continue;
		at = pq_getmsgint64(&in);
		take_value(state, CurrentMemoryContext, i, at, (Label) {pq_getmsgbytes(&in, size), (uint32) size});
	}
	pq_getmsgend(&in);
	PG_RETURN_POINTER(state);
}

/* The best values, in the order of the arguments; reads the state without changing it. */
Datum
map_touches_final(PG_FUNCTION_ARGS)
{
	const TouchesState *state = PG_ARGISNULL(0) ? NULL : (TouchesState *) PG_GETARG_POINTER(0);
	int32		header;
	Size		size;
	ArrayType  *array;
	char	   *at;

	aggregate_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	header = ARR_OVERHEAD_WITHNULLS(1, state->count);
	size = header;
	for (int32 i = 0; i < state->count; i++)
		if (state->best[i].size >= 0)
			size += INTALIGN(VARHDRSZ + state->best[i].size);
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = header;
	array->elemtype = TEXTOID;
	ARR_DIMS(array)[0] = state->count;
	ARR_LBOUND(array)[0] = 1;
	at = ARR_DATA_PTR(array);
	for (int32 i = 0; i < state->count; i++)
	{
		const Best *best = &state->best[i];

		if (best->size < 0)
			continue;
		ARR_NULLBITMAP(array)[i / 8] |= 1 << (i % 8);
		SET_VARSIZE(at, VARHDRSZ + best->size);
		if (best->size > 0)
			memcpy(VARDATA(at), state->bytes + best->offset, best->size);
		at += INTALIGN(VARHDRSZ + best->size);
	}
	PG_RETURN_ARRAYTYPE_P(array);
}

/* map_part(values, place): a value of a row, counting from 1; NULL if it has none there. */
Datum
map_part(PG_FUNCTION_ARGS)
{
	int			place = PG_GETARG_INT32(1);
	bool		isnull;
	Datum		part = array_get_element(PG_GETARG_DATUM(0), 1, &place, -1, -1, false, TYPALIGN_INT, &isnull);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(part);
}

/* map_part_support: the part itself, of an array that is being made. */
Datum
map_part_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);
	ArrayExpr  *array;
	Const	   *place;

	if (!IsA(request, SupportRequestSimplify) || list_length(request->fcall->args) != 2)
		PG_RETURN_POINTER(NULL);
	array = linitial(request->fcall->args);
	place = lsecond(request->fcall->args);
	if (!IsA(array, ArrayExpr) || array->multidims || array->element_typeid != TEXTOID || !IsA(place, Const) || place->constisnull ||
		DatumGetInt32(place->constvalue) < 1 || DatumGetInt32(place->constvalue) > list_length(array->elements))
		PG_RETURN_POINTER(NULL);
	PG_RETURN_POINTER(copyObject(list_nth(array->elements, DatumGetInt32(place->constvalue) - 1)));
}

/* A name, and where its value is. */
typedef struct Key
{
	Label		label;
	int			place;
} Key;

/* The names of a call site, in the order that jsonb has them. */
typedef struct Names
{
	ArrayType  *array;			/* that they were read from */
	int			count;
	size_t		size;			/* bytes of all */
	Key	   *names;
} Names;

/* As jsonb orders its keys: the shorter first. */
static int
compare_names(Label a, Label b)
{
	if (a.size != b.size)
		return a.size < b.size ? -1 : 1;
	return memcmp(a.bytes, b.bytes, a.size);
}

/* Puts a name in its place among those before it. */
static void
add_name(Names *names, Label label, int place)
{
	int			i = place;

	while (i > 0 && compare_names(names->names[i - 1].label, label) > 0)
	{
		names->names[i] = names->names[i - 1];
		i--;
	}
	if (i > 0 && compare_names(names->names[i - 1].label, label) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are two dimensions of one name")));
	names->names[i] = (Key) {label, place};
	names->size += label.size;
}

static Names *
read_names(const ArrayType *array, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Names	   *names = palloc0(sizeof(Names));
	Datum	   *texts;
	bool	   *nulls;

	names->array = palloc(VARSIZE(array));
	memcpy(names->array, array, VARSIZE(array));
	deconstruct_array(names->array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &names->count);
	names->names = palloc(Max(names->count, 1) * sizeof(Key));
	for (int i = 0; i < names->count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the name of a dimension is NULL")));
		CHECK_FOR_INTERRUPTS();
		add_name(names, label_from_text(DatumGetTextPP(texts[i])), i);
	}
	MemoryContextSwitchTo(old);
	return names;
}

/* An entry of a jsonb: some have the end of their bytes in the place of how many these are. */
static JEntry
json_entry(int place, uint32 type, uint32 size, uint32 end)
{
	return place % JB_OFFSET_STRIDE == 0 ? type | end | JENTRY_HAS_OFF : type | size;
}

/*
 * map_dimensions(names, values): an object with all the names; those without a value
 * have null.  It is written as it is stored, since there is one for each customer.
 */
Datum
map_dimensions(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	Names	   *names = fcinfo->flinfo->fn_extra;
	Datum	   *values = NULL;
	bool	   *nulls = NULL;
	int			count = 0;
	uint64		size;
	Jsonb	   *result;
	JEntry	   *entries;
	char	   *data;
	uint32		end = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	array = PG_GETARG_ARRAYTYPE_P(0);
	if (names == NULL || VARSIZE(names->array) != VARSIZE(array) || memcmp(names->array, array, VARSIZE(array)) != 0)
		fcinfo->flinfo->fn_extra = names = read_names(array, fcinfo->flinfo->fn_mcxt);
	if (!PG_ARGISNULL(1))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	size = offsetof(Jsonb, root) + offsetof(JsonbContainer, children) + 2 * (uint64) names->count * sizeof(JEntry) + names->size;
	for (int i = 0; i < Min(count, names->count); i++)
		if (!nulls[i])
			size += VARSIZE_ANY_EXHDR(DatumGetPointer(values[i]));
	if (size > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the dimensions of a customer are longer than %u bytes", JENTRY_OFFLENMASK)));
	result = palloc(size);
	SET_VARSIZE(result, size);
	result->root.header = names->count | JB_FOBJECT;
	entries = result->root.children;
	data = (char *) (entries + 2 * names->count);
	for (int i = 0; i < names->count; i++)
	{
		Label		name = names->names[i].label;

		memcpy(data + end, name.bytes, name.size);
		end += name.size;
		entries[i] = json_entry(i, JENTRY_ISSTRING, name.size, end);
	}
	for (int i = 0; i < names->count; i++)
	{
		int			place = names->names[i].place;
		Label		value = {NULL, 0};

		if (place < count && !nulls[place])
		{
			value = label_from_text((text *) DatumGetPointer(values[place]));
			memcpy(data + end, value.bytes, value.size);
			end += value.size;
		}
		entries[names->count + i] = json_entry(names->count + i, value.bytes ? JENTRY_ISSTRING : JENTRY_ISNULL, value.size, end);
	}
	PG_RETURN_POINTER(result);
}

/*
 * map_dimensions_same(object, other): whether objects are the same bytes.  Those of map_dimensions are if they are equal, since their
 * values are texts; of any others it may say of two that are equal that they are not.
 */
Datum
map_dimensions_same(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}
