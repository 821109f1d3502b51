/*
 * pattern/graph.c: makes a pattern's tree into a graph of nodes.
 *
 * In the manner of Thompson: rows to take, spaces (.*), gates, anchors, forks,
 * and one end.  Repetitions are written out.
 *
 * A match begins with a row, so a space at the beginning means nothing; but after
 * "^" it does: the match begins with the first row there is, be it one that the
 * space takes.  So where there is a "^", a space has a lead: any row, with the
 * space after it.
 */
#include "pattern/graph.h"

/* Fails for a pattern whose automaton would be too large. */
bool
pattern_fail_size(CjmError *error)
{
	cjm_fail(error, CJM_ERROR_LIMIT, "pattern is too large");
	cjm_fail_detail(error, "With its repetitions written out it may have at most %d parts "
					"and %d ways from one to another.", PATTERN_MAX_NODES, PATTERN_MAX_EDGES);
	cjm_fail_hint(error, "Repeat fewer times, or leave the upper limit of a repetition out.");
	return false;
}

static uint32
add_node(Graph *graph, NodeKind kind, uint32 next)
{
	GraphNode  *node;

	if (graph->nnodes == PATTERN_MAX_NODES)
	{
		pattern_fail_size(graph->error);
		return NO_NODE;
	}
	node = &graph->nodes[graph->nnodes];
	memset(node, 0, sizeof(GraphNode));
	node->kind = kind;
	node->next = next;
	node->other = node->visit = NO_NODE;
	node->ends = kind == NODE_END ||
		(kind != NODE_ROW && kind != NODE_GATE && graph->nodes[next].ends);
	return graph->nnodes++;
}

static uint32
add_made_of(Graph *graph, NodeKind kind, const PatternNode *tree, uint32 next)
{
	uint32		node = add_node(graph, kind, next);

	if (node != NO_NODE)
		graph->nodes[node].tree = tree;
	return node;
}

static uint32
add_fork(Graph *graph, uint32 preferred, uint32 other)
{
	uint32		node = add_node(graph, NODE_FORK, preferred);

	if (node != NO_NODE)
	{
		graph->nodes[node].other = other;
		/* What is not known yet comes back here. */
		if (other != NO_NODE && graph->nodes[other].ends)
			graph->nodes[node].ends = true;
	}
	return node;
}

static uint32
add_gate(Graph *graph, const PatternNode *tree, uint64 low, uint64 high, uint32 next)
{
	uint32		node = add_made_of(graph, NODE_GATE, tree, next);

	if (node != NO_NODE)
	{
		graph->nodes[node].low = low;
		graph->nodes[node].high = high;
	}
	return node;
}

static uint32
build_gate(Graph *graph, const PatternNode *tree, uint32 next)
{
	uint64		distance = (uint64) tree->distance;
	uint32		node;

	switch (tree->op)
	{
		case PATTERN_LE:
			return add_gate(graph, tree, 0, distance, next);
		case PATTERN_LT:
			/* Nothing is nearer than 0: an interval that holds nothing. */
			return distance == 0 ? add_gate(graph, tree, 1, 0, next) :
				add_gate(graph, tree, 0, distance - 1, next);
		case PATTERN_GE:
			return add_gate(graph, tree, distance, PG_UINT64_MAX, next);
		case PATTERN_GT:
			return add_gate(graph, tree, distance + 1, PG_UINT64_MAX, next);
		case PATTERN_EQ:
			return add_gate(graph, tree, distance, distance, next);
		case PATTERN_NE:
			node = add_gate(graph, tree, distance + 1, PG_UINT64_MAX, next);
			if (node == NO_NODE || distance == 0)
				return node;
			next = add_gate(graph, tree, 0, distance - 1, next);
			return next == NO_NODE ? NO_NODE : add_fork(graph, next, node);
	}
	return NO_NODE;
}

static uint32
add_space(Graph *graph, uint32 next)
{
	uint32		node = add_node(graph, NODE_SPACE, next);
	uint32		lead;

	if (node == NO_NODE || !graph->has_first)
		return node;
	lead = add_node(graph, NODE_ROW, node);
	if (lead == NO_NODE)
		return NO_NODE;
	graph->nodes[node].other = lead;
	return node;
}

/*
 * Builds the nodes of a tree in front of next, from its end to its beginning,
 * and returns the first of them; NO_NODE after an error.  So the number of a
 * node is greater than that of one that stands after it in the pattern.
 */
