# The disk is full in mid-work: nothing is lost, read again or doubled, workers wait instead of spinning, and all completes
# once there is room.
use strict;
use warnings;
use SmallDisk;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

sub completes
{
	my ($server, $job, %options) = @_;
	my $end = ended($server, $job, %options);
	is("$end->{status} $end->{pages_done}/$end->{pages_total} $end->{pages_failed}",
		"completed $end->{pages_total}/$end->{pages_total} 0", "job $job completes once there is room");
	is($server->safe_psql($options{database} // 'postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job"),
		"$end->{pages_total}|$end->{pages_total}", 'with each page once');
	return $end;
}

# Tables that cannot grow.
my $server = new_server('disk_full', autovacuum => 'off');
mkdir "$disk/tables";
$server->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$disk/tables'");
$server->safe_psql('postgres', 'CREATE DATABASE small TABLESPACE small');
$server->safe_psql('small', 'CREATE EXTENSION pg_ocr');
my %small = (database => 'small');
my @jobs = map { submit($server, $_, undef, %small) } qw(multipage.pdf linn.pdf phototest.tif);
wait_until($server, "SELECT count(*) = 2 FROM ocr.workers WHERE database = 'small' AND page_no > 0", %small);
fill_disk();
my $claimed = $server->safe_psql('small', 'SELECT last_value FROM ocr.fences');
my $log = -s $server->logfile;
wait_for_log($server, qr/job=\d+ page=- attempt=\d+ duration=\d+ms: waits for room on the disk/, after => $log, times => 5);
cmp_ok($server->safe_psql('small', 'SELECT last_value FROM ocr.fences') - $claimed, '<=', 1,
	'workers claim nothing that they have to drop again');
is($server->safe_psql('small', "SELECT count(*) FROM ocr.jobs WHERE status = 'failed'"), 0, 'no job fails for it');
is($server->safe_psql('small', "SELECT count(*) FROM ocr.tasks WHERE attempts > 1"), 0, 'and no attempt is spent');
like(sql_error($server, 'SELECT ocr_submit(' . document('typewriter.png') . ')', %small), qr/ERROR:  53100.*No space/s,
	'who submits hears of it');

make_room();
completes($server, $_, %small) for @jobs;
is($server->safe_psql('small', 'SELECT max(attempts) FROM ocr.jobs'), 1, 'at the first attempt');

# Told to go while it waits.
my $job = submit($server, 'multipage.pdf', undef, %small);
my ($worker, $engine) = wait_for_page($server, $job, %small);
fill_disk();
$log = -s $server->logfile;
wait_for_log($server, qr/job=$job page=- attempt=\d+ duration=\d+ms: waits for room on the disk/, after => $log);
($worker, $engine) = split /\|/,
  $server->safe_psql('small', "SELECT pid, engine_pid FROM ocr.workers WHERE job_id = $job AND database = 'small'");
$server->stop;
ok(!is_running($worker) && !is_running($engine), 'a server stops while its workers wait for room');
make_room();
$server->start;
completes($server, $job, %small);
is($server->safe_psql('small', 'SELECT count(*) FROM ocr.tasks'), 0, 'no task is left');
$server->stop;
PostgreSQL::Test::Utils::system_or_bail('rm', '-r', "$disk/tables");

# A server that cannot write its log ahead stops of itself.
$server = new_server('log_full', wal_keep_size => 0, min_wal_size => '32MB', max_wal_size => '48MB');
$server->stop;
my $log_directory = $server->data_dir . '/pg_wal';
PostgreSQL::Test::Utils::system_or_bail('mv', $log_directory, "$disk/pg_wal");
symlink("$disk/pg_wal", $log_directory) or die "$log_directory: $!\n";
$server->start;
@jobs = map { submit($server, $_) } qw(multipage.pdf linn.pdf phototest.tif);
($worker, $engine) = wait_for_page($server, $jobs[0]);
fill_disk();
# Each switch takes a segment that the disk has no room for.
1 while $server->psql('postgres', q{SELECT pg_logical_emit_message(true, 'x', 'x'); SELECT pg_switch_wal()}) == 0;
wait_for_end_of($engine);
pass('its engines end with it');
make_room();
$server->stop('immediate', fail_ok => 1);
$server->start;
completes($server, $_) for @jobs;
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, 'no task is left');

$server->stop;
done_testing();
