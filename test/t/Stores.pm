# Real stores, web servers and receivers of webhooks for tests: none of them written by us, but for what no real one does.
#
#   my $s3 = start_s3();                                   OpenStack Swift with its S3 interface; it verifies signatures
#   $s3->create_bucket('scans');
#   $s3->put('scans', 'a key', $bytes);  $s3->get('scans', 'a key')
#   my $azure = start_azure();                             Azurite
#   my $web = start_web();                                 nginx: $web->url('/open/…'), $web->tls_url('/open/…')
#   my $receiver = start_receiver();                       verifies webhooks: $receiver->url('/ok'), $receiver->received
#
# They listen on free ports of 127.0.0.1, keep what they write in a temporary folder, and end with the test, however that
# ends. Each of them has stop, start (again, at the same port) and log. Packages: scripts/install-dependencies test.
package Stores;

use strict;
use warnings;
use Exporter 'import';
use Cwd qw(abs_path);
use File::Basename;
use File::Temp;
use IO::Socket::INET;

our @EXPORT = qw(start_s3 start_azure start_web start_receiver);

my $programs = abs_path(dirname(__FILE__) . '/../stores');
my $patience = 60;

sub start_s3 { return Stores::S3->new(@_) }
sub start_azure { return Stores::Azure->new(@_) }
sub start_web { return Stores::Web->new(@_) }
sub start_receiver { return Stores::Receiver->new(@_) }

# Ports that no outgoing connection of this machine takes meanwhile.
sub free_port
{
	while (1)
	{
		my $port = 12000 + int(rand(20000));
		return $port if IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1);
	}
}

sub write_file
{
	my ($path, $content) = @_;
	open(my $file, '>:raw', $path) or die "$path: $!\n";
	print $file $content;
	close($file) or die "$path: $!\n";
}

sub read_file
{
	my ($path) = @_;
	open(my $file, '<:raw', $path) or die "$path: $!\n";
	local $/;
	return scalar(<$file>) // '';
}

