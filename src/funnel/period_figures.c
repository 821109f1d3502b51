/*
 * funnel/period_figures.c: what figures over time are made of, of all periods in one pass:
 * session_sums_agg, purchase_sums_agg, conversion_sums_agg, and period_sums, which reads
 * what they have added up.
 *
 * What a customer did in a period is added up first, and then to the sums over customers
 * (funnel/period_sums.h): so squares can be had, and with them intervals that know
 * that what one customer does is alike.
 *
 * A moment lies in the period that date_trunc says, as in the reports: where clocks are
 * put back past midnight, that which they show (calendar_shown).
 */
#include "funnel/cohort_state.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "funnel/period_sums.h"
#include "funnel/purchase_cursor.h"
#include "journey/session_rule.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(session_sums_agg_step);
PG_FUNCTION_INFO_V1(purchase_sums_agg_step);
PG_FUNCTION_INFO_V1(conversion_sums_agg_step);
PG_FUNCTION_INFO_V1(period_sums);

/* Arguments of all of them: the state, the journey, from_time, to_time, period, time_zone, and then two of their own. */
enum
{
	FROM = 2,
	TO,
	PERIOD,
	TIME_ZONE,
	OWN,
	LAST_ARGUMENT = OWN + 1
};

/* What one customer did in a period.  Sessions count as purchases do. */
typedef struct PeriodDone
{
	int			period;
	int64		count;			/* sessions, purchases or conversions */
	int64		returning;		/* sessions that are not the first one */
	int64		bounces;
	int64		valued;			/* purchases that have a value */
	int64		money;			/* the same, and refunds */
	Amount		net;
	Amount		gross;
} PeriodDone;

/* What a call site keeps.  What its arguments are read into lasts as long as they stay the same. */
typedef struct PeriodSite
{
	MemoryContext context;
	bool		ready;
	bool		constant;
	Datum		arguments[4];	/* period, time_zone, and the funnels, if the last two are such */
	bool		nulls[4];
	const CalendarUnit *unit;
	text	   *zone;
	FunnelMatcher *matcher;
	FunnelMatcher *refunds;		/* or NULL */
	KnownPeriods *known;
	void	   *days;			/* of the session rule */
	int			capacity;
	PeriodDone *done;			/* of the journey at work */
} PeriodSite;

static FunnelMatcher *
read_funnel(FunctionCallInfo fcinfo, int argument)
{
	FunnelDef	def;

	if (PG_ARGISNULL(argument))
		return NULL;
	funnel_open_datum(PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(argument))), &def);
	return funnel_matcher(&def);
}

/* What the call site knows, read anew if an argument is another than before.  funnels: so many of its own arguments are such. */
static PeriodSite *
period_site(FunctionCallInfo fcinfo, int funnels)
{
	PeriodSite *site = (PeriodSite *) fcinfo->flinfo->fn_extra;
	bool		same = site != NULL && site->ready;
	MemoryContext old;

	if (same && site->constant)
		return site;
	for (int i = 0; same && i < 2 + funnels; i++)
		same = PG_ARGISNULL(PERIOD + i) == site->nulls[i] &&
			(site->nulls[i] || datumIsEqual(PG_GETARG_DATUM(PERIOD + i), site->arguments[i], false, -1));
	if (same)
		return site;
	if (site == NULL)
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(PeriodSite));
		site->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "periods of figures", ALLOCSET_SMALL_SIZES);
		site->capacity = 16;
		site->done = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, site->capacity * sizeof(PeriodDone));
		fcinfo->flinfo->fn_extra = site;
	}
	site->ready = false;
	site->known = NULL;
	site->matcher = site->refunds = NULL;
	MemoryContextReset(site->context);
	old = MemoryContextSwitchTo(site->context);
	site->constant = true;
	for (int i = 0; i < 2 + funnels; i++)
	{
		site->nulls[i] = PG_ARGISNULL(PERIOD + i);
		site->arguments[i] = site->nulls[i] ? (Datum) 0 : datumCopy(PG_GETARG_DATUM(PERIOD + i), false, -1);
		site->constant = site->constant && aggregate_argument_constant(fcinfo, PERIOD + i);
	}
	site->unit = cohort_periods(PG_GETARG_TEXT_PP(PERIOD), NULL, false).unit;
	site->zone = PG_GETARG_TEXT_P_COPY(TIME_ZONE);
	if (funnels > 0)
		site->matcher = read_funnel(fcinfo, OWN);
	if (funnels > 1)
		site->refunds = read_funnel(fcinfo, OWN + 1);
	known_periods(&site->known, site->context, site->unit, site->zone);
	MemoryContextSwitchTo(old);
	site->ready = true;
	return site;
}

