-- A statement sees its own transaction's uncommitted rows: if the one that wrote the job's row is still running, it is ours.
-- Its number is that of our transaction or, of a savepoint in it, a later one.
CREATE OR REPLACE FUNCTION ocr.changed_here(job_id bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here CONSTANT xid8 := pg_current_xact_id_if_assigned();
    later int;
BEGIN
    SELECT -age(j.xmin) INTO later FROM ocr.jobs j WHERE j.id = job_id;
    RETURN coalesce(later >= 0 AND pg_xact_status((here::text::bigint + later)::text::xid8) = 'in progress', false);
END
$$;
COMMENT ON FUNCTION ocr.changed_here(bigint) IS 'Internal: whether the present transaction has submitted this job or changed it';

CREATE OR REPLACE FUNCTION ocr.await_job_end(job_id bigint, timeout interval) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deadline CONSTANT timestamptz := clock_timestamp() + timeout;
    seen bigint;
    seconds_left float8;
BEGIN
    IF timeout IS NULL THEN
        PERFORM ocr.refuse_null('timeout', 'Give the longest time to wait, or leave it out for 5 minutes.');
    END IF;
    LOOP
        seen := ocr.jobs_ended();  -- before looking, so that an end between the look and the wait is not missed
        EXIT WHEN (ocr.visible_job(job_id)).finished_at IS NOT NULL;
        IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'ocr_wait() cannot see a job end at isolation level %', current_setting('transaction_isolation')
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Call it at READ COMMITTED.';
        END IF;
        IF ocr.changed_here(job_id) THEN
            RAISE EXCEPTION 'job % was submitted or changed in this transaction, so no worker can see it yet', job_id
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'COMMIT first, then call ocr_wait().';
        END IF;
        seconds_left := extract(epoch FROM deadline - clock_timestamp());
        EXIT WHEN seconds_left <= 0;
        -- At most a second at a time: an end that nobody announced, as by COMMIT PREPARED, is seen all the same.
        PERFORM ocr.wait_for_job_end(seen, ceil(1000 * least(seconds_left, 1))::int);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.await_job_end(bigint, interval) IS 'Internal: returns once the job has ended or the time is up';

-- Parsed now, so that it finds ocr_status() also after the extension's schema was renamed.
CREATE OR REPLACE FUNCTION @extschema@.ocr_wait(job_id bigint, timeout interval = '5 min')
RETURNS TABLE (
    job_id bigint, status text, verdict text, confidence real, worst_page int, pages_total int, pages_done int,
    pages_failed int, progress real, attempts int, submitted_at timestamptz, started_at timestamptz, finished_at timestamptz,
    eta timestamptz, error_code text, error text, batch text, metadata jsonb)
LANGUAGE sql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT ocr.await_job_end($1, $2);
    SELECT * FROM @extschema@.ocr_status($1);
END;
COMMENT ON FUNCTION @extschema@.ocr_wait(bigint, interval) IS
'Waits until a job has ended or the time is up, and returns the row of ocr_status() as it is then: look at its status.
timeout: how long to wait at most. The time being up is not an error. Can be cancelled like any statement.
While it waits, its statement holds a snapshot, which keeps VACUUM from removing rows that died since: prefer LISTEN ocr where many wait for long.
Errors: 42704 where there is no such job, or it is not the caller''s to see; 55000 where the wait could not end: the job was submitted in this same transaction, or the isolation level is above READ COMMITTED.';
