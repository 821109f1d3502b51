--
-- generator.sql: table events, a year of a web shop.
--
-- About 200,000 events of 20,000 customers, from the first advertisement seen
-- to the friend referred: customers who leave after one page, who fill a cart
-- and think again, who come back after months, who buy every few weeks.  The
-- same rows on every machine and in every version of PostgreSQL: chance is a
-- little generator of our own (MINSTD), started anew for every customer.
--
--     customer_id  1 to 20000
--     at           in 2025 (UTC), to the millisecond
--     event        impression, visit, search, view, wishlist, cart, checkout,
--                  purchase, support, review, refer, return
--     channel      what brought the customer to this visit; NULL is direct
--     amount       of a purchase in euros, of a return what was paid back
--
CREATE TABLE events (
	customer_id bigint NOT NULL,
	at timestamptz NOT NULL,
	event text NOT NULL,
	channel text,
	amount float8
);

COMMENT ON TABLE events IS 'a year of a web shop, made by test/demo/generator.sql';

CREATE FUNCTION pg_temp.web_shop(customers integer)
RETURNS SETOF events
LANGUAGE plpgsql AS $$
DECLARE
	year_start CONSTANT timestamptz := '2025-01-01 00:00:00+00';
	year_end CONSTANT timestamptz := '2026-01-01 00:00:00+00';
	m CONSTANT float8 := 2147483647;

	-- How busy the shop is in percent of its best: January to December, Monday to Sunday, 0 to 23 h.
	months CONSTANT float8[] := '{58,50,54,56,60,52,48,50,60,68,100,88}';
	weekdays CONSTANT float8[] := '{88,84,82,80,74,86,100}';
	hours CONSTANT float8[] := '{14,8,5,4,4,6,14,28,40,50,56,60,66,62,58,56,60,66,76,90,100,94,66,34}';

	channels CONSTANT text[] := '{organic search,paid search,social,display,email,affiliate,referral}';
	-- Up to which chance each is it, for the first visit and for later ones; the rest is direct.
	first_channel CONSTANT float8[] := '{0.25,0.45,0.66,0.79,0.79,0.86,0.91}';
	later_channel CONSTANT float8[] := '{0.16,0.26,0.34,0.39,0.68,0.70,0.71}';
	-- How much of a buyer comes by it, last by direct.
	channel_intent CONSTANT float8[] := '{1.0,1.2,0.55,0.35,1.35,0.9,1.5,1.15}';

	seed bigint;				-- the state of chance
	touch events;
	intent float8;				-- of this customer: below 1 looks, above 1 buys
	clock timestamptz;			-- when it is for this customer
	visits integer;				-- still to come
	bought integer;				-- purchases so far
	state text;					-- the last event of this visit, NULL after it
	pace float8;				-- seconds from page to page
	via integer;				-- index of the channel, 8 for direct
	pages integer;				-- so far in this visit
	is_buyer boolean;
	eager float8;				-- the customer's intent, here and now
	x float8;
