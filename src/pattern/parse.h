/*
 * pattern/parse.h: what the files that read the text of a pattern share.
 */
#ifndef CJM_PATTERN_PARSE_H
#define CJM_PATTERN_PARSE_H

#include "pattern/pattern.h"

#include "funnel/text.h"

typedef struct Parser
{
	LabelScanner scanner;
	Pattern    *pattern;
	bool		dollar_ends;	/* "$" is the end, not a letter at the end of a label */
	uint32		event_room;
	int			depth;
	CjmError   *error;
} Parser;

static inline bool
next_is(Parser *parser, char c)
{
	LabelScanner *scanner = &parser->scanner;

	label_skip_space(scanner);
	return scanner->at < scanner->end && *scanner->at == c;
}

static inline bool
accept_char(Parser *parser, char c)
{
	if (!next_is(parser, c))
		return false;
	parser->scanner.at++;
	return true;
}

/* Whether text that begins like this, space apart, comes next. */
static inline bool
next_is_text(Parser *parser, const char *text)
{
	LabelScanner *scanner = &parser->scanner;
	size_t		size = strlen(text);

	label_skip_space(scanner);
	return (size_t) (scanner->end - scanner->at) >= size && memcmp(scanner->at, text, size) == 0;
}

/* Where the next token begins. */
static inline const char *
here(Parser *parser)
{
	label_skip_space(&parser->scanner);
	return parser->scanner.at;
}

/* pattern/atom.c: false and NULL are errors, but for what asks what comes next. */
extern bool pattern_next_is_within(Parser *parser);
extern bool pattern_next_is_any_event(Parser *parser);
extern bool pattern_next_is_anchor(Parser *parser);
extern bool pattern_next_is_atom(Parser *parser);
extern bool pattern_fail_expected(Parser *parser, const char *what);
extern PatternNode *pattern_fail_atom(Parser *parser);
extern PatternNode *pattern_make_node(Parser *parser, PatternKind kind, const char *at);
extern bool pattern_parse_number(Parser *parser, uint32 limit, const char *what, uint32 *number);
extern PatternNode *pattern_parse_gate(Parser *parser);
extern PatternNode *pattern_parse_anchor(Parser *parser);
extern PatternNode *pattern_parse_numbered(Parser *parser);
extern PatternNode *pattern_parse_event(Parser *parser);

#endif							/* CJM_PATTERN_PARSE_H */
