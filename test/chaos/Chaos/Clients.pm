# The clients of the chaos run, each a process: they submit, cancel, retry and listen, and write down what the server told
# them. What they were not told, because the connection was lost, they write down as well.
package Chaos::Clients;

use strict;
use warnings;
use DBD::Pg;
use Digest::MD5 'md5_hex';
use Encode 'encode_utf8';
use Exporter 'import';
use JSON::PP;
use POSIX ();
use Time::HiRes qw(time usleep);
use Chaos::Session;

our @EXPORT_OK = qw(start_client plan submit_all listen_until_told);

# Jobs of one owner that may be open at once: enough that no worker is idle, few enough that kills meet work all along.
my $most_open = 60;

my $patience = 300;

# Runs a client in a process of its own, and returns its pid.
sub start_client
{
	my ($client) = @_;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	my $fine = eval { $client->(); 1 };
	print STDERR "a client ended early: $@" unless $fine;
	POSIX::_exit($fine ? 0 : 1);    # no END blocks: the server is not this process's
}

# What one client is to submit. The clients of one owner are given the same seed: so they submit the same documents, and
# race with the same keys.
sub plan
{
	my ($client, $owner, $jobs, $documents, $seed) = @_;
	my @drawn = map { ($_) x $_->{weight} } @$documents;
	srand($seed);
	return map { planned_job($client, $owner, $_, \@drawn) } 1 .. $jobs;
}

sub planned_job
{
	my ($client, $owner, $number, $drawn) = @_;
	my %luck = map { $_ => rand } qw(document keyed tail priority batch later give_up password direct rollback retry);
	my $document = $drawn->[ $luck{document} * @$drawn ];
	my $keyed = $luck{keyed} < 0.15;
	my $name = $keyed ? "$owner-$number" : "$client-$number";
	my %job = (
		token => $name,
		owner => $owner,
		document => $document,
		key => $keyed ? $name : undef,
		# The same bytes twice are one document of their owner, which is dropped with the last job that reads it.
		bytes => $document->{bytes} . ($luck{tail} < 0.7 ? "\n% $name\n" : ''),
		priority => int(11 * $luck{priority}) - 5,
		batch => $luck{batch} < 0.3 ? "$owner " . int(30 * $luck{batch}) : undef,
		delay => $luck{later} < 0.15 ? 20 * $luck{later} : 0,
		kind => 'read');
	$job{password} = $document->{password} if $document->{password} && $luck{password} < 0.5;
	$job{retry} = 1 if $document->{password} ? !$job{password} : $luck{retry} < 0.3;
	if (!$keyed)
	{
		$job{kind} = $luck{direct} < 0.02 ? 'direct' : $luck{rollback} < 0.04 ? 'rolled back' : $luck{give_up} < 0.08 ? 'cancel' : 'read';
		# Half of these are cancelled while they are read.
		@job{qw(priority delay)} = (10, 0) if $job{kind} eq 'cancel' && $luck{give_up} < 0.04;
	}
	# Which quiet reading of the document this one has to equal.
	my $locked = $document->{password} && !$job{password} && $job{kind} =~ /cancel|direct/;
	$job{reads_as} = $document->{name} . ($locked ? ' without its password' : '');
	return \%job;
}

# Submits what is planned, and looks after it. Each job needs a byte from $permits and puts one into $progress.
sub submit_all
{
	my ($session, $plan, $permits, $progress) = @_;
	my @open_ends;
	for my $job (@$plan)
	{
		sysread($permits, my $permit, 1) or return;
		my $give_up = time + $patience;
		while (open_jobs($session) >= $most_open)
		{
			die "nothing moves for $patience s\n" if time > $give_up;
			$session->rest;
		}
		push @open_ends, submit($session, $job);
		syswrite($progress, '.');
		@open_ends = grep { !look_after($session, $_) } @open_ends if rand() < 0.3;
	}
	my $give_up = time + $patience;
	while (@open_ends)
	{
		die "a job has not ended for $patience s\n" if time > $give_up;
		@open_ends = grep { !look_after($session, $_) } @open_ends;
		$session->rest(0.1);
	}
}

sub open_jobs
{
	my ($session) = @_;
	my ($open) = $session->insist(
		sub { $_[0]->selectrow_array(q{SELECT count(*) FROM ocr.jobs WHERE status IN ('pending', 'running')}) });
	return $open;
}

