/*
 * windows/attribution.c: attribution_credit(at, is_conversion, model, ...), a
 * window function over (PARTITION BY customer ORDER BY at).
 *
 * What a row earns of the next conversion is known when that has been read, so
 * rows are read ahead, a segment at a time: up to the last row at the time of
 * the next conversion, or to the end of the partition.  The units of that
 * conversion are those of attribute(): only times count, conversions of one
 * time have the same units and are none of each other.  Rows of one time cannot
 * be told apart, whatever else the window orders them by, and earn the same.
 *
 * A row without a time is none.  With a lookback an earlier conversion is a
 * touchpoint like every other, and its row waits for the conversion after it.
 *
 * Memory, in the context of the partition: 40 bytes a row from one conversion
 * to the next, and 32 for each row in the lookback.
 */
#include "base/glue.h"

#include "attribution/arguments.h"
#include "utils/memutils.h"
#include "windows/order.h"

PG_FUNCTION_INFO_V1(window_attribution_credit);

#define FIRST_ROOM 16

enum
{
	ARG_AT, ARG_IS_CONVERSION, ARG_MODEL, ARG_LOOKBACK, ARG_IS_DIRECT, ARG_HALF_LIFE, ARG_WEIGHTS
};

/* Answers that are no credit. */
#define NO_ANSWER (-1.0)		/* NULL */
#define NOT_YET (-2.0)			/* the row waits for the next conversion */

/* The arguments that do not change within a partition; no padding, so that bytes compare. */
typedef struct CreditOptions
{
	int64		model;
	int64		lookback;		/* microseconds; -1: none */
	AttributionRules rules;
} CreditOptions;

/* A row that was read. */
typedef struct CreditRow
{
	bool		timeless;
	bool		conversion;
	bool		direct;
	int64		at;
} CreditRow;

/*
 * Touchpoints in time order.  Of a unit touch is the low bits of its row's
 * position, and channel whether that row is a conversion.
 */
typedef struct CreditUnits
{
	size_t		count;
	size_t		room;
	AttributionUnit *list;
} CreditUnits;

/* What is known of a partition; zeroed before its first row. */
typedef struct CreditState
{
	bool		constant;		/* the options are the same for all rows whatever they are */
	const CreditOptions *options;	/* NULL: not asked yet */
	WindowOrder order;
	int64		base;			/* position of the row that answers[0] is of */
	size_t		nanswers;		/* rows read from there on */
	size_t		answer_room;
	double	   *answers;
	bool		ahead;			/* the row after those was read, and is the first of the next segment: */
	CreditRow	next;
	CreditUnits units;			/* that the next conversion has, and perhaps older ones */
	size_t		waiting;		/* the first of them that waits for it */
	CreditUnits conversions;	/* of the segment's last time */
} CreditState;

/* Reads the options off the current row. */
static void
read_options(FunctionCallInfo fcinfo, CreditOptions *options)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Datum		values[ARG_WEIGHTS + 1];
	bool		nulls[ARG_WEIGHTS + 1];

	for (int i = ARG_MODEL; i <= ARG_WEIGHTS; i++)
	{
		static const char *const names[] = {"model", "lookback", "is_direct", "half_life", "weights"};

		values[i] = WinGetFuncArgCurrent(window, i, &nulls[i]);
		if (nulls[i] && i != ARG_LOOKBACK && i != ARG_IS_DIRECT)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be NULL", names[i - ARG_MODEL])));
	}
	memset(options, 0, sizeof(*options));
	options->model = attribution_model_argument(values[ARG_MODEL]);
	options->lookback = nulls[ARG_LOOKBACK] ? -1 : interval_microseconds(DatumGetIntervalP(values[ARG_LOOKBACK]), "lookback");
	attribution_rules_arguments(values[ARG_HALF_LIFE], values[ARG_WEIGHTS], &options->rules);
	if (options->model == ATTRIBUTION_LAST_NON_DIRECT && nulls[ARG_IS_DIRECT] && get_fn_expr_arg_stable(fcinfo->flinfo, ARG_IS_DIRECT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("last_non_direct has to know which rows are direct"),
				 errhint("Say it with is_direct => channel IS NULL, for example.")));
}

