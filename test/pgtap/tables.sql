BEGIN;
SELECT plan(28);
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;

-- Cells as [row, column, row_span, column_span, text], 100 pixels wide and 50 high, in a table that begins at 1000 down.
CREATE FUNCTION pg_temp.table_of(rows int, columns int, cells jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('box', jsonb_build_array(0, 1000, 100 * columns, 1000 + 50 * rows), 'rows', rows, 'columns', columns,
               'cells', jsonb_agg(jsonb_build_object('row', c->0, 'column', c->1, 'row_span', c->2, 'column_span', c->3, 'text', c->4,
                   'confidence', CASE WHEN c->>4 <> '' THEN 91.5 END,
                   'box', jsonb_build_array(100 * (c->>1)::int - 100, 950 + 50 * (c->>0)::int, 100 * (c->>1)::int, 1000 + 50 * (c->>0)::int))
                   ORDER BY no))
    FROM jsonb_array_elements(cells) WITH ORDINALITY AS e (c, no)
$$;
-- A line for each of the words at a height.
CREATE FUNCTION pg_temp.line_at(y int, VARIADIC words text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('box', jsonb_build_array(0, y, 100 * count(*), y + 20), 'confidence', 90, 'words',
               jsonb_agg(jsonb_build_object('text', word, 'confidence', 90, 'box', jsonb_build_array(100 * no - 100, y, 100 * no - 5, y + 20)) ORDER BY no))
    FROM unnest(words) WITH ORDINALITY AS w (word, no)
$$;
CREATE FUNCTION pg_temp.layout_of(lines jsonb, VARIADIC tables jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object('box', '[0, 0, 1000, 2000]'::jsonb, 'lines', lines)),
                              'tables', to_jsonb(tables))
$$;
CREATE FUNCTION pg_temp.job_of(layout jsonb, tier text = 'accurate') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    job bigint := ocr_submit('\x01', tier => tier, options => '{"reuse": false}');
BEGIN
    PERFORM pg_temp.claim(), pg_temp.open(1);
    PERFORM ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'text', 90, layout, 1, 1000, 2000, 300, 0, 5, 'e', NULL, NULL),
            pg_temp.complete() FROM claim;
    RETURN job;
END
$$;

SELECT pg_temp.layout_of(jsonb_build_array(pg_temp.line_at(100, 'Before', 'it.'), pg_temp.line_at(1010, 'Item', 'In'),
                                           pg_temp.line_at(1060, 'Pear', '4|10', 'outside'), pg_temp.line_at(1300, 'After', 'it.')),
                         pg_temp.table_of(2, 2, '[[1, 1, 1, 2, "Item, \"new\"\nIn 2011"], [2, 1, 1, 1, "Pear"], [2, 2, 1, 1, "4|10"]]'),
                         pg_temp.table_of(1, 1, '[[1, 1, 1, 1, ""]]')) AS layout \gset
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x01', tier => 'accurate') AS job \gset
SELECT is_empty('SELECT * FROM ocr_tables(' || :job || ')', 'before a page is done there are no tables');
RESET ROLE;
SELECT pg_temp.claim(), pg_temp.open(2) \g /dev/null
SELECT ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'text', 90, :'layout', 1, 1000, 2000, 300, 0, 5, 'e', NULL, NULL) FROM claim \g /dev/null
SELECT pg_temp.read(2), pg_temp.complete() \g /dev/null
SET ROLE ocr_test_alice;
SELECT results_eq('SELECT page_no, table_no, row_no, column_no, row_span, column_span, text, confidence, box::text FROM ocr_tables(' || :job || ')',
    $$VALUES (1, 1, 1, 1, 1, 2, E'Item, "new"\nIn 2011', 91.5::real, '{0,1000,100,1050}'),
             (1, 1, 2, 1, 1, 1, 'Pear', 91.5, '{0,1050,100,1100}'),
             (1, 1, 2, 2, 1, 1, '4|10', 91.5, '{100,1050,200,1100}'),
             (1, 2, 1, 1, 1, 1, '', NULL, '{0,1000,100,1050}')$$, 'cells come table by table, row by row');
SELECT is((SELECT count(*) FROM ocr_tables(:job, 1)), 4::bigint, 'also of one page');
SELECT is_empty('SELECT * FROM ocr_tables(' || :job || ', 2)', 'which may have none');
SELECT is(ocr_tables_csv(:job, 1, 1), E'"Item, ""new""\nIn 2011",\r\nPear,4|10\r\n', 'CSV has a field for each column, quoted where it needs to be');
SELECT is(ocr_tables_csv(:job, 1, 2), E'\r\n', 'and an empty line for an empty row');
SELECT ok(ocr_tables_csv(:job, 1, 3) IS NULL AND ocr_tables_csv(:job, 1, 0) IS NULL AND ocr_tables_csv(:job, 1, -1) IS NULL
          AND ocr_tables_csv(:job, 2, 1) IS NULL AND ocr_tables_csv(:job, 9, 1) IS NULL AND ocr_tables_csv(:job, 1, NULL) IS NULL,
          'and there is none of a table that is not there');
