/*
 * pattern_fuzz.c: patterns, their automaton and the log of rows against brute force.
 *
 * Every input is used twice.
 * - As text, in both dialects: what parses prints to text that parses again
 *   and prints the same; what does not has an error with a message.
 * - As a small case: a tree that is made into a pattern's text, and rows that
 *   go in any order through logs that are split, sent and merged.  What the
 *   automaton finds must be what trying every way in turn finds: whether there
 *   is a match, how many, and which rows are the first one or the longest
 *   beginning of one.
 *
 * The oracle knows the tree, not the text, and shares no code with what it
 * tests.  It follows the pattern as ClickHouse does, item by item with the time
 * to measure from in hand, but takes every way there is.
 *
 *	clang -g -O1 -DFRONTEND -fsanitize=fuzzer,address,undefined -Wno-ignored-attributes \
 *		-I$(pg_config --includedir-server) -Isrc test/fuzz/pattern_fuzz.c $(test/rooms --pure | sed 's|^|src/|') \
 *		-L$(pg_config --pkglibdir) -L$(pg_config --libdir) -lpgcommon -lpgport -lm -o pattern_fuzz
 *
 * With -DPATTERN_RANDOM instead of the fuzzer it makes cases of its own; the
 * arguments are how many, and the seed.
 */
#include "input.h"
#include "pattern/pattern.h"

#include <stdlib.h>

#include "mb/pg_wchar.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			describe(); \
			abort(); \
		} \
	} while (0)

#define MAX_ROWS 8
#define MAX_NODES 96
#define MAX_CHAIN 64
#define MAX_CHAINS 4096

/* How many of the random cases there were of each kind. */
static struct
{
	long		cases;
	long		gated;
	long		ties;
	long		refused;
	long		matched;
	long		partial;
	long		within;
	long		anchored;
	long		barred;
	long		empty;
}			tally;

/*
 * A case
 */

typedef struct Tree
{
	PatternKind kind;
	int			condition;		/* PATTERN_NONE_OF: the bits of those barred */
	PatternOperator op;
	int			seconds;
	int			min;
	int			max;			/* -1: no limit */
	int			nchildren;
	struct Tree *children[3];
} Tree;

typedef struct Row
{
	int			at;				/* seconds */
	int			bits;
} Row;

static PatternDialect dialect;
static Tree nodes[MAX_NODES];
static int	nnodes;
static Tree *root;
static int	within;				/* seconds, or -1 */
static Row	rows[MAX_ROWS];
static int	nrows;
static char source[4096];

static void
describe(void)
{
	fprintf(stderr, "%s: %s\n", dialect == PATTERN_NAMED ? "named" : "numbered", source);
	for (int i = 0; i < nrows; i++)
		fprintf(stderr, "  %d: %s%s%s\n", rows[i].at, rows[i].bits & 1 ? "1" : "", rows[i].bits & 2 ? "2" : "",
				rows[i].bits & 4 ? "3" : "");
}

