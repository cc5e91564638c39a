# Without shared_preload_libraries nothing could work: CREATE EXTENSION says so, and what to do.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('preload', shared_preload_libraries => '');
my $error = sql_error($server, 'CREATE EXTENSION pg_ocr');
like($error, qr/ERROR:.*shared_preload_libraries/s, 'CREATE EXTENSION fails without shared_preload_libraries');
like($error, qr/HINT:.*shared_preload_libraries.*restart/s, 'and says what to do');
is($server->safe_psql('postgres', "SELECT count(*) FROM pg_extension WHERE extname = 'pg_ocr'"), 0, 'nothing is left of it');

$server->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_ocr'");
$server->restart;
$server->safe_psql('postgres', 'CREATE EXTENSION pg_ocr');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'after doing so it works');

$server->stop;
done_testing();
