-- Stores and webhooks as foreign servers: what they may be declared as, who may use them, and which of them a URI leads to.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE alice;
CREATE ROLE bob;
GRANT ALL ON FOREIGN DATA WRAPPER ocr_store, ocr_webhook TO alice;

-- What is wrong with a declaration is told when it is made, and without the value.
CREATE FUNCTION pg_temp.declare(wrapper text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE format('CREATE SERVER tried FOREIGN DATA WRAPPER %I OPTIONS (%s)', wrapper, options);
    DROP SERVER tried;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || '; ' || hint;
END
$$;
CREATE FUNCTION pg_temp.map(server text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER %I OPTIONS (%s)', server, options);
    EXECUTE format('DROP USER MAPPING FOR CURRENT_USER SERVER %I', server);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || '; ' || hint;
END
$$;
SELECT is(pg_temp.declare('ocr_store', options), NULL, options)
FROM unnest(ARRAY[
    $$type 's3', bucket 'invoices'$$,
    $$type 's3', bucket 'my.bucket', region 'eu-central-1', endpoint 'http://minio.local:9000', addressing 'path', allow_private_addresses 'true', connect_timeout '5', timeout '86400', stall_timeout '1'$$,
    $$type 's3', bucket 'b-1', endpoint 'https://[2001:db8::1]:9000/s3', addressing 'virtual'$$,
    $$type 'gcs', bucket 'scans'$$, $$type 'gcs', bucket 'scans', endpoint 'https://storage.example.com'$$,
    $$type 'azure', account 'acme', container 'docs'$$, $$type 'azure', container '$root', endpoint 'http://127.0.0.1:10000/devstoreaccount1'$$,
    $$type 'https', endpoint 'https://example.com'$$, $$type 'https', endpoint 'HTTPS://Example.com:8443/a/b/'$$,
    $$type 'https', endpoint 'https://example.com', ca_certificate E'-----BEGIN CERTIFICATE-----\nabc=\n-----END CERTIFICATE-----\n'$$,
    $$type 'file', directory '/srv/scans'$$, $$type 'file', directory '/'$$]) AS options;
SELECT is(pg_temp.declare('ocr_webhook', options), NULL, options)
FROM unnest(ARRAY[
    $$url 'https://example.com/hook?of=us'$$,
    $$url 'http://10.0.0.1:8080', timeout '5', max_attempts '50', events 'job.started, job.progress', allow_private_addresses 'true'$$]) AS options;
SELECT matches(pg_temp.declare(wrapper, options), '^' || complaint, options)
FROM (VALUES
    ('ocr_store', $$bucket 'b'$$, 'HV002 a store needs the option "type"|HV024'),
    ('ocr_store', $$type 'ftp'$$, 'HV024 invalid value for option "type"; type needs s3, gcs, azure, https or file'),
    ('ocr_store', $$type 's3'$$, 'HV002 a store of type s3 needs the option "bucket"; Options for type s3: type, '),
    ('ocr_store', $$type 'gcs'$$, 'HV002 .*"bucket"'), ('ocr_store', $$type 'https'$$, 'HV002 .*"endpoint"'),
    ('ocr_store', $$type 'file'$$, 'HV002 .*"directory"'), ('ocr_store', $$type 'azure', account 'acme'$$, 'HV002 .*"container"'),
    ('ocr_store', $$type 'azure', container 'docs'$$, 'HV002 .*"account"'),
    ('ocr_store', $$type 'gcs', bucket 'scans', region 'x'$$, 'HV00D option "region" is not for a store of type gcs'),
    ('ocr_store', $$type 'file', directory '/x', timeout '3'$$, 'HV00D option "timeout" is not for a store of type file'),
    ('ocr_store', $$type 's3', bucket 'scans', buckt 'SESAME'$$, 'HV00D invalid option "buckt"; Known options here: '),
    ('ocr_store', $$type 's3', bucket 'scans', secret_access_key 'SESAME'$$, 'HV00D option "secret_access_key" does not belong here; Give it to CREATE USER MAPPING'),
    ('ocr_store', $$type 's3', bucket 's3://SESAME'$$, 'HV024'), ('ocr_store', $$type 's3', bucket 'a/SESAME'$$, 'HV024'),
    ('ocr_store', $$type 's3', bucket 'scans', region 'eu west SESAME'$$, 'HV024'),
    ('ocr_store', $$type 's3', bucket 'scans', addressing 'SESAME'$$, 'HV024'),
    ('ocr_store', $$type 'https', endpoint 'https://anna:SESAME@example.com'$$, 'HV024 .* without user and password'),
    ('ocr_store', $$type 'https', endpoint 'https://example.com/?SESAME'$$, 'HV024'),
    ('ocr_store', $$type 'https', endpoint E'https://example.com/\nSESAME'$$, 'HV024'),
    ('ocr_store', $$type 'https', endpoint 'ftp://SESAME'$$, 'HV024'), ('ocr_store', $$type 'https', endpoint 'https://a b'$$, 'HV024'),
    ('ocr_store', $$type 'https', endpoint 'https://example.com', timeout '0'$$, 'HV024 .*seconds from 1 to 86400'),
    ('ocr_store', $$type 'https', endpoint 'https://example.com', timeout '86401'$$, 'HV024'),
    ('ocr_store', $$type 'https', endpoint 'https://example.com', timeout '1.5'$$, 'HV024'),
    ('ocr_store', $$type 'https', endpoint 'https://example.com', allow_private_addresses 'yes'$$, 'HV024 .*true or false'),
    ('ocr_store', $$type 'https', endpoint 'https://example.com', ca_certificate 'SESAME'$$, 'HV024'),
    ('ocr_store', $$type 'azure', account 'SESAME', container 'docs'$$, 'HV024'),
    ('ocr_store', $$type 'azure', account 'acme', container 'SESAME'$$, 'HV024'),
    ('ocr_store', $$type 'file', directory 'scans'$$, 'HV024 .*absolute'), ('ocr_store', $$type 'file', directory '/srv/../etc'$$, 'HV024'),
    ('ocr_webhook', $$timeout '3'$$, 'HV002 a webhook needs the option "url"'),
    ('ocr_webhook', $$url 'https://example.com/#SESAME'$$, 'HV024'), ('ocr_webhook', $$url 'https://a:SESAME@b'$$, 'HV024'),
    ('ocr_webhook', $$url 'https://example.com', max_attempts '51'$$, 'HV024'),
    ('ocr_webhook', $$url 'https://example.com', events 'job.done'$$, 'HV024 .*job.completed'),
    ('ocr_webhook', $$url 'https://example.com', events ''$$, 'HV024'),
    ('ocr_webhook', $$url 'https://example.com', secret 'SESAME'$$, 'HV00D .*CREATE USER MAPPING'),
    ('ocr_webhook', $$url 'https://example.com', bucket 'SESAME'$$, 'HV00D')) AS v (wrapper, options, complaint);
SELECT is(count(*), 0::bigint, 'no complaint shows what was given') FROM (VALUES
    (pg_temp.declare('ocr_store', $$type 'https', endpoint 'https://anna:SESAME@example.com'$$)),
    (pg_temp.declare('ocr_store', $$type 's3', bucket 'scans', secret_access_key 'SESAME'$$)),
    (pg_temp.declare('ocr_store', $$type 's3', bucket 'a/SESAME'$$))) v (complaint) WHERE complaint LIKE '%SESAME%';

CREATE SERVER invoices FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'invoices');
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://example.com/hook');
SELECT is(pg_temp.map('invoices', options), NULL, options)
FROM unnest(ARRAY[$$access_key_id 'a', secret_access_key 'b/+='$$, $$access_key_id 'a', secret_access_key 'b', session_token 'c'$$,
    $$sas_token '?sv=2024&sig=a%2Fb'$$, $$bearer_token 'abc.def'$$, $$"user" 'anna', password 'two words'$$]) AS options;
SELECT is(pg_temp.map('hook', format('secret %L', 'whsec_' || encode(decode(repeat('ab', bytes), 'hex'), 'base64'))), NULL, bytes || ' bytes')
FROM unnest(ARRAY[24, 25, 26, 32]) AS bytes;
SELECT unnest(ARRAY[matches(pg_temp.map(server, options), '^' || complaint, options), unalike(pg_temp.map(server, options), '%SESAME%', 'without the value')])
FROM (VALUES
    ('invoices', $$access_key_id 'SESAME'$$, 'HV00J these options do not make one way to sign in'),
    ('invoices', $$secret_access_key 'SESAME'$$, 'HV00J'), ('invoices', $$session_token 'SESAME'$$, 'HV00J'),
    ('invoices', $$"user" 'SESAME'$$, 'HV00J'), ('invoices', $$password 'SESAME'$$, 'HV00J'),
    ('invoices', $$bearer_token 'SESAME', sas_token 'sig=SESAME'$$, 'HV00J'),
    ('invoices', $$bearer_token E'SESAME\r\nX-Evil: 1'$$, 'HV024'), ('invoices', $$bearer_token ''$$, 'HV024'),
    ('invoices', $$sas_token 'SESAME'$$, 'HV024'), ('invoices', $$bucket 'SESAME'$$, 'HV00D .*CREATE SERVER'),
    ('invoices', $$secret 'whsec_SESAME'$$, 'HV00D'),
    ('hook', $$secret 'SESAME'$$, 'HV024 .*whsec_'), ('hook', $$secret 'whsec_SESAME'$$, 'HV024'),
    ('hook', $$secret 'whsec_SESAMESESAMESESAMESESAMESESAME!'$$, 'HV024'),
    ('hook', format('secret %L', 'whsec_' || encode(decode(repeat('ab', 23), 'hex'), 'base64')), 'HV024'),
    ('hook', $$url 'https://SESAME'$$, 'HV00D')) AS v (server, options, complaint);

-- Who may declare what.
SET ROLE alice;
SELECT is(pg_temp.declare('ocr_store', $$type 's3', bucket 'invoices'$$), NULL, 'whoever has USAGE on the wrapper declares a store');
SELECT matches(pg_temp.declare('ocr_store', $$type 'file', directory '/srv'$$), '^42501 .*pg_read_server_files', 'but no directory');
SELECT matches(pg_temp.declare('ocr_store', $$type 's3', bucket 'invoices', allow_private_addresses 'true'$$), '^42501 only a superuser', 'nor what reaches into the network');
SELECT matches(pg_temp.declare('ocr_webhook', $$url 'https://example.com', allow_private_addresses 'true'$$), '^42501 only a superuser', 'nor such a webhook');
SELECT is(pg_temp.declare('ocr_webhook', $$url 'https://example.com', allow_private_addresses 'false'$$), NULL, 'to say no is everybody''s');
RESET ROLE;
CREATE SERVER inside FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'inside', endpoint 'http://10.0.0.1', allow_private_addresses 'true');
CREATE SERVER files FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '/srv/scans');
ALTER SERVER inside OWNER TO alice;
ALTER SERVER files OWNER TO alice;
SET ROLE alice;
SELECT throws_ok($$ALTER SERVER inside OPTIONS (SET endpoint 'http://10.0.0.2')$$, '42501', NULL, 'who was given such a server cannot turn it elsewhere');
SELECT throws_ok($$ALTER SERVER files OPTIONS (SET directory '/etc')$$, '42501', NULL, 'nor a directory');
SELECT throws_like($$SELECT ocr_submit('file:///srv/scans/x')$$, 'the owner of server "files" is not a member of pg_read_server_files', 'which serves nobody any more');
RESET ROLE;
SELECT throws_like($$SELECT ocr_submit('file:///srv/scans/x')$$, 'the owner of server "files" is not a member of pg_read_server_files', 'not even a superuser');
ALTER SERVER files OWNER TO CURRENT_USER;
DROP SERVER inside;

