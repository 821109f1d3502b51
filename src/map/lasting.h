/*
 * map/lasting.h: whether an expression is made of what stays.
 */
#ifndef CJM_MAP_LASTING_H
#define CJM_MAP_LASTING_H

#include "base/glue.h"

#include "nodes/primnodes.h"

extern char *temporary_part(Node *node);

#endif							/* CJM_MAP_LASTING_H */
