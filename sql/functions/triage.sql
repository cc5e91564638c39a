-- Which pages a person should look at: from the estimate of how many of a page's words are right to a verdict.

CREATE OR REPLACE FUNCTION ocr.check_limits_of_verdicts(approve_confidence numeric, review_confidence numeric) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF review_confidence > approve_confidence THEN
        RAISE EXCEPTION 'review_confidence, %, is above approve_confidence, %', review_confidence, approve_confidence
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Pages are approved from approve_confidence, and rejected below review_confidence.';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_limits_of_verdicts(numeric, numeric) IS 'Internal: raises an error where no page could be for review; null for a limit that is not given';

-- The nearest word counts: what it rejects is not approved by a limit that was set farther away, nor the other way round.
CREATE OR REPLACE FUNCTION ocr.limits_of_verdicts(job ocr.jobs, OUT approve real, OUT review real)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    said record;
BEGIN
    approve := current_setting('pg_ocr.approve_confidence')::real;
    review := current_setting('pg_ocr.review_confidence')::real;
    FOR said IN
        SELECT 1 AS nearness, b.approve_confidence, b.review_confidence
        FROM ocr.batches b WHERE b.owner = job.owner AND b.name = job.batch
        UNION ALL
        SELECT 2, (job.options ->> 'approve_confidence')::real, (job.options ->> 'review_confidence')::real
        ORDER BY nearness
    LOOP
        approve := coalesce(said.approve_confidence, greatest(approve, said.review_confidence));
        review := coalesce(said.review_confidence, review);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.limits_of_verdicts(ocr.jobs) IS
'Internal: the confidences from which pages of a job are approved, and for review: as its options say, else its batch, else the settings';

CREATE OR REPLACE FUNCTION ocr.verdict_of_page(job ocr.jobs, status text, confidence real) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    limits record;
BEGIN
    IF status <> 'read' THEN
        RETURN CASE status WHEN 'failed' THEN 'rejected' END;
    END IF;
    limits := ocr.limits_of_verdicts(job);
    RETURN CASE WHEN confidence >= limits.approve THEN 'approved' WHEN confidence < limits.review THEN 'rejected' ELSE 'review' END;
END
$$;
COMMENT ON FUNCTION ocr.verdict_of_page(ocr.jobs, text, real) IS 'Internal: what triage says of a page of this status and confidence';

CREATE OR REPLACE FUNCTION ocr.triage_of_job(job_id bigint, OUT verdict text, OUT worst_page int)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    -- A page without a word may be blank: of those for review, it is looked at last.
    SELECT p.verdict, p.page_no INTO verdict, worst_page
    FROM ocr.pages p
    WHERE p.job_id = triage_of_job.job_id AND p.verdict IS NOT NULL
    ORDER BY array_position('{rejected,review,approved}'::text[], p.verdict), p.status = 'read', p.confidence NULLS LAST, p.page_no
    LIMIT 1;
    IF NOT FOUND THEN
        verdict := 'review';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.triage_of_job(bigint) IS
'Internal: the verdict of a job whose pages are all accounted for, which is the worst of theirs, and the page that it is owed to';
