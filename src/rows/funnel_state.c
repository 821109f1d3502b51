/*
 * rows/funnel_state.c: the states of the aggregates straight from rows, and
 * what their transition function does not do for every row.
 *
 * A state is made for the first row of a group that counts.  It lives in the
 * aggregate's context; what it shares with the other states of the plan node,
 * the funnels and the meanings of labels, lives as long as the plan runs.
 */
#include "rows/funnel.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "base/calendar.h"
#include "catalog/pg_aggregate.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/*
 * Texts of one customer may not be taken for two, nor those of two for one: as
 * keys they are compared as bytes, so a collation that has equal texts of
 * different bytes is refused.
 */
static void
check_customer(const Expr *customer)
{
	Oid			collation = exprCollation((const Node *) customer);

	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("nondeterministic collations are not supported for customers"),
				 errdetail("Customers are compared as bytes, but \"%s\" has equal texts of different bytes.",
						   get_collation_name(collation)),
				 errhint("Say which customers are the same by an expression, such as lower(customer) COLLATE \"C\".")));
}

/* The transition function of an aggregate; InvalidOid for another window function. */
static Oid
transition_function(Oid aggregate)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Oid			function;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	function = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggtransfn;
	ReleaseSysCache(tuple);
	return function;
}

/* PostgreSQL does not tell which call of a window aggregate this is, so all calls of it in the node are checked. */
void
row_collation_check(FunctionCallInfo fcinfo)
{
	Aggref	   *aggref = AggGetAggref(fcinfo);
	ListCell   *cell;

	if (aggref != NULL && aggref->args != NIL)
		check_customer(((TargetEntry *) linitial(aggref->args))->expr);
	if (!IsA(fcinfo->context, WindowAggState))
		return;
	foreach(cell, ((WindowAggState *) fcinfo->context)->funcs)
	{
		const WindowFunc *call = ((WindowFuncExprState *) lfirst(cell))->wfunc;

		if (call->args != NIL && transition_function(call->winfnoid) == fcinfo->flinfo->fn_oid)
			check_customer(linitial(call->args));
	}
}

/* Whether funnel and question are the same in all rows. */
static bool
is_constant(FunctionCallInfo fcinfo, bool channeled, RowForm form)
{
	if (row_has_property(form) && !aggregate_argument_constant(fcinfo, row_argument_position(channeled)))
		return false;
	for (int i = row_argument_funnel(channeled, form); i <= row_argument_last(channeled, form); i++)
		if (!aggregate_argument_constant(fcinfo, i))
			return false;
	return true;
}

static inline bool
is_funnel(const RowFunnel *funnel, const uint8 *bytes, size_t size)
{
	return VARSIZE(funnel->value) - VARHDRSZ == size && memcmp(VARDATA(funnel->value), bytes, size) == 0;
}

static bool
same_text(const text *a, const text *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return label_equal(label_from_text(a), label_from_text(b));
}

/* A node's funnel with these bytes, of whose rows the question is put, made ready when first met. */
RowFunnel *
row_funnel(RowNode *node, const uint8 *bytes, size_t size, const RowQuestion *question)
{
	bool		known = question->position == ROW_FIRST_KNOWN || question->position == ROW_LAST_KNOWN;
	RowFunnel  *funnel;
	MemoryContext old;

	for (funnel = node->user; funnel != NULL; funnel = funnel->next)
		if (is_funnel(funnel, bytes, size) && same_text(funnel->refusal, question->refusal) && funnel->meanings.known == known)
			return funnel;

	old = MemoryContextSwitchTo(node->query);
	funnel = palloc0(sizeof(RowFunnel));
	funnel->value = bytes_to_varlena(bytes, size);
	funnel_open_datum(PointerGetDatum(funnel->value), &funnel->def);
	funnel->matcher = funnel_matcher(&funnel->def);
	if (question->refusal != NULL)
	{
		FunnelDef	refusal;

		funnel->refusal = (text *) bytes_to_varlena(VARDATA_ANY(question->refusal), VARSIZE_ANY_EXHDR(question->refusal));
		funnel_open_datum(PointerGetDatum(funnel->refusal), &refusal);
		funnel->refuses = funnel_matcher(&refusal);
	}
	row_meanings_init(&funnel->meanings, funnel->matcher, funnel->refuses, known);
	funnel->next = node->user;
	node->user = funnel;
	MemoryContextSwitchTo(old);
	return funnel;
}

/* An error that shows both, unless the funnel has these bytes. */
void
row_funnel_check(const RowFunnel *funnel, const uint8 *bytes, size_t size)
{
	FunnelStats stats;
	CjmError	error = {0};

	if (is_funnel(funnel, bytes, size))
		return;
	funnel_stats_init(&stats, (const uint8 *) VARDATA(funnel->value), VARSIZE(funnel->value) - VARHDRSZ, &funnel->def);
	funnel_stats_differ(&stats, bytes, size, &error);
	cjm_report(&error);
}

