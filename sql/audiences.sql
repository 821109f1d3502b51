-- Audiences: create_audience, audience, refresh_audiences, take_changes, audience_report, drop_audience.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- Customers of the last fortnight, and of the day before yesterday, never at a border of what is asked for.
CREATE TABLE public.people (customer integer, at timestamptz, event text, channel text, value float8, country text, plan text);
INSERT INTO people
SELECT c, now() - (hashint4(c * 31 + i) & 1048575) % (CASE c % 4 WHEN 0 THEN 18000 ELSE 1200000 END) * interval '1 s' - interval '31.5 s',
	(ARRAY['view', 'view', 'add', 'save', 'pay', 'order', 'no', 'mail'])[1 + (hashint4(c + i * 977) & 65535) % 8], (ARRAY['ads', 'mail', NULL])[1 + (hashint4(c * 3 + i) & 65535) % 3], 1,
	(ARRAY['LV', 'EE', NULL])[1 + c % 3], (ARRAY['free', 'pro'])[1 + (c + i) % 2]
FROM generate_series(1, 400) c, generate_series(1, 1 + c % 7) i;
CREATE INDEX ON people (customer);
CREATE FUNCTION public.make_map(name text, access text DEFAULT NULL) RETURNS regnamespace LANGUAGE sql AS $$
	SELECT cjm.create_map(name, 'public.people', 'customer', 'at', 'event', 'visit: view -> cart: add | save -> purchase: pay | order within 4 days', channel => 'channel', value => 'value', segment => 'country',
		time_zone => 'UTC', access => access, refusal => 'no', dimensions => '{"plan": "plan"}') $$;
SELECT public.make_map('aud'), public.make_map('aud_kept'), public.make_map('aud_reader', 'reader');
SELECT keep_journeys('aud_kept');
SELECT refresh_journeys('aud_kept');
CREATE FUNCTION public.make_audiences(map text) RETURNS SETOF regclass LANGUAGE sql AS $$
	SELECT cjm.create_audience(map, 'left carts', at_stage => 'cart', not_after => 'purchase', quiet_for => '1 hour', since => '7 days');
	SELECT cjm.create_audience(map, 'no open ones', at_stage => '2', not_after => 'pay | order | no', include_open => false, where_is => '{"segment": ["LV", null]}');
	SELECT cjm.create_audience(map, 'by mail', at_stage => 'visit', where_is => '{"first_channel": "mail", "plan": "pro"}', holdout => 0.3);
	SELECT cjm.create_audience(map, 'won once', condition => 'converted AND conversions > 0', quiet_for => '2 days');
	SELECT cjm.create_audience(map, 'said no', condition => 'refused_at > now() - interval ''5 days''', since => '10 days', include_open => false);
	SELECT cjm.create_audience(map, 'both', at_stage => 'cart', condition => 'touches >= 3 AND (dimensions ->> ''plan'') = ''free'' AND stage <> ''purchase''', where_is => '{"segment": "EE"}');
	SELECT cjm.create_audience(map, 'first by mail', condition => 'step > 0', where_is => '{"first_channel": ["mail"]}', since => '9 days', include_open => false) $$;
SELECT public.make_audiences('aud');
SELECT count(*) FROM public.make_audiences('aud_kept') k, public.make_audiences('aud_reader') r;

-- Who meets the conditions, in plain SQL over the rows; what is not plain is asked of the view customers.
CREATE VIEW public.facts AS
SELECT c.customer, f.cart_at, f.visit_at, (SELECT max(r.at) FROM people r WHERE r.customer = c.customer) AS last_at, (SELECT r.country FROM people r WHERE r.customer = c.customer AND r.country IS NOT NULL LIMIT 1) AS country,
	(SELECT r.plan FROM people r WHERE r.customer = c.customer ORDER BY r.at LIMIT 1) AS plan, (SELECT r.channel FROM people r WHERE r.customer = c.customer AND r.channel IS NOT NULL ORDER BY r.at LIMIT 1) AS first_channel,
	v.open, v.refused_at, v.converted, v.conversions, v.touches, v.stage, v.step
