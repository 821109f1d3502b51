/*
 * windows/funnel_step.c: funnel_step(at, event [, channel], funnel) and
 * funnel_start(...), window functions over (PARTITION BY customer ORDER BY at).
 *
 * One pass.  What is known of a partition is the feed of the funnel engine and
 * a batch: the rows of one time, which are read together, since any of them may
 * come before any other in a walk, and answered one by one as the window gets
 * to them.  To know where a batch ends the time of the row after it is read.
 *
 * Rows without a time or an event are no touchpoints; their answer is NULL.
 *
 * Memory: all in the context of the partition; a batch grows with the number of
 * rows of one time.
 */
#include "funnel/argument.h"

#include "base/label_pool.h"
#include "funnel/feed.h"
#include "utils/memutils.h"
#include "windows/order.h"

PG_FUNCTION_INFO_V1(window_funnel_step_at);
PG_FUNCTION_INFO_V1(window_funnel_start_at);

#define SMALL_BATCH 4

/* What is known of a partition; zeroed before its first row. */
typedef struct FunnelWindow
{
	struct varlena *funnel;		/* what the matcher was made from; NULL: not asked yet */
	bool		constant;		/* the funnel is the same for all rows whatever they are */
	bool		no_funnel;		/* it is NULL */
	FunnelMatcher *matcher;
	FunnelFeed	feed;
	ApartFeed  *apart;			/* instead of the feed, where the funnel is one that lies apart */
	LabelPool  *values;			/* of the funnel's variable; the number of a value is one more than its id here */
	WindowOrder order;			/* of the rows read, which may be one ahead of the batch */
	bool		ahead;			/* the row after the batch was read: order is about it */
	int64		first;			/* position of the batch's first row */
	int64		count;			/* its rows */
	int64		room;
	FunnelTouch *touches;		/* by row; one without stages for a row that is no touchpoint */
	FunnelEnd  *ends;
	FunnelTouch small_touches[SMALL_BATCH];
	FunnelEnd	small_ends[SMALL_BATCH];
} FunnelWindow;

/* Sees to it that the partition's funnel is known, and the same as before. */
static void
read_funnel(FunctionCallInfo fcinfo, FunnelWindow *state)
{
	WindowObject window = PG_WINDOW_OBJECT();
	int			last = PG_NARGS() - 1;
	bool		isnull;
	Datum		value;
	struct varlena *bytes;
	CjmError	error = {0};

	if (state->constant)
		return;
	value = WinGetFuncArgCurrent(window, last, &isnull);
	bytes = isnull ? NULL : PG_DETOAST_DATUM_PACKED(value);
	if (state->funnel == NULL && !state->no_funnel)
	{
		MemoryContext old;

		state->constant = get_fn_expr_arg_stable(fcinfo->flinfo, last);
		state->no_funnel = isnull;
		if (isnull)
			return;
		state->matcher = funnel_matcher_cached(fcinfo, value);
		if (!funnel_feed_supported(funnel_matcher_rules(state->matcher), &error))
			cjm_report(&error);
		if (last == 2 && funnel_matcher_asks_channel(state->matcher))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the funnel asks for a channel, but none is given"),
					 errhint("Give the channel after the event.")));
		funnel_feed_start(&state->feed, funnel_matcher_rules(state->matcher));
		if (funnel_matcher_rules(state->matcher)->apart)
		{
			old = MemoryContextSwitchTo(GetMemoryChunkContext(state));
			state->apart = apart_feed_start(funnel_matcher_rules(state->matcher));
			state->values = label_pool_create(false);
			MemoryContextSwitchTo(old);
		}
		if (state->constant)
			return;
		old = MemoryContextSwitchTo(GetMemoryChunkContext(state));
		state->funnel = bytes_to_varlena(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
		MemoryContextSwitchTo(old);
	}
	else if (isnull != state->no_funnel ||
			 (!isnull && (VARSIZE_ANY_EXHDR(bytes) != VARSIZE_ANY_EXHDR(state->funnel) ||
						  memcmp(VARDATA_ANY(bytes), VARDATA_ANY(state->funnel), VARSIZE_ANY_EXHDR(bytes)) != 0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the funnel must be the same in all rows of a window partition"),
				 errhint("Add what it depends on to PARTITION BY.")));
}

/* An argument at a distance in rows from the current one. */
static Datum
argument_at(WindowObject window, int argument, int distance, bool *isnull)
{
	bool		isout;

	if (distance == 0)
		return WinGetFuncArgCurrent(window, argument, isnull);
	return WinGetFuncArgInPartition(window, argument, distance, WINDOW_SEEK_CURRENT, false, isnull, &isout);
}

