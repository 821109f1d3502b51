/*
 * attribution/attribute.c: attribute(journey, conversion, ...), which touchpoints earned
 * the conversions of a journey.
 */
#include "journey/argument.h"

#include "attribution/arguments.h"
#include "funcapi.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_attribute);

#define CREDIT_COLUMNS 6

/* attribute(): a row for each touchpoint or visit that earns a share of a conversion. */
Datum
journey_attribute(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AttributionJourney journey;
	AttributionWindow window;
	AttributionModel model;
	bool		converts;
	Datum	   *events;
	Datum	   *channels;

	start_rows(fcinfo);
	converts = attribution_open(fcinfo, 0, ATTRIBUTION_OPTIONS, false, &journey);
	model = attribution_model_argument(PG_GETARG_DATUM(ATTRIBUTION_MODEL));
	if (!converts)
		return (Datum) 0;
	events = label_datums(&journey.view.events);
	channels = label_datums(&journey.view.channels);
	while (attribution_read(&journey, &window))
	{
		AttributionSpan span = {0, 0};

		if (window.count > 0)
			span = attribution_shares(model, &journey.rules, window.units, window.count, journey.shares);
		for (size_t c = 0; c < window.nconversions; c++)
		{
			const AttributionConversion *conversion = &window.conversions[c];
			Datum		values[CREDIT_COLUMNS] = {TimestampTzGetDatum(window.at)};
			bool		nulls[CREDIT_COLUMNS] = {false};

			nulls[5] = !conversion->has_value;
			if (window.count == 0)
			{
				nulls[1] = nulls[2] = nulls[3] = true;
				values[4] = Float8GetDatum(1);
				values[5] = Float8GetDatum(conversion->value);
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			}
			for (size_t i = span.first; i < span.end; i++)
			{
				const AttributionUnit *unit = &window.units[i];
				double		share = journey.shares[i];

				CHECK_FOR_INTERRUPTS();
				if (share == 0)
					continue;
				values[1] = TimestampTzGetDatum(unit->at);
				values[2] = events[journey_label_at(&journey.view.events, unit->touch)];
				nulls[3] = unit->channel == 0;
				values[3] = nulls[3] ? (Datum) 0 : channels[unit->channel - 1];
				values[4] = Float8GetDatum(share);
				values[5] = Float8GetDatum(conversion->value * share);
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			}
		}
	}
	return (Datum) 0;
}
