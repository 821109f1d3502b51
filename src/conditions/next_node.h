/*
 * conditions/next_node.h: the event after a chain of events, as ClickHouse's
 * sequenceNextNode.
 */
#ifndef CJM_NEXT_NODE_H
#define CJM_NEXT_NODE_H

#include "base/label.h"

/* Which row the chain begins with. */
typedef enum NextNodeBase
{
	NEXT_NODE_HEAD,				/* the first row, if it meets the base condition */
	NEXT_NODE_TAIL,				/* the last one, if it does */
	NEXT_NODE_FIRST_MATCH,		/* the first that meets it and the chain's first condition */
	NEXT_NODE_LAST_MATCH		/* the last that does */
} NextNodeBase;

/*
 * The rows of a customer in the order of their arrival, in one chunk.  The
 * conditions of a row are bits in bytes: bit 0 that of the base, bit i that of
 * place i of the chain.  Rows that are known not to matter are left out.
 */
typedef struct NextNodeLog
{
	int64		last_at;		/* time of the row added last */
	int64		from;			/* rows before or after these times do not matter */
	int64		to;
	uint32		size;			/* of bytes in use */
	uint32		capacity;
	uint32		count;			/* rows */
	uint32		nconditions;	/* the base's and the chain's */
	bool		backward;
	uint8		base;			/* NextNodeBase */
	bool		begins;			/* some row meets the conditions that the first of the chain has to */
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} NextNodeLog;

extern bool next_node_words(Label direction, Label base, bool *backward, NextNodeBase *kind, CjmError *error);
extern NextNodeLog *next_node_create(bool backward, NextNodeBase base, uint32 nconditions, size_t room);
extern bool next_node_check(const NextNodeLog *log, bool backward, NextNodeBase base, uint32 nconditions,
							CjmError *error);
extern bool next_node_add(NextNodeLog **log, int64 at, Label event, bool is_base, const uint64 *chain,
						  CjmError *error);
extern bool next_node_append(NextNodeLog **log, const NextNodeLog *other, CjmError *error);
extern bool next_node_find(const NextNodeLog *log, Label *event, CjmError *error);
extern uint8 *next_node_serialize(const NextNodeLog *log, size_t header, size_t *size);
extern NextNodeLog *next_node_deserialize(NextNodeLog *last, const uint8 *bytes, size_t size, CjmError *error);

#endif							/* CJM_NEXT_NODE_H */
