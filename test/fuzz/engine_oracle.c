/*
 * engine_oracle.c: the funnel rules by brute force, for small journeys.
 *
 * It enumerates every walk, throws out those that a rule forbids and keeps
 * the best by the order of preference.  It shares no code and no idea with the
 * engine: no groups of equal times, no matching theory, no state that is
 * carried along; every rule is written down as people are told it.  Times must
 * be small numbers.
 */
#include "engine_oracle.h"

#define ANY_VALUE 1000
#define VALUES_DIFFER 1001
#define ANY_SESSION 1000
#define SESSIONS_DIFFER 1001

/* A walk: which touchpoint passes which stage, in the order taken. */
typedef struct Candidate
{
	int			size;
	int			stage[ORACLE_MAX_TOUCHES];
	int			touch[ORACLE_MAX_TOUCHES];
} Candidate;

typedef struct Search
{
	const FunnelRules *rules;
	FunnelEntry entry;
	const FunnelTouch *touches;
	int			count;
	Candidate	walk;			/* being built */
	Candidate	best;
	int			present;		/* touchpoints from here on are yet to come */
	int			found;			/* depth of a walk from present to future, 0: none */
} Search;

static bool
is_optional(const FunnelRules *rules, int stage)
{
	return rules->optional >> stage & 1;
}

static bool
holds_touch(const Candidate *walk, int touch)
{
	for (int i = 0; i < walk->size; i++)
		if (walk->touch[i] == touch)
			return true;
	return false;
}

static int
last_mandatory(const FunnelRules *rules)
{
	int			last = 0;

	for (int i = 0; i < rules->nstages; i++)
		if (!is_optional(rules, i))
			last = i;
	return last;
}

/* First and last time of a walk. */
static int64
walk_start(const Search *search, const Candidate *walk)
{
	int64		start = PG_INT64_MAX;

	for (int i = 0; i < walk->size; i++)
		start = Min(start, search->touches[walk->touch[i]].at);
	return start;
}

static int64
walk_end(const Search *search, const Candidate *walk)
{
	int64		end = PG_INT64_MIN;

	for (int i = 0; i < walk->size; i++)
		end = Max(end, search->touches[walk->touch[i]].at);
	return end;
}

/*
 * The value of the touchpoints at bound stages; 0 if there are none.  Those yet to come have whichever is needed.
 */
static uint32
walk_value(const Search *search, const Candidate *walk)
{
	uint32		value = 0;

	for (int i = 0; i < walk->size; i++)
	{
		uint32		own = search->touches[walk->touch[i]].value;

		if (!(search->rules->bound >> walk->stage[i] & 1) || own == ANY_VALUE)
			continue;
		if (own == 0 || (value != 0 && value != own))
			return VALUES_DIFFER;
		value = own;
	}
	return value;
}

/* Is a touchpoint that names a session in this one?  Those yet to come name whichever is needed. */
static bool
in_session(const FunnelTouch *touch, uint32 session)
{
	return touch->session == session || touch->session == ANY_SESSION;
}

/* The session that all touchpoints of a walk name, or 0 if they name none. */
static uint32
walk_session(const Search *search, const Candidate *walk)
{
	uint32		session = ANY_SESSION;

	for (int i = 0; i < walk->size; i++)
	{
		uint32		own = search->touches[walk->touch[i]].session;

		if (own == ANY_SESSION)
			continue;
		if (session != ANY_SESSION && session != own)
			return SESSIONS_DIFFER;
		session = own;
	}
	return session;
}

