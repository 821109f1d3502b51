/*
 * map/printing.c: prints an expression so that it means the same in every
 * search_path and under all settings, see map/printing.h.
 */
#include "map/printing.h"

#include "utils/guc.h"
#include "utils/ruleutils.h"

/*
 * What printing depends on, and so what the printed text is to be read under:
 * map_build has the same.
 */
static const char *const print_settings[][2] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"TimeZone", "UTC"},
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"lc_monetary", "C"},
	{"quote_all_identifiers", "off"},
	{"standard_conforming_strings", "on"},
	{"xmloption", "content"}
};

/* Sets a setting until the caller's level of settings ends. */
void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Sets all that printing depends on, until the caller's level of settings ends. */
void
set_for_printing(void)
{
	for (int i = 0; i < (int) lengthof(print_settings); i++)
		set_for_now(print_settings[i][0], print_settings[i][1]);
}

/*
 * The text of an expression over the columns of a relation, number 1, with the
 * schemas of all that is not PostgreSQL's own; with prefix the columns come after
 * the alias everywhere, and not in subqueries alone.  palloc'd.
 */
char *
print_expression(const char *alias, Oid relation, Node *node, bool prefix)
{
	int			nest = NewGUCNestLevel();
	char	   *printed;

	set_for_printing();
	printed = deparse_expression(node, deparse_context_for(alias, relation), prefix, false);
	AtEOXact_GUC(true, nest);
	return printed;
}
