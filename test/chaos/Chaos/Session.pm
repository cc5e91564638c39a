# A session with a server that may be gone at any moment, and the book in which a client writes down what it was told.
package Chaos::Session;

use strict;
use warnings;
use DBD::Pg;
use DBI;
use Time::HiRes qw(time usleep);

# How long the server may be away. Far longer than any restart takes on a slow machine.
my $patience = 300;

# dsn: as of DBI. role: who connects. ledger: the file to write to, if any.
sub new
{
	my ($class, %self) = @_;
	if ($self{ledger})
	{
		open($self{book}, '>:encoding(UTF-8)', $self{ledger}) or die "$self{ledger}: $!\n";
		$self{book}->autoflush(1);
	}
	$self{parent} = getppid;
	return bless \%self, $class;
}

# The connection; waits until there is one.
sub connection
{
	my ($self) = @_;
	return $self->{connection} if $self->{connection};
	my $give_up = time + $patience;
	while (1)
	{
		$self->{connection} = eval {
			DBI->connect($self->{dsn}, $self->{role} // 'postgres', '',
				{ RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1 })
		};
		if ($self->{connection})
		{
			$self->{connections}++;
			return $self->{connection};
		}
		die "no connection within $patience s: $DBI::errstr\n" if time > $give_up;
		$self->rest;
	}
}

# Does a piece of work in the connection. Returns 'done' and what came of it; or 'lost' where the connection ended, so that
# nobody knows whether the server has done it; or 'refused' and the error.
sub try
{
	my ($self, $work) = @_;
	my $connection = $self->connection;
	my @result;
	return ('done', @result) if eval { @result = $work->($connection); 1 };
	my $error = $@;
	if ($connection->ping)
	{
		eval { $connection->rollback unless $connection->{AutoCommit} };
		return ('refused', $error =~ s/\s+/ /gr);
	}
	$self->disconnect;
	return ('lost');
}

# The same, again and again until the server has answered: for what may be done twice.
sub insist
{
	my ($self, $work) = @_;
	while (1)
	{
		my ($outcome, @result) = $self->try($work);
		return @result if $outcome eq 'done';
		die "the server refused: @result\n" if $outcome eq 'refused';
		$self->rest;
	}
}

sub disconnect
{
	my ($self) = @_;
	eval { $self->{connection}->disconnect } if $self->{connection};
	$self->{connection} = undef;
}

# Waits a little; ends this process where the one that started it is gone.
sub rest
{
	my ($self, $seconds) = @_;
	POSIX::_exit(1) if getppid != $self->{parent};
	usleep(1e6 * ($seconds // 0.03));
}

sub write_down
{
	my ($self, @fields) = @_;
	print { $self->{book} } join("\t", map { defined ? s/[\t\n\\]/ /gr : '\N' } @fields), "\n";
}

1;