FROM (SELECT DISTINCT customer FROM people) c JOIN aud.customers v USING (customer) CROSS JOIN LATERAL (
	SELECT (SELECT max(b.at) FROM people a JOIN people b ON b.customer = a.customer AND b.at >= a.at AND b.at - a.at <= interval '4 days' WHERE a.customer = c.customer AND a.event = 'view' AND b.event IN ('add', 'save')) AS cart_at,
		(SELECT max(a.at) FROM people a WHERE a.customer = c.customer AND a.event = 'view') AS visit_at) f;
CREATE VIEW public.expected AS
SELECT 'left carts' AS name, customer, cart_at AS since, stage FROM facts f WHERE cart_at >= now() - interval '7 days' AND last_at <= now() - interval '1 hour'
	AND NOT EXISTS (SELECT FROM people r WHERE r.customer = f.customer AND r.event IN ('pay', 'order') AND r.at >= f.cart_at)
UNION ALL SELECT 'no open ones', customer, cart_at, stage FROM facts f WHERE cart_at IS NOT NULL AND NOT open AND (country = 'LV' OR country IS NULL)
	AND NOT EXISTS (SELECT FROM people r WHERE r.customer = f.customer AND r.event IN ('pay', 'order', 'no') AND r.at >= f.cart_at)
