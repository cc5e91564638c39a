-- ocr.metrics: what it counts, for whom, and that it reads no more than the last hour.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_watcher IN ROLE pg_monitor;
CREATE FUNCTION pg_temp.figure(metric text, labels jsonb = '{}') RETURNS float8 LANGUAGE sql AS $$
    SELECT m.value FROM ocr.metrics m WHERE m.metric = $1 AND m.labels @> $2
$$;
CREATE FUNCTION pg_temp.rows_read(relation regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT s.seq_tup_read + coalesce(s.idx_tup_fetch, 0) FROM pg_stat_xact_all_tables s WHERE s.relid = relation
$$;

SELECT is((SELECT sum(value) FROM ocr.metrics WHERE metric IN ('queue_tasks', 'queue_oldest_seconds', 'jobs', 'pages', 'dead_letters', 'deliveries')), 0::float8,
    'a new database has noughts');
SELECT is((SELECT count(*) FROM ocr.metrics WHERE metric = 'queue_tasks'), 12::bigint, 'for each tier and status');
SELECT is((SELECT count(*) FROM ocr.metrics WHERE metric IN ('jobs', 'pages')), 18::bigint, 'and each window and status');
SELECT is((SELECT count(*) FROM ocr.metrics WHERE value IS NULL OR labels IS NULL), 0::bigint, 'nothing is null');

-- The queue.
SELECT ocr_submit('\x01'::bytea, tier => 'fast', run_at => now() - interval '90 s') AS job \gset
SELECT ocr_submit('\x02'::bytea, tier => 'fast', run_at => now() - interval '30 s') AS other \gset
SELECT ocr_submit('\x03'::bytea, tier => 'accurate', run_at => now() + interval '1 h') AS later \gset
SELECT is(pg_temp.figure('queue_tasks', '{"tier": "fast", "status": "due"}'), 2::float8, 'two are due');
SELECT is(pg_temp.figure('queue_oldest_seconds', '{"tier": "fast"}'), 90::float8, 'the first for 90 s');
SELECT is(pg_temp.figure('queue_tasks', '{"tier": "accurate", "status": "later"}'), 1::float8, 'one will be');
SELECT is(pg_temp.figure('queue_oldest_seconds', '{"tier": "accurate"}'), 0::float8, 'which has not been due at all');
SELECT is(pg_temp.claim(), :job, 'one is claimed');
SELECT ocr_cancel(:later);
UPDATE ocr.tasks SET run_at = 'infinity' WHERE job_id = :other;
SELECT is(pg_temp.figure('queue_tasks', '{"tier": "fast", "status": "held"}'), 1::float8, 'what is held is not due');
SELECT is(pg_temp.figure('queue_oldest_seconds', '{"tier": "fast"}'), 0::float8, 'and has not been for any time');
SELECT is((SELECT status || ': ' || detail FROM ocr.check_queue('1 min', '1 hour') WHERE topic = 'queue'), 'ok: 0 tasks are due, 1 are being read', 'nor is it a trouble');
UPDATE ocr.tasks SET run_at = now() - interval '30 s' WHERE job_id = :other;
SELECT is(pg_temp.figure('queue_tasks', '{"tier": "fast", "status": "running"}'), 1::float8, 'and counts as running');
SELECT is(pg_temp.figure('queue_oldest_seconds', '{"tier": "fast"}'), 30::float8, 'so that the other is the oldest');

-- What was done. Time stands still in a transaction, so it is turned back.
UPDATE ocr.jobs SET submitted_at = now() - interval '100 s', started_at = now() - interval '80 s' WHERE id = :job;
SELECT pg_temp.open(3), pg_temp.read(1), pg_temp.read(2), pg_temp.lose(3), pg_temp.complete() \g /dev/null
SELECT results_eq($$SELECT labels->>'minutes', value FROM ocr.metrics WHERE metric = 'pages' AND labels->>'status' = 'read' ORDER BY (labels->>'minutes')::int$$,
    $$VALUES ('1', 2::float8), ('5', 2), ('60', 2)$$, 'pages that were read');
SELECT is(pg_temp.figure('pages', '{"status": "failed", "minutes": 60}'), 1::float8, 'and one that failed');
SELECT is(pg_temp.figure('jobs', '{"status": "completed", "minutes": 60}'), 1::float8, 'a job is completed');
SELECT is(pg_temp.figure('jobs', '{"status": "cancelled", "minutes": 60}'), 1::float8, 'and the one that was cancelled');
SELECT is(pg_temp.figure('wait_seconds', '{"quantile": 0.5}'), 10::float8, 'it waited from when it was due');
SELECT is(pg_temp.figure('job_seconds', '{"quantile": 0.99}'), 80::float8, 'and took so long');
SELECT is(pg_temp.figure('page_seconds', '{"quantile": 0.95}'), 0.005::float8, 'each page took less');
UPDATE ocr.jobs SET finished_at = now() - interval '2 min' WHERE id = :job;
UPDATE ocr.pages SET read_at = now() - interval '10 min' WHERE job_id = :job;
SELECT results_eq($$SELECT labels->>'minutes', value FROM ocr.metrics WHERE metric = 'jobs' AND labels->>'status' = 'completed' ORDER BY (labels->>'minutes')::int$$,
    $$VALUES ('1', 0::float8), ('5', 1), ('60', 1)$$, 'what ended two minutes ago is not of the last minute');
SELECT is(pg_temp.figure('pages', '{"status": "read", "minutes": 5}'), 0::float8, 'nor what was read ten minutes ago of the last five');

-- Failures, deliveries.
SELECT pg_temp.claim(), pg_temp.fail('engine_crashed') \g /dev/null
SELECT is(pg_temp.figure('failed_attempts', '{"code": "engine_crashed"}'), 1::float8, 'an attempt failed');
SELECT is(pg_temp.figure('dead_letters', '{"code": "engine_crashed"}'), NULL, 'and is to be tried again');
SELECT pg_temp.let_backoff_pass(), pg_temp.claim(), pg_temp.fail('document_damaged') \g /dev/null
SELECT is(pg_temp.figure('dead_letters', '{"code": "document_damaged"}'), 1::float8, 'then the job has failed');
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://receiver.test/hook', max_attempts '2');
CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
SELECT ocr_cancel(ocr_submit('\x05'::bytea, webhook => 'hook'));
SELECT is(pg_temp.figure('deliveries', '{"webhook": "hook", "status": "pending"}'), 1::float8, 'a delivery is pending');
SELECT ok(ocr.record_attempt(id, event_id, false, 500, 12, 0, '', 'it answered 500'), 'an attempt fails') FROM ocr.deliveries;
SELECT is(pg_temp.figure('deliveries', '{"status": "attempt_failed"}'), 1::float8, 'which counts');
SELECT ok(ocr.record_attempt(id, event_id, false, 500, 12, 0, '', 'it answered 500'), 'and the last') FROM ocr.deliveries;
SELECT is(pg_temp.figure('deliveries', '{"status": "failed"}'), 1::float8, 'so that it has failed');
SELECT isnt(pg_temp.figure('total', '{"of": "pages_read"}'), NULL, 'superusers see the counters of the server');
SELECT is(pg_temp.figure('total', '{"of": "cards_left"}'), 0::float8, 'no engine has left a GPU');
SELECT is((SELECT count(*) FROM ocr.metrics WHERE metric LIKE 'card%'), 0::bigint, 'of which this machine is taken to have none');

-- For whom.
SET LOCAL SESSION AUTHORIZATION ocr_test_watcher;
SELECT is(pg_temp.figure('pages', '{"status": "read", "minutes": 60}'), 2::float8, 'members of pg_monitor see all');
SELECT isnt(pg_temp.figure('total', '{"of": "pages_read"}'), NULL, 'and the counters');
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT is((SELECT sum(value) FROM ocr.metrics WHERE metric NOT IN ('workers', 'engine_memory_bytes')), 0::float8, 'a stranger sees nothing of it');
SELECT is(pg_temp.figure('total', '{"of": "pages_read"}'), NULL, 'nor the counters');
SELECT ocr_submit('\x06'::bytea, tier => 'fast') AS of_alice \gset
SELECT is(pg_temp.figure('queue_tasks', '{"tier": "fast", "status": "due"}'), 1::float8, 'but its own');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT is(pg_temp.figure('pages', '{"status": "read", "minutes": 60}'), 1::float8, 'and its own pages');
SELECT is(pg_temp.figure('jobs', '{"status": "completed", "minutes": 60}'), 1::float8, 'and jobs');
SELECT is((SELECT sum(value) FROM ocr.metrics WHERE metric IN ('failed_attempts', 'dead_letters', 'deliveries')), NULL, 'and failures, of which there are none');
RESET SESSION AUTHORIZATION;

-- A year of jobs behind it. As nothing is written while they are made, no trigger is needed.
SET LOCAL session_replication_role = replica;
INSERT INTO ocr.jobs (id, owner, document_size, status, priority, tier, language, text_layer, metadata, options, keep_document, submitted_at, run_at,
                      started_at, finished_at, pages_total, pages_done) OVERRIDING SYSTEM VALUE
SELECT n - 100000, 'postgres', 1, 'completed', 0, 'fast', 'eng', 'auto', '{}', '{}', false, t, t, t, t, 1, 1
FROM (SELECT now() - interval '1 year' + n * interval '5 min' AS t, n FROM generate_series(1, 50000) AS n) AS years;
INSERT INTO ocr.pages (job_id, page_no, status, source, text, read_at)
SELECT id, 1, 'read', 'ocr', repeat('text ', 40), finished_at FROM ocr.jobs WHERE id < 0 ORDER BY id;
INSERT INTO ocr.failures (job_id, failed_at, attempt, error_code, error)
SELECT id, finished_at, 1, 'engine_crashed', repeat('it broke ', 20) FROM ocr.jobs WHERE id < 0 ORDER BY id;
SET LOCAL session_replication_role = origin;
-- Vacuum does this, which cannot run here.
SELECT brin_summarize_new_values('ocr.pages_read_at'), brin_summarize_new_values('ocr.failures_failed_at') \g /dev/null
SELECT pg_temp.rows_read('ocr.jobs') AS jobs_before, pg_temp.rows_read('ocr.pages') AS pages_before, pg_temp.rows_read('ocr.failures') AS failures_before \gset
SELECT is(pg_temp.figure('pages', '{"status": "read", "minutes": 60}'), 3::float8, 'what was read long ago does not count');
SELECT is((SELECT count(*) FROM ocr.metrics WHERE metric LIKE '%seconds' OR metric IN ('jobs', 'failed_attempts')) > 0, true, 'nor does it elsewhere');
SELECT cmp_ok(pg_temp.rows_read('ocr.jobs') - :jobs_before, '<', 100::bigint, 'of 50,000 jobs those of the last hour are read');
SELECT cmp_ok(pg_temp.rows_read('ocr.pages') - :pages_before, '<', 20000::bigint, 'of as many pages those beside the last ones');
SELECT cmp_ok(pg_temp.rows_read('ocr.failures') - :failures_before, '<', 10000::bigint, 'and so of failures');
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    line text;
    lines text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END
$$;
SELECT matches(pg_temp.plan_of($$SELECT count(*) FROM ocr.pages WHERE read_at > now() - interval '1 hour'$$), 'Bitmap Index Scan on pages_read_at', 'pages by a few kilobytes that say when they were read');
SELECT matches(pg_temp.plan_of($$SELECT status FROM ocr.jobs WHERE finished_at > now() - interval '1 hour'$$), 'Index Scan.* jobs_finished', 'jobs by when they ended');
SELECT matches(pg_temp.plan_of($$SELECT count(*) FROM ocr.jobs WHERE finished_at IS NOT NULL AND error_code IS NOT NULL GROUP BY error_code$$), 'jobs_failed', 'dead letters by their codes');
SELECT matches(pg_temp.plan_of($$SELECT count(*) FROM ocr.failures WHERE failed_at > now() - interval '1 hour'$$), 'failures_failed_at', 'and failures by when');

-- Who asks for one metric has only that evaluated.
SELECT pg_temp.rows_read('ocr.jobs') AS jobs_before, pg_temp.rows_read('ocr.pages') AS pages_before \gset
SELECT is((SELECT count(*) FROM ocr.metrics WHERE metric = 'queue_tasks'), 12::bigint, 'one metric');
SELECT is(pg_temp.rows_read('ocr.jobs') - :jobs_before + pg_temp.rows_read('ocr.pages') - :pages_before, 0::bigint, 'reads neither jobs nor pages');
SELECT * FROM finish();
ROLLBACK;
