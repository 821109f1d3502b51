-- The shared setup of the regression database: the other tests find the extension here.
-- Where a run has caches that last not at all (test/matrix), they last while it is created: that took more than nine minutes.
SET debug_discard_caches = 0;
CREATE EXTENSION cjm;

-- The library and the SQL objects are of the same version.
SELECT cjm.cjm_version() = extversion AS same_version, extnamespace::regnamespace AS schema
FROM pg_extension WHERE extname = 'cjm';

-- Everybody may use the schema, nobody but its owner may create in it.
SELECT has_schema_privilege('public', 'cjm', 'USAGE') AS usage,
       has_schema_privilege('public', 'cjm', 'CREATE') AS "create";
