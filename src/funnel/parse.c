/*
 * funnel/parse.c: the text of a funnel, read.
 *
 *	funnel	:= stage ('->' stage)* clause*
 *	stage	:= ['optional'] [label ':'] event ('|' event)* ['[' duration ']']
 *	event	:= ('*' | label) ['@' (label | '(' label ')')]
 *	clause	:= 'within' duration | 'within' 'session' ['(' duration ')'] | 'strict' | 'unordered' |
 *			   'from' 'any' 'stage' | 'excluding' event ('|' event)*
 *	duration := (number unit)+, see funnel/duration.c
 *
 * One pass, no recursion, no look-back: every parse_ function starts where the
 * one before it stopped, and space before a token is skipped by who reads the
 * token.  Clauses stand in any order, each at most once.  Where the label before
 * ':' is bare, no bare label follows without a space.
 *
 * Labels of the result point into the text, or into palloc'd memory where
 * quotes had to be undoubled.  What does not fit the limits is refused where
 * it is met, so that memory is bounded by them and not by the text.
 */
#include "funnel/text.h"

#include "mb/pg_wchar.h"

#define KEYWORD_HINT \
	"A label that is a keyword (within, strict, unordered, excluding, optional) stands in double quotes."
#define CLAUSES "a clause (within, strict, unordered, from any stage, excluding)"

typedef struct Parser
{
	LabelScanner scanner;
	FunnelDef  *def;
	int			nevents;		/* stored so far, exclusions too */
	const char *event_at;		/* where the last event begins */
	bool		bound;			/* the channel of the last event is the variable */
	CjmError   *error;
} Parser;

/* Skips space, and says whether the next character is c. */
static bool
next_is(Parser *parser, char c)
{
	LabelScanner *scanner = &parser->scanner;

	label_skip_space(scanner);
	return scanner->at < scanner->end && *scanner->at == c;
}

/* Takes the character c if it comes next. */
static bool
accept_char(Parser *parser, char c)
{
	if (!next_is(parser, c))
		return false;
	parser->scanner.at++;
	return true;
}

static bool
next_is_arrow(Parser *parser)
{
	LabelScanner *scanner = &parser->scanner;

	label_skip_space(scanner);
	return scanner->end - scanner->at >= 2 && scanner->at[0] == '-' && scanner->at[1] == '>';
}

/* The bare word that comes next; nothing is taken.  No bytes: none does. */
static Label
next_word(Parser *parser)
{
	LabelScanner ahead;
	Label		word;

	label_skip_space(&parser->scanner);
	ahead = parser->scanner;
	if (!label_scan_bare(&ahead, &word))
		word.bytes = NULL;
	return word;
}

/* Fails with what was expected where the scanner stands. */
static bool
fail_expected(Parser *parser, const char *what)
{
	return funnel_fail_expected(&parser->scanner, what, parser->error);
}

/*
 * The same where a label could be meant, with a hint about the slip that the
 * found text looks like; most come from other notations.
 */
static bool
fail_expected_hint(Parser *parser, const char *what)
{
	LabelScanner *scanner = &parser->scanner;
	Label		word;
	const char *at;

	fail_expected(parser, what);
	word = next_word(parser);
	at = scanner->at;
	if (at >= scanner->end || next_is_arrow(parser))
		return false;
	if (word.bytes != NULL && funnel_word(word) == FUNNEL_WORD_OPTIONAL)
		cjm_fail_hint(parser->error, "\"optional\" stands before a stage, right after \"->\"; "
					  "as a label it stands in double quotes.");
	else if (word.bytes != NULL && funnel_word(word) != FUNNEL_WORD_NONE)
		cjm_fail_hint(parser->error, KEYWORD_HINT);
	else if (strchr(">=,;-", *at) != NULL || (word.bytes != NULL && funnel_find_arrow(word) == word.bytes))
		cjm_fail_hint(parser->error, "Stages are separated by \"->\", the events of one stage by \"|\".");
	else if (*at == ':')
		cjm_fail_hint(parser->error, "A stage has one name: a label, before its first event.");
	else if (*at == '*')
		cjm_fail_hint(parser->error, "\"*\" alone is any event; a label that contains it stands in double quotes.");
	else if (strchr("|@[]", *at) == NULL)
		cjm_fail_hint(parser->error, "A label with spaces, or with other characters than letters, digits and "
					  "_ . / $ # -, stands in double quotes.");
	return false;
}

