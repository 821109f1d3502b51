# CjmArguments.pm: SQL of values that functions of the extension may well be called with.

package CjmArguments;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(plausible type_with_schema);

my %by_name = (
	model => q('linear'), models => q('{linear,position}'), per => q('touchpoint'), by => q('event'), period => q('day'), bucket => q('day'),
	where_is => q('{"segment": ["a", null]}'), time_zone => q('UTC'), direction => q('forward'), base => q('head'), mode => q('strict_order'), pattern => q('(?1)(?2)'));

my %by_type = (
	journey => q('{2026-01-01T10:00:00Z a@email=1.5, 2026-01-01T10:00:05Z b, 2026-01-02T10:00:00Z c@"paid search"=2}'::cjm.journey),
	funnel => q('a -> optional b -> c within 7 days'::cjm.funnel),
	funnel_stats => q(cjm.funnel_stats('a -> b -> c'::cjm.funnel)),
	journey_pattern => q('a .* c'::cjm.journey_pattern),
	aggregate_state => q(cjm_internal.values_apart_step(NULL, 1.5)),
	journey_literal => q('{2026-01-01T10:00:00Z a}'::cjm_internal.journey_literal),
	funnel_literal => q('a -> b'::cjm_internal.funnel_literal),
	tstzrange_literal => q('[2026-01-01Z,2026-02-01Z]'::cjm_internal.tstzrange_literal),
	text => q('a'), 'text[]' => q('{a,email}'), cstring => q('a'), 'timestamp with time zone' => q('2026-01-01 10:00Z'), date => q('2026-01-01'),
	tstzrange => q('[2025-12-01Z,2026-02-01Z]'), interval => q('30 minutes'), boolean => 'true', 'boolean[]' => q('{true,false}'), '"any"' => 'true, false',
	integer => '2', bigint => '2', smallint => '2', 'double precision' => '1.5', numeric => '1.5', 'double precision[]' => q('{0.4,0.2,0.4}'), 'bigint[]' => q('{3,2,2}'),
	uuid => q('00000000-0000-0000-0000-000000000001'), jsonb => q('[]'), name => q('nobody'), oid => '1', regclass => q('pg_class'), regtype => q('text'),
	anyenum => q('desire'::cjm.aida), anyelement => q('x'::text), anyarray => q('{x}'::text[]), bytea => q('\x0101'), touchpoint => q(cjm.first_touch('{2026-01-01T10:00:00Z a}'::cjm.journey)));

# A value that a function may well be called with; NULL of types that are not known here.
sub plausible
{
	my ($type, $name) = @_;
	my $value = ($type eq 'text' || ($name // '') eq 'where_is') && exists $by_name{ $name // '' } ? $by_name{$name} : $by_type{$type};
	my $cast = $type =~ /^(?:any|"any")/ || ($value // '') =~ /::cjm|\(/ && $type !~ /^text$/ ? '' : '::' . ($type =~ /^(?:journey|funnel|touchpoint)/ ? "cjm.$type" : $type);

	return $value . $cast if defined $value;
	return 'NULL::' . ($type =~ /\./ ? $type : type_with_schema($type));
}

# Types of the extension come without their schema.
sub type_with_schema
{
	my ($type) = @_;
	return $type =~ /^(?:session|model_credit|channel_credit|credited_touchpoint|funnel_group|funnel_period|aida|lifecycle|buyer_journey)/ ? "cjm.$type" :
	  $type =~ /^(?:map|retention_drawn|funnel_drawn|aggregate_state)/ ? "cjm_internal.$type" : $type;
}

1;
