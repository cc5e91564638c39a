# A long document is shared among the workers, grows as it is read, and completes exactly once.
use strict;
use warnings;
use File::Temp;
use List::Util 'max';
use Test::More;
use Time::HiRes 'usleep';
use PgOcr;

# A PDF of so many small pages, each of which says its number.
sub book
{
	my ($pages) = @_;
	my @objects = (
		'<< /Type /Catalog /Pages 2 0 R >>',
		"<< /Type /Pages /Count $pages /Kids [" . join(' ', map { 2 + 2 * $_ . ' 0 R' } 1 .. $pages) . '] >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
	for my $page (1 .. $pages)
	{
		my $drawing = "BT /F1 24 Tf 20 40 Td (Page number $page of this book) Tj ET";
		push @objects, '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 100] /Resources << /Font << /F1 3 0 R >> >> /Contents '
		  . (3 + 2 * $page) . ' 0 R >>',
		  '<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream";
	}
	return pdf_of(@objects);
}

# The path of such a PDF, where the server can read it. It lives as long as what is returned.
sub book_file
{
	my $file = File::Temp->new;
	print $file book(@_);
	close $file;
	return $file;
}

my $workers = 4;
my $server = new_server('long', 'pg_ocr.workers' => $workers);

# However often a job is completed, it is written down here.
$server->safe_psql('postgres', <<'SQL');
CREATE TABLE ends (job_id bigint, status text);
CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ends VALUES (new.id, new.status); RETURN new; END';
CREATE TRIGGER write_down AFTER UPDATE ON ocr.jobs FOR EACH ROW WHEN (new.finished_at IS NOT NULL) EXECUTE FUNCTION write_down();
SQL
my $listener = $server->background_psql('postgres');
$listener->query_safe('LISTEN ocr');

sub is_whole
{
	my ($job, $pages, $name) = @_;
	my $status = ended($server, $job);
	is("$status->{status} $status->{pages_done}/$status->{pages_total} $status->{pages_failed}", "completed $pages/$pages 0",
		"$name: it completes, every page read");
	is( $server->safe_psql('postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job AND text LIKE '%number ' || page_no || ' of%'"),
		"$pages|$pages", "$name: each page once, with its own text");
	is($server->safe_psql('postgres', "SELECT count(*) FROM ends WHERE job_id = $job"), 1, "$name: it ended once");
	is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, "$name: the queue is empty");
	return $status;
}

sub is_heard_once
{
	my ($job, $name) = @_;
	my $heard = () = $listener->query_safe('SELECT 1') =~ /notification "ocr" .*"job_id": $job,/g;
	return is($heard, 1, "$name: and said so once");
}

# Of processes, in kB. A worker's share of the server's memory is not its own; an engine has the document mapped.
sub memory
{
	my ($pid, $field) = @_;
	open(my $status, '<', "/proc/$pid/status") or return 0;
	my ($kilobytes) = join('', <$status>) =~ /^$field:\s+(\d+) kB$/m or return 0;
	return $kilobytes;
}

# Fresh workers and engines read a document by its text layer; the most that any worker, and any engine, has needed.
sub peaks_of
{
	my ($pages) = @_;
	for my $count (0, $workers)
	{
		$server->safe_psql('postgres', "ALTER SYSTEM SET pg_ocr.workers = $count");
		$server->reload;
		wait_until($server, "SELECT count(*) = $count FROM ocr.workers WHERE state = 'idle' HAVING count(*) = (SELECT count(*) FROM ocr.workers)");
	}
	my @processes = split /[|\n]/, $server->safe_psql('postgres', 'SELECT pid, engine_pid FROM ocr.workers');
	my %process = @processes;
	my $file = book_file($pages);
	my ($job, $worker_peak, $engine_peak) = ($server->safe_psql('postgres', "SELECT ocr_submit(pg_read_binary_file('$file'))"), 0, 0);
	my $took = seconds(
		sub {
			until ($server->safe_psql('postgres', "SELECT finished_at IS NOT NULL FROM ocr.jobs WHERE id = $job") eq 't')
			{
				$worker_peak = max($worker_peak, map { memory($_, 'RssAnon') } keys %process);
				usleep(20_000);
			}
		});
	$engine_peak = max(map { memory($_, 'VmHWM') } values %process);
	is_whole($job, $pages, "$pages pages of text");
	is_heard_once($job, "$pages pages of text");
	isnt($engine_peak, 0, "$pages pages of text: by the engines that were there at its beginning");
	diag(sprintf '%d pages in %.1f s by %d workers: %d kB of a worker, %d kB of an engine', $pages, $took, $workers, $worker_peak, $engine_peak);
	return ($worker_peak, $engine_peak);
}

wait_for_workers($server, $workers);
my $file = book_file(600);
my $submission = "SELECT ocr_submit(pg_read_binary_file('$file'), text_layer => 'ignore', options => '{\"dpi\": 70, \"reuse\": false}')";
my $job = $server->safe_psql('postgres', $submission);
wait_until($server, "SELECT count(*) = $workers FROM ocr.workers WHERE job_id = $job AND page_no > 0");
pass('all workers read it at once');
wait_until($server, "SELECT progress > 0 AND progress < 1 AND eta > now() FROM ocr_status($job)");
ok($server->safe_psql('postgres', "SELECT count(*) > 0 FROM ocr.pages WHERE job_id = $job"), 'pages can be read while others are to come');
is(is_whole($job, 600, '600 pages')->{attempts}, 1, 'in one attempt');
is_heard_once($job, '600 pages');

# Engines and workers die all the time; nothing is lost or doubled.
$server->append_conf('postgresql.conf', 'pg_ocr.max_attempts = 100');
$server->reload;
$job = $server->safe_psql('postgres', $submission);
for my $kill (1 .. 10)
{
	wait_until($server, "SELECT pages_done >= $kill * 40 FROM ocr.jobs WHERE id = $job");
	my $victim = $server->safe_psql('postgres', 'SELECT pid, engine_pid FROM ocr.workers WHERE engine_pid IS NOT NULL ORDER BY random() LIMIT 1');
	my ($worker, $engine) = split /\|/, $victim;
	$kill % 2 ? kill('KILL', $engine) : kill('TERM', $worker);
}
is_whole($job, 600, 'five dead engines and five dead workers');
is_heard_once($job, 'five dead engines and five dead workers');
$listener->quit;

# Killed like this, a worker takes the whole server along, and with it who listens.
$job = $server->safe_psql('postgres', $submission);
for my $kill (1 .. 2)
{
	wait_until($server, "SELECT pages_done >= $kill * 150 FROM ocr.jobs WHERE id = $job");
	wait_until($server, 'SELECT count(*) > 0 FROM ocr.workers WHERE engine_pid IS NOT NULL');
	my $worker = $server->safe_psql('postgres', 'SELECT pid FROM ocr.workers WHERE engine_pid IS NOT NULL LIMIT 1');
	kill('KILL', $worker);
	wait_for_end_of($worker);
}
is_whole($job, 600, 'two restarts of the server');

# Ten times the pages cost time, not memory.
$listener = $server->background_psql('postgres');
$listener->query_safe('LISTEN ocr');
my ($worker_600, $engine_600) = peaks_of(600);
my ($worker_6000, $engine_6000) = peaks_of(6000);
cmp_ok($worker_6000, '<', $worker_600 + 50_000, 'a worker needs little more memory for 6000 pages than for 600');
cmp_ok($engine_6000, '<', $engine_600 + 100_000, 'and so does an engine');
$listener->quit;
$server->stop;
done_testing();
