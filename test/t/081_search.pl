# A search among 100,000 pages uses the indexes, also for a role that row-level security shows a few of them only.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use Test::More;
use PgOcr;

my $server = new_server('search', 'pg_ocr.workers' => 1, maintenance_work_mem => '512MB', max_wal_size => '4GB', fsync => 'off');

# Indexes that are made at once are made in a fraction of the time.
my $indexes = join '', map { "$_;\n" } split /\n/,
  $server->safe_psql('postgres', "SELECT indexdef FROM pg_indexes WHERE indexname IN ('pages_search', 'pages_letters')");
like($indexes, qr/pages_search.*pages_letters|pages_letters.*pages_search/s, 'there are indexes for exact and for fuzzy searches');
$server->safe_psql('postgres', <<"SQL");
	CREATE ROLE alice;
	CREATE ROLE bob;
	DROP INDEX ocr.pages_search, ocr.pages_letters;
	INSERT INTO ocr.jobs (owner, status, priority, tier, language, text_layer, metadata, options, keep_document, document_size, run_at, finished_at)
	SELECT CASE WHEN n % 50 = 0 THEN 'alice' ELSE 'bob' END, 'completed', 0, 'fast', CASE WHEN n % 2 = 0 THEN 'eng' ELSE 'deu' END,
	       'auto', '{}', '{}', false, 1, now(), now()
	FROM generate_series(1, 1000) n;
	CREATE FUNCTION page_text(job int, page int) RETURNS text LANGUAGE sql IMMUTABLE AS \$\$
		SELECT 'invoice ' || job || 'x' || page || ' of ' || left(md5(page::text), 5)
			|| CASE WHEN page = 7 THEN ' total due' WHEN page = 8 THEN ' tofal amounts' ELSE '' END
	\$\$;
	INSERT INTO ocr.pages (job_id, page_no, status, source, text, words, search)
	SELECT job, page, 'read', 'ocr', page_text(job, page), 6, to_tsvector('english', page_text(job, page))
	FROM generate_series(1, 1000) job, generate_series(1, 100) page;
	$indexes
	VACUUM ANALYZE ocr.pages;
	ANALYZE ocr.jobs;
SQL
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.pages'), 100000, 'there are 100,000 pages');

# What the server logs of the statements that a call runs.
sub plan_of
{
	my ($role, $call) = @_;
	my $before = -s $server->logfile;
	my $rows = $server->safe_psql('postgres', <<"SQL");
	LOAD 'auto_explain';
	SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on;
	SET ROLE $role;
	SELECT count(*) FROM $call;
SQL
	return ($rows, PostgreSQL::Test::Utils::slurp_file($server->logfile, $before));
}

for my $search (
	[ "ocr_search('total due')", 'pages_search' ],
	[ "ocr_search('toal', fuzzy => true)", 'pages_letters' ],
	[ q{ocr_search('"total due" or nowhere', max_results => 5)}, 'pages_search' ])
{
	my ($call, $index) = @$search;
	for my $role ('alice', 'bob', 'postgres')
	{
		my ($rows, $plan) = plan_of($role, $call);
		cmp_ok($rows, '>=', 5, "$role: $call finds pages");
		like($plan, qr/Bitmap Index Scan on $index/, "$role: $call uses the index $index");
		unlike($plan, qr/Seq Scan on (?:ocr\.)?pages/, "$role: and reads no more than that");
	}
}
is($server->safe_psql('postgres', "SET ROLE alice; SELECT count(*) FROM ocr_search('total due', max_results => 1000)"), 20, 'alice finds her pages');
is($server->safe_psql('postgres', "SET ROLE alice; SELECT count(*) FROM ocr_search('toal', true, max_results => 1000)"), 40, 'all of them, with a wrong letter');
is($server->safe_psql('postgres', "SET ROLE alice; SELECT count(*) FROM ocr_search('total due', max_results => 1000) f JOIN ocr.jobs j ON j.id = f.job_id"),
	20, 'and none that the tables would not show her');

# What words that all pages have cost does not grow with the pages: the newest are ranked.
$server->safe_psql('postgres', "UPDATE ocr.pages SET search = to_tsvector('english', repeat('invoice ', 20)) WHERE (job_id, page_no) IN ((1, 1), (990, 1))");
is($server->safe_psql('postgres', "SET ROLE bob; SELECT string_agg(job_id || '/' || page_no, ' ') FROM ocr_search('invoice', max_results => 2)"),
	'990/1 999/1', 'of words that all pages have the newest ten thousand are ranked');
is($server->safe_psql('postgres', "SET ROLE bob; SELECT count(*) FROM ocr_search('invoice 1x2', max_results => 2)"), 1, 'of rare ones all');

# From a scan to its words.
my $job = submit($server, 'phototest.tif');
ended($server, $job);
is( decode_utf8($server->safe_psql('postgres', "SELECT snippet FROM ocr_search('jump foxes', job_id => $job)")),
	'… format. The quick brown dog <mark>jumped</mark> over the lazy <mark>fox.</mark> The quick brown dog <mark>jumped</mark> over the lazy <mark>fox.</mark> The quick …',
	'a scan is found by its words');
is( $server->safe_psql('postgres', qq{
		SELECT count(*) || ' ' || bool_and(w.text IN ('jumped', 'fox.'))
		FROM ocr_search('jump foxes', job_id => $job) s, jsonb_array_elements(s.hits) h
		JOIN ocr_words($job) w ON jsonb_build_array(w.x, w.y, w.x + w.width, w.y + w.height) = h->'box'}),
	'8 true', 'with the boxes of its words');

$server->stop;
done_testing();
