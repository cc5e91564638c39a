# The receivers of docs/webhooks.md accept what pg_ocr sends, and nothing that is signed with another secret.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use IPC::Run;
use Test::More;
use PgOcr;

my $root = File::Spec->rel2abs(dirname(__FILE__) . '/../..');
my $page = PgOcr::slurp_utf8("$root/docs/webhooks.md");
my $server = new_server('receivers');
my $secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
my $folder = PostgreSQL::Test::Utils::tempdir();

for my $language ([ 'python', 'receiver.py', 'python3' ], [ 'js', 'receiver.js', 'node' ])
{
	my ($fence, $file, $program) = @$language;
	my ($code) = $page =~ /^```$fence\n(.*?)^```/ms or die "docs/webhooks.md has no receiver in $fence\n";
	PostgreSQL::Test::Utils::append_to_file("$folder/$file", $code);
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my ($output, $error) = ('', '');
	local $ENV{WEBHOOK_SECRET} = $secret;
	local $ENV{PORT} = $port;
	local $ENV{NODE_PATH} = "$root/test/stores/node_modules";
	my $receiver = IPC::Run::start([ $program, "$folder/$file" ], '>', \$output, '2>', \$error);

	my $allowed = "url 'http://127.0.0.1:$port/', allow_private_addresses 'true'";
	$server->safe_psql('postgres', <<"SQL");
CREATE SERVER $fence FOREIGN DATA WRAPPER ocr_webhook OPTIONS ($allowed);
CREATE USER MAPPING FOR PUBLIC SERVER $fence OPTIONS (secret '$secret');
CREATE SERVER ${fence}_stranger FOREIGN DATA WRAPPER ocr_webhook OPTIONS ($allowed, max_attempts '1');
CREATE USER MAPPING FOR PUBLIC SERVER ${fence}_stranger OPTIONS (secret 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
SQL
	my $job = submit($server, 'phototest.tif', "webhook => '$fence'");
	wait_until($server, "SELECT count(*) > 0 AND bool_and(status = 'delivered') FROM ocr.deliveries WHERE job_id = $job");
	$receiver->pump until $output =~ /\n/;
	is($output, "job.completed $job completed\n", "the receiver in $program takes a delivery");

	my $stranger = submit($server, 'phototest.tif', "webhook => '${fence}_stranger'");
	wait_until($server, "SELECT count(*) > 0 AND bool_and(status = 'failed') FROM ocr.deliveries WHERE job_id = $stranger");
	is($server->safe_psql('postgres',
			"SELECT a.http_status FROM ocr.deliveries d JOIN ocr.delivery_attempts a ON a.delivery_id = d.id WHERE d.job_id = $stranger"),
		'400', "the receiver in $program refuses what was signed with another secret");
	$receiver->kill_kill;
	is($output, "job.completed $job completed\n", 'and does not act on it');
}

$server->stop;
done_testing();
