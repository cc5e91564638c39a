# The examples that readers copy work: every ```sql block of README.md and docs/ is run, page by page in order, each
# page in a database of its own. Where a ```text block follows, it is what psql prints.
use strict;
use warnings;
use File::Basename;
use Test::More;
use PgOcr;

my $root = dirname(__FILE__) . '/../..';
my $server = new_server('examples');
my $examples = 0;

for my $page ("$root/README.md", sort glob "$root/docs/*.md")
{
	my $text = PgOcr::slurp_utf8($page);
	my $name = basename($page);
	my $database = 'page_' . lc($name =~ s/\W/_/gr);
	my $created = 0;
	while ($text =~ /^```sql\n(.*?)^```\n(?:\s*^```text\n(.*?)^```\n)?/gms)
	{
		my ($code, $printed) = ($1, $2);
		my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
		$server->safe_psql('postgres', "CREATE DATABASE $database") unless $created++;
		# The documents that the examples name are those of test/data.
		$code =~ s{'/path/to/([^']+)'}{"'" . PgOcr::document_path($1) . "'"}ge;
		my ($output, $error) = ('', '');
		my $result = IPC::Run::run(
			[ 'psql', '-X', '-q', '-P', 'pager=off', '-v', 'ON_ERROR_STOP=1', '-d', $server->connstr($database), '-f', '-' ],
			'<', \$code, '>', \$output, '2>', \$error);
		ok($result, "$name:$line runs") or diag($error);
		is($output =~ s/\s+$//gmr, $printed =~ s/\s+$//gmr, "$name:$line prints what it says") if defined $printed;
		$examples++;
	}
}
cmp_ok($examples, '>', 0, 'there are examples');

$server->stop;
done_testing();
