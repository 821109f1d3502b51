--
-- The query of a map that is about feedback: what customers answered, where they
-- stood in the funnel and what had just happened, and whether they went on.
--
-- An answer is a touchpoint of the event that the map names for NPS, CSAT or CES;
-- its value is the score.  What is no score of the survey is no answer here, and
-- is told by check_map: bad data makes no view fail.
--

-- An error for surveys that could not be told apart, or that have no scores.
CREATE FUNCTION cjm_internal.map_check_answers(value text, nps text, csat text, ces text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	survey record;
BEGIN
	FOR survey IN SELECT a.name, a.event, lead(a.name) OVER w AS other, lead(a.event) OVER w AS other_event
		FROM (VALUES ('nps', nps), ('csat', csat), ('ces', ces)) a(name, event) WHERE a.event IS NOT NULL WINDOW w AS (ORDER BY a.event)
	LOOP
		IF survey.event = '' THEN
			RAISE invalid_parameter_value USING MESSAGE = format('%s must not be an empty event', survey.name);
		ELSIF survey.event = survey.other_event THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s and %s are the same event "%s"', survey.name, survey.other, survey.event),
				HINT = 'Each survey has an event of its own: make one with an expression, such as event => ''kind || '' '' || question''.';
		ELSIF value IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s is answered by a value, but the map has none', survey.name),
				HINT = 'Say where the score is: value => ''...''.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_answers(text, text, text, text) IS 'an error if the events of the surveys of a map cannot be';

CREATE FUNCTION cjm_internal.map_is_score(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(t.value = trunc(t.value) AND CASE t.event WHEN %L THEN t.value BETWEEN 0 AND 10 WHEN %L THEN t.value BETWEEN 1 AND 5
	WHEN %L THEN t.value BETWEEN 1 AND 7 END, false)', (map).nps, (map).csat, (map).ces);
COMMENT ON FUNCTION cjm_internal.map_is_score(cjm_internal.map) IS 'SQL: whether a touchpoint t has a score of its survey';

CREATE TYPE cjm_internal.map_answer AS (
	at timestamptz,
	event text,
	value float8,
	step integer,
	open boolean,
	last_event text
);
COMMENT ON TYPE cjm_internal.map_answer IS
	'a touchpoint that is an answer, with the step that its customer had reached, whether a walk went on, and the last event that is no answer';
COMMENT ON COLUMN cjm_internal.map_answer.at IS 'when it was given';
COMMENT ON COLUMN cjm_internal.map_answer.event IS 'the survey';
COMMENT ON COLUMN cjm_internal.map_answer.value IS 'the answer';
COMMENT ON COLUMN cjm_internal.map_answer.step IS 'the step that the customer had reached, 0 for none';
COMMENT ON COLUMN cjm_internal.map_answer.open IS 'whether a walk could still go on';
COMMENT ON COLUMN cjm_internal.map_answer.last_event IS 'the last event that is no answer, or NULL';

CREATE FUNCTION cjm_internal.map_answers(journey cjm.journey, stages cjm.funnel, events text[], now timestamptz) RETURNS cjm_internal.map_answer[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 300;
COMMENT ON FUNCTION cjm_internal.map_answers(cjm.journey, cjm.funnel, text[], timestamptz) IS
	'the touchpoints of some events, and where the customer stood in the funnel at each: for the view feedback';

-- What counts at an answer is the journey up to it and what happened at the same time.  Answers whose time to go on is not over count in
-- no rate, whether their customer has gone on or not: else what is new would look bad.  At step 0 that time runs from the answer.
-- Nor do answers of customers who are open, by a walk that they began since.  Journeys without answers are not opened.
CREATE FUNCTION cjm_internal.map_feedback_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers text[] := cjm_internal.map_answer_events(map);
	split text := cjm_internal.map_split(cjm_internal.map_words(map), by, (map).groups);
BEGIN
	RETURN format('SELECT %11$s s.step, %2$s[s.step] AS stage, s.event, s.answers,
			s.nps_answers, s.nps, s.nps_interval[1] AS nps_low, s.nps_interval[2] AS nps_high,
			s.csat_answers, s.csat, s.csat_interval[1] AS csat_low, s.csat_interval[2] AS csat_high,
			s.ces_answers, s.ces, s.ces_interval[1] AS ces_low, s.ces_interval[2] AS ces_high,
			s.decided, s.dropped, s.dropped::float8 / nullif(s.decided, 0)::float8 AS drop_rate,
			s.unhappy, s.unhappy_dropped::float8 / nullif(s.unhappy, 0)::float8 AS unhappy_drop_rate,
			s.happy, s.happy_dropped::float8 / nullif(s.happy, 0)::float8 AS happy_drop_rate, s.nps_mean, s.csat_mean
		FROM (SELECT %12$sr.step, r.event, count(*) AS answers,
				count(*) FILTER (WHERE r.survey = ''nps'') AS nps_answers, cjm.nps(r.score) FILTER (WHERE r.survey = ''nps'') AS nps,
				cjm.nps_interval(r.score) FILTER (WHERE r.survey = ''nps'') AS nps_interval,
				avg(r.score) FILTER (WHERE r.survey = ''nps'') AS nps_mean, avg(r.score) FILTER (WHERE r.survey = ''csat'') AS csat_mean,
				count(*) FILTER (WHERE r.survey = ''csat'') AS csat_answers, cjm.csat(r.score) FILTER (WHERE r.survey = ''csat'') AS csat,
				cjm.csat_interval(r.score) FILTER (WHERE r.survey = ''csat'') AS csat_interval,
				count(*) FILTER (WHERE r.survey = ''ces'') AS ces_answers, cjm.ces(r.score) FILTER (WHERE r.survey = ''ces'') AS ces,
				cjm.ces_interval(r.score) FILTER (WHERE r.survey = ''ces'') AS ces_interval,
				count(r.dropped) AS decided, count(*) FILTER (WHERE r.dropped) AS dropped,
				count(r.dropped) FILTER (WHERE r.unhappy) AS unhappy, count(*) FILTER (WHERE r.dropped AND r.unhappy) AS unhappy_dropped,
				count(r.dropped) FILTER (WHERE r.happy) AS happy, count(*) FILTER (WHERE r.dropped AND r.happy) AS happy_dropped
			FROM (SELECT CASE t.event WHEN %6$L THEN ''nps'' WHEN %7$L THEN ''csat'' ELSE ''ces'' END AS survey, t.value AS score,
					t.step, t.last_event AS event,
					CASE t.event WHEN %6$L THEN t.value >= 9 WHEN %7$L THEN t.value >= 4 ELSE t.value >= 5 END AS happy,
					CASE t.event WHEN %6$L THEN t.value <= 6 WHEN %7$L THEN t.value <= 2 ELSE t.value <= 3 END AS unhappy,
					CASE WHEN t.step < %3$s AND NOT f.open AND NOT t.open AND (t.step > 0 OR coalesce(t.at + %4$L::interval < now(), true))
						THEN f.step = t.step END AS dropped%13$s
				FROM %5$s.journeys j
					CROSS JOIN LATERAL (SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel) AS step,
						cjm.funnel_open(j.journey, %1$L::cjm.funnel, now()) AS open FROM (VALUES (1)) one OFFSET 0) f
					CROSS JOIN LATERAL unnest(cjm_internal.map_answers(j.journey, %1$L::cjm.funnel, %10$L::text[], now())) t
				WHERE (%8$s) AND %9$s%14$s) r
			GROUP BY %12$sr.step, r.event) s
		ORDER BY %15$ss.step, s.answers DESC, s.event COLLATE "C"',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm.funnel_within((map).stages), cjm_internal.map_schema(map), (map).nps, (map).csat,
		(SELECT coalesce(string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR '), 'false') FROM unnest(answers) a(event)),
		cjm_internal.map_is_score(map), answers, lead, CASE WHEN by IS NOT NULL THEN 'r.label, ' END, CASE WHEN by IS NOT NULL THEN format(', %s AS label', split) END,
		concat(CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END, cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map))), CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_feedback_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view feedback and of feedback_report';

CREATE FUNCTION cjm.feedback_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, step integer, stage text, event text, answers bigint, nps_answers bigint, nps float8, nps_low float8, nps_high float8,
		csat_answers bigint, csat float8, csat_low float8, csat_high float8, ces_answers bigint, ces float8, ces_low float8, ces_high float8,
		decided bigint, dropped bigint, drop_rate float8, unhappy bigint, unhappy_drop_rate float8, happy bigint, happy_drop_rate float8, nps_mean float8, csat_mean float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_feedback_sql(cjm_internal.map_of(map, where_is), CASE WHEN by IS NULL THEN 'NULL::text,' ELSE 's.label,' END, by, cjm_internal.map_ranged(from_time, to_time))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.feedback_report(text, text, timestamptz, timestamptz, jsonb) IS
'what customers answered in a time range, and whether they went on.
by: NULL, a dimension of the map (segment), or first_channel
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
Columns as in the view feedback.';

CREATE FUNCTION cjm_internal.map_feedback_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', 'nps', 'the event whose value is an answer from 0 to 10, or NULL'),
		('map', 'csat', 'the event whose value is an answer from 1 to 5, or NULL'),
		('map', 'ces', 'the event whose value is an answer from 1 to 7, or NULL'),

		('feedback', NULL, 'one row per stage and touchpoint: what customers answered there, and whether they went on'),
		('feedback', 'step', 'the step that the customer stood at when answering; 0 is before the first'),
		('feedback', 'stage', 'its name'),
		('feedback', 'event', 'the last event before the answer that is no answer itself; NULL if there is none'),
		('feedback', 'answers', 'answers with a score, of all surveys'),
		('feedback', 'nps_answers', 'answers from 0 to 10'),
		('feedback', 'nps', 'their Net Promoter Score, -100 to 100'),
		('feedback', 'nps_low', 'lower end of its 95 % interval'),
		('feedback', 'nps_high', 'upper end of it'),
		('feedback', 'csat_answers', 'answers from 1 to 5'),
		('feedback', 'csat', 'the share of 4 and 5 among them'),
		('feedback', 'csat_low', 'lower end of its 95 % interval'),
		('feedback', 'csat_high', 'upper end of it'),
		('feedback', 'ces_answers', 'answers from 1 to 7'),
		('feedback', 'ces', 'their mean, the Customer Effort Score'),
		('feedback', 'ces_low', 'lower end of its 95 % interval; NULL for one answer'),
		('feedback', 'ces_high', 'upper end of it'),
		('feedback', 'decided', 'answers of customers who had not completed the funnel, whose time to do so is over and who are not open; the rates are of these'),
		('feedback', 'dropped', 'those of them whose customer came no further'),
		('feedback', 'drop_rate', 'their share'),
		('feedback', 'unhappy', 'the decided answers that are 0 to 6 of NPS, 1 or 2 of CSAT, 1 to 3 of CES'),
		('feedback', 'unhappy_drop_rate', 'drop_rate of these'),
		('feedback', 'happy', 'the decided answers that are 9 or 10 of NPS, 4 or 5 of CSAT, 5 to 7 of CES'),
		('feedback', 'happy_drop_rate', 'drop_rate of these'),
		('feedback', 'nps_mean', 'mean of the answers from 0 to 10'),
		('feedback', 'csat_mean', 'mean of the answers from 1 to 5')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_feedback_comments() IS 'the comments of feedback and of the columns of map that it reads';
