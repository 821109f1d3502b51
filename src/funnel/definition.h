/*
 * funnel/definition.h: a funnel definition, opened.
 *
 * Three forms of one thing: the text that people write (read by
 * funnel/parse.c), the bytes of a value of type funnel (funnel/format.c) and
 * this struct, which the others are read into and written from.
 *
 * Canonical: a definition has one text and one string of bytes.  What parse
 * and decode return is canonical: a stage that is called like its default has
 * that name, no alternative is listed twice in a stage.
 */
#ifndef CJM_FUNNEL_DEF_H
#define CJM_FUNNEL_DEF_H

#include "base/label.h"

#define FUNNEL_MAX_STAGES 64
#define FUNNEL_MAX_EVENTS 1024	/* in all stages and exclusions together */
#define FUNNEL_NO_LIMIT (-1)	/* where a duration in microseconds may be absent */
#define FUNNEL_SESSION_GAP INT64CONST(1800000000)	/* of sessions whose gap is not told: 30 minutes */

/* What a touchpoint is asked for.  No bytes: anything does. */
typedef struct FunnelEvent
{
	Label		event;
	Label		channel;
} FunnelEvent;

/* Do both ask for the same? */
static inline bool
funnel_event_equal(const FunnelEvent *a, const FunnelEvent *b)
{
	return (a->event.bytes == NULL) == (b->event.bytes == NULL) &&
		(a->event.bytes == NULL || label_equal(a->event, b->event)) &&
		(a->channel.bytes == NULL) == (b->channel.bytes == NULL) &&
		(a->channel.bytes == NULL || label_equal(a->channel, b->channel));
}

typedef struct FunnelStage
{
	Label		name;
	bool		optional;
	bool		bound;			/* the channel of its touchpoint is the definition's variable */
	int64		gap;			/* [D] in microseconds, or FUNNEL_NO_LIMIT */
	int			nevents;		/* at least 1 */
	FunnelEvent *events;
} FunnelStage;

/* All labels and event arrays belong to whoever parsed or decoded. */
typedef struct FunnelDef
{
	int			nstages;		/* 1 to FUNNEL_MAX_STAGES */
	FunnelStage *stages;
	int64		within;			/* microseconds, or FUNNEL_NO_LIMIT */
	int64		session;		/* a walk lies in one session of this gap in microseconds; 0: it need not */
	bool		strict;
	bool		unordered;
	bool		from_any;		/* a walk may begin at any stage */
	Label		variable;		/* what stages that are bound call their channel; no bytes where none is */
	int			nexcluded;
	FunnelEvent *excluded;
} FunnelDef;

extern bool funnel_parse(const char *text, size_t size, int encoding, FunnelDef *def, CjmError *error);
extern void funnel_print(StringInfo out, const FunnelDef *def);
extern void funnel_encode(StringInfo out, const FunnelDef *def);
extern bool funnel_decode(const uint8 *bytes, size_t size, FunnelDef *def, CjmError *error);
extern bool funnel_check(const FunnelDef *def, CjmError *error);
extern Label funnel_default_name(const FunnelEvent *event);

#endif							/* CJM_FUNNEL_DEF_H */
