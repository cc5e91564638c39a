# Who is killed in the chaos run, and how. Victims are looked for in /proc, as the server may be gone.
package Chaos::Victims;

use strict;
use warnings;
use Exporter 'import';
use List::Util 'shuffle';
use POSIX ();
use Time::HiRes qw(time usleep);
use PgOcr;

our @EXPORT_OK = qw(plan_kills strike start_again traces_of_shared_memory title_of);

my $patience = 300;

# How often each kind is drawn. A list of kills begins with one of each.
my %weights = (
	'engine: kill -9' => 10,
	'engine: stopped for a while' => 2,
	'worker: SIGTERM' => 5,
	'worker: pg_terminate_backend' => 3,
	'worker: kill -9' => 3,
	'worker: stopped for a while' => 4,
	'launcher: SIGTERM' => 2,
	'launcher: kill -9' => 1,
	'session: SIGTERM' => 3,
	'postmaster: kill -9' => 1,
	'postmaster: immediate restart' => 1,
	'postmaster: fast restart' => 1);

sub plan_kills
{
	my ($count, $seed) = @_;
	srand($seed);
	my @kinds = shuffle(sort keys %weights);
	my @drawn = map { ($_) x $weights{$_} } sort keys %weights;
	push @kinds, $drawn[ rand @drawn ] while @kinds < $count;
	return @kinds[ 0 .. $count - 1 ];
}

# Kills one victim of this kind. Returns when, and the pid of the worker that was hit, if one was: it, or its engine.
sub strike
{
	my ($server, $session, $kind) = @_;
	my $postmaster = $server->{_pid};
	if ($kind =~ /^postmaster: (.*)/)
	{
		my $struck = time;
		if ($1 eq 'kill -9') { $server->kill9 }
		else { $server->stop($1 =~ s/ .*//r) }
		start_again($server, $postmaster);
		return ($struck, undef);
	}
	my ($victim, $worker) = find_victim($postmaster, $session, $kind);
	my $struck = time;
	if ($kind =~ /kill -9/) { kill('KILL', $victim) }
	elsif ($kind =~ /SIGTERM/) { kill('TERM', $victim) }
	elsif ($kind =~ /pg_terminate_backend/) { $session->try(sub { $_[0]->do('SELECT pg_terminate_backend(?)', undef, $victim) }) }
	elsif ($kind =~ /stopped/) { stop_for_a_while($victim) }
	return ($struck, $worker);
}

# The victim's pid, and that of the worker, where it is one or its engine.
sub find_victim
{
	my ($postmaster, $session, $kind) = @_;
	my $start = time;
	my $meet_work = rand() < 0.8;
	while (time < $start + $patience)
	{
		my @found;
		if ($kind =~ /^(engine|worker)/)
		{
			my $engine = $1 eq 'engine';
			my @pairs = $meet_work && time < $start + 1 ? pairs_at_work($session) : pairs_of($postmaster, $engine);
			@found = map { [ $_->[$engine], $_->[0] ] } @pairs;
		}
		else
		{
			my $wanted = $kind =~ /^launcher/ ? qr/pg_ocr launcher/ : qr/\[local\]/;
			@found = map { [$_] } grep { title_of($_) =~ $wanted } children_of($postmaster);
		}
		return @{ $found[ rand @found ] } if @found;
		usleep(10_000);
	}
	die "for $patience s there was nobody for $kind\n";
}

# Workers with their engines, as pids, that are reading now.
sub pairs_at_work
{
	my ($session) = @_;
	my ($outcome, $rows) = $session->try(
		sub { $_[0]->selectall_arrayref('SELECT pid, engine_pid FROM ocr.workers WHERE job_id IS NOT NULL AND engine_pid IS NOT NULL') });
	return $outcome eq 'done' ? @$rows : ();
}

# Those and all others, and sessions with the engines of their own.
sub pairs_of
{
	my ($postmaster, $engine) = @_;
	my @pairs = map { my $backend = $_; map { [ $backend, $_ ] } engines_of($backend) } children_of($postmaster);
	return $engine ? @pairs : grep { title_of($_->[0]) =~ /pg_ocr worker/ } @pairs;
}

sub title_of
{
	my ($pid) = @_;
	open(my $file, '<', "/proc/$pid/cmdline") or return '';
	return (<$file> // '') =~ tr/\0/ /r;
}

# Meanwhile the run goes on: what is stopped may well be killed, or its server.
sub stop_for_a_while
{
	my ($victim) = @_;
	my $length = 3 * rand;
	kill('STOP', $victim);
	my $pid = fork // die "fork: $!\n";
	return if $pid;
	usleep(1e6 * $length);
	kill('CONT', $victim);
	POSIX::_exit(0);
}

# A new postmaster refuses to start as long as a process of the old one is there, which is in no hurry if it is stopped.
sub start_again
{
	my ($server, $before) = @_;
	my $give_up = time + $patience;
	while (1)
	{
		usleep(20_000) while kill(0, $before) && time < $give_up;
		return if $server->start(fail_ok => 1);
		die "the server does not start again within $patience s\n" if time > $give_up;
		$server->{_pid} = undef;    # of the old one's file
		usleep(100_000);
	}
}

# What the server has of shared memory now, as names: the segments of System V and of POSIX.
sub traces_of_shared_memory
{
	my ($server) = @_;
	my %traces;
	if (open(my $file, '<', $server->data_dir . '/postmaster.pid'))
	{
		my @lines = <$file>;
		$traces{"System V, key $1, id $2"} = 1 if @lines > 6 && $lines[6] =~ /(\d+)\s+(\d+)/;
	}
	if ($server->{_pid} && open(my $file, '<', "/proc/$server->{_pid}/maps"))
	{
		m{(/dev/shm/\S+)} and $traces{$1} = 1 while <$file>;
	}
	return %traces;
}

1;
