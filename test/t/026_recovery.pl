# A dead worker's task goes on at once, whoever is there to notice; a live one's stays where it is, however slow.
use strict;
use warnings;
use Test::More;
use PgOcr;

# Nobody looks into the queue unasked.
my $server = new_server('recovery', 'pg_ocr.workers' => 2, 'pg_ocr.poll_interval' => '1h', 'pg_ocr.max_attempts' => 10,
	track_functions => 'all');
wait_for_idle(2);

sub wait_for_idle
{
	my ($count) = @_;
	return wait_until($server, "SELECT count(*) = $count FROM ocr.workers WHERE state = 'idle'");
}

# A worker that can neither record a page, nor its failure, nor give its task back, ends.
$server->safe_psql('postgres', <<'SQL');
CREATE TABLE victim (pid int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.victim WHERE pid = pg_backend_pid()) THEN RAISE 'no room'; END IF;
    RETURN new;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON ocr.tasks FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse BEFORE INSERT ON ocr.pages FOR EACH ROW EXECUTE FUNCTION refuse();
SQL
sub end_by_error
{
	my ($worker) = @_;
	$server->safe_psql('postgres', "INSERT INTO victim VALUES ($worker)");
	return wait_for_end_of($worker);
}

# The launcher is stopped: nobody starts a worker in the place of the dead one.
my $launcher = $server->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr launcher'});
sub with_stopped_launcher
{
	my ($work) = @_;
	freeze($launcher);
	$work->();
	kill('CONT', $launcher);
	return wait_for_idle(2);
}

with_stopped_launcher(sub {
	my $job = submit($server, 'multipage.pdf', "pages => '1-2'");
	my ($worker) = wait_for_page($server, $job);
	end_by_error($worker);
	my $status = ended($server, $job);
	is("$status->{status} $status->{attempts}", 'completed 2', 'an idle worker takes over from a dead one');
});

with_stopped_launcher(sub {
	my @jobs = map { submit($server, 'multipage.pdf', "pages => '1-2'") } 1 .. 2;
	my ($worker) = map { (wait_for_page($server, $_))[0] } @jobs;
	end_by_error($worker);
	is(join(' ', map { ended($server, $_)->{status} } @jobs), 'completed completed', 'a busy one does, when it has done its own');
});

# A job that a user keeps locked: its worker ends, and its task cannot be rescued until the lock is gone.
my $session = $server->background_psql('postgres');
my $job = submit($server, 'multipage.pdf', "pages => '1-2'");
my ($worker) = wait_for_page($server, $job);
$session->query_safe("BEGIN; SELECT ocr_cancel($job)");
wait_for_end_of($worker);
wait_for_idle(2);
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.orphaned_tasks()"), 1, 'a task whose job is locked is left');
$session->query_safe('ROLLBACK');
is(ended($server, $job)->{status}, 'completed', 'and goes on when the lock is gone');
$session->quit;

# Everybody looks every second now, and a process that stands still is no dead one.
$server->append_conf('postgresql.conf', "pg_ocr.poll_interval = '1s'");
$server->reload;

sub freeze
{
	my ($pid) = @_;
	# Not while it holds a lock that the others need to go on.
	wait_until($server, "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $pid");
	return kill('STOP', $pid);
}

# Returns once idle workers have looked for dead ones some more times.
sub let_others_look
{
	my $looks = q{SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE funcname = 'rescue_tasks'};
	my $before = $server->safe_psql('postgres', $looks);
	return wait_until($server, "SELECT ($looks) > $before + 3");
}

for my $frozen ('engine', 'worker')
{
	$job = submit($server, 'multipage.pdf', "pages => '1-2'");
	my ($pid, $engine) = wait_for_page($server, $job);
	kill('STOP', $engine);  # so that its worker waits for it
	if ($frozen eq 'worker')
	{
		freeze($pid);
		kill('CONT', $engine);
	}
	my $claim = "SELECT worker || ' ' || fence FROM ocr.tasks WHERE job_id = $job";
	my $before = $server->safe_psql('postgres', $claim);
	is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', "while the $frozen stands still, another worker reads");
	let_others_look();
	is($server->safe_psql('postgres', $claim), $before, "the task of the $frozen that stands still stays where it is");
	kill('CONT', $frozen eq 'worker' ? $pid : $engine);
	my $status = ended($server, $job);
	is("$status->{status} $status->{pages_done} $status->{attempts}", 'completed 2 1', "it ends as if nothing had been");
}

$server->stop;
done_testing();