UNION ALL SELECT 'by mail', customer, visit_at, stage FROM facts WHERE visit_at IS NOT NULL AND first_channel = 'mail' AND plan = 'pro'
UNION ALL SELECT 'won once', customer, last_at, stage FROM facts WHERE converted AND conversions > 0 AND last_at <= now() - interval '2 days'
UNION ALL SELECT 'said no', customer, last_at, stage FROM facts WHERE refused_at > now() - interval '5 days' AND last_at >= now() - interval '10 days' AND NOT open
UNION ALL SELECT 'both', customer, cart_at, stage FROM facts WHERE cart_at IS NOT NULL AND touches >= 3 AND plan = 'free' AND stage <> 'purchase' AND country = 'EE'
UNION ALL SELECT 'first by mail', customer, last_at, stage FROM facts WHERE step > 0 AND first_channel = 'mail' AND last_at >= now() - interval '9 days' AND NOT open;
-- Written down, for one now() in a transaction.
CREATE TABLE public.wanted AS TABLE expected WITH NO DATA;
CREATE FUNCTION public.compare_audiences(map text) RETURNS TABLE (audience text, several boolean, wrong bigint, not_all boolean) LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT a.name FROM aud.audiences a ORDER BY a.name COLLATE "C" LOOP
		RETURN QUERY EXECUTE format('WITH meets AS (SELECT v.customer, v.since, v.stage FROM %1$I.%2$I v), wanted AS (SELECT e.customer, e.since, e.stage FROM public.wanted e WHERE e.name = %3$L)
			SELECT %3$L, (SELECT count(*) > 5 FROM wanted), (SELECT count(*) FROM ((TABLE meets EXCEPT ALL TABLE wanted) UNION ALL (TABLE wanted EXCEPT ALL TABLE meets)) d),
				(SELECT count(*) < (SELECT count(DISTINCT customer) FROM public.people) FROM wanted)', map, 'meets_' || name, name);
	END LOOP;
END $$;
BEGIN;
TRUNCATE wanted;
INSERT INTO wanted TABLE expected;
SELECT * FROM public.compare_audiences('aud');
SELECT map, sum(c.wrong) FROM unnest('{aud,aud_kept,aud_reader}'::text[]) map, public.compare_audiences(map) c GROUP BY 1 ORDER BY 1;
COMMIT;
-- With changes beside the store, little memory, and workers.
INSERT INTO people SELECT c, now() - interval '3 hours 7 s', 'add', 'ads', NULL, NULL, 'free' FROM generate_series(1, 500, 7) c;
DELETE FROM people WHERE customer % 11 = 3;
SELECT state FROM aud_kept.kept;
BEGIN;
TRUNCATE wanted;
INSERT INTO wanted TABLE expected;
SET work_mem = '64kB';
SELECT map, sum(c.wrong) FROM unnest('{aud,aud_kept,aud_reader}'::text[]) map, public.compare_audiences(map) c GROUP BY 1 ORDER BY 1;
SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2;
SELECT map, sum(c.wrong) FROM unnest('{aud,aud_kept,aud_reader}'::text[]) map, public.compare_audiences(map) c GROUP BY 1 ORDER BY 1;
COMMIT;
RESET min_parallel_table_scan_size; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET max_parallel_workers_per_gather; RESET work_mem;

-- Whom to address: without those who are held out, about as many as asked for, and always the same.
SELECT count(*) FILTER (WHERE held_out) > 0 AS some, count(*) > 2 * count(*) FILTER (WHERE held_out) AS not_many, (SELECT count(*) FROM audience('aud', 'by mail')) = count(*) FILTER (WHERE NOT held_out) AS others FROM aud."meets_by mail";
SELECT count(*) FROM ((SELECT customer, held_out FROM aud."meets_by mail") EXCEPT SELECT customer, held_out FROM aud_kept."meets_by mail") d;
SELECT count(*) FROM aud."meets_by mail" WHERE held_out AND customer IN (SELECT customer FROM aud."audience_by mail");
SELECT a.customer = v.customer::text AND a.since = v.since AND a.dimensions = v.dimensions AS same FROM audience('aud', 'left carts') a JOIN aud."audience_left carts" v ON v.customer::text = a.customer GROUP BY 1;

-- Refreshes: members are who meets the condition, changes what changed, and a refresh after another does nothing.
CREATE FUNCTION public.check_members(map text) RETURNS TABLE (audience text, wrong bigint, doubled bigint) LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT a.name FROM aud.audiences a ORDER BY a.name COLLATE "C" LOOP
		RETURN QUERY EXECUTE format('WITH meets AS (SELECT v.customer, v.since, v.stage, v.dimensions, v.held_out FROM %1$I.%2$I v), written AS (SELECT m.customer, m.since, m.stage, m.dimensions, m.held_out FROM %1$I.audience_members m WHERE m.audience = %3$L AND m.left_at IS NULL)
			SELECT %3$L, (SELECT count(*) FROM ((TABLE meets EXCEPT ALL TABLE written) UNION ALL (TABLE written EXCEPT ALL TABLE meets)) d),
				(SELECT count(*) FROM (SELECT customer FROM %1$I.audience_members WHERE audience = %3$L AND left_at IS NULL GROUP BY 1 HAVING count(*) > 1) d)', map, 'meets_' || name, name);
	END LOOP;
END $$;
-- One transaction, and so one now().
BEGIN;
SELECT refresh_audiences('aud') ~ '^both: [0-9]+ members, [0-9]+ entered, 0 left; by mail: ' AS says, refresh_audiences('aud_kept') LIKE 'both: %' AS kept;
SELECT sum(wrong), sum(doubled) FROM public.check_members('aud');
SELECT regexp_replace(refresh_audiences('aud'), '\d+ members', 'n members', 'g');
COMMIT;
INSERT INTO people SELECT customer, now() - interval '2 hours', 'order', NULL, 5, NULL, NULL FROM aud.audience_members WHERE audience = 'left carts' AND customer % 2 = 0;
DELETE FROM people WHERE customer % 13 = 5;
INSERT INTO people SELECT c, now() - interval '2 days', 'view', 'mail', NULL, 'LV', 'pro' FROM generate_series(1001, 1060) c;
BEGIN;
SELECT refresh_audiences('aud') ~ 'left carts: \d+ members, \d+ entered, [1-9]\d* left' AS some_left, refresh_audiences('aud_kept') LIKE 'both: %' AS kept;
SELECT sum(wrong), sum(doubled) FROM public.check_members('aud');
SELECT sum(wrong), sum(doubled) FROM public.check_members('aud_kept');
COMMIT;
-- Who had left and comes again is a member again, beside what was.
DELETE FROM people WHERE event = 'order' AND value = 5;
SELECT refresh_audiences('aud') ~ 'left carts: \d+ members, [1-9]\d* entered' AS again;
SELECT count(*) > 0 AS twice, min(n), max(n) FROM (SELECT count(*) AS n FROM aud.audience_members WHERE audience = 'left carts' GROUP BY customer HAVING count(*) > 1) d;
-- Changes, played one after the other, give the members; of the held out there is none.
SELECT count(*) AS wrong FROM (
	SELECT audience, customer FROM (SELECT DISTINCT ON (audience, customer) audience, customer, change FROM aud.audience_changes ORDER BY audience, customer, number DESC) l WHERE change = 'entered'
	EXCEPT SELECT audience, customer FROM aud.audience_members WHERE left_at IS NULL AND NOT held_out) d;
SELECT count(*) AS wrong FROM (
	SELECT audience, customer FROM aud.audience_members WHERE left_at IS NULL AND NOT held_out
	EXCEPT SELECT audience, customer FROM (SELECT DISTINCT ON (audience, customer) audience, customer, change FROM aud.audience_changes ORDER BY audience, customer, number DESC) l WHERE change = 'entered') d;
SELECT count(*) FILTER (WHERE NOT alternates) AS wrong FROM (SELECT change <> coalesce(lag(change) OVER (PARTITION BY audience, customer ORDER BY number), 'left') AS alternates FROM aud.audience_changes) c;
SELECT count(*) FILTER (WHERE m.held_out) AS held_out FROM aud.audience_changes c JOIN aud.audience_members m USING (audience, customer);
SELECT name, members = (SELECT count(*) FROM aud.audience_members m WHERE m.audience = a.name AND left_at IS NULL) AS members, took >= '0' AND refreshed_at >= made_at AS refreshed FROM aud.audiences a ORDER BY 1;

-- Each change once to each consumer, in order.
CREATE TABLE public.got (consumer text, number bigint, customer text);
DO $$
DECLARE
	n bigint;
BEGIN
	FOR i IN 1 .. 1000 LOOP
		INSERT INTO public.got SELECT 'mailer', c.number, c.customer FROM cjm.take_changes('aud', 'mailer', 17) c;
		INSERT INTO public.got SELECT 'o''ther; --', c.number, c.customer FROM cjm.take_changes('aud', 'o''ther; --', 1 + i) c;
		GET DIAGNOSTICS n = ROW_COUNT;
		EXIT WHEN n = 0 AND i > 100;
	END LOOP;
END $$;
SELECT consumer, count(*) = (SELECT count(*) FROM aud.audience_changes) AS all_of_them, count(*) = count(DISTINCT number) AS once FROM public.got GROUP BY 1 ORDER BY 1;
SELECT count(*) AS wrong FROM public.got g LEFT JOIN aud.audience_changes c ON c.number = g.number AND c.customer::text = g.customer WHERE c.number IS NULL;
BEGIN;
SELECT count(*) FROM take_changes('aud', 'third', 5);
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM take_changes('aud', 'third', 5);
ROLLBACK TO s;
SELECT min(number) = (SELECT min(number) FROM aud.audience_changes) AS from_the_first FROM take_changes('aud', 'third', 5);
COMMIT;
-- Numbers are not given again, though changes are thrown away.
CREATE TABLE public.last AS SELECT max(number) AS number FROM aud.audience_changes;
DELETE FROM aud.audience_changes;
INSERT INTO people SELECT c, now() - interval '3 days', 'view', 'mail', NULL, 'LV', 'pro' FROM generate_series(2001, 2020) c;
SELECT refresh_audiences('aud') ~ 'by mail: \d+ members, 20 entered' AS came;
SELECT min(c.number) > (SELECT number FROM public.last) AS higher, count(*) > 5 AS some FROM take_changes('aud', 'mailer') c;

-- Did it work?  Purchases since a refresh saw them first, of those who were handed out and of those who were not.
INSERT INTO people SELECT customer, clock_timestamp() + interval '1 s', 'pay', NULL, 7, NULL, NULL FROM aud.audience_members WHERE audience = 'by mail' AND left_at IS NULL AND customer % 3 > 0 AND (NOT held_out OR customer % 5 = 0);
CREATE VIEW public.outcome AS SELECT m.held_out, count(*) AS customers, count(*) FILTER (WHERE EXISTS (SELECT FROM people r WHERE r.customer = m.customer AND r.event IN ('pay', 'order') AND r.at >= m.entered_at)) AS converted
	FROM (SELECT DISTINCT ON (customer) * FROM aud.audience_members WHERE audience = 'by mail' ORDER BY customer, entered_at) m GROUP BY 1;
SELECT (r.handed_out, r.converted) = (SELECT customers, converted FROM outcome WHERE NOT held_out) AS handed_out, (r.held_out, r.held_out_converted) = (SELECT customers, converted FROM outcome WHERE held_out) AS held_out,
	(r.rate, r.rate_low, r.rate_high) = (SELECT i.rate, i.rate_low, i.rate_high FROM rate_interval(r.converted, r.handed_out) i) AS rate, (r.held_out_rate, r.held_out_rate_low, r.held_out_rate_high) = (SELECT i.rate, i.rate_low, i.rate_high FROM rate_interval(r.held_out_converted, r.held_out) i) AS held_out_rate,
	(r.difference, r.difference_low, r.difference_high, r.p_value) = (SELECT d.* FROM rate_difference(r.converted, r.handed_out, r.held_out_converted, r.held_out) d) AS difference, r.difference_low > 0 AS surely, r.converted > 20 AS many
FROM audience_report('aud', 'by mail') r;
SELECT handed_out, converted, held_out, difference FROM audience_report('aud', 'by mail', within => '1 day');
SELECT handed_out > 0 AS all, converted FROM audience_report('aud', 'by mail', within => '1 microsecond');
SELECT handed_out, held_out FROM audience_report('aud', 'by mail', to_time => '2020-01-01Z');
SELECT held_out, held_out_rate, difference FROM audience_report('aud', 'left carts');

-- A map that is made anew has its audiences anew; what it does not have any more leaves them as they were.
SELECT create_map('aud', 'public.people', 'customer', 'at', 'event', 'visit: view -> cart: save -> purchase: pay | order within 4 days', channel => 'channel', value => 'value', segment => 'country', time_zone => 'UTC', refusal => 'no', dimensions => '{"plan": "plan"}', replace => true);
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM people r WHERE r.customer = v.customer AND r.event = 'save' AND r.at = v.since)) AS wrong FROM aud."meets_left carts" v;
SET client_min_messages = notice;
SELECT create_map('aud', 'public.people', 'customer', 'at', 'event', 'visit: view -> basket: add -> purchase: pay within 4 days', channel => 'channel', time_zone => 'UTC', replace => true);
SELECT regexp_replace(refresh_audiences('aud'), '\d+', 'n', 'g');
SET client_min_messages = warning;
SELECT count(*) > 0 AS stay FROM aud.audience_members WHERE audience = 'left carts' AND left_at IS NULL;
-- A stage that is gone is not taken for an event of its name.
SELECT create_map('aud', 'public.people', 'customer', 'at', 'event', 'visit: view -> cart: add -> pay: pay | order within 4 days', channel => 'channel', time_zone => 'UTC', replace => true);
SELECT count(*) FROM aud."meets_left carts";
SELECT refresh_audiences('aud') LIKE '%left carts: not refreshed, the map has no stage "purchase" any more%' AS stays;
-- And so has one whose views come to be read with the rights of the reader.
SELECT create_map('aud', 'public.people', 'customer', 'at', 'event', 'visit: view -> cart: add -> purchase: pay within 4 days', channel => 'channel', time_zone => 'UTC', access => 'reader', replace => true);
SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'aud'::regnamespace AND relname LIKE '%left carts' AND relkind = 'v' ORDER BY 1;
SELECT create_audience('aud', 'left carts', at_stage => 'cart', replace => true);
SELECT name, at_stage, not_after, quiet_for, since, members > 0 AS members FROM aud.audiences WHERE name = 'left carts';

