/*
 * attribution/path_stats_expanded.h: the state of the data-driven attribution aggregates.
 */
#ifndef CJM_PATH_STATS_EXPANDED_H
#define CJM_PATH_STATS_EXPANDED_H

#include "base/glue.h"

#include "attribution/path_stats.h"
#include "utils/expandeddatum.h"

typedef struct ExpandedPaths ExpandedPaths;

extern ExpandedPaths *expanded_paths_new(MemoryContext aggregate, PathModel model);
extern ExpandedPaths *expanded_paths_copy(MemoryContext aggregate, const PathStats *from);
extern ExpandedPaths *expanded_paths_own(Datum value, MemoryContext aggregate);
extern Datum expanded_paths_datum(ExpandedPaths *object);

/* The stats, to be changed, and their context. */
extern PathStats *expanded_paths_change(ExpandedPaths *object, MemoryContext *old);
extern const PathStats *path_stats_open_datum(Datum value);

#endif							/* CJM_PATH_STATS_EXPANDED_H */
