# What the tests of a live server share: a server with pg_ocr preloaded, documents of test/data, waiting on conditions,
# and looking at processes.
package PgOcr;

use strict;
use warnings;
use Exporter 'import';
use File::Basename;
use File::Find;
use IPC::Run;
use List::Util qw(min max);
use Test::More;
use Time::HiRes qw(usleep time);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(new_server document document_bytes pdf_of paper true_text submit status ended wait_until wait_for_page wait_for_workers wait_for_log
  is_running wait_for_end_of children_of engines_of character_error_rate sql_error seconds);

# How long a condition may take before a test gives up. Far longer than anything takes on a slow machine: a test that
# fails by it is stuck, not slow.
my $patience = $PostgreSQL::Test::Utils::timeout_default // 180;

# A running server with pg_ocr preloaded and created in the database postgres. Settings override these.
sub new_server
{
	my ($name, %settings) = @_;
	%settings = (
		shared_preload_libraries => 'pg_ocr',
		'pg_ocr.workers' => 2,
		log_statement => 'none',
		restart_after_crash => 'on',
		%settings);
	my $server = PostgreSQL::Test::Cluster->new($name);
	$server->init(extra => [ '--encoding=UTF8', '--locale=C', '--no-sync' ]);
	$server->append_conf('postgresql.conf', "$_ = '$settings{$_}'\n") for sort keys %settings;
	$server->start;
	$server->safe_psql('postgres', 'CREATE EXTENSION pg_ocr') if $settings{shared_preload_libraries} =~ /pg_ocr/;
	return $server;
}

# The path of a document of test/data, by its name.
sub document_path
{
	my ($name) = @_;
	my $folder = dirname(__FILE__) . '/../data';
	my @found;
	find(sub { push @found, $File::Find::name if $_ eq $name }, $folder);
	die @found . " files of test/data are named $name, one is needed\n" if @found != 1;
	return File::Spec->rel2abs($found[0]);
}

# An SQL expression for the bytes of a document of test/data.
sub document { return "pg_read_binary_file('" . document_path($_[0]) . "')" }

# Those bytes themselves.
sub document_bytes
{
	open(my $file, '<:raw', document_path($_[0])) or die "$_[0]: $!\n";
	local $/;
	return scalar <$file>;
}

# A PDF of these objects, the first of which is its catalog.
sub pdf_of
{
	my ($pdf, @offsets) = "%PDF-1.5\n";
	for my $number (1 .. @_)
	{
		push @offsets, length $pdf;
		$pdf .= "$number 0 obj\n$_[$number - 1]\nendobj\n";
	}
	my $table = length $pdf;
	$pdf .= "xref\n0 " . (@_ + 1) . "\n0000000000 65535 f \n" . join('', map { sprintf "%010d 00000 n \n", $_ } @offsets);
	return $pdf . 'trailer << /Size ' . (@_ + 1) . " /Root 1 0 R >>\nstartxref\n$table\n%%EOF\n";
}