-- Which store a URI leads to.
CREATE SERVER archive FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'gcs', bucket 'archive');
CREATE SERVER docs FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'azure', account 'acme', container 'docs');
CREATE SERVER azurite FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'azure', container 'tests', endpoint 'http://Localhost:10000/acme');
CREATE SERVER web FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'HTTPS://Example.COM:443');
CREATE SERVER web_inner FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'https://example.com/inner/');
CREATE SERVER web_port FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'https://example.com:8443');
CREATE SERVER web_plain FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'http://example.com');
CREATE SERVER files_inner FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '/srv/scans/inner/');
CREATE FUNCTION pg_temp.resolve(uri text, OUT store text, OUT stored_uri text, OUT key text) LANGUAGE plpgsql AS $$
DECLARE
    job bigint := ocr_submit(uri);
BEGIN
    SELECT j.store, j.uri, ocr.key_in_store(j.uri, ocr.options_of_list(s.srvoptions)) INTO store, stored_uri, key
    FROM ocr.jobs j JOIN pg_foreign_server s ON s.srvname = j.store WHERE j.id = job;
END
$$;
SELECT results_eq(format('SELECT store, stored_uri, key FROM pg_temp.resolve(%L)', uri),
                  format('VALUES (%L, %L, %L)', store, coalesce(stored, uri), key), uri)
