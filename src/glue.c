/*
 * glue.c: what the fmgr files share: errors on their way out, and arguments
 * on their way in.
 */
#include "glue.h"

#include "common/int.h"
#include "funcapi.h"
#include "nodes/memnodes.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define AGGREGATE_OBJECTS "cjm aggregate states"

/* What a first look at a long journey fetches: about one TOAST chunk. */
#define HEAD_BYTES 1900

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
 * Opens a journey argument.  It is detoasted into the current context only if
 * it is compressed or out of line, and lives as long as the argument.
 */
void
journey_open_datum(Datum value, JourneyView *view)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	CjmError	error = {0};

	if (!journey_open((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), view, &error))
		cjm_report(&error);
}

/*
 * Opens the header and the event dictionary of a journey argument, and no
 * column.  Of a long journey, which is stored out of line, only the beginning
 * is fetched.
 */
void
journey_open_head(Datum value, JourneyView *view)
{
	struct varlena *head;
	CjmError	error = {0};
	int32		size = HEAD_BYTES;

	if (!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
	{
		journey_open_datum(value, view);
		return;
	}
	for (;;)
	{
		size_t		needed;

		head = PG_DETOAST_DATUM_SLICE(value, 0, size);
		if (!journey_open((const uint8 *) VARDATA_ANY(head), VARSIZE_ANY_EXHDR(head), view, &error))
			cjm_report(&error);
		needed = view->events.dictionary + view->events.size - (const uint8 *) VARDATA_ANY(head);
		if (needed <= (size_t) size)
			return;
		size = needed;
	}
}

/* The journey of all that a builder holds, in the current context. */
Datum
journey_from_builder(const JourneyBuilder *builder, bool distinct)
{
	CjmError	error = {0};
	size_t		size;
	uint8	   *value = builder_encode(builder, distinct, VARHDRSZ, &size, &error);

	if (value == NULL)
		cjm_report(&error);
	SET_VARSIZE(value, size);
	return PointerGetDatum(value);
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

/* A varlena of the current context around a copy of the bytes. */
struct varlena *
bytes_to_varlena(const void *bytes, size_t size)
{
	struct varlena *value = palloc(VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), bytes, size);
	return value;
}

/* Whether an argument that says event or channel says channel. */
bool
by_channel_argument(text *by)
{
	Label		label = label_from_text(by);

	if (label_equal(label, (Label) {"channel", 7}))
		return true;
	if (!label_equal(label, (Label) {"event", 5}))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("by cannot be \"%s\"", text_to_cstring(by)),
				 errhint("It is event or channel.")));
	return false;
}

Datum
label_to_datum(Label label)
{
	return PointerGetDatum(bytes_to_varlena(label.bytes, label.size));
}

/* All labels of a dictionary by id, for functions that put them into many rows. */
Datum *
label_datums(const JourneyLabels *labels)
{
	Label	   *names = journey_labels(labels);
	Datum	   *datums = palloc_extended(Max(labels->count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < labels->count; i++)
		datums[i] = label_to_datum(names[i]);
	pfree(names);
	return datums;
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
		elog(ERROR, "aggregate function called in non-aggregate context");
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
