# Documents in an S3 store: what is read, what is recorded, whom it is refused to, and which error each fault ends in. The
# store is OpenStack Swift, which verifies signatures.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(sha256_hex);
use Digest::MD5 qw(md5_hex);
use Encode qw(encode_utf8);
use JSON::PP;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;
use Stores;

my $s3 = start_s3(movable_clock => 1);
my $gcs = start_s3(region => 'auto');
my $server = new_server('s3');
my ($key_id, $secret) = ($s3->key_id, $s3->secret);
my $wrong_secret = 'wrong/Secret+key==';

sub sql { return $server->safe_psql('postgres', $_[0]) }

# As another role.
sub error_of { my ($role, $query) = @_; return sql_error($server, "SET ROLE $role;\n$query") }

sub declare
{
	my ($name, $options, $mapping) = @_;
	sql("CREATE SERVER $name FOREIGN DATA WRAPPER ocr_store OPTIONS ($options, allow_private_addresses 'true')");
	sql("CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS ($mapping)") if $mapping;
}

sub submit_uri { my ($uri, $more) = @_; return sql("SELECT ocr_submit('" . $uri =~ s/'/''/gr . "'" . ($more // '') . ')') }

# The code and the message that a URI's job fails with.
sub failure_of
{
	my ($uri) = @_;
	my $end = ended($server, submit_uri($uri));
	return "$end->{status} " . ($end->{error_code} // '') . ': ' . ($end->{error} // '');
}

my $right = "access_key_id '$key_id', secret_access_key '$secret'";
my $page = document_bytes('phototest.tif');
$s3->create_bucket($_) for qw(scans hidden);
$s3->put('scans', 'phototest.tif' => $page);
$gcs->create_bucket('cloud');
$gcs->put('cloud', 'phototest.tif' => $page);

declare('scans', "type 's3', bucket 'scans', endpoint '" . $s3->url . "'", $right);

# What is read.
my $bytes = submit($server, 'phototest.tif');
my $job = submit_uri('s3://scans/phototest.tif');
is(ended($server, $job)->{status}, 'completed', 'a document of a store is read');
ended($server, $bytes);
is(sql("SELECT ocr_text($job) = ocr_text($bytes)"), 't', 'and its text is that of its bytes');
is(sql("SELECT uri, store, etag, document_size, encode(document_sha256, 'hex') FROM ocr.jobs WHERE id = $job"),
	join('|', 's3://scans/phototest.tif', 'scans', md5_hex($page), length($page), sha256_hex($page)), 'the job says which version that was');
is(sql('SELECT count(*) FROM ocr.documents'), 0, 'and nothing of it was stored');

my $messages = '';
$server->psql('postgres', q{SET client_min_messages = debug1; SELECT ocr_submit('s3://scans/phototest.tif', run_at => now() + interval '1 day')}, stderr => \$messages);
unlike($messages, qr/JIT/, 'no query of a submission is compiled, which would take longer than all the rest');

# Other ways to the same.
sql('DROP SERVER scans CASCADE');
declare('scans', "type 's3', bucket 'scans', addressing 'virtual', endpoint '" . $s3->virtual_url . "'", $right);
is(ended($server, submit_uri('s3://scans/phototest.tif'))->{status}, 'completed', 'by a host name that begins with the bucket');
declare('cloud', "type 'gcs', bucket 'cloud', endpoint '" . $gcs->url . "'", $right);
is(ended($server, submit_uri('gs://cloud/phototest.tif'))->{status}, 'completed', 'by the type gcs');
sql('DROP SERVER scans CASCADE');
declare('scans', "type 's3', bucket 'scans', addressing 'path', endpoint '" . $s3->url . "'", $right);

# Keys as they are.
my @keys = (
	'two words', 'plus+plus', '100%', '100%25', 'a%2Fb', 'question?mark=1&b', 'hash#tag', 'ümläut', '二', "\x{1f600}", q{quote'"quote},
	'<a>&amp;', 'semi;colon:@,$!*()~', 'back\\slash', 'dots/../climb', 'double//slash', 'here/./there', 'trailing/', ' blanks ', 'x' x 900);
$s3->put('scans', map { ("keys/$_" => encode_utf8("the bytes of $_")) } @keys);
sql(q{CREATE TABLE listed AS SELECT * FROM ocr_objects('scans', 'keys/')});
my $listed = sql(q{SELECT string_agg(encode(convert_to(key, 'UTF8'), 'hex'), ' ' ORDER BY key COLLATE "C") FROM listed});
is($listed, join(' ', map { unpack 'H*', $_ } sort map { encode_utf8("keys/$_") } @keys), 'keys are listed as they are');
is(sql(q{SELECT count(*) FROM listed WHERE uri = 's3://scans/' || key AND size > 0 AND etag <> '' AND modified_at > now() - interval '1 hour'}),
	scalar @keys, 'with their URI, size, etag and time');
my $batch = sql(q{SELECT count(ocr_submit(uri, batch => 'keys', metadata => jsonb_build_object('key', key))) FROM listed});
is($batch, scalar @keys, 'each can be submitted');
wait_until($server, q{SELECT count(*) = 0 FROM ocr.jobs WHERE batch = 'keys' AND status IN ('pending', 'running')});
is(sql(q{SELECT count(*) FROM ocr.jobs j JOIN listed l USING (uri)
	WHERE j.document_sha256 = sha256(convert_to('the bytes of ' || substr(l.key, 6), 'UTF8')) AND j.etag = l.etag AND j.document_size = l.size}),
	scalar @keys, 'and is what was fetched');

# Faults.
like(failure_of('s3://scans/not there'), qr/^failed document_missing: .*not there/, 'a key that is not there');
declare('nowhere', "type 's3', bucket 'nowhere', endpoint '" . $s3->url . "'", $right);
like(failure_of('s3://nowhere/a'), qr/^failed document_missing: .*bucket/i, 'a bucket that is not there');
declare('hidden', "type 's3', bucket 'hidden', endpoint '" . $s3->url . "'", sprintf "access_key_id '%s', secret_access_key '%s'", $s3->stranger);
like(failure_of('s3://hidden/a'), qr/^failed store_denied: /, 'keys without the right to it');
sql("ALTER USER MAPPING FOR PUBLIC SERVER hidden OPTIONS (SET access_key_id '$key_id', SET secret_access_key '$wrong_secret')");
like(failure_of('s3://hidden/a'), qr/^failed store_denied: .*secret_access_key/, 'a wrong secret');
sql("ALTER USER MAPPING FOR PUBLIC SERVER hidden OPTIONS (SET access_key_id 'test:nobody')");
like(failure_of('s3://hidden/a'), qr/^failed store_denied: .*access_key_id/, 'a key id that the store does not know');
sql('DROP USER MAPPING FOR PUBLIC SERVER hidden');
like(failure_of('s3://hidden/a'), qr/^failed store_(denied|refused): /, 'no keys at all');
$s3->skew(3600);
like(failure_of('s3://scans/phototest.tif'), qr/^failed store_denied: .*clock/, 'clocks that are an hour apart');
$s3->skew(0);
declare('abroad', "type 's3', bucket 'abroad', region 'eu-central-1', endpoint '" . $s3->url . "'", $right);
like(failure_of('s3://abroad/a'), qr/^failed store_\w+: .*us-east-1/, 'another region: the message names the right one');
sql("CREATE SERVER private FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'private', endpoint '" . $s3->url . "')");
like(failure_of('s3://private/a'), qr/^failed store_refused: .*allow_private_addresses/, 'an address of this host, without the option');
is(sql(q{SELECT count(*) FROM ocr.jobs WHERE error_code IN ('store_denied', 'document_missing', 'store_refused') AND attempts <> 1}), 0,
	'none of that is tried twice');
is(ended($server, submit_uri('s3://scans/phototest.tif'))->{status}, 'completed', 'and the store works on');
$server->append_conf('postgresql.conf', "pg_ocr.max_document_size = '10kB'\n");
$server->reload;
wait_until($server, "SELECT current_setting('pg_ocr.max_document_size') = '10kB'");
like(failure_of('s3://scans/phototest.tif'), qr/^failed document_too_large: /, 'more than pg_ocr.max_document_size');
$server->append_conf('postgresql.conf', "pg_ocr.max_document_size = '1GB'\n");
$server->reload;

# Whose.
sql('CREATE ROLE clerk; CREATE ROLE guest; GRANT USAGE ON FOREIGN SERVER scans TO clerk');
like(error_of('guest', "SELECT ocr_submit('s3://scans/phototest.tif')"), qr/ERROR:  42501: .*scans.*GRANT USAGE/s, 'a role without USAGE may not submit');
like(error_of('guest', "SELECT * FROM ocr_objects('scans')"), qr/ERROR:  42501: .*scans/s, 'nor list');
like(error_of('guest', "SELECT ocr_put('s3://scans/x', 'x')"), qr/ERROR:  42501: .*scans/s, 'nor write');
like(error_of('guest', "SELECT ocr_ingest('scans')"), qr/ERROR:  42501: .*scans/s, 'nor ingest');
like(error_of('clerk', "SELECT ocr_submit('s3://elsewhere/x')"), qr/ERROR:  42704: .*CREATE SERVER .*bucket 'elsewhere'/s,
	'a bucket that nobody declared: the error shows how');
sql('GRANT USAGE ON FOREIGN SERVER hidden TO clerk');
unlike($server->safe_psql('postgres', 'SET ROLE clerk; SELECT * FROM pg_user_mappings'), qr/\Q$secret\E/, 'keys are not shown to who may use the server');
my $theirs = $server->safe_psql('postgres', "SET ROLE clerk; SELECT ocr_submit('s3://scans/phototest.tif')");
is(ended($server, $theirs)->{status}, 'completed', 'who has USAGE uses them all the same');
sql("CREATE USER MAPPING FOR clerk SERVER scans OPTIONS (access_key_id '$key_id', secret_access_key '$wrong_secret')");
$theirs = $server->safe_psql('postgres', "SET ROLE clerk; SELECT ocr_submit('s3://scans/phototest.tif')");
is(ended($server, $theirs)->{error_code}, 'store_denied', "a role's own mapping goes before PUBLIC's");
for my $withdraw ('REVOKE USAGE ON FOREIGN SERVER scans FROM clerk', 'DROP SERVER cloud CASCADE')
{
	my $uri = $withdraw =~ /cloud/ ? 'gs://cloud/phototest.tif' : 's3://scans/phototest.tif';
	sql('GRANT USAGE ON FOREIGN SERVER cloud TO clerk') if $withdraw =~ /cloud/;
	my $job = $server->safe_psql('postgres', "SET ROLE clerk; SELECT ocr_submit('$uri', run_at => now() + interval '1 day')");
	sql("$withdraw; UPDATE ocr.tasks SET run_at = now() WHERE job_id = $job; SELECT pg_notify('ocr', '')");
	is(ended($server, $job)->{error_code}, 'store_undeclared', "$withdraw between submission and fetch");
}

# Results back to the store.
my $text = sql("SELECT ocr_text($job)");
is(sql("SELECT ocr_put('s3://scans/out/phototest.txt', convert_to(ocr_text($job), 'UTF8'), 'text/plain')"), md5_hex("$text"), 'ocr_put returns the etag');
is($s3->get('scans', 'out/phototest.txt'), $text, 'and the store has the text');
sql(q{SELECT ocr_put('s3://scans/out/nasty ü+%?#&.json', convert_to(jsonb_build_object('text', 'ü')::text, 'UTF8'), 'application/json')});
is($s3->get('scans', 'out/nasty ü+%?#&.json'), encode_utf8('{"text": "ü"}'), 'under any key');
sql(q{SELECT ocr_put('s3://scans/out/empty', '')});
is($s3->get('scans', 'out/empty'), '', 'also nothing at all');
is(($s3->call([ head_object => { Bucket => 'scans', Key => 'out/phototest.txt' } ]))[0]{ContentType}, 'text/plain', 'with its type');
like(sql_error($server, q{SELECT ocr_put('s3://nowhere/x', 'x')}), qr/ERROR:  58P01: .*bucket "nowhere".*document_missing/s, 'a bucket that is not there is an error');

# A batch, with a manifest that was there first and last.
sql(q{SELECT ocr_batch('export'); UPDATE ocr.jobs SET batch = 'export' WHERE id = } . $job);
is(sql(q{SELECT manifest || ' ' || parts || ' ' || documents FROM ocr_export_to('export', 's3://scans/exports')}), 's3://scans/exports/manifest.json 1 1', 'a batch is exported');
my $exported = decode_json($s3->get('scans', 'exports/manifest.json'));
my $part = $s3->get('scans', 'exports/part-00001.jsonl');
is_deeply([ $exported->{complete}, $exported->{parts}[0]{sha256}, $exported->{parts}[0]{bytes} ], [ JSON::PP::true, sha256_hex($part), length $part ], 'its manifest says what is there');
is(encode_utf8(decode_json($part)->{pages}[0]{text}), $text, 'with the text');
is(($s3->call([ head_object => { Bucket => 'scans', Key => 'exports/part-00001.jsonl' } ]))[0]{ContentType}, 'application/x-ndjson', 'and its type');

# No secret has gone where it may be read.
my $tables = '';
for my $table (split /\n/, sql(q{SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables}))
{
	$tables .= sql("SELECT * FROM $table");
}
unlike($tables, qr/\Q$_\E/, 'no table shows the secret') for $secret, $wrong_secret;
# What was declared in plain sight is not to be found there either: statements are not logged in this test.
unlike(slurp_file($server->logfile), qr/\Q$_\E/, 'nor does the log') for $secret, $wrong_secret;

$server->stop;
done_testing();
