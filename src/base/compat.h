/*
 * base/compat.h: the differences between PostgreSQL 15 and 19; the only file that
 * knows PG_VERSION_NUM.
 */
#ifndef CJM_COMPAT_H
#define CJM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "cjm needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#else
/* Soft errors came with 16: before it every error is thrown. */
#define ereturn(context, dummy_value, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)

#define DirectInputFunctionCallSafe(func, str, typioparam, typmod, escontext, result) \
	((void) (escontext), \
	 *(result) = DirectFunctionCall3(func, CStringGetDatum(str), \
									 ObjectIdGetDatum(typioparam), Int32GetDatum(typmod)), \
	 true)
#endif

/* The module's name and version in pg_get_loaded_modules() came with 18. */
#if PG_VERSION_NUM >= 180000
#define CJM_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "cjm", .version = CJM_VERSION)
#else
#define CJM_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* In typanalyze functions; the statistics target moved in 17, vacuum_delay_point learnt who calls in 18. */
#if PG_VERSION_NUM >= 170000
#define CJM_STATISTICS_TARGET(stats) ((stats)->attstattarget)
#else
#define CJM_STATISTICS_TARGET(stats) ((stats)->attr->attstattarget)
#endif
#if PG_VERSION_NUM >= 180000
#define cjm_analyze_delay_point() vacuum_delay_point(true)
#else
#define cjm_analyze_delay_point() vacuum_delay_point()
#endif

#endif							/* CJM_COMPAT_H */
