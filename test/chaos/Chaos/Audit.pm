# What must hold when the chaos is over. Every query counts what must not be.
package Chaos::Audit;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(install_recorder load_ledger findings statistics);

# A book that is kept in the database, by triggers, in the transactions of those who change a task or a job; and the tables
# that the clients' books are loaded into.
my $recorder = <<'SQL';
CREATE SCHEMA chaos;
CREATE TABLE chaos.events (
	id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT clock_timestamp(), pid int DEFAULT pg_backend_pid(),
	what text, job_id bigint, task_id bigint, worker bigint, fence bigint);
CREATE TABLE chaos.readings (name text, job_id bigint, status text, error_code text, direct text);
CREATE TABLE chaos.pages (name text, page_no int, status text, source text, text text, error_code text);
CREATE TABLE chaos.submissions (token text, owner text, reads_as text, key text, kind text, outcome text, job_id bigint, error text);
CREATE TABLE chaos.direct_reads (token text, reads_as text, outcome text, answer text);
CREATE TABLE chaos.cancels (job_id bigint, outcome text);
CREATE TABLE chaos.retries (job_id bigint, outcome text);
CREATE TABLE chaos.notifications (session int, number int, job_id bigint, status text, token text);
CREATE TABLE chaos.kills (id int, at float8, kind text, worker_pid int);

CREATE FUNCTION chaos.record_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		INSERT INTO chaos.events (what, job_id, task_id, worker, fence) VALUES ('ended', OLD.job_id, OLD.id, OLD.worker, OLD.fence);
	ELSIF NEW.fence IS NOT NULL AND NEW.fence IS DISTINCT FROM OLD.fence THEN
		INSERT INTO chaos.events (what, job_id, task_id, worker, fence) VALUES ('claimed', NEW.job_id, NEW.id, NEW.worker, NEW.fence);
	ELSIF NEW.fence IS NULL AND OLD.fence IS NOT NULL THEN
		INSERT INTO chaos.events (what, job_id, task_id, worker, fence) VALUES ('pending', OLD.job_id, OLD.id, OLD.worker, OLD.fence);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER record AFTER UPDATE OR DELETE ON ocr.tasks FOR EACH ROW EXECUTE FUNCTION chaos.record_task();

CREATE FUNCTION chaos.record_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	INSERT INTO chaos.events (what, job_id) VALUES ('job ' || NEW.status, NEW.id);
	RETURN NULL;
END $$;
CREATE TRIGGER record AFTER UPDATE ON ocr.jobs FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION chaos.record_job();
SQL

# Jobs that were read quietly are there as well; all others have a token. Those with a key were submitted several times.
my $prepare = <<'SQL';
CREATE INDEX ON chaos.events (job_id);
CREATE INDEX ON chaos.events (task_id);
CREATE INDEX ON chaos.events (what, at);
CREATE VIEW chaos.jobs AS
	SELECT j.*, j.metadata->>'token' AS token, s.reads_as, s.kind, r.status AS must_be, r.error_code AS must_fail_with,
		(SELECT count(*) FROM chaos.retries t WHERE t.job_id = j.id AND t.outcome IN ('retried', 'lost')) AS retries,
		(SELECT count(*) FROM chaos.retries t WHERE t.job_id = j.id AND t.outcome = 'retried') AS confirmed_retries,
		(SELECT count(*) FROM chaos.events e WHERE e.job_id = j.id AND e.what IN ('job completed', 'job failed', 'job cancelled')) AS ends
	FROM ocr.jobs j LEFT JOIN (SELECT DISTINCT token, reads_as, kind FROM chaos.submissions) AS s ON s.token = j.metadata->>'token'
		LEFT JOIN chaos.readings r ON r.name = s.reads_as
	WHERE j.metadata ? 'token';
ANALYZE;
SQL

