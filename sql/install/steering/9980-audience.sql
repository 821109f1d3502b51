--
-- Audiences: the customers who meet a condition of a map now.
--
-- An audience is two views of the map's schema: meets_NAME, who meets its condition,
-- and audience_NAME, whom to address, that is, without those who are held out.  They
-- read the view "map" for all that create_map may change, so a map that is made anew has
-- its audiences anew, and nothing that stands in a table ever becomes SQL: what the
-- table "audiences" says of an audience is for people.
--
-- Refreshes write down who came and who left (9982-audience_refresh.sql).
--

CREATE FUNCTION cjm_internal.audience_stage_names(stages cjm.funnel) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT min(s.stage) FROM cjm.funnel_stages(stages) s WHERE s.step IS NOT NULL GROUP BY s.step ORDER BY s.step);
COMMENT ON FUNCTION cjm_internal.audience_stage_names(cjm.funnel) IS 'the names of the stages of a funnel, by their numbers';

-- Of several of one name it is the first; a number stands for any.
CREATE FUNCTION cjm_internal.audience_step(stages cjm.funnel, stage text) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(min(s.step) FILTER (WHERE s.stage = audience_step.stage), min(s.step) FILTER (WHERE s.step::text = audience_step.stage)) FROM cjm.funnel_stages(stages) s);
COMMENT ON FUNCTION cjm_internal.audience_step(cjm.funnel, text) IS 'the number of a stage by its name, or by itself; NULL if there is none';

-- A stage that is gone has none, and is not taken for an event of its name.
CREATE FUNCTION cjm_internal.audience_stage_events(stages cjm.funnel, stage text) RETURNS cjm.funnel
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT string_agg(coalesce('"' || replace(s.event, '"', '""') || '"', '*') || coalesce('@"' || replace(s.channel, '"', '""') || '"', ''), ' | ')::cjm.funnel
	FROM cjm.funnel_stages(stages) s WHERE s.step = (SELECT min(n.step) FROM cjm.funnel_stages(stages) n WHERE n.stage = audience_stage_events.stage));
COMMENT ON FUNCTION cjm_internal.audience_stage_events(cjm.funnel, text) IS 'the events of a stage by its name, as a funnel of one stage; NULL if there is none';

CREATE FUNCTION cjm_internal.audience_customers(map text) RETURNS regclass
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('%s.customers', cjm_internal.map_schema(cjm_internal.map_of(map)))::regclass;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_customers(text) IS 'the view customers of a map, the columns of which conditions of audiences are over';

