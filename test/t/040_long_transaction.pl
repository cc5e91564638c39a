# A transaction that stays open keeps vacuum from cleaning up behind the queue: claims stay as quick as they were. What
# they go without looking at again, they never miss.
use strict;
use warnings;
use List::Util qw(shuffle);
use Test::More;
use PgOcr;

my $server = new_server('long_transaction', 'pg_ocr.workers' => 0, fsync => 'off', max_prepared_transactions => 5);
my $jobs = 0;

# How many entries of the queue's indexes a claim walks over.
sub entries_walked
{
	my ($session) = @_;
	$session->query_safe('BEGIN; SELECT ocr_submit(\'\x01\')');
	my $entries = "SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index WHERE indrelid = 'ocr.tasks'::regclass";
	my $before = $session->query_safe($entries);
	$session->query_safe('SELECT FROM ocr.claim_task(1)');
	my $walked = $session->query_safe($entries) - $before;
	$session->query_safe('ROLLBACK');
	return $walked;
}

sub push_through
{
	my ($session, $count) = @_;
	$session->query_safe(<<~"SQL");
	DO \$\$
	DECLARE
	    task record;
	BEGIN
	    FOR i IN 1 .. $count LOOP
	        PERFORM ocr_submit('\\x01');
	        COMMIT;
	        SELECT * INTO STRICT task FROM ocr.claim_task(1);
	        COMMIT;
	        PERFORM ocr.record_opened(task.task_id, task.fence, 'PNG', 1, 1);
	        PERFORM ocr.record_page(task.task_id, task.fence, 1, 'read', 'ocr', 'text', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL);
	        PERFORM ocr.complete_task(task.task_id, task.fence);
	        COMMIT;
	    END LOOP;
	END
	\$\$
	SQL
	$jobs += $count;
}

my $holder = $server->background_psql('postgres');
$holder->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ocr.jobs');
my $session = $server->background_psql('postgres');
push_through($session, 500);
my $few = entries_walked($session);
push_through($session, 2500);
my $many = entries_walked($session);
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.jobs WHERE status = 'completed'"), $jobs, "$jobs jobs went through");
cmp_ok($many, '<=', $few + 10, "a claim walks over no more of the queue after $jobs jobs ($many entries) than after 500 ($few)");
my $newcomer = $server->background_psql('postgres');
cmp_ok(entries_walked($newcomer), '>', $jobs, 'though what was done is still there: who claims for the first time walks over it');
$newcomer->query_safe(q{SELECT ocr_submit('\x01'); SELECT FROM ocr.claim_task(1)});
cmp_ok(entries_walked($newcomer), '<=', $few + 10, 'and no second time');
$_->quit for $newcomer, $holder;
$server->safe_psql('postgres', 'DELETE FROM ocr.jobs');

# What a session with a memory might miss. Each of these makes a task that comes before what the session saw last.
my $other = $server->background_psql('postgres');
my $claim = 'SELECT job_id FROM ocr.claim_task(1)';
sub last_submitted { return $server->safe_psql('postgres', 'SELECT max(id) FROM ocr.jobs') }
sub look_at_later_one
{
	$server->safe_psql('postgres', q{SELECT ocr_submit('\x02')});
	is($session->query_safe($claim), last_submitted(), 'a later one is claimed');
}

my $id = $other->query_safe(q{BEGIN; SELECT ocr_submit('\x01')});
look_at_later_one();
is($session->query_safe($claim), '', 'what is not committed is not claimed');
$other->query_safe('COMMIT');
is($session->query_safe($claim), $id, 'what is committed late is claimed');

$id = $other->query_safe(q{BEGIN; SAVEPOINT s; SELECT ocr_submit('\x01')});
look_at_later_one();
$other->query_safe('RELEASE s; COMMIT');
is($session->query_safe($claim), $id, 'from a subtransaction as well');

$id = $other->query_safe(q{BEGIN; SELECT ocr_submit('\x01')});
$other->query_safe(q{PREPARE TRANSACTION 'p'});
look_at_later_one();
$server->safe_psql('postgres', q{COMMIT PREPARED 'p'});
is($session->query_safe($claim), $id, 'from a prepared transaction as well');

$id = $server->safe_psql('postgres', q{SELECT ocr_submit('\x01')});
$other->query_safe("BEGIN; $claim");
look_at_later_one();
$other->query_safe('ROLLBACK');
is($session->query_safe($claim), $id, 'what another claimed and rolled back is claimed');

