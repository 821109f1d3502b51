-- attribute: which touchpoints earned a conversion.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE FUNCTION public.attribute_refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	hint text;
BEGIN
	EXECUTE 'SELECT count(*) FROM ' || call INTO n;
	RETURN 'accepted: ' || n || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END
$$;

CREATE TEMP TABLE shopper AS SELECT
	'{2026-01-01T10:00Z ad@video, 2026-01-03T10:00Z visit@search, 2026-01-07T10:00Z visit, 2026-01-08T10:00Z mail@email,
	2026-01-15T10:00Z visit@direct, 2026-01-15T10:05Z buy@shop=100}'::journey AS journey;

-- every model; the conversion is worth 100
SELECT m.model, a.at::date, a.event, a.channel, round(a.credit::numeric, 6) AS credit, round(a.value::numeric, 4) AS value
FROM shopper, unnest(ARRAY['first_touch', 'last_touch', 'last_non_direct', 'linear', 'time_decay', 'position']) WITH ORDINALITY m(model, place),
	attribute(journey, 'buy', m.model) a
ORDER BY m.place, a.at;
-- last_touch is what is meant if nothing is said
SELECT * FROM shopper, attribute(journey, 'buy');

-- Half of the touchpoints' worth is gone after the half-life: here 1 + 1/2 + 1/4 + 1/8.
SELECT a.event, round(a.credit * 15) AS fifteenths, a.credit = (16 / 2 ^ row_number() OVER (ORDER BY a.at DESC)) / 2 / 7.5 AS exact
FROM attribute('{2026-01-01T00:00Z a, 2026-01-01T01:00Z b, 2026-01-01T02:00Z c, 2026-01-01T03:00Z d, 2026-01-09T00:00Z buy}', 'buy', 'time_decay', half_life => '1 hour') a
ORDER BY a.at;
-- nothing vanishes because the conversion came late, and what is too small to say has no row
SELECT event, credit FROM attribute('{1990-01-01T00:00Z a, 2026-01-01T01:00Z b, 2026-01-01T01:00:00.000001Z c, 2026-01-09T00:00Z buy}', 'buy', 'time_decay', half_life => '1 us');
SELECT event, credit FROM attribute('{-4713-11-24T00:00Z a, +294276-12-31T23:59:59Z b, +294276-12-31T23:59:59.999999Z buy}', 'buy', 'time_decay', half_life => '106751991 days');

-- Position: any weights in proportion; of two touchpoints the first and the last share, one has it all.
SELECT n, string_agg(round(a.credit::numeric, 4)::text, ' ' ORDER BY a.at) AS default,
	(SELECT string_agg(event || round(credit::numeric, 4), ' ' ORDER BY at) FROM attribute(j, 'buy', 'position', weights => '{3,1,1}')) AS "3 1 1",
	(SELECT string_agg(event || round(credit::numeric, 4), ' ' ORDER BY at) FROM attribute(j, 'buy', 'position', weights => '{0,1,0}')) AS "0 1 0",
	(SELECT string_agg(event || round(credit::numeric, 4), ' ' ORDER BY at) FROM attribute(j, 'buy', 'position', weights => '{5e-324,0,1.7e308}')) AS last
FROM generate_series(1, 5) n, LATERAL (SELECT rollup(format('{2026-01-0%sT00:00Z %s}', i, chr(96 + i))::journey) || '{2026-01-09T00:00Z buy}' AS j FROM generate_series(1, n) i) s,
	attribute(j, 'buy', 'position') a
GROUP BY n, j ORDER BY n;

-- Direct is no channel, and those that are said to be; if all are direct the last one is the last touch.
SELECT d, a.event, a.channel
FROM (VALUES ('{direct}'::text[]), ('{}'), ('{email,direct,(none)}'), ('{video,search,email,direct,unheard of}'), (ARRAY[NULL, 'direct'])) v(d), shopper,
	attribute(journey, 'buy', 'last_non_direct', direct => d) a;