CREATE FUNCTION cjm_internal.audience_check_name(name text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'the name of the audience is NULL';
	ELSIF name = '' OR octet_length(name) > 54 OR name ~ '[[:cntrl:]]' OR name = ANY ('{members,changes,consumers,state}'::text[]) THEN
		RAISE invalid_name USING
			MESSAGE = format('an audience cannot be called "%s"', left(name, 64)),
			HINT = 'Its name has 1 to 54 bytes, since its view is called audience_ and that, no control characters, and is not members, changes, consumers or state, which are tables.';
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_check_name(text) IS 'an error if an audience cannot have a name';

-- The view that an audience is; of whoever owns the map, and of nobody else.
CREATE FUNCTION cjm_internal.audience_view(def cjm_internal.map, name text, kind text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names text[] := cjm_internal.audience_view_names(def.map);
	known text[] := ARRAY(SELECT substr(v, 10) FROM unnest(names) v WHERE v LIKE 'audience\_%');
BEGIN
	PERFORM cjm_internal.audience_check_name(name);
	IF kind || '_' || name <> ALL (names) THEN
		RAISE undefined_object USING
			MESSAGE = format('the map %s has no audience "%s"', cjm_internal.map_schema(def), name),
			HINT = CASE WHEN known = '{}' THEN 'It has none; cjm.create_audience makes one.'
				ELSE cjm_internal.map_words_hint(known, name, 'It has ') END;
	END IF;
	RETURN format('%s.%I', cjm_internal.map_schema(def), kind || '_' || name);
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_view(cjm_internal.map, text, text) IS 'SQL: the view of an audience that is called audience_ or meets_ and its name; an error if there is none';

--
-- What the views select
--

-- The key of a customer decides, as the type compares it, so that equal keys have one answer; a type without a hash goes by its text.
CREATE FUNCTION cjm_internal.audience_held_out_sql(map cjm_internal.map, holdout float8, salt bigint) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash text := format('hash_record_extended(ROW(j.customer), %L::bigint)', salt);
BEGIN
	IF holdout = 0 THEN
		RETURN 'false';
	END IF;
	BEGIN
		EXECUTE format('SELECT hash_record_extended(ROW((SELECT j.customer FROM %s.journeys j WHERE false)), 0)', cjm_internal.map_schema(map));
	EXCEPTION WHEN undefined_function THEN
		hash := format('hashtextextended(j.customer::text COLLATE "C", %L::bigint)', salt);
	END;
	RETURN format('((%s & 1073741823)::float8 < %L::float8 * 1073741824::float8)', hash, holdout);
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_held_out_sql(cjm_internal.map, float8, bigint) IS 'SQL: whether the customer of a row j is held out';

-- Where a stage and a condition are asked for the customers and their journeys are read at once, in a view of its own: customers, which
-- people may read who may not read journeys, has none.  Whose maps ask for the rights of whoever reads have to join them.
CREATE FUNCTION cjm_internal.audience_customers_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(cjm_internal.map_customers_sql(map), '^SELECT ', 'SELECT j.journey, ');
COMMENT ON FUNCTION cjm_internal.audience_customers_sql(cjm_internal.map) IS 'SQL of the view customer_journeys';

-- Called as the owner.  Who has put something else in the place of customers has other columns there, perhaps, for conditions to be over.
CREATE FUNCTION cjm_internal.audience_customers_make(def cjm_internal.map) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
BEGIN
	IF def.access = 'reader' THEN
		RETURN false;
	END IF;
	PERFORM cjm_internal.steering_make(def, 'customer_journeys', cjm_internal.audience_customers_sql(def));
	RETURN ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = format('%s.customers', schema)::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
		= ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = format('%s.customer_journeys', schema)::regclass AND a.attnum > 1 AND NOT a.attisdropped ORDER BY a.attnum);
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_customers_make(cjm_internal.map) IS 'makes the view customer_journeys of a map, where it is not there yet; whether it has the columns of customers';

-- A task, of whoever makes the map anew.
CREATE FUNCTION cjm_internal.audience_customers_follow(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
BEGIN
	IF cjm_internal.steering_has(def, 'customer_journeys') THEN
		EXECUTE format('CREATE OR REPLACE VIEW %s.customer_journeys WITH (security_invoker = %s) AS %s', cjm_internal.map_schema(def), def.access = 'reader', cjm_internal.audience_customers_sql(def));
	END IF;
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_customers_follow(jsonb) IS 'task: makes the view customer_journeys of a map anew, if there is one';

-- where_is is that of the map.  Each argument is checked before: condition by map_expression.  at_once: the view customer_journeys is there.
CREATE FUNCTION cjm_internal.audience_sql(map cjm_internal.map, at_stage text, condition text, not_after text, after_stage boolean, quiet_for interval, since interval, include_open boolean, held_out text, at_once boolean)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	-- What the view customers does not have is asked of journeys.
	of_journey boolean := at_stage IS NOT NULL OR coalesce((map).where_is ? 'first_channel', false);
	-- Worked out once, and not for each customer.
	earliest text := CASE WHEN since IS NOT NULL THEN format('(SELECT cjm_internal.map_shift(now(), %L::interval, m.time_zone))', -since) END;
	latest text := CASE WHEN quiet_for IS NOT NULL THEN format('(SELECT cjm_internal.map_shift(now(), %L::interval, m.time_zone))', -quiet_for) END;
	came text := CASE WHEN at_stage IS NOT NULL THEN format('cjm_internal.stage_since(j.journey, m.stages, cjm_internal.audience_step(m.stages, %L::text), %s, %s%s)', at_stage,
			coalesce(earliest, '''-infinity''::timestamptz'), coalesce(latest, '''infinity''::timestamptz'),
			CASE WHEN not_after IS NOT NULL THEN format(CASE WHEN after_stage THEN ', cjm_internal.audience_stage_events(m.stages, %L::text)' ELSE ', %L::cjm.funnel' END, not_after) END)
		WHEN of_journey THEN 'cjm_internal.last_at(j.journey)' ELSE 'j.last_seen' END;
	-- NULL is not later: the planner takes more rows for what is not NULL than for what is later.
	conditions text[] := CASE WHEN at_stage IS NOT NULL THEN ARRAY[came || ' > ''-infinity''::timestamptz'] ELSE array_remove(ARRAY[came || ' >= ' || earliest, came || ' <= ' || latest], NULL) END;
	source text := CASE WHEN NOT of_journey THEN format('(SELECT customers.customer, customers.segment, customers.dimensions, customers.stage, customers.last_seen, customers.open FROM %s.customers WHERE %s) j', schema, condition)
		WHEN condition IS NULL THEN format('%s.journeys j', schema)
		WHEN at_once THEN format('(SELECT customers.customer, customers.segment, customers.dimensions, customers.journey FROM %s.customer_journeys customers WHERE %s) j', schema, condition)
		ELSE format('%1$s.journeys j JOIN (SELECT customers.customer FROM %1$s.customers WHERE %2$s) c ON c.customer %3$s j.customer', schema, condition, cjm_internal.kept_equals(map)) END;
	which text := cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map));
BEGIN
	IF at_stage IS NOT NULL AND condition IS NULL THEN
		-- Without the offset the time would be worked out where it is asked for and where it is shown.
		source := format('%s CROSS JOIN LATERAL (SELECT %s AS since FROM (VALUES (1)) one OFFSET ''0'') s', source, came);
		came := 's.since';
		conditions := ARRAY['s.since > ''-infinity''::timestamptz'];
	END IF;
	IF NOT include_open THEN
		conditions := conditions || CASE WHEN of_journey THEN 'NOT (cjm.funnel_open(j.journey, m.stages, now()) AND CASE WHEN m.refusal IS NULL THEN true
				ELSE cjm.funnel_refused(j.journey, m.stages, m.refusal, now()) IS NULL END)'
			ELSE 'NOT j.open' END;
	END IF;
	RETURN format('SELECT j.customer, %s AS since, %s AS stage, j.dimensions, %s AS held_out FROM %s.map m CROSS JOIN %s WHERE %s%s',
		came,
		CASE WHEN of_journey THEN '(cjm_internal.audience_stage_names(m.stages))[cjm.funnel_step(j.journey, m.stages)]' ELSE 'j.stage' END,
		held_out, schema, source, coalesce(nullif(array_to_string(conditions, ' AND '), ''), 'true'), which);
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_sql(cjm_internal.map, text, text, text, boolean, interval, interval, boolean, text, boolean) IS 'SQL: who meets the condition of an audience';

