/*
 * rows/funnel.h: what the aggregates straight from rows share.
 */
#ifndef CJM_FUNNEL_ROWS_H
#define CJM_FUNNEL_ROWS_H

#include "funnel/argument.h"

#include "base/calendar.h"
#include "funnel/stats_expanded.h"
#include "rows/meaning.h"
#include "rows/spill.h"
#include "storage/dsm.h"
#include "storage/shm_toc.h"
#include "utils/uuid.h"

/* What a customer is, as the transition function gets it. */
typedef enum CustomerKind
{
	CUSTOMER_BIGINT,
	CUSTOMER_INTEGER,
	CUSTOMER_TEXT,
	CUSTOMER_UUID,
	CUSTOMER_BYTES				/* any other type whose values are equal if their bytes are; only the views of maps take these */
} CustomerKind;

#define CUSTOMER_KINDS (CUSTOMER_UUID + 1)

/* The aggregates: arguments that they have besides customer, time, event, perhaps channel, and funnel. */
typedef enum RowForm
{
	ROWS_PLAIN,
	ROWS_ENTERED,				/* after the funnel an entry range */
	ROWS_BY,					/* before the funnel a property and a position */
	ROWS_BY_ENTRY,				/* after the funnel a bucket and a time zone */
	ROWS_BY_BOTH				/* before the funnel the one, after it the other */
} RowForm;

#define ROW_FORMS (ROWS_BY_BOTH + 1)

/* Where the touchpoint is whose property an answer is broken down by: a step, counted from 1, or one of these. */
typedef enum RowPosition
{
	ROW_NOWHERE = 0,
	ROW_LAST_STEP = FUNNEL_MAX_STAGES + 1,
	ROW_EARLIEST,				/* the first at which any walk could begin */
	ROW_FIRST_KNOWN,			/* of any touchpoint at all: the first that has the property */
	ROW_LAST_KNOWN				/* the last that has */
} RowPosition;

/* What is asked about the funnel; the same in all rows of a group. */
typedef struct RowQuestion
{
	RowPosition position;
	FunnelEntry entry;			/* where a walk may begin */
	text	   *bucket;			/* NULL: not asked for */
	text	   *zone;
	bool		map;			/* who is open, and who has refused, is counted apart */
	int64		now;			/* when that is asked */
	text	   *refusal;		/* a funnel of one stage, as bytes; NULL: nobody is asked */
} RowQuestion;

/* A funnel that rows of a plan node are asked for. */
typedef struct RowFunnel
{
	struct RowFunnel *next;
	struct varlena *value;		/* not a short header */
	text	   *refusal;		/* NULL: none */
	FunnelDef	def;
	FunnelMatcher *matcher;
	FunnelMatcher *refuses;		/* of the refusal, NULL */
	RowMeanings meanings;
} RowFunnel;

/* What the transition function keeps with its call site. */
typedef struct RowSite
{
	PGFunction	add;			/* adds a row */
	PGFunction	add_converted;	/* where customers are converted: one whose customer has been */
	FmgrInfo	convert;
	CustomerKind customer;		/* perhaps converted */
	bool		channeled;
	RowForm		form;
	RowNode    *node;			/* NULL before the first group */
	bool		constant;		/* funnel and question are the same in all rows, as the plan shows */
	int16		length;			/* of customers that are bytes: as in pg_type */
	bool		byval;
} RowSite;

/* A group. */
typedef struct RowState
{
	RowNode    *node;
	RowFunnel  *funnel;
	RowQuestion question;
	MemoryContext context;		/* the aggregate's */
	RowLog		log;
} RowState;

/* Who walks customer by customer. */
typedef struct RowWalker
{
	const FunnelRules *rules;
	const RowMeaning *meanings;
	const uint32 *ranks;		/* of values, in the order of their bytes; NULL: the funnel has no variable */
	FunnelEntry entry;
	FunnelTouch *touches;		/* of the customer at hand */
	uint64		reachable;		/* stages that a walk can come to with them */
	uint32		capacity;
} RowWalker;

