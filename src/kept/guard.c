/*
 * kept/guard.c: whether kept journeys are what the rows of the source are, in the
 * snapshot of whoever asks: kept_is(state, answer, planned), kept_parts(state).
 *
 * Triggers write down what comes and goes, in the transaction that does it, so that
 * in every snapshot the journeys in the store and the changes beside them are the
 * rows (kept/write.c).  But for what triggers do not see: a trigger switched off,
 * a partition that comes with rows, a table emptied or written anew, a function
 * replaced.  Each leaves a trace in the catalogs, and of all these traces a
 * fingerprint was taken before the store was built.  Who reads compares.
 *
 * What the catalogs say is read twice.  Once in the snapshot of the query: whoever
 * does such a thing locks the source against writers, so that a snapshot that sees a
 * row which was written after it sees it as well.  And once as it is when the query
 * is planned: PostgreSQL reads the partitions of then, and fires the triggers of
 * then, for older snapshots, too.  That is done by the support function, which puts
 * the fingerprint of then into the plan.  So all processes of one query, and all arms
 * of a view, come to the same answer, whatever happens meanwhile; and a plan that is
 * used again is made anew when one of its tables has changed.  A partition may be
 * attached while a query is planned, which locks of readers do not prevent; so the
 * planner is made to settle which partitions it reads before the fingerprint is taken.
 *
 * Nothing here waits for anybody, or locks anything but the tables of the store.
 */
#include "base/glue.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "kept/family.h"
#include "kept/source.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "nodes/supportnodes.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(kept_is);
PG_FUNCTION_INFO_V1(kept_is_support);
PG_FUNCTION_INFO_V1(kept_parts);
PG_FUNCTION_INFO_V1(kept_fingerprint);

/* Written into every fingerprint: to be raised with a change of what is kept or of what a fingerprint is made of. */
#define KEPT_VERSION 2

/* What the columns of the table kept_state are, in its first places. */
typedef enum KeptStateColumn
{
	KEPT_STATE_FINGERPRINT = 1, /* text */
	KEPT_STATE_BUILT_AT,		/* timestamptz, NULL until it is built */
	KEPT_STATE_VIEW,			/* oid, of the view "events" */
	KEPT_STATE_CHANGES,			/* oid */
	KEPT_STATE_MARKS			/* oid */
} KeptStateColumn;

/* What kept_is is asked for. */
typedef enum KeptAnswer
{
	KEPT_FOLDED,				/* the store is all */
	KEPT_CHANGED,				/* the store and the changes beside it */
	KEPT_INVALID				/* only the rows tell */
} KeptAnswer;

/* A row of kept_state. */
typedef struct KeptState
{
	bool		built;
	char	   *fingerprint;
	Oid			schema;
	Oid			view;
	Oid			changes;
	Oid			marks;
} KeptState;

/* A scan of a catalog by one column of its index. */
typedef struct CatalogScan
{
	Relation	relation;
	SysScanDesc scan;
} CatalogScan;

static CatalogScan
scan_catalog(Oid catalog, Oid index, AttrNumber column, Oid value, Snapshot snapshot)
{
	CatalogScan scan;
	ScanKeyData key;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	scan.relation = table_open(catalog, AccessShareLock);
	scan.scan = systable_beginscan(scan.relation, index, true, snapshot, 1, &key);
	return scan;
}

static void
end_catalog(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

/* A set of OIDs, palloc'd. */
static HTAB *
make_set(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Oid), .hcxt = CurrentMemoryContext};

	return hash_create("cjm set", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static bool
is_in_set(HTAB *set, Oid oid)
{
	return hash_search(set, &oid, HASH_FIND, NULL) != NULL;
}

/* The triggers that are bound to a relation. */
static HTAB *
bound_triggers(Oid relation, Snapshot snapshot)
{
	HTAB	   *found = make_set();
	CatalogScan scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan.relation = table_open(DependRelationId, AccessShareLock);
	scan.scan = systable_beginscan(scan.relation, DependReferenceIndexId, true, snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == TriggerRelationId)
			hash_search(found, &depend->objid, HASH_ENTER, NULL);
	}
	end_catalog(&scan);
	return found;
}

