# CjmKept.pm: a map that keeps its journeys under attack: what 096_kept_stress.pl
# and 097_kept_crash.pl share.
#
# Writers, refreshers and readers are sessions of psql that play scripts, which a
# seed makes.  A writer does one thing after another, in transactions of all
# kinds; a refresher folds what waits; a reader compares.  A comparison is one
# statement, and so of one snapshot: the view "journeys" of the map "kept" EXCEPT ALL
# that of the map "rows", which is the same map and keeps nothing, and the other
# way round.

package CjmKept;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;

use CjmTest;

our @EXPORT = qw(make_maps make_scripts start_scripts end_scripts play tally add_tally tell compare_now settle unexpected);

# In one snapshot: whether the views read the store, and whether with changes beside it, and how many journeys differ.
my $compare = q{SELECT '%s', (SELECT state FROM kept.kept), (SELECT count(*) FROM differ)};
my $columns = '(customer, at, event, channel, value, land, visit)';

# What concurrent sessions may meet, and nothing is wrong: a transaction that was aborted before, its savepoints and what was to be prepared then, one
# that cannot be serialized, a deadlock, a lock that took too long, keys of others, a refresh that is refused at the isolation level, and the
# warning of one that has begun before somebody went round the triggers, and cannot fold what came of it.
my $usual = qr/^(?:25P02|3B001|42704|40001|40P01|55P03|23505|23503|25001|01000)$/;
# Of partitions: one that is not there for a moment, or not yet.
my $usual_of_parts = qr/^(?:23514|42P01|42P07|42809|55000)$/;

#
# The maps
#

# The table, its neighbours, and both maps; the journeys are kept and built, with partitions in three pieces.
sub make_maps
{
	my ($node, $partitioned) = @_;
	my $parts = $partitioned ? q{
		CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
		CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z');
		CREATE TABLE events_3 (land text, value float8, junk int, id bigint NOT NULL DEFAULT nextval('event_ids'), event text, customer int, visit text, at timestamptz NOT NULL, channel text);
		ALTER TABLE events_3 DROP COLUMN junk;
		ALTER TABLE events ATTACH PARTITION events_3 FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z');
		CREATE TABLE events_4 PARTITION OF events FOR VALUES FROM ('2026-04-01Z') TO ('2026-06-01Z') PARTITION BY HASH (id);
		CREATE TABLE events_4a PARTITION OF events_4 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE events_4b PARTITION OF events_4 FOR VALUES WITH (MODULUS 2, REMAINDER 1);} : '';
	my $map = sprintf q{'events', 'customer', 'at', 'event', 'view -> cart -> pay within 7 days', 'channel', 'value', segment => 'land', segment_at => '%s',
		dimensions => '{"via": "channel", "size": "CASE WHEN value > 2 THEN $$big$$ WHEN value = 1.5 THEN $$some$$ END"}', filter => $$event <> 'robot'$$, session => 'visit', time_zone => 'UTC'}, $partitioned ? 'first' : 'last';

	run_sql($node, qq{
		SET client_min_messages = warning;
		DROP SCHEMA IF EXISTS kept, rows CASCADE;
		DROP TABLE IF EXISTS events, events_2, events_3, people, lands, stress_over CASCADE;
		DROP SEQUENCE IF EXISTS event_ids;
		CREATE TABLE stress_over (at timestamptz);
		CREATE TABLE people (id int PRIMARY KEY);
		CREATE TABLE lands (name text PRIMARY KEY);
		INSERT INTO people SELECT generate_series(0, 29);
		INSERT INTO lands VALUES ('LV'), ('EE'), ('LT'), (''), ('west'), ('east');
		CREATE SEQUENCE event_ids;
		CREATE TABLE events (id bigint NOT NULL DEFAULT nextval('event_ids'), customer int REFERENCES people ON UPDATE CASCADE ON DELETE CASCADE,
			at timestamptz NOT NULL, event text, channel text, value float8, land text REFERENCES lands ON UPDATE CASCADE ON DELETE SET NULL, visit text, PRIMARY KEY (id, at))
			@{[ $partitioned ? 'PARTITION BY RANGE (at)' : '' ]};
		$parts
		CREATE OR REPLACE FUNCTION before_event() RETURNS trigger LANGUAGE plpgsql AS \$\$
			BEGIN
				IF NEW.event = 'never' THEN RETURN NULL; END IF;
				IF NEW.event = 'VIEW' THEN NEW.event := 'view'; END IF;
				RETURN NEW;
			END \$\$;
		CREATE OR REPLACE FUNCTION after_event() RETURNS trigger LANGUAGE plpgsql AS \$\$
			BEGIN
				INSERT INTO events $columns VALUES (NEW.customer, NEW.at, 'thanks', NEW.channel, NULL, NULL, NEW.visit);
				RETURN NULL;
			END \$\$;
		CREATE TRIGGER before_event BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION before_event();
		CREATE TRIGGER after_event AFTER INSERT ON events FOR EACH ROW WHEN (NEW.event = 'pay' AND NEW.value = 1.5) EXECUTE FUNCTION after_event();
		SELECT cjm.create_map('kept', $map), cjm.create_map('rows', $map);
		SELECT cjm.keep_journeys('kept', @{[ $partitioned ? 3 : 1 ]});
		INSERT INTO events $columns SELECT i % 13, '2026-01-01Z'::timestamptz + i * interval '11 h', 'view', NULL, NULL, 'LV', nullif(i % 4, 0) FROM generate_series(1, 150) i;
		SELECT cjm.refresh_journeys('kept') FROM generate_series(1, 5);
		CREATE VIEW differ AS (TABLE kept.journeys EXCEPT ALL TABLE rows.journeys) UNION ALL (TABLE rows.journeys EXCEPT ALL TABLE kept.journeys)});
	return;
}

