/*
 * map/call_as.c: what a map remembers is written as its owner: map_call_as(task, owner, arguments).
 *
 * The tables of a map are its owner's, who can put triggers, rules and indexes on
 * them that call what the owner likes.  Whoever writes there for the owner, a
 * scheduler of a superuser's perhaps, does it as the owner, who cannot become
 * anybody else meanwhile, as in REFRESH MATERIALIZED VIEW (see kept/refresh.c): so
 * nobody lends rights.
 */
#include "base/glue.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(map_call_as);

/*
 * map_call_as(task, owner, arguments): what a function of cjm_internal that takes
 * jsonb says, called as a role of whose rights the caller has all.  It must not
 * return NULL.  An error ends the (sub)transaction, and with it the other role.
 */
Datum
map_call_as(PG_FUNCTION_ARGS)
{
	Oid			task = PG_GETARG_OID(0);
	Oid			owner = PG_GETARG_OID(1);
	Oid			home = get_func_namespace(task);
	Oid		   *types;
	int			count;
	Datum		answer;
	Oid			user;
	int			security;
	int			nest;

	/* Whoever calls it says which function: of another shape it would take an object for what it is not. */
	if (!OidIsValid(home) || home != get_namespace_oid("cjm_internal", true) ||
		get_func_signature(task, &types, &count) != JSONBOID || count != 1 || types[0] != JSONBOID ||
		get_func_prokind(task) != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %u is no task of a map", task)));
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as another role")));
	/* A superuser has the rights of every number. */
	(void) GetUserNameFromId(owner, false);
	nest = NewGUCNestLevel();
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	answer = OidFunctionCall1(task, PG_GETARG_DATUM(2));
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, security);
	return answer;
}
