/*
 * map/expression.h: expressions over the rows of a map's source.
 */
#ifndef CJM_MAP_EXPRESSION_H
#define CJM_MAP_EXPRESSION_H

#include "base/glue.h"

#include "nodes/nodes.h"
#include "utils/rel.h"

extern bool is_readable(Oid relation);
extern Node *read_row_expression(Relation source, const char *text);

#endif							/* CJM_MAP_EXPRESSION_H */
