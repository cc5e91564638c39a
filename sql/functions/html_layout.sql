-- What ocr_html() draws over a page of a job with option debug: where the machine found blocks and lines, and in which order
-- it takes them. It lies in the pixels of the page, between its picture and its words. Nothing in it is text of the document
-- but the beginnings of blocks, which go through ocr.xml_text().

CREATE OR REPLACE FUNCTION ocr.picture_url(picture bytea) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'data:image/' || CASE WHEN substring(picture FROM 1 FOR 2) = '\xffd8' THEN 'jpeg' ELSE 'png' END
        || ';base64,' || translate(encode(picture, 'base64'), E'\n', '')
$$;
COMMENT ON FUNCTION ocr.picture_url(bytea) IS 'Internal: a page''s picture, a JPEG or PNG file, as a data URL; null for null';

-- Numbers and arrows are drawn in units of a number's radius: they are as large on the screen whatever pixels a page has.
CREATE OR REPLACE FUNCTION ocr.html_layout(layout jsonb, width int, height int, OUT drawing text, OUT list text)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    radius CONSTANT numeric := width / 105.0;
BEGIN
    WITH blocks AS (
        SELECT b.no, (b.block->'box'->>0)::int AS x, (b.block->'box'->>1)::int AS y, (b.block->'box'->>2)::int AS right_edge, (b.block->'box'->>3)::int AS bottom,
               greatest(1, (b.block->'box'->>0)::int / radius - 1) AS number_x, greatest(1, (b.block->'box'->>1)::int / radius + 1) AS number_y,
               l.lines, l.words, l.confidence, l.begins, l.frames, l.points
        FROM jsonb_array_elements(layout->'blocks') WITH ORDINALITY AS b (block, no),
             LATERAL (
                 SELECT count(*) AS lines, coalesce(sum(w.words), 0) AS words, floor(sum(w.confidence) / sum(w.letters)) AS confidence,
                        (array_agg(w.text ORDER BY n.no))[1] AS begins,
                        string_agg('<rect class="line" x="' || n.x || '" y="' || n.y || '" width="' || n.right_edge - n.x || '" height="' || n.bottom - n.y
                                   || '"><title>line ' || n.no || ' of block ' || b.no || ' · ' || coalesce(floor(w.confidence / w.letters) || ' of 100', 'no word')
                                   || E'</title></rect>\n', '' ORDER BY n.no) AS frames,
                        string_agg(n.x || ',' || (n.y + n.bottom) / 2, ' ' ORDER BY n.no) AS points
                 FROM (SELECT l.no, l.line, (l.line->'box'->>0)::int AS x, (l.line->'box'->>1)::int AS y, (l.line->'box'->>2)::int AS right_edge, (l.line->'box'->>3)::int AS bottom
                       FROM jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no)) AS n,
                      LATERAL (SELECT count(*) AS words, nullif(sum(length(w.word->>'text')), 0) AS letters,
                                      sum((w.word->>'confidence')::numeric * length(w.word->>'text')) AS confidence,
                                      string_agg(w.word->>'text', ' ' ORDER BY w.no) AS text
                               FROM jsonb_array_elements(n.line->'words') WITH ORDINALITY AS w (word, no)) AS w) AS l
    ), arrows AS (
        SELECT b.*, lead(b.number_x) OVER o - b.number_x AS across, lead(b.number_y) OVER o - b.number_y AS down
        FROM blocks b WINDOW o AS (ORDER BY b.no)
    ), measured AS (
        SELECT a.*, sqrt(a.across * a.across + a.down * a.down) AS length, round(degrees(atan2(a.down::float8, a.across::float8))::numeric, 1) AS angle FROM arrows a
    )
    SELECT '<svg viewBox="0 0 ' || width || ' ' || height || '" role="img" aria-label="blocks in reading order: ' || count(*) || E'">\n'
           || string_agg('<rect class="block" x="' || m.x || '" y="' || m.y || '" width="' || m.right_edge - m.x || '" height="' || m.bottom - m.y
                         || '"><title>block ' || m.no || ' · ' || m.lines || CASE m.lines WHEN 1 THEN ' line' ELSE ' lines' END || E'</title></rect>\n'
                         || coalesce(m.frames, '') || CASE WHEN m.lines > 1 THEN '<polyline points="' || m.points || E'"/>\n' ELSE '' END, '' ORDER BY m.no)
           || '<g class="order" transform="scale(' || round(radius, 3) || E')">\n'
           || coalesce(string_agg('<path transform="translate(' || round(m.number_x, 2) || ' ' || round(m.number_y, 2) || ') rotate(' || m.angle
                                  || ')" d="M1 0H' || round(m.length - 1, 2) || E'm-.9-.5.9.5-.9.5"/>\n', '' ORDER BY m.no) FILTER (WHERE m.length > 2), '')
           || string_agg('<circle cx="' || round(m.number_x, 2) || '" cy="' || round(m.number_y, 2) || '" r="1"/><text x="' || round(m.number_x, 2)
                         || '" y="' || round(m.number_y + 0.4, 2) || '" font-size="' || CASE WHEN m.no < 100 THEN 1.15 ELSE 0.8 END || '">' || m.no || E'</text>\n', '' ORDER BY m.no)
           || E'</g>\n</svg>\n',
           '<details class="faint"><summary>' || count(*) || CASE count(*) WHEN 1 THEN ' block, ' ELSE ' blocks, ' END || sum(m.lines) || CASE sum(m.lines) WHEN 1 THEN ' line' ELSE ' lines' END
           || ', in reading order'
           || CASE layout->>'lines_by' WHEN 'pg_ocr' THEN '; lines found by pg_ocr' WHEN 'tesseract' THEN '; lines found by Tesseract' ELSE '' END
           || coalesce(': pg_ocr saw that ' || ocr.xml_text(layout->>'doubt'), '') || E'</summary><table><tr><th>block<th>lines<th>words<th>confidence<th>begins</tr>\n'
           || string_agg('<tr><td>' || m.no || '<td>' || m.lines || '<td>' || m.words || '<td>' || coalesce(m.confidence::text, '')
                         || '<td><bdi>' || coalesce(ocr.xml_text(left(m.begins, 40)), '') || E'</bdi></tr>\n', '' ORDER BY m.no) || E'</table></details>\n'
    INTO drawing, list
    FROM measured m HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION ocr.html_layout(jsonb, int, int) IS
'Internal: a layout as a drawing over its page of so many pixels, and as a list of its blocks: their frames and numbers, their lines, and the order as arrows. Null where it has no block';