/* Everything that a rule says about a whole walk. */
static bool
is_valid(const Search *search, const Candidate *walk)
{
	const FunnelRules *rules = search->rules;
	const FunnelTouch *touches = search->touches;
	int64		start = walk_start(search, walk);
	int64		end = walk_end(search, walk);
	uint32		session = rules->session != 0 ? walk_session(search, walk) : 0;
	int			before = -1;

	if (start < search->entry.from || start > search->entry.to)
		return false;
	if (rules->within != FUNNEL_NO_LIMIT && end - start > rules->within)
		return false;
	if (session == SESSIONS_DIFFER)
		return false;
	/* What names no session is divided by gaps, and what is yet to come comes to no session that is over. */
	for (int i = 0; rules->session != 0 && i < search->count; i++)
	{
		if (!in_session(&touches[i], session))
			continue;
		if (before >= 0 && touches[before].at >= start && touches[i].at <= end && touches[i].at - touches[before].at > rules->session &&
			(session == 0 || touches[i].session == ANY_SESSION))
			return false;
		before = i;
	}
	if (walk_value(search, walk) == VALUES_DIFFER)
		return false;
	for (int i = 0; i < search->count; i++)
	{
		int64		at = touches[i].at;

		if (holds_touch(walk, i) || (rules->session != 0 && !in_session(&touches[i], session)))
			continue;
		if (rules->excluding && touches[i].excluded && at > start && at < end)
			return false;
		for (int j = 1; rules->strict && j < walk->size; j++)
			if (at > touches[walk->touch[j - 1]].at && at < touches[walk->touch[j]].at)
				return false;
	}
	return true;
}

/* The step of a walk. */
static int
walk_depth(const Search *search, const Candidate *walk)
{
	if (walk->size == 0)
		return 0;
	return search->rules->unordered ? walk->size : walk->stage[walk->size - 1] + 1;
}

/* The time at which a walk passes a stage, or the largest number if it does not. */
static int64
passed_at(const Search *search, const Candidate *walk, int stage)
{
	for (int i = 0; i < walk->size; i++)
		if (walk->stage[i] == stage)
			return search->touches[walk->touch[i]].at;
	return PG_INT64_MAX;
}

/* The times of an unordered walk, rising. */
static void
sorted_times(const Search *search, const Candidate *walk, int64 *at)
{
	for (int i = 0; i < walk->size; i++)
	{
		int			j = i;

		for (; j > 0 && at[j - 1] > search->touches[walk->touch[i]].at; j--)
			at[j] = at[j - 1];
		at[j] = search->touches[walk->touch[i]].at;
	}
}

static int
count_bits(uint64 bits)
{
	int			count = 0;

	for (; bits != 0; bits >>= 1)
		count += bits & 1;
	return count;
}

/*
 * The touchpoints that a walk takes at its last time, those of few stages
 * first, as numbers; what is used up matters to the next conversion.
 */
static int
used_at_end(const Search *search, const Candidate *walk, uint64 *used)
{
	int64		end = walk_end(search, walk);
	int			n = 0;

	for (int i = 0; i < walk->size; i++)
	{
		const FunnelTouch *touch = &search->touches[walk->touch[i]];
		uint64		stages = touch->stages & ((UINT64CONST(1) << search->rules->nstages) - 1);
		uint64		rank = (uint64) count_bits(stages) << 48 | stages << 16 | (search->rules->bound != 0 ? touch->value : 0);
		int			j;

		if (touch->at != end)
			continue;
		for (j = n++; j > 0 && used[j - 1] > rank; j--)
			used[j] = used[j - 1];
		used[j] = rank;
	}
	return n;
}

