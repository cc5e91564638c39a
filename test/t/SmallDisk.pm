# `use SmallDisk;`, before anything else, runs a test where it has a disk of its own, small enough to be filled: $disk, an
# empty directory. That takes no root, but a kernel that lets users make name spaces; elsewhere the test is skipped.
package SmallDisk;

use strict;
use warnings;
use Exporter 'import';
use File::Temp;

our @EXPORT = qw($disk fill_disk make_room);
our $disk = $ENV{PG_OCR_SMALL_DISK};

BEGIN
{
	unless ($ENV{PG_OCR_SMALL_DISK})
	{
		my $directory = File::Temp->newdir;
		chmod(0755, $directory);
		$ENV{PG_OCR_SMALL_DISK} = "$directory";
		# Only root may mount, and PostgreSQL runs for anybody but root: so root in one name space, and oneself in another.
		my @within = (
			qw(unshare --user --map-root-user --mount bash -c),
			'mount -t tmpfs -o size=160m,mode=0777 tmpfs "$0" && exec unshare --user --map-user="$1" --map-group="$2" -- "${@:3}"',
			"$directory", $>, (split / /, $))[0]);
		my $why = qx{@{[join ' ', map { quotemeta } @within, 'true']} 2>&1};
		if ($? != 0)
		{
			print "1..0 # SKIP users may not mount a tmpfs of their own here: $why\n";
			exit 0;
		}
		system(@within, $^X, (map { "-I$_" } @INC), $0);
		undef $directory;
		exit($? == 0 ? 0 : 1);
	}
}

my $ballast = "$disk/ballast";

sub fill_disk
{
	open(my $file, '>', $ballast) or die "$ballast: $!\n";
	for my $size (1 << 20, 4096)
	{
		1 while syswrite($file, 'x' x $size);
	}
	close($file);
}

sub make_room { unlink($ballast) or die "$ballast: $!\n" }

1;
