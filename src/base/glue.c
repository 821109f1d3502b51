/*
 * base/glue.c: what all fmgr files share and what knows no type of ours: errors
 * on their way out, intervals and labels on their way in and out, rows, and
 * where the states of aggregates live.
 */
#include "base/glue.h"

#include "common/int.h"
#include "funcapi.h"
#include "nodes/memnodes.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define AGGREGATE_OBJECTS "cjm aggregate states"

static int
error_code(CjmErrorKind kind)
{
	switch (kind)
	{
		case CJM_ERROR_SYNTAX:
			return ERRCODE_INVALID_TEXT_REPRESENTATION;
		case CJM_ERROR_VALUE:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case CJM_ERROR_RANGE:
			return ERRCODE_DATETIME_VALUE_OUT_OF_RANGE;
		case CJM_ERROR_NUMBER:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case CJM_ERROR_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case CJM_ERROR_CORRUPT:
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case CJM_ERROR_VERSION:
		case CJM_ERROR_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case CJM_ERROR_NONE:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/*
 * Reports an error from a type's input function: softly, returning false, if
 * the caller asked for that and the server can (16 and later), else thrown.
 */
bool
cjm_report_soft(const CjmError *error, Node *escontext)
{
	ereturn(escontext, false,
			(errcode(error_code(error->kind)),
			 errmsg("%s", error->message),
			 error->detail ? errdetail("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0));
}

/* Throws an error of the algorithm files. */
void
cjm_report(const CjmError *error)
{
	cjm_report_soft(error, NULL);
	pg_unreachable();
}

/*
 * Throws an error about the bytes of a stored value.  Whatever is wrong with them,
 * no writer of ours has produced it: the storage is damaged.  Another format
 * version may be that of a later release.
 */
void
cjm_report_stored(const CjmError *error)
{
	/* These say themselves that the bytes are no value; the others, of a label or a time, would not say so. */
	if (error->kind == CJM_ERROR_CORRUPT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s", error->message),
				 errhint("The stored value is damaged: make it anew from the event rows, or restore it from a backup.")));
	if (error->kind != CJM_ERROR_VERSION && error->kind != CJM_ERROR_UNSUPPORTED)
		cjm_damaged(error->message);
	cjm_report(error);
}

/* The row type that a function returns, as it lasts with its call site. */
TupleDesc
result_row_looked_up(FunctionCallInfo fcinfo)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	TupleDesc	row;

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	row = BlessTupleDesc(CreateTupleDescCopy(row));
	MemoryContextSwitchTo(old);
	return row;
}

/*
 * The row type that a function returns, which stays with its call site: to look
 * it up costs more than to make the row.  The function may use fn_extra for
 * nothing else.
 */
TupleDesc
result_row(FunctionCallInfo fcinfo)
{
	FmgrInfo   *call = fcinfo->flinfo;

	if (call->fn_extra == NULL)
		call->fn_extra = result_row_looked_up(fcinfo);
	return (TupleDesc) call->fn_extra;
}

/*
 * Begins the rows of a set-returning function: they go into setResult of its
 * ReturnSetInfo, and setDesc says of what they are.  Every such function of ours
 * begins them here.
 *
 * Both live as long as the query, which may call the function once for each of
 * millions of customers: what is left there after each call adds up.  So the row
 * type is a copy of what the caller expects, one piece of memory that the caller
 * frees.  To have it built from the function's declaration leaves the lists of
 * its arguments behind, and costs a look into the catalog for each call.
 */
void
start_rows(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
}

/* A varlena of the current context around a copy of the bytes. */
struct varlena *
bytes_to_varlena(const void *bytes, size_t size)
{
	struct varlena *value = palloc(VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), bytes, size);
	return value;
}

Datum
label_to_datum(Label label)
{
	return PointerGetDatum(bytes_to_varlena(label.bytes, label.size));
}

/* An interval for a message. */
static char *
interval_text(const Interval *interval)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(interval)));
}

/*
 * The length of an interval argument in microseconds, with a day of 24 hours.
 * name is the argument's, for the message.  Months, which have no fixed
 * length, and negative lengths are errors.
 */
int64
interval_microseconds(const Interval *interval, const char *name)
{
	int64		result;

	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not have months or years: %s", name, interval_text(interval)),
				 errdetail("They have no fixed length."),
				 errhint("Say it in days, such as '30 days'.")));
	if (pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &result) ||
		pg_add_s64_overflow(result, interval->time, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW),
				 errmsg("%s is out of range: %s", name, interval_text(interval))));
	if (result < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative: %s", name, interval_text(interval))));
	return result;
}

/*
 * An interval of days of 24 hours and the rest, as the difference of two times
 * has it; unsigned, since the largest difference does not fit in int64.
 */
Interval *
interval_from_microseconds(uint64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->day = microseconds / USECS_PER_DAY;
	interval->time = microseconds % USECS_PER_DAY;
	return interval;
}

/* The context of the aggregate that calls; to be called by anything else is an error. */
MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("support function of an aggregate was called without the aggregate"),
				 errhint("Call the aggregate instead.")));
	return context;
}

/*
 * The memory of those states of an aggregate that are expanded objects: one
 * context for the objects of all groups, below the aggregate's own, as
 * PostgreSQL demands of an object that it is to leave where it is.  It also
 * walks over every context below the aggregate's for each new group of a hash
 * aggregate, to add up their memory; one context for each object would make
 * that quadratic.  The price: an object goes only when all go, so whoever
 * changes a state must return the same object.
 */
MemoryContext
aggregate_objects(MemoryContext aggregate)
{
	for (MemoryContext child = aggregate->firstchild; child != NULL; child = child->nextchild)
		if (strcmp(child->name, AGGREGATE_OBJECTS) == 0)
			return child;
	return AllocSetContextCreate(aggregate, AGGREGATE_OBJECTS, ALLOCSET_DEFAULT_SIZES);
}

/*
 * Is argument n of a transition function, whose argument 0 is the state, the
 * same in all rows of the aggregate, as far as the plan shows?  A window
 * aggregate does not know.
 */
bool
aggregate_argument_constant(FunctionCallInfo fcinfo, int n)
{
	Aggref	   *aggref = AggGetAggref(fcinfo);
	Expr	   *argument;

	if (aggref == NULL || n > list_length(aggref->args))
		return false;
	argument = list_nth_node(TargetEntry, aggref->args, n - 1)->expr;
	return IsA(argument, Const) || (IsA(argument, Param) && ((Param *) argument)->paramkind == PARAM_EXTERN);
}
