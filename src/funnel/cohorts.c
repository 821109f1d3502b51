/*
 * funnel/cohorts.c: cohort_agg: who came back, by cohort and period.
 *
 * A customer belongs to the cohort of the period in which they started, first or
 * each time; a return is a touchpoint at or after that start.  A cell is a period,
 * or a bracket of several, and counts the customers with enough returns in it.
 * With "on or after" a customer is counted once, in the last cell from which on
 * there are enough: whoever reads the table adds those up.
 *
 * Periods are those of the calendar, of which a call site knows the few that
 * journeys are about (base/calendar.c), or run from the start itself.  Where any
 * touchpoint is a return a journey costs two searches for each period in which
 * there is something.
 *
 * Cells of the table are, by cohort: COHORT_SIZE for its customers, else the
 * number of the period or, if there are brackets, of the bracket.
 */
#include "funnel/cohort_rule.h"

#include "funnel/purchase_cursor.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(cohort_agg_step);

/* Arguments: the state, the journey, from_time, to_time, and the rule. */
#define RULE_FROM 4

/* Moments of a journey in order: all of its touchpoints, or those in a list. */
typedef struct Moments
{
	const JourneyView *view;
	int64	   *list;			/* NULL: all */
	uint32		count;
} Moments;

/* A period in which there are returns. */
typedef struct ReturnPeriod
{
	int			number;
	uint32		first;			/* of the moments */
	uint32		end;
} ReturnPeriod;

/* A purchase or refund that has a value, or none. */
typedef struct Payment
{
	int64		at;
	CohortMoney money;
} Payment;

/* What a call site keeps. */
typedef struct CohortSite
{
	MemoryContext context;		/* of the rule */
	bool		constant;		/* there is no other rule */
	Datum		arguments[RULE_ARGUMENTS];
	bool		nulls[RULE_ARGUMENTS];
	bool		ready;
	CohortRule	rule;
	KnownPeriods *known;
} CohortSite;

/* A journey at work. */
typedef struct Cohorts
{
	const CohortRule *rule;
	KnownPeriods *known;
	CohortTable *table;
	CjmError	error;
	Moments		returns;
	uint32		nperiods;
	ReturnPeriod *periods;		/* of the calendar */
	uint32		npayments;
	Payment    *payments;
} Cohorts;

/* The types of a rule's arguments, as datumIsEqual asks for them. */
static bool
by_value(int argument)
{
	return argument == RULE_EVERY_START || argument == RULE_AT_LEAST;
}

static int
type_length(int argument)
{
	return argument == RULE_EVERY_START ? (int) sizeof(bool) : argument == RULE_AT_LEAST ? (int) sizeof(int32) : -1;
}

/* The rule of this call; false if something that it cannot do without is NULL. */
static bool
site_rule(FunctionCallInfo fcinfo, CohortSite **place)
{
	CohortSite *site = (CohortSite *) fcinfo->flinfo->fn_extra;
	bool		same = site != NULL && site->ready;
	MemoryContext old;

	*place = site;
	if (same && site->constant)
		return true;
	for (int i = 0; i < RULE_ARGUMENTS; i++)
	{
		bool		null = PG_ARGISNULL(RULE_FROM + i);

		if (null && (i == RULE_PERIOD || i == RULE_TIME_ZONE || i == RULE_KIND || by_value(i)))
			return false;
		same = same && null == site->nulls[i] &&
			(null || datumIsEqual(PG_GETARG_DATUM(RULE_FROM + i), site->arguments[i], by_value(i), type_length(i)));
	}
	if (same)
		return true;
	if (site == NULL)
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CohortSite));
		site->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "rule of cohorts", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = site;
	}
	site->ready = false;
	site->known = NULL;
	MemoryContextReset(site->context);
	old = MemoryContextSwitchTo(site->context);
	site->constant = true;
	for (int i = 0; i < RULE_ARGUMENTS; i++)
	{
		site->nulls[i] = PG_ARGISNULL(RULE_FROM + i);
		site->arguments[i] = site->nulls[i] ? (Datum) 0 : datumCopy(PG_GETARG_DATUM(RULE_FROM + i), by_value(i), type_length(i));
		site->constant = site->constant && aggregate_argument_constant(fcinfo, RULE_FROM + i);
	}
	cohort_rule_read(fcinfo, RULE_FROM, RULE_ARGUMENTS, &site->rule);
	MemoryContextSwitchTo(old);
	site->ready = true;
	*place = site;
	return true;
}

