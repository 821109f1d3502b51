--
-- The funnel of a map straight from its rows, where its journeys are those that they make.
--

-- Whether the journeys of a map are those that its rows make, and no others: then a view can as well read the rows, and need not
-- make the journeys first.  Others are kept, or the maker has put what they like in the place of the view.  How PostgreSQL prints a
-- view differs from version to version in parentheses, casts, and where names of tables stand; where it differs in more, the journeys are read, which is slower.
CREATE FUNCTION cjm_internal.map_makes_journeys(map regnamespace) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- A name before a column is one where no word goes on; what else may differ are single characters, and a cast.
	prefix CONSTANT text := '\me\.';
	noise CONSTANT text := E' \n\t\r();';
	def cjm_internal.map;
	customer record;
BEGIN
	-- The planner asks this of every query of a funnel, more than once.
	IF cjm_internal.kept_state(map) IS NOT NULL THEN
		RETURN false;
	END IF;
	def := cjm_internal.map_in(map);
	-- Citus answers a query of both with nothing at all.
	IF cjm_internal.map_distributed((def).source) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('%s was distributed after the map %s was made', (def).source, map),
			HINT = 'create_map with replace => true makes the views of the map for that.';
	END IF;
	SELECT c.oid AS view, a.atttypid AS type, a.attcollation AS collation INTO customer
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer'
	WHERE c.relnamespace = map AND c.relname = 'journeys' AND c.relkind = 'v';
	-- The aggregate of rows is not told what sessions they name.
	IF (def).session IS NOT NULL AND cjm_internal.map_within_session((def).stages) THEN
		RETURN false;
	END IF;
	-- Where something is looked up, its expression would have to be read again, for which a reader may have no right.
	RETURN concat((def).segment, (def).dimensions) !~* 'select' AND def.map IS NOT NULL AND cjm_internal.map_by_bytes(customer.type, customer.collation)
		AND lower(replace(translate(regexp_replace(pg_get_viewdef(customer.view), prefix, '', 'g'), noise, ''), '::text', '')) =
			lower(replace(translate(regexp_replace(cjm_internal.map_journeys_from_sql(def, 'events'), prefix, '', 'g'), noise, ''), '::text', ''));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_makes_journeys(regnamespace) IS 'whether the view journeys of a map is as it was made, over rows, of customers who are equal if their bytes are';

CREATE FUNCTION cjm_internal.map_reads_rows(map regnamespace) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_makes_journeys(map);
COMMENT ON FUNCTION cjm_internal.map_reads_rows(regnamespace) IS
	'the same, immutable for the sake of the planner, which plans one way alone: in a query that reads the view journeys, so that its plan is made anew when the view is replaced';

-- By the support function that says so for btree indexes, which may leave out equal keys then.
CREATE FUNCTION cjm_internal.map_by_bytes(type oid, collation oid) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (WITH RECURSIVE base(type) AS (
			SELECT map_by_bytes.type
			UNION ALL
			SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
		SELECT coalesce(bool_or(p.amproc IN ('btequalimage(oid)'::regprocedure, 'btvarstrequalimage(oid)'::regprocedure)), false)
			AND NOT EXISTS (SELECT FROM pg_collation c WHERE c.oid = map_by_bytes.collation AND NOT c.collisdeterministic)
		FROM base b
			JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
			JOIN pg_opclass o ON o.opcintype = CASE t.typtype WHEN 'e' THEN 'anyenum'::regtype ELSE CASE b.type WHEN 'varchar'::regtype THEN 'text'::regtype ELSE b.type END END
				AND o.opcdefault AND o.opcmethod = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree')
			JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype AND p.amprocnum = 4);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_by_bytes(oid, oid) IS 'whether values of a type and a collation are equal just if their bytes are';

-- Of each customer, a dimension is the first or the last that a row tells.  What is looked up is left to the journeys, as above.
CREATE FUNCTION cjm_internal.map_dimension_of_row_sql(map cjm_internal.map, name text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_part_sql(d.place)
	FROM (SELECT 0 AS place, 'segment'::text AS name, (map).segment AS expression
		UNION ALL SELECT e.place::integer, e.name, e.expression FROM jsonb_each_text((map).dimensions) WITH ORDINALITY e(name, expression, place)) d
	WHERE d.name = map_dimension_of_row_sql.name AND d.expression !~* 'select' ORDER BY d.place LIMIT 1);
COMMENT ON FUNCTION cjm_internal.map_dimension_of_row_sql(cjm_internal.map, text) IS 'SQL: what a row e of the view events tells of a dimension of a map; NULL if there is none of that name, or rows do not tell it';

-- What map_funnel_sql reads, with the columns that it has from journeys.  Who may read the journeys may not have been let at the rows; a view
-- reads them as its owner; when a map is made there is neither view.  The planner knows which of the two it is.  How many customers a group
-- has is asked only where many groups become one, which is not done here.
CREATE FUNCTION cjm_internal.map_funnel_rows_sql(map cjm_internal.map, by text, bucket text, ranged boolean, journeys text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told text := cjm_internal.map_dimension_of_row_sql(map, by);
BEGIN
	IF (by IS NOT NULL AND told IS NULL) OR (map).where_is IS NOT NULL OR (map).groups IS NOT NULL OR cjm_internal.map_distributed((map).source) OR cjm_internal.map_foreign((map).source)
		OR NOT coalesce(has_table_privilege(to_regclass(cjm_internal.map_schema(map) || '.events'), 'SELECT'), to_regclass(cjm_internal.map_schema(map) || '.journeys') IS NULL) THEN
		RETURN journeys;
	END IF;
	RETURN format('SELECT NULL::text AS dimension, g.label, g.entered, g.stats, (SELECT array_agg(coalesce(o.dropped, 0) ORDER BY o.step) FROM cjm.report(g.open) o) AS open%12$s, NULL::bigint AS customers
		FROM (SELECT cjm_internal.map_funnel_agg(e.customer, e.at, e.event, %1$s, %2$s, %3$L::cjm.funnel, %4$L::cjm.funnel, (SELECT now()), %5$L::text, %6$L::text, %7$L::text, %8$s) AS groups
			FROM %9$s.events e) a
			%10$s JOIN LATERAL unnest(a.groups) g ON true
		WHERE cjm_internal.map_reads_rows(%11$L::regnamespace)
		UNION ALL
		SELECT j.* FROM (%13$s) j WHERE NOT cjm_internal.map_reads_rows(%11$L::regnamespace)',
		CASE WHEN cjm_internal.map_asks_channel(map) THEN 'nullif(e.channel, '''')' ELSE 'NULL::text' END,
		coalesce(told, 'NULL::text'),
		(map).stages, (map).refusal, CASE WHEN by IS NOT NULL THEN (map).segment_at END, bucket, (map).time_zone,
		CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END, cjm_internal.map_schema(map),
		-- Of no rows there is a funnel all the same, and no group.
		CASE WHEN by IS NULL AND bucket IS NULL THEN 'LEFT' ELSE 'INNER' END, (map).map,
		CASE WHEN (map).refusal IS NOT NULL THEN ', g.refused' END, journeys);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_funnel_rows_sql(cjm_internal.map, text, text, boolean, text) IS 'SQL of the groups of a funnel of a map: from its rows where they tell, else from its journeys, by a query that is given';
