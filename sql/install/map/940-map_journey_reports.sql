--
-- Reports with arguments that look at the journey itself, and what to improve.
--
-- Their arguments are in the order of those in 935-map_reports.sql.
--

CREATE FUNCTION cjm.touchpoint_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, touches bigint,
		first_seen timestamptz, last_seen timestamptz, compared_within interval,
		with_customers bigint, with_went_on bigint, with_rate float8, without_customers bigint, without_rate float8,
		difference float8, difference_low float8, difference_high float8, sure boolean, touchpoint text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_touchpoints_sql(cjm_internal.map_of(map, where_is), 'by_value', coalesce(by, 'event'), cjm_internal.map_ranged(from_time, to_time), true) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.touchpoint_report(text, text, timestamptz, timestamptz, jsonb) IS
'what customers met at each stage, of walks that begin in a time range (then from step 1 on).
by: event; or channel, for touchpoints that have one; or a dimension of the map (segment), first_channel (of the customer), entry_channel or session_channel (of the walk): then by_value is what customers have there, who are compared with others who have the same
touchpoint: the event or the channel that was met
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel and session_channel
Columns as in the view touchpoints.';

CREATE FUNCTION cjm.stage_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, step integer, stage text, converted boolean, customers bigint, share float8, open_customers bigint,
		median_days_since float8, open_median_days_since float8, refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_stages_sql(cjm_internal.map_of(map, where_is), 'l.label,', by, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.stage_report(text, text, timestamptz, timestamptz, jsonb) IS
'where customers stand now, of walks that begin in a time range (then from step 1 on).
by: NULL, a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); share: of the customers with that value
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
Columns as in the view stages.';