static Tree *
make_tree(Input *input, int depth)
{
	Tree	   *tree = &nodes[nnodes++];
	int			kind = take(input, 16);

	memset(tree, 0, sizeof(Tree));
	if (depth == 0 || nnodes > 16)
		kind %= 8;
	if (kind < 3)
	{
		tree->kind = PATTERN_CONDITION;
		tree->condition = take(input, 3);
	}
	else if (kind < 4)
	{
		tree->kind = PATTERN_NONE_OF;
		tree->condition = 1 + take(input, 7);
	}
	else if (kind < 5)
		tree->kind = take(input, 2) ? PATTERN_FIRST : PATTERN_LAST;
	else if (kind < 6)
		tree->kind = PATTERN_ANY;
	else if (kind < 7)
	{
		/* .* is a common one. */
		tree->kind = PATTERN_REPEAT;
		tree->max = -1;
		tree->nchildren = 1;
		tree->children[0] = &nodes[nnodes++];
		memset(tree->children[0], 0, sizeof(Tree));
		tree->children[0]->kind = PATTERN_ANY;
	}
	else if (kind < 8)
	{
		tree->kind = PATTERN_GATE;
		tree->op = take(input, 6);
		tree->seconds = take(input, 6);
	}
	else if (kind < 12)
	{
		tree->kind = PATTERN_SEQUENCE;
		tree->nchildren = 2 + take(input, 2);
	}
	else if (kind < 14)
	{
		tree->kind = PATTERN_ALTERNATIVES;
		tree->nchildren = 2;
	}
	else
	{
		tree->kind = PATTERN_REPEAT;
		tree->min = take(input, 3);
		tree->max = take(input, 2) ? -1 : tree->min + take(input, 2);
		if (tree->max == 0)
			tree->max = 1;
		tree->nchildren = 1;
	}
	for (int i = 0; i < tree->nchildren; i++)
		if (tree->children[i] == NULL)
			tree->children[i] = make_tree(input, depth - 1);
	/* Gates and anchors are not repeated alone. */
	if (tree->kind == PATTERN_REPEAT && (tree->children[0]->kind == PATTERN_GATE ||
										 tree->children[0]->kind == PATTERN_FIRST || tree->children[0]->kind == PATTERN_LAST))
		tree->children[0]->kind = PATTERN_CONDITION;
	/* Once is no repetition, and so (.{1})* is .* again. */
	if (tree->kind == PATTERN_REPEAT && tree->min == 1 && tree->max == 1)
		*tree = *tree->children[0];
	return tree;
}

static void
write_tree(const Tree *tree)
{
	static const char *const names[] = {"a", "b@x", "\"c d\""};
	static const char *const operators[] = {"<=", "<", ">=", ">", "==", "!="};
	char	   *end = source + strlen(source);

	switch (tree->kind)
	{
		case PATTERN_CONDITION:
			if (dialect == PATTERN_NAMED)
				sprintf(end, "%s", names[tree->condition]);
			else
				sprintf(end, "(?%d)", tree->condition + 1);
			break;
		case PATTERN_NONE_OF:
			strcpy(end, "!(");
			for (int c = 0; c < 3; c++)
				if (tree->condition >> c & 1)
				{
					if (source[strlen(source) - 1] != '(')
						strcat(source, "|");
					sprintf(source + strlen(source), dialect == PATTERN_NAMED ? "%s" : "(?%s)",
							dialect == PATTERN_NAMED ? names[c] : c == 0 ? "1" : c == 1 ? "2" : "3");
				}
			strcat(source, ")");
			break;
		case PATTERN_FIRST:
			strcpy(end, "^");
			break;
		case PATTERN_LAST:
			strcpy(end, " $");
			break;
		case PATTERN_ANY:
			strcpy(end, ".");
			break;
		case PATTERN_GATE:
			sprintf(end, tree->seconds % 2 ? "(?t%s%d s)" : "(?t %s %d)", operators[tree->op], tree->seconds);
			break;
		case PATTERN_SEQUENCE:
		case PATTERN_ALTERNATIVES:
			for (int i = 0; i < tree->nchildren; i++)
			{
				if (i > 0)
					strcat(source, tree->kind == PATTERN_SEQUENCE ? " " : "|");
				strcat(source, "(");
				write_tree(tree->children[i]);
				strcat(source, ")");
			}
			break;
		case PATTERN_REPEAT:
			if (tree->children[0]->kind == PATTERN_ANY)
				strcat(source, ".");
			else
			{
				strcat(source, "(");
				write_tree(tree->children[0]);
				strcat(source, ")");
			}
			end = source + strlen(source);
			if (tree->max < 0)
				sprintf(end, tree->min == 0 ? "*" : tree->min == 1 ? "+" : "{%d,}", tree->min);
			else
				sprintf(end, "{%d,%d}", tree->min, tree->max);
			break;
	}
}

/* By time, then by first condition, then by second; the test's own way of saying it. */
static bool
comes_before(const Row *a, const Row *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	for (int i = 0; i < 3; i++)
		if ((a->bits >> i & 1) != (b->bits >> i & 1))
			return (a->bits >> i & 1) != 0;
	return false;
}

