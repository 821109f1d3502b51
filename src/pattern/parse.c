/*
 * pattern/parse.c: the text of a pattern, read.
 *
 *	pattern	:= choice ['within' duration]
 *	choice	:= items ('|' items)*
 *	items	:= (atom [repeat])+			-- a numbered pattern may be empty
 *	atom	:= '.' | '(' choice ')' | '^' | '$' | gate | event
 *			 | '!' event | '!' '(' event ('|' event)* ')'
 *	repeat	:= '*' | '+' | '?' | '{' m '}' | '{' m ',' '}' | '{' m ',' n '}'
 *
 * Gates and events, or conditions in their place, are pattern/atom.c's.
 *
 * The tree is canonical: a sequence in a sequence and a choice in a choice are
 * one, and parentheses around one thing leave no trace.
 *
 * Labels of the result point into the text, or into palloc'd memory where
 * quotes had to be undoubled.  Nesting, repetition and size are limited where
 * they are met, so that stack and memory are bounded.
 */
#include "pattern/parse.h"

static PatternNode *parse_choice(Parser *parser);

static PatternNode *
parse_atom(Parser *parser)
{
	PatternNode *node;
	const char *open;

	if (next_is(parser, '.'))
	{
		node = pattern_make_node(parser, PATTERN_ANY, here(parser));
		parser->scanner.at++;
		return node;
	}
	if (pattern_next_is_anchor(parser))
		return pattern_parse_anchor(parser);
	if (next_is_text(parser, "(?t"))
		return pattern_parse_gate(parser);
	if (next_is_text(parser, "(?"))
		return parser->pattern->dialect == PATTERN_NAMED ? pattern_fail_atom(parser) : pattern_parse_numbered(parser);
	if (!next_is(parser, '('))
		return pattern_parse_event(parser);

	open = parser->scanner.at;
	if (++parser->depth > PATTERN_MAX_DEPTH)
	{
		cjm_fail(parser->error, CJM_ERROR_LIMIT, "invalid pattern: parentheses at character %d are nested too deeply",
				 label_position(&parser->scanner, open));
		cjm_fail_detail(parser->error, "The limit is %d.", PATTERN_MAX_DEPTH);
		return NULL;
	}
	parser->scanner.at++;
	node = parse_choice(parser);
	parser->depth--;
	if (node == NULL)
		return NULL;
	if (!accept_char(parser, ')'))
	{
		if (pattern_next_is_atom(parser) || parser->scanner.at < parser->scanner.end)
			pattern_fail_atom(parser);
		else
			cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: parenthesis at character %d is not closed",
					 label_position(&parser->scanner, open));
		return NULL;
	}
	return node;
}

/* Lets a node bar what another one asks for, once. */
static void
bar(PatternNode *node, uint32 condition)
{
	for (uint32 i = 0; i < node->nbarred; i++)
		if (node->barred[i] == condition)
			return;
	node->barred[node->nbarred++] = condition;
}

/* Reads an atom, or what "!" bars. */
static PatternNode *
parse_item(Parser *parser)
{
	const char *at = here(parser);
	PatternNode *node;
	PatternNode *barred;
	uint32		nbarred = 1;

	if (!accept_char(parser, '!'))
		return parse_atom(parser);
	if (next_is(parser, '!') || !pattern_next_is_atom(parser))
		return pattern_fail_atom(parser);
	if ((node = pattern_make_node(parser, PATTERN_NONE_OF, at)) == NULL ||
		(barred = parse_atom(parser)) == NULL)
		return NULL;
	if (barred->kind == PATTERN_ALTERNATIVES)
	{
		barred = barred->child;
		for (const PatternNode *one = barred->next; one; one = one->next)
			nbarred++;
	}
	node->barred = palloc(nbarred * sizeof(uint32));
	for (; barred; barred = barred->next)
	{
		if (barred->kind != PATTERN_CONDITION)
		{
			cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: \"!\" at character %d bars what is no event",
					 label_position(&parser->scanner, at));
			cjm_fail_hint(parser->error, parser->pattern->dialect == PATTERN_NAMED ?
						  "It stands before an event or a choice of events: !cart, !(cart | purchase)." :
						  "It stands before a condition or a choice of conditions: !(?1), !((?1) | (?2)).");
			return NULL;
		}
		bar(node, barred->condition);
	}
	return node;
}

