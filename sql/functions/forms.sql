-- Results in the forms that other programs read. Each of these functions is one statement that walks down from pages to
-- words, for a call per block, line or word would cost more than what it writes. Boxes and confidences are cast to numbers
-- before they are written: what an engine sends is not trusted to be what it should. OFFSET 0 keeps the planner from writing a
-- part twice, once to ask whether there is one; jit = off, from compiling for longer than the whole takes, since it takes a
-- page for millions of words.

-- Without what XML cannot hold: controls, and two characters that are none. In bytes, for a database in SQL_ASCII.
CREATE OR REPLACE FUNCTION ocr.xml_text(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
           pg_catalog.translate(text, E'\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f', ''),
           '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), E'\xef\xbf\xbe', ''), E'\xef\xbf\xbf', '');
COMMENT ON FUNCTION ocr.xml_text(text) IS 'Internal: a text as XML and HTML have it, also within double quotes; without the characters that XML has not';

CREATE OR REPLACE FUNCTION ocr.job_to_write(job_id bigint, page int, boxes boolean) RETURNS ocr.jobs
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most_words CONSTANT int := 1000000;
    job CONSTANT ocr.jobs := ocr.visible_job(job_id);
BEGIN
    IF boxes AND job.tier = 'fast' THEN
        RAISE EXCEPTION 'job % was read in tier fast, which keeps no boxes', job_id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'ocr_text() and ocr_markdown() give its text. For boxes, submit the document with tier => ''balanced''.';
    END IF;
    IF page IS NULL AND (SELECT sum(p.words) FROM ocr.pages p WHERE p.job_id = job.id) > most_words THEN
        RAISE EXCEPTION 'job % has more than % words, too many for one value', job_id, most_words
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Ask for one page at a time: page => n, for each page_no of ocr_pages().';
    END IF;
    RETURN job;
END
$$;
COMMENT ON FUNCTION ocr.job_to_write(bigint, int, boolean) IS
'Internal: the job that is to be written out as a whole, or a page of it; or an error where the caller may not see it, it has no boxes and they are needed, or it is too large to be written as one value';

-- json and not jsonb, which takes twenty times its size in memory while it is put together.
CREATE OR REPLACE FUNCTION @extschema@.ocr_json(job_id bigint, page int = NULL) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job CONSTANT ocr.jobs := ocr.job_to_write(job_id, page, boxes => false);
BEGIN
    RETURN (
        SELECT json_build_object(
            'job_id', job.id, 'status', job.status, 'verdict', job.verdict, 'confidence', job.confidence,
            'worst_page', job.worst_page, 'language', job.language, 'tier', job.tier, 'pages_total', job.pages_total, 'metadata', job.metadata,
            'pages', json_agg(json_build_object(
                'page_no', p.page_no, 'status', p.status, 'source', p.source, 'text', p.text, 'corrected_text', p.corrected_text, 'reviewed_at', p.reviewed_at, 'confidence', p.confidence,
                'mean_confidence', p.mean_confidence, 'verdict', p.verdict, 'width', p.width, 'height', p.height, 'dpi', p.dpi, 'rotation', p.rotation,
                'skew', p.skew, 'engine', p.engine, 'provider', p.provider, 'tried', p.tried, 'error_code', p.error_code, 'error', p.error, 'blocks', p.layout->'blocks', 'corrected_blocks', p.corrected_layout->'blocks',
                'tables', CASE WHEN job.tier = 'accurate' AND p.layout IS NOT NULL THEN coalesce(p.layout->'tables', '[]') END)
                ORDER BY p.page_no))
        FROM ocr.pages p
        WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647)
        HAVING count(*) > 0);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_json(bigint, int) IS
