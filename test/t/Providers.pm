# The server that reads pages with the program `tesseract`, for the tests of providers; it ends with the test.
package Providers;

use strict;
use warnings;
use Cwd 'abs_path';
use Exporter 'import';
use File::Basename;

our @EXPORT = qw(start_ocr_server);
my @processes;

# Its URL, without a path.
sub start_ocr_server
{
	my $pid = open(my $says, '-|', 'python3', abs_path(dirname(__FILE__) . '/../providers/ocr_server.py'))
	  or die "no OCR server: $!\n";
	push @processes, [ $pid, $says ];
	chomp(my $port = <$says> // die "the OCR server does not start\n");
	return "http://127.0.0.1:$port";
}

END
{
	my $status = $?;
	for my $process (@processes)
	{
		kill('TERM', $process->[0]);
		close($process->[1]);
	}
	$? = $status;
}

1;
