-- Stage enums and the helpers that know the order of any enum.

CREATE TYPE aida AS ENUM ('attention', 'interest', 'desire', 'action');

COMMENT ON TYPE aida IS 'stages of the AIDA model, from attention to action';

CREATE TYPE lifecycle AS ENUM ('awareness', 'consideration', 'purchase', 'retention', 'advocacy');

COMMENT ON TYPE lifecycle IS 'stages of the customer life cycle, from awareness to advocacy';

CREATE TYPE buyer_journey AS ENUM (
	'unaware', 'problem', 'research', 'solution_choice', 'vendor_search', 'vendor_check',
	'trial', 'deal', 'use', 'repeat_purchase', 'loyalty', 'refusal'
);

COMMENT ON TYPE buyer_journey IS 'stages of a considered purchase, from unaware of the problem to loyalty or refusal';

CREATE FUNCTION stage_number(stage anyenum)
RETURNS integer
AS 'MODULE_PATHNAME', 'stage_number'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION stage_number(anyenum) IS 'place of a value in the order of its enum type, from 1';

CREATE FUNCTION next_stage(stage anyenum)
RETURNS anyenum
AS 'MODULE_PATHNAME', 'next_stage'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION next_stage(anyenum) IS 'value after this one in its enum type; null after the last';

CREATE FUNCTION previous_stage(stage anyenum)
RETURNS anyenum
AS 'MODULE_PATHNAME', 'previous_stage'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION previous_stage(anyenum) IS 'value before this one in its enum type; null before the first';