/* Sees to it that the partition's options are known, and the same as before. */
static void
check_options(FunctionCallInfo fcinfo, CreditState *state)
{
	CreditOptions options;
	FmgrInfo   *call = fcinfo->flinfo;

	if (state->constant)
		return;
	if (state->options == NULL && call->fn_extra != NULL)
	{
		state->options = call->fn_extra;
		state->constant = true;
		return;
	}
	read_options(fcinfo, &options);
	if (state->options == NULL)
	{
		CreditOptions *copy;

		state->constant = true;
		for (int i = ARG_MODEL; i <= ARG_WEIGHTS; i++)
			state->constant &= i == ARG_IS_DIRECT || get_fn_expr_arg_stable(call, i);
		copy = MemoryContextAlloc(state->constant ? call->fn_mcxt : GetMemoryChunkContext(state), sizeof(options));
		*copy = options;
		state->options = copy;
		/* What is the same for all rows is so for all partitions. */
		if (state->constant)
			call->fn_extra = copy;
	}
	else if (memcmp(state->options, &options, sizeof(options)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the model and its settings must be the same in all rows of a window partition"),
				 errhint("Add what they depend on to PARTITION BY.")));
}

/* Reads the row at a distance from the current one; false if the partition has none there. */
static bool
read_row(FunctionCallInfo fcinfo, CreditState *state, int64 position, int distance, CreditRow *row)
{
	WindowObject window = PG_WINDOW_OBJECT();
	bool		isnull;
	bool		isout;

	memset(row, 0, sizeof(*row));
	row->at = DatumGetTimestampTz(WinGetFuncArgInPartition(window, ARG_AT, distance, WINDOW_SEEK_CURRENT, false,
														   &isnull, &isout));
	if (isout)
		return false;
	row->timeless = isnull;
	if (isnull)
		return true;
	window_order_next(&state->order, window, position + distance, row->at);
	row->conversion = DatumGetBool(WinGetFuncArgInPartition(window, ARG_IS_CONVERSION, distance, WINDOW_SEEK_CURRENT,
															false, &isnull, &isout));
	row->conversion &= !isnull;
	if (state->options->model == ATTRIBUTION_LAST_NON_DIRECT)
	{
		row->direct = DatumGetBool(WinGetFuncArgInPartition(window, ARG_IS_DIRECT, distance, WINDOW_SEEK_CURRENT,
															false, &isnull, &isout));
		row->direct |= isnull;
	}
	return true;
}

/* Takes note of a row that was read, and of its answer, if that is known. */
static void
add_answer(CreditState *state, double answer)
{
	if (state->nanswers == state->answer_room)
	{
		state->answer_room *= 2;
		state->answers = repalloc_huge(state->answers, state->answer_room * sizeof(double));
	}
	state->answers[state->nanswers++] = answer;
}

static void
add_unit(CreditUnits *units, AttributionUnit unit)
{
	if (units->count == units->room)
	{
		units->room *= 2;
		units->list = repalloc_huge(units->list, units->room * sizeof(AttributionUnit));
	}
	units->list[units->count++] = unit;
}

/* Answers a row that waits. */
static void
answer_unit(CreditState *state, const AttributionUnit *unit, double answer)
{
	state->answers[(uint32) (unit->touch - (uint32) state->base)] = answer;
}

