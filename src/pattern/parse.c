/*
 * pattern/parse.c: the text of a pattern, read.
 *
 *	pattern	:= choice ['within' duration]
 *	choice	:= items ('|' items)*
 *	items	:= (atom [repeat])+			-- a numbered pattern may be empty
 *	atom	:= '.' | '(' choice ')' | gate
 *			 | '(?' number ')'			-- numbered
 *			 | event					-- named
 *	gate	:= '(?t' ('<=' | '<' | '>=' | '>' | '==' | '!=') (duration | number) ')'
 *	repeat	:= '*' | '+' | '?' | '{' m '}' | '{' m ',' '}' | '{' m ',' n '}'
 *	event	:= label ['@' label] | '*' '@' label
 *
 * Space may stand between any two tokens.  A number alone in a gate is seconds.
 * A bare label neither begins nor ends with a dot: those dots are any rows, so
 * that view.*cart means what it says.  '*' right before '@' is any event.
 *
 * The tree is canonical: a sequence in a sequence and a choice in a choice are
 * one, and parentheses around one thing leave no trace.
 *
 * Labels of the result point into the text, or into palloc'd memory where
 * quotes had to be undoubled.  Nesting, repetition and size are limited where
 * they are met, so that stack and memory are bounded.
 */
#include "pattern/pattern.h"

#include "funnel/text.h"
#include "mb/pg_wchar.h"

typedef struct Parser
{
	LabelScanner scanner;
	Pattern    *pattern;
	uint32		event_room;
	int			depth;
	CjmError   *error;
} Parser;

static PatternNode *parse_choice(Parser *parser);

static bool
next_is(Parser *parser, char c)
{
	LabelScanner *scanner = &parser->scanner;

	label_skip_space(scanner);
	return scanner->at < scanner->end && *scanner->at == c;
}

