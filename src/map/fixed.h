/*
 * map/fixed.h: the settings that a map's expressions are read and evaluated under.
 */
#ifndef CJM_MAP_FIXED_H
#define CJM_MAP_FIXED_H

#include "base/glue.h"

extern void check_zone_name(const char *name);
extern const char *map_date_order(void);

#endif							/* CJM_MAP_FIXED_H */
