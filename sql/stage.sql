-- Stage enums and their helpers.
SET search_path = cjm, public;

-- The ready-made enums, label by label with both neighbours.
SELECT stage, stage_number(stage), previous_stage(stage), next_stage(stage)
FROM unnest(enum_range(NULL::aida)) AS stage;
SELECT stage, stage_number(stage), previous_stage(stage), next_stage(stage)
FROM unnest(enum_range(NULL::lifecycle)) AS stage;
SELECT stage, stage_number(stage), previous_stage(stage), next_stage(stage)
FROM unnest(enum_range(NULL::buyer_journey)) AS stage;

-- Enums are PostgreSQL's own: they compare in their order.
SELECT 'interest'::aida < 'action' AS before, max(stage) FROM unnest(enum_range(NULL::lifecycle)) AS stage;

SELECT stage_number(NULL::aida) IS NULL AS number, next_stage(NULL::aida) IS NULL AS next,
       previous_stage(NULL::aida) IS NULL AS previous;

SELECT pg_typeof(next_stage('desire'::aida));

-- Any enum, labels in any script, more labels than a funnel may have.
CREATE TYPE public.purchase_path AS ENUM ('просмотр', 'pievienot grozam', '💳', 'done');
SELECT stage, stage_number(stage), next_stage(stage) FROM unnest(enum_range(NULL::public.purchase_path)) AS stage;

DO $$
BEGIN
	EXECUTE (SELECT 'CREATE TYPE public.long_path AS ENUM (' || string_agg(quote_literal('s' || i), ', ' ORDER BY i) || ')'
	         FROM generate_series(1, 200) AS i);
END
$$;
SELECT bool_and(stage_number(stage) = substr(stage::text, 2)::integer) AS numbers,
       count(*) FILTER (WHERE stage_number(next_stage(stage)) = stage_number(stage) + 1) AS next,
       count(*) FILTER (WHERE next_stage(previous_stage(stage)) = stage) AS back
FROM unnest(enum_range(NULL::public.long_path)) AS stage;

-- One call site sees changes of its type at once: labels added in the middle, renamed, another type.
CREATE FUNCTION public.number_of_done() RETURNS integer LANGUAGE plpgsql AS
	$$ BEGIN RETURN cjm.stage_number('done'::public.purchase_path); END $$;
SELECT public.number_of_done();
ALTER TYPE public.purchase_path ADD VALUE 'delivery' BEFORE 'done';
SELECT public.number_of_done();
SELECT next_stage('💳'::public.purchase_path), previous_stage('done'::public.purchase_path);
ALTER TYPE public.purchase_path RENAME VALUE 'delivery' TO 'piegāde';
SELECT next_stage('💳'::public.purchase_path);
BEGIN;
SELECT public.number_of_done();
ALTER TYPE public.purchase_path ADD VALUE 'start' BEFORE 'просмотр';
SELECT public.number_of_done();
SELECT next_stage('💳'::public.purchase_path);
-- a label that could still be rolled back does not get out
SELECT previous_stage('просмотр'::public.purchase_path);
ROLLBACK;
SELECT public.number_of_done(), previous_stage('просмотр'::public.purchase_path);

-- Only enums.
\set VERBOSITY sqlstate
SELECT stage_number('action'::text);
SELECT stage_number(1);
SELECT next_stage('action');
\set VERBOSITY default

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT cjm.stage_number('use'::cjm.buyer_journey), cjm.next_stage('trial'::cjm.buyer_journey);

DROP FUNCTION public.number_of_done();
DROP TYPE public.purchase_path, public.long_path;
