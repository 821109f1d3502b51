/*
 * base/handover.h: temporary files by which the processes of a query hand rows over.
 */
#ifndef CJM_ROW_HANDOVER_H
#define CJM_ROW_HANDOVER_H

#include "postgres.h"

#include "storage/buffile.h"

/* What another process of the same query needs to open a file. */
typedef struct RowFileName
{
	FileSet		set;
	char		name[48];		/* padded with zeros */
} RowFileName;

extern void row_handover_init(void);
extern BufFile *row_handover_create(RowFileName *name);
extern BufFile *row_handover_open(RowFileName *name);
extern bool row_handover_is_mine(const RowFileName *name);
extern void row_handover_delete(RowFileName *name);
extern void row_handover_expect(void);
extern void row_file_seek(BufFile *file, uint64 offset);
extern void row_file_read(BufFile *file, void *bytes, size_t size);

#endif							/* CJM_ROW_HANDOVER_H */
