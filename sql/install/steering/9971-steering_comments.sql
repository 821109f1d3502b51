--
-- What there is to say about the tables and views of a map that is steered
--

CREATE FUNCTION cjm_internal.steering_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 60
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('notes', NULL, 'moments of this map that charts show: what happened'),
		('notes', 'at', 'when it happened'),
		('notes', 'text', 'what it was'),
		('notes', 'written_at', 'when that was written down')) v(relation_name, column_name, comment)
	UNION ALL
	SELECT a.relation_name, a.column_name, a.comment FROM cjm_internal.audience_comments() a;
END;
COMMENT ON FUNCTION cjm_internal.steering_comments() IS 'the comments of what a map that is steered has beside its views';