FROM (VALUES
    ('s3://invoices/2026/a b+c%20d?#e''é.pdf', 'invoices', NULL, '2026/a b+c%20d?#e''é.pdf'),
    ('S3://invoices/a', 'invoices', 's3://invoices/a', 'a'), ('s3://invoices//../x', 'invoices', NULL, '/../x'),
    (E's3://invoices/two\nlines', 'invoices', NULL, E'two\nlines'),
    ('gs://archive/a', 'archive', NULL, 'a'), ('az://docs/a b', 'docs', NULL, 'a b'), ('az://tests/a', 'azurite', NULL, 'a'),
    ('https://acme.blob.core.windows.net/docs/a%20b/%C3%A9%2b.pdf', 'docs', NULL, 'a b/é+.pdf'),
    ('http://localhost:10000/acme/tests/x', 'azurite', NULL, 'x'),
    ('https://example.com/a%20b?c=d', 'web', NULL, 'a%20b?c=d'), ('HTTPS://EXAMPLE.com:443/A', 'web', 'https://example.com/A', 'A'),
    ('https://example.com/inner/a', 'web_inner', NULL, 'a'), ('https://example.com/inner2/a', 'web', NULL, 'inner2/a'),
    ('https://example.com/inner/', 'web', NULL, 'inner/'),
    ('https://example.com:8443/a', 'web_port', NULL, 'a'), ('http://example.com:80/a', 'web_plain', 'http://example.com/a', 'a'),
    ('file:///srv/scans/a b', 'files', NULL, 'a b'), ('file:///srv/scans/inner/a', 'files_inner', NULL, 'a'),
    ('file:///srv/scans/inner2/a', 'files', NULL, 'inner2/a'), ('FILE:///srv/scans/%41', 'files', 'file:///srv/scans/%41', '%41'))
    AS v (uri, store, stored, key);
