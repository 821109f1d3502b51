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

/* Older minor releases do not say it to extensions. */
#ifndef MaxArraySize
#define MaxArraySize ((Size) (MaxAllocSize / sizeof(Datum)))
#endif

/* JSON_OBJECT and the like came with 16, JSON_VALUE and the like with 17: the arguments of the first, and whether a node is one of the second. */
#if PG_VERSION_NUM >= 160000
#define cjm_json_arguments(node) (IsA(node, JsonConstructorExpr) ? ((JsonConstructorExpr *) (node))->args : NIL)
#else
#define cjm_json_arguments(node) NIL
#endif
#if PG_VERSION_NUM >= 170000
#define cjm_is_json_query(node) IsA(node, JsonExpr)
#else
#define cjm_is_json_query(node) false
#endif

/* Making a range may fail softly since 16; ours never does. */
#if PG_VERSION_NUM >= 160000
#define cjm_make_range(range_type, lower, upper) make_range((range_type), (lower), (upper), false, NULL)
#else
#define cjm_make_range(range_type, lower, upper) make_range((range_type), (lower), (upper), false)
#endif

/* One function for objects of all kinds came with 16, and so did attributes of tuples that cannot be NULL. */
#if PG_VERSION_NUM >= 160000
#define cjm_owns_schema(schema) object_ownercheck(NamespaceRelationId, (schema), GetUserId())
#define cjm_owns_relation(relation) object_ownercheck(RelationRelationId, (relation), GetUserId())
#else
#define cjm_owns_schema(schema) pg_namespace_ownercheck((schema), GetUserId())
#define cjm_owns_relation(relation) pg_class_ownercheck((relation), GetUserId())
#define SysCacheGetAttrNotNull(cache, tuple, attribute) SysCacheGetAttr((cache), (tuple), (attribute), &(bool) {false})
#endif

/* Scans of tables have flags of their callers since 19. */
#if PG_VERSION_NUM >= 190000
#define cjm_begin_scan(relation, snapshot) table_beginscan((relation), (snapshot), 0, NULL, 0)
#else
#define cjm_begin_scan(relation, snapshot) table_beginscan((relation), (snapshot), 0, NULL)
#endif

/* The number of a backend's present transaction; and the map from the columns of one row type to those of another, which are all there. */
#if PG_VERSION_NUM >= 170000
#define cjm_local_transaction() (MyProc->vxid.lxid)
#else
#define cjm_local_transaction() (MyProc->lxid)
#endif
#if PG_VERSION_NUM >= 160000
#define cjm_build_attrmap(in, out) build_attrmap_by_name((in), (out), false)
#else
#define cjm_build_attrmap(in, out) build_attrmap_by_name((in), (out))
#endif

/* Written first, as since 18, in declarations and definitions. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* What makes a jsonb step by step keeps its result itself since 19. */
#if PG_VERSION_NUM >= 190000
#define cjm_push_jsonb(state, token, value) pushJsonbValue((state), (token), (value))
#else
typedef struct JsonbInState
{
	struct JsonbValue *result;
	struct JsonbParseState *parseState;
} JsonbInState;

#define cjm_push_jsonb(state, token, value) \
	((state)->result = pushJsonbValue(&(state)->parseState, (token), (value)))
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