BEGIN
	FOR customer IN 1 .. customers LOOP
		touch.customer_id := customer;
		seed := ('x' || left(md5('customer ' || customer), 7))::bit(28)::integer + 1;

		-- Who it is: 6 of 10 look around, 3 shop, 1 loves the place.
		seed := seed * 48271 % 2147483647;
		x := seed / m;
		intent := CASE WHEN x < 0.60 THEN 0.45 WHEN x < 0.91 THEN 1.0 ELSE 1.7 END;

		-- How often: most come once, some again and again.
		visits := 1;
		LOOP
			seed := seed * 48271 % 2147483647;
			EXIT WHEN visits >= 40 OR seed / m > 0.50 + 0.24 * intent;
			visits := visits + 1;
		END LOOP;

		-- When first: a busy day is likelier than a quiet one.
		LOOP
			seed := seed * 48271 % 2147483647;
			clock := year_start + floor(seed / m * 365) * interval '24 hours';
			seed := seed * 48271 % 2147483647;
			EXIT WHEN seed / m * 10000 < months[date_part('month', clock AT TIME ZONE 'UTC')]
				* weekdays[date_part('isodow', clock AT TIME ZONE 'UTC')];
		END LOOP;

		bought := 0;
		FOR visit IN 1 .. 100 LOOP
			-- What hour of the day.
			clock := date_trunc('day', clock, 'UTC');
			LOOP
				seed := seed * 48271 % 2147483647;
				x := seed / m * 24;
				seed := seed * 48271 % 2147483647;
				EXIT WHEN seed / m * 100 < hours[1 + floor(x)::integer];
			END LOOP;
			clock := clock + round(x * 3600000) * interval '1 millisecond';
			EXIT WHEN clock >= year_end;

			-- By which channel.
			seed := seed * 48271 % 2147483647;
			x := seed / m;
			via := 8;
			FOR i IN 1 .. 7 LOOP
				IF x < (CASE WHEN visit = 1 THEN first_channel[i] ELSE later_channel[i] END) THEN
					via := i;
					EXIT;
				END IF;
			END LOOP;
			touch.channel := channels[via];
			eager := intent * channel_intent[via] * CASE WHEN bought > 0 THEN 1.25 ELSE 1 END;

			-- Advertisements are seen before they are followed, and most are not.
			seed := seed * 48271 % 2147483647;
			state := CASE WHEN touch.channel IN ('social', 'display') OR touch.channel = 'email' AND seed % 3 = 0
				THEN 'impression' ELSE 'visit' END;
			pace := 25 + seed % 50;
			pages := 0;
			is_buyer := false;

			WHILE state IS NOT NULL AND clock < year_end LOOP
				touch.at := clock;
				touch.event := state;
				touch.amount := NULL;
				IF state = 'purchase' THEN
					-- Between 5 and some hundred euros, few of them dear; quarters, so that sums of float8 are exact.
					seed := seed * 48271 % 2147483647;
					x := seed / m;
					touch.amount := floor(9 + 40 * x + 160 * x * x * x * x * x) + seed % 4 * 0.25;
					is_buyer := true;
					bought := bought + 1;
				END IF;
				RETURN NEXT touch;
				pages := pages + 1;

				seed := seed * 48271 % 2147483647;
				x := seed / m;
				state := CASE state
					WHEN 'impression' THEN CASE WHEN x < 0.30 + 0.12 * eager THEN 'visit' END
					WHEN 'visit' THEN CASE WHEN x < 0.24 + 0.05 * eager THEN 'search' WHEN x < 0.62 + 0.10 * eager THEN 'view' END
					WHEN 'search' THEN CASE WHEN x < 0.70 THEN 'view' WHEN x < 0.82 THEN 'search' END
					WHEN 'view' THEN CASE WHEN x < 0.13 * eager THEN 'cart' WHEN x < 0.13 * eager + 0.02 THEN 'wishlist'
						WHEN x < 0.13 * eager + 0.10 THEN 'search' WHEN x < 0.69 + 0.07 * eager AND pages < 30 THEN 'view' END
					WHEN 'wishlist' THEN CASE WHEN x < 0.55 THEN 'view' END
					WHEN 'cart' THEN CASE WHEN x < 0.20 + 0.17 * eager THEN 'checkout' WHEN x < 0.42 + 0.17 * eager AND pages < 30 THEN 'view' END
					WHEN 'checkout' THEN CASE WHEN x < 0.48 + 0.15 * eager THEN 'purchase' WHEN x < 0.56 + 0.15 * eager THEN 'cart' END
				END;

				-- Reading takes its time: mostly some seconds, at times some minutes.
				seed := seed * 48271 % 2147483647;
				clock := clock + round(1000 * (1.5 + pace * -ln(seed / m))) * interval '1 millisecond';
				IF state = 'visit' THEN
					clock := clock + seed % 600000 * interval '1 millisecond';
				END IF;
			END LOOP;

			-- What follows a purchase, days later, if anything.
			IF is_buyer THEN
				touch.amount := NULL;
				FOR after IN 1 .. 4 LOOP
					seed := seed * 48271 % 2147483647;
					x := seed / m;
					CONTINUE WHEN x > (ARRAY[0.06, 0.17, 0.08, 0.05])[after];
					seed := seed * 48271 % 2147483647;
					touch.at := clock + round((ARRAY[2, 4, 7, 9])[after] * 86400000 * (0.4 + 1.5 * seed / m))
						* interval '1 millisecond';
					CONTINUE WHEN touch.at >= year_end;
					touch.event := (ARRAY['support', 'review', 'refer', 'return'])[after];
					touch.channel := CASE WHEN after IN (2, 3) AND seed % 2 = 0 THEN 'email' END;
					IF after = 4 THEN
						-- At most what the cheapest basket costs comes back.
						touch.amount := -(5 + seed % 5);
					END IF;
					RETURN NEXT touch;
				END LOOP;
			END IF;

			-- Buyers return more often than others.
			visits := visits - 1;
			seed := seed * 48271 % 2147483647;
			IF visits <= 0 THEN
				EXIT WHEN NOT is_buyer OR seed / m > 0.30 + 0.20 * intent;
				visits := 1;
			END IF;

			-- The next visit: some days from now, or weeks, or months.
			seed := seed * 48271 % 2147483647;
			x := seed / m;
			seed := seed * 48271 % 2147483647;
			clock := clock + (CASE
				WHEN is_buyer THEN 12 + 70 * seed / m
				WHEN x < 0.62 THEN 0.2 + 3.5 * (seed / m) * (seed / m)
				WHEN x < 0.88 THEN 4 + 20 * seed / m
				ELSE 60 + 150 * seed / m
			END) * interval '24 hours';
		END LOOP;
	END LOOP;
END
$$;

-- In the order in which they came, as in a table that a shop writes to.
INSERT INTO events
SELECT * FROM pg_temp.web_shop(20000) ORDER BY at, customer_id, event;

ANALYZE events;