/* An error unless two questions of one group are the same. */
void
row_question_check(const RowQuestion *a, const RowQuestion *b)
{
	const char *differs = NULL;

	if (a->position != b->position)
		differs = "position";
	else if (a->entry.from != b->entry.from || a->entry.to != b->entry.to)
		differs = "entry range";
	else if (!same_text(a->bucket, b->bucket))
		differs = "bucket";
	else if (!same_text(a->zone, b->zone))
		differs = "time zone";
	else if (a->map != b->map || a->now != b->now)
		differs = "time at which customers are open";
	else if (!same_text(a->refusal, b->refusal))
		differs = "refusal";
	if (differs != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s must be the same in all rows of a group", differs)));
}

/* A new state in the aggregate's context, or in that of a node without a plan. */
RowState *
row_state_new(FunctionCallInfo fcinfo, RowNode *node, RowFunnel *funnel, bool named, const RowQuestion *question)
{
	MemoryContext context = fcinfo == NULL ? node->query : aggregate_context(fcinfo);
	RowState   *state;

	if (node->window)
		row_node_restart(node);
	state = MemoryContextAllocZero(context, sizeof(RowState));
	state->node = node;
	state->funnel = funnel;
	state->question = *question;
	state->question.refusal = funnel->refusal;
	if (question->bucket != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		state->question.bucket = (text *) bytes_to_varlena(VARDATA_ANY(question->bucket), VARSIZE_ANY_EXHDR(question->bucket));
		state->question.zone = (text *) bytes_to_varlena(VARDATA_ANY(question->zone), VARSIZE_ANY_EXHDR(question->zone));
		MemoryContextSwitchTo(old);
	}
	state->context = context;
	row_log_init(&state->log, &node->store, named, &funnel->meanings.count);
	return state;
}

/* What 'earliest', 'first', 'last' or the number of a step asks for in a funnel of so many stages. */
static RowPosition
position_argument(Datum datum, int nstages)
{
	char	   *position = text_to_cstring(DatumGetTextPP(datum));
	int			step = 0;

	if (strcmp(position, "first") == 0)
		return (RowPosition) 1;
	if (strcmp(position, "last") == 0)
		return ROW_LAST_STEP;
	if (strcmp(position, "earliest") == 0)
		return ROW_EARLIEST;
	if (strspn(position, "0123456789") == strlen(position) && strlen(position) <= 3)
		step = atoi(position);
	if (step < 1 || step > nstages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("position \"%s\" is neither 'earliest' nor 'first' nor 'last' nor a step of the funnel", position),
				 errdetail("The funnel has steps 1 to %d.", nstages)));
	return (RowPosition) step;
}

/* The question that the arguments ask; its texts may be the arguments' own. */
static RowQuestion
question_argument(FunctionCallInfo fcinfo, const FunnelDef *def, bool channeled, RowForm form)
{
	int			last = row_argument_last(channeled, form);
	RowQuestion question = {.entry = FUNNEL_ANY_ENTRY};

	if (form == ROWS_ENTERED)
		question.entry = funnel_entry(PG_GETARG_DATUM(last));
	if (row_has_property(form))
		question.position = position_argument(PG_GETARG_DATUM(row_argument_position(channeled)), def->nstages);
	if (row_has_periods(form))
	{
		question.bucket = PG_GETARG_TEXT_PP(last - 1);
		question.zone = PG_GETARG_TEXT_PP(last);
	}
	return question;
}

/* The state of a group's first row that counts. */
RowState *
row_state_first(FunctionCallInfo fcinfo, RowSite *site)
{
	bool		named = site->customer == CUSTOMER_TEXT || site->customer == CUSTOMER_UUID;
	struct varlena *value;
	RowFunnel  *funnel;
	RowQuestion question;

	if (site->node == NULL)
	{
		RowNode    *node = row_node(fcinfo);

		row_collation_check(fcinfo);
		site->constant = is_constant(fcinfo, site->channeled, site->form);
		site->node = node;
	}
	value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(row_argument_funnel(site->channeled, site->form)));
	funnel = row_funnel(site->node, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &(RowQuestion) {.map = false});
	question = question_argument(fcinfo, &funnel->def, site->channeled, site->form);
	if (!site->channeled && funnel_matcher_asks_channel(funnel->matcher))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the funnel asks for a channel, but none is given"),
				 errhint("Give the channel after the event.")));
	if (row_has_periods(site->form))
	{
		TimestampTz begin;
		TimestampTz end;

		/* An unknown bucket or zone is told now, not after all rows. */
		calendar_period(calendar_unit(question.bucket), 0, PointerGetDatum(question.zone), &begin, &end);
	}
	return row_state_new(fcinfo, site->node, funnel, named, &question);
}

/* Another row of a group has to have the same funnel, and the same question about it. */
void
row_state_check(FunctionCallInfo fcinfo, const RowState *state, const RowSite *site)
{
	Datum		datum = PG_GETARG_DATUM(row_argument_funnel(site->channeled, site->form));
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);
	RowQuestion question;

	row_funnel_check(state->funnel, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	if ((Pointer) value != DatumGetPointer(datum))
		pfree(value);
	question = question_argument(fcinfo, &state->funnel->def, site->channeled, site->form);
	row_question_check(&state->question, &question);
}

/* Makes room for a row. */
void
row_state_make_room(FunctionCallInfo fcinfo, RowState *state, uint32 name_size)
{
	bool		enters = row_log_enters(&state->log);
	MemoryContext old;
	CjmError	error = {0};

	if (enters)
		row_node_enter(fcinfo, state->node, &state->log);
	old = MemoryContextSwitchTo(enters || state->log.charged ? state->node->context : state->context);
	if (!row_log_make_room(&state->log, name_size, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
}

/* The number of what labels mean that were not looked up lately. */
uint32
row_state_meaning(RowState *state, const Label *labels, RowSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(state->node->query);
	CjmError	error = {0};
	uint32		meaning;

	if (!row_meaning_find(&state->funnel->meanings, labels, slot, &meaning, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	return meaning;
}

/* A channel that no stage asks for need not be read, only be one. */
void
row_channel_check(Datum datum)
{
	Size		size = toast_raw_datum_size(datum) - VARHDRSZ;
	CjmError	error = {0};

	if (size >= 1 && size <= LABEL_MAX_BYTES)
		return;
	if (!label_check(label_from_text(DatumGetTextPP(datum)), "channel", &error))
		cjm_report(&error);
}
