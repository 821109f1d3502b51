/*
 * kept/refresh.c: refreshes kept journeys as their owner: kept_refresh_as(map, owner).
 *
 * What a refresh calls is the owner's: functions in expressions, and triggers and
 * indexes that somebody may have put on the tables of the store.  As the owner, who
 * cannot become anybody else meanwhile, as in REFRESH MATERIALIZED VIEW; whoever
 * calls for it, a scheduler of a superuser's perhaps, lends no rights.
 */
#include "base/glue.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(kept_refresh_as);

/* kept_refresh_as(map, owner): what kept_refresh(map) says, called as a role of whose rights the caller has all. */
Datum
kept_refresh_as(PG_FUNCTION_ARGS)
{
	Oid			owner = PG_GETARG_OID(1);
	Oid			types[] = {TEXTOID};
	Datum		values[] = {PG_GETARG_DATUM(0)};
	char	   *said = NULL;
	text	   *answer;
	Oid			user;
	int			security;
	int			nest = NewGUCNestLevel();

	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to refresh as another role")));
	/* A superuser has the rights of every number. */
	(void) GetUserNameFromId(owner, false);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	SPI_connect();
	if (SPI_execute_with_args("SELECT cjm_internal.kept_refresh($1)", 1, types, values, NULL, false, 1) == SPI_OK_SELECT && SPI_processed == 1)
		said = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	answer = (text *) SPI_datumTransfer(PointerGetDatum(cstring_to_text(said != NULL ? said : "")), false, -1);
	SPI_finish();
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, security);
	PG_RETURN_TEXT_P(answer);
}
