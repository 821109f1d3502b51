/*
 * pattern/atom.c: the smallest parts of a pattern's text, read: events, conditions,
 * time gates, and the numbers and labels in them.
 *
 *	gate	:= '(?t' ('<=' | '<' | '>=' | '>' | '==' | '!=') (duration | number) ')'
 *			 | '(?' number ')'			-- numbered
 *	event	:= label ['@' label] | '*' '@' label
 *
 * Space may stand between any two tokens.  A number alone in a gate is seconds.
 * A bare label neither begins nor ends with a dot, and does not end with "$": those
 * dots are any rows, so that view.*cart means what it says, and "$" alone is the
 * end.  '*' right before '@' is any event.
 */
#include "pattern/parse.h"

#include "mb/pg_wchar.h"

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
pattern_next_is_within(Parser *parser)
{
	LabelScanner ahead;
	Label		word;

	label_skip_space(&parser->scanner);
	ahead = parser->scanner;
	return label_scan_bare(&ahead, &word) && label_is_word(word, "within");
}

bool
pattern_fail_expected(Parser *parser, const char *what)
{
	return funnel_fail_expected_in(&parser->scanner, "pattern", what, parser->error);
}

/* Fails where an atom should stand, with a hint about the slip that the text looks like. */
PatternNode *
pattern_fail_atom(Parser *parser)
{
	bool		named = parser->pattern->dialect == PATTERN_NAMED;
	LabelScanner *scanner = &parser->scanner;
	LabelScanner ahead;
	Label		word;

	pattern_fail_expected(parser, named ? "an event, \".\", \"(\" or a time gate" :
				  "a condition such as (?1), \".\", \"(\" or a time gate");
	if (scanner->at >= scanner->end)
		return NULL;
	ahead = *scanner;
	if (pattern_next_is_within(parser))
		cjm_fail_hint(parser->error, "\"within\" and a duration stand once, at the end of the pattern.");
	else if (named && next_is(parser, '('))
		cjm_fail_hint(parser->error, "A journey pattern names its events: view .* purchase.");
	else if (!named && (*scanner->at == '"' || label_scan_bare(&ahead, &word)))
		cjm_fail_hint(parser->error, "Conditions go by number: (?1) is the first one after the time. "
					  "Patterns of event names are of type journey_pattern.");
	else if (next_is_text(parser, "->") || next_is(parser, '-') || next_is(parser, '>') || next_is(parser, ','))
		cjm_fail_hint(parser->error, "What follows right after is just written after it; "
					  "\".*\" between lets any others lie between.");
	else if (*scanner->at == '!')
		cjm_fail_hint(parser->error, "\"!\" stands before an event or a choice of events: !cart, !(cart | purchase).");
	else if (strchr("*+?{", *scanner->at) != NULL)
		cjm_fail_hint(parser->error, "A repetition stands after what it repeats; to repeat a repetition, "
					  "put it in parentheses. Any one is \".\", any number of them \".*\".");
	else if (named && strchr("|)@", *scanner->at) == NULL)
		cjm_fail_hint(parser->error, "A label with spaces, or with other characters than letters, digits and "
					  "_ . / $ # -, stands in double quotes.");
	return NULL;
}

PatternNode *
pattern_make_node(Parser *parser, PatternKind kind, const char *at)
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
bool
pattern_parse_number(Parser *parser, uint32 limit, const char *what, uint32 *number)
{
	LabelScanner *scanner = &parser->scanner;
	const char *begin;
	uint32		value = 0;

	label_skip_space(scanner);
	begin = scanner->at;
	if (begin >= scanner->end || !is_digit(*begin))
		return pattern_fail_expected(parser, what);
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
		return pattern_fail_expected(parser, "a number of seconds or a duration");
	return funnel_parse_duration_in(scanner, "pattern", distance, parser->error);
}

