SELECT step, step || '. ' || stage AS stage, customers, step_rate, rate_low, rate_high, overall_rate,
       dropped, open_customers, refused, median_time_seconds / 60 AS median_minutes
FROM shop.funnel
ORDER BY step
