# Providers: pages are read by a server elsewhere, which really reads them, and by the next of the list where it does not.
use strict;
use warnings;
use Test::More;
use PgOcr;
use Providers;

my $url = start_ocr_server();

my $server = new_server('providers',
	'pg_ocr.workers' => 1,
	'pg_ocr.page_timeout' => '1h',
	'pg_ocr.fast_providers' => 'solo',
	'pg_ocr.balanced_providers' => 'first, pg_ocr',
	'pg_ocr.accurate_providers' => 'pg_ocr, first');
sub sql { return $server->safe_psql('postgres', $_[0]) }

my $paths = q{words '$.pages[*].words[*]'};
sql("CREATE SERVER $_ FOREIGN DATA WRAPPER ocr_provider OPTIONS (url '$url/ocr', $paths, allow_private_addresses 'true')") for qw(solo first);
sub lead { my ($name, $path) = @_; return sql("ALTER SERVER $name OPTIONS (SET url '$url/$path')") }
sub page { my ($job, $what) = @_; ended($server, $job); return sql("SELECT $what FROM ocr.pages WHERE job_id = $job") }

# A server reads.
my $job = submit($server, 'phototest.tif');
is(page($job, q{provider || ' ' || status || ' ' || (tried IS NULL)}), 'first read true', 'a page is read by the server that comes first');
like(page($job, 'engine'), qr/, first$/, 'and says so');
cmp_ok(character_error_rate(sql("SELECT ocr_text($job)"), true_text('phototest.tif')), '<', 0.02, 'its text is what is on the page');
is(sql("SELECT count(*) > 50 AND bool_and(x >= 0 AND y >= 0 AND x + width <= 640 AND y + height <= 480 AND confidence > 50) FROM ocr_words($job)"),
	't', 'each word has its box and its confidence');
is(sql("SELECT count(DISTINCT (block_no, line_no)) FROM ocr_words($job)"), 8, 'in lines');
my $first_word = sql("SELECT (x, y, width, height) FROM ocr_words($job) LIMIT 1");
lead('first', 'shares');
sql(q{ALTER SERVER first OPTIONS (SET words '$.result[*]', ADD text '$.description', ADD box '$.bounds.vertices', ADD box_unit 'page', ADD confidence '$.score', ADD confidence_scale '1')});
$job = submit($server, 'phototest.tif');
is(page($job, 'provider'), 'first', 'one that answers in corners, shares of the page');
is(sql("SELECT count(*) > 50 AND min(confidence) > 50 FROM ocr_words($job)"), 't', 'is read as well');
my $same_word = sql("SELECT (x, y, width, height) FROM ocr_words($job) LIMIT 1");
is(sql("SELECT bool_and(abs(a.v::int - b.v::int) <= 1) FROM unnest(string_to_array(btrim('$first_word', '()'), ',')) WITH ORDINALITY a (v, n) "
	  . "JOIN unnest(string_to_array(btrim('$same_word', '()'), ',')) WITH ORDINALITY b (v, n) USING (n)"), 't', 'its boxes are the same');
sql(q{ALTER SERVER first OPTIONS (SET words '$.pages[*].words[*]', DROP text, DROP box, DROP box_unit, DROP confidence, DROP confidence_scale)});

