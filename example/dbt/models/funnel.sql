{{ config(materialized='table') }}

select r.*
from cjm.report((select cjm.funnel_agg(journey, '{{ stages() }}') from {{ ref('journeys') }})) as r
