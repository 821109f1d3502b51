/*
 * map/drawing.c: labels in drawings, for SVG and for the terminal.
 *
 * Labels come in the encoding of the database and are measured as UTF-8.  In
 * a database without an encoding (SQL_ASCII) they are taken for UTF-8.
 */
#include "base/glue.h"
#include "map/lines.h"
#include "map/words.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

PG_FUNCTION_INFO_V1(svg_escape);
PG_FUNCTION_INFO_V1(svg_lines);
PG_FUNCTION_INFO_V1(svg_width);
PG_FUNCTION_INFO_V1(draw_words);
PG_FUNCTION_INFO_V1(chart_cells);
PG_FUNCTION_INFO_V1(chart_label);
PG_FUNCTION_INFO_V1(chart_bar);

#define MAX_LINES 100
#define MAX_CELLS 1000

/* Between these a text is read from right to left. */
#define RIGHT_TO_LEFT "&#8295;"
#define END_OF_DIRECTION "&#8297;"

/* What a terminal shows in one cell, in UTF-8. */
#define ELLIPSIS "\xE2\x80\xA6"
#define FULL_BLOCK "\xE2\x96\x88"
#define MEDIUM_SHADE "\xE2\x96\x92"
#define LIGHT_SHADE "\xE2\x96\x91"

/* A label as UTF-8, perhaps in the argument's own memory. */
static Label
label_as_utf8(text *label)
{
	Label		raw = {VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label)};
	char	   *utf8;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return raw;
	utf8 = pg_server_to_any(raw.bytes, raw.size, PG_UTF8);
	if (utf8 != raw.bytes)
	{
		raw.bytes = utf8;
		raw.size = strlen(utf8);
	}
	return raw;
}

/* The other way; characters that the database cannot have are an error. */
static text *
text_from_utf8(StringInfo utf8)
{
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return cstring_to_text_with_len(utf8->data, utf8->len);
	return cstring_to_text(pg_any_to_server(utf8->data, utf8->len, PG_UTF8));
}

