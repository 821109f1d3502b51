-- What values of the stored types say, in ways that every version has: functions reading(value).
CREATE FUNCTION reading(v cjm.journey) RETURNS text LANGUAGE sql SET TimeZone = 'UTC' AS $$
	SELECT concat_ws(' / ', v::jsonb, cjm.touch_count(v), cjm.duration(v), cjm.total_value(v), cjm.event_path(v), cjm.channel_path(v),
		cjm.funnel_step(v, '* -> *@email -> *'), cjm.funnel_times(v, '* -> *'), cjm.conversions(v, '* -> *'),
		(SELECT string_agg(concat_ws(' ', s.started_at, s.ended_at, s.touch_count, s.entry_event, s.channel, s.value), '; ' ORDER BY s.session_number) FROM cjm.sessions(v) s),
		cjm_internal.journey_hash(v), cjm_internal.journey_hash_extended(v, 17))
$$;
CREATE FUNCTION reading(v cjm.funnel) RETURNS text LANGUAGE sql SET TimeZone = 'UTC' AS $$
	SELECT concat_ws(' / ', v, cjm.funnel_within(v), (SELECT string_agg(s.stage, ', ' ORDER BY s.step) FROM cjm.funnel_stages(v) s),
		(SELECT string_agg(concat_ws(' ', cjm.funnel_step(j, v), cjm.funnel_times(j, v), cjm.conversions(j, v)), '; ' ORDER BY n) FROM (VALUES
			(1, '{2026-01-01T00:00:00Z a, 2026-01-01T00:01:00Z b@email, 2026-01-01T00:02:00Z c@ads, 2026-01-03T00:00:00Z d, 2026-01-03T00:00:00Z a}'::cjm.journey),
			(2, '{2026-01-01T00:00:00Z c@ads, 2026-01-01T00:00:00Z b@email, 2026-01-01T00:00:00.000001Z a, 2026-01-20T00:00:00Z d}'),
			(3, '{2026-01-01T00:00:00Z a, 2026-01-01T00:30:00Z x, 2026-01-01T00:40:00Z b@email, 2026-01-01T00:50:00Z c@ads}')) t(n, j)),
		cjm_internal.funnel_hash(v), cjm_internal.funnel_hash_extended(v, 17))
$$;
CREATE FUNCTION reading(v cjm.funnel_stats) RETURNS text LANGUAGE sql SET TimeZone = 'UTC' AS $$
	SELECT concat_ws(' / ', v::jsonb, (SELECT string_agg(concat_ws(' ', r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.rate_low, r.rate_high,
			r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total), '; ' ORDER BY r.step) FROM cjm.report(v) r),
		(SELECT string_agg(concat_ws(' ', r.step, h.low, h.high, h.customers), '; ' ORDER BY r.step, h.low) FROM cjm.report(v) r CROSS JOIN LATERAL cjm.time_histogram(v, r.step) h WHERE r.step = 2),
		cjm_internal.funnel_stats_hash(v), cjm_internal.funnel_stats_hash_extended(v, 17))
$$;
CREATE FUNCTION reading(v cjm.journey_pattern) RETURNS text LANGUAGE sql SET TimeZone = 'UTC' AS $$
	SELECT concat_ws(' / ', v, (SELECT string_agg(concat_ws(' ', cjm.matches(j, v), cjm.match_count(j, v), cjm.match_events(j, v)), '; ' ORDER BY n) FROM (VALUES
			(1, '{2026-01-01T00:00:00Z a, 2026-01-01T00:01:00Z b@email, 2026-01-01T00:02:00Z c@ads, 2026-01-03T00:00:00Z d, 2026-01-03T00:00:00Z a}'::cjm.journey),
			(2, '{2026-01-01T00:00:00Z a, 2026-01-01T00:00:01Z a, 2026-01-01T00:00:02Z b, 2026-01-01T00:00:03Z c}')) t(n, j)),
		cjm_internal.journey_pattern_hash(v), cjm_internal.journey_pattern_hash_extended(v, 17))
$$;