static bool
accept_char(Parser *parser, char c)
{
	if (!next_is(parser, c))
		return false;
	parser->scanner.at++;
	return true;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether text that begins like this, space apart, comes next. */
static bool
next_is_text(Parser *parser, const char *text)
{
	LabelScanner *scanner = &parser->scanner;
	size_t		size = strlen(text);

	label_skip_space(scanner);
	return (size_t) (scanner->end - scanner->at) >= size && memcmp(scanner->at, text, size) == 0;
}

static bool
next_is_within(Parser *parser)
{
	LabelScanner ahead;
	Label		word;

	label_skip_space(&parser->scanner);
	ahead = parser->scanner;
	return label_scan_bare(&ahead, &word) && label_is_word(word, "within");
}

/* Where the next token begins. */
static const char *
here(Parser *parser)
{
	label_skip_space(&parser->scanner);
	return parser->scanner.at;
}

static bool
fail_expected(Parser *parser, const char *what)
{
	return funnel_fail_expected_in(&parser->scanner, "pattern", what, parser->error);
}

/* Fails where an atom should stand, with a hint about the slip that the text looks like. */
static PatternNode *
fail_atom(Parser *parser)
{
	bool		named = parser->pattern->dialect == PATTERN_NAMED;
	LabelScanner *scanner = &parser->scanner;
	LabelScanner ahead;
	Label		word;

	fail_expected(parser, named ? "an event, \".\", \"(\" or a time gate" :
				  "a condition such as (?1), \".\", \"(\" or a time gate");
	if (scanner->at >= scanner->end)
		return NULL;
	ahead = *scanner;
	if (next_is_within(parser))
		cjm_fail_hint(parser->error, "\"within\" and a duration stand once, at the end of the pattern.");
	else if (named && next_is(parser, '('))
		cjm_fail_hint(parser->error, "A journey pattern names its events: view .* purchase.");
	else if (!named && (*scanner->at == '"' || label_scan_bare(&ahead, &word)))
		cjm_fail_hint(parser->error, "Conditions go by number: (?1) is the first one after the time. "
					  "Patterns of event names are of type journey_pattern.");
	else if (next_is_text(parser, "->") || next_is(parser, '-') || next_is(parser, '>') || next_is(parser, ','))
		cjm_fail_hint(parser->error, "What follows right after is just written after it; "
					  "\".*\" between lets any others lie between.");
	else if (strchr("*+?{", *scanner->at) != NULL)
		cjm_fail_hint(parser->error, "A repetition stands after what it repeats; to repeat a repetition, "
					  "put it in parentheses. Any one is \".\", any number of them \".*\".");
	else if (named && strchr("|)@", *scanner->at) == NULL)
		cjm_fail_hint(parser->error, "A label with spaces, or with other characters than letters, digits and "
					  "_ . / $ # -, stands in double quotes.");
	return NULL;
}

static PatternNode *
make_node(Parser *parser, PatternKind kind, const char *at)
{
	PatternNode *node;

	if (parser->pattern->nnodes == PATTERN_MAX_NODES)
	{
		cjm_fail(parser->error, CJM_ERROR_LIMIT, "invalid pattern: it is too long at character %d",
				 label_position(&parser->scanner, at));
		cjm_fail_detail(parser->error, "The limit is %d events, gates and groups.", PATTERN_MAX_NODES);
		return NULL;
	}
	parser->pattern->nnodes++;
	node = palloc0(sizeof(PatternNode));
	node->kind = kind;
	node->at = at;
	return node;
}

/* Reads digits as a number of at most limit. */
static bool
parse_number(Parser *parser, uint32 limit, const char *what, uint32 *number)
{
	LabelScanner *scanner = &parser->scanner;
	const char *begin;
	uint32		value = 0;

	label_skip_space(scanner);
	begin = scanner->at;
	if (begin >= scanner->end || !is_digit(*begin))
		return fail_expected(parser, what);
	while (scanner->at < scanner->end && is_digit(*scanner->at))
	{
		if (value <= limit)
			value = value * 10 + (*scanner->at - '0');
		scanner->at++;
	}
	if (value > limit)
	{
		cjm_fail(parser->error, CJM_ERROR_LIMIT, "invalid pattern: number %s at character %d is too large",
				 funnel_shown(scanner, begin, scanner->at), label_position(scanner, begin));
		cjm_fail_detail(parser->error, "The limit is %u.", limit);
		return false;
	}
	*number = value;
	return true;
}

/* Reads the distance of a gate: a duration, or a number of seconds. */
static bool
parse_distance(Parser *parser, int64 *distance)
{
	LabelScanner *scanner = &parser->scanner;
	const char *at;
	int64		seconds = 0;

	label_skip_space(scanner);
	at = scanner->at;
	while (at < scanner->end && is_digit(*at))
	{
		/* More than there is time for: any such number means the same. */
		if (seconds < PG_INT64_MAX / USECS_PER_SEC / 10 - 1)
			seconds = seconds * 10 + (*at - '0');
		else
			seconds = PG_INT64_MAX / USECS_PER_SEC;
		at++;
	}
	if (at > scanner->at)
	{
		LabelScanner ahead = *scanner;

		ahead.at = at;
		label_skip_space(&ahead);
		if (ahead.at < ahead.end && *ahead.at == ')')
		{
			scanner->at = at;
			*distance = seconds * USECS_PER_SEC;
			return true;
		}
	}
	if (next_is(parser, '-'))
		return fail_expected(parser, "a number of seconds or a duration");
	return funnel_parse_duration_in(scanner, "pattern", distance, parser->error);
}

/* Reads a gate; the scanner stands on its parenthesis. */
static PatternNode *
parse_gate(Parser *parser)
{
	PatternNode *node = make_node(parser, PATTERN_GATE, here(parser));

	if (node == NULL)
		return NULL;
	parser->scanner.at += strlen("(?t");
	/* Each operator stands before those that it begins with. */
	for (int op = PATTERN_LE; op <= PATTERN_NE; op++)
	{
		if (!next_is_text(parser, pattern_operator(op)))
			continue;
		parser->scanner.at += strlen(pattern_operator(op));
		node->op = op;
		if (!parse_distance(parser, &node->distance))
			return NULL;
		if (!accept_char(parser, ')'))
		{
			fail_expected(parser, "\")\"");
			return NULL;
		}
		return node;
	}
	fail_expected(parser, "\"<=\", \"<\", \">=\", \">\", \"==\" or \"!=\"");
	return NULL;
}

/* Reads (?N). */
static PatternNode *
parse_numbered(Parser *parser)
{
	PatternNode *node = make_node(parser, PATTERN_CONDITION, here(parser));

	if (node == NULL)
		return NULL;
	parser->scanner.at += strlen("(?");
	if (!parse_number(parser, CONDITION_MAX_COUNT, "the number of a condition, or \"t\" for a time gate",
					  &node->condition))
		return NULL;
	if (node->condition == 0)
	{
		cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid pattern: condition 0 at character %d",
				 label_position(&parser->scanner, node->at));
		cjm_fail_hint(parser->error, "Conditions count from 1.");
		return NULL;
	}
	if (!accept_char(parser, ')'))
	{
		fail_expected(parser, "\")\"");
		return NULL;
	}
	parser->pattern->nconditions = Max(parser->pattern->nconditions, node->condition);
	node->condition--;
	return node;
}