-- What cannot be asked for.
SELECT create_audience('aud', 'left carts', at_stage => 'cart');
SELECT create_audience('aud', 'x');
SELECT create_audience('aud', 'x', at_stage => 'crat');
SELECT create_audience('aud', 'x', at_stage => '4');
SELECT create_audience('aud', 'x', condition => 'converted', not_after => 'pay');
SELECT create_audience('aud', 'x', at_stage => 'cart', not_after => 'pay -> order');
SELECT create_audience('aud', 'x', at_stage => 'cart', not_after => 'pay; DROP TABLE people');
SELECT create_audience('aud', 'x', at_stage => 'cart', quiet_for => '-1 hour');
SELECT create_audience('aud', 'x', at_stage => 'cart', since => '0');
SELECT create_audience('aud', 'x', at_stage => 'cart', holdout => 1);
SELECT create_audience('aud', 'x', at_stage => 'cart', holdout => 'NaN');
SELECT create_audience('aud', 'by mail', at_stage => 'cart', holdout => 0.4, replace => true);
SELECT create_audience('aud', 'x', at_stage => 'cart', where_is => '{"plan": "pro"}');
SELECT create_audience('aud', 'x', at_stage => 'cart', where_is => '[]');
SELECT create_audience('aud', '', at_stage => 'cart');
SELECT create_audience('aud', NULL, at_stage => 'cart');
SELECT create_audience('aud', 'members', at_stage => 'cart');
SELECT create_audience('aud', repeat('x', 55), at_stage => 'cart');
SELECT create_audience('aud', E'a\nb', at_stage => 'cart');
SELECT create_audience('nowhere', 'x', at_stage => 'cart');
SELECT create_audience(NULL, 'x', at_stage => 'cart');
SELECT create_audience('aud', 'x', condition => 'true) OR (true');
SELECT create_audience('aud', 'x', condition => 'true; DROP TABLE people');
SELECT create_audience('aud', 'x', condition => 'true UNION SELECT false');
SELECT create_audience('aud', 'x', condition => 'EXISTS (SELECT FROM people)');
SELECT create_audience('aud', 'x', condition => 'random() < 0.5');
SELECT create_audience('aud', 'x', condition => 'count(*) > 1');
SELECT create_audience('aud', 'x', condition => 'row_number() OVER () > 1');
SELECT create_audience('aud', 'x', condition => 'country = ''LV''');
SELECT create_audience('aud', 'x', condition => 'touches');
SELECT create_audience('aud', 'x', condition => '');
SELECT audience('aud', 'letf carts');
SELECT audience('aud_none', 'x');
SELECT drop_audience('aud', 'x');
SELECT audience_report('aud', 'x');
SELECT audience_report('aud', 'by mail', within => '0');
SELECT audience_report('aud', 'by mail', from_time => '2026-01-02Z', to_time => '2026-01-01Z');
SELECT take_changes('aud', '');
SELECT take_changes('aud', NULL);
SELECT take_changes('aud', 'm', 0);
SELECT take_changes('aud', 'm', NULL);
SELECT refresh_audiences('nowhere');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT refresh_audiences('aud');
ROLLBACK;
CREATE VIEW aud.audience_mine AS SELECT 1 AS x;
SELECT create_audience('aud', 'mine', at_stage => 'cart');
DROP VIEW aud.audience_mine;

