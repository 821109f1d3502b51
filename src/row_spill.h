/*
 * row_spill.h: the memory limit and the temporary file of an executor node's row logs.
 */
#ifndef CJM_ROW_SPILL_H
#define CJM_ROW_SPILL_H

#include "postgres.h"

#include "fmgr.h"
#include "row_log.h"
#include "storage/buffile.h"

/* What the aggregates of one plan node share.  It lives as long as the plan runs. */
typedef struct RowNode
{
	RowStore	store;			/* must be the first: the store's functions get it */
	Node	   *owner;			/* the AggState or WindowAggState */
	MemoryContext context;		/* of all memory that the store counts */
	BufFile    *file;			/* NULL: nothing has been written */
	bool		window;			/* a window aggregate's: one log at a time */
	void	   *user;			/* for the aggregates' own */
	MemoryContext query;		/* of what lives as long as the plan runs */
	MemoryContextCallback forget;
	struct RowNode *next;
} RowNode;

extern RowNode *row_node(FunctionCallInfo fcinfo);
extern void row_node_restart(RowNode *node);
extern void row_node_enter(FunctionCallInfo fcinfo, RowNode *node, RowLog *log);

#endif							/* CJM_ROW_SPILL_H */
