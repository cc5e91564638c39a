# kill -9 of a worker: Postgres restarts all its processes, by its own rule, and the work is done once all the same.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('worker');
my $job = submit($server, 'multipage.pdf', "pages => '1-3'");
my $neighbour = submit($server, 'phototest.tif');
my ($worker, $engine) = wait_for_page($server, $job);

kill('KILL', $worker);
ok(wait_for_end_of($engine), 'its engine dies with it');
my $status = ended($server, $job);
is($status->{status}, 'completed', 'somebody else does its task');
is("$status->{pages_done} of $status->{pages_total}, $status->{pages_failed} failed", '3 of 3, 0 failed', 'and every page of it');
is($server->safe_psql('postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job"),
	'3|3', 'no page is recorded twice');
cmp_ok($status->{attempts}, '>=', 2, 'the death was counted as an attempt');
is(ended($server, $neighbour)->{status}, 'completed', 'its neighbour completes as well');
ok(wait_for_workers($server, 2), 'there are as many workers as before');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, 'no task is left');

# A worker that is told to go hands its task back, and the server does not mind.
$job = submit($server, 'multipage.pdf', "pages => '1-3'");
my $restarts = () = PostgreSQL::Test::Utils::slurp_file($server->logfile) =~ /all server processes terminated/g;
($worker, $engine) = wait_for_page($server, $job);
$server->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
ok(wait_for_end_of($worker), 'a worker that is terminated ends');
ok(wait_for_end_of($engine), 'and takes its engine along');
is(ended($server, $job)->{status}, 'completed', 'its task is done by another');
is(scalar(() = PostgreSQL::Test::Utils::slurp_file($server->logfile) =~ /all server processes terminated/g),
	$restarts, 'without a restart of the server');
ok(wait_for_workers($server, 2), 'a new worker takes its place');

$server->stop;
done_testing();
