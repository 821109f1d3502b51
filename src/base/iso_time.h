/*
 * base/iso_time.h: times as ISO 8601 text in UTC, free of any setting.
 */
#ifndef CJM_ISO_TIME_H
#define CJM_ISO_TIME_H

#include "base/label.h"

extern void iso_time_print(StringInfo out, int64 at);
extern bool iso_time_scan(LabelScanner *scanner, int64 *at, CjmError *error);

#endif							/* CJM_ISO_TIME_H */
