{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='customer', post_hook='{{ journey_map() }}') }}

-- Days add up to a journey whatever their order; only customers with a new day are added up again.
select
    customer,
    cjm.first_touch(day, segment) filter (where segment is not null) as segment,
    cjm.rollup(journey) as journey,
    max(loaded_at) as loaded_at
from {{ ref('journeys_by_day') }}
{% if is_incremental() %}
where customer in (
    select customer
    from {{ ref('journeys_by_day') }}
    where loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 hour' from {{ this }}))
{% endif %}
group by customer
