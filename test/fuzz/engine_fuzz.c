/*
 * engine_fuzz.c: the funnel engine against the brute-force oracle.
 *
 * The bytes of the fuzzer (or of a seeded generator) are read as one small
 * case: rules, entry range, touchpoints and a moment for openness.  Whatever
 * the engine answers must be what engine_oracle.c answers.
 *
 * Fuzzing:     clang -DFRONTEND -fsanitize=fuzzer,address,undefined ...
 * Random test: the same files with -DENGINE_RANDOM; arguments are the number
 *              of cases and the seed.  Both link libpgcommon and libpgport.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine_oracle.h"
#include "funnel/engine_going.h"
#include "input.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define MAX_STAGES 5
#define MAX_TOUCHES 7			/* with MAX_STAGES at most ORACLE_MAX_TOUCHES */
#define MAX_VALUE 2

typedef struct Case
{
	FunnelRules rules;
	FunnelEntry entry;
	int			count;
	FunnelTouch touches[MAX_TOUCHES];
	int64		now;
} Case;

/* A number from 1 to largest, every other time the largest. */
static int
take_size(Input *input, int largest)
{
	int			size = 1 + take(input, 2 * largest);

	return Min(size, largest);
}

static void
read_case(Input *input, Case *c)
{
	FunnelRules *rules = &c->rules;
	int			kind;
	int			ties;
	bool		named = false;
	int64		at = 0;

	memset(c, 0, sizeof(*c));
	rules->nstages = take_size(input, MAX_STAGES);
	kind = take(input, 64);
	rules->unordered = kind % 4 == 0;
	rules->strict = !rules->unordered && (kind & 4);
	rules->excluding = kind & 8;
	rules->within = take(input, 3) ? take(input, 12) : FUNNEL_NO_LIMIT;
	for (int i = 0; i < rules->nstages; i++)
	{
		rules->gap[i] = FUNNEL_NO_LIMIT;
		if (rules->unordered || i == 0)
			continue;
		if ((kind & 16) && take(input, 2))
		{
			rules->gap[i] = take(input, 5);
			rules->gapped |= UINT64CONST(1) << i;
		}
		if ((kind & 32) && take(input, 2))
			rules->optional |= UINT64CONST(1) << i;
	}
	/* Each of these is one in some cases, with the rules that it can go with. */
	if (take(input, 4) == 0)
	{
		rules->session = 1 + take(input, 3);
		named = take(input, 2);
	}
	if (take(input, 4) == 0 && !rules->unordered && rules->optional == 0)
		rules->from_any = true;
	if (take(input, 3) == 0 && !rules->unordered)
		rules->bound = take(input, 1 << rules->nstages);
	rules->every = rules->strict || rules->session != 0;
	rules->apart = rules->session != 0 || rules->from_any || rules->bound != 0;
	c->entry = FUNNEL_ANY_ENTRY;
	if (take(input, 3) == 0)
	{
		c->entry.from = take(input, 8);
		c->entry.to = c->entry.from + take(input, 8) - 1;
	}

	ties = take(input, 4);
	c->count = take_size(input, MAX_TOUCHES);
	kind = take(input, 4);
	for (int i = 0; i < c->count; i++)
	{
		FunnelTouch *touch = &c->touches[i];

		int			later = take(input, 3 + ties) - ties;

		at += later > 0 ? later : ties == 0;
		touch->at = at;
		touch->excluded = rules->excluding && take(input, 4) == 0;
		touch->session = named ? take(input, ORACLE_MAX_SESSION + 1) : 0;
		touch->stages = kind == 0 ? 0 : take(input, 1 << rules->nstages);
		if (kind <= 1)
			touch->stages |= UINT64CONST(1) << take(input, rules->nstages);
		else if (kind == 2)
			touch->stages &= take(input, 1 << rules->nstages);
		if (!rules->every && !touch->excluded && touch->stages == 0 && take(input, 2))
			touch->stages = 1;
		if (rules->bound != 0)
		{
			touch->value = take(input, MAX_VALUE + 1);
			if (touch->value == 0)
				touch->stages &= ~rules->bound;
		}
	}
	c->now = at + take(input, 10);
}

static void
print_walk(const char *who, const FunnelWalk *walk)
{
	fprintf(stderr, "%s: step %d:", who, walk->step);
	for (int i = 0; i < walk->step; i++)
	{
		if (walk->passed >> i & 1)
			fprintf(stderr, " %lld", (long long) walk->at[i]);
		else
			fprintf(stderr, " -");
	}
	fprintf(stderr, "\n");
}

