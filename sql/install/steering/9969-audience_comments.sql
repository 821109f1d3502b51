--
-- What there is to say about the tables of a map that has audiences, and which views are its audiences'
--

CREATE FUNCTION cjm_internal.audience_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('audiences', NULL, 'the audiences of this map, as create_audience was asked for them'),
		('audiences', 'name', 'its name; the views audience_name and meets_name are what it is'),
		('audiences', 'at_stage', 'the stage that its members have come to, or NULL'),
		('audiences', 'condition', 'expression over the columns of the view customers, or NULL'),
		('audiences', 'not_after', 'a stage, or events, that they have not done since, or NULL'),
		('audiences', 'after_stage', 'whether not_after is a stage; NULL without one'),
		('audiences', 'quiet_for', 'how long they have done nothing, at least, or NULL'),
		('audiences', 'since', 'how long ago they came to the stage, or were seen, at most, or NULL'),
		('audiences', 'where_is', 'which customers are asked for, NULL for all'),
		('audiences', 'include_open', 'whether those belong to it who may yet go on by themselves'),
		('audiences', 'holdout', 'the share of the customers that is never handed out'),
		('audiences', 'salt', 'what decides who they are'),
		('audiences', 'made_at', 'when it was made'),
		('audiences', 'refreshed_at', 'when it was last refreshed, NULL before'),
		('audiences', 'took', 'how long that took'),
		('audiences', 'members', 'how many members it had then, held out or not'),
		('audiences', 'asked', 'how many customers were asked then, beside for whom the clock changes the condition; NULL: all of them'),
		('audiences', 'asked_at', 'the time that it was asked for'),
		('audiences', 'asked_folded', 'how many changes had been folded into the kept journeys before'),
		('audiences', 'asked_under', 'a hash of what the answers stand on beside the journeys, and whether the clock or other customers change the condition; NULL where all are asked each time'),
		('audience_touched', NULL, 'whose kept journeys were folded since the audiences of this map were refreshed'),
		('audience_touched', 'folded', 'how many changes had been folded in all, these among them'),
		('audience_touched', 'changes', 'how many these were'),
		('audience_touched', 'customers', 'the keys of the customers'),
		('audience_members', NULL, 'who is in the audiences of this map, and who was, as refreshes saw it'),
		('audience_members', 'audience', 'the audience'),
		('audience_members', 'customer', 'the key of the customer'),
		('audience_members', 'entered_at', 'when a refresh saw them in it first'),
		('audience_members', 'left_at', 'when a refresh saw that they were not any more; NULL: they are'),
		('audience_members', 'since', 'when they came to meet its condition, as the last refresh that saw them in it had it'),
		('audience_members', 'stage', 'how far they had come in the funnel then'),
		('audience_members', 'dimensions', 'their dimensions then'),
		('audience_members', 'held_out', 'whether they are held out, and so never handed out'),
		('audience_changes', NULL, 'who came into the audiences of this map and who left, without those who are held out, in the order in which it was committed'),
		('audience_changes', 'number', 'rises with every change; numbers may be missing'),
		('audience_changes', 'audience', 'the audience'),
		('audience_changes', 'customer', 'the key of the customer'),
		('audience_changes', 'change', 'entered or left'),
		('audience_changes', 'at', 'when a refresh saw it'),
		('audience_changes', 'since', 'when they came to meet the condition of the audience'),
		('audience_changes', 'stage', 'how far they had come in the funnel'),
		('audience_changes', 'dimensions', 'their dimensions'),
		('audience_consumers', NULL, 'who takes the changes of the audiences of this map, and how far they have come'),
		('audience_consumers', 'consumer', 'the name that take_changes is called with'),
		('audience_consumers', 'taken', 'the number of the last change that was taken'),
		('audience_consumers', 'taken_at', 'when that was'),
		('audience_state', NULL, 'one row, which refreshes lock, so that one after the other tells what changed'),
		('audience_state', 'one', 'there is no other'),
		('audience_state', 'last_change', 'the number of the last change that was told')) v(relation_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.audience_comments() IS 'the comments of the tables of a map that has audiences';

-- What readers of an audience read first, so that locks are taken in their order; no view that somebody else has put there.
CREATE FUNCTION cjm_internal.audience_view_names(map regnamespace) RETURNS text[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspowner = c.relowner
	WHERE c.relnamespace = map AND c.relkind = 'v' AND c.relname ~ '^(audience|meets)_' AND obj_description(c.oid, 'pg_class') LIKE 'audience of this map: %' ORDER BY c.relname COLLATE "C");
COMMENT ON FUNCTION cjm_internal.audience_view_names(regnamespace) IS 'the views of a map that are its audiences, those that read others first';