my @findings = (
	# Nothing is lost
	[ lost => 'submissions that the server confirmed, without a job', q{
		FROM chaos.submissions s WHERE s.outcome = 'done' AND NOT EXISTS (SELECT FROM ocr.jobs j WHERE j.id = s.job_id)} ],
	[ lost => 'jobs that have not ended', q{FROM chaos.jobs WHERE status NOT IN ('completed', 'failed', 'cancelled')} ],
	[ lost => 'jobs that ended less often than they were submitted and retried', q{
		FROM chaos.jobs WHERE ends < 1 + confirmed_retries AND status IN ('completed', 'failed', 'cancelled')} ],
	[ lost => 'submissions that were refused', q{FROM chaos.submissions WHERE outcome = 'refused'} ],
	# Nothing is doubled
	[ doubled => 'tokens with more than one job', q{
		FROM (SELECT FROM chaos.jobs WHERE idempotency_key IS NULL GROUP BY token HAVING count(*) > 1) AS x} ],
	[ doubled => 'keys with more than one job', q{
		FROM (SELECT FROM chaos.submissions WHERE key IS NOT NULL GROUP BY owner, key HAVING count(DISTINCT job_id) > 1) AS x} ],
	[ doubled => 'jobs that nobody submitted, or that were rolled back', q{
		FROM chaos.jobs WHERE kind IS NULL OR kind NOT IN ('read', 'cancel')} ],
	[ doubled => 'jobs that ended more often than they were submitted and retried', q{
		FROM chaos.jobs WHERE ends > 1 + retries} ],
	[ doubled => 'notifications without an end of a job', q{
		FROM chaos.jobs j WHERE (SELECT count(*) FROM chaos.notifications n WHERE n.job_id = j.id) > ends} ],
	[ doubled => 'tasks that were claimed while their worker lived', q{
		FROM chaos.events taken JOIN chaos.events claimed USING (task_id, fence, worker)
		WHERE taken.what = 'pending' AND claimed.what = 'claimed' AND taken.pid <> claimed.pid
			AND EXISTS (SELECT FROM chaos.events later WHERE later.worker = claimed.worker AND later.what = 'claimed' AND later.id > taken.id)} ],
	# Every end is the right one
	[ 'wrong end' => 'jobs that ended otherwise than when they were read quietly', q{
		FROM chaos.jobs WHERE status <> 'cancelled' AND (status, error_code) IS DISTINCT FROM (must_be, must_fail_with)} ],
	[ 'wrong end' => 'jobs that were cancelled unasked', q{FROM chaos.jobs WHERE status = 'cancelled' AND kind <> 'cancel'} ],
	[ 'wrong end' => 'jobs that were cancelled, yet read on', q{
		FROM chaos.jobs j JOIN chaos.cancels c ON c.job_id = j.id WHERE c.outcome = 'cancelled' AND j.status <> 'cancelled'} ],
	[ 'wrong end' => 'cancels and retries that were refused', q{
		FROM (SELECT outcome FROM chaos.cancels UNION ALL SELECT outcome FROM chaos.retries) AS x WHERE outcome = 'refused'} ],
	[ 'wrong end' => 'jobs of somebody else', q{
		FROM chaos.jobs j JOIN chaos.submissions s ON s.job_id = j.id WHERE s.owner <> j.owner} ],
	[ 'wrong end' => 'jobs that were begun before their time', q{FROM chaos.jobs WHERE started_at < (metadata->>'run_at')::timestamptz} ],
	[ 'wrong end' => 'notifications that were missing', q{
		FROM (SELECT n.session, min(pg_xact_commit_timestamp(j.xmin)) AS first, max(pg_xact_commit_timestamp(j.xmin)) AS last
			FROM chaos.notifications n JOIN ocr.jobs j ON j.id = n.job_id JOIN chaos.jobs v ON v.id = j.id WHERE v.ends = 1
			GROUP BY n.session) AS heard
		JOIN ocr.jobs j ON pg_xact_commit_timestamp(j.xmin) > heard.first AND pg_xact_commit_timestamp(j.xmin) < heard.last
		JOIN chaos.jobs v ON v.id = j.id
		WHERE v.ends = 1 AND NOT EXISTS (SELECT FROM chaos.notifications n WHERE n.session = heard.session AND n.job_id = j.id)} ],
	[ 'wrong end' => 'silence on channel ocr', 'FROM (SELECT) AS x WHERE NOT EXISTS (SELECT FROM chaos.notifications)' ],
	# Every page is there, and says what it says
	[ 'pages missing' => 'pages of jobs that have ended uncancelled', q{
		FROM chaos.jobs j JOIN chaos.pages r ON r.name = j.reads_as
		WHERE j.status <> 'cancelled' AND NOT EXISTS (SELECT FROM ocr.pages p WHERE p.job_id = j.id AND p.page_no = r.page_no)} ],
	[ 'pages missing' => 'counters that do not say how many there are', q{
		FROM ocr.jobs j WHERE (pages_done, pages_failed) <>
			(SELECT count(*), count(*) FILTER (WHERE p.status = 'failed') FROM ocr.pages p WHERE p.job_id = j.id)
			OR (status = 'completed' AND pages_done <> pages_total)} ],
	[ 'wrong text' => 'pages that differ from those read quietly', q{
		FROM chaos.jobs j JOIN ocr.pages p ON p.job_id = j.id LEFT JOIN chaos.pages r ON r.name = j.reads_as AND r.page_no = p.page_no
		WHERE (p.status, p.source, p.text, p.error_code) IS DISTINCT FROM (r.status, r.source, r.text, r.error_code)} ],
	[ 'wrong text' => 'answers of ocr() that differ', q{
		FROM chaos.direct_reads d JOIN chaos.readings r ON r.name = d.reads_as WHERE d.outcome = 'done' AND d.answer IS DISTINCT FROM r.direct} ],
	# Nothing is left behind
	[ 'left behind' => 'tasks', 'FROM ocr.tasks' ],
	[ 'left behind' => 'passwords', 'FROM ocr.passwords' ],
	[ 'left behind' => 'documents of no job', 'FROM ocr.documents d WHERE NOT EXISTS (SELECT FROM ocr.jobs j WHERE j.document_id = d.id)' ],
	[ 'left behind' => 'documents of jobs that do not need them', q{
		FROM ocr.jobs WHERE (status = 'failed') <> (document_id IS NOT NULL)} ]);

