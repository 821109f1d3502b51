/*
 * row_log_fuzz.c: a fuzz target for the log of rows that funnel_agg keeps.
 *
 * Every input is used twice.
 * - As commands that add rows of some customers to several logs, within little
 *   memory, and spill them.  All logs but one travel to that one, with meanings of
 *   their own; read as a whole and by parts, it has each customer once, with just
 *   the rows that say something, by time, and counts those who say nothing.
 * - As the bytes of a run that nobody has written: reading it is safe, or has an
 *   error with a message.
 */
#include "fuzz.h"

#include "rows/log.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define MAX_CUSTOMERS 64
#define MAX_LOGS 3
#define MAX_ROWS 20000
#define NMEANINGS 5

typedef struct Row
{
	uint32		customer;
	uint32		meaning;
	int64		at;
} Row;

/* What all logs have been told. */
typedef struct Truth
{
	bool		named;
	uint32		ncustomers;
	uint64		keys[MAX_CUSTOMERS];
	bool		there[MAX_CUSTOMERS];
	bool		read[MAX_CUSTOMERS];
	Row		   *rows;			/* those that say something; in the end by customer, time and meaning */
	uint32		nrows;
} Truth;

/* A file of a store. */
typedef struct RowFile
{
	StringInfoData bytes;
} RowFile;

static void
write_file(RowStore *store, const uint8 *bytes, size_t size)
{
	if (store->file == NULL)
	{
		store->file = palloc(sizeof(RowFile));
		initStringInfo(&store->file->bytes);
	}
	appendBinaryStringInfo(&store->file->bytes, (const char *) bytes, size);
	store->end += size;
}

static void
read_file(RowFile *file, uint64 offset, uint8 *bytes, size_t size)
{
	REQUIRE(offset + size <= (uint64) file->bytes.len);
	memcpy(bytes, file->bytes.data + offset, size);
}

static int64
number_of(const Truth *truth, uint32 customer)
{
	return row_number_of_key(truth->keys[customer]);
}

/* A name of a customer, which is not terminated; one is empty. */
static uint32
name_of(uint32 customer, char *name)
{
	memset(name, 'x', MAX_CUSTOMERS);
	if (customer > 0)
		name[0] = (char) customer;
	return customer;
}

static void
add(RowLog *log, const Truth *truth, uint32 customer, int64 at, uint32 meaning)
{
	CjmError	error = {0};

	if (truth->named)
	{
		char		name[MAX_CUSTOMERS];
		uint32		size = name_of(customer, name);

		if (row_log_is_full(log, size))
			REQUIRE(row_log_make_room(log, size, &error));
		row_log_add_named(log, (uint8 *) name, size, at, meaning);
	}
	else
	{
		if (row_log_is_full(log, 0))
			REQUIRE(row_log_make_room(log, 0, &error));
		row_log_add(log, number_of(truth, customer), at, meaning);
	}
}

static int
compare_rows(const void *a, const void *b)
{
	const Row  *x = a;
	const Row  *y = b;

	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->meaning > y->meaning) - (x->meaning < y->meaning);
}

/* A customer's rows are those that have been added. */
static bool
check_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	Truth	   *truth = (Truth *) arg;
	Row		   *rows = palloc(count * sizeof(Row));
	uint32		customer = 0;
	uint32		nrows = 0;
	uint32		first = 0;

	(void) error;
	while (customer < truth->ncustomers && truth->keys[customer] != entries[0].key)
		customer++;
	REQUIRE(customer < truth->ncustomers && truth->there[customer] && !truth->read[customer]);
	truth->read[customer] = true;
	for (uint32 i = 0; i < count; i++)
	{
		REQUIRE(entries[i].key == entries[0].key && (i == 0 || entries[i - 1].at <= entries[i].at));
		if (entries[i].meaning != 0)
			rows[nrows++] = (Row) {customer, entries[i].meaning, entries[i].at};
	}
	qsort(rows, nrows, sizeof(Row), compare_rows);
	while (first < truth->nrows && truth->rows[first].customer < customer)
		first++;
	for (uint32 i = 0; i < nrows; i++)
		REQUIRE(first + i < truth->nrows && compare_rows(&rows[i], &truth->rows[first + i]) == 0);
	REQUIRE(first + nrows == truth->nrows || truth->rows[first + nrows].customer != customer);
	pfree(rows);
	return true;
}

/* Reads so many buckets at a time. */
static void
check_log(const RowLog *log, Truth *truth, int step)
{
	uint64		met = 0;
	uint64		nread = 0;
	uint64		nthere = 0;
	CjmError	error = {0};

	memset(truth->read, 0, sizeof(truth->read));
	for (int bucket = 0; bucket < ROW_BUCKETS; bucket += step)
	{
		uint64		here;

		REQUIRE(row_log_read(log, bucket, Min(bucket + step, ROW_BUCKETS), check_customer, truth, &here, &error));
		met += here;
	}
	for (uint32 i = 0; i < truth->ncustomers; i++)
	{
		nread += truth->read[i];
		nthere += truth->there[i];
	}
	for (uint32 i = 0; i < truth->nrows; i++)
		REQUIRE(truth->read[truth->rows[i].customer]);
	REQUIRE(nread + row_log_others(log, met) == nthere);
}

