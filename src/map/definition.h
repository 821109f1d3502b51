/*
 * map/definition.h: what a view of a map selects.
 */
#ifndef CJM_MAP_DEFINITION_H
#define CJM_MAP_DEFINITION_H

#include "base/glue.h"

#include "nodes/parsenodes.h"

extern Query *read_view_query(Oid view);

#endif							/* CJM_MAP_DEFINITION_H */
