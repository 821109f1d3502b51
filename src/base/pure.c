/*
 * base/pure.c: errors of the algorithm files.
 */
#include "base/pure.h"

/* The text of a printf-like call into target; va_start must be fresh for every try. */
#define FORMAT_INTO(target) \
	do { \
		StringInfoData buf_; \
		int			needed_; \
		initStringInfo(&buf_); \
		do { \
			va_list		args_; \
			va_start(args_, fmt); \
			needed_ = appendStringInfoVA(&buf_, fmt, args_); \
			va_end(args_); \
			if (needed_ != 0) \
				enlargeStringInfo(&buf_, needed_); \
		} while (needed_ != 0); \
		(target) = buf_.data; \
	} while (0)

/*
 * cjm_fail sets kind and message and returns false, so that a caller can say
 * "return cjm_fail(...)".  The first error wins: a later one is ignored.
 */
bool
cjm_fail(CjmError *error, CjmErrorKind kind, const char *fmt,...)
{
	if (error->kind == CJM_ERROR_NONE)
	{
		error->kind = kind;
		error->detail = NULL;
		error->hint = NULL;
		FORMAT_INTO(error->message);
	}
	return false;
}

/* Adds a detail sentence to the error that cjm_fail has just set. */
void
cjm_fail_detail(CjmError *error, const char *fmt,...)
{
	FORMAT_INTO(error->detail);
}

/* Adds a hint sentence to the error that cjm_fail has just set. */
void
cjm_fail_hint(CjmError *error, const char *fmt,...)
{
	FORMAT_INTO(error->hint);
}

#ifdef FRONTEND
void		(*cjm_damage_handler) (const char *what) = NULL;
#endif

/*
 * cjm_damaged gives up reading a stored value; what, in English, is what is wrong
 * with it.  In the server that is an error with ERRCODE_DATA_CORRUPTED; elsewhere
 * the handler, which must not return, decides.
 */
void
cjm_damaged(const char *what)
{
#ifdef FRONTEND
	if (cjm_damage_handler != NULL)
		cjm_damage_handler(what);
	abort();
#else
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored value is damaged: %s", what),
			 errhint("Make it anew from the event rows, or restore it from a backup.")));
#endif
}