static void
sort_rows(void)
{
	for (int i = 1; i < nrows; i++)
		for (int j = i; j > 0 && comes_before(&rows[j], &rows[j - 1]); j--)
		{
			Row			swap = rows[j];

			rows[j] = rows[j - 1];
			rows[j - 1] = swap;
		}
}

/*
 * The oracle
 */

typedef struct Todo
{
	const Tree *tree;
	int			more;			/* PATTERN_REPEAT: times done, or -1 for a tree from its beginning */
	struct State *before;		/* PATTERN_REPEAT: where the last time began */
	struct Todo *next;
} Todo;

typedef struct State
{
	int			row;			/* the next one to take */
	bool		started;
	bool		first;			/* "^" was passed */
	int			mark;			/* row to measure from */
	bool		gap;			/* named: rows may be left out before the next one */
	bool		space;			/* numbered: the item before was .* */
	bool		gated;			/* the item before was a gate */
	int			gate_mark;		/* numbered: what that one measured from */
	int			ngates;			/* named: gates to pass */
	const Tree *gates[8];
	int			nchain;			/* rows taken */
	int			chain[MAX_CHAIN];
	const Tree *by[MAX_CHAIN];	/* what took it, or looked at it */
	unsigned	times;			/* which times of repetitions have begun */
	unsigned	when[MAX_CHAIN];	/* those at the row */
} State;

typedef struct Chain
{
	int			nrows;
	int			rows[MAX_CHAIN];
	const Tree *by[MAX_CHAIN];
	unsigned	when[MAX_CHAIN];
	int			nevents;
	int			events[MAX_CHAIN];
} Chain;

static int	best_end;
static bool nothing_taken;		/* no row may be taken or looked at */
static int	best_events;
static bool collect_partial;
static int	nchains;
static Chain chains[MAX_CHAINS];
static long steps;

static bool
passes(const Tree *gate, int from, int to)
{
	int			distance = rows[to].at - rows[from].at;

	switch (gate->op)
	{
		case PATTERN_LE:
			return distance <= gate->seconds;
		case PATTERN_LT:
			return distance < gate->seconds;
		case PATTERN_GE:
			return distance >= gate->seconds;
		case PATTERN_GT:
			return distance > gate->seconds;
		case PATTERN_EQ:
			return distance == gate->seconds;
		case PATTERN_NE:
			return distance != gate->seconds;
	}
	return false;
}

/* Keeps the chains that are as good as the best one so far. */
static void
keep(const State *state, bool better)
{
	Chain	   *chain;

	if (better)
		nchains = 0;
	if (nchains == MAX_CHAINS)
		return;
	chain = &chains[nchains++];
	memset(chain, 0, sizeof(*chain));
	for (int i = 0; i < state->nchain; i++)
	{
		chain->by[chain->nrows] = state->by[i];
		chain->when[chain->nrows] = state->when[i];
		chain->rows[chain->nrows++] = state->chain[i];
		if (state->by[i] && state->by[i]->kind == PATTERN_CONDITION)
			chain->events[chain->nevents++] = state->chain[i];
	}
}

/* A row that a space takes first, or, numbered, that is looked at and not taken, is a part of the chain, though not of the times. */
static void
peek(State *state, int row, const Tree *by)
{
	if (state->nchain < MAX_CHAIN && row < nrows)
	{
		state->chain[state->nchain] = row;
		state->when[state->nchain] = state->times;
		state->by[state->nchain++] = by;
	}
}

static void
finish(const State *state)
{
	/* Gates at the end of a named pattern are refused, unless nothing passes them. */
	if (!collect_partial && state->row <= best_end && state->ngates == 0)
	{
		bool		better = state->row < best_end;
		State		last = *state;

		if (state->gated)
			peek(&last, state->row, NULL);
		best_end = state->row;
		keep(&last, better);
	}
}

static void follow(Todo *todo, State *state);

