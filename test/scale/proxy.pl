#!/usr/bin/perl
#
# proxy.pl COUNTS FROM=TO ...: passes on what comes by the Unix socket FROM to the one TO and what comes back, and counts the bytes.
#
# COUNTS is a file of one number, eight bytes, little-endian: the bytes so far that came back by all of them.  Who reads it before and after
# a query knows what the query fetched.  The proxy runs until it is told to end, or the file is gone: who started it
# as another user may be killed before it can tell.
#
use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use Socket;

my ($file, @ways) = @ARGV;
my %to;         # the path that a listening socket passes on to
my %peer;       # the other end
my %counted;    # whether what is read here came back
my $select = IO::Select->new;
my $bytes = 0;

foreach my $way (@ways)
{
	my ($from, $to) = split /=/, $way;

	unlink $from;
	my $listening = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $from, Listen => 128) or die "$from: $!";
	chmod 0777, $from;
	$to{$listening} = $to;
	$select->add($listening);
}
open my $counts, '+>', $file or die "$file: $!";
tell_counts();

sub tell_counts
{
	sysseek $counts, 0, 0;
	syswrite $counts, pack 'Q<', $bytes;
}

sub close_both
{
	my ($socket) = @_;

	foreach my $end ($socket, $peer{$socket})
	{
		$select->remove($end);
		close $end;
	}
	delete @counted{ $socket, $peer{$socket} };
	delete @peer{ $peer{$socket}, $socket };
}

$SIG{PIPE} = 'IGNORE';
while (-e $file)
{
	foreach my $socket ($select->can_read(1))
	{
		if (exists $to{$socket})
		{
			my $client = $socket->accept or next;
			my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $to{$socket});

			if (!$server)
			{
				close $client;
				next;
			}
			@peer{ $client, $server } = ($server, $client);
			$counted{$server} = 1;
			$select->add($client, $server);
			next;
		}
		next unless exists $peer{$socket};

		my $read = sysread $socket, my $data, 65536;

		if (!$read)
		{
			close_both($socket);
			next;
		}
		# Before it is passed on, so that whoever has got it finds it counted.
		if ($counted{$socket})
		{
			$bytes += $read;
			tell_counts();
		}
		my $written = 0;
		while ($written < $read)
		{
			my $n = syswrite $peer{$socket}, $data, $read - $written, $written;
			if (!defined $n)
			{
				close_both($socket);
				last;
			}
			$written += $n;
		}
	}
}
