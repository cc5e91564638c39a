-- A view reads as its owner, past row-level security: so each says itself whose rows it shows.
-- What has ended is counted already, in ocr.outcomes; of jobs, only those are read that are open or ended in the last five
-- minutes. What was read in these: of a job that was read before as well, the share of its time.
CREATE OR REPLACE VIEW ocr.progress WITH (security_barrier) AS
SELECT s.owner, s.batch, s.jobs, s.pending, s.running, s.completed, s.failed, s.cancelled, s.pages_total, s.pages_done, s.pages_failed,
       rate.pages_per_minute::real AS pages_per_minute,
       CASE WHEN s.ended = s.jobs THEN 1 ELSE done.share END::real AS progress,
       format('[%s%s] %s%%', repeat('#', floor(20 * done.share)::int), repeat('.', 20 - floor(20 * done.share)::int),
              lpad(floor(100 * done.share)::text, 3)) AS bar,
       b.paused_at IS NOT NULL AS paused, eta.at AS eta, b.deadline,
       b.deadline < CASE WHEN s.ended = s.jobs THEN s.finished_at ELSE greatest(eta.at, now()) END AS late,
       b.priority, b.max_workers, b.description
FROM (SELECT c.owner, c.batch, sum(c.ended + c.pending + c.running)::bigint AS jobs, sum(c.ended)::bigint AS ended,
             sum(c.pending)::bigint AS pending, sum(c.running)::bigint AS running, sum(c.completed)::bigint AS completed,
             sum(c.failed)::bigint AS failed, sum(c.cancelled)::bigint AS cancelled, sum(c.pages_total)::bigint AS pages_total,
             sum(c.pages_done)::bigint AS pages_done, sum(c.pages_failed)::bigint AS pages_failed,
             coalesce(sum(c.pages_total) / nullif(sum(c.opened), 0), 1)::float8 AS pages_of_a_job,
             (sum(c.ended) + sum(c.shares))::float8 AS done, sum(c.pages_left)::bigint AS pages_left, sum(c.unopened)::bigint AS unopened,
             -- Of one that has gone on for longer, the first of those that ended lately does not say when it was begun.
             CASE WHEN sum(c.ended) = sum(c.ended_lately) THEN min(c.started_at) END AS started_at,
             max(c.finished_at) AS finished_at, sum(c.lately) AS lately
      FROM (SELECT t.owner, t.batch, t.completed + t.failed + t.cancelled AS ended, 0 AS pending, 0 AS running,
                   t.completed, t.failed, t.cancelled, t.pages_total, t.pages_done, t.pages_failed, t.opened,
                   0 AS shares, 0 AS pages_left, 0 AS unopened, 0 AS ended_lately, NULL AS started_at, t.finished_at, 0 AS lately
            FROM ocr.outcomes t
            UNION ALL
            SELECT j.owner, j.batch, 0, count(*) FILTER (WHERE j.status = 'pending'), count(*) FILTER (WHERE j.status = 'running'),
                   0, 0, 0, coalesce(sum(j.pages_total) FILTER (WHERE j.finished_at IS NULL), 0),
                   coalesce(sum(j.pages_done) FILTER (WHERE j.finished_at IS NULL), 0),
                   coalesce(sum(j.pages_failed) FILTER (WHERE j.finished_at IS NULL), 0),
                   count(j.pages_total) FILTER (WHERE j.finished_at IS NULL),
                   coalesce(sum(j.pages_done::float8 / nullif(j.pages_total, 0)) FILTER (WHERE j.finished_at IS NULL), 0),
                   coalesce(sum(j.pages_total - j.pages_done) FILTER (WHERE j.finished_at IS NULL), 0),
                   count(*) FILTER (WHERE j.finished_at IS NULL AND j.pages_total IS NULL), count(j.finished_at), min(j.started_at), NULL,
                   coalesce(sum(j.pages_done * extract(epoch FROM coalesce(j.finished_at, now()) - greatest(j.started_at, now() - interval '5 min'))
                                  / greatest(extract(epoch FROM coalesce(j.finished_at, now()) - j.started_at), 0.001))
                                FILTER (WHERE j.status IN ('running', 'completed', 'failed') AND j.started_at IS NOT NULL), 0)
            FROM ocr.jobs j
            WHERE j.finished_at IS NULL OR j.finished_at > now() - interval '5 min'
            GROUP BY j.owner, j.batch) AS c
      WHERE ocr.acts_for(c.owner)
      GROUP BY c.owner, c.batch
      HAVING sum(c.ended + c.pending + c.running) > 0) AS s
LEFT JOIN ocr.batches b ON b.owner = s.owner AND b.name = s.batch,
LATERAL (SELECT s.done / s.jobs AS share) AS done,
LATERAL (SELECT coalesce(60 * s.lately / greatest(extract(epoch FROM now() - greatest(s.started_at, now() - interval '5 min')), 1), 0)
                AS pages_per_minute) AS rate,
