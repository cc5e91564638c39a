# The service of a GPU, for which a stand-in computes on the CPU: what is read through it is the same, and whatever befalls it
# costs no page and no attempt.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Basename;
use IO::Socket::UNIX;
use IPC::Run;
use Test::More;
use Time::HiRes qw(usleep);
use PostgreSQL::Test::Utils;
use PgOcr;

my $server = new_server('cards', wal_level => 'replica', max_wal_senders => 2);
my $socket = $server->data_dir . '/pg_stat_tmp/pg_ocr_gpu.0';

sub ask { return $server->safe_psql('postgres', $_[0]) }
sub said { return ask("SELECT string_agg(status || ': ' || detail, E'\\n') FROM ocr_check() WHERE topic = 'gpu'") }
sub figure { return ask("SELECT value FROM ocr.metrics WHERE metric = '$_[0]'" . ($_[1] ? " AND labels->>'of' = '$_[1]'" : '')) }
sub pid_of_service { return ask('SELECT pid FROM ocr.cards') }
sub log_size { return -s $server->logfile }

sub set
{
	my (%settings) = @_;
	ask("ALTER SYSTEM SET $_ = '$settings{$_}'") for keys %settings;
	$server->reload;
}

# Waits until there is a service that takes engines, and is not the one of this pid.
sub ready
{
	my ($not) = @_;
	wait_until($server, "SELECT state = 'ready' AND pid <> " . ($not // 0) . ' FROM ocr.cards');
	return pid_of_service();
}

# What was read, to be compared.
sub pages_of
{
	my ($job, %options) = @_;
	return $server->safe_psql($options{database} // 'postgres',
		"SELECT string_agg(concat_ws('|', page_no, status, text, confidence, layout), E'\\n' ORDER BY page_no) FROM ocr.pages WHERE job_id = $job");
}

# Reads a document whole: no attempt more than one, and no page lost.
sub read_well
{
	my ($job, $what) = @_;
	my $status = ended($server, $job);
	is("$status->{status}, $status->{attempts} attempts, $status->{pages_failed} pages failed", 'completed, 1 attempts, 0 pages failed', $what);
	return pages_of($job);
}

# Reads until a worker's engine has a way to the GPU.
sub read_until_card
{
	my $give_up = time + 180;
	until (ask(q{SELECT count(*) > 0 FROM ocr.workers WHERE card ~ '^GPU 0: .' AND state = 'idle'}) eq 't')
	{
		die "no engine is given the GPU\n" if time > $give_up;
		ended($server, submit($server, 'phototest.tif'));
	}
	return 1;
}

# Without a GPU nothing is started, and nothing is said but that.
SKIP:
{
	skip 'this machine has a GPU', 3 if -e '/dev/nvidia0';
	is(said(), 'ok: no NVIDIA GPU was found: all is read by the CPU', 'a machine without a GPU');
	is(ask('SELECT count(*) FROM ocr.cards'), 0, 'shows none');
	is(join(' ', children_of(ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr launcher'"))), '', 'and starts nothing for one');
}
set('pg_ocr.gpu' => 'off');
is(said(), 'ok: pg_ocr.gpu is off: all is read by the CPU', 'and one that is not to be used');
my $by_cpu = read_well(submit($server, 'phototest.tif'), 'a document is read by the CPU');
my $pages_by_cpu = read_well(submit($server, 'multipage.pdf'), 'and one of several pages');
is(ask('SELECT count(*) FROM ocr.workers WHERE card IS NOT NULL'), 0, 'no engine has a GPU');

# The same, read by the service.
set('pg_ocr.gpu' => 'stand-in');
my $service = ready();
ok(-S $socket, 'a service is there, with its socket');
is((stat $socket)[2] & 07777, 0600, 'for the server alone');
like(slurp_file($server->logfile), qr/LOG:  pg_ocr: reading on GPU 0, \S.*, \d+ MB/, 'the log says so');
is(read_well(submit($server, 'phototest.tif'), 'a document is read on it'), $by_cpu, 'with the same text, boxes and confidences');
is(read_well(submit($server, 'multipage.pdf'), 'and one of several pages'), $pages_by_cpu, 'with the same as well');
is(ask(q{SELECT string_agg(DISTINCT w.card, ' ') = 'GPU 0: ' || c.name FROM ocr.workers w, ocr.cards c WHERE w.card IS NOT NULL GROUP BY c.name}), 't', 'workers say where');
wait_until($server, 'SELECT lines > 20 AND batches > 0 AND engines > 0 AND busy > 0 AND memory > 0 AND starts = 1 AND refused = 0 AND trouble IS NULL FROM ocr.cards');
pass('the GPU says how much it has read');
is(figure('card_up'), 1, 'and so do the metrics: it is up');
cmp_ok(figure('card_total', 'lines'), '>', 20, 'lines');
cmp_ok(figure('card_total', 'batches'), '>', 0, 'batches');
cmp_ok(figure('card_total', 'busy_seconds'), '>', 0, 'seconds');
is(figure('card_total', 'starts'), 1, 'starts');
is(figure('total', 'cards_left'), 0, 'and engines that have left it');
like(said(), qr/^ok: GPU 0, .+: \d+ engines read on it$/, 'ocr_check() says it in words');
is(ask('CREATE ROLE bob; SET SESSION AUTHORIZATION bob; SELECT count(*) FROM ocr.cards'), 1, 'anybody may look');

# What its service complains about is in the server's log.
{
	my $here = getcwd();
	chdir dirname($socket) or die "$socket: $!";
	my $stranger = IO::Socket::UNIX->new(Peer => basename($socket)) or die "$socket: $!";
	chdir $here;
	$stranger->syswrite('this is no frame at all');
	ok(wait_for_log($server, qr/LOG:  pg_ocr: GPU 0: an engine is not served any more: a frame of protocol version/), 'who breaks its rules is left, and the log tells');
}

# A second database has the same GPU.
ask('CREATE DATABASE second');
$server->safe_psql('second', 'CREATE EXTENSION pg_ocr');
my $job = submit($server, 'phototest.tif', undef, database => 'second');
is(ended($server, $job, database => 'second')->{status}, 'completed', 'a document of another database');
is(pages_of($job, database => 'second'), $by_cpu, 'is read as well');
is(ask(q{SELECT count(DISTINCT database) FROM ocr.workers WHERE card IS NOT NULL}), 2, 'on the same GPU');
ask('DROP DATABASE second');

# ocr(), in a session.
my $text = 'SELECT ocr(' . PgOcr::document('phototest.tif') . ')';
my $lines = ask('SELECT lines FROM ocr.cards');
my $now = ask($text);
wait_until($server, "SELECT lines > $lines FROM ocr.cards");
pass('ocr() is read on it');
like($now, qr/quick brown/, 'to what it says');

# A service that is killed while pages are read.
my $slowly = q{options => '{"dpi": 600, "reuse": false}'};
my $undisturbed = read_well(submit($server, 'multipage.pdf', "pages => '1-4', $slowly"), 'a document that takes longer');
read_until_card();
my $after = log_size();
my $left = figure('total', 'cards_left');
$job = submit($server, 'multipage.pdf', "pages => '1-4', $slowly");
my ($worker, $engine, $page) = wait_for_page($server, $job);
kill 'KILL', $service;
is(read_well($job, "a service that is killed at page $page costs nothing"), $undisturbed, 'nor is anything else read');
is(ask("SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job"), '4|4', 'no page is read twice');
is(ask("SELECT engine_pid FROM ocr.workers WHERE pid = $worker"), $engine, 'the engine has gone on');
ok(wait_for_log($server, qr/WARNING:  pg_ocr: the service of GPU 0 was killed by signal 9 \(Killed\); it is started again in 1 s/, after => $after), 'the log tells');
my $first = $service;
$service = ready($first);
is(ask('SELECT starts, trouble FROM ocr.cards'), '2|', 'the service is back');
is(figure('card_total', 'starts'), 2, 'which is counted');
ok(read_until_card(), 'engines are given it again');
cmp_ok(figure('total', 'cards_left'), '>', $left, 'having left the one before');
like(substr(slurp_file($server->logfile), $after), qr/LOG:  pg_ocr: job=\d+ page=- attempt=1 duration=\d+ms: its engine has left the GPU and reads by the CPU: \S/, 'as the log says');
is(read_well(submit($server, 'phototest.tif'), 'and read'), $by_cpu, 'as before');

# One that hangs.
$left = figure('total', 'cards_left');
$after = log_size();
kill 'STOP', $service;
for my $time (1 .. 3)
{
	is(read_well(submit($server, 'phototest.tif'), "a service that hangs costs nothing, time $time"), $by_cpu, 'nor is anything else read');
}
is(ask($text), $now, 'nor in ocr()');
cmp_ok(figure('total', 'cards_left'), '>', $left, 'engines leave it');
like(substr(slurp_file($server->logfile), $after), qr/has left the GPU .*has not answered within a second/, 'and say why');
like(substr(slurp_file($server->logfile), $after), qr/the engine of ocr\(\) has left the GPU/, 'as that of ocr() does');
is(pid_of_service(), $service, 'it is still there');
kill 'CONT', $service;
ok(read_until_card(), 'once it goes on, engines are given it again');
is(pid_of_service(), $service, 'the same');

# Settings: off and on, and how much memory.
set('pg_ocr.gpu' => 'off');
ok(wait_for_end_of($service), 'turned off, the service ends');
wait_until($server, 'SELECT count(*) = 0 FROM ocr.cards');
ok(!-e $socket, 'and its socket is gone');
is(ask('SELECT count(*) FROM ocr.workers WHERE card IS NOT NULL'), 0, 'no engine has it');
is(read_well(submit($server, 'phototest.tif'), 'all is read by the CPU'), $by_cpu, 'to the same');
set('pg_ocr.gpu' => 'stand-in');
$service = ready();
ok(read_until_card(), 'and turned on, on the GPU again');
set('pg_ocr.gpu_memory' => '512MB');
ok(wait_for_end_of($service), 'another size of memory is for another service');
$service = ready($service);
my ($no, $out, $error) = $server->psql('postgres', "SET pg_ocr.gpu = 'off'");
like($error, qr/cannot be changed now/, 'a session has no say in it');

# One that dies again and again is left alone for longer and longer.
$after = log_size();
for my $pause (1, 2, 4)
{
	my $noticed = seconds(sub
	{
		kill 'KILL', $service;
		wait_for_log($server, qr/it is started again in $pause s/, after => $after);
	});
	cmp_ok($noticed, '<', 3, 'a death is noticed at once, and not when the launcher looks next');
	$service = ready($service);
	pass("one that has just been started is started again after $pause s");
}

# One that cannot be started, as something is where its socket is to be.
set('pg_ocr.gpu' => 'off');
wait_for_end_of($service);
wait_until($server, 'SELECT count(*) = 0 FROM ocr.cards');
mkdir $socket or die "$socket: $!\n";
$after = log_size();
set('pg_ocr.gpu' => 'stand-in');
wait_until($server, q{SELECT state = 'down' AND trouble ~ 'could not listen at' AND pid IS NULL AND engines = 0 AND memory IS NULL FROM ocr.cards});
pass('a service that cannot be started says why');
like(said(), qr/^warning: GPU 0: its service cannot work: could not listen at .*; all is read by the CPU meanwhile$/, 'in ocr_check() as well');
is(figure('card_up'), 0, 'it is not up');
ok(wait_for_log($server, qr/could not listen at .*; it is started again in 2 s/, after => $after), 'it is tried again');
is(read_well(submit($server, 'phototest.tif'), 'meanwhile the CPU reads'), $by_cpu, 'to the same');
rmdir $socket or die "$socket: $!\n";
$service = ready();
is(ask('SELECT trouble FROM ocr.cards'), '', 'and once it can be, it is');

# A copy of the data directory is without the socket, and nobody is warned.
$after = log_size();
my $copy = PostgreSQL::Test::Utils::tempdir() . '/copy';
ok(-S $socket && IPC::Run::run([ 'pg_basebackup', '-h', $server->host, '-p', $server->port, '-D', $copy, '--no-sync', '--checkpoint=fast' ]), 'a base backup');
ok(-d "$copy/pg_stat_tmp" && !-e "$copy/pg_stat_tmp/pg_ocr_gpu.0", 'has no socket');
unlike(substr(slurp_file($server->logfile), $after), qr/special file/, 'and says nothing of it');

# Whoever ends, the service ends with it, and there is another.
ask(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_ocr launcher'});
ok(wait_for_end_of($service), 'the service ends with its launcher');
$service = ready($service);
ok(read_until_card(), 'and a new launcher starts one');
kill 'KILL', ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker' LIMIT 1");
ok(wait_for_end_of($service), 'it ends where the server starts again after a crash');
$service = ready($service);
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'and comes again');
$server->restart;
ok(!is_running($service), 'a restart leaves none behind');
$service = ready($service);
my $postmaster = $server->{_pid};
$server->kill9;
ok(wait_for_end_of($service), 'nor does the end of the postmaster');
# A new one refuses to start while the old one's pid exists, be it as a zombie that nobody has reaped yet.
my $patience = 1200;
usleep(50_000) while kill(0, $postmaster) && $patience--;
$server->start;
$service = ready($service);
is(read_well(submit($server, 'phototest.tif'), 'after all that'), $by_cpu, 'the text is the same');
$server->stop;
ok(!is_running($service), 'a server that is stopped leaves no service');
ok(!-e $socket, 'and no socket');

done_testing();
