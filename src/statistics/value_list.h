/*
 * statistics/value_list.h: lists of 64-bit keys that aggregates keep, in memory as long
 * as there is room and then in a temporary file.
 */
#ifndef CJM_VALUE_LIST_H
#define CJM_VALUE_LIST_H

#include "base/glue.h"

#include "base/handover.h"
#include "lib/stringinfo.h"

/* A temporary file that keys are in. */
typedef struct ValueFile
{
	struct ValueFile *next;		/* of its store's */
	BufFile    *file;
	bool		received;		/* made by another node of the plan */
	bool		exported;		/* others may read it; nothing is written any more */
	RowFileName name;			/* where it can be handed over */
} ValueFile;

/*
 * What the lists in one memory context of an aggregate node share: so much
 * memory, and files.  It lives as long as the plan; for a caller who is no node,
 * as an engine over several servers, each list has its own, which goes with it.
 */
typedef struct ValueStore
{
	struct ValueStore *next;	/* of the same call site, for another context */
	MemoryContext context;		/* of the lists */
	MemoryContext query;
	Node	   *owner;			/* the AggState; NULL where keys always stay in memory */
	size_t		limit;			/* bytes */
	size_t		used;
	bool		hands_over;		/* its lists go to another node of the same plan */
	bool		receives;		/* lists of another node come to it */
	bool		told;			/* PostgreSQL will tell before it clears the context */
	bool		ends;			/* and when the plan ends */
	ValueFile  *writes;			/* the file that is written; NULL none */
	uint64		end;			/* its size */
	ValueFile  *files;			/* all */
} ValueStore;

/* The memory of its keys is in the context of its store. */
typedef struct ValueList
{
	ValueStore *store;			/* NULL: it is only read */
	uint64		count;			/* keys in memory */
	uint64		capacity;
	uint64	   *keys;
	uint64		filed;			/* keys in the file */
	uint64		last;			/* offset of the piece of the file that came last, whose head has that of the one before */
	ValueFile  *file;			/* NULL as long as none are; of a list that was received a name alone, until it is read */
} ValueList;

/* Keys that are read in one go. */
#define VALUE_BATCH 1024

typedef struct ValueScan
{
	const ValueList *list;
	bool		in_file;		/* memory has been read */
	uint64		place;			/* the next to be read: in memory or in the file */
	uint64		before;			/* offset of the next piece */
	uint64		left;			/* keys of the piece at hand */
	uint64		unread;			/* keys in the file */
	uint64		batch[VALUE_BATCH];
} ValueScan;

extern ValueStore *value_store(FunctionCallInfo fcinfo);
extern void value_list_init(ValueList *list, ValueStore *store);
extern void value_list_make_room(FunctionCallInfo fcinfo, ValueList *list);
extern void value_list_append(FunctionCallInfo fcinfo, ValueList *list, ValueList *other);
extern void value_scan_start(ValueScan *scan, const ValueList *list);
extern size_t value_scan_next(ValueScan *scan, const uint64 **keys);
extern bool value_list_is_sent(const uint8 *bytes, size_t size);
extern void value_list_send(StringInfo out, ValueList *list);
extern void value_list_receive(const uint8 *bytes, size_t size, ValueList *list);

static inline void
value_list_add(FunctionCallInfo fcinfo, ValueList *list, uint64 key)
{
	if (unlikely(list->count == list->capacity))
		value_list_make_room(fcinfo, list);
	list->keys[list->count++] = key;
}

#endif							/* CJM_VALUE_LIST_H */
