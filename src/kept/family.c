/*
 * kept/family.c: the tables that rows of a source can be in, and how they came to
 * be there.
 *
 * A partition that has come since the triggers were made is none that the guard
 * knows (kept/guard.c), and readers go to the rows.  But when it goes again,
 * nothing in the catalogs tells that it ever was; and what was written to it by
 * way of the source is in the changes.  So who writes while there is such a stranger
 * notes it (kept/write.c), and a refresh forgets that only of a partition that it
 * has taken in, and that has not been away in between.
 */
#include "kept/family.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* What no other version of a row of a catalog has: its transaction, and its place, since one transaction may write several.  Palloc'd. */
char *
kept_version_of(HeapTuple tuple)
{
	return psprintf("%u:%u:%u", HeapTupleHeaderGetRawXmin(tuple->t_data), ItemPointerGetBlockNumber(&tuple->t_self),
					ItemPointerGetOffsetNumber(&tuple->t_self));
}

/* What a snapshot sees in pg_inherits under a table, or above it; NULL: as it is now. */
static List *
read_inherits(const char *kind, Oid table, bool above, Snapshot snapshot)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	List	   *found = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, above ? Anum_pg_inherits_inhrelid : Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(inherits, above ? InheritsRelidSeqnoIndexId : InheritsParentIndexId, true, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);
		KeptMember *member = palloc(sizeof(KeptMember));

		member->table = form->inhrelid;
		member->line = psprintf("%s %u %u %s %d", kind, form->inhrelid, form->inhparent, kept_version_of(tuple), form->inhdetachpending);
		found = lappend(found, member);
	}
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return found;
}

/* All tables under one, from the top down, palloc'd KeptMembers. */
List *
kept_members(Oid table, Snapshot snapshot)
{
	List	   *members = read_inherits("part", table, false, snapshot);

	/* It grows at its end meanwhile. */
	for (int i = 0; i < list_length(members); i++)
	{
		CHECK_FOR_INTERRUPTS();
		members = list_concat(members, read_inherits("part", ((KeptMember *) list_nth(members, i))->table, false, snapshot));
	}
	return members;
}

/* Lines of a kind about the places that a table has under others, palloc'd. */
List *
kept_places(const char *kind, Oid table, Snapshot snapshot)
{
	List	   *lines = NIL;
	ListCell   *cell;

	foreach(cell, read_inherits(kind, table, true, snapshot))
		lines = lappend(lines, ((KeptMember *) lfirst(cell))->line);
	return lines;
}

/* Has a table a trigger of its own that writes into a table of changes? */
static bool
is_known(Oid table, Oid changes)
{
	return OidIsValid(get_trigger_oid(table, psprintf(" kept_%u_insert", changes), true));
}

/*
 * The lines about those tables, of one that is the source or a part of it and of all under it, that have no trigger of their own that
 * writes into a table of changes; palloc'd.  Appends to branches the tables that others may come under.
 */
List *
kept_strangers(Oid table, Oid source, Oid changes, List **branches)
{
	List	   *lines = NIL;
	ListCell   *cell;

	if (table != source && !is_known(table, changes))
		lines = kept_places("part", table, NULL);
	*branches = lappend_oid(*branches, table);
	foreach(cell, kept_members(table, NULL))
	{
		KeptMember *member = lfirst(cell);

		if (!is_known(member->table, changes))
			lines = lappend(lines, member->line);
		if (get_rel_relkind(member->table) == RELKIND_PARTITIONED_TABLE)
			*branches = lappend_oid(*branches, member->table);
	}
	return lines;
}