-- Names and values that look like SQL.
SELECT create_audience('aud', 'it''s "x"; --%s%L$1', at_stage => 'cart', not_after => '"it''s ""x""; --"', condition => 'last_event <> ''''''; --'' AND true -- not');
SELECT customer, stage FROM aud."audience_it's ""x""; --%s%L$1" LIMIT 0;
SELECT refresh_audiences('aud') ~ 'it''s "x"; --%s%L\$1: \d+ members' AS refreshed;
SELECT count(*) > 0 AS some FROM audience('aud', 'it''s "x"; --%s%L$1');
SELECT drop_audience('aud', 'it''s "x"; --%s%L$1');
SELECT count(*) FROM aud.audience_members WHERE audience LIKE 'it%';

-- Keys of other types: without an order, equal though their texts differ, rows of several columns; customers of whom nothing is known.
CREATE TABLE public.keys (customer numeric, box point, at timestamptz, event text);
SELECT create_map('aud_keys', 'public.keys', 'customer', 'at', 'event', 'a -> b', time_zone => 'UTC');
SELECT create_audience('aud_keys', 'all', at_stage => 'a', holdout => 0.5);
SELECT refresh_audiences('aud_keys');
SELECT refresh_audiences('aud_keys');
SELECT * FROM take_changes('aud_keys', 'm');
SELECT handed_out, held_out, rate, difference FROM audience_report('aud_keys', 'all');
INSERT INTO keys SELECT n, NULL, '2026-01-01Z', 'a' FROM generate_series(1, 20) n;
INSERT INTO keys VALUES (NULL, NULL, '2026-01-01Z', 'a'), (77, NULL, NULL, 'a'), (78, NULL, '2026-01-01Z', NULL), (79, NULL, '2026-01-01Z', '');
SELECT refresh_audiences('aud_keys');
UPDATE keys SET customer = customer + 0.00;
SELECT refresh_audiences('aud_keys');
SELECT count(*), count(DISTINCT number) FROM take_changes('aud_keys', 'm');
SELECT pg_typeof(customer) FROM aud_keys.audience_changes UNION SELECT pg_typeof(customer) FROM aud_keys.audience_members;

-- A condition that fails for some customer holds up no other audience.
SELECT create_audience('aud_keys', 'a first one', condition => '1 / (touches - 1) > 0');
SELECT refresh_audiences('aud_keys');
SELECT drop_audience('aud_keys', 'a first one');
-- drop_audience leaves nothing of it; drop_map takes all.
SELECT drop_audience('aud_keys', 'all');
SELECT (SELECT count(*) FROM aud_keys.audience_members), (SELECT count(*) FROM aud_keys.audience_changes), (SELECT count(*) FROM aud_keys.audiences), (SELECT count(*) FROM pg_class WHERE relnamespace = 'aud_keys'::regnamespace AND relname ~ '_all$');
SELECT refresh_audiences('aud_keys');
SELECT create_audience('aud_keys', 'all', at_stage => 'a');
CREATE VIEW public.on_top AS SELECT count(*) FROM aud_keys.audience_all;
SELECT drop_audience('aud_keys', 'all');
SELECT drop_map('aud_keys');
DROP VIEW public.on_top;
SELECT drop_map('aud_keys');
-- A stage and a condition are asked of one view, which has what customers has, and follows the map; not where the reader's rights count, and not by columns that it has not.
SELECT m AS map, EXISTS (SELECT FROM pg_class WHERE relname = 'customer_journeys' AND relnamespace = m::regnamespace) AS at_once FROM unnest('{aud_kept,aud_reader}'::text[]) m;
SELECT count(*) > 100 AS some, count(*) FILTER (WHERE to_jsonb(c) IS DISTINCT FROM to_jsonb(j) - 'journey') AS differ FROM aud_kept.customers c FULL JOIN aud_kept.customer_journeys j ON j.customer = c.customer;
CREATE TABLE public.hand AS SELECT c AS customer, timestamptz '2026-01-01Z' + k * interval '1 day' AS at, (ARRAY['a', 'b', 'c'])[k] AS event FROM generate_series(1, 30) c CROSS JOIN generate_series(1, 3) k WHERE c % 3 >= k - 1;
SELECT create_map('aud_hand', 'public.hand', 'customer', 'at', 'event', 'first: a -> second: b -> third: c', time_zone => 'UTC');
SELECT create_audience('aud_hand', 'second', at_stage => 'second', condition => 'stage <> ''third''');
SELECT count(*), min(stage), min(customer) FROM aud_hand.audience_second;
SELECT create_map('aud_hand', 'public.hand', 'customer', 'at', 'event', 'first: a -> second: c', time_zone => 'UTC', replace => true);
SELECT count(*), min(stage), min(customer) FROM aud_hand.audience_second;
DO $$
BEGIN
	EXECUTE format('CREATE OR REPLACE VIEW aud_hand.customers AS SELECT c.*, c.customer %% 2 AS odd FROM (%s) c', rtrim(pg_get_viewdef('aud_hand.customers'), ';'));
END
$$;
SELECT create_audience('aud_hand', 'odd', at_stage => 'first', condition => 'odd = 1');
SELECT count(*), min(customer % 2) FROM aud_hand.audience_odd;
SELECT refresh_audiences('aud_hand');
SELECT drop_audience('aud_hand', 'odd'), drop_map('aud_hand');
DROP TABLE public.hand;
DROP VIEW expected, facts, outcome;
SELECT drop_map('aud'), drop_map('aud_kept'), drop_map('aud_reader');
DROP TABLE people, keys, got, last, wanted;
DROP FUNCTION make_map, make_audiences, compare_audiences, check_members;