-- A conversion is not its own touchpoint; without any other its row has nothing but the time and all of the value.
SELECT * FROM attribute('{2026-01-01T00:00Z buy@ads=5, 2026-01-02T00:00Z visit@email, 2026-01-03T00:00Z buy@ads, 2026-01-04T00:00Z buy=7}', 'buy');
-- without conversion no row
SELECT count(*) FROM attribute('{2026-01-01T00:00Z visit@ads=5}', 'buy');
SELECT count(*) FROM attribute('{}', 'buy');
SELECT count(*) FROM attribute(NULL, 'buy');
SELECT count(*) FROM attribute('{2026-01-01T00:00Z buy}', NULL);

-- Since the previous conversion, or all in the lookback, whose end is included; an earlier conversion is a touchpoint then.
CREATE TEMP TABLE twice AS SELECT '{2026-01-01T00:00Z a@x, 2026-01-04T00:00Z b@y, 2026-01-05T00:00Z buy=1, 2026-01-07T00:00Z c@z, 2026-01-08T00:00Z buy=10}'::journey AS journey;
SELECT l AS lookback, a.conversion_at::date, string_agg(a.event, ' ' ORDER BY a.at) AS touchpoints, round(sum(a.credit)::numeric, 12) AS credit, round(sum(a.value)::numeric, 12) AS value
FROM twice, unnest(ARRAY[NULL, '36500 days', '4 days', '3 days 23:59:59.999999', '1 day', '0']::interval[]) WITH ORDINALITY v(l, place), attribute(journey, 'buy', 'linear', l) a
GROUP BY v.place, l, a.conversion_at ORDER BY v.place, a.conversion_at;
-- of all time
SELECT string_agg(event, ' ' ORDER BY at) FROM attribute('{-4713-11-24T00:00Z a, +294276-12-31T23:59:59.999999Z buy}', 'buy', 'linear', '106751991 days');
SELECT string_agg(event, ' ' ORDER BY at) FROM attribute('{-4713-11-24T00:00Z a, -4713-11-24T00:00:01Z buy}', 'buy', 'linear', '106751991 days');

-- Only times count: what lies at the time of a conversion is before it, whatever its name,
-- and conversions of one time have the same touchpoints and are none of each other.
SELECT conversion_at::time, event, channel, round(credit::numeric, 4) AS credit, round(value::numeric, 4) AS value
FROM attribute('{2026-01-01T09:00Z view@x, 2026-01-01T10:00Z ad@y, 2026-01-01T10:00Z buy=1, 2026-01-01T10:00Z buy=3, 2026-01-01T10:00Z zap@z, 2026-01-01T11:00Z buy}', 'buy', 'linear');
-- of touchpoints of one time the first and the last in canonical order are first and last
SELECT m, event, channel FROM (VALUES ('first_touch'), ('last_touch'), ('last_non_direct')) v(m),
	attribute('{2026-01-01T09:00Z b@x, 2026-01-01T09:00Z a, 2026-01-01T09:00Z b, 2026-01-01T09:00Z c, 2026-01-01T10:00Z buy}', 'buy', m);
-- the same touchpoint twice is two
SELECT count(*), sum(credit) FROM attribute('{2026-01-01T09:00Z a@x, 2026-01-01T09:00Z a@x, 2026-01-01T10:00Z buy}', 'buy', 'linear');

-- A conversion is the completion of a funnel, worth the touchpoint that completes it; the others of the walk are touchpoints like all.
SELECT conversion_at::date, event, credit, value
FROM attribute('{2026-01-01T00:00Z buy=1, 2026-01-02T00:00Z lead=2, 2026-01-03T00:00Z visit@x, 2026-01-04T00:00Z demo=3, 2026-01-05T00:00Z buy=40, 2026-01-06T00:00Z lead, 2026-01-07T00:00Z buy=7}',
	'lead -> optional demo -> buy -> optional thanks', 'linear');
