--
-- refresh_audiences: who came into the audiences of a map, and who left
--
-- A refresh compares what an audience's view says with the members that are written down, in one
-- statement and so in one snapshot, and writes down what changed.  It locks the one row
-- of audience_state until its transaction ends, so that of two refreshes of a map one is
-- over before the other looks: nobody comes twice, and the numbers of changes rise in
-- the order in which they are committed.  What take_changes relies on is that whoever sees a
-- number sees all lower ones that there will ever be.
--
-- Over kept journeys those are asked who may have come or gone since the refresh before
-- (9981-audience_asked.sql), where that can be known; else all are, in one pass over the
-- journeys, most of which their ends decide, or one and a look at those who differ.
-- Where nobody is a member yet there is nothing to compare: all who meet the condition come.
--

-- Why an audience cannot be refreshed, after its map was made anew; NULL if it can.
CREATE FUNCTION cjm_internal.audience_broken(def cjm_internal.map, at_stage text, after_stage text, where_is jsonb) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text;
BEGIN
	IF at_stage IS NOT NULL AND cjm_internal.audience_step(def.stages, at_stage) IS NULL THEN
		RETURN format('the map has no stage "%s" any more', at_stage);
	ELSIF after_stage IS NOT NULL AND cjm_internal.audience_stage_events(def.stages, after_stage) IS NULL THEN
		RETURN format('the map has no stage "%s" any more', after_stage);
	END IF;
	SELECT min(w.key) INTO missing FROM jsonb_each(where_is) w WHERE NOT cjm_internal.map_words(def) ? w.key;
	IF missing IS NOT NULL THEN
		RETURN format('the map has no dimension "%s" any more', missing);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_broken(cjm_internal.map, text, text, jsonb) IS 'what an audience asks for that its map has no more; NULL if there is nothing';

