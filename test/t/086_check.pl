# ocr_check() on a server that is broken in one way after the other; what needs no server to be broken is in
# test/pgtap/check.sql.
use strict;
use warnings;
use File::Copy;
use File::Path;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

# An installation whose programs can be taken away: the server looks for them beside itself.
my ($programs, $shared) = map { chomp(my $path = `pg_config $_`); $path } qw(--bindir --sharedir);
my $libraries = `pg_config --pkglibdir` =~ s/\s+\z//r;
my $above = common_folder($programs, $shared, $libraries);
my $installation = PostgreSQL::Test::Utils::tempdir();
my $bin = $installation . substr($programs, length $above);
link_folder($_) for $shared, $libraries;
mkpath($bin);
for my $program (glob "$programs/*")
{
	copy($program, $bin) && chmod(0755, $bin . substr($program, length $programs)) or die "$program: $!\n" if -f $program;
}

sub common_folder
{
	my ($first, @others) = @_;
	my $common = $first;
	for my $other (@others)
	{
		$common =~ s{/[^/]*\z}{} until index("$other/", "$common/") == 0;
	}
	return $common;
}

sub link_folder
{
	my ($folder) = @_;
	my $here = $installation . substr($folder, length $above);
	mkpath($here =~ s{/[^/]*\z}{}r);
	symlink($folder, $here) or die "$here: $!\n";
}

my $server = PostgreSQL::Test::Cluster->new('check', install_path => $bin =~ s{/bin\z}{}r);
$server->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C', '--no-sync' ]);
$server->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_ocr'\nmax_prepared_transactions = 2\npg_ocr.workers = 2\n");
$server->start;
$server->safe_psql('postgres', 'CREATE EXTENSION pg_ocr; CREATE ROLE alice LOGIN');

# What ocr_check() says of a topic.
sub said
{
	my ($topic, %as) = @_;
	my $role = $as{role} ? "SET SESSION AUTHORIZATION $as{role};" : '';
	return $server->safe_psql('postgres', "$role SELECT status || ': ' || detail FROM ocr_check() WHERE topic = '$topic'");
}

sub wait_for_said
{
	my ($topic, $pattern) = @_;
	return wait_until($server, "SELECT coalesce(bool_or(status || ': ' || detail ~ '$pattern'), false) FROM ocr_check() WHERE topic = '$topic'");
}

sub hint { return $server->safe_psql('postgres', "SELECT hint FROM ocr_check() WHERE topic = '$_[0]'") }

sub set
{
	my (%settings) = @_;
	$server->safe_psql('postgres', "ALTER SYSTEM SET $_ = '$settings{$_}'") for keys %settings;
	$server->reload;
}

# All is well.
wait_for_said('workers', '^ok: 2 in this database');
is($server->safe_psql('postgres', q{SELECT string_agg(topic || ' ' || detail, '; ') FROM ocr_check() WHERE status = 'error' OR (status <> 'ok' AND topic NOT LIKE 'sandbox%')}),
	'', 'nothing is wrong with a new server');
is(said('pg_ocr_engine'), "ok: $bin/pg_ocr_engine starts", 'its engine starts');
is($server->safe_psql('postgres', "SET SESSION AUTHORIZATION alice; SELECT count(*) FROM ocr_check() WHERE status = 'error'"), 0, 'anybody may ask');
cmp_ok($server->safe_psql('postgres', 'SELECT min(engine_memory) FROM ocr.workers'), '>', 1 << 20, 'the workers say what their engines hold in memory');

# Programs. One that says what it likes stands for those of other builds and kernels.
sub put_program
{
	my ($name, $version, @protections) = @_;
	my $text = sub { pack('V/a*', $_[0]) };
	my $body = $text->($version) . $text->('a stand-in') . pack('V', @protections / 3);
	$body .= $text->(shift @protections) . pack('C', shift @protections) . $text->(shift @protections) while @protections;
	my $frame = unpack('H*', pack('CCCCV', 5, 1, 0, 0, length $body) . $body);
	unlink "$bin/$name";
	append_to_file("$bin/$name", "#!$^X\nopen(my \$worker, '+<&=', 3) or die;\nsyswrite(\$worker, pack('H*', '$frame'));\nsleep 600;\n");
	chmod 0755, "$bin/$name";
}

sub restore_program
{
	my ($name) = @_;
	unlink "$bin/$name";
	copy("$programs/$name", "$bin/$name") && chmod(0755, "$bin/$name") or die "$name: $!\n";
}