#
# What a writer does
#

sub any { return $_[ int rand @_ ] }

# A whole number, both ends included.
sub between { return $_[0] + int rand($_[1] - $_[0] + 1) }

my $some_row = q{floor(random() * 13)::int, '2026-01-01Z'::timestamptz + floor(random() * 88) * interval '1 day',
	(ARRAY['view', 'cart', 'pay', 'robot', '', 'VIEW', 'never', NULL])[1 + floor(random() * 8)::int], (ARRAY['ads', 'mail', '', NULL])[1 + floor(random() * 4)::int],
	(ARRAY[1.5, 1.5, NULL, -0.0, 'NaN'])[1 + floor(random() * 5)::int], (ARRAY['LV', 'EE', '', NULL])[1 + floor(random() * 4)::int], (ARRAY['1', '2', '3', '', NULL])[1 + floor(random() * 5)::int]};

my @kinds = (
	[ 20, sub { "INSERT INTO events $columns SELECT $some_row;" } ],
	[ 14, sub { "INSERT INTO events $columns SELECT $some_row FROM generate_series(1, @{[ between(2, 30) ]});" } ],
	[ 8, \&copy_rows ],
	[ 12, sub { sprintf q{UPDATE events SET %s WHERE at < '2026-03-28Z' AND id %% %d = %d;},
		any(q{event = 'cart'}, 'customer = (customer + 1) % 13', 'value = 3', q{land = 'LT'}, 'id = id', q{at = at + interval '1 day'}, q{at = at + interval '1 month'},
			'event = NULL', 'customer = NULL', q{channel = '', event = 'robot'}, q{visit = '2'}, 'visit = NULL', q{visit = '', at = at + interval '1 h'}), between(5, 40), between(0, 4) } ],
	[ 10, sub { sprintf 'DELETE FROM events WHERE id %% %d = %d;', between(5, 25), between(0, 4) } ],
	[ 6, sub { sprintf q{INSERT INTO events SELECT id, (customer + 1) %% 13, at, 'pay', channel, value, land, visit FROM events WHERE id %% 11 = %d
		UNION ALL SELECT nextval('event_ids'), 3, '2026-02-03Z', 'view', NULL, NULL, 'EE', '4' ON CONFLICT (id, at) DO %s;}, between(0, 10),
		any('NOTHING', q{UPDATE SET event = 'pay', value = excluded.value}, q{UPDATE SET visit = '5'}, q{UPDATE SET customer = excluded.customer WHERE events.event = 'view'}) } ],
	[ 5, sub { sprintf q{MERGE INTO events USING (SELECT id, at FROM events WHERE id %% 13 = %d UNION ALL SELECT -nextval('event_ids'), '2026-01-20Z') v
		ON events.id = v.id AND events.at = v.at WHEN MATCHED AND events.customer %% 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET event = 'view'
		WHEN NOT MATCHED THEN INSERT (id, customer, at, event) VALUES (v.id, 4, v.at, 'cart');}, between(0, 12) } ],
	[ 5, sub { sprintf q{WITH d AS (DELETE FROM events WHERE id %% 17 = %d RETURNING *), u AS (UPDATE events SET value = 7 WHERE id %% 17 = %d),
		i AS (INSERT INTO events (customer, at, event) SELECT customer, at, 'view' FROM d) %s;}, between(0, 8), between(9, 16), sprintf $compare, 'own' } ],
	[ 4, sub { "SET LOCAL session_replication_role = replica; INSERT INTO events $columns SELECT $some_row FROM generate_series(1, 3);"
		. 'UPDATE events SET value = 4, customer = 2 WHERE id % 29 = 3; DELETE FROM events WHERE id % 31 = 1; SET LOCAL session_replication_role = origin;' } ],
	[ 7, \&cascade ],
	[ 5, sub { sprintf("$compare;", 'own') } ],
	[ 1.5, sub { sprintf(q{SELECT 'refresh', cjm.refresh_journeys('kept'); %s;}, sprintf $compare, 'own') } ]);