/* Is a better than b, by the order of preference? */
static bool
is_better(const Search *search, const Candidate *a, const Candidate *b)
{
	const FunnelRules *rules = search->rules;
	int			optional_a = 0;
	int			optional_b = 0;
	uint64		used_a[ORACLE_MAX_TOUCHES];
	uint64		used_b[ORACLE_MAX_TOUCHES];
	int			nused;

	if (a->size == 0 || b->size == 0)
		return a->size > b->size;

	/* Deepest. */
	if (walk_depth(search, a) != walk_depth(search, b))
		return walk_depth(search, a) > walk_depth(search, b);
	/* Earliest end, latest start. */
	if (walk_end(search, a) != walk_end(search, b))
		return walk_end(search, a) < walk_end(search, b);
	if (rules->from_any && a->size != b->size)
		return a->size > b->size;
	if (walk_start(search, a) != walk_start(search, b))
		return walk_start(search, a) > walk_start(search, b);
	/* Most optional stages. */
	for (int i = 0; i < a->size; i++)
		optional_a += is_optional(rules, a->stage[i]);
	for (int i = 0; i < b->size; i++)
		optional_b += is_optional(rules, b->stage[i]);
	if (optional_a != optional_b)
		return optional_a > optional_b;
	/* Every step as early as possible, first to last. */
	if (rules->unordered)
	{
		int64		at_a[ORACLE_MAX_TOUCHES];
		int64		at_b[ORACLE_MAX_TOUCHES];

		sorted_times(search, a, at_a);
		sorted_times(search, b, at_b);
		for (int i = 0; i < a->size; i++)
			if (at_a[i] != at_b[i])
				return at_a[i] < at_b[i];
	}
	else
	{
		for (int i = 0; i < rules->nstages; i++)
			if (passed_at(search, a, i) != passed_at(search, b, i))
				return passed_at(search, a, i) < passed_at(search, b, i);
	}
	if (rules->session != 0 && walk_session(search, a) != walk_session(search, b))
		return walk_session(search, a) < walk_session(search, b);
	/* The same times: the smaller value, and the touchpoints that serve fewest stages are used up. */
	if (walk_value(search, a) != walk_value(search, b))
		return walk_value(search, a) < walk_value(search, b);
	nused = used_at_end(search, a, used_a);
	used_at_end(search, b, used_b);
	for (int i = 0; i < nused; i++)
		if (used_a[i] != used_b[i])
			return used_a[i] < used_b[i];
	return false;
}

static void
consider(Search *search)
{
	const Candidate *walk = &search->walk;
	bool		begun = false;
	bool		goes_on = false;

	if (!is_valid(search, walk))
		return;
	if (is_better(search, walk, &search->best))
		search->best = *walk;

	for (int i = 0; i < walk->size; i++)
	{
		if (walk->touch[i] >= search->present)
			goes_on = true;
		else if (i == 0 || search->rules->unordered)
			begun = true;
	}
	if (begun && goes_on)
		search->found = Max(search->found, walk_depth(search, walk));
}

/* Every walk that goes on from the one being built by at least one stage. */
static void
extend_ordered(Search *search)
{
	const FunnelRules *rules = search->rules;
	Candidate  *walk = &search->walk;
	int			previous = walk->size - 1;

	for (int stage = walk->size == 0 ? 0 : walk->stage[previous] + 1; stage < rules->nstages; stage++)
	{
		for (int touch = 0; touch < search->count; touch++)
		{
			const FunnelTouch *next = &search->touches[touch];

			if (!(next->stages >> stage & 1) || holds_touch(walk, touch))
				continue;
			if (walk->size > 0)
			{
				int64		since = next->at - search->touches[walk->touch[previous]].at;

				if (since < 0)
					continue;
				if (rules->gap[stage] != FUNNEL_NO_LIMIT && since > rules->gap[stage])
					continue;
			}
			walk->stage[walk->size] = stage;
			walk->touch[walk->size] = touch;
			walk->size++;
			consider(search);
			extend_ordered(search);
			walk->size--;
		}
		/* None left out but optional ones, and those before the first where it may be any. */
		if (!is_optional(rules, stage) && !(rules->from_any && walk->size == 0))
			break;
	}
}

/* Every way to give stages stage .. to touchpoints not taken, or to none. */
static void
extend_unordered(Search *search, int stage)
{
	Candidate  *walk = &search->walk;

	if (stage == search->rules->nstages)
	{
		if (walk->size > 0)
			consider(search);
		return;
	}
	extend_unordered(search, stage + 1);
	for (int touch = 0; touch < search->count; touch++)
	{
		if (!(search->touches[touch].stages >> stage & 1) || holds_touch(walk, touch))
			continue;
		walk->stage[walk->size] = stage;
		walk->touch[walk->size] = touch;
		walk->size++;
		extend_unordered(search, stage + 1);
		walk->size--;
	}
}