/* Fails with an arrow that by the letter of the grammar is a part of a bare label. */
static bool
fail_arrow(Parser *parser, const char *arrow)
{
	cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid funnel: expected \"->\" at character %d, found %s",
			 label_position(&parser->scanner, arrow), label_found(&parser->scanner, arrow));
	cjm_fail_hint(parser->error, "Stages are separated by \"->\"; a label with an arrow in it, "
				  "or with \"-\" right before \"->\", stands in double quotes.");
	return false;
}

/* Fails with a space that by the letter of the grammar is a part of a bare label. */
static bool
fail_space(Parser *parser, const char *space)
{
	cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid funnel: expected a plain space at character %d, found another one",
			 label_position(&parser->scanner, space));
	cjm_fail_hint(parser->error, "No-break and other special spaces come along with copied text. Type the space anew; "
				  "a label with such a space in it stands in double quotes.");
	return false;
}

/*
 * Fails with a colon that stands right between two bare labels, as in
 * "user:login" and "https://shop.example/": a name of a stage by the letter of
 * the grammar, and an event for whoever wrote it.
 */
static bool
fail_colon(Parser *parser, const char *colon)
{
	cjm_fail(parser->error, CJM_ERROR_SYNTAX, "invalid funnel: expected a space after \":\" at character %d, found %s",
			 label_position(&parser->scanner, colon), label_found(&parser->scanner, colon + 1));
	cjm_fail_hint(parser->error, "A label with a colon in it, such as \"user:login\" or a URL, stands in double quotes; "
				  "after the name of a stage there is a space: \"name: event\".");
	return false;
}

/* Whether a colon comes next, and after it right away something that may be part of a bare label. */
static bool
next_is_inner_colon(Parser *parser)
{
	LabelScanner ahead = parser->scanner;
	Label		word;

	if (ahead.at >= ahead.end || *ahead.at != ':')
		return false;
	ahead.at++;
	return label_scan_bare(&ahead, &word);
}

/*
 * Reads a label.  noun is what a message calls it, expected what it says should
 * stand here.
 */
static bool
parse_label(Parser *parser, const char *noun, const char *expected, Label *label)
{
	LabelScanner *scanner = &parser->scanner;
	const char *begin;

	if (next_is(parser, '"'))
	{
		CjmError	unclosed = {0};

		begin = scanner->at;
		if (!label_scan_quoted(scanner, label, &unclosed))
			return cjm_fail(parser->error, unclosed.kind, "invalid funnel: %s", unclosed.message);
	}
	else
	{
		bool		unicode = scanner->encoding == PG_UTF8 || scanner->encoding == PG_SQL_ASCII;
		const char *arrow;
		const char *space;

		begin = scanner->at;
		if (!label_scan_bare(scanner, label))
			return fail_expected_hint(parser, expected);
		if (funnel_word(*label) != FUNNEL_WORD_NONE)
		{
			scanner->at = begin;
			return fail_expected_hint(parser, expected);
		}

		/*
		 * "view-->cart" and "view→cart" would be the labels "view-" and
		 * "view→cart", which nobody means, nor is a space other than ASCII's
		 * meant for a part of a label.  They can be had with quotes; the
		 * printer puts a space before its "->" and quotes arrows and spaces.
		 * In the single-byte encodings these bytes are letters or none.
		 */
		arrow = unicode ? funnel_find_arrow(*label) : NULL;
		if (arrow != NULL)
			return fail_arrow(parser, arrow);
		space = unicode ? funnel_find_space(*label) : NULL;
		if (space != NULL)
			return fail_space(parser, space);
		if (label->bytes[label->size - 1] == '-' && scanner->end - scanner->at >= 2 &&
			scanner->at[0] == '-' && scanner->at[1] == '>')
			return fail_arrow(parser, scanner->at - 1);
		if (next_is_inner_colon(parser))
			return fail_colon(parser, scanner->at);
	}

	if (label->size == 0)
		return cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid funnel: %s at character %d must not be empty",
						noun, label_position(scanner, begin));
	if (label->size > LABEL_MAX_BYTES)
	{
		cjm_fail(parser->error, CJM_ERROR_LIMIT, "invalid funnel: %s of %u bytes at character %d is too long",
				 noun, label->size, label_position(scanner, begin));
		cjm_fail_detail(parser->error, "The limit is %d bytes.", LABEL_MAX_BYTES);
		return false;
	}
	return true;
}