LATERAL (SELECT (s.pages_left + s.unopened * s.pages_of_a_job) / nullif(rate.pages_per_minute, 0) AS minutes) AS rest,
LATERAL (SELECT CASE WHEN s.ended < s.jobs AND b.paused_at IS NULL AND rest.minutes < 1e7  -- beyond, nobody knows
                     THEN now() + interval '1 min' * rest.minutes END AS at) AS eta;
COMMENT ON VIEW ocr.progress IS 'How far the jobs are, per owner and batch; batch is null for jobs without one. Shows the jobs that you can see. Look at it with \watch';
COMMENT ON COLUMN ocr.progress.owner IS 'The role that submitted them';
COMMENT ON COLUMN ocr.progress.batch IS 'Its name; null: those without a batch';
COMMENT ON COLUMN ocr.progress.jobs IS 'How many there are';
COMMENT ON COLUMN ocr.progress.pending IS 'How many wait';
COMMENT ON COLUMN ocr.progress.running IS 'How many are being read';
COMMENT ON COLUMN ocr.progress.completed IS 'How many were read, some of their pages maybe not';
COMMENT ON COLUMN ocr.progress.failed IS 'How many could not be read';
COMMENT ON COLUMN ocr.progress.cancelled IS 'How many were cancelled';
COMMENT ON COLUMN ocr.progress.pages_failed IS 'Of the pages that are done, how many failed';
COMMENT ON COLUMN ocr.progress.pages_total IS 'Pages to read, as far as known: a document''s pages count once it was opened';
COMMENT ON COLUMN ocr.progress.pages_done IS 'Pages read, skipped or failed';
COMMENT ON COLUMN ocr.progress.pages_per_minute IS 'How many pages a minute were done in the last 5 minutes, or since the first was begun';
COMMENT ON COLUMN ocr.progress.progress IS '0 to 1: how much of it is done, all jobs counting the same; of one that is read, its pages';
COMMENT ON COLUMN ocr.progress.bar IS 'The same as a bar of text';
COMMENT ON COLUMN ocr.progress.paused IS 'Whether ocr_pause() keeps more of it from being begun';
COMMENT ON COLUMN ocr.progress.eta IS 'When it will be done if it goes on as in the last 5 minutes; jobs that were not opened yet are taken to have as many pages as the others. Null once all jobs have ended, while nothing is read, and while it is paused';
COMMENT ON COLUMN ocr.progress.deadline IS 'When it is to be done, see ocr_batch()';
COMMENT ON COLUMN ocr.progress.late IS 'Whether it ended after its deadline, or will; null where it has none';
COMMENT ON COLUMN ocr.progress.priority IS 'Of all its jobs, see ocr_batch()';
COMMENT ON COLUMN ocr.progress.max_workers IS 'At most so many workers read for it, see ocr_batch()';
COMMENT ON COLUMN ocr.progress.description IS 'What it is, see ocr_batch()';

-- In the order of an index, so that attempts are looked up of those that are shown and no others.
CREATE OR REPLACE VIEW ocr.dead_letters WITH (security_barrier) AS
SELECT j.id AS job_id, j.owner, j.batch, j.error_code, j.error, c.action, j.attempts, j.pages_total, j.pages_failed,
       j.document_id, j.submitted_at, j.finished_at, j.metadata,
       (SELECT jsonb_agg(jsonb_build_object('attempt', f.attempt, 'page_no', f.page_no, 'error_code', f.error_code,
                                            'error', f.error, 'failed_at', f.failed_at) ORDER BY f.failed_at)
        FROM ocr.failures f WHERE f.job_id = j.id) AS failures
FROM ocr.jobs j LEFT JOIN ocr.error_codes c ON c.code = j.error_code
WHERE j.status = 'failed' AND ocr.acts_for(j.owner)
ORDER BY j.finished_at DESC, j.id DESC;
COMMENT ON VIEW ocr.dead_letters IS 'The jobs that failed and why, the last first. Their documents are kept: ocr_retry(job_id) sends one round again. Shows the jobs that you can see';
COMMENT ON COLUMN ocr.dead_letters.job_id IS 'The job';
COMMENT ON COLUMN ocr.dead_letters.owner IS 'The role that submitted it';
COMMENT ON COLUMN ocr.dead_letters.batch IS 'Name of its batch; null: none';
COMMENT ON COLUMN ocr.dead_letters.error_code IS 'A row of ocr.error_codes';
COMMENT ON COLUMN ocr.dead_letters.error IS 'The same, in words';
COMMENT ON COLUMN ocr.dead_letters.attempts IS 'How many times it was tried';
COMMENT ON COLUMN ocr.dead_letters.pages_total IS 'As in ocr.jobs';
COMMENT ON COLUMN ocr.dead_letters.pages_failed IS 'How many of its pages failed';
COMMENT ON COLUMN ocr.dead_letters.document_id IS 'Its bytes, of ocr.documents; null: they are in a store, or were deleted';
COMMENT ON COLUMN ocr.dead_letters.submitted_at IS 'When it was submitted';
COMMENT ON COLUMN ocr.dead_letters.finished_at IS 'When it failed';
COMMENT ON COLUMN ocr.dead_letters.metadata IS 'The submitter''s own';
COMMENT ON COLUMN ocr.dead_letters.action IS 'What can be done about it';
COMMENT ON COLUMN ocr.dead_letters.failures IS 'Every attempt that failed, as in ocr.failures';

