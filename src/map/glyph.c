/*
 * map/glyph.c: how much room text takes and where it may be cut, see map/glyph.h.
 *
 * Clusters are those of Unicode's annex 29 (14.0), or several of them where
 * telling them apart would need more tables: two emoji joined by a joiner are
 * not asked whether they are emoji.  A place to cut is always one of annex 29.
 */
#include "map/glyph.h"

#include "mb/pg_wchar.h"

/* No cluster is wider, however many characters it has: room for more is never asked for. */
#define GLYPH_MAX (1 << 24)

typedef struct GlyphRange
{
	uint32		first;
	uint32		last;
} GlyphRange;

typedef struct GlyphWidth
{
	uint32		last;			/* from the range before to this */
	int			width;
} GlyphWidth;

/*
 * Stay with what is before them: Grapheme_Cluster_Break = Extend, SpacingMark,
 * ZWJ, and the vowels and finals of Hangul.  Gaps that nothing is assigned in
 * are closed.
 */
static const GlyphRange marks[] = {
	{0x300, 0x36F}, {0x483, 0x489}, {0x591, 0x5BD}, {0x5BF, 0x5BF}, {0x5C1, 0x5C2}, {0x5C4, 0x5C5},
	{0x5C7, 0x5C7}, {0x610, 0x61A}, {0x64B, 0x65F}, {0x670, 0x670}, {0x6D6, 0x6DC}, {0x6DF, 0x6E4},
	{0x6E7, 0x6E8}, {0x6EA, 0x6ED}, {0x711, 0x711}, {0x730, 0x74A}, {0x7A6, 0x7B0}, {0x7EB, 0x7F3},
	{0x7FD, 0x7FD}, {0x816, 0x819}, {0x81B, 0x823}, {0x825, 0x827}, {0x829, 0x82D}, {0x859, 0x85B},
	{0x898, 0x89F}, {0x8CA, 0x8E1}, {0x8E3, 0x903}, {0x93A, 0x93C}, {0x93E, 0x94F}, {0x951, 0x957},
	{0x962, 0x963}, {0x981, 0x983}, {0x9BC, 0x9BC}, {0x9BE, 0x9CD}, {0x9D7, 0x9D7}, {0x9E2, 0x9E3},
	{0x9FE, 0xA03}, {0xA3C, 0xA51}, {0xA70, 0xA71}, {0xA75, 0xA75}, {0xA81, 0xA83}, {0xABC, 0xABC},
	{0xABE, 0xACD}, {0xAE2, 0xAE3}, {0xAFA, 0xB03}, {0xB3C, 0xB3C}, {0xB3E, 0xB57}, {0xB62, 0xB63},
	{0xB82, 0xB82}, {0xBBE, 0xBCD}, {0xBD7, 0xBD7}, {0xC00, 0xC04}, {0xC3C, 0xC3C}, {0xC3E, 0xC56},
	{0xC62, 0xC63}, {0xC81, 0xC83}, {0xCBC, 0xCBC}, {0xCBE, 0xCD6}, {0xCE2, 0xCE3}, {0xD00, 0xD03},
	{0xD3B, 0xD3C}, {0xD3E, 0xD4D}, {0xD57, 0xD57}, {0xD62, 0xD63}, {0xD81, 0xD83}, {0xDCA, 0xDDF},
	{0xDF2, 0xDF3}, {0xE31, 0xE31}, {0xE33, 0xE3A}, {0xE47, 0xE4E}, {0xEB1, 0xEB1}, {0xEB3, 0xEBC},
	{0xEC8, 0xECD}, {0xF18, 0xF19}, {0xF35, 0xF35}, {0xF37, 0xF37}, {0xF39, 0xF39}, {0xF3E, 0xF3F},
	{0xF71, 0xF84}, {0xF86, 0xF87}, {0xF8D, 0xFBC}, {0xFC6, 0xFC6}, {0x102D, 0x1037}, {0x1039, 0x103E},
	{0x1056, 0x1059}, {0x105E, 0x1060}, {0x1071, 0x1074}, {0x1082, 0x1082}, {0x1084, 0x1086}, {0x108D, 0x108D},
	{0x109D, 0x109D}, {0x1160, 0x11FF}, {0x135D, 0x135F}, {0x1712, 0x1715}, {0x1732, 0x1734}, {0x1752, 0x1753},
	{0x1772, 0x1773}, {0x17B4, 0x17D3}, {0x17DD, 0x17DD}, {0x180B, 0x180D}, {0x180F, 0x180F}, {0x1885, 0x1886},
	{0x18A9, 0x18A9}, {0x1920, 0x193B}, {0x1A17, 0x1A1B}, {0x1A55, 0x1A60}, {0x1A62, 0x1A62}, {0x1A65, 0x1A7F},
	{0x1AB0, 0x1B04}, {0x1B34, 0x1B44}, {0x1B6B, 0x1B73}, {0x1B80, 0x1B82}, {0x1BA1, 0x1BAD}, {0x1BE6, 0x1BF3},
	{0x1C24, 0x1C37}, {0x1CD0, 0x1CD2}, {0x1CD4, 0x1CE8}, {0x1CED, 0x1CED}, {0x1CF4, 0x1CF4}, {0x1CF7, 0x1CF9},
	{0x1DC0, 0x1DFF}, {0x200C, 0x200D}, {0x20D0, 0x20F0}, {0x2CEF, 0x2CF1}, {0x2D7F, 0x2D7F}, {0x2DE0, 0x2DFF},
	{0x302A, 0x302F}, {0x3099, 0x309A}, {0xA66F, 0xA672}, {0xA674, 0xA67D}, {0xA69E, 0xA69F}, {0xA6F0, 0xA6F1},
	{0xA802, 0xA802}, {0xA806, 0xA806}, {0xA80B, 0xA80B}, {0xA823, 0xA827}, {0xA82C, 0xA82C}, {0xA880, 0xA881},
	{0xA8B4, 0xA8C5}, {0xA8E0, 0xA8F1}, {0xA8FF, 0xA8FF}, {0xA926, 0xA92D}, {0xA947, 0xA953}, {0xA980, 0xA983},
	{0xA9B3, 0xA9C0}, {0xA9E5, 0xA9E5}, {0xAA29, 0xAA36}, {0xAA43, 0xAA43}, {0xAA4C, 0xAA4D}, {0xAA7C, 0xAA7C},
	{0xAAB0, 0xAAB0}, {0xAAB2, 0xAAB4}, {0xAAB7, 0xAAB8}, {0xAABE, 0xAABF}, {0xAAC1, 0xAAC1}, {0xAAEB, 0xAAEF},
	{0xAAF5, 0xAAF6}, {0xABE3, 0xABEA}, {0xABEC, 0xABED}, {0xD7B0, 0xD7FB}, {0xFB1E, 0xFB1E}, {0xFE00, 0xFE0F},
	{0xFE20, 0xFE2F}, {0xFF9E, 0xFF9F}, {0x101FD, 0x101FD}, {0x102E0, 0x102E0}, {0x10376, 0x1037A},
	{0x10A01, 0x10A0F}, {0x10A38, 0x10A3F}, {0x10AE5, 0x10AE6}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC},
	{0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11000, 0x11002}, {0x11038, 0x11046}, {0x11070, 0x11070},
	{0x11073, 0x11074}, {0x1107F, 0x11082}, {0x110B0, 0x110BA}, {0x110C2, 0x110C2}, {0x11100, 0x11102},
	{0x11127, 0x11134}, {0x11145, 0x11146}, {0x11173, 0x11173}, {0x11180, 0x11182}, {0x111B3, 0x111C0},
	{0x111C9, 0x111CC}, {0x111CE, 0x111CF}, {0x1122C, 0x11237}, {0x1123E, 0x1123E}, {0x112DF, 0x112EA},
	{0x11300, 0x11303}, {0x1133B, 0x1133C}, {0x1133E, 0x1134D}, {0x11357, 0x11357}, {0x11362, 0x11374},
	{0x11435, 0x11446}, {0x1145E, 0x1145E}, {0x114B0, 0x114C3}, {0x115AF, 0x115C0}, {0x115DC, 0x115DD},
	{0x11630, 0x11640}, {0x116AB, 0x116B7}, {0x1171D, 0x1171F}, {0x11722, 0x1172B}, {0x1182C, 0x1183A},
	{0x11930, 0x1193E}, {0x11940, 0x11940}, {0x11942, 0x11943}, {0x119D1, 0x119E0}, {0x119E4, 0x119E4},
	{0x11A01, 0x11A0A}, {0x11A33, 0x11A39}, {0x11A3B, 0x11A3E}, {0x11A47, 0x11A47}, {0x11A51, 0x11A5B},
	{0x11A8A, 0x11A99}, {0x11C2F, 0x11C3F}, {0x11C92, 0x11CB6}, {0x11D31, 0x11D45}, {0x11D47, 0x11D47},
	{0x11D8A, 0x11D97}, {0x11EF3, 0x11EF6}, {0x16AF0, 0x16AF4}, {0x16B30, 0x16B36}, {0x16F4F, 0x16F4F},
	{0x16F51, 0x16F92}, {0x16FE4, 0x16FF1}, {0x1BC9D, 0x1BC9E}, {0x1CF00, 0x1CF46}, {0x1D165, 0x1D169},
	{0x1D16D, 0x1D172}, {0x1D17B, 0x1D182}, {0x1D185, 0x1D18B}, {0x1D1AA, 0x1D1AD}, {0x1D242, 0x1D244},
	{0x1DA00, 0x1DA36}, {0x1DA3B, 0x1DA6C}, {0x1DA75, 0x1DA75}, {0x1DA84, 0x1DA84}, {0x1DA9B, 0x1DAAF},
	{0x1E000, 0x1E02A}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E8D0, 0x1E8D6},
	{0x1E944, 0x1E94A}, {0x1F3FB, 0x1F3FF}, {0xE0020, 0xE01EF}
};

