BEGIN;
SELECT plan(9);
\ir fake_worker.psql
CREATE FUNCTION pg_temp.document_of(job_id bigint, document bytea = NULL) RETURNS bytea LANGUAGE sql AS $$
    SELECT ocr.document_of_job(j, document_of.document) FROM ocr.jobs j WHERE j.id = document_of.job_id
$$;

SELECT ocr_submit('\x0102', keep_document => true, options => '{"reuse": false}') AS kept \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.document_of(:kept), '\x0102', 'what was kept is there');
SELECT is(pg_temp.document_of(:kept, '\x0102'), '\x0102', 'or may be given');
SELECT throws_ok(format('SELECT pg_temp.document_of(%s, %L)', :kept, '\x01'::bytea), '22023', format('this is not the document that job %s read', :kept),
                 'but not another');

SELECT ocr_submit('\x0102', options => '{"reuse": false}') AS gone \gset
SELECT is(pg_temp.document_of(:gone), '\x0102', 'a job that is to be read has its document');
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.document_of(%s)', :gone), '55000', format('the document of job %s was not kept', :gone), 'one that is done has none');
SELECT is(pg_temp.document_of(:gone, '\x0102'), '\x0102', 'but takes it');

-- Of a document in a store, it is known what was read.
CREATE SERVER ocr_test_files FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '/nowhere/at/all');
SELECT ocr_submit('file:///nowhere/at/all/a.pdf', options => '{"reuse": false}') AS stored \gset
UPDATE ocr.jobs SET document_size = 2, document_sha256 = sha256('\x0102') WHERE id = :stored;
SELECT is(pg_temp.document_of(:stored, '\x0102'), '\x0102', 'the bytes that were fetched are right');
SELECT throws_ok(format('SELECT pg_temp.document_of(%s, %L)', :stored, '\x0103'::bytea), '22023', NULL, 'others of that size are not');
SELECT throws_ok(format('SELECT pg_temp.document_of(%s)', :stored), 'HV00N', NULL, 'where the store is gone there is nothing');

SELECT * FROM finish();
ROLLBACK;
