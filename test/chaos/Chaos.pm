# The chaos run: clients submit thousands of small jobs to a real server while its processes are killed at random. At the
# end every job has to be accounted for, and nothing may be left behind.
package Chaos;

use strict;
use warnings;
use DBD::Pg;
use Exporter 'import';
use Fcntl;
use File::Find;
use File::Temp;
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(time usleep);
use PgOcr;
use Chaos::Audit qw(install_recorder load_ledger findings statistics);
use Chaos::Clients qw(start_client plan submit_all listen_until_told);
use Chaos::Documents 'documents';
use Chaos::Session;
use Chaos::Victims qw(plan_kills strike start_again traces_of_shared_memory title_of);

our @EXPORT_OK = qw(run_chaos);

my $workers = 4;
my @owners = map { "chaos_$_" } 1 .. 3;
my $clients_of_an_owner = 2;
my $patience = 300;

# jobs: how many are submitted. kills: how many processes are killed meanwhile. seed: what jobs and kills are drawn from;
# when a kill happens depends on the machine all the same. talkative: whether to say how far it is.
sub run_chaos
{
	my (%wanted) = @_;
	my ($jobs, $kills, $seed) = @wanted{qw(jobs kills seed)};
	note("$jobs jobs, $kills kills, seed $seed");
	my $books = File::Temp->newdir;
	my $server = new_server('chaos',
		'pg_ocr.workers' => $workers,
		'pg_ocr.max_attempts' => 25,    # a kill is an attempt; what can be read is to be read in the end
		fsync => 'on',
		synchronous_commit => 'on',
		track_commit_timestamp => 'on',
		max_connections => 30);
	my $dsn = 'dbi:Pg:dbname=postgres;host=' . $server->host . ';port=' . $server->port;
	my $session = Chaos::Session->new(dsn => $dsn);
	my @documents = map { { %$_, bytes => $_->{bytes} // file_content(PgOcr::document_path($_->{name})) } } documents();
	$session->connection->do("CREATE ROLE $_ LOGIN") for @owners;
	install_recorder($session->connection);
	read_quietly($session, @documents);

	my $start = time;
	my $listener = start_client(sub { listen_until_told(Chaos::Session->new(dsn => $dsn, ledger => "$books/listener")) });
	pipe(my $progress, my $report) or die "pipe: $!\n";
	pipe(my $permitted, my $permits) or die "pipe: $!\n";
	fcntl($progress, F_SETFL, O_NONBLOCK) or die "fcntl: $!\n";
	my $clients = @owners * $clients_of_an_owner;
	$jobs += -$jobs % $clients;
	my (@submitters, @ledgers);
	for my $client (0 .. $clients - 1)
	{
		my $owner = $owners[ $client % @owners ];
		my @plan = plan("client$client", $owner, $jobs / $clients, \@documents, $seed + $client % @owners);
		push @ledgers, "$books/client$client";
		push @submitters, start_client(
			sub {
				close $permits;
				submit_all(Chaos::Session->new(dsn => $dsn, role => $owner, ledger => "$books/client$client"), \@plan, $permitted, $report);
			});
	}
	close $report;

	my @struck = kill_at_random($server, $session, $progress, $permits, $jobs, [ plan_kills($kills, $seed) ], $wanted{talkative});
	is(sum0(map { ended_well($_) } @submitters), $clients, 'all clients have submitted what they were to');
	wait_for_quiet($session);
	kill('TERM', $listener);
	ended_well($listener);
	note(sprintf('%d s', time - $start));

	my $connection = $session->connection;
	$connection->do('INSERT INTO chaos.kills VALUES (?, ?, ?, ?)', undef, @$_) for @{ $struck[0] };
	is(scalar @{ $struck[0] }, $kills, "$kills processes were killed");
	wait_until($server, 'SELECT count(*) = 0 FROM ocr.released_documents');    # workers drop them when they are idle
	load_ledger($connection, @ledgers, "$books/listener");
	note($_) for statistics($connection);
	check_findings($connection);
	check_memory_files($server, $session);
	check_documents_go($session);
	check_processes_and_files($server, %{ $struck[1] });
}

sub file_content
{
	open(my $file, '<:raw', $_[0]) or die "$_[0]: $!\n";
	local $/;
	return scalar <$file>;
}

# What each document says when nothing is killed.
sub read_quietly
{
	my ($session, @documents) = @_;
	my $connection = $session->connection;
	for my $document (@documents, map { { %$_, name => "$_->{name} without its password", password => undef } } grep { $_->{password} } @documents)
	{
		my $options = $document->{options} ? ", $document->{options}" : '';
		my @arguments = ([ $document->{bytes}, { pg_type => DBD::Pg::PG_BYTEA } ], [ $document->{password} ]);
		my $submit = $connection->prepare("INSERT INTO chaos.readings (name, job_id) SELECT ?, ocr_submit(?, password => ?$options)");
		my $read = $connection->prepare('UPDATE chaos.readings SET direct = md5(ocr(?, password => ?)) WHERE name = ?');
		$submit->bind_param(1, $document->{name});
		for my $n (0, 1) { $submit->bind_param($n + 2, @{ $arguments[$n] }); $read->bind_param($n + 1, @{ $arguments[$n] }) }
		$submit->execute;
		$read->bind_param(3, $document->{name});
		eval { $read->execute };    # where it cannot be read, there is no text
	}
	$connection->do('UPDATE chaos.readings r SET status = s.status, error_code = s.error_code FROM chaos.readings x, ocr_wait(x.job_id) s WHERE r.job_id = x.job_id');
	$connection->do('INSERT INTO chaos.pages SELECT r.name, p.page_no, p.status, p.source, p.text, p.error_code
		FROM chaos.readings r JOIN ocr.pages p USING (job_id)');
}

# Kills by and by, as the jobs go in, so that what is killed has work: the clients are allowed so many jobs from one kill to
# the next. Returns the kills, as rows of chaos.kills, and the names of all shared memory that the server has ever had.
sub kill_at_random
{
	my ($server, $session, $progress, $permits, $jobs, $kinds, $talkative) = @_;
	my @moments = sort { $a <=> $b } map { int($jobs * (0.02 + 0.95 * rand)) } @$kinds;
	my ($submitted, $permitted, $said) = (0, 0, time);
	my $permit = sub { syswrite($permits, '.' x ($_[0] - $permitted)); $permitted = $_[0] };
	my (@struck, %memory);
	$permit->($moments[0] // $jobs);
	while ($submitted < $jobs)
	{
		my $count = sysread($progress, my $dots, 4096);
		last if defined $count && $count == 0;    # no client is left
		$submitted += $count if $count;
		if (@moments && $moments[0] <= $submitted)
		{
			shift @moments;
			$permit->($moments[0] // $jobs);
			my $kind = $kinds->[@struck];
			%memory = (%memory, traces_of_shared_memory($server));
			push @struck, [ scalar @struck, $_->[0], $kind, $_->[1] ] for [ strike($server, $session, $kind) ];
		}
		if ($talkative && time - $said > 15)
		{
			note("$submitted of $jobs jobs submitted, " . @struck . ' kills');
			$said = time;
		}
		usleep(5_000) unless $count;
	}
	%memory = (%memory, traces_of_shared_memory($server));
	return (\@struck, \%memory);
}

sub ended_well
{
	my ($pid) = @_;
	waitpid($pid, 0);
	return $? == 0;
}

sub wait_for_quiet
{
	my ($session) = @_;
	my $give_up = time + $patience;
	while (time < $give_up)
	{
		my ($open) = $session->insist(sub { $_[0]->selectrow_array(q{SELECT count(*) FROM ocr.jobs WHERE status IN ('pending', 'running')}) });
		return if $open == 0;
		usleep(100_000);
	}
	diag("jobs are still open after $patience s");
}

sub check_findings
{
	my ($connection) = @_;
	my (%sum, %shown);
	for my $finding (findings($connection))
	{
		my ($about, $counted, $count, $first) = @$finding;
		$sum{$about} += $count;
		$shown{$about} .= "$count $counted:\n$first\n" if $count;
	}
	is($sum{$_}, 0, "$_: $sum{$_}") || diag($shown{$_}) for 'lost', 'doubled', 'pages missing', 'wrong text', 'wrong end', 'left behind';
}

# Idle, a worker has one engine and holds no document.
sub check_memory_files
{
	my ($server, $session) = @_;
	wait_until($server, "SELECT count(*) = $workers FROM ocr.workers WHERE state = 'idle' AND engine_pid IS NOT NULL");
	my ($memory_files, $strange) = (0, 0);
	for (@{ $session->connection->selectall_arrayref('SELECT pid, engine_pid FROM ocr.workers') })
	{
		my ($worker, $engine) = @$_;
		$memory_files += grep { (readlink // '') =~ /memfd/ } map { glob "/proc/$_/fd/*" } $worker, $engine;
		$strange += grep { $_ != $engine } children_with_dead($worker);
	}
	is($memory_files, 0, 'idle workers and engines hold no document');
	is($strange, 0, 'each worker has its engine and no other child, dead ones included');
}

# The pids of a process' children, including those that nobody has reaped.
sub children_with_dead
{
	my ($parent) = @_;
	my @children;
	for my $path (glob '/proc/[0-9]*/stat')
	{
		open(my $stat, '<', $path) or next;
		push @children, $1 if (<$stat> // '') =~ /^(\d+) \(.*\) \S (\d+)/ && $2 == $parent;
	}
	return @children;
}

# Failed jobs keep their documents, to be tried again. Without the jobs there is no document.
sub check_documents_go
{
	my ($session) = @_;
	my $connection = $session->connection;
	$connection->do('DELETE FROM ocr.jobs');
	my $give_up = time + $patience;
	my $left;
	do
	{
		($left) = $connection->selectrow_array('SELECT (SELECT count(*) FROM ocr.documents) + (SELECT count(*) FROM ocr.released_documents)');
		usleep(50_000) if $left;
	} while ($left && time < $give_up);
	is($left, 0, 'without jobs there are no documents');
}

sub check_processes_and_files
{
	my ($server, %memory) = @_;
	my $data = $server->data_dir;
	$server->stop;
	# An engine of any server whose worker is gone: it has a moment to notice, as others may be being killed as well.
	my $give_up = time + $patience;
	usleep(50_000) while processes_of($data) && time < $give_up;
	is_deeply([ processes_of($data) ], [], 'no process is left behind');

	my %segments = map { /^\s*(-?\d+)\s+(\d+)\s/ ? ("System V, key $1, id $2" => 1) : () } split /\n/, file_content('/proc/sysvipc/shm');
	is_deeply([ grep { $segments{$_} || -e $_ } sort keys %memory ], [], 'no shared memory of ' . keys(%memory) . ' pieces is left behind');

	my @files;
	find(sub { push @files, $File::Find::name if -f && $File::Find::dir =~ /pgsql_tmp/ }, $data);
	is_deeply(\@files, [], 'no temporary file is left behind');
}

sub processes_of
{
	my ($data) = @_;
	my @found;
	for my $pid (map { m{(\d+)$} } glob '/proc/[0-9]*')
	{
		my $title = title_of($pid);
		my ($parent) = $title =~ /pg_ocr_engine .*--parent (\d+)/;
		push @found, "$pid $title" if (readlink("/proc/$pid/cwd") // '') eq $data || ($parent && !is_running($parent));
	}
	return @found;
}

1;
