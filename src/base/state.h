/*
 * base/state.h: states of aggregates that travel: values of the type aggregate_state, in memory expanded objects.
 */
#ifndef CJM_STATE_H
#define CJM_STATE_H

#include "base/glue.h"

#include "lib/stringinfo.h"
#include "utils/expandeddatum.h"

/* What a state is of.  One static constant for each kind: its address tells kinds apart. */
typedef struct StateKind
{
	size_t		size;			/* of its contents in memory, which begin as zeros */

	/* Appends the contents as bytes; what is palloc'd beside goes when it is done. */
	void		(*encode) (StringInfo out, void *contents);
} StateKind;

typedef struct AggregateState AggregateState;

extern AggregateState *state_new(MemoryContext aggregate, const StateKind *kind);
extern AggregateState *state_of_aggregate(Datum value, MemoryContext aggregate, const StateKind *kind);
extern Datum state_datum(AggregateState *state);

/* The contents, to be changed: their context is current from here on, and old is the one before. */
extern void *state_change(AggregateState *state, MemoryContext *old);

/* The contents, if the value is an object of this kind; NULL of a value that is bytes. */
extern void *state_contents(Datum value, const StateKind *kind);

/* The context of the aggregate that calls; NULL if none does. */
extern MemoryContext calling_aggregate(FunctionCallInfo fcinfo);

#endif							/* CJM_STATE_H */
