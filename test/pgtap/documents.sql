BEGIN;
SELECT plan(32);
\ir fake_worker.psql
CREATE FUNCTION pg_temp.documents() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ocr.documents';

-- Stored once, dropped with the last job that needs it.
SELECT ocr_submit('\x01') AS one \gset
SELECT ocr_submit('\x01') AS two \gset
SELECT isnt(:one, :two, 'two jobs');
SELECT is(pg_temp.documents(), 1::bigint, 'of one document');
SELECT is((SELECT sha256 FROM ocr.documents), sha256('\x01'), 'known by its SHA-256');
SELECT is(pg_temp.claim(), :one, 'the first');
SELECT pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.documents(), 1::bigint, 'the other job still needs it');
SELECT is((SELECT document_id FROM ocr.jobs WHERE id = :one), NULL, 'the first does not');
SELECT is(ocr.rescue_tasks(), 0, 'nothing to rescue');
SELECT is(pg_temp.documents(), 1::bigint, 'sweeping leaves what is needed');
SELECT is((SELECT count(*) FROM ocr.released_documents), 0::bigint, 'and need not look again');
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.documents(), 0::bigint, 'the last job drops it');
SELECT ok(EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'ocr.documents'::regclass AND attname = 'bytes' AND attstorage = 'e'),
    'bytes are stored so that a slice can be read');

-- Kept on request.
SELECT ocr_submit('\x02', keep_document => true) AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is((SELECT d.bytes FROM ocr.jobs j JOIN ocr.documents d ON d.id = j.document_id WHERE j.id = :job), '\x02'::bytea,
    'keep_document keeps it');
SELECT ocr_submit('\x02') AS job \gset
SELECT ok(ocr_cancel(:job), 'a job of the same document is cancelled');
SELECT is(pg_temp.documents(), 1::bigint, 'which leaves the kept document alone');

-- A job that is deleted gives up its document.
DELETE FROM ocr.jobs;
SELECT is(pg_temp.documents(), 1::bigint, 'not at once');
SELECT is(ocr.rescue_tasks(), 0, 'but when workers next look');
SELECT is(pg_temp.documents(), 0::bigint, 'it is dropped');

-- A failed job needs its document, a cancelled one does not.
SELECT ocr_submit('\x03') AS job \gset
SELECT pg_temp.claim(), pg_temp.fail('document_damaged') \g /dev/null
SELECT is(pg_temp.documents(), 1::bigint, 'a failed job keeps its document');
SELECT ok(ocr_retry(:job), 'to be retried with');
SELECT ok(ocr_cancel(:job), 'cancelled');
SELECT is(pg_temp.documents(), 0::bigint, 'dropped');
SELECT is(ocr_retry(:job), false, 'a cancelled job is not retried');

-- Cancelling while a worker is at it.
SELECT ocr_submit('\x04', password => 'sesame') AS job \gset
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT pg_temp.open(2), pg_temp.read(1) \g /dev/null
SELECT ok(ocr_cancel(:job), 'cancelled');
SELECT is(pg_temp.read(2), false, 'the worker can record nothing more');
SELECT is(pg_temp.status(:job), 'cancelled 1/2 0', 'what was read stays');
SELECT is((SELECT count(*) FROM ocr.tasks), 0::bigint, 'no task stays');
SELECT is((SELECT count(*) FROM ocr.passwords), 0::bigint, 'and no password');
SELECT is(ocr_cancel(:job), false, 'cancelled once');

-- TRUNCATE is no DELETE.
SELECT ocr_submit('\x05') \g /dev/null
SET LOCAL client_min_messages = warning;
TRUNCATE ocr.jobs CASCADE;
SELECT is(pg_temp.documents(), 1::bigint, 'TRUNCATE leaves the document');
SELECT is(ocr.rescue_tasks(), 0, 'until workers next look');
SELECT is(pg_temp.documents(), 0::bigint, 'and drop it');
SELECT * FROM finish();
ROLLBACK;
