/*
 * conditions/agg.c: reads the conditions of a row, and keeps, merges and sends
 * logs of them for aggregates.
 *
 * The state is a ConditionLog, one chunk in the aggregate's context.  A row
 * costs no allocation but for the growth of the log.
 */
#include "conditions/agg.h"

#include "base/row_time.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(condition_agg_serialize);
PG_FUNCTION_INFO_V1(condition_agg_deserialize);

/* Whether a type is boolean, a domain over it, or an array of such. */
static bool
is_boolean(Oid type)
{
	return getBaseType(type) == BOOLOID;
}

static bool
is_boolean_array(Oid type)
{
	Oid			element = get_base_element_type(type);

	return OidIsValid(element) && is_boolean(element);
}

/*
 * The type of argument n, and whether it is a literal without a type of its own.
 * That is unknown and comes as a cstring; but where the parser has to compare
 * it, for DISTINCT or ORDER BY in the call, it has made it text, which older
 * minor releases do not say of the argument.
 */
static Oid
argument_type(FunctionCallInfo fcinfo, int n, bool *literal)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	Aggref	   *aggref = AggGetAggref(fcinfo);
	Node	   *compared = NULL;

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not determine the type of a condition"),
				 errhint("Call the aggregate instead of its support functions.")));
	if (aggref != NULL && (aggref->aggdistinct != NIL || aggref->aggorder != NIL))
		compared = (Node *) list_nth_node(TargetEntry, aggref->args, n - 1)->expr;
	if (type == UNKNOWNOID && compared != NULL)
		type = exprType(compared);
	*literal = type == UNKNOWNOID || (type == TEXTOID && compared != NULL && IsA(compared, Const));
	return type;
}

/* Looks at the types of the conditions, argument n and those after it. */
static void
see_site(FunctionCallInfo fcinfo, int n, ConditionSite *site)
{
	bool		all_boolean = true;
	bool		literal;
	Oid		   *types;

	site->count = Max(PG_NARGS() - n, 0);
	if (site->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at least one condition is needed")));
	site->fixed = true;
	for (int i = 1; i <= site->head; i++)
		site->fixed &= aggregate_argument_constant(fcinfo, i);

	/* A window aggregate is not told that its call says VARIADIC. */
	if (site->count == 1 && is_boolean_array(argument_type(fcinfo, n, &literal)))
	{
		site->fixed = false;
		site->form = CONDITIONS_ARRAY;
		return;
	}
	types = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, site->count * sizeof(Oid));
	for (uint32 i = 0; i < site->count; i++)
	{
		types[i] = argument_type(fcinfo, n + i, &literal);
		if (is_boolean(types[i]))
			types[i] = BOOLOID;
		else if (!literal)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("condition %u is of type %s, not boolean", i + 1, format_type_be(types[i])),
					 OidIsValid(get_base_element_type(types[i])) ?
					 errhint("Give each condition as an argument of its own, or all of them as one boolean[].") :
					 errhint("Write a comparison, such as event = 'purchase', or cast it to boolean.")));
		all_boolean &= types[i] == BOOLOID;
	}
	site->types = types;
	site->form = all_boolean && site->count <= 64 ? CONDITIONS_BOOLEAN : CONDITIONS_MIXED;
}

/* What a literal without a type says, as a boolean would. */
static bool
literal_condition(Datum value, Oid type, uint32 number)
{
	const char *string = type == UNKNOWNOID ? DatumGetCString(value) : TextDatumGetCString(value);
	size_t		size;
	bool		result;

	while (isspace((unsigned char) *string))
		string++;
	size = strlen(string);
	while (size > 0 && isspace((unsigned char) string[size - 1]))
		size--;
	if (!parse_bool_with_len(string, size, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("condition %u is the text \"%s\", not a boolean", number, string),
				 errhint("Write a comparison, such as event = 'purchase'.")));
	return result;
}

/* Sets the number of conditions, none of which holds yet. */
static void
open_conditions(Conditions *conditions, uint32 count)
{
	conditions->count = count;
	conditions->bits = conditions->room;
	if (CONDITION_WORDS(count) > CONDITIONS_ROOM)
		conditions->bits = palloc(CONDITION_WORDS(count) * sizeof(uint64));
	memset(conditions->bits, 0, CONDITION_WORDS(count) * sizeof(uint64));
}

/* The conditions of an array, which is not NULL. */
static void
read_array(ArrayType *array, Conditions *conditions)
{
	const bool *values;
	const uint8 *nulls;
	uint32		count;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("conditions must be a one-dimensional array, not one of %d dimensions", ARR_NDIM(array))));
	count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at least one condition is needed, but the array is empty")));
	if (count > CONDITION_MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many conditions: %u", count),
				 errdetail("The limit is %d.", CONDITION_MAX_COUNT)));

	values = (const bool *) ARR_DATA_PTR(array);
	nulls = ARR_NULLBITMAP(array);
	open_conditions(conditions, count);
	for (uint32 i = 0; i < count; i++)
	{
		/* Elements that are NULL have no byte. */
		if (nulls != NULL && !(nulls[i / 8] & (1 << (i % 8))))
			continue;
		if (*values++)
			conditions->bits[i / 64] |= UINT64CONST(1) << (i % 64);
	}
}