/* Stay with what is after them: Grapheme_Cluster_Break = Prepend. */
static const GlyphRange prefixes[] = {
	{0x600, 0x605}, {0x6DD, 0x6DD}, {0x70F, 0x70F}, {0x890, 0x891}, {0x8E2, 0x8E2}, {0xD4E, 0xD4E},
	{0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x111C2, 0x111C3}, {0x1193F, 0x1193F}, {0x11941, 0x11941},
	{0x11A3A, 0x11A3A}, {0x11A84, 0x11A89}, {0x11D46, 0x11D46}
};

/* ASCII from the space to the tilde: the wider of DejaVu Sans and Noto Sans, which are wider than Arial, Roboto or Segoe UI. */
static const uint8 ascii_widths[] = {
	32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 56, 84, 32, 37, 32, 38, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 34, 34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 34, 30, 66, 56, 91, 76, 79,
	61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 38, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64,
	64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 56, 64, 84
};

/* All other characters: what ordinary words of a script take in the same fonts and Noto's for that script. */
static const GlyphWidth widths[] = {
	{0x24F, 68}, {0x2FF, 70}, {0x3FF, 72}, {0x52F, 72}, {0x58F, 78}, {0x5FF, 66}, {0x8FF, 75}, {0x97F, 75},
	{0xB7F, 85}, {0xBFF, 120}, {0xCFF, 95}, {0xDFF, 120}, {0xEFF, 68}, {0xFFF, 75}, {0x109F, 100},
	{0x10FF, 78}, {0x11FF, 95}, {0x139F, 85}, {0x17FF, 95}, {0x18AF, 90}, {0x1CFF, 95}, {0x1EFF, 72},
	{0x1FFF, 80}, {0x206F, 60}, {0x214F, 90}, {0x1EFFF, 100}, {0x1FFFF, 130}, {PG_UINT32_MAX, 100}
};

