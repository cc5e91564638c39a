-- What waits for a person, and what a person decides.

CREATE OR REPLACE FUNCTION ocr.doubtful_below() RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 70::real;
COMMENT ON FUNCTION ocr.doubtful_below() IS 'Internal: a word of a lower confidence is doubtful: as a sign of how good a page is, too, see PageSigns';

CREATE OR REPLACE FUNCTION ocr.reason_for_review(page ocr.pages) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    of_words int;
    doubtful int;
    wrong CONSTANT int := ceil(100 - page.confidence);
BEGIN
    IF page.status = 'failed' THEN
        RETURN 'page failed: ' || page.error;
    ELSIF page.words = 0 THEN
        RETURN 'no word was read: blank or unreadable';
    END IF;
    IF page.source = 'text_layer' THEN
        RETURN format('about %s %% of what looks like text has no words in the PDF''s own text', wrong);
    END IF;
    SELECT count(*), count(*) FILTER (WHERE w.confidence::text::real < ocr.doubtful_below())
    INTO of_words, doubtful
    FROM jsonb_path_query(page.layout, 'lax $.blocks[*].lines[*].words[*].confidence') AS w (confidence);
    RETURN concat_ws('; ',
        CASE WHEN doubtful > 0 THEN format(CASE WHEN doubtful = 1 THEN '%s of %s words is doubtful' ELSE '%s of %s words are doubtful' END,
                                           doubtful, of_words) END,
        format('an estimated %s of 100 words are wrong or missing', wrong));
END
$$;
COMMENT ON FUNCTION ocr.reason_for_review(ocr.pages) IS 'Internal: in words, why a person should look at a page';

-- Its order is that of the index pages_to_review, which holds what waits and nothing else: the first hundred are read from its
-- beginning. OFFSET 0 keeps a page's layout from being looked into before it is known to be among them.
CREATE OR REPLACE VIEW ocr.review_queue WITH (security_barrier) AS
SELECT j.id AS job_id, p.page_no, p.verdict, p.confidence, ocr.reason_for_review(p) AS reason, j.owner, j.batch, j.submitted_at,
       j.uri, j.metadata
FROM ocr.pages p JOIN ocr.jobs j ON j.id = p.job_id
WHERE p.verdict IN ('review', 'rejected') AND p.reviewed_at IS NULL AND j.status = 'completed' AND ocr.acts_for(j.owner)
ORDER BY p.verdict, (p.status = 'read'), p.confidence, p.job_id, p.page_no;
COMMENT ON VIEW ocr.review_queue IS 'The pages of completed jobs that wait for a person, worst first: rejected before those for review, failed before read, then by confidence, pages without a word last. ocr_html(job_id, page_no) shows one, ocr_review() decides. Shows the pages that you can see';
COMMENT ON COLUMN ocr.review_queue.job_id IS 'The job';
COMMENT ON COLUMN ocr.review_queue.page_no IS 'The page, counted from 1 in the document';
COMMENT ON COLUMN ocr.review_queue.verdict IS 'review or rejected';
COMMENT ON COLUMN ocr.review_queue.confidence IS '0 to 100: how many of 100 words of the page are estimated to be right; null where no word was read';
COMMENT ON COLUMN ocr.review_queue.reason IS 'Why a person should look at it';
COMMENT ON COLUMN ocr.review_queue.owner IS 'The role that submitted it';
COMMENT ON COLUMN ocr.review_queue.batch IS 'The job''s batch';
COMMENT ON COLUMN ocr.review_queue.submitted_at IS 'When the job was submitted';
COMMENT ON COLUMN ocr.review_queue.uri IS 'Where the document is; null where its bytes were submitted';
COMMENT ON COLUMN ocr.review_queue.metadata IS 'The submitter''s own';
REVOKE ALL ON ocr.review_queue FROM PUBLIC;
GRANT SELECT ON ocr.review_queue TO PUBLIC;

CREATE OR REPLACE FUNCTION ocr.pages_to_review(job_id bigint) RETURNS int
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT count(*) FROM ocr.pages p
            WHERE p.job_id = pages_to_review.job_id AND p.verdict IN ('review', 'rejected') AND p.reviewed_at IS NULL);
END
$$;
COMMENT ON FUNCTION ocr.pages_to_review(bigint) IS 'Internal: how many pages of a job wait for a person';

