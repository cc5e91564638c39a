# A long document is shared among the workers, grows as it is read, and completes exactly once.
use strict;
use warnings;
use File::Temp;
use Test::More;
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

my $file = File::Temp->new;
print $file book(600);
close $file;

my $server = new_server('long', 'pg_ocr.workers' => 3);
wait_for_workers($server, 3);
my $submission = "SELECT ocr_submit(pg_read_binary_file('$file'), text_layer => 'ignore', options => '{\"dpi\": 70}')";
my $job = $server->safe_psql('postgres', $submission);
wait_until($server, "SELECT count(*) = 3 FROM ocr.workers WHERE job_id = $job AND page_no > 0");
pass('all workers read it at once');
wait_until($server, "SELECT progress > 0 AND progress < 1 AND eta > now() FROM ocr_status($job)");
ok($server->safe_psql('postgres', "SELECT count(*) > 0 FROM ocr.pages WHERE job_id = $job"), 'pages can be read while others are to come');
my $status = ended($server, $job);
is("$status->{status} $status->{pages_done}/$status->{pages_total} $status->{pages_failed}", 'completed 600/600 0',
	'it completes, every page read');
is($status->{attempts}, 1, 'in one attempt');
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.pages WHERE job_id = $job AND text LIKE '%number ' || page_no || ' of%'"),
	600, 'each page has its own text');

# Engines die all the time; nothing is lost or doubled.
$server->append_conf('postgresql.conf', 'pg_ocr.max_attempts = 100');
$server->reload;
$job = $server->safe_psql('postgres', $submission);
for my $kill (1 .. 10)
{
	wait_until($server, "SELECT pages_done >= $kill * 20 FROM ocr.jobs WHERE id = $job");
	kill 'KILL', $server->safe_psql('postgres', "SELECT engine_pid FROM ocr.workers WHERE engine_pid IS NOT NULL ORDER BY random() LIMIT 1");
}
$status = ended($server, $job);
is("$status->{status} $status->{pages_done}/$status->{pages_total} $status->{pages_failed}", 'completed 600/600 0',
	'ten dead engines later, too');
is($server->safe_psql('postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job"), '600|600', 'each page once');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, 'the queue is empty');
$server->stop;
done_testing();