/* Answers the rows that wait for the conversions of the segment's last time. */
static void
credit_units(CreditState *state)
{
	const CreditOptions *options = state->options;
	AttributionModel model = (AttributionModel) options->model;
	CreditUnits *units = &state->units;
	int64		at = state->conversions.list[0].at;
	size_t		first = 0;		/* unit that the conversions have */
	double	   *shares = NULL;

	/* Times may lie further apart than an int64 can say. */
	if (options->lookback >= 0)
		while (first < units->count && (uint64) at - (uint64) units->list[first].at > (uint64) options->lookback)
			first++;
	if (first < units->count)
	{
		shares = palloc_extended((units->count - first) * sizeof(double), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		attribution_shares(model, &options->rules, units->list + first, units->count - first, shares);
		attribution_level(model, units->list + first, units->count - first, shares);
	}
	for (size_t i = state->waiting; i < units->count; i++)
	{
		double		share = i < first ? 0 : shares[i - first];

		answer_unit(state, &units->list[i],
					share == 0 && units->list[i].channel != 0 ? NO_ANSWER : share * (double) state->conversions.count);
	}
	if (shares != NULL)
		pfree(shares);

	/* What is out of reach now is so for later conversions. */
	if (options->lookback < 0)
		first = units->count;
	units->count -= first;
	memmove(units->list, units->list + first, units->count * sizeof(AttributionUnit));
	state->waiting = units->count;
	if (options->lookback >= 0)
		for (size_t i = 0; i < state->conversions.count; i++)
			add_unit(units, state->conversions.list[i]);
	state->conversions.count = 0;
}

/*
 * Reads the segment after the rows that were read, and answers those that wait
 * for its conversions, or for nothing.  No row before the current one waits.
 */
static void
read_segment(FunctionCallInfo fcinfo, CreditState *state, int64 position)
{
	WindowObject window = PG_WINDOW_OBJECT();
	size_t		answered = position - state->base;

	memmove(state->answers, state->answers + answered, (state->nanswers - answered) * sizeof(double));
	state->nanswers -= answered;
	state->base = position;
	for (;;)
	{
		CreditRow	row = state->next;
		AttributionUnit unit;

		CHECK_FOR_INTERRUPTS();
		if (!state->ahead && !read_row(fcinfo, state, position, (int) state->nanswers, &row))
			break;
		state->ahead = false;
		if (row.timeless)
		{
			add_answer(state, NO_ANSWER);
			continue;
		}
		if (state->conversions.count > 0 && row.at != state->conversions.list[0].at)
		{
			state->next = row;
			state->ahead = true;
			break;
		}
		unit = (AttributionUnit) {row.at, (uint32) (position + state->nanswers), row.conversion, row.direct};
		add_unit(row.conversion ? &state->conversions : &state->units, unit);
		add_answer(state, row.conversion && state->options->lookback < 0 ? NO_ANSWER : NOT_YET);
	}
	if (state->conversions.count > 0)
		credit_units(state);
	else
		for (; state->waiting < state->units.count; state->waiting++)
			answer_unit(state, &state->units.list[state->waiting], NO_ANSWER);
	/* Nothing before the current row, nor before the one whose time was looked at last, will be read again. */
	WinSetMarkPosition(window, Min(position, state->order.position));
}

/* Makes room for a partition. */
static void
begin_partition(CreditState *state)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(state));

	state->answer_room = state->units.room = FIRST_ROOM;
	state->conversions.room = 1;
	state->answers = palloc(FIRST_ROOM * sizeof(double));
	state->units.list = palloc(FIRST_ROOM * sizeof(AttributionUnit));
	state->conversions.list = palloc(sizeof(AttributionUnit));
	MemoryContextSwitchTo(old);
}

/* attribution_credit: what the row earns of the next conversions, those of one time. */
Datum
window_attribution_credit(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	CreditState *state;
	int64		position;
	double		answer;

	if (!WindowObjectIsValid(window))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("attribution_credit is called over a window"),
				 errhint("Write OVER (PARTITION BY customer ORDER BY at).")));
	position = WinGetCurrentPosition(window);
	state = WinGetPartitionLocalMemory(window, sizeof(CreditState));
	if (state->answers == NULL)
		begin_partition(state);
	check_options(fcinfo, state);
	/* Twice for a conversion that begins a segment and waits for the next. */
	while (position == state->base + (int64) state->nanswers || state->answers[position - state->base] == NOT_YET)
		read_segment(fcinfo, state, position);
	answer = state->answers[position - state->base];
	if (answer < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(answer);
}