/* The whole of conditions_argument, for any form. */
pg_noinline bool
conditions_read(FunctionCallInfo fcinfo, int n, ConditionSite *site, Conditions *conditions)
{
	if (site->form == CONDITIONS_NOT_SEEN)
		see_site(fcinfo, n, site);
	if (site->form == CONDITIONS_ARRAY)
	{
		if (PG_ARGISNULL(n))
			return false;
		read_array(PG_GETARG_ARRAYTYPE_P(n), conditions);
		return true;
	}
	open_conditions(conditions, site->count);
	for (uint32 i = 0; i < site->count; i++)
	{
		const NullableDatum *argument = &fcinfo->args[n + i];

		if (!argument->isnull &&
			(site->types[i] == BOOLOID ? DatumGetBool(argument->value) :
			 literal_condition(argument->value, site->types[i], i + 1)))
			conditions->bits[i / 64] |= UINT64CONST(1) << (i % 64);
	}
	return true;
}

/* Returns a state, or NULL for none yet. */
Datum
condition_agg_return(FunctionCallInfo fcinfo, ConditionLog *log)
{
	if (log == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(log);
}

/*
 * A new state.  *shared, NULL at first, is the head of the call site's first
 * state, and of those after it that have the same; another is kept with its
 * state, so that heads which change from row to row take no memory that lasts.
 * room is a guess at how many bytes the rows take.
 */
ConditionLog *
condition_agg_create(FunctionCallInfo fcinfo, const ConditionHead **shared, uint32 nconditions,
					 const void *bytes, size_t size, size_t room)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	const ConditionHead *head;
	ConditionLog *log;

	if (*shared == NULL)
		*shared = condition_head_create(nconditions, bytes, size);
	head = *shared;
	MemoryContextSwitchTo(aggregate_context(fcinfo));
	if (head->nconditions != nconditions || !condition_head_is(head, bytes, size))
		head = condition_head_create(nconditions, bytes, size);
	log = condition_log_create(head, room);
	MemoryContextSwitchTo(old);
	return log;
}

/*
 * Returns the state, which may be NULL, as it is, without a look at it: for a
 * row of a sparse call site that the answer can do without.
 */
Datum
condition_agg_leave(FunctionCallInfo fcinfo, ConditionLog *log, int64 at)
{
	CjmError	error = {0};

	if (!row_time_check(at, &error))
		cjm_report(&error);
	return condition_agg_return(fcinfo, log);
}

/* Adds a row to the state and returns that. */
Datum
condition_agg_add(ConditionLog *log, int64 at, const Conditions *conditions)
{
	CjmError	error = {0};

	cjm_prefetch((const char *) log + 64);
	if (!condition_count_check(log->head->nconditions, conditions->count, &error) ||
		!condition_log_add(&log, at, conditions->bits, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

/*
 * Returns the state without the row, which must be as sound as one that is
 * added: an error must not depend on which conditions hold.
 */
Datum
condition_agg_pass_over(ConditionLog *log, int64 at, const Conditions *conditions)
{
	CjmError	error = {0};

	if (!condition_count_check(log->head->nconditions, conditions->count, &error) ||
		!row_time_check(at, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

/*
 * The whole of a combine function.  check sees to it that the heads agree.
 * The second state does not last, so it is copied; most groups have rows in one
 * process only, and get a state of just their size.
 */
Datum
condition_agg_combine(FunctionCallInfo fcinfo, ConditionHeadCheck check)
{
	ConditionLog *log = aggregate_state_wanted(fcinfo, 0);
	ConditionLog *other = aggregate_state_wanted(fcinfo, 1);
	CjmError	error = {0};

	if (other == NULL)
		return condition_agg_return(fcinfo, log);
	if (log == NULL)
		log = condition_agg_create(fcinfo, (const ConditionHead **) &fcinfo->flinfo->fn_extra, other->head->nconditions,
								   other->head->bytes, other->head->size, other->size);
	else
		check(log->head, other->head);
	if (!condition_log_append(&log, other, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

Datum
condition_agg_serialize(PG_FUNCTION_ARGS)
{
	size_t		size;
	uint8	   *bytes = condition_log_serialize(aggregate_state(fcinfo, 0), VARHDRSZ, &size);

	SET_VARSIZE(bytes, size);
	PG_RETURN_BYTEA_P(bytes);
}

/* The state is the call site's and lasts until the next one is read: PostgreSQL combines it before that, which copies it. */
Datum
condition_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	MemoryContext old;
	ConditionLog *log;
	CjmError	error = {0};

	aggregate_context(fcinfo);
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	log = condition_log_deserialize(fcinfo->flinfo->fn_extra, (const uint8 *) VARDATA_ANY(value),
									VARSIZE_ANY_EXHDR(value), &error);
	MemoryContextSwitchTo(old);
	if (log == NULL)
		cjm_report(&error);
	fcinfo->flinfo->fn_extra = log;
	PG_RETURN_POINTER(log);
}
