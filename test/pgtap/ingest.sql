-- What is new in a store, and what S3 says of itself; the files of the server's own directory stand for a store's objects.
BEGIN;
SELECT no_plan();
CREATE ROLE alice;
SELECT current_setting('data_directory') || '/pg_ocr_ingest' AS folder \gset
CREATE SERVER files FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory :'folder');
CREATE SERVER invoices FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'invoices');
GRANT USAGE ON FOREIGN SERVER files, invoices TO alice;
CREATE FUNCTION pg_temp.put(key text, content text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
    SELECT ocr_put('file://' || current_setting('data_directory') || '/pg_ocr_ingest/' || key, convert_to(content, 'UTF8'))
$$;
CREATE FUNCTION pg_temp.keys(prefix text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(key, ' '), '') FROM ocr_objects('files', prefix)
$$;

COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -rf "$PGDATA/pg_ocr_ingest"';  -- of a run that was broken off

-- Written and listed, in the order of the keys.
SELECT throws_ok($$SELECT * FROM ocr_objects('files')$$, 'HV00N', NULL, 'a directory that is not there');
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; mkdir "$PGDATA/pg_ocr_ingest"';
SELECT isnt(pg_temp.put(key, 'one'), NULL, key)
FROM unnest(ARRAY['a.pdf', 'a/b/c.pdf', 'a/b.pdf', 'a-b.pdf', 'Z', 'é ü.pdf', 'a/b/c/d/e/f', '2026/01/x.tif', '2026/02/y.tif', '2026.txt']) AS key;
SELECT is(pg_temp.keys(''), '2026.txt 2026/01/x.tif 2026/02/y.tif Z a-b.pdf a.pdf a/b.pdf a/b/c.pdf a/b/c/d/e/f é ü.pdf', 'in the order of their bytes');
SELECT is(string_agg(key, ' ' ORDER BY key COLLATE "C"), pg_temp.keys(''), 'as a store has them') FROM ocr_objects('files');
SELECT is(pg_temp.keys(prefix), expected, 'prefix ' || prefix)
FROM (VALUES ('a', 'a-b.pdf a.pdf a/b.pdf a/b/c.pdf a/b/c/d/e/f'), ('a/', 'a/b.pdf a/b/c.pdf a/b/c/d/e/f'), ('a/b/', 'a/b/c.pdf a/b/c/d/e/f'),
    ('2026/0', '2026/01/x.tif 2026/02/y.tif'), ('2026/02/y.tif', '2026/02/y.tif'), ('2026/02/y.tif/', ''), ('nothing', ''), ('../', ''), ('/', '')) AS v (prefix, expected);
SELECT results_eq($$SELECT key, size, modified_at > now() - interval '1 h', uri FROM ocr_objects('files', 'a/b.')$$,
    format($$VALUES ('a/b.pdf', 3::bigint, true, 'file://%s/a/b.pdf')$$, :'folder'), 'with what is known of them');
SELECT is(pg_temp.put('a.pdf', 'one'), (SELECT etag FROM ocr_objects('files', 'a.pdf')), 'what is written has the etag that is listed');
SELECT is(pg_read_file(:'folder' || '/a.pdf'), 'one', 'and its content');
SELECT isnt(pg_temp.put('a.pdf', 'three'), (SELECT etag FROM ocr.ingested LIMIT 1), 'a new version');
SELECT is(pg_read_file(:'folder' || '/a.pdf'), 'three', 'takes the place of the old');
SELECT throws_ok($$SELECT pg_temp.put('a', 'x')$$, 'HV00N', NULL, 'not that of a directory');
SELECT throws_ok($$SELECT pg_temp.put('a.pdf/b', 'x')$$, '58P01', NULL, 'nor below a file');
SELECT throws_ok($$SELECT pg_temp.put('../escaped', 'x')$$, '22023', NULL, 'nor elsewhere');
SELECT is((SELECT count(*) FROM ocr_objects('files')), 10::bigint, 'and leaves nothing behind');

-- Rights.
SET ROLE alice;
SELECT is((SELECT count(*) FROM ocr_objects('files')), 10::bigint, 'USAGE is enough to list');
SELECT lives_ok($$SELECT pg_temp.put('hers', 'x')$$, 'and to write, where the server''s owner may');
RESET ROLE;
CREATE ROLE keeper;
GRANT pg_read_server_files TO keeper;
ALTER SERVER files OWNER TO keeper;
SELECT throws_like($$SELECT pg_temp.put('b', 'x')$$, 'the owner of server "files" is not a member of pg_write_server_files', 'who else may not');
SELECT is((SELECT count(*) FROM ocr_objects('files', 'a')), 5::bigint, 'though it can be read');
ALTER SERVER files OWNER TO CURRENT_USER;

-- What is new is submitted, once.
SET ROLE alice;
SELECT is(ocr_ingest('files', 'a', pattern => '[.]pdf$', batch => 'new', priority => 3, metadata => '{"from": "files"}'), 4::bigint, 'what fits');
SELECT results_eq('SELECT owner, store, uri, batch, priority, metadata, status FROM ocr.jobs ORDER BY id',
    format($$SELECT 'alice'::name, 'files'::name, 'file://%s/' || key, 'new', 3, '{"from": "files"}'::jsonb, 'pending' FROM unnest('{a-b.pdf,a.pdf,a/b.pdf,a/b/c.pdf}'::text[]) key$$, :'folder'),
    'as ocr_submit() would have it');
SELECT is((SELECT count(*) FROM ocr.ingested i JOIN ocr.jobs j ON j.id = i.job_id AND j.uri = i.uri), 4::bigint, 'and is remembered');
SELECT is(ocr_ingest('files', 'a', pattern => '[.]pdf$'), 0::bigint, 'a second time there is nothing new');
SELECT isnt(pg_temp.put('a.pdf', 'changed'), NULL, 'until one changes');
SELECT is(ocr_ingest('files', 'a', pattern => '[.]pdf$'), 1::bigint, 'which is submitted again');
SELECT is(ocr_ingest('files', max_documents => 2), 2::bigint, 'so many at most');
SELECT is(ocr_ingest('files', max_documents => 2), 2::bigint, 'then the next');
SELECT is(ocr_ingest('files'), 3::bigint, 'then the others');
SELECT is(ocr_ingest('files'), 0::bigint, 'and that was all');
SELECT is((SELECT count(DISTINCT uri) || ' ' || count(*) FROM ocr.jobs), '11 12', 'each once, and the changed one twice');
RESET ROLE;
SELECT is(ocr_ingest('files', 'a', pattern => '[.]pdf$'), 4::bigint, 'what one role has had is new to another');
SELECT throws_ok($$SELECT ocr_ingest('files', pattern => '(')$$, '2201B', NULL, 'a pattern that is none');
SELECT throws_ok($$SELECT ocr_ingest('files', max_documents => 0)$$, '22023', NULL, 'no documents at all');
SELECT throws_ok($$SELECT ocr_ingest('files', tier => 'best')$$, '22023', NULL, 'options are checked as ever');
SELECT throws_ok($$SELECT ocr_ingest('nothing')$$, '42704', NULL, 'and so is the store');
CREATE SERVER web FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint 'https://example.com');
SELECT throws_ok($$SELECT ocr_ingest('web')$$, '0A000', NULL, 'what has no list');
SET ROLE alice;
SELECT is((SELECT count(*) FROM ocr.ingested WHERE owner <> 'alice'), 0::bigint, 'nobody sees what others have');
RESET ROLE;

