--
-- Maps whose source lies on several machines: Citus runs their queries, or postgres_fdw does.
--
-- What Citus can give to the machines that have the rows, and what it would have to fetch first, DESIGN.md says in section 9.  Only where
-- PostgreSQL would pay for the form that these take do the queries of such a map differ; all others are the same.
--

-- A materialized view lies here, whatever it was made of.
CREATE FUNCTION cjm_internal.map_relations_read(source regclass) RETURNS oid[]
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (WITH RECURSIVE reads(oid) AS (
			SELECT source::oid
			UNION
			SELECT d.refobjid
			FROM reads r JOIN pg_class v ON v.oid = r.oid AND v.relkind = 'v'
				JOIN pg_rewrite w ON w.ev_class = v.oid
				JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass)
		SELECT array_agg(r.oid) FROM reads r);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_relations_read(regclass) IS 'a table or view, and all that it reads if it is a view';

-- PL/pgSQL looks for Citus's table when it comes to it, and not before.
CREATE FUNCTION cjm_internal.map_distributed(source regclass) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM pg_catalog.pg_dist_partition p
		WHERE p.logicalrelid = ANY (cjm_internal.map_relations_read(source)) AND p.partmethod <> 'n');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_distributed(regclass) IS 'whether Citus has distributed a table, or one that a view reads';

-- What postgres_fdw lets a server work out is what it can write as SQL, and what has its collation from a column there: of two forms
-- of a question it takes CASE and not nullif, and none that names a collation.  On one server the others are quicker.
CREATE FUNCTION cjm_internal.map_foreign(source regclass) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_foreign_table) OR EXISTS (SELECT FROM pg_class c WHERE c.oid = source AND c.relkind IN ('r', 'm')) THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM unnest(cjm_internal.map_relations_read(source)) r(oid) JOIN pg_class c ON c.oid = r.oid
			CROSS JOIN LATERAL (SELECT c.oid WHERE c.relkind = 'f' UNION ALL SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE c.relkind = 'p') t(oid)
			JOIN pg_foreign_table f ON f.ftrelid = t.oid JOIN pg_foreign_server s ON s.oid = f.ftserver JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
			CROSS JOIN LATERAL pg_options_to_table(s.srvoptions) o
		WHERE w.fdwname = 'postgres_fdw' AND o.option_name = 'extensions' AND o.option_value ~ '(^|,)\s*"?cjm"?\s*(,|$)');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_foreign(regclass) IS
	'whether a table, a partition of it, or one that a view reads, lies on another server that postgres_fdw lets work out what cjm can';

-- Rows that are made of each journey in several ways, each a SELECT that gives the columns named.  Citus takes no union of functions inside of a lateral
-- subquery: there each way is asked in a row of its own, and joined to nothing in the rows of the others.
CREATE FUNCTION cjm_internal.map_arms_sql(map cjm_internal.map, arms text[], columns text[]) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(arms) = 1 OR NOT cjm_internal.map_distributed((map).source) THEN
		RETURN array_to_string(arms, ' UNION ALL ');
	END IF;
	RETURN (SELECT format('SELECT %s FROM (VALUES %s) k(arm) %s WHERE coalesce(%s)',
			(SELECT string_agg(format('CASE k.arm %s END AS %I', (SELECT string_agg(format('WHEN %s THEN a%1$s.%I', n, c.name), ' ' ORDER BY n) FROM generate_series(1, cardinality(arms)) n), c.name), ', ' ORDER BY c.place)
				FROM unnest(columns) WITH ORDINALITY c(name, place)),
			string_agg(format('(%s)', a.place), ', ' ORDER BY a.place),
			string_agg(format('LEFT JOIN LATERAL (SELECT true AS there, a.* FROM (%s) a WHERE k.arm = %s) a%2$s ON true', a.arm, a.place), ' ' ORDER BY a.place),
			string_agg(format('a%s.there', a.place), ', ' ORDER BY a.place))
		FROM unnest(arms) WITH ORDINALITY a(arm, place));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_arms_sql(cjm_internal.map, text[], text[]) IS 'SQL: the rows that a journey j makes by several queries over it, of which SQL is given';

