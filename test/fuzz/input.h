/*
 * input.h: the bytes of the fuzzer, read as choices.
 */
#ifndef CJM_FUZZ_INPUT_H
#define CJM_FUZZ_INPUT_H

#include "base/pure.h"

typedef struct Input
{
	const uint8 *at;
	const uint8 *end;
} Input;

/* A number below limit; 0 when the bytes have run out. */
static inline int
take(Input *input, int limit)
{
	return input->at < input->end ? *input->at++ % limit : 0;
}

#endif							/* CJM_FUZZ_INPUT_H */
