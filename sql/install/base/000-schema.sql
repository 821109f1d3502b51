\echo Use "CREATE EXTENSION cjm" to load this file. \quit

-- What is not written out is PostgreSQL's.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The schema is a superuser's, as what is in it is: its owner could rename it and put another in its place, or objects beside ours,
-- and functions here call others by name with the rights of whoever asks.  (This script runs as a superuser, whoever installs.)
-- What somebody has put into the schema before would stand beside what comes now and could be taken for it.  One that is another
-- role's, as where a dump of theirs is restored, changes hands if that role is one whose rights the installer has.  The extension
-- is registered by now, and what it puts here is not.
DO $$
DECLARE
	installer oid;
	holder oid;
	taken text;
	granted record;
BEGIN
	SELECT e.extowner, n.nspowner, (
		SELECT string_agg(o.what, ', ') FROM (
			SELECT pg_describe_object(d.classid, d.objid, 0) AS what FROM pg_depend d
			WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND (d.classid, d.objid) <> ('pg_extension'::regclass, e.oid)
			ORDER BY d.objid LIMIT 5) o)
	INTO STRICT installer, holder, taken
	FROM pg_extension e CROSS JOIN pg_namespace n
	WHERE e.extname = 'cjm' AND n.nspname = 'cjm';

	IF taken IS NOT NULL THEN
		RAISE duplicate_schema USING
			MESSAGE = 'the schema "cjm" exists and is not empty',
			DETAIL = format('There are other things in it: %s.', taken),
			HINT = 'Whoever uses the extension would trust them as they trust it: look what they are, drop the schema or rename it, and try again.';
	ELSIF holder <> installer AND NOT pg_has_role(installer, holder, 'USAGE') AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = holder) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the schema "cjm" belongs to %s', holder::regrole),
			HINT = 'Its owner could put other things beside those of the extension: create it as that role, or drop the schema before.';
	ELSIF holder <> installer AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = holder) THEN
		RAISE WARNING USING MESSAGE = format('the schema "cjm" belonged to %s, and belongs to %s now', holder::regrole, current_user);
	END IF;
	IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = holder) THEN
		EXECUTE format('ALTER SCHEMA cjm OWNER TO %I', current_user);
	END IF;
	FOR granted IN
		SELECT DISTINCT a.grantee FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a WHERE n.nspname = 'cjm' AND a.grantee <> n.nspowner
	LOOP
		EXECUTE format('REVOKE ALL ON SCHEMA cjm FROM %s CASCADE', CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END);
	END LOOP;
END
$$;

-- Everybody may use what is in it.
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
