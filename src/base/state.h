/*
 * base/state.h: states of aggregates that travel: values of the type aggregate_state, in memory expanded objects.
 */
#ifndef CJM_STATE_H
#define CJM_STATE_H

#include "base/glue.h"

#include "lib/stringinfo.h"
#include "nodes/memnodes.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

/* What a state is of.  One static constant for each kind: its address tells kinds apart. */
typedef struct StateKind
{
	size_t		size;			/* of its contents in memory, which begin as zeros */

	/* Appends the contents as bytes; what is palloc'd beside goes when it is done. */
	void		(*encode) (StringInfo out, void *contents);
} StateKind;

typedef struct AggregateState
{
	ExpandedObjectHeader header;
	const StateKind *kind;
	void	   *contents;
	StringInfoData flat;		/* made when its size is asked for; no data: none, or out of date */
} AggregateState;

extern const ExpandedObjectMethods state_methods;

extern AggregateState *state_new(MemoryContext aggregate, const StateKind *kind);
extern Datum state_datum(AggregateState *state);
pg_noreturn extern void state_of_another(void);

/* DatumGetEOHP and a check; an error of an object that is no state of this kind. */
static inline AggregateState *
state_object(Datum value, const StateKind *kind)
{
	varatt_expanded pointer;
	AggregateState *state;

	memcpy(&pointer, VARDATA_EXTERNAL(DatumGetPointer(value)), sizeof(pointer));
	state = (AggregateState *) pointer.eohptr;
	if (unlikely(state->header.eoh_methods != &state_methods || state->kind != kind))
		state_of_another();
	return state;
}

/* The state that the aggregate with this context may change; NULL if the value is not its own. */
static inline AggregateState *
state_of_aggregate(Datum value, MemoryContext aggregate, const StateKind *kind)
{
	AggregateState *state;

	if (aggregate == NULL || !VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return NULL;
	state = state_object(value, kind);
	return state->header.eoh_context->parent == aggregate ? state : NULL;
}

/* The contents, to be changed in whichever context. */
static inline void *
state_contents_changed(AggregateState *state)
{
	if (unlikely(state->flat.data != NULL))
	{
		pfree(state->flat.data);
		state->flat.data = NULL;
	}
	return state->contents;
}

/* The contents, to be changed: their context is current from here on, and old is the one before. */
static inline void *
state_change(AggregateState *state, MemoryContext *old)
{
	*old = MemoryContextSwitchTo(state->header.eoh_context);
	return state_contents_changed(state);
}

/* The contents, if the value is an object of this kind; NULL of a value that is bytes. */
extern void *state_contents(Datum value, const StateKind *kind);

/* The context of the aggregate that calls; NULL if none does. */
extern MemoryContext calling_aggregate(FunctionCallInfo fcinfo);

#endif							/* CJM_STATE_H */
