# The chaos run, as long as one likes; see test/chaos/run.
use strict;
use warnings;
use Getopt::Long;
use Test::More;
use File::Basename;
use lib dirname(__FILE__);
use Chaos 'run_chaos';

my %wanted = (jobs => 3000, kills => 150, seed => time % 1_000_000);
GetOptions(map { ("$_=i" => \$wanted{$_}) } keys %wanted) or die "usage: chaos.pl [--jobs N] [--kills N] [--seed N]\n";
run_chaos(%wanted, talkative => 1);
done_testing();
