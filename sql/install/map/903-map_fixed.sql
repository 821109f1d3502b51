--
-- What expressions of maps call in the place of functions whose answer depends on the settings of whoever asks.
-- Each works under settings that are always the same, and in the time zone that it is given.
--

CREATE FUNCTION cjm_internal.map_text(value anyelement, time_zone text) RETURNS text
	AS 'MODULE_PATHNAME', 'map_text'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_text(anyelement, text) IS
	'a value as text: times in the zone, ISO dates, intervals as postgres writes them, floats that read back equal, bytea in hex';

CREATE FUNCTION cjm_internal.map_json(value anyelement, time_zone text) RETURNS json
	AS 'MODULE_PATHNAME', 'map_json'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_json(anyelement, text) IS 'a value as json, with what is text in it as map_text writes it';

CREATE FUNCTION cjm_internal.map_jsonb(value anyelement, time_zone text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'map_jsonb'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_jsonb(anyelement, text) IS 'a value as jsonb, with what is text in it as map_text writes it';

-- The example is NULL, which decides the type.
CREATE FUNCTION cjm_internal.map_read(value text, time_zone text, date_order text, example anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME', 'map_read'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_read(text, text, text, anyelement) IS
	'the value that a text is, of the type of the example: a time without a zone is in the one given, and dates are in the order DMY, MDY or YMD';

CREATE FUNCTION cjm_internal.map_to_timestamp(value text, format text, time_zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'map_to_timestamp'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_to_timestamp(text, text, text) IS 'to_timestamp, of a local time in the zone unless the text says another';

CREATE FUNCTION cjm_internal.map_shift(at timestamptz, shift interval, time_zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'map_shift'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_shift(timestamptz, interval, text) IS 'a time and an interval, the days and months of which are those of the calendar in the zone';
