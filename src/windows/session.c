/*
 * windows/session.c: session_number(at, gap) and session_start(at, gap), window
 * functions over (PARTITION BY customer ORDER BY at).
 *
 * One pass: what is known of a partition is the time of the row before and the
 * session it is in.  A row without a time has no session and separates none.
 * A missing or falling order is an error (windows/order.c).
 */
#include "base/glue.h"

#include "journey/session.h"
#include "windows/order.h"

PG_FUNCTION_INFO_V1(window_session_number);
PG_FUNCTION_INFO_V1(window_session_start);

/* What is known of a partition after a row; zeroed before the first. */
typedef struct SessionState
{
	WindowOrder order;
	bool		gap_known;		/* the gap is the same for all rows, and this is it: */
	int64		gap;			/* microseconds */
	int64		number;			/* of the session, 0: none yet */
	int64		started_at;
} SessionState;

/*
 * The session of the current row, or NULL if the row has none.  Must be called
 * once for every row of the partition, in order.
 */
static SessionState *
session_of_row(FunctionCallInfo fcinfo)
{
	WindowObject window = PG_WINDOW_OBJECT();
	SessionState *state;
	int64		position;
	int64		previous;
	int64		at;
	bool		isnull;

	if (!WindowObjectIsValid(window))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("session_number and session_start are called over a window"),
				 errhint("Write OVER (PARTITION BY customer ORDER BY at).")));
	state = WinGetPartitionLocalMemory(window, sizeof(SessionState));
	if (!state->gap_known)
	{
		Datum		gap = WinGetFuncArgCurrent(window, 1, &isnull);

		if (isnull)
			return NULL;
		state->gap = interval_microseconds(DatumGetIntervalP(gap), "session gap");
		state->gap_known = get_fn_expr_arg_stable(fcinfo->flinfo, 1);
	}
	at = DatumGetTimestampTz(WinGetFuncArgCurrent(window, 0, &isnull));
	if (isnull)
		return NULL;

	position = WinGetCurrentPosition(window);
	previous = state->order.at;
	if (!window_order_next(&state->order, window, position, at) ||
		!session_goes_on(previous, at, state->gap))
	{
		state->number++;
		state->started_at = at;
	}
	WinSetMarkPosition(window, position);
	return state;
}

/* session_number(at, gap): the number of the row's session in its partition, from 1. */
Datum
window_session_number(PG_FUNCTION_ARGS)
{
	SessionState *state = session_of_row(fcinfo);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT64(state->number);
}

/* session_start(at, gap): the time at which the row's session began. */
Datum
window_session_start(PG_FUNCTION_ARGS)
{
	SessionState *state = session_of_row(fcinfo);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(state->started_at);
}
