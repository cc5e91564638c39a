# The courier among the server's other processes: it makes way, finds a place where there is none, ends with what it serves,
# and waits for nobody's lock.
use strict;
use warnings;
use Test::More;
use PgOcr;
use Stores;

my $receiver = start_receiver();

sub declare_webhook
{
	my ($server, $database, $name, $path) = @_;
	$server->safe_psql($database, "CREATE SERVER $name FOREIGN DATA WRAPPER ocr_webhook
			OPTIONS (url '" . $receiver->url($path) . "', allow_private_addresses 'true', timeout '600');
		CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS (secret '" . $receiver->secret . "')");
}

sub emit
{
	my ($server, $database, $webhook) = @_;
	$server->safe_psql($database, "SELECT ocr_cancel(ocr_submit('\\x01'::bytea, webhook => '$webhook', run_at => now() + '1 h'))");
}

sub wait_for_hanging
{
	my ($count) = @_;
	my $give_up = time + $PostgreSQL::Test::Utils::timeout_default;
	until ((grep { $_->{path} eq '/hang' } $receiver->received) == $count)
	{
		die "no delivery came\n" if time > $give_up;
		select(undef, undef, undef, 0.02);
	}
}

sub delivered { return wait_until($_[0], "SELECT count(*) = $_[1] FROM ocr.deliveries WHERE status = 'delivered'") }
sub courier_of { return $_[0]->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr courier' AND datname = '$_[1]'") }

my $server = new_server('courier', 'pg_ocr.workers' => 1);
declare_webhook($server, 'postgres', 'good', '/ok');
declare_webhook($server, 'postgres', 'slow', '/hang');

# A delivery whose row somebody keeps locked is recorded when the lock is gone; the others do not wait for it.
emit($server, 'postgres', 'slow');
wait_for_hanging(1);
my $courier = courier_of($server, 'postgres');
my $other = $server->background_psql('postgres');
$other->query_safe(q{BEGIN; SELECT FROM ocr.deliveries WHERE webhook = 'slow' FOR UPDATE});
kill('KILL', children_of($courier, 'pg_ocr_http'));
wait_for_log($server, qr/pg_ocr_http was killed by signal 9/);
emit($server, 'postgres', 'good');
delivered($server, 1);
is($server->safe_psql('postgres', q{SELECT attempts FROM ocr.deliveries WHERE webhook = 'slow'}), 0, 'others are recorded while one is locked');
$other->query_safe('COMMIT');
$other->quit;
wait_until($server, q{SELECT attempts = 1 FROM ocr.deliveries WHERE webhook = 'slow'});
is(courier_of($server, 'postgres'), $courier, 'and that one once it is not, by the same courier');

# An event of a transaction that does not commit is none.
$server->safe_psql('postgres', q{BEGIN; SELECT ocr_cancel(ocr_submit('\x01'::bytea, webhook => 'good', run_at => now() + '1 h')); ROLLBACK});
emit($server, 'postgres', 'good');
delivered($server, 2);
is(scalar(grep { $_->{path} eq '/ok' } $receiver->received), 2, 'what was rolled back is not told');

# DROP DATABASE in mid-delivery.
$server->safe_psql('postgres', 'CREATE DATABASE second');
$server->safe_psql('second', 'CREATE EXTENSION pg_ocr');
declare_webhook($server, 'second', 'slow', '/hang');
my $before = grep { $_->{path} eq '/hang' } $receiver->received;
emit($server, 'second', 'slow');
wait_for_hanging($before + 1);
my ($http) = children_of(courier_of($server, 'second'), 'pg_ocr_http');
ok(is_running($http), 'a delivery is on its way in a second database');
$server->safe_psql('postgres', 'DROP DATABASE second');
ok(wait_for_end_of($http), 'which can be dropped, and the program ends with it');
is(courier_of($server, 'second'), '', 'as does its courier');
$server->stop;

# No place for a courier: one of several workers goes for it; a single worker stays, and the log says what to do.
my $full = new_server('full', 'pg_ocr.workers' => 2, max_worker_processes => 4);
declare_webhook($full, 'postgres', 'good', '/ok');
wait_for_workers($full, 2);
emit($full, 'postgres', 'good');
delivered($full, 1);
ok(1, 'where workers have all places, one of them makes room for the courier');
wait_for_workers($full, 1);
$full->append_conf('postgresql.conf', "pg_ocr.workers = 1\nmax_worker_processes = 3\n");
$full->restart;
wait_for_workers($full, 1);
emit($full, 'postgres', 'good');
wait_for_log($full, qr/no free slot for the courier of database "postgres": its webhooks wait/, times => 1);
is($full->safe_psql('postgres', q{SELECT count(*) FROM ocr.deliveries WHERE status = 'pending'}), 1, 'a single worker stays, and the webhook waits');
$full->append_conf('postgresql.conf', "pg_ocr.workers = 0\n");
$full->reload;
delivered($full, 2);
ok(1, 'until there is a place');
$full->stop;
done_testing();
