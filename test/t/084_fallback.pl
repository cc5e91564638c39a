# A page that is read badly is read again in other ways, as far as its tier goes, and says so.
use strict;
use warnings;
use Encode qw(decode_utf8);
use Test::More;
use PgOcr;

my $server = new_server('fallback');
my %job = (
	upright => submit($server, 'phototest.tif'),
	lying => submit($server, 'phototest-rotated-180.png'),
	up => submit($server, 'phototest-rotated-L.png'),
	fast => submit($server, 'phototest-rotated-180.png', "tier => 'fast'"),
	enough => submit($server, 'phototest-rotated-180.png', q(options => '{"approve_confidence": 20, "review_confidence": 10, "reuse": false}')),
);
is(ended($server, $job{$_})->{status}, 'completed', "$_ is read") for sort keys %job;

sub of_page
{
	my ($name, $what) = @_;
	return $server->safe_psql('postgres', "SELECT $what FROM ocr_pages($job{$name})");
}

my $ways = q{(SELECT string_agg(format('%s%s', t.way, CASE WHEN t.won THEN ', kept' END), '; ' ORDER BY n)
	FROM ROWS FROM (jsonb_to_recordset(tried) AS (way text, won boolean)) WITH ORDINALITY AS t (way, won, n))};
is(of_page('lying', $ways), 'as it is; turned by 180, kept', 'a page upside down is turned round');
is(of_page('lying', 'rotation || $$ $$ || skew'), '180 0', 'and says by how much');
is(of_page('up', $ways), 'as it is; turned by 90, kept', 'one on its side is put upright');
is(of_page('up', 'rotation'), 90, 'and says so');
is(of_page('upright', 'tried IS NULL'), 't', 'a page that is read well is read once');
like(of_page('fast', $ways), qr/^as it is(, kept)?; Tesseract's layout(, kept)?$/, 'in tier fast, another in the lines of both layouts');
is(of_page('enough', 'tried IS NULL AND rotation = 0'), 't', 'and one that is good enough for its job');
cmp_ok(of_page('lying', q{(tried->1->>'confidence')::real}), '>', of_page('lying', q{(tried->0->>'confidence')::real}),
	'each way says what it was worth');

is($server->safe_psql('postgres', "SELECT ocr_text($job{lying})"), $server->safe_psql('postgres', "SELECT ocr_text($job{upright})"),
	'the text is that of the upright page');
is( $server->safe_psql('postgres', "SELECT count(*) FROM (SELECT text, x, y, width, height FROM ocr_words($job{lying})
		EXCEPT SELECT text, x, y, width, height FROM ocr_words($job{upright})) AS moved"),
	0, 'and so are the boxes');
my $here = decode_utf8($server->safe_psql('postgres', 'SELECT ocr(' . document('phototest-rotated-180.png') . ')'));
cmp_ok(character_error_rate($here, true_text('phototest.tif')), '<=', 0.01, 'ocr() reads it as well');

done_testing();
