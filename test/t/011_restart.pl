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
my $postmaster = $server->{_pid};
my @processes = (children_of($postmaster), $engine);
$server->kill9;
wait_for_end_of($_) for @processes;
pass('the engine, the workers and the launcher end with their postmaster');
# A new postmaster refuses to start while the old one's pid exists, be it as a zombie that nobody has reaped yet.
my $patience = 1200;
usleep(50_000) while kill(0, $postmaster) && $patience--;
$server->start;
is(ended($server, $job)->{status}, 'completed', 'the job completes after the recovery');

$server->stop;
done_testing();