-- How many customers there will be the planner does not know.  A FULL JOIN hashes or sorts, whatever it expects, as all keys can be; and
-- rows are looked up by their places, of which it expects few in an array: else it would read all members for one that has changed.
CREATE FUNCTION cjm_internal.audience_refresh_sql(def cjm_internal.map, view text, asks text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
RETURN format('WITH asked AS MATERIALIZED (%2$s),
	changes AS MATERIALIZED (%3$s),
	still AS (UPDATE %1$s.audience_members m SET since = c.since, stage = c.stage, dimensions = c.dimensions
		FROM unnest(ARRAY(SELECT s.place FROM changes s WHERE s.is_member AND s.place IS NOT NULL)) p(place) JOIN changes c ON c.place = p.place WHERE m.ctid = p.place),
	gone AS (UPDATE %1$s.audience_members m SET left_at = $2 FROM unnest(ARRAY(SELECT s.place FROM changes s WHERE NOT s.is_member)) p(place) WHERE m.ctid = p.place
		RETURNING m.customer, m.since, m.stage, m.dimensions, m.held_out),
	came AS (INSERT INTO %1$s.audience_members (audience, customer, entered_at, since, stage, dimensions, held_out)
		SELECT $1, c.customer, $2, c.since, c.stage, c.dimensions, c.held_out FROM changes c WHERE c.place IS NULL%4$s
		RETURNING customer, since, stage, dimensions, held_out),
	told AS (INSERT INTO %1$s.audience_changes (number, audience, customer, change, at, since, stage, dimensions)
		SELECT $3 + row_number() OVER (ORDER BY c.change DESC, c.since), $1, c.customer, c.change, $2, c.since, c.stage, c.dimensions
		FROM (SELECT ''left'' AS change, g.* FROM gone g UNION ALL SELECT ''entered'', e.* FROM came e) c WHERE NOT c.held_out
		RETURNING change)
	SELECT (SELECT cardinality(a.customers) FROM asked a) AS asked, (SELECT count(*) FROM came) AS entered, (SELECT count(*) FROM gone) AS went,
		(SELECT count(*) FROM told t WHERE t.change = ''entered'') AS told_entered, (SELECT count(*) FROM told t WHERE t.change = ''left'') AS told_left',
	cjm_internal.map_schema(def),
	CASE WHEN asks <> '' THEN format('SELECT cjm_internal.%s(%s, $1, ''{}''::%s) AS customers', asks, (def).map::oid, cjm_internal.audience_key(def, '[]')) ELSE 'SELECT NULL::text[] AS customers' END,
	CASE WHEN asks <> '' THEN format('SELECT d.* FROM asked a CROSS JOIN LATERAL cjm_internal.audience_differ(%s, $1, a.customers) d', (def).map::oid) ELSE cjm_internal.audience_differ_sql(def, view, false) END,
	-- An index whose keys come in their order costs a tenth.
	CASE WHEN cjm_internal.kept_state((def).map) IS NOT NULL THEN ' ORDER BY c.customer' END);
COMMENT ON FUNCTION cjm_internal.audience_refresh_sql(cjm_internal.map, text, text) IS
	'SQL: compares the members of an audience $1 with a view, for all customers or for those whom a function says, and writes down at the time $2 who came and who left, with numbers after $3; says how many were asked, which is NULL for all, and if all have to be; how many came, left, and how many of each are told';

-- Where nobody is a member yet.
CREATE FUNCTION cjm_internal.audience_fill_sql(def cjm_internal.map, view text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('WITH came AS (INSERT INTO %1$s.audience_members (audience, customer, entered_at, since, stage, dimensions, held_out)
		SELECT $1, v.customer, $2, v.since, v.stage, v.dimensions, v.held_out FROM %2$s v%3$s
		RETURNING customer, since, stage, dimensions, held_out),
	told AS (INSERT INTO %1$s.audience_changes (number, audience, customer, change, at, since, stage, dimensions)
		SELECT $3 + row_number() OVER (ORDER BY c.since), $1, c.customer, ''entered'', $2, c.since, c.stage, c.dimensions FROM came c WHERE NOT c.held_out)
	SELECT NULL::bigint AS asked, count(*) AS entered, 0::bigint AS went, count(*) FILTER (WHERE NOT c.held_out) AS told_entered, 0::bigint AS told_left FROM came c',
	cjm_internal.map_schema(def), view,
	CASE WHEN to_regclass(format('%s.audience_members_customer', cjm_internal.map_schema(def))) IS NOT NULL THEN ' ORDER BY v.customer' END);
COMMENT ON FUNCTION cjm_internal.audience_fill_sql(cjm_internal.map, text) IS
	'SQL: writes down at the time $2 all whom a view shows as members of an audience $1 that has none, with numbers of changes after $3; says what audience_refresh_sql does';

-- What the answers stand on is looked at before the statement that asks: what changes between is found by the next refresh.
CREATE FUNCTION cjm_internal.audience_ask(def cjm_internal.map, audience jsonb, began timestamptz, last bigint, OUT asked bigint, OUT entered bigint, OUT went bigint, OUT told_entered bigint, OUT told_left bigint, OUT members bigint)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	name text := audience ->> 'name';
	view text := format('%s.%I', schema, 'meets_' || name);
	under text := audience ->> 'asked_under';
	goes_by text;
	folded bigint;
	nobody boolean := false;
BEGIN
	IF cjm_internal.kept_state(def.map) IS NOT NULL THEN
		EXECUTE format('SELECT s.folded FROM %1$s.kept_state s WHERE NOT cjm_internal.kept_is(%2$L::regclass, 2, '''')', schema, cjm_internal.kept_state(def.map)) INTO folded;
	END IF;
	IF folded IS NOT NULL AND under IS NOT NULL THEN
		EXECUTE cjm_internal.audience_refresh_sql(def, view, 'audience_asked') INTO asked, entered, went, told_entered, told_left USING name, began, last;
	END IF;
	IF asked IS NULL THEN
		under := NULL;
		goes_by := CASE WHEN folded IS NOT NULL THEN cjm_internal.audience_goes_by(def, audience) END;
		IF goes_by IS NOT NULL AND cjm_internal.audience_touched(def) IS NOT NULL THEN
			under := cjm_internal.audience_under(def, name) || CASE goes_by WHEN 'clock' THEN ', by the clock' ELSE '' END;
		END IF;
		EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL)', schema) INTO nobody USING name;
		IF under IS NOT NULL AND NOT nobody AND (audience ->> 'made_at')::timestamptz < (audience ->> 'refreshed_at')::timestamptz AND folded - coalesce((audience ->> 'asked_folded')::bigint, folded) < 5000 THEN
			EXECUTE cjm_internal.audience_refresh_sql(def, view, 'audience_rows_asked') INTO asked, entered, went, told_entered, told_left USING name, began, last;
		END IF;
		IF asked IS NULL THEN
			EXECUTE CASE WHEN nobody THEN cjm_internal.audience_fill_sql(def, view) ELSE cjm_internal.audience_refresh_sql(def, view, '') END
				INTO asked, entered, went, told_entered, told_left USING name, began, last;
		END IF;
		asked := NULL;
	END IF;
	EXECUTE format('UPDATE %1$s.audiences a SET refreshed_at = $2, took = clock_timestamp() - $2, asked = $3, asked_at = now(), asked_folded = $4, asked_under = $5,
			members = CASE WHEN $3 IS NOT NULL THEN a.members + $6 WHEN $7 THEN $6 ELSE (SELECT count(m.entered_at) FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL) END WHERE a.name = $1
		RETURNING a.members', schema) INTO members USING name, began, asked, CASE WHEN under IS NOT NULL THEN folded END, under, entered - went, nobody;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_ask(cjm_internal.map, jsonb, timestamptz, bigint) IS 'refreshes an audience, a row of audiences, that began at a time, with numbers of changes after last; says how many were asked, NULL for all, came, left, how many of each are told, and how many members it has';

-- A task.  The planner expects of a large store what would be worth compiling the query for, which takes longer than the query.
CREATE FUNCTION cjm_internal.audience_refresh(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	views text[] := cjm_internal.audience_view_names(def.map);
	began timestamptz;
	audience record;
	last bigint;
	counted record;
	broken text;
	said text[] := '{}';
	failed text[] := '{}';
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('audiences cannot be refreshed at the isolation level %s', current_setting('transaction_isolation')),
			HINT = 'Each refresh has to see what the one before has written: use READ COMMITTED.';
	ELSIF NOT cjm_internal.steering_has(def, 'audience_state') THEN
		RETURN to_jsonb('there are no audiences'::text);
	END IF;
	EXECUTE format('INSERT INTO %1$s.audience_state SELECT true, 0 WHERE NOT EXISTS (SELECT FROM %1$s.audience_state) ON CONFLICT DO NOTHING', schema);
	EXECUTE format('SELECT s.last_change FROM %s.audience_state s FOR UPDATE SKIP LOCKED', schema) INTO last;
	IF last IS NULL THEN
		RETURN to_jsonb('another refresh is at it'::text);
	END IF;
	-- What a restored dump has brought may have numbers of its own.
	EXECUTE format('SELECT greatest($1, (SELECT max(c.number) FROM %1$s.audience_changes c), (SELECT max(t.taken) FROM %1$s.audience_consumers t))', schema) INTO last USING last;
	FOR audience IN EXECUTE format('SELECT a.name, a.at_stage, CASE WHEN a.after_stage THEN a.not_after END AS after_stage, a.where_is, to_jsonb(a) AS written FROM %s.audiences a ORDER BY a.name COLLATE "C"', schema)
	LOOP
		broken := CASE WHEN 'meets_' || audience.name <> ALL (views) THEN 'its view is gone' ELSE cjm_internal.audience_broken(def, audience.at_stage, audience.after_stage, audience.where_is) END;
		IF broken IS NOT NULL THEN
			RAISE WARNING 'the audience "%" stays as it was: %', audience.name, broken USING HINT = 'Make it anew: cjm.create_audience with replace => true.';
			said := said || format('%s: not refreshed, %s', audience.name, broken);
			failed := failed || audience.name::text;
			CONTINUE;
		END IF;
		began := clock_timestamp();
		-- A condition that fails for some customer holds up no other audience.
		BEGIN
			counted := cjm_internal.audience_ask(def, audience.written, began, last);
		EXCEPTION WHEN data_exception THEN
			RAISE WARNING 'the audience "%" stays as it was: %', audience.name, SQLERRM USING HINT = 'Its condition fails for some customer: make it anew, cjm.create_audience with replace => true.';
			said := said || format('%s: not refreshed, %s', audience.name, SQLERRM);
			failed := failed || audience.name::text;
			CONTINUE;
		END;
		last := last + counted.told_entered + counted.told_left;
		IF counted.told_entered + counted.told_left > 0 THEN
			PERFORM pg_notify('cjm_audience', jsonb_build_object('map', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = def.map), 'audience', audience.name, 'entered', counted.told_entered, 'left', counted.told_left)::text);
		END IF;
		said := said || format('%s: %s members, %s entered, %s left', audience.name, counted.members, counted.entered, counted.went);
	END LOOP;
	failed := failed || cjm_internal.audience_indexes(def);
	EXECUTE format('UPDATE %s.audience_state SET last_change = $1 WHERE last_change <> $1', schema) USING last;
	EXECUTE format('UPDATE %s.audiences SET asked_folded = NULL, asked_under = NULL WHERE name = ANY ($1) AND asked_under IS NOT NULL', schema) USING failed;
	IF cjm_internal.audience_touched(def) IS NOT NULL THEN
		EXECUTE format('DELETE FROM %1$s.audience_touched t WHERE t.folded <= coalesce((SELECT min(a.asked_folded) FROM %1$s.audiences a), t.folded)', schema);
	END IF;
	RETURN to_jsonb(CASE said WHEN '{}' THEN 'there are no audiences' ELSE array_to_string(said, '; ') END);
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_refresh(jsonb) IS 'a task: refreshes the audiences of a map';

CREATE FUNCTION cjm.refresh_audiences(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cjm_internal.steering_call(map, 'cjm_internal.audience_refresh'::regproc, '{}') #>> '{}';
END
$$;
COMMENT ON FUNCTION cjm.refresh_audiences(text) IS
	'brings the members of the audiences of a map up to date, writes down who came and who left for take_changes, and notifies cjm_audience of it; says what it did. Over kept journeys it asks those customers alone who may have come or gone since the last refresh, if that can be known; else all. Skips if another refresh is at it, and waits for no writer. For a scheduler, each few minutes, in a transaction of its own';