/* The touchpoint of a row that has a time.  Returns false if it is none. */
static bool
read_touch(FunctionCallInfo fcinfo, const FunnelWindow *state, int distance, int64 at, FunnelTouch *touch)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Label		event;
	Label		channel = NO_LABEL;
	Datum		value;
	bool		isnull;
	CjmError	error = {0};

	*touch = (FunnelTouch) {at, 0, false, 0, 0};
	value = argument_at(window, 1, distance, &isnull);
	if (isnull)
		return false;
	event = label_from_text(DatumGetTextPP(value));
	if (!label_check(event, "event", &error))
		cjm_report(&error);
	if (PG_NARGS() == 3)
	{
		*touch = funnel_match_row(state->matcher, at, event, channel);
		return true;
	}

	/* Reading another argument of a row that is not the current one may move the row's bytes. */
	if (distance != 0)
	{
		char	   *copy = palloc(event.size);

		memcpy(copy, event.bytes, event.size);
		event.bytes = copy;
	}
	value = argument_at(window, 2, distance, &isnull);
	if (!isnull)
	{
		channel = label_from_text(DatumGetTextPP(value));
		if (!label_check(channel, "channel", &error))
			cjm_report(&error);
	}
	*touch = funnel_match_row(state->matcher, at, event, channel);
	if (funnel_matcher_rules(state->matcher)->bound & touch->stages)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(unconstify(FunnelWindow *, state)));

		if (!label_pool_find(state->values, channel, &touch->value) && !label_pool_add(state->values, channel, &touch->value, &error))
			cjm_report(&error);
		touch->value++;
		MemoryContextSwitchTo(old);
	}
	return true;
}

/* Adds a row to the batch. */
static void
add_row(FunnelWindow *state, FunnelTouch touch)
{
	if (state->count == state->room)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(state));
		int64		room = state->room * 2;
		FunnelTouch *touches = palloc_extended(room * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);

		memcpy(touches, state->touches, state->count * sizeof(FunnelTouch));
		if (state->touches != state->small_touches)
		{
			pfree(state->touches);
			pfree(state->ends);
		}
		/* The answers are not there yet. */
		state->touches = touches;
		state->ends = palloc_extended(room * sizeof(FunnelEnd), MCXT_ALLOC_HUGE);
		state->room = room;
		MemoryContextSwitchTo(old);
	}
	state->touches[state->count++] = touch;
}

/* Reads the batch that begins with the current row, and answers it. */
static void
read_batch(FunctionCallInfo fcinfo, FunnelWindow *state, int64 position)
{
	WindowObject window = PG_WINDOW_OBJECT();
	bool		is_touch;
	bool		isnull;
	bool		isout;
	FunnelTouch touch;
	int64		at;

	state->first = position;
	state->count = 0;
	if (state->ahead)
		at = state->order.at;
	else
	{
		at = DatumGetTimestampTz(WinGetFuncArgCurrent(window, 0, &isnull));
		if (isnull)
		{
			add_row(state, (FunnelTouch) {0, 0, false, 0, 0});
			state->ends[0].step = 0;
			return;
		}
		window_order_next(&state->order, window, position, at);
	}
	state->ahead = false;
	is_touch = read_touch(fcinfo, state, 0, at, &touch);
	add_row(state, touch);

	for (;;)
	{
		int			distance = (int) state->count;
		int64		next = DatumGetTimestampTz(WinGetFuncArgInPartition(window, 0, distance, WINDOW_SEEK_CURRENT,
																		false, &isnull, &isout));

		CHECK_FOR_INTERRUPTS();
		if (isout)
			break;
		if (isnull)
		{
			/* No matter where such rows stand, they separate nothing. */
			add_row(state, (FunnelTouch) {at, 0, false, 0, 0});
			continue;
		}
		window_order_next(&state->order, window, position + distance, next);
		if (next != at)
		{
			state->ahead = true;
			break;
		}
		is_touch |= read_touch(fcinfo, state, distance, at, &touch);
		add_row(state, touch);
	}
	if (is_touch && state->apart != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(state));

		apart_feed_group(state->apart, state->touches, state->count, state->ends);
		MemoryContextSwitchTo(old);
	}
	else if (is_touch)
		funnel_feed_group(&state->feed, state->touches, state->count, state->ends);
	else
		for (int64 i = 0; i < state->count; i++)
			state->ends[i].step = 0;
	/* Nothing before the row read last will be read again. */
	WinSetMarkPosition(window, state->order.position);
}

/* The deepest walk that ends with the current row, or NULL. */
static const FunnelEnd *
end_of_row(FunctionCallInfo fcinfo)
{
	WindowObject window = PG_WINDOW_OBJECT();
	int64		position;
	FunnelWindow *state;
	const FunnelEnd *end;

	if (!WindowObjectIsValid(window))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("funnel_step and funnel_start of rows are called over a window"),
				 errhint("Write OVER (PARTITION BY customer ORDER BY at).")));
	position = WinGetCurrentPosition(window);
	state = WinGetPartitionLocalMemory(window, sizeof(FunnelWindow));
	if (state->touches == NULL)
	{
		state->touches = state->small_touches;
		state->ends = state->small_ends;
		state->room = SMALL_BATCH;
	}
	read_funnel(fcinfo, state);
	if (state->no_funnel)
		return NULL;
	if (position >= state->first + state->count)
		read_batch(fcinfo, state, position);
	end = &state->ends[position - state->first];
	return end->step > 0 ? end : NULL;
}

/* funnel_step: the deepest step of a walk that ends with the row. */
Datum
window_funnel_step_at(PG_FUNCTION_ARGS)
{
	const FunnelEnd *end = end_of_row(fcinfo);

	if (end == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(end->step);
}

/* funnel_start: the latest start of such a walk. */
Datum
window_funnel_start_at(PG_FUNCTION_ARGS)
{
	const FunnelEnd *end = end_of_row(fcinfo);

	if (end == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(end->start);
}
