/*
 * pattern/pattern.h: sequence patterns: text, tree, automaton, and what they find.
 *
 * Two dialects of one language.  The numbered one names the conditions of an
 * aggregate, and is ClickHouse's: (?1).*(?t<=3600)(?2).  The named one names
 * events: view .* cart (?t<=1 hour) purchase.  Both have
 *
 *	.			any row			x y			y is the next row after x
 *	.*			any rows		x | y		one or the other
 *	(?t OP D)	a time gate		( )			grouping
 *	x* x+ x? x{m} x{m,} x{m,n}	repetition
 *	!x  !(x | y)	any row but such ones
 *	^  $			no row is before, after
 *	within D	at the end: limit of the whole match
 *
 * A gate, OP being <= < >= > == or !=, lets any rows lie between, as .* does, and
 * asks something of the time from the row matched before it to the one after.
 */
#ifndef CJM_PATTERN_H
#define CJM_PATTERN_H

#include "conditions/log.h"
#include "funnel/definition.h"

#define PATTERN_MAX_DEPTH 100		/* parentheses in parentheses */
#define PATTERN_MAX_REPEAT 1000		/* the numbers of a repetition */
#define PATTERN_MAX_NODES 4096		/* of the tree, and of the automaton */
#define PATTERN_MAX_EDGES (1 << 18) /* of the automaton */

#define PATTERN_UNBOUNDED PG_UINT32_MAX
#define PATTERN_NO_LIMIT (-1)

typedef enum PatternDialect
{
	PATTERN_NUMBERED,
	PATTERN_NAMED,
	PATTERN_NAMED_1				/* for pattern_parse: as before "$" was the end, when it was a letter */
} PatternDialect;

typedef enum PatternKind
{
	PATTERN_CONDITION,			/* a row that a condition holds for */
	PATTERN_ANY,				/* any row */
	PATTERN_NONE_OF,			/* a row that none of some conditions holds for */
	PATTERN_FIRST,				/* no row: there is none before */
	PATTERN_LAST,				/* no row: there is none after */
	PATTERN_GATE,
	PATTERN_SEQUENCE,			/* of its children, perhaps none */
	PATTERN_ALTERNATIVES,		/* its children, two or more */
	PATTERN_REPEAT				/* of its child */
} PatternKind;

typedef enum PatternOperator
{
	PATTERN_LE,
	PATTERN_LT,
	PATTERN_GE,
	PATTERN_GT,
	PATTERN_EQ,
	PATTERN_NE
} PatternOperator;

typedef struct PatternNode
{
	PatternKind kind;
	const char *at;				/* where it begins in the text */
	uint32		condition;		/* PATTERN_CONDITION: from 0 */
	uint32		nbarred;		/* PATTERN_NONE_OF: one or more */
	uint32	   *barred;			/* each once */
	PatternOperator op;			/* PATTERN_GATE */
	int64		distance;		/* PATTERN_GATE: microseconds, not negative */
	uint32		min;			/* PATTERN_REPEAT */
	uint32		max;			/* PATTERN_REPEAT: may be PATTERN_UNBOUNDED */
	struct PatternNode *child;	/* the first one */
	struct PatternNode *next;	/* of the same parent */
} PatternNode;

typedef struct Pattern
{
	LabelScanner text;			/* at its start, for messages */
	PatternDialect dialect;
	PatternNode *root;
	int64		within;			/* microseconds, or PATTERN_NO_LIMIT */
	uint32		nconditions;	/* numbered: the highest number; named: distinct events */
	FunnelEvent *events;		/* named: what each condition asks for */
	uint32		nnodes;
} Pattern;

extern bool pattern_parse(const char *text, size_t size, int encoding, PatternDialect dialect,
						  Pattern *pattern, CjmError *error);
extern bool pattern_is_plain(const Pattern *pattern);
extern void pattern_print(StringInfo out, const Pattern *pattern);
extern const char *pattern_operator(PatternOperator op);

/* A pattern ready for use, with scratch memory that grows to the largest input seen. */
typedef struct PatternProgram PatternProgram;

extern PatternProgram *pattern_compile(const Pattern *pattern, CjmError *error);
extern uint32 pattern_conditions(const PatternProgram *program);
extern bool pattern_matches_nothing(const PatternProgram *program);
extern bool pattern_may_begin(const PatternProgram *program, const uint64 *possible);
extern bool pattern_matches(PatternProgram *program, const ConditionRows *rows);
extern uint32 pattern_count(PatternProgram *program, const ConditionRows *rows);
extern uint32 pattern_events(PatternProgram *program, const ConditionRows *rows, bool partial, int64 **times,
							 CjmError *error);

#endif							/* CJM_PATTERN_H */
