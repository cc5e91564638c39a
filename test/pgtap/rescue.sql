BEGIN;
SELECT plan(18);
\ir fake_worker.psql

SELECT is(ocr.rescue_tasks(), 0, 'nothing is claimed, nothing to rescue');
SELECT ocr_submit('\x01') AS job \gset
SELECT is(pg_temp.claim(), :job, 'claimed by a worker that is dead');
SELECT pg_temp.open(2), pg_temp.read(1) \g /dev/null
SELECT is(ocr.rescue_tasks(), 1, 'rescued');
SELECT is(pg_temp.status(:job), 'pending 1/2 0', 'the job is pending again');
SELECT is((SELECT attempts FROM ocr_status(:job)), 1, 'the attempt counts: it may have been the death of the worker');
SELECT is(pg_temp.read(2), false, 'the dead worker, should it live, can write nothing');
SELECT is(ocr.rescue_tasks(), 0, 'rescued once');

-- No user can keep a task from being rescued by taking the worker's lock.
SELECT is(pg_temp.claim(), :job, 'claimed again, at once');
SELECT is((SELECT attempt || ' ' || done::text FROM claim), '2 {1}', 'as the second attempt, past the page that was read');
SELECT lives_ok('SELECT pg_advisory_xact_lock(4711)', 'a session that is no worker holds the lock');
SELECT is(ocr.live_workers(), '{}', 'it does not count');
SELECT is(ocr.rescue_tasks(), 1, 'rescued');

-- A document that is the death of every worker does not go on for ever.
SELECT is(pg_temp.claim(), :job, 'third attempt');
SELECT is(ocr.rescue_tasks(), 1, 'dealt with');
SELECT is(pg_temp.status(:job), 'failed 2/2 1 engine_crashed', 'the attempts are spent');
SELECT is((SELECT count(*) FROM ocr.tasks), 0::bigint, 'it left the queue');
SELECT is((SELECT count(*) FROM ocr.pages WHERE job_id = :job AND status = 'failed'), 1::bigint, 'the unread page is accounted for');
SELECT is((SELECT array_agg(attempt ORDER BY attempt) FROM ocr.failures WHERE job_id = :job AND error_code = 'engine_crashed'), '{1,2,3}', 'each death is written down');
SELECT * FROM finish();
ROLLBACK;