static void
find_best(Search *search, const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count)
{
	search->rules = rules;
	search->entry = entry;
	search->touches = touches;
	search->count = count;
	search->walk.size = 0;
	search->best.size = 0;
	if (rules->unordered)
		extend_unordered(search, 0);
	else
		extend_ordered(search);
}

/* How many stages the touchpoints between two times can be matched to. */
static int
matchable(const FunnelTouch *touches, int count, int64 from, int64 to, uint64 stages)
{
	int			best;

	while (count > 0 && (touches->at < from || touches->at > to))
	{
		touches++;
		count--;
	}
	if (count == 0)
		return 0;
	best = matchable(touches + 1, count - 1, from, to, stages);
	for (int stage = 0; stage < FUNNEL_MAX_STAGES; stage++)
		if (touches->stages & stages & UINT64CONST(1) << stage)
			best = Max(best, 1 + matchable(touches + 1, count - 1, from, to,
										   stages & ~(UINT64CONST(1) << stage)));
	return best;
}

/* The touchpoints that name a session, or none. */
static int
touches_of_session(const FunnelTouch *touches, int count, uint32 session, FunnelTouch *part)
{
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (touches[i].session == session)
			part[n++] = touches[i];
	return n;
}

void
oracle_walk(const FunnelRules *rules, FunnelEntry entry,
			const FunnelTouch *touches, int count, FunnelWalk *walk)
{
	Search		search;

	search.present = count;
	search.found = 0;
	find_best(&search, rules, entry, touches, count);
	walk->step = 0;
	walk->passed = 0;
	walk->session = 0;
	if (search.best.size == 0)
		return;
	walk->session = walk_session(&search, &search.best);
	if (!rules->unordered)
	{
		walk->step = search.best.stage[search.best.size - 1] + 1;
		for (int i = 0; i < search.best.size; i++)
		{
			walk->passed |= UINT64CONST(1) << search.best.stage[i];
			walk->at[search.best.stage[i]] = touches[search.best.touch[i]].at;
		}
		return;
	}

	walk->step = search.best.size;
	walk->passed = (UINT64CONST(1) << walk->step) - 1;
	sorted_times(&search, &search.best, walk->at);

	/* Without excluding these are the moments at which the number of matchable stages grows. */
	if (!rules->excluding)
	{
		int64		start = walk_start(&search, &search.best);
		FunnelTouch part[ORACLE_MAX_TOUCHES];

		if (rules->session != 0)
		{
			count = touches_of_session(touches, count, walk->session, part);
			touches = part;
		}
		for (int n = 1; n <= walk->step; n++)
		{
			int			i = 0;

			while (touches[i].at < start ||
				   matchable(touches, count, start, touches[i].at, (UINT64CONST(1) << rules->nstages) - 1) < n)
				i++;
			if (touches[i].at != walk->at[n - 1])
				abort();
		}
	}
}

/* Rule 7, with the funnel cut off after its last mandatory stage. */
static int64
conversions_of(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count)
{
	FunnelRules cut = *rules;
	FunnelTouch left[ORACLE_MAX_TOUCHES];
	int64		conversions = 0;

	cut.nstages = last_mandatory(rules) + 1;
	memcpy(left, touches, sizeof(FunnelTouch) * count);
	for (;;)
	{
		Search		search;
		int64		end;
		int			kept = 0;

		search.present = count;
		search.found = 0;
		find_best(&search, &cut, entry, left, count);
		if (walk_depth(&search, &search.best) < cut.nstages)
			return conversions;
		conversions++;
		end = walk_end(&search, &search.best);
		for (int i = 0; i < count; i++)
			if (left[i].at >= end && !holds_touch(&search.best, i))
				left[kept++] = left[i];
		count = kept;
	}
}

/* The same of each session that is named. */
int64
oracle_conversions(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count)
{
	FunnelTouch part[ORACLE_MAX_TOUCHES];
	int64		conversions = 0;

	if (rules->session == 0)
		return conversions_of(rules, entry, touches, count);
	for (uint32 session = 0; session <= ORACLE_MAX_SESSION; session++)
		conversions += conversions_of(rules, entry, part, touches_of_session(touches, count, session, part));
	return conversions;
}

