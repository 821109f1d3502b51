/*
 * conditions/window_funnel.h: the funnel of conditions, as ClickHouse's windowFunnel.
 */
#ifndef CJM_WINDOW_FUNNEL_H
#define CJM_WINDOW_FUNNEL_H

#include "conditions/log.h"

/* strict_once knows at most as many steps as a funnel has, unless strict_increase makes it easy; the others any number. */
#define WINDOW_FUNNEL_MAX_ONCE 64

/*
 * What does not change from row to row, and the head of the log.  No padding
 * may hide in it: heads are compared as bytes.
 */
typedef struct WindowFunnelRules
{
	int64		within;			/* microseconds */
	uint8		deduplication;
	uint8		order;
	uint8		increase;
	uint8		once;
	uint8		reentry;
	uint8		unused[3];		/* 0 */
} WindowFunnelRules;

extern bool window_funnel_modes(const char *text, size_t size, WindowFunnelRules *rules, CjmError *error);
extern bool window_funnel_check(const WindowFunnelRules *rules, uint32 nconditions, CjmError *error);
extern int	window_funnel_level(const WindowFunnelRules *rules, const ConditionRows *rows);

#endif							/* CJM_WINDOW_FUNNEL_H */
