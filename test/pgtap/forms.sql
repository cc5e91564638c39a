BEGIN;
SELECT plan(58);
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;

-- A page of lines, each [left, top, right, bottom, confidence, text], in blocks; a line's words have its height.
CREATE FUNCTION pg_temp.layout_of(blocks jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('blocks', jsonb_agg(jsonb_build_object(
               'box', (SELECT jsonb_build_array(min((l->>0)::int), min((l->>1)::int), max((l->>2)::int), max((l->>3)::int))
                       FROM jsonb_array_elements(block) AS l),
               'lines', (SELECT jsonb_agg(jsonb_build_object('box', jsonb_build_array(l->0, l->1, l->2, l->3), 'confidence', l->4,
                                   'words', (SELECT jsonb_agg(jsonb_build_object('text', w, 'confidence', l->4,
                                                                                 'box', jsonb_build_array(l->0, l->1, l->2, l->3)))
                                             FROM string_to_table(l->>5, ' ') AS w)) ORDER BY no)
                         FROM jsonb_array_elements(block) WITH ORDINALITY AS lines (l, no))) ORDER BY b.no))
    FROM jsonb_array_elements(blocks) WITH ORDINALITY AS b (block, no)
$$;
CREATE FUNCTION pg_temp.job_of(layout jsonb, text text = 'text', tier text = 'balanced') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    job bigint := ocr_submit('\x01', tier => tier, options => '{"reuse": false}');
BEGIN
    PERFORM pg_temp.claim(), pg_temp.open(1);
    PERFORM ocr.record_page(task_id, fence, 1, 'read', 'ocr', text, 90, layout, 1, 1000, 2000, 300, 0, 5, 'e', NULL, NULL),
            pg_temp.complete() FROM claim;
    RETURN job;
END
$$;
-- Lines close to each other in one block, 1000 pixels wide but where a width follows a |, 20 high but where they begin
-- with * (28) or ** (45).
CREATE FUNCTION pg_temp.block_of(VARIADIC lines text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_array(0, no * 22, coalesce(nullif(split_part(line, '|', 2), '')::int, 1000),
                                       no * 22 + CASE WHEN line LIKE '**%' THEN 45 WHEN line LIKE '*%' THEN 28 ELSE 20 END, 90,
                                       ltrim(split_part(line, '|', 1), '*')) ORDER BY no)
    FROM unnest(lines) WITH ORDINALITY AS l (line, no)
$$;
CREATE FUNCTION pg_temp.markdown_of(layout jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    job CONSTANT bigint := pg_temp.job_of(layout);
BEGIN
    RETURN regexp_replace(ocr_markdown(job), '^<!-- page 1 -->\n\n', '');
END
$$;
CREATE FUNCTION pg_temp.markdown_of(VARIADIC lines text[]) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.markdown_of(pg_temp.layout_of(jsonb_build_array(pg_temp.block_of(VARIADIC lines))))
$$;

-- Two pages read, one skipped, one failed.
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x01', metadata => '{"n": 1}') AS job \gset
RESET ROLE;
SET ROLE ocr_test_alice;
SELECT ok(ocr_json(:job) IS NULL AND ocr_hocr(:job) IS NULL AND ocr_alto(:job) IS NULL AND ocr_tsv(:job) IS NULL AND ocr_markdown(:job) IS NULL,
          'before a page is done there is nothing');
RESET ROLE;
SELECT pg_temp.claim(), pg_temp.open(4), pg_temp.read(1), pg_temp.read(2), pg_temp.lose(3, 'skipped', 'no_text_layer', 'none') \g /dev/null
SELECT is(jsonb_path_query_array(ocr_json(:job)::jsonb, '$.pages[*].page_no'), '[1, 2, 3]', 'then there are the pages that are done, while the job goes on');
SELECT pg_temp.lose(4), pg_temp.complete() \g /dev/null

SELECT is(ocr_json(:job)::jsonb - 'pages', '{"job_id": 0, "status": "completed", "verdict": "rejected", "confidence": 95, "language": "eng",
          "worst_page": 4, "tier": "balanced", "pages_total": 4, "metadata": {"n": 1}}'::jsonb || jsonb_build_object('job_id', :job), 'JSON says what job it is');
SELECT is(ocr_json(:job, 2)::jsonb->'pages'->0, (SELECT to_jsonb(p) - '{words,elapsed_ms,read_at}'::text[] FROM ocr_pages(:job) p WHERE page_no = 2)
          || jsonb_build_object('blocks', (SELECT layout->'blocks' FROM ocr.pages WHERE job_id = :job AND page_no = 2)),
          'a page in JSON is what ocr_pages() says of it, and its layout');
SELECT is(jsonb_path_query_array(ocr_json(:job)::jsonb, '$.pages[*].status'), '["read", "read", "skipped", "failed"]', 'JSON has pages that were not read');
SELECT is(ocr_json(:job)::jsonb #> '{pages,3,error}', '"torn"', 'and why');
SELECT is((SELECT count(*) FROM regexp_matches(ocr_hocr(:job), 'class="ocr_page"', 'g')), 4::bigint, 'so has hOCR');
SELECT is((SELECT count(*) FROM regexp_matches(ocr_alto(:job), '<Page ', 'g')), 4::bigint, 'so has ALTO');
SELECT is((SELECT count(*) FROM regexp_matches(ocr_tsv(:job), '^1\t', 'gn')), 4::bigint, 'so have tab-separated values');
SELECT is(ocr_markdown(:job), E'<!-- page 1 -->\n\ntwo words\n\n<!-- page 2 -->\n\ntwo words\n\n<!-- page 3: skipped, no_text_layer -->\n\n<!-- page 4: failed, page_damaged -->\n',
          'and Markdown says so');
SELECT is(ocr_tsv(:job, 1), replace($$level page_num block_num par_num line_num word_num left top width height conf text
1 1 0 0 0 0 0 0 100 200 -1 
2 1 1 0 0 0 10 20 80 20 -1 
3 1 1 1 0 0 10 20 80 20 -1 
4 1 1 1 1 0 10 20 80 20 -1 
5 1 1 1 1 1 10 20 30 20 97 two
5 1 1 1 1 2 50 21 40 18 93 words
$$, ' ', E'\t'), 'one page as tab-separated values');
SELECT is((xpath('//h:span[@class="ocrx_word"]/@title', ocr_hocr(:job, 2)::xml, ARRAY[ARRAY['h', 'http://www.w3.org/1999/xhtml']]))::text[],
          ARRAY['bbox 10 20 40 40; x_wconf 97', 'bbox 50 21 90 39; x_wconf 93'], 'words in hOCR');
SELECT is((xpath('//h:div[@class="ocr_page"]/@title', ocr_hocr(:job, 2)::xml, ARRAY[ARRAY['h', 'http://www.w3.org/1999/xhtml']]))[1]::text,
          'bbox 0 0 100 200; ppageno 1; scan_res 300 300', 'a page in hOCR');
SELECT is((xpath(format('//a:String[2]/@%s', attribute), ocr_alto(:job, 2)::xml, ARRAY[ARRAY['a', 'http://www.loc.gov/standards/alto/ns-v4#']]))[1]::text,
          value, 'a word''s ' || attribute || ' in ALTO')
FROM (VALUES ('HPOS', '50'), ('VPOS', '21'), ('WIDTH', '40'), ('HEIGHT', '18'), ('WC', '0.930'), ('CONTENT', 'words')) AS a (attribute, value);
SELECT ok(ocr_json(:job, 5) IS NULL AND ocr_hocr(:job, 5) IS NULL AND ocr_alto(:job, 5) IS NULL AND ocr_tsv(:job, 5) IS NULL
          AND ocr_markdown(:job, 5) IS NULL, 'of a page that is not there, there is nothing');

-- Whose it is, and calls that cannot be answered.
SET ROLE ocr_test_bob;
SELECT throws_ok(format('SELECT %s(%s)', form, :job), '42704', format('job %s does not exist', :job), form || ' is not for others')
FROM unnest(ARRAY['ocr_json', 'ocr_hocr', 'ocr_alto', 'ocr_tsv', 'ocr_markdown']) AS form;
RESET ROLE;
SELECT throws_ok(format('SELECT %s(NULL)', form), '22004', 'job_id must not be NULL', form || ' wants a job')
FROM unnest(ARRAY['ocr_json', 'ocr_hocr', 'ocr_alto', 'ocr_tsv', 'ocr_markdown']) AS form;
SELECT pg_temp.job_of(NULL, E'a first line that is long enough\nand a second one that is as long\n\n- x\n', 'fast') AS fast \gset
SELECT throws_ok(format('SELECT %s(%s)', form, :fast), '55000', format('job %s was read in tier fast, which keeps no boxes', :fast), form || ' needs boxes')
FROM unnest(ARRAY['ocr_hocr', 'ocr_alto', 'ocr_tsv']) AS form;
SELECT is(ocr_json(:fast)::jsonb #> '{pages,0,blocks}', 'null', 'JSON of a job without boxes says so');
SELECT is(ocr_markdown(:fast), E'<!-- page 1 -->\n\na first line that is long enough and a second one that is as long\n\n- x\n', 'its Markdown comes from its text');
UPDATE ocr.pages SET words = 300000 WHERE job_id = :job;
SELECT throws_ok(format('SELECT %s(%s)', form, :job), '54000', NULL, form || ' does not try to make one value of a million words')
FROM unnest(ARRAY['ocr_json', 'ocr_hocr', 'ocr_alto', 'ocr_tsv', 'ocr_markdown']) AS form;
SELECT ok(ocr_hocr(:job, 1) IS NOT NULL, 'but gives it page by page');

-- What means something elsewhere.
SELECT pg_temp.job_of(pg_temp.layout_of(jsonb_build_array(jsonb_build_array(jsonb_build_array(0, 0, 10, 10, 50,
    E'<b>&amp;"''</b> a\tb\vc\x01\x1f\u000bd v # \ufffe')))), 'x') AS hostile \gset
SELECT is(array_to_string(xpath('//h:span[@class="ocrx_word"]/text()', ocr_hocr(:hostile)::xml, ARRAY[ARRAY['h', 'http://www.w3.org/1999/xhtml']]), ' '),
          E'&lt;b&gt;&amp;amp;"''&lt;/b&gt; a\tbvcd v #', 'hOCR is XML whatever was read');
SELECT is(array_to_string(xpath('//a:String/@CONTENT', ocr_alto(:hostile)::xml, ARRAY[ARRAY['a', 'http://www.loc.gov/standards/alto/ns-v4#']]), ' '),
          '&lt;b&gt;&amp;amp;"''&lt;/b&gt; a bvcd v # ', 'so is ALTO');
SELECT is((SELECT array_agg(DISTINCT cardinality(string_to_array(line, E'\t'))) FROM string_to_table(rtrim(ocr_tsv(:hostile), E'\n'), E'\n') AS line),
          ARRAY[12], 'each line of tab-separated values has its 12 columns');
UPDATE ocr.pages SET layout = jsonb_set(layout, '{blocks,0,lines,0,words,0,box,0}', '"\"><script>"') WHERE job_id = :hostile;
SELECT throws_ok(format('SELECT %s(%s)', form, :hostile), '22P02', NULL, form || ' writes no box that is none')
FROM unnest(ARRAY['ocr_hocr', 'ocr_alto', 'ocr_tsv']) AS form;

SELECT pg_temp.job_of(NULL, E'one\r# two\n\n\t- three\n\n\x0b\x01\n', 'fast') AS controls \gset
SELECT is(ocr_markdown(:controls), E'<!-- page 1 -->\n\none # two\n\n- three\n',
          'Markdown of tier fast has no lines or indents but its own');
UPDATE ocr.jobs SET uri = 'https://host/scan.pdf?X-Amz-Signature=SESAME&x', store = 'host' WHERE id = :job;
SELECT is((xpath('//a:fileName/text()', ocr_alto(:job, 1)::xml, ARRAY[ARRAY['a', 'http://www.loc.gov/standards/alto/ns-v4#']]))[1]::text,
          'https://host/scan.pdf', 'ALTO does not tell what a presigned URL opens');

-- Markdown: paragraphs, headings, lists.
SELECT is(pg_temp.markdown_of('one line of a para-', 'graph and the next Anglo-', 'Saxon one'), E'one line of a paragraph and the next Anglo-Saxon one\n', 'lines are joined, and hyphenated words');
SELECT is(pg_temp.markdown_of('**The Title', 'its text goes on and on', 'and on', '*A Section of', '*two lines', 'and text that is more than that'),
          E'# The Title\n\nits text goes on and on and on\n\n### A Section of two lines\n\nand text that is more than that\n', 'higher lines are headings');
SELECT is(pg_temp.markdown_of('**the noise of a picture, that is high', 'its text goes on and on', 'and on and on and on'),
          E'the noise of a picture, that is high its text goes on and on and on and on and on\n', 'what begins like no heading is none');
SELECT is(pg_temp.markdown_of('• first', '• second that goes', 'on'), E'- first\n- second that goes on\n', 'bullets make a list');
SELECT is(pg_temp.markdown_of('1. one', '2. # two', '3) three'), E'1. one\n2. \\# two\n3) three\n', 'so do numbers');
SELECT is(pg_temp.markdown_of('it was in', '1948. Then - as', '- dashes go - it ended'), E'it was in 1948. Then - as - dashes go - it ended\n', 'in a sentence they do not');
SELECT is(pg_temp.markdown_of('Ms Jane Doe|300', '12 Long Street|320', 'Springfield 12345, Some State, USA', '- Attn: x|200', 'b|100'),
          E'Ms Jane Doe\\\n12 Long Street\\\nSpringfield 12345, Some State, USA\n\n- Attn: x\\\nb\n', 'an address keeps its lines');
SELECT is(pg_temp.markdown_of('The end.|300', 'A new paragraph begins here and', 'goes on'), E'The end.\n\nA new paragraph begins here and goes on\n', 'a line that ends early ends a paragraph');
SELECT is(pg_temp.markdown_of(pg_temp.layout_of('[[[0,0,10,20,90,"# *a* _b_ `c` [d](e) <f> &amp; g|h ~i~ \\j"]],[[0,50,10,70,90,"1. x"],[0,80,10,100,90,"+ y"]],[[0,150,10,170,90,"--- z"]]]')),
          E'\\# \\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) \\<f> \\&amp; g\\|h \\~i\\~ \\\\j\n\n1. x + y\n\n\\--- z\n', 'what means something is escaped');

SELECT * FROM finish();
ROLLBACK;
