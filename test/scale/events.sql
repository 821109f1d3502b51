-- The events, with a country of the customer, and an answer where a review was written: both told by what is there, so that no file has to have them.
CREATE TABLE events (
	customer_id bigint NOT NULL,
	at timestamptz NOT NULL,
	event text NOT NULL,
	channel text,
	amount float8,
	country text GENERATED ALWAYS AS (CASE customer_id % 3 WHEN 0 THEN 'LV' WHEN 1 THEN 'EE' ELSE 'LT' END) STORED,
	answer float8 GENERATED ALWAYS AS (CASE event WHEN 'review' THEN customer_id % 11 END) STORED
);
