/*
 * windows/order.h: that the rows of a window partition come in time order.
 */
#ifndef CJM_WINDOW_ORDER_H
#define CJM_WINDOW_ORDER_H

#include "postgres.h"

#include "windowapi.h"

/* The row with a time that was taken note of last; zeroed before the first. */
typedef struct WindowOrder
{
	bool		started;
	int64		at;
	int64		position;		/* in the partition */
	uint64		closest;		/* the least time between two rows that were looked at together */
} WindowOrder;

extern bool window_order_next(WindowOrder *order, WindowObject window, int64 position, int64 at);

#endif							/* CJM_WINDOW_ORDER_H */