SELECT throws_ok(format('SELECT ocr_submit(%L)', uri), code, NULL, uri)
FROM (VALUES
    ('s3://nobodys/a', '42704'), ('gs://invoices/a', '42704'), ('https://example.org/a', '42704'), ('https://example.com.evil.org/a', '42704'),
    ('https://acme.blob.core.windows.net/docs/a?sig=x', '42704'), ('https://acme.blob.core.windows.net/docs2/a', '42704'),
    ('file:///srv/scans2/a', '42704'), ('file:///srv', '42704'),
    ('s3://invoices', '22023'), ('s3://invoices/', '22023'), ('s3:///a', '22023'), ('ftp://a/b', '22023'), ('a', '22023'), ('', '22023'),
    ('https://example.com', '22023'), ('https://example.com/a#b', '22023'), ('https://example.com/a b', '22023'), ('https://example.com/é', '22023'),
    (E'https://example.com/a\r\nX: y', '22023'), ('https://u:p@example.com/a', '22023'), ('https://example.com@evil.org/a', '22023'),
    ('https://example.com/../a', '22023'), ('https://example.com/a/..', '22023'), ('https://example.com/%2E%2e/a', '22023'),
    ('https://example.com/inner/.%2e/a', '22023'), ('https://example.com/inner%2f..%2fa', '22023'), ('https://example.com/a/..\b', '22023'),
    ('file://srv/scans/a', '22023'), ('file:///srv/scans/../a', '22023'), ('file:///srv/scans/./a', '22023'),
    ('file:///srv/scans//a', '22023'), ('file:////srv/scans/a', '22023'), ('file:///srv/scans/', '22023'),
    ('https://acme.blob.core.windows.net/docs/%ff', '22023'), ('s3://invoices/' || repeat('x', 8000), '54000')) AS v (uri, code);
