--
-- only_visits: the touchpoints of visits
--

CREATE FUNCTION cjm.only_visits(journey cjm.journey, visit cjm.funnel, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_visits'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.only_visits(cjm.journey, cjm.funnel, interval, text, text) IS
'the journey without what is no part of a visit: its sessions are the visits.
visit: the events that are a visit, a funnel of one stage, such as ''visit | view''; gap: what is longer ends a session; rule, time_zone: what else ends one, as of sessions, by the channels of visits alone
Each session begins with its first touchpoint of these, or at its time; what comes before that is left out, what comes after it stays, without its channel unless it is one of them';
