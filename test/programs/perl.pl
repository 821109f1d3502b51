#!/usr/bin/env perl
#
# perl.pl: what DBD::Pg is answered by the map "shop", a line for each question: driver, question, answer, separated by tabs.

use strict;
use warnings;

use DBI;

my $funnel = 'view -> cart -> pay within 7 days';

sub row
{
	return join ' ', map { $_ // 'NULL' } @_;
}

# Prepared by the server, as is the default, and put into the text of the query by the driver.
foreach my $prepared (1, 0)
{
	my $driver = 'DBD::Pg' . ($prepared ? ' prepared' : '');
	my $db = DBI->connect('dbi:Pg:', undef, undef, { RaiseError => 1, AutoCommit => 1, pg_server_prepare => $prepared, pg_enable_utf8 => 0 });
	my $ask = sub {
		my ($sql, @values) = @_;
		return @{ $db->selectall_arrayref($sql, undef, @values) };
	};
	my $say = sub { print join("\t", $driver, @_), "\n" };

	$say->('step', row(@{ ($ask->('SELECT customer, funnel_step(journey, ?) FROM shop.journeys WHERE customer = ?', $funnel, 1))[0] }));
	$say->('report', join ', ', map { row(@$_) } $ask->('SELECT step, customers, step_rate, median_time FROM funnel_report(?, from_time => ?, where_is => ?)',
			'shop', '2026-01-05 00:00Z', '{"segment": ["LV", "EE"]}'));
	$say->('everybody', join ' ', map { row(@$_) } $ask->(q{SELECT customers FROM funnel_report(?, from_time => coalesce(?::timestamptz, '-infinity'), where_is => ?)}, 'shop', undef, undef));
	# A question mark in quotes is none of the driver's.
	$say->('pattern', row(@{ ($ask->('SELECT count(*) FILTER (WHERE matches(journey, ?)) FROM shop.journeys', 'view .* cart? pay'))[0] },
			@{ ($ask->(q{SELECT count(*) FROM (SELECT sequence_match('(?1)(?t<=1 day)(?2)', at, event = ?, event = 'pay') AS m FROM events GROUP BY customer) s WHERE m}, 'cart'))[0] }));
	$say->('touchpoints', join ', ', map { row(@$_) } $ask->('SELECT at, event, channel, value FROM shop.journeys, touchpoints(journey) WHERE customer = ?', 1));
	my ($journey) = @{ ($ask->('SELECT journey FROM shop.journeys WHERE customer = ?', 1))[0] };
	$say->('journey', $journey);
	$say->('read back', row(@{ ($ask->('SELECT touch_count(?)', $journey))[0] }));
	$db->disconnect;
}