--
-- Making and dropping
--

-- Readers come first, as where a map is made anew (map_lock).
CREATE FUNCTION cjm_internal.audience_lock(def cjm_internal.map, name text, command text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waits CONSTANT text := current_setting('lock_timeout');
BEGIN
	FOR attempt IN 1 .. 20
	LOOP
		BEGIN
			PERFORM cjm_internal.map_lock_views(def.map, ARRAY['audience_' || name, 'meets_' || name], 0.3);
			PERFORM set_config('lock_timeout', '300ms', true);
			EXECUTE command;
			PERFORM set_config('lock_timeout', waits, true);
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			IF attempt = 20 THEN
				RAISE lock_not_available USING
					MESSAGE = format('the views of the audience "%s" are being read', name),
					HINT = 'Try again when the transactions that read them are over: pg_locks and pg_stat_activity tell which they are.';
			END IF;
			PERFORM pg_sleep(0.1 + 0.2 * random());
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_lock(cjm_internal.map, text, text) IS 'does what changes the views of an audience when nobody reads them, without a deadlock with readers';

CREATE FUNCTION cjm_internal.audience_tables(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	key text := cjm_internal.audience_key(def, '');
BEGIN
	PERFORM cjm_internal.steering_make(def, 'audiences', 'name text PRIMARY KEY, at_stage text, condition text, not_after text, after_stage boolean, quiet_for interval, since interval, where_is jsonb,
		include_open boolean NOT NULL, holdout float8 NOT NULL, salt bigint NOT NULL, made_at timestamptz NOT NULL, refreshed_at timestamptz, took interval, members bigint,
		asked bigint, asked_at timestamptz, asked_folded bigint, asked_under text');
	PERFORM cjm_internal.steering_make(def, 'audience_members', format('audience text NOT NULL, customer %s NOT NULL, entered_at timestamptz NOT NULL, left_at timestamptz, since timestamptz,
		stage text, dimensions jsonb, held_out boolean NOT NULL', key));
	PERFORM cjm_internal.steering_make(def, 'audience_changes', format('number bigint PRIMARY KEY, audience text NOT NULL, customer %s NOT NULL, change text NOT NULL, at timestamptz NOT NULL,
		since timestamptz, stage text, dimensions jsonb', key));
	PERFORM cjm_internal.steering_make(def, 'audience_consumers', 'consumer text PRIMARY KEY, taken bigint NOT NULL, taken_at timestamptz');
	PERFORM cjm_internal.steering_make(def, 'audience_state', 'one boolean PRIMARY KEY DEFAULT true CHECK (one), last_change bigint NOT NULL DEFAULT 0');
	-- There are no arrays of arrays: of such keys all are asked (9981-audience_asked.sql).
	IF key !~ '\]' THEN
		PERFORM cjm_internal.steering_make(def, 'audience_touched', format('folded bigint NOT NULL, changes bigint NOT NULL, customers %s NOT NULL', cjm_internal.audience_key(def, '[]')));
	END IF;
	-- A row that a refresh has updated is waited for by ON CONFLICT, so it is looked for first.
	EXECUTE format('INSERT INTO %1$s.audience_state SELECT true, 0 WHERE NOT EXISTS (SELECT FROM %1$s.audience_state) ON CONFLICT DO NOTHING', schema);
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_tables(cjm_internal.map) IS 'makes the tables of a map that has audiences, where they are not there yet';

-- The map whose schema a task is given, as the owner of which it is called; a task writes there and nowhere else.
CREATE FUNCTION cjm_internal.audience_map(arguments jsonb) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
BEGIN
	IF def.map IS NULL THEN
		RAISE undefined_object USING MESSAGE = 'another session has dropped the map at the same time';
	END IF;
	PERFORM cjm_internal.map_check_owner(def.map);
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_map(jsonb) IS 'the definition of the map that a task is about';

-- A task; its arguments are those of create_audience, and checked.
CREATE FUNCTION cjm_internal.audience_make(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	given record;
	old record;
	condition text;
	views text[];
	made record;
	names text[];
	after_stage boolean;
	at_once boolean := false;
BEGIN
	SELECT a.* INTO given FROM jsonb_to_record(arguments) a(name text, at_stage text, condition text, not_after text, quiet_for interval, since interval, where_is jsonb, include_open boolean, holdout float8, replace boolean);
	IF NOT cjm_internal.map_lock_schema(def.map) THEN
		RAISE undefined_object USING MESSAGE = 'another session has dropped the map at the same time';
	END IF;
	def := cjm_internal.audience_map(arguments);
	def.where_is := nullif(given.where_is, 'null');
	after_stage := cjm_internal.audience_stage_events(def.stages, given.not_after) IS NOT NULL;
	-- Read again here, so that no other text becomes part of a view whoever calls this.
	condition := cjm_internal.map_expression(format('%s.customers', schema)::regclass, given.condition, 'condition', def.time_zone);
	PERFORM cjm_internal.audience_tables(def);
	views := ARRAY['audience_' || given.name, 'meets_' || given.name];
	EXECUTE format('SELECT a.* FROM %s.audiences a WHERE a.name = $1', schema) INTO old USING given.name;
	names := cjm_internal.audience_view_names(def.map);
	IF NOT given.replace AND (old.name IS NOT NULL OR views && names) THEN
		RAISE duplicate_object USING
			MESSAGE = format('the map %s has an audience "%s" already', schema, given.name),
			HINT = 'With replace => true it is made anew and its members stay; cjm.drop_audience takes it away.';
	ELSIF EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = def.map AND c.relname = ANY (views::name[]) AND c.relname <> ALL (names::name[])) THEN
		RAISE duplicate_table USING
			MESSAGE = format('there is something else called %s or %s in the map %s', views[1], views[2], schema),
			HINT = 'Choose another name for the audience.';
	ELSIF old.holdout <> given.holdout THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the holdout of the audience "%s" is %s and stays it, not %s', given.name, old.holdout, given.holdout),
			HINT = 'Whoever was addressed cannot be held out any more. Make another audience.';
	END IF;
	IF condition IS NOT NULL AND (given.at_stage IS NOT NULL OR coalesce(def.where_is ? 'first_channel', false)) THEN
		at_once := cjm_internal.audience_customers_make(def);
	END IF;
	-- Names of audiences, not of maps, decide who is held out, so that a map can be renamed and restored.
	given.holdout := coalesce(given.holdout, old.holdout, 0);
	old.salt := coalesce(old.salt, hashtextextended(given.name COLLATE "C", 23));
	PERFORM cjm_internal.audience_lock(def, given.name, format('CREATE OR REPLACE VIEW %1$s.%2$I WITH (security_invoker = %6$s) AS %4$s; CREATE OR REPLACE VIEW %1$s.%3$I WITH (security_barrier = true, security_invoker = %6$s) AS %5$s', schema, views[2], views[1],
		cjm_internal.audience_sql(def, given.at_stage, condition, given.not_after, after_stage, given.quiet_for, given.since, given.include_open, cjm_internal.audience_held_out_sql(def, given.holdout, old.salt), at_once),
		format('SELECT v.customer, v.since, v.stage, v.dimensions FROM %s.%I v WHERE NOT v.held_out', schema, views[2]), def.access = 'reader'));
	FOR made IN SELECT v.view, c.name, c.comment FROM unnest(views) v(view) CROSS JOIN (VALUES
			(NULL, NULL), ('customer', 'the key of the customer'), ('since', 'when they came to meet the condition, as far as the data tells: came to the stage, or were seen last'),
			('stage', 'how far they have come in the funnel'), ('dimensions', 'their dimensions by their names'), ('held_out', 'whether they are held out, and so not to be addressed')) c(name, comment)
		WHERE c.name IS DISTINCT FROM 'held_out' OR v.view = views[2]
	LOOP
		IF made.name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %s.%I IS %L', schema, made.view, 'audience of this map: ' || CASE made.view WHEN views[1] THEN 'whom to address, without those who are held out' ELSE 'who meets its condition, held out or not' END);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', schema, made.view, made.name, made.comment);
		END IF;
	END LOOP;
	EXECUTE format('INSERT INTO %s.audiences AS a (name, at_stage, condition, not_after, after_stage, quiet_for, since, where_is, include_open, holdout, salt, made_at)
		VALUES ($1, $2, $3, $4, $11, $5, $6, $7, $8, $9, $10, clock_timestamp())
		ON CONFLICT (name) DO UPDATE SET at_stage = excluded.at_stage, condition = excluded.condition, not_after = excluded.not_after, after_stage = excluded.after_stage, quiet_for = excluded.quiet_for, since = excluded.since,
			where_is = excluded.where_is, include_open = excluded.include_open, made_at = excluded.made_at', schema)
		USING given.name, given.at_stage, condition, given.not_after, given.quiet_for, given.since, def.where_is, given.include_open, given.holdout, old.salt, CASE WHEN given.not_after IS NOT NULL THEN after_stage END;
	RETURN to_jsonb(format('%s.%I', schema, views[1]));
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_make(jsonb) IS 'a task: makes an audience, or makes it anew';

CREATE FUNCTION cjm_internal.audience_create(map text, name text, at_stage text, condition text, not_after text, quiet_for interval, since interval, where_is jsonb, include_open boolean, holdout float8, replace boolean)
	RETURNS regclass
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET IntervalStyle = 'postgres' SET extra_float_digits = 1
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	wrong text;
	step integer;
BEGIN
	PERFORM cjm_internal.audience_check_name(name);
	IF at_stage IS NULL AND condition IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the audience "%s" has neither a stage nor a condition', name),
			HINT = format('Say whom it is: at_stage => %L, or condition => ''converted''.', (cjm_internal.audience_stage_names(def.stages))[1]);
	ELSIF at_stage IS NULL AND not_after IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'not_after is about what was done since the customer came to a stage, but there is no at_stage',
			HINT = 'Say the stage, or ask for it in the condition, as with "NOT converted".';
	END IF;
	SELECT i.name INTO wrong FROM (VALUES ('quiet_for', quiet_for), ('since', since)) i(name, value) WHERE i.value < interval '0' OR (i.name = 'since' AND i.value = interval '0') LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s must be a time span that is not negative, not %s', wrong, CASE wrong WHEN 'since' THEN since ELSE quiet_for END),
			HINT = 'Such as since => ''7 days'', for those of the last seven days, and quiet_for => ''1 hour''.';
	ELSIF NOT coalesce(holdout, 0) BETWEEN 0 AND 0.9 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('holdout must be from 0 to 0.9, not %s', holdout),
			HINT = 'It is the share of the customers that is not addressed, so that the others can be compared with them: 0.1 is one of ten.';
	END IF;
	step := cjm_internal.audience_step(def.stages, at_stage);
	IF at_stage IS NOT NULL AND step IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('the map "%s" has no stage "%s"', map, at_stage),
			HINT = cjm_internal.map_words_hint(cjm_internal.audience_stage_names(def.stages), at_stage, 'Its stages are ');
	END IF;
	PERFORM cjm_internal.map_check_list('not_after', coalesce(cjm_internal.audience_stage_events(def.stages, not_after), not_after::cjm.funnel), def.channel);
	PERFORM cjm_internal.map_where(def, 'AND', cjm_internal.map_words(def));
	RETURN (cjm_internal.steering_call(map, 'cjm_internal.audience_make'::regproc, jsonb_build_object('name', name, 'at_stage', at_stage, 'condition', condition, 'not_after', not_after,
		'quiet_for', quiet_for::text, 'since', since::text, 'where_is', where_is, 'include_open', coalesce(include_open, true), 'holdout', holdout::text, 'replace', coalesce(replace, false))) #>> '{}')::regclass;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_create(text, text, text, text, text, interval, interval, jsonb, boolean, float8, boolean) IS 'checks what create_audience is asked for, and makes it';

-- The condition is read in the caller's search_path, all the rest in one that is fixed.
CREATE FUNCTION cjm.create_audience(
	map text,
	name text,
	at_stage text DEFAULT NULL,
	condition text DEFAULT NULL,
	not_after text DEFAULT NULL,
	quiet_for interval DEFAULT NULL,
	since interval DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	include_open boolean DEFAULT true,
	holdout float8 DEFAULT NULL,
	replace boolean DEFAULT false) RETURNS regclass
	LANGUAGE sql VOLATILE
RETURN cjm_internal.audience_create(map, name, at_stage,
	cjm_internal.map_expression(cjm_internal.audience_customers(map), condition, 'condition', (cjm_internal.map_of(map, NULL::jsonb)).time_zone),
	not_after, quiet_for, since, where_is, include_open, holdout, replace);
COMMENT ON FUNCTION cjm.create_audience(text, text, text, text, text, interval, interval, jsonb, boolean, float8, boolean) IS
'makes an audience of a map: its view is audience_ and the name, and is returned
at_stage: a stage that its members have come to, by name or number, the last time that a walk ended with it
condition: an expression over the columns of the view customers
not_after: a stage, or events such as ''order | cancel'', that they have not done since they came to at_stage
quiet_for: how long they have done nothing, at least; since: how long ago they came to at_stage, or without one were seen, at most
where_is: which customers, by dimensions and first_channel; include_open: whether those belong to it who may yet go on by themselves
holdout: a share of the customers that is marked and never handed out, to compare the others with; NULL is none, or what it was
replace: whether an audience of that name is made anew; its members stay until a refresh sees that they are none';

CREATE FUNCTION cjm.audience(map text, name text) RETURNS TABLE (customer text, since timestamptz, stage text, dimensions jsonb)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT v.customer::text, v.since, v.stage, v.dimensions FROM %s v', cjm_internal.audience_view(cjm_internal.map_of(map), name, 'audience'));
END
$$;
COMMENT ON FUNCTION cjm.audience(text, text) IS
	'the customers of an audience now, without those who are held out: their key as text, when they came to meet its condition, how far they have come, and their dimensions';

-- A task.
CREATE FUNCTION cjm_internal.audience_drop(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	name text := arguments ->> 'name';
	found boolean;
	members bigint;
	changes bigint;
BEGIN
	PERFORM cjm_internal.map_lock_schema(def.map);
	def := cjm_internal.audience_map(arguments);
	PERFORM cjm_internal.audience_view(def, name, 'audience');
	PERFORM cjm_internal.audience_tables(def);
	EXECUTE format('SELECT true FROM %s.audience_state FOR UPDATE SKIP LOCKED', schema) INTO found;
	IF found IS NULL THEN
		RAISE object_in_use USING MESSAGE = format('the audiences of the map %s are being refreshed', schema), HINT = 'Try again when that is over.';
	END IF;
	PERFORM cjm_internal.audience_lock(def, name, format('DROP VIEW %1$s.%2$I; DROP VIEW IF EXISTS %1$s.%3$I', schema, 'audience_' || name, 'meets_' || name));
	EXECUTE format('WITH gone AS (DELETE FROM %s.audience_members m WHERE m.audience = $1 RETURNING m.left_at) SELECT count(*) FROM gone g WHERE g.left_at IS NULL', schema) INTO members USING name;
	EXECUTE format('DELETE FROM %s.audience_changes c WHERE c.audience = $1', schema) USING name;
	GET DIAGNOSTICS changes = ROW_COUNT;
	EXECUTE format('DELETE FROM %s.audiences a WHERE a.name = $1', schema) USING name;
	PERFORM cjm_internal.audience_unseen(def);
	RETURN to_jsonb(format('%s: dropped, with %s members and %s changes', name, members, changes));
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_drop(jsonb) IS 'a task: takes an audience away';

CREATE FUNCTION cjm.drop_audience(map text, name text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cjm_internal.audience_check_name(name);
	RETURN cjm_internal.steering_call(map, 'cjm_internal.audience_drop'::regproc, jsonb_build_object('name', name)) #>> '{}';
END
$$;
COMMENT ON FUNCTION cjm.drop_audience(text, text) IS 'takes an audience away: its views, its members and all its changes, taken or not; says how many';