my $version = $server->safe_psql('postgres', 'SELECT ocr.library_version()');
unlink "$bin/pg_ocr_engine";
like(said('pg_ocr_engine'), qr/^error: \Q$bin\E\/pg_ocr_engine cannot be used: .*No such file/, 'an engine that is not installed');
like(hint('pg_ocr_engine'), qr/Install pg_ocr again/, 'and what to do');
kill 'KILL', $server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers LIMIT 1');
wait_for_said('workers', '^error: 1 of 2 workers have no engine: .*No such file');
pass('a worker without an engine says why');
like($server->safe_psql('postgres', "SELECT trouble FROM ocr.workers WHERE state = 'no engine'"), qr/No such file/, 'in ocr.workers as well');
put_program('pg_ocr_engine', '0.0.1', 'seccomp', 1, '');
like(said('pg_ocr_engine'), qr/^error: .* cannot be used: it is of version 0\.0\.1, the library of \Q$version\E/, 'one of another version');
like(hint('pg_ocr_engine'), qr/one build, then restart/, 'and what to do');
put_program('pg_ocr_engine', $version, 'landlock', 0, 'not in this kernel', 'seccomp', 1, '');
is(said('sandbox of pg_ocr_engine'), 'warning: this kernel lacks landlock (not in this kernel)', 'a sandbox that is weaker than it should be');
set('pg_ocr.sandbox' => 'require');
is(said('sandbox of pg_ocr_engine'), 'error: this kernel lacks landlock (not in this kernel), and pg_ocr.sandbox is require: nothing is read', 'than it must be');
set('pg_ocr.sandbox' => 'prefer');
unlink "$bin/pg_ocr_engine";
append_to_file("$bin/pg_ocr_engine", "#!/bin/sh\necho torn to pieces >&2\nexit 3\n");
chmod 0755, "$bin/pg_ocr_engine";
like(said('pg_ocr_engine'), qr/^error: .* cannot be used: it exited with code 3: torn to pieces/, 'one that ends');
restore_program('pg_ocr_engine');
wait_for_said('workers', '^ok: 2 in this database');
pass('once there is one again, all is well');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.workers WHERE trouble IS NOT NULL'), 0, 'and no worker has any trouble left');

chmod 0644, "$bin/pg_ocr_http";
like(said('pg_ocr_http'), qr/^warning: .* cannot be used: .*Permission denied/, 'a pg_ocr_http that cannot be run, and is not needed');
$server->safe_psql('postgres', "CREATE SERVER store FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans')");
like(said('pg_ocr_http'), qr/^error: /, 'and one that is');
restore_program('pg_ocr_http');
like(said('pg_ocr_http'), qr/^ok: /, 'again');

# The service of a GPU.
unlink "$bin/pg_ocr_gpu";
append_to_file("$bin/pg_ocr_gpu", "#!$^X\nprint STDERR \"no driver\\n\";\nexit 1;\n");
chmod 0755, "$bin/pg_ocr_gpu";
set('pg_ocr.gpu' => 'stand-in');
wait_for_said('gpu', '^warning: GPU 0: its service exited with code 1: no driver; all is read by the CPU meanwhile$');
pass('a service of a GPU that ends says why');
like(hint('gpu'), qr/Mend what is said, or set pg_ocr\.gpu = off/, 'and what to do');
unlink "$bin/pg_ocr_gpu";
wait_for_said('gpu', '^warning: GPU 0: its service cannot work: .*No such file');
pass('one that is not installed');
restore_program('pg_ocr_gpu');
wait_for_said('gpu', '^ok: GPU 0, .*: [0-9]+ engines read on it$');
pass('and one that is again');
set('pg_ocr.gpu' => 'off');
wait_for_said('gpu', '^ok: pg_ocr.gpu is off');

# Languages.
my $models = PostgreSQL::Test::Utils::tempdir();
set('pg_ocr.tessdata_path' => "$models/away");
like(said('languages'), qr/^error: .*\Q$models\E\/away.* cannot be read/, 'models that are not where they should be');
set('pg_ocr.tessdata_path' => $models);
is(said('languages'), 'error: no language is installed: nothing can be submitted', 'a directory without any');
append_to_file("$models/deu.traineddata", '');
is(said('languages'), 'warning: eng, which ocr_submit() takes where it is told of no other, is not installed; deu', 'or without the usual one');
set('pg_ocr.tessdata_path' => '');

# Versions: an extension that was not updated, and files that were.
$server->safe_psql('postgres', "UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'pg_ocr'");
like($server->safe_psql('postgres', 'SELECT * FROM ocr_check()'), qr/^version\|error\|.*version 0\.0\.1 of the extension.*\|.*ALTER EXTENSION pg_ocr UPDATE.*$/,
	'an extension of another version is all that it then tells of');