static inline int64
moment_at(const Moments *moments, uint32 i)
{
	return moments->list != NULL ? moments->list[i] : journey_at(moments->view, i);
}

/* The first moment that is not before a time. */
static uint32
moments_from(const Moments *moments, int64 at)
{
	uint32		low = 0;
	uint32		high = moments->count;

	if (moments->list == NULL)
		return journey_lower_bound(moments->view, at);
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (moments->list[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The touchpoints of a journey that complete a funnel, which those of one stage all do; all if it is NULL. */
static Moments
moments_of(FunnelMatcher *matcher, const JourneyView *view)
{
	Moments		moments = {view, NULL, view->count};
	int64		previous = PG_INT64_MIN;
	uint32	   *conversions = NULL;
	size_t		count;

	if (matcher == NULL)
		return moments;
	moments.count = 0;
	if (funnel_matcher_rules(matcher)->nstages == 1)
	{
		moments.list = palloc_extended((size_t) view->count * sizeof(int64), MCXT_ALLOC_HUGE);
		if (funnel_match_start(matcher, view) == 0)
			return moments;
		for (uint32 i = 0; i < view->count; i++)
		{
			if ((i & 0xfff) == 0)
				CHECK_FOR_INTERRUPTS();
			if (funnel_match_stages(matcher, view, i) != 0)
				moments.list[moments.count++] = previous = journey_at_after(view, i, previous);
		}
		return moments;
	}
	count = funnel_match_conversions(matcher, view, &conversions);
	moments.list = palloc_extended(Max(count, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < count; i++)
		moments.list[moments.count++] = previous = journey_at_after(view, conversions[i], previous);
	return moments;
}

/* The end of those moments from i on that lie before a time. */
static uint32
moments_until(const Moments *moments, uint32 i, int64 end)
{
	uint32		next = moment_at(moments, moments->count - 1) < end ? moments->count : moments_from(moments, end);

	if (next <= i)
		cjm_damaged("the times of a journey are not in order");
	return next;
}

/* Finds the periods of the calendar in which there are returns. */
static void
find_periods(Cohorts *cohorts)
{
	uint32		capacity = 16;

	cohorts->periods = palloc(capacity * sizeof(ReturnPeriod));
	for (uint32 i = 0; i < cohorts->returns.count; i = cohorts->periods[cohorts->nperiods++].end)
	{
		const CalendarPeriod *period = known_period(cohorts->known, moment_at(&cohorts->returns, i));

		CHECK_FOR_INTERRUPTS();
		if (cohorts->nperiods == capacity)
		{
			capacity *= 2;
			cohorts->periods = repalloc_huge(cohorts->periods, capacity * sizeof(ReturnPeriod));
		}
		cohorts->periods[cohorts->nperiods].number = period->number;
		cohorts->periods[cohorts->nperiods].first = i;
		cohorts->periods[cohorts->nperiods].end = moments_until(&cohorts->returns, i, period->end);
	}
}

/* Reads what a customer paid. */
static void
find_payments(Cohorts *cohorts, const JourneyView *view)
{
	PurchaseCursor cursor;
	Touch		touch;
	bool		refund;
	uint32		capacity = 16;

	purchase_cursor_start(&cursor, view, cohorts->rule->purchase, cohorts->rule->refunds);
	while (purchase_cursor_next(&cursor, &touch, &refund))
	{
		Amount		amount = {0, 0};
		Payment    *payment;

		if (cohorts->payments == NULL)
			cohorts->payments = palloc(capacity * sizeof(Payment));
		else if (cohorts->npayments == capacity)
		{
			capacity *= 2;
			cohorts->payments = repalloc_huge(cohorts->payments, capacity * sizeof(Payment));
		}
		payment = &cohorts->payments[cohorts->npayments++];
		memset(payment, 0, sizeof(Payment));
		payment->at = touch.at;
		payment->money.purchases = !refund;
		payment->money.refunds = refund;
		/* What cannot be added up is no money; check_map tells of it. */
		if (!touch.has_value || !amount_from_float8(touch.value, &amount))
			continue;
		payment->money.net = amount;
		payment->money.valued = 1;
		if (!refund)
			payment->money.gross = amount;
	}
}

static void
add(Cohorts *cohorts, int cohort, int cell, int64 customers, const CohortMoney *money)
{
	CohortTable *table = cohort_table_add(cohorts->table, cohort, cell, customers, money, &cohorts->error);

	if (table == NULL)
		cjm_report(&cohorts->error);
	cohorts->table = table;
}

/* The number of the period in which a moment lies, of a customer who started in a cohort at start, which is not later. */
static uint64
period_number(const Cohorts *cohorts, int cohort, int64 start, int64 at)
{
	if (cohorts->rule->periods.length > 0)
		return ((uint64) at - (uint64) start) / (uint64) cohorts->rule->periods.length;
	return (uint64) ((int64) known_period(cohorts->known, at)->number - cohort);
}

/* Counts the cells in which a customer has enough returns, of periods of the calendar. */
static void
count_calendar(Cohorts *cohorts, int cohort, uint32 from)
{
	const CohortRule *rule = cohorts->rule;
	int			cell = -1;
	int64		count = 0;
	uint32		low = 0;
	uint32		high = cohorts->nperiods;

	/* The first one that ends later. */
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (cohorts->periods[middle].end <= from)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < cohorts->nperiods; low++)
	{
		const ReturnPeriod *period = &cohorts->periods[low];
		int			next = cohort_rule_cell(rule, (uint64) ((int64) period->number - cohort));

		CHECK_FOR_INTERRUPTS();
		if (next != cell && cell >= 0 && count >= rule->at_least)
			add(cohorts, cohort, cell, 1, NULL);
		if (next != cell)
			count = 0;
		cell = next;
		count += period->end - Max(period->first, from);
	}
	if (cell >= 0 && count >= rule->at_least)
		add(cohorts, cohort, cell, 1, NULL);
}

/* The first return at least so many periods after a start. */
static uint32
returns_after(const Cohorts *cohorts, int64 start, uint32 low, uint64 number)
{
	uint64		distance = number * (uint64) cohorts->rule->periods.length;
	uint32		high = cohorts->returns.count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if ((uint64) moment_at(&cohorts->returns, middle) - (uint64) start < distance)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The same of periods that run from the start. */
static void
count_rolling(Cohorts *cohorts, int cohort, int64 start, uint32 from)
{
	const CohortRule *rule = cohorts->rule;

	while (from < cohorts->returns.count)
	{
		uint64		number = period_number(cohorts, cohort, start, moment_at(&cohorts->returns, from));
		int			cell = cohort_rule_cell(rule, number);
		uint32		end;

		CHECK_FOR_INTERRUPTS();
		if (rule->nbrackets == 0)
			end = returns_after(cohorts, start, from, number + 1);
		else
			end = cell == rule->nbrackets - 1 ? cohorts->returns.count :
				returns_after(cohorts, start, from, (uint64) rule->brackets[cell + 1]);
		if (end <= from)
			cjm_damaged("the times of a journey are not in order");
		if (cell >= 0 && end - from >= rule->at_least)
			add(cohorts, cohort, cell, 1, NULL);
		from = end;
	}
}

/* Adds what a customer of a cohort has paid since they started. */
static void
add_payments(Cohorts *cohorts, int cohort, int64 start)
{
	CohortMoney money;
	int			cell = -1;

	for (uint32 i = 0; i < cohorts->npayments; i++)
	{
		const Payment *payment = &cohorts->payments[i];
		int			next;

		CHECK_FOR_INTERRUPTS();
		if (payment->at < start)
			continue;
		next = cohort_rule_cell(cohorts->rule, period_number(cohorts, cohort, start, payment->at));
		if (next < 0)
			continue;
		if (next == cell)
		{
			if (!cohort_money_merge(&money, &payment->money))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("the values of a customer are too large to be added up")));
			continue;
		}
		if (cell >= 0)
			add(cohorts, cohort, cell, 0, &money);
		cell = next;
		money = payment->money;
	}
	if (cell >= 0)
		add(cohorts, cohort, cell, 0, &money);
}

/* Counts a customer in the cohort of the period in which they started. */
static void
count_start(Cohorts *cohorts, int cohort, int64 start)
{
	const CohortRule *rule = cohorts->rule;
	const Moments *returns = &cohorts->returns;
	uint32		from = moments_from(returns, start);

	add(cohorts, cohort, COHORT_SIZE, 1, NULL);
	if (returns->count - from >= rule->at_least)
	{
		if (rule->or_after)
		{
			int			cell = cohort_rule_cell(rule, period_number(cohorts, cohort, start, moment_at(returns, returns->count - rule->at_least)));

			if (cell >= 0)
				add(cohorts, cohort, cell, 1, NULL);
		}
		else if (rule->periods.length > 0)
			count_rolling(cohorts, cohort, start, from);
		else
			count_calendar(cohorts, cohort, from);
	}
	if (cohorts->npayments > 0)
		add_payments(cohorts, cohort, start);
}

/*
 * cohort_agg_step(cohorts, journey, from_time, to_time, the rule): counts a customer
 * in the cohorts of starts at from_time <= time < to_time; everybody is seen.
 */
Datum
cohort_agg_step(PG_FUNCTION_ARGS)
{
	CohortSite *site;
	Cohorts		cohorts = {0};
	JourneyView view;
	Moments		starts;
	TimestampTz from;
	TimestampTz to;
	uint32		i;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || !site_rule(fcinfo, &site))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	from = PG_GETARG_TIMESTAMPTZ(2);
	to = PG_GETARG_TIMESTAMPTZ(3);
	cohorts.rule = &site->rule;
	cohorts.table = cohort_own_state(fcinfo, 0, site->rule.purchase != NULL);
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	if (view.count == 0)
		return cohort_return(cohorts.table, NULL);
	cohort_seen(cohorts.table, &view);
	starts = moments_of(site->rule.starts, &view);
	i = moments_from(&starts, from);
	if (i == starts.count || moment_at(&starts, i) >= to || (i > 0 && !site->rule.every_start))
		return cohort_return(cohorts.table, NULL);

	cohorts.known = known_periods(&site->known, site->context, site->rule.periods.unit, site->rule.time_zone);
	cohorts.returns = moments_of(site->rule.returns, &view);
	if (site->rule.periods.length == 0 && !site->rule.or_after)
		find_periods(&cohorts);
	if (site->rule.purchase != NULL)
		find_payments(&cohorts, &view);
	do
	{
		int64		start = moment_at(&starts, i);
		const CalendarPeriod *period = known_period(cohorts.known, start);
		int64		end = period->end;

		count_start(&cohorts, period->number, start);
		i = moments_until(&starts, i, end);
	} while (site->rule.every_start && i < starts.count && moment_at(&starts, i) < to);
	return cohort_return(cohorts.table, NULL);
}