/* Reads the variable, of which there is one in a funnel, after its parenthesis. */
static bool
parse_variable(Parser *parser)
{
	FunnelDef  *def = parser->def;
	LabelScanner *scanner = &parser->scanner;
	Label		label;
	const char *begin;

	label_skip_space(scanner);
	begin = scanner->at;
	if (!parse_label(parser, "variable", "a variable", &label))
		return false;
	if (def->variable.bytes != NULL && !label_equal(def->variable, label))
	{
		cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid funnel: variables \"%.*s\" and \"%.*s\" exclude each other, at character %d",
				 (int) def->variable.size, def->variable.bytes, (int) label.size, label.bytes, label_position(scanner, begin));
		cjm_fail_hint(parser->error, "A variable stands for the channel, and a funnel has one. Write \"@(%.*s)\" at every stage "
					  "that is to have the same channel.", (int) def->variable.size, def->variable.bytes);
		return false;
	}
	def->variable = label;
	parser->bound = true;
	if (!accept_char(parser, ')'))
		return fail_expected(parser, "\")\"");
	return true;
}

static bool
parse_event(Parser *parser, FunnelEvent *event)
{
	memset(event, 0, sizeof(FunnelEvent));
	parser->bound = false;
	label_skip_space(&parser->scanner);
	parser->event_at = parser->scanner.at;
	if (!accept_char(parser, '*') &&
		!parse_label(parser, "event", "an event", &event->event))
		return false;
	if (accept_char(parser, '@'))
	{
		if (accept_char(parser, '('))
			return parse_variable(parser);
		if (next_is(parser, '*'))
		{
			fail_expected(parser, "a channel");
			cjm_fail_hint(parser->error, "An event without \"@\" is one through any channel, or none.");
			return false;
		}
		return parse_label(parser, "channel", "a channel", &event->channel);
	}
	return true;
}

/*
 * Reads ('|' event)* after the first event and makes the list of them all,
 * each once.
 */
static bool
parse_alternatives(Parser *parser, FunnelEvent event, FunnelEvent **list, int *count)
{
	int			room = 4;
	bool		bound = parser->bound;

	*list = palloc(room * sizeof(FunnelEvent));
	*count = 0;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!funnel_list_has(*list, *count, &event))
		{
			if (parser->nevents == FUNNEL_MAX_EVENTS)
			{
				cjm_fail(parser->error, CJM_ERROR_LIMIT,
						 "invalid funnel: too many events: number %d begins at character %d",
						 parser->nevents + 1, label_position(&parser->scanner, parser->event_at));
				cjm_fail_detail(parser->error, "The limit is %d events in all stages and exclusions together.",
								FUNNEL_MAX_EVENTS);
				return false;
			}
			if (*count == room)
			{
				room *= 2;
				*list = repalloc(*list, room * sizeof(FunnelEvent));
			}
			(*list)[(*count)++] = event;
			parser->nevents++;
		}
		if (!accept_char(parser, '|'))
			return true;
		if (!parse_event(parser, &event))
			return false;
		if (parser->bound != bound)
		{
			cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid funnel: the events of one stage have a variable all or none, at character %d",
					 label_position(&parser->scanner, parser->event_at));
			cjm_fail_hint(parser->error, "Write \"@(%.*s)\" after each event of the stage.",
						  (int) parser->def->variable.size, parser->def->variable.bytes);
			return false;
		}
	}
}

