/*
 * map/lines.h: text in lines, none of which is wider than there is room.
 */
#ifndef CJM_LINES_H
#define CJM_LINES_H

#include "map/glyph.h"

/* In UTF-8: where a text is cut. */
#define LINES_ELLIPSIS "\xE2\x80\xA6"

extern int	lines_wrap(StringInfo shown, const char *text, size_t size, double room, int max_lines,
					   const char *mark, GlyphLine *lines);

#endif							/* CJM_LINES_H */