static void
print_case(const Case *c)
{
	const FunnelRules *rules = &c->rules;

	fprintf(stderr, "%d stages%s%s%s%s, bound %llx, within %lld, session %lld, entry %lld .. %lld, now %lld\n", rules->nstages,
			rules->unordered ? " unordered" : "", rules->strict ? " strict" : "",
			rules->excluding ? " excluding" : "", rules->from_any ? " from any stage" : "",
			(unsigned long long) rules->bound, (long long) rules->within, (long long) rules->session,
			(long long) c->entry.from, (long long) c->entry.to, (long long) c->now);
	for (int i = 0; i < rules->nstages; i++)
	{
		fprintf(stderr, "  stage %d%s", i + 1, rules->optional >> i & 1 ? " optional" : "");
		if (rules->gapped >> i & 1)
			fprintf(stderr, " [%lld]", (long long) rules->gap[i]);
	}
	fprintf(stderr, "\n");
	for (int i = 0; i < c->count; i++)
	{
		fprintf(stderr, "  at %lld:", (long long) c->touches[i].at);
		for (int j = 0; j < rules->nstages; j++)
			if (c->touches[i].stages >> j & 1)
				fprintf(stderr, " %d", j + 1);
		fprintf(stderr, "%s value %u session %u\n", c->touches[i].excluded ? " excluded" : "", c->touches[i].value, c->touches[i].session);
	}
}

static bool
same_walk(const Case *c, const FunnelWalk *a, const FunnelWalk *b)
{
	if (a->step != b->step || a->passed != b->passed || (c->rules.session != 0 && a->session != b->session))
		return false;
	for (int i = 0; i < a->step; i++)
		if ((a->passed >> i & 1) && a->at[i] != b->at[i])
			return false;
	return true;
}

/* Walks that were read, and the touchpoints that they took. */
typedef struct Walks
{
	const Case *c;
	int			count;
	FunnelWalk	list[MAX_TOUCHES];
	bool		spent[MAX_TOUCHES];
} Walks;

static void
print_taken(const char *who, const Case *c, const size_t *taken)
{
	fprintf(stderr, "%s takes:", who);
	for (int i = 0; i < c->rules.nstages; i++)
		fprintf(stderr, taken[i] == FUNNEL_NONE ? " -" : " %zu", taken[i]);
	fprintf(stderr, "\n");
}

static void
take_walk(void *arg, const FunnelTry *one)
{
	const FunnelWalk *walk = &one->walk;
	Walks	   *walks = arg;

	const Case *c = walks->c;
	FunnelTouch left[MAX_TOUCHES];
	size_t		place[MAX_TOUCHES];
	size_t		taken[FUNNEL_MAX_STAGES];
	size_t		moved[FUNNEL_MAX_STAGES];
	int			count = 0;

	if (walks->count == MAX_TOUCHES)
		abort();
	walks->list[walks->count++] = *walk;

	/* Of what the walks before it have left. */
	for (int i = 0; i < c->count; i++)
	{
		place[i] = walks->spent[i] ? FUNNEL_NONE : (size_t) count;
		if (!walks->spent[i])
			left[count++] = c->touches[i];
	}
	funnel_taken_next(&c->rules, one, c->touches, c->count, walks->spent, taken);
	for (int i = 0; i < c->rules.nstages; i++)
		moved[i] = taken[i] == FUNNEL_NONE ? FUNNEL_NONE : place[taken[i]];
	if (oracle_takes(&c->rules, c->entry, left, count, walk, moved))
		return;
	print_case(c);
	print_walk("walk", walk);
	print_taken("engine", c, taken);
	abort();
}

static void
check_walks(const Case *c)
{
	Walks		engine = {.c = c};
	FunnelWalk	oracle[MAX_TOUCHES];
	int			count = oracle_walks(&c->rules, c->entry, c->touches, c->count, oracle);
	bool		same;

	funnel_walks(&c->rules, c->entry, c->touches, c->count, take_walk, &engine);
	same = engine.count == count;
	for (int i = 0; same && i < count; i++)
		same = same_walk(c, &engine.list[i], &oracle[i]);
	if (same)
		return;
	print_case(c);
	for (int i = 0; i < engine.count; i++)
		print_walk("engine", &engine.list[i]);
	for (int i = 0; i < count; i++)
		print_walk("oracle", &oracle[i]);
	abort();
}

/* Asked at each time of a customer, whether walks go on is what it is of the touchpoints up to then alone. */
static void
check_going(const Case *c)
{
	FunnelGoing going;

	funnel_going_start(&going, &c->rules, c->entry, c->touches);
	for (size_t end = 1; end <= c->count; end++)
	{
		int64		at = c->touches[end - 1].at;
		int64		times[] = {at, at + 1, Max(c->now, at)};
		FunnelGoing alone;

		if (end < c->count && c->touches[end].at == at)
			continue;
		funnel_going_start(&alone, &c->rules, c->entry, c->touches);
		funnel_going_until(&alone, end);
		/* Not every time is asked at. */
		if ((end + c->count) % 3 == 0)
			continue;
		funnel_going_until(&going, end);
		for (size_t i = 0; i < lengthof(times); i++)
			if (funnel_going_at(&going, times[i]) != funnel_going_at(&alone, times[i]))
			{
				print_case(c);
				fprintf(stderr, "going on after %zu touchpoints at %lld: %d by and by, %d at once\n", end, (long long) times[i],
						funnel_going_at(&going, times[i]), funnel_going_at(&alone, times[i]));
				abort();
			}
	}
}

