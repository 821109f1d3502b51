/*
 * windows/order.c: notices rows of a partition that do not come in time order.
 *
 * The functions that use it look at nothing but the times, one after the
 * other, so they are right whenever the times rise.  That they fall shows at
 * once.  That they rise by luck, since the window has no ORDER BY or one that
 * does not tell different times apart, shows in rows of different times being
 * peers of each other.
 *
 * To ask for that costs as much as a window function itself, so it is asked
 * of the first two times of a partition, which is enough for a missing ORDER
 * BY, and then only of rows that lie closer together than all that were asked
 * before, since an ORDER BY that is too coarse fails there if anywhere.  Of n
 * rows in no special rhythm that is the logarithm of n.
 */
#include "base/glue.h"

#include "windows/order.h"

#include "base/row_time.h"

static void
order_error(int64 previous, int64 at, bool falling)
{
	char	   *previous_text = pstrdup(timestamptz_to_str(previous));
	char	   *at_text = pstrdup(timestamptz_to_str(at));

	ereport(ERROR,
			(errcode(ERRCODE_WINDOWING_ERROR),
			 falling ? errmsg("the rows of a window partition are not in time order: %s comes after %s",
							  at_text, previous_text) :
			 errmsg("the ORDER BY of a window does not tell %s from %s", previous_text, at_text),
			 errhint("Write OVER (PARTITION BY customer ORDER BY at), with the \"at\" of the call.")));
}

/*
 * Takes note of the time of the row at a position, which must be one that the
 * window can still read, as must be order->position; false if it is the first
 * of its partition.  An order that is not that of time is an error.
 */
bool
window_order_next(WindowOrder *order, WindowObject window, int64 position, int64 at)
{
	CjmError	error = {0};

	if (!row_time_check(at, &error))
		cjm_report(&error);
	if (!order->started)
	{
		order->started = true;
		order->closest = PG_UINT64_MAX;
		order->at = at;
		order->position = position;
		return false;
	}
	if (at != order->at)
	{
		uint64		distance = (uint64) at - (uint64) order->at;

		if (at < order->at)
			order_error(order->at, at, true);
		if (distance < order->closest)
		{
			order->closest = distance;
			if (WinRowsArePeers(window, order->position, position))
				order_error(order->at, at, false);
		}
	}
	order->at = at;
	order->position = position;
	return true;
}