CREATE FUNCTION pg_temp.complaint(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE query;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || '; ' || hint;
END
$$;
SELECT is(pg_temp.complaint($$SELECT ocr_submit('s3://nobodys/a')$$),
    $$42704 no store has "s3://nobodys/a"; Declare it: CREATE SERVER nobodys FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'nobodys', region 'us-east-1');$$,
    'where no store fits, the declaration is shown');
SELECT lives_ok(regexp_replace(pg_temp.complaint('SELECT ocr_submit(''' || uri || ''')'), '^.*Declare it: (.*)$', '\1'), uri || ' shows one that works')
FROM unnest(ARRAY['s3://other/a', 'gs://other2/a', 'https://other.example.com:99/a/b', 'file:///srv2/a b/c']) AS uri;
SELECT lives_ok('SELECT ocr_submit(''' || uri || ''')', uri || ' has its store then')
FROM unnest(ARRAY['s3://other/a', 'gs://other2/a', 'https://other.example.com:99/a/b', 'file:///srv2/a b/c']) AS uri;
SELECT unalike(pg_temp.complaint($$SELECT ocr_submit('https://anna:SESAME@example.org/a?sig=SESAME')$$), '%SESAME%', 'what a URL may hold is not shown');
SELECT unalike(pg_temp.complaint($$SELECT ocr_submit('https://example.org/a?sig=SESAME')$$), '%SESAME%', 'nor its signature');
CREATE SERVER invoices_too FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'invoices', endpoint 'http://minio');
SELECT matches(pg_temp.complaint($$SELECT ocr_submit('s3://invoices/a')$$), '^42P08 several stores have "s3://invoices/a": invoices, invoices_too; ', 'two stores of one name');

-- A text may still be bytes.
SELECT ocr_submit('\x0102') AS job \gset
SELECT is((SELECT d.bytes FROM ocr.jobs j JOIN ocr.documents d ON d.id = j.document_id WHERE j.id = :job), '\x0102'::bytea, 'a literal of bytes is no URI');
SELECT throws_ok($$SELECT ocr_submit('\x')$$, '22023', 'the document is empty', 'also an empty one');
SELECT throws_ok($$SELECT ocr_submit(NULL)$$, '22004', 'document must not be NULL', 'and null is an error');

-- USAGE decides, of the role that submits.
DELETE FROM ocr.jobs;
SELECT ocr.rescue_tasks() \g /dev/null
GRANT USAGE ON FOREIGN SERVER invoices TO alice;
SET ROLE bob;
SELECT is(pg_temp.complaint($$SELECT ocr_submit('gs://archive/a')$$), '42501 permission denied for store archive; GRANT USAGE ON FOREIGN SERVER archive TO bob;', 'without USAGE');
SELECT is(pg_temp.complaint($$SELECT * FROM ocr_objects('archive')$$), '42501 role "bob" has no USAGE on server "archive"; GRANT USAGE ON FOREIGN SERVER archive TO bob;', 'nothing is listed');
SELECT throws_ok($$SELECT ocr_ingest('archive')$$, '42501', NULL, 'or ingested');
SELECT throws_ok($$SELECT ocr_put('gs://archive/a', '\x01')$$, '42501', NULL, 'or written');
SELECT throws_ok($$SELECT * FROM ocr.list_objects('archive', '')$$, '42501', NULL, 'by no other way');
SELECT throws_ok($$SELECT * FROM ocr_submit_event('{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "invoices"}, "object": {"key": "a"}}}]}')$$, '42501', NULL, 'nor told of');
SELECT throws_ok($$SELECT ocr_submit('\x01', webhook => 'hook')$$, '42501', NULL, 'and nobody is called');
SELECT throws_ok($$SELECT * FROM ocr.options_of_server('invoices', 'alice')$$, '42501', NULL, 'options with secrets are for workers');
SET ROLE alice;
SELECT lives_ok($$SELECT ocr_submit('s3://invoices/a')$$, 'of two stores, the one with USAGE');
SELECT throws_ok($$SELECT ocr_submit('\x01', webhook => 'invoices')$$, '42809', NULL, 'a store is no webhook');
SELECT throws_ok($$SELECT * FROM ocr_objects('hook')$$, '42809', NULL, 'a webhook is no store');
SELECT throws_ok($$SELECT ocr_submit('\x01', webhook => 'none')$$, '42704', NULL, 'nor is what is not there');
SELECT throws_ok($$SELECT ocr_submit('\x01', webhook => repeat('x', 100))$$, '42704', NULL, 'or too long to be');
RESET ROLE;
SELECT is((SELECT (owner, store)::text FROM ocr.jobs), '(alice,invoices)', 'the job is hers');

-- What the worker gets: the mapping of the job's owner, else everybody's; and rights as they are now.
CREATE FUNCTION pg_temp.store() RETURNS TABLE (name text, value text) LANGUAGE sql AS
    'SELECT s.name, s.value FROM claim, ocr.store_of_task(task_id, fence) AS s ORDER BY s.name';
SELECT is(pg_temp.claim(), (SELECT id::int FROM ocr.jobs), 'claimed');
SELECT results_eq('SELECT uri, document_id FROM claim', $$VALUES ('s3://invoices/a', NULL::bigint)$$, 'to be fetched');
SELECT results_eq('SELECT * FROM pg_temp.store()', $$VALUES ('bucket', 'invoices'), ('key', 'a'), ('type', 's3')$$, 'unsigned');
CREATE USER MAPPING FOR PUBLIC SERVER invoices OPTIONS (access_key_id 'everybody', secret_access_key 'x=y');
SELECT results_eq($$SELECT * FROM pg_temp.store() WHERE name LIKE '%key%'$$, $$VALUES ('access_key_id', 'everybody'), ('key', 'a'), ('secret_access_key', 'x=y')$$, 'with everybody''s keys');
CREATE USER MAPPING FOR alice SERVER invoices OPTIONS (access_key_id 'alice', secret_access_key 'x');
CREATE USER MAPPING FOR bob SERVER invoices OPTIONS (access_key_id 'bob', secret_access_key 'x');
SELECT is((SELECT value FROM pg_temp.store() WHERE name = 'access_key_id'), 'alice', 'with her own');
ALTER USER MAPPING FOR alice SERVER invoices OPTIONS (DROP access_key_id, DROP secret_access_key, ADD bearer_token 'x');
SELECT results_eq('SELECT * FROM pg_temp.store()', $$VALUES ('undeclared', 'the user mapping for server "invoices" has the option "bearer_token", which is not for a store of type s3')$$, 'which must fit');
SET ROLE alice;
SELECT throws_ok($$SELECT ocr_submit('s3://invoices/b')$$, 'HV00D', NULL, 'as is told to whoever submits');
RESET ROLE;
DROP USER MAPPING FOR alice SERVER invoices;
ALTER SERVER invoices OPTIONS (SET bucket 'other');
SELECT results_eq('SELECT * FROM pg_temp.store()', $$VALUES ('undeclared', 'the options of server "invoices" have changed: it does not have this URI any more')$$, 'a server that was turned elsewhere');
ALTER SERVER invoices OPTIONS (SET bucket 'invoices');
REVOKE USAGE ON FOREIGN SERVER invoices FROM alice;
SELECT results_eq('SELECT * FROM pg_temp.store()', $$VALUES ('undeclared', 'role "alice" has no USAGE on server "invoices"')$$, 'rights that were taken away');
DROP SERVER invoices CASCADE;
SELECT results_eq('SELECT * FROM pg_temp.store()', $$VALUES ('undeclared', 'server "invoices" does not exist')$$, 'a server that was dropped');
SELECT ok(pg_temp.fail('store_undeclared'), 'fails');
SELECT is(pg_temp.status((SELECT id FROM ocr.jobs)), 'failed 0/? 0 store_undeclared', 'without a retry');

-- Which version was read. Pages of other bytes are not of this document.
CREATE FUNCTION pg_temp.fetched(etag text, bytes bytea) RETURNS int[] LANGUAGE sql AS
    'SELECT ocr.record_fetched(task_id, fence, etag, octet_length(bytes), sha256(bytes)) FROM claim';
DELETE FROM ocr.jobs;
SELECT ocr_submit('gs://archive/a', options => '{"reuse": false}') AS job \gset
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT is(pg_temp.fetched('v1', '\x01'), '{}', 'nothing was read yet');
SELECT results_eq(format('SELECT etag, document_size, document_sha256 FROM ocr.jobs WHERE id = %s', :job), $$VALUES ('v1', 1::bigint, sha256('\x01'))$$, 'which version it is');
SELECT pg_temp.open(3), pg_temp.read(1), pg_temp.lose(2), pg_temp.fail('engine_crashed') \g /dev/null
SELECT is(pg_temp.claim(), :job, 'the next attempt');
SELECT is(pg_temp.fetched('v1 again', '\x01'), '{1,2}', 'of the same bytes goes on');
SELECT pg_temp.open(3), pg_temp.fail('engine_crashed'), pg_temp.let_backoff_pass() \g /dev/null
SELECT is(pg_temp.claim(), :job, 'the third');
SELECT is(pg_temp.fetched('v2', '\x0202'), '{}', 'of others begins anew');
SELECT is(pg_temp.status(:job), 'running 0/? 0 engine_crashed', 'and counts anew');
SELECT is((SELECT count(*) FROM ocr.pages), 0::bigint, 'no page of the first is left');
SELECT pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed approved 1/1 0', 'and completes');
SELECT is((SELECT count(*) FROM ocr.documents), 0::bigint, 'without its bytes ever having been stored');
SELECT is(ocr.record_fetched(1, 1, 'v', 1, '\x01'), NULL, 'who lost the claim records nothing');

-- The same bytes from elsewhere need not be read again.
SELECT ocr_submit('az://docs/a') AS twin \gset
SELECT is(pg_temp.claim(), :twin, 'a second job');
SELECT ok(NOT ocr.reuse_result(task_id, fence), 'not known by its name') FROM claim;
SELECT pg_temp.fetched('other', '\x0202') \g /dev/null
SELECT ok(ocr.reuse_result(task_id, fence), 'but by its bytes') FROM claim;
SELECT is((SELECT result_of FROM ocr.jobs WHERE id = :twin), :job::bigint, 'shares the result');

-- A store that is away has attempts of its own.
SELECT ocr_submit('gs://archive/away', options => '{"reuse": false}') AS job \gset
CREATE FUNCTION pg_temp.away(retry_after int = 0) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ocr.fail_task(task_id, fence, 'store_unavailable', 'away', 0, retry_after) FROM claim;
    RETURN (SELECT t.run_at - now() FROM ocr.tasks t JOIN claim c ON c.task_id = t.id);
END
$$;
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT ok(pg_temp.away() BETWEEN '0.5 s' AND '1 s', 'about a second');
SELECT pg_temp.let_backoff_pass() \g /dev/null
SELECT is(pg_temp.claim(), :job, 'again');
SELECT is(attempt, 2, 'is counted') FROM claim;
SELECT ok(pg_temp.away(100) BETWEEN '100 s' AND '100 s', 'as long as the store asks for');
SELECT pg_temp.let_backoff_pass() \g /dev/null
SELECT is(pg_temp.claim(), :job, 'again');
SELECT ok(pg_temp.away(100000) = '1 h', 'an hour at most');
SELECT pg_temp.let_backoff_pass() \g /dev/null
SELECT is(pg_temp.claim(), :job, 'again');
SELECT pg_temp.fetched('v', '\x05') IS NOT NULL, pg_temp.fail('engine_crashed'), pg_temp.let_backoff_pass() \g /dev/null
SELECT is(pg_temp.status(:job), 'pending 0/? 0 engine_crashed', 'an engine that crashes has its own attempts');
DO $$
BEGIN
    FOR n IN 5 .. 10 LOOP
        PERFORM pg_temp.claim(), pg_temp.away(), pg_temp.let_backoff_pass();
    END LOOP;
END
$$;
SELECT is(pg_temp.claim(), :job, 'the last');
SELECT pg_temp.away() \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 0/? 0 store_unavailable', 'ten times away is enough');
SELECT is((SELECT count(*) FROM ocr.failures WHERE job_id = :job AND error_code = 'store_unavailable'), 10::bigint, 'each is written down');
SELECT is((SELECT array_agg(attempt ORDER BY attempt) FROM ocr.failures WHERE job_id = :job), ARRAY(SELECT generate_series(1, 11)), 'under its number');
SELECT ok(ocr_retry(:job), 'and can be tried again');
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT is(attempt, 1, 'counted anew') FROM claim;

-- Shared among workers, it is stored; the end, or another try, drops it.
SELECT pg_temp.fetched('v', '\x0506') \g /dev/null
SELECT ok(ocr.stage_fetched(task_id, fence, '\x0506') > 0, 'stored') FROM claim;
SELECT pg_temp.open(40) \g /dev/null
SELECT is((SELECT count(*) FROM ocr.tasks WHERE job_id = :job), 3::bigint, 'shared');
SELECT pg_temp.fail('document_damaged') \g /dev/null
SELECT is((SELECT count(*) FROM ocr.documents), 0::bigint, 'a failed job need not keep what its store has');
SELECT ok(ocr_retry(:job), 'to be retried');
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT is(document_id, NULL, 'it is fetched again') FROM claim;
SELECT is(ocr.stage_fetched(1, 1, '\x01'), NULL, 'who lost the claim stores nothing');
SELECT is((SELECT count(*) FROM ocr.documents), 0::bigint, 'and leaves nothing');
SELECT ok(ocr_cancel(:job), 'cancelled');
SELECT ocr_submit('gs://archive/kept', keep_document => true, options => '{"reuse": false}') AS job \gset
SELECT is(pg_temp.claim(), :job, 'one to be kept');
SELECT pg_temp.fetched('v', '\x07'), ocr.stage_fetched(task_id, fence, '\x07'), pg_temp.fail('document_damaged') FROM claim \g /dev/null
SELECT is((SELECT d.bytes FROM ocr.jobs j JOIN ocr.documents d ON d.id = j.document_id WHERE j.id = :job), '\x07'::bytea, 'is kept, whatever came of it');
SELECT ok(ocr_retry(:job), 'retried');
SELECT is((SELECT count(*) FROM ocr.documents), 0::bigint, 'it is not read from what was kept');
SELECT is((SELECT document_id FROM ocr.jobs WHERE id = :job), NULL, 'but fetched');

-- An administrator who deletes what is shared among workers ends the job.
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT pg_temp.fetched('v', '\x08'), ocr.stage_fetched(task_id, fence, '\x08'), pg_temp.open(40), pg_temp.fail('engine_crashed') FROM claim \g /dev/null
DELETE FROM ocr.documents;
SELECT is(pg_temp.claim(), NULL, 'no part of it can be read');
SELECT is((SELECT error_code FROM ocr.jobs WHERE id = :job), 'internal_error', 'and the job says so');

-- Secrets are shown to nobody else.
CREATE USER MAPPING FOR alice SERVER archive OPTIONS (access_key_id 'id', secret_access_key 'SESAME');
GRANT USAGE ON FOREIGN SERVER archive TO bob, alice;
SET ROLE bob;
SELECT is((SELECT count(*) FROM pg_user_mappings WHERE umoptions::text LIKE '%SESAME%'), 0::bigint, 'not by Postgres');
SELECT is((SELECT count(*) FROM ocr.jobs j WHERE j::text LIKE '%SESAME%'), 0::bigint, 'not with jobs');
RESET ROLE;
SELECT is((SELECT count(*) FROM ocr.jobs j WHERE j::text LIKE '%SESAME%') + (SELECT count(*) FROM ocr.failures f WHERE f::text LIKE '%SESAME%'), 0::bigint, 'nor are they kept there');
SELECT * FROM finish();
ROLLBACK;
