/*
 * pattern/print.c: the canonical text of a pattern.
 *
 * It has the parentheses that it needs and no others, a space between any two
 * parts that follow each other, and every label that could be taken for
 * something else in quotes.  It reads back to the same tree.
 */
#include "pattern/pattern.h"

#include "funnel/text.h"

/* How an operator of gates is written. */
const char *
pattern_operator(PatternOperator op)
{
	static const char *const texts[] = {"<=", "<", ">=", ">", "==", "!="};

	return texts[op];
}

static void
print_label(StringInfo out, Label label)
{
	char		last = label.bytes[label.size - 1];
	bool		quote = label.bytes[0] == '.' || last == '.' || last == '$' ||
		label_is_word(label, "within") || funnel_find_arrow(label) != NULL || funnel_find_space(label) != NULL;

	label_print(out, label, quote);
}

static void
print_event(StringInfo out, const FunnelEvent *event)
{
	if (event->event.bytes == NULL)
		appendStringInfoChar(out, '*');
	else
		print_label(out, event->event);
	if (event->channel.bytes != NULL)
	{
		appendStringInfoChar(out, '@');
		print_label(out, event->channel);
	}
}

static void
print_condition(StringInfo out, const Pattern *pattern, uint32 condition)
{
	if (pattern->dialect == PATTERN_NAMED)
		print_event(out, &pattern->events[condition]);
	else
		appendStringInfo(out, "(?%u)", condition + 1);
}

static void
print_barred(StringInfo out, const Pattern *pattern, const PatternNode *node)
{
	appendStringInfoString(out, node->nbarred > 1 ? "!(" : "!");
	for (uint32 i = 0; i < node->nbarred; i++)
	{
		if (i > 0)
			appendStringInfoString(out, " | ");
		print_condition(out, pattern, node->barred[i]);
	}
	if (node->nbarred > 1)
		appendStringInfoChar(out, ')');
}

static void
print_gate(StringInfo out, const PatternNode *node)
{
	appendStringInfo(out, "(?t%s", pattern_operator(node->op));
	if (node->distance == 0)
		appendStringInfoChar(out, '0');
	else
		funnel_print_duration(out, node->distance);
	appendStringInfoChar(out, ')');
}

/* Prints a node; inside says that it is part of something that binds tighter than it. */
static void
print_node(StringInfo out, const Pattern *pattern, const PatternNode *node, bool inside)
{
	const PatternNode *child;

	switch (node->kind)
	{
		case PATTERN_CONDITION:
			print_condition(out, pattern, node->condition);
			break;
		case PATTERN_NONE_OF:
			print_barred(out, pattern, node);
			break;
		case PATTERN_FIRST:
			appendStringInfoChar(out, '^');
			break;
		case PATTERN_LAST:
			appendStringInfoChar(out, '$');
			break;
		case PATTERN_ANY:
			appendStringInfoChar(out, '.');
			break;
		case PATTERN_GATE:
			print_gate(out, node);
			break;
		case PATTERN_SEQUENCE:
		case PATTERN_ALTERNATIVES:
			if (inside)
				appendStringInfoChar(out, '(');
			for (child = node->child; child; child = child->next)
			{
				print_node(out, pattern, child, node->kind == PATTERN_SEQUENCE);
				if (child->next)
					appendStringInfoString(out, node->kind == PATTERN_SEQUENCE ? " " : " | ");
			}
			if (inside)
				appendStringInfoChar(out, ')');
			break;
		case PATTERN_REPEAT:
			child = node->child;
			if (child->kind == PATTERN_REPEAT)
				appendStringInfoChar(out, '(');
			print_node(out, pattern, child, true);
			if (child->kind == PATTERN_REPEAT)
				appendStringInfoChar(out, ')');
			if (node->min == 0 && node->max == PATTERN_UNBOUNDED)
				appendStringInfoChar(out, '*');
			else if (node->min == 1 && node->max == PATTERN_UNBOUNDED)
				appendStringInfoChar(out, '+');
			else if (node->min == 0 && node->max == 1)
				appendStringInfoChar(out, '?');
			else if (node->min == node->max)
				appendStringInfo(out, "{%u}", node->min);
			else if (node->max == PATTERN_UNBOUNDED)
				appendStringInfo(out, "{%u,}", node->min);
			else
				appendStringInfo(out, "{%u,%u}", node->min, node->max);
			break;
	}
}

static bool
is_plain(const PatternNode *node)
{
	if (node->kind == PATTERN_NONE_OF || node->kind == PATTERN_FIRST || node->kind == PATTERN_LAST)
		return false;
	for (const PatternNode *child = node->child; child; child = child->next)
		if (!is_plain(child))
			return false;
	return true;
}

/* Whether a pattern has neither "!" nor "^" nor "$", which version 1 of the stored format lacks. */
bool
pattern_is_plain(const Pattern *pattern)
{
	return is_plain(pattern->root);
}

/* Appends the canonical text of a pattern. */
void
pattern_print(StringInfo out, const Pattern *pattern)
{
	print_node(out, pattern, pattern->root, false);
	if (pattern->within != PATTERN_NO_LIMIT)
	{
		appendStringInfoString(out, " within ");
		funnel_print_duration(out, pattern->within);
	}
}
