/*
 * map/lock.c: what a map is locked by while it is made, made anew or dropped:
 * map_lock_schema(map) and
 * map_lock_views(map, views, patience).
 *
 * Who reads a view of a map locks it, then the views that it reads, from the top
 * down, and keeps these locks until the transaction ends; who replaces the views
 * needs all of them for himself, and takes them in the same order.  But for
 * transactions that read several views, one of which may hold a view that is wanted
 * here and want one that is held here.  PostgreSQL looks for a deadlock when a wait
 * has lasted for deadlock_timeout, once, and ends who looks: here it is looked for
 * as soon as a wait begins, and then many times in that time, so it is not the
 * reader who is ended, even if the reader waits already.  And as readers wait
 * behind who waits here, that lasts no longer than the caller says.  Either way all
 * is let go again and tried later (by map_lock in SQL, in a subtransaction, whose
 * end lets go).
 *
 * Two who replace or drop one map meet at its schema, before they have a view.
 *
 * Locks are given to owners alone, and are looked after by the transaction.
 */
#include "base/glue.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(map_lock_schema);
PG_FUNCTION_INFO_V1(map_lock_views);

/*
 * map_lock_schema(map): whether the schema is still there, now that nobody else
 * makes, replaces or drops a map in it until the transaction ends.  Readers and
 * GRANT go on.  An error for who does not own it, before anything is waited for,
 * and where nothing can be written: a standby has no such lock, and would say so.
 */
Datum
map_lock_schema(PG_FUNCTION_ARGS)
{
	Oid			schema = PG_GETARG_OID(0);

	if (!SearchSysCacheExists1(NAMESPACEOID, ObjectIdGetDatum(schema)))
		PG_RETURN_BOOL(false);
	if (!cjm_owns_schema(schema))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, get_namespace_name(schema));
	if (XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot change the map \"%s\" in a read-only transaction", get_namespace_name(schema)),
				 RecoveryInProgress() ? errhint("This server is a standby: ask its primary.") : 0));
	LockDatabaseObject(NamespaceRelationId, schema, 0, ShareUpdateExclusiveLock);
	PG_RETURN_BOOL(SearchSysCacheExists1(NAMESPACEOID, ObjectIdGetDatum(schema)));
}

/* Milliseconds from the beginning of a wait until a deadlock is first looked for, and from then on. */
#define LOOK_FIRST 1
#define LOOK_AGAIN 20

static TimeoutId lookout = (TimeoutId) -1;	/* a timeout of this process */

/* Waits for a relation until a time at most; the error is that of lock_timeout. */
static void
lock_until(Oid relation, TimestampTz deadline)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	int			nest;
	char		milliseconds[32];

	if (ConditionalLockRelationOid(relation, AccessExclusiveLock))
		return;
	if (left <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not lock the views of the map in time")));
	if (LockTimeout > 0)
		left = Min(left, LockTimeout);
	nest = NewGUCNestLevel();
	snprintf(milliseconds, sizeof(milliseconds), "%ld", left);
	(void) set_config_option("lock_timeout", milliseconds, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	enable_timeout_every(lookout, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_FIRST), LOOK_AGAIN);
	LockRelationOid(relation, AccessExclusiveLock);
	disable_timeout(lookout, false);
	AtEOXact_GUC(true, nest);
}

/* Locks those of the views that are in the schema, in that order. */
static void
lock_views(Oid schema, ArrayType *views, TimestampTz deadline)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	deconstruct_array(views, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = nulls[i] ? NULL : TextDatumGetCString(names[i]);
		Oid			view;

		/* It may be dropped and made again while it is waited for. */
		while (name != NULL && OidIsValid(view = get_relname_relid(name, schema)))
		{
			if (!cjm_owns_relation(view))
				aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_VIEW, name);
			lock_until(view, deadline);
			if (get_relname_relid(name, schema) == view)
				break;
		}
	}
}

/*
 * map_lock_views(map, views, patience): locks views, so that nobody reads them
 * until the transaction ends.  Gives up after so many seconds, or lock_timeout for
 * one of them, with ERRCODE_LOCK_NOT_AVAILABLE, and where a reader would wait for
 * ever with ERRCODE_T_R_DEADLOCK_DETECTED; what is locked by then is let go with
 * the subtransaction of the caller.
 */
Datum
map_lock_views(PG_FUNCTION_ARGS)
{
	float8		patience = Min(Max(PG_GETARG_FLOAT8(2), 0), 86400);
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) (patience * 1000));

	if ((int) lookout < 0)
		lookout = RegisterTimeout(USER_TIMEOUT, CheckDeadLockAlert);
	PG_TRY();
	{
		lock_views(PG_GETARG_OID(0), PG_GETARG_ARRAYTYPE_P(1), deadline);
	}
	PG_FINALLY();
	{
		disable_timeout(lookout, false);
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}