$id = $server->safe_psql('postgres', q{SELECT ocr_submit('\x01')});
$session->query_safe("BEGIN; SAVEPOINT s; $claim; $claim");
$session->query_safe("ROLLBACK TO s; COMMIT");
is($session->query_safe($claim), $id, 'what the session itself claimed and rolled back is claimed');

$session->query_safe(q{BEGIN; SELECT ocr_submit('\x01')});
is($session->query_safe($claim), last_submitted() + 1, 'what the transaction itself submitted is claimed');
$server->safe_psql('postgres', 'SELECT pg_current_xact_id()') for 1 .. 3;
$id = $session->query_safe(q{SELECT ocr_submit('\x01')});
$server->safe_psql('postgres', 'SELECT pg_current_xact_id()') for 1 .. 3;
is($session->query_safe($claim), $id, 'and what it submits after that');
$session->query_safe('COMMIT');

$id = $server->safe_psql('postgres', q{SELECT ocr_submit('\x01', run_at => now() + interval '1 h')});
look_at_later_one();
$server->safe_psql('postgres', "SET session_replication_role = replica; UPDATE ocr.tasks SET run_at = now() - interval '1 h' WHERE worker IS NULL");
is($session->query_safe($claim), $id, 'what an administrator brought forward is claimed');

# Many sessions doing all this at random: each claim is compared with a plain look at the whole queue.
$server->safe_psql('postgres', <<'SQL');
CREATE FUNCTION claim_and_compare(OUT expected bigint, OUT claimed bigint) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        UPDATE ocr.tasks t SET run_at = t.run_at  -- places what is due by now
        FROM (SELECT d.id FROM ocr.tasks d WHERE d.worker IS NULL AND ocr.is_waiting_lane(d.lane) AND d.run_at <= now()
              ORDER BY d.run_at, d.id FOR UPDATE SKIP LOCKED) AS due
        WHERE t.id = due.id;
        SELECT t.id INTO expected FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id
        WHERE worker IS NULL AND t.lane = t.priority AND t.run_at <= now() ORDER BY t.lane DESC, t.turn, t.id LIMIT 1 FOR UPDATE SKIP LOCKED;
        RAISE 'let go of the locks';
    EXCEPTION WHEN raise_exception THEN
    END;
    SELECT task_id INTO claimed FROM ocr.claim_task(1);
END
$$
SQL
srand(4711);
my @sessions = map { { psql => $server->background_psql('postgres'), in_transaction => 0 } } 0 .. 3;
my ($claims, $found, @wrong) = (0, 0);
for my $step (1 .. 1000)
{
	my $at = $sessions[ rand @sessions ];
	my $what = int(rand(20));
	if ($what < 5)
	{
		my ($priority, $late) = (int(rand(3)), int(rand(200)) - 150);
		$at->{psql}->query_safe("SELECT ocr_submit('\\x03', priority => $priority, run_at => clock_timestamp() + '$late ms')");
	}
	elsif ($what < 12)
	{
		my ($expected, $claimed) = split /\|/, $at->{psql}->query_safe('SELECT * FROM claim_and_compare()'), -1;
		push @wrong, "step $step: claimed '$claimed' instead of '$expected'" if $claimed ne $expected;
		$claims++;
		$found++ if $claimed ne '';
	}
	elsif ($what < 14)
	{
		# Would wait for whoever has claimed or released the same.
		next if grep { $_->{in_transaction} } @sessions;
		$at->{psql}->query_safe('SELECT ocr.release_task(id, fence) FROM ocr.tasks WHERE worker IS NOT NULL LIMIT 1');
	}
	elsif ($at->{in_transaction})
	{
		$at->{psql}->query_safe($what < 16 ? 'SAVEPOINT s' : $what < 17 ? 'SAVEPOINT s; ROLLBACK TO s' : $what < 19 ? 'COMMIT' : 'ROLLBACK');
		$at->{in_transaction} = 0 if $what >= 17;
	}
	else
	{
		$at->{psql}->query_safe('BEGIN');
		$at->{in_transaction} = 1;
	}
}
is(join("\n", splice(@wrong, 0, 5)), '', "$claims claims, $found of which found a task, found what was first");
cmp_ok($found, '>', 50, 'many of them');
$_->quit for $session, $other, map { $_->{psql} } @sessions;

$server->stop;
done_testing();