sub install_recorder { $_[0]->do($recorder) }

# Loads what the clients have written down: lines of a table's name and its fields.
sub load_ledger
{
	my ($connection, @books) = @_;
	my %lines;
	for my $book (@books)
	{
		open(my $file, '<:encoding(UTF-8)', $book) or die "$book: $!\n";
		while (<$file>)
		{
			my ($table, $line) = split /\t/, $_, 2;
			push @{ $lines{$table} }, $line;
		}
	}
	for my $table (sort keys %lines)
	{
		$connection->do("COPY chaos.$table FROM STDIN");
		$connection->pg_putcopydata($_) for @{ $lines{$table} };
		$connection->pg_putcopyend;
	}
	$connection->do($prepare);
}

# Every finding as [what is wrong with the run, what was counted, how many, the first few].
sub findings
{
	my ($connection) = @_;
	return map {
		my ($about, $counted, $from) = @$_;
		my ($count) = $connection->selectrow_array("SELECT count(*) $from");
		my $shown = $count ? join("\n", map { join(', ', map { $_ // 'null' } @$_) =~ s/\s+/ /gr }
			@{ $connection->selectall_arrayref("SELECT * $from LIMIT 5") }) : '';
		[ $about, $counted, $count, $shown ]
	} @findings;
}

# Of kills that did not happen while the server was on its way back from another. How long after a kill work goes on: when
# the next page is recorded or task claimed; where the whole server went down, by a worker that was not there before. And
# when it is noticed that the tasks that the victim was at are free.
my $recovery = <<'SQL';
WITH moments AS (
	SELECT at FROM chaos.events WHERE what = 'claimed' UNION ALL SELECT read_at FROM ocr.pages
), newcomers AS (
	SELECT min(at) AS at FROM chaos.events WHERE what = 'claimed' GROUP BY worker
), kills AS (
	SELECT kind, worker_pid, to_timestamp(at) AS at, kind ~ '^postmaster|^(worker|launcher): kill' AS of_all, kind ~ 'stopped' AS stopped
	FROM chaos.kills
), recovered AS (
	SELECT k.kind, k.at, k.of_all,
		CASE WHEN k.of_all THEN (SELECT min(n.at) FROM newcomers n WHERE n.at > k.at)
			ELSE (SELECT min(m.at) FROM moments m WHERE m.at > k.at) END - k.at AS goes_on,
		(SELECT max((SELECT min(e.at) FROM chaos.events e WHERE e.task_id = c.task_id AND e.fence = c.fence AND e.id > c.id)) - k.at
			FROM chaos.events c
			WHERE c.what = 'claimed' AND c.at < k.at AND NOT k.stopped AND (c.pid = k.worker_pid OR k.of_all)
				AND NOT EXISTS (SELECT FROM chaos.events e
					WHERE e.task_id = c.task_id AND e.fence = c.fence AND e.id > c.id AND e.at < k.at)) AS freed
	FROM kills k
)
SELECT kind, count(*),
	percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM goes_on)), max(extract(epoch FROM goes_on)),
	count(freed),
	percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM freed)), max(extract(epoch FROM freed))