CREATE FUNCTION cjm.transition_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	depth integer DEFAULT NULL,
	repeats boolean DEFAULT false,
	per text DEFAULT 'customer')
	RETURNS TABLE (by_value text, "position" integer, source text, target text, value bigint, customers bigint, share float8, median_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_transitions_sql(def, concat(CASE cjm_internal.map_path_split(def, by) WHEN 'NULL::text' THEN 'NULL::text, ' ELSE 't.label, ' END, CASE WHEN depth IS NULL THEN 'NULL::integer,' ELSE 't.position,' END),
		coalesce(by, 'event'), depth, coalesce(repeats, false), cjm_internal.map_ranged(from_time, to_time), true, per) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.transition_report(text, text, timestamptz, timestamptz, jsonb, integer, boolean, text) IS
'what followed what, of customers first seen in a time range.
by: event; or channel, of touchpoints that have one; or a dimension of the map (segment) or first_channel, whose customers'' events are followed apart: shares are of the same by_value
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
depth: NULL for pairs wherever they stand, or a number of positions from the beginning of journeys: then source and target begin with their position ("1. view"), so that a Sankey chart has no circles
repeats: whether the same several times running counts each time; it does not by default
per: customer, for the whole journeys of customers, or session: then nothing follows the end of a session (of a visit, if the map says what that is), and positions are those in the session
value: how often; share: of the times that the source was there at all; median_seconds: half of the times no more lies between the two, of several running from the first';

CREATE FUNCTION cjm.path_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	depth integer DEFAULT 10,
	repeats boolean DEFAULT false,
	per text DEFAULT 'customer',
	length integer DEFAULT NULL,
	after text DEFAULT NULL,
	before text DEFAULT NULL)
	RETURNS TABLE (by_value text, path text, nodes text[], customers bigint, share float8, converted bigint, rate float8, times bigint, median_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_path_report_sql(cjm_internal.map_of(map, where_is), coalesce(by, 'event'), coalesce(depth, 10), coalesce(repeats, false), per, length, after, before,
		cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.path_report(text, text, timestamptz, timestamptz, jsonb, integer, boolean, text, integer, text, text) IS
'paths of customers first seen in a time range: up to the completion of the funnel, or, where per, length, after or before say so, of sessions, of parts, or all short sequences.
by: event; or channel, of touchpoints that have one; or a dimension of the map (segment) or first_channel, whose customers'' events are followed apart: shares are of the same by_value
depth: how many places at most
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
repeats: whether the same several times running is there each time; it is not by default
per: customer, or session for a path of each session (of each visit, if the map says what that is)
length: all sequences of so many places, wherever they stand, instead of one path from the beginning
after: the path begins where this event (or channel) is first met; before: it ends there, and its last places are kept; what does not have them has no path
Columns as in the view paths, and times: how often there is this path; share: of all times; converted: of the customers, whether in this path or not; median_seconds: half of the times it takes no more from its first place to its last';

--
-- What to improve
--

-- A target has to come from somewhere.
CREATE FUNCTION cjm_internal.map_parts(map cjm_internal.map, by text, entered text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := cjm_internal.map_split(cjm_internal.map_walk_words(map, entered), by);
BEGIN
	IF (by = 'segment' AND (map).segment IS NULL) OR (by LIKE '%channel' AND (map).channel IS NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no %s to compare with', (map).map::text, by),
			HINT = 'Say which rate to reach: target => 0.5, or what to compare: by => ''segment'' or by => ''entry_channel''.';
	END IF;
	RETURN split;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_parts(cjm_internal.map, text, text) IS 'SQL: what the customers of a map are compared by; an error if the map does not have it';

-- The funnel by parts, each with its steps, and the sum of them.  Of many rates the highest is that of a small and lucky part, and even
-- the highest lower end of their intervals is, where there are many: so parts of few customers are no target, and intervals are as wide
-- as it takes for all of them to hold together (Bonferroni, see rate_interval).  What the best part reaches for sure is the target.
CREATE FUNCTION cjm.weakest_step(
	map text,
	by text DEFAULT 'segment',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	target float8 DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, customers_before bigint, customers bigint, step_rate float8, best text, best_customers bigint,
		best_rate float8, target_rate float8, more_customers float8, more_converted float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	entered text := CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END;
	split text := CASE WHEN target IS NULL THEN cjm_internal.map_parts(def, coalesce(by, 'segment'), entered) ELSE 'NULL::text' END;
BEGIN
	IF NOT (target >= 0 AND target <= 1) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('target must be a rate from 0 to 1, not %s', target);
	END IF;
	RETURN QUERY EXECUTE format('WITH parts AS MATERIALIZED (
			SELECT %2$s AS label, cjm.funnel_agg(j.journey, %1$L::cjm.funnel%4$s) AS stats FROM %3$s.journeys j%8$s GROUP BY 1
		), steps AS (
			SELECT r.step, r.stage, r.customers, r.step_rate, lag(r.customers) OVER (ORDER BY r.step) AS before,
				last_value(r.customers) OVER (ORDER BY r.step ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS converted
			FROM (SELECT cjm.rollup(p.stats) AS stats FROM parts p) whole
				CROSS JOIN LATERAL cjm.report(coalesce(whole.stats, cjm.funnel_stats(%1$L::cjm.funnel))) r
			WHERE r.step = ANY (%5$L::integer[])
		), rates AS (
			SELECT r.step, p.label, r.customers - CASE WHEN r.step > 1 THEN r.entered ELSE 0 END AS customers, lag(r.customers) OVER (PARTITION BY p.label ORDER BY r.step) AS before
			FROM parts p CROSS JOIN LATERAL cjm.report(p.stats) r
			WHERE p.label IS NOT NULL AND r.step = ANY (%5$L::integer[])
		), compared AS (
			SELECT r.step, r.label, r.before, i.rate, i.rate_low
			FROM (SELECT q.*, count(*) OVER () AS comparisons FROM rates q WHERE q.before >= %7$s) r
				CROSS JOIN LATERAL cjm.rate_interval(r.customers, r.before, r.comparisons) i
		), bests AS (
			SELECT DISTINCT ON (c.step) c.* FROM compared c ORDER BY c.step, c.rate_low DESC, c.label COLLATE "C"
		)
		SELECT g.step, g.stage, g.before, g.customers, g.step_rate, g.label, g.label_before, g.label_rate, g.target, g.more, g.more * g.rest
		FROM (SELECT s.*, b.label, b.before AS label_before, b.rate AS label_rate, t.target,
				s.before::float8 * CASE WHEN t.target > s.step_rate THEN t.target - s.step_rate WHEN t.target <= s.step_rate THEN 0 END AS more,
				CASE WHEN s.step = %6$s THEN 1 ELSE s.converted::float8 / nullif(s.customers, 0)::float8 END AS rest
			FROM steps s LEFT JOIN bests b ON b.step = s.step CROSS JOIN LATERAL (SELECT coalesce($3, b.rate_low) AS target) t
			WHERE s.step > 1) g
		ORDER BY 11 DESC NULLS LAST, g.step',
		(def).stages, split, cjm_internal.map_schema(def), ', ' || entered,
		(SELECT array_agg(DISTINCT s.step) FROM cjm.funnel_stages((def).stages) s WHERE NOT s.optional), cjm_internal.map_completed_step(def), cjm_internal.map_few(),
		cjm_internal.map_where(def, 'WHERE', cjm_internal.map_walk_words(def, entered)))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), target;
END
$$;
COMMENT ON FUNCTION cjm.weakest_step(text, text, timestamptz, timestamptz, jsonb, float8) IS
'the steps of a map by how many more customers would convert if that step alone were better, of walks that begin in a time range; the best improvement first.
by: the parts of the customers whose best one is the target: a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); target: the rate to reach instead of that, if not NULL
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
customers_before, customers, step_rate: at the mandatory step before, at this one, and the share
best: the part that surely reaches most: of those with at least 30 customers at the step before, the one with the highest lower end of the Wilson interval of its rate, all these intervals holding together with 95 % (Bonferroni)
best_customers, best_rate: how many customers it has at the step before, and its rate as counted, which luck may have a part in; target_rate: that lower end, or target
more_customers: who would be at this step beyond those who are; 0 where the best part may be no better than all
more_converted: who of them would complete the funnel, all later rates being what they are; NULL where nobody is at the step, so that no later rate is known
NULL where no part has enough customers. Optional stages, which nobody has to pass, are left out.';

-- Which step a key of rates means: its number, which no name of a stage hides, or the name of a stage that is there once.
CREATE FUNCTION cjm_internal.map_step_of(map cjm_internal.map, key text, lowest integer DEFAULT 2) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	steps integer[];
	names text[];
BEGIN
	SELECT coalesce(array_agg(r.step) FILTER (WHERE r.step::text = key), array_agg(r.step ORDER BY r.step) FILTER (WHERE r.stage = key)),
		array_agg(r.stage ORDER BY r.step)
	INTO steps, names FROM cjm.report(cjm.funnel_stats((map).stages)) r;
	IF steps IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the funnel has no step "%s"', key),
			HINT = coalesce('Did you mean "' || cjm_internal.map_nearest(key, names) || '"? ', '') ||
				format('Steps are %s to %s, or the names of stages.', lowest, cardinality(names));
	ELSIF cardinality(steps) > 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is more than one step: %s', key, array_to_string(steps, ', ')),
			HINT = 'Say which by its number, or name the stages apart.';
	ELSIF steps[1] < lowest THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('step "%s" is the first one and has no rate', key),
			HINT = format('Steps with a rate are 2 to %s.', cardinality(names));
	END IF;
	RETURN steps[1];
END
$$;
COMMENT ON FUNCTION cjm_internal.map_step_of(cjm_internal.map, text, integer) IS 'the step that a number, or else the name of a stage, means; an error if there is none or several, or if it is the first where lowest is 2';

CREATE FUNCTION cjm.what_if(
	map text,
	rates jsonb,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, customers bigint, step_rate float8, overall_rate float8,
		new_customers float8, new_step_rate float8, new_overall_rate float8, difference float8, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	mandatory integer[];
	new_rates float8[] := '{}';
	given record;
	wanted integer;
	first bigint;
	before float8;
	before_now bigint;
BEGIN
	IF rates IS NULL OR jsonb_typeof(rates) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('rates must be an object, not %s', coalesce(left(rates::text, 40), 'NULL')),
			HINT = 'Give a rate for each step to change: {"3": 0.5}, or {"checkout": 0.5}.';
	END IF;
	FOR given IN SELECT r.key, r.value FROM jsonb_each(rates) r ORDER BY r.key COLLATE "C"
	LOOP
		wanted := cjm_internal.map_step_of(def, given.key);
		IF jsonb_typeof(given.value) <> 'number' OR given.value::numeric NOT BETWEEN 0 AND 1 THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the rate of step "%s" must be a number from 0 to 1, not %s', given.key, left(given.value::text, 40));
		ELSIF new_rates[wanted] IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('rates has step %s twice, as "%s" too', wanted, given.key),
				HINT = 'Name each step once, by its number or by its stage.';
		END IF;
		new_rates[wanted] := given.value::numeric::float8;
	END LOOP;
	SELECT array_agg(DISTINCT s.step) INTO mandatory FROM cjm.funnel_stages((def).stages) s WHERE NOT s.optional;

	FOR by_value, step, stage, customers, step_rate, overall_rate IN
		SELECT f.by_value, f.step, f.stage, f.customers, f.step_rate, f.overall_rate
		FROM cjm.funnel_report(what_if.map, what_if.by, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f ORDER BY f.by_value COLLATE "C", f.step
	LOOP
		IF step = 1 THEN
			first := customers;
		END IF;
		new_step_rate := coalesce(new_rates[step], step_rate);
		-- What nothing has changed stays to the last digit.  Nobody before is nobody here, whatever the rate would be.
		new_customers := CASE WHEN step = 1 OR (before = before_now AND new_step_rate IS NOT DISTINCT FROM step_rate) THEN customers
			WHEN before = 0 THEN 0 ELSE before * new_step_rate END;
		new_overall_rate := new_customers / nullif(first, 0)::float8;
		difference := new_customers - customers;
		IF step = ANY (mandatory) THEN
			before := new_customers;
			before_now := customers;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm.what_if(text, jsonb, timestamptz, timestamptz, jsonb, text) IS
'the funnel of a map if some steps had other rates and all others kept theirs, of walks that begin in a time range.
by: as of funnel_report: then each group has the new rates, and keeps its own others
rates: an object of new step rates from 0 to 1, each by the number of the step or, where that is no number of a step, the name of its stage: {"3": 0.5, "purchase": 0.9}
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
customers, step_rate, overall_rate: as they are; new_customers, new_step_rate, new_overall_rate: as they would be; difference: new_customers - customers
As in the funnel, a rate is of the mandatory step before; to change that of an optional stage changes no other step. NULL where a rate is not known, since nobody was at the step before';

-- Who comes far has been there longer and has had more occasions to meet anything: to set all who met something against all others would find
-- everything to be good for converting.  Each customer who meets something for the first time is set against those of the same risk set: who are at
-- the same stage then, have been there as long, and have not met it (see stratified_odds_ratio).
--
-- met: customers, their stays at stages and what they met, by when; a stay ends when its stage is left, or now.  fair: the time in which nine of
-- ten who converted had done so.  points: who met something at a moment of a stage, how many who had met it before were still there, and how many of
-- all (whose stays are the rows without a kind).  risk: who met it, and the others.
CREATE FUNCTION cjm.funnel_drivers(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL)
	RETURNS TABLE (kind text, driver text, with_customers bigint, with_converted bigint, with_rate float8,
		without_customers bigint, without_rate float8,
		odds_ratio float8, odds_low float8, odds_high float8, p_value float8, adjusted_p_value float8, compared_within interval, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	words jsonb := cjm_internal.map_walk_words(def, CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END);
	split text := cjm_internal.map_split(words, by);
	distributed CONSTANT boolean := cjm_internal.map_distributed(def.source);
	columns CONSTANT text[] := '{kind,step,label,converted,took,age,met}';
BEGIN
	RETURN QUERY EXECUTE format(cjm_internal.map_if_split('WITH met AS MATERIALIZED (
			%1$s
		), fair AS (
			SELECT min(w.seconds) AS seconds, cjm_internal.map_window(min(w.seconds)) AS age, cjm_internal.map_moment(min(w.seconds)) AS until{, w.part}
			FROM (SELECT u.seconds{, m.part}, sum(m.customers) FILTER (WHERE m.took < cjm_internal.map_window(u.seconds)) AS by_then, sum(m.customers) AS ever
				FROM (SELECT m.took{, m.part}, sum(m.customers) AS customers FROM met m WHERE m.step IS NULL AND m.converted GROUP BY m.took{, m.part}) m
					CROSS JOIN unnest(cjm_internal.map_windows()) u(seconds)
				GROUP BY u.seconds{, m.part}) w
			WHERE 10 * w.by_then >= 9 * w.ever{ GROUP BY w.part}
		), counted AS (
			SELECT m.kind, m.step, m.label, m.met, m.moment, sum(m.customers) AS customers, coalesce(sum(m.customers) FILTER (WHERE m.converted), 0) AS converted{, m.part}
			FROM met m JOIN fair f ON m.age >= f.age{ AND f.part = m.part} AND (m.kind IS NULL OR m.moment < f.until) GROUP BY 1, 2, 3, 4, 5{, m.part}
		), points AS (
			SELECT p.*, sum(p.met - p.gone) OVER earlier - (p.met - p.gone) AS had_met,
				sum(p.met_converted - p.gone_converted) OVER earlier - (p.met_converted - p.gone_converted) AS had_met_converted,
				sum(p.gone) FILTER (WHERE p.kind IS NULL) OVER later AS there, sum(p.gone_converted) FILTER (WHERE p.kind IS NULL) OVER later AS there_converted
			FROM (SELECT c.kind, c.label, c.step, c.moment{, c.part}, coalesce(sum(c.customers) FILTER (WHERE c.met), 0) AS met, coalesce(sum(c.converted) FILTER (WHERE c.met), 0) AS met_converted,
					coalesce(sum(c.customers) FILTER (WHERE NOT c.met), 0) AS gone, coalesce(sum(c.converted) FILTER (WHERE NOT c.met), 0) AS gone_converted
				FROM counted c WHERE c.step IS NOT NULL GROUP BY 1, 2, 3, 4{, c.part}) p
			WINDOW earlier AS (PARTITION BY {p.part, }p.kind, p.label, p.step ORDER BY p.moment), later AS (PARTITION BY {p.part, }p.step ORDER BY p.moment DESC)
		), whole AS (
			SELECT sum(c.customers) AS customers, sum(c.converted) AS converted{, c.part} FROM counted c WHERE c.step IS NULL{ GROUP BY c.part}
		), risk AS (
			SELECT p.kind, p.label, p.step, p.moment, p.met, p.met_converted, p.there - p.had_met - p.met AS others,
				p.there_converted - p.had_met_converted - p.met_converted AS others_converted{, p.part}
			FROM points p WHERE p.met > 0 AND p.moment >= 0
			UNION ALL
			SELECT ''segment'', c.label, 0, 0, c.customers, c.converted, w.customers - c.customers, w.converted - c.converted{, c.part}
			FROM counted c JOIN whole w ON true{ AND w.part = c.part} WHERE c.step IS NULL AND c.label IS NOT NULL
		), tested AS (
			SELECT s.kind, s.label{, s.part}, s.customers, s.converted, s.others, s.others_rate, o.odds_ratio, o.odds_low, o.odds_high, CASE WHEN s.customers >= %2$s AND s.others >= %2$s THEN o.p_value END AS p_value
			FROM (SELECT r.kind, r.label{, r.part}, sum(r.met)::bigint AS customers, sum(r.met_converted)::bigint AS converted, max(r.others)::bigint AS others,
					sum(r.met * r.others_converted / r.others ORDER BY r.step, r.moment) / sum(r.met) AS others_rate,
					array_agg(r.met_converted::bigint ORDER BY r.step, r.moment) AS hits, array_agg(r.met::bigint ORDER BY r.step, r.moment) AS trials,
					array_agg(r.others_converted::bigint ORDER BY r.step, r.moment) AS other_hits, array_agg(r.others::bigint ORDER BY r.step, r.moment) AS other_trials
				FROM risk r WHERE r.others > 0 GROUP BY 1, 2{, 3}) s
				CROSS JOIN LATERAL cjm.stratified_odds_ratio(s.hits, s.trials, s.other_hits, s.other_trials) o
		), ranked AS (
			SELECT t.*, t.p_value * count(t.p_value) OVER () / count(*) OVER (ORDER BY t.p_value) AS scaled FROM tested t
		)
		SELECT r.kind, r.label, r.customers, r.converted, r.converted::float8 / r.customers::float8, r.others, r.others_rate,
			r.odds_ratio, r.odds_low, r.odds_high, r.p_value,
			CASE WHEN r.p_value IS NOT NULL THEN least(1, min(r.scaled) OVER (ORDER BY r.p_value DESC NULLS LAST)) END,
			justify_hours(make_interval(secs => f.seconds)), %3$s
		FROM ranked r JOIN fair f ON true{ AND f.part = r.part}
		ORDER BY {%3$s COLLATE "C", }r.p_value IS NULL, greatest(ln(r.odds_low), -ln(r.odds_high)) DESC, r.kind COLLATE "C", r.label COLLATE "C"', by IS NOT NULL),
		cjm_internal.map_moments_sql(def, CASE WHEN by IS NULL THEN columns ELSE columns || 'part'::text END,
			'x.kind, x.step, (CASE WHEN x.step IS NULL THEN j.segment ELSE x.label END) COLLATE "C" AS label, x.converted,
				CASE WHEN x.step IS NULL THEN cjm_internal.map_window(x.seconds) END AS took, cjm_internal.map_window(date_part(''epoch'', now() - x.began_at)) AS age, p.met'
				|| CASE WHEN by IS NULL THEN '' ELSE ', j.part COLLATE "C" AS part' END,
			'CASE WHEN p.met THEN coalesce(cjm_internal.map_moment(x.met_after), -1) ELSE cjm_internal.map_moment(least(x.stayed, date_part(''epoch'', now() - x.reached_at))) END',
			'{}',
			format('FROM %s CROSS JOIN LATERAL cjm.funnel_exposures(j.journey, %L::cjm.funnel, %s) x CROSS JOIN (VALUES (true), (false)) p(met)
			WHERE (x.kind IS NOT NULL OR NOT p.met) AND (date_part(''epoch'', now() - x.reached_at) >= coalesce(x.met_after, 0)) IS NOT FALSE%s',
				-- A part is text that is never NULL, so that it can be joined by.  Citus takes no OFFSET, and fetches no key for it.
				CASE WHEN by IS NULL THEN cjm_internal.map_schema(def) || '.journeys j'
					ELSE format('(SELECT %s, coalesce(''='' || (%s), '''') AS part FROM %s.journeys j%s%s) j', CASE WHEN distributed THEN 'j.customer, j.journey, j.segment' ELSE 'j.journey, j.segment' END, split,
						cjm_internal.map_schema(def), cjm_internal.map_where(def, 'WHERE', words), CASE WHEN NOT distributed THEN ' OFFSET ''0''' END) END,
				(def).stages, CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END,
				CASE WHEN by IS NULL THEN cjm_internal.map_where(def, 'AND', words) END)),
		cjm_internal.map_few(), CASE WHEN by IS NULL THEN 'NULL::text' ELSE 'CASE WHEN r.part <> '''' THEN substr(r.part, 2) END' END)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.funnel_drivers(text, timestamptz, timestamptz, jsonb, text) IS
'what goes with converting: each event and channel that customers met before they converted, and each segment, of walks that begin in a time range; the strongest first.
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
by: NULL, a dimension of the map (segment), first_channel (of the customer), channel or entry_channel (of the first touchpoint of the winning walk), session_channel (of the session in which the walk began): customers are compared with others who have the same by_value, and p-values are adjusted for all that is shown
kind, driver: event, channel or segment, and which; touchpoints that match a stage after the first, or what the funnel excludes, are no drivers
Each customer who met it is compared, at the time they met it first, with those who were at the same stage, had been there as long, and had not met it: whoever comes far has more occasions to meet anything
with_customers, with_converted, with_rate: customers who began the funnel and met it, where there is anybody to compare them with, who of them converted, and the share
without_customers: the others, where there are most of them; without_rate: the share of them that converted, mean over with_customers; of a segment these are all others
compared_within: the time, rounded up, in which nine of ten of those who converted had done so since they began; only what was met within it of reaching a stage is compared, of customers who began so long ago
odds_ratio, odds_low, odds_high: odds of converting with it over those without it, of all these comparisons (Mantel and Haenszel), and the 95 % interval (Robins, Breslow and Greenland)
p_value: two-sided (Mantel and Haenszel); NULL where fewer than 30 customers met it or did not, or too few conversions are expected for the test (Mantel and Fleiss)
adjusted_p_value: for as many tests as there are p-values (Benjamini and Hochberg): of all rows with at most 0.05 one in twenty is expected to be chance
strongest: by the end of the interval that is nearer to 1; what has no p-value comes last. What goes with converting need not be what makes customers convert.';
