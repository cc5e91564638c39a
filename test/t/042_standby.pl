# A standby has no workers, and shows what was read; promoted in mid-work, it has workers and goes on where the primary was.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

my $primary = new_server('primary', wal_level => 'replica', max_wal_senders => 5, hot_standby => 'on');
my $read = submit($primary, 'phototest.tif', "batch => 'scans'");
is(ended($primary, $read)->{status}, 'completed', 'the primary reads');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# Read-only. How fast it goes depends on when one looks.
for my $query ("ocr_text($read)", "ocr_status($read)", "ocr_wait($read)", "ocr_pages($read)", "ocr_words($read)", q{(SELECT to_jsonb(p) - 'pages_per_minute' FROM ocr.progress AS p)}, 'ocr.dead_letters',
	"ocr_export('scans', 'json')", "ocr_export_pages('scans')", "ocr_summary('scans')")
{
	my $all = "SELECT count(*), min(x::text) FROM $query AS x";
	is($standby->safe_psql('postgres', $all), $primary->safe_psql('postgres', $all), "$query says what it says on the primary");
}
my $out = PostgreSQL::Test::Utils::tempdir();
$primary->safe_psql('postgres', "CREATE SERVER exports FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '$out')");
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT documents FROM ocr_export_to('scans', 'file://$out/scans')"), 1, 'ocr_export_to() writes to a store');
like($standby->safe_psql('postgres', 'SELECT ocr(' . document('phototest.tif') . ')'), qr/quick brown dog/, 'ocr() reads');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_ocr%'"), 0, 'there are no workers');
like(sql_error($standby, $_), qr/ERROR:  25006: cannot execute .* in a read-only transaction/, "$_ says that nothing can be written")
  for q{SELECT ocr_submit('\x01')}, "SELECT ocr_cancel($read)", "SELECT ocr_retry($read)";

# What ends on the primary is seen by who waits here.
my $awaited = submit($primary, 'multipage.pdf', "pages => '1'");
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT status FROM ocr_wait($awaited, '3 min')"), 'completed', 'ocr_wait() waits for what the primary reads');

# Promoted in mid-work.
my @jobs = map { submit($primary, $_) } qw(multipage.pdf linn.pdf edgar.pdf);
push @jobs, submit($primary, 'typewriter.png', "run_at => now() + '2 s'");
wait_for_page($primary, $jobs[0]);
$primary->wait_for_catchup($standby);
unlike(slurp_file($standby->logfile), qr/pg_ocr(?! extension)[^\n]*(?:worker|launcher|engine|WARNING|ERROR)/, 'its log says nothing of workers');
$primary->stop('immediate');
$standby->promote;
for my $job (@jobs)
{
	my $end = ended($standby, $job);
	is("$end->{status} $end->{pages_done}/$end->{pages_total} $end->{pages_failed}", "completed $end->{pages_total}/$end->{pages_total} 0",
		"job $job completes where the standby was promoted");
	is($standby->safe_psql('postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job"),
		"$end->{pages_total}|$end->{pages_total}", 'with each page once');
}
ok(wait_for_workers($standby, 2), 'it has workers');
is(ended($standby, submit($standby, 'phototest.tif'))->{status}, 'completed', 'and reads what is submitted to it');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, 'no task is left');

$standby->stop;
done_testing();
