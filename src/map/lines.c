/*
 * map/lines.c: text in lines, see map/lines.h.
 *
 * A line ends where Unicode's annex 14 lets it, as far as no dictionary is needed:
 * after spaces, hyphens and dashes, and between ideographs, but not before what
 * closes or after what opens.  A word that is longer than a line ends one where
 * names of events have their joints (_ . / : |, a capital after a small letter),
 * or, if it has none in the line, between any two clusters.  A number stays with
 * the short word after it, which may be its unit.
 *
 * What does not fit is cut in its middle: labels that begin alike, as names of
 * events do, differ at their ends.
 */
#include "map/lines.h"

/* What has more clusters is no name but a sentence. */
#define SENTENCE 40

/* Scripts that are broken between any two characters. */
static inline bool
is_ideograph(uint32 code)
{
	return (code >= 0x2E80 && code <= 0xA4CF) || (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x20000 && code <= 0x3FFFD);
}

/* What stays with what is before it: closing brackets and quotes, stops, small kana and marks of length. */
static bool
closes(uint32 code)
{
	static const uint32 closing[] = {
		'!', '%', ')', ',', '.', ':', ';', '?', ']', '}', 0xBB, 0x2019, 0x201D, 0x2026, 0x3001, 0x3002, 0x3005, 0x3009, 0x300B,
		0x300D, 0x300F, 0x3011, 0x3015, 0x3017, 0x301C, 0x3041, 0x3043, 0x3045, 0x3047, 0x3049, 0x3063, 0x3083, 0x3085, 0x3087,
		0x308E, 0x309D, 0x309E, 0x30A1, 0x30A3, 0x30A5, 0x30A7, 0x30A9, 0x30C3, 0x30E3, 0x30E5, 0x30E7, 0x30EE, 0x30FB, 0x30FC,
		0x30FD, 0x30FE, 0xFF01, 0xFF05, 0xFF09, 0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF3D, 0xFF5D
	};

	for (size_t i = 0; i < lengthof(closing); i++)
		if (code == closing[i])
			return true;
	return false;
}

/* What stays with what is after it. */
static inline bool
opens(uint32 code)
{
	return code == '(' || code == '[' || code == '{' || code == 0xAB || code == 0x2018 || code == 0x201C || code == 0x3008 ||
		code == 0x300A || code == 0x300C || code == 0x300E || code == 0x3010 || code == 0x3014 || code == 0xFF08 || code == 0xFF3B;
}

/* Whether a line may end between two clusters. */
static bool
words_end(uint32 before, uint32 after)
{
	if (after == ' ' || closes(after) || opens(before))
		return false;
	if (before == ' ' || before == 0x1680 || (before >= 0x2000 && before <= 0x200B && before != 0x2007) || before == 0x3000)
		return true;
	if (before == '-' || before == 0x2010 || before == 0x2013 || before == 0x2014)
		return after != before && !(after >= '0' && after <= '9');
	return is_ideograph(before) || is_ideograph(after);
}

/* Whether a word that is longer than a line may end it there. */
static bool
parts_end(uint32 before, uint32 after)
{
	if (before == '_' || before == '.' || before == '/' || before == ':' || before == '|' || before == ',' || before == '-')
		return after != before;
	return before >= 'a' && before <= 'z' && after >= 'A' && after <= 'Z';
}

/* What has more letters is no unit. */
#define UNIT 5

/* Whether a text begins with a word that may be the unit of a number before it. */
static bool
is_unit(const char *at, const char *end)
{
	GlyphCluster cluster;
	int			letters = 0;

	while (glyph_next(&at, end, &cluster) && cluster.code != ' ' && !closes(cluster.code))
		if (++letters > UNIT || is_ideograph(cluster.code) || (cluster.code >= '0' && cluster.code <= '9'))
			return false;
	return letters > 0;
}

/*
 * fit_line takes what of a text fits into a line; next is where the rest begins,
 * the text itself if not even a cluster fits.  Spaces at the end take no room.
 */
