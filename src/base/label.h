/*
 * base/label.h: labels, the names of events, channels and stages.
 *
 * A label is any text of 1 to LABEL_MAX_BYTES bytes in the database encoding.
 * Labels are compared as bytes, never by a collation.  In text a label stands
 * bare if it consists of ASCII letters and digits, of _ . / $ # -, and of
 * characters beyond ASCII (any script, as in SQL identifiers), has no "->" in
 * it and is not a keyword of the place it stands in; otherwise in double
 * quotes, with "" for a quote.
 */
#ifndef CJM_LABEL_H
#define CJM_LABEL_H

#include "base/pure.h"

#define LABEL_MAX_BYTES 4096

/* A label in somebody else's memory; not terminated. bytes == NULL: no label. */
typedef struct Label
{
	const char *bytes;
	uint32		size;
} Label;

/* Text being parsed.  at moves from start to end; end need not be readable. */
typedef struct LabelScanner
{
	const char *start;
	const char *at;
	const char *end;
	int			encoding;		/* of the text, for counting characters */
} LabelScanner;

/* For labels that are not empty; most differ in their first byte. */
static inline int
label_compare(Label a, Label b)
{
	int			order = (uint8) a.bytes[0] - (uint8) b.bytes[0];

	if (order != 0)
		return order;
	order = memcmp(a.bytes, b.bytes, Min(a.size, b.size));

	if (order != 0)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

static inline bool
label_equal(Label a, Label b)
{
	return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* The first and the last bytes of a label, which together with its size are all of a short one. */
static inline void
label_ends(Label label, uint64 *head, uint64 *tail)
{
	const uint8 *p = (const uint8 *) label.bytes;
	uint32		half;

	if (label.size >= 8)
	{
		memcpy(head, p, 8);
		memcpy(tail, p + label.size - 8, 8);
	}
	else if (label.size >= 4)
	{
		memcpy(&half, p, 4);
		*head = half;
		memcpy(&half, p + label.size - 4, 4);
		*tail = half;
	}
	else
	{
		*head = label.size == 0 ? 0 : p[0] | (uint32) p[label.size / 2] << 8 | (uint32) p[label.size - 1] << 16;
		*tail = 0;
	}
}

extern bool label_is_word(Label label, const char *word);
extern bool label_check(Label label, const char *what, CjmError *error);
extern void label_skip_space(LabelScanner *scanner);
extern bool label_scan_bare(LabelScanner *scanner, Label *label);
extern bool label_scan_quoted(LabelScanner *scanner, Label *label, CjmError *error);
extern int	label_position(const LabelScanner *scanner, const char *at);
extern char *label_found(const LabelScanner *scanner, const char *at);
extern void label_print(StringInfo out, Label label, bool is_keyword);

#endif							/* CJM_LABEL_H */
