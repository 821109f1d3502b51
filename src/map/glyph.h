/*
 * map/glyph.h: how much room text takes that is drawn, and where it may be cut.
 *
 * Text is UTF-8 here.  It is read cluster by cluster: a cluster is what a
 * reader takes for one character, with its accents, joiners and modifiers, and
 * is never cut.  Nothing is known of the font, so widths are those of wide
 * ones: text takes at most the room that is said, whatever draws it.
 */
#ifndef CJM_GLYPH_H
#define CJM_GLYPH_H

#include "base/pure.h"

#define GLYPH_EM 100			/* widths are in hundredths of the size of the font */

typedef struct GlyphCluster
{
	const char *bytes;
	size_t		size;
	uint32		code;			/* of its first character, see glyph_decode */
	int			width;			/* at most, in a proportional font; see GLYPH_EM */
	int			cells;			/* in a terminal */
} GlyphCluster;

/* A piece of a text, not terminated. */
typedef struct GlyphLine
{
	const char *bytes;
	size_t		size;
	bool		cut;			/* more followed than there is room for */
} GlyphLine;

extern int	glyph_decode(const char *at, const char *end, uint32 *code);
extern bool glyph_next(const char **at, const char *end, GlyphCluster *cluster);
extern bool glyph_right_to_left(const char *text, size_t size);
extern GlyphLine glyph_fit_cells(const char *text, size_t size, int64 room, int *cells);
extern void glyph_escape(StringInfo out, const char *text, size_t size);

#endif							/* CJM_GLYPH_H */