static uint32
build(Graph *graph, const PatternNode *tree, uint32 next)
{
	const PatternNode *child;
	uint32		node;
	uint32		fork;
	uint32		nchildren = 0;
	const PatternNode **children;

	if (next == NO_NODE)
		return NO_NODE;
	switch (tree->kind)
	{
		case PATTERN_CONDITION:
		case PATTERN_ANY:
		case PATTERN_NONE_OF:
			return add_made_of(graph, NODE_ROW, tree, next);

		case PATTERN_FIRST:
			return add_made_of(graph, NODE_FIRST, tree, next);

		case PATTERN_LAST:
			node = add_made_of(graph, NODE_LAST, tree, next);
			if (node != NO_NODE)
				graph->nodes[node].holds = graph->nodes[next].ends;
			return node;

		case PATTERN_GATE:
			return build_gate(graph, tree, next);

		case PATTERN_SEQUENCE:
		case PATTERN_ALTERNATIVES:
			for (child = tree->child; child; child = child->next)
				nchildren++;
			if (nchildren == 0)
				return next;
			children = palloc(nchildren * sizeof(PatternNode *));
			nchildren = 0;
			for (child = tree->child; child; child = child->next)
				children[nchildren++] = child;
			node = tree->kind == PATTERN_SEQUENCE ? next : build(graph, children[--nchildren], next);
			while (nchildren-- > 0 && node != NO_NODE)
			{
				if (tree->kind == PATTERN_SEQUENCE)
					node = build(graph, children[nchildren], node);
				else
				{
					fork = build(graph, children[nchildren], next);
					node = fork == NO_NODE ? NO_NODE : add_fork(graph, fork, node);
				}
			}
			pfree(children);
			return node;

		case PATTERN_REPEAT:
			node = next;
			if (tree->max == PATTERN_UNBOUNDED && tree->child->kind == PATTERN_ANY)
				node = add_space(graph, next);
			else if (tree->max == PATTERN_UNBOUNDED)
			{
				/* The fork after the last time is reached before the first one, too, if there may be none. */
				fork = add_fork(graph, next, NO_NODE);
				if (fork == NO_NODE)
					return NO_NODE;
				node = build(graph, tree->child, fork);
				if (node == NO_NODE)
					return NO_NODE;
				graph->nodes[fork].other = node;
				if (tree->min == 0)
					return fork;
				for (uint32 i = 1; i < tree->min && node != NO_NODE; i++)
					node = build(graph, tree->child, node);
				return node;
			}
			else
			{
				for (uint32 i = tree->min; i < tree->max && node != NO_NODE; i++)
				{
					node = build(graph, tree->child, node);
					if (node != NO_NODE)
						node = add_fork(graph, next, node);
				}
			}
			for (uint32 i = 0; i < tree->min && node != NO_NODE; i++)
				node = build(graph, tree->child, node);
			return node;
	}
	return NO_NODE;
}

static bool
has_first(const PatternNode *tree)
{
	if (tree->kind == PATTERN_FIRST)
		return true;
	for (const PatternNode *child = tree->child; child; child = child->next)
		if (has_first(child))
			return true;
	return false;
}

/* Makes the graph of a pattern and returns its first node; NO_NODE after an error. */
uint32
pattern_graph(Graph *graph)
{
	graph->nnodes = 0;
	graph->has_first = has_first(graph->pattern->root);
	return build(graph, graph->pattern->root, add_node(graph, NODE_END, NO_NODE));
}

/* Whether one of the nodes made of a part of the pattern holds for some rows. */
static bool
holds_somewhere(const Graph *graph, const PatternNode *tree)
{
	for (uint32 i = 0; i < graph->nnodes; i++)
		if (graph->nodes[i].tree == tree && graph->nodes[i].holds)
			return true;
	return false;
}

/* Fails for an anchor that holds for no rows, which is a slip; all ways have been walked. */
bool
pattern_check_anchors(const Graph *graph)
{
	for (uint32 i = 0; i < graph->nnodes; i++)
	{
		const GraphNode *node = &graph->nodes[i];
		bool		first = node->kind == NODE_FIRST;

		if ((first || node->kind == NODE_LAST) && !node->holds && !holds_somewhere(graph, node->tree))
		{
			cjm_fail(graph->error, CJM_ERROR_VALUE, "invalid pattern: \"%s\" at character %d never holds",
					 first ? "^" : "$", label_position(&graph->pattern->text, node->tree->at));
			cjm_fail_hint(graph->error, first ? "It says that nothing is before, and something must be." :
						  "It says that nothing is after, and something must be.");
			return false;
		}
	}
	return true;
}
