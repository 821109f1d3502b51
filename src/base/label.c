/*
 * base/label.c: scanning and printing labels, see base/label.h.
 *
 * In every encoding that a database may have, the bytes of a multi-byte
 * character are all above 127, so that bytes can be scanned one by one.
 */
#include "base/label.h"

#include "mb/pg_wchar.h"

/* Longest piece of the input that an error message repeats, in bytes. */
#define FOUND_MAX_BYTES 40
/* And of a label that is too long. */
#define SHOWN_BYTES 16

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static inline bool
is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		IS_HIGHBIT_SET(c) || c == '_' || c == '.' || c == '/' || c == '$' || c == '#' || c == '-';
}

/* Whether a label is this lower-case ASCII word in any case, in every locale. */
bool
label_is_word(Label label, const char *word)
{
	for (uint32 i = 0; i < label.size; i++)
	{
		if (word[i] == '\0' || pg_ascii_tolower((unsigned char) label.bytes[i]) != (unsigned char) word[i])
			return false;
	}
	return word[label.size] == '\0';
}

/*
 * label_check is the one rule for what a label may be.  what is the noun for
 * the message: "event", "channel", "stage".
 */
bool
label_check(Label label, const char *what, CjmError *error)
{
	if (label.size == 0)
		return cjm_fail(error, CJM_ERROR_VALUE, "%s must not be empty", what);
	if (label.size > LABEL_MAX_BYTES)
	{
		uint32		shown = 0;

		/* Without an encoding at hand only ASCII can be cut without breaking a character. */
		while (shown < SHOWN_BYTES && !IS_HIGHBIT_SET(label.bytes[shown]))
			shown++;
		cjm_fail(error, CJM_ERROR_LIMIT, "%s of %u bytes is too long", what, label.size);
		cjm_fail_detail(error, "\"%.*s...\" is longer than the limit of %d bytes.",
						(int) shown, label.bytes, LABEL_MAX_BYTES);
		return false;
	}
	return true;
}

void
label_skip_space(LabelScanner *scanner)
{
	while (scanner->at < scanner->end && is_space(*scanner->at))
		scanner->at++;
}

/*
 * label_scan_bare takes the longest bare label at the scanner, which may be a
 * keyword; that is for the caller to know.  The label points into the input.
 * Returns false, without moving, if no bare label begins here.
 */
bool
label_scan_bare(LabelScanner *scanner, Label *label)
{
	const char *at = scanner->at;

	while (at < scanner->end && is_bare(*at))
	{
		if (*at == '-' && at + 1 < scanner->end && at[1] == '>')
			break;
		at++;
	}
	label->bytes = scanner->at;
	label->size = at - scanner->at;
	scanner->at = at;
	return label->size > 0;
}

/*
 * label_scan_quoted takes a quoted label; the scanner must stand on the
 * opening quote.  The label points into the input, or into palloc'd memory
 * where quotes had to be undoubled.  Its length is not checked here.
 */
bool
label_scan_quoted(LabelScanner *scanner, Label *label, CjmError *error)
{
	const char *open = scanner->at;
	const char *at = open + 1;
	uint32		doubled = 0;

	Assert(*open == '"');
	for (;; at++)
	{
		if (at >= scanner->end)
			return cjm_fail(error, CJM_ERROR_SYNTAX, "quoted label that begins at character %d is not closed",
							label_position(scanner, open));
		if (*at != '"')
			continue;
		if (at + 1 >= scanner->end || at[1] != '"')
			break;
		doubled++;
		at++;
	}

	label->bytes = open + 1;
	label->size = at - label->bytes - doubled;
	scanner->at = at + 1;

	if (doubled > 0)
	{
		char	   *copy = palloc(label->size);
		char	   *to = copy;

		for (const char *from = label->bytes; from < at; from++)
		{
			*to++ = *from;
			if (*from == '"')
				from++;
		}
		label->bytes = copy;
	}
	return true;
}

/* The number of the character, from 1, that a position of the input is. */
int
label_position(const LabelScanner *scanner, const char *at)
{
	int			position = 1;
	const char *p = scanner->start;

	while (p < at)
	{
		p += pg_encoding_mblen(scanner->encoding, p);
		position++;
	}
	return position;
}

/*
 * What stands at a position of the input, for a message: a quoted piece up to
 * the next space, or the words "end of input".  palloc'd.
 */
char *
label_found(const LabelScanner *scanner, const char *at)
{
	const char *stop = at;

	if (at >= scanner->end)
		return pstrdup("end of input");
	while (stop < scanner->end && !is_space(*stop))
	{
		int			width = pg_encoding_mblen(scanner->encoding, stop);

		if (stop + width > scanner->end || stop + width - at > FOUND_MAX_BYTES)
			break;
		stop += width;
	}
	if (stop == at)				/* a space, or a broken character */
		stop = at + 1;
	return psprintf("\"%.*s\"", (int) (stop - at), at);
}

/* Prints a label, quoted where it has to be or where the caller knows it for a keyword. */
void
label_print(StringInfo out, Label label, bool is_keyword)
{
	LabelScanner scanner = {label.bytes, label.bytes, label.bytes + label.size, 0};
	Label		bare;

	if (!is_keyword && label_scan_bare(&scanner, &bare) && bare.size == label.size)
	{
		appendBinaryStringInfo(out, label.bytes, label.size);
		return;
	}
	appendStringInfoChar(out, '"');
	for (uint32 i = 0; i < label.size; i++)
	{
		if (label.bytes[i] == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, label.bytes[i]);
	}
	appendStringInfoChar(out, '"');
}
