/*
 * pattern/run.c: runs the automaton of a pattern over rows.
 *
 * The method: dynamic programming over the real-time automaton, backwards.
 * From the last row to the first, the worth of every position at every row is
 * computed from the rows after it: the earliest end of a match that goes on
 * from there.  It is the least over the edges that leave the position,
 *
 *	to the next row:	the worth there,
 *	to any later row:	the least worth so far, one number a position,
 *	through a gate:		the least worth of rows at a distance from low to
 *						high: a window that slides backwards with the time.  A
 *						queue keeps of the rows in the window those that no
 *						row nearer by beats, and its first one is the least.
 *						Rows that are still too near wait in a second queue.
 *
 * so a row costs a step for every edge of the positions that hold at it, and
 * every row enters and leaves every queue at most once: time is linear in the
 * rows for a given pattern, whatever it is.  Nothing is guessed, so nothing is
 * ever tried again.
 *
 * A row then begins a match if a position that may begin one is worth anything
 * there, and that worth is the end of its shortest one; a limit of the whole
 * match is asked of that one.  Matches are taken from the first row on, each as
 * short as it can be, and the next one is looked for after its last row.
 *
 * Which rows a match consists of is found by going through its rows once more,
 * backwards for the worths, of which those that there are are kept, and then
 * forwards: from each position to the first row from which the end can still
 * be had.  So every row of it is as early as those before it allow.
 *
 * The longest beginning of a match is found the same way; there the worth of a
 * position is how many conditions can follow, counted downwards.
 */
#include "pattern/program.h"

/* Worths: less is better. */
#define NO_WORTH PG_UINT32_MAX
#define PARTIAL_END (PG_UINT32_MAX - 1)

/* How many worths a trace may hold: 256 MB. */
#define TRACE_MAX_ENTRIES (1 << 25)

/*
 * Worths of all rows, the last row first: of a match those equal to its own,
 * since no other can be part of it; of a beginning all that there are.
 */
typedef struct Trace
{
	PatternEntries worths;		/* row is the position here */
	size_t	   *ends;			/* by row - from: where the worths of the row end */
	uint32		from;
	uint32		target;			/* the worth of the match */
	bool		full;			/* more than TRACE_MAX_ENTRIES were needed */
} Trace;

/* What rows to go through, and how. */
typedef struct Run
{
	PatternProgram *program;
	const ConditionRows *rows;
	uint32		from;			/* first row */
	uint32		to;				/* row after the last one */
	bool		partial;
	Trace	   *trace;			/* or NULL */
} Run;

static void
entries_add(PatternEntries *list, uint32 row, uint32 worth)
{
	if (list->end == list->room)
	{
		if (list->first > list->room / 2)
		{
			memmove(list->entries, list->entries + list->first, (list->end - list->first) * sizeof(PatternEntry));
			list->end -= list->first;
			list->first = 0;
		}
		else
		{
			list->room *= 2;
			list->entries = repalloc_huge(list->entries, list->room * sizeof(PatternEntry));
		}
	}
	list->entries[list->end++] = (PatternEntry) {row, worth};
}

/* Lets a row into the window; it beats every row farther off that is worth no more. */
static inline void
queue_open(PatternQueue *queue, uint32 row, uint32 worth)
{
	PatternEntries *open = &queue->open;

	while (open->end > open->first && open->entries[open->end - 1].worth >= worth)
		open->end--;
	entries_add(open, row, worth);
}

static inline void
queue_add(PatternQueue *queue, uint32 row, uint32 worth)
{
	if (queue->low == 0)
		queue_open(queue, row, worth);
	else
		entries_add(&queue->waiting, row, worth);
}

/* The least worth of the rows at a distance from low to high; at never rises from call to call. */
static inline uint32
queue_best(PatternQueue *queue, const ConditionRow *rows, int64 at)
{
	PatternEntries *waiting = &queue->waiting;
	PatternEntries *open = &queue->open;

	for (; waiting->first < waiting->end; waiting->first++)
	{
		const PatternEntry *entry = &waiting->entries[waiting->first];

		if ((uint64) rows[entry->row].at - (uint64) at < queue->low)
			break;
		queue_open(queue, entry->row, entry->worth);
	}
	while (open->first < open->end &&
		   (uint64) rows[open->entries[open->first].row].at - (uint64) at > queue->high)
		open->first++;
	return open->first < open->end ? open->entries[open->first].worth : NO_WORTH;
}

