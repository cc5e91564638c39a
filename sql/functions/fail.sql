-- Else a document of thousands of pages, each of which takes as long as a page may, would keep workers from everybody else
-- for weeks.
CREATE OR REPLACE FUNCTION ocr.lost_too_much_time(job_id bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    most CONSTANT interval := current_setting('pg_ocr.document_timeout');
BEGIN
    RETURN most > '0' AND current_setting('pg_ocr.page_timeout')::interval * (
        SELECT count(*) FROM ocr.failures f JOIN ocr.jobs j ON j.id = f.job_id
        WHERE j.id = lost_too_much_time.job_id AND f.error_code = 'page_timeout' AND f.failed_at >= j.started_at) >= most;
END
$$;
COMMENT ON FUNCTION ocr.lost_too_much_time(bigint) IS
'Internal: whether the pages of a job that took too long have taken pg_ocr.document_timeout together, over all its parts and attempts';

CREATE OR REPLACE FUNCTION ocr.fail_task(
    task_id bigint, fence bigint, error_code text, error text, page_no int, retry_after_s int = 0)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    -- Stores come back, and locks are released, but not within the seconds that the attempts at a page take: they have attempts of their own.
    most_unavailable CONSTANT int := 10;
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
    policy ocr.error_codes;
    reason text;
    delay interval;
BEGIN
    IF task.id IS NULL THEN
        RETURN false;
    END IF;
    SELECT * INTO policy FROM ocr.error_codes c
    WHERE c.code = fail_task.error_code OR c.code = 'internal_error'
    ORDER BY c.code = fail_task.error_code DESC LIMIT 1;
    reason := coalesce(nullif(error, ''), policy.meaning);
    INSERT INTO ocr.failures (job_id, attempt, page_no, error_code, error)
    VALUES (task.job_id, task.attempts + task.unavailable, nullif(page_no, 0), policy.code, reason);

    IF policy.code = 'page_timeout' AND ocr.lost_too_much_time(task.job_id) THEN
        SELECT * INTO policy FROM ocr.error_codes c WHERE c.code = 'document_timeout';
        reason := 'too many pages were not read within pg_ocr.page_timeout: together they took as long as pg_ocr.document_timeout';
        page_no := 0;
    END IF;
    IF policy.code IN ('store_unavailable', 'provider_unavailable', 'row_locked') AND task.unavailable + 1 < most_unavailable THEN
        UPDATE ocr.tasks t SET attempts = t.attempts - 1, unavailable = t.unavailable + 1 WHERE t.id = task.id;
        delay := make_interval(secs => greatest(least(300, 2 ^ task.unavailable) * (0.75 + random() / 4),
                                                least(3600, retry_after_s)));
    ELSIF policy.retry AND policy.code NOT IN ('store_unavailable', 'provider_unavailable', 'row_locked') AND task.attempts < current_setting('pg_ocr.max_attempts')::int THEN
        -- A crash may well have been the fault of the document before, so the first try after one is made at once. The spread
        -- keeps tasks that failed together from coming back together.
        delay := CASE WHEN policy.code = 'engine_crashed' AND task.attempts = 1 THEN '0'
                      ELSE make_interval(secs => least(300, 2 ^ (task.attempts - 1)) * (0.75 + random() / 4)) END;
    ELSIF page_no > 0 AND ocr.insert_failed_page(task.job_id, page_no, policy.code, reason) THEN
        -- One bad page does not cost the others: the task goes on without it, its attempts counted anew.
        UPDATE ocr.tasks t SET attempts = 0 WHERE t.id = task.id;
        delay := '0';
    ELSE
        PERFORM ocr.fail_missing_pages(task.job_id, policy.code, reason);
        PERFORM ocr.finish_job(task.job_id, 'failed', policy.code, reason);
        PERFORM ocr.interrupt_job(task.job_id);
        RETURN true;
    END IF;
    UPDATE ocr.jobs j SET error_code = policy.code, error = reason WHERE j.id = task.job_id;
    PERFORM ocr.requeue_task(task, now() + delay);
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.fail_task(bigint, bigint, text, text, int, int) IS
'Internal: an attempt failed, for the reason of error_code, at the page page_no or, where that is 0, at none. Where ocr.error_codes says that a retry is worth it and pg_ocr.max_attempts are not spent, the task is pending again, after 1 s that double with each attempt up to 5 min. Else the page is written off and the task goes on without it; without a page, the job fails. What was unavailable or locked is asked for up to ten times, a store or provider not before the time that it asked for, up to an hour. False: the claim no longer stands, nothing was written';
