/*
 * map/printing.h: expressions as text, under settings that are always the same.
 */
#ifndef CJM_MAP_PRINTING_H
#define CJM_MAP_PRINTING_H

#include "base/glue.h"

#include "nodes/nodes.h"

extern void set_for_now(const char *name, const char *value);
extern void set_for_printing(void);
extern char *print_expression(const char *alias, Oid relation, Node *node, bool prefix);

#endif							/* CJM_MAP_PRINTING_H */
