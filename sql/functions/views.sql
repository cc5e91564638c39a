-- A view reads as its owner, past row-level security: so each says itself whose rows it shows.
CREATE OR REPLACE VIEW ocr.progress WITH (security_barrier) AS
SELECT j.owner, j.batch, count(*) AS jobs,
       count(*) FILTER (WHERE j.status = 'pending') AS pending,
       count(*) FILTER (WHERE j.status = 'running') AS running,
       count(*) FILTER (WHERE j.status = 'completed') AS completed,
       count(*) FILTER (WHERE j.status = 'failed') AS failed,
       count(*) FILTER (WHERE j.status = 'cancelled') AS cancelled,
       coalesce(sum(j.pages_total), 0) AS pages_total,
       coalesce(sum(j.pages_done), 0) AS pages_done,
       coalesce(sum(j.pages_failed), 0) AS pages_failed
FROM ocr.jobs j
WHERE ocr.acts_for(j.owner)
GROUP BY j.owner, j.batch;
COMMENT ON VIEW ocr.progress IS 'How many jobs are in which status, per owner and batch; batch is null for jobs without one. Shows the jobs that you can see';
COMMENT ON COLUMN ocr.progress.pages_total IS 'Pages to read, as far as known: a document''s pages count once it was opened';
COMMENT ON COLUMN ocr.progress.pages_done IS 'Pages read, skipped or failed';

CREATE OR REPLACE VIEW ocr.dead_letters WITH (security_barrier) AS
SELECT j.id AS job_id, j.owner, j.batch, j.error_code, j.error, c.action, j.attempts, j.pages_total, j.pages_failed,
       j.document_id, j.submitted_at, j.finished_at, j.metadata,
       (SELECT jsonb_agg(jsonb_build_object('attempt', f.attempt, 'page_no', f.page_no, 'error_code', f.error_code,
                                            'error', f.error, 'failed_at', f.failed_at) ORDER BY f.failed_at)
        FROM ocr.failures f WHERE f.job_id = j.id) AS failures
FROM ocr.jobs j LEFT JOIN ocr.error_codes c ON c.code = j.error_code
WHERE j.status = 'failed' AND ocr.acts_for(j.owner);
COMMENT ON VIEW ocr.dead_letters IS 'The jobs that failed and why. Their documents are kept: ocr_retry(job_id) sends one round again. Shows the jobs that you can see';
COMMENT ON COLUMN ocr.dead_letters.action IS 'What can be done about it';
COMMENT ON COLUMN ocr.dead_letters.failures IS 'Every attempt that failed, as in ocr.failures';

CREATE OR REPLACE FUNCTION ocr.visible_workers()
RETURNS TABLE (
    pid int, database name, state text, job_id bigint, page_no int, since timestamptz, documents bigint, engine_pid int,
    reserved_for text, engine_memory bigint, trouble text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.pid, d.datname, s.state, CASE WHEN visible THEN s.job_id END, CASE WHEN visible THEN s.page_no END, s.since,
           s.documents, s.engine_pid, s.reserved_for, s.engine_memory, s.trouble
    FROM ocr.worker_slots() AS s
    LEFT JOIN pg_database d ON d.oid = s.database
    LEFT JOIN ocr.jobs j ON j.id = s.job_id AND d.datname = current_database(),
    LATERAL (SELECT coalesce(ocr.caller_acts_for(j.owner), false)
                    OR pg_has_role(ocr.caller(), 'pg_monitor', 'USAGE') AS visible) AS caller
$$;
COMMENT ON FUNCTION ocr.visible_workers() IS 'Internal: what ocr.workers shows, which depends on who asks';

CREATE OR REPLACE VIEW ocr.workers AS
SELECT pid, database, state, job_id, page_no, since, documents, engine_pid, reserved_for, engine_memory, trouble
FROM ocr.visible_workers();
COMMENT ON VIEW ocr.workers IS 'The workers of this cluster and what each is at. job_id and page_no are shown of jobs in this database that you can see; to members of pg_monitor, of all';
COMMENT ON COLUMN ocr.workers.pid IS 'As in pg_stat_activity';
COMMENT ON COLUMN ocr.workers.since IS 'When it entered this state';
COMMENT ON COLUMN ocr.workers.documents IS 'How many documents it has read since it started';
COMMENT ON COLUMN ocr.workers.engine_pid IS 'Process of its engine; null where none runs';
COMMENT ON COLUMN ocr.workers.reserved_for IS 'The tier whose documents it reads before all others, as pg_ocr.reserved_workers says; null: none';

COMMENT ON COLUMN ocr.workers.engine_memory IS 'Bytes that its engine has in memory at this moment; null where none runs';
COMMENT ON COLUMN ocr.workers.trouble IS 'In state ''no engine'', why its engine does not start; else null';

CREATE OR REPLACE VIEW ocr.webhooks WITH (security_barrier) AS
SELECT s.owner, s.webhook, s.pending, s.delivered, s.failed, s.oldest_pending, s.next_attempt,
       last.attempts AS last_attempts, last.http_status AS last_http_status, last.error AS last_error
FROM (SELECT d.owner, d.webhook, count(*) FILTER (WHERE d.status = 'pending') AS pending,
             count(*) FILTER (WHERE d.status = 'delivered') AS delivered,
             count(*) FILTER (WHERE d.status = 'failed') AS failed,
             min(d.created_at) FILTER (WHERE d.status = 'pending') AS oldest_pending,
             min(d.run_at) FILTER (WHERE d.status = 'pending') AS next_attempt,
             max(d.id) FILTER (WHERE d.error IS NOT NULL) AS last_id
      FROM ocr.deliveries d WHERE ocr.acts_for(d.owner) GROUP BY d.owner, d.webhook) AS s
LEFT JOIN ocr.deliveries last ON last.id = s.last_id;
COMMENT ON VIEW ocr.webhooks IS 'How many deliveries of each webhook are in which status, and what is wrong with those that are stuck. Shows those of the jobs that you can see';
COMMENT ON COLUMN ocr.webhooks.oldest_pending IS 'Since when the oldest event waits that is not delivered yet';
COMMENT ON COLUMN ocr.webhooks.next_attempt IS 'When the next attempt is due; long past where nobody delivers: look for pg_ocr courier in pg_stat_activity, and into the server log';
COMMENT ON COLUMN ocr.webhooks.last_attempts IS 'Of the youngest delivery that is pending after a failure or has failed: how many times it was tried';
COMMENT ON COLUMN ocr.webhooks.last_http_status IS 'What its last attempt was answered with; null where there was no answer';
COMMENT ON COLUMN ocr.webhooks.last_error IS 'Why its last attempt failed';

REVOKE ALL ON ocr.progress, ocr.dead_letters, ocr.workers, ocr.webhooks FROM PUBLIC;
GRANT SELECT ON ocr.progress, ocr.dead_letters, ocr.workers, ocr.webhooks TO PUBLIC;