static int
compare_lines(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* A line about each row of a catalog that belongs to an object; the rows come in any order. */
static void
add_rows(List **lines, const char *kind, Oid catalog, Oid index, AttrNumber column, Oid object, Snapshot snapshot)
{
	CatalogScan scan = scan_catalog(catalog, index, column, object, snapshot);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		/* The OID is the first column of all these catalogs. */
		Oid			oid = *(Oid *) GETSTRUCT(tuple);

		*lines = lappend(*lines, psprintf("%s %u %u %s", kind, object, oid, kept_version_of(tuple)));
	}
	end_catalog(&scan);
}

/* A line about a table as it is now. */
static void
add_table(List **lines, Oid table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
	{
		*lines = lappend(*lines, psprintf("table %u gone", table));
		return;
	}
	form = (Form_pg_class) GETSTRUCT(tuple);
	*lines = lappend(*lines, psprintf("table %u %u %c %c %d %d %u", table, form->relfilenode, form->relkind, form->relpersistence,
									  form->relrowsecurity, form->relforcerowsecurity, form->relam));
	ReleaseSysCache(tuple);
}

/* A line about a table of the store, which must not be empty after a crash. */
static void
add_store(List **lines, Oid table)
{
	*lines = lappend(*lines, psprintf("store %u %c", table, OidIsValid(table) ? get_rel_persistence(table) : '-'));
}

/*
 * Lines about those triggers on a table that are bound, and notes the functions that they call.  A trigger that PostgreSQL has made for a
 * partition is bound as the one is that it was made from.
 */
static void
add_triggers(List **lines, Oid table, HTAB *bound, List **functions, Snapshot snapshot)
{
	CatalogScan scan = scan_catalog(TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, snapshot);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		if (!is_in_set(bound, trigger->oid))
		{
			if (!OidIsValid(trigger->tgparentid) || !is_in_set(bound, trigger->tgparentid))
				continue;
			hash_search(bound, &trigger->oid, HASH_ENTER, NULL);
		}
		*functions = list_append_unique_oid(*functions, trigger->tgfoid);
		*lines = lappend(*lines, psprintf("trigger %u %u %s %c", table, trigger->oid, kept_version_of(tuple), trigger->tgenabled));
	}
	end_catalog(&scan);
}

/* Lines about a table and all that are under it, from the top down, so that a trigger's original comes before its copies. */
static void
add_family(List **lines, Oid source, HTAB *bound, List **functions, Snapshot snapshot)
{
	ListCell   *cell;

	add_table(lines, source);
	add_triggers(lines, source, bound, functions, snapshot);
	foreach(cell, kept_members(source, snapshot))
	{
		KeptMember *member = lfirst(cell);

		*lines = lappend(*lines, member->line);
		add_table(lines, member->table);
		add_triggers(lines, member->table, bound, functions, snapshot);
	}
	/* Who writes by way of what is above fires no trigger of the source. */
	*lines = list_concat(*lines, kept_places("above", source, snapshot));
}

/*
 * What the store of a state is made under, a line for each thing, sorted; palloc'd.
 * NIL, which is nobody's, if the view "events" is gone or another.
 */
static List *
read_parts(const KeptState *state, Snapshot snapshot)
{
	KeptSource	source;
	List	   *lines = NIL;
	List	   *functions;
	List	   *enums;
	ListCell   *cell;

	if (!kept_read_source(state->view, &source))
		return NIL;
	lines = lappend(lines, psprintf("version %d", KEPT_VERSION));
	add_store(&lines, get_relname_relid("kept_journeys", state->schema));
	add_store(&lines, get_relname_relid("kept_deciders", state->schema));
	add_store(&lines, state->changes);
	add_store(&lines, state->marks);
	add_rows(&lines, "view", RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, state->view, snapshot);
	kept_read_parts(&source, snapshot, &functions, &enums);
	add_family(&lines, source.relation, bound_triggers(state->changes, snapshot), &functions, snapshot);
	foreach(cell, functions)
		add_rows(&lines, "function", ProcedureRelationId, ProcedureOidIndexId, Anum_pg_proc_oid, lfirst_oid(cell), snapshot);
	foreach(cell, enums)
		add_rows(&lines, "labels", EnumRelationId, EnumTypIdLabelIndexId, Anum_pg_enum_enumtypid, lfirst_oid(cell), snapshot);
	list_sort(lines, compare_lines);
	return lines;
}

