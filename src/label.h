/*
 * label.h: labels, the names of events, channels and stages.
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

#include "pure.h"

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

extern bool label_check(Label label, const char *what, CjmError *error);
extern void label_skip_space(LabelScanner *scanner);
extern bool label_scan_bare(LabelScanner *scanner, Label *label);
extern bool label_scan_quoted(LabelScanner *scanner, Label *label, CjmError *error);
extern int	label_position(const LabelScanner *scanner, const char *at);
extern char *label_found(const LabelScanner *scanner, const char *at);
extern void label_print(StringInfo out, Label label, bool is_keyword);

#endif							/* CJM_LABEL_H */
