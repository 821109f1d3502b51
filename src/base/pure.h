/*
 * base/pure.h: the ground under the algorithm files.
 *
 * The codec, the parsers, the funnel engine and the statistics know no fmgr,
 * no SPI and no catalog.  They include this header instead of postgres.h, so
 * that the same source builds into the server and, with FRONTEND defined and
 * libpgcommon linked, into a stand-alone program that a fuzzer can drive.
 *
 * Memory: palloc in the current memory context in both worlds.  Errors: the
 * functions fill in a CjmError and return false; they never ereport.  Two things
 * end them without a return: a cancel, in CHECK_FOR_INTERRUPTS, and damage to
 * stored bytes, which disks make and no user, in cjm_damaged.
 */
#ifndef CJM_PURE_H
#define CJM_PURE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#include "common/logging.h"
#define CHECK_FOR_INTERRUPTS() ((void) 0)
#define MaxAllocSize ((Size) 0x3fffffff)
#define repalloc_huge repalloc
#else
#include "postgres.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#endif

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/* What went wrong, as a class; base/glue.c knows the SQLSTATE of each. */
typedef enum CjmErrorKind
{
	CJM_ERROR_NONE = 0,
	CJM_ERROR_SYNTAX,			/* text that does not parse */
	CJM_ERROR_VALUE,			/* a value that is not allowed */
	CJM_ERROR_RANGE,			/* a time out of range */
	CJM_ERROR_NUMBER,			/* a number out of range */
	CJM_ERROR_LIMIT,			/* larger than a documented limit */
	CJM_ERROR_CORRUPT,			/* bytes that no writer of ours produces */
	CJM_ERROR_VERSION,			/* a format version of another release */
	CJM_ERROR_UNSUPPORTED		/* valid, but not answered by this release */
} CjmErrorKind;

/*
 * An error on its way up.  The strings are palloc'd; detail and hint may be
 * NULL.  Wording follows PostgreSQL: the message starts in lower case and has
 * no full stop, detail and hint are sentences.
 */
typedef struct CjmError
{
	CjmErrorKind kind;
	char	   *message;
	char	   *detail;
	char	   *hint;
} CjmError;

/* PostgreSQL's own attribute names gnu_printf, which clang does not know. */
#define CJM_PRINTF(format_index, args_index) __attribute__((format(printf, format_index, args_index)))

extern bool cjm_fail(CjmError *error, CjmErrorKind kind, const char *fmt,...) CJM_PRINTF(3, 4) __attribute__((cold));
extern void cjm_fail_detail(CjmError *error, const char *fmt,...) CJM_PRINTF(2, 3);
extern void cjm_fail_hint(CjmError *error, const char *fmt,...) CJM_PRINTF(2, 3);

/*
 * What readers of stored bytes do where they meet bytes that no writer of ours
 * produces: unlike everything else here this does not come back.
 */
extern void cjm_damaged(const char *what) __attribute__((noreturn, cold));
#ifdef FRONTEND
extern void (*cjm_damage_handler) (const char *what);
#endif

/* Asks for memory that will soon be written; any address will do. */
#ifdef __GNUC__
#define cjm_prefetch(address) __builtin_prefetch((address), 1)
#else
#define cjm_prefetch(address) ((void) (address))
#endif

#endif							/* CJM_PURE_H */
