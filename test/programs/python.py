#!/usr/bin/env python3
"""python.py: what psycopg 3, psycopg2, SQLAlchemy and pandas are answered by the map "shop", a line for each question.

A line is driver, question and answer, separated by tabs.  What is not installed is left out.
"""
import datetime
import importlib.util
import json
import warnings

FUNNEL = 'view -> cart -> pay within 7 days'
PATTERN = 'view .* cart? pay'


def say(driver, question, answer):
    print(driver, question, answer, sep='\t')


def row(values):
    return ' '.join('NULL' if v is None else str(v) for v in values)


def psycopg3(psycopg, binary, prepare):
    driver = 'psycopg 3' + (' binary' if binary else '') + (' prepared' if prepare else '')
    with psycopg.connect(autocommit=True) as connection, connection.cursor(binary=binary) as cursor:
        def ask(sql, *parameters):
            return cursor.execute(sql, parameters, prepare=prepare).fetchall()

        for _ in range(2):
            steps = ask('SELECT customer, funnel_step(journey, %s) FROM shop.journeys WHERE customer = %s', FUNNEL, 1)
            report = ask('SELECT step, customers, step_rate, median_time FROM funnel_report(%s, from_time => %s, where_is => %s)',
                         'shop', datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc), psycopg.types.json.Jsonb({'segment': ['LV', 'EE']}))
            everybody = ask("SELECT customers FROM funnel_report(%s, from_time => coalesce(%s::timestamptz, '-infinity'), where_is => %s::jsonb)", 'shop', None, None)
            matched = ask('SELECT count(*) FILTER (WHERE matches(journey, %s)) FROM shop.journeys', PATTERN)
            sequence = ask("SELECT count(*) FROM (SELECT sequence_match('(?1)(?t<=1 day)(?2)', at, event = %s, event = 'pay') AS m FROM events GROUP BY customer) s WHERE m", 'cart')
            touchpoints = ask('SELECT at, event, channel, value FROM shop.journeys, touchpoints(journey) WHERE customer = %s', 1)
        say(driver, 'step', row(steps[0]))
        say(driver, 'report', ', '.join(row(r) for r in report))
        say(driver, 'everybody', row(r[0] for r in everybody))
        say(driver, 'pattern', row(matched[0] + sequence[0]))
        say(driver, 'touchpoints', ', '.join(row((t[0].isoformat(),) + t[1:]) for t in touchpoints))
        cursor = connection.cursor()
        journey, = cursor.execute('SELECT journey FROM shop.journeys WHERE customer = %s', (1,)).fetchone()
        say(driver, 'journey', journey)
        say(driver, 'read back', row(cursor.execute('SELECT touch_count(%s::journey)', (journey,)).fetchone()))
        if binary:
            # A type that psycopg does not know is bytes in binary, those of journey_send.
            cursor = connection.cursor(binary=True)
            say(driver, 'binary', cursor.execute('SELECT journey FROM shop.journeys WHERE customer = %s', (1,)).fetchone()[0].hex())


def psycopg2_(psycopg2):
    driver = 'psycopg2'
    import psycopg2.extras
    connection = psycopg2.connect('')
    cursor = connection.cursor()

    def ask(sql, *parameters):
        cursor.execute(sql, parameters)
        return cursor.fetchall()

    say(driver, 'step', row(ask('SELECT customer, funnel_step(journey, %s) FROM shop.journeys WHERE customer = %s', FUNNEL, 1)[0]))
    say(driver, 'report', ', '.join(row(r) for r in ask(
        'SELECT step, customers, step_rate, median_time FROM funnel_report(%s, from_time => %s, where_is => %s)',
        'shop', datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc), psycopg2.extras.Json({'segment': ['LV', 'EE']}))))
    say(driver, 'everybody', row(r[0] for r in ask(
        "SELECT customers FROM funnel_report(%s, from_time => coalesce(%s::timestamptz, '-infinity'), where_is => %s::jsonb)", 'shop', None, None)))
    say(driver, 'pattern', row(ask('SELECT count(*) FILTER (WHERE matches(journey, %s)) FROM shop.journeys', PATTERN)[0] + ask(
        "SELECT count(*) FROM (SELECT sequence_match('(?1)(?t<=1 day)(?2)', at, event = %s, event = 'pay') AS m FROM events GROUP BY customer) s WHERE m", 'cart')[0]))
    say(driver, 'touchpoints', ', '.join(row((t[0].isoformat(),) + t[1:]) for t in ask(
        'SELECT at, event, channel, value FROM shop.journeys, touchpoints(journey) WHERE customer = %s', 1)))
    journey = ask('SELECT journey FROM shop.journeys WHERE customer = %s', 1)[0][0]
    say(driver, 'journey', journey)
    say(driver, 'read back', row(ask('SELECT touch_count(%s::journey)', journey)[0]))
    connection.close()