CREATE OR REPLACE FUNCTION ocr.visible_workers()
RETURNS TABLE (
    pid int, database name, state text, job_id bigint, page_no int, since timestamptz, documents bigint, engine_pid int,
    reserved_for text, engine_memory bigint, trouble text, leaving boolean, card text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.pid, d.datname, s.state, CASE WHEN visible THEN s.job_id END, CASE WHEN visible THEN s.page_no END, s.since,
           s.documents, s.engine_pid, s.reserved_for, s.engine_memory, s.trouble, s.leaving, s.card
    FROM ocr.worker_slots() AS s
    LEFT JOIN pg_database d ON d.oid = s.database
    LEFT JOIN ocr.jobs j ON j.id = s.job_id AND d.datname = current_database(),
    LATERAL (SELECT coalesce(ocr.caller_acts_for(j.owner), false)
                    OR pg_has_role(ocr.caller(), 'pg_monitor', 'USAGE') AS visible) AS caller
$$;
COMMENT ON FUNCTION ocr.visible_workers() IS 'Internal: what ocr.workers shows, which depends on who asks';

CREATE OR REPLACE VIEW ocr.workers AS
SELECT pid, database, state, job_id, page_no, since, documents, engine_pid, reserved_for, engine_memory, trouble, leaving, card
FROM ocr.visible_workers();
COMMENT ON VIEW ocr.workers IS 'The workers of this cluster and what each is at. job_id and page_no are shown of jobs in this database that you can see; to members of pg_monitor, of all';
COMMENT ON COLUMN ocr.workers.database IS 'That it works for';
COMMENT ON COLUMN ocr.workers.state IS 'starting, idle, fetching, reading, or no engine';
COMMENT ON COLUMN ocr.workers.job_id IS 'What it is at; null: nothing, or nothing that you can see';
COMMENT ON COLUMN ocr.workers.page_no IS 'The page that its engine reads, counted from 1 in the document';
COMMENT ON COLUMN ocr.workers.pid IS 'As in pg_stat_activity';
COMMENT ON COLUMN ocr.workers.since IS 'When it entered this state';
COMMENT ON COLUMN ocr.workers.documents IS 'How many documents it has read since it started';
COMMENT ON COLUMN ocr.workers.engine_pid IS 'Process of its engine; null where none runs';
COMMENT ON COLUMN ocr.workers.reserved_for IS 'The tier whose documents it reads before all others, as pg_ocr.reserved_workers says; null: none';

COMMENT ON COLUMN ocr.workers.engine_memory IS 'Bytes that its engine has in memory at this moment; null where none runs';
COMMENT ON COLUMN ocr.workers.leaving IS 'Whether it ends after its present page, as fewer are wanted';
COMMENT ON COLUMN ocr.workers.trouble IS 'In state ''no engine'', why its engine does not start; else null';
COMMENT ON COLUMN ocr.workers.card IS 'The GPU on which its engine has lines read; null where it reads by the CPU';

CREATE OR REPLACE VIEW ocr.cards AS
SELECT card, name, state, since, pid, memory, engines, lines, batches, refused, busy, starts, trouble
FROM ocr.card_slots();
COMMENT ON VIEW ocr.cards IS 'The GPUs on which lines are read, and the service of each; no row where there is none, or pg_ocr.gpu is off';
COMMENT ON COLUMN ocr.cards.card IS 'Its number, as nvidia-smi counts them';
COMMENT ON COLUMN ocr.cards.name IS 'What it calls itself; null until it was ready once';
COMMENT ON COLUMN ocr.cards.state IS 'starting, ready, or down: then trouble says why, and it is started again after a while';
COMMENT ON COLUMN ocr.cards.since IS 'When it entered this state';
COMMENT ON COLUMN ocr.cards.pid IS 'Process of its service, pg_ocr_gpu; null where none runs';
COMMENT ON COLUMN ocr.cards.memory IS 'Bytes of its memory that the service has taken; null where it is not ready';
COMMENT ON COLUMN ocr.cards.engines IS 'How many engines are connected with it';
COMMENT ON COLUMN ocr.cards.lines IS 'How many lines it has read since the server started; this and the next two are behind by a second at most';
COMMENT ON COLUMN ocr.cards.batches IS 'In how many batches';
COMMENT ON COLUMN ocr.cards.refused IS 'How many lines it gave back unread, to be read by the CPU';
COMMENT ON COLUMN ocr.cards.busy IS '0 to 1: for how much of the time since it was ready a batch was on it; null where it is not';
COMMENT ON COLUMN ocr.cards.starts IS 'How many times its service was started since the server started';
COMMENT ON COLUMN ocr.cards.trouble IS 'Why its service has ended, or does not start; null once it is ready again';

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
COMMENT ON COLUMN ocr.webhooks.owner IS 'The role whose jobs are told of';
COMMENT ON COLUMN ocr.webhooks.webhook IS 'Name of the foreign server';
COMMENT ON COLUMN ocr.webhooks.pending IS 'Deliveries that are still to be made';
COMMENT ON COLUMN ocr.webhooks.delivered IS 'Deliveries that were taken';
COMMENT ON COLUMN ocr.webhooks.failed IS 'Deliveries that were given up';
COMMENT ON COLUMN ocr.webhooks.oldest_pending IS 'Since when the oldest event waits that is not delivered yet';
COMMENT ON COLUMN ocr.webhooks.next_attempt IS 'When the next attempt is due; long past where nobody delivers: look for pg_ocr courier in pg_stat_activity, and into the server log';
COMMENT ON COLUMN ocr.webhooks.last_attempts IS 'Of the youngest delivery that is pending after a failure or has failed: how many times it was tried';
COMMENT ON COLUMN ocr.webhooks.last_http_status IS 'What its last attempt was answered with; null where there was no answer';
COMMENT ON COLUMN ocr.webhooks.last_error IS 'Why its last attempt failed';

CREATE OR REPLACE VIEW ocr.attached WITH (security_barrier) AS
SELECT a.relation, a.document_column, a.owner, changes.rows AS waiting, jobs.pending, jobs.running,
       (SELECT count(*) FROM ocr.jobs j WHERE j.finished_at IS NOT NULL AND j.error_code IS NOT NULL AND j.attachment = a.id AND j.status = 'failed') AS failed,
       a.backfill_at IS NOT NULL AS backfilling, a.batch, a.trouble, a.id AS attachment
FROM ocr.attachments a JOIN pg_class c ON c.oid = a.relation,
LATERAL (SELECT coalesce(sum(cardinality(c.keys)) / coalesce(cardinality((ocr.key_of_relation(a.relation)).columns), 1), 0)::bigint AS rows
         FROM ocr.attached_changes c WHERE c.attachment = a.id) AS changes,
LATERAL (SELECT count(*) FILTER (WHERE j.status = 'pending') AS pending, count(*) FILTER (WHERE j.status = 'running') AS running
         FROM ocr.jobs j WHERE j.attachment = a.id AND j.finished_at IS NULL) AS jobs
WHERE ocr.acts_for(a.owner);
COMMENT ON VIEW ocr.attached IS 'The tables whose documents are read by themselves, see ocr_attach(), and what is left to do for each. Shows those whose owner''s rights you have';
COMMENT ON COLUMN ocr.attached.relation IS 'The table';
COMMENT ON COLUMN ocr.attached.document_column IS 'The column with its documents';
COMMENT ON COLUMN ocr.attached.owner IS 'By whose rights its rows are read and written';
COMMENT ON COLUMN ocr.attached.running IS 'Their jobs that are being read';
COMMENT ON COLUMN ocr.attached.waiting IS 'Rows with new documents for which no jobs have been made yet';
COMMENT ON COLUMN ocr.attached.pending IS 'Their jobs that wait to be read';
COMMENT ON COLUMN ocr.attached.failed IS 'Jobs that failed, see ocr.dead_letters';
COMMENT ON COLUMN ocr.attached.backfilling IS 'Whether rows that were there before are still being looked through, see ocr_backfill()';
COMMENT ON COLUMN ocr.attached.batch IS 'The batch of those rows: ocr_pause() and ocr_resume() take it';
COMMENT ON COLUMN ocr.attached.trouble IS 'Why its rows could not be looked through; it is tried again after a minute or more';
COMMENT ON COLUMN ocr.attached.attachment IS 'As in ocr.jobs, and the id in ocr.attachments';

REVOKE ALL ON ocr.progress, ocr.dead_letters, ocr.workers, ocr.cards, ocr.webhooks, ocr.attached FROM PUBLIC;
GRANT SELECT ON ocr.progress, ocr.dead_letters, ocr.workers, ocr.cards, ocr.webhooks, ocr.attached TO PUBLIC;
