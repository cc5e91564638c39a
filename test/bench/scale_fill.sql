-- Fills an empty database with :jobs jobs as an archive of two years has them: eight owners, three hundred batches, most jobs
-- completed, one of a hundred failed. The last twenty thousand are of an open batch, scale_o1's "march", half of it done.
-- Everything follows from a job's number, so that two runs fill in the same.
\set ON_ERROR_STOP 1
SET session_replication_role = replica;  -- no trigger looks at each row; the queue's own is always enabled
SET synchronous_commit = off;
SET maintenance_work_mem = '4GB';
SET max_parallel_maintenance_workers = 2;
SELECT format('CREATE ROLE %I', r) FROM (SELECT 'scale_o' || generate_series(1, 8)) AS n (r)
WHERE to_regrole(r) IS NULL \gexec
SELECT setseed(0.5) \g /dev/null

-- Words as often as in a language: the square of a random number prefers the first of them.
CREATE UNLOGGED TABLE scale_word AS
SELECT n AS id, translate(substr(md5(n::text), 1, 4 + n % 6), '0123456789', 'ghijklmnop') AS word FROM generate_series(0, 19999) AS n;
CREATE UNLOGGED TABLE scale_body AS
SELECT b.id, string_agg(w.word, CASE WHEN p.no % 10 = 0 THEN E'\n' ELSE ' ' END ORDER BY p.no) AS text,
       to_tsvector('english', string_agg(w.word, ' ' ORDER BY p.no)) AS search
FROM generate_series(0, 4999) AS b (id),
     LATERAL (SELECT no, (20000 * power(random(), 2))::int % 20000 AS word_id FROM generate_series(1, 26 + b.id % 15) AS no) AS p
JOIN scale_word w ON w.id = p.word_id
GROUP BY b.id;
ALTER TABLE scale_body ADD PRIMARY KEY (id);
ANALYZE scale_body;

-- What a number says of a job.
CREATE UNLOGGED TABLE scale_job AS
SELECT n AS id, (ARRAY['scale_o1','scale_o1','scale_o1','scale_o1','scale_o2','scale_o2','scale_o3','scale_o4','scale_o5','scale_o6','scale_o7','scale_o8'])
                    [1 + CASE WHEN s.batch_no IS NULL THEN n / 7 ELSE s.batch_no END % 12]::name AS owner,
       CASE WHEN n > :jobs - 20000 THEN 'march' WHEN s.batch_no IS NOT NULL THEN 'batch_' || to_char(s.batch_no, 'fm000') END AS batch,
       CASE WHEN n > :jobs - 10000 THEN 'pending' WHEN n % 100 = 7 THEN 'failed' WHEN n % 200 = 9 THEN 'cancelled' ELSE 'completed' END AS status,
       CASE WHEN n % 20 = 0 THEN 3 WHEN n % 10 = 1 THEN 2 ELSE 1 END AS pages,
       now() - interval '730 days' * (1 - n::float8 / :jobs) - interval '10 min' AS at,
       n % 2 = 0 AS is_of_store,
       CASE WHEN n % 50 = 3 THEN 40 WHEN n % 8 = 5 THEN 70 ELSE 95 END + (n % 40) / 10.0 AS confidence
FROM generate_series(1, :jobs) AS n,
     LATERAL (SELECT CASE WHEN n % 5 > 0 THEN (n * 100 / (:jobs + 1)) * 3 + n % 3 END AS batch_no) AS s;
UPDATE scale_job SET owner = 'scale_o1' WHERE batch = 'march';

CREATE TEMP TABLE scale_index AS
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i
WHERE i.indrelid = ANY ('{ocr.jobs,ocr.pages,ocr.fingerprints,ocr.failures,ocr.deliveries,ocr.reviews}'::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid);
BEGIN;
-- Truncated in this transaction, so that nothing is written to the log.
TRUNCATE ocr.jobs, ocr.pages, ocr.fingerprints, ocr.failures, ocr.deliveries, ocr.delivery_attempts, ocr.reviews, ocr.tasks, ocr.documents, ocr.passwords;
SELECT format('DROP INDEX %s', name) FROM scale_index \gexec
INSERT INTO ocr.documents (id, owner, sha256, bytes, size, created_at) OVERRIDING SYSTEM VALUE
SELECT j.id, j.owner, sha256(j.id::text::bytea), j.id::text::bytea, octet_length(j.id::text), j.at
FROM scale_job j WHERE j.status IN ('failed', 'pending') AND NOT j.is_of_store;
INSERT INTO ocr.jobs (id, owner, document_id, document_size, document_type, status, verdict, confidence, priority, tier, batch, language,
                      text_layer, metadata, options, keep_document, idempotency_key, pages_total, pages_done, pages_failed, attempts,
                      submitted_at, run_at, started_at, finished_at, error_code, error, uri, store, etag, document_sha256, webhook, worst_page, enough)
