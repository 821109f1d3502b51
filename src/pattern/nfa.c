/*
 * pattern/nfa.c: makes a pattern's tree into the automaton of pattern/program.h.
 *
 * The graph of pattern/graph.c: nodes that take no row are walked through, from
 * every node that takes one to all that can follow it, and only positions and
 * edges between them remain, in the manner of Glushkov.  What was passed on the
 * way is the edge's label: nothing (the next row), a space (any later row), gates
 * (a later row whose distance lies in the intersection of their intervals).
 *
 * So the only clock is the time since the row taken before, and every edge
 * resets it: a real-time automaton, which can be run without guessing.
 *
 * Gates next to spaces.  In a named pattern a space measures nothing, and a
 * gate bounds the time from one taken row to the next.  In a numbered pattern
 * the rules are ClickHouse's: a space before a gate moves the start of its
 * measure to the first row that the space leaves, and a gate before a space is
 * about the first row that the space may take.  There an edge ends, and a
 * position that peeks stands in between: it looks at that row without taking
 * it.  A gate at the beginning measures from such a row, too, and a gate at the
 * end asks for one.
 *
 * Anchors.  "^" is passed on ways from the start only, and what follows such a way
 * begins a match at the very first row; "$" only on ways to the end.
 */
#include "pattern/graph.h"
#include "pattern/program.h"

/* Steps of all walks together, and places of one of them; a pattern that takes more is refused. */
#define MAX_WORK (1 << 24)
#define MAX_VISITS (1 << 18)

#define START_NODE PG_UINT32_MAX
#define PEEK_BIT ((uint32) 1 << 31)

/* What has been passed since the last row. */
typedef struct Passed
{
	bool		first;			/* a match begins with the very first row */
	bool		last;			/* no row follows */
	bool		space;
	bool		gate;
	uint64		low;
	uint64		high;
	const char *at;				/* the latest gate */
} Passed;

static const Passed nothing = {false, false, false, false, 0, PG_UINT64_MAX, NULL};

typedef struct Visit
{
	uint32		node;
	uint32		previous;		/* of the same node */
	Passed		passed;
} Visit;

/* A node that something follows: a row, or a peek before it. */
typedef struct Source
{
	uint32		node;			/* perhaps with PEEK_BIT, or START_NODE */
	PatternEnd	ends;
	uint32		first_edge;
	uint32		nedges;
} Source;

typedef struct Builder
{
	Graph		graph;
	GraphNode  *nodes;			/* the graph's */
	uint8		empty;			/* see PatternProgram */
	uint32		nsources;
	uint32		source_room;
	Source	   *sources;
	uint32		nedges;
	uint32		edge_room;
	PatternEdge *edges;			/* to is a node, perhaps with PEEK_BIT, until all are known */
	uint32		nvisits;
	uint32		visit_room;
	Visit	   *visits;
	uint32		nstack;
	uint32		stack_room;
	Visit	   *stack;
	uint32		work;
} Builder;

#define GROW(builder, list, count, room) \
	do { \
		if ((builder)->count == (builder)->room) \
		{ \
			(builder)->room *= 2; \
			(builder)->list = repalloc((builder)->list, (builder)->room * sizeof(*(builder)->list)); \
		} \
	} while (0)

static void
add_source(Builder *builder, uint32 node)
{
	GROW(builder, sources, nsources, source_room);
	memset(&builder->sources[builder->nsources], 0, sizeof(Source));
	builder->sources[builder->nsources++].node = node;
}

/* Adds an edge of the last source's. */
static bool
add_edge(Builder *builder, uint32 source, uint32 to, const Passed *passed)
{
	PatternEdge *edge;

	if (builder->nedges == PATTERN_MAX_EDGES)
		return pattern_fail_size(builder->graph.error);
	GROW(builder, edges, nedges, edge_room);
	edge = &builder->edges[builder->nedges++];
	edge->to = to;
	edge->step = passed->gate ? STEP_GATED : passed->space ? STEP_LATER : STEP_NEXT;
	edge->first = passed->first;
	edge->low = passed->low;
	edge->high = passed->high;
	edge->queue = PATTERN_NO_QUEUE;
	builder->sources[source].nedges++;
	return true;
}

/* Adds an edge to a row, and its position if it is new; none where no row can follow. */
static bool
add_row(Builder *builder, uint32 source, uint32 node, const Passed *passed)
{
	if (passed->last)
		return true;
	if (!builder->nodes[node].known)
	{
		builder->nodes[node].known = true;
		add_source(builder, node);
	}
	return add_edge(builder, source, node, passed);
}

