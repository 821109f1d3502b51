/*
 * kept/moves.h: rows that a MERGE moves between partitions.
 */
#ifndef CJM_KEPT_MOVES_H
#define CJM_KEPT_MOVES_H

#include "base/glue.h"

#include "utils/rel.h"

/* Sends the readers of the map that a trigger on a relation works for to the rows. */
typedef void (*KeptMark) (Oid trigger, Oid relation, const char *reason);

extern void kept_watch_moves(KeptMark mark);
extern void kept_note_rows(Relation relation, Oid trigger, Oid changes, uint64 rows);

#endif							/* CJM_KEPT_MOVES_H */
