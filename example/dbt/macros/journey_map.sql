{# The funnel, said once. #}
{% macro stages() %}awareness: view | search -> consideration: cart -> checkout -> purchase within 30 days{% endmacro %}

{# Makes the journey map, or makes it anew, and has it read the stored journeys.  As a post-hook of the model journeys it runs in
   the transaction that fills the table: nobody sees one without the other, and when a full refresh exchanges the table, the map's
   view is on the new one before dbt drops the old one, with CASCADE.  So the map, what others have built on it, and their rights stay. #}
{% macro journey_map() %}
select cjm.create_map('shop_map',
    source => '{{ source('shop', 'events') }}',
    customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'amount', segment => 'nullif(channel, '''')',
    time_zone => 'UTC', stages => '{{ stages() }}', replace => true);
create or replace view shop_map.journeys as select customer, segment, journey, jsonb_build_object('segment', segment) as dimensions from {{ this }};
{% endmacro %}
