--
-- walks: all tries of a customer in a funnel; funnel_touchpoints: what the winning walk took
--

CREATE TYPE cjm.walk AS (
	walk_number bigint,
	step integer,
	started_at timestamptz,
	ended_at timestamptz,
	times timestamptz[],
	converted boolean,
	touchpoints cjm.touchpoint[]
);
COMMENT ON TYPE cjm.walk IS 'one of the walks of a customer in a funnel, which share no touchpoint';
COMMENT ON COLUMN cjm.walk.walk_number IS 'number of the walk in its journey, from 1, in time order';
COMMENT ON COLUMN cjm.walk.step IS 'how far it came';
COMMENT ON COLUMN cjm.walk.started_at IS 'time of its first touchpoint';
COMMENT ON COLUMN cjm.walk.ended_at IS 'time of its last touchpoint';
COMMENT ON COLUMN cjm.walk.times IS 'its time at each stage, NULL where it did not pass';
COMMENT ON COLUMN cjm.walk.converted IS 'whether it reached the last mandatory stage';
COMMENT ON COLUMN cjm.walk.touchpoints IS 'the touchpoint that it took at each stage, NULL where it did not pass';

CREATE FUNCTION cjm.walks(journey cjm.journey, funnel cjm.funnel, entered tstzrange DEFAULT '(,)'::tstzrange) RETURNS SETOF cjm.walk
	AS 'MODULE_PATHNAME', 'journey_walks'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.walks(cjm.journey, cjm.funnel, tstzrange) IS
'the tries of a customer, in time order: the winning walk, and then the same again among the touchpoints before its first time and among those at or after its last that it did not take.
entered: where walks may begin';

CREATE FUNCTION cjm.funnel_touchpoints(journey cjm.journey, funnel cjm.funnel, entered tstzrange DEFAULT '(,)'::tstzrange) RETURNS cjm.touchpoint[]
	AS 'MODULE_PATHNAME', 'journey_funnel_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.funnel_touchpoints(cjm.journey, cjm.funnel, tstzrange) IS
'the touchpoint that the winning walk took at each stage, NULL for a stage that it did not pass; their times are funnel_times.
Where several of one time match, stage by stage the first one, by event, channel and value, that leaves a walk of these times possible; of an unordered funnel at each step the first one that adds a stage.
entered: where walks may begin';

CREATE FUNCTION cjm_internal.latest_walk(journey cjm.journey, funnel cjm.funnel, OUT step integer, OUT ended_at timestamptz)
	AS 'MODULE_PATHNAME', 'journey_latest_walk'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.latest_walk(cjm.journey, cjm.funnel) IS 'the last of walks(journey, funnel): how far it came, and when; NULL if there is none';
