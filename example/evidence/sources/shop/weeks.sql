-- A week that is not closed is still growing, and its rates with it.
SELECT week::text AS week, step, step || '. ' || stage AS stage, customers, overall_rate
FROM shop.funnel_by_week
WHERE closed
ORDER BY week, step
