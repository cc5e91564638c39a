# What a worker is at, as pg_stat_activity and the log tell it, and the figures of it, as the standard exporter gives them to
# Prometheus.
use strict;
use warnings;
use File::Basename;
use HTTP::Tiny;
use JSON::PP;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

my $server = new_server('monitoring', 'pg_ocr.workers' => 1, log_min_messages => 'debug1');

# A worker, idle and at work. The server looks by itself: by the time that psql has started, a page may be done.
my $activity = q{FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker'};
wait_until($server, "SELECT state = 'idle' AND query = 'idle' $activity");
pass('an idle worker says so');
my $job = submit($server, 'multipage.pdf');
my ($worker, $engine) = wait_for_page($server, $job);
wait_until($server, "SELECT state = 'active' AND query ~ '^reading job $job, page [1-6] of 6\$' AND wait_event IN ('Extension', 'PgOcrEngine') $activity");
pass('one at work says at what');
cmp_ok($server->safe_psql('postgres', 'SELECT engine_memory FROM ocr.workers'), '>', 10 << 20, 'and what its engine holds in memory');
is($server->safe_psql('postgres', q{SELECT value FROM ocr.metrics WHERE metric = 'workers' AND labels->>'state' = 'reading'}), 1, 'it counts as reading');

# The engine is lost in the middle of a page, so that there is something to log and to count.
kill 'KILL', $engine;
is(ended($server, $job)->{status}, 'completed', 'an engine that is killed costs an attempt');
wait_until($server, "SELECT query = 'idle' $activity");
my $log = slurp_file($server->logfile);
like($log, qr/LOG:  pg_ocr: job=$job page=[\d-] attempt=1 duration=\d+ms: the engine was killed by signal 9/, 'which the log tells with job, page, attempt and duration');
for my $page (1 .. 6)
{
	like($log, qr/DEBUG:  pg_ocr: job=$job page=$page attempt=[12] duration=\d+ms: read, \d+ words/, "as it tells of page $page, closely looked at");
}
like($log, qr/DEBUG:  pg_ocr: job=$job page=- attempt=2 duration=\d+ms: done/, 'and of the whole');
unlike($log, qr/pg_ocr: job (?!\S*=)/, 'and there is no other form');

# The same as figures.
sub total { return $server->safe_psql('postgres', "SELECT value FROM ocr.metrics WHERE metric = 'total' AND labels->>'of' = '$_[0]'") }
is(total('engines_lost'), 1, 'an engine was lost');
is(total('engines_started'), 2, 'and another started');
is(total('attempts_failed'), 1, 'an attempt failed');
is(total('pages_read'), 6, 'each page was read once');
is(total('documents'), 1, 'of one document');
is($server->safe_psql('postgres', q{SELECT value FROM ocr.metrics WHERE metric = 'failed_attempts' AND labels->>'code' = 'engine_crashed'}), 1, 'the tables say why');

# The exporter, as a member of pg_monitor.
my $program = (grep { -x } map { "$_/prometheus-postgres-exporter" } split /:/, "$ENV{PATH}:/usr/bin")[0];
SKIP:
{
	skip 'prometheus-postgres-exporter is not installed', 6 unless $program;
	my $folder = dirname(__FILE__) . '/../../monitoring';
	$server->safe_psql('postgres', 'CREATE ROLE watcher LOGIN IN ROLE pg_monitor');
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	local $ENV{DATA_SOURCE_NAME} = sprintf 'host=%s port=%s user=watcher dbname=postgres sslmode=disable', $server->host, $server->port;
	my $said = '';
	my $exporter = IPC::Run::start(
		[ $program, '--disable-default-metrics', '--disable-settings-metrics', "--extend.query-path=$folder/queries.yaml", "--web.listen-address=127.0.0.1:$port" ],
		'>&', \$said);
	my $figures = '';
	for (1 .. 600)
	{
		$figures = HTTP::Tiny->new->get("http://127.0.0.1:$port/metrics")->{content};
		last if $figures =~ /^pg_ocr_total_count/m;
		Time::HiRes::usleep(100_000);
	}
	$exporter->kill_kill;
	like($figures, qr/^pg_ocr_total_count\{of="pages_read",[^}]*\} 6$/m, 'the exporter gives the counters') or diag($said);
	like($figures, qr/^pg_ocr_queue_tasks\{[^}]*status="due",tier="balanced"\} 0$/m, 'the queue');
	like($figures, qr/^pg_ocr_failed_attempts_last_hour\{code="engine_crashed",[^}]*\} 1$/m, 'and failures');
	unlike($said, qr/level=error/, 'without an error');
	# What the dashboard shows, the exporter has; but for what there are no rows of.
	my %known = map { $_ => 1 } $figures =~ /^(pg_ocr_\w+)/mg;
	my $dashboard = decode_json(slurp_file("$folder/grafana.json"));
	my @shown = map { map { $_->{expr} =~ /(pg_ocr_\w+)/g } @{ $_->{targets} } } @{ $dashboard->{panels} };
	cmp_ok(scalar @shown, '>=', 12, 'the dashboard has its panels');
	is(join(' ', grep { !$known{$_} && $_ ne 'pg_ocr_deliveries_count' } @shown), '', 'and what they show is there');
}

$server->stop;
done_testing();