static void
take_row(const Tree *tree, Todo *next, const State *state, int row)
{
	State		after = *state;

	if (nothing_taken)
		return;
	if (tree->kind == PATTERN_CONDITION && !(rows[row].bits >> tree->condition & 1))
		return;
	if (tree->kind == PATTERN_NONE_OF && (rows[row].bits & tree->condition) != 0)
		return;
	for (int i = 0; i < state->ngates; i++)
		if (!passes(state->gates[i], state->mark, row))
			return;
	if (after.nchain == MAX_CHAIN)
		return;
	after.row = row + 1;
	after.started = true;
	after.mark = row;
	after.gap = after.space = after.gated = false;
	after.ngates = 0;
	after.chain[after.nchain] = row;
	after.when[after.nchain] = after.times;
	after.by[after.nchain++] = tree;
	if (collect_partial && tree->kind == PATTERN_CONDITION)
	{
		int			nevents = 0;

		for (int i = 0; i < after.nchain; i++)
			nevents += after.by[i] && after.by[i]->kind == PATTERN_CONDITION;
		if (nevents >= best_events)
		{
			bool		better = nevents > best_events;

			best_events = nevents;
			keep(&after, better);
		}
	}
	follow(next, &after);
}

static void
take_space(const Tree *tree, Todo *next, const State *state)
{
	State		after = *state;

	if (!state->started && !state->first)
	{
		follow(next, &after);
		return;
	}
	/* After "^" the match has begun. */
	if (!state->started)
	{
		follow(next, &after);
		if (state->row == nrows)
			return;
		peek(&after, state->row, tree);
		after.started = true;
		after.mark = state->row;
		after.row = state->row + 1;
		take_space(tree, next, &after);
		return;
	}
	if (dialect == PATTERN_NAMED)
	{
		after.gap = true;
		follow(next, &after);
		return;
	}
	if (state->gated)
		peek(&after, state->row, tree);
	after.gated = false;
	after.space = true;
	for (int k = state->row; k <= nrows; k++)
	{
		after.row = after.mark = k;
		follow(next, &after);
	}
}

static void
take_gate(const Tree *tree, Todo *next, const State *state)
{
	State		after = *state;

	if (nothing_taken)
		return;
	if (dialect == PATTERN_NAMED)
	{
		if (after.ngates < 8)
			after.gates[after.ngates++] = tree;
		after.gap = true;
		follow(next, &after);
		return;
	}
	after.started = true;
	if (!state->started)
		after.mark = state->row;
	if (after.row == nrows)
		return;
	if (state->gated)
	{
		if (passes(tree, state->gate_mark, state->row))
			follow(next, &after);
		return;
	}
	if (state->space || !state->started)
		peek(&after, after.mark, tree);
	after.space = false;
	after.gated = true;
	after.gate_mark = after.mark;
	for (int k = state->row; k < nrows; k++)
	{
		after.row = after.mark = k;
		if (passes(tree, after.gate_mark, k))
			follow(next, &after);
	}
}

static void
take_anchor(const Tree *tree, Todo *next, const State *state)
{
	State		after = *state;

	/* Compiling refuses a gate beside an anchor. */
	if (state->gated || state->ngates > 0)
		return;
	if (tree->kind == PATTERN_FIRST)
	{
		if (state->started || state->row != 0)
			return;
		after.first = true;
	}
	else if (state->gap)
	{
		after.row = nrows;
		after.gap = false;
	}
	else if (state->row != nrows)
		return;
	follow(next, &after);
}

static bool
same_state(const State *a, const State *b)
{
	return a->row == b->row && a->started == b->started && a->first == b->first && a->mark == b->mark && a->gap == b->gap &&
		a->space == b->space && a->gated == b->gated && a->ngates == b->ngates;
}

