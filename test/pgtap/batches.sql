BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE FUNCTION pg_temp.end() RETURNS boolean LANGUAGE sql AS $$ SELECT pg_temp.open(1) AND pg_temp.read(1) AND pg_temp.complete() $$;
CREATE FUNCTION pg_temp.submit(number int, batch text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(ocr_submit('\x01', options => '{"reuse": false}', batch => $2)) FROM generate_series(1, $1)
$$;
CREATE FUNCTION pg_temp.batch_of_claim() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    job int := pg_temp.claim();
BEGIN
    RETURN (SELECT coalesce(j.batch, 'none') FROM ocr.jobs j WHERE j.id = job);
END
$$;
-- What another worker has.
CREATE TEMP TABLE others AS SELECT task_id, fence FROM claim LIMIT 0;
CREATE FUNCTION pg_temp.end_other() RETURNS boolean LANGUAGE sql AS $$
    SELECT ocr.record_opened(o.task_id, o.fence, 'PNG', 1, 1)
       AND ocr.record_page(o.task_id, o.fence, 1, 'read', 'ocr', 'x', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL)
       AND ocr.complete_task(o.task_id, o.fence)
    FROM others o JOIN ocr.tasks t ON t.id = o.task_id AND t.fence = o.fence ORDER BY o.task_id LIMIT 1
$$;
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;

-- What holds for a batch.
SELECT lives_ok($$SELECT ocr_batch('mail', 'the mail of March', priority => 3, max_workers => 2, approve_confidence => 95, deadline => '2030-01-01')$$, 'a batch is made');
SELECT results_eq($$SELECT description, priority, max_workers, approve_confidence, review_confidence, deadline, webhook FROM ocr.batches WHERE name = 'mail'$$,
    $$VALUES ('the mail of March', 3, 2, 95::real, NULL::real, timestamptz '2030-01-01', NULL::name)$$, 'as it was said');
SELECT lives_ok($$SELECT ocr_batch('mail', max_workers => 1, reset => '{approve_confidence,deadline}')$$, 'and changed');
SELECT results_eq($$SELECT description, priority, max_workers, approve_confidence, deadline FROM ocr.batches WHERE name = 'mail'$$,
    $$VALUES ('the mail of March', 3, 1, NULL::real, NULL::timestamptz)$$, 'what is left out stays');
SELECT throws_ok($$SELECT ocr_batch('mail', priority => 1001)$$, '22023', NULL, 'no such priority');
SELECT throws_ok($$SELECT ocr_batch('mail', max_workers => 0)$$, '22023', NULL, 'no workers');
SELECT throws_ok($$SELECT ocr_batch('mail', deadline => 'infinity')$$, '22023', NULL, 'no deadline');
SELECT throws_ok($$SELECT ocr_batch('mail', reset => '{name}')$$, '22023', NULL, 'nothing to reset');
SELECT throws_ok($$SELECT ocr_batch('mail', webhook => 'nowhere')$$, '42704', NULL, 'no such webhook');
SELECT throws_ok($$SELECT ocr_pause('nothing')$$, '42704', 'batch "nothing" does not exist', 'no such batch');
SELECT throws_ok($$SELECT ocr_cancel_batch(NULL)$$, '22004', NULL, 'no batch');
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT throws_ok($$SELECT ocr_pause('mail')$$, '42704', NULL, 'nobody pauses a stranger''s');
SELECT throws_ok($$SELECT ocr_retry_failed('mail')$$, '42704', NULL, 'or retries it');
RESET SESSION AUTHORIZATION;

-- Its priority.
SELECT pg_temp.submit(3, 'late') AS late \gset
SELECT pg_temp.submit(2, 'mail') \g /dev/null
SELECT is(pg_temp.batch_of_claim(), 'mail', 'its jobs have its priority');
SELECT lives_ok($$SELECT ocr_batch('late', priority => 4)$$, 'a priority that comes later');
SELECT pg_temp.end() \g /dev/null
SELECT is(pg_temp.claim(), (:'late'::int[])[1], 'holds for those that wait as well, in their order');
SELECT ocr_batch('late', reset => '{priority}'), pg_temp.end() \g /dev/null
SELECT is(pg_temp.batch_of_claim(), 'mail', 'and is taken back');
SELECT is((SELECT array_agg(DISTINCT t.priority) FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id WHERE j.batch = 'late'), '{0}'::int[], 'then they have their own');
SELECT pg_temp.end() \g /dev/null
SELECT is(ocr_cancel_batch('late'), 2::bigint, 'a batch is cancelled');
SELECT is(ocr_cancel_batch('late'), 0::bigint, 'once');

-- Paused.
SELECT pg_temp.submit(450, 'archive') \g /dev/null
SELECT is(pg_temp.batch_of_claim(), 'archive', 'a batch goes on');
SELECT ok(ocr_pause('archive'), 'until it is paused');
SELECT is(ocr_pause('archive'), false, 'once');
SELECT ok(pg_temp.end(), 'what is being read is read to its end');
SELECT pg_temp.submit(1, 'other') AS other \gset
SELECT is(pg_temp.batch_of_claim(), 'other', 'others are read meanwhile');
SELECT pg_temp.end() \g /dev/null
SELECT is(pg_temp.claim(), NULL, 'the batch is not');
SELECT is(ocr.due_in_ms(), NULL, 'and nobody looks for it');
SELECT pg_temp.submit(1, 'archive') \g /dev/null
SELECT is(pg_temp.claim(), NULL, 'not even what is submitted to it now');
SELECT is((SELECT paused || ' ' || pending || ' ' || completed || ' ' || (eta IS NULL) FROM ocr.progress WHERE batch = 'archive'), 'true 450 1 true', 'which ocr.progress says');
SELECT ok(ocr_resume('archive'), 'resumed');
SELECT is(ocr_resume('archive'), false, 'once');
SELECT is(pg_temp.batch_of_claim(), 'archive', 'it goes on');
SELECT pg_temp.end() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.tasks WHERE run_at = 'infinity'), 0::bigint, 'all of it');
SELECT ocr_pause('archive'), pg_temp.claim() \g /dev/null
SELECT is(ocr_cancel_batch('archive'), 449::bigint, 'what is paused can be cancelled');
SELECT is((SELECT count(*) FROM ocr.tasks), 0::bigint, 'and is gone');

