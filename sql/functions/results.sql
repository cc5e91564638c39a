-- In SQL and not in PL/pgSQL, which does not let a result column have the name of the argument.
CREATE OR REPLACE FUNCTION @extschema@.ocr_status(job_id bigint)
RETURNS TABLE (
    job_id bigint, status text, verdict text, confidence real, worst_page int, pages_total int, pages_done int,
    pages_failed int, progress real, attempts int, submitted_at timestamptz, started_at timestamptz, finished_at timestamptz,
    eta timestamptz, error_code text, error text, batch text, metadata jsonb)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT j.id, j.status, j.verdict, j.confidence, j.worst_page, j.pages_total, j.pages_done, j.pages_failed,
           CASE WHEN j.status = 'completed' THEN 1
                ELSE coalesce(j.pages_done::real / nullif(j.pages_total, 0), 0) END,
           j.attempts, j.submitted_at, j.started_at, j.finished_at,
           CASE WHEN j.status = 'running' THEN
               clock_timestamp() + (clock_timestamp() - j.started_at) * (j.pages_total - j.pages_done)
                   / (SELECT nullif(count(*), 0) FROM ocr.pages p WHERE p.job_id = j.id AND p.read_at >= j.started_at)
           END,
           j.error_code, j.error, j.batch, j.metadata
    FROM ocr.visible_job($1) AS j
$$;
COMMENT ON FUNCTION @extschema@.ocr_status(bigint) IS
'How far a job is: one row.
status: pending, running, completed, failed or cancelled. verdict: approved, review or rejected, once completed.
confidence: 0 to 100, how many of 100 words are estimated to be right. worst_page: the page that the verdict is owed to.
pages_total: null until the document was opened. pages_done: pages read, skipped or failed.
progress: 0 to 1. eta: when it should end, at the pace so far; null until a page is done, and when it is not running.
error_code, error: why it failed; while it is pending or running, why the last attempt did. ocr.error_codes says what to do.
Errors: 42704 where there is no such job, or it is not the caller''s to see.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_text(job_id bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ocr.visible_job(job_id);
    RETURN (SELECT coalesce(string_agg(coalesce(p.corrected_text, p.text, ''), E'\f' ORDER BY p.page_no), '')
            FROM ocr.pages p WHERE p.job_id = ocr_text.job_id);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_text(bigint) IS
'The text of the pages that are done so far, in their order, parted by form feeds. A page that was skipped or failed counts as empty, so that the n-th text is that of the n-th row of ocr_pages(). Empty before the first page is done. Where a person has corrected a page, see ocr_review(), it is the corrected text.
Errors: 42704 where there is no such job, or it is not the caller''s to see.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_pages(job_id bigint)
RETURNS TABLE (
    page_no int, status text, source text, text text, confidence real, verdict text, words int, width int, height int,
    dpi int, rotation int, elapsed_ms int, engine text, error_code text, error text, read_at timestamptz,
    mean_confidence real, skew real, provider text, tried jsonb, corrected_text text, reviewed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ocr.visible_job(job_id);
    RETURN QUERY
        SELECT p.page_no, p.status, p.source, p.text, p.confidence, p.verdict, p.words, p.width, p.height, p.dpi,
               p.rotation, p.elapsed_ms, p.engine, p.error_code, p.error, p.read_at, p.mean_confidence,
               p.skew, p.provider, p.tried, p.corrected_text, p.reviewed_at
        FROM ocr.pages p WHERE p.job_id = ocr_pages.job_id
        ORDER BY p.page_no;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_pages(bigint) IS
'The pages that are done so far, in their order: ocr.pages of one job, but for the layouts. \d+ ocr.pages explains the columns.
Errors: 42704 where there is no such job, or it is not the caller''s to see.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_words(job_id bigint, page int = NULL)
RETURNS TABLE (
    page_no int, block_no int, line_no int, word_no int, text text, confidence real, x int, y int, width int, height int)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    PERFORM ocr.visible_job(job_id);
    RETURN QUERY
        SELECT p.page_no, b.no::int, l.no::int, w.no::int, w.word->>'text', (w.word->>'confidence')::real,
               box[1], box[2], box[3] - box[1], box[4] - box[2]
        FROM ocr.pages p,
             jsonb_array_elements(coalesce(p.corrected_layout, p.layout)->'blocks') WITH ORDINALITY AS b (block, no),
             jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
             jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no),
             LATERAL (SELECT ARRAY(SELECT edge::int FROM jsonb_array_elements(w.word->'box') AS edge) AS box) AS edges
        WHERE p.job_id = ocr_words.job_id AND (page IS NULL OR p.page_no = page)
        ORDER BY p.page_no, b.no, l.no, w.no;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_words(bigint, int) IS
'The words of the pages that are done so far, or of one of them, in reading order.
block_no, line_no, word_no: counted from 1 within the page, the block and the line. confidence: 0 to 100.
x, y: pixels from the left and the top of the page image, whose size is in ocr_pages(); width, height: pixels.
Where a person has corrected a page, see ocr_review(), they are the words of the corrected text; those that the machine did not read so have the box of what it read instead, and a confidence of 100.
No rows for a job of tier fast, which keeps no layout.
Errors: 42704 where there is no such job, or it is not the caller''s to see.';
