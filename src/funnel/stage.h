/*
 * funnel/stage.h: the labels of an enum type, in order.
 */
#ifndef CJM_STAGE_H
#define CJM_STAGE_H

#include "postgres.h"

typedef struct StageLabel
{
	Oid			oid;
	NameData	label;
} StageLabel;

extern int	stage_labels(Oid type, StageLabel **labels);

#endif							/* CJM_STAGE_H */
