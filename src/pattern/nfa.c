/*
 * pattern/nfa.c: makes a pattern's tree into the automaton of pattern/program.h.
 *
 * First the tree becomes a graph of nodes in the manner of Thompson: rows to
 * take, spaces (.*), gates, forks, and one end.  Repetitions are written out.
 * Then nodes that take no row are walked through, from every node that takes
 * one to all that can follow it, and only positions and edges between them
 * remain, in the manner of Glushkov.  What was passed on the way is the edge's
 * label: nothing (the next row), a space (any later row), gates (a later row
 * whose distance lies in the intersection of their intervals).
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
 */
#include "pattern/program.h"

/* Steps of all walks together, and places of one of them; a pattern that takes more is refused. */
#define MAX_WORK (1 << 24)
#define MAX_VISITS (1 << 18)

#define NO_NODE PG_UINT32_MAX
#define START_NODE PG_UINT32_MAX
#define PEEK_BIT ((uint32) 1 << 31)

typedef enum NodeKind
{
	NODE_ROW,
	NODE_SPACE,
	NODE_GATE,
	NODE_FORK,
	NODE_END
} NodeKind;

typedef struct GraphNode
{
	NodeKind	kind;
	bool		peeked;			/* a position peeks before this node */
	uint32		condition;		/* NODE_ROW */
	uint64		low;			/* NODE_GATE */
	uint64		high;
	const char *at;				/* NODE_GATE: in the text */
	uint32		next;
	uint32		other;			/* NODE_FORK: the less preferred way */
	uint32		visit;			/* latest of the walk at hand, or NO_NODE */
	uint32		position;		/* number of the position of a row, or of the one that peeks */
} GraphNode;

/* What has been passed since the last row. */
typedef struct Passed
{
	bool		space;
	bool		gate;
	uint64		low;
	uint64		high;
	const char *at;				/* the latest gate */
} Passed;

static const Passed nothing = {false, false, 0, PG_UINT64_MAX, NULL};

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
	bool		accepts;
	uint32		first_edge;
	uint32		nedges;
} Source;

