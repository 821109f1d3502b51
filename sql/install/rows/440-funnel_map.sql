-- What the views of a map say of its funnel, straight from its rows.

CREATE TYPE cjm_internal.map_funnel_group AS (label text, entered tstzrange, stats cjm.funnel_stats, open cjm.funnel_stats, refused cjm.funnel_stats);
COMMENT ON TYPE cjm_internal.map_funnel_group IS 'the funnel of some customers of a map; what map_funnel_agg returns an array of';
COMMENT ON COLUMN cjm_internal.map_funnel_group.label IS 'their segment, NULL for those without one, or where none is asked for';
COMMENT ON COLUMN cjm_internal.map_funnel_group.entered IS 'the period in which their walks begin, NULL where none is asked for';
COMMENT ON COLUMN cjm_internal.map_funnel_group.stats IS 'statistics of all of them';
COMMENT ON COLUMN cjm_internal.map_funnel_group.open IS 'of those who are open, NULL if nobody is';
COMMENT ON COLUMN cjm_internal.map_funnel_group.refused IS 'of those who have refused, NULL if nobody has';

CREATE FUNCTION cjm_internal.map_funnel_step(internal, customer anyelement, at timestamptz, event text, channel text, segment text, funnel cjm.funnel, refusal cjm.funnel,
	now timestamptz, segment_at text, bucket text, time_zone text, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.map_funnel_step(internal, anyelement, timestamptz, text, text, text, cjm.funnel, cjm.funnel, timestamptz, text, text, text, tstzrange) IS
	'transition function of map_funnel_agg';

CREATE FUNCTION cjm_internal.map_funnel_final(internal) RETURNS cjm_internal.map_funnel_group[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.map_funnel_final(internal) IS 'final function of map_funnel_agg';

CREATE AGGREGATE cjm_internal.map_funnel_agg(customer anyelement, at timestamptz, event text, channel text, segment text, funnel cjm.funnel, refusal cjm.funnel,
	now timestamptz, segment_at text, bucket text, time_zone text, entered tstzrange) (
	SFUNC = cjm_internal.map_funnel_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.map_funnel_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_funnel_agg(anyelement, timestamptz, text, text, text, cjm.funnel, cjm.funnel, timestamptz, text, text, text, tstzrange) IS
	'the funnel of a map straight from its rows; one without a customer, a time or an event is ignored. Customers whose keys have the same bytes are one; channel and segment: NULL where neither the funnel nor the refusal asks for the one, and no segment is asked for; refusal: events that say no, or NULL; segment_at: first, last or NULL for none; bucket: a period or NULL; what follows the segment is the same in all rows';
