-- Pages that an earlier attempt read of other bytes are of another document.
CREATE OR REPLACE FUNCTION ocr.record_fetched(task_id bigint, fence bigint, etag text, size bigint, sha256 bytea) RETURNS int[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
BEGIN
    IF task.id IS NULL THEN
        RETURN NULL;
    END IF;
    IF (SELECT j.document_sha256 <> record_fetched.sha256 FROM ocr.jobs j WHERE j.id = task.job_id) THEN
        DELETE FROM ocr.pages p WHERE p.job_id = task.job_id;
        UPDATE ocr.jobs j SET document_type = NULL, pages_total = NULL, pages_done = 0, pages_failed = 0
        WHERE j.id = task.job_id;
    END IF;
    UPDATE ocr.tasks t SET fetching = false WHERE t.id = task.id;
    UPDATE ocr.jobs j
    SET etag = nullif(record_fetched.etag, ''), document_size = size, document_sha256 = record_fetched.sha256
    WHERE j.id = task.job_id;
    RETURN ARRAY(SELECT p.page_no FROM ocr.pages p WHERE p.job_id = task.job_id ORDER BY p.page_no);
END
$$;
COMMENT ON FUNCTION ocr.record_fetched(bigint, bigint, text, bigint, bytea) IS
'Internal: which version of its document a task has fetched; returns the pages of it that are recorded already. Those of other bytes are deleted and counted anew. Null: the claim no longer stands, nothing was written';

CREATE OR REPLACE FUNCTION ocr.stage_fetched(task_id bigint, fence bigint, bytes bytea) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    owner CONSTANT name := (SELECT j.owner FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id
                            WHERE t.id = task_id AND t.fence = stage_fetched.fence);
    staged_id bigint;
    task ocr.tasks;
BEGIN
    IF owner IS NULL THEN
        RETURN NULL;
    END IF;
    staged_id := ocr.stage_document(owner, bytes);  -- takes a while: the job's row is not kept locked meanwhile
    task := ocr.lock_claim(task_id, fence);
    IF task.id IS NULL THEN
        PERFORM ocr.drop_document(staged_id);
        RETURN NULL;
    END IF;
    UPDATE ocr.jobs j SET document_id = staged_id WHERE j.id = task.job_id;
    RETURN staged_id;
END
$$;
COMMENT ON FUNCTION ocr.stage_fetched(bigint, bigint, bytea) IS
'Internal: stores the bytes that a task has fetched, as it is to be shared among workers or kept; returns their id. Null: the claim no longer stands, nothing was written';

CREATE OR REPLACE FUNCTION ocr.record_opened(task_id bigint, fence bigint, document_type text, pages int, selected int)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
    part record;
    parts int := 0;
    step bigint;
BEGIN
    IF task.id IS NULL THEN
        RETURN false;
    END IF;
    UPDATE ocr.jobs j SET document_type = record_opened.document_type, pages_total = selected WHERE j.id = task.job_id
    RETURNING ocr.step_of(j.owner, j.batch) INTO step;
    -- The worker that opened a long document keeps its first pages; everybody may have the others.
    IF task.last_page IS NULL AND selected > ocr.pages_of_a_task() THEN
        FOR part IN
            SELECT min(n.page_no) AS first_page, max(n.page_no) AS last_page
            FROM ocr.jobs j,
                 LATERAL (SELECT s.page_no, (row_number() OVER (ORDER BY s.page_no) - 1) / ocr.pages_of_a_task() AS part_no
                          FROM ocr.selected_pages(j.pages, selected) AS s (page_no)) AS n
            WHERE j.id = task.job_id
            GROUP BY n.part_no ORDER BY n.part_no
        LOOP
            parts := parts + 1;
            IF parts = 1 THEN
                UPDATE ocr.tasks t SET last_page = part.last_page WHERE t.id = task.id;
            ELSE
                INSERT INTO ocr.tasks (job_id, priority, run_at, first_page, last_page, tier, lane, turn, flow)
                VALUES (task.job_id, task.priority, task.run_at, part.first_page, part.last_page, task.tier, task.lane,
                        task.turn + step * (parts - 1), task.flow);
                PERFORM ocr.wake_workers();
            END IF;
        END LOOP;
        PERFORM ocr.charge_flow(task.flow, step * (parts - 1));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.record_opened(bigint, bigint, text, int, int) IS
'Internal: what the document is, how many pages it has and how many of them the job asks for, those done already included. A long document is split here: the task keeps its first pages, new tasks get the others. False: the claim no longer stands, nothing was written';

CREATE OR REPLACE FUNCTION ocr.insert_page(page ocr.pages) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO ocr.pages SELECT page.* ON CONFLICT DO NOTHING;
    IF FOUND THEN
        UPDATE ocr.jobs j
        SET pages_done = j.pages_done + 1, pages_failed = j.pages_failed + (page.status = 'failed')::int
        WHERE j.id = page.job_id;
        RETURN true;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION ocr.insert_page(ocr.pages) IS 'Internal: writes a page and counts it; false where it is recorded already';

CREATE OR REPLACE FUNCTION ocr.insert_failed_page(job_id bigint, page_no int, error_code text, error text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    page ocr.pages;
BEGIN
    page.job_id := job_id;
    page.page_no := page_no;
    page.status := 'failed';
    page.verdict := 'rejected';
    page.words := 0;
    page.error_code := error_code;
    page.error := error;
    page.read_at := clock_timestamp();
    RETURN ocr.insert_page(page);
END
$$;
COMMENT ON FUNCTION ocr.insert_failed_page(bigint, int, text, text) IS 'Internal: writes a page off, with the reason; false where it is recorded already';

CREATE OR REPLACE FUNCTION ocr.fail_missing_pages(job_id bigint, error_code text, error text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM ocr.insert_failed_page(j.id, s.page_no, fail_missing_pages.error_code, fail_missing_pages.error)
    FROM ocr.jobs j, ocr.selected_pages(j.pages, j.pages_total) AS s (page_no)
    WHERE j.id = fail_missing_pages.job_id AND j.pages_done < j.pages_total;
END
$$;
COMMENT ON FUNCTION ocr.fail_missing_pages(bigint, text, text) IS 'Internal: writes off every selected page that is not recorded, so that none is silently missing';

CREATE OR REPLACE FUNCTION ocr.record_page(
    task_id bigint, fence bigint, page_no int, status text, source text, text text, confidence real, layout jsonb,
    words int, width int, height int, dpi int, rotation int, elapsed_ms int, engine text, error_code text, error text,
    mean_confidence real = NULL, skew real = NULL, provider text = NULL, tried jsonb = NULL, picture bytea = NULL)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
    job ocr.jobs;
    page ocr.pages;
BEGIN
    IF task.id IS NULL THEN
        RETURN false;
    END IF;
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = task.job_id;
    page.job_id := task.job_id;
    page.page_no := page_no;
    page.status := status;
    page.source := nullif(source, '');
    page.text := text;
    page.words := coalesce(words, 0);
    page.width := width;
    page.height := height;
    page.dpi := dpi;
    page.rotation := rotation;
    page.skew := skew;
    page.provider := provider;
    page.tried := tried;
    page.elapsed_ms := elapsed_ms;
    page.engine := engine;
    IF status <> 'read' THEN
        page.error_code := coalesce(nullif(error_code, ''), 'internal_error');
        page.error := coalesce(nullif(error, ''),
                               (SELECT c.meaning FROM ocr.error_codes c WHERE c.code = page.error_code), 'no reason was given');
    END IF;
    page.read_at := clock_timestamp();
    IF page.words > 0 THEN
        page.confidence := CASE WHEN confidence >= 0 THEN confidence WHEN source = 'text_layer' THEN 100 END;
        page.mean_confidence := CASE WHEN mean_confidence >= 0 THEN mean_confidence END;
    END IF;
    IF job.tier <> 'fast' OR job.options @> '{"debug": true}' THEN
        page.layout := layout;
    END IF;
    IF job.options @> '{"debug": true}' THEN
        page.picture := picture;
    END IF;
    page.verdict := ocr.verdict_of_page(job, status, page.confidence);
    -- What was away has come back: the next page is owed as many tries.
    IF task.unavailable > 0 THEN
        UPDATE ocr.tasks t SET unavailable = 0 WHERE t.id = task.id;
    END IF;
    IF ocr.insert_page(page) AND job.webhook IS NOT NULL THEN
        SELECT * INTO job FROM ocr.jobs j WHERE j.id = task.job_id;
        PERFORM ocr.emit_event(job, 'job.progress');
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.record_page(bigint, bigint, int, text, text, text, real, jsonb, int, int, int, int, int, int, text, text, text, real, real, text, jsonb, bytea) IS
'Internal: one page''s outcome; the columns are those of ocr.pages, a negative confidence or mean_confidence means that there is none. A page that is recorded already is left as it is. False: the claim no longer stands, nothing was written';

CREATE OR REPLACE FUNCTION ocr.complete_job(task ocr.tasks, job ocr.jobs) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF job.attachment IS NOT NULL THEN
        PERFORM ocr.end_attached_job(task, 'completed', NULL);
    ELSE
        PERFORM ocr.finish_job(job.id, 'completed', NULL, NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.complete_job(ocr.tasks, ocr.jobs) IS 'Internal: ends the job of its last task, whose pages are all accounted for';

CREATE OR REPLACE FUNCTION ocr.complete_task(task_id bigint, fence bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
    job ocr.jobs;
    failed ocr.pages;
BEGIN
    IF task.id IS NULL THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM ocr.tasks t WHERE t.job_id = task.job_id AND t.id <> task.id) THEN
        DELETE FROM ocr.tasks t WHERE t.id = task.id;
        RETURN true;  -- the last one to end completes the job
    END IF;
    PERFORM ocr.fail_missing_pages(task.job_id, 'internal_error', 'the engine ended without a result for this page');
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = task.job_id;
    IF job.pages_total IS NULL THEN
        PERFORM ocr.finish_job(job.id, 'failed', 'internal_error', 'the engine ended without having opened the document');
    ELSIF job.pages_done > job.pages_failed THEN
        PERFORM ocr.complete_job(task, job);
    ELSE
        SELECT * INTO failed FROM ocr.pages p WHERE p.job_id = job.id ORDER BY p.page_no LIMIT 1;
        PERFORM ocr.finish_job(job.id, 'failed', coalesce(failed.error_code, 'no_pages_selected'),
                               coalesce(format('page %s: %s', failed.page_no, failed.error), 'the document has no page to read'));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.complete_task(bigint, bigint) IS
'Internal: a task is done. The last task of a job completes it, unless no page could be read or skipped. False: the claim no longer stands, nothing was written';
