{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='day') }}

-- dbt replaces the days that this query gives.  A day is always built whole, so it does not matter how often or how late its rows
-- come.  The hour is for transactions that were still open when dbt ran last.
select
    customer_id as customer,
    (at at time zone 'UTC')::date as day,
    cjm.first_touch(at, channel) filter (where channel <> '') as segment,
    cjm.journey_agg(at, event, nullif(channel, ''), amount) as journey,
    max(loaded_at) as loaded_at
from {{ source('shop', 'events') }}
where customer_id is not null and at is not null and event <> ''
{% if is_incremental() %}
    and (at at time zone 'UTC')::date in (
        select (at at time zone 'UTC')::date
        from {{ source('shop', 'events') }}
        where loaded_at > (select coalesce(max(loaded_at), '-infinity') - interval '1 hour' from {{ this }}))
{% endif %}
group by 1, 2
