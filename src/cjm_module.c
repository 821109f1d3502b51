/*
 * cjm_module.c: the module itself.
 */
#include "glue.h"

#include "utils/builtins.h"

CJM_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(cjm_version);

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