# Runs a program to its end and returns what it printed.
sub run
{
	my ($input, @command) = @_;
	my $in = File::Temp->new;
	print $in $input;
	$in->flush;
	my $pid = open(my $output, '-|') // die "fork: $!\n";
	if ($pid == 0)
	{
		open(STDIN, '<', "$in") or die "$in: $!\n";
		exec(@command) or die "$command[0]: $!\n";
	}
	local $/;
	my $printed = <$output>;
	close($output) or die "$command[0] failed: " . ($printed // '') . "\n";
	return $printed;
}

package Stores::Server;

use POSIX ':sys_wait_h';
use Time::HiRes qw(usleep time);

my %running;

# A server: what it is called and how its program is run is told by the class.
sub new
{
	my ($class, %options) = @_;
	my $self = bless { %options, folder => File::Temp->newdir, port => Stores::free_port() }, $class;
	chmod 0755, "$self->{folder}";
	$self->prepare;
	$self->start;
	return $self;
}

sub prepare { }
sub folder { return "$_[0]{folder}" }
sub port { return $_[0]{port} }
sub pid { return $_[0]{pid} }
sub url { return "http://127.0.0.1:$_[0]{port}" . ($_[1] // '') }
sub log { return Stores::read_file("$_[0]{folder}/log") }

# Starts it, and waits until it takes connections. It dies with the test, even where that is killed.
sub start
{
	my ($self) = @_;
	my @command = $self->command;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$self->{folder}/log");
		open(STDERR, '>&', \*STDOUT);
		exec('setpriv', '--pdeathsig', 'KILL', '--', @command) or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	$running{$pid} = $self->{folder};
	my $give_up = time + $patience;
	until ($self->answers)
	{
		if (waitpid($pid, WNOHANG) == $pid)
		{
			delete $running{$pid};
			die "$command[0] ended at once:\n" . $self->log . "\n";
		}
		die "$command[0] takes no connections:\n" . $self->log . "\n" if time > $give_up;
		usleep(20_000);
	}
	return $self;
}

sub answers
{
	my ($self) = @_;
	return defined IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5);
}

# Stops it as an outage would: without a word.
sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill('KILL', $pid);
	waitpid($pid, 0);
	delete $running{$pid};
}

# Those that take connections and answer nothing, until resumed.
sub freeze { kill('STOP', $_[0]{pid}) }
sub resume { kill('CONT', $_[0]{pid}) }

END
{
	my $status = $?;
	for my $pid (keys %running)
	{
		kill('KILL', $pid);
		waitpid($pid, 0);
	}
	%running = ();
	$? = $status;
}

# S3. One user owns the buckets, test:stranger may see none of them. Options: region => another than us-east-1;
# movable_clock => 1, for skew.
package Stores::S3;

use parent -norequire, 'Stores::Server';
use JSON::PP;
use MIME::Base64;

sub key_id { return 'test:tester' }
sub secret { return 't3ster/Secret+key==' }
sub stranger { return ('test:stranger', 'str4nger/Secret+key==') }
sub region { return $_[0]{region} // 'us-east-1' }

# A URL whose host begins with the bucket's name; curl takes *.localhost for this machine.
sub virtual_url { return "http://localhost:$_[0]{port}" }

sub prepare
{
	my ($self) = @_;
	$self->skew(0) if $self->{movable_clock};
}

sub command
{
	my ($self) = @_;
	my @clock = $self->{movable_clock}
	  ? ('env', 'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', "FAKETIME_TIMESTAMP_FILE=$self->{folder}/clock",
		'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1')
	  : ();
	return (@clock, '/usr/bin/python3', '-B', "$programs/s3_server.py", 'serve', $self->folder, $self->{port}, $self->region);
}

# Sets its clock so many seconds ahead; only of one that was started with movable_clock => 1.
sub skew
{
	my ($self, $seconds) = @_;
	Stores::write_file("$self->{folder}/clock.new", sprintf("%+d\n", $seconds));
	rename("$self->{folder}/clock.new", "$self->{folder}/clock") or die "$self->{folder}/clock: $!\n";
}

# Calls of AWS's own client, as [name, {arguments}]; their results in a list.
sub call
{
	my ($self, @calls) = @_;
	my $calls = JSON::PP->new->ascii->encode(\@calls);
	my @client = ('/usr/bin/python3', '-B', "$programs/s3_client.py", $self->url, $self->region, key_id(), secret());
	return @{ decode_json(Stores::run($calls, @client)) };
}

sub create_bucket { return $_[0]->call([ create_bucket => { Bucket => $_[1] } ]) }

# Keys are text, bodies are bytes; several at once are quicker than one after the other.
sub put
{
	my ($self, $bucket, @objects) = @_;
	my @calls;
	while (my ($key, $body) = splice(@objects, 0, 2))
	{
		push @calls, [ put_object => { Bucket => $bucket, Key => $key, Body => encode_base64($body, '') } ];
	}
	return map { $_->{ETag} =~ s/"//gr } $self->call(@calls);
}

sub get
{
	my ($self, $bucket, @keys) = @_;
	my @bodies = map { decode_base64($_->{Body}) } $self->call(map { [ get_object => { Bucket => $bucket, Key => $_ } ] } @keys);
	return wantarray ? @bodies : $bodies[0];
}

sub delete { my ($self, $bucket, @keys) = @_; $self->call(map { [ delete_object => { Bucket => $bucket, Key => $_ } ] } @keys) }

# A URL that gets an object without any key, for so many seconds.
sub presigned { return ($_[0]->call([ presign => { Bucket => $_[1], Key => $_[2], ExpiresIn => $_[3] // 600 } ]))[0] }

# Lists so many objects more, named by the prefix and seven digits, that are not there to be fetched.
sub plant
{
	my ($self, $bucket, $prefix, $count) = @_;
	Stores::run('', '/usr/bin/python3', '-B', "$programs/s3_server.py", 'plant', $self->folder, $bucket, $prefix, $count);
}

# Azure's blobs. The endpoint has the account's name in its path.
package Stores::Azure;

use parent -norequire, 'Stores::Server';
use Digest::SHA qw(hmac_sha256);
use MIME::Base64;
use POSIX qw(strftime);

my $account = 'scans';
my $account_key = encode_base64('a key of this test, and no secret', '');

sub account { return $account }
sub endpoint { return "http://127.0.0.1:$_[0]{port}/$account" }

sub command
{
	my ($self) = @_;
	return (
		'env', "AZURITE_ACCOUNTS=$account:$account_key", 'node', "$programs/node_modules/azurite/dist/src/blob/main.js",
		'--inMemoryPersistence', '--silent', '--blobPort', $self->{port});
}

# A signature for a container and so many seconds; rights are letters: r(ead), l(ist), c(reate), w(rite).
sub sas
{
	my ($self, $container, %options) = @_;
	my $expiry = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + ($options{seconds} // 3600)));
	my $rights = $options{rights} // 'rl';
	my $version = '2020-12-06';
	my $signed = join "\n", $rights, '', $expiry, "/blob/$account/$container", '', '', '', $version, 'c', ('') x 7;
	my $signature = encode_base64(hmac_sha256($signed, decode_base64($account_key)), '');
	s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge for $expiry, $signature;
	return "sp=$rights&se=$expiry&sv=$version&sr=c&sig=$signature";
}

# Only the account's own signature may make a container.
sub create_container
{
	my ($self, $container) = @_;
	my $expiry = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 3600));
	my $signed = join "\n", $account, 'rwdlac', 'b', 'sco', '', $expiry, '', '', '2018-11-09', '';
	my $signature = encode_base64(hmac_sha256($signed, decode_base64($account_key)), '');
	s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge for $expiry, $signature;
	my $sas = "sv=2018-11-09&ss=b&srt=sco&sp=rwdlac&se=$expiry&sig=$signature";
	Stores::run('', 'curl', '-sSf', '-X', 'PUT', '-H', 'content-length: 0', $self->endpoint . "/$container?restype=container&$sas");
}

sub put
{
	my ($self, $container, $name, $body) = @_;
	$name =~ s/([^A-Za-z0-9\/])/sprintf '%%%02X', ord $1/ge;
	Stores::run($body, qw(curl -sSf -X PUT --data-binary @- -H), 'x-ms-blob-type: BlockBlob', '-H', 'content-type:',
		$self->endpoint . "/$container/$name?" . $self->sas($container, rights => 'rcwl'));
}

sub get
{
	my ($self, $container, $name) = @_;
	$name =~ s/([^A-Za-z0-9\/])/sprintf '%%%02X', ord $1/ge;
	return Stores::run('', 'curl', '-sSf', $self->endpoint . "/$container/$name?" . $self->sas($container));
}

# nginx, over http and https. Its files are those of ->put, below:
#   /open/ for anybody, /basic/ for anna with the password geheim, /bearer/ for the token the-token, /slow/ 100 kB/s
#   /forbidden 403, /unauthorized 401, /missing 404, /busy 503 and Retry-After: 2, /busy-long 503 and Retry-After: 3600,
#   /too-many 429 and Retry-After: 1, /broken 500
#   /redirect?to=URL, /loop, /unruly/… (see unruly.mjs)
# ->elsewhere_url is of a certificate for another host's name, ->expired_url of one that has expired.
package Stores::Web;

use parent -norequire, 'Stores::Server';
use File::Path 'make_path';

sub ca_certificate { return Stores::read_file("$_[0]{folder}/ca.pem") }
sub tls_url { return "https://localhost:$_[0]{tls_port}" . ($_[1] // '') }
sub elsewhere_url { return "https://localhost:$_[0]{elsewhere_port}" . ($_[1] // '') }
sub expired_url { return "https://localhost:$_[0]{expired_port}" . ($_[1] // '') }
sub unruly_url { return $_[0]{unruly}->url($_[1]) }

sub prepare
{
	my ($self) = @_;
	my $folder = $self->folder;
	$self->{$_} = Stores::free_port() for qw(tls_port elsewhere_port expired_port);
	make_path("$folder/files", "$folder/tmp");
	$self->{unruly} = Stores::Unruly->new(files => "$folder/files");
	$self->make_certificate('ca', '-subj', '/CN=a certificate authority of a test', '-x509', '-days', 2);
	$self->make_certificate('server', '-subj', '/CN=localhost');
	$self->sign('server', 'DNS:localhost,DNS:*.localhost,IP:127.0.0.1', '-days', 2);
	$self->make_certificate('elsewhere', '-subj', '/CN=elsewhere.test');
	$self->sign('elsewhere', 'DNS:elsewhere.test', '-days', 2);
	$self->make_certificate('expired', '-subj', '/CN=localhost');
	$self->sign('expired', 'DNS:localhost,IP:127.0.0.1', '-days', '-1');
	Stores::write_file("$folder/passwords", "anna:{PLAIN}geheim\n");
	Stores::write_file("$folder/nginx.conf", $self->configuration);
}

sub make_certificate
{
	my ($self, $name, @options) = @_;
	my @output = grep({ $_ eq '-x509' } @options) ? "$self->{folder}/$name.pem" : "$self->{folder}/$name.csr";
	quietly('openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout',
		"$self->{folder}/$name.key", '-out', @output, @options);
}

sub sign
{
	my ($self, $name, $names, @options) = @_;
	my $path = "$self->{folder}/$name";
	Stores::write_file("$path.ext", "subjectAltName=$names\n");
	quietly(qw(openssl x509 -req -CAcreateserial -CA), "$self->{folder}/ca.pem", '-CAkey', "$self->{folder}/ca.key",
		'-in', "$path.csr", '-out', "$path.pem", '-extfile', "$path.ext", @options);
}

sub quietly { system("@{[map { quotemeta } @_]} >/dev/null 2>&1") == 0 or die "@_ failed\n" }

# One process, so that nothing of it outlives the test.
sub command { my ($self) = @_; return ('/usr/sbin/nginx', '-p', $self->folder, '-c', $self->folder . '/nginx.conf') }

# It goes with what it fetches from.
sub stop { my ($self) = @_; $self->{unruly}->stop; $self->SUPER::stop }
sub start { my ($self) = @_; $self->{unruly}->start unless $self->{unruly}->pid; $self->SUPER::start }

sub put { Stores::write_file("$_[0]{folder}/files/$_[1]", $_[2]) }

# A file of so many zeros, which takes no room.
sub put_zeros
{
	my ($self, $name, $size) = @_;
	$self->put($name, '');
	truncate("$self->{folder}/files/$name", $size) or die "$name: $!\n";
}

# A document at /unruly/gate/NAME/FILE is sent by halves: wait_at_gate returns once that many clients have the first one, and
# open_gate lets them have the other.
sub wait_at_gate
{
	my ($self, $name, $count) = @_;
	my $give_up = time + $patience;
	until (Stores::run('', 'curl', '-sSf', $self->unruly_url("/waiting/$name")) == $count)
	{
		die "never were $count clients waiting at gate $name\n" if time > $give_up;
		Time::HiRes::usleep(20_000);
	}
	return 1;
}

sub open_gate { Stores::run('', 'curl', '-sSf', $_[0]->unruly_url("/pass/$_[1]")) }

# What was asked of it: method, path and query, status, authorization.
sub requests { return map { [ split /\t/ ] } split /\n/, Stores::read_file("$_[0]{folder}/requests") }

sub configuration
{
	my ($self) = @_;
	my $folder = $self->folder;
	my $locations = <<~"EOF";
		root $folder/files;
		location /open/ { alias $folder/files/; }
		location /slow/ { alias $folder/files/; limit_rate 100k; }
		location /basic/ { alias $folder/files/; auth_basic "files"; auth_basic_user_file $folder/passwords; }
		location /bearer/ { if (\$http_authorization != "Bearer the-token") { return 401; } alias $folder/files/; }
		location = /forbidden { return 403; }
		location = /unauthorized { return 401; }
		location = /missing { return 404; }
		location = /broken { return 500; }
		location = /busy { add_header Retry-After 2 always; return 503; }
		location = /busy-long { add_header Retry-After 3600 always; return 503; }
		location = /too-many { add_header Retry-After 1 always; return 429; }
		location = /redirect { return 302 \$arg_to; }
		location = /loop { return 302 /loop; }
		location /unruly/ {
			proxy_pass @{[$self->{unruly}->url]}/;
			proxy_buffering off;
			proxy_http_version 1.1;
			proxy_read_timeout 600s;
		}
		EOF
	my $https = sub {
		my ($port, $name) = @_;
		return <<~"EOF";
			server {
				listen 127.0.0.1:$port ssl backlog=4096;
				ssl_certificate $folder/$name.pem;
				ssl_certificate_key $folder/$name.key;
				$locations
			}
			EOF
	};
	return <<~"EOF";
		daemon off;
		master_process off;
		pid $folder/pid;
		error_log stderr warn;
		worker_rlimit_nofile 8192;
		events { worker_connections 4096; }
		http {
			log_format requests "\$request_method\\t\$request_uri\\t\$status\\t\$http_authorization";
			access_log $folder/requests requests;
			client_body_temp_path $folder/tmp;
			proxy_temp_path $folder/tmp;
			fastcgi_temp_path $folder/tmp;
			uwsgi_temp_path $folder/tmp;
			scgi_temp_path $folder/tmp;
			client_max_body_size 1g;
			sendfile on;
			keepalive_requests 100000;
			server { listen 127.0.0.1:$self->{port} backlog=4096; $locations }
			@{[$https->($self->{tls_port}, 'server')]}
			@{[$https->($self->{elsewhere_port}, 'elsewhere')]}
			@{[$https->($self->{expired_port}, 'expired')]}
		}
		EOF
}

# Servers of documents that misbehave; see unruly.mjs.
package Stores::Unruly;

use parent -norequire, 'Stores::Server';

sub command { my ($self) = @_; return ('node', "$programs/unruly.mjs", $self->{port}, $self->{files}) }

# A receiver of webhooks; its paths are told in receiver.mjs. Options: web => nginx, to speak https with its certificate;
# secret => another than the usual.
package Stores::Receiver;

use parent -norequire, 'Stores::Server';
use JSON::PP;
use MIME::Base64;

sub prepare
{
	my ($self) = @_;
	$self->{secret} //= 'whsec_' . encode_base64('a secret of this test, 32 bytes..', '');
	Stores::write_file("$self->{folder}/received", '');
}

sub secret { return $_[0]{secret} }

sub url
{
	my ($self, $path) = @_;
	return $self->{web} ? "https://localhost:$self->{port}" . ($path // '') : $self->SUPER::url($path);
}

sub command
{
	my ($self) = @_;
	return (
		'node', "$programs/receiver.mjs", $self->{port}, $self->{secret}, "$self->{folder}/received",
		$self->{web} ? map { $self->{web}->folder . "/server.$_" } qw(pem key) : ());
}

# What it got so far, in order: hashes as receiver.mjs writes them, with the decoded body as `event`.
sub received
{
	my ($self) = @_;
	# A line that is being written has no end yet.
	my @entries = map { decode_json($_) } Stores::read_file("$self->{folder}/received") =~ /^(.+)\n/gm;
	$_->{event} = eval { JSON::PP->new->decode($_->{body}) } for @entries;
	return @entries;
}

1;