/* 128 bits of hash of lines, each with its end, in hex, palloc'd; what held them is freed. */
static char *
hash_of(StringInfo text)
{
	uint64		first = DatumGetUInt64(hash_any_extended((unsigned char *) text->data, text->len, 1));
	uint64		second = DatumGetUInt64(hash_any_extended((unsigned char *) text->data, text->len, 2));

	pfree(text->data);
	return psprintf("%016llx%016llx", (unsigned long long) first, (unsigned long long) second);
}

static char *
fingerprint_of(List *lines)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, lines)
		appendStringInfo(&text, "%s\n", (char *) lfirst(cell));
	return hash_of(&text);
}

/* Is a relation a table kept_state?  Asked of the catalogs, so nothing is opened or waited for. */
static bool
is_state(Oid relation)
{
	char	   *name = get_rel_name(relation);

	return name != NULL && strcmp(name, "kept_state") == 0 && get_rel_relkind(relation) == RELKIND_RELATION &&
		get_atttype(relation, KEPT_STATE_FINGERPRINT) == TEXTOID && get_atttype(relation, KEPT_STATE_BUILT_AT) == TIMESTAMPTZOID &&
		get_atttype(relation, KEPT_STATE_VIEW) == OIDOID && get_atttype(relation, KEPT_STATE_CHANGES) == OIDOID &&
		get_atttype(relation, KEPT_STATE_MARKS) == OIDOID;
}

/* Opens a table kept_state of whoever's map.  Anybody may ask about any, so nothing else is opened. */
static Relation
open_state(Oid relation)
{
	if (!is_state(relation))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not the state of kept journeys",
						get_rel_name(relation) ? quote_identifier(get_rel_name(relation)) : psprintf("relation %u", relation))));
	return table_open(relation, AccessShareLock);
}

/* A column that is the number of another relation of the same map; InvalidOid for anything else, so that nobody asks about others' tables. */
static Oid
relation_column(TupleTableSlot *slot, AttrNumber column, Relation state)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, column, &isnull);
	HeapTuple	tuple = isnull ? NULL : SearchSysCache1(RELOID, value);
	Oid			found = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relnamespace == state->rd_rel->relnamespace && form->relowner == state->rd_rel->relowner)
			found = form->oid;
		ReleaseSysCache(tuple);
	}
	return found;
}

/* Reads the row of a table kept_state that a snapshot sees. */
static KeptState
read_state(Oid relation, Snapshot snapshot)
{
	KeptState	state = {0};
	Relation	table = open_state(relation);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = cjm_begin_scan(table, snapshot);

	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		fingerprint = slot_getattr(slot, KEPT_STATE_FINGERPRINT, &isnull);

		state.schema = RelationGetNamespace(table);
		state.fingerprint = isnull ? NULL : TextDatumGetCString(fingerprint);
		slot_getattr(slot, KEPT_STATE_BUILT_AT, &isnull);
		state.built = !isnull;
		state.view = relation_column(slot, KEPT_STATE_VIEW, table);
		state.changes = relation_column(slot, KEPT_STATE_CHANGES, table);
		state.marks = relation_column(slot, KEPT_STATE_MARKS, table);
		/* A restored dump may have brought another one, and a store with it. */
		if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			state.built = false;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(table, AccessShareLock);
	return state;
}

/* Whether a snapshot sees a row in a table; true if there is no such table. */
static bool
has_rows(Oid relation, Snapshot snapshot)
{
	Relation	table;
	TupleTableSlot *slot;
	TableScanDesc scan;
	bool		found;

	if (get_rel_relkind(relation) != RELKIND_RELATION || (table = try_table_open(relation, AccessShareLock)) == NULL)
		return true;
	slot = table_slot_create(table, NULL);
	scan = cjm_begin_scan(table, snapshot);
	found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(table, AccessShareLock);
	return found;
}

/* What a snapshot of a transaction was told about a state, by which it is found again. */
typedef struct Known
{
	Oid			relation;		/* the key: of the state */
	bool		valid;
	LocalTransactionId transaction;
	SubTransactionId subtransaction;	/* one that is rolled back takes commands with it */
	TransactionId xmin;
	TransactionId xmax;
	uint32		running;
	int32		subxacts;
	CommandId	command;
	KeptAnswer	answer;
	char		fingerprint[33];	/* that of the store, empty if there is none */
} Known;

