/*
 * journey/session_rule.h: the arguments of functions that say what ends a session.
 */
#ifndef CJM_SESSION_RULE_H
#define CJM_SESSION_RULE_H

#include "base/glue.h"

#include "journey/session.h"

extern SessionRule session_rule_arguments(FunctionCallInfo fcinfo, int gap, int rule, int time_zone, void **place);

#endif							/* CJM_SESSION_RULE_H */