/* Adds an edge to a position that peeks before a node, and that position if it is new. */
static bool
add_peek(Builder *builder, uint32 source, uint32 node, const Passed *passed)
{
	if (passed->last)
		return true;
	if (!builder->nodes[node].peeked)
	{
		builder->nodes[node].peeked = true;
		add_source(builder, node | PEEK_BIT);
	}
	return add_edge(builder, source, node | PEEK_BIT, passed);
}

/* Puts a node on the stack unless this walk was there in the same way. */
static bool
push(Builder *builder, uint32 node, const Passed *passed)
{
	Visit	   *visit;

	for (uint32 v = builder->nodes[node].visit; v != NO_NODE; v = builder->visits[v].previous)
	{
		const Passed *before = &builder->visits[v].passed;

		if (++builder->work > MAX_WORK)
			return pattern_fail_size(builder->graph.error);
		if (before->first == passed->first && before->last == passed->last && before->space == passed->space && before->gate == passed->gate &&
			before->low == passed->low && before->high == passed->high)
			return true;
	}
	if (++builder->work > MAX_WORK || builder->nvisits == MAX_VISITS)
		return pattern_fail_size(builder->graph.error);
	GROW(builder, visits, nvisits, visit_room);
	visit = &builder->visits[builder->nvisits];
	visit->node = node;
	visit->previous = builder->nodes[node].visit;
	visit->passed = *passed;
	builder->nodes[node].visit = builder->nvisits++;
	GROW(builder, stack, nstack, stack_room);
	builder->stack[builder->nstack++] = *visit;
	return true;
}

static void
forget_visits(Builder *builder)
{
	for (uint32 i = 0; i < builder->nvisits; i++)
		builder->nodes[builder->visits[i].node].visit = NO_NODE;
	builder->nvisits = builder->nstack = 0;
}

static const char no_row_before[] = "before it to measure from";
static const char hint_before[] = "It stands between two events: view (?t<=1 hour) purchase.";
static const char no_row_after[] = "after it to measure to";
static const char hint_after[] = "It stands between two events: view (?t<=1 hour) purchase. "
	"A limit of the whole match is written at the end: within 1 hour.";

static bool
fail_gate(Builder *builder, const char *at, const char *lacks, const char *hint)
{
	cjm_fail(builder->graph.error, CJM_ERROR_VALUE, "invalid pattern: time gate at character %d has nothing %s",
			 label_position(&builder->graph.pattern->text, at), lacks);
	cjm_fail_hint(builder->graph.error, "%s", hint);
	return false;
}

/* A way from a source leads to the end. */
static bool
reach_end(Builder *builder, uint32 source_number, uint32 node, const Passed *passed)
{
	Source	   *source = &builder->sources[source_number];
	PatternEnd	ends;

	if (passed->gate)
	{
		if (builder->graph.pattern->dialect == PATTERN_NUMBERED)
			return add_peek(builder, source_number, node, passed);
		return fail_gate(builder, passed->at, no_row_after, hint_after);
	}
	if (source->node == START_NODE)
	{
		builder->empty |= PATTERN_EMPTY(passed->first, passed->last);
		return true;
	}
	ends = !passed->last ? ENDS_HERE : passed->space ? ENDS_LATER : ENDS_LAST;
	/* What peeks looks at a row, which is one more. */
	if (ends != ENDS_LAST || !(source->node & PEEK_BIT))
		source->ends = Max(source->ends, ends);
	return true;
}

/* Goes on from a node that is not a row; see the banner about gates, spaces and anchors. */
static bool
pass(Builder *builder, uint32 source, uint32 node_number, Passed passed)
{
	GraphNode  *node = &builder->nodes[node_number];
	bool		numbered = builder->graph.pattern->dialect == PATTERN_NUMBERED;
	bool		start = builder->sources[source].node == START_NODE;

	switch (node->kind)
	{
		case NODE_ROW:
			break;

		case NODE_FORK:
			/* Last in, first out: the preferred way comes first. */
			return push(builder, node->other, &passed) && push(builder, node->next, &passed);

		case NODE_SPACE:
			/* A match begins with a row, so a space in front of that means nothing, but after "^". */
			if (start && passed.first && !passed.last && !push(builder, node->other, &passed))
				return false;
			if (start || passed.last)
				return push(builder, node->next, &passed);
			if (numbered && passed.gate)
				return add_peek(builder, source, node_number, &passed);
			passed.space = true;
			return push(builder, node->next, &passed);

		case NODE_GATE:
			if (start && !numbered)
				return fail_gate(builder, node->tree->at, no_row_before, hint_before);
			if (start || (numbered && passed.space && !passed.gate))
				return add_peek(builder, source, node_number, &passed);
			passed.gate = true;
			passed.at = node->tree->at;
			passed.low = Max(passed.low, node->low);
			passed.high = Min(passed.high, node->high);
			if (passed.last || passed.low > passed.high)
				return true;
			return push(builder, node->next, &passed);

		case NODE_FIRST:
			if (passed.gate)
				return fail_gate(builder, passed.at, no_row_before, hint_before);
			if (!start)
				return true;
			node->holds = passed.first = true;
			return push(builder, node->next, &passed);

		case NODE_LAST:
			if (passed.gate)
				return fail_gate(builder, passed.at, no_row_after, hint_after);
			passed.last = true;
			return push(builder, node->next, &passed);

		case NODE_END:
			return reach_end(builder, source, node_number, &passed);
	}
	return true;
}

