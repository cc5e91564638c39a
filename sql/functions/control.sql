CREATE OR REPLACE FUNCTION @extschema@.ocr_cancel(job_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    status text;
BEGIN
    PERFORM ocr.visible_job(job_id);
    SELECT j.status INTO status FROM ocr.jobs j WHERE j.id = job_id FOR NO KEY UPDATE;
    IF status IN ('pending', 'running') THEN
        PERFORM ocr.finish_job(job_id, 'cancelled', NULL, NULL);
        PERFORM ocr.interrupt_job(job_id);
        RETURN true;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_cancel(bigint) IS
'Ends a pending or running job; the worker that is at it stops at COMMIT. Pages that were done stay. Returns false, and changes nothing, where the job has ended already.
Errors: 42704 where there is no such job, or it is not the caller''s to see.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_retry(job_id bigint, password text = NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    job ocr.jobs;
    failed int;
BEGIN
    PERFORM ocr.visible_job(job_id);
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = job_id FOR NO KEY UPDATE;
    IF job.status IS DISTINCT FROM 'failed' THEN
        RETURN false;
    END IF;
    IF job.document_id IS NULL AND job.uri IS NULL AND job.attachment IS NULL THEN
        RAISE EXCEPTION 'the document of job % is not stored any more', job_id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Submit the document again with ocr_submit().';
    END IF;
    DELETE FROM ocr.pages p WHERE p.job_id = job.id AND p.status = 'failed';
    GET DIAGNOSTICS failed = ROW_COUNT;
    UPDATE ocr.jobs j
    SET document_id = CASE WHEN j.uri IS NULL AND j.attachment IS NULL THEN j.document_id END,
        status = 'pending', run_at = now(), started_at = NULL, finished_at = NULL, error_code = NULL, error = NULL,
        pages_done = j.pages_done - failed, pages_failed = 0
    WHERE j.id = job.id;
    IF coalesce(job.uri, job.attachment::text) IS NOT NULL AND job.document_id IS NOT NULL THEN
        PERFORM ocr.drop_document(job.document_id);
    END IF;
    INSERT INTO ocr.tasks (job_id, priority, run_at, tier) VALUES (job.id, job.priority, now(), job.tier);
    IF password IS NOT NULL THEN
        INSERT INTO ocr.passwords (job_id, password) VALUES (job.id, ocr_retry.password);
    END IF;
    PERFORM ocr.wake_workers();
    RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_retry(bigint, text) IS
'Sends a failed job round again, its attempts counted anew; pages that were read are kept, failed ones are read again. A document in a store is fetched again; where it is another one by now, all its pages are read. Takes effect at COMMIT. Returns false, and changes nothing, where the job has not failed.
password: of an encrypted PDF; that of ocr_submit() is not kept after the failure.
Errors: 42704 where there is no such job, or it is not the caller''s to see; 55000 where its document is gone.';
