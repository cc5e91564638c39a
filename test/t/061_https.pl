# Documents from web servers: who is asked for a password, whom the database server refuses to talk to, and what becomes of
# servers that lie, stall, break off or never end. The web server is nginx; what it would not do, test/stores/unruly.mjs does.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;
use Stores;

my $web = start_web();
my $server = new_server('https');
my $page = document_bytes('phototest.tif');
my $ca = $web->ca_certificate;
$web->put('page.tif', $page);
$web->put_zeros('huge', 5_000_000_000);

sub sql { return $server->safe_psql('postgres', $_[0]) }

sub declare
{
	my ($name, $endpoint, $mapping, $more) = @_;
	sql("CREATE SERVER $name FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint '$endpoint', allow_private_addresses 'true'"
		  . ($more // '') . ')');
	sql("CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS ($mapping)") if $mapping;
}

sub submit_uri { my ($uri, $more) = @_; return sql("SELECT ocr_submit('$uri'" . ($more // '') . ')') }

# The code and the message that a URI's job fails with.
sub failure_of
{
	my ($uri) = @_;
	my $end = ended($server, submit_uri($uri));
	return "$end->{status} " . ($end->{error_code} // '') . ': ' . ($end->{error} // '');
}

# What is read: over TLS, with the CA of the declaration, and with all ways to sign in.
declare('web', $web->tls_url, undef, ", ca_certificate '$ca'");
my $bytes = submit($server, 'phototest.tif');
my $job = submit_uri($web->tls_url('/open/page.tif'));
is(ended($server, $job)->{status}, 'completed', 'a document is read over https');
ended($server, $bytes);
is(sql("SELECT ocr_text($job) = ocr_text($bytes), document_size, etag <> '', store FROM ocr.jobs WHERE id = $job"),
	't|' . length($page) . '|t|web', 'as its bytes are');
declare('for_anna', $web->tls_url('/basic'), "\"user\" 'anna', password 'geheim'", ", ca_certificate '$ca'");
declare('for_token', $web->tls_url('/bearer'), "bearer_token 'the-token'", ", ca_certificate '$ca'");
is(ended($server, submit_uri($web->tls_url('/basic/page.tif')))->{status}, 'completed', 'with user and password; the longest endpoint is the store');
is(ended($server, submit_uri($web->tls_url('/bearer/page.tif')))->{status}, 'completed', 'with a bearer token');
sql("ALTER USER MAPPING FOR PUBLIC SERVER for_token OPTIONS (SET bearer_token 'another-token-9')");
like(failure_of($web->tls_url('/bearer/page.tif')), qr/^failed store_denied: .*bearer_token/, 'with a wrong one');

# Whom it does not believe.
my $by_number = $web->tls_url =~ s/localhost/127.0.0.1/r;
declare('unknown_ca', $by_number);
like(failure_of("$by_number/open/page.tif"), qr/^failed store_refused: .*ca_certificate/,
	'a certificate of an authority that nobody knows');
declare('elsewhere', $web->elsewhere_url, undef, ", ca_certificate '$ca'");
like(failure_of($web->elsewhere_url('/open/page.tif')), qr/^failed store_refused: .*certificate/, "a certificate for another host's name");
declare('expired', $web->expired_url, undef, ", ca_certificate '$ca'");
like(failure_of($web->expired_url('/open/page.tif')), qr/^failed store_refused: .*expired/, 'a certificate that has expired');

# What it does not follow, and where it does not go.
declare('plain', $web->url);
for my $to ($web->url('/open/page.tif'), $web->tls_url('/open/page.tif'), '/open/page.tif')
{
	my $from = $to =~ /^http:/ ? $web->url : $web->tls_url;
	is(ended($server, submit_uri("$from/redirect?to=$to"))->{status}, 'completed', 'a redirect to ' . ($to =~ s/:\d+//r) . ' is followed');
}
like(failure_of($web->tls_url('/redirect?to=') . $web->url('/open/page.tif')), qr/^failed store_refused: .*http/, 'but not from https to http');
like(failure_of($web->url('/redirect?to=file:///etc/passwd')), qr/^failed store_refused: /, 'nor to a file');
like(failure_of($web->url('/loop')), qr/^failed store_refused: .*redirect/, 'nor for ever');
sql("CREATE SERVER public_only FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'http://127.0.0.1:" . $web->port . "/open')");
like(failure_of($web->url('/open/page.tif')), qr/^failed store_refused: .*allow_private_addresses/, 'an address of this host, without the option');
my $number = 0;
for my $address (
	'127.0.0.1', '0.0.0.0', '127.1', '0x7f000001', '2130706433', 'localhost', 'a.localhost', '10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1',
	'169.254.169.254', '224.0.0.1', '255.255.255.255', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:169.254.169.254]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]',
	'[fe80::1]', '[fd00:ec2::254]', '[ff02::1]')
{
	$number++;
	my $endpoint = "http://$address:" . $web->port . '/private';
	my $error = sql_error($server, "CREATE SERVER private_$number FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint '$endpoint')");
	my $uri = "$endpoint/x";
	like($error || failure_of($uri), qr/^failed store_refused: .*allow_private_addresses|ERROR:  (HV024|22023)/, "$address is refused");
}
ok(!(grep { $_->[1] =~ m{^/private} } $web->requests), 'and nothing was asked of it');
# Where clouds tell a machine its secrets, the option leads nobody.
like(failure_of($web->url('/redirect?to=http://169.254.169.254/latest/meta-data/')), qr/^failed store_refused: .*metadata/, 'a redirect to 169.254.169.254');

# Credentials stay with whom they are for.
sql("CREATE USER MAPPING FOR PUBLIC SERVER web OPTIONS (bearer_token 'token-of-web-7')");
is(ended($server, submit_uri($web->tls_url("/redirect?to=" . $web->tls_url('/open/page.tif?same'))))->{status}, 'completed', 'a redirect within the store');
like((grep { $_->[1] =~ /same$/ } $web->requests)[-1][3], qr/token-of-web-7/, 'takes the credentials along');
sql("DROP SERVER unknown_ca CASCADE; ALTER SERVER web OPTIONS (SET endpoint '$by_number')");
is(ended($server, submit_uri("$by_number/redirect?to=" . $web->tls_url('/open/page.tif?other')))->{status}, 'completed', 'one to another host');
is((grep { $_->[1] =~ /other$/ } $web->requests)[-1][3], '-', 'does not');

# Answers that are errors.
like(failure_of($web->url('/forbidden')), qr/^failed store_denied: /, 'an answer of 403');
like(failure_of($web->url('/unauthorized')), qr/^failed store_denied: /, 'an answer of 401');
like(failure_of($web->url('/missing')), qr/^failed document_missing: /, 'an answer of 404');
is(sql(q{SELECT max(attempts) FROM ocr.jobs WHERE status = 'failed'}), 1, 'nothing of that is tried twice');

# Too much.
# /open is the longest endpoint that fits, and public_only has it.
sql('DROP SERVER public_only');
like(failure_of($web->url('/open/huge')), qr/^failed document_too_large: /, 'a document of 5 GB');
sql("ALTER SYSTEM SET pg_ocr.max_document_size = '20MB'");
$server->reload;
wait_until($server, "SELECT current_setting('pg_ocr.max_document_size') = '20MB'");
like(failure_of($web->url('/unruly/endless')), qr/^failed document_too_large: /, 'one that never ends');
like(failure_of($web->url('/unruly/size/30000000')), qr/^failed document_too_large: /, 'one that says that it is too large');
is(ended($server, submit_uri($web->url('/unruly/unsaid/page.tif')))->{status}, 'completed', 'one that does not say how large it is');

# Servers that break off.
is(ended($server, submit_uri($web->url('/unruly/first/2/503/page.tif')))->{status}, 'completed', 'a server that is busy twice');
is(ended($server, submit_uri($web->url('/unruly/retry/1/page.tif')))->{status}, 'completed', 'or says when to come back');
declare('unruly', $web->unruly_url);
is(ended($server, submit_uri($web->unruly_url('/first/2/0/page.tif')))->{status}, 'completed', 'or cuts the connection twice');
# What the store said when it was tried for the first time; the queue goes on trying for hours.
sub outage_of
{
	my ($uri) = @_;
	my $job = submit_uri($uri);
	wait_until($server, "SELECT count(*) = 1 FROM ocr.tasks WHERE job_id = $job AND unavailable >= 1 AND worker IS NULL");
	my $said = sql("SELECT status || ' ' || error_code || ': ' || error FROM ocr.jobs WHERE id = $job");
	sql("SELECT ocr_cancel($job)");
	return $said;
}
like(outage_of($web->unruly_url('/half/page.tif')), qr/^pending store_unavailable: /, 'half a document');
like(outage_of($web->unruly_url('/half-chunked/page.tif')), qr/^pending store_unavailable: /, 'half of one whose length nobody said');
like(outage_of($web->url('/broken')), qr/^pending store_unavailable: .*500/, 'an error of the server');
like(outage_of($web->url('/busy-long')), qr/^pending store_unavailable: .*503/, '503, come back in an hour');
sql(q{ALTER SERVER unruly OPTIONS (ADD stall_timeout '1', ADD timeout '3')});
like(outage_of($web->unruly_url('/silent')), qr/^pending store_unavailable: /, 'no answer');
like(outage_of($web->unruly_url('/trickle')), qr/^pending store_unavailable: /, 'a byte from time to time');
like(outage_of($web->unruly_url('/headers')), qr/^pending store_unavailable: .*headers/, 'headers without an end');
like(failure_of($web->unruly_url('/not-http')), qr/^failed store_refused: /, 'no HTTP at all');

my $log = slurp_file($server->logfile);
unlike($log, qr/\Q$_\E/, "the log does not show '$_'") for 'geheim', 'the-token', 'another-token-9', 'token-of-web-7';

$server->stop;
done_testing();
