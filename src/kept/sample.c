/*
 * kept/sample.c: the TABLESAMPLE method kept_scan(wanted, expected): all rows of a
 * table, or none.
 *
 * The view "journeys" of a map with kept journeys could read them or the rows that
 * they were made of, and which is known only when the query runs.  What it does
 * not read costs nothing then, but the planner would weigh it all the same, and
 * read everything in one process because of rows that nobody will read.  As a
 * sample whose size is not expected to be anything, the rows are in nobody's way;
 * and so that the changes are never thought fewer than they are, they are a
 * sample, too, which is expected to be all of their file.
 *
 * Rights, locks, filters and partitions are those of any scan.
 */
#include "base/glue.h"

#include "access/relscan.h"
#include "access/tsmapi.h"
#include "catalog/pg_type.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "storage/bufpage.h"

PG_FUNCTION_INFO_V1(kept_scan);

/* Rows of a page that the planner is told: rather too many than too few. */
#define ROWS_PER_PAGE 100

typedef struct KeptScan
{
	bool		wanted;
	BlockNumber next;
	OffsetNumber last;			/* of this block */
} KeptScan;

static void
scan_size(PlannerInfo *root, RelOptInfo *baserel, List *arguments, BlockNumber *pages, double *rows)
{
	Node	   *expected = estimate_expression_value(root, (Node *) lsecond(arguments));
	bool		all = IsA(expected, Const) && !((Const *) expected)->constisnull && DatumGetBool(((Const *) expected)->constvalue);

	*pages = all ? Max(baserel->pages, 1) : 1;
	*rows = all ? (double) *pages * ROWS_PER_PAGE : 1;
}

static void
scan_start(SampleScanState *node, int flags pg_attribute_unused())
{
	node->tsm_state = palloc0(sizeof(KeptScan));
}

static void
scan_begin(SampleScanState *node, Datum *arguments, int count pg_attribute_unused(), uint32 seed pg_attribute_unused())
{
	KeptScan   *state = node->tsm_state;

	state->wanted = DatumGetBool(arguments[0]);
	state->next = 0;
	state->last = InvalidOffsetNumber;
	node->use_bulkread = state->wanted;
}

static BlockNumber
scan_block(SampleScanState *node, BlockNumber blocks)
{
	KeptScan   *state = node->tsm_state;

	if (!state->wanted || state->next >= blocks)
		return InvalidBlockNumber;
	return state->next++;
}

static OffsetNumber
scan_tuple(SampleScanState *node, BlockNumber block pg_attribute_unused(), OffsetNumber most)
{
	KeptScan   *state = node->tsm_state;

	state->last = state->last == InvalidOffsetNumber ? FirstOffsetNumber : OffsetNumberNext(state->last);
	if (state->last > most)
		state->last = InvalidOffsetNumber;
	return state->last;
}

/* The handler of the method. */
Datum
kept_scan(PG_FUNCTION_ARGS)
{
	TsmRoutine *method = makeNode(TsmRoutine);

	(void) fcinfo;				/* an argument that is none */
	method->parameterTypes = list_make2_oid(BOOLOID, BOOLOID);
	method->repeatable_across_queries = true;
	method->repeatable_across_scans = true;
	method->SampleScanGetSampleSize = scan_size;
	method->InitSampleScan = scan_start;
	method->BeginSampleScan = scan_begin;
	method->NextSampleBlock = scan_block;
	method->NextSampleTuple = scan_tuple;
	PG_RETURN_POINTER(method);
}