# One that fails is a try that failed.
for my $case (
	[ '500', qr/500 Internal Server Error/ ],
	[ '403', qr/403 Forbidden/ ],
	[ '302', qr/302 Found, and pages follow no redirect/ ],
	[ 'garbage', qr/did not answer with JSON/ ],
	[ 'empty', qr/did not answer with JSON/ ],
	[ 'deep', qr/did not answer with JSON/ ],
	[ 'gzip', qr/did not answer with JSON/ ],
	[ 'nul', qr/did not answer with JSON/ ],
	[ 'latin', qr/did not answer with JSON/ ],
	[ 'huge', qr/answered with more than 16 MB/ ],
	[ 'quota', qr/answered without \$\.pages/ ],
	[ 'many', qr/more than 100000 words/ ],
	[ 'digits', qr/none of the words .* has a text/ ],
	[ 'boxless', qr/none of the words .* has a text/ ])
{
	my ($path, $reason) = @$case;
	lead('first', $path);
	$job = submit($server, 'simple.png');
	is(page($job, q{status || ' ' || provider}), 'read pg_ocr', "$path: the next provider reads the page");
	like(page($job, q{tried->0->>'error'}), $reason, "$path: the page says what was wrong");
	is(page($job, q{(tried->1->>'way') || (SELECT count(*) FROM jsonb_array_elements(tried) t WHERE t ? 'won')}), 'by pg_ocr1', "$path: and who read it");
}
lead('first', 'ocr');
$job = submit($server, 'simple.png', q{tier => 'accurate', options => '{"reuse": false, "approve_confidence": 100}'});
like(page($job, 'tried'), qr/"by first.*"words"/, 'a server comes second where the first reading was not good enough');
lead('first', 'outside');
$job = submit($server, 'simple.png', q{tier => 'balanced', options => '{"reuse": false, "approve_confidence": 0}'});
is(page($job, 'provider'), 'first', 'words that lie outside the page');
is(sql("SELECT string_agg(format('%s %s,%s,%s,%s %s', text, x, y, width, height, confidence), '|') FROM ocr_words($job)"),
	'half 0,0,40,40 100|two 10,60,30,20 0|words 50,60,50,20 0', 'are cut or left out, and a text with blanks is taken apart');

# Where it is the only one, the page waits for it to come back.
lead('solo', '429');
$job = submit($server, 'simple.png', q{tier => 'fast'});
ok(wait_until($server, "SELECT error_code = 'provider_unavailable' AND status = 'pending' FROM ocr.jobs WHERE id = $job"), 'one that is overloaded is asked again, later');
lead('solo', 'ocr');
is(page($job, q{provider || ' ' || status}), 'solo read', 'and reads the page once it can');
is(sql("SELECT count(*) > 0 FROM ocr.failures WHERE job_id = $job AND page_no = 1 AND error ~ '429'"), 't', 'the attempt is on record');
lead('solo', '403');
$job = submit($server, 'simple.png', q{tier => 'fast'});
is(ended($server, $job)->{error_code}, 'provider_refused', 'one that refuses is not asked again');

# Secrets and rights are those of the job's owner.
lead('solo', 'secret');
sql('CREATE ROLE clerk LOGIN; GRANT SELECT ON ocr.jobs TO clerk');
sub by_clerk { return sql('SET ROLE clerk; SELECT ocr_submit(' . 'decode($$' . unpack('H*', document_bytes('simple.png')) . q{$$, 'hex'), tier => 'fast', options => '{"reuse": false}')}) }
$job = by_clerk();
like(ended($server, $job)->{error}, qr/role "clerk" has no USAGE on server "solo"/, 'USAGE is asked for');
sql('GRANT USAGE ON FOREIGN SERVER solo TO clerk');
sql(q{CREATE USER MAPPING FOR clerk SERVER solo OPTIONS (bearer_token 'wrong words, sorry')});
my $error = ended($server, by_clerk())->{error};
like($error, qr/401/, 'a wrong token is refused');
unlike($error, qr/sorry/, 'and shown nowhere');
sql(q{ALTER USER MAPPING FOR clerk SERVER solo OPTIONS (SET bearer_token 'open sesame, please')});
is(page(by_clerk(), 'provider'), 'solo', 'the right one reads');
sql(q{ALTER SERVER solo OPTIONS (SET allow_private_addresses 'false')});
like(ended($server, by_clerk())->{error}, qr/which is not public/, 'private addresses are refused as a webhook\'s are');
sql(q{ALTER SERVER solo OPTIONS (SET allow_private_addresses 'true')});

# While it thinks, the worker minds the claim and its children. No time that is given ends it.
sql("ALTER SERVER $_ OPTIONS (ADD timeout '86400')") for qw(solo first);
sub told_by_server { my ($what) = @_; my $answer = ''; IPC::Run::run([ 'python3', '-c', "import urllib.request; print(urllib.request.urlopen('$url/$what').read().decode())" ], '>', \$answer); return $answer + 0 }
sub wait_for_hanging { my ($count) = @_; for (1 .. 1000) { return 1 if told_by_server('hanging') == $count; wait_until($server, 'SELECT true') } return 0 }
sub worker { return (split /\|/, sql('SELECT pid FROM ocr.workers'))[0] }
sub child { my ($name) = @_; return (grep { PostgreSQL::Test::Utils::slurp_file("/proc/$_/comm") =~ /$name/ } children_of(worker()))[0] }

