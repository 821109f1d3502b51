-- No event is lost and none is counted twice.
select e.touches as events, j.touches as in_journeys
from (select count(*) as touches from {{ source('shop', 'events') }} where customer_id is not null and at is not null and event <> '') as e,
    (select sum(cjm.touch_count(journey)) as touches from {{ ref('journeys') }}) as j
where e.touches is distinct from j.touches
