-- Workers that wait for a store that is slow, and what is left of them for everybody else.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE SERVER slow FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'slow');
CREATE SERVER quick FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'quick');
CREATE FUNCTION pg_temp.time_passes(meanwhile interval) RETURNS void LANGUAGE sql AS $$
    UPDATE ocr.tasks SET claimed_at = claimed_at - meanwhile WHERE worker IS NOT NULL;
    UPDATE ocr.tasks SET run_at = run_at - meanwhile WHERE worker IS NULL
$$;
CREATE FUNCTION pg_temp.fetched() RETURNS int[] LANGUAGE sql AS $$
    SELECT ocr.record_fetched(task_id, fence, 'etag', 1, sha256('\x01')) FROM claim
$$;
SELECT is(ocr.most_slow_fetches(), greatest(1, current_setting('pg_ocr.workers')::int / 2), 'half of the workers may wait');
CREATE OR REPLACE FUNCTION ocr.most_slow_fetches() RETURNS int LANGUAGE sql AS 'SELECT 2';

SELECT array_agg(ocr_submit('s3://slow/' || i)) AS slow FROM generate_series(1, 1005) AS i \gset
SELECT ocr_submit('s3://quick/1') AS quick \gset
SELECT ocr_submit('\x01') AS bytes \gset
SELECT is(pg_temp.claim(), (:'slow'::int[])[i], 'first come, first served') FROM generate_series(1, 3) AS i;
SELECT pg_temp.time_passes('4 s') \g /dev/null
SELECT is(pg_temp.claim(), (:'slow'::int[])[4], 'as long as nothing takes long');

-- Four wait. Those that came first go on.
CREATE TEMP TABLE at_work AS SELECT t.id, t.job_id, t.fence FROM ocr.tasks t WHERE t.worker IS NOT NULL;
UPDATE ocr.tasks t SET claimed_at = now() - interval '20 s' - t.job_id * interval '-1 ms' WHERE t.worker IS NOT NULL;
SELECT results_eq('SELECT ocr.holds_task(id, fence) FROM at_work ORDER BY job_id', 'VALUES (true), (true), (false), (false)',
    'of four that have waited for long, two give their tasks back');
SELECT results_eq('SELECT status, attempts FROM ocr.jobs WHERE id IN (SELECT job_id FROM at_work) ORDER BY id',
    $$VALUES ('running', 1), ('running', 1), ('pending', 0), ('pending', 0)$$, 'unharmed');
SELECT results_eq('SELECT ocr.holds_task(id, fence) FROM at_work ORDER BY job_id LIMIT 2', 'VALUES (true), (true)', 'and two keep them');

-- The others' turn.
SELECT is(pg_temp.claim(), :quick, 'the next is of another store');
SELECT is(pg_temp.claim(), :bytes, 'or of none');
SELECT is(pg_temp.claim(), NULL, 'the rest waits');
SELECT is((SELECT count(*) FROM ocr.tasks WHERE worker IS NULL AND run_at <= now()), 0::bigint, 'until later');
SELECT pg_temp.time_passes('10 s') \g /dev/null
SELECT is(pg_temp.claim(), NULL, 'and again');

-- Once a document has come, its worker waits no more.
DELETE FROM claim;
INSERT INTO claim (task_id, fence) SELECT id, fence FROM at_work ORDER BY job_id LIMIT 1;
SELECT is(pg_temp.fetched(), '{}', 'one has come');
SELECT pg_temp.time_passes('400 s') \g /dev/null
SELECT ok(ocr.holds_task(task_id, fence), 'reading may take its time') FROM claim;
SELECT ok(pg_temp.claim() = ANY (:'slow'::int[]), 'another may be fetched');
SELECT ok(ocr.holds_task(task_id, fence), 'and is') FROM claim;
SELECT pg_temp.time_passes('10 s') \g /dev/null
SELECT is(pg_temp.claim(), NULL, 'and no third');
SELECT ok(ocr.holds_task(t.id, t.fence), 'a store is not to blame for another') FROM ocr.tasks t WHERE t.job_id = :quick;

SELECT * FROM finish();
ROLLBACK;
