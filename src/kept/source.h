/*
 * kept/source.h: what kept journeys are made of: the rows of a map's source as its
 * view "events" reads them.
 */
#ifndef CJM_KEPT_SOURCE_H
#define CJM_KEPT_SOURCE_H

#include "base/glue.h"

#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "utils/snapshot.h"

/* In the order of the view's columns. */
typedef enum KeptColumn
{
	KEPT_CUSTOMER,
	KEPT_AT,
	KEPT_EVENT,
	KEPT_CHANNEL,
	KEPT_VALUE,
	KEPT_SEGMENT,
	KEPT_DIMENSIONS,
	KEPT_SESSION,
	KEPT_COLUMNS
} KeptColumn;

/* The view "events" of a map: expressions over the columns of one relation, which is number 1 in them. */
typedef struct KeptSource
{
	Oid			relation;
	Node	   *columns[KEPT_COLUMNS];
	Node	   *filter;			/* NULL: all rows count */
} KeptSource;

extern bool kept_read_source(Oid view, KeptSource *source);
extern const char *kept_mutable_part(const KeptSource *source);
extern bool kept_is_steady(Node *node);
extern void kept_read_parts(const KeptSource *source, Snapshot snapshot, List **functions, List **enums);

#endif							/* CJM_KEPT_SOURCE_H */