static inline bool
holds(const PatternPosition *position, const ConditionRows *rows, const ConditionRow *row)
{
	if (position->condition == PATTERN_NO_CONDITION)
	{
		if (position->nbarred == 0)
			return true;
		if (rows->nwords <= 1)
			return (row->bits & position->barred_bits) == 0;
		for (uint32 i = 0; i < position->nbarred; i++)
			if (condition_bit(condition_row_bits(rows, row), position->barred[i]))
				return false;
		return true;
	}
	if (rows->nwords <= 1)
		return (row->bits >> position->condition & 1) != 0;
	return condition_bit(condition_row_bits(rows, row), position->condition);
}

/* The worth of a position at a row where it holds, all rows after it being known. */
static inline uint32
worth_at(const Run *run, const PatternPosition *position, uint32 row)
{
	PatternProgram *program = run->program;
	const PatternEdge *edge = program->edges + position->first_edge;
	uint32		best = NO_WORTH;

	if (run->partial)
		best = PARTIAL_END;
	else if (position->ends != ENDS_NOT)
	{
		if (position->ends == ENDS_HERE)
			return position->peeks ? row : row + 1;
		if (position->ends == ENDS_LATER || row + 1 == run->rows->count)
			best = run->rows->count;
	}
	for (uint32 e = position->nedges; e > 0; e--, edge++)
	{
		uint32		worth;

		switch (edge->step)
		{
			case STEP_NEXT:
				worth = program->next[edge->to];
				break;
			case STEP_LATER:
				worth = program->later[edge->to];
				break;
			default:
				worth = queue_best(&program->queues[edge->queue], run->rows->rows, run->rows->rows[row].at);
				break;
		}
		best = Min(best, worth);
	}
	if (run->partial && position->condition != PATTERN_NO_CONDITION)
		best--;
	return best;
}

/* Makes the worth of a position known to the rows before, and to those that peek. */
static inline void
publish(const Run *run, uint32 number, uint32 row, uint32 worth)
{
	PatternProgram *program = run->program;
	const PatternPosition *position = &program->positions[number];

	program->here[number] = worth;
	if (worth == NO_WORTH)
		return;
	if (position->wanted_later)
		program->later[number] = Min(program->later[number], worth);
	for (uint32 q = 0; q < position->nqueues; q++)
		queue_add(&program->queues[position->first_queue + q], row, worth);
	if (run->trace && (run->partial || worth == run->trace->target))
	{
		if (run->trace->worths.end < TRACE_MAX_ENTRIES)
			entries_add(&run->trace->worths, number, worth);
		else
			run->trace->full = true;
	}
}

static void
run_start(const Run *run)
{
	PatternProgram *program = run->program;
	size_t		size = program->npositions * sizeof(uint32);

	memset(program->next, 0xff, size);
	memset(program->later, 0xff, size);
	for (uint32 q = 0; q < program->nqueues; q++)
	{
		PatternQueue *queue = &program->queues[q];

		queue->waiting.first = queue->waiting.end = 0;
		queue->open.first = queue->open.end = 0;
	}
}

/*
 * Computes the worths at a row, after run_start and all rows after it, and
 * returns the least of those that a match may begin with.
 */
static uint32
run_row(const Run *run, uint32 row)
{
	PatternProgram *program = run->program;
	const ConditionRow *data = &run->rows->rows[row];
	uint32		ntaking = program->npositions - program->npeeking;
	uint32		best = NO_WORTH;
	uint32	   *swap;

	for (uint32 p = 0; p < ntaking; p++)
	{
		const PatternPosition *position = &program->positions[p];

		program->here[p] = holds(position, run->rows, data) ? worth_at(run, position, row) : NO_WORTH;
	}
	/* None of those sees what another is worth at the same row; what peeks does. */
	for (uint32 p = 0; p < ntaking; p++)
		if (program->here[p] != NO_WORTH)
			publish(run, p, row, program->here[p]);
	for (uint32 p = ntaking; p < program->npositions; p++)
		publish(run, p, row, worth_at(run, &program->positions[p], row));
	for (uint32 s = 0; s < program->nstarts; s++)
		if (row == 0 || !program->starts[s].first)
			best = Min(best, program->here[program->starts[s].position]);
	if (row == 0 && (program->empty & PATTERN_EMPTY_FIRST) != 0 && !run->partial)
		best = 0;
	if (run->trace)
		run->trace->ends[row - run->trace->from] = run->trace->worths.end;
	swap = program->next;
	program->next = program->here;
	program->here = swap;
	CHECK_FOR_INTERRUPTS();
	return best;
}