static bool
parse_stage(Parser *parser)
{
	FunnelDef  *def = parser->def;
	LabelScanner *scanner = &parser->scanner;
	FunnelStage *stage;
	FunnelEvent event;
	Label		word = next_word(parser);
	const char *begin = scanner->at;
	bool		keyword_named = false;

	if (def->nstages == FUNNEL_MAX_STAGES)
	{
		cjm_fail(parser->error, CJM_ERROR_LIMIT,
				 "invalid funnel: too many stages: number %d begins at character %d",
				 def->nstages + 1, label_position(scanner, begin));
		cjm_fail_detail(parser->error, "The limit is %d stages.", FUNNEL_MAX_STAGES);
		return false;
	}
	stage = &def->stages[def->nstages];
	memset(stage, 0, sizeof(FunnelStage));
	stage->gap = FUNNEL_NO_LIMIT;

	if (word.bytes != NULL && funnel_word(word) == FUNNEL_WORD_OPTIONAL)
	{
		scanner->at += word.size;
		stage->optional = true;
		keyword_named = next_is(parser, ':');
	}
	if (!parse_event(parser, &event))
	{
		if (keyword_named)
			cjm_fail_hint(parser->error, KEYWORD_HINT);
		return false;
	}
	if (event.event.bytes != NULL && event.channel.bytes == NULL && !parser->bound && accept_char(parser, ':'))
	{
		stage->name = event.event;
		if (!parse_event(parser, &event))
			return false;
	}
	stage->bound = parser->bound;
	if (!parse_alternatives(parser, event, &stage->events, &stage->nevents))
		return false;
	if (stage->name.bytes == NULL)
		stage->name = funnel_default_name(&stage->events[0]);
	if (stage->optional && def->nstages == 0)
	{
		cjm_fail(parser->error, CJM_ERROR_VALUE,
				 "invalid funnel: the first stage cannot be optional, at character %d",
				 label_position(scanner, begin));
		cjm_fail_hint(parser->error, "Every walk begins with the first stage. "
					  "Begin the funnel with a mandatory one.");
		return false;
	}

	if (accept_char(parser, '['))
	{
		const char *open = scanner->at - 1;

		if (!funnel_parse_duration(scanner, &stage->gap, parser->error))
			return false;
		if (!accept_char(parser, ']'))
			return fail_expected(parser, "\"]\"");
		if (def->nstages == 0)
		{
			cjm_fail(parser->error, CJM_ERROR_VALUE,
					 "invalid funnel: the first stage cannot have a limit \"%s\", at character %d",
					 funnel_shown(scanner, open, scanner->at), label_position(scanner, open));
			cjm_fail_hint(parser->error, "It would limit the time since the stage before, and there is none; "
						  "\"within\" limits the whole walk.");
			return false;
		}
	}
	def->nstages++;
	return true;
}

/* The word after the bare word that comes next. */
static Label
word_after(Parser *parser, Label word)
{
	Parser		ahead = *parser;

	ahead.scanner.at = word.bytes + word.size;
	return next_word(&ahead);
}

/* What a clause begins with. */
static FunnelWord
clause_word(Parser *parser, Label word)
{
	Label		after;

	if (word.bytes == NULL)
		return FUNNEL_WORD_NONE;
	if (label_is_word(word, "from"))
		return FUNNEL_CLAUSE_FROM;
	if (funnel_word(word) != FUNNEL_WORD_WITHIN)
		return funnel_word(word);
	after = word_after(parser, word);
	return after.bytes != NULL && label_is_word(after, "session") ? FUNNEL_CLAUSE_SESSION : FUNNEL_WORD_WITHIN;
}

/* Takes a certain word. */
static bool
take_word(Parser *parser, const char *name, const char *what)
{
	Label		word = next_word(parser);

	if (word.bytes == NULL || !label_is_word(word, name))
		return fail_expected(parser, what);
	parser->scanner.at += word.size;
	return true;
}