-- at one time: the touchpoint that the walk has its last stage from; of several such the first in canonical order
SELECT f::text, string_agg(coalesce(a.event, '-') || ' of ' || a.value, ', ' ORDER BY a.value, a.event)
FROM (VALUES ('buy'::funnel), ('ad -> buy'), ('buy -> ad'), ('ad -> ad | buy'), ('ad | buy -> buy'), ('buy -> buy'), ('buy -> buy -> buy'), ('buy@web'), ('buy@web -> buy'), ('buy -> buy@web'), ('ad -> buy unordered'), ('buy | ad')) v(f),
	attribute('{2026-01-01T10:00Z ad=1, 2026-01-01T10:00Z buy=2, 2026-01-01T10:00Z buy=4, 2026-01-01T10:00Z buy@web=8, 2026-01-01T10:00Z zap}', f, 'last_touch') a
GROUP BY f::text ORDER BY f::text COLLATE "C";

-- per session: a visit has one share, its channel is its first one up to the conversion, its time that of its first touchpoint that counts.
SELECT v.j, a.conversion_at::time, a.at::time, a.event, a.channel, round(a.credit::numeric, 4) AS credit
FROM (VALUES
	(1, '{2026-01-01T08:00Z home, 2026-01-01T08:10Z page@ads, 2026-01-01T08:20Z page@email, 2026-01-01T12:00Z home, 2026-01-01T12:01Z page, 2026-01-01T12:02Z buy@till}'::journey),
	(2, '{2026-01-01T08:00Z home@ads, 2026-01-01T08:10Z buy, 2026-01-01T08:20Z page, 2026-01-01T08:30Z buy}'),
	(3, '{2026-01-01T08:00Z home, 2026-01-01T08:10Z buy, 2026-01-01T08:20Z page@late, 2026-01-01T12:00Z buy@alone}')) v(j, journey),
	attribute(v.journey, 'buy', 'linear', per => 'session') a
ORDER BY v.j, a.conversion_at, a.at;
SELECT g, count(*) FROM unnest(ARRAY['0', '9:59', '10:00', '1 day']::interval[]) g,
	attribute('{2026-01-01T08:00Z a, 2026-01-01T08:10Z b, 2026-01-01T18:10Z c, 2026-01-01T18:10Z c, 2026-01-02T00:00Z buy}', 'buy', 'linear', per => 'session', session_gap => g)
GROUP BY g ORDER BY g;

-- only_channels: what has no channel earns nothing, be it a touchpoint or a visit.
SELECT p, a.event, a.channel, a.credit FROM unnest(ARRAY['touchpoint', 'session']) p,
	attribute('{2026-01-01T00:00Z a, 2026-01-02T00:00Z b@x, 2026-01-02T00:01Z b, 2026-01-03T00:00Z c, 2026-01-04T00:00Z d@y, 2026-01-05T00:00Z buy}', 'buy', 'linear', per => p, only_channels => true) a;
SELECT * FROM attribute('{2026-01-01T00:00Z a, 2026-01-05T00:00Z buy=2}', 'buy', 'linear', only_channels => true);

-- What is wrong is said, whether there is a conversion or not.
SELECT call, public.attribute_refusal('attribute(' || j || call || ')') AS answer
FROM unnest(ARRAY[', ''last_click''', ', ''''', ', NULL', ', lookback => ''-1 day''', ', lookback => ''1 month''', ', per => ''visit''', ', per => NULL', ', per => ''session'', session_gap => ''-1 s''',
	', half_life => ''0''', ', half_life => ''-1 h''', ', half_life => ''1 year''', ', weights => ''{1,2}''', ', weights => ''{}''', ', weights => ''{0,0,0}''', ', weights => ''{1,-1,1}''', ', weights => ''{1,NaN,1}''',
	', weights => ''{1,Infinity,1}''', ', weights => ''{1,NULL,1}''', ', weights => ''{{1,2,1}}''', ', weights => NULL', ', direct => NULL', ', only_channels => NULL', ', direct => ''{{a,b}}''']) WITH ORDINALITY c(call, place),
	(VALUES ('''{2026-01-01T00:00Z buy}'', ''buy''')) v(j)
ORDER BY c.place;
SELECT public.attribute_refusal('attribute(''{}'', ''buy'', ''last_click'')') AS no_touchpoint, public.attribute_refusal('attribute(''{2026-01-01T00:00Z a}'', ''buy'', half_life => ''0'')') AS no_conversion;
