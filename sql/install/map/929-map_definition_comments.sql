--
-- What the columns of a map's definition are, in the words that \d+ shows.
--

CREATE FUNCTION cjm_internal.map_definition_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', NULL, 'the definition of this journey map: one row of constants'),
		('map', 'map', 'the schema of the map'),
		('map', 'source', 'the table or view that the events are in'),
		('map', 'customer', 'expression: whose event a row is'),
		('map', 'at', 'expression: when it happened'),
		('map', 'event', 'expression: what happened'),
		('map', 'channel', 'expression: where it came from, or NULL'),
		('map', 'value', 'expression: what it was worth, or NULL'),
		('map', 'segment', 'expression: the segment of the customer, or NULL'),
		('map', 'segment_at', 'which segment, or other dimension, a customer with several has, the first or the last'),
		('map', 'filter', 'condition: which rows count, or NULL for all'),
		('map', 'stages', 'the funnel'),
		('map', 'session_gap', 'what is longer ends a session'),
		('map', 'session_rule', 'what else ends a session: channel, day, or channel | day; NULL for the gap alone'),
		('map', 'session', 'expression: the session of an event, or NULL'),
		('map', 'comment', 'expression: what a customer wrote with an answer, or NULL'),
		('map', 'time_zone', 'where days, weeks and months begin'),
		('map', 'refusal', 'the events that say no, or NULL'),
		('map', 'purchase', 'the events that are a purchase, or NULL: the last stage that is not optional'),
		('map', 'visit', 'the events that are a visit, or NULL: all'),
		('map', 'sequence', 'expression: the order of events of one time, or NULL'),
		('map', 'attribution_per', 'what has a share of a conversion in the views attribution and channels: touchpoint or session'),
		('map', 'only_channels', 'whether touchpoints without a channel earn nothing in these views'),
		('map', 'source_name', 'what the source was called when the map was made'),
		('map', 'dimensions', 'expressions: other properties of the customer, by their names, or NULL'),
		('map', 'access', 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks'),
		-- Programs that reflect know text, and no type of ours.
		('map', 'stages_text', 'stages as text'),
		('map', 'refusal_text', 'refusal as text'),
		('map', 'purchase_text', 'purchase as text'),
		('map', 'visit_text', 'visit as text')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_definition_comments() IS 'the comments of the view map and of most of its columns';