typedef struct Builder
{
	const Pattern *pattern;
	CjmError   *error;
	uint32		nnodes;
	GraphNode  *nodes;
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

/* Fails for a pattern whose automaton would be too large. */
static bool
fail_size(Builder *builder)
{
	cjm_fail(builder->error, CJM_ERROR_LIMIT, "pattern is too large");
	cjm_fail_detail(builder->error, "With its repetitions written out it may have at most %d parts "
					"and %d ways from one to another.", PATTERN_MAX_NODES, PATTERN_MAX_EDGES);
	cjm_fail_hint(builder->error, "Repeat fewer times, or leave the upper limit of a repetition out.");
	return false;
}

static uint32
add_node(Builder *builder, NodeKind kind, uint32 next)
{
	GraphNode  *node;

	if (builder->nnodes == PATTERN_MAX_NODES)
	{
		fail_size(builder);
		return NO_NODE;
	}
	node = &builder->nodes[builder->nnodes];
	memset(node, 0, sizeof(GraphNode));
	node->kind = kind;
	node->next = next;
	node->other = NO_NODE;
	return builder->nnodes++;
}

static uint32
add_fork(Builder *builder, uint32 preferred, uint32 other)
{
	uint32		node = add_node(builder, NODE_FORK, preferred);

	if (node != NO_NODE)
		builder->nodes[node].other = other;
	return node;
}

static uint32
add_gate(Builder *builder, const PatternNode *tree, uint64 low, uint64 high, uint32 next)
{
	uint32		node = add_node(builder, NODE_GATE, next);

	if (node != NO_NODE)
	{
		builder->nodes[node].low = low;
		builder->nodes[node].high = high;
		builder->nodes[node].at = tree->at;
	}
	return node;
}

static uint32
build_gate(Builder *builder, const PatternNode *tree, uint32 next)
{
	uint64		distance = (uint64) tree->distance;
	uint32		node;

	switch (tree->op)
	{
		case PATTERN_LE:
			return add_gate(builder, tree, 0, distance, next);
		case PATTERN_LT:
			/* Nothing is nearer than 0: an interval that holds nothing. */
			return distance == 0 ? add_gate(builder, tree, 1, 0, next) :
				add_gate(builder, tree, 0, distance - 1, next);
		case PATTERN_GE:
			return add_gate(builder, tree, distance, PG_UINT64_MAX, next);
		case PATTERN_GT:
			return add_gate(builder, tree, distance + 1, PG_UINT64_MAX, next);
		case PATTERN_EQ:
			return add_gate(builder, tree, distance, distance, next);
		case PATTERN_NE:
			node = add_gate(builder, tree, distance + 1, PG_UINT64_MAX, next);
			if (node == NO_NODE || distance == 0)
				return node;
			next = add_gate(builder, tree, 0, distance - 1, next);
			return next == NO_NODE ? NO_NODE : add_fork(builder, next, node);
	}
	return NO_NODE;
}

/*
 * Builds the nodes of a tree in front of next, from its end to its beginning,
 * and returns the first of them; NO_NODE after an error.  So the number of a
 * node is greater than that of one that stands after it in the pattern.
 */
static uint32
build(Builder *builder, const PatternNode *tree, uint32 next)
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
			node = add_node(builder, NODE_ROW, next);
			if (node != NO_NODE)
				builder->nodes[node].condition =
					tree->kind == PATTERN_ANY ? PATTERN_NO_CONDITION : tree->condition;
			return node;

		case PATTERN_GATE:
			return build_gate(builder, tree, next);

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
			node = tree->kind == PATTERN_SEQUENCE ? next : build(builder, children[--nchildren], next);
			while (nchildren-- > 0 && node != NO_NODE)
			{
				if (tree->kind == PATTERN_SEQUENCE)
					node = build(builder, children[nchildren], node);
				else
				{
					fork = build(builder, children[nchildren], next);
					node = fork == NO_NODE ? NO_NODE : add_fork(builder, fork, node);
				}
			}
			pfree(children);
			return node;

		case PATTERN_REPEAT:
			node = next;
			if (tree->max == PATTERN_UNBOUNDED && tree->child->kind == PATTERN_ANY)
				node = add_node(builder, NODE_SPACE, next);
			else if (tree->max == PATTERN_UNBOUNDED)
			{
				/* The fork after the last time is reached before the first one, too, if there may be none. */
				fork = add_fork(builder, next, NO_NODE);
				if (fork == NO_NODE)
					return NO_NODE;
				node = build(builder, tree->child, fork);
				if (node == NO_NODE)
					return NO_NODE;
				builder->nodes[fork].other = node;
				if (tree->min == 0)
					return fork;
				for (uint32 i = 1; i < tree->min && node != NO_NODE; i++)
					node = build(builder, tree->child, node);
				return node;
			}
			else
			{
				for (uint32 i = tree->min; i < tree->max && node != NO_NODE; i++)
				{
					node = build(builder, tree->child, node);
					if (node != NO_NODE)
						node = add_fork(builder, next, node);
				}
			}
			for (uint32 i = 0; i < tree->min && node != NO_NODE; i++)
				node = build(builder, tree->child, node);
			return node;
	}
	return NO_NODE;
}

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
add_edge(Builder *builder, Source *source, uint32 to, const Passed *passed)
{
	PatternEdge *edge;

	if (builder->nedges == PATTERN_MAX_EDGES)
		return fail_size(builder);
	GROW(builder, edges, nedges, edge_room);
	edge = &builder->edges[builder->nedges++];
	edge->to = to;
	edge->step = passed->gate ? STEP_GATED : passed->space ? STEP_LATER : STEP_NEXT;
	edge->low = passed->low;
	edge->high = passed->high;
	edge->queue = PATTERN_NO_QUEUE;
	source->nedges++;
	return true;
}

/* Adds an edge to a position that peeks before a node, and that position if it is new. */
static bool
add_peek(Builder *builder, uint32 source, uint32 node, const Passed *passed)
{
	if (!builder->nodes[node].peeked)
	{
		builder->nodes[node].peeked = true;
		add_source(builder, node | PEEK_BIT);
	}
	return add_edge(builder, &builder->sources[source], node | PEEK_BIT, passed);
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
			return fail_size(builder);
		if (before->space == passed->space && before->gate == passed->gate &&
			before->low == passed->low && before->high == passed->high)
			return true;
	}
	if (++builder->work > MAX_WORK || builder->nvisits == MAX_VISITS)
		return fail_size(builder);
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

static bool
fail_gate(Builder *builder, const char *at, const char *lacks, const char *hint)
{
	cjm_fail(builder->error, CJM_ERROR_VALUE, "invalid pattern: time gate at character %d has nothing %s",
			 label_position(&builder->pattern->text, at), lacks);
	cjm_fail_hint(builder->error, "%s", hint);
	return false;
}

