# Whole stores: listed in pages, submitted as a batch, ingested when something is new, told of by events.
use strict;
use warnings;
use Test::More;
use PgOcr;
use Stores;

my $s3 = start_s3();
my $server = new_server('listing');
$s3->create_bucket('scans');
$s3->plant('scans', 'many/', 2500);
my @small = map { ("in/$_.txt" => "no document $_") } 'a' .. 'e';
$s3->put('scans', @small);

sub sql { return $server->safe_psql('postgres', $_[0]) }

sql("CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans', allow_private_addresses 'true', endpoint '" . $s3->url . "')");
sql("CREATE USER MAPPING FOR PUBLIC SERVER scans OPTIONS (access_key_id '" . $s3->key_id . "', secret_access_key '" . $s3->secret . "')");

# Listing.
is(sql(q{SELECT count(*), count(DISTINCT key), min(key), max(key), sum(size) FROM ocr_objects('scans', 'many/')}),
	'2500|2500|many/0000000|many/0002499|' . (2499 * 1250), 'more objects than one answer of the store lists');
is(sql(q{SELECT count(*) FROM ocr_objects('scans')}), 2505, 'without a prefix all of them');
is(sql(q{SELECT count(*) FROM ocr_objects('scans', 'many/00024')}), 100, 'with one those that begin with it');
is(sql(q{SELECT count(*) FROM ocr_objects('scans', 'none/')}), 0, 'which may be none');
is(sql(q{SELECT array_agg(key) = array_agg(key ORDER BY key COLLATE "C") FROM ocr_objects('scans', 'many/')}), 't', 'in the order of the store');
is(sql(q{SELECT count(*) FROM (SELECT * FROM ocr_objects('scans', 'many/') LIMIT 7) AS first}), 7, 'a query that wants no more may stop');
is(sql(q{SELECT count(*) FROM ocr_objects('scans', 'in/') a, ocr_objects('scans', 'in/') b}), 25, 'two listings at once');
$s3->stop;
like(sql_error($server, q{SELECT * FROM ocr_objects('scans')}), qr/ERROR:  \w{5}: .*127\.0\.0\.1/s, 'a store that is not there is an error');
$s3->start;
is(sql(q{SELECT count(*) FROM ocr_objects('scans', 'in/')}), 5, 'and none any more once it is back');
like(sql_error($server, q{BEGIN; SELECT count(*) FROM ocr_objects('scans', 'in/'); SELECT 1/0}), qr/22012/, 'an error in mid-transaction');
my $backend = $server->background_psql('postgres');
$backend->query_safe(q{SELECT count(*) FROM ocr_objects('scans', 'in/')});
my $pid = $backend->query_safe('SELECT pg_backend_pid()');
is(scalar(children_of($pid, 'pg_ocr_http')), 0, 'leaves no process behind');

# Ingesting.
sub changes { return sql(q{SELECT ocr_ingest('scans', 'in/', batch => 'inbox')}) }
sub idle { wait_until($server, q{SELECT count(*) = 0 FROM ocr.jobs WHERE status IN ('pending', 'running')}) }
is(changes(), 5, 'what is new is submitted');
idle();
is(sql(q{SELECT count(*) FROM ocr.ingested i JOIN ocr.jobs j ON j.id = i.job_id WHERE j.uri = i.uri AND j.etag = i.etag AND j.batch = 'inbox'}), 5, 'and known from then on');
is(changes(), 0, 'once');
$s3->put('scans', 'in/c.txt' => 'another document', 'in/f.txt' => 'one more');
is(changes(), 2, 'what has changed, and what has come');
idle();
is(sql(q{SELECT count(*) FROM ocr.jobs WHERE batch = 'inbox'}), 7, 'are jobs of their own');
$s3->delete('scans', 'in/a.txt');
is(changes(), 0, 'what has gone is not missed');

# Two at once.
$s3->put('scans', 'in/g.txt' => 'and one more');
my $other = $server->background_psql('postgres');
$other->query_safe('BEGIN');
is($other->query_safe(q{SELECT ocr_ingest('scans', 'in/', batch => 'inbox')}), 1, 'one that is under way');
my ($count, $notice);
$server->psql('postgres', q{SELECT ocr_ingest('scans', 'in/', batch => 'inbox')}, stdout => \$count, stderr => \$notice);
is($count, 0, 'has nothing beside it');
like($notice, qr/NOTICE/, 'which says so');
$other->query_safe('ROLLBACK');
is(changes(), 1, 'what was rolled back is still to be done');
is(sql(q{SELECT ocr_ingest('scans', 'many/', run_at => now() + interval '1 day')}), 2500, 'more than one page of the store');
is(sql(q{SELECT count(*), count(DISTINCT uri) FROM ocr.jobs WHERE uri LIKE 's3://scans/many/%'}), '2500|2500', 'each once');
sql(q{SELECT ocr_cancel(id) FROM ocr.jobs WHERE status IN ('pending', 'running')});

# Events, as S3 sends them: keys are encoded as in forms.
my $event = q({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:Put",
	"s3": {"bucket": {"name": "scans"}, "object": {"key": "in/two+words%2B.txt", "size": 9, "eTag": "d41d8cd98f00b204e9800998ecf8427e"}}},
	{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete", "s3": {"bucket": {"name": "scans"}, "object": {"key": "in/gone.txt"}}}]});
is(sql("SELECT string_agg(uri, ' ') FROM ocr_submit_event('$event')"), 's3://scans/in/two words+.txt', 'an event submits what was created, and nothing else');

$backend->quit;
$other->quit;
$server->stop;
done_testing();
