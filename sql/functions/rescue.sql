-- A lock of this kind counts only if a worker holds it: any user can take an advisory lock with any key.
CREATE OR REPLACE FUNCTION ocr.live_workers() RETURNS bigint[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(l.classid::bigint << 32 | l.objid::bigint), '{}')
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND a.backend_type = 'pg_ocr worker'
              AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
END
$$;
COMMENT ON FUNCTION ocr.live_workers() IS 'Internal: the keys of the advisory locks that the workers of this database hold';

CREATE OR REPLACE FUNCTION ocr.orphaned_tasks() RETURNS SETOF ocr.tasks
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    live bigint[];
    task ocr.tasks;
BEGIN
    -- Tasks first, locks second: a worker that claimed a task we see already held its lock.
    FOR task IN SELECT * FROM ocr.tasks t WHERE t.worker IS NOT NULL LOOP
        live := coalesce(live, ocr.live_workers());
        IF task.worker <> ALL (live) THEN
            RETURN NEXT task;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.orphaned_tasks() IS 'Internal: tasks that are claimed by workers that have died';

CREATE OR REPLACE FUNCTION ocr.rescue_tasks() RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    give_up_at CONSTANT timestamptz := clock_timestamp() + '0.1 s';
    orphan ocr.tasks;
    task ocr.tasks;
    rescued int := 0;
    reason CONSTANT text := 'the worker that read this ended before it had finished';
BEGIN
    IF EXISTS (SELECT FROM ocr.released_documents) THEN
        PERFORM ocr.sweep_documents();
    END IF;
    PERFORM ocr.wake_courier() WHERE ocr.deliveries_due_in_ms() = 0;
    PERFORM ocr.admit_forgotten_tasks();
    PERFORM ocr.end_batches();
    PERFORM ocr.fold_outcomes();
    FOR orphan IN SELECT * FROM ocr.orphaned_tasks() LOOP
        LOOP
            PERFORM FROM ocr.jobs j WHERE j.id = orphan.job_id FOR NO KEY UPDATE SKIP LOCKED;
            EXIT WHEN FOUND OR clock_timestamp() > give_up_at;
            PERFORM pg_sleep(0.002);  -- other parts of the document lock their job for a moment, again and again
        END LOOP;
        CONTINUE WHEN NOT FOUND;  -- being cancelled, or rescued by another worker
        task := ocr.lock_claim(orphan.id, orphan.fence);
        CONTINUE WHEN task.id IS NULL;
        IF task.attempts < current_setting('pg_ocr.max_attempts')::int THEN
            INSERT INTO ocr.failures (job_id, attempt, error_code, error)
            VALUES (task.job_id, task.attempts, 'engine_crashed', reason);
            PERFORM ocr.requeue_task(task, now());
        ELSE
            INSERT INTO ocr.failures (job_id, attempt, error_code, error)
            VALUES (task.job_id, task.attempts + task.unavailable, 'engine_crashed', reason);
            PERFORM ocr.fail_missing_pages(task.job_id, 'engine_crashed', reason);
            -- A trigger on its table may be what ended the workers: it is not to end this one, and all that follow.
            PERFORM ocr.finish_job(task.job_id, 'failed', 'engine_crashed', reason, leave_row => true);
            PERFORM ocr.interrupt_job(task.job_id);
        END IF;
        rescued := rescued + 1;
    END LOOP;
    RETURN rescued;
END
$$;
COMMENT ON FUNCTION ocr.rescue_tasks() IS
'Internal: tasks whose workers have died are pending again at once, or, where their attempts are spent, have failed; returns how many. Those of jobs that another session keeps locked are left for the next time. Drops documents that nobody needs any more as well, wakes the courier where a webhook is due, and sees to batches whose tasks are held';