/* Rule 11: the winning walk, between those before it and those after it. */
static int
walks_of(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count, FunnelWalk *walks)
{
	FunnelTouch part[ORACLE_MAX_TOUCHES];
	FunnelRules cut = *rules;
	Search		search;
	int			kept = 0;
	int			n;

	search.present = count;
	search.found = 0;
	find_best(&search, rules, entry, touches, count);
	if (search.best.size == 0)
		return 0;
	/* What a walk uses up counts by the stages that it could still have come to. */
	if (!rules->unordered)
	{
		cut.nstages = walk_depth(&search, &search.best);
		find_best(&search, &cut, entry, touches, count);
	}
	while (kept < count && touches[kept].at < walk_start(&search, &search.best))
	{
		part[kept] = touches[kept];
		kept++;
	}
	n = walks_of(rules, entry, part, kept, walks);
	oracle_walk(rules, entry, touches, count, &walks[n++]);
	kept = 0;
	for (int i = 0; i < count; i++)
		if (touches[i].at >= walk_end(&search, &search.best) && !holds_touch(&search.best, i))
			part[kept++] = touches[i];
	return n + walks_of(rules, entry, part, kept, walks + n);
}

/* When a walk began. */
static int64
began_at(const FunnelWalk *walk)
{
	int			first = 0;

	while (!(walk->passed >> first & 1))
		first++;
	return walk->at[first];
}

/* Does a walk end before another, or at the same time and began before it? */
static bool
comes_before(const FunnelWalk *a, const FunnelWalk *b)
{
	int64		end_a = a->at[a->step - 1];
	int64		end_b = b->at[b->step - 1];

	return end_a != end_b ? end_a < end_b : began_at(a) < began_at(b);
}

/* The same of each session that is named, in the order of their ends. */
int
oracle_walks(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count, FunnelWalk *walks)
{
	FunnelTouch part[ORACLE_MAX_TOUCHES];
	int			n = 0;

	if (rules->session == 0)
		return walks_of(rules, entry, touches, count, walks);
	for (uint32 session = 0; session <= ORACLE_MAX_SESSION; session++)
		n += walks_of(rules, entry, part, touches_of_session(touches, count, session, part), walks + n);
	for (int i = 1; i < n; i++)
		for (int j = i; j > 0 && comes_before(&walks[j], &walks[j - 1]); j--)
		{
			FunnelWalk	walk = walks[j];

			walks[j] = walks[j - 1];
			walks[j - 1] = walk;
		}
	return n;
}

/* The first walk, by its touchpoints stage by stage, that has the times and the value of one; ordered. */
static bool
take_first(Search *search, const FunnelWalk *wanted, int stage, uint32 value, size_t *taken)
{
	Candidate  *walk = &search->walk;

	while (stage < search->rules->nstages && !(wanted->passed >> stage & 1))
		stage++;
	if (stage == search->rules->nstages)
		return is_valid(search, walk) && walk_value(search, walk) == value &&
			(search->rules->session == 0 || walk_session(search, walk) == wanted->session);
	for (int touch = 0; touch < search->count; touch++)
	{
		if (!(search->touches[touch].stages >> stage & 1) || holds_touch(walk, touch) ||
			search->touches[touch].at != wanted->at[stage])
			continue;
		walk->stage[walk->size] = stage;
		walk->touch[walk->size] = touch;
		walk->size++;
		taken[stage] = touch;
		if (take_first(search, wanted, stage + 1, value, taken))
			return true;
		walk->size--;
	}
	return false;
}

/* Can so many touchpoints be given to distinct stages? */
static bool
all_match(const FunnelRules *rules, const FunnelTouch *touches, int count)
{
	return matchable(touches, count, PG_INT64_MIN, PG_INT64_MAX, (UINT64CONST(1) << rules->nstages) - 1) == count;
}

