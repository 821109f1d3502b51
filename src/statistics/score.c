/*
 * statistics/score.c: scales, scores and 95 % intervals of surveys, see statistics/score.h.
 */
#include "statistics/score.h"

#include <math.h>

#include "common/int.h"
#include "common/shortest_dec.h"
#include "statistics/student.h"

typedef struct Scale
{
	const char *name;
	int			low;
	int			high;
} Scale;

static const Scale scales[] = {
	[SURVEY_NPS] = {"nps", 0, 10},
	[SURVEY_CSAT] = {"csat", 1, 5},
	[SURVEY_CES] = {"ces", 1, 7}
};

static int
weight_of(Survey survey, int score)
{
	switch (survey)
	{
		case SURVEY_NPS:
			return score >= 9 ? 1 : score <= 6 ? -1 : 0;
		case SURVEY_CSAT:
			return score >= 4;
		case SURVEY_CES:
			return score;
	}
	pg_unreachable();
}

/* Adds an answer, which has to be on the scale. */
bool
answers_add(Answers *answers, Survey survey, double score, CjmError *error)
{
	const Scale *scale = &scales[survey];
	Answers		one = {.count = 1};

	/* false for NaN, too */
	if (!(score >= scale->low && score <= scale->high && score == floor(score)))
	{
		char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(score, text);
		cjm_fail(error, CJM_ERROR_NUMBER, "a score of %s must be a whole number from %d to %d, not %s",
				 scale->name, scale->low, scale->high, text);
		cjm_fail_hint(error, "Leave out what is no answer with FILTER (WHERE ...), and bring other scales to this one.");
		return false;
	}
	one.sum = weight_of(survey, (int) score);
	one.squares = one.sum * one.sum;
	return answers_merge(answers, &one, error);
}

bool
answers_merge(Answers *answers, const Answers *more, CjmError *error)
{
	Answers		both;

	if (pg_add_s64_overflow(answers->count, more->count, &both.count) ||
		pg_add_s64_overflow(answers->sum, more->sum, &both.sum) ||
		pg_add_s64_overflow(answers->squares, more->squares, &both.squares))
		return cjm_fail(error, CJM_ERROR_NUMBER, "too many answers");
	*answers = both;
	return true;
}

/* Could these be the sums of some answers?  What comes from elsewhere has to pass this. */
bool
answers_valid(const Answers *answers)
{
	return answers->count > 0 && answers->squares >= 0 && answers->sum >= -answers->squares &&
		answers->sum <= answers->squares;
}

/* NPS in points from -100 to 100, CSAT as a share from 0 to 1, CES as a mean from 1 to 7. */
double
answers_score(const Answers *answers, Survey survey)
{
	return (survey == SURVEY_NPS ? 100.0 : 1.0) * (double) answers->sum / (double) answers->count;
}

/*
 * NPS: the adjusted Wald interval, which has the variance of a multinomial
 * sample after three answers more, 3/4 of them promoters and 3/4 detractors:
 * B. Rocks, "Interval estimation for the Net Promoter Score", The American
 * Statistician 70, 2016.  Without them a few answers that are all alike would
 * have no variance, and an interval that is a point.
 */
static ScoreRange
nps_range(const Answers *answers)
{
	double		count = (double) answers->count + 3;
	double		mean = (double) answers->sum / count;
	double		variance = ((double) answers->squares + 1.5) / count - mean * mean;
	double		reach = Z95 * sqrt(Max(variance, 0) / count);
	double		score = answers_score(answers, SURVEY_NPS);
	ScoreRange	range;

	/* one answer alone may lie outside of what is said of all others */
	range.low = Min(score, Max(-100, 100 * (mean - reach)));
	range.high = Max(score, Min(100, 100 * (mean + reach)));
	return range;
}

/* CSAT: the Wilson interval of a share. */
static ScoreRange
csat_range(const Answers *answers)
{
	Proportion	share = {(uint64) Max(0, Min(answers->sum, answers->count)), (uint64) answers->count};
	ProportionRange range = proportion_range(share);

	return (ScoreRange) {range.low, range.high};
}

/*
 * CES: Student's t interval of a mean, since answers are often few and their
 * spread is known from them alone.  One answer has no spread, and no interval.
 */
static bool
ces_range(const Answers *answers, ScoreRange *range)
{
	double		count = (double) answers->count;
	double		sum = (double) answers->sum;
	double		mean = sum / count;
	double		variance;
	double		reach;

	if (answers->count < 2)
		return false;
	variance = (count * (double) answers->squares - sum * sum) / (count * (count - 1));
	reach = student_95(answers->count - 1) * sqrt(Max(variance, 0) / count);
	range->low = Max(scales[SURVEY_CES].low, mean - reach);
	range->high = Min(scales[SURVEY_CES].high, mean + reach);
	return true;
}

/* The 95 % interval of the score, never off the scale; false if there is none. */
bool
answers_range(const Answers *answers, Survey survey, ScoreRange *range)
{
	switch (survey)
	{
		case SURVEY_NPS:
			*range = nps_range(answers);
			return true;
		case SURVEY_CSAT:
			*range = csat_range(answers);
			return true;
		case SURVEY_CES:
			return ces_range(answers, range);
	}
	pg_unreachable();
}
