/*
 * base/module.c: the module itself.
 */
#include "base/glue.h"

#include "base/handover.h"
#include "utils/builtins.h"

CJM_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(cjm_version);

extern PGDLLEXPORT void _PG_init(void);

/* When the module is loaded into a process. */
void
_PG_init(void)
{
	row_handover_init();
}

/*
 * cjm_version() -> text: the version this library was built as.  It comes from
 * the control file through the Makefile.
 */
Datum
cjm_version(PG_FUNCTION_ARGS)
{
	(void) fcinfo;				/* no arguments */
	PG_RETURN_TEXT_P(cstring_to_text(CJM_VERSION));
}
