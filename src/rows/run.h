/*
 * rows/run.h: what writing and reading runs of a row log have in common.
 */
#ifndef CJM_ROW_RUN_H
#define CJM_ROW_RUN_H

#include "rows/log.h"

/* After an entry's bytes eight more can be written, or read. */
#define RUN_PADDING 8
/* Bytes of a varint. */
#define VARINT_MAX 10
/* Entries that are written, or read, without looking at anything else. */
#define RUN_BLOCK 1024

/* How wide the columns of a run are. */
typedef struct RunWidths
{
	int			key;
	int			time;
	int			meaning;
} RunWidths;

static inline int
bytes_needed(uint64 v)
{
	return v == 0 ? 0 : pg_leftmost_one_pos64(v) / 8 + 1;
}

static inline uint64
low_bytes(int width)
{
	return width == 0 ? 0 : ~UINT64CONST(0) >> (64 - 8 * width);
}

static inline RunWidths
run_widths(const RowRun *run)
{
	return (RunWidths) {
		bytes_needed((uint64) run->last_key - (uint64) run->first_key),
		bytes_needed((uint64) run->last_at - (uint64) run->first_at),
		bytes_needed(run->nmeanings - 1)
	};
}

#endif							/* CJM_ROW_RUN_H */
