-- Batches: what holds for all jobs of one, and what happens when the last of them ends.

CREATE OR REPLACE FUNCTION ocr.batch_of_caller(batch text) RETURNS ocr.batches
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own ocr.batches;
BEGIN
    IF batch IS NULL THEN
        PERFORM ocr.refuse_null('batch', 'Give the name of a batch.');
    END IF;
    SELECT * INTO own FROM ocr.batches b WHERE b.owner = ocr.caller() AND b.name = batch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch "%" does not exist', left(batch, 200)
            USING ERRCODE = 'undefined_object', HINT = format('ocr.batches lists the batches that you can see; yours are those of %s.', ocr.caller());
    END IF;
    RETURN own;
END
$$;
COMMENT ON FUNCTION ocr.batch_of_caller(text) IS 'Internal: one of the caller''s own batches, locked, or an error where there is none';

CREATE OR REPLACE FUNCTION @extschema@.ocr_batch(
    batch text,
    description text = NULL,
    priority int = NULL,
    max_workers int = NULL,
    approve_confidence real = NULL,
    review_confidence real = NULL,
    deadline timestamptz = NULL,
    webhook text = NULL,
    reset text[] = '{}'
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    earlier ocr.batches;
    present ocr.batches;
    unknown text;
    task record;
BEGIN
    IF batch IS NULL THEN
        PERFORM ocr.refuse_null('batch', 'Give the name of a batch.');
    ELSIF reset IS NULL THEN
        PERFORM ocr.refuse_null('reset', 'Leave it out to reset nothing.');
    END IF;
    PERFORM ocr.check_batch(batch);
    SELECT r INTO unknown FROM unnest(reset) AS r
    WHERE r IS NULL OR r <> ALL ('{description,priority,max_workers,approve_confidence,review_confidence,deadline,webhook}') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no "%" to reset', coalesce(left(unknown, 100), 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give names of ocr_batch()''s own parameters, as in ''{max_workers,deadline}''.';
    ELSIF approve_confidence NOT BETWEEN 0 AND 100 OR review_confidence NOT BETWEEN 0 AND 100 THEN
        RAISE EXCEPTION 'a confidence cannot be %',
                CASE WHEN approve_confidence NOT BETWEEN 0 AND 100 THEN approve_confidence ELSE review_confidence END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a number from 0 to 100.';
    ELSIF priority NOT BETWEEN -1000 AND 1000 THEN
        RAISE EXCEPTION 'priority must be from -1000 to 1000, not %', priority
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Higher is read first.';
    ELSIF max_workers < 1 THEN
        RAISE EXCEPTION 'max_workers must be at least 1, not %', max_workers
            USING ERRCODE = 'invalid_parameter_value', HINT = 'ocr_pause() stops a batch; reset => ''{max_workers}'' lets all workers read for it.';
    ELSIF NOT isfinite(deadline) THEN
        RAISE EXCEPTION 'deadline must be a finite time, not %', deadline
            USING ERRCODE = 'invalid_parameter_value', HINT = 'reset => ''{deadline}'' takes it away.';
    END IF;
    IF webhook IS NOT NULL THEN
        PERFORM ocr.check_server(webhook, 'ocr_webhook', caller);
    END IF;

    INSERT INTO ocr.batches (owner, name) VALUES (caller, batch) ON CONFLICT DO NOTHING;
    SELECT * INTO earlier FROM ocr.batches b WHERE b.owner = caller AND b.name = batch FOR NO KEY UPDATE;
    UPDATE ocr.batches b
    SET description = coalesce(description, CASE WHEN 'description' <> ALL (reset) THEN b.description END),
        priority = coalesce(priority, CASE WHEN 'priority' <> ALL (reset) THEN b.priority END),
        max_workers = coalesce(max_workers, CASE WHEN 'max_workers' <> ALL (reset) THEN b.max_workers END),
        approve_confidence = coalesce(approve_confidence, CASE WHEN 'approve_confidence' <> ALL (reset) THEN b.approve_confidence END),
        review_confidence = coalesce(review_confidence, CASE WHEN 'review_confidence' <> ALL (reset) THEN b.review_confidence END),
        deadline = coalesce(deadline, CASE WHEN 'deadline' <> ALL (reset) THEN b.deadline END),
        webhook = coalesce(webhook::name, CASE WHEN 'webhook' <> ALL (reset) THEN b.webhook END)
    WHERE b.owner = caller AND b.name = batch
    RETURNING * INTO present;
    PERFORM ocr.check_limits_of_verdicts(present.approve_confidence::numeric, present.review_confidence::numeric);

    IF present.priority IS DISTINCT FROM earlier.priority THEN
        FOR task IN
            SELECT t.id, j.priority FROM ocr.jobs j JOIN ocr.tasks t ON t.job_id = j.id
            WHERE j.owner = caller AND j.batch = present.name AND j.finished_at IS NULL AND t.worker IS NULL
            ORDER BY t.lane DESC, t.turn, t.id FOR UPDATE OF t SKIP LOCKED
        LOOP
            UPDATE ocr.tasks t SET priority = coalesce(present.priority, task.priority) WHERE t.id = task.id;
        END LOOP;
        PERFORM ocr.wake_workers();
    END IF;
    IF present.max_workers IS DISTINCT FROM earlier.max_workers AND present.paused_at IS NULL THEN
        PERFORM ocr.admit_tasks(caller, batch);
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_batch(text, text, int, int, real, real, timestamptz, text, text[]) IS
'Says what holds for a batch of the caller, which is made where there is none. What is left out stays as it is.
batch: its name.
description: what it is, in your words.
priority: -1000 to 1000, of all its jobs instead of their own, also of those that wait already.
max_workers: at most so many workers read for it at a time.
approve_confidence, review_confidence: 0 to 100, from which pages of it are approved, and from which they are for review; for pages that are read from then on. Options of a job come before them.
deadline: when it is to be done; ocr.progress says whether it will be late. Nothing is stopped for it.
webhook: the name of a server of foreign-data wrapper ocr_webhook, which is told batch.finished when the last of its jobs ends; the caller needs USAGE on it.
reset: names of what is to be as if it had never been said, as in ''{max_workers,deadline}''.
Errors: a bad argument (22023, 22004), a webhook that the caller cannot use (42704, 42501).';

CREATE OR REPLACE FUNCTION @extschema@.ocr_pause(batch text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    present CONSTANT ocr.batches := ocr.batch_of_caller(batch);
BEGIN
    UPDATE ocr.batches b SET paused_at = now() WHERE b.owner = present.owner AND b.name = present.name AND b.paused_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_pause(text) IS
'From COMMIT on, no document of a batch is begun; those that are being read are read to the end, of long ones the parts that are. More can be submitted to it meanwhile. Returns false, and changes nothing, where it is paused already.
batch: the name of one of the caller''s own.
Errors: 42704 where there is no such batch; 22004.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_resume(batch text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    present CONSTANT ocr.batches := ocr.batch_of_caller(batch);
BEGIN
    UPDATE ocr.batches b SET paused_at = NULL WHERE b.owner = present.owner AND b.name = present.name AND b.paused_at IS NOT NULL;
    IF FOUND THEN
        PERFORM ocr.admit_tasks(present.owner, present.name);
        PERFORM ocr.wake_workers();
        RETURN true;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_resume(text) IS
'From COMMIT on, a batch that was paused goes on. Returns false, and changes nothing, where it was not.
batch: the name of one of the caller''s own.
Errors: 42704 where there is no such batch; 22004.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_cancel_batch(batch text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    present CONSTANT ocr.batches := ocr.batch_of_caller(batch);
    job_id bigint;
    cancelled bigint := 0;
BEGIN
    FOR job_id IN
        SELECT j.id FROM ocr.jobs j
        WHERE j.owner = present.owner AND j.batch = present.name AND j.finished_at IS NULL ORDER BY j.id
        FOR NO KEY UPDATE
    LOOP
        PERFORM ocr.finish_job(job_id, 'cancelled', NULL, NULL);
        PERFORM ocr.interrupt_job(job_id);
        cancelled := cancelled + 1;
    END LOOP;
    RETURN cancelled;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_cancel_batch(text) IS
'Ends all pending and running jobs of a batch, as ocr_cancel() does, and returns how many.
batch: the name of one of the caller''s own.
Errors: 42704 where there is no such batch; 22004.';

-- Parsed now, so that it finds ocr_retry() also after the extension's schema was renamed.
CREATE OR REPLACE FUNCTION @extschema@.ocr_retry_failed(batch text = NULL) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT ocr.batch_of_caller($1) WHERE $1 IS NOT NULL;
    SELECT count(*) FILTER (WHERE @extschema@.ocr_retry(j.id))
    FROM (SELECT j.id FROM ocr.jobs j
          WHERE j.owner = ocr.caller() AND j.status = 'failed' AND ($1 IS NULL OR j.batch = $1)
            AND (j.document_id IS NOT NULL OR j.uri IS NOT NULL OR j.attachment IS NOT NULL)
          ORDER BY j.id) AS j;
END;
COMMENT ON FUNCTION @extschema@.ocr_retry_failed(text) IS
'Sends the caller''s failed jobs round again, as ocr_retry() does, and returns how many. Those whose documents were deleted stay as they are, in ocr.dead_letters.
batch: the name of one of the caller''s own, or NULL for all failed jobs of the caller.
Errors: 42704 where there is no such batch.';

CREATE OR REPLACE FUNCTION ocr.batch_summary(batch ocr.batches) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'batch', batch.name, 'owner', batch.owner, 'status', 'finished', 'description', batch.description,
            'jobs', coalesce(sum(t.completed + t.failed + t.cancelled), 0),
            'completed', coalesce(sum(t.completed), 0), 'failed', coalesce(sum(t.failed), 0), 'cancelled', coalesce(sum(t.cancelled), 0),
            'approved', coalesce(sum(t.approved), 0), 'review', coalesce(sum(t.review), 0), 'rejected', coalesce(sum(t.rejected), 0),
            'pages_total', coalesce(sum(t.pages_total), 0), 'pages_done', coalesce(sum(t.pages_done), 0),
            'pages_failed', coalesce(sum(t.pages_failed), 0),
            'confidence', round((sum(t.confidence) / nullif(sum(t.rated), 0))::numeric, 2),
            'submitted_at', min(t.submitted_at), 'started_at', min(t.started_at), 'finished_at', max(t.finished_at),
            'deadline', batch.deadline)
        FROM ocr.outcomes t WHERE t.owner = batch.owner AND t.batch = batch.name);
END
$$;
COMMENT ON FUNCTION ocr.batch_summary(ocr.batches) IS 'Internal: what NOTIFY and webhooks say of a batch that has ended';

CREATE OR REPLACE FUNCTION ocr.end_batch(owner name, batch text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    ended ocr.batches;
    summary jsonb;
BEGIN
    SELECT * INTO ended FROM ocr.batches b WHERE b.owner = end_batch.owner AND b.name = end_batch.batch FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        INSERT INTO ocr.ending_batches VALUES (owner, batch);  -- somebody is just changing it: look again later
        RETURN;
    END IF;
    IF ocr.is_backfilling(owner, batch) THEN
        RETURN;  -- more is to come
    END IF;
    UPDATE ocr.batches b SET finished_at = clock_timestamp() WHERE b.owner = ended.owner AND b.name = ended.name;
    summary := ocr.batch_summary(ended);
    PERFORM pg_notify('ocr', (CASE WHEN octet_length(summary::text) < 8000 THEN summary ELSE summary - 'description' END)::text);
    IF ended.webhook IS NOT NULL THEN
        PERFORM ocr.emit_batch_event(ended, summary);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.end_batch(name, text) IS 'Internal: the last job of a batch has ended: says so by NOTIFY and webhook';

CREATE OR REPLACE FUNCTION ocr.job_of_batch_ended(job ocr.jobs) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    -- So many jobs may end at the same time, without seeing each other's end.
    at_once CONSTANT int := 2 * current_setting('pg_ocr.workers')::int + 64;
    -- From the last: what has ended leaves traces in the index until they are vacuumed, and it was first.
    others CONSTANT int := (SELECT count(*) FROM (SELECT FROM ocr.jobs j
                                                  WHERE j.owner = job.owner AND j.batch = job.batch AND j.finished_at IS NULL
                                                  ORDER BY j.owner DESC, j.batch DESC, j.id DESC LIMIT at_once) AS s);
BEGIN
    IF others = 0 THEN
        PERFORM ocr.end_batch(job.owner, job.batch);
    ELSIF others < at_once THEN
        INSERT INTO ocr.ending_batches VALUES (job.owner, job.batch);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.job_of_batch_ended(ocr.jobs) IS 'Internal: looks whether a job was the last of its batch';

CREATE OR REPLACE FUNCTION ocr.end_batches() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    ending record;
BEGIN
    FOR ending IN
        WITH gone AS (
            DELETE FROM ocr.ending_batches e
            WHERE e.ctid = ANY (ARRAY(SELECT f.ctid FROM ocr.ending_batches f FOR UPDATE SKIP LOCKED))
            RETURNING e.owner, e.name)
        SELECT DISTINCT g.owner, g.name, b.finished_at FROM gone g JOIN ocr.batches b ON b.owner = g.owner AND b.name = g.name
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM ocr.jobs j WHERE j.owner = ending.owner AND j.batch = ending.name AND j.finished_at IS NULL);
        -- Whoever saw that its job was the last has said so already.
        CONTINUE WHEN ending.finished_at >= (SELECT max(t.finished_at) FROM ocr.outcomes t
                                             WHERE t.owner = ending.owner AND t.batch = ending.name);
        PERFORM ocr.end_batch(ending.owner, ending.name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.end_batches() IS 'Internal: ends the batches whose last jobs ended at the same time, neither seeing the other';
