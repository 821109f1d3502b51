--
-- upgrade_map: a map that an older version has made, with the views of this one
--

-- The definition is all that a map is made of, and what older ones do not say is NULL, as where create_map is not told it.
CREATE FUNCTION cjm.upgrade_map(map text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, NULL, true);
	schema text;
	keeps boolean;
BEGIN
	-- Rows are read for it, and by that what its owner wrote is run: not by a superuser who goes through all maps.
	IF NOT EXISTS (SELECT FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner JOIN pg_roles u ON u.rolname = current_user
		WHERE n.oid = def.map AND pg_has_role(o.oid, 'USAGE') AND o.rolsuper >= u.rolsuper) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the map "%s" belongs to %s', map, (SELECT n.nspowner::regrole FROM pg_namespace n WHERE n.oid = def.map)),
			HINT = format('What its owner wrote is run for it: SET ROLE %s first.', (SELECT n.nspowner::regrole FROM pg_namespace n WHERE n.oid = def.map));
	END IF;
	PERFORM cjm_internal.map_lock_schema(def.map);
	-- Another session may have dropped, renamed or upgraded it in the meantime.
	def := cjm_internal.map_of(map, NULL, true);
	IF NOT cjm_internal.map_is_older(def.map) THEN
		RETURN false;
	END IF;
	schema := cjm_internal.map_schema(def);
	keeps := cjm_internal.kept_state(def.map) IS NOT NULL;
	IF keeps THEN
		-- What the older version has stored goes; until all views are made anew, which nobody can see, journeys have their columns and no more.
		PERFORM cjm_internal.map_lock(def.map, format('CREATE OR REPLACE VIEW %1$s.journeys AS
			SELECT e.customer, NULL::text AS segment, cjm.journey_agg(e.at, e.event) AS journey FROM %1$s.events e GROUP BY e.customer; %2$s',
			schema, cjm_internal.kept_drop_sql(def, 'RESTRICT')));
	END IF;
	PERFORM cjm_internal.map_build((SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = def.map), def.source, def.customer, def.at, def.event, def.stages,
		def.channel, def.value, def.segment, def.segment_at, def.filter, def.session_gap, def.time_zone, def.access, def.spend, def.attribution,
		def.nps, def.csat, def.ces, true, keeps, def.refusal, def.purchase, def.visit, def.sequence,
		coalesce(def.attribution_per, 'touchpoint'), coalesce(def.only_channels, false), def.dimensions, def.session_rule, def.session, def.comment);
	RETURN true;
END
$$;
COMMENT ON FUNCTION cjm.upgrade_map(text) IS
'makes the views of a map anew where an older version of cjm has made them, after ALTER EXTENSION cjm UPDATE; false where there is nothing to do.
Views over its views, rights and comments stay. Journeys that it keeps are kept anew: refresh_journeys builds them, and until then the rows are read';