-- Resumed, what is for later stays for later.
SELECT ocr_submit('\x01', batch => 'tomorrow', run_at => now() + '1 day') AS tomorrow \gset
SELECT ocr_pause('tomorrow') \g /dev/null
SELECT ocr_submit('\x02', batch => 'tomorrow', run_at => now() + '1 day') \g /dev/null
SELECT ocr_resume('tomorrow') \g /dev/null
SELECT is((SELECT array_agg(DISTINCT run_at) FROM ocr.tasks), ARRAY[now() + '1 day'], 'a job of a batch that was paused has its time');
SELECT is(pg_temp.claim(), NULL, 'and is not read before');
SELECT ocr_cancel_batch('tomorrow') \g /dev/null

-- No more than so many workers.
SELECT ocr_batch('narrow', max_workers => 2), pg_temp.submit(250, 'narrow') \g /dev/null
SELECT is(pg_temp.batch_of_claim(), 'narrow', 'one');
INSERT INTO others SELECT task_id, fence FROM claim;
SELECT is(pg_temp.batch_of_claim(), 'narrow', 'two');
INSERT INTO others SELECT task_id, fence FROM claim;
SELECT is(pg_temp.claim(), NULL, 'and no third');
SELECT pg_temp.submit(1, 'wide') \g /dev/null
SELECT is(pg_temp.batch_of_claim(), 'wide', 'others may have it');
SELECT pg_temp.end() \g /dev/null
SELECT is(ocr.due_in_ms(), NULL, 'who has nothing to do may sleep');
SELECT ok(pg_temp.end_other(), 'one has ended');
SELECT is(ocr.due_in_ms(), 0::bigint, 'which wakes another');
SELECT is(pg_temp.batch_of_claim(), 'narrow', 'who takes the next');
INSERT INTO others SELECT task_id, fence FROM claim;
SELECT is(pg_temp.claim(), NULL, 'and there are two again');
SELECT ocr.release_task(task_id, fence) FROM others ORDER BY task_id LIMIT 1 OFFSET 1;
SELECT is(pg_temp.batch_of_claim(), 'narrow', 'what is given back makes room as well');
INSERT INTO others SELECT task_id, fence FROM claim;
SELECT lives_ok($$SELECT ocr_batch('narrow', max_workers => 3)$$, 'room for one more');
SELECT is(pg_temp.batch_of_claim(), 'narrow', 'who comes at once');
INSERT INTO others SELECT task_id, fence FROM claim;
SELECT is(pg_temp.claim(), NULL, 'and is the last');
-- As if the last of them had ended while a claim held what was left.
ALTER TABLE ocr.tasks DISABLE TRIGGER admit_next_task;
SELECT count(pg_temp.end_other()) FROM generate_series(1, 3) \g /dev/null
ALTER TABLE ocr.tasks ENABLE TRIGGER admit_next_task;
SELECT is(pg_temp.claim(), NULL, 'forgotten');
SELECT ocr.rescue_tasks() \g /dev/null
SELECT is(pg_temp.batch_of_claim(), 'narrow', 'and found');
SELECT ocr.release_task(task_id, fence) FROM claim;
SELECT lives_ok($$SELECT ocr_batch('narrow', reset => '{max_workers}')$$, 'as many as there are');
SELECT is((SELECT count(*) FROM generate_series(1, 9) WHERE pg_temp.batch_of_claim() = 'narrow'), 9::bigint, 'all come');

