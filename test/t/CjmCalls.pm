# CjmCalls.pm: every function of the extension, as pg_proc has them, and
# arguments to call them with: so that a test of all functions is one of those,
# too, that nobody has thought of yet.

package CjmCalls;

use strict;
use warnings;

use Exporter 'import';
use CjmArguments;
use CjmTest;

our @EXPORT = qw(functions call_of plausible make_try try_statements);

# Functions that SQL can call, each as {schema, name, kind (f, a, w, p), set, types, names, variadic}.
sub functions
{
	my ($node) = @_;
	my @functions;

	foreach (split /\n/, run_sql($node, q{
		SELECT n.nspname, p.proname, p.prokind, p.proretset, p.provariadic <> 0, p.prorettype::regtype, p.proisstrict,
			(SELECT coalesce(string_agg(format_type(t, NULL), ';' ORDER BY i), '') FROM unnest(p.proargtypes) WITH ORDINALITY a(t, i)),
			(SELECT coalesce(string_agg(coalesce(p.proargnames[i], ''), ';' ORDER BY i), '') FROM generate_series(1, p.pronargs) i)
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
			AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cjm')
		ORDER BY p.oid::regprocedure::text COLLATE "C"}))
	{
		my ($schema, $name, $kind, $set, $variadic, $returns, $strict, $types, $names) = split /\|/, $_, -1;
		my %function = (schema => $schema, name => $name, kind => $kind, set => $set eq 't', variadic => $variadic eq 't', returns => $returns,
			strict => $strict eq 't', types => [ map { s/^(?:cjm|cjm_internal)\.//r } split /;/, $types ], names => [ $names eq '' ? '' : split /;/, $names, -1 ]);

		# Nobody has a value of these to call with.
		next if grep { /^internal$/ } @{ $function{types} };
		next if $returns =~ /trigger$/;
		push @functions, \%function;
	}
	die "pg_proc has no functions of cjm\n" unless @functions > 200;
	return @functions;
}

# The call of a function with arguments; of a variadic one the last is an array.
sub call_of
{
	my ($function, @arguments) = @_;

	# An array of conditions says nothing of VARIADIC "any".
	$arguments[-1] = "VARIADIC $arguments[-1]" if $function->{variadic} && $function->{types}[-1] =~ /\[\]$/;
	return "$function->{schema}.$function->{name}(" . join(', ', @arguments) . ')';
}

# Makes the function cjm_try(sql): runs a query and tells "SQLSTATE|milliseconds|answer or message".  What is cancelled by
# statement_timeout, which is that of the call, is told as well.
sub make_try
{
	my ($node) = @_;

	run_sql($node, q~
		CREATE FUNCTION cjm_try(sql text) RETURNS text LANGUAGE plpgsql SET search_path = public, cjm AS $$
		DECLARE
			began timestamptz := clock_timestamp();
			state text := '00000';
			answer text;
		BEGIN
			BEGIN
				EXECUTE sql INTO answer;
			EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
				state := SQLSTATE;
				answer := SQLERRM;
			END;
			RETURN concat_ws('|', state, round(extract(epoch FROM clock_timestamp() - began) * 1000),
				CASE WHEN length(answer) > 300 THEN md5(answer) || ' ' || left(answer, 100) ELSE answer END);
		END $$;
	~);
	return;
}

# Runs statements one after the other in one session, after others that set it up: for each [ SQLSTATE, milliseconds, answer ].
# A session that does not live through them gives fewer.
sub try_statements
{
	my ($node, $setup, @statements) = @_;
	my $script = "\\set QUIET 1\nSET client_min_messages = error;\n$setup;\n";
	my ($status, $output, $errors);

	foreach (@statements)
	{
		my $tag = 'q';
		$tag .= 'q' while index($_, "\$$tag\$") >= 0;
		# A cancel may come when the error of a query has been caught, and ends the call then.
		$script .= "SELECT clock_timestamp() AS began \\gset\nSELECT replace(cjm_try(\$$tag\$$_\$$tag\$), E'\\n', ' ');\n" .
		  "\\set state :SQLSTATE\n\\if :ERROR\nSELECT :'state' || '|' || round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz) * 1000) || '|';\n\\endif\n";
	}
	($status, $output, $errors) = $node->psql('postgres', $script, on_error_stop => 0);
	Test::More::diag(substr $errors, 0, 2000) if $errors =~ /server closed|FATAL|PANIC|unrecognized/;
	return map { [ split /\|/, $_, 3 ] } grep { /^[0-9A-Z]{5}\|/ } split /\n/, $output;
}

1;
