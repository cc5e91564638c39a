CREATE OR REPLACE FUNCTION ocr.visible_job(job_id bigint) RETURNS ocr.jobs
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job ocr.jobs;
BEGIN
    IF job_id IS NULL THEN
        PERFORM ocr.refuse_null('job_id', 'Give what ocr_submit() returned.');
    END IF;
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = job_id;
    -- One error for both: who may not see a job shall not learn that there is one.
    IF NOT FOUND OR NOT ocr.caller_acts_for(job.owner) THEN
        RAISE EXCEPTION 'job % does not exist', job_id
            USING ERRCODE = 'undefined_object',
                  HINT = 'ocr.jobs lists the jobs that you can see: your own, and those of the roles that you are a member of.';
    END IF;
    RETURN job;
END
$$;
COMMENT ON FUNCTION ocr.visible_job(bigint) IS 'Internal: the job, or an error where there is none that the caller may see';

-- The selected pages are those of the document that the list names; in ascending order, they are the first `total` numbers
-- that the list names at all. So the length of the document need not be known. Ranges are merged first: a list may name
-- the same pages as often as its author likes.
CREATE OR REPLACE FUNCTION ocr.selected_pages(pages text, total int) RETURNS SETOF int
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH listed AS (
        SELECT split_part(item, '-', 1)::bigint AS first_page,
               CASE WHEN item LIKE '%-%' THEN nullif(split_part(item, '-', 2), '')::bigint ELSE item::bigint END AS last_page
        FROM unnest(string_to_array(coalesce(pages, '1-'), ',')) AS item
    ), apart AS (
        SELECT lower(part) AS first_page, upper(part) - lower(part) AS length,
               coalesce(sum(upper(part) - lower(part)) OVER (ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                   AS before
        FROM unnest((SELECT range_agg(int8range(l.first_page, least(l.last_page, l.first_page + total - 1), '[]')) FROM listed l))
            AS part
    )
    SELECT page_no::int
    FROM apart a, generate_series(a.first_page, a.first_page + least(a.length, total - a.before) - 1) AS page_no
    WHERE a.before < total
    ORDER BY 1
$$;
COMMENT ON FUNCTION ocr.selected_pages(text, int) IS 'Internal: the numbers of the pages that a list such as 1-3,7,10- selects from a document, given how many it selects';

CREATE OR REPLACE FUNCTION ocr.notification(job ocr.jobs, reviewed boolean = false) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    payload jsonb := jsonb_build_object('job_id', job.id, 'status', job.status, 'verdict', job.verdict,
                                        'batch', job.batch, 'metadata', job.metadata)
                        || CASE WHEN reviewed THEN '{"reviewed": true}' ELSE '{}' END::jsonb;
BEGIN
    IF octet_length(payload::text) >= 8000 THEN
        payload := payload - 'metadata' || '{"metadata_omitted": true}';
    END IF;
    RETURN payload::text;
END
$$;
COMMENT ON FUNCTION ocr.notification(ocr.jobs, boolean) IS 'Internal: what is said on channel ocr when a job ends, and when a person has decided on the last of its pages that waited. NOTIFY carries less than 8000 bytes; metadata that would not fit are left out, and metadata_omitted says so';

CREATE OR REPLACE FUNCTION ocr.confidence_of_job(job_id bigint) RETURNS real
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT sum(p.confidence::float8 * p.words) / nullif(sum(p.words) FILTER (WHERE p.confidence IS NOT NULL), 0)
            FROM ocr.pages p WHERE p.job_id = confidence_of_job.job_id);
END
$$;
COMMENT ON FUNCTION ocr.confidence_of_job(bigint) IS 'Internal: the confidence of a job whose pages are all accounted for; null where no word was read';

CREATE OR REPLACE FUNCTION ocr.finish_job(job_id bigint, status text, error_code text, error text, leave_row boolean = false) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    job ocr.jobs;
    document_id bigint;
    found_confidence real;
    found_verdict text;
    found_page int;
BEGIN
    DELETE FROM ocr.tasks t WHERE t.job_id = finish_job.job_id;
    IF status = 'completed' THEN
        found_confidence := ocr.confidence_of_job(job_id);
        SELECT t.verdict, t.worst_page INTO found_verdict, found_page FROM ocr.triage_of_job(job_id) AS t;
    END IF;
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = finish_job.job_id;
    document_id := job.document_id;
    IF job.attachment IS NOT NULL AND status = 'failed' AND NOT leave_row THEN
        PERFORM ocr.write_row(job_id, 'failed');
    END IF;
    IF status = 'completed' AND job.pages_failed = 0 AND job.result_of IS NULL THEN
        PERFORM ocr.remember_result(job);
    END IF;
    DELETE FROM ocr.passwords p WHERE p.job_id = finish_job.job_id;
    UPDATE ocr.jobs j
    SET status = finish_job.status, verdict = found_verdict, confidence = found_confidence, worst_page = found_page,
        finished_at = now(),
        error_code = finish_job.error_code, error = finish_job.error,
        -- A failed job needs its bytes to be retried, unless they are in a store or in a row.
        document_id = CASE WHEN j.keep_document OR ocr.is_on_hold(job) OR (finish_job.status = 'failed' AND j.uri IS NULL AND j.attachment IS NULL) THEN j.document_id END
    WHERE j.id = finish_job.job_id
    RETURNING j.* INTO job;
    IF document_id IS NOT NULL AND job.document_id IS NULL THEN
        PERFORM ocr.drop_document(document_id);
    END IF;
    PERFORM pg_notify('ocr', ocr.notification(job));
    IF job.webhook IS NOT NULL THEN
        PERFORM ocr.emit_event(job, 'job.' || status);
        PERFORM ocr.emit_event(job, 'job.review_needed') WHERE job.verdict IN ('review', 'rejected');
    END IF;
    IF job.batch IS NOT NULL THEN
        PERFORM ocr.job_of_batch_ended(job);
    END IF;
    PERFORM ocr.announce_job_end();
END
$$;
COMMENT ON FUNCTION ocr.finish_job(bigint, text, text, text, boolean) IS 'Internal: ends a job whose row the caller has locked, with all that belongs to it: queue, password, document, NOTIFY, webhook. leave_row: the row of an attached table is not told that it failed';