-- A retry of what failed.
SELECT pg_temp.submit(3, 'broken'), pg_temp.submit(1, 'other') \g /dev/null
UPDATE ocr.tasks SET priority = 9 WHERE job_id IN (SELECT id FROM ocr.jobs WHERE batch IN ('broken', 'other'));
SELECT count(pg_temp.fail('document_damaged')) FROM generate_series(1, 4) WHERE pg_temp.claim() IS NOT NULL \g /dev/null
SELECT is((SELECT count(*) FROM ocr.dead_letters WHERE batch IN ('broken', 'other')), 4::bigint, 'four have failed');
SELECT is(ocr_retry_failed('broken'), 3::bigint, 'three go round again');
SELECT is((SELECT string_agg(batch, ' ') FROM ocr.dead_letters), 'other', 'of one batch');
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT ocr_submit('\x05', priority => 10) AS hers \gset
RESET SESSION AUTHORIZATION;
SELECT pg_temp.claim(), pg_temp.fail('document_damaged') \g /dev/null
SELECT is(ocr_retry_failed(), 1::bigint, 'without a batch, all that are one''s own');
SELECT is((SELECT status FROM ocr.jobs WHERE id = :hers), 'failed', 'and nobody else''s');
UPDATE ocr.tasks SET priority = 9 WHERE job_id IN (SELECT id FROM ocr.jobs WHERE batch = 'other' AND finished_at IS NULL);
SELECT pg_temp.claim(), pg_temp.fail('document_damaged') \g /dev/null
DELETE FROM ocr.documents;
SELECT is(ocr_retry_failed(), 0::bigint, 'where the document is gone there is nothing to be read');

-- Many at once.
CREATE TEMP TABLE many AS SELECT * FROM ocr_submit_many('{"\\x01","\\x0203","\\x040506"}'::bytea[], batch => 'many', priority => 2) WITH ORDINALITY AS s (id, n);
SELECT is((SELECT array_agg(octet_length(d.bytes) ORDER BY m.n) FROM many m JOIN ocr.jobs j USING (id) JOIN ocr.documents d ON d.id = j.document_id
           WHERE j.batch = 'many' AND j.priority = 2), '{1,2,3}'::int[], 'many documents, in their order');
SELECT throws_ok($$SELECT ocr_submit_many('{"\\x01",NULL}'::bytea[])$$, '22004', NULL, 'one that is NULL is an error');
SELECT throws_ok($$SELECT ocr_submit_many('{"\\x01"}'::bytea[], tier => 'quick')$$, '22023', NULL, 'as is a bad option');
CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans');
TRUNCATE many;
INSERT INTO many SELECT * FROM ocr_submit_many('{s3://scans/a,s3://scans/b}'::text[]) WITH ORDINALITY AS s (id, n);
SELECT is((SELECT array_agg(j.uri ORDER BY m.n) FROM many m JOIN ocr.jobs j USING (id)), '{s3://scans/a,s3://scans/b}'::text[], 'or of a store');
SELECT throws_ok($$SELECT ocr_submit_many('{s3://nowhere/b}'::text[])$$, '42704', NULL, 'that there is');