/* Everything of a log to another one, as a combine function does; meanings say what its meanings are there. */
static void
hand_over(RowLog *from, RowLog *to, const uint32 *meanings, const Truth *truth)
{
	RowRun		last = {.bytes = NULL};
	CjmError	error = {0};

	if (from->batch.count > 0)
		last = row_log_last_run(from);
	for (uint32 i = 0; i < from->nruns + (last.bytes != NULL); i++)
	{
		RowRun		run = i < from->nruns ? from->runs[i] : last;

		run.meanings = meanings;
		REQUIRE(row_log_take_run(to, &run, &error));
	}
	row_run_free(&last);
	if (from->seen == NULL)
		return;
	for (uint32 i = 0; i < truth->ncustomers; i++)
	{
		int64		customer = number_of(truth, i);
		SeenBlock  *block = seen_lookup(from->seen, row_seen_number(customer));

		/* A block at a time, and perhaps several times. */
		if (block != NULL && row_seen_has(from->seen, customer) && !row_log_take_seen(to, block->number, block->bits))
			add(to, truth, i, 0, 0);
	}
}

static void
run_commands(Input input)
{
	static const uint32 meanings[NMEANINGS] = {0, 3, 1, 4, 2};
	static const uint32 back[NMEANINGS] = {0, 2, 4, 1, 3};
	uint32		nmeanings = NMEANINGS;
	Truth		truth = {.rows = palloc(MAX_ROWS * sizeof(Row))};
	RowStore	stores[2];
	RowLog		logs[MAX_LOGS];
	uint32		nlogs;
	int			spread;
	uint32		total = 0;
	CjmError	error = {0};

	truth.named = take(&input, 256) & 1;
	truth.ncustomers = 1 + take(&input, 256) % MAX_CUSTOMERS;
	nlogs = 1 + take(&input, 256) % MAX_LOGS;
	spread = take(&input, 256) % 57;
	for (uint32 i = 0; i < truth.ncustomers; i++)
	{
		char		name[MAX_CUSTOMERS];
		uint32		size = name_of(i, name);

		truth.keys[i] = truth.named ? row_key_of_name((uint8 *) name, size) : row_key_of_number((int64) ((uint64) i << spread));
	}
	for (int i = 0; i < 2; i++)
	{
		row_store_init(&stores[i], 0);
		stores[i].write = write_file;
		stores[i].read = read_file;
	}
	for (uint32 i = 0; i < nlogs; i++)
		row_log_init(&logs[i], &stores[i > 0], truth.named, &nmeanings);

	while (input.at < input.end)
	{
		uint8		command = take(&input, 256);
		uint32		which = command % nlogs;
		uint32		count = 1U << (command >> 4 & 0xf) % 13;
		uint32		customer = take(&input, 256);
		uint32		step = take(&input, 256);
		uint64		distance = (uint64) take(&input, 256) << take(&input, 256) % 57;
		uint64		at = command & 8 ? -distance : distance;

		if (command % 16 == 15 && logs[which].charged)
			REQUIRE(row_log_spill(&logs[which], &error));
		for (uint32 i = 0; i < count && total < MAX_ROWS; i++, total++)
		{
			uint32		who = (customer + i / 4 * step) % truth.ncustomers;
			uint32		meaning = (step & 64 ? i * step : i % 3) % NMEANINGS;

			truth.there[who] = true;
			if (meaning != 0)
				truth.rows[truth.nrows++] = (Row) {who, meaning, (int64) at};
			add(&logs[which], &truth, who, (int64) at, which > 0 ? back[meaning] : meaning);
			at += step & 128 ? i % 7 : -(uint64) (step % 3);
		}
	}
	qsort(truth.rows, truth.nrows, sizeof(Row), compare_rows);
	for (uint32 i = 1; i < nlogs; i++)
		hand_over(&logs[i], &logs[0], meanings, &truth);
	check_log(&logs[0], &truth, ROW_BUCKETS);
	check_log(&logs[0], &truth, ROW_PART_BUCKETS);
	check_log(&logs[0], &truth, 999);
	for (uint32 i = 0; i < nlogs; i++)
		row_log_release(&logs[i]);
	REQUIRE(stores[0].used == 0 && stores[1].used == 0);
}

static bool
ignore_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	(void) arg;
	(void) error;
	REQUIRE(count > 0 && entries[count - 1].meaning < NMEANINGS);
	return true;
}

static void
read_damaged(Input input)
{
	uint32		nmeanings = NMEANINGS;
	RowStore	store;
	RowLog		log;
	RowRun		run = {.nmeanings = NMEANINGS};
	uint8		head = take(&input, 256);
	uint64		met;
	CjmError	error = {0};

	run.count = take(&input, 256);
	run.last_key = (int64) take(&input, 256) << (head >> 1 & 7) * 7;
	run.last_at = (int64) take(&input, 256) << (head >> 4) * 3;
	run.size = input.end - input.at;
	run.bytes = exact_copy(input.at, run.size);
	row_store_init(&store, 0);
	row_log_init(&log, &store, head & 1, &nmeanings);
	REQUIRE(row_log_take_run(&log, &run, &error));
	if (!row_log_read(&log, 0, ROW_BUCKETS, ignore_customer, NULL, &met, &error))
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	Input		input = {data, data + size};

	run_commands(input);
	read_damaged(input);
	return 0;
}
