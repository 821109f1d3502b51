--
-- take_changes: each change of an audience once to each consumer
--
-- Numbers are given in the order in which refreshes are committed (9982-audience_refresh.sql), so what a
-- consumer has taken is one number.  It is moved in the consumer's own transaction, which
-- holds its row until it ends: what is rolled back, or dies, has not been taken, and is taken by
-- the next call.
--

-- A task, for whoever has the rights of the map's owner, and called as they are by whom the owner lets write there.
CREATE FUNCTION cjm_internal.audience_take(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	consumer text := arguments ->> 'consumer';
	known boolean;
	taken bigint;
	last bigint;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.audience_consumers c WHERE c.consumer = $1)', schema) INTO known USING consumer;
	IF NOT known THEN
		EXECUTE format('INSERT INTO %s.audience_consumers (consumer, taken) VALUES ($1, 0) ON CONFLICT DO NOTHING', schema) USING consumer;
	END IF;
	EXECUTE format('SELECT c.taken FROM %s.audience_consumers c WHERE c.consumer = $1 FOR UPDATE SKIP LOCKED', schema) INTO taken USING consumer;
	IF taken IS NULL THEN
		RAISE NOTICE 'another session is taking changes as "%"', consumer;
		RETURN jsonb_build_object('after', 0, 'to', 0);
	END IF;
	EXECUTE format('SELECT max(n.number) FROM (SELECT c.number FROM %s.audience_changes c WHERE c.number > $1 ORDER BY c.number LIMIT $2) n', schema)
		INTO last USING taken, (arguments ->> 'at_most')::bigint;
	IF last IS NOT NULL THEN
		EXECUTE format('UPDATE %s.audience_consumers c SET taken = $2, taken_at = clock_timestamp() WHERE c.consumer = $1', schema) USING consumer, last;
	END IF;
	RETURN jsonb_build_object('after', taken, 'to', coalesce(last, taken));
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_take(jsonb) IS 'a task: takes the next changes for a consumer; says after which number and up to which';

CREATE FUNCTION cjm.take_changes(map text, consumer text, at_most bigint DEFAULT 1000)
	RETURNS TABLE (number bigint, audience text, customer text, change text, at timestamptz, since timestamptz, stage text, dimensions jsonb)
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	holder oid := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
	arguments jsonb := jsonb_build_object('map', def.map::oid::bigint, 'consumer', consumer, 'at_most', at_most);
	taken jsonb;
BEGIN
	IF coalesce(consumer, '') = '' THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the consumer has no name',
			HINT = 'Whoever takes changes has one, such as ''mailer'': each consumer is handed each change once.';
	ELSIF coalesce(at_most, 0) < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('at_most must be at least 1, not %s', coalesce(at_most::text, 'NULL')), HINT = 'It is how many changes are taken at a time.';
	ELSIF NOT cjm_internal.steering_has(def, 'audience_changes') THEN
		RAISE undefined_object USING MESSAGE = format('the map "%s" has no audiences', map), HINT = 'cjm.create_audience makes one.';
	END IF;
	taken := CASE WHEN pg_has_role(holder, 'USAGE') THEN cjm_internal.map_call_as('cjm_internal.audience_take'::regproc, holder, arguments) ELSE cjm_internal.audience_take(arguments) END;
	RETURN QUERY EXECUTE format('SELECT c.number, c.audience, c.customer::text, c.change, c.at, c.since, c.stage, c.dimensions
		FROM %s.audience_changes c WHERE c.number > $1 AND c.number <= $2 ORDER BY c.number', cjm_internal.map_schema(def)) USING (taken ->> 'after')::bigint, (taken ->> 'to')::bigint;
END
$$;
COMMENT ON FUNCTION cjm.take_changes(text, text, bigint) IS
'who came into the audiences of a map and who left, in order: the next ones that the consumer has not taken yet, and no more than at_most. They are taken when the transaction is committed; if it is not, the next call gives them again
change: entered or left; customer: the key as text; nobody who is held out. No row, and a notice, if another session is taking as the same consumer';

--
-- audience_report: did it work to address them?
--

CREATE FUNCTION cjm.audience_report(map text, name text, from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL, within interval DEFAULT NULL)
	RETURNS TABLE (handed_out bigint, converted bigint, rate float8, rate_low float8, rate_high float8, held_out bigint, held_out_converted bigint, held_out_rate float8, held_out_rate_low float8, held_out_rate_high float8,
		difference float8, difference_low float8, difference_high float8, p_value float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	schema text := cjm_internal.map_schema(def);
	upto text := 'cjm_internal.map_shift(m.entered_at, $4, $5)';
BEGIN
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	PERFORM cjm_internal.audience_view(def, name, 'audience');
	IF within <= interval '0' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('within must be a time span, not %s', within), HINT = 'It is how long after they came into the audience a conversion counts: within => ''7 days''.';
	END IF;
	RETURN QUERY EXECUTE format('SELECT g.customers, g.converted, r.rate, r.rate_low, r.rate_high, g.held, g.held_converted, h.rate, h.rate_low, h.rate_high, d.difference, d.difference_low, d.difference_high, d.p_value
		FROM (SELECT count(*) FILTER (WHERE NOT m.held_out) AS customers, count(*) FILTER (WHERE NOT m.held_out AND c.converted) AS converted,
				count(*) FILTER (WHERE m.held_out) AS held, count(*) FILTER (WHERE m.held_out AND c.converted) AS held_converted
			FROM (SELECT f.customer, min(f.entered_at) AS entered_at, bool_or(f.held_out) AS held_out FROM %1$s.audience_members f WHERE f.audience = $1 GROUP BY f.customer) m
				LEFT JOIN %1$s.journeys j ON j.customer %2$s m.customer
				LEFT JOIN LATERAL (SELECT EXISTS (SELECT FROM cjm.purchases(j.journey, %3$L::cjm.funnel, m.entered_at, %4$s) p WHERE p.number IS NOT NULL) AS converted OFFSET ''0'') c ON true
			WHERE ($2 IS NULL OR m.entered_at >= $2) AND ($3 IS NULL OR m.entered_at < $3)%5$s) g
			LEFT JOIN LATERAL cjm.rate_interval(g.converted, g.customers, 1::bigint) r ON true
			LEFT JOIN LATERAL cjm.rate_interval(g.held_converted, g.held, 1::bigint) h ON true
			LEFT JOIN LATERAL cjm.rate_difference(g.converted, g.customers, g.held_converted, g.held) d ON true',
		schema, cjm_internal.kept_equals(def), cjm_internal.map_purchase(def), CASE WHEN within IS NULL THEN '''infinity''::timestamptz' ELSE upto END,
		CASE WHEN within IS NOT NULL THEN format(' AND %s <= now()', upto) END)
		USING name, from_time, to_time, within, def.time_zone;
END
$$;
COMMENT ON FUNCTION cjm.audience_report(text, text, timestamptz, timestamptz, interval) IS
'whether it worked to address an audience: how many of its members, handed out and held out, purchased after a refresh saw them in it first, the rates with their 95 % intervals, and their difference (rate_difference)
from_time, to_time: when they came into it; within: how long after that a purchase counts; then those alone are counted for whom that time is over';
