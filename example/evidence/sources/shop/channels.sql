SELECT coalesce(channel, 'none') AS channel, model, conversions, share, value::float8 AS value
FROM shop.attribution
ORDER BY model, conversions DESC, channel