/* What statistics are of, the same in all processes. */
typedef struct RowKey
{
	int64		period;			/* its begin; 0 where none is asked for */
	uint32		meaning;		/* of the touchpoint whose property counts, 0 for none */
	uint32		part;			/* of several statistics of the same customers, as the owner counts them */
} RowKey;

/*
 * Who counts customers, the beginning of what each of the aggregates counts them
 * with: statistics, each known by its key.  The
 * aggregates hand their methods down to those who read rows, with the name of the
 * function by which a helping process finds them again.
 */
typedef struct RowCount
{
	const struct RowCountMethods *methods;
	const RowState *state;
	RowWalker	walker;
} RowCount;

typedef struct RowCountMethods
{
	const char *worker;			/* the library's function that calls row_worker with these methods */
	Size		size;			/* of the RowCount and what follows it */
	void		(*begin) (RowCount *count);
	RowReader	customer;		/* counts one; its argument is the RowCount */
	/* The statistics of a key, empty if there were none. */
	FunnelStats *(*stats) (RowCount *count, RowKey key);
	/* All keys that have statistics, palloc'd; returns how many. */
	uint32		(*keys) (RowCount *count, RowKey **keys);
} RowCountMethods;

/* The calendar periods that have been met, sorted; they never overlap. */
typedef struct RowPeriod
{
	TimestampTz begin;
	TimestampTz end;			/* is outside */
	FunnelStats *stats;			/* of the period, where it has such; NULL at first */
} RowPeriod;

typedef struct RowPeriods
{
	const CalendarUnit *unit;
	text	   *zone;
	RowPeriod  *list;
	uint32		count;
	uint32		capacity;
} RowPeriods;

/* Statistics by their key. */
typedef struct RowTable RowTable;

/* Of a state on its way to another process. */
#define ROW_STATE_VERSION 2

/* What this process calls the meanings of runs that came from elsewhere, by what those call them. */
typedef struct RowMeaningList
{
	const uint32 *numbers;
	uint32		count;
} RowMeaningList;

/* rows/funnel_state.c */
extern RowFunnel *row_funnel(RowNode *node, const uint8 *bytes, size_t size, const RowQuestion *question);
extern void row_collation_check(FunctionCallInfo fcinfo);
extern void row_funnel_check(const RowFunnel *funnel, const uint8 *bytes, size_t size);
extern void row_question_check(const RowQuestion *a, const RowQuestion *b);
extern RowState *row_state_new(FunctionCallInfo fcinfo, RowNode *node, RowFunnel *funnel, bool named,
							   const RowQuestion *question);
extern RowState *row_state_first(FunctionCallInfo fcinfo, RowSite *site);
extern void row_state_check(FunctionCallInfo fcinfo, const RowState *state, const RowSite *site);
extern void row_state_make_room(FunctionCallInfo fcinfo, RowState *state, uint32 name_size);
extern uint32 row_state_meaning(RowState *state, const Label *labels, RowSlot *slot);
extern void row_channel_check(Datum datum);

/* rows/funnel_send.c */
extern bytea *row_state_share(RowState *state);

/* rows/funnel_receive.c */
extern RowState *row_state_receive(RowNode *node, const uint8 *bytes, Size size);

/* rows/funnel_finish.c */
extern RowCount *row_count(FunctionCallInfo fcinfo, const RowCountMethods *methods, RowState *state, uint64 *others);
extern void row_worker(dsm_segment *segment, shm_toc *toc, const RowCountMethods *methods);

/* rows/funnel_walk.c */
extern void row_state_stats(const RowState *state, FunnelStats *stats);
extern uint32 row_value(const RowWalker *walker, const RowMeaning *meaning);
extern void row_walker_init(RowWalker *walker, const RowState *state);
extern uint32 row_touches(RowWalker *walker, const RowEntry *entries, uint32 count);
extern void row_walk_touches(const RowWalker *walker, FunnelEntry entry, uint32 ntouches, FunnelWalk *walk);
extern void row_walk(RowWalker *walker, const RowEntry *entries, uint32 count, FunnelWalk *walk);

