# Review: what a person looks at, in a real browser, and what comes of two people who decide at once.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use File::Basename;
use File::Spec;
use IPC::Run;
use JSON::PP;
use Test::More;
use PgOcr;

my $browser = -x '/usr/bin/chromium' && -x '/usr/bin/chromedriver';
my $server = new_server('review');
my $here = File::Spec->rel2abs(dirname(__FILE__));
my $folder = $PostgreSQL::Test::Utils::tmp_check;

# Two who decide on the same page at once: the second waits for the first, holds, and says what it replaces.
my $job = submit($server, 'typewriter.png', q{keep_document => true});
ended($server, $job);
my ($one, $two) = map { $server->background_psql('postgres', on_error_stop => 1) } 1 .. 2;
$one->query_safe("BEGIN; SELECT ocr_review($job, 1, 'rejected', 'the first')");
$two->query_until(qr/asked/, "\\echo asked\nSELECT 'replaces ' || (replaces IS NOT NULL) FROM ocr_review($job, 1, 'approved', 'the second');\n\\echo decided\n");
wait_until($server, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%the second%')");
$one->query_safe('COMMIT');
like($two->query_until(qr/decided/, ''), qr/replaces true/, 'who comes second is told whose decision goes');
$_->quit for $one, $two;
is($server->safe_psql('postgres', "SELECT string_agg(decision || ':' || corrected_text, '' ORDER BY id) FROM ocr.reviews"), "rejected:the first\napproved:the second\n", 'both are kept');
is($server->safe_psql('postgres', "SELECT ocr_text($job)"), "the second\n", 'the last one holds');

# What is told, and to whom it is told.
$server->safe_psql('postgres', "SELECT ocr_review($job, 1, 'approved', text) FROM ocr_pages($job)");
like($server->safe_psql('postgres', "LISTEN ocr; SELECT review_id > 0 FROM ocr_review($job, 1, 'approved')"),
	qr/^t\nAsynchronous notification "ocr" with payload "\{.*"reviewed": true.*\}"/, 'NOTIFY tells of a review');

# A reviewed job is dumped with its reviews and its corrections; the copy has the same queue.
my $multipage = submit($server, 'multipage.pdf', q{pages => '1-2', text_layer => 'ignore', keep_document => true});
ended($server, $multipage);
$server->safe_psql('postgres', "SELECT ocr_review($multipage, 1, 'approved', 'Quixotic zebra')");
my $dump = "$folder/reviews.sql";
$server->command_ok([ 'pg_dump', '--file', $dump, '--dbname', $server->connstr('postgres') ], 'it is dumped');
$server->safe_psql('postgres', 'CREATE DATABASE copy');
$server->command_ok([ 'psql', '-X', '-q', '--set', 'ON_ERROR_STOP=1', '--file', $dump, '--dbname', $server->connstr('copy') ], 'and restored');
for my $what ('SELECT * FROM ocr.reviews ORDER BY id', 'SELECT job_id, page_no, reason FROM ocr.review_queue', "SELECT ocr_text($multipage)",
	"SELECT hits FROM ocr_search('zebra')", "SELECT review_id FROM ocr_review($multipage, 2, 'approved')")
{
	is($server->safe_psql('copy', $what), $server->safe_psql('postgres', $what), "the copy: $what");
}

SKIP:
{
	skip 'there is no /usr/bin/chromium with /usr/bin/chromedriver', 1 unless $browser;
	looks_right();
}
$server->stop;
done_testing();

sub looks_right
{
	# What a hostile document would write, in its text, its name and its metadata.
	my $attack = '<script>window.hacked=1</script><img src=x onerror=window.hacked=2>"><b id=boo>';
	my $words = join ' ', map { s/([()\\])/\\$1/gr } $attack, 'total due', "</style></title>${\ ('x' x 9)}";
	my $content = "BT /F 12 Tf 20 150 Td ($words) Tj 0 -20 Td (second line of words) Tj ET";
	my $pdf = pdf_of('<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 700 200] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>',
		'<< /Length ' . length($content) . " >>\nstream\n$content\nendstream", '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
	my $bytes = "'\\x" . unpack('H*', $pdf) . "'::bytea";
	my $metadata = encode_json({ $attack => $attack });

	my %job = (
		typewriter => $job,
		multipage => $multipage,
		turned => submit($server, 'rotated_skew.pdf', q{keep_document => true}),
		debugged => submit($server, 'rotated_skew.pdf', q{options => '{"debug": true}'}),
		hostile_debugged => $server->safe_psql('postgres', "SELECT ocr_submit($bytes, options => '{\"debug\": true}')"),
		arabic => submit($server, 'ara.png', q{language => 'ara', keep_document => true}),
		japanese => submit($server, 'jpn.png', q{language => 'jpn', keep_document => true}),
		blank => submit($server, 'spa.png', q{language => 'spa'}),
		fast => submit($server, 'eng+rus.png', q{tier => 'fast', keep_document => true}),
		hostile => $server->safe_psql('postgres',
			"SELECT ocr_submit($bytes, metadata => '$metadata', batch => '${\ ($attack =~ s/'/''/gr)}', keep_document => true, options => '{\"approve_confidence\": 100}')"),
	);
	ended($server, $_) for values %job;
	my $corrected = $server->safe_psql('postgres', "SELECT review_id FROM ocr_review($job{arabic}, 1, 'approved', (SELECT replace(text, 'شخص', 'مخلوق') FROM ocr_pages($job{arabic})))");
	my %file;
	for my $name (sort keys %job)
	{
		$file{$name} = "$folder/$name.html";
		open(my $file, '>', $file{$name}) or die "$file{$name}: $!\n";
		print $file $server->safe_psql('postgres', "SELECT ocr_html($job{$name})"), "\n";
		close($file) or die "$file{$name}: $!\n";
	}
	my ($seen, $said) = ('', '');
	local $ENV{HOME} = $folder;
	IPC::Run::run([ '/usr/bin/python3', "$here/../review/browser.py", "$folder/profile", 'desktop', (map { $file{$_} } sort keys %file), 'phone', map { $file{$_} } qw(typewriter multipage hostile fast debugged) ], '<', \undef, '>', \$seen, '2>', \$said)
	  or die "the browser: $said";
	$seen = decode_json($seen);

	for my $name (sort keys %job)
	{
		for my $viewport (grep { $seen->{$_}{ $file{$name} } } qw(desktop phone))
		{
			my $view = $seen->{$viewport}{ $file{$name} };
			my $label = "$name, $viewport";
			is_deeply($view->{console}, [], "$label: nothing to complain of");
			is_deeply($view->{requests}, [], "$label: nothing is fetched");
			is($view->{scripts}, 1, "$label: no script but ours");
			is($view->{hacked}, undef, "$label: and it is not another's");
			is($view->{sideways}, 0, "$label: nothing lies beside the window");
			is($view->{without_scripts}{sideways}, 0, "$label: nor without scripts");
			ok(!$view->{without_scripts}{ran}, "$label: which did not run then");
			is_deeply([ map { $_->[0] } @{ $view->{doubtful} } ], $view->{marked}, "$label: the list has the words that are marked");
			check_words($view, $job{$name}, $label) unless $name eq 'fast';
			check_keys($view, $label) if @{ $view->{marked} } > 2;
		}
	}
	check_drawing($seen->{desktop}{ $file{$_} }, $job{$_}, $_) for qw(debugged hostile_debugged);
	check_drawing($seen->{phone}{ $file{debugged} }, $job{debugged}, 'debugged, phone');
	is_deeply($seen->{desktop}{ $file{turned} }{drawn}, [], 'nothing is drawn where nobody asked');
	my $view = $seen->{desktop}{ $file{hostile} };
	like($view->{text}, qr{window\.hacked=1</script>}, 'what an attacker wrote is there to be read');
	is($view->{images}, 1, 'and made no image');
	$view = $seen->{desktop}{ $file{multipage} };
	is($view->{images}, 2, 'each page has its image');
	is_deeply($view->{corrected}, [ qw(Quixotic zebra) ], 'the words of a person are marked');
	like($view->{text}, qr/approved by \w+, with a corrected text/, 'and who it was');
	cmp_ok($view->{keys}{second}, '<', 150, 'a key turns the page');
	is_deeply($seen->{desktop}{ $file{arabic} }{corrected}, [ ('مخلوق') x @{ $seen->{desktop}{ $file{arabic} }{corrected} } ], 'corrected words in another script');
	like($seen->{desktop}{ $file{blank} }{text}, qr/No image: the document of job \d+ was not kept/, 'without the document, the page says so');
	is($seen->{desktop}{ $file{blank} }{images}, 0, 'and has no image');
	like($seen->{desktop}{ $file{fast} }{text}, qr/\w{4}/, 'in tier fast the text is beside the image');
	for my $name (qw(typewriter turned debugged hostile_debugged))
	{
		my @pages = @{ $seen->{desktop}{ $file{$name} }{pages} };
		cmp_ok($_->{covered}, '>', 0.95, "$name: words lie over their ink") for @pages;
	}
}

# Words stand where the layout has them, as long as they are there; selected, they are the page's words in their order.
sub check_words
{
	my ($view, $job, $label) = @_;
	my @expected = map { [ split /\t/, $_ ] } split /\n/, decode_utf8($server->safe_psql('postgres',
		"SELECT w.page_no || E'\\t' || w.x::float8 / p.width || E'\\t' || w.y::float8 / p.width || E'\\t' || (w.x + w.width)::float8 / p.width
		     || E'\\t' || (w.y + w.height)::float8 / p.width || E'\\t' || w.text
		 FROM ocr_words($job) w JOIN ocr_pages($job) p USING (page_no) ORDER BY w.page_no, w.block_no, w.line_no, w.word_no"));
	my @words = map { @{ $_->{words} } } @{ $view->{pages} };
	is_deeply([ map { $_->{text} } @words ], [ map { $_->[5] } @expected ], "$label: the words of the page");
	# One pixel of a phone's screen is as much as it can be off.
	my @astray = grep { my $i = $_; grep { abs($words[$i]{place}[$_] - $expected[$i][ $_ + 1 ]) > 0.004 } 0 .. 3 } 0 .. $#expected;
	is_deeply([ map { $words[$_] } @astray ], [], "$label: each in its place");
	my @unfit = grep { abs($_->{letters} - 1) > 0.06 } @words;
	cmp_ok(scalar @unfit, '<=', 0.02 * @words, "$label: letters are as long as the word's box") or diag(explain(\@unfit));
	my @loose = grep { abs($_ - 1) > 0.25 } @{ $view->{without_scripts}{letters} };
	cmp_ok(scalar @loose, '<=', 0.2 * @words, "$label: nearly so without scripts");
	is(join('', map { $_->{selected} =~ s/\s//gr } @{ $view->{pages} }), join('', map { $_->[5] =~ s/\s//gr } @expected), "$label: what is selected is the text");
	if ($label =~ /typewriter|turned|hostile/)
	{
		is_deeply([ map { split ' ', $_->{selected} } @{ $view->{pages} } ], [ map { $_->[5] } @expected ], "$label: word by word");
	}
}

# The layout lies where the words are, and a word says what it is also where no script does it.
sub check_drawing
{
	my ($view, $job, $label) = @_;
	my ($words, @boxes) = map { [ split / / ] } split /\n/, $server->safe_psql('postgres',
		"SELECT words::text FROM ocr.pages WHERE job_id = $job
		 UNION ALL (SELECT string_agg((e.edge::float8 / p.width)::text, ' ' ORDER BY e.no) FROM ocr.pages p, jsonb_array_elements(p.layout->'blocks') WITH ORDINALITY AS b (block, no),
			jsonb_array_elements_text(b.block->'box') WITH ORDINALITY AS e (edge, no) WHERE p.job_id = $job GROUP BY b.no ORDER BY b.no)");
	is($view->{images}, 1, "$label: the picture was kept, and no document");
	for my $drawn ($view->{drawn}, $view->{without_scripts}{drawn})
	{
		my @frames = @{ $drawn->[0]{frames} };
		is(scalar @frames, scalar @boxes, "$label: each block has a frame");
		# One pixel of a phone's screen is as much as it can be off.
		my @astray = grep { my $i = $_; grep { abs($frames[$i][$_] - $boxes[$i][$_]) > 0.004 } 0 .. 3 } 0 .. $#boxes;
		is_deeply(\@astray, [], "$label: in its place");
		# Numbers that touch need no arrow.
		my $arrows = $drawn->[0]{arrows};
		ok($arrows < @boxes && $arrows >= (@boxes - 1) / 2, "$label: and an order");
	}
	my @titles = @{ $view->{without_scripts}{titles} };
	is(scalar @titles, $words->[0], "$label: each word has a title");
	is_deeply([ grep { $_->[1] !~ /^\Q$_->[0]\E · \d+ of 100$/ } @titles ], [], "$label: its text and confidence");
	is($view->{keys}{hidden}, 'none', "$label: a key hides the layout");
}

sub check_keys
{
	my ($view, $label) = @_;
	my ($keys, @marked) = ($view->{keys}, @{ $view->{marked} });
	is_deeply([ @$keys{qw(n nn nnp nnpp)} ], [ @marked[ 0, 1, 0, -1 ] ], "$label: keys go from one doubtful word to the next");
	ok($keys->{in_view}, "$label: and bring it into view");
	ok($keys->{zoomed_in_view}, "$label: also when it is enlarged");
	like($keys->{bubble}, qr/ · \d+ of 100$/, "$label: it says how sure it is");
	cmp_ok($keys->{larger}, '>', 1.2 * $keys->{whole}, "$label: + enlarges");
	cmp_ok($keys->{smaller}, '<', 0.85 * $keys->{whole}, "$label: - makes smaller");
	is($keys->{text}, 'rgb(0, 0, 0)', "$label: t shows what was read");
	is($view->{clicked}, $marked[-1], "$label: a click in the list goes to its word") if $label =~ /desktop/;
}
