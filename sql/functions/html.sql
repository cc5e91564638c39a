-- A job as a page to look at. As the other forms, a page is put together by one statement that walks down to its words;
-- boxes and confidences are cast to numbers, and all text goes through ocr.xml_text(), before they are written.

CREATE OR REPLACE FUNCTION ocr.html_box(box jsonb, width int, height int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'left:' || round(100.0 * (box->>0)::int / width, 3) || '%;top:' || round(100.0 * (box->>1)::int / height, 3)
    || '%;width:' || round(100.0 * ((box->>2)::int - (box->>0)::int) / width, 3)
    || '%;height:' || round(100.0 * ((box->>3)::int - (box->>1)::int) / height, 3) || '%';
COMMENT ON FUNCTION ocr.html_box(jsonb, int, int) IS 'Internal: where a box is on a page of so many pixels, as CSS has it';

-- In a font whose letters are all 0.6 of its size wide, and ideographs as wide as it is high, the space between letters that
-- makes a word as long as its box is known here; the script mends it where a font is another. Words of a line are about one size.
CREATE OR REPLACE FUNCTION ocr.html_letters(text text, length int, thickness int, line_thickness int, width int) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    letters CONSTANT int := greatest(length(text), 1);
    -- Scripts that are joined take no space between letters.
    is_joined CONSTANT boolean := text ~ '[\u0600-\u08ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc]';
    size CONSTANT numeric := CASE WHEN is_joined THEN greatest(html_letters.length / (0.6 * letters), 1)
                                  ELSE greatest(0.85 * least(line_thickness, 1.6 * thickness), 1) END;
    wide CONSTANT int := length(regexp_replace(text, '[^\u1100-\u115f\u2e80-\u312f\u31a0-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]', '', 'g'));
BEGIN
    RETURN ';font-size:' || round(100 * size / width, 3) || 'cqw;line-height:' || round(greatest(thickness, 1) / size, 3)
        || CASE WHEN is_joined THEN '' ELSE ';letter-spacing:' || round((html_letters.length / size - 0.6 * letters - 0.4 * wide) / letters, 3) || 'em' END;
END
$$;
COMMENT ON FUNCTION ocr.html_letters(text, int, int, int, int) IS
'Internal: CSS that makes a word as long and as thick as its box, on a line that is so thick, in pixels of a page that is so wide';

CREATE OR REPLACE FUNCTION ocr.html_words(page ocr.pages, titled boolean) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN (
        SELECT string_agg('<div>' || l.words || E'</div>\n', '' ORDER BY l.block_no, l.line_no)
        FROM (
            SELECT w.block_no, w.line_no, string_agg(
                '<span class="w' || w.standing || w.kind || '"'
                || ' id="w' || page.page_no || '-' || w.block_no || '-' || w.line_no || '-' || w.word_no || '" dir="auto"'
                || CASE WHEN w.kind <> ' cp' THEN ' data-c="' || w.confidence || '"' ELSE '' END
                || CASE WHEN titled THEN ' title="' || ocr.xml_text(w.text) || ' · ' || CASE WHEN w.is_corrected THEN 'corrected' ELSE w.confidence || ' of 100' END || '"' ELSE '' END
                || ' style="' || ocr.html_box(w.box, page.width, page.height)
                || CASE WHEN w.standing = '' THEN ocr.html_letters(w.text, w.across, w.down, w.line_down, page.width)
                        ELSE ocr.html_letters(w.text, w.down, w.across, w.across, page.width) END
                || '">' || ocr.xml_text(w.text)
                || CASE WHEN w.text ~ '[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef]$'
                             AND w.text_after ~ '^[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef]' THEN '' ELSE ' ' END
                || '</span>', '' ORDER BY w.word_no) AS words
            FROM (
                SELECT v.*, lead(v.text) OVER (PARTITION BY v.block_no, v.line_no ORDER BY v.word_no) AS text_after,
                       CASE WHEN v.is_corrected THEN ' cp' WHEN v.confidence < 40 THEN ' c0' WHEN v.confidence < ocr.doubtful_below() THEN ' c1'
                            WHEN v.confidence < 90 THEN ' c2' ELSE '' END AS kind,
                       CASE WHEN v.down > 1.5 * v.across AND length(v.text) > 1 AND v.line_down > v.line_across THEN ' v' ELSE '' END AS standing
                FROM (
                    SELECT b.no AS block_no, l.no AS line_no, w.no AS word_no, w.word->'box' AS box,
                           regexp_replace(w.word->>'text', '[\x01-\x20\x7f]+', ' ', 'g') AS text,
                           floor((w.word->>'confidence')::numeric)::int AS confidence, coalesce((w.word->>'corrected')::boolean, false) AS is_corrected,
                           (w.word->'box'->>2)::int - (w.word->'box'->>0)::int AS across,
                           (l.line->'box'->>3)::int - (l.line->'box'->>1)::int AS line_down,
                           (l.line->'box'->>2)::int - (l.line->'box'->>0)::int AS line_across,
                           (w.word->'box'->>3)::int - (w.word->'box'->>1)::int AS down
                    FROM jsonb_array_elements(page.layout->'blocks') WITH ORDINALITY AS b (block, no),
                         jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
                         jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no) OFFSET 0) AS v) AS w
            GROUP BY w.block_no, w.line_no) AS l);