/* Finds all that can follow a source. */
static bool
walk(Builder *builder, uint32 source, uint32 from)
{
	builder->sources[source].first_edge = builder->nedges;
	if (!push(builder, from, &nothing))
		return false;
	while (builder->nstack > 0)
	{
		Visit		visit = builder->stack[--builder->nstack];

		if (builder->nodes[visit.node].kind == NODE_ROW ?
			!add_row(builder, source, visit.node, &visit.passed) :
			!pass(builder, source, visit.node, visit.passed))
			return false;
	}
	forget_visits(builder);
	return true;
}

/* Walks from the start, and from all that it leads to. */
static bool
walk_all(Builder *builder, uint32 first)
{
	add_source(builder, START_NODE);
	if (!walk(builder, 0, first))
		return false;
	/* Walking adds sources. */
	for (uint32 s = 1; s < builder->nsources; s++)
	{
		uint32		node = builder->sources[s].node;

		CHECK_FOR_INTERRUPTS();
		if (!walk(builder, s, node & PEEK_BIT ? node & ~PEEK_BIT : builder->nodes[node].next))
			return false;
		/* The shortest match goes no farther. */
		if (builder->sources[s].ends == ENDS_HERE)
		{
			builder->nedges = builder->sources[s].first_edge;
			builder->sources[s].nedges = 0;
		}
	}
	return true;
}

/*
 * Numbers the positions: rows first, then those that peek, which are evaluated
 * in the order of their numbers, so later in the pattern is first.
 */
static void
number_positions(Builder *builder, PatternProgram *program)
{
	uint32		count = 0;

	for (uint32 i = 0; i < builder->graph.nnodes; i++)
		if (builder->nodes[i].known)
			builder->nodes[i].position = count++;
	for (uint32 i = 0; i < builder->graph.nnodes; i++)
		if (builder->nodes[i].peeked)
		{
			builder->nodes[i].position = count++;
			program->npeeking++;
		}
	program->npositions = count;
	program->positions = palloc0(Max(count, 1) * sizeof(PatternPosition));
}

/* Gives gated edges their queues, one for edges to the same position by the same interval. */
static void
assign_queues(PatternProgram *program, uint32 nedges)
{
	uint32	   *latest = palloc(Max(program->npositions, 1) * sizeof(uint32));
	uint32	   *previous = palloc(Max(nedges, 1) * sizeof(uint32));
	PatternQueue *queues = palloc0(Max(nedges, 1) * sizeof(PatternQueue));
	uint32	   *renumber = palloc(Max(nedges, 1) * sizeof(uint32));
	uint32		count = 0;

	memset(latest, 0xff, Max(program->npositions, 1) * sizeof(uint32));
	for (uint32 e = 0; e < nedges; e++)
	{
		PatternEdge *edge = &program->edges[e];
		uint32		q;

		if (edge->step == STEP_LATER)
			program->positions[edge->to].wanted_later = true;
		if (edge->step != STEP_GATED)
			continue;
		for (q = latest[edge->to]; q != PATTERN_NO_QUEUE; q = previous[q])
			if (queues[q].low == edge->low && queues[q].high == edge->high)
				break;
		if (q == PATTERN_NO_QUEUE)
		{
			q = count++;
			queues[q].to = edge->to;
			queues[q].low = edge->low;
			queues[q].high = edge->high;
			previous[q] = latest[edge->to];
			latest[edge->to] = q;
		}
		edge->queue = q;
	}

	/* Those that lead to one position stand together. */
	program->queues = palloc0(Max(count, 1) * sizeof(PatternQueue));
	for (uint32 p = 0; p < program->npositions; p++)
	{
		program->positions[p].first_queue = program->nqueues;
		for (uint32 q = latest[p]; q != PATTERN_NO_QUEUE; q = previous[q])
		{
			PatternQueue *queue = &program->queues[program->nqueues];

			*queue = queues[q];
			queue->waiting.room = queue->open.room = PATTERN_ENTRIES_ROOM;
			queue->waiting.entries = palloc(PATTERN_ENTRIES_ROOM * sizeof(PatternEntry));
			queue->open.entries = palloc(PATTERN_ENTRIES_ROOM * sizeof(PatternEntry));
			renumber[q] = program->nqueues++;
			program->positions[p].nqueues++;
		}
	}
	for (uint32 e = 0; e < nedges; e++)
		if (program->edges[e].step == STEP_GATED)
			program->edges[e].queue = renumber[program->edges[e].queue];
	pfree(latest);
	pfree(previous);
	pfree(queues);
	pfree(renumber);
}