-- Events of S3.
DELETE FROM ocr.jobs;
CREATE FUNCTION pg_temp.event(name text, key text, etag text = NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('Records', jsonb_build_array(jsonb_build_object('eventName', name, 's3', jsonb_build_object(
        'bucket', jsonb_build_object('name', 'invoices'), 'object', jsonb_strip_nulls(jsonb_build_object('key', key, 'eTag', etag))))))
$$;
SELECT uri, job_id FROM ocr_submit_event(pg_temp.event('ObjectCreated:Put', '2026/a+b%2Bc%25%C3%A9.pdf', 'e1'), batch => 'events') \gset
SELECT is(:'uri'::text, 's3://invoices/2026/a b+c%é.pdf', 'the key is decoded');
SELECT is((SELECT (uri, store, batch)::text FROM ocr.jobs WHERE id = :job_id), format('("%s",invoices,events)', :'uri'::text), 'and submitted');
SELECT is((SELECT e.job_id FROM ocr_submit_event(pg_temp.event('ObjectCreated:Put', '2026/a+b%2Bc%25%C3%A9.pdf', 'e1')) e), :job_id::bigint, 'an event that comes twice is the same job');
SELECT isnt((SELECT e.job_id FROM ocr_submit_event(pg_temp.event('s3:ObjectCreated:CompleteMultipartUpload', '2026/a+b%2Bc%25%C3%A9.pdf', '"e2"')) e), :job_id::bigint, 'another version is another');
SELECT is((SELECT array_agg(etag ORDER BY etag) FROM ocr.ingested WHERE uri = :'uri'), '{e1,e2}', 'as ocr_ingest() would know it');
SET LOCAL client_min_messages = warning;
SELECT is((SELECT count(*) FROM ocr_submit_event(event)), 0::bigint, 'no job of ' || left(event::text, 60))
FROM (VALUES (pg_temp.event('ObjectRemoved:Delete', 'a')), (pg_temp.event('ObjectCreated:Put', 'folder/')), ('{"Records": []}'),
    ('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "invoices"}')) AS v (event);
SELECT throws_ok(format('SELECT * FROM ocr_submit_event(%L)', event), '22023', NULL, event)
FROM unnest(ARRAY['{}', '[]', '1', 'null', '"x"', '{"Records": 1}', '{"Records": [1]}', '{"Records": [{"eventName": 1}]}', '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
    '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "invoices"}, "object": {"key": 1}}}]}',
    '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "invoices"}, "object": {"key": "%ff"}}}]}',
    '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "invoices"}, "object": {"key": ""}}}]}',
    '{"Message": "{\"Records\": []}"}']) AS event;
SELECT throws_ok($$SELECT * FROM ocr_submit_event(NULL)$$, '22004', NULL, 'null');
SELECT is((SELECT count(*) FROM ocr.jobs), 2::bigint, 'nothing of all this was submitted');
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -r "$PGDATA/pg_ocr_ingest"';
SELECT * FROM finish();
ROLLBACK;
