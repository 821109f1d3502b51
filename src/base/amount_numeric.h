/*
 * base/amount_numeric.h: amounts on their way out.
 */
#ifndef CJM_AMOUNT_NUMERIC_H
#define CJM_AMOUNT_NUMERIC_H

#include "base/glue.h"

#include "base/amount.h"

extern Datum amount_numeric(Amount amount);

#endif							/* CJM_AMOUNT_NUMERIC_H */
