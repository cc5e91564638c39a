# A document that is larger than the server allows is refused at the call, whatever it is.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('size_limit', 'pg_ocr.workers' => 0, 'pg_ocr.max_document_size' => '64kB');
my $submit = sub { return "SELECT ocr_submit(convert_to(repeat('x', $_[0]), 'UTF8'))" };
like($server->safe_psql('postgres', $submit->(65536)), qr/^\d+$/, 'the largest that is allowed');
my ($result, $output, $error) = $server->psql('postgres', "\\set VERBOSITY verbose\n" . $submit->(65537));
like($error, qr/54000: .*has 65537 bytes, more than the 65536 that pg_ocr\.max_document_size allows/, 'one byte more is refused');
like($error, qr/HINT:  Split the document, or ask an administrator to raise pg_ocr\.max_document_size/, 'and it says what to do');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.documents'), 1, 'it is not stored');

$server->stop;
done_testing();
