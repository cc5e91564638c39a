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

CREATE OR REPLACE FUNCTION @extschema@.ocr_batch_triage(batch text, approve_confidence real = NULL, review_confidence real = NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
BEGIN
    IF batch IS NULL THEN
        PERFORM ocr.refuse_null('batch', 'Give the name of a batch.');
    END IF;
    PERFORM ocr.check_batch(batch);
    IF approve_confidence NOT BETWEEN 0 AND 100 OR review_confidence NOT BETWEEN 0 AND 100 THEN
        RAISE EXCEPTION 'a confidence cannot be %',
                CASE WHEN approve_confidence NOT BETWEEN 0 AND 100 THEN approve_confidence ELSE review_confidence END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a number from 0 to 100, or NULL for what the setting says.';
    END IF;
    PERFORM ocr.check_limits_of_verdicts(approve_confidence::numeric, review_confidence::numeric);
    INSERT INTO ocr.batches AS b (owner, name, approve_confidence, review_confidence)
    VALUES (caller, batch, approve_confidence, review_confidence)
    ON CONFLICT (owner, name) DO UPDATE
    SET approve_confidence = excluded.approve_confidence, review_confidence = excluded.review_confidence;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_batch_triage(text, real, real) IS
'Says from which confidence pages of a batch are approved, and from which they are for review. Counts for pages that are read from then on; options of a job come before it. The batch is made where there is none.
batch: the name of one of the caller''s own.
approve_confidence, review_confidence: 0 to 100; NULL for what pg_ocr.approve_confidence and pg_ocr.review_confidence say.
Errors: a bad argument (22023, 22004).';