/* The letters of Cyrillic that are as wide as an em. */
static const uint32 wide_cyrillic[] = {
	0x409, 0x40A, 0x416, 0x41C, 0x424, 0x428, 0x429, 0x42A, 0x42B, 0x42E, 0x436, 0x43C, 0x444, 0x448, 0x449, 0x44B, 0x44E
};

static bool
in_ranges(uint32 code, const GlyphRange *ranges, int count)
{
	int			low = 0;
	int			high = count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (code > ranges[middle].last)
			low = middle + 1;
		else if (code < ranges[middle].first)
			high = middle - 1;
		else
			return true;
	}
	return false;
}

static inline bool
is_mark(uint32 code)
{
	return code >= marks[0].first && in_ranges(code, marks, (int) lengthof(marks));
}

static inline bool
is_prefix(uint32 code)
{
	return code >= prefixes[0].first && in_ranges(code, prefixes, (int) lengthof(prefixes));
}

static inline bool
is_regional(uint32 code)
{
	return code >= 0x1F1E6 && code <= 0x1F1FF;
}

/* Characters that take no room and show nothing; a mark takes none beside its letter. */
static inline bool
is_invisible(uint32 code)
{
	return (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
		code == 0x61C || code == 0x180E || code == 0xFEFF || code >= 0xE0000;
}

static inline bool
is_syllable(uint32 code)
{
	return code >= 0xAC00 && code <= 0xD7A3;
}

/* Hangul's initial consonants. */
static inline bool
is_initial(uint32 code)
{
	return (code >= 0x1100 && code <= 0x115F) || (code >= 0xA960 && code <= 0xA97C);
}

static int
glyph_width(uint32 code)
{
	if (code >= ' ' && code <= '~')
		return ascii_widths[code - ' '];
	if (is_invisible(code))
		return 0;
	if (is_mark(code))
	{
		/* The vowel signs of India and its neighbours stand beside the letter, most other marks above or below. */
		if ((code >= 0x900 && code <= 0xDFF) || (code >= 0x1000 && code <= 0x10FF) || (code >= 0x1780 && code <= 0x1CFF))
			return 50;
		return code >= 0x1F3FB && code <= 0x1F3FF ? 130 : code >= 0x1160 && code <= 0x11FF ? 95 : 0;
	}
	if (code >= 0x400 && code <= 0x45F)
	{
		for (size_t i = 0; i < lengthof(wide_cyrillic); i++)
			if (code == wide_cyrillic[i])
				return 105;
	}
	for (int i = 0;; i++)
		if (code <= widths[i].last)
			return widths[i].width;
}

/*
 * glyph_decode reads one character and returns its bytes.  What XML does not
 * allow or nobody can see becomes something that can be drawn: control
 * characters their pictures, line ends and tabs among them, and bytes that
 * are no UTF-8 and characters that are none the replacement character.
 * at must be before end.
 */
int
glyph_decode(const char *at, const char *end, uint32 *code)
{
	const unsigned char *bytes = (const unsigned char *) at;
	int			size = pg_utf_mblen(bytes);

	if (end - at < size || !pg_utf8_islegal(bytes, size))
	{
		*code = 0xFFFD;
		return 1;
	}
	*code = utf8_to_unicode(bytes);
	if (*code < 0x20)
		*code += 0x2400;
	else if (*code == 0x7F)
		*code = 0x2421;
	else if ((*code >= 0x80 && *code <= 0x9F) || (*code & 0xFFFE) == 0xFFFE || (*code >= 0xFDD0 && *code <= 0xFDEF))
		*code = 0xFFFD;
	return size;
}

/* Terminal cells as psql counts them; a control character is shown as one. */
static int
glyph_cells(const char *at, int size, uint32 code)
{
	if (code == 0xFFFD || (code >= 0x2400 && code <= 0x2421))
		return 1;
	return size == 1 ? 1 : Max(pg_encoding_dsplen(PG_UTF8, at), 0);
}

/* Whether two characters that stand side by side are of one cluster; regionals: how many regional indicators end with the first. */
static bool
joins(uint32 before, uint32 after, int regionals)
{
	if (is_mark(after))
		return true;
	if (before == 0x200D || is_prefix(before))
		return true;
	if (is_regional(before) && is_regional(after))
		return regionals % 2 == 1;
	return is_initial(before) && (is_initial(after) || is_syllable(after));
}

/* glyph_next takes the cluster at a place and moves on; false at the end. */
bool
glyph_next(const char **at, const char *end, GlyphCluster *cluster)
{
	int			regionals = 0;
	uint32		code;
	uint32		before = 0;

	if (*at >= end)
		return false;
	cluster->bytes = *at;
	cluster->width = cluster->cells = 0;
	while (*at < end)
	{
		int			size = glyph_decode(*at, end, &code);

		/* A cluster may be as long as the text. */
		CHECK_FOR_INTERRUPTS();
		if (*at == cluster->bytes)
			cluster->code = code;
		else if (!joins(before, code, regionals))
			break;
		regionals = is_regional(code) ? regionals + 1 : 0;
		cluster->width = Min(cluster->width + glyph_width(code), GLYPH_MAX);
		cluster->cells = Min(cluster->cells + glyph_cells(*at, size, code), GLYPH_MAX);
		before = code;
		*at += size;
	}
	cluster->size = *at - cluster->bytes;
	return true;
}

/*
 * glyph_right_to_left tells which way a text is read: by its first letter, as
 * Unicode's annex 9 does.  What is neither punctuation nor a symbol counts as
 * a letter.
 */
bool
glyph_right_to_left(const char *text, size_t size)
{
	const char *at = text;
	const char *end = text + size;

	while (at < end)
	{
		uint32		code;

		at += glyph_decode(at, end, &code);
		if ((code >= 0x590 && code <= 0x8FF) || (code >= 0xFB1D && code <= 0xFDFF) || (code >= 0xFE70 && code <= 0xFEFE) ||
			(code >= 0x10800 && code <= 0x10FFF) || (code >= 0x1E800 && code <= 0x1EFFF))
			return true;
		if ((code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z') || (code >= 0xC0 && code <= 0x1FFF) || (code >= 0x2C00 && code < 0x1F000 && code != 0xFFFD))
			return false;
	}
	return false;
}

/* What of a text fits into the cells of a terminal; sets the cells that it takes. */
GlyphLine
glyph_fit_cells(const char *text, size_t size, int64 room, int *cells)
{
	GlyphLine	line = {text, 0, false};
	GlyphCluster cluster;
	const char *at = text;
	int64		used = 0;

	while (glyph_next(&at, text + size, &cluster))
	{
		CHECK_FOR_INTERRUPTS();
		if (used + cluster.cells > room)
		{
			line.cut = true;
			break;
		}
		used += cluster.cells;
		line.size = at - text;
	}
	*cells = (int) Min(used, PG_INT32_MAX);
	return line;
}

/*
 * glyph_escape appends a text as character data of XML, also between the
 * quotes of an attribute, in nothing but printable ASCII, so that it is right
 * in every encoding.  More accents on one letter than any language has would
 * be drawn over what stands above: they are left out.
 */
void
glyph_escape(StringInfo out, const char *text, size_t size)
{
	const char *at = text;
	const char *end = text + size;
	int			accents = 0;

	while (at < end)
	{
		uint32		code;

		at += glyph_decode(at, end, &code);
		accents = code >= 0x300 && code <= 0x36F ? accents + 1 : 0;
		if (accents > 2)
			continue;
		if (code > '~' || code == '<' || code == '>' || code == '&' || code == '"' || code == '\'')
			appendStringInfo(out, "&#%u;", code);
		else
			appendStringInfoChar(out, (char) code);
	}
}
