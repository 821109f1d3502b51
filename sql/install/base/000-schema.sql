\echo Use "CREATE EXTENSION cjm" to load this file. \quit

-- What is not written out is PostgreSQL's: whoever owns the schema cjm may have put objects of their own there.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The schema belongs to whoever created the extension; everybody may use what is in it.
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