for my $path ('hang', 'drip')
{
	lead('solo', $path);
	$job = submit($server, 'simple.png', q{tier => 'fast'});
	wait_for_hanging(1);
	sql("SELECT ocr_cancel($job)");
	ok(wait_for_hanging(0), "$path: a job that is cancelled while its provider thinks ends the call");
}
lead('first', 'hang');
$job = submit($server, 'simple.png');
wait_for_hanging(1);
my $engine = child('pg_ocr_engine');
ok($engine, 'an engine waits for the answer');
kill('KILL', $engine);
ok(wait_until($server, "SELECT count(*) = 1 FROM ocr.failures WHERE job_id = $job AND error_code = 'engine_crashed' AND page_no = 1"), 'one that is killed meanwhile is missed at once');
wait_for_hanging(1);
isnt(child('pg_ocr_engine'), $engine, 'another asks in its place');
my $http = child('pg_ocr_http');
ok($http, 'its pg_ocr_http waits');
kill('KILL', $http);
is(page($job, q{status || ' ' || provider}), 'read pg_ocr', 'one that is killed meanwhile is a try that failed');
is(sql("SELECT attempts FROM ocr.jobs WHERE id = $job"), 2, 'and no attempt');
ok(wait_for_hanging(0), 'no call is left behind');
$job = submit($server, 'simple.png');
wait_for_hanging(1);
my $worker = worker();
sql("SELECT pg_terminate_backend($worker)");
wait_for_end_of($worker);
wait_for_hanging(1);
isnt(worker(), $worker, 'a worker that is told to stop meanwhile leaves the page to another');
is(sql("SELECT attempts || ' ' || (SELECT count(*) FROM ocr.failures f WHERE f.job_id = j.id) FROM ocr.jobs j WHERE id = $job"), '1 0', 'and costs no attempt');
sql('DROP SERVER first');
sql("SELECT ocr_cancel($job)");
ok(wait_for_hanging(0), 'its call ends');
sql("CREATE SERVER first FOREIGN DATA WRAPPER ocr_provider OPTIONS (url '$url/crowd', $paths, allow_private_addresses 'true')");
$job = submit($server, 'simple.png', q{tier => 'balanced', options => '{"reuse": false, "approve_confidence": 0}'});
is(page($job, q{status || ' ' || provider || ' ' || words}), 'read first 100000', 'as many words as a page may have are read');
lead('first', 'hang');
sql(q{ALTER SERVER first OPTIONS (ADD timeout '1')});
$job = submit($server, 'simple.png');
like(page($job, q{provider || ' ' || (tried->0->>'error')}), qr/^pg_ocr .*timeout 1 s/, 'and so is one that takes longer than its timeout');

# What can be declared.
for my $case (
	[ q{url 'http://x/'}, qr/needs the options "url" and "words"/ ],
	[ q{url 'http://x/', words '$.**.words'}, qr/invalid value for option "words"/ ],
	[ q{url 'http://x/', words '$.a ? (@.b like_regex "x")'}, qr/invalid value for option "words"/ ],
	[ q{url 'http://x/', words '$', box_form 'round'}, qr/edges \(left/ ],
	[ q{url 'http://x/', words '$', bearer_token 'x'}, qr/does not belong here/ ])
{
	my ($options, $complaint) = @$case;
	like(sql_error($server, "CREATE SERVER s FOREIGN DATA WRAPPER ocr_provider OPTIONS ($options)"), $complaint, "OPTIONS ($options) is refused");
}
like(sql_error($server, "SET pg_ocr.balanced_providers = 'solo'; SELECT ocr(" . document('simple.png') . ')'), qr/ocr\(\) asks no server/, 'ocr() asks no server');
for my $list ('', 'pg_ocr,', 'pg_ocr, pg_ocr')
{
	like(sql_error($server, "SET pg_ocr.fast_providers = '$list'"), qr/invalid value.*HINT:.*pg_ocr, tesseract/s, "'$list' is no list of providers");
}

$server->stop;
done_testing();
