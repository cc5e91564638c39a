# Whatever users find in the database is on a page: each function that they may call has a heading on one page of docs/, which is
# its home, with an example that test/docs/001_examples.pl runs; tables, views and settings are named in `code`.
use strict;
use warnings;
use File::Basename;
use File::Spec;
use Test::More;
use PgOcr;

my $root = File::Spec->rel2abs(dirname(__FILE__) . '/../..');
my $server = new_server('documented', 'pg_ocr.workers' => 0);
my %page = map { basename($_) => PgOcr::slurp_utf8($_) } glob "$root/docs/*.md";

# What stands below the headings that name a function, down to the next heading of their level, by page.
sub homes_of
{
	my ($function) = @_;
	my %section;
	for my $name (sort keys %page)
	{
		my ($level, $in_code) = (0, 0);
		for my $line (split /^/, $page{$name})
		{
			$in_code = !$in_code if $line =~ /^```/;
			if (!$in_code && (my ($marks, $heading) = $line =~ /^(##+) (.*)/))
			{
				$level = 0 if length $marks <= $level;
				$level ||= length $marks if $heading =~ /(?<![\w.])$function(?![\w.])/;
			}
			$section{$name} .= $line if $level;
		}
	}
	return %section;
}

for my $function (split /\n/, $server->safe_psql('postgres', q{
	SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1}))
{
	my %section = homes_of($function);
	is(scalar keys %section, 1, "$function has one home") or diag(join ' ', sort keys %section);
	like(join('', values %section), qr/^```sql\n(?:(?!^```).)*\b$function\(/ms, "$function has an example there");
}

my $named = join ' ', map { /^```.*?^```$|`[^`\n]+`/gms } values %page;
for my $object (split /\n/, $server->safe_psql('postgres', q{
	SELECT 'ocr.' || relname FROM pg_class WHERE relnamespace = 'ocr'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege('public', oid, 'SELECT')
	UNION ALL SELECT 'ocr.' || proname FROM pg_proc WHERE pronamespace = 'ocr'::regnamespace AND obj_description(oid, 'pg_proc') !~ '^Internal: '
	UNION ALL SELECT name FROM pg_settings WHERE name LIKE 'pg\\_ocr.%'
	UNION ALL SELECT fdwname FROM pg_foreign_data_wrapper ORDER BY 1}))
{
	like($named, qr/(?<![\w.])\Q$object\E(?!\w)/, "$object is documented");
}
like($page{'settings.md'}, qr/`\Q$_\E`/, "$_ is on the page of settings")
  for split /\n/, $server->safe_psql('postgres', q{SELECT name FROM pg_settings WHERE name LIKE 'pg\\_ocr.%' ORDER BY 1});

$server->stop;
done_testing();