/* Stops the program at the first difference. */
static void
check_case(const Case *c)
{
	FunnelWalk	engine;
	FunnelWalk	oracle;
	int64		conversions[2];
	bool		open[2];
	size_t		taken[2][FUNNEL_MAX_STAGES];

	funnel_walk(&c->rules, c->entry, c->touches, c->count, &engine);
	oracle_walk(&c->rules, c->entry, c->touches, c->count, &oracle);
	if (!same_walk(c, &engine, &oracle))
	{
		print_case(c);
		print_walk("engine", &engine);
		print_walk("oracle", &oracle);
		abort();
	}

	funnel_taken(&c->rules, &engine, c->touches, c->count, NULL, taken[0]);
	oracle_taken(&c->rules, c->entry, c->touches, c->count, &oracle, taken[1]);
	if (memcmp(taken[0], taken[1], sizeof(size_t) * c->rules.nstages) != 0)
	{
		print_case(c);
		print_walk("walk", &engine);
		print_taken("engine", c, taken[0]);
		print_taken("oracle", c, taken[1]);
		abort();
	}

	conversions[0] = funnel_conversions(&c->rules, c->entry, c->touches, c->count, NULL);
	conversions[1] = oracle_conversions(&c->rules, c->entry, c->touches, c->count);
	if (conversions[0] != conversions[1])
	{
		print_case(c);
		fprintf(stderr, "conversions: engine %lld, oracle %lld\n",
				(long long) conversions[0], (long long) conversions[1]);
		abort();
	}
	open[0] = funnel_open_step(&c->rules, c->entry, c->touches, c->count, c->now);
	open[1] = oracle_open(&c->rules, c->entry, c->touches, c->count, c->now);
	if (open[0] != open[1])
	{
		print_case(c);
		print_walk("walk", &oracle);
		fprintf(stderr, "open: engine %d, oracle %d\n", open[0], open[1]);
		abort();
	}
	check_walks(c);
	check_going(c);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	Input		input = {data, data + size};
	Case		c;

	read_case(&input, &c);
	check_case(&c);
	return 0;
}

#ifdef ENGINE_RANDOM
/* splitmix64 */
static uint64
next_random(uint64 *state)
{
	uint64		z = (*state += UINT64CONST(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Cases that random ones hardly ever meet. */
static void
check_known(void)
{
	/* A group that is left must give up what it excludes, though a later stage would do as well. */
	static const FunnelTouch cover[] = {{0, 1, false}, {1, 2, false}, {1, 8, true}, {2, 4, false}, {3, 16, false}};
	static const FunnelTouch again[] = {{1, 1, false}, {2, 2, false}, {3, 2, false}, {4, 4, false}};
	static const FunnelTouch gap[] = {{0, 1, false}, {1, 2, false}, {9, 2, false}, {10, 4, false}};
	Case		c = {0};

	c.entry = FUNNEL_ANY_ENTRY;
	c.rules.within = FUNNEL_NO_LIMIT;
	for (int i = 0; i < MAX_STAGES; i++)
		c.rules.gap[i] = FUNNEL_NO_LIMIT;

	c.rules.nstages = 3;
	c.count = lengthof(again);
	memcpy(c.touches, again, sizeof(again));
	check_case(&c);
	c.rules.gap[2] = 2;
	c.rules.gapped = 1 << 2;
	memcpy(c.touches, gap, sizeof(gap));
	check_case(&c);

	c.rules.gap[2] = FUNNEL_NO_LIMIT;
	c.rules.gapped = 0;
	c.rules.nstages = 5;
	c.rules.excluding = true;
	c.rules.optional = 1 << 2 | 1 << 3;
	c.count = lengthof(cover);
	memcpy(c.touches, cover, sizeof(cover));
	check_case(&c);
}

int
main(int argc, char **argv)
{
	long		cases = argc > 1 ? atol(argv[1]) : 1000000;
	uint64		state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	check_known();
	for (long i = 0; i < cases; i++)
	{
		uint64		words[14];

		for (int j = 0; j < 14; j++)
			words[j] = next_random(&state);
		LLVMFuzzerTestOneInput((const uint8 *) words, sizeof(words));
	}
	printf("%ld cases, no difference\n", cases);
	return 0;
}
#endif