/* Reads a label; a bare one leaves the dots at its end. */
static bool
parse_label(Parser *parser, const char *noun, Label *label)
{
	LabelScanner *scanner = &parser->scanner;
	const char *begin;

	label_skip_space(scanner);
	begin = scanner->at;
	if (next_is(parser, '"'))
	{
		CjmError	unclosed = {0};

		if (!label_scan_quoted(scanner, label, &unclosed))
			return cjm_fail(parser->error, unclosed.kind, "invalid pattern: %s", unclosed.message);
	}
	else
	{
		const char *arrow;
		const char *space;

		if (!label_scan_bare(scanner, label))
			return fail_expected(parser, noun[0] == 'e' ? "an event" : "a channel");
		while (label->size > 0 && label->bytes[label->size - 1] == '.')
			label->size--;
		if (label->size == 0 || label_is_word(*label, "within"))
		{
			scanner->at = begin;
			return fail_expected(parser, noun[0] == 'e' ? "an event" : "a channel");
		}
		scanner->at = label->bytes + label->size;
		arrow = scanner->encoding == PG_UTF8 ? funnel_find_arrow(*label) : NULL;
		if (arrow != NULL)
		{
			scanner->at = arrow;
			fail_expected(parser, "an event");
			cjm_fail_hint(parser->error, "What follows right after is just written after it; "
						  "a label with an arrow in it stands in double quotes.");
			return false;
		}
		space = scanner->encoding == PG_UTF8 ? funnel_find_space(*label) : NULL;
		if (space != NULL)
		{
			cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: invisible space at character %d",
					 label_position(scanner, space));
			cjm_fail_hint(parser->error, "Write an ordinary space there; a label with such a space in it stands in double quotes.");
			return false;
		}
	}
	if (label->size == 0)
		return cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid pattern: %s at character %d must not be empty",
						noun, label_position(scanner, begin));
	if (label->size > LABEL_MAX_BYTES)
	{
		cjm_fail(parser->error, CJM_ERROR_LIMIT, "invalid pattern: %s of %u bytes at character %d is too long",
				 noun, label->size, label_position(scanner, begin));
		cjm_fail_detail(parser->error, "The limit is %d bytes.", LABEL_MAX_BYTES);
		return false;
	}
	if (memchr(label->bytes, '\0', label->size) != NULL)
		return cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid pattern: %s at character %d has a zero byte",
						noun, label_position(scanner, begin));
	return true;
}

/* Reads an event and finds its condition, the same for the same event. */
static PatternNode *
parse_event(Parser *parser)
{
	Pattern    *pattern = parser->pattern;
	PatternNode *node = make_node(parser, PATTERN_CONDITION, here(parser));
	FunnelEvent event = {{NULL, 0}, {NULL, 0}};

	if (node == NULL)
		return NULL;
	if (!accept_char(parser, '*') && !parse_label(parser, "event", &event.event))
		return NULL;
	if (accept_char(parser, '@') && !parse_label(parser, "channel", &event.channel))
		return NULL;
	for (uint32 i = 0; i < pattern->nconditions; i++)
	{
		if (funnel_list_has(&pattern->events[i], 1, &event))
		{
			node->condition = i;
			return node;
		}
	}
	if (pattern->nconditions == parser->event_room)
	{
		parser->event_room = Max(8, parser->event_room * 2);
		pattern->events = pattern->events ?
			repalloc(pattern->events, parser->event_room * sizeof(FunnelEvent)) :
			palloc(parser->event_room * sizeof(FunnelEvent));
	}
	node->condition = pattern->nconditions;
	pattern->events[pattern->nconditions++] = event;
	return node;
}