/* Which touchpoints the winning walk takes, by stage, or of an unordered funnel by step. */
void
oracle_taken(const FunnelRules *rules, FunnelEntry entry,
			 const FunnelTouch *touches, int count, const FunnelWalk *walk, size_t *taken)
{
	Search		search = {.rules = rules, .entry = entry, .touches = touches, .count = count};
	FunnelTouch some[ORACLE_MAX_TOUCHES];
	bool		held[ORACLE_MAX_TOUCHES] = {false};
	int			n = 0;

	for (int i = 0; i < rules->nstages; i++)
		taken[i] = FUNNEL_NONE;
	if (walk->step == 0)
		return;
	if (!rules->unordered)
	{
		for (uint32 value = 0;; value++)
		{
			search.walk.size = 0;
			if (take_first(&search, walk, 0, value, taken))
				return;
			if (value == ANY_VALUE)
				abort();
		}
	}
	/* What must be held first, then whatever adds to it. */
	for (int must = 1; must >= 0; must--)
		for (int i = 0; i < count; i++)
		{
			bool		inside = rules->excluding && touches[i].excluded && touches[i].at > walk->at[0] && touches[i].at < walk->at[walk->step - 1];

			if (touches[i].at < walk->at[0] || touches[i].at > walk->at[walk->step - 1] || inside != must ||
				(rules->session != 0 && touches[i].session != walk->session))
				continue;
			some[n] = touches[i];
			held[i] = all_match(rules, some, n + 1);
			n += held[i];
		}
	n = 0;
	for (int i = 0; i < count; i++)
		if (held[i])
			taken[n++] = i;
}

/* Is there a walk of these touchpoints, with the times of one? */
bool
oracle_takes(const FunnelRules *rules, FunnelEntry entry,
			 const FunnelTouch *touches, int count, const FunnelWalk *walk, const size_t *taken)
{
	Search		search = {.rules = rules, .entry = entry, .touches = touches, .count = count};
	FunnelTouch some[ORACLE_MAX_TOUCHES];

	for (int stage = 0; stage < rules->nstages; stage++)
	{
		size_t		touch = taken[stage];

		if ((touch != FUNNEL_NONE) != (walk->passed >> stage & 1))
			return false;
		if (touch == FUNNEL_NONE)
			continue;
		if (touch >= (size_t) count || touches[touch].at != walk->at[stage] || holds_touch(&search.walk, touch) ||
			(!rules->unordered && !(touches[touch].stages >> stage & 1)))
			return false;
		some[search.walk.size] = touches[touch];
		search.walk.stage[search.walk.size] = stage;
		search.walk.touch[search.walk.size++] = touch;
	}
	return is_valid(&search, &search.walk) && (!rules->unordered || all_match(rules, some, search.walk.size));
}

/*
 * Rule 8: not completed, and some walk that has begun goes on with touchpoints
 * yet to come until it is at least as deep.  Those may be of any kind, and the
 * sooner the better: one for every stage, at once.
 */
bool
oracle_open(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count, int64 now)
{
	FunnelTouch more[ORACLE_MAX_TOUCHES];
	FunnelWalk	winner;
	Search		search;

	if (rules->within == FUNNEL_NO_LIMIT && rules->session == 0)
		return false;
	oracle_walk(rules, entry, touches, count, &winner);
	if (winner.step == 0 || winner.step > (rules->unordered ? rules->nstages - 1 : last_mandatory(rules)))
		return false;

	memcpy(more, touches, sizeof(FunnelTouch) * count);
	for (int stage = 0; stage < rules->nstages; stage++)
	{
		more[count + stage].at = Max(now, touches[count - 1].at);
		more[count + stage].stages = UINT64CONST(1) << stage;
		more[count + stage].excluded = false;
		more[count + stage].value = ANY_VALUE;
		more[count + stage].session = ANY_SESSION;
	}
	search.found = 0;
	search.present = count;
	find_best(&search, rules, entry, more, count + rules->nstages);
	return search.found >= winner.step;
}