CREATE OR REPLACE FUNCTION ocr.check_review(job ocr.jobs, page int, decision text, corrected_text text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT bigint := pg_size_bytes(current_setting('pg_ocr.max_page_text'));
BEGIN
    IF page IS NULL THEN
        PERFORM ocr.refuse_null('page', 'Give a page_no of ocr_pages().');
    END IF;
    IF decision IS NULL THEN
        PERFORM ocr.refuse_null('decision', 'Give ''approved'' or ''rejected''.');
    END IF;
    IF decision NOT IN ('approved', 'rejected') THEN
        RAISE EXCEPTION 'a decision cannot be "%"', decision
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give ''approved'' or ''rejected''.';
    END IF;
    IF most > 0 AND octet_length(corrected_text) > most THEN
        RAISE EXCEPTION 'the corrected text has % bytes, and pg_ocr.max_page_text is %', octet_length(corrected_text), most
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Raise it if a page may have so much text.';
    END IF;
    IF job.status <> 'completed' THEN
        RAISE EXCEPTION 'job % is %, and only the pages of completed jobs are reviewed', job.id, job.status
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE job.status WHEN 'failed' THEN 'ocr_retry(job_id) has it read again.'
                                         WHEN 'cancelled' THEN 'Submit the document again with ocr_submit().'
                                         ELSE 'ocr_wait(job_id) returns once it has ended.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_review(ocr.jobs, int, text, text) IS 'Internal: raises an error where ocr_review() is called with what it cannot do';

-- Form feeds part pages, and some browsers end lines as on Windows.
CREATE OR REPLACE FUNCTION ocr.text_of_page(typed text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN body = '' THEN '' ELSE body || E'\n' END
    FROM btrim(regexp_replace(regexp_replace(typed, '\r\n?|\f|\v', E'\n', 'g'), '[ \t]+(?=\n|$)', '', 'g'), E'\n') AS body
$$;
COMMENT ON FUNCTION ocr.text_of_page(text) IS 'Internal: a text that a person typed, with the ends of lines that a page''s text has';

CREATE OR REPLACE FUNCTION @extschema@.ocr_review(job_id bigint, page int, decision text, corrected_text text = NULL)
RETURNS TABLE (review_id bigint, replaces bigint, verdict text, worst_page int, pages_waiting int)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    job ocr.jobs;
    reviewed ocr.pages;
    typed text := ocr.text_of_page(ocr_review.corrected_text);
BEGIN
    PERFORM ocr.visible_job(ocr_review.job_id);
    -- Whoever comes second waits here, and finds the first one's decision.
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = ocr_review.job_id FOR NO KEY UPDATE;
    PERFORM ocr.check_review(job, page, decision, typed);
    SELECT * INTO reviewed FROM ocr.pages p WHERE p.job_id = job.id AND p.page_no = page;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'job % has no page %', job.id, page
            USING ERRCODE = 'invalid_parameter_value', HINT = 'ocr_pages(job_id) lists its pages.';
    END IF;
    SELECT max(r.id) INTO replaces FROM ocr.reviews r WHERE r.job_id = job.id AND r.page_no = page;
    INSERT INTO ocr.reviews AS r (job_id, page_no, reviewer, decision, verdict_before, confidence, corrected_text)
    VALUES (job.id, page, ocr.caller(), decision, reviewed.verdict, reviewed.confidence, typed)
    RETURNING r.id INTO review_id;
    UPDATE ocr.pages p SET verdict = decision, reviewed_at = clock_timestamp() WHERE p.job_id = job.id AND p.page_no = page;
    IF typed IS NOT NULL AND typed IS DISTINCT FROM reviewed.corrected_text THEN
        -- The machine's text again is no correction.
        typed := nullif(typed, ocr.text_of_page(reviewed.text));
        UPDATE ocr.pages p SET corrected_text = typed, corrected_layout = ocr.corrected_layout(reviewed.layout, typed)
        WHERE p.job_id = job.id AND p.page_no = page;
    END IF;
    SELECT t.verdict, t.worst_page INTO verdict, worst_page FROM ocr.triage_of_job(job.id) AS t;
    pages_waiting := ocr.pages_to_review(job.id);
    UPDATE ocr.jobs j SET verdict = ocr_review.verdict, worst_page = ocr_review.worst_page WHERE j.id = job.id
    RETURNING j.* INTO job;
    PERFORM ocr.write_reviewed_row(job) WHERE job.attachment IS NOT NULL;
    IF pages_waiting = 0 THEN
        PERFORM pg_notify('ocr', ocr.notification(job, reviewed => true)), ocr.emit_event(job, 'job.reviewed');
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_review(bigint, int, text, text) IS
'Records what a person decided on a page of a completed job, and takes the page off ocr.review_queue: its verdict is that decision from then on, and the job''s verdict follows. Any page can be decided on, and again: the last decision holds, and ocr.reviews keeps each.
decision: approved or rejected.
corrected_text: what is on the page. It is what ocr_text(), ocr_search(), ocr_words() and all forms say from then on; the machine''s text stays in ocr.pages.text. Lines end in a newline, blocks are parted by an empty line, as in that text; an empty text says that nothing is on the page. NULL leaves the text as it is, with an earlier correction; the machine''s own text takes that back.
Returns one row. review_id: of ocr.reviews. replaces: the page''s decision before it, of ocr.reviews; null where it is the first. A transaction that must not replace one can roll back. verdict, worst_page: the job''s now. pages_waiting: how many of its pages wait for a person still. Once none does, NOTIFY ocr and the event job.reviewed tell so at COMMIT.
Errors: 42704 where there is no such job, or it is not the caller''s to see; 22023 and 22004 for a bad decision or page; 55000 where the job is not completed; 54000 where the text is larger than pg_ocr.max_page_text.';
