# Old jobs are deleted a thousand at a time, and committed: who is stopped in the middle, or locks one of them, costs nothing.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('purge', 'pg_ocr.workers' => 0, fsync => 'off');
sub sql { return $server->safe_psql('postgres', @_) }
sub ended
{
	my ($count) = @_;
	sql("SELECT count(ocr_cancel(ocr_submit('\\x01', options => '{\"reuse\": false}'))) FROM generate_series(1, $count)");
}

ended(2500);
is(sql(q{CALL ocr_purge('0')}), '2500', 'all that has ended');

# One that somebody has locked is left, and nobody waits.
ended(10);
my $other = $server->background_psql('postgres');
my $locked = $other->query_safe('BEGIN; SELECT id FROM ocr.jobs WHERE id = (SELECT min(id) + 4 FROM ocr.jobs) FOR UPDATE');
is(sql(q{CALL ocr_purge('0')}), '9', 'what is locked stays');
is(sql('SELECT id FROM ocr.jobs'), $locked, 'and only that');
$other->query_safe('COMMIT');

# Stopped after the first thousand by one that cannot be deleted: what is done is done.
ended(2500);
sql(<<'SQL');
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stopped'; END $$;
DO $$ BEGIN EXECUTE format('CREATE TRIGGER stop BEFORE DELETE ON ocr.jobs FOR EACH ROW WHEN (OLD.id = %s) EXECUTE FUNCTION stop()',
    (SELECT id FROM ocr.jobs ORDER BY id OFFSET 1500 LIMIT 1)); END $$;
SQL
my ($status, undef, $error) = $server->psql('postgres', q{CALL ocr_purge('0')});
like($error, qr/stopped/, 'stopped');
is(sql('SELECT count(*) FROM ocr.jobs'), '1501', 'the first thousand is gone');

sql('DROP TRIGGER stop ON ocr.jobs');
($status, undef, $error) = $server->psql('postgres', q{BEGIN; CALL ocr_purge('0')});
like($error, qr/invalid transaction termination/, 'not within a transaction');

# A role without any rights, with functions of its own in the way.
sql(<<'SQL');
CREATE ROLE clerk LOGIN;
CREATE SCHEMA clerk AUTHORIZATION clerk;
SQL
is(sql(q{SET SESSION AUTHORIZATION clerk; SET search_path = clerk, public; SELECT ocr_cancel(ocr_submit('\x02')); CALL ocr_purge('0')}), "t\n1", 'of its own');
is(sql('SELECT count(*) FROM ocr.jobs'), '1501', 'and of nobody else');
is(sql(q{CALL ocr_purge('0', everyone => true)}), '1501', 'a superuser deletes all');

$other->quit;
$server->stop;
done_testing();