'The pages that are done so far, or one of them, as one JSON object: the job, and in pages all that ocr_pages() says of each, with its blocks, lines and words, and its tables. docs/ocr_json.schema.json is its schema.
box: [left, top, right, bottom] in pixels of the page image; right and bottom are just outside. confidence: 0 to 100. blocks: null in tier fast, and of a page that was not read. tables: null but in tier accurate. text, blocks and tables are the machine''s; corrected_text and corrected_blocks are those of a person, see ocr_review(), and null where nobody corrected the page.
Null before the first page is done, or where that page is not.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 54000 where it has more than a million words: ask page by page.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_hocr(job_id bigint, page int = NULL) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    job CONSTANT ocr.jobs := ocr.job_to_write(job_id, page, boxes => true);
BEGIN
    RETURN (
        SELECT E'<?xml version="1.0" encoding="UTF-8"?>\n'
            || E'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
            || E'<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n'
            || '<title>job ' || job.id || E'</title>\n'
            || E'<meta http-equiv="Content-Type" content="text/html; charset=utf-8"/>\n'
            || '<meta name="ocr-system" content="pg_ocr ' || ocr.library_version() || E'"/>\n'
            || E'<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf"/>\n'
            || '<meta name="ocr-number-of-pages" content="' || count(*) || E'"/>\n</head>\n<body>\n'
            || string_agg(
                '<div class="ocr_page" id="page_' || p.page_no || '" title="bbox 0 0 ' || coalesce(p.width, 0) || ' '
                || coalesce(p.height, 0) || '; ppageno ' || p.page_no - 1
                || coalesce('; scan_res ' || nullif(p.dpi, 0) || ' ' || p.dpi, '') || E'">\n'
                || coalesce((
                    SELECT string_agg(
                        '<div class="ocr_carea" id="block_' || p.page_no || '_' || b.no || '" title="' || b.box || E'">\n'
                        || '<p class="ocr_par" id="par_' || p.page_no || '_' || b.no || '" title="' || b.box || E'">\n'
                        || coalesce((
                            SELECT string_agg(
                                '<span class="ocr_line" id="line_' || p.page_no || '_' || b.no || '_' || l.no
                                || '" title="bbox ' || (l.line->'box'->>0)::int || ' ' || (l.line->'box'->>1)::int || ' '
                                || (l.line->'box'->>2)::int || ' ' || (l.line->'box'->>3)::int || '">'
                                || coalesce((
                                    SELECT string_agg(
                                        '<span class="ocrx_word" id="word_' || p.page_no || '_' || b.no || '_' || l.no || '_' || w.no
                                        || '" title="bbox ' || (w.word->'box'->>0)::int || ' ' || (w.word->'box'->>1)::int || ' '
                                        || (w.word->'box'->>2)::int || ' ' || (w.word->'box'->>3)::int
                                        || '; x_wconf ' || round((w.word->>'confidence')::numeric) || '">'
                                        || ocr.xml_text(w.word->>'text') || '</span>', ' ' ORDER BY w.no)
                                    FROM jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no)), '')
                                || '</span>', E'\n' ORDER BY l.no)
                            FROM jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no)), '')
                        || E'\n</p>\n</div>\n', '' ORDER BY b.no)
                    FROM (SELECT e.block, e.no, 'bbox ' || (e.block->'box'->>0)::int || ' ' || (e.block->'box'->>1)::int || ' '
                                 || (e.block->'box'->>2)::int || ' ' || (e.block->'box'->>3)::int AS box
                          FROM jsonb_array_elements(coalesce(p.corrected_layout, p.layout)->'blocks') WITH ORDINALITY AS e (block, no)) AS b), '')
                || E'</div>\n', '' ORDER BY p.page_no)
            || E'</body>\n</html>\n'
        FROM ocr.pages p
        WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647));
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_hocr(bigint, int) IS
'The pages that are done so far, or one of them, as one hOCR document (XHTML): pages, blocks (ocr_carea, each with one ocr_par), lines and words with their boxes in pixels, and of words the confidence (x_wconf, 0 to 100). ppageno is page_no - 1. A page that was skipped or failed is there and empty.
Null before the first page is done, or where that page is not.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 55000 for a job of tier fast, which keeps no boxes. 54000 where it has more than a million words: ask page by page.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_alto(job_id bigint, page int = NULL) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    job CONSTANT ocr.jobs := ocr.job_to_write(job_id, page, boxes => true);
BEGIN
    RETURN (
        SELECT E'<?xml version="1.0" encoding="UTF-8"?>\n'
            || '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            || ' xsi:schemaLocation="http://www.loc.gov/standards/alto/ns-v4# http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"'
            || E' SCHEMAVERSION="4.4">\n<Description>\n<MeasurementUnit>pixel</MeasurementUnit>\n'
            || coalesce('<sourceImageInformation><fileName>' || ocr.xml_text(ocr.uri_to_tell(job.uri)) || E'</fileName></sourceImageInformation>\n', '')
            || '<Processing ID="pg_ocr"><processingCategory>contentGeneration</processingCategory>'
            || '<processingSoftware><softwareName>pg_ocr</softwareName><softwareVersion>' || ocr.library_version()
            || E'</softwareVersion></processingSoftware></Processing>\n</Description>\n<Layout>\n'
            || string_agg(
                '<Page ID="page_' || p.page_no || '" PHYSICAL_IMG_NR="' || p.page_no || '"'
                || coalesce(' WIDTH="' || p.width || '" HEIGHT="' || p.height || '"', '')
                || coalesce(' PC="' || round(p.confidence::numeric / 100, 4) || '"', '')
                || E' PROCESSINGREFS="pg_ocr">\n'
                || coalesce((
                    SELECT '<PrintSpace HPOS="0" VPOS="0" WIDTH="' || coalesce(p.width, 0) || '" HEIGHT="' || coalesce(p.height, 0)
                        || E'">\n' || string_agg(
                        '<TextBlock ID="block_' || p.page_no || '_' || b.no || '"' || b.box || E'>\n' || b.lines || E'\n</TextBlock>\n', '' ORDER BY b.no)
                        || E'</PrintSpace>\n'
                    FROM (
                        SELECT e.no, ' HPOS="' || (e.block->'box'->>0)::int || '" VPOS="' || (e.block->'box'->>1)::int
                            || '" WIDTH="' || (e.block->'box'->>2)::int - (e.block->'box'->>0)::int
                            || '" HEIGHT="' || (e.block->'box'->>3)::int - (e.block->'box'->>1)::int || '"' AS box,
                            (SELECT string_agg(
                                '<TextLine ID="line_' || p.page_no || '_' || e.no || '_' || l.no
                                || '" HPOS="' || (l.line->'box'->>0)::int || '" VPOS="' || (l.line->'box'->>1)::int
                                || '" WIDTH="' || (l.line->'box'->>2)::int - (l.line->'box'->>0)::int
                                || '" HEIGHT="' || (l.line->'box'->>3)::int - (l.line->'box'->>1)::int || '">'
                                || l.words || '</TextLine>', E'\n' ORDER BY l.no)
                             FROM (
                                SELECT el.line, el.no,
                                    (SELECT string_agg(
                                        '<String ID="word_' || p.page_no || '_' || e.no || '_' || el.no || '_' || w.no
                                        || '" HPOS="' || (w.word->'box'->>0)::int || '" VPOS="' || (w.word->'box'->>1)::int
                                        || '" WIDTH="' || (w.word->'box'->>2)::int - (w.word->'box'->>0)::int
                                        || '" HEIGHT="' || (w.word->'box'->>3)::int - (w.word->'box'->>1)::int
                                        || '" WC="' || round((w.word->>'confidence')::numeric / 100, 3)
                                        || '" CONTENT="' || ocr.xml_text(w.word->>'text') || '"/>', '<SP/>' ORDER BY w.no)
                                     FROM jsonb_array_elements(el.line->'words') WITH ORDINALITY AS w (word, no)) AS words
                                FROM jsonb_array_elements(e.block->'lines') WITH ORDINALITY AS el (line, no) OFFSET 0) AS l
                             WHERE l.words IS NOT NULL) AS lines
                        FROM jsonb_array_elements(coalesce(p.corrected_layout, p.layout)->'blocks') WITH ORDINALITY AS e (block, no) OFFSET 0) AS b
                    WHERE b.lines IS NOT NULL), '')
                || E'</Page>\n', '' ORDER BY p.page_no)
            || E'</Layout>\n</alto>\n'
        FROM ocr.pages p
        WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647));
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_alto(bigint, int) IS
'The pages that are done so far, or one of them, as one ALTO 4.4 document (XML): pages, text blocks, lines and strings with their boxes in pixels; PC and WC are confidences from 0 to 1. A page that was skipped or failed is there and empty.
Null before the first page is done, or where that page is not.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 55000 for a job of tier fast, which keeps no boxes. 54000 where it has more than a million words: ask page by page.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_tsv(job_id bigint, page int = NULL) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    job CONSTANT ocr.jobs := ocr.job_to_write(job_id, page, boxes => true);
BEGIN
    RETURN (
        SELECT E'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n'
            || string_agg(
                E'1\t' || p.page_no || E'\t0\t0\t0\t0\t0\t0\t' || coalesce(p.width, 0) || E'\t' || coalesce(p.height, 0) || E'\t-1\t\n'
                || coalesce((
                    SELECT string_agg(
                        E'2\t' || p.page_no || E'\t' || b.no || E'\t0\t0\t0\t' || b.box || E'\t-1\t\n'
                        || E'3\t' || p.page_no || E'\t' || b.no || E'\t1\t0\t0\t' || b.box || E'\t-1\t\n'
                        || coalesce((
                            SELECT string_agg(
                                E'4\t' || p.page_no || E'\t' || b.no || E'\t1\t' || l.no || E'\t0\t'
                                || (l.line->'box'->>0)::int || E'\t' || (l.line->'box'->>1)::int || E'\t'
                                || (l.line->'box'->>2)::int - (l.line->'box'->>0)::int || E'\t'
                                || (l.line->'box'->>3)::int - (l.line->'box'->>1)::int || E'\t-1\t\n'
                                || coalesce((
                                    SELECT string_agg(
                                        E'5\t' || p.page_no || E'\t' || b.no || E'\t1\t' || l.no || E'\t' || w.no || E'\t'
                                        || (w.word->'box'->>0)::int || E'\t' || (w.word->'box'->>1)::int || E'\t'
                                        || (w.word->'box'->>2)::int - (w.word->'box'->>0)::int || E'\t'
                                        || (w.word->'box'->>3)::int - (w.word->'box'->>1)::int || E'\t'
                                        || (w.word->>'confidence')::numeric || E'\t'
                                        || translate(w.word->>'text', E'\t\n\x0b\f\r', '     ') || E'\n', '' ORDER BY w.no)
                                    FROM jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no)), ''), '' ORDER BY l.no)
                            FROM jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no)), ''), '' ORDER BY b.no)
                    FROM (SELECT e.block, e.no, (e.block->'box'->>0)::int || E'\t' || (e.block->'box'->>1)::int || E'\t'
                                 || (e.block->'box'->>2)::int - (e.block->'box'->>0)::int || E'\t'
                                 || (e.block->'box'->>3)::int - (e.block->'box'->>1)::int AS box
                          FROM jsonb_array_elements(coalesce(p.corrected_layout, p.layout)->'blocks') WITH ORDINALITY AS e (block, no)) AS b), ''), '' ORDER BY p.page_no)
        FROM ocr.pages p
        WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647));
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_tsv(bigint, int) IS
'The pages that are done so far, or one of them, as tab-separated values with the columns of `tesseract … tsv` and a line of their names: level (1 page, 2 block, 3 paragraph, 4 line, 5 word), page_num (page_no), block_num, par_num (always 1), line_num, word_num, left, top, width, height in pixels, conf (0 to 100; -1 but for words), text. Nothing is quoted: no text has a tab or a line''s end.
Null before the first page is done, or where that page is not.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 55000 for a job of tier fast, which keeps no boxes. 54000 where it has more than a million words: ask page by page.';
