/*
 * funnel/text.h: what the parser and the printer of funnels must agree on,
 * and what their files share.
 */
#ifndef CJM_FUNNEL_TEXT_H
#define CJM_FUNNEL_TEXT_H

#include "funnel/definition.h"

/* The words that a bare label cannot be, in any case of letters. */
typedef enum FunnelWord
{
	FUNNEL_WORD_NONE = 0,
	FUNNEL_WORD_EXCLUDING,
	FUNNEL_WORD_OPTIONAL,
	FUNNEL_WORD_STRICT,
	FUNNEL_WORD_UNORDERED,
	FUNNEL_WORD_WITHIN,
	FUNNEL_CLAUSE_SESSION,		/* "within session", and */
	FUNNEL_CLAUSE_FROM			/* "from any stage": their other words are labels elsewhere */
} FunnelWord;

extern FunnelWord funnel_word(Label label);
extern const char *funnel_find_arrow(Label label);
extern const char *funnel_find_space(Label label);
extern bool funnel_list_has(const FunnelEvent *list, int count, const FunnelEvent *event);

extern bool funnel_parse_duration(LabelScanner *scanner, int64 *duration, CjmError *error);
extern bool funnel_parse_duration_in(LabelScanner *scanner, const char *noun, int64 *duration, CjmError *error);
extern void funnel_print_duration(StringInfo out, int64 duration);
extern char *funnel_shown(const LabelScanner *scanner, const char *from, const char *to);
extern bool funnel_fail_expected(LabelScanner *scanner, const char *what, CjmError *error);
extern bool funnel_fail_expected_in(LabelScanner *scanner, const char *noun, const char *what, CjmError *error);

#endif							/* CJM_FUNNEL_TEXT_H */
