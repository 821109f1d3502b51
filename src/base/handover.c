/*
 * base/handover.c: temporary files by which the processes of a query hand rows
 * over.
 *
 * What a partial aggregate has written to disk is read there by the final
 * aggregate of the same plan, which runs in the leader of its parallel workers
 * or in the very process, be it a worker.  The files are of PostgreSQL's
 * BufFile: counted by temp_file_limit in the process that writes them, until it
 * closes them, reported by log_temp_files when they are deleted, placed by
 * temp_tablespaces, and removed when the server starts after a crash.  All files
 * of a leader and its workers are in one file set, named by the leader's
 * process, so that the leader can delete them whoever made them:
 *
 * - when the plan ends, or is run again without groups, those that its final
 *   aggregate has read (rows/spill.c),
 * - when the transaction ends, in whatever way, all.  No worker of it is alive
 *   then.  (The end of a subtransaction does not, so what one that failed leaves
 *   behind stays until then: a plan around it may still need its files.)
 */
#include "postgres.h"

#include "base/handover.h"

#include "access/xact.h"
#include "catalog/pg_tablespace_d.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

/* Not a number of those that PostgreSQL gives to its own file sets. */
#define SET_NUMBER PG_UINT32_MAX
#define FILE_PREFIX "rows."

/* Whether this process may have made files for itself in its transaction. */
static bool expected = false;

/* The process by which the file set is named. */
static int
leader_pid(void)
{
	return MyProc->lockGroupLeader != NULL ? MyProc->lockGroupLeader->pid : MyProcPid;
}

/* Deletes all files for this process, wherever temp_tablespaces may have put them. */
static void
delete_all(void)
{
	FileSet		set = {.creator_pid = MyProcPid, .number = SET_NUMBER, .ntablespaces = 1};
	DIR		   *dir = AllocateDir("pg_tblspc");
	struct dirent *entry;

	set.tablespaces[0] = DEFAULTTABLESPACE_OID;
	FileSetDeleteAll(&set);
	while ((entry = ReadDirExtended(dir, "pg_tblspc", LOG)) != NULL)
	{
		set.tablespaces[0] = (Oid) strtoul(entry->d_name, NULL, 10);
		if (OidIsValid(set.tablespaces[0]))
			FileSetDeleteAll(&set);
	}
	FreeDir(dir);
	expected = false;
}

/*
 * A worker may have made a file of which its leader never heard: it failed, or
 * the rest of its rows was not asked for.  So whoever has ever led workers looks
 * for files after every transaction, which costs a few system calls.  Workers,
 * whose transactions end by other events, do not.
 */
static void
end_transaction(XactEvent event, void *arg)
{
	bool		leads = MyProc->lockGroupLeader == MyProc;

	(void) arg;
	if (event == XACT_EVENT_ABORT || ((leads || expected) && (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)))
		delete_all();
}

/* To be called once in every process that loads the module. */
void
row_handover_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
}

/* To be called before a process makes a file, which it may do without any worker. */
void
row_handover_expect(void)
{
	expected = true;
}

/* A new file, and its name; the caller closes it, which does not delete it. */
BufFile *
row_handover_create(RowFileName *name)
{
	static uint32 counter = 0;

	memset(name, 0, sizeof(*name));
	FileSetInit(&name->set);
	name->set.creator_pid = leader_pid();
	name->set.number = SET_NUMBER;
	/* A process that is gone may have had the same number. */
	snprintf(name->name, sizeof(name->name), FILE_PREFIX "%d.%llx.%u", MyProcPid, (unsigned long long) MyStartTimestamp, counter++);
	return BufFileCreateFileSet(&name->set, name->name);
}

/* Whether bytes that came from elsewhere are a name that row_handover_create has given in this group of processes. */
bool
row_handover_is_mine(const RowFileName *name)
{
	return name->set.creator_pid == leader_pid() && name->set.number == SET_NUMBER &&
		name->set.ntablespaces >= 1 && name->set.ntablespaces <= (int) lengthof(name->set.tablespaces) &&
		strncmp(name->name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 &&
		name->name[sizeof(name->name) - 1] == '\0' && strchr(name->name, '/') == NULL;
}

/* Opens a file that its maker has exported; the caller closes and deletes it. */
BufFile *
row_handover_open(RowFileName *name)
{
	return BufFileOpenFileSet(&name->set, name->name, O_RDONLY, false);
}

void
row_handover_delete(RowFileName *name)
{
	BufFileDeleteFileSet(&name->set, name->name, true);
}

/* Goes to a place of a temporary file of an aggregate, handed over or not, in bytes from its beginning; an error if it cannot. */
void
row_file_seek(BufFile *file, uint64 offset)
{
	if (BufFileSeek(file, 0, (off_t) offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file of an aggregate")));
}

/* Reads so many bytes from where it is; an error if there are fewer. */
void
row_file_read(BufFile *file, void *bytes, size_t size)
{
	size_t		got = BufFileRead(file, bytes, size);

	if (got != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from temporary file of an aggregate: read only %zu of %zu bytes", got, size)));
}
