--
-- compare_report and change_report: whether figures differ by more than they always do.
--
-- Both are over the figures of 926-map_metrics.sql, period by period, so that what is
-- compared is of equal length; periods that are not over, with the time that their
-- walks have, are left out, so that it is of equal age.  How much periods differ
-- from each other is taken from them (src/statistics/compared.c).
--

-- Without "within" walks of long ago have had more time than new ones.
CREATE FUNCTION cjm_internal.steering_aged(def cjm_internal.map, period text, age interval) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF age IS NULL AND cjm.funnel_within(def.stages) IS NULL THEN
		age := CASE lower(period) WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days' WHEN 'month' THEN interval '31 days'
			WHEN 'quarter' THEN interval '92 days' ELSE interval '366 days' END;
	END IF;
	IF age IS NOT NULL THEN
		def.stages := cjm_internal.funnel_limited(def.stages, age);
	END IF;
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_aged(cjm_internal.map, text, interval) IS 'a map whose walks take no longer than an age, or where there is none and no time limit, than a period';

-- figures: SQL of what metric_report has.  Of each figure so many of its last periods that are over, in periods before the last one (0 is that one).  Of counts and sums those
-- without any have 0; visits, if all has stopped not long ago, up to the present.
CREATE FUNCTION cjm_internal.steering_series_sql(def cjm_internal.map, figures text, period text, periods integer, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	length interval := cjm_internal.map_period(period);
	ends text := least(now(), to_time)::text;
BEGIN
	RETURN format('WITH f AS (
			SELECT m.metric, m.step, m.stage, m.by_value, m.bucket_start AT TIME ZONE %2$L AS day, m.n, m.value, m.low, m.high
			FROM (%1$s) m
			WHERE m.closed AND m.bucket_start >= %3$L::timestamptz AND m.bucket_start < timestamptz ''200000-01-01 00:00+00'' AND ((m.bucket_start AT TIME ZONE %2$L) + %4$L::interval) AT TIME ZONE %2$L <= %5$L::timestamptz
		), present AS (
			SELECT date_trunc(%7$L::text, (%5$L::timestamptz - %8$L::interval) AT TIME ZONE %2$L) - %4$L::interval AS day
		), lasts AS (
			SELECT l.metric, CASE WHEN l.metric = ''visits'' AND p.day > l.day AND p.day <= l.day + %6$s * %4$L::interval THEN p.day ELSE l.day END AS day
			FROM (SELECT f.metric, max(f.day) AS day FROM f GROUP BY f.metric) l CROSS JOIN present p
		), filled AS (
			SELECT f.metric, f.step, f.stage, f.by_value, f.day, l.day AS last, f.n, f.value, f.low, f.high FROM f JOIN lasts l ON l.metric = f.metric
			UNION ALL
			SELECT b.metric, NULL::integer, NULL::text, b.by_value, g.day, l.day, 0::bigint, 0::float8, NULL::float8, NULL::float8
			FROM (SELECT f.metric, f.by_value, min(f.day) AS first, array_agg(f.day) AS days FROM f WHERE f.metric = ANY (''{visits,revenue}''::text[]) GROUP BY f.metric, f.by_value) b
				JOIN lasts l ON l.metric = b.metric
				CROSS JOIN LATERAL generate_series(greatest(b.first, l.day - %6$s * %4$L::interval), l.day, %4$L::interval) g(day)
			WHERE g.day <> ALL (b.days)
		)
		SELECT s.metric, k.kind, k.place, s.step, s.stage, s.by_value, s.day, s.last, s.n, s.value, s.low, s.high
		FROM filled s JOIN cjm_internal.map_metrics() k ON k.metric = s.metric WHERE s.day > s.last - (%6$s + 1) * %4$L::interval',
		figures, (def).time_zone, from_time, length, ends, periods, lower(period), (def).session_gap);
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_series_sql(cjm_internal.map, text, text, integer, timestamptz, timestamptz) IS 'SQL: the last periods of each figure that are over, at equal age';

