# Webhooks, from the job to a receiver that verifies them with the Standard Webhooks' own library: delivered once it says so,
# tried again until then, whatever dies in between; and nobody waits for another's receiver.
use strict;
use warnings;
use Test::More;
use PgOcr;
use Stores;

my $receiver = start_receiver();
my $server = new_server('webhooks', 'pg_ocr.workers' => 1);
my $of_receiver = "allow_private_addresses 'true'";

sub declare_webhook
{
	my ($name, $path, $options) = @_;
	my $url = $path =~ /^http/ ? $path : $receiver->url($path);
	$server->safe_psql('postgres', "CREATE SERVER $name FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url '$url', " . ($options // $of_receiver) . ");
		CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (secret '" . $receiver->secret . "')");
}

# Jobs that are cancelled at once: an event each, and nothing to read.
sub emit
{
	my ($webhook, $count) = @_;
	$count //= 1;
	return $server->safe_psql('postgres', "SELECT bool_and(ocr_cancel(ocr_submit('\\x01'::bytea, webhook => '$webhook', run_at => now() + '1 h'))) FROM generate_series(1, $count)");
}

sub deliveries { return $server->safe_psql('postgres', "SELECT concat_ws(' ', status, attempts, http_status, error) FROM ocr.deliveries WHERE webhook = '$_[0]' ORDER BY id") }
sub wait_for_deliveries { return wait_until($server, "SELECT count(*) = $_[1] FROM ocr.deliveries WHERE webhook = '$_[0]' AND $_[2]") }
sub make_due { $server->safe_psql('postgres', "UPDATE ocr.deliveries SET run_at = now() WHERE webhook = '$_[0]' AND status = 'pending'; SELECT ocr.wake_courier()") }
sub at_path { my ($path) = @_; return grep { $_->{path} eq $path } $receiver->received }
sub courier { return $server->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr courier' AND datname = 'postgres'}) }

# A document that is read, and what is said of it on the way.
declare_webhook('everything', '/ok', "$of_receiver, events 'job.started,job.progress,job.completed,job.review_needed'");
my $job = submit($server, 'phototest.tif', q{webhook => 'everything', metadata => '{"invoice": "Zürich"}'});
is(ended($server, $job)->{status}, 'completed', 'a document is read');
wait_for_deliveries('everything', 3, "status = 'delivered'");
my @received = at_path('/ok');
is(join(' ', sort map { $_->{event}{type} } @received), 'job.completed job.progress job.started', 'its webhook is told of start, progress and end');
is(join(' ', map { $_->{verified} } @received), '1 1 1', 'the signatures are right');
my ($completed) = grep { $_->{event}{type} eq 'job.completed' } @received;
is($completed->{event}{data}{status}, 'completed', 'with the status');
is($completed->{event}{data}{metadata}{invoice}, "Z\x{fc}rich", 'and the metadata');
like($completed->{headers}{'content-type'}, qr{^application/json}, 'as JSON');
like($completed->{headers}{'user-agent'}, qr{^pg_ocr/}, 'from pg_ocr');
is($completed->{id}, $server->safe_psql('postgres', "SELECT event_id FROM ocr.deliveries WHERE event = 'job.completed'"), 'under its id');
is($server->safe_psql('postgres', "SELECT status, a.http_status, latency_ms >= 0, a.error FROM ocr.delivery_attempts a JOIN ocr.deliveries d ON d.id = delivery_id WHERE event = 'job.completed'"),
	'delivered|204|t|', 'and the attempt is written down');
is($server->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_ocr courier'}), 1, 'by one courier');

# Failures: tried again, under the same id, after a backoff or what the receiver asks for; in the end given up.
declare_webhook('shaky', '/first/2/500');
emit('shaky');
for my $attempt (1 .. 2)
{
	wait_for_deliveries('shaky', 1, "attempts = $attempt");
	like(deliveries('shaky'), qr/^pending $attempt 500 .*500/, "attempt $attempt fails");
	make_due('shaky');
}
wait_for_deliveries('shaky', 1, "status = 'delivered'");
@received = at_path('/first/2/500');
is(scalar @received, 3, 'the third does not');
is(keys %{ { map { $_->{id} => 1 } @received } }, 1, 'all under one id');
is(join(' ', map { $_->{verified} } @received), '1 1 1', 'each of them signed');
is($server->safe_psql('postgres', "SELECT string_agg(attempt || ' ' || a.http_status || ' ' || coalesce(answer, ''), ',' ORDER BY attempt) FROM ocr.delivery_attempts a JOIN ocr.deliveries d ON d.id = delivery_id WHERE webhook = 'shaky'"),
	"1 500 this is answer 500\n,2 500 this is answer 500\n,3 204 ", 'and written down, with the answers');
declare_webhook('busy', '/status/429/600');
emit('busy');
wait_for_deliveries('busy', 1, "attempts = 1 AND run_at BETWEEN now() + '9 min' AND now() + '11 min'");
ok(1, 'Retry-After is honoured');
declare_webhook('gone', '/status/410');
emit('gone');
wait_for_deliveries('gone', 1, "status = 'failed' AND attempts = 1");
ok(1, 'one that is gone is given up');
declare_webhook('twice', '/status/503', "$of_receiver, max_attempts '2'");
emit('twice');
wait_for_deliveries('twice', 1, 'attempts = 1');
make_due('twice');
wait_for_deliveries('twice', 1, "status = 'failed' AND attempts = 2");
like($server->safe_psql('postgres', "SELECT last_error FROM ocr.webhooks WHERE webhook = 'twice'"), qr/503/, 'one whose attempts are spent has failed, and a view says why');
$server->safe_psql('postgres', q{ALTER SERVER twice OPTIONS (SET url '} . $receiver->url('/ok') . q{'); SELECT ocr_redeliver(id) FROM ocr.deliveries WHERE webhook = 'twice'});
wait_for_deliveries('twice', 1, "status = 'delivered' AND attempts = 1");
ok(1, 'and once that is mended, ocr_redeliver delivers it');

# Answers that no receiver should give.
declare_webhook($_, "/$_") for qw(redirect garbage cut);
emit($_) for qw(redirect garbage cut);
wait_for_deliveries($_, 1, 'attempts = 1') for qw(redirect garbage cut);
like(deliveries('redirect'), qr/^pending 1 307 .*redirect/i, 'a redirect is a failure');
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.delivery_attempts WHERE octet_length(answer) BETWEEN 1 AND 1024 AND http_status = 500 AND answer NOT LIKE 'this is%'"), 1, 'of garbage, a kilobyte is kept');
like(deliveries('cut'), qr/^pending 1 \S/, 'a connection that is cut');
my $url = $receiver->url('/private');
$server->safe_psql('postgres', "CREATE SERVER private FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url '$url');
	CREATE USER MAPPING FOR PUBLIC SERVER private OPTIONS (secret '" . $receiver->secret . "')");
emit('private');
wait_for_deliveries('private', 1, 'attempts = 1');
like(deliveries('private'), qr/^pending 1 .*private/, 'a private address is refused');
is(scalar at_path('/private'), 0, 'and not called');
ok(!grep({ $_->{path} eq '/ok' && $_->{id} eq $server->safe_psql('postgres', "SELECT event_id FROM ocr.deliveries WHERE webhook = 'redirect'") } $receiver->received), 'a redirect is not followed');

# Those that cannot be delivered, and their secrets.
$server->safe_psql('postgres', 'CREATE ROLE clerk LOGIN; GRANT USAGE ON FOREIGN SERVER shaky TO clerk');
$server->safe_psql('postgres', "SET ROLE clerk; SELECT ocr_cancel(ocr_submit('\\x01'::bytea, webhook => 'shaky', run_at => now() + '1 h'))");
wait_until($server, "SELECT count(*) = 1 FROM ocr.deliveries WHERE owner = 'clerk' AND attempts = 1");
$server->safe_psql('postgres', 'REVOKE USAGE ON FOREIGN SERVER shaky FROM clerk');
make_due('shaky');
wait_until($server, "SELECT count(*) = 1 FROM ocr.deliveries WHERE owner = 'clerk' AND status = 'failed'");
like($server->safe_psql('postgres', "SELECT error FROM ocr.deliveries WHERE owner = 'clerk'"), qr/no USAGE/, 'rights are looked at before each attempt');
$server->safe_psql('postgres', "GRANT USAGE ON FOREIGN SERVER shaky TO clerk; SET ROLE clerk; SELECT ocr_redeliver(id) FROM ocr.deliveries WHERE owner = 'clerk'");
wait_until($server, "SELECT count(*) = 1 FROM ocr.deliveries WHERE owner = 'clerk' AND status = 'pending' AND attempts = 1");
ok(1, 'and it goes on once they are there again');
unlike(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/whsec_(?!.*CREATE USER MAPPING)/, 'no secret is in the log');

# A receiver that holds on to its connections, and one that is not there, slow nobody else.
my $dead = 'http://127.0.0.1:' . Stores::free_port() . '/';
declare_webhook('slow', '/hang', "$of_receiver, timeout '600'");
declare_webhook('dead', $dead);
declare_webhook('good', '/ok?good');
emit('slow', 50);
emit('dead', 50);
my $give_up = time + 180;
select(undef, undef, undef, 0.02) until at_path('/hang') == 8 || time > $give_up;
is(scalar at_path('/hang'), 8, 'a receiver that does not answer holds eight connections');
emit('good', 200);
wait_for_deliveries('good', 200, "status = 'delivered'");
is(scalar at_path('/hang'), 8, 'while it does, another gets all of its 200');
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.deliveries WHERE webhook = 'slow' AND attempts = 0 AND status = 'pending'"), 50, 'and not one attempt at the slow one has ended');
wait_for_deliveries('dead', 50, 'attempts > 0');
like(deliveries('dead'), qr{^(pending \d .*\n?){50}$}, 'those of the dead one wait for their next attempt');

# pg_ocr_http dies in mid-delivery: what it had on its way has failed, and is tried again.
my ($http) = children_of(courier(), 'pg_ocr_http');
kill('KILL', $http);
wait_for_deliveries('slow', 8, 'attempts = 1');
like(deliveries('slow'), qr/^pending 1 pg_ocr_http, which was delivering it, /m, 'an attempt that its program did not outlive has failed');
emit('good');
wait_for_deliveries('good', 201, "status = 'delivered'");
my ($next_http) = children_of(courier(), 'pg_ocr_http');
ok($next_http && $next_http != $http, 'a fresh program goes on');

# The whole server dies in mid-delivery: all is delivered again, and nothing is lost.
my $courier = courier();
$server->safe_psql('postgres', q{ALTER SERVER slow OPTIONS (SET url '} . $receiver->url('/late/300') . q{')});
kill('KILL', $next_http);
wait_for_end_of($next_http);
make_due('slow');
$give_up = time + 180;
select(undef, undef, undef, 0.02) until at_path('/late/300') >= 1 || time > $give_up;
kill('KILL', $courier);
wait_for_end_of($courier);
wait_until($server, 'SELECT true');
make_due('slow');
wait_for_deliveries('slow', 50, "status = 'delivered'");
my %times;
$times{ $_->{id} }++ for at_path('/late/300');
is(scalar keys %times, 50, 'all 50 got there');
cmp_ok(scalar at_path('/late/300'), '>=', 50, 'at least once');

# A restart in mid-delivery, and a courier that is told to go.
$server->safe_psql('postgres', q{SELECT ocr_redeliver(id) FROM ocr.deliveries WHERE webhook = 'slow'});
$server->restart;
wait_for_deliveries('slow', 50, "status = 'delivered'");
ok(1, 'a restart loses nothing either');
emit('good');
wait_for_deliveries('good', 202, "status = 'delivered'");
$server->safe_psql('postgres', "SELECT pg_terminate_backend(" . courier() . ")");
emit('good');
wait_for_deliveries('good', 203, "status = 'delivered'");
ok(1, 'nor does the end of a courier');

# Without workers, deliveries go out all the same; also those that fell due while the server was down.
$server->append_conf('postgresql.conf', 'pg_ocr.workers = 0');
$server->restart;
emit('good');
wait_for_deliveries('good', 204, "status = 'delivered'");
ok(1, 'without workers there is a courier');
$receiver->stop;
emit('good');
wait_for_deliveries('good', 1, "status = 'pending' AND attempts = 1");
$server->stop;
$receiver->start;
$server->start;
wait_for_deliveries('good', 205, "status = 'delivered'");
ok(1, 'also for what waits when the server starts');
is(scalar(grep { !$_->{verified} || $_->{verified} ne '1' } $receiver->received), 0, 'every signature was right');

# A job takes its deliveries along, and the extension its courier.
emit('slow');
$server->safe_psql('postgres', 'DELETE FROM ocr.jobs');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.deliveries, ocr.delivery_attempts'), 0, 'deliveries go with their jobs');
emit('slow');
$server->safe_psql('postgres', 'DROP EXTENSION pg_ocr CASCADE');
wait_until($server, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_ocr courier'});
ok(1, 'the courier of an extension that was dropped ends');
is($server->safe_psql('postgres', 'SELECT 1'), 1, 'and harms nobody');
$server->stop;
done_testing();
