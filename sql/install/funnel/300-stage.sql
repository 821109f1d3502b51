-- Stage enums and the helpers that know the order of any enum.

CREATE TYPE cjm.aida AS ENUM ('attention', 'interest', 'desire', 'action');

COMMENT ON TYPE cjm.aida IS 'stages of the AIDA model, from attention to action';

CREATE TYPE cjm.lifecycle AS ENUM ('awareness', 'consideration', 'purchase', 'retention', 'advocacy');

COMMENT ON TYPE cjm.lifecycle IS 'stages of the customer life cycle, from awareness to advocacy';

CREATE TYPE cjm.buyer_journey AS ENUM (
	'unaware', 'problem', 'research', 'solution_choice', 'vendor_search', 'vendor_check',
	'trial', 'deal', 'use', 'repeat_purchase', 'loyalty'
);

COMMENT ON TYPE cjm.buyer_journey IS 'stages of a considered purchase, from unaware of the problem to loyalty; a refusal, which may come at any stage, is none of them';

CREATE FUNCTION cjm.stage_number(stage anyenum)
RETURNS integer
AS 'MODULE_PATHNAME', 'stage_number'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.stage_number(anyenum) IS 'place of a value in the order of its enum type, from 1';

CREATE FUNCTION cjm.next_stage(stage anyenum)
RETURNS anyenum
AS 'MODULE_PATHNAME', 'next_stage'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.next_stage(anyenum) IS 'value after this one in its enum type; null after the last';

CREATE FUNCTION cjm.previous_stage(stage anyenum)
RETURNS anyenum
AS 'MODULE_PATHNAME', 'previous_stage'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.previous_stage(anyenum) IS 'value before this one in its enum type; null before the first';