-- Holm's correction: S. Holm, Scandinavian Journal of Statistics 6, 1979.  It holds however the figures depend on each other.
CREATE FUNCTION cjm_internal.steering_holm_sql(p_value text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('CASE WHEN %1$s IS NOT NULL THEN max(least(1, %1$s * (c.tests + 1 - c.rank)::float8)) OVER (ORDER BY %1$s) END', p_value);
COMMENT ON FUNCTION cjm_internal.steering_holm_sql(text) IS 'SQL: a p-value of a row c, corrected for as many tests as there are, of which it has the rank-th smallest';

CREATE FUNCTION cjm_internal.steering_compare_sql(def cjm_internal.map, figures text, period text, against integer, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT c.metric, c.step, c.stage, c.by_value, c.bucket_start, c.n, c.value, c.usual, c.usual_low, c.usual_high, c.difference, c.difference_low, c.difference_high, c.p_value, %3$s AS adjusted_p_value, c.periods
		FROM (SELECT g.*, count(g.p_value) OVER () AS tests, row_number() OVER (ORDER BY g.p_value, g.place, g.step, g.by_value COLLATE "C") AS rank
			FROM (SELECT s.metric, s.place, s.step, s.stage, s.by_value, s.last AT TIME ZONE %2$L AS bucket_start, max(s.n) FILTER (WHERE s.day = s.last) AS n, count(*) - 1 AS periods,
					(cjm_internal.periods_compared(s.kind, array_agg(s.day = s.last ORDER BY s.day), array_agg(s.n ORDER BY s.day), array_agg(s.value ORDER BY s.day),
						array_agg(s.low ORDER BY s.day), array_agg(s.high ORDER BY s.day), NULL::float8)).*
				FROM (%1$s) s GROUP BY s.metric, s.kind, s.place, s.step, s.stage, s.by_value, s.last HAVING bool_or(s.day = s.last)) g) c
		ORDER BY c.place, c.step, c.by_value COLLATE "C"',
	cjm_internal.steering_series_sql(def, figures, period, against, from_time, to_time), (def).time_zone, cjm_internal.steering_holm_sql('c.p_value'));
COMMENT ON FUNCTION cjm_internal.steering_compare_sql(cjm_internal.map, text, text, integer, timestamptz, timestamptz) IS 'SQL of compare_report, of SQL of what metric_report has of a map that steering_aged has seen';

CREATE FUNCTION cjm_internal.steering_compare(map text, wanted text, period text, from_time timestamptz, to_time timestamptz, by text, where_is jsonb, against integer, age interval)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, n bigint, value float8, usual float8, usual_low float8, usual_high float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8, periods bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	period := coalesce(period, 'week');
	against := coalesce(against, 8);
	IF NOT against BETWEEN 3 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('against must be 3 to 1000, not %s', against),
			HINT = 'It is how many periods before the last one are compared with it; of fewer than three nobody knows how much they differ.';
	END IF;
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	def := cjm_internal.steering_aged(def, period, age);
	RETURN QUERY EXECUTE cjm_internal.steering_compare_sql(def, cjm_internal.map_metrics_sql(def, cjm_internal.map_metrics_of(def, wanted, by), period, by, false), period, against, coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'));
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_compare(text, text, text, timestamptz, timestamptz, text, jsonb, integer, interval) IS 'compare_report';

CREATE FUNCTION cjm.compare_report(
	map text,
	metric text DEFAULT NULL,
	period text DEFAULT 'week',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	against integer DEFAULT 8,
	age interval DEFAULT NULL)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, n bigint, value float8, usual float8, usual_low float8, usual_high float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8, periods bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
BEGIN ATOMIC
	SELECT r.metric, r.step, r.stage, r.by_value, r.bucket_start, r.n, r.value, r.usual, r.usual_low, r.usual_high, r.difference, r.difference_low, r.difference_high, r.p_value, r.adjusted_p_value, r.periods
	FROM cjm_internal.steering_compare($1, $2, $3, $4, $5, $6, $7, $8, $9) r;
END;
COMMENT ON FUNCTION cjm.compare_report(text, text, text, timestamptz, timestamptz, text, jsonb, integer, interval) IS
'the last period that is over against those before it, figure by figure.
metric, period, by, where_is: as of metric_report; from_time, to_time: only periods that lie between
against: how many periods before it; age: only what walks had reached within so much time, so that the last period is over sooner; NULL: the time limit of the funnel, or where it has none as long as a period
n, value: of the last period that is over, which begins at bucket_start; periods: how many there are before it
usual: of those before; usual_low, usual_high: where the value lies in 95 of 100 periods in which nothing has changed, by how much periods differ from each other, which is more than chance makes customers differ
difference: value - usual, and its 95 % interval; p_value: two-sided, Student''s t; adjusted_p_value: for as many tests as there are rows (Holm): if nothing has changed, not one of all rows is at most 0.05 in 95 of 100 reports
NULL of fewer than three periods before, and of too few: 30 customers, sessions or purchases, and of a share 5 of each sort';

CREATE FUNCTION cjm_internal.steering_change(map text, at timestamptz, "window" interval, wanted text, by text, where_is jsonb, age interval)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, weeks bigint, before_n bigint, before_value float8, after_n bigint, after_value float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	weeks integer;
BEGIN
	"window" := coalesce("window", '28 days');
	IF at IS NULL OR NOT isfinite(at) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a change has to be at a moment, not %s', coalesce(at::text, 'NULL')),
			HINT = 'Moments that were noted are in the table "notes" of the map.';
	ELSIF extract(year FROM "window") <> 0 OR extract(month FROM "window") <> 0 OR mod(extract(epoch FROM "window"), 604800) <> 0 OR "window" < '7 days' OR "window" > '7000 days' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the window must be whole weeks, not %s', "window"),
			HINT = 'Before and after then have the same days of the week: 28 days.';
	END IF;
	weeks := extract(epoch FROM "window") / 604800;
	-- day: the Monday; place in weeks after the first one that begins at the moment or later, or before that which it lies in.
	RETURN QUERY EXECUTE format('WITH f AS (
			SELECT m.metric, k.kind, k.place, m.step, m.stage, m.by_value, m.bucket_start AT TIME ZONE %2$L AS day, m.n, m.value, m.low, m.high
			FROM (%1$s) m JOIN cjm_internal.map_metrics() k ON k.metric = m.metric WHERE m.closed AND m.bucket_start < timestamptz ''200000-01-01 00:00+00''
		), moment AS (
			SELECT t.week AS before, CASE WHEN t.week = t.at THEN t.week ELSE t.week + interval ''7 days'' END AS after
			FROM (SELECT $1 AT TIME ZONE %2$L AS at, date_trunc(''week'', $1 AT TIME ZONE %2$L) AS week) t
		), spans AS (
			SELECT f.metric, least(%3$s, extract(day FROM max(f.day) - m.after)::integer / 7 + 1) AS weeks FROM f CROSS JOIN moment m WHERE f.day >= m.after GROUP BY f.metric, m.after
		), compared AS (
			SELECT f.metric, f.place, f.step, f.stage, f.by_value, s.weeks::bigint AS weeks, sum(f.n) FILTER (WHERE f.day < m.before)::bigint AS before_n, sum(f.n) FILTER (WHERE f.day >= m.after)::bigint AS after_n,
				(cjm_internal.periods_compared(f.kind, array_agg(f.day >= m.after ORDER BY f.day), array_agg(f.n ORDER BY f.day), array_agg(f.value ORDER BY f.day),
					array_agg(f.low ORDER BY f.day), array_agg(f.high ORDER BY f.day), NULL::float8)).*
			FROM f JOIN spans s ON s.metric = f.metric CROSS JOIN moment m
			WHERE f.day >= m.before - s.weeks * interval ''7 days'' AND f.day < m.before OR f.day >= m.after AND f.day < m.after + s.weeks * interval ''7 days''
			GROUP BY f.metric, f.kind, f.place, f.step, f.stage, f.by_value, s.weeks
		)
		SELECT c.metric, c.step, c.stage, c.by_value, c.weeks, c.before_n, c.usual, c.after_n, c.value, c.difference, c.difference_low, c.difference_high, c.p_value, %4$s
		FROM (SELECT g.*, count(g.p_value) OVER () AS tests, row_number() OVER (ORDER BY g.p_value, g.place, g.step, g.by_value COLLATE "C") AS rank FROM compared g) c
		ORDER BY c.place, c.step, c.by_value COLLATE "C"',
		cjm_internal.map_metrics_sql(cjm_internal.steering_aged(def, 'week', age), cjm_internal.map_metrics_of(def, wanted, by), 'week', by, false), def.time_zone, weeks, cjm_internal.steering_holm_sql('c.p_value')) USING at;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_change(text, timestamptz, interval, text, text, jsonb, interval) IS 'change_report';

CREATE FUNCTION cjm.change_report(
	map text,
	at timestamptz,
	"window" interval DEFAULT '28 days',
	metric text DEFAULT NULL,
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	age interval DEFAULT NULL)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, weeks bigint, before_n bigint, before_value float8, after_n bigint, after_value float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
BEGIN ATOMIC
	SELECT r.metric, r.step, r.stage, r.by_value, r.weeks, r.before_n, r.before_value, r.after_n, r.after_value, r.difference, r.difference_low, r.difference_high, r.p_value, r.adjusted_p_value
	FROM cjm_internal.steering_change($1, $2, $3, $4, $5, $6, $7) r;
END;
COMMENT ON FUNCTION cjm.change_report(text, timestamptz, interval, text, text, jsonb, interval) IS
'figures of the weeks before a moment and of as many after it, such as that of a relaunch: whether they differ by more than weeks do.
at: the moment; the week that it lies in is in neither, unless it is its beginning. window: whole weeks on each side, so that both have the same days of the week; fewer where not so many are over
metric, by, where_is: as of metric_report; age: as of compare_report
weeks: how many on each side; before_n, after_n: what the figures are shares or means of, in all; before_value, after_value: shares of all of them, else the mean week (of amounts and times that of their logarithms)
difference: after less before, and its 95 % interval; p_value: two-sided, Student''s t, by how much the weeks of one side differ; adjusted_p_value: for as many tests as there are rows (Holm)
NULL where there is one week on each side, and of too few. What else happened at the same time, a season perhaps, is in the difference, too.';
