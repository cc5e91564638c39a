-- A person corrects a page's text, not its boxes. So that a search, a form or a searchable PDF still knows where a word is,
-- the words of the corrected text are laid over those that the machine read.

-- The shortest way from one list to the other, by Myers' algorithm. Who has written a page anew gets no words matched but
-- those at its beginning and end: that would take a time that grows with the square of what differs.
CREATE OR REPLACE FUNCTION ocr.matched_words(read text[], corrected text[]) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n int := cardinality(read);
    m int := cardinality(corrected);
    matches int[] := array_fill(NULL::int, ARRAY[m]);
    head int := 0;
    most int;
    width int;
    reach int[];
    trace int[];
    x int;
    y int;
    k int;
    before_x int;
    before_k int;
    edits int;
BEGIN
    WHILE head < least(n, m) AND read[head + 1] = corrected[head + 1] LOOP
        head := head + 1;
        matches[head] := head;
    END LOOP;
    WHILE least(n, m) > head AND read[n] = corrected[m] LOOP
        matches[m] := n;
        n := n - 1;
        m := m - 1;
    END LOOP;
    n := n - head;
    m := m - head;
    IF n = 0 OR m = 0 THEN
        RETURN matches;
    END IF;
    most := least(n + m, 400);
    -- Column k + most + 2 is diagonal k; row by row, how far each one reached with so many edits.
    width := 2 * most + 3;
    reach := array_fill(0, ARRAY[width]);
    trace := array_fill(0, ARRAY[(most + 1) * width]);
    <<edit>>
    FOR d IN 0 .. most LOOP
        k := -d;
        WHILE k <= d LOOP
            IF k = -d OR (k <> d AND reach[k + most + 1] < reach[k + most + 3]) THEN
                x := reach[k + most + 3];
            ELSE
                x := reach[k + most + 1] + 1;
            END IF;
            WHILE x < n AND x - k < m AND read[head + x + 1] = corrected[head + x - k + 1] LOOP
                x := x + 1;
            END LOOP;
            reach[k + most + 2] := x;
            trace[d * width + k + most + 2] := x;
            IF x >= n AND x - k >= m THEN
                edits := d;
                EXIT edit;
            END IF;
            k := k + 2;
        END LOOP;
    END LOOP;
    IF edits IS NULL THEN
        RETURN matches;
    END IF;
    x := n;
    y := m;
    FOR d IN REVERSE edits .. 0 LOOP
        k := x - y;
        IF d = 0 THEN
            before_x := 0;
            before_k := k;
        ELSE
            before_k := CASE WHEN k = -d OR (k <> d AND trace[(d - 1) * width + k + most + 1] < trace[(d - 1) * width + k + most + 3])
                             THEN k + 1 ELSE k - 1 END;
            before_x := trace[(d - 1) * width + before_k + most + 2];
        END IF;
        WHILE x > before_x AND y > before_x - before_k LOOP
            matches[head + y] := head + x;
            x := x - 1;
            y := y - 1;
        END LOOP;
        x := before_x;
        y := before_x - before_k;
    END LOOP;
    RETURN matches;
END
$$;
COMMENT ON FUNCTION ocr.matched_words(text[], text[]) IS
'Internal: of each corrected word, which of the words that were read it is, counted from 1 and ascending; null where it is none of them';

