-- What is deleted, and what must not be. The procedure, which commits, is in test/t/087_purge.pl.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE FUNCTION pg_temp.ended(batch text = NULL, ago interval = '0', keep boolean = false) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    job bigint := ocr_submit('\x01', batch => batch, keep_document => keep, options => '{"reuse": false}', priority => 9);
BEGIN
    PERFORM pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete();
    UPDATE ocr.jobs SET finished_at = now() - ago WHERE id = job;
    RETURN job;
END
$$;
CREATE FUNCTION pg_temp.purge(older_than interval = NULL, batch text = NULL, owner name = NULL, everyone boolean = false)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz;
    after timestamptz;
    after_id bigint;
    purged bigint := 0;
BEGIN
    LOOP
        SELECT * INTO until, after, after_id, purged FROM ocr.purge_jobs(older_than, batch, owner, everyone, until, after, after_id, purged);
        EXIT WHEN after_id IS NULL;
    END LOOP;
    RETURN purged;
END
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;

SELECT pg_temp.ended(NULL, '100 days') AS old, pg_temp.ended(NULL, '10 days') AS recent, pg_temp.ended('b', '100 days') AS of_batch, ocr_submit('\x02') AS pending \gset
SELECT is(pg_temp.purge('90 days', 'b'), 1::bigint, 'of a batch, what is old');
SELECT is(pg_temp.purge('90 days'), 1::bigint, 'then what is old of all');
SELECT results_eq('SELECT id FROM ocr.jobs ORDER BY id', format('VALUES (%s::bigint), (%s)', :recent, :pending), 'the others stay');
SELECT is(pg_temp.purge('0'), 1::bigint, 'all that has ended');
SELECT results_eq('SELECT id FROM ocr.jobs', format('VALUES (%s::bigint)', :pending), 'what has not stays');
SELECT is((SELECT count(*) FROM ocr.pages), 0::bigint, 'pages are gone with their jobs');
SELECT pg_temp.ended('kept', keep => true) \g /dev/null
SELECT is(pg_temp.purge(batch => 'kept'), 1::bigint, 'a batch whatever its age');
SELECT ocr.sweep_documents() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.documents WHERE bytes = '\x01'), 0::bigint, 'and its documents');
SELECT count(pg_temp.ended('many')) FROM generate_series(1, 1005) \g /dev/null
SELECT is(pg_temp.purge(batch => 'many'), 1005::bigint, 'more than a thousand');

SELECT throws_ok('SELECT pg_temp.purge()', '22004', NULL, 'everything is not a default');
SELECT throws_ok($$SELECT pg_temp.purge('-1 day')$$, '22023', NULL, 'nor is the future');
SELECT throws_ok($$SELECT pg_temp.purge('1 day', owner => 'postgres', everyone => true)$$, '22023', NULL, 'one or all');

-- Whose.
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT ocr_submit('\x03') AS hers \gset
SELECT ocr_cancel(:hers) \g /dev/null
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT is(pg_temp.purge('0', everyone => true), 0::bigint, 'nobody deletes a stranger''s');
SELECT throws_ok($$SELECT pg_temp.purge('0', owner => 'ocr_test_alice')$$, '42501', NULL, 'nor by name');
SELECT throws_ok(format('SELECT ocr_hold(%s)', :hers), '42704', NULL, 'or holds it');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.purge('0'), 0::bigint, 'by default one''s own');
GRANT ocr_test_alice TO ocr_test_bob;
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT is(pg_temp.purge('0', owner => 'ocr_test_alice'), 1::bigint, 'a member may');
RESET SESSION AUTHORIZATION;

-- On hold.
SELECT pg_temp.ended('claim') AS one, pg_temp.ended('claim') AS two, pg_temp.ended('other') AS other, ocr_submit('\x04', batch => 'claim') AS waits \gset
SELECT ok(ocr_hold(:one), 'a job is held');
SELECT is(ocr_hold(:one), false, 'once');
SELECT throws_ok(format('DELETE FROM ocr.jobs WHERE id = %s', :one), '55006', format('job %s is on legal hold', :one), 'nobody deletes it');
SELECT ok(ocr_hold('other'), 'a batch is held');
SELECT throws_ok(format('DELETE FROM ocr.jobs WHERE id = %s', :other), '55006', NULL, 'nor this');
SELECT is(pg_temp.purge('0'), 1::bigint, 'the one that is not held is deleted');
SELECT is((SELECT array_agg(id) FROM ocr.jobs WHERE id IN (:one, :two, :other)), ARRAY[:one, :other]::bigint[], 'the others stay');
SELECT pg_temp.ended('other') AS later \gset
SELECT is(pg_temp.purge(batch => 'other'), 0::bigint, 'what comes later as well');
SELECT ok((SELECT document_id IS NOT NULL FROM ocr.jobs WHERE id = :later), 'and its document');
SELECT ok(ocr_hold('other', false) AND ocr_hold(:one, false), 'released');
SELECT is(pg_temp.purge('0'), 3::bigint, 'deleted');
SELECT throws_ok($$SELECT ocr_hold('nothing')$$, '42704', NULL, 'no such batch');
SELECT throws_ok(format('SELECT ocr_hold(%s, NULL)', :waits), '22004', NULL, 'not a hold');
SELECT * FROM finish();
ROLLBACK;
