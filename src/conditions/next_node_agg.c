/*
 * conditions/next_node_agg.c: sequence_next_node(direction, base, at, event,
 * base_condition [, VARIADIC chain]).
 *
 * The state is a NextNodeLog, one chunk in the aggregate's context.
 */
#include "conditions/agg.h"

#include "conditions/next_node.h"

PG_FUNCTION_INFO_V1(next_node_step);
PG_FUNCTION_INFO_V1(next_node_combine);
PG_FUNCTION_INFO_V1(next_node_agg_serialize);
PG_FUNCTION_INFO_V1(next_node_agg_deserialize);
PG_FUNCTION_INFO_V1(next_node_final);

/* The two words that a call site was called with last, and what they mean. */
typedef struct CachedWords
{
	ConditionSite chain;
	char		words[24];		/* both, with a space between */
	uint32		size;
	bool		backward;
	NextNodeBase base;
} CachedWords;

static Datum
return_state(FunctionCallInfo fcinfo, NextNodeLog *log)
{
	if (log == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(log);
}

static NextNodeLog *
new_state(FunctionCallInfo fcinfo, bool backward, NextNodeBase base, uint32 nconditions, size_t room)
{
	MemoryContext old = MemoryContextSwitchTo(aggregate_context(fcinfo));
	NextNodeLog *log = next_node_create(backward, base, nconditions, room);

	MemoryContextSwitchTo(old);
	return log;
}

/* Reads direction and base, arguments 1 and 2. */
static CachedWords *
words_argument(FunctionCallInfo fcinfo)
{
	CachedWords *cache = fcinfo->flinfo->fn_extra;
	Label		direction;
	Label		base;
	CachedWords fresh;
	CjmError	error = {0};

	if (cache && cache->chain.fixed)
		return cache;
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("direction and base of sequence_next_node must not be null")));
	direction = label_from_text(PG_GETARG_TEXT_PP(1));
	base = label_from_text(PG_GETARG_TEXT_PP(2));
	if (cache && cache->size == direction.size + 1 + base.size &&
		memcmp(cache->words, direction.bytes, direction.size) == 0 &&
		cache->words[direction.size] == ' ' &&
		memcmp(cache->words + direction.size + 1, base.bytes, base.size) == 0)
		return cache;
	if (!next_node_words(direction, base, &fresh.backward, &fresh.base, &error))
		cjm_report(&error);
	fresh.size = snprintf(fresh.words, sizeof(fresh.words), "%.*s %.*s",
						  (int) direction.size, direction.bytes, (int) base.size, base.bytes);
	Assert(fresh.size < sizeof(fresh.words));
	if (cache == NULL)
	{
		cache = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CachedWords));
		cache->chain.head = 2;
	}
	fresh.chain = cache->chain;
	*cache = fresh;
	return cache;
}

/* Rows without a time or an event are none. */
Datum
next_node_step(PG_FUNCTION_ARGS)
{
	NextNodeLog *log = aggregate_state_wanted(fcinfo, 0);
	bool		is_base = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	CachedWords *words = words_argument(fcinfo);
	bool		backward = words->backward;
	NextNodeBase base = words->base;
	Conditions	chain;
	CjmError	error = {0};

	chain.count = 0;
	chain.bits = chain.room;
	chain.room[0] = 0;
	if (PG_ARGISNULL(3) || PG_ARGISNULL(4) || (PG_NARGS() > 6 && !conditions_argument(fcinfo, 6, &words->chain, &chain)))
		return return_state(fcinfo, log);
	if (chain.count == 0 && (base == NEXT_NODE_FIRST_MATCH || base == NEXT_NODE_LAST_MATCH))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("first_match and last_match need a condition to match"),
				 errhint("Give at least one condition after the base condition, or use base \"%s\".",
						 backward ? "tail" : "head")));
	if (log == NULL)
		log = new_state(fcinfo, backward, base, chain.count + 1, 0);
	if ((!words->chain.fixed && !next_node_check(log, backward, base, chain.count + 1, &error)) ||
		!next_node_add(&log, PG_GETARG_TIMESTAMPTZ(3), label_from_text(PG_GETARG_TEXT_PP(4)),
					   is_base, chain.bits, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

/* The second state does not last, so it is copied. */
Datum
next_node_combine(PG_FUNCTION_ARGS)
{
	NextNodeLog *log = aggregate_state_wanted(fcinfo, 0);
	NextNodeLog *other = aggregate_state_wanted(fcinfo, 1);
	CjmError	error = {0};

	if (other == NULL)
		return return_state(fcinfo, log);
	if (log == NULL)
		log = new_state(fcinfo, other->backward, other->base, other->nconditions, other->size);
	if (!next_node_check(log, other->backward, other->base, other->nconditions, &error) ||
		!next_node_append(&log, other, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

Datum
next_node_agg_serialize(PG_FUNCTION_ARGS)
{
	size_t		size;
	uint8	   *bytes = next_node_serialize(aggregate_state(fcinfo, 0), VARHDRSZ, &size);

	SET_VARSIZE(bytes, size);
	PG_RETURN_BYTEA_P(bytes);
}

/* The state is the call site's and lasts until the next one is read: PostgreSQL combines it before that, which copies it. */
Datum
next_node_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	MemoryContext old;
	NextNodeLog *log;
	CjmError	error = {0};

	aggregate_context(fcinfo);
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	log = next_node_deserialize(fcinfo->flinfo->fn_extra, (const uint8 *) VARDATA_ANY(value),
								VARSIZE_ANY_EXHDR(value), &error);
	MemoryContextSwitchTo(old);
	if (log == NULL)
		cjm_report(&error);
	fcinfo->flinfo->fn_extra = log;
	PG_RETURN_POINTER(log);
}

/* Reads the state without changing it: as a window aggregate it goes on. */
Datum
next_node_final(PG_FUNCTION_ARGS)
{
	NextNodeLog *log = aggregate_state(fcinfo, 0);
	Label		event;
	CjmError	error = {0};
	bool		found = log != NULL && next_node_find(log, &event, &error);

	if (error.kind != CJM_ERROR_NONE)
		cjm_report(&error);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(label_to_datum(event));
}
