/*
 * kept/family.h: the tables that rows of a source can be in.
 */
#ifndef CJM_KEPT_FAMILY_H
#define CJM_KEPT_FAMILY_H

#include "base/glue.h"

#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

/* A table that is under another. */
typedef struct KeptMember
{
	Oid			table;
	char	   *line;			/* by which it is known that it came, and when: it says nothing else so */
} KeptMember;

extern char *kept_version_of(HeapTuple tuple);
extern List *kept_members(Oid table, Snapshot snapshot);
extern List *kept_places(const char *kind, Oid table, Snapshot snapshot);
extern List *kept_strangers(Oid table, Oid source, Oid changes, List **branches);

#endif							/* CJM_KEPT_FAMILY_H */
