# Files as they come from broken discs and cut-off transfers: good ones, cut short and with wrong bytes. Each ends in text
# or in a fitting reason, and nobody else notices. test/hostile/run does the same with folders of the user's own.
use strict;
use warnings;
use File::Basename;
use File::Find;
use File::Temp;
use Test::More;
use Time::HiRes qw(usleep);
use PgOcr;

my $own_folders = $ENV{HOSTILE_DOCUMENTS};
my @folders = split /:/, $own_folders // dirname(__FILE__) . '/../data';
my $cuts = $ENV{HOSTILE_CUTS} // 2;
my $wrongs = $ENV{HOSTILE_WRONG} // 2;
my $seed = $ENV{HOSTILE_SEED} // 7;

# A page of a scan takes seconds, so that of test/data only the small ones are read here.
my $largest = $own_folders ? 1 << 29 : 60_000;
my $engine_memory = 1024;

my $server = new_server('damaged', 'pg_ocr.max_attempts' => 1, 'pg_ocr.engine_memory' => "${engine_memory}MB",
	'pg_ocr.max_document_size' => '512MB');
my $started = $server->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my $folder = File::Temp->newdir(DIR => $server->basedir);

my @good;
find({ no_chdir => 1, follow => 1, wanted => sub {
	push @good, $_ if -f $_ && -s $_ && -s $_ <= $largest && !/\.(txt|json|md|tsv|py)$/;
} }, @folders);

# Each document's kind and name, by its number; its file has that number, too.
my @documents;

sub keep
{
	my ($kind, $name, $bytes) = @_;
	push @documents, { kind => $kind, name => $name };
	PostgreSQL::Test::Utils::append_to_file("$folder/$#documents", $bytes);
}

for my $path (sort @good)
{
	my ($good, $name) = (PostgreSQL::Test::Utils::slurp_file($path), basename($path));
	# By the file's own name, so that it is damaged the same way whatever else there is.
	srand($seed + unpack '%32C*', $name);
	keep('whole', $name, $good) if $own_folders;
	for my $cut (1 .. $cuts)
	{
		# Some in each part of the file, down to its signature.
		my $length = 1 + int(length($good) * ($cut - rand) / $cuts);
		keep('cut', "$name cut at $length", substr($good, 0, $length));
	}
	for my $wrong (1 .. $wrongs)
	{
		my ($bytes, $count) = ($good, (1, 5, 50)[ $wrong % 3 ]);
		# Headers are where it hurts.
		my $within = $wrong % 2 ? length $bytes : int(length($bytes) / 10) + 1;
		substr($bytes, int rand $within, 1) = chr int rand 256 for 1 .. $count;
		keep('wrong', "$name with $count wrong bytes ($wrong)", $bytes);
	}
}
cmp_ok(scalar @documents, '>', 20, scalar(@good) . ' files make ' . @documents . ' documents');