static void
follow(Todo *todo, State *state)
{
	const Tree *tree;
	Todo		next[4];

	if (++steps > 3000000)
		return;
	if (todo == NULL)
	{
		finish(state);
		return;
	}
	tree = todo->tree;
	switch (tree->kind)
	{
		case PATTERN_CONDITION:
		case PATTERN_NONE_OF:
		case PATTERN_ANY:
			for (int k = state->row; k < (state->gap ? nrows : Min(state->row + 1, nrows)); k++)
				take_row(tree, todo->next, state, k);
			break;
		case PATTERN_GATE:
			take_gate(tree, todo->next, state);
			break;
		case PATTERN_FIRST:
		case PATTERN_LAST:
			take_anchor(tree, todo->next, state);
			break;
		case PATTERN_SEQUENCE:
			for (int i = 0; i < tree->nchildren; i++)
				next[i] = (Todo) {tree->children[i], -1, NULL, i + 1 < tree->nchildren ? &next[i + 1] : todo->next};
			follow(&next[0], state);
			break;
		case PATTERN_ALTERNATIVES:
			for (int i = 0; i < tree->nchildren; i++)
			{
				next[0] = (Todo) {tree->children[i], -1, NULL, todo->next};
				follow(&next[0], state);
			}
			break;
		case PATTERN_REPEAT:
			{
				int			done = Max(todo->more, 0);
				State		before = *state;

				if (done > tree->min && todo->before && same_state(todo->before, state))
					return;
				if (done >= tree->min)
				{
					if (tree->max < 0 && tree->children[0]->kind == PATTERN_ANY)
					{
						take_space(tree, todo->next, state);
						return;
					}
					follow(todo->next, state);
				}
				if (done == tree->max || done > tree->min + 2 * MAX_ROWS)
					return;
				state->times = state->times * 31 + done + 1;
				next[1] = (Todo) {tree, done + 1, &before, todo->next};
				next[0] = (Todo) {tree->children[0], -1, NULL, &next[1]};
				follow(&next[0], state);
				break;
			}
	}
}

/* The end of the shortest match that begins with a row, or nrows + 1; chains are those of that match. */
static int
oracle_end(int row)
{
	Todo		todo = {root, -1, NULL, NULL};
	State		state = {.row = row};

	best_end = nrows + 1;
	nchains = 0;
	steps = 0;
	follow(&todo, &state);
	if (best_end <= nrows && within >= 0 && best_end > row && rows[best_end - 1].at - rows[row].at > within)
		best_end = nrows + 1;
	return best_end;
}

/*
 * Whether a chain has an earlier row where they first differ.  Where the same
 * row is taken by different parts of the pattern, either may be chosen.
 */
static bool
is_earlier(const Chain *a, const Chain *b)
{
	int			k = 0;

	while (k < a->nrows && k < b->nrows && a->rows[k] == b->rows[k] && a->by[k] == b->by[k] && a->when[k] == b->when[k])
		k++;
	return k < a->nrows && k < b->nrows && a->rows[k] < b->rows[k];
}

/* The same, of the rows that conditions took. */
static bool
has_earlier_event(const Chain *a, const Chain *b)
{
	int			k = 0;

	while (k < a->nevents && k < b->nevents && a->events[k] == b->events[k])
		k++;
	return k < a->nevents && k < b->nevents && a->events[k] < b->events[k];
}

/*
 * Whether the times are those of a chain whose rows are as early as can be, be
 * it of all the rows that were taken or looked at, or of those that count.
 */
static bool
is_best_chain(const int64 *times, uint32 count)
{
	for (int i = 0; i < nchains; i++)
	{
		const Chain *chain = &chains[i];
		bool		same = (uint32) chain->nevents == count;

		for (uint32 k = 0; k < count && same; k++)
			same = times[k] == rows[chain->events[k]].at * USECS_PER_SEC;
		if (same)
		{
			bool		earlier = false;
			bool		earlier_event = false;

			for (int k = 0; k < nchains; k++)
			{
				earlier = earlier || is_earlier(&chains[k], chain);
				earlier_event = earlier_event || has_earlier_event(&chains[k], chain);
			}
			if (!earlier || !earlier_event)
				return true;
		}
	}
	return false;
}

/*
 * The test
 */

