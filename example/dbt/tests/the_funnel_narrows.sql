-- Nobody is at a step who was not at the one before.
select *
from (select step, customers, lag(customers) over (order by step) as before from {{ ref('funnel') }}) as f
where customers > before