OVERRIDING SYSTEM VALUE
SELECT j.id, j.owner, CASE WHEN j.status IN ('failed', 'pending') AND NOT j.is_of_store THEN j.id END, 120000 + j.id % 90000,
       CASE WHEN e.ended THEN 'PDF' END, j.status,
       CASE WHEN j.status = 'completed' THEN CASE WHEN j.confidence < 50 THEN 'rejected' WHEN j.confidence < 90 THEN 'review' ELSE 'approved' END END,
       CASE WHEN j.status = 'completed' THEN j.confidence END, 0, 'balanced', j.batch, 'eng', 'auto',
       jsonb_build_object('invoice', j.id), '{}', false, CASE WHEN j.id % 5 = 0 THEN 'invoice ' || j.id END,
       CASE WHEN j.status = 'completed' THEN j.pages END, CASE WHEN j.status = 'completed' THEN j.pages ELSE 0 END, 0,
       CASE WHEN j.status = 'failed' THEN 3 ELSE e.ended::int END, j.at, j.at, CASE WHEN e.ended THEN j.at + '20 s' END,
       CASE WHEN e.ended THEN j.at + '22 s' END, CASE WHEN j.status = 'failed' THEN 'document_damaged' END,
       CASE WHEN j.status = 'failed' THEN 'the document cannot be read: the end of the file is missing' END,
       CASE WHEN j.is_of_store THEN 's3://scans/2026/invoices/' || j.id || '.pdf' END, CASE WHEN j.is_of_store THEN 'scans' END,
       CASE WHEN j.is_of_store AND e.ended THEN '"' || md5(j.id::text) || '"' END,
       CASE WHEN j.is_of_store AND e.ended THEN sha256(j.id::text::bytea) END, CASE WHEN j.id % 50 = 1 THEN 'hook' END,
       CASE WHEN j.status = 'completed' THEN 1 END, 90
FROM scale_job j, LATERAL (SELECT j.status <> 'pending' AS ended) AS e ORDER BY j.id;
INSERT INTO ocr.pages (job_id, page_no, status, source, text, confidence, verdict, layout, words, width, height, dpi, rotation,
                       elapsed_ms, engine, read_at, search, mean_confidence, provider, reviewed_at)
SELECT j.id, p.no, 'read', 'ocr', b.text || E'\nNo. ' || j.id, j.confidence,
       CASE WHEN j.confidence < 50 THEN 'rejected' WHEN j.confidence < 90 THEN 'review' ELSE 'approved' END,
       '{"blocks": [{"box": [10, 20, 90, 40], "lines": []}]}',
       b.id % 15 + 26, 1654, 2339, 200, 0, 1400, 'pg_ocr 0.2.0', j.at + interval '21 s',
       b.search || format('''%s'':99', j.id)::tsvector, 93, 'pg_ocr',
       CASE WHEN j.confidence < 90 AND j.id % 20 <> 5 THEN j.at + interval '1 day' END
FROM scale_job j, generate_series(1, j.pages) AS p (no) JOIN scale_body b ON true
WHERE j.status = 'completed' AND b.id = (j.id * 7 + p.no) % 5000;
INSERT INTO ocr.reviews (job_id, page_no, reviewer, reviewed_at, decision, verdict_before, confidence)
SELECT p.job_id, p.page_no, 'scale_o1', p.reviewed_at, 'approved', p.verdict, p.confidence FROM ocr.pages p WHERE p.reviewed_at IS NOT NULL;
INSERT INTO ocr.fingerprints (fingerprint, job_id)
SELECT sha256(('f' || j.id)::bytea), j.id FROM scale_job j WHERE j.status = 'completed';
INSERT INTO ocr.failures (job_id, failed_at, attempt, error_code, error)
SELECT j.id, j.at + interval '21 s', a, 'document_damaged', 'the document cannot be read: the end of the file is missing'
FROM scale_job j, generate_series(1, 3) AS a WHERE j.status = 'failed';
INSERT INTO ocr.deliveries (owner, job_id, webhook, event, payload, status, attempts, run_at, created_at, delivered_at, http_status)
SELECT j.owner, j.id, 'hook', 'job.' || j.status, jsonb_build_object('type', 'job.' || j.status, 'data', jsonb_build_object('job_id', j.id))::text,
       'delivered', 1, j.at + interval '22 s', j.at + interval '22 s', j.at + interval '23 s', 200
FROM scale_job j WHERE j.id % 50 = 1 AND j.status <> 'pending';
INSERT INTO ocr.batches (owner, name, created_at, finished_at)
SELECT j.owner, j.batch, min(j.at), CASE WHEN j.batch <> 'march' THEN max(j.at) + interval '22 s' END FROM scale_job j WHERE j.batch IS NOT NULL
GROUP BY j.owner, j.batch ON CONFLICT DO NOTHING;
INSERT INTO ocr.tasks (job_id, priority, run_at, tier) SELECT j.id, 0, j.at, 'balanced' FROM scale_job j WHERE j.status = 'pending' ORDER BY j.id;
SELECT setval(pg_get_serial_sequence('ocr.jobs', 'id'), :jobs), setval(pg_get_serial_sequence('ocr.documents', 'id'), :jobs) \g /dev/null
SELECT ocr.recount_jobs() \g /dev/null
COMMIT;
SELECT definition FROM scale_index WHERE name NOT IN (:leave_out) \gexec
DROP TABLE scale_job, scale_body, scale_word;
CHECKPOINT;
SELECT format('VACUUM (ANALYZE) ocr.%I', relname) FROM pg_class WHERE relnamespace = 'ocr'::regnamespace AND relkind = 'r' \gexec
