--
-- Notes: moments that charts show
--

CREATE FUNCTION cjm_internal.steering_note(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
BEGIN
	PERFORM cjm_internal.steering_make(def, 'notes', 'at timestamptz NOT NULL, text text NOT NULL, written_at timestamptz NOT NULL DEFAULT now()');
	EXECUTE format('INSERT INTO %s.notes (at, text) VALUES ($1, $2)', cjm_internal.map_schema(def)) USING (arguments ->> 'at')::timestamptz, arguments ->> 'text';
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_note(jsonb) IS 'task of note';

CREATE FUNCTION cjm.note(map text, at timestamptz, text text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF at IS NULL OR NOT isfinite(at) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('a note has to be of a moment, not %s', coalesce(at::text, 'NULL'));
	ELSIF coalesce(text, '') = '' THEN
		RAISE invalid_parameter_value USING MESSAGE = 'a note has to say something', HINT = 'Such as cjm.note(''shop'', ''2026-03-02 09:00'', ''new checkout'').';
	END IF;
	PERFORM cjm_internal.steering_call(map, 'cjm_internal.steering_note'::regproc, jsonb_build_object('at', at, 'text', text));
	RETURN format('noted of %s: %s', at, text);
END
$$;
COMMENT ON FUNCTION cjm.note(text, timestamptz, text) IS
'writes down what happened and when, such as a relaunch or a campaign, in the table "notes" of a map of one''s own, which is made by the first, and says so: charts show it beside the figures, and change_report compares before and after';
