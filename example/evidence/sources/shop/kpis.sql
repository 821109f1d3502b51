-- There is such a view where set_target has set something.
SELECT metric || coalesce(' of ' || stage, '') || coalesce(', ' || by || ' ' || by_value, '') AS figure,
       week::text AS week, n, actual, low, high, target, direction, gap, met, trend
FROM shop.kpis
ORDER BY figure
