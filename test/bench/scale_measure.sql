-- What is asked and done all the time, in a database that scale_fill.sql has filled with :jobs jobs: milliseconds, nothing else
-- being done, how many blocks of 8 kB it looks at, and by which indexes; "all of" is a table that is read as a whole.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET synchronous_commit = off;
SET jit = off;
CREATE TEMP TABLE took (no int GENERATED ALWAYS AS IDENTITY, what text, ms float8);
CREATE TEMP TABLE looked_at (what text, blocks bigint, read_by text);
GRANT INSERT ON took TO PUBLIC;
CREATE PROCEDURE pg_temp.measure(what text, command text, times int = 100, role name = 'postgres') LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    n bigint;
    plan json;
BEGIN
    FOR i IN 0 .. times LOOP
        n := 1 + (i * 7919::bigint * 104729) % (SELECT last_value - 20000 FROM ocr.jobs_id_seq);
        EXECUTE format('SET ROLE %I', role);
        began := clock_timestamp();
        EXECUTE replace(command, '$job', n::text);
        IF i > 0 THEN  -- the first one plans and warms
            INSERT INTO took (what, ms) VALUES (what, 1000 * extract(epoch FROM clock_timestamp() - began));
        END IF;
        RESET ROLE;
        COMMIT;
    END LOOP;
    EXECUTE format('SET ROLE %I', role);
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) ' || replace(command, '$job', n::text) INTO plan;
    RESET ROLE;
    INSERT INTO looked_at VALUES (what, (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint,
        (SELECT string_agg(DISTINCT r.name, ', ')
         FROM (SELECT n.item #>> '{}' FROM jsonb_path_query(plan::jsonb, 'strict $.**."Index Name"') AS n (item)
               UNION ALL
               SELECT 'all of ' || (n.item #>> '{}') FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (@."Node Type" == "Seq Scan")."Relation Name"') AS n (item)) AS r (name)));
    COMMIT;
END
$$;
CREATE PROCEDURE pg_temp.measure_jobs(times int) LANGUAGE plpgsql AS $$
DECLARE
    task record;
    began timestamptz;
BEGIN
    FOR i IN 1 .. times LOOP
        began := clock_timestamp();
        PERFORM ocr_submit(int8send(i), priority => 9, batch => 'bench');
        COMMIT;
        INSERT INTO took (what, ms) VALUES ('ocr_submit', 1000 * extract(epoch FROM clock_timestamp() - began));
        began := clock_timestamp();
        SELECT * INTO task FROM ocr.claim_task(pg_backend_pid());
        COMMIT;
        INSERT INTO took (what, ms) VALUES ('a worker claims', 1000 * extract(epoch FROM clock_timestamp() - began));
        began := clock_timestamp();
        PERFORM ocr.record_opened(task.task_id, task.fence, 'PNG', 1, 1);
        COMMIT;
        PERFORM ocr.record_page(task.task_id, task.fence, 1, 'read', 'ocr', 'text of page number ' || i, 95, '{"blocks": []}', 5, 1, 1, 1, 0, 1, 'none', NULL, NULL);
        COMMIT;
        INSERT INTO took (what, ms) VALUES ('records a page', 1000 * extract(epoch FROM clock_timestamp() - began));
        began := clock_timestamp();
        PERFORM ocr.complete_task(task.task_id, task.fence);
        COMMIT;
        INSERT INTO took (what, ms) VALUES ('completes the job', 1000 * extract(epoch FROM clock_timestamp() - began));
    END LOOP;
END
$$;
CALL pg_temp.measure_jobs(500);
CALL pg_temp.measure('ocr.rescue_tasks(), every few seconds', 'SELECT ocr.rescue_tasks()');
CALL pg_temp.measure('ocr_status', 'SELECT * FROM ocr_status($job)', 300);
CALL pg_temp.measure('ocr_text', 'SELECT * FROM ocr_text($job)', 300);
CALL pg_temp.measure('jobs WHERE id = …', 'SELECT * FROM ocr.jobs WHERE id = $job', 300, 'scale_o3');
CALL pg_temp.measure('pages WHERE job_id = …', 'SELECT * FROM ocr.pages WHERE job_id = $job', 300, 'scale_o3');
CALL pg_temp.measure('jobs WHERE batch = … ORDER BY id LIMIT 20', $$SELECT * FROM ocr.jobs WHERE batch = 'batch_006' ORDER BY id LIMIT 20$$, 100, 'scale_o3');
CALL pg_temp.measure('jobs WHERE status = ''running''', $$SELECT * FROM ocr.jobs WHERE status = 'running'$$, 100, 'scale_o3');
CALL pg_temp.measure('jobs WHERE status = ''pending'' ORDER BY id LIMIT 20', $$SELECT * FROM ocr.jobs WHERE status = 'pending' ORDER BY id LIMIT 20$$, 100, 'scale_o1');
CALL pg_temp.measure('jobs ORDER BY id DESC LIMIT 20, of one owner in eight', $$SELECT * FROM ocr.jobs ORDER BY id DESC LIMIT 20$$, 100, 'scale_o3');
CALL pg_temp.measure('jobs ORDER BY id DESC LIMIT 20, of one who has none', $$SELECT * FROM ocr.jobs ORDER BY id DESC LIMIT 20$$, 3, 'pg_monitor');
CALL pg_temp.measure('jobs ORDER BY submitted_at DESC LIMIT 20', $$SELECT * FROM ocr.jobs ORDER BY submitted_at DESC LIMIT 20$$, 100, 'scale_o3');
CALL pg_temp.measure('jobs that ended in the last day', $$SELECT count(*) FROM ocr.jobs WHERE finished_at > now() - interval '1 day'$$, 30, 'scale_o3');
CALL pg_temp.measure('ocr.progress', 'SELECT * FROM ocr.progress', 30);
CALL pg_temp.measure('ocr.progress, of one owner in eight', 'SELECT * FROM ocr.progress', 30, 'scale_o3');
CALL pg_temp.measure('ocr.progress of an open batch of 20,000', $$SELECT * FROM ocr.progress WHERE batch = 'march'$$, 30, 'scale_o1');
CALL pg_temp.measure('ocr.progress of a batch that has ended', $$SELECT * FROM ocr.progress WHERE batch = 'batch_006'$$, 30, 'scale_o3');
CALL pg_temp.measure('ocr.metrics', 'SELECT * FROM ocr.metrics', 30);
CALL pg_temp.measure('ocr.dead_letters ORDER BY finished_at DESC LIMIT 20', 'SELECT * FROM ocr.dead_letters ORDER BY finished_at DESC LIMIT 20', 5, 'scale_o3');
CALL pg_temp.measure('ocr.review_queue LIMIT 1', 'SELECT * FROM ocr.review_queue LIMIT 1', 100, 'scale_o3');
CALL pg_temp.measure('ocr_search, a number', $$SELECT * FROM ocr_search('$job')$$, 30, 'scale_o3');
CALL pg_temp.measure('ocr.webhooks', 'SELECT * FROM ocr.webhooks', 5);
CALL pg_temp.measure('ocr_pause and ocr_resume', $$SELECT ocr_pause('bench'), ocr_resume('bench')$$, 30);
CALL pg_temp.measure('ocr_check()', 'SELECT * FROM ocr_check()', 3);
-- Once each, as they change what they find.
CREATE PROCEDURE pg_temp.once(what text, command text) LANGUAGE plpgsql AS $$
DECLARE
    began CONSTANT timestamptz := clock_timestamp();
BEGIN
    EXECUTE command;
    COMMIT;
    INSERT INTO took (what, ms) VALUES (what, 1000 * extract(epoch FROM clock_timestamp() - began));
    COMMIT;
END
$$;
SET ROLE scale_o3;
SELECT failed FROM ocr.progress WHERE batch = 'batch_006' \gset
CALL pg_temp.once(format('ocr_retry_failed of a batch, per job'), $$SELECT ocr_retry_failed('batch_006')$$);

RESET ROLE;
UPDATE took SET ms = ms / :failed WHERE what LIKE 'ocr_retry_failed%';
SET ROLE scale_o1;
CALL pg_temp.once('ocr_cancel_batch of 10,000', $$SELECT ocr_cancel_batch('march')$$);
RESET ROLE;
SELECT 730 - 73000000.0 / :jobs AS days \gset
CREATE PROCEDURE pg_temp.purge(days float8) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    purged bigint := 0;
BEGIN
    CALL ocr_purge(make_interval(secs => 86400 * days), everyone => true, purged => purged);
    INSERT INTO took (what, ms) VALUES ('ocr_purge, per 1,000 jobs', 1000 * extract(epoch FROM clock_timestamp() - began) * 1000 / purged);
    began := clock_timestamp();
    CALL ocr_purge(make_interval(secs => 86400 * days), everyone => true, purged => purged);
    INSERT INTO took (what, ms) VALUES ('ocr_purge that finds nothing', 1000 * extract(epoch FROM clock_timestamp() - began));
    COMMIT;
END
$$;
CALL pg_temp.purge(:days);
\pset null ''
SELECT what, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS p50, round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS p99,
       count(*) AS times, l.blocks, l.read_by
FROM took LEFT JOIN looked_at l USING (what) GROUP BY what, l.blocks, l.read_by ORDER BY min(no);
SELECT clock_timestamp() AS began \gset
VACUUM ocr.jobs;
SELECT 'VACUUM ocr.jobs after 100,000 were deleted' AS what, round(1000 * extract(epoch FROM clock_timestamp() - :'began')) AS ms;
SELECT clock_timestamp() AS began \gset
VACUUM ocr.pages;
SELECT 'VACUUM ocr.pages' AS what, round(1000 * extract(epoch FROM clock_timestamp() - :'began')) AS ms;
