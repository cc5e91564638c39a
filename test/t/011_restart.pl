# A restart in the middle of work, fast or immediate: the work is done afterwards and no engine is left behind.
use strict;
use warnings;
use Test::More;
use Time::HiRes 'usleep';
use PgOcr;

my $server = new_server('restart');
for my $mode ('fast', 'immediate')
{
	my $job = submit($server, 'multipage.pdf', "pages => '1-2'");
	my ($worker, $engine) = wait_for_page($server, $job);
	$server->stop($mode);
	ok(wait_for_end_of($engine), "$mode: the engine ends with the server");
	$server->start;
	my $status = ended($server, $job);
	is("$status->{status} $status->{pages_done}/$status->{pages_total} $status->{pages_failed}", 'completed 2/2 0',
		"$mode: the job completes after the restart");
	is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.pages WHERE job_id = $job"), 2, "$mode: no page is doubled");
	is($status->{attempts}, $mode eq 'fast' ? 1 : 2,
		"$mode: " . ($mode eq 'fast' ? 'an orderly stop costs no attempt' : 'a crash is counted'));
}

# The postmaster itself is killed: nobody is left to clean up, yet nothing stays behind.
my $job = submit($server, 'multipage.pdf', "pages => '1-2'");
my ($worker, $engine) = wait_for_page($server, $job);
my @processes = (children_of($server->{_pid}), $engine);
$server->kill9;
wait_for_end_of($_) for @processes;
pass('the engine, the workers and the launcher end with their postmaster');
# One that the postmaster started after we had looked, such as autovacuum's, may still be on its way out: until it is gone,
# a new postmaster refuses to start.
my $patience = 60;
usleep(500_000) until $server->start(fail_ok => 1) || !$patience--;
is(ended($server, $job)->{status}, 'completed', 'the job completes after the recovery');

$server->stop;
done_testing();