/* svg_escape(label): the whole of it as character data of XML. */
Datum
svg_escape(PG_FUNCTION_ARGS)
{
	Label		label = label_as_utf8(PG_GETARG_TEXT_PP(0));
	StringInfoData out;

	initStringInfo(&out);
	glyph_escape(&out, label.bytes, label.size);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * svg_lines(label, room, max_lines, mark): the same in lines that fit, with an
 * ellipsis in its middle where it is cut, and behind that the mark; a mark cuts
 * what would fit, too.
 */
Datum
svg_lines(PG_FUNCTION_ARGS)
{
	Label		label = label_as_utf8(PG_GETARG_TEXT_PP(0));
	float8		room = PG_GETARG_FLOAT8(1);
	int32		max_lines = PG_GETARG_INT32(2);
	char	   *mark = PG_NARGS() > 3 ? text_to_cstring(PG_GETARG_TEXT_PP(3)) : pstrdup("");	/* 0.1.0 had none */
	bool		right_to_left = glyph_right_to_left(label.bytes, label.size);
	GlyphLine	lines[MAX_LINES];
	Datum		texts[MAX_LINES];
	StringInfoData shown;
	int			count;

	initStringInfo(&shown);
	count = lines_wrap(&shown, label.bytes, label.size, room * GLYPH_EM, Min(Max(max_lines, 1), MAX_LINES), mark, lines);
	for (int i = 0; i < count; i++)
	{
		StringInfoData out;

		initStringInfo(&out);
		if (right_to_left)
			appendStringInfoString(&out, RIGHT_TO_LEFT);
		glyph_escape(&out, lines[i].bytes, lines[i].size);
		if (right_to_left)
			appendStringInfoString(&out, END_OF_DIRECTION);
		texts[i] = PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* svg_width(label): the most that it takes in any usual font, as a multiple of the font's size. */
Datum
svg_width(PG_FUNCTION_ARGS)
{
	Label		label = label_as_utf8(PG_GETARG_TEXT_PP(0));
	const char *at = label.bytes;
	GlyphCluster cluster;
	int64		width = 0;

	while (glyph_next(&at, label.bytes + label.size, &cluster))
		width += cluster.width;
	PG_RETURN_FLOAT8((float8) width / GLYPH_EM);
}

/* chart_cells(label): how many cells of a terminal it takes. */
Datum
chart_cells(PG_FUNCTION_ARGS)
{
	Label		label = label_as_utf8(PG_GETARG_TEXT_PP(0));
	int			cells;

	glyph_fit_cells(label.bytes, label.size, PG_INT32_MAX, &cells);
	PG_RETURN_INT32(cells);
}

/* A text as it can be shown; plain: only with characters that every encoding has, beside its own. */
static void
append_visible(StringInfo out, const char *at, const char *end, bool plain)
{
	while (at < end)
	{
		uint32		code;
		int			size = glyph_decode(at, end, &code);
		unsigned char shown[MAX_MULTIBYTE_CHAR_LEN + 1];

		if (code == 0xFFFD || (code >= 0x2400 && code <= 0x2421))
		{
			unicode_to_utf8(code, shown);
			appendBinaryStringInfo(out, plain ? "?" : (char *) shown, plain ? 1 : pg_utf_mblen(shown));
		}
		else
			appendBinaryStringInfo(out, at, size);
		at += size;
	}
}

/*
 * chart_label(label, cells, plain, mark): the label in exactly so many cells of a
 * terminal, filled up with spaces, or with an ellipsis in its middle where it is cut
 * and behind that the mark, which is ASCII; a mark cuts what would fit, too.
 */
Datum
chart_label(PG_FUNCTION_ARGS)
{
	Label		label = label_as_utf8(PG_GETARG_TEXT_PP(0));
	int32		room = Min(Max(PG_GETARG_INT32(1), 0), MAX_CELLS);
	bool		plain = PG_GETARG_BOOL(2);
	char	   *mark = PG_NARGS() > 3 ? text_to_cstring(PG_GETARG_TEXT_PP(3)) : pstrdup("");	/* 0.1.0 had none */
	int			marked = 1 + Min(strlen(mark), MAX_CELLS);
	const char *end = label.bytes + label.size;
	const char *at = label.bytes;
	GlyphLine	head;
	GlyphCluster cluster;
	int			all;
	int			cells;
	StringInfoData out;

	initStringInfo(&out);
	glyph_fit_cells(label.bytes, label.size, PG_INT32_MAX, &all);
	if (all <= room && *mark == '\0')
	{
		append_visible(&out, at, end, plain);
		cells = all;
	}
	else if (room < marked)
	{
		appendStringInfoString(&out, room == 0 ? "" : plain ? "~" : ELLIPSIS);
		cells = Min(room, 1);
	}
	else
	{
		head = glyph_fit_cells(label.bytes, label.size, room - marked - (room - marked) * 2 / 5, &cells);
		append_visible(&out, head.bytes, head.bytes + head.size, plain);
		appendStringInfo(&out, "%s%s", plain ? "~" : ELLIPSIS, mark);
		cells += marked;
		while ((all > room - cells || at < head.bytes + head.size) && glyph_next(&at, end, &cluster))
			all -= cluster.cells;
		append_visible(&out, at, end, plain);
		cells += all;
	}
	appendStringInfoSpaces(&out, room - cells);
	PG_RETURN_TEXT_P(text_from_utf8(&out));
}

/*
 * chart_bar(length, before, cells, plain, open): a bar of eighths of a cell, lighter
 * from there to where the bar before it ends, and of that a part of the length open
 * not as light, in exactly so many cells; plain: of whole cells and ASCII.  Lengths
 * are shares of the cells, from 0 to 1.  What is more than nothing is seen, unless
 * there is no cell left for it.
 */
Datum
chart_bar(PG_FUNCTION_ARGS)
{
	float8		length = PG_GETARG_FLOAT8(0);
	float8		before = PG_GETARG_FLOAT8(1);
	int			cells = Min(Max(PG_GETARG_INT32(2), 0), MAX_CELLS);
	bool		plain = PG_GETARG_BOOL(3);
	int			parts = plain ? 1 : 8;
	int			filled = (int) rint(Min(Max(length, 0), 1) * cells * parts);
	int			lost = (int) rint(Min(Max(before, 0), 1) * cells);
	float8		open = PG_GETARG_FLOAT8(4);
	int			waiting = 0;
	StringInfoData out;

	if (length > 0)
		filled = Min(Max(filled, 1), cells * parts);
	if (open > 0)
		waiting = Max((int) rint(Min(Max(length, 0) + open, 1) * cells), (filled + parts - 1) / parts + 1);
	initStringInfo(&out);
	for (int cell = 0; cell < cells; cell++)
	{
		int			part = filled - cell * parts;

		if (part >= parts)
			appendStringInfoString(&out, plain ? "#" : FULL_BLOCK);
		else if (part > 0)
		{
			/* From seven eighths, U+2589, to one, U+258F. */
			char		eighths[] = {'\xE2', '\x96', (char) (0x90 - part), '\0'};

			appendStringInfoString(&out, eighths);
		}
		else if (cell < waiting)
			appendStringInfoString(&out, plain ? "+" : MEDIUM_SHADE);
		else if (cell < lost)
			appendStringInfoString(&out, plain ? "." : LIGHT_SHADE);
		else
			appendStringInfoChar(&out, ' ');
	}
	PG_RETURN_TEXT_P(text_from_utf8(&out));
}

/*
 * draw_words(language): the words of drawings in en, ru or lv, an object; NULL for
 * another language.  An error in a database whose encoding lacks their letters.
 */
Datum
draw_words(PG_FUNCTION_ARGS)
{
	text	   *language = PG_GETARG_TEXT_PP(0);
	Label		name = {VARDATA_ANY(language), VARSIZE_ANY_EXHDR(language)};
	bool		russian = label_is_word(name, "ru");
	bool		latvian = label_is_word(name, "lv");
	StringInfoData json;

	if (!russian && !latvian && !label_is_word(name, "en"))
		PG_RETURN_NULL();
	initStringInfo(&json);
	for (const DrawnWord *word = drawn_words; word->key != NULL; word++)
	{
		const char *said = russian ? word->ru : latvian ? word->lv : word->en;

		if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII)
			said = pg_any_to_server(said, strlen(said), PG_UTF8);
		appendStringInfoString(&json, word == drawn_words ? "{" : ", ");
		escape_json(&json, word->key);
		appendStringInfoString(&json, ": ");
		escape_json(&json, said);
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}
