/*
 * kept/binding.h: for whom a trigger of kept journeys works, and with what.
 */
#ifndef CJM_KEPT_BINDING_H
#define CJM_KEPT_BINDING_H

#include "kept/source.h"
#include "utils/array.h"

/*
 * The columns of the table of changes: first what every change has, and last what most have
 * not, as a tuple can end before columns that are NULL.
 */
typedef enum KeptChangeColumn
{
	CHANGE_CUSTOMER,
	CHANGE_AT,
	CHANGE_REMOVED,				/* whether the touchpoint went */
	CHANGE_EVENT,
	CHANGE_CHANNEL,
	CHANGE_VALUE,
	CHANGE_SEGMENT,
	CHANGE_SESSION,
	CHANGE_DIMENSIONS,
	CHANGE_WRITTEN,				/* when the statement's changes were written down; only the first of them says so */
	CHANGE_COLUMNS
} KeptChangeColumn;

/* How a column is had from a row. */
typedef struct KeptColumnSource
{
	AttrNumber	number;			/* the column of the row that it is, or 0 */
	Expr	   *expression;		/* else, planned; NULL: it is always NULL */
	int16		length;			/* of its type */
	bool		by_value;
} KeptColumnSource;

/* What a trigger on a relation works with.  It belongs to the process, and stays until something about it changes. */
typedef struct KeptBinding
{
	Oid			trigger;		/* the key */
	bool		made;			/* all that follows is filled in */
	bool		valid;			/* and nothing has changed since */
	bool		prepared;		/* what comes after "broken", too */
	bool		bound;			/* it works for somebody */
	Oid			relation;
	Oid			source;
	Oid			view;
	Oid			changes;
	Oid			marks;
	Oid			owner;
	const char *broken;			/* why nothing can be written, or NULL */
	List	   *branches;		/* tables under the relation that others may come under */
	ArrayType  *strangers;		/* lines about tables under it that the guard does not know, or NULL */
	LocalTransactionId noted;	/* in which that was noted last, and in which subtransaction of it */
	SubTransactionId noted_in;
	bool		evaluates;		/* it has expressions, constants or others */
	bool		can_fail;		/* they can */
	KeptColumnSource columns[KEPT_COLUMNS];
	Expr	   *filter;
	MemoryContext context;		/* of the expressions */
} KeptBinding;

extern const KeptChangeColumn kept_change_columns[KEPT_COLUMNS];

extern KeptBinding *kept_find_binding(Oid trigger, Oid relation);
extern void kept_prepare_binding(KeptBinding *binding);
extern char *kept_do_safely(char *(*work) (void *), void *argument);

#endif							/* CJM_KEPT_BINDING_H */