/* Is one of the first arguments NULL that a row cannot do without?  own: so many of the others, too. */
static bool
counts_nothing(FunctionCallInfo fcinfo, int own)
{
	aggregate_context(fcinfo);
	for (int i = 1; i < OWN + own; i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

static Datum
same_state(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * What the customer did in the period of a moment; count has how many periods there are.  Moments come in order, and so do
 * periods, but that one may come again where clocks are put back.
 */
static PeriodDone *
done_at(PeriodSite *site, int *count, TimestampTz at)
{
	int			period = calendar_shown(site->known, at);

	for (int i = *count - 1; i >= Max(0, *count - 2); i--)
		if (site->done[i].period == period)
			return &site->done[i];
	if (*count == site->capacity)
	{
		site->done = repalloc_huge(site->done, 2 * (size_t) site->capacity * sizeof(PeriodDone));
		site->capacity *= 2;
	}
	memset(&site->done[*count], 0, sizeof(PeriodDone));
	site->done[*count].period = period;
	return &site->done[(*count)++];
}

/* Sums that are written down one after the other; table is NULL after an error. */
typedef struct PeriodWriter
{
	CohortTable *table;
	CjmError	error;
	int			period;
	int			sum;			/* the next one */
} PeriodWriter;

static void
write_count(PeriodWriter *writer, uint64 count)
{
	if (writer->table != NULL && count != 0)
		writer->table = period_sums_count(writer->table, writer->period, writer->sum, count, &writer->error);
	writer->sum++;
}

/* The product of two counts of one journey, which has fewer than 2^32 of anything. */
static void
write_counts(PeriodWriter *writer, int64 a, int64 b)
{
	write_count(writer, (uint64) a * (uint64) b);
}

static void
write_amount(PeriodWriter *writer, Amount amount)
{
	if (writer->table != NULL)
		writer->table = period_sums_amount(writer->table, writer->period, writer->sum, amount, &writer->error);
	writer->sum++;
}

static void
write_product(PeriodWriter *writer, Amount a, Amount b)
{
	if (writer->table != NULL)
		writer->table = period_sums_product(writer->table, writer->period, writer->sum, a, b, &writer->error);
	writer->sum++;
}

static inline Amount
whole(int64 count)
{
	return (Amount) {(uint64) count, 0};
}

/*
 * session_sums_agg_step(sums, journey, from_time, to_time, period, time_zone, gap, rule): adds the
 * sessions of a customer that began at from_time <= time < to_time.  rule may be NULL.
 *
 * 1 customers, 2 sessions, 3 that return, 4 that bounce, and over customers 5 sessions * sessions,
 * 6 returning * returning, 7 returning * sessions, 8 bounces * bounces, 9 bounces * sessions
 */
Datum
session_sums_agg_step(PG_FUNCTION_ARGS)
{
	PeriodSite *site;
	PeriodWriter writer = {0};
	SessionRule rule;
	JourneyView view;
	SessionCursor cursor;
	Session		session;
	TimestampTz from;
	TimestampTz to;
	int			count = 0;

	if (counts_nothing(fcinfo, 1))
		return same_state(fcinfo);
	site = period_site(fcinfo, 0);
	rule = session_rule_arguments(fcinfo, OWN, LAST_ARGUMENT, TIME_ZONE, &site->days);
	from = PG_GETARG_TIMESTAMPTZ(FROM);
	to = PG_GETARG_TIMESTAMPTZ(TO);
	writer.table = cohort_own_state(fcinfo, 0, false);
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	session_cursor_start(&cursor, &view, &rule);
	while (session_cursor_next(&cursor, &session))
	{
		PeriodDone *done;

		if (session.started_at >= to)
			break;
		if (session.started_at < from)
			continue;
		done = done_at(site, &count, session.started_at);
		done->count++;
		done->returning += session.number > 1;
		done->bounces += session.touches == 1;
	}
	for (int i = 0; i < count; i++)
	{
		const PeriodDone *done = &site->done[i];

		writer.period = done->period;
		writer.sum = 0;
		write_count(&writer, 1);
		write_count(&writer, (uint64) done->count);
		write_count(&writer, (uint64) done->returning);
		write_count(&writer, (uint64) done->bounces);
		write_counts(&writer, done->count, done->count);
		write_counts(&writer, done->returning, done->returning);
		write_counts(&writer, done->returning, done->count);
		write_counts(&writer, done->bounces, done->bounces);
		write_counts(&writer, done->bounces, done->count);
	}
	return cohort_return(writer.table, &writer.error);
}

/*
 * purchase_sums_agg_step(sums, journey, from_time, to_time, period, time_zone, purchase, refunds): adds what
 * a customer bought.  refunds may be NULL.
 *
 * 1 customers who bought, 2 who did so twice, 3 purchases, 4 that have a value, 5 customers with such, 6 values,
 * those of refunds among them, and so 7 net and 8 gross, in billionths; over customers 9 net * net, 10 gross * gross,
 * 11 gross * valued, 12 valued * valued; 13 customers to whom something was paid back
 */
Datum
purchase_sums_agg_step(PG_FUNCTION_ARGS)
{
	PeriodSite *site;
	PeriodWriter writer = {0};
	JourneyView view;
	PurchaseCursor cursor;
	Touch		touch;
	bool		refund;
	TimestampTz from;
	TimestampTz to;
	int			count = 0;

	if (counts_nothing(fcinfo, 1))
		return same_state(fcinfo);
	site = period_site(fcinfo, 2);
	from = PG_GETARG_TIMESTAMPTZ(FROM);
	to = PG_GETARG_TIMESTAMPTZ(TO);
	writer.table = cohort_own_state(fcinfo, 0, false);
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	/* Most have bought nothing, which the dictionary tells. */
	if (funnel_match_start(site->matcher, &view) == 0 && (site->refunds == NULL || funnel_match_start(site->refunds, &view) == 0))
		return cohort_return(writer.table, NULL);
	purchase_cursor_start(&cursor, &view, site->matcher, site->refunds);
	while (purchase_cursor_next(&cursor, &touch, &refund) && touch.at < to)
	{
		PeriodDone *done;
		Amount		amount = {0, 0};

		if (touch.at < from)
			continue;
		done = done_at(site, &count, touch.at);
		done->count += !refund;
		/* What cannot be added up is no money; check_map tells of it. */
		if (!touch.has_value || !amount_from_float8(touch.value, &amount))
			continue;
		done->money++;
		done->valued += !refund;
		if (!amount_add(&done->net, amount) || (!refund && !amount_add(&done->gross, amount)))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the values of a customer are too large to be added up")));
	}
	for (int i = 0; i < count; i++)
	{
		const PeriodDone *done = &site->done[i];

		writer.period = done->period;
		writer.sum = 0;
		write_count(&writer, done->count > 0);
		write_count(&writer, done->count > 1);
		write_count(&writer, (uint64) done->count);
		write_count(&writer, (uint64) done->valued);
		write_count(&writer, done->valued > 0);
		write_count(&writer, (uint64) done->money);
		write_amount(&writer, done->net);
		write_amount(&writer, done->gross);
		write_product(&writer, done->net, done->net);
		write_product(&writer, done->gross, done->gross);
		write_product(&writer, done->gross, whole(done->valued));
		write_counts(&writer, done->valued, done->valued);
		write_count(&writer, done->money > done->valued);
	}
	return cohort_return(writer.table, &writer.error);
}

/*
 * conversion_sums_agg_step(sums, journey, from_time, to_time, period, time_zone, funnel): adds the conversions of a
 * customer, each in the period of the touchpoint that completes it.
 *
 * 1 customers who converted, 2 conversions, 3 conversions * conversions over customers
 */
Datum
conversion_sums_agg_step(PG_FUNCTION_ARGS)
{
	PeriodSite *site;
	PeriodWriter writer = {0};
	JourneyView view;
	TimestampTz from;
	TimestampTz to;
	int			count = 0;
	uint32	   *conversions = NULL;
	size_t		nconversions;
	int64		previous = PG_INT64_MIN;

	if (counts_nothing(fcinfo, 1))
		return same_state(fcinfo);
	site = period_site(fcinfo, 1);
	from = PG_GETARG_TIMESTAMPTZ(FROM);
	to = PG_GETARG_TIMESTAMPTZ(TO);
	writer.table = cohort_own_state(fcinfo, 0, false);
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	nconversions = funnel_match_conversions(site->matcher, &view, &conversions);
	for (size_t i = 0; i < nconversions; i++)
	{
		previous = journey_at_after(&view, conversions[i], previous);
		if (previous >= from && previous < to)
			done_at(site, &count, previous)->count++;
	}
	for (int i = 0; i < count; i++)
	{
		const PeriodDone *done = &site->done[i];

		writer.period = done->period;
		writer.sum = 0;
		write_count(&writer, 1);
		write_count(&writer, (uint64) done->count);
		write_counts(&writer, done->count, done->count);
	}
	return cohort_return(writer.table, &writer.error);
}

/* The sum that limbs are, with the least one first. */
static Datum
limbs_numeric(const int64 *limbs)
{
	Datum		base = NumericGetDatum(int64_to_numeric(INT64CONST(1) << 32));
	Datum		sum = NumericGetDatum(int64_to_numeric(limbs[PERIOD_LIMBS - 1]));

	for (int i = PERIOD_LIMBS - 2; i >= 0; i--)
	{
		sum = DirectFunctionCall2(numeric_mul, sum, base);
		if (limbs[i] != 0)
			sum = DirectFunctionCall2(numeric_add, sum, NumericGetDatum(int64_to_numeric(limbs[i])));
	}
	return sum;
}

/* More than any of these aggregates has. */
#define MAX_SUMS 100

/*
 * period_sums(sums, period, time_zone, count): a row for each period with something in it, in order, with so many
 * sums, from the first on.
 */
Datum
period_sums(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const CalendarUnit *unit;
	CohortCell *cells;
	CohortMoney *money;
	uint32		count;
	int			sums;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return (Datum) 0;
	unit = cohort_periods(PG_GETARG_TEXT_PP(1), NULL, false).unit;
	sums = PG_GETARG_INT32(3);
	if (sums < 1 || sums > MAX_SUMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are 1 to %d sums, not %d", MAX_SUMS, sums)));
	cells = cohort_table_sorted(cohort_state(fcinfo, 0), &count, &money);
	for (uint32 i = 0, next; i < count; i = next)
	{
		int			period = cells[i].cohort;
		int64		limbs[MAX_SUMS][PERIOD_LIMBS] = {{0}};
		Datum		numbers[MAX_SUMS];
		Datum		values[2];
		bool		nulls[2] = {false};

		CHECK_FOR_INTERRUPTS();
		for (next = i; next < count && cells[next].cohort == period; next++)
			if (cells[next].number >= 0 && cells[next].number < sums * PERIOD_LIMBS)
				limbs[cells[next].number / PERIOD_LIMBS][cells[next].number % PERIOD_LIMBS] = cells[next].customers;
		if (!cohort_number_possible(unit, period))
			continue;
		for (int k = 0; k < sums; k++)
			numbers[k] = limbs_numeric(limbs[k]);
		values[0] = TimestampTzGetDatum(calendar_begin(calendar_date(unit, period), PG_GETARG_TEXT_PP(2)));
		values[1] = PointerGetDatum(construct_array(numbers, sums, NUMERICOID, -1, false, TYPALIGN_INT));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
