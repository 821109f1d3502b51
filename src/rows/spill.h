/*
 * rows/spill.h: the memory limit and the temporary files of an executor node's row logs.
 */
#ifndef CJM_ROW_SPILL_H
#define CJM_ROW_SPILL_H

#include "postgres.h"

#include "base/handover.h"
#include "fmgr.h"
#include "rows/log.h"

/* A file that runs of the node are in. */
typedef struct RowFile
{
	struct RowFile *next;		/* of the node's */
	BufFile    *file;
	bool		received;		/* made by another node */
	bool		dies;			/* it is to be deleted when it is closed, if it does not go by itself */
	RowFileName name;
} RowFile;

/* What the aggregates of one plan node share.  It lives as long as the plan runs. */
typedef struct RowNode
{
	RowStore	store;			/* must be the first: the store's functions get it */
	Node	   *owner;			/* the AggState or WindowAggState; NULL where there is no plan */
	MemoryContext context;		/* of all memory that the store counts */
	RowFile    *files;
	bool		ends;			/* PostgreSQL will call end_plan */
	bool		hands_over;		/* a partial aggregate's, whose states another node of the plan combines */
	bool		combines;		/* a final aggregate's, of states that others hand over */
	bool		together;		/* and its own rows may be read by others as well, since the plan runs in parallel */
	bool		grouped;		/* there may be another group after the last log is gone */
	bool		window;			/* a window aggregate's: one log at a time */
	void	   *user;			/* for the aggregates' own */
	MemoryContext query;		/* of what lives as long as the plan runs */
	MemoryContextCallback forget;
	struct RowNode *next;
} RowNode;

extern RowNode *row_node(FunctionCallInfo fcinfo);
extern RowNode *row_node_alone(void);
extern void row_node_end(RowNode *node);
extern void row_node_restart(RowNode *node);
extern void row_node_enter(FunctionCallInfo fcinfo, RowNode *node, RowLog *log);
extern void row_node_export(RowNode *node);
extern RowFile *row_node_receive(RowNode *node, const RowFileName *name);

#endif							/* CJM_ROW_SPILL_H */
