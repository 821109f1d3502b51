--
-- Maps whose source lies on several machines: Citus runs their queries.
--
-- What it can give to the machines that have the rows, and what it would have to fetch first, DESIGN.md says in section 9.  Only where
-- PostgreSQL would pay for the form that Citus takes do the queries of such a map differ; all others are the same.
--

-- A materialized view lies here, whatever it was made of.  PL/pgSQL looks for Citus's table when it comes to it, and not before.
CREATE FUNCTION cjm_internal.map_distributed(source regclass) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
		RETURN false;
	END IF;
	RETURN (WITH RECURSIVE reads(oid) AS (
			SELECT source::oid
			UNION
			SELECT d.refobjid
			FROM reads r JOIN pg_class v ON v.oid = r.oid AND v.relkind = 'v'
				JOIN pg_rewrite w ON w.ev_class = v.oid
				JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass)
		SELECT EXISTS (SELECT FROM reads r JOIN pg_catalog.pg_dist_partition p ON p.logicalrelid = r.oid WHERE p.partmethod <> 'n'));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_distributed(regclass) IS 'whether Citus has distributed a table, or one that a view reads';

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
COMMENT ON FUNCTION cjm_internal.map_distributed_findings(cjm_internal.map) IS 'what the maker of a map should know if Citus has distributed its source';
