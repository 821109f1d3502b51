/*
 * funnel_rows.h: what the aggregates straight from rows share.
 */
#ifndef CJM_FUNNEL_ROWS_H
#define CJM_FUNNEL_ROWS_H

#include "glue.h"

#include "funnel_stats_expanded.h"
#include "row_meaning.h"
#include "row_spill.h"
#include "utils/uuid.h"

typedef enum CustomerKind
{
	CUSTOMER_NUMBER,
	CUSTOMER_TEXT,
	CUSTOMER_UUID
} CustomerKind;

/* What an answer is broken down by: a property of the touchpoint at this step of the walk. */
typedef enum RowBy
{
	ROW_BY_NOTHING = 0,
	ROW_BY_LAST = FUNNEL_MAX_STAGES + 1
} RowBy;

/* A funnel that rows of a plan node are asked for. */
typedef struct RowFunnel
{
	struct RowFunnel *next;
	struct varlena *value;		/* not a short header */
	FunnelDef	def;
	FunnelMatcher *matcher;
	RowMeanings meanings;
} RowFunnel;

/* What a transition function keeps with its call site. */
typedef struct RowSite
{
	RowNode    *node;
	bool		constant;		/* the funnel, and the position, are the same in all rows */
} RowSite;

/* A group; sent is a state of another process, and then the rest is not set. */
typedef struct RowState
{
	bytea	   *sent;
	RowNode    *node;
	RowFunnel  *funnel;
	RowBy		by;
	MemoryContext context;		/* the aggregate's */
	RowLog		log;
} RowState;

/* Who walks customer by customer. */
typedef struct RowWalker
{
	const FunnelRules *rules;
	const RowMeaning *meanings;
	FunnelTouch *touches;
	uint32		capacity;
} RowWalker;

extern RowFunnel *row_funnel(RowNode *node, const uint8 *bytes, size_t size);
extern void row_funnel_check(const RowFunnel *funnel, const uint8 *bytes, size_t size);
extern void row_by_check(RowBy a, RowBy b);

extern RowState *row_state_new(FunctionCallInfo fcinfo, RowNode *node, RowFunnel *funnel, bool named, RowBy by);
extern RowState *row_state_first(FunctionCallInfo fcinfo, bool named, bool channeled, bool by);
extern void row_state_check(FunctionCallInfo fcinfo, const RowState *state);
extern void row_state_make_room(FunctionCallInfo fcinfo, RowState *state, uint32 name_size);
extern uint32 row_state_meaning(RowState *state, const Label *labels, int nlabels, RowSlot *slot);
extern void row_channel_check(Datum datum);

extern RowState *row_state_to_read(FunctionCallInfo fcinfo);
extern void row_state_stats(const RowState *state, FunnelStats *stats);
extern void row_walker_init(RowWalker *walker, const RowState *state);
extern void row_walk(RowWalker *walker, const RowEntry *entries, uint32 count, FunnelWalk *walk);

static inline Label
row_label(text *value)
{
	return (Label) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/*
 * A transition: adds a row.  Arguments are the state, the customer, the time,
 * the event, if channeled the channel, if by the property and the position, and
 * the funnel; a row in which one of them is NULL, other than the channel or the
 * property, is none.  Inlined with constants: this is what every row costs.
 */
static pg_attribute_always_inline Datum
row_state_add(FunctionCallInfo fcinfo, CustomerKind kind, bool channeled, bool by)
{
	int			last = 4 + (channeled ? 1 : 0) + (by ? 2 : 0);
	int			nlabels = by ? ROW_LABELS : channeled ? 2 : 1;
	RowState   *state;
	RowSite    *site;
	Label		labels[ROW_LABELS];
	const uint8 *name = NULL;
	uint32		name_size = 0;
	int64		at;
	RowSlot    *slot;
	uint32		meaning;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(last) ||
		(by && PG_ARGISNULL(last - 1)))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (unlikely(PG_ARGISNULL(0)))
		state = row_state_first(fcinfo, kind != CUSTOMER_NUMBER, channeled, by);
	else
	{
		state = (RowState *) PG_GETARG_POINTER(0);
		site = (RowSite *) fcinfo->flinfo->fn_extra;
		if (site == NULL || !site->constant)
			row_state_check(fcinfo, state);
	}

	at = PG_GETARG_TIMESTAMPTZ(2);
	if (unlikely(!IS_VALID_TIMESTAMP(at)))
	{
		CjmError	error = {0};

		if (!touch_time_check(at, &error))
			cjm_report(&error);
	}

	labels[ROW_EVENT] = row_label(PG_GETARG_TEXT_PP(3));
	if (nlabels > ROW_CHANNEL)
		labels[ROW_CHANNEL] = NO_LABEL;
	if (channeled && !PG_ARGISNULL(4))
	{
		if (funnel_matcher_asks_channel(state->funnel->matcher))
			labels[ROW_CHANNEL] = row_label(PG_GETARG_TEXT_PP(4));
		else if (unlikely(!VARATT_IS_SHORT(PG_GETARG_POINTER(4)) || VARSIZE_SHORT(PG_GETARG_POINTER(4)) == VARHDRSZ_SHORT))
			row_channel_check(PG_GETARG_DATUM(4));
	}
	if (by)
		labels[ROW_PROPERTY] = PG_ARGISNULL(last - 2) ? NO_LABEL : row_label(PG_GETARG_TEXT_PP(last - 2));
	if (unlikely(!row_meaning_seen(&state->funnel->meanings, labels, nlabels, &slot, &meaning)))
		meaning = row_state_meaning(state, labels, nlabels, slot);

	if (kind == CUSTOMER_TEXT)
	{
		text	   *customer = PG_GETARG_TEXT_PP(1);

		name = (const uint8 *) VARDATA_ANY(customer);
		name_size = VARSIZE_ANY_EXHDR(customer);
	}
	else if (kind == CUSTOMER_UUID)
	{
		name = PG_GETARG_UUID_P(1)->data;
		name_size = UUID_LEN;
	}

	if (unlikely(row_log_is_full(&state->log, name_size)))
		row_state_make_room(fcinfo, state, name_size);
	if (kind == CUSTOMER_NUMBER)
		row_log_add(&state->log, PG_GETARG_INT64(1), at, meaning);
	else
		row_log_add_named(&state->log, name, name_size, at, meaning);
	PG_RETURN_POINTER(state);
}

#endif							/* CJM_FUNNEL_ROWS_H */