/* The rows by way of logs: split at random, added out of order, one of them sent. */
static void
log_rows(Input *input, ConditionRows *result)
{
	uint32		nconditions = take(input, 4) ? 3 : 70;
	ConditionHead *head = condition_head_create(nconditions, "head", 4);
	ConditionLog *log = condition_log_create(head, 0);
	ConditionLog *other = condition_log_create(head, take(input, 100));
	ConditionLog *last = NULL;
	uint8	   *bytes;
	size_t		size;
	CjmError	error = {0};
	int			order[MAX_ROWS];

	for (int i = 0; i < nrows; i++)
		order[i] = i;
	for (int i = nrows - 1; i > 0; i--)
	{
		int			j = take(input, i + 1);
		int			swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	for (int i = 0; i < nrows; i++)
	{
		uint64		bits[2] = {rows[order[i]].bits, 0};

		REQUIRE(condition_log_add(take(input, 2) ? &log : &other, rows[order[i]].at * USECS_PER_SEC, bits, &error));
	}
	/* Twice, the second time where another one was read. */
	for (int i = take(input, 2); i < 2; i++)
	{
		bytes = condition_log_serialize(i == 0 ? log : other, 4, &size);
		last = condition_log_deserialize(last, bytes + 4, size - 4, &error);
		REQUIRE(last != NULL && condition_head_is(last->head, "head", 4));
	}
	other = last;
	REQUIRE(condition_log_append(&log, other, &error));
	REQUIRE(condition_log_rows(log, result, &error));
	REQUIRE(result->count == (uint32) nrows);
	for (int i = 0; i < nrows; i++)
		REQUIRE(result->rows[i].at == rows[i].at * USECS_PER_SEC &&
				condition_row_bits(result, &result->rows[i])[0] == (uint64) rows[i].bits);
}

static void
check_events(PatternProgram *program, const ConditionRows *data, const int *ends)
{
	CjmError	error = {0};
	int64	   *times;
	uint32		count;
	int			first = 0;

	while (first < nrows && ends[first] > nrows)
		first++;
	count = pattern_events(program, data, true, &times, &error);
	if (first < nrows)
	{
		oracle_end(first);
		if (nchains < MAX_CHAINS && steps < 3000000)
			REQUIRE(is_best_chain(times, count));
		tally.matched++;
		return;
	}
	REQUIRE(pattern_events(program, data, false, &times, &error) == 0);
	/* Nothing after the last row is a match, too. */
	if (within >= 0 || ends[nrows] == nrows)
	{
		REQUIRE(count == 0);
		return;
	}
	collect_partial = true;
	best_events = 0;
	nchains = 0;
	for (int row = 0; row < nrows; row++)
	{
		Todo		todo = {root, -1, NULL, NULL};
		State		state = {.row = row};
		int			before = best_events;

		/* The first row of those as good is the one. */
		best_events++;
		if (row == 0)
			before = 0;
		{
			int			wanted = best_events;
			int			kept = nchains;
			static Chain saved[MAX_CHAINS];

			memcpy(saved, chains, kept * sizeof(Chain));
			nchains = 0;
			steps = 0;
			follow(&todo, &state);
			if (nchains == 0)
			{
				best_events = before;
				nchains = kept;
				memcpy(chains, saved, kept * sizeof(Chain));
			}
			else
				REQUIRE(best_events >= wanted);
		}
	}
	collect_partial = false;
	count = pattern_events(program, data, true, &times, &error);
	REQUIRE(count == (uint32) best_events);
	if (count > 0 && nchains < MAX_CHAINS)
	{
		REQUIRE(is_best_chain(times, count));
		tally.partial++;
	}
}

/*
 * Whether a pattern needs no row anywhere, which only an oracle between two rows can say; that counts a
 * row as a match each.
 */
static bool
needs_no_row(ConditionRows *data, PatternProgram *program)
{
	State		state = {.row = 1};
	Todo		todo = {root, -1, NULL, NULL};
	int			saved = nrows;

	nrows = 2;
	best_end = 3;
	steps = 0;
	nothing_taken = true;
	follow(&todo, &state);
	nothing_taken = false;
	nrows = saved;
	if (best_end != 1)
		return false;
	REQUIRE(pattern_count(program, data) == (uint32) nrows);
	REQUIRE(pattern_matches(program, data));
	return true;
}

static void
check_case(Input *input)
{
	Pattern		pattern;
	PatternProgram *program;
	ConditionRows data;
	CjmError	error = {0};
	StringInfoData printed;
	StringInfoData again;
	int			at = 0;
	int			ends[MAX_ROWS + 1];
	int			last = -1;
	uint32		count = 0;

	dialect = take(input, 2) ? PATTERN_NAMED : PATTERN_NUMBERED;
	nnodes = 0;
	root = make_tree(input, 3);
	within = take(input, 4) ? -1 : 1 + take(input, 8);
	nrows = take(input, MAX_ROWS + 1);
	for (int i = 0; i < nrows; i++)
	{
		at += take(input, 4);
		rows[i] = (Row) {at, take(input, 8)};
		/* Mostly one condition a row, as data has it. */
		if (take(input, 2))
			rows[i].bits = 1 << take(input, 3);
	}
	sort_rows();
	source[0] = '\0';
	write_tree(root);
	if (within >= 0)
		sprintf(source + strlen(source), " within %d s", within);

	tally.cases++;
	tally.gated += strstr(source, "?t") != NULL;
	tally.within += within >= 0;
	tally.anchored += strpbrk(source, "^$") != NULL;
	tally.barred += strchr(source, '!') != NULL;
	for (int i = 1; i < nrows; i++)
		if (rows[i].at == rows[i - 1].at)
		{
			tally.ties++;
			break;
		}
	if (!pattern_parse(source, strlen(source), PG_UTF8, dialect, &pattern, &error))
		REQUIRE(!"it parses");
	program = pattern_compile(&pattern, &error);
	if (program == NULL)
	{
		/* Only a gate at an end of a named pattern or beside an anchor is refused, and an anchor that never holds. */
		if (strpbrk(source, "^$") == NULL)
			REQUIRE(dialect == PATTERN_NAMED && strstr(error.message, "time gate") != NULL);
		REQUIRE(strstr(error.message, "time gate") != NULL || strstr(error.message, "never holds") != NULL);
		tally.refused++;
		return;
	}
	initStringInfo(&printed);
	pattern_print(&printed, &pattern);

	/* The oracle's numbers are those of the text; so are the printed pattern's. */
	if (dialect == PATTERN_NAMED)
	{
		int			map[3] = {-1, -1, -1};

		for (uint32 i = 0; i < pattern.nconditions; i++)
			map[i] = pattern.events[i].event.bytes[0] - 'a';
		for (int i = 0; i < nrows; i++)
		{
			int			bits = 0;

			for (int c = 0; c < 3; c++)
				if (map[c] >= 0 && (rows[i].bits >> map[c] & 1))
					bits |= 1 << c;
			rows[i].bits = bits;
		}
		for (int i = 0; i < nnodes; i++)
		{
			if (nodes[i].kind == PATTERN_CONDITION)
				for (int c = 0; c < 3; c++)
					if (map[c] == nodes[i].condition)
					{
						nodes[i].condition = c;
						break;
					}
			if (nodes[i].kind == PATTERN_NONE_OF)
			{
				int			barred = 0;

				for (int c = 0; c < 3; c++)
					if (map[c] >= 0 && (nodes[i].condition >> map[c] & 1))
						barred |= 1 << c;
				nodes[i].condition = barred;
			}
		}
		sort_rows();
	}
	log_rows(input, &data);

	for (int row = 0; row <= nrows; row++)
	{
		ends[row] = oracle_end(row);
		if (steps > 3000000)
			return;
	}
	if (needs_no_row(&data, program))
		return;
	for (int row = 0; row < nrows;)
	{
		if (ends[row] <= nrows)
		{
			count++;
			last = ends[row];
			row = Max(ends[row], row + 1);
		}
		else
			row++;
	}
	/* After the last row there can be only a match of no row; it counts if there is a row and no match before it ends there. */
	if (nrows > 0 && ends[nrows] == nrows && last != nrows)
		count++;
	tally.empty += ends[0] == 0 || ends[nrows] == nrows;
	if (nrows == 0)
	{
		REQUIRE(pattern_matches(program, &data) == (ends[0] == 0));
		REQUIRE(pattern_count(program, &data) == 0);
		return;
	}
	REQUIRE(pattern_matches(program, &data) == (count > 0));
	REQUIRE(pattern_count(program, &data) == count);
	check_events(program, &data, ends);

	/* The canonical text means the same, and is its own. */
	error = (CjmError) {0};
	REQUIRE(pattern_parse(printed.data, printed.len, PG_UTF8, dialect, &pattern, &error));
	initStringInfo(&again);
	pattern_print(&again, &pattern);
	REQUIRE(strcmp(printed.data, again.data) == 0);
	program = pattern_compile(&pattern, &error);
	REQUIRE(program != NULL && pattern_count(program, &data) == count);
}

static void
check_text(const uint8 *data, size_t size, PatternDialect in)
{
	int			encoding = pg_encoding_verifymbstr(PG_UTF8, (const char *) data, size) == (int) size ?
		PG_UTF8 : PG_LATIN1;
	CjmError	error = {0};
	Pattern		pattern;
	StringInfoData printed;
	StringInfoData again;

	if (!pattern_parse((const char *) data, size, encoding, in, &pattern, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return;
	}
	initStringInfo(&printed);
	pattern_print(&printed, &pattern);
	if (!pattern_parse(printed.data, printed.len, encoding, in, &pattern, &error))
	{
		fprintf(stderr, "%s\n%s\n", error.message, printed.data);
		abort();
	}
	initStringInfo(&again);
	pattern_print(&again, &pattern);
	REQUIRE(strcmp(printed.data, again.data) == 0);
	if (pattern_compile(&pattern, &error) == NULL)
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	Input		input = {data, data + size};

	source[0] = '\0';
	nrows = 0;
	check_text(data, size, PATTERN_NUMBERED);
	check_text(data, size, PATTERN_NAMED);
	check_case(&input);
	return 0;
}

#ifdef PATTERN_RANDOM

/* What was allocated for a case is freed with it. */
static void *chunks[1 << 16];
static size_t nchunks;

static void *
remember(void *chunk)
{
	if (chunk == NULL || nchunks == lengthof(chunks))
		abort();
	return chunks[nchunks++] = chunk;
}

static void
forget(void *chunk)
{
	for (size_t i = nchunks; i-- > 0;)
		if (chunks[i] == chunk)
		{
			chunks[i] = chunks[--nchunks];
			return;
		}
	abort();
}

void *
palloc(Size size)
{
	return remember(malloc(Max(size, 1)));
}

void *
palloc0(Size size)
{
	return remember(calloc(1, Max(size, 1)));
}

void *
palloc_extended(Size size, int flags)
{
	return flags & MCXT_ALLOC_ZERO ? palloc0(size) : palloc(size);
}

void *
repalloc(void *chunk, Size size)
{
	forget(chunk);
	return remember(realloc(chunk, size));
}

void
pfree(void *chunk)
{
	forget(chunk);
	free(chunk);
}

char *
pstrdup(const char *string)
{
	return strcpy(palloc(strlen(string) + 1), string);
}

int
main(int argc, char **argv)
{
	long		cases = argc > 1 ? atol(argv[1]) : 200000;
	uint64		random = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	random = random * UINT64CONST(0x9e3779b97f4a7c15) + 1;
	while (tally.cases < cases)
	{
		uint8		data[128];
		Input		input = {data, data + sizeof(data)};

		for (size_t i = 0; i < sizeof(data); i++)
		{
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			data[i] = (uint8) (random >> 32);
		}
		check_case(&input);
		while (nchunks > 0)
			free(chunks[--nchunks]);
	}
	printf("%ld cases: %ld gated, %ld with ties, %ld within, %ld anchored, %ld barred, %ld empty, %ld matched, %ld with a beginning only, %ld refused\n",
		   tally.cases, tally.gated, tally.ties, tally.within, tally.anchored, tally.barred, tally.empty, tally.matched, tally.partial, tally.refused);
	return 0;
}

#endif
