--
-- draw.sql: draws the pictures of this folder, of a year of the demonstration's
-- web shop.  "make pictures" runs it; the tests compare.
--
--     psql -v dir=doc/img -f doc/img/draw.sql
--
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on

CREATE EXTENSION cjm;
\ir ../../test/demo/generator.sql

SELECT cjm.create_map('shop', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', time_zone => 'UTC',
	stages => 'awareness: visit -> interest: view | search -> consideration: cart -> checkout -> purchase -> advocacy: review | refer within 60 days')
\g /dev/null

-- What a team would have written down.
SELECT cjm.set_target('shop', 'step_rate', 0.45, stage => 'consideration'), cjm.set_target('shop', 'step_rate', 0.5, stage => 'checkout'), cjm.set_target('shop', 'median_time', 60, stage => 'purchase'),
	cjm.describe_stage('shop', 'awareness', quote => 'I need a present by Friday.', owner => 'Marketing', action => 'content plan'),
	cjm.describe_stage('shop', 'interest', quote => 'On my phone I cannot compare them.', pain => 'no comparison on small screens', owner => 'Shop', action => 'comparison for phones'),
	cjm.describe_stage('shop', 'consideration', quote => 'What will delivery cost?', pain => 'delivery is shown at the checkout alone', owner => 'Logistics', action => 'delivery in the cart'),
	cjm.describe_stage('shop', 'advocacy', quote => 'My friends will like it.', owner => 'CRM', action => 'a reward for referrals')
\g /dev/null

\o :dir/map.svg
SELECT cjm.map_svg('shop');
\o :dir/funnel.svg
SELECT cjm.funnel_svg('shop');
\o :dir/retention.svg
SELECT cjm.retention_svg('shop');
\o

-- Those of README.ru.md and README.lv.md: their own maps, with what a team there would have written down.
SELECT cjm.create_map('ru', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'amount', time_zone => 'Europe/Riga',
	stages => 'знакомство: visit -> интерес: view | search -> корзина: cart -> оформление: checkout -> покупка: purchase within 60 days'),
	cjm.create_map('lv', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'amount', time_zone => 'Europe/Riga',
	stages => 'iepazīšanās: visit -> interese: view | search -> grozs: cart -> noformēšana: checkout -> pirkums: purchase within 60 days')
\g /dev/null
SELECT cjm.set_target(map, 'step_rate', 0.45, stage => (ARRAY['корзина', 'grozs'])[i]), cjm.set_target(map, 'step_rate', 0.5, stage => (ARRAY['оформление', 'noformēšana'])[i]), cjm.set_target(map, 'median_time', 60, stage => (ARRAY['покупка', 'pirkums'])[i])
FROM (VALUES (1, 'ru'), (2, 'lv')) m(i, map)
\g /dev/null
SELECT cjm.describe_stage('ru', 'знакомство', quote => 'Подарок нужен к пятнице.', owner => 'Маркетинг', action => 'план публикаций'),
	cjm.describe_stage('ru', 'интерес', quote => 'С телефона их не сравнить.', pain => 'на малом экране нет сравнения', owner => 'Магазин', action => 'сравнение для телефонов'),
	cjm.describe_stage('ru', 'корзина', quote => 'Сколько будет стоить доставка?', pain => 'доставка видна только при оформлении', owner => 'Логистика', action => 'доставка в корзине'),
	cjm.describe_stage('lv', 'iepazīšanās', quote => 'Dāvana vajadzīga līdz piektdienai.', owner => 'Mārketings', action => 'satura plāns'),
	cjm.describe_stage('lv', 'interese', quote => 'Telefonā tos nevar salīdzināt.', pain => 'mazā ekrānā nav salīdzināšanas', owner => 'Veikals', action => 'salīdzināšana telefoniem'),
	cjm.describe_stage('lv', 'grozs', quote => 'Cik maksās piegāde?', pain => 'piegādes cena redzama tikai noformējot', owner => 'Loģistika', action => 'piegādes cena grozā')
\g /dev/null

\o :dir/map.ru.svg
SELECT cjm.map_svg('ru', title => 'Путь клиента интернет-магазина', language => 'ru');
\o :dir/map.lv.svg
SELECT cjm.map_svg('lv', title => 'Interneta veikala klienta ceļš', language => 'lv');
\o
