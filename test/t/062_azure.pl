# Documents in Azure's blob store, for which Azurite stands here: it verifies shared access signatures.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;
use Stores;

my $azure = start_azure();
my $server = new_server('azure');
my $page = document_bytes('phototest.tif');
my $endpoint = $azure->endpoint;
$azure->create_container($_) for qw(scans other);
$azure->put('scans', 'in/page 1.tif', $page);

sub sql { return $server->safe_psql('postgres', $_[0]) }
sub submit_uri { my ($uri) = @_; return sql("SELECT ocr_submit('$uri')") }

sub failure_of
{
	my ($uri) = @_;
	my $end = ended($server, submit_uri($uri));
	return "$end->{status} " . ($end->{error_code} // '') . ': ' . ($end->{error} // '');
}

# Another signature from here on.
sub sign_with
{
	my ($name, $sas) = @_;
	sql("DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER $name; CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (sas_token '$sas')");
	return $sas;
}

sql(qq{CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'azure', container 'scans', endpoint '$endpoint', allow_private_addresses 'true')});
my @signatures = (sign_with('scans', $azure->sas('scans')));
my $bytes = submit($server, 'phototest.tif');
for my $uri ('az://scans/in/page 1.tif', "$endpoint/scans/in/page%201.tif")
{
	my $job = submit_uri($uri);
	is(ended($server, $job)->{status}, 'completed', "a blob is read: $uri" =~ s/:\d+//r);
	ended($server, $bytes);
	is(sql("SELECT ocr_text($job) = ocr_text($bytes), document_size, etag <> '' FROM ocr.jobs WHERE id = $job"), 't|' . length($page) . '|t', 'as its bytes are');
}

# Faults.
like(failure_of('az://scans/not there'), qr/^failed document_missing: /, 'a blob that is not there');
push @signatures, sign_with('scans', $azure->sas('scans', seconds => -60));
like(failure_of('az://scans/in/page 1.tif'), qr/^failed store_denied: .*sas_token/, 'a signature that has expired');
push @signatures, sign_with('scans', $azure->sas('other'));
like(failure_of('az://scans/in/page 1.tif'), qr/^failed store_denied: /, 'one for another container');
push @signatures, sign_with('scans', $azure->sas('scans') =~ s/sig=..../sig=AAAA/r);
like(failure_of('az://scans/in/page 1.tif'), qr/^failed store_denied: /, 'a wrong one');
sql('DROP USER MAPPING FOR PUBLIC SERVER scans');
like(failure_of('az://scans/in/page 1.tif'), qr/^failed store_denied: /, 'none at all');
push @signatures, sign_with('scans', $azure->sas('scans', rights => 'rl'));
like(sql_error($server, q{SELECT ocr_put('az://scans/out', 'x')}), qr/ERROR:  42501: .*sas_token.*gives no right/s, 'one that may not write');

# Keys as they are, written by us.
push @signatures, sign_with('scans', $azure->sas('scans', rights => 'rcwl'));
my @keys = ('two words', 'plus+plus', '100%', '100%25', 'question?mark=1&b', 'hash#tag', 'ümläut', '二', "\x{1f600}", q{quote'"quote}, '<a>&amp;', 'a;b:c@d,$!*()~');
for my $key (@keys)
{
	isnt(sql(q{SELECT ocr_put('az://scans/keys/} . $key =~ s/'/''/gr . q{', 'the bytes of } . unpack('H*', encode_utf8($key)) . q{')}), '', 'ocr_put gives an etag');
	is($azure->get('scans', encode_utf8("keys/$key")), 'the bytes of ' . unpack('H*', encode_utf8($key)), 'and the store has it: ' . encode_utf8($key));
}
my $listed = sql(q{SELECT string_agg(encode(convert_to(key, 'UTF8'), 'hex'), ' ' ORDER BY key COLLATE "C") FROM ocr_objects('scans', 'keys/')
	WHERE uri = 'az://scans/' || key AND size > 0 AND etag <> '' AND modified_at > now() - interval '1 hour'});
is($listed, join(' ', map { unpack 'H*', $_ } sort map { encode_utf8("keys/$_") } @keys), 'keys are listed as they are');
is(sql(q{SELECT ocr_ingest('scans', 'keys/')}), scalar @keys, 'all are ingested');
wait_until($server, q{SELECT count(*) = 0 FROM ocr.jobs WHERE status IN ('pending', 'running')});
is(sql(q{SELECT count(*) FROM ocr.jobs WHERE document_sha256 =
	sha256(convert_to('the bytes of ' || encode(convert_to(substr(uri, length('az://scans/keys/') + 1), 'UTF8'), 'hex'), 'UTF8'))}), scalar @keys, 'and are what was fetched');

my $log = slurp_file($server->logfile);
my $tables = join '', map { sql("SELECT * FROM $_") } split /\n/, sql(q{SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables});
for my $signature (map { /sig=([^&]+)/ } @signatures)
{
	unlike("$log$tables", qr/\Q$signature\E/, 'no signature is in the log or in a table');
}

$server->stop;
done_testing();
