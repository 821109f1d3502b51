/*
 * statistics/student.h: Student's t distribution, and what lies around a median.
 */
#ifndef CJM_STUDENT_H
#define CJM_STUDENT_H

#include "base/pure.h"

/* degrees >= 1 */
extern double student_within(double t, int degrees);
extern double student_95(int64 degrees);
extern double student_p_value(double t, int64 degrees);

/* Ranks from 1; count > 0. */
extern bool median_ranks(uint64 count, uint64 *low, uint64 *high);

#endif							/* CJM_STUDENT_H */
