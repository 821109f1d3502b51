/*
 * map/binding.h: an expression made to mean the same under every reader's settings.
 */
#ifndef CJM_MAP_BINDING_H
#define CJM_MAP_BINDING_H

#include "base/glue.h"

#include "nodes/primnodes.h"

extern Node *bind_to_zone(Node *node, const char *time_zone, const char *name, const char *expression);

#endif							/* CJM_MAP_BINDING_H */