/* Reads a gate; the scanner stands on its parenthesis. */
PatternNode *
pattern_parse_gate(Parser *parser)
{
	PatternNode *node = pattern_make_node(parser, PATTERN_GATE, here(parser));

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
			pattern_fail_expected(parser, "\")\"");
			return NULL;
		}
		return node;
	}
	pattern_fail_expected(parser, "\"<=\", \"<\", \">=\", \">\", \"==\" or \"!=\"");
	return NULL;
}

/* Reads (?N). */
PatternNode *
pattern_parse_numbered(Parser *parser)
{
	PatternNode *node = pattern_make_node(parser, PATTERN_CONDITION, here(parser));

	if (node == NULL)
		return NULL;
	parser->scanner.at += strlen("(?");
	if (!pattern_parse_number(parser, CONDITION_MAX_COUNT, "the number of a condition, or \"t\" for a time gate",
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
		pattern_fail_expected(parser, "\")\"");
		return NULL;
	}
	parser->pattern->nconditions = Max(parser->pattern->nconditions, node->condition);
	node->condition--;
	return node;
}

/* Scans a bare label without the dots at its end, of which nothing may be left. */
static bool
scan_bare(LabelScanner *scanner, Label *label)
{
	if (!label_scan_bare(scanner, label))
		return false;
	while (label->size > 0 && label->bytes[label->size - 1] == '.')
		label->size--;
	return true;
}

/* Whether "^" or "$" comes next. */
bool
pattern_next_is_anchor(Parser *parser)
{
	LabelScanner ahead;
	Label		label;

	if (next_is(parser, '^'))
		return true;
	if (!parser->dollar_ends || !next_is(parser, '$'))
		return false;
	if (parser->pattern->dialect == PATTERN_NUMBERED)
		return true;
	ahead = parser->scanner;
	return scan_bare(&ahead, &label) && label.size == 1;
}

/* Reads an anchor. */
PatternNode *
pattern_parse_anchor(Parser *parser)
{
	const char *at = here(parser);
	PatternNode *node = pattern_make_node(parser, *at == '^' ? PATTERN_FIRST : PATTERN_LAST, at);

	parser->scanner.at++;
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

		if (!scan_bare(scanner, label))
			return pattern_fail_expected(parser, noun[0] == 'e' ? "an event" : "a channel");
		if (label->size == 0 || label_is_word(*label, "within"))
		{
			scanner->at = begin;
			return pattern_fail_expected(parser, noun[0] == 'e' ? "an event" : "a channel");
		}
		scanner->at = label->bytes + label->size;
		if (parser->dollar_ends && label->bytes[label->size - 1] == '$')
		{
			cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid pattern: label \"%s\" at character %d ends with \"$\"",
					 funnel_shown(scanner, begin, scanner->at), label_position(scanner, begin));
			cjm_fail_hint(parser->error, "The end of what there is is a \"$\" with space before it; "
						  "a label that ends with one stands in double quotes.");
			return false;
		}
		arrow = scanner->encoding == PG_UTF8 ? funnel_find_arrow(*label) : NULL;
		if (arrow != NULL)
		{
			scanner->at = arrow;
			pattern_fail_expected(parser, "an event");
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
PatternNode *
pattern_parse_event(Parser *parser)
{
	Pattern    *pattern = parser->pattern;
	PatternNode *node = pattern_make_node(parser, PATTERN_CONDITION, here(parser));
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
bool
pattern_next_is_any_event(Parser *parser)
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
bool
pattern_next_is_atom(Parser *parser)
{
	LabelScanner ahead;
	Label		word;

	if (next_is(parser, '.') || next_is(parser, '(') || next_is(parser, '!') || pattern_next_is_anchor(parser))
		return true;
	if (parser->pattern->dialect != PATTERN_NAMED || pattern_next_is_within(parser))
		return false;
	ahead = parser->scanner;
	return next_is(parser, '"') || pattern_next_is_any_event(parser) || label_scan_bare(&ahead, &word);
}