/* What a run of the planner was told. */
typedef struct Planned
{
	Oid			relation;		/* the key: of the state */
	uint32		run;			/* 0: none */
	char		fingerprint[33];
} Planned;

/* A run is known by an entry among what its plan depends on, which is of no cache of PostgreSQL's. */
#define RUN_CACHE_ID (-0x636a6d)

static HTAB *
make_cache(const char *name, Size size)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = size, .hcxt = CacheMemoryContext};

	return hash_create(name, 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Fills in what a snapshot of the catalogs and of the state says. */
static void
find_answer(Known *known, Snapshot snapshot)
{
	KeptState	state = read_state(known->relation, snapshot);

	known->answer = KEPT_INVALID;
	known->fingerprint[0] = '\0';
	if (state.fingerprint != NULL)
		strlcpy(known->fingerprint, state.fingerprint, sizeof(known->fingerprint));
	if (state.built && state.fingerprint != NULL && !has_rows(state.marks, snapshot) &&
		strcmp(state.fingerprint, fingerprint_of(read_parts(&state, snapshot))) == 0)
		known->answer = has_rows(state.changes, snapshot) ? KEPT_CHANGED : KEPT_FOLDED;
}

/* The fingerprint of what is there now, palloc'd. */
static char *
fingerprint_now(Oid relation)
{
	KeptState	state = read_state(relation, GetActiveSnapshot());

	return fingerprint_of(read_parts(&state, NULL));
}

/*
 * kept_is(state, answer, planned): whether, in the snapshot of the query, the store is
 * all (0), the store and the changes beside it are (1), or only the rows tell (2).
 * planned is the fingerprint of when the query was planned, or empty.
 *
 * A view asks once for each of its arms, and a process for each of its scans: what
 * one snapshot of one transaction was told holds for it as long as it lasts.
 */
Datum
kept_is(PG_FUNCTION_ARGS)
{
	static HTAB *cache;
	Oid			relation = PG_GETARG_OID(0);
	char	   *planned = text_to_cstring(PG_GETARG_TEXT_PP(2));
	Snapshot	snapshot = GetActiveSnapshot();
	KeptAnswer	answer;
	Known	   *known;
	bool		found;

	if (cache == NULL)
		cache = make_cache("cjm kept journeys", sizeof(Known));
	known = hash_search(cache, &relation, HASH_ENTER, &found);
	if (!found || !known->valid || known->transaction != cjm_local_transaction() || known->xmin != snapshot->xmin ||
		known->xmax != snapshot->xmax || known->running != snapshot->xcnt || known->subxacts != snapshot->subxcnt ||
		known->command != snapshot->curcid || known->subtransaction != GetCurrentSubTransactionId())
	{
		MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "cjm kept journeys", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(work);

		known->valid = false;
		find_answer(known, snapshot);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(work);
		known->transaction = cjm_local_transaction();
		known->xmin = snapshot->xmin;
		known->xmax = snapshot->xmax;
		known->running = snapshot->xcnt;
		known->subxacts = snapshot->subxcnt;
		known->command = snapshot->curcid;
		known->subtransaction = GetCurrentSubTransactionId();
		known->valid = true;
	}
	answer = known->answer;
	if (answer != KEPT_INVALID && strcmp(*planned != '\0' ? planned : fingerprint_now(relation), known->fingerprint) != 0)
		answer = KEPT_INVALID;
	PG_RETURN_BOOL((int32) answer == PG_GETARG_INT32(1));
}

/*
 * Lets a run of the planner settle which partitions a table has, and those have: the
 * planner keeps to what it has looked up once.  Who plans a query of the view has
 * locked the table; nothing is done for who has not.
 */
static void
settle_partitions(PlannerGlobal *glob, Oid table)
{
	Relation	relation = RelationIdGetRelation(table);
	PartitionDesc partitions;

	if (!RelationIsValid(relation))
		return;
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && CheckRelationLockedByMe(relation, AccessShareLock, true))
	{
		if (glob->partition_directory == NULL)
			glob->partition_directory = CreatePartitionDirectory(CurrentMemoryContext, true);
		partitions = PartitionDirectoryLookup(glob->partition_directory, relation);
		for (int i = 0; i < partitions->nparts; i++)
			if (!partitions->is_leaf[i])
			{
				LockRelationOid(partitions->oids[i], AccessShareLock);
				settle_partitions(glob, partitions->oids[i]);
			}
	}
	RelationClose(relation);
}