-- The end of one: webhook and time. What NOTIFY says can only be heard after a commit.
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://example.com/');
CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE finished_at IS NULL;
SELECT ocr_batch('march', 'said', webhook => 'hook'), pg_temp.submit(3, 'march') \g /dev/null
SELECT pg_temp.claim(), pg_temp.end(), pg_temp.claim(), pg_temp.fail('document_damaged') \g /dev/null
SELECT is((SELECT finished_at FROM ocr.batches WHERE name = 'march'), NULL, 'not ended yet');
SELECT is((SELECT count(*) FROM ocr.deliveries), 0::bigint, 'nobody is told');
SELECT ocr_cancel(job_id) FROM ocr.tasks \g /dev/null
SELECT ok((SELECT finished_at IS NOT NULL FROM ocr.batches WHERE name = 'march'), 'ended');
SELECT results_eq($$SELECT owner, batch, job_id, event, payload::jsonb->>'type',
                           (payload::jsonb->'data') - '{submitted_at,started_at,finished_at}'::text[] FROM ocr.deliveries$$,
    format($$VALUES (%L::name, 'march', NULL::bigint, 'batch.finished', 'batch.finished',
        '{"batch": "march", "owner": "%s", "status": "finished", "description": "said", "jobs": 3, "completed": 1, "failed": 1, "cancelled": 1,
          "approved": 1, "review": 0, "rejected": 0, "pages_total": 1, "pages_done": 1, "pages_failed": 0, "confidence": 95.00, "deadline": null}'::jsonb)$$,
        current_user, current_user), 'the webhook is told, with a summary');
SELECT pg_temp.submit(1, 'march') \g /dev/null
SELECT is((SELECT finished_at FROM ocr.batches WHERE name = 'march'), NULL, 'more of it begins it anew');
SELECT pg_temp.claim(), pg_temp.end() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.deliveries), 2::bigint, 'and its next end is told as well');
-- Two that end at the same time: each sees the other unfinished.
SELECT pg_temp.submit(2, 'march') \g /dev/null
CREATE OR REPLACE FUNCTION pg_temp.end_unseen() RETURNS void LANGUAGE sql AS $$
    INSERT INTO ocr.ending_batches SELECT owner, batch FROM ocr.jobs WHERE batch = 'march' AND finished_at IS NULL;
    UPDATE ocr.jobs SET status = 'cancelled', finished_at = clock_timestamp() WHERE batch = 'march' AND finished_at IS NULL
$$;
SELECT ocr.rescue_tasks() \g /dev/null
SELECT pg_temp.end_unseen();
SELECT is((SELECT count(*) FROM ocr.deliveries), 2::bigint, 'nobody has told');
SELECT ocr.rescue_tasks() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.deliveries), 3::bigint, 'it is told soon after, once');
INSERT INTO ocr.ending_batches SELECT owner, name FROM ocr.batches WHERE name = 'march';
SELECT ocr.rescue_tasks() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.deliveries), 3::bigint, 'and not again');
SELECT is((SELECT count(*) FROM ocr.ending_batches), 0::bigint, 'nothing is left to look at');

-- How far it is.
SELECT ocr_batch('bars', deadline => now() - interval '1 s'), pg_temp.submit(4, 'bars') \g /dev/null
SELECT is((SELECT format('%s %s %s', bar, progress, late) FROM ocr.progress WHERE batch = 'bars'), '[....................]   0% 0 t', 'nothing is done, and it is late');
UPDATE ocr.tasks SET priority = 99 WHERE job_id IN (SELECT id FROM ocr.jobs WHERE batch = 'bars');
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read(1) \g /dev/null
SELECT is((SELECT format('%s %s', bar, progress) FROM ocr.progress WHERE batch = 'bars'), '[##..................]  12% 0.125', 'one page of two, one document of four');
SELECT pg_temp.read(2), pg_temp.complete() \g /dev/null
UPDATE ocr.jobs SET started_at = now() - interval '1 min' WHERE batch = 'bars' AND status = 'completed';
SELECT is((SELECT format('%s %s %s', pages_per_minute, eta - now(), bar) FROM ocr.progress WHERE batch = 'bars'), '2 00:03:00 [#####...............]  25%',
    'two pages in a minute: six more in three');
SELECT ocr_cancel_batch('bars') \g /dev/null
SELECT is((SELECT format('%s %s %s', bar, progress, eta) FROM ocr.progress WHERE batch = 'bars'), '[####################] 100% 1 ', 'done');
SELECT * FROM finish();
ROLLBACK;
