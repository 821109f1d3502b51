/*
 * rows/funnel_add.c: the transition function of all aggregates straight from rows.
 *
 * Which aggregate it serves and what a customer is, it sees by the types of its
 * arguments, once for a call site; the site's rows are then added by a function
 * in which both are constants.
 *
 * A customer is a number, a text or a uuid, or of a type that PostgreSQL would by
 * itself make one of these; others are refused, and would be looked for in
 * find_customer.
 */
#include "rows/funnel.h"

#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(funnel_rows_step);

/*
 * Adds a row.  A row in which an argument is NULL, other than the channel or the
 * property, is none.  Inlined with constants: this is what every row costs.
 */
static pg_attribute_always_inline Datum
add_row(FunctionCallInfo fcinfo, CustomerKind customer, bool channeled, RowForm form)
{
	int			first = row_has_property(form) ? row_argument_position(channeled) : row_argument_funnel(channeled, form);
	int			wanted = 1 << ROW_EVENT | (channeled ? 1 << ROW_CHANNEL : 0) | (row_has_property(form) ? 1 << ROW_PROPERTY : 0);
	bool		null = PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3);
	RowSite    *site = (RowSite *) fcinfo->flinfo->fn_extra;
	RowState   *state;
	Label		labels[ROW_LABELS];
	int64		at;
	RowSlot    *slot;
	uint32		meaning;

	for (int i = first; i <= row_argument_last(channeled, form); i++)
		null |= PG_ARGISNULL(i);
	if (unlikely(null))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (unlikely(PG_ARGISNULL(0)))
		state = row_state_first(fcinfo, site);
	else
	{
		state = (RowState *) PG_GETARG_POINTER(0);
		if (!site->constant)
			row_state_check(fcinfo, state, site);
	}

	at = PG_GETARG_TIMESTAMPTZ(2);
	if (unlikely(!IS_VALID_TIMESTAMP(at)))
	{
		CjmError	error = {0};

		if (!touch_time_check(at, &error))
			cjm_report(&error);
	}

	labels[ROW_EVENT] = label_from_text(PG_GETARG_TEXT_PP(3));
	labels[ROW_CHANNEL] = labels[ROW_PROPERTY] = NO_LABEL;
	if (channeled && !PG_ARGISNULL(4))
	{
		if (funnel_matcher_asks_channel(state->funnel->matcher))
			labels[ROW_CHANNEL] = label_from_text(PG_GETARG_TEXT_PP(4));
		/* One stored elsewhere has a short header as well, of size 0. */
		else if (unlikely(!VARATT_IS_SHORT(PG_GETARG_POINTER(4)) || VARSIZE_SHORT(PG_GETARG_POINTER(4)) <= VARHDRSZ_SHORT))
			row_channel_check(PG_GETARG_DATUM(4));
	}
	if (row_has_property(form) && !PG_ARGISNULL(first - 1))
		labels[ROW_PROPERTY] = label_from_text(PG_GETARG_TEXT_PP(first - 1));
	if (unlikely(!row_meaning_seen(&state->funnel->meanings, labels, wanted, &slot, &meaning)))
		meaning = row_state_meaning(state, labels, slot);

	row_add(fcinfo, state, customer, at, meaning);
	PG_RETURN_POINTER(state);
}

#define ADD(name, customer, channeled, form) \
	static Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return add_row(fcinfo, customer, channeled, form); \
	}