$server->safe_psql('postgres', qq{
	SELECT ocr_submit(pg_read_binary_file('$folder/' || n), text_layer => 'auto', metadata => jsonb_build_object('n', n))
	FROM generate_series(0, $#documents) AS n});

# The most that an engine has had resident, and the most address space, in bytes, as the kernel counts it.
my %peak = (VmHWM => 0, VmPeak => 0);
my ($hungriest, $all_ended) = ('-', 0);
until ($all_ended)
{
	usleep($own_folders ? 300_000 : 50_000);
	for my $row (split /\n/, $server->safe_psql('postgres', q{SELECT engine_pid, coalesce((SELECT j.metadata->>'n' FROM ocr.jobs j
		WHERE j.id = w.job_id), '') FROM ocr.workers w WHERE engine_pid IS NOT NULL}))
	{
		my ($pid, $n) = split /\|/, $row;
		open(my $status, '<', "/proc/$pid/status") or next;
		while (<$status>)
		{
			next unless /^(VmHWM|VmPeak):\s+(\d+) kB/ && $2 * 1024 > $peak{$1};
			$peak{$1} = $2 * 1024;
			$hungriest = $documents[$n]{name} if $1 eq 'VmHWM' && defined $n && $n ne '';
		}
	}
	$all_ended = $server->safe_psql('postgres', "SELECT count(*) = 0 FROM ocr.jobs WHERE status IN ('pending', 'running')") eq 't';
}

sub none
{
	my ($query, $what) = @_;
	is($server->safe_psql('postgres', $query), '', $what);
}
none(q{SELECT j.metadata->>'n', j.error_code, j.error FROM ocr.jobs j LEFT JOIN ocr.error_codes c ON c.code = j.error_code
	WHERE j.status = 'failed' AND (c.code IS NULL OR c.code IN ('internal_error', 'engine_unavailable', 'document_timeout') OR length(j.error) < 20)},
	'every failure has a fitting code and words');
none(q{SELECT id, pages_total, pages_done FROM ocr.jobs
	WHERE pages_done <> pages_total OR pages_done <> (SELECT count(*) FROM ocr.pages p WHERE p.job_id = jobs.id)},
	'every page is accounted for');
none(q{SELECT job_id, page_no, error_code, error FROM ocr.pages LEFT JOIN ocr.error_codes c ON c.code = error_code
	WHERE status = 'failed' AND (c.code IS NULL OR c.code = 'internal_error' OR length(error) < 20)},
	'every page that failed has a reason');
none('SELECT id FROM ocr.tasks', 'no task is left');
cmp_ok($peak{VmPeak}, '<=', ($engine_memory + 512) << 20, 'no engine has had more memory than it is allowed');
cmp_ok($peak{VmPeak}, '>', 0, 'which was looked at');
is($server->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server is as old as before');
unlike(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/server process .* was terminated|terminating connection because of crash|PANIC/,
	'and has seen no crash');

report() if $own_folders;
$server->stop;
done_testing();

sub report
{
	my @rows = map { [ split /\|/, $_, 8 ] } split /\n/, $server->safe_psql('postgres',
		q{SELECT metadata->>'n', status, coalesce(error_code, ''), coalesce(pages_total, 0), coalesce(pages_failed, 0),
			round(extract(epoch FROM finished_at - started_at), 1),
			(SELECT coalesce(string_agg(DISTINCT p.error_code, ','), '') FROM ocr.pages p WHERE p.job_id = j.id AND p.status = 'failed'),
			translate(coalesce(error, (SELECT min(p.error) FROM ocr.pages p WHERE p.job_id = j.id AND p.status = 'failed'), ''), E'\n', ' ')
		FROM ocr.jobs j ORDER BY (metadata->>'n')::int});
	my (%outcomes, $seconds);
	for my $row (@rows)
	{
		my ($n, $status, $code, $pages, $failed, $took, $page_codes, $error) = @$row;
		my $outcome = $status eq 'failed' ? "failed: $code" : $failed ? "completed, a page failed: $page_codes" : $status;
		$outcomes{$outcome}{ $documents[$n]{kind} }++;
		print_line('%-62s %-44s %3d pages %7.1f s  %s', $documents[$n]{name}, $outcome, $pages, $took || 0, $error);
	}
	print_line("\n%-60s %8s %8s %8s", 'outcome', 'whole', 'cut', 'wrong');
	print_line('%-60s %8d %8d %8d', $_, map { $_ // 0 } @{ $outcomes{$_} }{qw(whole cut wrong)}) for sort keys %outcomes;
	print_line('%-60s %8d %8d %8d', 'all', map { my $kind = $_; scalar grep { $_->{kind} eq $kind } @documents } qw(whole cut wrong));
	my ($slowest) = sort { ($b->[5] || 0) <=> ($a->[5] || 0) } @rows;
	print_line('slowest: %s, %.1f s', $documents[ $slowest->[0] ]{name}, $slowest->[5] || 0);
	print_line('largest: %s, %d MiB resident; %d MiB of address space at most', $hungriest, $peak{VmHWM} >> 20, $peak{VmPeak} >> 20);
}

sub print_line { note(sprintf shift, @_) }