/* Whether a match from a row to the one before end keeps to the limit of the whole match. */
static inline bool
is_within(const Run *run, uint32 row, uint32 end)
{
	const ConditionRow *rows = run->rows->rows;

	return run->program->within == PATTERN_NO_LIMIT || end <= row ||
		(uint64) rows[end - 1].at - (uint64) rows[row].at <= (uint64) run->program->within;
}

/* Whether the pattern needs no row, and so matches where there is none. */
bool
pattern_matches_nothing(const PatternProgram *program)
{
	return program->empty != 0;
}

/* Whether there can be a match among rows where only these conditions may hold. */
bool
pattern_may_begin(const PatternProgram *program, const uint64 *possible)
{
	for (uint32 s = 0; s < program->nstarts; s++)
	{
		uint32		condition = program->positions[program->starts[s].position].condition;

		if (condition == PATTERN_NO_CONDITION || condition_bit(possible, condition))
			return true;
	}
	return program->empty != 0;
}

/*
 * Whether the rows have a match; rows must have the conditions that the pattern
 * asks for.  A pattern that needs no row matches where there is none, too.
 */
bool
pattern_matches(PatternProgram *program, const ConditionRows *rows)
{
	Run			run = {program, rows, 0, rows->count, false, NULL};

	if ((program->empty & ~PATTERN_EMPTY_ALONE) != 0 || (program->empty != 0 && rows->count == 0))
		return true;
	run_start(&run);
	for (uint32 row = rows->count; row-- > 0;)
	{
		uint32		end = run_row(&run, row);

		if (end != NO_WORTH && is_within(&run, row, end))
			return true;
	}
	return false;
}

/*
 * The number of matches, none of which shares a row with another.  One of no row
 * counts where there is a row, and one after the last row if none ends with that.
 */
