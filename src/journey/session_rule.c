/*
 * journey/session_rule.c: reads the arguments that say what ends a session.
 *
 * A rule is the words channel and day, one of them or both with | between them.
 * When days end is kept from call to call (base/calendar.h), and asked once a session.
 */
#include "journey/session_rule.h"

#include "base/calendar.h"
#include "utils/builtins.h"

/* When the day that holds a moment is over. */
static int64
end_of_day(void *days, int64 at)
{
	return known_period((KnownPeriods *) days, at)->end;
}

/* Reads the next word of a rule, without the spaces around it, and the | after it; whether there was one. */
static bool
next_word(Label *text, Label *word)
{
	uint32		size = 0;
	bool		more;

	while (size < text->size && text->bytes[size] != '|')
		size++;
	*word = (Label) {text->bytes, size};
	more = size < text->size;
	if (more)
		*text = (Label) {text->bytes + size + 1, text->size - size - 1};
	while (word->size > 0 && word->bytes[0] == ' ')
		*word = (Label) {word->bytes + 1, word->size - 1};
	while (word->size > 0 && word->bytes[word->size - 1] == ' ')
		word->size--;
	return more;
}

/*
 * The rule of a call by the places of its arguments: gap, which may be NULL where
 * no gap ends a session, rule, which is NULL for no more than gaps, and time_zone,
 * in which days are.  place is where the call site keeps what it knows of days, NULL before
 * the first call; it must be the call site's own, and in fn_mcxt.
 */
SessionRule
session_rule_arguments(FunctionCallInfo fcinfo, int gap, int rule, int time_zone, void **place)
{
	SessionRule found = {.timeout = PG_INT64_MAX};
	bool		by_day = false;
	Label		rest;
	Label		word;
	bool		more;

	if (!PG_ARGISNULL(gap))
		found.timeout = interval_microseconds(PG_GETARG_INTERVAL_P(gap), "session gap");
	if (PG_NARGS() <= rule || PG_ARGISNULL(rule))
		return found;
	rest = label_from_text(PG_GETARG_TEXT_PP(rule));
	do
	{
		more = next_word(&rest, &word);
		if (label_equal(word, (Label) {"channel", 7}))
			found.by_channel = true;
		else if (label_equal(word, (Label) {"day", 3}))
			by_day = true;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a session cannot end by the rule \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(rule))),
					 errhint("It ends where another channel or another day begins: 'channel', 'day' or 'channel | day'; NULL is for gaps alone.")));
	} while (more);
	if (!by_day)
		return found;
	if (PG_ARGISNULL(time_zone))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("sessions that end with the day need a time zone"),
				 errhint("Say where days begin: time_zone => 'Europe/Riga'.")));
	found.day_end = end_of_day;
	found.days = known_periods((KnownPeriods **) place, fcinfo->flinfo->fn_mcxt, calendar_unit_named("day"), PG_GETARG_TEXT_PP(time_zone));
	return found;
}