/* rows/funnel_group.c */
extern uint32 row_property(const RowWalker *walker, FunnelEntry entry, RowPosition position, const RowEntry *entries,
						   uint32 count, const FunnelWalk *walk);
extern int	row_compare_properties(Label a, Label b);
extern void row_periods_init(RowPeriods *periods, const RowQuestion *question);
extern RowPeriod *row_period(RowPeriods *periods, TimestampTz at);
extern RowTable *row_table_new(void);
extern FunnelStats *row_table_stats(RowTable *table, const RowState *state, RowKey key);
extern uint32 row_table_keys(const RowTable *table, RowKey **keys);
extern Datum row_groups(FunctionCallInfo fcinfo, int nkeys, const Datum *keys, const bool *nulls, int nstats,
						FunnelStats *const *stats, uint32 count);
extern Datum row_keyed_groups(FunctionCallInfo fcinfo, RowCount *count, RowPeriods *periods, bool timed, int nparts);

/*
 * Adds a row of the customer in argument 1, for which there may have to be room
 * first.  Inlined with a constant.
 */
static pg_attribute_always_inline void
row_add(FunctionCallInfo fcinfo, RowState *state, CustomerKind customer, int64 at, uint32 meaning)
{
	const uint8 *name = NULL;
	uint32		name_size = 0;

	if (customer == CUSTOMER_TEXT)
	{
		text	   *value = PG_GETARG_TEXT_PP(1);

		name = (const uint8 *) VARDATA_ANY(value);
		name_size = VARSIZE_ANY_EXHDR(value);
	}
	else if (customer == CUSTOMER_UUID)
	{
		name = PG_GETARG_UUID_P(1)->data;
		name_size = UUID_LEN;
	}
	else if (customer == CUSTOMER_BYTES)
	{
		RowSite    *site = (RowSite *) fcinfo->flinfo->fn_extra;

		if (site->byval)
		{
			name = (const uint8 *) &fcinfo->args[1].value;
			name_size = sizeof(Datum);
		}
		else if (site->length > 0)
		{
			name = (const uint8 *) PG_GETARG_POINTER(1);
			name_size = (uint32) site->length;
		}
		else
		{
			struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));

			name = (const uint8 *) VARDATA_ANY(value);
			name_size = VARSIZE_ANY_EXHDR(value);
		}
	}

	if (unlikely(row_log_is_full(&state->log, name_size)))
		row_state_make_room(fcinfo, state, name_size);
	if (customer == CUSTOMER_BIGINT)
		row_log_add(&state->log, PG_GETARG_INT64(1), at, meaning);
	else if (customer == CUSTOMER_INTEGER)
		row_log_add(&state->log, PG_GETARG_INT32(1), at, meaning);
	else
		row_log_add_named(&state->log, name, name_size, at, meaning);
}

static inline bool
row_has_property(RowForm form)
{
	return form == ROWS_BY || form == ROWS_BY_BOTH;
}

static inline bool
row_has_periods(RowForm form)
{
	return form == ROWS_BY_ENTRY || form == ROWS_BY_BOTH;
}

/* Where the arguments of the transition function are; the property is before the position. */
static inline int
row_argument_position(bool channeled)
{
	return channeled ? 6 : 5;
}

static inline int
row_argument_funnel(bool channeled, RowForm form)
{
	return (channeled ? 5 : 4) + (row_has_property(form) ? 2 : 0);
}

static inline int
row_argument_last(bool channeled, RowForm form)
{
	return row_argument_funnel(channeled, form) + (form == ROWS_ENTERED ? 1 : row_has_periods(form) ? 2 : 0);
}

#endif							/* CJM_FUNNEL_ROWS_H */
