--
-- Stage notes: what people know of a stage that no event says.
--
-- A row is of a stage and a persona, or of a stage and everybody.  Stages go by
-- name, so that words stay where they are when a stage is put in between.
--

CREATE FUNCTION cjm_internal.steering_describe(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	said text;
BEGIN
	PERFORM cjm_internal.steering_make(def, 'stage_notes', 'stage text NOT NULL, persona text, quote text, pain text, action text, owner text, described_at timestamptz NOT NULL DEFAULT now(),
		UNIQUE NULLS NOT DISTINCT (stage, persona)');
	-- What is not given stays as it is, and what is empty goes.
	EXECUTE format('INSERT INTO %s.stage_notes AS n (stage, persona, quote, pain, action, owner)
		SELECT $1 ->> ''stage'', $1 ->> ''persona'', nullif($1 ->> ''quote'', ''''), nullif($1 ->> ''pain'', ''''), nullif($1 ->> ''action'', ''''), nullif($1 ->> ''owner'', '''')
		ON CONFLICT (stage, persona) DO UPDATE SET described_at = excluded.described_at,
			quote = CASE WHEN $1 ->> ''quote'' IS NULL THEN n.quote ELSE excluded.quote END, pain = CASE WHEN $1 ->> ''pain'' IS NULL THEN n.pain ELSE excluded.pain END,
			action = CASE WHEN $1 ->> ''action'' IS NULL THEN n.action ELSE excluded.action END, owner = CASE WHEN $1 ->> ''owner'' IS NULL THEN n.owner ELSE excluded.owner END',
		cjm_internal.map_schema(def)) USING arguments;
	EXECUTE format('DELETE FROM %s.stage_notes n WHERE n.stage = $1 ->> ''stage'' AND n.persona IS NOT DISTINCT FROM $1 ->> ''persona'' AND coalesce(n.quote, n.pain, n.action, n.owner) IS NULL',
		cjm_internal.map_schema(def)) USING arguments;
	EXECUTE format('SELECT concat_ws('', '', CASE WHEN n.quote IS NOT NULL THEN ''quote'' END, CASE WHEN n.pain IS NOT NULL THEN ''pain'' END, CASE WHEN n.action IS NOT NULL THEN ''action'' END, CASE WHEN n.owner IS NOT NULL THEN ''owner'' END)
		FROM %s.stage_notes n WHERE n.stage = $1 ->> ''stage'' AND n.persona IS NOT DISTINCT FROM $1 ->> ''persona''', cjm_internal.map_schema(def)) INTO said USING arguments;
	RETURN to_jsonb(format('%s%s: %s', arguments ->> 'stage', ', ' || (arguments ->> 'persona'), coalesce(said, 'nothing is said of it any more')));
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_describe(jsonb) IS 'task of describe_stage; says what is written now';

CREATE FUNCTION cjm.describe_stage(map text, stage text, persona text DEFAULT NULL, quote text DEFAULT NULL, pain text DEFAULT NULL, action text DEFAULT NULL, owner text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
	place integer;
	long record;
BEGIN
	IF stage IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'stage must not be NULL', HINT = 'Give its name, or the number of the step: stage => ''2''.';
	ELSIF coalesce(quote, pain, action, owner) IS NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = 'nothing is said of the stage', HINT = 'Such as cjm.describe_stage(''shop'', ''cart'', quote => ''Where is the price of delivery?'', owner => ''Logistics''). An empty text takes away what was said.';
	END IF;
	SELECT w.name, length(w.said) AS letters INTO long FROM (VALUES ('persona', persona), ('quote', quote), ('pain', pain), ('action', action), ('owner', owner)) w(name, said) WHERE length(w.said) > 1000 LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING MESSAGE = format('%s has %s characters', long.name, long.letters), HINT = 'A stage of a drawing has room for a sentence or two: 1000 at most.';
	END IF;
	place := cjm_internal.map_step_of(def, stage, 1);
	RETURN cjm_internal.steering_call(map, 'cjm_internal.steering_describe'::regproc, jsonb_build_object('stage', (SELECT r.stage FROM cjm.report(cjm.funnel_stats(def.stages)) r WHERE r.step = place),
		'persona', nullif(persona, ''), 'quote', quote, 'pain', pain, 'action', action, 'owner', owner)) #>> '{}';
END
$$;
COMMENT ON FUNCTION cjm.describe_stage(text, text, text, text, text, text, text) IS
'writes down what is known of a stage of a map of one''s own, in its table "stage_notes", which is made by the first, and says what is written of it now: map_svg shows it.
stage: its name, or the number of its step; persona: of whom it is said, such as a value of a dimension; NULL for everybody
quote: what a customer says; pain: what hurts; action, owner: what is done about it, and by whom. What is NULL stays as it was, an empty text takes it away';