my @kinds_of_parts = (@kinds, [ 8, \&write_leaf ]);

# What is done now and then, as it sends all readers to the rows, or locks everybody out.
my @rare = (
	'TRUNCATE events;',
	q{ALTER TABLE events DISABLE TRIGGER ALL; INSERT INTO events (customer, at, event) SELECT 3, '2026-01-09Z', 'pay'; ALTER TABLE events ENABLE TRIGGER ALL;},
	q{ALTER TABLE events RENAME value TO worth; UPDATE events SET worth = 5 WHERE id % 7 = 2; ALTER TABLE events RENAME worth TO value;},
	q{ALTER TABLE events ADD COLUMN extra int DEFAULT 1; INSERT INTO events (customer, at, event) SELECT 4, '2026-02-11Z', 'cart'; ALTER TABLE events DROP COLUMN extra;},
	'ALTER TABLE events ENABLE ROW LEVEL SECURITY; DELETE FROM events WHERE id % 9 = 2; ALTER TABLE events DISABLE ROW LEVEL SECURITY;');
my @rare_of_tables = ('CLUSTER events USING events_pkey;');
my $out_and_in = q{DELETE FROM %1$s WHERE id %% 3 = 0; INSERT INTO %1$s (customer, at, event) VALUES (5, '%2$sZ', 'pay'); ALTER TABLE events ATTACH PARTITION %1$s FOR VALUES FROM ('%2$sZ') TO ('%3$sZ');};
my @rare_of_parts = (
	'ALTER TABLE events DETACH PARTITION events_2; ' . sprintf($out_and_in, 'events_2', '2026-02-01', '2026-03-01'),
	'TRUNCATE events_1;', 'TRUNCATE events_4b;',
	q{CREATE TABLE IF NOT EXISTS events_6 PARTITION OF events FOR VALUES FROM ('2026-06-01Z') TO ('2026-07-01Z');},
	q{CREATE TABLE IF NOT EXISTS events_6 PARTITION OF events FOR VALUES FROM ('2026-06-01Z') TO ('2026-07-01Z');},
	'DROP TABLE IF EXISTS events_6;',
	# One that takes rows, and is gone before anybody has seen it.
	q{CREATE TABLE events_7 PARTITION OF events FOR VALUES FROM ('2026-07-01Z') TO ('2026-08-01Z'); INSERT INTO events (customer, at, event) SELECT 7, '2026-07-07Z', 'view' FROM generate_series(1, 5); DROP TABLE events_7;});
