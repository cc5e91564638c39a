-- The same bytes with the same options need not be read again. Only within one owner: else a user could tell from a job's
-- speed which documents others have.
CREATE OR REPLACE FUNCTION ocr.fingerprint(job ocr.jobs) RETURNS bytea
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    -- Who does not know the password shall not have the text.
    IF EXISTS (SELECT FROM ocr.passwords p WHERE p.job_id = job.id) THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT sha256(convert_to(jsonb_build_array(job.owner, ocr.library_version(), encode(known.sha256, 'hex'), job.language, job.tier,
                                                       job.pages, job.text_layer,
                                                       job.options - '{reuse,approve_confidence,review_confidence}'::text[])::text, 'UTF8'))
            FROM coalesce(job.document_sha256, (SELECT d.sha256 FROM ocr.documents d WHERE d.id = job.document_id)) AS known (sha256)
            WHERE known.sha256 IS NOT NULL);
END
$$;
COMMENT ON FUNCTION ocr.fingerprint(ocr.jobs) IS
'Internal: equal for jobs that must have the same result: of the same owner, the same bytes, the same options, the same version of pg_ocr. Null where the result is not to be shared, as that of a job with a password, or its document is gone or not fetched yet';

CREATE OR REPLACE FUNCTION ocr.remember_result(job ocr.jobs) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO ocr.fingerprints AS f (fingerprint, job_id)
    SELECT fingerprint, job.id FROM ocr.fingerprint(job) AS fingerprint WHERE fingerprint IS NOT NULL
    ON CONFLICT (fingerprint) DO UPDATE SET job_id = excluded.job_id;
END
$$;
COMMENT ON FUNCTION ocr.remember_result(ocr.jobs) IS 'Internal: later jobs may have the result of this one, whose document is still stored and of which no page failed';

CREATE OR REPLACE FUNCTION ocr.reuse_result(task_id bigint, fence bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
    job ocr.jobs;
    earlier ocr.jobs;
    approved_from real;
BEGIN
    IF task.id IS NULL THEN
        RETURN true;
    END IF;
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = task.job_id;
    IF job.pages_total IS NOT NULL OR job.options @> '{"reuse": false}' THEN
        RETURN false;
    END IF;
    approved_from := (SELECT l.approve FROM ocr.limits_of_verdicts(job) AS l);
    -- The lock keeps it from being deleted meanwhile.
    SELECT j.* INTO earlier
    FROM ocr.fingerprints f JOIN ocr.jobs j ON j.id = f.job_id
    WHERE f.fingerprint = ocr.fingerprint(job) AND j.owner = job.owner  -- it may have been given to somebody else since
      AND j.pages_total <= current_setting('pg_ocr.max_pages')::int
      -- Somebody may have deleted pages, or not have restored them.
      AND j.pages_total = (SELECT count(*) FROM ocr.pages p WHERE p.job_id = j.id)
      -- What was good enough for that job, and is not for this one, would be read in other ways. What was not good enough
      -- for that one either has been.
      AND NOT EXISTS (SELECT FROM ocr.pages p
                      WHERE p.job_id = j.id AND p.source = 'ocr' AND job.tier <> 'fast'
                        AND p.confidence >= coalesce(j.enough, 0) AND p.confidence < approved_from)
    FOR KEY SHARE OF j SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO ocr.pages (job_id, page_no, status, source, text, confidence, verdict, layout, words, width, height, dpi,
                           rotation, elapsed_ms, engine, error_code, error, read_at, search, mean_confidence,
                           skew, provider, tried, picture)
    SELECT job.id, p.page_no, p.status, p.source, p.text, p.confidence, ocr.verdict_of_page(job, p.status, p.confidence),
           p.layout, p.words, p.width, p.height, p.dpi, p.rotation, p.elapsed_ms, p.engine, p.error_code, p.error, p.read_at,
           CASE WHEN p.corrected_text IS NULL THEN p.search END, p.mean_confidence, p.skew, p.provider, p.tried, p.picture
    FROM ocr.pages p WHERE p.job_id = earlier.id;
    UPDATE ocr.jobs j
    SET result_of = coalesce(earlier.result_of, earlier.id), document_type = earlier.document_type,
        pages_total = earlier.pages_total, pages_done = earlier.pages_done
    WHERE j.id = job.id;
    PERFORM ocr.complete_job(task, job);
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.reuse_result(bigint, bigint) IS
'Internal: completes the job of a task with the result of an earlier job that read the same, unless it asks not to. False: it is to be read. True: there is nothing left to do, also where the claim no longer stands';
