/*
 * journey/argument.c: journeys on their way into fmgr functions and out of them.
 */
#include "journey/argument.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* What a first look at a long journey fetches: about one TOAST chunk. */
#define HEAD_BYTES 1900

/*
 * Opens a journey argument.  It is detoasted into the current context only if
 * it is compressed or out of line, and lives as long as the argument.
 */
void
journey_open_datum(Datum value, JourneyView *view)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	CjmError	error = {0};

	if (!journey_open((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), view, &error))
		cjm_report_stored(&error);
}

/*
 * Opens the header and the event dictionary of a journey argument, and no
 * column.  Of a long journey, which is stored out of line, only the beginning
 * is fetched.
 */
void
journey_open_head(Datum value, JourneyView *view)
{
	struct varlena *head;
	CjmError	error = {0};
	int32		size = HEAD_BYTES;
	size_t		whole;

	if (!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
	{
		journey_open_datum(value, view);
		return;
	}
	whole = toast_raw_datum_size(value) - VARHDRSZ;
	for (;;)
	{
		size_t		needed;
		size_t		got;

		head = PG_DETOAST_DATUM_SLICE(value, 0, size);
		got = VARSIZE_ANY_EXHDR(head);
		if (!journey_open_part((const uint8 *) VARDATA_ANY(head), got, whole, view, &error))
			cjm_report_stored(&error);
		/* Of an empty one there is no more. */
		if (view->count == 0)
			return;
		needed = view->events.dictionary + view->events.size - (const uint8 *) VARDATA_ANY(head);
		if (needed <= got)
			return;
		if (got < (size_t) size)
			cjm_damaged("a journey is shorter than it says");
		size = needed;
	}
}

/* The journey of all that a builder holds, in the current context. */
Datum
journey_from_builder(const JourneyBuilder *builder, bool distinct)
{
	CjmError	error = {0};
	size_t		size;
	uint8	   *value = builder_encode(builder, distinct, VARHDRSZ, &size, &error);

	if (value == NULL)
		cjm_report(&error);
	SET_VARSIZE(value, size);
	return PointerGetDatum(value);
}

/* All labels of a dictionary by id, for functions that put them into many rows. */
Datum *
label_datums(const JourneyLabels *labels)
{
	Size		room = (Size) labels->count * (sizeof(Datum) + VARHDRSZ + sizeof(int32)) + labels->size;
	Datum	   *datums = palloc_extended(Max(room, 1), MCXT_ALLOC_HUGE);
	char	   *text = (char *) (datums + labels->count);
	const uint8 *p = labels->dictionary;

	for (uint32 i = 0; i < labels->count; i++)
	{
		Label		label = journey_next_label(labels, &p);

		SET_VARSIZE(text, VARHDRSZ + label.size);
		memcpy(VARDATA(text), label.bytes, label.size);
		datums[i] = PointerGetDatum(text);
		text += INTALIGN(VARHDRSZ + label.size);
	}
	return datums;
}

/* Whether an argument that says event or channel says channel. */
bool
by_channel_argument(text *by)
{
	Label		label = label_from_text(by);

	if (label_equal(label, (Label) {"channel", 7}))
		return true;
	if (!label_equal(label, (Label) {"event", 5}))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("by cannot be \"%s\"", text_to_cstring(by)),
				 errhint("It is event or channel.")));
	return false;
}

/* The elements of a text[] that are not NULL, palloc'd; they point into the array. */
Label *
label_list(ArrayType *array, uint32 *count)
{
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	Label	   *list;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &nelements);
	list = palloc_extended(Max((Size) nelements, 1) * sizeof(Label), MCXT_ALLOC_HUGE);
	*count = 0;
	for (int i = 0; i < nelements; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			list[(*count)++] = label_from_text(DatumGetTextPP(elements[i]));
	}
	pfree(elements);
	pfree(nulls);
	return list;
}
