/*
 * map/words.h: the words of drawings, a table for translators: words.c.
 */
#ifndef CJM_WORDS_H
#define CJM_WORDS_H

#include "base/pure.h"

/* What stands for a key in each language, in UTF-8; after the last one a key that is NULL. */
typedef struct DrawnWord
{
	const char *key;
	const char *en;
	const char *ru;
	const char *lv;
} DrawnWord;

extern const DrawnWord drawn_words[];

#endif							/* CJM_WORDS_H */
