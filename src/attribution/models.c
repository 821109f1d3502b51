/*
 * attribution/models.c: the attribution models: units in time order in, shares out.
 *
 *	first_touch		all to the first
 *	last_touch		all to the last
 *	last_non_direct	all to the last that is not direct; if all are, to the last
 *	linear			the same to each
 *	time_decay		2 ^ (-age / half-life) to each, in proportion
 *	position		weights for the first, for all between together, for the last
 *
 * The shares of at least one unit add up to 1 as near as float8 can say it:
 * each is right to its last digits, and none is bent to make up for the
 * others, so that equal units earn equal shares.
 *
 * Cost: linear in the units.
 */
#include "attribution/models.h"

#include <math.h>

static const char *const model_names[ATTRIBUTION_MODELS] = {
	"first_touch", "last_touch", "last_non_direct", "linear", "time_decay", "position"
};

const char *
attribution_model_name(AttributionModel model)
{
	return model_names[model];
}

/* The model of a name. */
bool
attribution_model(Label name, AttributionModel *model, CjmError *error)
{
	for (int i = 0; i < ATTRIBUTION_MODELS; i++)
		if (label_equal(name, (Label) {model_names[i], strlen(model_names[i])}))
		{
			*model = (AttributionModel) i;
			return true;
		}
	cjm_fail(error, CJM_ERROR_VALUE, "unknown attribution model \"%.*s\"", (int) Min(name.size, 100), name.bytes);
	cjm_fail_hint(error, "Models are first_touch, last_touch, last_non_direct, linear, time_decay and position.");
	return false;
}

/* Takes the weights of the model position: any three in proportion. */
bool
attribution_weights(const double *weights, int count, AttributionRules *rules, CjmError *error)
{
	double		largest = 0;
	double		sum = 0;

	for (int i = 0; i < count; i++)
	{
		if (!(weights[i] >= 0) || isinf(weights[i]))
			return cjm_fail(error, CJM_ERROR_VALUE, "a weight must be a finite number and not negative: %g", weights[i]);
		largest = Max(largest, weights[i]);
	}
	if (count != 3 || largest == 0)
	{
		cjm_fail(error, CJM_ERROR_VALUE, count != 3 ? "there must be three weights" : "not all weights may be 0");
		cjm_fail_hint(error, "They are those of the first touchpoint, of all between together and of the last, such as '{0.4,0.2,0.4}'.");
		return false;
	}
	/* Neither too large nor too small a sum. */
	for (int i = 0; i < count; i++)
		sum += weights[i] / largest;
	for (int i = 0; i < count; i++)
		rules->weights[i] = weights[i] / largest / sum;
	return true;
}

/*
 * Ages count from the last unit rather than the conversion, which changes no
 * proportion and keeps at least that weight from vanishing.
 */
static void
decay(int64 half_life, const AttributionUnit *units, size_t count, double *shares)
{
	int64		last = units[count - 1].at;
	double		sum = 0;
	double		lost = 0;		/* by rounding of the sum; Neumaier's summation */

	for (size_t i = 0; i < count; i++)
	{
		double		weight = exp2(-(double) ((uint64) last - (uint64) units[i].at) / (double) half_life);
		double		next = sum + weight;

		CHECK_FOR_INTERRUPTS();
		lost += sum >= weight ? (sum - next) + weight : (weight - next) + sum;
		sum = next;
		shares[i] = weight;
	}
	sum += lost;
	for (size_t i = 0; i < count; i++)
		shares[i] /= sum;
}

/*
 * The shares of count units, at least one, in time order.  Only those in the
 * span that is returned are set, the others are 0.
 */
AttributionSpan
attribution_shares(AttributionModel model, const AttributionRules *rules,
				   const AttributionUnit *units, size_t count, double *shares)
{
	size_t		one = count - 1;
	const double *weights = rules->weights;

	switch (model)
	{
		case ATTRIBUTION_FIRST_TOUCH:
			one = 0;
			break;
		case ATTRIBUTION_LAST_TOUCH:
			break;
		case ATTRIBUTION_LAST_NON_DIRECT:
			while (units[one].direct && one > 0)
				one--;
			if (units[one].direct)
				one = count - 1;
			break;
		case ATTRIBUTION_LINEAR:
			for (size_t i = 0; i < count; i++)
				shares[i] = 1.0 / (double) count;
			return (AttributionSpan) {0, count};
		case ATTRIBUTION_TIME_DECAY:
			decay(rules->half_life, units, count, shares);
			return (AttributionSpan) {0, count};
		case ATTRIBUTION_POSITION:
			if (count == 1)
				break;
			if (count > 2)
			{
				shares[0] = weights[0];
				shares[one] = weights[2];
				for (size_t i = 1; i < one; i++)
					shares[i] = weights[1] / (double) (count - 2);
			}
			else if (weights[0] + weights[2] > 0)
			{
				shares[0] = weights[0] / (weights[0] + weights[2]);
				shares[1] = weights[2] / (weights[0] + weights[2]);
			}
			else
				shares[0] = shares[1] = 0.5;
			return (AttributionSpan) {0, count};
	}
	shares[one] = 1;
	return (AttributionSpan) {one, one + 1};
}

/*
 * Gives the units of one time, first to end - 1, of which kind says whether they
 * are direct if that matters, equal parts of what they earn together.
 */
static void
level_group(const AttributionUnit *units, size_t first, size_t end, bool by_kind, bool kind, double *shares)
{
	double		sum = 0;
	double		low = 1;
	double		high = 0;
	size_t		among = 0;

	for (size_t i = first; i < end; i++)
	{
		if (by_kind && units[i].direct != kind)
			continue;
		sum += shares[i];
		low = Min(low, shares[i]);
		high = Max(high, shares[i]);
		among++;
	}
	/* The mean of equal shares may be off by its last digit. */
	if (low >= high)
		return;
	for (size_t i = first; i < end; i++)
		if (!by_kind || units[i].direct == kind)
			shares[i] = sum / (double) among;
}

/*
 * For who cannot tell units of one time apart: what they earn together is given
 * to each in equal parts, so that their order does not matter.  What one earns
 * for not being direct is shared with its like.  All shares are set.
 */
void
attribution_level(AttributionModel model, const AttributionUnit *units, size_t count, double *shares)
{
	bool		by_kind = model == ATTRIBUTION_LAST_NON_DIRECT;

	for (size_t first = 0, end; first < count; first = end)
	{
		for (end = first + 1; end < count && units[end].at == units[first].at; end++)
			CHECK_FOR_INTERRUPTS();
		if (end - first == 1)
			continue;
		level_group(units, first, end, by_kind, false, shares);
		if (by_kind)
			level_group(units, first, end, true, true, shares);
	}
}
