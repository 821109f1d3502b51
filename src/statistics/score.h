/*
 * statistics/score.h: what customers answered when they were asked: NPS, CSAT and CES.
 *
 * A score is a whole number of its survey's scale.  What the statistics need of
 * a set of answers is how many there are and the sum and the sum of squares of
 * their weights: for NPS 1, 0 and -1 of a promoter, a passive and a detractor,
 * for CSAT 1 and 0 of a satisfied and any other customer, for CES the score.
 */
#ifndef CJM_SCORE_H
#define CJM_SCORE_H

#include "base/pure.h"
#include "statistics/proportion.h"

typedef enum Survey
{
	SURVEY_NPS,					/* 0 to 10; promoters 9 and 10, detractors 0 to 6 */
	SURVEY_CSAT,				/* 1 to 5; satisfied are 4 and 5 */
	SURVEY_CES					/* 1 to 7 */
} Survey;

/* A set of answers; a state of the aggregates is an array of these three. */
typedef struct Answers
{
	int64		count;
	int64		sum;			/* of the weights */
	int64		squares;
} Answers;

typedef struct ScoreRange
{
	double		low;
	double		high;
} ScoreRange;

extern bool answers_add(Answers *answers, Survey survey, double score, CjmError *error);
extern bool answers_merge(Answers *answers, const Answers *more, CjmError *error);
extern bool answers_valid(const Answers *answers);

/* Of at least one answer; a range of CES of at least two. */
extern double answers_score(const Answers *answers, Survey survey);
extern bool answers_range(const Answers *answers, Survey survey, ScoreRange *range);

#endif							/* CJM_SCORE_H */
