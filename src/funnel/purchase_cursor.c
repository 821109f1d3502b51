/*
 * funnel/purchase_cursor.c: reads what a customer bought, see
 * funnel/purchase_cursor.h.
 */
#include "funnel/purchase_cursor.h"

#include "funnel/periods.h"

/* Begins with a journey, which has to last as long as the cursor, and the matchers, which are asked of nothing else meanwhile. */
void
purchase_cursor_start(PurchaseCursor *cursor, const JourneyView *view, FunnelMatcher *matcher, FunnelMatcher *refunds)
{
	cursor->view = view;
	cursor->matcher = matcher;
	cursor->stage = UINT64CONST(1) << funnel_completed_stage(funnel_matcher_rules(matcher));
	cursor->refunds = refunds;
	funnel_match_start(matcher, view);
	if (refunds != NULL)
		funnel_match_start(refunds, view);
	journey_cursor_start(&cursor->journey, view, 0);
}

/* The next purchase or refund; false at the end. */
bool
purchase_cursor_next(PurchaseCursor *cursor, Touch *touch, bool *refund)
{
	while (journey_cursor_next(&cursor->journey, touch))
	{
		uint32		i = cursor->journey.next - 1;

		CHECK_FOR_INTERRUPTS();
		*refund = touch->has_value && touch->value < 0;
		if (funnel_match_stages(cursor->matcher, cursor->view, i) & cursor->stage)
			return true;
		if (*refund && cursor->refunds != NULL && funnel_match_stages(cursor->refunds, cursor->view, i) != 0)
			return true;
	}
	return false;
}
