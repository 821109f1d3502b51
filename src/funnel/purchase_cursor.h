/*
 * funnel/purchase_cursor.h: reads what a customer bought.
 *
 * A purchase is a touchpoint of the last stage that is not optional, whatever
 * came before it.  One whose value is negative is a refund, and so is such a
 * touchpoint of the funnel of refunds: it is money, and no purchase.
 */
#ifndef CJM_PURCHASE_CURSOR_H
#define CJM_PURCHASE_CURSOR_H

#include "funnel/match.h"

/* Reads the purchases of a journey in order. */
typedef struct PurchaseCursor
{
	FunnelMatcher *matcher;
	uint64		stage;			/* its bit */
	FunnelMatcher *refunds;		/* or NULL */
	const JourneyView *view;
	JourneyCursor journey;
} PurchaseCursor;

extern void purchase_cursor_start(PurchaseCursor *cursor, const JourneyView *view, FunnelMatcher *matcher, FunnelMatcher *refunds);
extern bool purchase_cursor_next(PurchaseCursor *cursor, Touch *touch, bool *refund);

#endif							/* CJM_PURCHASE_CURSOR_H */