/* What a position asks of its row; tree may be NULL. */
static void
set_condition(PatternPosition *position, const PatternNode *tree)
{
	position->condition = PATTERN_NO_CONDITION;
	if (tree == NULL)
		return;
	if (tree->kind == PATTERN_CONDITION)
		position->condition = tree->condition;
	else if (tree->kind == PATTERN_NONE_OF)
	{
		position->nbarred = tree->nbarred;
		position->barred = tree->barred;
		for (uint32 i = 0; i < tree->nbarred; i++)
			if (tree->barred[i] < 64)
				position->barred_bits |= UINT64CONST(1) << tree->barred[i];
	}
}

static PatternProgram *
make_program(Builder *builder)
{
	PatternProgram *program = palloc0(sizeof(PatternProgram));
	size_t		size;

	program->nconditions = builder->graph.pattern->nconditions;
	program->within = builder->graph.pattern->within;
	program->empty = builder->empty;
	number_positions(builder, program);
	program->edges = palloc(Max(builder->nedges, 1) * sizeof(PatternEdge));
	for (uint32 e = 0; e < builder->nedges; e++)
	{
		program->edges[e] = builder->edges[e];
		program->edges[e].to = builder->nodes[builder->edges[e].to & ~PEEK_BIT].position;
	}
	for (uint32 s = 0; s < builder->nsources; s++)
	{
		const Source *source = &builder->sources[s];
		PatternPosition *position;
		const GraphNode *node;

		if (source->node == START_NODE)
		{
			program->starts = palloc(Max(source->nedges, 1) * sizeof(PatternStart));
			for (uint32 e = 0; e < source->nedges; e++)
			{
				const PatternEdge *edge = &program->edges[source->first_edge + e];

				program->starts[program->nstarts++] = (PatternStart) {edge->to, edge->first};
			}
			continue;
		}
		node = &builder->nodes[source->node & ~PEEK_BIT];
		position = &program->positions[node->position];
		position->peeks = (source->node & PEEK_BIT) != 0;
		set_condition(position, position->peeks ? NULL : node->tree);
		position->ends = source->ends;
		position->first_edge = source->first_edge;
		position->nedges = source->nedges;
	}
	assign_queues(program, builder->nedges);
	size = Max(program->npositions, 1) * sizeof(uint32);
	program->here = palloc(size);
	program->next = palloc(size);
	program->later = palloc(size);
	program->traced = palloc(size);
	return program;
}

/*
 * pattern_compile makes a pattern ready, in the current context, where all that
 * it will ever own must stay.  Of the pattern, the lists of what is barred must stay
 * as well.  NULL after an error.
 */
PatternProgram *
pattern_compile(const Pattern *pattern, CjmError *error)
{
	Builder		builder = {.graph = {.pattern = pattern, .error = error}};
	PatternProgram *program = NULL;
	uint32		first;

	builder.nodes = builder.graph.nodes = palloc(PATTERN_MAX_NODES * sizeof(GraphNode));
	builder.source_room = builder.edge_room = builder.visit_room = builder.stack_room = 16;
	builder.sources = palloc(builder.source_room * sizeof(Source));
	builder.edges = palloc(builder.edge_room * sizeof(PatternEdge));
	builder.visits = palloc(builder.visit_room * sizeof(Visit));
	builder.stack = palloc(builder.stack_room * sizeof(Visit));
	first = pattern_graph(&builder.graph);
	if (first != NO_NODE && walk_all(&builder, first) && pattern_check_anchors(&builder.graph))
		program = make_program(&builder);
	pfree(builder.nodes);
	pfree(builder.sources);
	pfree(builder.edges);
	pfree(builder.visits);
	pfree(builder.stack);
	return program;
}

/* How many conditions the rows must have at least. */
uint32
pattern_conditions(const PatternProgram *program)
{
	return program->nconditions;
}