$server->safe_psql('postgres', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'pg_ocr'");

# What keeps vacuum from cleaning up.
my $session = $server->background_psql('postgres');
$session->query_safe('BEGIN; SELECT pg_current_xact_id()');
$server->safe_psql('postgres', q{BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'forgotten'});
my $old = "SELECT string_agg(detail, '; ') FROM ocr.check_vacuum('0 s', 100000) WHERE topic = 'old snapshot'";
like($server->safe_psql('postgres', $old), qr/^a transaction of \w+ \(pid \d+\) has been open for \d+ s: vacuum cannot.*; a transaction was prepared \d+ s ago by \w+ as 'forgotten'/,
	'old transactions');
$server->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION ocr.check_vacuum(interval, bigint) TO alice; ALTER FUNCTION ocr.check_vacuum SECURITY DEFINER');
my $to_alice = $server->safe_psql('postgres', "SET SESSION AUTHORIZATION alice; $old");
like($to_alice, qr/^a transaction has been open for .*; a transaction was prepared/, 'of which anybody is told');
unlike($to_alice, qr/pid|forgotten/, 'but not whose');
$session->quit;
$server->safe_psql('postgres', q{ROLLBACK PREPARED 'forgotten'});
$server->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('away')});
$server->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby', install_path => $bin =~ s{/bin\z}{}r);
$standby->init_from_backup($server, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "primary_slot_name = 'away'\nhot_standby_feedback = on\nwal_receiver_status_interval = '100ms'\n");
$standby->start;
wait_until($server, q{SELECT xmin IS NOT NULL FROM pg_replication_slots});
is($standby->safe_psql('postgres', q{SELECT detail FROM ocr_check() WHERE topic = 'workers'}), 'this is a standby: workers start when it is promoted', 'on a standby no worker is missed');
is(said('old snapshot'), '', 'a standby that keeps up is no trouble');
$standby->stop;
$server->safe_psql('postgres', 'SELECT pg_current_xact_id()') for 1 .. 2;
like(said('old snapshot'), qr/^warning: replication slot away, which nobody uses, keeps the rows that \d+ transactions have deleted/, 'one that is gone is');
$server->safe_psql('postgres', q{SELECT pg_drop_replication_slot('away')});
set(autovacuum => 'off');
is(said('autovacuum'), 'warning: autovacuum is off: vacuum cannot clean the queue, and claims get slower', 'autovacuum off');
is(ended($server, submit($server, 'simple.png'))->{status}, 'completed', 'a document is read');
wait_until($server, q{SELECT pg_stat_force_next_flush() IS NULL OR EXISTS (SELECT FROM ocr.check_vacuum('1 day', 0) WHERE topic = 'dead rows' AND detail LIKE 'ocr.tasks holds % dead rows%')});
pass('and what it leaves in the queue is seen');
set(autovacuum => 'on');

# Workers: none wanted, more wanted than there is room for, more reserved than wanted, none that could be started.
set('pg_ocr.workers' => 0);
wait_for_said('workers', '^warning: pg_ocr.workers is 0');
pass('no worker is wanted');
set('pg_ocr.workers' => 20, 'pg_ocr.reserved_workers' => 'fast=20, accurate=1');
wait_for_said('worker slots', '^warning: 14 workers of this server found no slot');
wait_for_said('workers', '^warning: 6 of 20 workers run');
like(hint('workers'), qr/Raise max_worker_processes \(now 8\)/, 'too few slots for all');
like(said('reserved workers'), qr/^warning: pg_ocr.reserved_workers reserves 21 workers, and pg_ocr.workers is 20/, 'and too few for the reserved');
set('pg_ocr.workers' => 2, 'pg_ocr.reserved_workers' => '');
$server->safe_psql('postgres', 'ALTER SYSTEM SET max_worker_processes = 0');
$server->restart;
like(said('launcher'), qr/^error: the launcher does not run/, 'no slot for the launcher');
like(said('workers'), qr/^error: 0 of 2 workers run/, 'so there are no workers');
my $job = submit($server, 'simple.png', q{run_at => now() - interval '2 min'});
like(said('queue'), qr/^error: 1 tasks are due, the oldest for 2 minutes; 0 are being read/, 'and the queue is stuck');

# The library itself.
$server->safe_psql('postgres', 'ALTER SYSTEM RESET max_worker_processes');
$server->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$server->restart;
like($server->safe_psql('postgres', 'SELECT * FROM ocr_check()'), qr/^version\|error\|pg_ocr must be loaded by shared_preload_libraries\|Add pg_ocr to shared_preload_libraries.*restart/,
	'without the library it still says what to do');
$server->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_ocr'\n");
$server->restart;
is(ended($server, $job)->{status}, 'completed', 'and once that is done, documents are read');

$server->stop;
done_testing();
