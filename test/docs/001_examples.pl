# The examples that readers copy work. The ```sql blocks of README.md and of each page of docs/ are run in order, as one
# session of psql per page, in the repository's root and in a database of the page's own. What follows such a block:
#
#   ```text     what psql prints, exactly; of what varies by nature only the process that a notification came from
#   ```         what psql prints something like: the columns are the same, the rows are others
#   neither     it runs without an error
#
# A page that names a store at port 9000 (S3) or 10000 (Azure) of this machine has it: a real one, with the documents that
# the page reads, at a port of its own; the same holds for an OCR server at port 8600. What it writes to /tmp/pg_ocr_docs goes elsewhere.
use strict;
use warnings;
use Cwd;
use File::Basename;
use File::Spec;
use Test::More;
use PgOcr;
use Providers;
use Stores;

my $root = File::Spec->rel2abs(dirname(__FILE__) . '/../..');
# pg_cron is in the database of the page that is about it.
my $server = new_server('examples', shared_preload_libraries => 'pg_ocr, pg_cron', 'cron.database_name' => 'page_schedule_md');
my $patience = 2 * ($PostgreSQL::Test::Utils::timeout_default // 180);

for my $page ("$root/README.md", sort glob "$root/docs/*.md")
{
	my $name = basename($page);
	my $text = PgOcr::slurp_utf8($page);
	my @examples = examples_of($text) or next;
	my $database = 'page_' . lc($name =~ s/\W/_/gr);
	$server->safe_psql('postgres', "CREATE DATABASE $database");
	# A page that shows how the extension is created does so itself.
	$server->safe_psql($database, 'CREATE EXTENSION pg_ocr') unless $text =~ /^CREATE EXTENSION pg_ocr/m;

	my %real = real_stores($text);
	my @printed = printed_by($database, map { replaced($_->{code}, %real) } @examples);
	@printed = map { replaced($_, reverse %real) } @printed;
	is(scalar @printed, scalar @examples, "$name is run to its end");
	for my $i (0 .. $#printed)
	{
		my ($example, $printed) = ($examples[$i], normalised($printed[$i]));
		my $where = "$name:$example->{line}";
		if (defined $example->{exactly})
		{
			is($printed, normalised($example->{exactly}), "$where prints what it says");
		}
		elsif (defined $example->{like})
		{
			is(columns_of($printed), columns_of($example->{like}), "$where prints the columns that it says");
		}
		else
		{
			unlike($printed, qr/^(?:ERROR|FATAL|PANIC|invalid command|.*\bnot found\b)/m, "$where runs");
		}
	}
	# Its workers' slots are the next page's.
	$server->safe_psql('postgres', "DROP DATABASE $database WITH (FORCE)");
}

# What stands in the page, and what is to stand in its place.
sub real_stores
{
	my ($text) = @_;
	my %documents = map { $_ => PostgreSQL::Test::Utils::slurp_file(PgOcr::document_path($_)) } qw(phototest.tif pdflatex-4-pages.pdf);
	if ($text =~ m{http://127\.0\.0\.1:9000})
	{
		my $s3 = start_s3();
		$s3->create_bucket('scans');
		$s3->put('scans', map { ("2026/$_" => $documents{$_}) } keys %documents);
		return ('http://127.0.0.1:9000' => $s3->url, 'the-key-id' => $s3->key_id, 'the-secret' => $s3->secret);
	}
	if ($text =~ m{http://127\.0\.0\.1:10000})
	{
		my $azure = start_azure();
		$azure->create_container('scans');
		$azure->put('scans', "2026/$_", $documents{$_}) for keys %documents;
		return ('http://127.0.0.1:10000/scans' => $azure->endpoint, 'the-token' => $azure->sas('scans', rights => 'rlcw'));
	}
	return ('http://127.0.0.1:8600' => start_ocr_server()) if $text =~ m{http://127\.0\.0\.1:8600};
	return ('/tmp/pg_ocr_docs' => PostgreSQL::Test::Utils::tempdir());
}

sub replaced
{
	my ($text, %real) = @_;
	$text =~ s/\Q$_\E/$real{$_}/g for keys %real;
	return $text;
}

sub examples_of
{
	my ($text) = @_;
	my @examples;
	while ($text =~ /^```sql\n(.*?)^```\n(?:\s*^```(text)?\n(.*?)^```\n)?/gms)
	{
		my ($code, $exactly, $output, $start) = ($1, $2, $3, $-[0]);
		my %example = (code => $code, line => 1 + (substr($text, 0, $start) =~ tr/\n//));
		$example{ $exactly ? 'exactly' : 'like' } = $output if defined $output;
		push @examples, \%example;
	}
	return @examples;
}

# What psql prints for each piece of SQL, errors included. A notification of our own marks the end of each: the server
# sends it after all that came before, also the notifications of jobs that ended meanwhile.
sub printed_by
{
	my ($database, @codes) = @_;
	my $input = "LISTEN end_of_example;\n";
	$input .= "$codes[$_]\nNOTIFY end_of_example, '$_';\n" for 0 .. $#codes;
	my ($output, $now_in) = ('', Cwd::getcwd());
	chdir $root or die "$root: $!\n";
	IPC::Run::run(
		[ 'psql', '-X', '-q', '-P', 'pager=off', '-v', 'SHOW_CONTEXT=never', '-d', $server->connstr($database) ],
		'<', \$input, '>', \$output, '2>&1', IPC::Run::timeout($patience));
	chdir $now_in or die "$now_in: $!\n";
	utf8::decode($output);
	my @printed = split /^Asynchronous notification "end_of_example" .*\n/m, $output, -1;
	pop @printed;
	return @printed;
}

# Processes, and which languages there are, differ from machine to machine.
sub normalised
{
	my ($printed) = @_;
	# psql prints a notification with whatever comes next.
	my (@heard, @rest);
	push @{ /^Asynchronous notification/ ? \@heard : \@rest }, $_ for split /\n/, $printed;
	$printed = join("\n", @rest, '', @heard) =~ s/\n{3,}/\n\n/gr if @heard;
	return $printed =~ s/server process with PID \K[0-9]+/…/gr =~ s/^HINT:  Installed: \K[\w, ]+/…/gmr =~ s/[ \t]+$//gmr =~ s/\A\n+|\n+\z//gr;
}

sub columns_of { return (split /\n/, $_[0])[0] =~ s/\s+/ /gr =~ s/^ | $//gr }

$server->stop;
done_testing();
