-- Tables that were found on the pages. What an engine sends is not trusted to be what it should: numbers are cast, and no
-- more rows and columns are written than an engine gives.

CREATE OR REPLACE FUNCTION ocr.job_with_tables(job_id bigint) RETURNS ocr.jobs
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job CONSTANT ocr.jobs := ocr.visible_job(job_id);
BEGIN
    IF job.tier <> 'accurate' THEN
        RAISE EXCEPTION 'job % was read in tier %, which does not look for tables', job_id, job.tier
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Submit the document with tier => ''accurate''.';
    END IF;
    RETURN job;
END
$$;
COMMENT ON FUNCTION ocr.job_with_tables(bigint) IS
'Internal: a job whose pages were searched for tables; or an error where the caller may not see it, or it is of another tier';

CREATE OR REPLACE FUNCTION ocr.table_rows(table_found jsonb) RETURNS TABLE (row_no int, fields text[])
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT r.no, array_agg(coalesce(cells.text, '') ORDER BY c.no)
    FROM generate_series(1, least(coalesce(($1->>'rows')::int, 0), 2000)) AS r (no)
         CROSS JOIN generate_series(1, least(coalesce(($1->>'columns')::int, 0), 200)) AS c (no)
         LEFT JOIN (SELECT (e.cell->>'row')::int AS row_no, (e.cell->>'column')::int AS column_no, min(e.cell->>'text') AS text
                    FROM jsonb_array_elements($1->'cells') AS e (cell) GROUP BY 1, 2) AS cells
             ON cells.row_no = r.no AND cells.column_no = c.no
    GROUP BY r.no
$$;
COMMENT ON FUNCTION ocr.table_rows(jsonb) IS
'Internal: the rows of a table as texts, one for each column. A cell that stretches over several has its text in the first';

CREATE OR REPLACE FUNCTION @extschema@.ocr_tables(job_id bigint, page int = NULL)
RETURNS TABLE (
    page_no int, table_no int, row_no int, column_no int, row_span int, column_span int, text text, confidence real, box int[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    PERFORM ocr.job_with_tables(job_id);
    RETURN QUERY
        SELECT p.page_no, t.no::int, (c.cell->>'row')::int, (c.cell->>'column')::int, (c.cell->>'row_span')::int,
               (c.cell->>'column_span')::int, c.cell->>'text', (c.cell->>'confidence')::real,
               ARRAY(SELECT e.edge::int FROM jsonb_array_elements(c.cell->'box') WITH ORDINALITY AS e (edge, no) ORDER BY e.no)
        FROM ocr.pages p,
             jsonb_array_elements(CASE WHEN p.corrected_text IS NULL THEN p.layout ELSE p.corrected_layout END->'tables') WITH ORDINALITY AS t (found, no),
             jsonb_array_elements(t.found->'cells') AS c (cell)
        WHERE p.job_id = ocr_tables.job_id AND (page IS NULL OR p.page_no = page)
        ORDER BY 1, 2, 3, 4;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_tables(bigint, int) IS
'The cells of the tables on the pages that are done so far, or on one of them: page by page, table by table from the top, row by row. Empty cells are there as well.
table_no: counted from 1 on each page. row_no, column_no: counted from 1, of a cell''s top left corner. row_span, column_span: over how many rows and columns it stretches.
text: its lines, parted by newlines. confidence: 0 to 100, the mean of its words; null where it is empty. box: left, top, right, bottom in pixels of the page image, whose size is in ocr_pages(); right and bottom are just outside.
A table that goes on on the next page is two tables. On a page that a person has corrected, see ocr_review(), cells have the corrected words.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 55000 for a job of another tier than accurate.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_tables_csv(job_id bigint, page int, table_no int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    PERFORM ocr.job_with_tables(job_id);
    RETURN (
        SELECT string_agg(
                   (SELECT string_agg(CASE WHEN f.field ~ '[",\r\n]' THEN '"' || replace(f.field, '"', '""') || '"' ELSE f.field END,
                                      ',' ORDER BY f.no)
                    FROM unnest(r.fields) WITH ORDINALITY AS f (field, no)) || E'\r\n', '' ORDER BY r.row_no)
        FROM ocr.pages p, ocr.table_rows(CASE WHEN p.corrected_text IS NULL THEN p.layout ELSE p.corrected_layout END->'tables'->(ocr_tables_csv.table_no - 1)) AS r
        WHERE p.job_id = ocr_tables_csv.job_id AND p.page_no = page AND ocr_tables_csv.table_no > 0);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_tables_csv(bigint, int, int) IS
'One table as comma-separated values (RFC 4180): a line for each row, ended by carriage return and newline, with as many fields as the table has columns. A cell that stretches over several has its text in the first. Fields with commas, quotes or newlines are quoted.
table_no: as in ocr_tables(). Null where there is no such table.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 55000 for a job of another tier than accurate.';
