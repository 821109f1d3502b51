--
-- interval_seconds: the length of an interval as a number
--

CREATE FUNCTION cjm.interval_seconds(length interval) RETURNS float8
	AS 'MODULE_PATHNAME', 'interval_seconds'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.interval_seconds(interval) IS 'an interval in seconds: extract(epoch FROM interval)::float8, only faster';