/* Reads what may stand after an atom, and puts it around the atom. */
static PatternNode *
parse_repeat(Parser *parser, PatternNode *atom)
{
	LabelScanner *scanner = &parser->scanner;
	const char *begin;
	PatternNode *node;
	uint32		min = 0;
	uint32		max = PATTERN_UNBOUNDED;

	label_skip_space(scanner);
	begin = scanner->at;
	if (pattern_next_is_any_event(parser))
		return atom;
	if (accept_char(parser, '*'))
		;
	else if (accept_char(parser, '+'))
		min = 1;
	else if (accept_char(parser, '?'))
		max = 1;
	else if (accept_char(parser, '{'))
	{
		if (!pattern_parse_number(parser, PATTERN_MAX_REPEAT, "a number of times", &min))
			return NULL;
		if (!accept_char(parser, ','))
			max = min;
		else if (!next_is(parser, '}') &&
				 !pattern_parse_number(parser, PATTERN_MAX_REPEAT, "a number of times, or \"}\"", &max))
			return NULL;
		if (!accept_char(parser, '}'))
		{
			pattern_fail_expected(parser, "\"}\"");
			return NULL;
		}
	}
	else
		return atom;

	if (atom->kind == PATTERN_GATE || atom->kind == PATTERN_FIRST || atom->kind == PATTERN_LAST)
	{
		cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: %s is repeated at character %d",
				 atom->kind == PATTERN_GATE ? "time gate" : atom->kind == PATTERN_FIRST ? "\"^\"" : "\"$\"",
				 label_position(scanner, begin));
		cjm_fail_hint(parser->error, "A repetition stands after an event, a condition, \".\" or parentheses.");
		return NULL;
	}
	if (max < min || max == 0)
	{
		cjm_fail(parser->error, CJM_ERROR_VALUE,
				 max == 0 ? "invalid pattern: repetition \"%s\" at character %d leaves nothing" :
				 "invalid pattern: repetition \"%s\" at character %d never matches",
				 funnel_shown(scanner, begin, scanner->at), label_position(scanner, begin));
		cjm_fail_hint(parser->error, max == 0 ? "Leave it out together with what it repeats." :
					  "The smaller number stands first.");
		return NULL;
	}
	if (min == 1 && max == 1)
		return atom;
	node = pattern_make_node(parser, PATTERN_REPEAT, atom->at);
	if (node == NULL)
		return NULL;
	node->min = min;
	node->max = max;
	node->child = atom;
	return node;
}

/*
 * Appends to the children of a parent at its last one's tail; a child of the
 * parent's own kind gives its children instead of itself.
 */
static PatternNode **
append_child(PatternNode **tail, PatternKind parent, PatternNode *child)
{
	*tail = child->kind == parent ? child->child : child;
	while (*tail)
		tail = &(*tail)->next;
	return tail;
}

/* Reads atoms that follow each other. */
static PatternNode *
parse_items(Parser *parser)
{
	const char *begin = here(parser);
	PatternNode *first = NULL;
	PatternNode **tail = &first;
	PatternNode *node;

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (!pattern_next_is_atom(parser))
			return pattern_fail_atom(parser);
		if ((node = parse_item(parser)) == NULL ||
			(node = parse_repeat(parser, node)) == NULL)
			return NULL;
		tail = append_child(tail, PATTERN_SEQUENCE, node);
	} while (pattern_next_is_atom(parser));

	if (first->next == NULL)
		return first;
	node = pattern_make_node(parser, PATTERN_SEQUENCE, begin);
	if (node != NULL)
		node->child = first;
	return node;
}

static PatternNode *
parse_choice(Parser *parser)
{
	const char *begin = here(parser);
	PatternNode *first = NULL;
	PatternNode **tail = &first;
	PatternNode *node;

	do
	{
		if ((node = parse_items(parser)) == NULL)
			return NULL;
		tail = append_child(tail, PATTERN_ALTERNATIVES, node);
	} while (accept_char(parser, '|'));

	if (first->next == NULL)
		return first;
	node = pattern_make_node(parser, PATTERN_ALTERNATIVES, begin);
	if (node != NULL)
		node->child = first;
	return node;
}

/*
 * pattern_parse reads a pattern from text in the given encoding, which must be
 * valid in it.  The result borrows from text.
 */
bool
pattern_parse(const char *text, size_t size, int encoding, PatternDialect dialect, Pattern *pattern, CjmError *error)
{
	Parser		parser = {{text, text, text + size, encoding}, pattern, dialect != PATTERN_NAMED_1, 0, 0, error};
	LabelScanner *scanner = &parser.scanner;

	memset(pattern, 0, sizeof(Pattern));
	pattern->text = *scanner;
	pattern->dialect = dialect == PATTERN_NAMED_1 ? PATTERN_NAMED : dialect;
	pattern->within = PATTERN_NO_LIMIT;
	label_skip_space(scanner);
	if (dialect == PATTERN_NUMBERED && scanner->at >= scanner->end)
	{
		pattern->root = pattern_make_node(&parser, PATTERN_SEQUENCE, text);
		return true;
	}
	pattern->root = parse_choice(&parser);
	if (pattern->root == NULL)
		return false;
	if (pattern_next_is_within(&parser))
	{
		scanner->at += strlen("within");
		if (!funnel_parse_duration_in(scanner, "pattern", &pattern->within, error))
			return false;
		label_skip_space(scanner);
		if (scanner->at < scanner->end)
			return pattern_fail_expected(&parser, "the end");
	}
	if (scanner->at < scanner->end)
	{
		if (*scanner->at != ')')
			return pattern_fail_atom(&parser) != NULL;
		return cjm_fail(error, CJM_ERROR_SYNTAX, "invalid pattern: \")\" at character %d closes nothing",
						label_position(scanner, scanner->at));
	}
	return true;
}
