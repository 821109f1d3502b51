\echo Use "CREATE EXTENSION cjm" to load this file. \quit

-- The schema belongs to whoever created the extension; everybody may use what is in it.
GRANT USAGE ON SCHEMA cjm TO PUBLIC;

COMMENT ON SCHEMA cjm IS 'customer journeys and funnels over event tables';

CREATE FUNCTION cjm_version()
RETURNS text
AS 'MODULE_PATHNAME', 'cjm_version'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm_version() IS 'version of the loaded cjm library; that of the SQL objects is in pg_extension';