-- Citus splits an aggregate that has a state of a real type; of all others it fetches the rows.
CREATE FUNCTION cjm_internal.map_late_median_sql(map cjm_internal.map, at text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(CASE WHEN cjm_internal.map_distributed((map).source) THEN 'cjm_internal.late_median_apart(%s)' ELSE 'percentile_disc(0.5) WITHIN GROUP (ORDER BY %s DESC)' END, at);
COMMENT ON FUNCTION cjm_internal.map_late_median_sql(cjm_internal.map, text) IS 'SQL: the median of a time, the later one of an even number';

-- Counts by moment are many and small.  From several servers they come as one state for each group, beside what else is added up of it; moments,
-- from -1, may be NULL.
CREATE FUNCTION cjm_internal.map_moments_sql(map cjm_internal.map, columns text[], counted text, moment text, sums text[], rest text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text := (SELECT string_agg(c.place::text, ', ' ORDER BY c.place) FROM unnest(columns) WITH ORDINALITY c(name, place));
	of_group text := (SELECT string_agg(format('g.%I', c.name), ', ' ORDER BY c.place) FROM unnest(columns) WITH ORDINALITY c(name, place));
BEGIN
	IF NOT cjm_internal.map_distributed((map).source) THEN
		RETURN format('SELECT %s, %s AS moment, count(*)::float8 AS customers%s %s GROUP BY %s, %s', counted, moment,
			(SELECT string_agg(format(', %s AS %s', v.sum, v.name), '' ORDER BY v.place) FROM (SELECT s.place, split_part(s.sum, '=', 1) AS name, split_part(s.sum, '=', 2) AS sum FROM unnest(sums) WITH ORDINALITY s(sum, place)) v),
			rest, keys, cardinality(columns) + 1);
	END IF;
	-- A sum is in the first row of its group alone.
	RETURN format('SELECT %s, nullif(c.value, -2)::integer AS moment, c.count::float8 AS customers%s
			FROM (SELECT %s, cjm_internal.values_apart(coalesce(%s, -2)::float8) AS moments%s %s GROUP BY %s) g
				CROSS JOIN LATERAL cjm_internal.values_counted(g.moments) WITH ORDINALITY c(value, count, place)',
		of_group, (SELECT string_agg(format(', CASE c.place WHEN 1 THEN g.%1$s END AS %1$s', split_part(s.sum, '=', 1)), '' ORDER BY s.place) FROM unnest(sums) WITH ORDINALITY s(sum, place)),
		counted, moment, (SELECT string_agg(format(', %s AS %s', split_part(s.sum, '=', 2), split_part(s.sum, '=', 1)), '' ORDER BY s.place) FROM unnest(sums) WITH ORDINALITY s(sum, place)),
		rest, keys);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_moments_sql(cjm_internal.map, text[], text, text, text[], text) IS
	'SQL: customers by columns, of which names and SQL are given, and moment, counted over the rest of a query; with more aggregates, name=SQL each';

CREATE FUNCTION cjm_internal.map_entry_buckets(journey cjm.journey, funnel cjm.funnel, bucket text, time_zone text) RETURNS SETOF tstzrange
	AS 'MODULE_PATHNAME', 'journey_entry_buckets'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 3;
COMMENT ON FUNCTION cjm_internal.map_entry_buckets(cjm.journey, cjm.funnel, text, text) IS
	'entry_buckets in a time zone of a map, which is no abbreviation: as immutable as AT TIME ZONE, so that Citus takes it inside of a subquery';

-- Where the customer is not the bare column that the source was distributed by, what has the rows cannot tell whose they are: they are fetched and grouped here,
-- as the plan shows.
CREATE FUNCTION cjm_internal.map_distributed_findings(map cjm_internal.map) RETURNS TABLE (finding text, meaning text)
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plan jsonb;
BEGIN
	IF cjm_internal.map_foreign((map).source) THEN
		EXECUTE format('EXPLAIN (VERBOSE, FORMAT JSON) SELECT j.customer, j.journey FROM %s.journeys j', cjm_internal.map_schema(map)) INTO plan;
		IF EXISTS (SELECT FROM pg_class v WHERE v.relnamespace = (map).map AND v.relname = 'journeys' AND v.relkind = 'v' AND pg_get_viewdef(v.oid) ~ 'event COLLATE') THEN
			RETURN QUERY SELECT 'distributed since', 'the source came to lie on other servers after the map was made: create_map with replace => true makes its views for that';
		ELSIF plan @? '$.** ? (@."Node Type" == "Foreign Scan" && !(@."Relations" starts with "Aggregate on "))' THEN
			RETURN QUERY SELECT 'rows are fetched', 'other servers send rows, and the journeys are made here: they are made there with enable_partitionwise_aggregate = on, after ANALYZE of the foreign tables, if customer is the bare column that partitions go by, and there is no filter';
		END IF;
	END IF;
	IF NOT cjm_internal.map_distributed((map).source) THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM pg_class v WHERE v.relnamespace = (map).map AND v.relname = 'funnel' AND v.relkind = 'v' AND pg_get_viewdef(v.oid) ~ 'map_reads_rows') THEN
		RETURN QUERY SELECT 'distributed since', 'the source was distributed after the map was made: create_map with replace => true makes its views for that';
	END IF;
	EXECUTE format('EXPLAIN (FORMAT JSON) SELECT j.customer, j.journey FROM %s.journeys j', cjm_internal.map_schema(map)) INTO plan;
	IF plan::text ~ '"Group Key": \["remote_scan' THEN
		RETURN QUERY SELECT 'rows are fetched', format('customer is %s, which is not the column that the source is distributed by: every row is fetched and grouped here', (map).customer);
	END IF;
	IF (map).access = 'owner' THEN
		RETURN QUERY SELECT 'readers need the source', 'Citus asks for the rows as whoever reads the views: grant SELECT on the source as well, or let them call a SECURITY DEFINER function in PL/pgSQL';
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_distributed_findings(cjm_internal.map) IS 'what the maker of a map should know if its source lies on several machines';
