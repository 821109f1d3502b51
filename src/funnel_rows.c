/*
 * funnel_rows.c: funnel_agg(customer, at, event [, channel], funnel), straight
 * from the rows of many customers.
 *
 * The answer is that of funnel_agg over the journey_agg of each customer, to
 * the byte.  A state is a row log (row_log.h) in memory that all groups of the
 * plan node share (row_spill.h), with a funnel (row_meaning.h says what a row
 * means to it), and the final function reads it customer by customer into the
 * funnel engine.  It changes nothing, so it may be called again after more
 * rows.
 */
#include "funnel_rows.h"

#include "access/detoast.h"

#include "nodes/execnodes.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_step_number);
PG_FUNCTION_INFO_V1(funnel_rows_step_number_channel);
PG_FUNCTION_INFO_V1(funnel_rows_step_text);
PG_FUNCTION_INFO_V1(funnel_rows_step_text_channel);
PG_FUNCTION_INFO_V1(funnel_rows_step_uuid);
PG_FUNCTION_INFO_V1(funnel_rows_step_uuid_channel);
PG_FUNCTION_INFO_V1(funnel_rows_final);

/* Is argument n of the aggregate the same in all its rows, as far as the plan shows? */
static bool
argument_is_constant(FunctionCallInfo fcinfo, int n)
{
	Aggref	   *aggref = AggGetAggref(fcinfo);
	Expr	   *argument;

	if (aggref == NULL || n > list_length(aggref->args))
		return false;
	argument = ((TargetEntry *) list_nth(aggref->args, n - 1))->expr;
	return IsA(argument, Const) || (IsA(argument, Param) && ((Param *) argument)->paramkind == PARAM_EXTERN);
}

/* The call site of a transition function; what it keeps is made when first needed. */
static RowSite *
row_site(FunctionCallInfo fcinfo, bool by)
{
	RowSite    *site = (RowSite *) fcinfo->flinfo->fn_extra;

	if (site == NULL)
	{
		RowNode    *node = row_node(fcinfo);

		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(RowSite));
		site->node = node;
		site->constant = argument_is_constant(fcinfo, PG_NARGS() - 1) &&
			(!by || argument_is_constant(fcinfo, PG_NARGS() - 2));
		fcinfo->flinfo->fn_extra = site;
	}
	return site;
}

static inline bool
is_funnel(const RowFunnel *funnel, const uint8 *bytes, size_t size)
{
	return VARSIZE(funnel->value) - VARHDRSZ == size && memcmp(VARDATA(funnel->value), bytes, size) == 0;
}

/* A node's funnel with these bytes, made ready when first met. */
RowFunnel *
row_funnel(RowNode *node, const uint8 *bytes, size_t size)
{
	RowFunnel  *funnel;
	MemoryContext old;

	for (funnel = node->user; funnel != NULL; funnel = funnel->next)
		if (is_funnel(funnel, bytes, size))
			return funnel;

	old = MemoryContextSwitchTo(node->query);
	funnel = palloc0(sizeof(RowFunnel));
	funnel->value = bytes_to_varlena(bytes, size);
	funnel_open_datum(PointerGetDatum(funnel->value), &funnel->def);
	funnel->matcher = funnel_matcher(&funnel->def);
	row_meanings_init(&funnel->meanings, funnel->matcher);
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

/* Positions of one group have to be the same. */
void
row_by_check(RowBy a, RowBy b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("position must be the same in all rows of a group")));
}

/* A new state in the aggregate's context. */
RowState *
row_state_new(FunctionCallInfo fcinfo, RowNode *node, RowFunnel *funnel, bool named, RowBy by)
{
	MemoryContext context;
	RowState   *state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate's function called in non-aggregate context");
	if (node->window)
		row_node_restart(node);
	state = MemoryContextAllocZero(context, sizeof(RowState));
	state->node = node;
	state->funnel = funnel;
	state->by = by;
	state->context = context;
	row_log_init(&state->log, &node->store, named, &funnel->meanings.count);
	return state;
}

/*
 * What 'first', 'last' or a number of a step asks for in a funnel of so many
 * stages.
 */
static RowBy
position_argument(Datum datum, int nstages)
{
	char	   *position = text_to_cstring(DatumGetTextPP(datum));
	int			step = 0;

	if (strcmp(position, "first") == 0)
		return 1;
	if (strcmp(position, "last") == 0)
		return ROW_BY_LAST;
	if (strspn(position, "0123456789") == strlen(position) && strlen(position) <= 3)
		step = atoi(position);
	if (step < 1 || step > nstages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("position \"%s\" is neither 'first' nor 'last' nor a step of the funnel", position),
				 errdetail("The funnel has steps 1 to %d.", nstages)));
	pfree(position);
	return (RowBy) step;
}

