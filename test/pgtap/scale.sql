-- What is asked and done all the time reads no more where many jobs lie in the archive, and the counts of those that have ended
-- are right whatever happens to them.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE FUNCTION pg_temp.rows_read(relation regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT s.seq_tup_read + coalesce(s.idx_tup_fetch, 0) FROM pg_stat_xact_all_tables s WHERE s.relid = relation
$$;
-- How many rows of a table a command reads.
CREATE FUNCTION pg_temp.reads(command text, relation regclass = 'ocr.jobs') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before CONSTANT bigint := pg_temp.rows_read(relation);
BEGIN
    EXECUTE command;
    RETURN pg_temp.rows_read(relation) - before;
END
$$;
CREATE FUNCTION pg_temp.buffers(command text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) ' || command INTO plan;
    RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END
$$;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (COSTS off, FORMAT json) ' || query INTO plan;
    RETURN plan;
END
$$;
CREATE VIEW pg_temp.kept AS
SELECT owner, batch, sum(completed) AS completed, sum(failed) AS failed, sum(cancelled) AS cancelled, sum(approved) AS approved, sum(review) AS review,
       sum(rejected) AS rejected, sum(opened) AS opened, sum(pages_total) AS pages_total, sum(pages_done) AS pages_done,
       sum(pages_failed) AS pages_failed, sum(rated) AS rated, round(sum(confidence)::numeric, 3) AS confidence
FROM ocr.outcomes GROUP BY owner, batch HAVING sum(completed + failed + cancelled) > 0;
CREATE VIEW pg_temp.counted AS
SELECT owner, batch, (count(*) FILTER (WHERE status = 'completed'))::numeric AS completed, (count(*) FILTER (WHERE status = 'failed'))::numeric AS failed,
       (count(*) FILTER (WHERE status = 'cancelled'))::numeric AS cancelled, (count(*) FILTER (WHERE verdict = 'approved'))::numeric AS approved,
       (count(*) FILTER (WHERE verdict = 'review'))::numeric AS review, (count(*) FILTER (WHERE verdict = 'rejected'))::numeric AS rejected, (count(pages_total))::numeric AS opened,
       coalesce(sum(pages_total), 0)::numeric AS pages_total, sum(pages_done)::numeric AS pages_done, sum(pages_failed)::numeric AS pages_failed,
       (count(confidence))::numeric AS rated, coalesce(round(sum(confidence::float8)::numeric, 3), 0.000) AS confidence
FROM ocr.jobs WHERE finished_at IS NOT NULL GROUP BY owner, batch;
CREATE FUNCTION pg_temp.outcomes_are_right(what text) RETURNS text LANGUAGE sql AS $$
    SELECT results_eq('SELECT * FROM pg_temp.kept ORDER BY owner, batch', 'SELECT * FROM pg_temp.counted ORDER BY owner, batch', what)
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;

-- An archive: 20,000 jobs of two years, in 40 batches and none, of which one in a hundred has failed. Replicated rows are not
-- counted as they come.
SET LOCAL session_replication_role = replica;
INSERT INTO ocr.jobs (id, owner, document_size, status, verdict, confidence, priority, tier, batch, language, text_layer, metadata, options, keep_document,
                      submitted_at, run_at, started_at, finished_at, error_code, error, pages_total, pages_done) OVERRIDING SYSTEM VALUE
SELECT n - 30000, CASE WHEN n % 40 < 30 THEN 'ocr_test_alice' ELSE 'postgres' END, 1, f.status, CASE WHEN f.status = 'completed' THEN 'approved' END,
       CASE WHEN f.status = 'completed' THEN 95.5 END, 0, 'fast', CASE WHEN n % 5 > 0 THEN 'batch ' || n % 40 END, 'eng', 'auto', '{}', '{}', false,
       t, t, t, t, CASE WHEN f.status = 'failed' THEN 'document_damaged' END, CASE WHEN f.status = 'failed' THEN 'torn' END, 1, 1
FROM (SELECT now() - interval '2 years' + n * interval '50 min' AS t, n FROM generate_series(1, 20000) AS n) AS years,
     LATERAL (SELECT CASE WHEN n % 100 = 7 THEN 'failed' ELSE 'completed' END AS status) AS f;
INSERT INTO ocr.pages (job_id, page_no, status, source, text, confidence, verdict, words, read_at)
SELECT id, 1, 'read', 'ocr', 'text of ' || id, 95.5, 'approved', 3, finished_at FROM ocr.jobs WHERE id < 0;
INSERT INTO ocr.failures (job_id, failed_at, attempt, error_code, error)
SELECT id, finished_at, 1, error_code, error FROM ocr.jobs WHERE id < 0 AND status = 'failed';
INSERT INTO ocr.batches (owner, name, finished_at) SELECT DISTINCT j.owner, j.batch, now() FROM ocr.jobs j WHERE j.batch IS NOT NULL;
INSERT INTO ocr.batches (owner, name, finished_at, max_workers) SELECT 'postgres', 'old ' || n, now(), CASE WHEN n % 50 = 0 THEN 1 END FROM generate_series(1, 500) AS n;
SET LOCAL session_replication_role = origin;
SELECT ocr.recount_jobs() \g /dev/null
ANALYZE ocr.jobs, ocr.pages, ocr.batches, ocr.failures, ocr.outcomes;
SELECT pg_temp.outcomes_are_right('counted all at once');
SELECT ocr_submit('\x01'::bytea, batch => 'open') AS first \gset
SELECT count(ocr_submit(int4send(n))) FROM generate_series(2, 10) AS n \g /dev/null

-- What users look at.
SELECT cmp_ok(pg_temp.reads('SELECT * FROM ocr.progress'), '<', 20::bigint, 'ocr.progress reads the jobs that are open');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.progress WHERE batch = 'batch 3'$$), '<', 20::bigint, 'and no more of one batch');
SELECT results_eq($$SELECT jobs, completed, failed, pages_total, pages_done, progress, bar FROM ocr.progress WHERE batch = 'batch 7'$$,
    $$SELECT 500::bigint, 400::bigint, 100::bigint, 500::bigint, 500::bigint, 1::real, '[####################] 100%'$$, 'which are all there');
