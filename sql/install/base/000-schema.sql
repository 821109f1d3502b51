\echo Use "CREATE EXTENSION cjm" to load this file. \quit

-- What is not written out is PostgreSQL's.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Both schemas are the extension's own, and a superuser's, as all that is in them (this script runs as one, whoever installs):
-- the owner of a schema could rename it and put another in its place, or objects beside ours, and functions here call others by
-- name with the rights of whoever asks.  What somebody has put there before could be taken for ours.
DO $$
DECLARE
	taken name;
BEGIN
	SELECT n.nspname INTO taken FROM pg_namespace n WHERE n.nspname IN ('cjm', 'cjm_internal') ORDER BY n.nspname LIMIT 1;
	IF FOUND THEN
		RAISE duplicate_schema USING
			MESSAGE = format('the schema "%s" exists', taken),
			DETAIL = 'The extension makes it, so that nobody else has put anything there.',
			HINT = 'Look what is in it, drop the schema or rename it, and try again.';
	END IF;
END
$$;

CREATE SCHEMA cjm;
GRANT USAGE ON SCHEMA cjm TO PUBLIC;

COMMENT ON SCHEMA cjm IS 'customer journeys and funnels over event tables';

-- What nobody calls by name: support functions of types and aggregates, and what maps are made of.  The views of maps call some
-- of it with the rights of whoever asks.
CREATE SCHEMA cjm_internal;
GRANT USAGE ON SCHEMA cjm_internal TO PUBLIC;

COMMENT ON SCHEMA cjm_internal IS 'what cjm consists of and nobody calls; it may change with every version';

CREATE FUNCTION cjm.cjm_version()
RETURNS text
AS 'MODULE_PATHNAME', 'cjm_version'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.cjm_version() IS 'version of the loaded cjm library; that of the SQL objects is in pg_extension';
