-- funnel_stages, funnel_within: what a funnel consists of.
SET search_path = cjm, public;

SELECT * FROM funnel_stages('start: view | "add to cart"@email -> optional *@ads [2 days] -> view -> pay within 36 hours excluding refund | *@spam');
SELECT * FROM funnel_stages('*');
SELECT f, funnel_within(f) FROM unnest(ARRAY['a', 'a -> b within 7 days', 'a -> b unordered within 1.5 hours', 'a -> b within 1 us']::funnel[]) f;
SELECT count(*) FROM funnel_stages(NULL);
