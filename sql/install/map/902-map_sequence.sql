--
-- The order of events of one time, where a map has it from the rows.
--
-- A journey orders the touchpoints of one time by their labels.  A map with a
-- sequence adds that to their times, as microseconds.
--

CREATE FUNCTION cjm_internal.map_in_sequence(at timestamptz, sequence bigint) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'map_in_sequence'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.map_in_sequence(timestamptz, bigint) IS 'a time and so many microseconds; the time as it is where there is no number, or no such time';

-- What the source has at a time, and where it is moved to: the times of which an event would come to the next time of its customer, or
-- would be moved by a second or more.
CREATE FUNCTION cjm_internal.map_sequence_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT p.* FROM (
		SELECT t.*, lead(t.at) OVER w AS next_at, lead(t.least) OVER w AS next_least
		FROM (SELECT s.customer, s.at, min(s.place) AS least, max(s.place) AS most, count(*) AS touches
			FROM (SELECT %1$s AS customer, %2$s AS at, %3$s AS event, coalesce(%4$s, 0) AS place FROM %5$s%6$s) s
			WHERE s.customer IS NOT NULL AND isfinite(s.at) AND s.event <> '''' GROUP BY s.customer, s.at) t
		WINDOW w AS (PARTITION BY t.customer ORDER BY t.at)) p
	WHERE cjm_internal.map_in_sequence(p.at, p.most) >= cjm_internal.map_in_sequence(p.next_at, p.next_least) OR p.most >= 1000000 OR p.least <= -1000000',
	(map).customer, (map).at, (map).event, (map).sequence, (map).source, ' WHERE ' || (map).filter);
COMMENT ON FUNCTION cjm_internal.map_sequence_sql(cjm_internal.map) IS 'SQL: the times of customers that the sequence of a map moves too far';

-- A row that comes later may be moved too far all the same: no view fails of it, and check_map tells.
CREATE FUNCTION cjm_internal.map_check_sequence(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	far record;
BEGIN
	IF (map).sequence IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT cjm_internal.map_text(f.customer, $1) AS customer, cjm_internal.map_text(f.at, $1) AS at, cjm_internal.map_text(f.next_at, $1) AS next_at,
			f.least, f.most, f.next_least, f.most >= 1000000 OR f.least <= -1000000 AS seconds FROM (%s) f
			ORDER BY f.at, cjm_internal.map_text(f.customer, $1) COLLATE "C" LIMIT 1', cjm_internal.map_sequence_sql(map)) INTO far USING (map).time_zone;
	IF far.at IS NULL THEN
		RETURN;
	ELSIF far.seconds THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('sequence would move an event by a second or more: that of customer %s at %s, by %s microseconds', far.customer, far.at,
				CASE WHEN far.most >= 1000000 THEN far.most ELSE far.least END),
			HINT = 'Give what numbers the events of one time, from 0: a column that begins anew with each, or id % 1000000.';
	END IF;
	RAISE invalid_parameter_value USING
		MESSAGE = format('sequence would move an event to the next one or past it: that of customer %s at %s, by %s microseconds', far.customer, far.at, far.most),
		DETAIL = format('The next one is at %s, and would be moved by %s.', far.next_at, far.next_least),
		HINT = 'Give what numbers the events of one time, from 0, and less than times lie apart.';
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_sequence(cjm_internal.map) IS 'an error, which says where, if the sequence of a map moves an event of its rows too far';
