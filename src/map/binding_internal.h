/*
 * map/binding_internal.h: what the files of map/binding share.
 */
#ifndef CJM_MAP_BINDING_INTERNAL_H
#define CJM_MAP_BINDING_INTERNAL_H

#include "map/binding.h"

/* Where an expression is bound to, and what it is called in messages. */
typedef struct Binding
{
	const char *time_zone;
	const char *name;
	const char *expression;
} Binding;

/* map/binding_type.c */
pg_noreturn extern void binding_refuse(const Binding *binding, const char *what);
extern bool binding_type_depends(Oid type, bool reading);
extern void binding_refuse_strange(const Binding *binding, Oid type);

/* map/binding_check.c */
extern char *binding_known_word(Node *node);
extern char *binding_known_format(Node *node);
extern void binding_check_format(Binding *binding, List *arguments);
extern bool binding_check(Node *node, Binding *binding);

#endif							/* CJM_MAP_BINDING_INTERNAL_H */