# Not in a transaction.  What the one leaves undone the other ends.
my $concurrently = "SET lock_timeout = '20s';\nALTER TABLE events DETACH PARTITION events_3 CONCURRENTLY;\nALTER TABLE events DETACH PARTITION events_3 FINALIZE;\n"
  . 'BEGIN; ' . sprintf($out_and_in, 'events_3', '2026-03-01', '2026-04-01') . " COMMIT;\nSET lock_timeout = '5s';\n";

sub copy_rows
{
	my $lines = join '', map { join("\t", between(0, 12), sprintf('2026-%02d-%02d 00:00Z', between(1, 4), between(1, 28)), any(qw(view cart robot)), any('', 'ads'),
		any('', 1, 2), 'LV', any('', 1, 2)) . "\n" } 1 .. between(1, 9);

	# Where there is no COPY, in an aborted transaction, the rows are none of psql's commands.
	return "COPY events $columns FROM STDIN (NULL '');\n$lines\\.\n\\r";
}

# Rows that go, or change, with what they refer to.  Customers from 20 on come and go.
sub cascade
{
	my ($who, $other) = (between(20, 29), between(20, 29));
	my $fill = q{INSERT INTO events (customer, at, event, land) SELECT id, '2026-03-03Z'::timestamptz + id * interval '1 h', 'view', 'west' FROM people WHERE id >= 20 AND EXISTS (SELECT FROM lands WHERE name = 'west');};

	return any($fill, $fill, "DELETE FROM people WHERE id = $who;", "DELETE FROM people WHERE id = $who;",
		"INSERT INTO people VALUES ($who), ($other) ON CONFLICT DO NOTHING;",
		"UPDATE people SET id = $other WHERE id = $who AND NOT EXISTS (SELECT FROM people WHERE id = $other);",
		q{UPDATE lands SET name = CASE name WHEN 'west' THEN 'east' ELSE 'west' END WHERE name IN ('west', 'east');},
		q{DELETE FROM lands WHERE name = 'west'; INSERT INTO lands VALUES ('west');});
}

sub write_leaf
{
	my ($leaf, $month) = @{ any([ 'events_1', 1 ], [ 'events_2', 2 ], [ 'events_3', 3 ], [ 'events_4', 4 ]) };

	return q{INSERT INTO events (customer, at, event) SELECT 6, '2026-06-06Z', 'view' WHERE to_regclass('events_6') IS NOT NULL;} if rand() < 0.1;
	return any(sprintf(q{INSERT INTO %s (customer, at, event, land) SELECT floor(random() * 13)::int, '2026-%02d-05Z', 'cart', 'EE' FROM generate_series(1, %d);}, $leaf, $month, between(1, 5)),
		sprintf('UPDATE %s SET value = 9 WHERE id %% 7 = 1;', $leaf), sprintf('DELETE FROM %s WHERE id %% 9 = 1;', $leaf),
		sprintf(qq{COPY %s (customer, at, event) FROM STDIN;\n2\t2026-%02d-09 00:00Z\tcart\n\\.\n\\r}, $leaf, $month));
}

