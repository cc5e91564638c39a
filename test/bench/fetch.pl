# See test/bench/fetch, which calls it in a directory that has many_transfers.
use strict;
use warnings;
use Getopt::Long;
use IO::Handle;
use List::Util qw(max);
use POSIX ();
use Time::HiRes qw(time usleep);
# Which takes standard output for its log.
my $out;
BEGIN { open($out, '>&', \*STDOUT) or die "standard output: $!\n" }
use PostgreSQL::Test::Utils;
use Test::More;
use PgOcr;
use Stores;

my ($objects, $jobs) = (100_000, 300);
GetOptions('objects=i' => \$objects, 'jobs=i' => \$jobs) or die "usage: fetch [--objects N] [--jobs N]\n";
my $program = (PostgreSQL::Test::Utils::run_command([ 'pg_config', '--bindir' ]))[0] . '/pg_ocr_http';

$out->autoflush(1);
# Sessions of PostgreSQL's test modules say what they do; nobody asked.
Test::More->builder->$_(\my $unheard) for qw(output failure_output);

sub median { return (sort { $a <=> $b } @_)[ @_ / 2 ] }

# The largest that a process has been, in MB.
sub peak_memory
{
	my ($pid) = @_;
	open(my $status, '<', "/proc/$pid/status") or return 0;
	my ($kilobytes) = join('', <$status>) =~ /VmHWM:\s+(\d+)/;
	return ($kilobytes // 0) / 1024;
}

# Seconds that curl takes to fetch a URL so many times.
sub curl_seconds
{
	my ($web, $url, $times, $at_once) = @_;
	my $list = $web->folder . '/curl.config';
	Stores::write_file($list, "url = \"$url\"\noutput = /dev/null\n" x $times);
	return seconds(sub {
		system('curl', '-sSf', '--cacert', $web->folder . '/ca.pem', '--parallel', '--parallel-max', $at_once, '-K', $list) == 0
		  or die "curl failed\n";
	});
}

sub fetch_throughput
{
	my $web = start_web();
	my @rounds = ([ '20 kB', 20_000, 3000 ], [ '1 MB', 1_000_000, 500 ], [ '20 MB', 20_000_000, 40 ]);
	print $out "The same object many times, 32 at once; medians of 3\n\n";
	printf $out "%-6s %-6s | %12s %8s | %12s %8s\n", '', '', 'curl', 'MB/s', 'pg_ocr_http', 'MB/s';
	for my $scheme (qw(http https))
	{
		my $endpoint = $scheme eq 'http' ? $web->url : $web->tls_url;
		for my $round (@rounds)
		{
			my ($name, $size, $times) = @$round;
			$web->put($size, pack('L*', map { int(rand(2**32)) } 1 .. $size / 4));
			my (@curl, @http);
			for (1 .. 3)
			{
				push @curl, curl_seconds($web, "$endpoint/open/$size", $times, 32);
				my $said = Stores::run('', './many_transfers', $program, 'fetch', $times, 32, "open/$size", 'type=https',
					"endpoint=$endpoint", 'allow_private_addresses=true', 'connect_timeout=100',
					'ca_certificate=' . $web->ca_certificate);
				push @http, $said =~ /^([0-9.]+) s/;
			}
			my ($curl, $http) = (median(@curl), median(@http));
			printf $out "%-6s %-6s | %9.0f /s %8.0f | %9.0f /s %8.0f\n", $scheme, $name, $times / $curl,
			  $size * $times / $curl / 1e6, $times / $http, $size * $times / $http / 1e6;
		}
	}
	print $out "\n";
	$web->stop;
}

# Jobs per second, from the submission of all to the end of the last.
sub rate_of_jobs
{
	my ($server, $call) = @_;
	my $options = q{options => '{"reuse": false}'};
	return $jobs / seconds(sub {
		$server->safe_psql('postgres', "SELECT ocr_submit($call, $options) FROM generate_series(1, $jobs)");
		wait_until($server, q{SELECT count(*) = 0 FROM ocr.tasks});
	});
}

sub jobs_end_to_end
{
	my ($server, $s3, $web) = @_;
	my $name = 'testocr.png';
	my $page = document_bytes($name);
	$s3->put('scans', 'page.png' => $page);
	$web->put('page.png', $page);
	my %calls = ('bytes' => document($name), 's3' => q{'s3://scans/page.png'}, 'https' => "'" . $web->tls_url('/open/page.png') . "'");
	my %rates;
	rate_of_jobs($server, $calls{bytes});
	for (1 .. 3) { push @{ $rates{$_} }, rate_of_jobs($server, $calls{$_}) for sort keys %calls }
	$server->safe_psql('postgres', q{SELECT count(*) FROM ocr.jobs WHERE status <> 'completed'}) eq '0' or die "jobs have failed\n";
	printf $out "%d jobs of one page (%d kB), 2 workers; jobs per second, medians of 3\n\n", $jobs, length($page) / 1000;
	printf $out "%-6s %6.1f\n", $_, median(@{ $rates{$_} }) for qw(bytes s3 https);
	print $out "\n";
}

# Seconds and MB of the backend and of its pg_ocr_http.
sub listing
{
	my ($server, $prefix) = @_;
	my $session = $server->background_psql('postgres', timeout => 3600);
	my $backend = $session->query_safe('SELECT pg_backend_pid()');
	my ($before, $child, $watched) = (peak_memory($backend), 0, 1);
	pipe(my $from, my $to) or die "pipe: $!\n";
	my $watcher = fork // die "fork: $!\n";
	if ($watcher == 0)
	{
		close($from);
		local $SIG{TERM} = sub { $watched = 0 };
		while ($watched)
		{
			$child = max($child, map { peak_memory($_) } children_of($backend, 'pg_ocr_http'));
			usleep(20_000);
		}
		print $to $child;
		close($to);
		POSIX::_exit(0);
	}
	close($to);
	my $count;
	my $seconds = seconds(sub { $count = $session->query_safe("SELECT count(*) FROM ocr_objects('scans', '$prefix')") });
	kill('TERM', $watcher);
	waitpid($watcher, 0);
	printf $out "%9d objects: %6.1f s, backend %.0f MB (before: %.0f), pg_ocr_http %.0f MB\n", $count, $seconds, peak_memory($backend),
	  $before, <$from> // 0;
	$session->quit;
}

fetch_throughput();
my ($s3, $web) = (start_s3(), start_web());
my $server = new_server('fetch', 'pg_ocr.workers' => 2);
$s3->create_bucket('scans');
$server->safe_psql('postgres', sprintf q{
	CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans', endpoint '%s', allow_private_addresses 'true');
	CREATE USER MAPPING FOR PUBLIC SERVER scans OPTIONS (access_key_id '%s', secret_access_key '%s');
	CREATE SERVER web FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint '%s', allow_private_addresses 'true', ca_certificate '%s')},
	$s3->url, $s3->key_id, $s3->secret, $web->tls_url, $web->ca_certificate);
jobs_end_to_end($server, $s3, $web);
print $out "ocr_objects, a page of 1000 after the other\n\n";
for my $count (1000, $objects)
{
	$s3->plant('scans', "$count/", $count);
	listing($server, "$count/");
}
$server->stop;
