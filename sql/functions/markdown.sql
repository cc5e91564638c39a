-- Text as CommonMark. A page knows no paragraphs, lists or headings: they are told by the sizes, edges and first
-- characters of its lines.

CREATE OR REPLACE FUNCTION ocr.markdown_text(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(text, '([\\`*_\[\]<&|~])', '\\\1', 'g');
COMMENT ON FUNCTION ocr.markdown_text(text) IS 'Internal: a text as CommonMark has it within a line';

-- Where a line of Markdown begins, more characters mean something.
CREATE OR REPLACE FUNCTION ocr.markdown_start(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(pg_catalog.regexp_replace(text, '^([#>+=-])', '\\\1'), '^([0-9]{1,9})([.)])( |$)', '\1\\\2\3');
COMMENT ON FUNCTION ocr.markdown_start(text) IS 'Internal: what markdown_text() gave, where it begins a line';

-- Chinese and Japanese characters, which are written without spaces, also across lines.
CREATE OR REPLACE FUNCTION ocr.without_spaces(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(text,
    '([\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]) (?=[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff])',
    '\1', 'g');
COMMENT ON FUNCTION ocr.without_spaces(text) IS 'Internal: a text without the spaces between two Chinese or Japanese characters';

CREATE OR REPLACE FUNCTION ocr.middle_of(box jsonb) RETURNS point
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.point((($1->>0)::int + ($1->>2)::int) / 2, (($1->>1)::int + ($1->>3)::int) / 2);
COMMENT ON FUNCTION ocr.middle_of(jsonb) IS 'Internal: the middle of a layout''s box';

-- As GitHub and others have tables in Markdown. What is not a table to a reader of CommonMark is still its text.
CREATE OR REPLACE FUNCTION ocr.markdown_of_table(table_found jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(line.text || CASE WHEN r.row_no = 1 THEN E'\n|' || repeat(' --- |', cardinality(r.fields)) ELSE '' END,
                      E'\n' ORDER BY r.row_no)
    FROM ocr.table_rows($1) AS r,
         LATERAL (SELECT '|' || string_agg(' ' || ocr.markdown_text(btrim(regexp_replace(f.field, '[\x01-\x20\x7f]+', ' ', 'g'))) || ' |',
                                           '' ORDER BY f.no) AS text
                  FROM unnest(r.fields) WITH ORDINALITY AS f (field, no)) AS line
$$;
COMMENT ON FUNCTION ocr.markdown_of_table(jsonb) IS 'Internal: a table of a layout as a table of Markdown, whose first row is the head';

-- Where text goes on after a table, its line is the first of those that the table has taken.
CREATE OR REPLACE FUNCTION ocr.tables_of_page(page ocr.pages) RETURNS TABLE (at bigint[], text text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT coalesce((SELECT ARRAY[b.no, l.no]
                     FROM jsonb_array_elements($1.layout->'blocks') WITH ORDINALITY AS b (block, no),
                          jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
                          jsonb_array_elements(l.line->'words') AS w (word)
                     WHERE edges.box @> ocr.middle_of(w.word->'box')
                     ORDER BY 1 LIMIT 1), ARRAY[2147483647]::bigint[]) || t.no,
           ocr.markdown_of_table(t.found)
    FROM jsonb_array_elements($1.layout->'tables') WITH ORDINALITY AS t (found, no),
         LATERAL (SELECT box(point((t.found->'box'->>0)::int, (t.found->'box'->>1)::int),
                             point((t.found->'box'->>2)::int, (t.found->'box'->>3)::int)) AS box) AS edges
$$;
COMMENT ON FUNCTION ocr.tables_of_page(ocr.pages) IS
'Internal: the tables of a page as Markdown, and at which block and line of its text they begin';

CREATE OR REPLACE FUNCTION ocr.lines_of_page(page ocr.pages)
RETURNS TABLE (block_no bigint, line_no bigint, text text, x0 int, y0 int, x1 int, y1 int, size int, confidence real)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    tables CONSTANT box[] := ARRAY(
        SELECT box(point((t.found->'box'->>0)::int, (t.found->'box'->>1)::int), point((t.found->'box'->>2)::int, (t.found->'box'->>3)::int))
        FROM jsonb_array_elements(page.layout->'tables') AS t (found));
BEGIN
    IF page.layout IS NULL THEN
        -- Tier fast: lengths in characters stand for edges.
        RETURN QUERY
            SELECT b.no, l.no, line.text, 0, NULL::int, length(line.text), NULL::int, NULL::int, NULL::real
            FROM regexp_split_to_table(page.text, '\n{2,}') WITH ORDINALITY AS b (block, no),
                 regexp_split_to_table(b.block, '\n') WITH ORDINALITY AS l (line, no),
                 LATERAL (SELECT btrim(regexp_replace(l.line, '[\x01-\x20\x7f]+', ' ', 'g')) AS text) AS line
            WHERE line.text ~ '[^[:space:]]';
    ELSE
        RETURN QUERY
            SELECT b.no, l.no, ocr.without_spaces(words.text), (l.line->'box'->>0)::int, (l.line->'box'->>1)::int,
                   (l.line->'box'->>2)::int, (l.line->'box'->>3)::int, least(words.height, (l.line->'box'->>3)::int - (l.line->'box'->>1)::int), (l.line->>'confidence')::real
            FROM jsonb_array_elements(page.layout->'blocks') WITH ORDINALITY AS b (block, no),
                 jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
                 LATERAL (
                     SELECT btrim(regexp_replace(string_agg(w.word->>'text', ' ' ORDER BY w.no), '[\x01-\x20\x7f]+', ' ', 'g')) AS text,
                            percentile_disc(0.5) WITHIN GROUP (ORDER BY (w.word->'box'->>3)::int - (w.word->'box'->>1)::int) AS height
                     FROM jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no)
                     WHERE cardinality(tables) = 0 OR NOT EXISTS (SELECT FROM unnest(tables) AS t (box) WHERE t.box @> ocr.middle_of(w.word->'box'))) AS words
            WHERE words.text <> '';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.lines_of_page(ocr.pages) IS
'Internal: the lines of a page that have text outside of its tables, without white space at their ends. x0, y0, x1, y1: box in pixels; size: how high its words are, in pixels. Of a page without a layout x1 is the length in characters, x0 is 0, and the others are null';

CREATE OR REPLACE FUNCTION ocr.markdown_of_page(page ocr.pages) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN (
        WITH lines AS MATERIALIZED (
            SELECT * FROM ocr.lines_of_page(page)
        ), body AS (
            -- The size of most of the text, and not of most lines.
            SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY l.size) AS size
            FROM lines l, generate_series(1, least(1 + length(l.text) / 8, 30))
        ), judged AS (
            SELECT l.*, body.size AS body,
                   CASE WHEN l.size < 1.3 * body.size OR l.confidence < 50 OR l.text !~ '[[:alpha:]]{2}' THEN 0
                        WHEN l.size >= 2 * body.size THEN 1
                        WHEN l.size >= 1.6 * body.size THEN 2
                        WHEN l.size IS NOT NULL THEN 3
                        ELSE 0 END AS height,
                   CASE WHEN l.text ~ '^(•|◦|▪|‣|●|○|■|□|·|¢|–|—|-|\*) +[^ ]' THEN 'bullet'
                        WHEN l.text ~ '^[0-9]{1,3}[.)] +[^ ]' THEN 'number' END AS mark,
                   min(l.x0) OVER block AS left_edge, max(l.x1) OVER block AS right_edge, count(*) OVER block AS block_lines
            FROM lines l, body
            WINDOW block AS (PARTITION BY l.block_no)
        ), neighbours AS (
            SELECT j.*, j.x1 < j.right_edge - 0.25 * (j.right_edge - j.left_edge) AS short,
                   lag(j.text) OVER next_line AS before, lag(j.x0) OVER next_line AS x0_before, lag(j.y1) OVER next_line AS y1_before,
                   lag(j.mark) OVER next_line AS mark_before, lead(j.text) OVER next_line AS after,
                   lead(j.x0) OVER next_line AS x0_after,
                   count(*) FILTER (WHERE j.height <> j.height_before) OVER (ORDER BY j.block_no, j.line_no) AS run
            FROM (SELECT g.*, lag(g.height) OVER (PARTITION BY g.block_no ORDER BY g.line_no) AS height_before FROM judged g) AS j
            WINDOW next_line AS (PARTITION BY j.block_no ORDER BY j.line_no)
        ), kinds AS (
            SELECT n.*, coalesce(lag(n.short) OVER (PARTITION BY n.block_no ORDER BY n.line_no), false) AS short_before,
                   -- High lines are a heading where they are few, begin like one, and do not end like a sentence.
                   CASE WHEN count(*) OVER run <= 3 AND sum(length(n.text)) OVER run <= 200
                            AND first_value(n.text) OVER run ~ '^[^[:lower:][:punct:]]' AND last_value(n.text) OVER run !~ '[.,;:。、]$'
                        THEN n.height ELSE 0 END AS level,
                   -- An address, a poem, a receipt: most of its lines end where their author wanted.
                   n.block_lines > 1 AND 2 * count(*) FILTER (WHERE n.short AND n.after IS NOT NULL) OVER (PARTITION BY n.block_no)
                       >= n.block_lines AS ragged
            FROM neighbours n
            WINDOW run AS (PARTITION BY n.block_no, n.run ORDER BY n.line_no ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        ), starts AS (
            SELECT k.*, lag(k.level) OVER (PARTITION BY k.block_no ORDER BY k.line_no) AS level_before, k.level = 0 AND k.mark IS NOT NULL
                    -- In the middle of a sentence, a dash or a number is not a mark.
                    AND (k.before IS NULL OR k.ragged OR k.short_before OR k.mark_before = k.mark OR k.before ~ '[.:;!?]$') AS item,
                   -- A sentence goes on in the next block, as at the foot of a column.
                   k.before IS NULL AND k.level = 0 AND NOT k.ragged AND k.text ~ '^[[:lower:]]'
                    AND coalesce(lag(k.level = 0 AND NOT k.ragged AND NOT k.short AND k.text !~ '[.:;!?]$') OVER page
                                 AND lag(k.x1 - k.x0) OVER page > 0.6 * (k.x1 - k.x0), false) AS goes_on
            FROM kinds k
            WINDOW page AS (ORDER BY k.block_no, k.line_no)
        ), numbered AS (
            SELECT s.*, count(*) FILTER (WHERE (s.before IS NULL AND NOT s.goes_on) OR s.item OR s.level <> s.level_before
                    OR s.y0 - s.y1_before > s.body
                    OR (s.level = 0 AND NOT s.ragged AND (
                        (s.short_before AND s.before ~ '[.:!?"”’)]$')
                        -- An indented first line; an indented item's other lines begin as far right as each other.
                        OR (s.x0 - s.x0_before > s.body AND s.x0 - s.left_edge > s.body
                            AND (s.x0_after IS NULL OR s.x0 - s.x0_after > s.body) AND s.before ~ '[.:!?"”’)]$'))))
                    OVER (ORDER BY s.block_no, s.line_no) AS part
            FROM starts s
        ), written AS (
            SELECT n.part, n.block_no, n.line_no, n.level, n.ragged AND n.level = 0 AS ragged,
                   lead(n.text) OVER (PARTITION BY n.part ORDER BY n.block_no, n.line_no) AS after,
                   row_number() OVER (PARTITION BY n.part ORDER BY n.block_no, n.line_no) = 1 AS first,
                   CASE WHEN n.item THEN n.mark END AS mark, n.text
            FROM numbered n
        ), parts AS (
            SELECT min(ARRAY[w.block_no, w.line_no]) AS at, max(w.level) AS level, max(w.mark) AS mark,
                   ocr.without_spaces(string_agg(
                       CASE WHEN w.first AND w.mark = 'bullet' THEN
                                '- ' || ocr.markdown_start(ocr.markdown_text(regexp_replace(line.text, '^[^ ]+ +', '')))
                            WHEN w.first AND w.mark = 'number' THEN
                                substring(w.text FROM '^[0-9]+[.)]') || ' '
                                || ocr.markdown_start(ocr.markdown_text(regexp_replace(line.text, '^[^ ]+ +', '')))
                            WHEN w.first OR w.ragged THEN ocr.markdown_start(ocr.markdown_text(line.text))
                            ELSE ocr.markdown_text(line.text) END
                       || CASE WHEN w.after IS NULL OR line.joined THEN ''
                               WHEN w.ragged THEN E'\\\n'
                               ELSE ' ' END,
                       '' ORDER BY w.block_no, w.line_no)) AS text
            FROM written w,
                 LATERAL (
                     SELECT CASE WHEN h.hyphenated THEN regexp_replace(w.text, '(-|­|‐)$', '') ELSE w.text END AS text,
                            h.hyphenated OR (NOT w.ragged AND w.after IS NOT NULL AND w.text ~ '[^[:space:]]-$') AS joined
                     FROM (SELECT NOT w.ragged AND w.text ~ '[[:alpha:]](-|­|‐)$' AND coalesce(w.after ~ '^[[:lower:]]', false)
                          ) AS h (hyphenated)) AS line
            GROUP BY w.part
            UNION ALL
            SELECT t.at, 0, NULL, t.text FROM ocr.tables_of_page(page) AS t
        )
        SELECT string_agg(
                   CASE WHEN p.before IS NULL THEN '' WHEN p.mark = p.mark_before THEN E'\n' ELSE E'\n\n' END
                   || CASE WHEN p.level > 0 THEN repeat('#', p.level) || ' ' || regexp_replace(p.text, '(#+)$', '\\\1') ELSE p.text END,
                   '' ORDER BY p.at) || E'\n'
        FROM (SELECT q.*, lag(q.at) OVER (ORDER BY q.at) AS before, lag(q.mark) OVER (ORDER BY q.at) AS mark_before
              FROM parts q) AS p);
END
$$;
COMMENT ON FUNCTION ocr.markdown_of_page(ocr.pages) IS 'Internal: the text of one page as CommonMark; null where it has none';

CREATE OR REPLACE FUNCTION @extschema@.ocr_markdown(job_id bigint, page int = NULL) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job CONSTANT ocr.jobs := ocr.job_to_write(job_id, page, boxes => false);
BEGIN
    RETURN (
        SELECT string_agg('<!-- page ' || p.page_no
                          || CASE WHEN p.status = 'read' THEN ''
                                  ELSE ': ' || p.status || ', ' || regexp_replace(p.error_code, '[^a-z_]', '', 'g') END
                          || E' -->\n' || coalesce(E'\n' || ocr.markdown_of_page(ocr.as_corrected(p)), ''), E'\n' ORDER BY p.page_no)
        FROM ocr.pages p
        WHERE p.job_id = job.id AND p.page_no BETWEEN coalesce(page, 1) AND coalesce(page, 2147483647));
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_markdown(bigint, int) IS
'The text of the pages that are done so far, or of one of them, as CommonMark, in reading order. Each page begins with a comment, <!-- page 3 -->, which of a page that was skipped or failed says so.
Headings are lines higher than the page''s other text: # from 2 times, ## from 1.6 times, ### from 1.3 times its size. Lines that begin with a bullet or a number are lists. The lines of a paragraph are joined, and words that a hyphen parted at a line''s end; where most lines of a block end early, as in an address, they are kept, ended by a backslash. What means something in Markdown is escaped.
Tables that were found, which tier accurate does, are tables as GitHub''s Markdown has them, with their first row as the head; a cell that stretches over several has its text in the first. In other tiers a table is its lines.
A job of tier fast keeps no sizes: its Markdown has no headings.
Null before the first page is done, or where that page is not.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 54000 where it has more than a million words: ask page by page.';