#define ADD_CHANNELED(name, customer, channeled) \
	ADD(name##_plain, customer, channeled, ROWS_PLAIN) \
	ADD(name##_entered, customer, channeled, ROWS_ENTERED) \
	ADD(name##_by, customer, channeled, ROWS_BY) \
	ADD(name##_by_entry, customer, channeled, ROWS_BY_ENTRY) \
	ADD(name##_by_both, customer, channeled, ROWS_BY_BOTH)

#define ADD_CUSTOMER(name, customer) \
	ADD_CHANNELED(name, customer, false) \
	ADD_CHANNELED(name##_channel, customer, true)

ADD_CUSTOMER(add_bigint, CUSTOMER_BIGINT)
ADD_CUSTOMER(add_integer, CUSTOMER_INTEGER)
ADD_CUSTOMER(add_text, CUSTOMER_TEXT)
ADD_CUSTOMER(add_uuid, CUSTOMER_UUID)

/* In the order of RowForm, of no channel and one, and of CustomerKind. */
#define FORMS(name) {name##_plain, name##_entered, name##_by, name##_by_entry, name##_by_both}
#define CHANNELS(name) {FORMS(name), FORMS(name##_channel)}

static const PGFunction adds[CUSTOMER_KINDS][2][ROW_FORMS] = {
	CHANNELS(add_bigint), CHANNELS(add_integer), CHANNELS(add_text), CHANNELS(add_uuid)
};

/* Adds a row whose customer is to be converted. */
static Datum
add_converted(PG_FUNCTION_ARGS)
{
	RowSite    *site = (RowSite *) fcinfo->flinfo->fn_extra;
	NullableDatum given = fcinfo->args[1];
	Datum		state;

	if (!given.isnull)
	{
		LOCAL_FCINFO(call, 3);

		/* A cast may ask for a type modifier and for whether it is explicit, too. */
		InitFunctionCallInfoData(*call, &site->convert, Min(site->convert.fn_nargs, 3), PG_GET_COLLATION(), NULL, NULL);
		call->args[0] = given;
		call->args[1] = (NullableDatum) {.value = Int32GetDatum(-1)};
		call->args[2] = (NullableDatum) {.value = BoolGetDatum(false)};
		fcinfo->args[1].value = FunctionCallInvoke(call);
		fcinfo->args[1].isnull = call->isnull;
	}
	state = site->add_converted(fcinfo);
	fcinfo->args[1] = given;
	return state;
}

/*
 * What customers of a type are, at once or by a function that converts them.
 * PostgreSQL chooses no other way where it has to make one of these types itself.
 */
static CustomerKind
find_customer(Oid type, Oid *function)
{
	static const Oid types[CUSTOMER_KINDS] = {INT8OID, INT4OID, TEXTOID, UUIDOID};
	Oid			base = getBaseType(type);

	*function = InvalidOid;
	for (int kind = 0; kind < CUSTOMER_KINDS; kind++)
		if (base == types[kind])
			return (CustomerKind) kind;
	for (int kind = 0; kind < CUSTOMER_KINDS; kind++)
	{
		CoercionPathType path = find_coercion_pathway(types[kind], base, COERCION_IMPLICIT, function);

		if (path == COERCION_PATH_RELABELTYPE || path == COERCION_PATH_FUNC)
			return (CustomerKind) kind;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("customers of type %s are not supported", format_type_be(type)),
			 errhint("Cast them to bigint, text or uuid, such as customer::text.")));
}

/*
 * Finds out which aggregate's arguments these are.  Before the funnel there may be
 * texts: a channel, property and position, or all three.
 */
static void
find_form(FunctionCallInfo fcinfo, RowSite *site)
{
	int			texts = 0;
	int			after;

	while (get_fn_expr_argtype(fcinfo->flinfo, row_argument_funnel(false, ROWS_PLAIN) + texts) == TEXTOID)
		texts++;
	after = PG_NARGS() - 1 - (row_argument_funnel(false, ROWS_PLAIN) + texts);
	if (texts > 3 || after < 0 || after > 2 || (texts >= 2 && after == 1))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an aggregate over rows does not take these arguments"),
				 errhint("Call funnel_agg or what else is made of this function.")));
	site->channeled = texts % 2 != 0;
	if (texts >= 2)
		site->form = after == 0 ? ROWS_BY : ROWS_BY_BOTH;
	else
		site->form = after == 0 ? ROWS_PLAIN : after == 1 ? ROWS_ENTERED : ROWS_BY_ENTRY;
}

/* What is to be known of a call site before its first row.  Inlined, it would cost every row the room for its variables. */
static pg_noinline RowSite *
row_site(FunctionCallInfo fcinfo)
{
	RowSite    *site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(RowSite));
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	Oid			function;

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not determine the type of the customer"),
				 errhint("Call the aggregate instead of its support functions.")));
	find_form(fcinfo, site);
	site->customer = find_customer(type, &function);
	site->add = adds[site->customer][site->channeled][site->form];
	if (OidIsValid(function))
	{
		fmgr_info_cxt(function, &site->convert, fcinfo->flinfo->fn_mcxt);
		site->add_converted = site->add;
		site->add = add_converted;
	}
	/* Set last: after an error on the way the call site may be used again. */
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/* The state of a group with one more row. */
Datum
funnel_rows_step(PG_FUNCTION_ARGS)
{
	RowSite    *site = (RowSite *) fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
		site = row_site(fcinfo);
	return site->add(fcinfo);
}