END
$$;
COMMENT ON FUNCTION ocr.html_words(ocr.pages, boolean) IS 'Internal: the words of a page as HTML, each in its place; titled: with a title that says its text and confidence';

CREATE OR REPLACE FUNCTION ocr.html_doubtful(page ocr.pages, OUT list text, OUT words bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    SELECT string_agg('<li><a href="#w' || page.page_no || '-' || b.no || '-' || l.no || '-' || w.no || '"><bdi>' || ocr.xml_text(w.word->>'text')
                      || '</bdi><span>' || floor((w.word->>'confidence')::numeric) || E'</span></a></li>\n', '' ORDER BY b.no, l.no, w.no), count(*)
    INTO list, words
    FROM jsonb_array_elements(page.layout->'blocks') WITH ORDINALITY AS b (block, no),
         jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
         jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no)
    WHERE floor((w.word->>'confidence')::numeric) < ocr.doubtful_below();
END
$$;
COMMENT ON FUNCTION ocr.html_doubtful(ocr.pages) IS 'Internal: the doubtful words of a page as a list of links, and how many they are; null where it has none';

CREATE OR REPLACE FUNCTION ocr.html_verdict(verdict text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE verdict WHEN 'approved' THEN '<span class="verdict approved">approved</span>'
                    WHEN 'review' THEN '<span class="verdict review">for review</span>'
                    WHEN 'rejected' THEN '<span class="verdict rejected">rejected</span>' ELSE '' END;
COMMENT ON FUNCTION ocr.html_verdict(text) IS 'Internal: a verdict as HTML';

CREATE OR REPLACE FUNCTION ocr.html_facts(page ocr.pages) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN coalesce('<p>' || CASE WHEN page.status = 'skipped' THEN 'skipped: ' || ocr.xml_text(page.error)
                                  WHEN page.verdict <> 'approved' OR page.reviewed_at IS NOT NULL OR page.words = 0 THEN ocr.xml_text(ocr.reason_for_review(page))
                             END || E'</p>\n', '')
        || '<p class="faint">' || concat_ws(' · ',
            CASE page.source WHEN 'ocr' THEN 'read' || coalesce(' by ' || ocr.xml_text(coalesce(page.provider, page.engine)), '')
                             WHEN 'text_layer' THEN 'the PDF''s own text' END,
            page.words || CASE page.words WHEN 1 THEN ' word' ELSE ' words' END, 'confidence ' || round(page.confidence::numeric, 1),
            nullif(page.rotation, 0) || '° turned', CASE WHEN page.skew <> 0 THEN 'straightened by ' || round(page.skew::numeric, 1) || '°' END) || E'</p>\n'
        || coalesce((SELECT '<p class="faint">' || string_agg(r.decision || ' by ' || ocr.xml_text(r.reviewer::text)
                               || CASE WHEN r.corrected_text IS NOT NULL THEN ', with a corrected text' ELSE '' END
                               || ', ' || to_char(r.reviewed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), '<br>' ORDER BY r.id) || E'</p>\n'
                     FROM ocr.reviews r WHERE r.job_id = page.job_id AND r.page_no = page.page_no), '')
        || coalesce((SELECT '<details class="faint"><summary>tried in ' || count(*) || E' ways</summary><table><tr><th>way<th>confidence<th>words<th>ms<th></tr>\n'
                         || string_agg('<tr><td>' || ocr.xml_text(coalesce(t.way->>'way', '')) || '<td>' || coalesce(round((t.way->>'confidence')::numeric, 1)::text, '')
                                       || '<td>' || coalesce((t.way->>'words')::int::text, '') || '<td>' || coalesce((t.way->>'ms')::int::text, '')
                                       || '<td>' || CASE WHEN (t.way->>'won')::boolean THEN 'taken' ELSE '' END, E'</tr>\n' ORDER BY t.no) || E'</tr></table></details>\n'
                     FROM jsonb_array_elements(page.tried) WITH ORDINALITY AS t (way, no) HAVING count(*) > 0), '');
END
$$;
COMMENT ON FUNCTION ocr.html_facts(ocr.pages) IS 'Internal: what is known of a page as HTML: why it is to be looked at, what read it, who decided, what was tried';

CREATE OR REPLACE FUNCTION ocr.html_section(page ocr.pages, image text, no_image text, machine_layout jsonb = NULL) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    layout CONSTANT record := ocr.html_layout(machine_layout, page.width, page.height);
BEGIN
    RETURN '<section class="page card" id="page' || page.page_no || '" aria-label="page ' || page.page_no || E'">\n<h2>Page ' || page.page_no || ' '
        || ocr.html_verdict(page.verdict) || E'</h2>\n' || ocr.html_facts(page) || coalesce(layout.list, '')
        || coalesce('<p class="notice">No image: ' || ocr.xml_text(no_image) || E'</p>\n', '')
        || CASE WHEN page.width > 0 AND page.height > 0 THEN
               '<div class="desk" tabindex="0" aria-label="image of page ' || page.page_no || '"><div class="sheet' || CASE WHEN image IS NULL THEN ' blank' ELSE '' END
               || '" style="aspect-ratio:' || page.width || '/' || page.height || E'">\n'
               || coalesce('<img alt="" src="' || image || E'">\n', '')
               || coalesce(layout.drawing, '') || coalesce(ocr.html_words(page, machine_layout IS NOT NULL), '')
               || coalesce((SELECT string_agg('<div class="t" style="' || ocr.html_box(t."table"->'box', page.width, page.height) || '"></div>', E'\n')
                            FROM jsonb_array_elements(page.layout->'tables') AS t ("table")), '')
               || E'</div></div>\n'
           ELSE '' END
        || CASE WHEN page.text <> '' AND (page.layout IS NULL OR page.width IS NULL) THEN '<pre dir="auto">' || ocr.xml_text(page.text) || E'</pre>\n' ELSE '' END
        || E'</section>\n';
END
$$;
COMMENT ON FUNCTION ocr.html_section(ocr.pages, text, text, jsonb) IS 'Internal: a page as HTML. image: its data URL, null where there is none; no_image: why; machine_layout: what is to be drawn over it, null for nothing';

CREATE OR REPLACE FUNCTION ocr.html_images(job ocr.jobs, page int, document bytea, password text, OUT page_nos int[], OUT images text[], OUT no_images text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dpi CONSTANT int := 150;
    bytes bytea;
BEGIN
    SELECT array_agg(p.page_no ORDER BY p.page_no) INTO page_nos
    FROM ocr.pages p
    WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647) AND p.width > 0 AND p.height > 0 AND p.dpi > 0 AND p.picture IS NULL;
    IF page_nos IS NULL THEN
        RETURN;
    END IF;
    IF document IS NOT NULL THEN
        bytes := ocr.document_of_job(job, document);
    END IF;
    -- Words on white paper are better than none: what keeps the document from being drawn is told on the page.
    BEGIN
        bytes := coalesce(bytes, ocr.document_of_job(job, NULL));
        SELECT array_agg('data:' || d.type || ';base64,' || translate(encode(d.image, 'base64'), E'\n', '') ORDER BY d.page_no), array_agg(d.error ORDER BY d.page_no)
        INTO images, no_images
        FROM ocr.draw_pages(bytes, coalesce(password, ''), dpi,
                ARRAY(SELECT v.number FROM ocr.pages p, LATERAL unnest(ARRAY[p.page_no, p.width, p.height, p.dpi, coalesce(p.rotation, 0)]) WITH ORDINALITY AS v (number, no)
                      WHERE p.job_id = job.id AND p.page_no = ANY (page_nos) ORDER BY p.page_no, v.no),
                ARRAY(SELECT coalesce(p.skew, 0) FROM ocr.pages p WHERE p.job_id = job.id AND p.page_no = ANY (page_nos) ORDER BY p.page_no)) AS d
        WHERE d.type IS NULL OR d.type IN ('image/jpeg', 'image/png');
    EXCEPTION WHEN OTHERS THEN
        images := NULL;
        no_images := array_fill(SQLERRM, ARRAY[cardinality(page_nos)]);
    END;
END
$$;
COMMENT ON FUNCTION ocr.html_images(ocr.jobs, int, bytea, text) IS 'Internal: the images of a job''s pages, or of one, that have no picture of their own, drawn from its document, as data URLs, or why a page has none';

CREATE OR REPLACE FUNCTION @extschema@.ocr_html(job_id bigint, page int = NULL, document bytea = NULL, password text = NULL) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER COST 100000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    most_pages CONSTANT int := 50;
    job CONSTANT ocr.jobs := ocr.job_to_write(job_id, page, boxes => false);
    debug CONSTANT boolean := job.options @> '{"debug": true}';
    drawn record;
    title text;
BEGIN
    IF page IS NULL AND (SELECT count(*) FROM ocr.pages p WHERE p.job_id = job.id) > most_pages THEN
        RAISE EXCEPTION 'job % has more than % pages, too many to look at at once', job.id, most_pages
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Ask for one page at a time: page => n, for each page_no of ocr_pages() or of ocr.review_queue.';
    END IF;
    drawn := ocr.html_images(job, page, document, password);
    title := 'Job ' || job.id || coalesce(': ' || ocr.xml_text(substring(regexp_replace(job.uri, '[?].*$', '') FROM '[^/]+$')), '');
    RETURN (
        WITH pages AS (
            SELECT p.page_no, p.status, ocr.html_section(c, coalesce(ocr.picture_url(p.picture), drawn.images[i.no]), drawn.no_images[i.no], CASE WHEN debug THEN p.layout END) AS section, d.list AS doubtful, d.words AS doubtful_words
            FROM ocr.pages p, LATERAL (SELECT array_position(drawn.page_nos, p.page_no) AS no) AS i, ocr.as_corrected(p) AS c, ocr.html_doubtful(c) AS d
            WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647))
        SELECT E'<!DOCTYPE html>\n<html lang="en"' || CASE WHEN debug THEN ' class="layout"' ELSE '' END || E'>\n<head>\n<meta charset="utf-8">\n'
            || '<meta http-equiv="Content-Security-Policy" content="default-src ''none''; img-src data:; style-src ''unsafe-inline''; base-uri ''none''; form-action ''none''; script-src ''sha256-'
            || encode(sha256(convert_to(ocr.html_script(), 'UTF8')), 'base64') || E'''">\n'
            || E'<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
            || '<title>' || title || E'</title>\n<link rel="icon" href="data:,">\n<style>' || ocr.html_style() || E'</style>\n</head>\n<body>\n'
            || '<header><h1>' || title || ' ' || ocr.html_verdict(job.verdict) || E'</h1>\n<p class="faint">'
            || concat_ws(' · ', job.status, 'language ' || ocr.xml_text(job.language), 'tier ' || job.tier, 'confidence ' || round(job.confidence::numeric, 1),
                         job.pages_total || CASE job.pages_total WHEN 1 THEN ' page' ELSE ' pages' END, 'batch ' || ocr.xml_text(job.batch),
                         to_char(job.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) || E'</p>\n'
            || CASE WHEN job.metadata <> '{}' THEN '<details class="faint"><summary>metadata</summary><pre>' || ocr.xml_text(jsonb_pretty(job.metadata)) || E'</pre></details>\n' ELSE '' END
            || E'</header>\n<div class="tools" role="toolbar" aria-label="tools">\n'
            || E'<div><button data-do="previous" aria-label="previous doubtful word" title="p">◀</button><output id="count" aria-live="off"></output><button data-do="next" aria-label="next doubtful word" title="n">▶</button></div>\n'
            || E'<div><button data-do="smaller" aria-label="smaller" title="-">−</button><button data-do="whole" class="wide" id="zoom" aria-label="whole page" title="0">100 %</button><button data-do="larger" aria-label="larger" title="+">+</button></div>\n'
            || CASE WHEN count(*) > 1 THEN E'<div class="wide"><button data-do="page_up" aria-label="page before" title="[">▲</button><button data-do="page_down" aria-label="next page" title="]">▼</button></div>\n' ELSE '' END
            || E'<div><button data-do="text" id="text" aria-pressed="false" title="t">Text</button>'
            || CASE WHEN debug THEN '<button data-do="layout" id="layout" aria-pressed="true" title="l">Layout</button>' ELSE '' END || E'</div>\n</div>\n<div class="body">\n<aside>\n'
            || '<details class="card" open><summary><strong>Doubtful words</strong> <span class="faint">' || coalesce(sum(doubtful_words), 0) || '</span></summary>'
            || coalesce(string_agg(CASE WHEN (SELECT count(*) FROM pages) > 1 THEN '<p class="faint">page ' || page_no || '</p>' ELSE '' END
                                   || E'<ol class="list">\n' || doubtful || '</ol>', '' ORDER BY page_no) FILTER (WHERE doubtful IS NOT NULL),
                        '<p class="faint">none</p>')
            || E'</details>\n<details class="card" open><summary><strong>Legend</strong></summary><ul class="legend">'
            || '<li><span class="key c0"></span>below 40 of 100</li><li><span class="key c1"></span>below ' || ocr.doubtful_below() || ': doubtful</li>'
            || '<li><span class="key c2"></span>below 90</li>' || CASE WHEN debug THEN '<li><span class="key c3"></span>90 and above</li>' ELSE '' END || '<li><span class="key cp"></span>corrected by a person</li>'
            || CASE WHEN debug THEN '<li><span class="key kb"></span>block</li><li><span class="key kl"></span>line</li><li><span class="key ko">1 → 2</span>order of blocks</li><li><span class="key kd"></span>order of lines</li>' ELSE '' END || '</ul>'
            || '<p class="faint keys"><kbd>n</kbd> <kbd>p</kbd> next, previous doubtful word<br><kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd> zoom<br>'
            || E'<kbd>]</kbd> <kbd>[</kbd> next page, page before<br><kbd>t</kbd> show what was read' || CASE WHEN debug THEN '<br><kbd>l</kbd> show the layout' ELSE '' END || E'</p></details>\n</aside>\n<main>\n'
            || string_agg(section, '' ORDER BY page_no)
            || E'</main>\n</div>\n<div id="bubble" role="status"></div>\n<script>' || ocr.html_script() || E'</script>\n</body>\n</html>\n'
        FROM pages
        HAVING count(*) > 0);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_html(bigint, int, bytea, text) IS
'The pages that are done so far, or one of them, as one HTML page to look at, which needs nothing besides itself: the image of each page with its words over it, selectable, marked by confidence, the doubtful ones in a list. Of a page that a person has corrected, the corrected words. Everything from the document is escaped, and the page may load and run nothing else.
document: its bytes; by default those that were kept, else they are fetched from the store that they were read from, with the caller''s rights. Without them, the words stand on white paper, and the page says why. password: of an encrypted PDF.
Of a job with option debug, each page shows its picture as it was kept, needs no document, and has drawn over it why it was read as it was: the frames of blocks with their numbers, lines, the order of both, each word by its confidence. A picture takes 10 to 400 kB of ocr.pages, of a noisy photograph up to 3 MB, and reading a page up to 0.3 s more; it goes with its page, when ocr_purge() or a DELETE takes the job.
Null before the first page is done, or where that page is not.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 22023 for another document. 54000 where it has more than 50 pages or a million words: ask page by page.';
