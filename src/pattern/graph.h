/*
 * pattern/graph.h: a pattern as a graph of nodes, before it is an automaton.
 */
#ifndef CJM_PATTERN_GRAPH_H
#define CJM_PATTERN_GRAPH_H

#include "pattern/pattern.h"

#define NO_NODE PG_UINT32_MAX

typedef enum NodeKind
{
	NODE_ROW,
	NODE_SPACE,
	NODE_GATE,
	NODE_FIRST,					/* passed where no row is before */
	NODE_LAST,					/* passed where no row is after */
	NODE_FORK,
	NODE_END
} NodeKind;

typedef struct GraphNode
{
	NodeKind	kind;
	bool		ends;			/* the end can be reached from here without a row */
	bool		holds;			/* NODE_FIRST, NODE_LAST: for some rows */
	bool		known;			/* NODE_ROW: something leads here */
	bool		peeked;			/* a position peeks before this node */
	const PatternNode *tree;	/* what it was made of; NULL for any row, a fork, and the end */
	uint64		low;			/* NODE_GATE */
	uint64		high;
	uint32		next;
	uint32		other;			/* NODE_FORK: the less preferred way; NODE_SPACE: its lead, or NO_NODE */
	uint32		visit;			/* latest of the walk at hand, or NO_NODE */
	uint32		position;		/* number of the position of a row, or of the one that peeks */
} GraphNode;

typedef struct Graph
{
	const Pattern *pattern;
	CjmError   *error;
	uint32		nnodes;
	GraphNode  *nodes;			/* room for PATTERN_MAX_NODES */
	bool		has_first;		/* the pattern has a "^" */
} Graph;

/* Returns the first node, or NO_NODE after an error. */
extern uint32 pattern_graph(Graph *graph);
extern bool pattern_check_anchors(const Graph *graph);
extern bool pattern_fail_size(CjmError *error);

#endif							/* CJM_PATTERN_GRAPH_H */