/* Goes on from a node that is not a row; see the banner about gates and spaces. */
static bool
pass(Builder *builder, uint32 source, uint32 node_number, Passed passed)
{
	const GraphNode *node = &builder->nodes[node_number];
	bool		numbered = builder->pattern->dialect == PATTERN_NUMBERED;
	bool		start = builder->sources[source].node == START_NODE;

	switch (node->kind)
	{
		case NODE_ROW:
			break;

		case NODE_FORK:
			/* Last in, first out: the preferred way comes first. */
			return push(builder, node->other, &passed) && push(builder, node->next, &passed);

		case NODE_SPACE:
			/* A match begins with a row, so a space in front of that means nothing. */
			if (start)
				return push(builder, node->next, &passed);
			if (numbered && passed.gate)
				return add_peek(builder, source, node_number, &passed);
			passed.space = true;
			return push(builder, node->next, &passed);

		case NODE_GATE:
			if (start && !numbered)
				return fail_gate(builder, node->at, "before it to measure from",
								 "It stands between two events: view (?t<=1 hour) purchase.");
			if (start || (numbered && passed.space && !passed.gate))
				return add_peek(builder, source, node_number, &passed);
			passed.gate = true;
			passed.at = node->at;
			passed.low = Max(passed.low, node->low);
			passed.high = Min(passed.high, node->high);
			if (passed.low > passed.high)
				return true;
			return push(builder, node->next, &passed);

		case NODE_END:
			if (!passed.gate)
			{
				builder->sources[source].accepts = true;
				return true;
			}
			if (numbered)
				return add_peek(builder, source, node_number, &passed);
			return fail_gate(builder, passed.at, "after it to measure to",
							 "It stands between two events: view (?t<=1 hour) purchase. "
							 "A limit of the whole match is written at the end: within 1 hour.");
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
			!add_edge(builder, &builder->sources[source], visit.node, &visit.passed) :
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
	uint32		nnodes = builder->nnodes;

	add_source(builder, START_NODE);
	if (!walk(builder, 0, first))
		return false;
	for (uint32 i = 0; i < nnodes; i++)
		if (builder->nodes[i].kind == NODE_ROW)
			add_source(builder, i);
	/* Walking adds sources that peek; those of the start's are among them already. */
	for (uint32 s = 1; s < builder->nsources; s++)
	{
		uint32		node = builder->sources[s].node;

		CHECK_FOR_INTERRUPTS();
		if (!walk(builder, s, node & PEEK_BIT ? node & ~PEEK_BIT : builder->nodes[node].next))
			return false;
		/* The shortest match goes no farther. */
		if (builder->sources[s].accepts)
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

	for (uint32 i = 0; i < builder->nnodes; i++)
		if (builder->nodes[i].kind == NODE_ROW)
			builder->nodes[i].position = count++;
	for (uint32 i = 0; i < builder->nnodes; i++)
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

static PatternProgram *
make_program(Builder *builder)
{
	PatternProgram *program = palloc0(sizeof(PatternProgram));
	size_t		size;

	program->nconditions = builder->pattern->nconditions;
	program->within = builder->pattern->within;
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
			program->nullable = source->accepts;
			program->nstarts = source->nedges;
			program->starts = palloc(Max(source->nedges, 1) * sizeof(uint32));
			for (uint32 e = 0; e < source->nedges; e++)
				program->starts[e] = program->edges[source->first_edge + e].to;
			continue;
		}
		node = &builder->nodes[source->node & ~PEEK_BIT];
		position = &program->positions[node->position];
		position->peeks = (source->node & PEEK_BIT) != 0;
		position->condition = position->peeks ? PATTERN_NO_CONDITION : node->condition;
		position->accepts = source->accepts;
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
 * it will ever own must stay.  Nothing of the pattern is kept.  NULL after an
 * error.
 */
PatternProgram *
pattern_compile(const Pattern *pattern, CjmError *error)
{
	Builder		builder = {.pattern = pattern, .error = error};
	PatternProgram *program = NULL;
	uint32		end;
	uint32		first;

	builder.nodes = palloc(PATTERN_MAX_NODES * sizeof(GraphNode));
	builder.source_room = builder.edge_room = builder.visit_room = builder.stack_room = 16;
	builder.sources = palloc(builder.source_room * sizeof(Source));
	builder.edges = palloc(builder.edge_room * sizeof(PatternEdge));
	builder.visits = palloc(builder.visit_room * sizeof(Visit));
	builder.stack = palloc(builder.stack_room * sizeof(Visit));
	end = add_node(&builder, NODE_END, NO_NODE);
	first = build(&builder, pattern->root, end);
	for (uint32 i = 0; i < builder.nnodes; i++)
		builder.nodes[i].visit = NO_NODE;
	if (first != NO_NODE && walk_all(&builder, first))
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