/* The table that the journeys of a state are made of, or InvalidOid. */
static Oid
source_of(Oid relation)
{
	KeptState	state = read_state(relation, GetActiveSnapshot());
	KeptSource	source;

	return kept_read_source(state.view, &source) ? source.relation : InvalidOid;
}

/* Is this the run of the planner that has that number? */
static bool
is_run(PlannerGlobal *glob, uint32 run)
{
	ListCell   *cell;

	foreach(cell, glob->invalItems)
	{
		PlanInvalItem *item = lfirst_node(PlanInvalItem, cell);

		if (item->cacheId == RUN_CACHE_ID && item->hashValue == run)
			return true;
	}
	return false;
}

/*
 * kept_is_support: puts the fingerprint of now into a call of kept_is, the same into
 * all calls that a run of the planner comes upon, however long that takes.
 */
Datum
kept_is_support(PG_FUNCTION_ARGS)
{
	static HTAB *cache;
	static uint32 runs;
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;
	FuncExpr   *call;
	Const	   *state;
	Const	   *planned;
	Planned    *known;
	Oid			relation;
	bool		found;

	if (!IsA(request, SupportRequestSimplify) || simplify->root == NULL || !ActiveSnapshotSet())
		PG_RETURN_POINTER(NULL);
	state = linitial(simplify->fcall->args);
	planned = lthird(simplify->fcall->args);
	if (!IsA(state, Const) || state->constisnull || !IsA(planned, Const) || planned->constisnull ||
		VARSIZE_ANY_EXHDR(DatumGetTextPP(planned->constvalue)) > 0 || !is_state(relation = DatumGetObjectId(state->constvalue)))
		PG_RETURN_POINTER(NULL);
	if (cache == NULL)
		cache = make_cache("cjm plans over kept journeys", sizeof(Planned));
	known = hash_search(cache, &relation, HASH_ENTER, &found);
	if (!found || known->run == 0 || !is_run(simplify->root->glob, known->run))
	{
		PlanInvalItem *item;

		known->run = 0;
		settle_partitions(simplify->root->glob, source_of(relation));
		strlcpy(known->fingerprint, fingerprint_now(relation), sizeof(known->fingerprint));
		if (++runs == 0)
			runs++;
		item = makeNode(PlanInvalItem);
		item->cacheId = RUN_CACHE_ID;
		item->hashValue = known->run = runs;
		simplify->root->glob->invalItems = lappend(simplify->root->glob->invalItems, item);
	}
	call = copyObject(simplify->fcall);
	planned = lthird(call->args);
	planned->constvalue = CStringGetTextDatum(known->fingerprint);
	PG_RETURN_POINTER(call);
}

/* kept_parts(state): the lines that the fingerprint would be made of, as the snapshot of the query sees them. */
Datum
kept_parts(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = GetActiveSnapshot();
	KeptState	state = read_state(PG_GETARG_OID(0), snapshot);
	List	   *lines = read_parts(&state, snapshot);
	Datum	   *texts = palloc(Max(list_length(lines), 1) * sizeof(Datum));
	ListCell   *cell;
	int			count = 0;

	foreach(cell, lines)
		texts[count++] = CStringGetTextDatum(lfirst(cell));
	PG_RETURN_ARRAYTYPE_P(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* kept_fingerprint(parts): what such lines are known by. */
Datum
kept_fingerprint(PG_FUNCTION_ARGS)
{
	Datum	   *texts;
	bool	   *nulls;
	int			count;
	StringInfoData lines;

	/* In no List: it is moved for each line that comes to it where the server is built with assertions. */
	initStringInfo(&lines);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *line;

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			continue;
		line = DatumGetTextPP(texts[i]);
		appendBinaryStringInfo(&lines, VARDATA_ANY(line), VARSIZE_ANY_EXHDR(line));
		appendStringInfoChar(&lines, '\n');
	}
	PG_RETURN_TEXT_P(cstring_to_text(hash_of(&lines)));
}