# A page of a PDF that says something, as an SQL literal.
sub paper
{
	my ($words) = @_;
	my $drawing = "BT /F1 24 Tf 20 40 Td ($words) Tj ET";
	return "'\\x" . unpack('H*', pdf_of('<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Count 1 /Kids [4 0 R] >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 100] /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R >>',
		'<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream")) . "'::bytea";
}

# What is really written on a document of test/data.
sub true_text { return slurp_utf8(document_path($_[0]) . '.gt.txt') }

sub slurp_utf8
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!\n";
	local $/;
	return scalar <$file>;
}

# Submits a document of test/data, to be read even where its result is known; the arguments after the document are SQL,
# such as "language => 'fra'".
sub submit
{
	my ($server, $name, $arguments, %options) = @_;
	my @arguments = ($arguments // (), ($arguments // '') =~ /options =>/ ? () : q{options => '{"reuse": false}'});
	my $call = 'SELECT ocr_submit(' . join(', ', document($name), @arguments) . ')';
	return $server->safe_psql($options{database} // 'postgres', $call);
}

# The row of ocr_status as a hash; SQL NULL is undef.
sub status
{
	my ($server, $job, %options) = @_;
	my $row = $server->safe_psql($options{database} // 'postgres',
		"SELECT string_agg(key || '=' || coalesce(value, '\x01'), E'\\x02') FROM json_each_text((SELECT row_to_json(s) FROM ocr_status($job) s))"
	);
	return { map { my ($key, $value) = split /=/, $_, 2; ($key, $value eq "\x01" ? undef : $value) } split /\x02/, $row };
}

# Polls until the query says true. A server that restarts meanwhile counts as not yet. Dies, with what the server knows,
# when the test has waited long enough.
sub wait_until
{
	my ($server, $query, %options) = @_;
	my $database = $options{database} // 'postgres';
	my $give_up = time + $patience;
	while (1)
	{
		my ($result, $output, $error) = (1, '', '');
		$result = eval { $server->psql($database, $query, stdout => \$output, stderr => \$error, on_error_stop => 1) } // 1;
		# psql ends before it has taken the query where the server lets nobody in.
		die $@ if $@ && $@ !~ /Broken pipe/;
		return 1 if $result == 0 && $output eq 't';
		if (time > $give_up)
		{
			my $known = '';
			$server->psql($database, 'SELECT * FROM ocr.jobs; SELECT * FROM ocr.tasks; SELECT * FROM ocr.workers',
				stdout => \$known);
			diag("last answer: $output $error\n$known\n" . log_tail($server));
			die "waited in vain for: $query\n";
		}
		usleep(20_000);
	}
}

# Waits until the server has logged this so many times; what it had logged before it was that long does not count.
sub wait_for_log
{
	my ($server, $pattern, %options) = @_;
	my $give_up = time + $patience;
	while (1)
	{
		my $found = () = substr(slurp_file($server->logfile), $options{after} // 0) =~ /$pattern/g;
		return 1 if $found >= ($options{times} // 1);
		die "the server never logged $pattern:\n" . log_tail($server) . "\n" if time > $give_up;
		usleep(20_000);
	}
}

sub log_tail
{
	my ($server) = @_;
	my @lines = split /\n/, slurp_file($server->logfile);
	return join("\n", @lines[ max(0, @lines - 40) .. $#lines ]);
}

# Waits until a job has ended and returns its row.
sub ended
{
	my ($server, $job, %options) = @_;
	wait_until($server, "SELECT status IN ('completed', 'failed', 'cancelled') FROM ocr.jobs WHERE id = $job", %options);
	return status($server, $job, %options);
}

# Waits until a worker's engine is in the middle of a page of this job; returns the worker's and the engine's pids and
# the page's number.
sub wait_for_page
{
	my ($server, $job, %options) = @_;
	# The server looks by itself: by the time that psql has started, a page may be done.
	my $row = $server->safe_psql($options{database} // 'postgres', qq{
		DO \$\$
		DECLARE
			at_page text := '';
		BEGIN
			LOOP
				SELECT concat_ws('|', pid, engine_pid, page_no) INTO at_page FROM ocr.workers
				WHERE database = current_database() AND job_id = $job AND page_no > 0 AND engine_pid > 0 LIMIT 1;
				EXIT WHEN FOUND OR clock_timestamp() > now() + interval '$patience s'
					OR EXISTS (SELECT FROM ocr.jobs WHERE id = $job AND finished_at IS NOT NULL);
				PERFORM pg_sleep(0.005);
			END LOOP;
			PERFORM set_config('test.at_page', at_page, false);
		END
		\$\$;
		SELECT current_setting('test.at_page')});
	die "job $job ended, or waited, without having been seen at a page:\n" . log_tail($server) . "\n" if $row eq '';
	return split /\|/, $row;
}

sub wait_for_workers
{
	my ($server, $count, $database) = @_;
	return wait_until($server,
		"SELECT count(*) = $count FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker' AND datname = '"
		  . ($database // 'postgres') . "'");
}

# Whether a process lives; one that only waits to be reaped does not.
sub is_running
{
	my ($pid) = @_;
	open(my $stat, '<', "/proc/$pid/stat") or return 0;
	my $line = <$stat> // '';
	return $line =~ /\) ([A-Za-z])/ && $1 !~ /[ZX]/ ? 1 : 0;
}

sub wait_for_end_of
{
	my ($pid) = @_;
	my $give_up = time + $patience;
	while (is_running($pid))
	{
		die "process $pid does not end\n" if time > $give_up;
		usleep(5_000);
	}
	return 1;
}

# The pids of a process' living children; of those of one name, where one is given.
sub children_of
{
	my ($parent, $wanted) = @_;
	my @children;
	for my $path (glob '/proc/[0-9]*/stat')
	{
		open(my $stat, '<', $path) or next;
		my ($pid, $name, $state, $ppid) = (<$stat> // '') =~ /^(\d+) \((.*)\) (\S) (\d+)/ or next;
		push @children, $pid if $ppid == $parent && $state !~ /[ZX]/ && $name eq ($wanted // $name);
	}
	return @children;
}

sub engines_of { return children_of($_[0], 'pg_ocr_engine') }

# Runs a query that must fail, and returns what psql says of it, SQLSTATE included.
sub sql_error
{
	my ($server, $query, %options) = @_;
	my $error = '';
	my $result = $server->psql($options{database} // 'postgres', "\\set VERBOSITY verbose\n$query", stderr => \$error);
	return $result == 0 ? '' : $error;
}

# Seconds that a piece of work takes.
sub seconds
{
	my ($work) = @_;
	my $start = time;
	$work->();
	return time - $start;
}

# Levenshtein distance of two texts, runs of white space taken as one blank, over the true text's length. Computed in a
# band around the diagonal that widens until the distance fits into it.
sub character_error_rate
{
	my ($text, $truth) = map { s/\s+/ /gr =~ s/^ | $//gr } @_;
	my @is = split //, $text;
	my @should = split //, $truth;
	my $distance;
	for (my $band = abs(@is - @should) + 16;; $band *= 2)
	{
		my @row = map { $_ <= $band ? $_ : 1e9 } 0 .. @should;
		for my $i (1 .. @is)
		{
			my @next = (1e9) x @row;
			$next[0] = $i if $i <= $band;
			for my $j (max(1, $i - $band) .. min(scalar @should, $i + $band))
			{
				$next[$j] = min($row[$j] + 1, $next[ $j - 1 ] + 1, $row[ $j - 1 ] + ($is[ $i - 1 ] ne $should[ $j - 1 ]));
			}
			@row = @next;
		}
		$distance = $row[-1];
		last if $distance <= $band || $band > @is + @should;
	}
	return $distance / max(1, scalar @should);
}

1;