/* Whether "*", perhaps with space, and "@" come next: any event through a channel. */
static bool
next_is_any_event(Parser *parser)
{
	LabelScanner ahead;

	if (parser->pattern->dialect != PATTERN_NAMED || !next_is(parser, '*'))
		return false;
	ahead = parser->scanner;
	ahead.at++;
	label_skip_space(&ahead);
	return ahead.at < ahead.end && *ahead.at == '@';
}

/* Whether an atom begins here; NULL from parse_atom is an error then. */
static bool
next_is_atom(Parser *parser)
{
	LabelScanner ahead;
	Label		word;

	if (next_is(parser, '.') || next_is(parser, '('))
		return true;
	if (parser->pattern->dialect != PATTERN_NAMED || next_is_within(parser))
		return false;
	ahead = parser->scanner;
	return next_is(parser, '"') || next_is_any_event(parser) || label_scan_bare(&ahead, &word);
}

static PatternNode *
parse_atom(Parser *parser)
{
	bool		named = parser->pattern->dialect == PATTERN_NAMED;
	PatternNode *node;
	const char *open;

	if (next_is(parser, '.'))
	{
		node = make_node(parser, PATTERN_ANY, here(parser));
		parser->scanner.at++;
		return node;
	}
	if (next_is_text(parser, "(?t"))
		return parse_gate(parser);
	if (next_is_text(parser, "(?"))
		return named ? fail_atom(parser) : parse_numbered(parser);
	if (!next_is(parser, '('))
		return parse_event(parser);

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
		if (next_is_atom(parser) || parser->scanner.at < parser->scanner.end)
			fail_atom(parser);
		else
			cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: parenthesis at character %d is not closed",
					 label_position(&parser->scanner, open));
		return NULL;
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
	if (next_is_any_event(parser))
		return atom;
	if (accept_char(parser, '*'))
		;
	else if (accept_char(parser, '+'))
		min = 1;
	else if (accept_char(parser, '?'))
		max = 1;
	else if (accept_char(parser, '{'))
	{
		if (!parse_number(parser, PATTERN_MAX_REPEAT, "a number of times", &min))
			return NULL;
		if (!accept_char(parser, ','))
			max = min;
		else if (!next_is(parser, '}') &&
				 !parse_number(parser, PATTERN_MAX_REPEAT, "a number of times, or \"}\"", &max))
			return NULL;
		if (!accept_char(parser, '}'))
		{
			fail_expected(parser, "\"}\"");
			return NULL;
		}
	}
	else
		return atom;

	if (atom->kind == PATTERN_GATE)
	{
		cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: time gate is repeated at character %d",
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
	node = make_node(parser, PATTERN_REPEAT, atom->at);
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
		if (!next_is_atom(parser))
			return fail_atom(parser);
		if ((node = parse_atom(parser)) == NULL ||
			(node = parse_repeat(parser, node)) == NULL)
			return NULL;
		tail = append_child(tail, PATTERN_SEQUENCE, node);
	} while (next_is_atom(parser));

	if (first->next == NULL)
		return first;
	node = make_node(parser, PATTERN_SEQUENCE, begin);
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
	node = make_node(parser, PATTERN_ALTERNATIVES, begin);
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
	Parser		parser = {{text, text, text + size, encoding}, pattern, 0, 0, error};
	LabelScanner *scanner = &parser.scanner;

	memset(pattern, 0, sizeof(Pattern));
	pattern->text = *scanner;
	pattern->dialect = dialect;
	pattern->within = PATTERN_NO_LIMIT;
	label_skip_space(scanner);
	if (dialect == PATTERN_NUMBERED && scanner->at >= scanner->end)
	{
		pattern->root = make_node(&parser, PATTERN_SEQUENCE, text);
		return true;
	}
	pattern->root = parse_choice(&parser);
	if (pattern->root == NULL)
		return false;
	if (next_is_within(&parser))
	{
		scanner->at += strlen("within");
		if (!funnel_parse_duration_in(scanner, "pattern", &pattern->within, error))
			return false;
		label_skip_space(scanner);
		if (scanner->at < scanner->end)
			return fail_expected(&parser, "the end");
	}
	if (scanner->at < scanner->end)
	{
		if (*scanner->at != ')')
			return fail_atom(&parser) != NULL;
		return cjm_fail(error, CJM_ERROR_SYNTAX, "invalid pattern: \")\" at character %d closes nothing",
						label_position(scanner, scanner->at));
	}
	return true;
}
