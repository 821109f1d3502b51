/*
 * map/shapes.c: the elements that drawings are made of, as SVG.
 *
 * Coordinates are rounded to tenths, so that the same data give the same bytes.
 * Classes and what stands in an element are SVG already: nothing is escaped here.
 */
#include "base/glue.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(svg_number);
PG_FUNCTION_INFO_V1(svg_text);
PG_FUNCTION_INFO_V1(svg_lines_at);
PG_FUNCTION_INFO_V1(svg_rect);
PG_FUNCTION_INFO_V1(svg_path);
PG_FUNCTION_INFO_V1(svg_hatch);

/* A coordinate, as short as it is: 12, 0.5. */
static void
append_number(StringInfo out, float8 x)
{
	Datum		number = DirectFunctionCall1(float8_numeric, Float8GetDatum(x));

	number = DirectFunctionCall1(numeric_trim_scale, DirectFunctionCall2(numeric_round, number, Int32GetDatum(1)));
	appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, number)));
}

static void
append_text(StringInfo out, text *content)
{
	appendBinaryStringInfo(out, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
}

static Datum
finished(StringInfo out)
{
	return PointerGetDatum(cstring_to_text_with_len(out->data, out->len));
}

/* svg_number(x) */
Datum
svg_number(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	append_number(&out, PG_GETARG_FLOAT8(0));
	PG_RETURN_DATUM(finished(&out));
}

static void
append_line(StringInfo out, float8 x, float8 y, text *class, text *content)
{
	appendStringInfoString(out, "<text x=\"");
	append_number(out, x);
	appendStringInfoString(out, "\" y=\"");
	append_number(out, y);
	appendStringInfoString(out, "\" class=\"");
	append_text(out, class);
	appendStringInfoString(out, "\">");
	append_text(out, content);
	appendStringInfoString(out, "</text>\n");
}

/* svg_text(x, y, class, content): a line of text. */
Datum
svg_text(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	append_line(&out, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_TEXT_PP(2), PG_GETARG_TEXT_PP(3));
	PG_RETURN_DATUM(finished(&out));
}

/* svg_lines_at(x, y, class, lines, step): lines of text, one beneath another; those that are NULL leave their place empty. */
Datum
svg_lines_at(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Datum	   *lines;
	bool	   *nulls;
	int			count;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT, &lines, &nulls, &count);
	initStringInfo(&out);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			append_line(&out, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1) + i * PG_GETARG_FLOAT8(4), PG_GETARG_TEXT_PP(2), DatumGetTextPP(lines[i]));
	PG_RETURN_DATUM(finished(&out));
}

/* svg_rect(x, y, width, height, class, rounded) */
Datum
svg_rect(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"<rect x=\"", "\" y=\"", "\" width=\"", "\" height=\""};
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		appendStringInfoString(&out, names[i]);
		append_number(&out, PG_GETARG_FLOAT8(i));
	}
	appendStringInfoString(&out, "\" rx=\"");
	append_number(&out, PG_GETARG_FLOAT8(5));
	appendStringInfoString(&out, "\" class=\"");
	append_text(&out, PG_GETARG_TEXT_PP(4));
	appendStringInfoString(&out, "\"/>\n");
	PG_RETURN_DATUM(finished(&out));
}

/* svg_path(shape, class, VARIADIC numbers): a path whose commands have %s for each number; one that is NULL leaves its place empty. */
Datum
svg_path(PG_FUNCTION_ARGS)
{
	text	   *shape = PG_GETARG_TEXT_PP(0);
	const char *at = VARDATA_ANY(shape);
	const char *end = at + VARSIZE_ANY_EXHDR(shape);
	StringInfoData out;
	Datum	   *numbers;
	bool	   *nulls;
	int			count;
	int			next = 0;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &numbers, &nulls, &count);
	initStringInfo(&out);
	appendStringInfoString(&out, "<path d=\"");
	for (; at < end; at++)
	{
		if (*at != '%')
			appendStringInfoCharMacro(&out, *at);
		else
		{
			if (next == count)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("a path has places for more than the %d numbers that are given", count)));
			if (!nulls[next])
				append_number(&out, DatumGetFloat8(numbers[next]));
			next++;
			at++;				/* the s */
		}
	}
	appendStringInfoString(&out, "\" class=\"");
	append_text(&out, PG_GETARG_TEXT_PP(1));
	appendStringInfoString(&out, "\"/>\n");
	PG_RETURN_DATUM(finished(&out));
}

static void
append_stroke(StringInfo out, float8 x1, float8 y1, float8 x2, float8 y2)
{
	appendStringInfoChar(out, 'M');
	append_number(out, x1);
	appendStringInfoChar(out, ' ');
	append_number(out, y1);
	appendStringInfoChar(out, 'L');
	append_number(out, x2);
	appendStringInfoChar(out, ' ');
	append_number(out, y2);
}

/*
 * svg_hatch(x, y, width, height, kind): what lies over a rectangle so that it is told
 * from others without its colour: lines from top to bottom for who is still under way
 * (wait), from corner to corner for who dropped (drop), and both ways for who refused
 * (no).  A path, since what is filled with a pattern needs an id.  NULL if there is no
 * room for a line.
 */
Datum
svg_hatch(PG_FUNCTION_ARGS)
{
	float8		x = PG_GETARG_FLOAT8(0);
	float8		y = PG_GETARG_FLOAT8(1);
	float8		width = PG_GETARG_FLOAT8(2);
	float8		height = PG_GETARG_FLOAT8(3);
	Label		kind = label_from_text(PG_GETARG_TEXT_PP(4));
	bool		both = label_is_word(kind, "no");
	int			across = (int) floor(Min(width, 4000) / 5);
	int			slanting = (int) floor(Min(width + height - 0.5, 8000) / 6);
	StringInfoData out;
	int			empty;

	initStringInfo(&out);
	appendStringInfoString(&out, "<path d=\"");
	empty = out.len;
	if (label_is_word(kind, "wait"))
		for (int n = 1; n <= across; n++)
			append_stroke(&out, x + n * 5 - 1, y, x + n * 5 - 1, y + height);
	if (both || label_is_word(kind, "drop"))
		for (int n = 1; n <= slanting; n++)
			append_stroke(&out, x + Max(n * 6 - height, 0), y + Min(n * 6, height), x + Min(n * 6, width), y + Max(n * 6 - width, 0));
	if (both)
		for (int n = 1; n <= slanting; n++)
			append_stroke(&out, x + Max(n * 6 - height, 0), y + height - Min(n * 6, height), x + Min(n * 6, width), y + height - Max(n * 6 - width, 0));
	if (out.len == empty)
		PG_RETURN_NULL();
	appendStringInfoString(&out, "\" class=\"hatch\"/>\n");
	PG_RETURN_DATUM(finished(&out));
}