CREATE OR REPLACE FUNCTION ocr.box_of_words(boxes int[], first_word int, last_word int) RETURNS int[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY[min(boxes[i][1]), min(boxes[i][2]), max(boxes[i][3]), max(boxes[i][4])] FROM generate_series(first_word, last_word) AS i
$$;
COMMENT ON FUNCTION ocr.box_of_words(int[], int, int) IS 'Internal: the box around words from the first to the last, of boxes [[left, top, right, bottom], …]';

CREATE OR REPLACE FUNCTION ocr.box_between_words(boxes int[], before int) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l CONSTANT int[] := CASE WHEN before >= 1 THEN ocr.box_of_words(boxes, before, before) END;
    r CONSTANT int[] := CASE WHEN before < array_length(boxes, 1) THEN ocr.box_of_words(boxes, before + 1, before + 1) END;
BEGIN
    IF l[2] < r[4] AND r[2] < l[4] AND (l[3] < r[1] OR r[3] < l[1]) THEN
        RETURN ARRAY[least(l[3], r[3]), least(l[2], r[2]), greatest(l[1], r[1]), greatest(l[4], r[4])];
    END IF;
    RETURN coalesce(l, r);
END
$$;
COMMENT ON FUNCTION ocr.box_between_words(int[], int) IS
'Internal: where a word is that was missed behind this one, counted from 1, 0 being before the first: between its neighbours, or where they are not beside each other, at one of them';

-- Right to left where the script runs so; down where the box stands.
CREATE OR REPLACE FUNCTION ocr.part_of_box(box int[], text text, from_share float8, to_share float8) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    width CONSTANT int := box[3] - box[1];
    height CONSTANT int := box[4] - box[2];
BEGIN
    IF height > 2 * width THEN
        RETURN ARRAY[box[1], box[2] + floor(from_share * height)::int, box[3],
                     greatest(box[2] + floor(from_share * height)::int + 1, box[2] + floor(to_share * height)::int)];
    END IF;
    IF text ~ '[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]' THEN
        RETURN ARRAY[box[3] - greatest(floor(from_share * width)::int + 1, floor(to_share * width)::int), box[2],
                     box[3] - floor(from_share * width)::int, box[4]];
    END IF;
    RETURN ARRAY[box[1] + floor(from_share * width)::int, box[2],
                 box[1] + greatest(floor(from_share * width)::int + 1, floor(to_share * width)::int), box[4]];
END
$$;
COMMENT ON FUNCTION ocr.part_of_box(int[], text, float8, float8) IS
'Internal: the part of a box that a text has from one share of its length to another, 0 to 1; never empty';

-- Nothing tells where a Chinese or Japanese word ends.
CREATE OR REPLACE FUNCTION ocr.apart(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(text, '([\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff])', ' \1 ', 'g');
COMMENT ON FUNCTION ocr.apart(text) IS 'Internal: a text with a space around each Chinese and Japanese character';

CREATE OR REPLACE FUNCTION ocr.corrected_layout(layout jsonb, corrected_text text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    read_words text[];
    read_boxes int[];
    confidences real[];
    words text[];
    lines int[];
    blocks int[];
    matches int[];
    boxes int[] := '{}';
    sure real[] := '{}';
    typed boolean[] := '{}';
    first_word int := 1;
    last_word int;
    done int := 0;
    next_read int;
    amount int;
    letters int;
    letters_before int;
    box int[];
BEGIN
    SELECT array_agg(t.token ORDER BY b.no, l.no, w.no, t.no), array_agg((w.word->>'confidence')::real ORDER BY b.no, l.no, w.no, t.no),
           array_agg(CASE WHEN t.token = w.word->>'text' THEN edges.box
                          ELSE ocr.part_of_box(edges.box, t.token, t.before / t.letters, (t.before + length(t.token)) / t.letters) END
                     ORDER BY b.no, l.no, w.no, t.no)
    INTO read_words, confidences, read_boxes
    FROM jsonb_array_elements(layout->'blocks') WITH ORDINALITY AS b (block, no),
         jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
         jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no),
         LATERAL (SELECT ARRAY(SELECT edge::int FROM jsonb_array_elements(w.word->'box') AS edge) AS box) AS edges,
         LATERAL (SELECT s.token, s.no, sum(length(s.token)) OVER (ORDER BY s.no)::float8 - length(s.token) AS before,
                         sum(length(s.token)) OVER ()::float8 AS letters
                  FROM regexp_split_to_table(ocr.apart(w.word->>'text'), '[[:space:]]+') WITH ORDINALITY AS s (token, no)
                  WHERE s.token <> '') AS t;
    IF read_words IS NULL OR corrected_text IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(w.word ORDER BY b.no, l.no, w.no), array_agg(l.no ORDER BY b.no, l.no, w.no), array_agg(b.no ORDER BY b.no, l.no, w.no)
    INTO words, lines, blocks
    FROM regexp_split_to_table(corrected_text, '\n{2,}') WITH ORDINALITY AS b (block, no),
         regexp_split_to_table(b.block, '\n') WITH ORDINALITY AS l (line, no),
         regexp_split_to_table(ocr.apart(l.line), '[[:space:]]+') WITH ORDINALITY AS w (word, no)
    WHERE w.word <> '';
    IF words IS NULL THEN
        RETURN '{"blocks": []}';
    END IF;
    matches := ocr.matched_words(read_words, words);
    WHILE first_word <= cardinality(words) LOOP
        IF matches[first_word] IS NOT NULL THEN
            done := matches[first_word];
            boxes := boxes || ARRAY[ocr.box_of_words(read_boxes, done, done)];
            sure := sure || confidences[done];
            typed := typed || false;
            first_word := first_word + 1;
            CONTINUE;
        END IF;
        last_word := first_word;
        WHILE last_word < cardinality(words) AND matches[last_word + 1] IS NULL LOOP
            last_word := last_word + 1;
        END LOOP;
        next_read := coalesce(matches[last_word + 1], cardinality(read_words) + 1);
        amount := last_word - first_word + 1;
        letters := length(array_to_string(words[first_word : last_word], ''));
        letters_before := 0;
        FOR i IN 0 .. amount - 1 LOOP
            -- So many words for so many: the first for the first. One for some, or some for one: each its share.
            IF next_read - done - 1 > 1 THEN
                box := ocr.box_of_words(read_boxes, done + 1 + (i * (next_read - done - 1)) / amount,
                                        done + ((i + 1) * (next_read - done - 1) + amount - 1) / amount);
            ELSE
                box := ocr.part_of_box(
                    CASE WHEN next_read - done - 1 = 1 THEN ocr.box_of_words(read_boxes, done + 1, done + 1)
                         ELSE ocr.box_between_words(read_boxes, done) END,
                    words[first_word + i], letters_before::float8 / letters, (letters_before + length(words[first_word + i]))::float8 / letters);
            END IF;
            letters_before := letters_before + length(words[first_word + i]);
            boxes := boxes || ARRAY[box];
            sure := sure || 100::real;
            typed := typed || true;
        END LOOP;
        first_word := last_word + 1;
    END LOOP;
    RETURN (
        WITH placed AS (
            SELECT i AS no, blocks[i] AS block_no, lines[i] AS line_no, words[i] AS text, sure[i] AS confidence, typed[i] AS typed,
                   boxes[i][1] AS x0, boxes[i][2] AS y0, boxes[i][3] AS x1, boxes[i][4] AS y1
            FROM generate_series(1, cardinality(words)) AS i
        ), in_lines AS (
            SELECT p.block_no, p.line_no, min(p.x0) AS x0, min(p.y0) AS y0, max(p.x1) AS x1, max(p.y1) AS y1,
                   sum(p.confidence * length(p.text)) / sum(length(p.text)) AS confidence,
                   jsonb_agg(jsonb_build_object('box', jsonb_build_array(p.x0, p.y0, p.x1, p.y1), 'text', p.text, 'confidence', p.confidence)
                             || CASE WHEN p.typed THEN '{"corrected": true}' ELSE '{}' END::jsonb
                             ORDER BY p.no) AS words
            FROM placed p GROUP BY p.block_no, p.line_no
        ), in_blocks AS (
            SELECT l.block_no, jsonb_build_array(min(l.x0), min(l.y0), max(l.x1), max(l.y1)) AS box,
                   jsonb_agg(jsonb_build_object('box', jsonb_build_array(l.x0, l.y0, l.x1, l.y1), 'confidence', l.confidence, 'words', l.words)
                             ORDER BY l.line_no) AS lines
            FROM in_lines l GROUP BY l.block_no
        )
        SELECT with_blocks.layout || CASE WHEN corrected_layout.layout ? 'tables' THEN jsonb_build_object('tables', ocr.corrected_tables(corrected_layout.layout, with_blocks.layout)) ELSE '{}' END
        FROM (SELECT jsonb_build_object('blocks', jsonb_agg(jsonb_build_object('box', b.box, 'lines', b.lines) ORDER BY b.block_no)) AS layout
              FROM in_blocks b) AS with_blocks);
END
$$;
COMMENT ON FUNCTION ocr.corrected_layout(jsonb, text) IS
'Internal: the words, lines and blocks of a corrected text, with the boxes of the words of the layout that they stand for, and its tables with these words; null where the layout has no words';

-- A cell whose words a person has left alone keeps the text that it had: what the engine counted as its words may be more
-- than those in its box. Words are in the cell that has their middle.
CREATE OR REPLACE FUNCTION ocr.corrected_tables(layout jsonb, corrected_layout jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH words AS MATERIALIZED (
        SELECT v.corrected, b.no AS block_no, l.no AS line_no, w.no AS word_no, w.word->>'text' AS text, (w.word->>'confidence')::real AS confidence,
               ((w.word->'box'->>0)::int + (w.word->'box'->>2)::int) / 2 AS x, ((w.word->'box'->>1)::int + (w.word->'box'->>3)::int) / 2 AS y
        FROM (VALUES (false, $1), (true, $2)) AS v (corrected, layout),
             jsonb_array_elements(v.layout->'blocks') WITH ORDINALITY AS b (block, no),
             jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
             jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no)
    ), cells AS MATERIALIZED (
        SELECT t.no AS table_no, c.no AS cell_no, c.cell, (c.cell->'box'->>0)::int AS x0, (c.cell->'box'->>1)::int AS y0,
               (c.cell->'box'->>2)::int AS x1, (c.cell->'box'->>3)::int AS y1
        FROM jsonb_array_elements($1->'tables') WITH ORDINALITY AS t (found, no), jsonb_array_elements(t.found->'cells') WITH ORDINALITY AS c (cell, no)
    ), lines AS (
        SELECT c.table_no, c.cell_no, w.corrected, w.block_no, w.line_no, string_agg(w.text, ' ' ORDER BY w.word_no) AS line,
               sum(w.confidence * length(w.text)) AS confidence, sum(length(w.text)) AS letters
        FROM cells c JOIN words w ON w.x >= c.x0 AND w.x < c.x1 AND w.y >= c.y0 AND w.y < c.y1
        GROUP BY c.table_no, c.cell_no, w.corrected, w.block_no, w.line_no
    ), texts AS (
        SELECT l.table_no, l.cell_no, l.corrected, string_agg(l.line, E'\n' ORDER BY l.block_no, l.line_no) AS text, sum(l.confidence) / sum(l.letters) AS confidence
        FROM lines l GROUP BY l.table_no, l.cell_no, l.corrected
    )
    SELECT jsonb_agg(t.found || jsonb_build_object('cells', coalesce(as_corrected.cells, '[]')) ORDER BY t.no)
    FROM jsonb_array_elements($1->'tables') WITH ORDINALITY AS t (found, no)
         LEFT JOIN (SELECT c.table_no,
                           jsonb_agg(CASE WHEN before.text IS NOT DISTINCT FROM after.text THEN c.cell
                                          ELSE c.cell || jsonb_build_object('text', coalesce(after.text, ''), 'confidence', after.confidence) END
                                     ORDER BY c.cell_no) AS cells
                    FROM cells c
                         LEFT JOIN texts before ON before.table_no = c.table_no AND before.cell_no = c.cell_no AND NOT before.corrected
                         LEFT JOIN texts after ON after.table_no = c.table_no AND after.cell_no = c.cell_no AND after.corrected
                    GROUP BY c.table_no) AS as_corrected ON as_corrected.table_no = t.no
$$;
COMMENT ON FUNCTION ocr.corrected_tables(jsonb, jsonb) IS
'Internal: the tables of a layout, with the words of the corrected layout in their cells; null where it has none';

CREATE OR REPLACE FUNCTION ocr.as_corrected(page ocr.pages) RETURNS ocr.pages
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF page.corrected_text IS NOT NULL THEN
        page.text := page.corrected_text;
        page.layout := page.corrected_layout;
    END IF;
    RETURN page;
END
$$;
COMMENT ON FUNCTION ocr.as_corrected(ocr.pages) IS 'Internal: a page with the text and the layout that a person gave it, where one did';
