-- Figures for whoever watches. Only what is still to do and the last hour are read, by indexes, so that it takes no longer
-- where millions of jobs have gone through. Whose a row is, is looked up row by row, as EXISTS could be made a scan of all
-- jobs. The functions run as the extension's owner and say themselves whose rows count.

CREATE OR REPLACE FUNCTION ocr.visible_queue() RETURNS TABLE (tier text, status text, tasks bigint, oldest_seconds float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
BEGIN
    RETURN QUERY
        SELECT k.tier, k.status, coalesce(w.tasks, 0), CASE WHEN w.status = 'due' THEN extract(epoch FROM now() - w.first)::float8 ELSE 0 END
        FROM (SELECT * FROM unnest('{fast,balanced,accurate}'::text[]) AS tier, unnest('{due,later,held,running}'::text[]) AS status) AS k
        LEFT JOIN (SELECT t.tier, count(*) AS tasks, min(t.run_at) AS first,
                          CASE WHEN t.worker IS NOT NULL THEN 'running' WHEN t.run_at <= now() THEN 'due'
                               WHEN t.run_at = 'infinity' THEN 'held' ELSE 'later' END AS status
                   FROM ocr.tasks t
                   WHERE owners IS NULL OR (SELECT j.owner FROM ocr.jobs j WHERE j.id = t.job_id) = ANY (owners)
                   GROUP BY 1, 4) AS w
            ON w.tier = k.tier AND w.status = k.status;
END
$$;
COMMENT ON FUNCTION ocr.visible_queue() IS 'Internal: what ocr.metrics shows of the queue. oldest_seconds: since when the first of the tasks has been due';

CREATE OR REPLACE FUNCTION ocr.visible_pace()
RETURNS TABLE (minutes int, what text, status text, count bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = on
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
BEGIN
    RETURN QUERY
        WITH ended AS (
            SELECT j.status, count(*) FILTER (WHERE j.finished_at > now() - interval '1 min') AS last_1,
                   count(*) FILTER (WHERE j.finished_at > now() - interval '5 min') AS last_5, count(*) AS last_60
            FROM ocr.jobs j
            WHERE j.finished_at > now() - interval '1 hour' AND (owners IS NULL OR j.owner = ANY (owners))
            GROUP BY j.status
        ), done AS (
            SELECT p.status, count(*) FILTER (WHERE p.read_at > now() - interval '1 min') AS last_1,
                   count(*) FILTER (WHERE p.read_at > now() - interval '5 min') AS last_5, count(*) AS last_60
            FROM ocr.pages p
            WHERE p.read_at > now() - interval '1 hour'
              AND (owners IS NULL OR (SELECT j.owner FROM ocr.jobs j WHERE j.id = p.job_id) = ANY (owners))
            GROUP BY p.status
        ), counted AS (
            SELECT 'jobs' AS what, s.status, e.last_1, e.last_5, e.last_60
            FROM unnest('{completed,failed,cancelled}'::text[]) AS s (status) LEFT JOIN ended e ON e.status = s.status
            UNION ALL
            SELECT 'pages', s.status, d.last_1, d.last_5, d.last_60
            FROM unnest('{read,skipped,failed}'::text[]) AS s (status) LEFT JOIN done d ON d.status = s.status
        )
        SELECT w.minutes, c.what, c.status, coalesce(w.count, 0)
        FROM counted c, LATERAL (VALUES (1, c.last_1), (5, c.last_5), (60, c.last_60)) AS w (minutes, count);
END
$$;
COMMENT ON FUNCTION ocr.visible_pace() IS 'Internal: how many jobs ended and pages were done in the last 1, 5 and 60 minutes';

-- A job that failed and is tried again has another time to run at, so that when it was due at first is known of the others.
CREATE OR REPLACE FUNCTION ocr.visible_times() RETURNS TABLE (what text, quantile float8, seconds float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = on
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
    quantiles CONSTANT float8[] := '{0.5,0.95,0.99}';
BEGIN
    RETURN QUERY
        WITH jobs AS (
            SELECT percentile_cont(quantiles) WITHIN GROUP (ORDER BY extract(epoch FROM j.started_at - greatest(j.submitted_at, j.run_at))::float8)
                       FILTER (WHERE j.run_at <= j.started_at) AS wait,
                   percentile_cont(quantiles) WITHIN GROUP (ORDER BY extract(epoch FROM j.finished_at - j.started_at)::float8)
                       FILTER (WHERE j.status = 'completed' AND j.result_of IS NULL) AS read
            FROM ocr.jobs j
            WHERE j.finished_at > now() - interval '1 hour' AND (owners IS NULL OR j.owner = ANY (owners))
        ), pages AS (
            SELECT percentile_cont(quantiles) WITHIN GROUP (ORDER BY p.elapsed_ms / 1000.0::float8) AS read
            FROM ocr.pages p
            WHERE p.read_at > now() - interval '1 hour' AND p.status = 'read'
              AND (owners IS NULL OR (SELECT j.owner FROM ocr.jobs j WHERE j.id = p.job_id) = ANY (owners))
        )
        SELECT t.what, q.quantile, q.seconds
        FROM (SELECT 'wait', j.wait FROM jobs j UNION ALL SELECT 'job', j.read FROM jobs j UNION ALL SELECT 'page', p.read FROM pages p)
                 AS t (what, seconds),
             unnest(quantiles, t.seconds) AS q (quantile, seconds)
        WHERE q.seconds IS NOT NULL;
END
$$;
COMMENT ON FUNCTION ocr.visible_times() IS 'Internal: quantiles, over the last hour, of how long jobs waited until they began, of how long they then took, and of how long a page took';

CREATE OR REPLACE FUNCTION ocr.visible_failures() RETURNS TABLE (code text, attempts bigint, jobs bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = on
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
BEGIN
    RETURN QUERY
        SELECT f.code, sum(f.attempts)::bigint, sum(f.jobs)::bigint
        FROM (SELECT a.error_code AS code, count(*) AS attempts, 0 AS jobs FROM ocr.failures a
              WHERE a.failed_at > now() - interval '1 hour'
                AND (owners IS NULL OR (SELECT j.owner FROM ocr.jobs j WHERE j.id = a.job_id) = ANY (owners))
              GROUP BY a.error_code
              UNION ALL
              SELECT j.error_code, 0, count(*) FROM ocr.jobs j
              WHERE j.finished_at IS NOT NULL AND j.error_code IS NOT NULL AND (owners IS NULL OR j.owner = ANY (owners))
              GROUP BY j.error_code) AS f
        GROUP BY f.code;
END
$$;
COMMENT ON FUNCTION ocr.visible_failures() IS 'Internal: by error code, how many attempts failed in the last hour, and how many jobs have failed and were not retried';

CREATE OR REPLACE FUNCTION ocr.visible_deliveries() RETURNS TABLE (webhook name, status text, count bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = on
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
BEGIN
    RETURN QUERY
        SELECT d.webhook, 'pending', count(*) FROM ocr.deliveries d
        WHERE d.status = 'pending' AND (owners IS NULL OR d.owner = ANY (owners)) GROUP BY d.webhook
        UNION ALL
        SELECT d.webhook, 'failed', count(*) FROM ocr.deliveries d
        WHERE d.status = 'failed' AND (owners IS NULL OR d.owner = ANY (owners)) GROUP BY d.webhook
        UNION ALL
        SELECT d.webhook, CASE WHEN a.error IS NULL THEN 'delivered' ELSE 'attempt_failed' END, count(*)
        FROM ocr.delivery_attempts a JOIN ocr.deliveries d ON d.id = a.delivery_id
        WHERE a.at > now() - interval '1 hour' AND (owners IS NULL OR d.owner = ANY (owners)) GROUP BY 1, 2;
END
$$;
COMMENT ON FUNCTION ocr.visible_deliveries() IS 'Internal: by webhook, deliveries that are pending and that have failed, and attempts of the last hour that delivered and that failed';

-- Workers of the whole server count for everybody, as ocr.workers shows them; so these are for who may watch all of it.
CREATE OR REPLACE FUNCTION ocr.visible_counters() RETURNS TABLE (name text, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.name, c.value FROM ocr.counters() AS c WHERE ocr.monitored_owners() IS NULL
$$;
COMMENT ON FUNCTION ocr.visible_counters() IS 'Internal: what ocr.metrics shows of ocr.counters(); nothing to others than superusers and members of pg_monitor';

-- Each branch names its metric by a constant, so that who asks for one metric has only that evaluated.
CREATE OR REPLACE VIEW ocr.metrics (metric, labels, value) AS
WITH queue AS (SELECT * FROM ocr.visible_queue()), pace AS (SELECT * FROM ocr.visible_pace()),
     times AS (SELECT * FROM ocr.visible_times()), failures AS (SELECT * FROM ocr.visible_failures())
SELECT 'queue_tasks', jsonb_build_object('tier', q.tier, 'status', q.status), q.tasks::float8 FROM queue q
UNION ALL
SELECT 'queue_oldest_seconds', jsonb_build_object('tier', q.tier), q.oldest_seconds FROM queue q WHERE q.status = 'due'
UNION ALL
SELECT 'jobs', jsonb_build_object('minutes', p.minutes, 'status', p.status), p.count FROM pace p WHERE p.what = 'jobs'
UNION ALL
SELECT 'pages', jsonb_build_object('minutes', p.minutes, 'status', p.status), p.count FROM pace p WHERE p.what = 'pages'
UNION ALL
SELECT 'wait_seconds', jsonb_build_object('quantile', t.quantile), t.seconds FROM times t WHERE t.what = 'wait'
UNION ALL
SELECT 'job_seconds', jsonb_build_object('quantile', t.quantile), t.seconds FROM times t WHERE t.what = 'job'
UNION ALL
SELECT 'page_seconds', jsonb_build_object('quantile', t.quantile), t.seconds FROM times t WHERE t.what = 'page'
UNION ALL
SELECT 'failed_attempts', jsonb_build_object('code', f.code), f.attempts FROM failures f WHERE f.attempts > 0
UNION ALL
SELECT 'dead_letters', jsonb_build_object('code', f.code), f.jobs FROM failures f WHERE f.jobs > 0
UNION ALL
SELECT 'deliveries', jsonb_build_object('webhook', d.webhook, 'status', d.status), d.count FROM ocr.visible_deliveries() AS d
UNION ALL
SELECT 'workers', jsonb_build_object('database', w.database, 'state', w.state), count(*) FROM ocr.workers w GROUP BY w.database, w.state
UNION ALL
SELECT 'engine_memory_bytes', jsonb_build_object('database', w.database), coalesce(sum(w.engine_memory), 0)::float8 FROM ocr.workers w GROUP BY w.database
UNION ALL
SELECT 'card_up', jsonb_build_object('card', c.card), (c.state = 'ready')::int FROM ocr.card_slots() AS c
UNION ALL
SELECT 'card_total', jsonb_build_object('card', c.card, 'of', t.name), t.value
FROM ocr.card_slots() AS c,
     LATERAL (VALUES ('lines', c.lines), ('refused', c.refused), ('batches', c.batches), ('busy_seconds', c.busy_seconds), ('starts', c.starts))
         AS t (name, value)
UNION ALL
SELECT 'total', jsonb_build_object('of', c.name), c.value FROM ocr.visible_counters() AS c;
COMMENT ON VIEW ocr.metrics IS 'Figures to watch: of the queue, of the last hour, of the workers and GPUs. Of the jobs that you can see; to superusers and members of pg_monitor, of all';
COMMENT ON COLUMN ocr.metrics.metric IS 'queue_tasks: parts of documents that wait or are read. queue_oldest_seconds: for how long the first of those that are due has been. jobs, pages: that ended in the last 1, 5 and 60 minutes. wait_seconds, job_seconds, page_seconds: from being due to the start, from the start to the end, and of a page, over the last hour. failed_attempts: in the last hour. dead_letters: jobs that have failed and were not retried. deliveries: pending and failed; delivered and attempt_failed in the last hour. workers, engine_memory_bytes: of the whole server. card_up: 1 where the service of a GPU is ready, else 0. card_total: of a GPU, since the server started. total: counted since the server started, in all databases';
COMMENT ON COLUMN ocr.metrics.labels IS 'What it is about, as an object';
COMMENT ON COLUMN ocr.metrics.value IS 'A count, seconds or bytes';
REVOKE ALL ON ocr.metrics FROM PUBLIC;
GRANT SELECT ON ocr.metrics TO PUBLIC;