SELECT is(ocr_markdown(:job, 1), E'<!-- page 1 -->\n\nBefore it.\n\n| Item, "new" In 2011 |  |\n| --- | --- |\n| Pear | 4\\|10 |\n\n|  |\n| --- |\n\noutside\n\nAfter it.\n',
          'Markdown has the table where its words were, and the other words of their lines');
SELECT is(ocr_json(:job)::jsonb #> '{pages,0,tables,0,cells,2,text}', '"4|10"', 'JSON has tables');
SELECT is(ocr_json(:job)::jsonb #> '{pages,1,tables}', '[]', 'and none where there are none');
RESET ROLE;

SET ROLE ocr_test_bob;
SELECT throws_ok('SELECT * FROM ocr_tables(' || :job || ')', '42704', NULL, 'a stranger''s tables are not to be seen');
SELECT throws_ok('SELECT ocr_tables_csv(' || :job || ', 1, 1)', '42704', NULL, 'nor as CSV');
RESET ROLE;

SELECT pg_temp.job_of('{"blocks": []}', 'balanced') AS balanced \gset
SELECT pg_temp.job_of(NULL, 'fast') AS fast \gset
SELECT throws_ok('SELECT * FROM ocr_tables(' || :balanced || ')', '55000', 'job ' || :balanced || ' was read in tier balanced, which does not look for tables',
                 'only tier accurate looks for tables');
SELECT throws_ok('SELECT ocr_tables_csv(' || :fast || ', 1, 1)', '55000', NULL, 'also for CSV');
SELECT is(ocr_json(:balanced)::jsonb #> '{pages,0,tables}', 'null', 'JSON of another tier says nothing of tables');
SELECT throws_ok('SELECT * FROM ocr_tables(0)', '42704', NULL, 'there is no such job');
SELECT is_empty('SELECT * FROM ocr_tables(' || pg_temp.job_of('{"blocks": []}') || ')', 'a page without tables has none');

-- What an engine sends that is not what it should be.
SELECT pg_temp.job_of('{"blocks": [], "tables": [{"box": [0, 0, 1, 1], "rows": 2000000000, "columns": 2, "cells": []}]}') AS endless \gset
SELECT is(length(ocr_tables_csv(:endless, 1, 1)), 6000, 'no more rows are written than an engine gives');
SELECT pg_temp.job_of('{"blocks": [], "tables": [{"box": [0, 0, 1, 1], "rows": 1, "columns": 1, "cells": [{"row": "x"}]}]}') AS wrong \gset
SELECT throws_ok('SELECT * FROM ocr_tables(' || :wrong || ')', '22P02', NULL, 'what is no number is an error');
SELECT pg_temp.job_of('{"blocks": [], "tables": [{"box": [0, 0, 9, 9], "rows": 1, "columns": 1, "cells": [{"row": 1, "column": 1, "text": "a"}, {"row": 1, "column": 1, "text": "b"}]}]}') AS twice \gset
SELECT is(ocr_tables_csv(:twice, 1, 1), E'a\r\n', 'two cells in one place are one');
SELECT is(ocr_markdown(:twice), E'<!-- page 1 -->\n\n| a |\n| --- |\n', 'a table without words in the blocks is there');

-- Where a person has corrected the page, cells have the corrected words; those that were left alone stay as they were.
SELECT pg_temp.job_of(:'layout') AS corrected \gset
SELECT ocr_review(:corrected, 1, 'approved', E'Before it.\nItem In\nGreen apple 4|10 outside\nAfter that.') \g /dev/null
SELECT results_eq(format('SELECT table_no, row_no, column_no, text, confidence FROM ocr_tables(%s)', :corrected),
    $$VALUES (1, 1, 1, E'Item, "new"\nIn 2011', 91.5::real), (1, 2, 1, 'Green apple', 100), (1, 2, 2, '4|10', 91.5), (2, 1, 1, '', NULL)$$, 'corrected words are in their cells');
SELECT is(ocr_tables_csv(:corrected, 1, 1), E'"Item, ""new""\nIn 2011",\r\nGreen apple,4|10\r\n', 'in CSV');
SELECT matches(ocr_markdown(:corrected), 'Before it.*\| Green apple \| 4.*After that', 'in Markdown');
SELECT is((SELECT count(*) FROM regexp_matches(ocr_html(:corrected), '<div class="t"', 'g')), 2::bigint, 'in HTML tables are outlined still');
SELECT is((SELECT p #>> '{tables,0,cells,1,text}' FROM jsonb_array_elements(ocr_json(:corrected)::jsonb->'pages') AS p), 'Pear', 'JSON has what the machine read');
SELECT ocr_review(:corrected, 1, 'approved', E'Before it.\nItem In\n4|10 outside\nAfter that.') \g /dev/null
SELECT is((SELECT text FROM ocr_tables(:corrected) WHERE table_no = 1 AND row_no = 2 AND column_no = 1), '', 'a word that a person took away is in no cell');
SELECT ocr_review(:corrected, 1, 'approved', '') \g /dev/null
SELECT is((SELECT count(*) FROM ocr_tables(:corrected)), 0::bigint, 'where nothing is on the page there is no table');

SELECT * FROM finish();
ROLLBACK;