SELECT results_eq('SELECT sum(jobs), sum(pending) FROM ocr.progress', 'VALUES (20010::numeric, 10::numeric)', 'with those that wait');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.dead_letters$$), '<', 300::bigint, 'dead letters are found by their status');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.dead_letters ORDER BY finished_at DESC LIMIT 5$$, 'ocr.failures'), '<', 1500::bigint, 'and the attempts of those that are shown');
SELECT matches(pg_temp.plan_of($$SELECT error_code, count(*) FROM ocr.jobs WHERE finished_at IS NOT NULL AND error_code IS NOT NULL AND owner = 'ocr_test_alice' GROUP BY error_code$$),
    'Index Only Scan.*"jobs_failed"', 'and counted by an index alone');
SET LOCAL ROLE ocr_test_alice;
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE id = -20000$$), '<', 5::bigint, 'a job');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE batch = 'batch 3' ORDER BY id DESC LIMIT 20$$), '<', 30::bigint, 'the last of a batch');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE batch = 'batch 3' ORDER BY id LIMIT 20$$), '<', 30::bigint, 'the first of a batch');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE owner = 'ocr_test_bob' ORDER BY id DESC LIMIT 20$$), '<', 5::bigint, 'the last of somebody who has none');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE status = 'pending' ORDER BY id LIMIT 20$$), '<', 30::bigint, 'what waits');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE status = 'running'$$), '<', 30::bigint, 'what is read');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs ORDER BY submitted_at DESC LIMIT 20$$), '<', 50::bigint, 'what came last');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.jobs WHERE finished_at > now() - interval '3 days' ORDER BY finished_at DESC$$), '<', 150::bigint, 'what ended last');
SELECT cmp_ok(pg_temp.reads($$SELECT * FROM ocr.pages WHERE job_id = -20000$$, 'ocr.pages'), '<', 5::bigint, 'the pages of a job');
RESET ROLE;
SET LOCAL ROLE ocr_test_bob;
SELECT cmp_ok(pg_temp.reads('SELECT * FROM ocr.jobs ORDER BY id DESC LIMIT 20'), '<', 5::bigint, 'the last ones of whoever has none are none');
SELECT cmp_ok(pg_temp.reads('SELECT count(*) FROM ocr.jobs'), '<', 5::bigint, 'which is known at once');
RESET ROLE;
SET LOCAL ROLE ocr_test_alice;
SELECT cmp_ok(pg_temp.reads('SELECT * FROM ocr_status(-20000), ocr_text(-20000)'), '<', 5::bigint, 'and its status and text');
RESET ROLE;

-- What workers do, and what is done every few seconds.
SELECT cmp_ok(pg_temp.reads($$SELECT ocr_submit('\x0b'::bytea, batch => 'open', idempotency_key => 'k')$$), '<', 10::bigint, 'a submission reads few jobs');
SELECT cmp_ok(pg_temp.reads($$SELECT ocr_submit('\x0c'::bytea, batch => 'open')$$, 'ocr.batches'), '<', 20::bigint, 'and of batches those that are open');
SELECT cmp_ok(pg_temp.reads('SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete()'), '<', 100::bigint, 'what is read reads no other jobs');
SELECT cmp_ok(pg_temp.reads('SELECT ocr.rescue_tasks()'), '<', 20::bigint, 'nor do workers every now and then');
SELECT cmp_ok(pg_temp.reads('SELECT ocr.rescue_tasks()', 'ocr.batches'), '<', 30::bigint, 'who look at the batches with a limit');
SELECT ocr_submit('\x0d'::bytea, batch => 'batch 15', priority => 9) AS late \gset
SELECT cmp_ok(pg_temp.reads('SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete()'), '<', 100::bigint,
    'the end of a batch does not count all that it ever had');
