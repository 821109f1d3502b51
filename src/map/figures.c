/*
 * map/figures.c: what drawings say, in the words of a language: numbers as people
 * read them, and sentences with what belongs into them.
 *
 * The words are an object of jsonb, as draw_words makes it, with a caller's own in
 * their place (draw_language); they and all that is returned are in the encoding of
 * the database.  A drawing asks for some hundreds of these, so they are in C.
 * Numbers of float8 are rounded as numerics, half away from zero, as SQL does it.
 * What has no word is NULL.
 */
#include "base/glue.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(draw_say);
PG_FUNCTION_INFO_V1(draw_count);
PG_FUNCTION_INFO_V1(draw_plural);
PG_FUNCTION_INFO_V1(draw_short);
PG_FUNCTION_INFO_V1(draw_rate);
PG_FUNCTION_INFO_V1(draw_time);
PG_FUNCTION_INFO_V1(draw_points);

/* A word points into the object; none where it has none that is a string. */
static Label
word_of(Jsonb *words, Label key)
{
	JsonbValue *value = NULL;

	if (JB_ROOT_IS_OBJECT(words))
		value = getKeyJsonValueFromContainer(&words->root, key.bytes, key.size, NULL);
	if (value == NULL || value->type != jbvString)
		return (Label) {NULL, 0};
	return (Label) {value->val.string.val, value->val.string.len};
}

static Label
word_called(Jsonb *words, const char *key)
{
	return word_of(words, (Label) {key, strlen(key)});
}

/*
 * A word with its places %1$s to %9$s filled; %% is one sign.  What is NULL fills a
 * place with nothing, and a place that nothing was given for is an error.
 */
static void
append_said(StringInfo out, Label word, const Label *said, int count)
{
	for (size_t i = 0; i < word.size; i++)
	{
		if (word.bytes[i] != '%')
		{
			appendStringInfoCharMacro(out, word.bytes[i]);
			continue;
		}
		if (i + 1 < word.size && word.bytes[i + 1] == '%')
		{
			appendStringInfoCharMacro(out, '%');
			i++;
		}
		else if (i + 3 < word.size && word.bytes[i + 1] >= '1' && word.bytes[i + 1] <= '9' && word.bytes[i + 2] == '$' && word.bytes[i + 3] == 's' &&
				 word.bytes[i + 1] - '0' <= count)
		{
			const Label *one = &said[word.bytes[i + 1] - '1'];

			if (one->bytes != NULL)
				appendBinaryStringInfo(out, one->bytes, one->size);
			i += 3;
		}
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a word of a drawing has a place that nothing is for: %.*s", (int) Min(word.size, 100), word.bytes)));
	}
}

/* The elements of an array of text, in the current memory context, after the first of them, which stays free. */
static Label *
labels_of(ArrayType *array, int *count)
{
	Datum	   *values;
	bool	   *nulls;
	Label	   *labels;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, count);
	labels = palloc((*count + 1) * sizeof(Label));
	for (int i = 0; i < *count; i++)
		labels[i + 1] = nulls[i] ? (Label) {NULL, 0} : label_from_text(DatumGetTextPP(values[i]));
	return labels;
}