sub statement
{
	my ($partitioned) = @_;
	my $kinds = $partitioned ? \@kinds_of_parts : \@kinds;
	my $total = 0;

	$total += $_->[0] foreach @$kinds;
	my $x = rand $total;
	foreach my $kind (@$kinds)
	{
		return $kind->[1]->() if ($x -= $kind->[0]) < 0;
	}
	return $kinds->[0][1]->();
}

sub pause { return sprintf "SELECT FROM pg_sleep(%.3f);\n", rand $_[0] }

sub writer_script
{
	my ($name, $transactions, $partitioned, $rare, $attaches) = @_;
	my $script = '';

	foreach my $n (1 .. $transactions)
	{
		$script .= $concurrently if $partitioned && $attaches && $name eq 'writer2' && $n % 60 == 40;
		$script .= sprintf "BEGIN ISOLATION LEVEL %s;\nSELECT FROM setseed(%.6f);\n", any(('READ COMMITTED') x 4, 'REPEATABLE READ', 'SERIALIZABLE'), rand;
		# A snapshot that is older than all that is done in it.
		$script .= "SELECT FROM stress_over;\n" . pause(0.03) if rand() < 0.15;
		foreach (1 .. between(1, 4))
		{
			my $savepoint = rand() < 0.3;

			$script .= "SAVEPOINT a;\n" if $savepoint;
			$script .= (($_ == 1 ? $rare->{$n} : undef) // statement($partitioned)) . "\n";
			$script .= any("ROLLBACK TO a;\n", "RELEASE a;\n", "SAVEPOINT b;\n" . statement($partitioned) . "\nROLLBACK TO b;\n") if $savepoint;
			$script .= sprintf("$compare;\n", 'own') if rand() < 0.1;
			$script .= pause(0.03) if rand() < 0.3;
		}
		my $end = rand;
		$script .= $end < 0.12 ? "ROLLBACK;\n"
		  : $end < 0.2 ? "PREPARE TRANSACTION '${name}_$n';\n" . pause(0.05) . any('COMMIT', 'COMMIT', 'ROLLBACK') . " PREPARED '${name}_$n';\n"
		  : "COMMIT;\n";
		$script .= "\\echo transaction\n";
		$script .= pause(0.02) if rand() < 0.5;
	}
	return $script;
}

#
# What refreshers and readers do, until all writers are done
#

my $until_over = q{SELECT count(*) > 0 AS over FROM stress_over \gset} . "\n\\if :over\n\\q\n\\endif\n";

# Now and then a refresh is taken back, alone or with what was written before it.
sub refresher_script
{
	my ($name, $turns) = @_;
	my $refresh = "SELECT 'refresh', cjm.refresh_journeys('kept');\n";
	my $look = sprintf("$compare;\n", 'own');
	my $script = '';

	foreach (1 .. $turns)
	{
		$script .= $until_over . any(($refresh) x 6, "BEGIN;\n$refresh" . $look . "COMMIT;\n", "BEGIN;\n$look$refresh$look" . "ROLLBACK;\n",
			"BEGIN;\nSAVEPOINT a;\n$refresh" . pause(0.05) . $look . "ROLLBACK TO a;\n$look" . "COMMIT;\n",
			"BEGIN;\nINSERT INTO events $columns SELECT $some_row;\n$refresh$look" . any('COMMIT', 'ROLLBACK') . ";\n") . pause(0.06);
	}
	return $script;
}

sub reader_script
{
	my ($name, $turns, $parallel) = @_;
	my $look = sprintf $compare, 'cmp';
	my $script = $parallel ? "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;\n" : '';

	$script .= "PREPARE look AS $look;\n";
	foreach (1 .. $turns)
	{
		$script .= $until_over;
		if (rand() < 0.2)
		{
			$script .= any("$look;\n", "EXECUTE look;\n", "BEGIN;\n$look;\n" . pause(0.1) . "EXECUTE look;\nCOMMIT;\n");
			next;
		}
		$script .= sprintf "BEGIN ISOLATION LEVEL %s;\n", any('REPEATABLE READ', 'SERIALIZABLE', 'SERIALIZABLE READ ONLY');
		# A snapshot that is older than the locks on what it is used for.
		$script .= "SELECT FROM stress_over;\n" . pause(0.2) if rand() < 0.3;
		$script .= rand() < 0.2 ? "DECLARE c CURSOR FOR $look;\n" . pause(0.1) . "FETCH ALL c;\nCLOSE c;\n" : any("$look;\n", "EXECUTE look;\n");
		$script .= pause(0.2) . any("$look;\n", "EXECUTE look;\n") if rand() < 0.6;
		$script .= pause(0.4) . "$look;\n" if rand() < 0.3;
		$script .= "COMMIT;\n" . pause(0.03);
	}
	return $script;
}

#
# Playing them
#

# Scripts of 3 writers, 2 refreshers and 2 readers, by name; the same for the same options.  What is rare is done by one of the writers in
# each 70 transactions of theirs.
#
# What a server's minor release does not do, or not right, is left out: it does not attach a table with statement triggers that see rows;
# or MERGE changes rows that others have changed since the snapshot of its transaction, so that what the transaction reads next is neither;
# or, if it has assertions, it aborts where a foreign key cascades to such rows.
sub make_scripts
{
	my ($node, %options) = @_;
	my $attaches = !lacks_fix($node, 15 => 14, 16 => 10, 17 => 6);
	my $merges = !lacks_fix($node, 15 => 18, 16 => 14, 17 => 10, 18 => 4);
	my $cascades = !lacks_fix($node, 15 => 6, 16 => 2);
	my @rare_there = (@rare, $options{partitioned} ? grep { $attaches || !/ATTACH/ } @rare_of_parts : @rare_of_tables);
	my (%scripts, %rare);

	srand $options{seed};
	for (my $n = 0; ($options{rare} // 1) && $n < $options{transactions}; $n += 70)
	{
		$rare{ between(1, 3) }{ between($n + 1, $n + 70) } = $_ foreach @rare_there;
	}
	$scripts{"writer$_"} = writer_script("writer$_", $options{transactions}, $options{partitioned}, $rare{$_}, $attaches) foreach 1 .. 3;
	foreach my $writer ($merges && $cascades ? () : @scripts{qw(writer1 writer2 writer3)})
	{
		my $harms = $merges ? qr/(?:DELETE FROM|UPDATE) (?:people|lands)\b/ : $cascades ? qr/MERGE / : qr/MERGE |(?:DELETE FROM|UPDATE) (?:people|lands)\b/;

		$writer =~ s/^BEGIN ISOLATION LEVEL \K(?:REPEATABLE READ|SERIALIZABLE)(?=;(?:(?!^\\echo transaction).)*?^$harms)/READ COMMITTED/msg;
	}
	$scripts{"refresher$_"} = refresher_script("refresher$_", $options{transactions} * 20) foreach 1 .. 2;
	$scripts{"reader$_"} = reader_script("reader$_", $options{transactions} * 20, $_ == 2) foreach 1 .. 2;
	return \%scripts;
}

# Starts a session for each; what they print goes into files.
sub start_scripts
{
	my ($node, $scripts) = @_;
	my $dir = $PostgreSQL::Test::Utils::tmp_check;
	my @sessions = ();
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning -c lock_timeout=5s -c deadlock_timeout=200ms -c statement_timeout=60s';

	foreach my $name (sort keys %$scripts)
	{
		my $file = "$dir/" . $node->name . "_$name";
		my $number = 0;
		my $script = $scripts->{$name} =~ s/'(own|cmp)'/"'$1 " . ++$number . "'"/ger;
		local $ENV{PGAPPNAME} = $name;

		write_bytes("$file.sql", $script);
		push @sessions, { name => $name, file => $file, script => $script, run => IPC::Run::start(
			[ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-f', "$file.sql", '-d', $node->connstr('postgres') ], '<', '/dev/null', '>', "$file.out", '2>', "$file.err") };
	}
	return @sessions;
}

sub end_scripts
{
	my ($node, @sessions) = @_;

	$_->{run}->finish foreach grep { $_->{name} =~ /^writer/ } @sessions;
	run_sql($node, 'INSERT INTO stress_over VALUES (now())');
	$_->{run}->finish foreach grep { $_->{name} !~ /^writer/ } @sessions;
	return tally(@sessions);
}

sub play
{
	my ($node, $scripts) = @_;

	return end_scripts($node, start_scripts($node, $scripts));
}

# What sessions have said: comparisons by what was read (own: by a writer or a refresher in its transaction), how many of them found a difference,
# refreshes by what they did, errors by SQLSTATE.
sub tally
{
	my (@sessions) = @_;
	my %tally = (transactions => 0, different => 0, first => '');

	foreach my $session (@sessions)
	{
		foreach my $line (split /\n/, slurp_file("$session->{file}.out"))
		{
			if ($line =~ /^((own|cmp) \d+)\|(\w+)\|(\d+)$/)
			{
				$tally{compared}{"$2 $3"}++;
				next unless $4;
				$tally{different}++;
				$tally{first} ||= "$session->{name}: $line, after\n" . ($session->{script} =~ s/'$1'.*//sr =~ s/.*^(?=BEGIN)//msr);
			}
			elsif ($line =~ /^refresh\|(.*)/)
			{
				$tally{refreshed}{ $1 =~ s/\d+/N/gr }++;
			}
			$tally{transactions}++ if $line eq 'transaction';
		}
		foreach my $line (split /\n/, slurp_file("$session->{file}.err"))
		{
			$tally{errors}{$1}++ if $line =~ /(?:ERROR|FATAL|WARNING): +(\w{5})/;
			$tally{broken}++ if $line =~ /server closed the connection|connection to server was lost/;
		}
	}
	return \%tally;
}

sub add_tally
{
	my ($sum, $tally) = @_;

	foreach my $key (keys %$tally)
	{
		if (ref $tally->{$key})
		{
			$sum->{$key}{$_} += $tally->{$key}{$_} foreach keys %{ $tally->{$key} };
		}
		elsif ($key eq 'first')
		{
			$sum->{$key} ||= $tally->{$key};
		}
		else
		{
			$sum->{$key} += $tally->{$key};
		}
	}
	return;
}

sub tell
{
	my ($tally) = @_;

	return "$tally->{transactions} transactions, $tally->{different} comparisons differ" . join '', map { my $key = $_;
		"; $key: " . join(', ', map { "$_ $tally->{$key}{$_}" } sort keys %{ $tally->{$key} // {} }) } qw(compared refreshed errors);
}

# SQLSTATEs that nobody should have met.
sub unexpected
{
	my ($tally, $partitioned) = @_;

	return join ' ', grep { $_ !~ $usual && !($partitioned && $_ =~ $usual_of_parts) } sort keys %{ $tally->{errors} // {} };
}

# State and differences, now.
sub compare_now
{
	my ($node) = @_;

	return run_sql($node, 'SELECT (SELECT state FROM kept.kept), (SELECT count(*) FROM differ)');
}

# Refreshes until the views read the store alone; the state and differences then.  Transactions that were prepared are over, and a partition
# that was on its way out when the server went down is out.
sub settle
{
	my ($node) = @_;

	run_sql($node, q{SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts \gexec
		SELECT format('ALTER TABLE events DETACH PARTITION %s FINALIZE', inhrelid::regclass) FROM pg_inherits WHERE inhdetachpending \gexec});
	foreach (1 .. 8)
	{
		run_sql($node, q{SELECT cjm.refresh_journeys('kept')});
		last if compare_now($node) =~ /^folded/;
	}
	return compare_now($node);
}

1;
