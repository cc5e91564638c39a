BEGIN;
SELECT plan(19);
\ir fake_worker.psql
CREATE FUNCTION pg_temp.parts(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(first_page || '-' || coalesce(last_page::text, ''), ' ' ORDER BY first_page) FROM ocr.tasks WHERE job_id = job
$$;
CREATE FUNCTION pg_temp.read_part(pages int[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT bool_and(pg_temp.read(page)) FROM unnest(pages) AS page
$$;

-- A document that one task can read stays whole.
SELECT ocr_submit('\x01') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(16) \g /dev/null
SELECT is(pg_temp.parts(:job), '1-', 'sixteen pages are one task');
SELECT pg_temp.read_part(ARRAY(SELECT generate_series(1, 16))), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed approved 16/16 0', 'which completes the job');

-- A longer one is shared; of a selection, the selected pages count.
SELECT ocr_submit('\x02', pages => '2,5-40', priority => 3) AS job \gset
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT is((SELECT format('%s-%s %s', first_page, last_page, task_pages) FROM claim), '1- 16', 'whoever opens it reads the first sixteen');
SELECT ok(pg_temp.open(50, 37), 'opened');
SELECT is(pg_temp.parts(:job), '1-19 20-35 36-40', 'the others may have the rest');
SELECT is((SELECT count(*) FROM ocr.tasks WHERE job_id = :job AND priority = 3), 3::bigint, 'at the same priority');
SELECT ok(pg_temp.open(50, 37) AND pg_temp.parts(:job) = '1-19 20-35 36-40', 'it is split once, however often it is opened');
CREATE TEMP TABLE first_claim AS SELECT * FROM claim;

SELECT is(pg_temp.claim(), :job, 'another worker claims the next part');
SELECT is((SELECT format('%s-%s %s', first_page, last_page, task_pages) FROM claim), '20-35 ', 'with its own pages');
SELECT is((SELECT attempts FROM ocr_status(:job)), 1, 'which is no further attempt at the job');
SELECT pg_temp.read_part(ARRAY(SELECT generate_series(20, 35))), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'running 16/37 0', 'a part is done, the job is not');

SELECT is(pg_temp.claim(), :job, 'the last part');
SELECT pg_temp.fail('engine_crashed', 36) \g /dev/null
SELECT pg_temp.claim() \g /dev/null
SELECT is((SELECT attempts FROM ocr_status(:job)), 2, 'a part tried again counts for the job');
SELECT pg_temp.read_part(ARRAY(SELECT generate_series(36, 40))), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'running 21/37 0 engine_crashed', 'the first part is still out');
DELETE FROM claim;
INSERT INTO claim SELECT * FROM first_claim;
SELECT pg_temp.read_part('{2}' || ARRAY(SELECT generate_series(5, 19))), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed approved 37/37 0', 'the last part to end completes the job');

-- What one part finds out about the whole document ends all parts.
SELECT ocr_submit('\x03') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(40) \g /dev/null
INSERT INTO first_claim SELECT * FROM claim;
SELECT pg_temp.claim(), pg_temp.fail('document_damaged') \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 40/40 40 document_damaged', 'the job fails, every page accounted for');
SELECT is(pg_temp.parts(:job), NULL, 'no part is left');
DELETE FROM claim;
INSERT INTO claim SELECT * FROM first_claim WHERE job_id = :job;
SELECT is(pg_temp.read(1), false, 'the worker of another part can write nothing more');
SELECT * FROM finish();
ROLLBACK;