FROM recovered r WHERE r.of_all OR NOT EXISTS (
	SELECT FROM recovered o WHERE o.of_all AND o.at < r.at + greatest(r.goes_on, r.freed) AND o.at + greatest(o.goes_on, o.freed) > r.at)
GROUP BY kind ORDER BY split_part(kind, ':', 1), kind
SQL

# Figures, as lines of text.
sub statistics
{
	my ($connection) = @_;
	my @lines;
	my $row = sub { join ', ', map { join ' ', grep { defined } @$_[ 1, 0 ] } @{ $connection->selectall_arrayref($_[0]) } };
	push @lines, 'jobs: ' . $row->('SELECT status, count(*) FROM chaos.jobs GROUP BY 1 ORDER BY 2 DESC');
	push @lines, 'with the result of an earlier job: ' . $row->('SELECT NULL, count(result_of) FROM chaos.jobs');
	push @lines, 'pages: ' . $row->('SELECT p.status, count(*) FROM ocr.pages p JOIN chaos.jobs j ON j.id = p.job_id GROUP BY p.status ORDER BY 2 DESC');
	push @lines, 'submissions: ' . $row->(q{SELECT CASE WHEN outcome = 'done' AND key IS NOT NULL THEN 'confirmed with a key'
		WHEN outcome = 'done' THEN 'confirmed' WHEN outcome = 'lost' THEN 'unconfirmed' ELSE outcome END, count(*) FROM chaos.submissions GROUP BY 1 ORDER BY 1});
	push @lines, 'ocr(): ' . $row->(q{SELECT CASE outcome WHEN 'done' THEN 'answered' WHEN 'lost' THEN 'cut off' ELSE 'ended in an error' END, count(*)
		FROM chaos.direct_reads GROUP BY 1 ORDER BY 1});
	push @lines, 'cancels: ' . $row->('SELECT outcome, count(*) FROM chaos.cancels GROUP BY 1 ORDER BY 1');
	push @lines, 'retries: ' . $row->('SELECT outcome, count(*) FROM chaos.retries GROUP BY 1 ORDER BY 1');
	push @lines, 'notifications: ' . $row->(q{SELECT 'heard in ' || count(DISTINCT session) || ' sessions', count(*) FROM chaos.notifications});
	push @lines, 'attempts: ' . $row->(q{SELECT 'with ' || attempts, count(*) FROM chaos.jobs GROUP BY attempts ORDER BY attempts});
	push @lines, sprintf('%-30s %5s   %15s   %s', 'victim', 'kills', 'work goes on', 'its tasks are free again');
	push @lines, sprintf('%-30s %5s   %15s   %s', '', '', 'p50 s   max s', 'kills   p50 s   max s');
	for my $kind (@{ $connection->selectall_arrayref($recovery) })
	{
		my ($name, $kills, $p50, $max, $at_work, @freed) = @$kind;
		push @lines, sprintf('%-30s %5d   %5s   %5s   %5d   %5s   %5s', $name, $kills, seconds_of($p50, $max), $at_work, seconds_of(@freed));
	}
	return @lines;
}

sub seconds_of { return map { defined ? sprintf('%.2f', $_) : '-' } @_ }

1;
