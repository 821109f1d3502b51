/*
 * base/state_text.h: bytes as a short text, for states on their way between servers.
 */
#ifndef CJM_STATE_TEXT_H
#define CJM_STATE_TEXT_H

#include "base/pure.h"

extern void state_text_encode(StringInfo out, const uint8 *bytes, size_t size);
extern bool state_text_decode(const char *text, size_t length, StringInfo bytes, CjmError *error);

#endif							/* CJM_STATE_TEXT_H */