/* draw_say(w, key, VARIADIC said): a word with what belongs into it; NULL if any of that is NULL. */
Datum
draw_say(PG_FUNCTION_ARGS)
{
	Label		word = word_of(PG_GETARG_JSONB_P(0), label_from_text(PG_GETARG_TEXT_PP(1)));
	int			count;
	Label	   *said = labels_of(PG_GETARG_ARRAYTYPE_P(2), &count);
	StringInfoData out;

	if (word.bytes == NULL)
		PG_RETURN_NULL();
	for (int i = 1; i <= count; i++)
		if (said[i].bytes == NULL)
			PG_RETURN_NULL();
	initStringInfo(&out);
	append_said(&out, word, said + 1, count);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* A number in groups of three digits, with a language's sign between them. */
static void
append_count(StringInfo out, int64 count, Label group)
{
	char		digits[MAXINT8LEN + 1];
	const char *at = digits;
	int			size = pg_lltoa(count, digits);

	if (*at == '-')
	{
		appendStringInfoChar(out, '-');
		at++;
		size--;
	}
	for (; size > 0; size--, at++)
	{
		appendStringInfoChar(out, *at);
		if (size % 3 == 1 && size > 1)
			appendBinaryStringInfo(out, group.bytes, group.size);
	}
}

/* draw_count(count, w) */
Datum
draw_count(PG_FUNCTION_ARGS)
{
	Label		group = word_called(PG_GETARG_JSONB_P(1), "group");
	StringInfoData out;

	if (group.bytes == NULL)
		PG_RETURN_NULL();
	initStringInfo(&out);
	append_count(&out, PG_GETARG_INT64(0), group);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* Which form of a word belongs to a number, from 0, by the rule of a language. */
static int
plural_form(Label rule, int64 count)
{
	int64		last = count % 10;
	int64		lasts = count % 100;

	if (label_is_word(rule, "ru"))
		return last == 1 && lasts != 11 ? 0 : last >= 2 && last <= 4 && !(lasts >= 12 && lasts <= 14) ? 1 : 2;
	if (label_is_word(rule, "lv"))
		return last == 1 && lasts != 11 ? 0 : 1;
	return count == 1 ? 0 : 1;
}

/* draw_plural(w, key, count, VARIADIC said): the form of a word that belongs to a number, which is %1$s; the last form stands for those that are missing. */
Datum
draw_plural(PG_FUNCTION_ARGS)
{
	Jsonb	   *words = PG_GETARG_JSONB_P(0);
	Label		word = word_of(words, label_from_text(PG_GETARG_TEXT_PP(1)));
	int64		number = PG_GETARG_INT64(2);
	int			count;
	Label	   *said = labels_of(PG_GETARG_ARRAYTYPE_P(3), &count);
	Label		rule = word_called(words, "plural");
	Label		group = word_called(words, "group");
	StringInfoData counted;
	StringInfoData out;

	if (word.bytes == NULL || rule.bytes == NULL || group.bytes == NULL)
		PG_RETURN_NULL();
	for (int form = plural_form(rule, number);; form--)
	{
		const char *end = memchr(word.bytes, '|', word.size);

		if (form == 0 || end == NULL)
		{
			word.size = end == NULL ? word.size : (size_t) (end - word.bytes);
			break;
		}
		word.size -= end + 1 - word.bytes;
		word.bytes = end + 1;
	}
	initStringInfo(&counted);
	append_count(&counted, number, group);
	said[0] = (Label) {counted.data, counted.len};
	initStringInfo(&out);
	append_said(&out, word, said, count + 1);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* Digits with a point become digits with a language's sign. */
static void
append_decimal(StringInfo out, const char *digits, Label decimal)
{
	for (; *digits != '\0'; digits++)
	{
		if (*digits == '.')
			appendBinaryStringInfo(out, decimal.bytes, decimal.size);
		else
			appendStringInfoChar(out, *digits);
	}
}

/* A number with so many digits after its point. */
static char *
rounded(float8 value, int digits)
{
	Datum		number = DirectFunctionCall1(float8_numeric, Float8GetDatum(value));

	return DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall2(numeric_round, number, Int32GetDatum(digits))));
}

/* draw_short(count, w, beside): 999, 1.23k, 45.6M, as short as three digits that count allow of the larger of the two, each unit up to where it would show four. */
Datum
draw_short(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {NULL, "thousands", "millions", "billions", "trillions", "quadrillions"};
	uint64		count = Max(PG_GETARG_INT64(0), 0);
	Jsonb	   *words = PG_GETARG_JSONB_P(1);
	uint64		most = Max((int64) count, PG_GETARG_INT64(2));
	Label		decimal = word_called(words, "decimal");
	Label		name = {"", 0};
	StringInfoData out;
	uint64		length = 1;
	int			unit = 0;
	int			digits = 0;
	uint64		parts = 1;
	uint64		shown;

	for (; unit < (int) lengthof(names) - 1 && (unit == 0 ? most >= 1000 : most / (length / 10) >= 9995); unit++)
		length *= 1000;
	if (unit > 0)
	{
		name = word_called(words, names[unit]);
		digits = most < length / 1000 * 9995 ? 2 : most < length / 100 * 9995 ? 1 : 0;
		parts = digits == 2 ? 100 : digits == 1 ? 10 : 1;
	}
	if (decimal.bytes == NULL || name.bytes == NULL)
		PG_RETURN_NULL();
	shown = (count + length / parts / 2) / (length / parts);
	initStringInfo(&out);
	appendStringInfo(&out, UINT64_FORMAT, shown / parts);
	if (digits > 0)
	{
		appendBinaryStringInfo(&out, decimal.bytes, decimal.size);
		appendStringInfo(&out, "%0*d", digits, (int) (shown % parts));
	}
	appendBinaryStringInfo(&out, name.bytes, name.size);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* draw_rate(rate, w): in percent, to a tenth.  Nobody is not almost nobody, and all are not almost all. */
Datum
draw_rate(PG_FUNCTION_ARGS)
{
	float8		rate = PG_GETARG_FLOAT8(0);
	Jsonb	   *words = PG_GETARG_JSONB_P(1);
	Label		decimal = word_called(words, "decimal");
	Label		percent = word_called(words, "percent");
	StringInfoData digits;
	StringInfoData out;
	Label		said;

	if (decimal.bytes == NULL || percent.bytes == NULL)
		PG_RETURN_NULL();
	initStringInfo(&digits);
	append_decimal(&digits, rate > 0 && rate < 0.0005 ? "<0.1" : rate < 1 && rate >= 0.9995 ? ">99.9" : rounded(rate * 100, 1), decimal);
	said = (Label) {digits.data, digits.len};
	initStringInfo(&out);
	append_said(&out, percent, &said, 1);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* draw_time(seconds, w): to a tenth of the largest unit of which there is one, as rounded. */
Datum
draw_time(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *name;
		float8		length;
		float8		below;
	}			units[] = {
		{"microseconds", 1e-6, 0.99995e-3},
		{"milliseconds", 1e-3, 0.99995},
		{"seconds", 1, 59.95},
		{"minutes", 60, 3597},
		{"hours", 3600, 86220},
		{"days", 86400, 0}
	};
	float8		seconds = PG_GETARG_FLOAT8(0);
	Jsonb	   *words = PG_GETARG_JSONB_P(1);
	Label		decimal = word_called(words, "decimal");
	Label		name;
	StringInfoData out;
	size_t		unit = 0;

	if (seconds <= 0)
	{
		name = word_called(words, "at_once");
		if (name.bytes == NULL)
			PG_RETURN_NULL();
		PG_RETURN_TEXT_P(cstring_to_text_with_len(name.bytes, name.size));
	}
	while (unit < lengthof(units) - 1 && !(seconds < units[unit].below))
		unit++;
	name = word_called(words, units[unit].name);
	if (decimal.bytes == NULL || name.bytes == NULL || isinf(seconds) || isnan(seconds))
		PG_RETURN_NULL();
	initStringInfo(&out);
	append_decimal(&out, rounded(seconds / units[unit].length, 1), decimal);
	appendBinaryStringInfo(&out, name.bytes, name.size);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* draw_points(difference, w): of shares, in percentage points, with its sign. */
Datum
draw_points(PG_FUNCTION_ARGS)
{
	float8		difference = PG_GETARG_FLOAT8(0);
	Label		decimal = word_called(PG_GETARG_JSONB_P(1), "decimal");
	StringInfoData out;

	if (decimal.bytes == NULL)
		PG_RETURN_NULL();
	initStringInfo(&out);
	appendStringInfoChar(&out, difference < 0 ? '-' : '+');
	append_decimal(&out, rounded(fabs(difference * 100), 1), decimal);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