# Returns what is still to be done about the job: nothing, or one entry for look_after.
sub submit
{
	my ($session, $job) = @_;
	return read_here($session, $job) if $job->{kind} eq 'direct';
	my ($outcome, $id);
	do
	{
		($outcome, $id) = $session->try(sub { submit_once($_[0], $job) });
		$session->rest if $outcome eq 'lost';
	} while ($outcome eq 'lost' && $job->{key});    # a key is there so that one may ask again
	# A job that its client does not know of is looked after by nobody.
	$job->{reads_as} = "$job->{document}{name} without its password"
	  if $outcome eq 'lost' && $job->{document}{password} && !$job->{password};
	$outcome = 'rolled back' if $outcome eq 'done' && $job->{kind} eq 'rolled back';
	$session->write_down('submissions', @$job{qw(token owner reads_as key kind)}, $outcome,
		$outcome eq 'refused' ? (undef, $id) : ($id, undef));
	return unless $outcome eq 'done' && ($job->{kind} eq 'cancel' || $job->{retry});
	return { job => $job, id => $id };
}

sub submit_once
{
	my ($connection, $job) = @_;
	my $roll_back = $job->{kind} eq 'rolled back';
	my $options = $job->{document}{options} ? ", $job->{document}{options}" : '';
	my $call = $connection->prepare(
		"SELECT ocr_submit(?, priority => ?, batch => ?, idempotency_key => ?, metadata => jsonb_build_object('token', ?::text,
			'run_at', r.at), password => ?, run_at => r.at$options) FROM (SELECT now() + ? * interval '1 s') AS r (at)");
	$call->bind_param(1, $job->{bytes}, { pg_type => DBD::Pg::PG_BYTEA });
	my @arguments = (@$job{qw(priority batch key token password)}, $job->{delay});
	$call->bind_param($_ + 2, $arguments[$_]) for 0 .. $#arguments;
	$connection->begin_work if $roll_back;
	$call->execute;
	my ($id) = $call->fetchrow_array;
	$connection->rollback if $roll_back;
	return $id;
}

# ocr() in this session: there is an answer, which is right, or an error.
sub read_here
{
	my ($session, $job) = @_;
	my ($outcome, $text) = $session->try(
		sub {
			my $call = $_[0]->prepare('SELECT ocr(?' . ($job->{password} ? ', password => ?)' : ')'));
			$call->bind_param(1, $job->{bytes}, { pg_type => DBD::Pg::PG_BYTEA });
			$call->bind_param(2, $job->{password}) if $job->{password};
			$call->execute;
			my ($text) = $call->fetchrow_array;
			return md5_hex(encode_utf8($text));
		});
	$session->write_down('direct_reads', @$job{qw(token reads_as)}, $outcome, $text);
	return;
}

# Cancels or retries a job, when it is time. True once there is nothing more to do.
sub look_after
{
	my ($session, $end) = @_;
	my ($job, $id) = @$end{qw(job id)};
	if ($job->{kind} eq 'cancel')
	{
		my ($outcome, $changed) = $session->try(sub { $_[0]->selectrow_array('SELECT ocr_cancel(?)', undef, $id) });
		$session->write_down('cancels', $id, $outcome eq 'done' ? ($changed ? 'cancelled' : 'ended') : $outcome);
		return $outcome ne 'lost';
	}
	my ($status) = $session->insist(sub { $_[0]->selectrow_array('SELECT status FROM ocr.jobs WHERE id = ?', undef, $id) });
	return 1 if $status eq 'completed';    # read with its password, after a retry that nobody confirmed
	return 0 if $status ne 'failed';
	my ($outcome, $changed) = $session->try(
		sub { $_[0]->selectrow_array('SELECT ocr_retry(?, ?)', undef, $id, $job->{document}{password}) });
	$session->write_down('retries', $id, $outcome eq 'done' ? ($changed ? 'retried' : 'unchanged') : $outcome);
	return $outcome ne 'lost';
}

# Hears what is said on channel ocr, whenever there is a server, until SIGTERM.
sub listen_until_told
{
	my ($session) = @_;
	my ($told, $number) = (0, 0);
	local $SIG{TERM} = sub { $told = 1 };
	my $listening = 0;
	my $spoken_to = 0;
	while (1)
	{
		my $last = $told;
		if ($listening != ($session->{connections} // 0) || !$session->{connection})
		{
			$session->insist(sub { $_[0]->do('LISTEN ocr') });
			$listening = $session->{connections};
		}
		my $connection = $session->{connection};
		while (my $heard = eval { $connection->pg_notifies })
		{
			my $said = JSON::PP->new->decode($heard->[2]);
			$session->write_down('notifications', $listening, $number++, @$said{qw(job_id status)}, $said->{metadata}{token});
		}
		return if $last;
		if (time - $spoken_to > 0.3 || $told)
		{
			$session->disconnect unless $connection->ping;
			$spoken_to = time;
			next;
		}
		$session->rest;
	}
}

1;