SELECT results_eq($$SELECT s->>'jobs', s->>'completed', s->>'confidence' FROM ocr.batches b, ocr.batch_summary(b) AS s WHERE (b.owner, b.name) = ('postgres', 'batch 15')$$,
    $$VALUES ('1', '1', '95.00')$$, 'and sums it up');
SELECT results_eq($$SELECT s->>'jobs', s->>'failed', s->>'confidence', s->>'approved' FROM ocr.batches b, ocr.batch_summary(b) AS s WHERE (b.owner, b.name) = ('ocr_test_alice', 'batch 7')$$,
    $$VALUES ('500', '100', '95.50', '400')$$, 'as one of many');
SELECT cmp_ok(pg_temp.reads($$SELECT ocr.purge_jobs('729 days', NULL, NULL, true, NULL, NULL, NULL, 0)$$), '<', 200::bigint, 'a purge reads what it deletes');
SELECT is((SELECT min(id) FROM ocr.jobs), -29971::bigint, 'which is gone');
SELECT results_eq('SELECT ocr.owners()', $$VALUES ('ocr_test_alice'::name), ('postgres')$$, 'who has jobs');
SELECT cmp_ok(pg_temp.reads('SELECT ocr.owners()'), '<', 10::bigint, 'is known from a few');
SELECT pg_temp.outcomes_are_right('after all this the counts are right');

-- Whatever happens to a job.
SELECT ocr_submit('\x10'::bytea, batch => 'b', priority => 9) AS job \gset
SELECT is(pg_temp.claim(), :job, 'claimed'), pg_temp.fail('document_damaged');
SELECT pg_temp.outcomes_are_right('it fails');
SELECT ocr_retry(:job);
SELECT pg_temp.outcomes_are_right('is tried again');
SELECT is(pg_temp.claim() IS NOT NULL, true, 'claimed'), pg_temp.open(2), pg_temp.read(1, 60), pg_temp.read(2, 95), pg_temp.complete();
SELECT pg_temp.outcomes_are_right('completes');
SELECT ocr_review(:job, 1, 'approved') \g /dev/null
SELECT pg_temp.outcomes_are_right('is reviewed');
UPDATE ocr.jobs SET owner = 'ocr_test_bob' WHERE id < -29000;
SELECT pg_temp.outcomes_are_right('is given to somebody else');
UPDATE ocr.jobs SET batch = 'renamed' WHERE batch = 'batch 7';
SELECT pg_temp.outcomes_are_right('or to another batch');
SELECT ocr_cancel_batch('open') \g /dev/null
SELECT pg_temp.outcomes_are_right('is cancelled');
DELETE FROM ocr.jobs WHERE id BETWEEN -29000 AND -28000;
SELECT pg_temp.outcomes_are_right('is deleted');
INSERT INTO ocr.jobs OVERRIDING SYSTEM VALUE SELECT (j).* FROM (SELECT jsonb_populate_record(j, jsonb_build_object('id', j.id - 100000)) AS j FROM ocr.jobs j WHERE j.id BETWEEN -20000 AND -19900) AS s;
SELECT pg_temp.outcomes_are_right('comes out of a dump');
SELECT cmp_ok((SELECT count(*) FROM ocr.outcomes WHERE NOT folded), '>', 1000::bigint, 'of each there is a row');
SELECT ocr.fold_outcomes() \g /dev/null
SELECT pg_temp.outcomes_are_right('which are folded');
SELECT results_eq('SELECT folded, count(*) FROM ocr.outcomes GROUP BY folded', 'SELECT true, count(*) FROM pg_temp.counted', 'to one of each batch');
DELETE FROM ocr.jobs WHERE batch = 'batch 3';
SELECT ocr.rescue_tasks() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.outcomes WHERE batch = 'batch 3'), 0::bigint, 'every now and then, to none where none is left');
SELECT is((SELECT count(*) FROM ocr.progress WHERE batch = 'batch 3'), 0::bigint, 'nor is it shown');

-- Many jobs of one document: each looks whether another one needs it, past those that have just ended.
SELECT count(ocr_submit('\x20'::bytea, batch => 'few', options => '{"reuse": false}')) FROM generate_series(1, 50) \g /dev/null
SELECT count(ocr_submit('\x21'::bytea, batch => 'many', options => '{"reuse": false}')) FROM generate_series(1, 500) \g /dev/null
SELECT pg_temp.buffers($$SELECT ocr_cancel_batch('few')$$) AS few, pg_temp.buffers($$SELECT ocr_cancel_batch('many')$$) AS many \gset
SELECT cmp_ok(:many::bigint, '<', 12 * :few::bigint, 'ten times as many are cancelled at ten times the cost');

SELECT ocr.sweep_documents() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.documents WHERE bytes IN ('\x20', '\x21')), 0::bigint, 'and their documents are gone');
TRUNCATE ocr.jobs CASCADE;
SELECT pg_temp.outcomes_are_right('where there are no jobs any more, there is nothing to count');
SELECT is((SELECT count(*) FROM ocr.progress), 0::bigint, 'nor to show');
SELECT * FROM finish();
ROLLBACK;