/* The state of a group's first row that counts. */
RowState *
row_state_first(FunctionCallInfo fcinfo, bool named, bool channeled, bool by)
{
	RowSite    *site = row_site(fcinfo, by);
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(PG_NARGS() - 1));
	RowFunnel  *funnel = row_funnel(site->node, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));

	if (!channeled && funnel_matcher_asks_channel(funnel->matcher))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the funnel asks for a channel, but none is given"),
				 errhint("Give the channel after the event.")));
	return row_state_new(fcinfo, site->node, funnel, named,
					 by ? position_argument(PG_GETARG_DATUM(PG_NARGS() - 2), funnel->def.nstages) : ROW_BY_NOTHING);
}

/* Another row of a group has to have the same funnel, and position if there is one. */
void
row_state_check(FunctionCallInfo fcinfo, const RowState *state)
{
	Datum		datum = PG_GETARG_DATUM(PG_NARGS() - 1);
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);

	row_funnel_check(state->funnel, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	if ((Pointer) value != DatumGetPointer(datum))
		pfree(value);
	if (state->by != ROW_BY_NOTHING)
		row_by_check(state->by, position_argument(PG_GETARG_DATUM(PG_NARGS() - 2), state->funnel->def.nstages));
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
row_state_meaning(RowState *state, const Label *labels, int nlabels, RowSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(state->node->query);
	CjmError	error = {0};
	uint32		meaning;

	if (!row_meaning_find(&state->funnel->meanings, labels, nlabels, slot, &meaning, &error))
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

Datum
funnel_rows_step_number(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_NUMBER, false, false);
}

Datum
funnel_rows_step_number_channel(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_NUMBER, true, false);
}

Datum
funnel_rows_step_text(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_TEXT, false, false);
}

Datum
funnel_rows_step_text_channel(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_TEXT, true, false);
}

Datum
funnel_rows_step_uuid(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_UUID, false, false);
}

Datum
funnel_rows_step_uuid_channel(PG_FUNCTION_ARGS)
{
	return row_state_add(fcinfo, CUSTOMER_UUID, true, false);
}

/* Prepares for walking the customers of a state, in the current context. */
void
row_walker_init(RowWalker *walker, const RowState *state)
{
	walker->rules = funnel_matcher_rules(state->funnel->matcher);
	walker->meanings = state->funnel->meanings.list;
	walker->capacity = 1024;
	walker->touches = palloc(walker->capacity * sizeof(FunnelTouch));
}

/* The winning walk of a customer. */
void
row_walk(RowWalker *walker, const RowEntry *entries, uint32 count, FunnelWalk *walk)
{
	const FunnelRules *rules = walker->rules;
	FunnelTouch *touches;
	uint32		ntouches = 0;
	uint64		seen = 0;

	if (count > walker->capacity)
	{
		pfree(walker->touches);
		walker->capacity = count + count / 2;
		walker->touches = palloc_extended((size_t) walker->capacity * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	}
	touches = walker->touches;
	for (uint32 i = 0; i < count; i++)
	{
		const RowMeaning *meaning = &walker->meanings[entries[i].meaning];

		touches[ntouches].at = entries[i].at;
		touches[ntouches].stages = meaning->stages;
		touches[ntouches].excluded = meaning->excluded;
		seen |= meaning->stages;
		ntouches += entries[i].meaning != 0;
	}
	if (rules->unordered ? seen == 0 : !(seen & 1))
	{
		walk->step = 0;
		walk->passed = 0;
	}
	else
		funnel_walk(rules, FUNNEL_ANY_ENTRY, touches, ntouches, walk);
}

/* Who counts customers. */
typedef struct Counter
{
	RowWalker	walker;
	FunnelStats stats;
} Counter;

static bool
count_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	Counter    *counter = (Counter *) arg;
	FunnelWalk	walk;

	row_walk(&counter->walker, entries, count, &walk);
	return funnel_stats_add(&counter->stats, &walk, error);
}

/* Empty statistics of a state's funnel, in the current context. */
void
row_state_stats(const RowState *state, FunnelStats *stats)
{
	const RowFunnel *funnel = state->funnel;

	funnel_stats_init(stats, (const uint8 *) VARDATA(funnel->value), VARSIZE(funnel->value) - VARHDRSZ, &funnel->def);
}

/* The statistics of a group; reads the state and does not change it. */
Datum
funnel_rows_final(PG_FUNCTION_ARGS)
{
	RowState   *state = row_state_to_read(fcinfo);
	MemoryContext work;
	MemoryContext old;
	Counter		counter;
	struct varlena *result;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg customers", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	row_walker_init(&counter.walker, state);
	row_state_stats(state, &counter.stats);
	if (!row_log_read(&state->log, count_customer, &counter, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	result = funnel_stats_flat(&counter.stats);
	MemoryContextDelete(work);
	PG_RETURN_POINTER(result);
}