uint32
pattern_count(PatternProgram *program, const ConditionRows *rows)
{
	Run			run = {program, rows, 0, rows->count, false, NULL};
	uint32		room[CONDITION_ROWS_ROOM + 1];
	uint32	   *counts = room;
	uint32		count;

	if ((program->empty & PATTERN_EMPTY_ANYWHERE) != 0 || rows->count == 0)
		return rows->count;
	/* counts[i] is the number from row i on. */
	if (rows->count > CONDITION_ROWS_ROOM)
		counts = palloc_extended(((size_t) rows->count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	counts[rows->count] = (program->empty & PATTERN_EMPTY_LAST) != 0;
	run_start(&run);
	for (uint32 row = rows->count; row-- > 0;)
	{
		uint32		end = run_row(&run, row);

		if (end != NO_WORTH && is_within(&run, row, end))
			counts[row] = end == rows->count ? 1 : counts[Max(end, row + 1)] + 1;
		else
			counts[row] = counts[row + 1];
	}
	count = counts[0];
	if (counts != room)
		pfree(counts);
	return count;
}

/* Puts the worths of a row into program->traced, and takes them out of it again. */
static void
trace_row(const Run *run, uint32 row, bool put)
{
	const Trace *trace = run->trace;
	size_t		entry = row + 1 < run->to ? trace->ends[row + 1 - trace->from] : 0;

	for (; entry < trace->ends[row - trace->from]; entry++)
		run->program->traced[trace->worths.entries[entry].row] = put ? trace->worths.entries[entry].worth : NO_WORTH;
}

/* Whether an edge leads from one row to another. */
static bool
edge_leads(const Run *run, const PatternEdge *edge, uint32 from, uint32 to)
{
	const ConditionRow *rows = run->rows->rows;
	uint64		distance = (uint64) rows[to].at - (uint64) rows[from].at;

	switch (edge->step)
	{
		case STEP_NEXT:
			return to == from + 1;
		case STEP_LATER:
			return true;
		default:
			return distance >= edge->low && distance <= edge->high;
	}
}

/*
 * The position that follows number at a row, with the worth target; it is put
 * where number was.  The worths of the row are in program->traced.
 */
static bool
follow(const Run *run, uint32 *number, uint32 from, uint32 to, uint32 target)
{
	const PatternProgram *program = run->program;
	const PatternPosition *position = &program->positions[*number];

	for (uint32 e = 0; e < position->nedges; e++)
	{
		const PatternEdge *edge = &program->edges[position->first_edge + e];

		/* Of those that peek at one row, each sees the ones evaluated before it. */
		if (to == from && program->positions[edge->to].peeks && edge->to >= *number)
			continue;
		if (program->traced[edge->to] == target && edge_leads(run, edge, from, to))
		{
			*number = edge->to;
			return true;
		}
	}
	return false;
}

/*
 * Goes through rows from .. to - 1 for the match that begins with the first of
 * them and is worth target; fills times of its conditions and returns how many,
 * or fails if that takes more memory than there is for it.
 */
static uint32
trace_match(Run *run, uint32 target, int64 **times, CjmError *error)
{
	PatternProgram *program = run->program;
	Trace		trace = {.from = run->from, .target = target};
	uint32		number = PG_UINT32_MAX;
	uint32		row = run->from;
	uint32		count = 0;
	uint32		room = 8;

	trace.ends = palloc_extended((size_t) (run->to - run->from) * sizeof(size_t), MCXT_ALLOC_HUGE);
	trace.worths.room = PATTERN_ENTRIES_ROOM;
	trace.worths.entries = palloc(PATTERN_ENTRIES_ROOM * sizeof(PatternEntry));
	run->trace = &trace;
	run_start(run);
	for (uint32 i = run->to; i-- > run->from && !trace.full;)
		run_row(run, i);
	if (trace.full)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "match of up to %u rows by a pattern of %u positions is too large to be told row by row",
				 run->to - run->from, program->npositions);
		cjm_fail_hint(error, "A shorter pattern, or conditions that fewer rows meet, take less; whether and how often rows match has no such limit.");
		pfree(trace.ends);
		pfree(trace.worths.entries);
		run->trace = NULL;
		return 0;
	}

	*times = palloc(room * sizeof(int64));
	memset(program->traced, 0xff, program->npositions * sizeof(uint32));
	trace_row(run, row, true);
	for (uint32 s = 0; s < program->nstarts && number == PG_UINT32_MAX; s++)
		if (program->traced[program->starts[s].position] == target && (row == 0 || !program->starts[s].first))
			number = program->starts[s].position;
	Assert(number != PG_UINT32_MAX);
	for (;;)
	{
		const PatternPosition *position = &program->positions[number];
		uint32		from = row;

		if (position->condition != PATTERN_NO_CONDITION)
		{
			if (count == room)
			{
				room *= 2;
				*times = repalloc_huge(*times, (size_t) room * sizeof(int64));
			}
			(*times)[count++] = run->rows->rows[row].at;
			if (run->partial)
				target++;
		}
		if (run->partial ? target == PARTIAL_END :
			position->ends == ENDS_HERE || (position->ends == ENDS_LATER && target == run->rows->count) ||
			(position->ends == ENDS_LAST && row + 1 == run->rows->count))
			break;
		if (!position->peeks)
		{
			trace_row(run, row, false);
			trace_row(run, ++row, true);
		}
		while (!follow(run, &number, from, row, target))
		{
			CHECK_FOR_INTERRUPTS();
			trace_row(run, row, false);
			trace_row(run, ++row, true);
		}
	}
	pfree(trace.ends);
	pfree(trace.worths.entries);
	run->trace = NULL;
	return count;
}

/*
 * The times of the conditions of the first match, palloc'd, and how many they
 * are.  If there is none and partial is set: of the longest beginning of a
 * match, the first one of those.  0 and an error if the match is too large.
 */
uint32
pattern_events(PatternProgram *program, const ConditionRows *rows, bool partial, int64 **times, CjmError *error)
{
	Run			run = {program, rows, 0, rows->count, false, NULL};
	uint32		first = PG_UINT32_MAX;
	uint32		worth = NO_WORTH;

	*times = NULL;
	if ((program->empty & PATTERN_EMPTY_ANYWHERE) != 0 || rows->count == 0)
		return 0;
	run_start(&run);
	for (uint32 row = rows->count; row-- > 0;)
	{
		uint32		end = run_row(&run, row);

		if (end != NO_WORTH && is_within(&run, row, end))
		{
			first = row;
			worth = end;
		}
	}
	if (first != PG_UINT32_MAX && worth == first)
		return 0;
	if (first != PG_UINT32_MAX)
	{
		run.from = first;
		run.to = Min(worth + 1, rows->count);
		return trace_match(&run, worth, times, error);
	}
	/* Beginnings do not know when they began. */
	if (!partial || (program->empty & PATTERN_EMPTY_LAST) != 0 || program->within != PATTERN_NO_LIMIT)
		return 0;

	run.partial = true;
	run_start(&run);
	for (uint32 row = rows->count; row-- > 0;)
	{
		uint32		end = run_row(&run, row);

		if (end <= worth)
		{
			first = row;
			worth = end;
		}
	}
	if (worth >= PARTIAL_END)
		return 0;
	run.from = first;
	return trace_match(&run, worth, times, error);
}