/* Reads the clauses up to the end of the text. */
static bool
parse_clauses(Parser *parser)
{
	FunnelDef  *def = parser->def;
	LabelScanner *scanner = &parser->scanner;
	const char *expected = "\"->\" or " CLAUSES;
	uint32		seen = 0;

	for (;;)
	{
		Label		word = next_word(parser);
		FunnelWord	keyword;
		FunnelEvent event;

		if (scanner->at >= scanner->end)
			return true;
		keyword = clause_word(parser, word);
		if (keyword != FUNNEL_WORD_NONE && (seen & (1u << keyword)))
			return cjm_fail(parser->error, CJM_ERROR_SYNTAX,
							"invalid funnel: \"%s\" stands a second time at character %d",
							funnel_shown(scanner, word.bytes, word.bytes + word.size),
							label_position(scanner, word.bytes));
		switch (keyword)
		{
			case FUNNEL_WORD_WITHIN:
				scanner->at += word.size;
				if (!funnel_parse_duration(scanner, &def->within, parser->error))
					return false;
				break;
			case FUNNEL_CLAUSE_SESSION:
				scanner->at += word.size;
				if (!take_word(parser, "session", "\"session\""))
					return false;
				def->session = FUNNEL_SESSION_GAP;
				if (accept_char(parser, '('))
				{
					if (!funnel_parse_duration(scanner, &def->session, parser->error))
						return false;
					if (!accept_char(parser, ')'))
						return fail_expected(parser, "\")\"");
				}
				break;
			case FUNNEL_CLAUSE_FROM:
				scanner->at += word.size;
				if (!take_word(parser, "any", "\"any stage\"") || !take_word(parser, "stage", "\"stage\""))
					return false;
				def->from_any = true;
				break;
			case FUNNEL_WORD_STRICT:
				scanner->at += word.size;
				def->strict = true;
				break;
			case FUNNEL_WORD_UNORDERED:
				scanner->at += word.size;
				def->unordered = true;
				break;
			case FUNNEL_WORD_EXCLUDING:
				scanner->at += word.size;
				if (!parse_event(parser, &event))
					return false;
				if (parser->bound)
				{
					cjm_fail(parser->error, CJM_ERROR_VALUE, "invalid funnel: \"excluding\" and a variable exclude each other, at character %d",
							 label_position(scanner, parser->event_at));
					cjm_fail_hint(parser->error, "Variables stand at stages; what is excluded is so through any channel, or through one that is named.");
					return false;
				}
				if (!parse_alternatives(parser, event, &def->excluded, &def->nexcluded))
					return false;
				break;
			default:
				if (seen == 0 || keyword == FUNNEL_WORD_OPTIONAL)
					return fail_expected_hint(parser, expected);
				fail_expected(parser, expected);
				if (next_is_arrow(parser))
					cjm_fail_hint(parser->error, "Clauses stand after the last stage.");
				else if (next_is(parser, ','))
					cjm_fail_hint(parser->error, "Clauses are separated by spaces, events by \"|\".");
				return false;
		}
		seen |= 1u << keyword;
		expected = CLAUSES;
	}
}

/*
 * funnel_parse reads a definition from text in the given encoding, which must
 * be valid in it.  The result is canonical and borrows from text.
 */
bool
funnel_parse(const char *text, size_t size, int encoding, FunnelDef *def, CjmError *error)
{
	Parser		parser = {{text, text, text + size, encoding}, def, 0, text, false, error};

	memset(def, 0, sizeof(FunnelDef));
	def->within = FUNNEL_NO_LIMIT;
	def->stages = palloc(FUNNEL_MAX_STAGES * sizeof(FunnelStage));
	for (;;)
	{
		if (!parse_stage(&parser))
			return false;
		if (!next_is_arrow(&parser))
			break;
		parser.scanner.at += 2;
	}
	return parse_clauses(&parser) && funnel_check(def, error);
}