static GlyphLine
fit_line(const char *text, const char *end, double room, const char **next)
{
	GlyphLine	line = {text, 0, false};
	GlyphCluster cluster;
	uint32		before = 0;
	const char *at = text;
	const char *fits = text;	/* as much as there is room for */
	const char *fits_words = NULL;	/* and does not break a word */
	const char *fits_unit = NULL;	/* nor leaves a unit without its number */
	const char *fits_parts = NULL;	/* nor a part of one */
	double		width = 0;
	bool		over = false;

	while (glyph_next(&at, end, &cluster))
	{
		CHECK_FOR_INTERRUPTS();
		if (before != 0)
		{
			if (words_end(before, cluster.code))
			{
				fits_words = cluster.bytes;
				if (before != ' ' || cluster.bytes - text < 2 || cluster.bytes[-2] < '0' || cluster.bytes[-2] > '9' || !is_unit(cluster.bytes, end))
					fits_unit = cluster.bytes;
			}
			else if (parts_end(before, cluster.code))
				fits_parts = cluster.bytes;
		}
		if (width + cluster.width > room && !(cluster.code == ' ' && cluster.size == 1))
		{
			over = true;
			break;
		}
		width += cluster.width;
		fits = at;
		before = cluster.code;
	}
	if (over)
		fits = fits_unit ? fits_unit : fits_words ? fits_words : fits_parts ? fits_parts : fits;
	*next = fits;
	while (fits > text && fits[-1] == ' ')
		fits--;
	line.size = fits - text;
	return line;
}

/* Breaks all of a text into at most so many lines; false if it does not fit. */
static bool
wrap(const char *text, size_t size, double room, int max_lines, GlyphLine *lines, int *count)
{
	const char *end = text + size;

	*count = 0;
	while (text < end)
	{
		const char *next;

		if (*count == max_lines)
			return false;
		lines[*count] = fit_line(text, end, room, &next);
		if (next == text)
			return false;
		(*count)++;
		for (text = next; text < end && *text == ' ';)
			text++;
	}
	return true;
}

/* In a sentence what is left begins and ends with a word, if one ends in its last fifth before the cut, or begins in the first after it. */
static void
whole_words(const char *text, const char *end, const char **head_end, const char **tail)
{
	const char *at = *head_end;

	while (at > text && at[-1] != ' ' && (*head_end - at) * 5 < *head_end - text)
		at--;
	if (at > text && at[-1] == ' ')
		*head_end = at;
	for (at = *tail; at < end && at[-1] != ' ' && (at - *tail) * 5 < end - *tail;)
		at++;
	if (at < end && at > text && at[-1] == ' ')
		*tail = at;
}

/*
 * lines_wrap breaks a text into lines of at most a room, in hundredths of the
 * font's size.  If max_lines do not hold it, its middle gives way to an ellipsis
 * with a mark after it, which tells it from others of which as much is left;
 * shown, empty before, then holds what the lines are of.  Returns how many lines
 * there are; an empty text has none.
 */
int
lines_wrap(StringInfo shown, const char *text, size_t size, double room, int max_lines, const char *mark, GlyphLine *lines)
{
	const char *end = text + size;
	const char *at = text;
	GlyphCluster cluster;
	const char **places;
	const char *head_end;
	const char *tail;
	size_t		clusters = 0;
	size_t		low = 0;
	size_t		high;
	int			count;

	if (*mark == '\0' && wrap(text, size, room, max_lines, lines, &count))
		return count;
	places = palloc((size + 1) * sizeof(char *));
	while (glyph_next(&at, end, &cluster))
		places[clusters++] = cluster.bytes;
	places[clusters] = end;

	/* As many clusters as fit, a few more of them before the ellipsis than after it; none fits always, for want of less. */
	high = *mark != '\0' || clusters == 0 ? clusters : clusters - 1;
	for (;;)
	{
		size_t		kept = (low + high + 1) / 2;
		size_t		after = kept * 2 / 5;

		head_end = places[kept - after];
		tail = places[clusters - after];
		if (clusters > SENTENCE)
			whole_words(text, end, &head_end, &tail);
		while (head_end > text && head_end[-1] == ' ')
			head_end--;
		while (tail < end && *tail == ' ')
			tail++;
		resetStringInfo(shown);
		appendBinaryStringInfo(shown, text, head_end - text);
		appendStringInfoString(shown, LINES_ELLIPSIS);
		appendStringInfoString(shown, mark);
		appendBinaryStringInfo(shown, tail, end - tail);
		if (wrap(shown->data, shown->len, room, max_lines, lines, &count))
			low = kept;
		else if (kept > low)
			high = kept - 1;
		if (low == high)
		{
			if (kept == low)
				break;
			/* The last that fits is made again. */
			high = low;
		}
		CHECK_FOR_INTERRUPTS();
	}
	pfree(places);
	if (!wrap(shown->data, shown->len, room, max_lines, lines, &count))
	{
		lines[0].bytes = shown->data;
		lines[0].size = shown->len;
		count = 1;
	}
	return count;
}
