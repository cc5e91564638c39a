# A short chaos run: processes of every kind are killed while jobs go through. test/chaos/run is the long one.
use strict;
use warnings;
use Test::More;
use File::Basename;
use lib dirname(__FILE__) . '/../chaos';
use Chaos 'run_chaos';

run_chaos(jobs => 300, kills => 24, seed => 1);
done_testing();