def sqlalchemy_(sqlalchemy, pandas):
    driver = 'SQLAlchemy'
    engine = sqlalchemy.create_engine('postgresql+psycopg2://')
    text = sqlalchemy.text
    with engine.connect() as connection:
        def ask(sql, **parameters):
            return connection.execute(text(sql), parameters).fetchall()

        # A colon before a word is a parameter, and CAST is a cast.
        say(driver, 'step', row(ask('SELECT customer, funnel_step(journey, :funnel) FROM shop.journeys WHERE customer = :customer', funnel=FUNNEL, customer=1)[0]))
        say(driver, 'report', ', '.join(row(r) for r in ask(
            'SELECT step, customers, step_rate, median_time FROM funnel_report(:map, from_time => :since, where_is => CAST(:those AS jsonb))',
            map='shop', since=datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc), those=json.dumps({'segment': ['LV', 'EE']}))))
        say(driver, 'everybody', row(r[0] for r in ask(
            "SELECT customers FROM funnel_report(:map, from_time => coalesce(CAST(:since AS timestamptz), '-infinity'), where_is => CAST(:those AS jsonb))", map='shop', since=None, those=None)))
        say(driver, 'pattern', row(tuple(ask('SELECT count(*) FILTER (WHERE matches(journey, :pattern)) FROM shop.journeys', pattern=PATTERN)[0]) + tuple(ask(
            "SELECT count(*) FROM (SELECT sequence_match('(?1)(?t<=1 day)(?2)', at, event = :event, event = 'pay') AS m FROM events GROUP BY customer) s WHERE m", event='cart')[0])))
        say(driver, 'touchpoints', ', '.join(row((t[0].isoformat(),) + tuple(t)[1:]) for t in ask(
            'SELECT at, event, channel, value FROM shop.journeys, touchpoints(journey) WHERE customer = :customer', customer=1)))
        # A type that it does not know has none when it reflects; the columns are read all the same.
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter('always')
            table = sqlalchemy.Table('journeys', sqlalchemy.MetaData(), schema='shop', autoload_with=engine)
        say(driver, 'reflected', ' '.join(f'{c.name}:{c.type if not isinstance(c.type, sqlalchemy.types.NullType) else "?"}' for c in table.columns))
        say(driver, 'warned', ' '.join(str(w.message) for w in told))
        # A funnel has a twin of a type that it knows.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            definition = sqlalchemy.Table('map', sqlalchemy.MetaData(), schema='shop', autoload_with=engine)
        twins = [c for c in definition.columns if c.name.endswith('_text')]
        say(driver, 'twins', row(f'{c.name}:{c.type}' for c in twins))
        say(driver, 'stages', row(connection.execute(sqlalchemy.select(*twins).where(definition.c.stages_text.like('% -> pay %'))).fetchone()))
        journey, = connection.execute(sqlalchemy.select(table.c.journey).where(table.c.customer == 1)).fetchone()
        say(driver, 'journey', journey)
    if pandas:
        frame = pandas.read_sql(text('SELECT step, customers, step_rate, median_time FROM funnel_report(:map)'), engine, params={'map': 'shop'})
        say('pandas', 'types', ' '.join(f'{n}:{t}' for n, t in frame.dtypes.items()))
        say('pandas', 'report', ', '.join(row('NULL' if pandas.isna(v) else v for v in r) for r in frame.itertuples(index=False)))


modules = {name: importlib.import_module(name) if importlib.util.find_spec(name) else None for name in ('psycopg', 'psycopg2', 'sqlalchemy', 'pandas')}
if modules['psycopg']:
    import psycopg.types.json
    for binary in (False, True):
        for prepare in (False, True):
            psycopg3(modules['psycopg'], binary, prepare)
if modules['psycopg2']:
    psycopg2_(modules['psycopg2'])
if modules['sqlalchemy'] and modules['psycopg2']:
    sqlalchemy_(modules['sqlalchemy'], modules['pandas'])
