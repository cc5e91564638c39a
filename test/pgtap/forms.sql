BEGIN;
SELECT plan(76);
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
          || jsonb_build_object('blocks', (SELECT layout->'blocks' FROM ocr.pages WHERE job_id = :job AND page_no = 2), 'corrected_blocks', NULL, 'tables', NULL),
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
UPDATE ocr.pages SET words = 1 WHERE job_id = :job;

-- What means something elsewhere.
SELECT pg_temp.job_of(pg_temp.layout_of(jsonb_build_array(jsonb_build_array(jsonb_build_array(0, 0, 10, 10, 50,
    E'<b>&amp;"''</b> a\tb\vc\x01\x1f\u000bd v # \ufffe\uffff')))), 'x') AS hostile \gset
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

-- Every box is another, so that none can stand for another.
SELECT pg_temp.job_of('{"blocks": [{"box": [11, 22, 933, 944], "lines": [
    {"box": [12, 23, 834, 145], "confidence": 95, "words": [{"box": [13, 24, 135, 146], "text": "one", "confidence": 97.25}, {"box": [214, 25, 336, 147], "text": "two", "confidence": 3}]},
    {"box": [16, 227, 738, 349], "confidence": 95, "words": [{"box": [17, 228, 139, 350], "text": "three", "confidence": 100}]}]}]}') AS boxes \gset
UPDATE ocr.jobs SET uri = 's3://b/R&D <1>', store = 's3' WHERE id = :boxes;
SELECT is(substring(ocr_alto(:boxes) FROM '<sourceImage.*<processingCategory>'), '<sourceImageInformation><fileName>s3://b/R&amp;D &lt;1&gt;</fileName></sourceImageInformation>
<Processing ID="pg_ocr"><processingCategory>', 'ALTO says which document it was');
SELECT is(substring(ocr_alto(:boxes) FROM '<Page.*</Page>'), '<Page ID="page_1" PHYSICAL_IMG_NR="1" WIDTH="1000" HEIGHT="2000" PC="0.9000" PROCESSINGREFS="pg_ocr">
<PrintSpace HPOS="0" VPOS="0" WIDTH="1000" HEIGHT="2000">
<TextBlock ID="block_1_1" HPOS="11" VPOS="22" WIDTH="922" HEIGHT="922">
<TextLine ID="line_1_1_1" HPOS="12" VPOS="23" WIDTH="822" HEIGHT="122"><String ID="word_1_1_1_1" HPOS="13" VPOS="24" WIDTH="122" HEIGHT="122" WC="0.973" CONTENT="one"/><SP/><String ID="word_1_1_1_2" HPOS="214" VPOS="25" WIDTH="122" HEIGHT="122" WC="0.030" CONTENT="two"/></TextLine>
<TextLine ID="line_1_1_2" HPOS="16" VPOS="227" WIDTH="722" HEIGHT="122"><String ID="word_1_1_2_1" HPOS="17" VPOS="228" WIDTH="122" HEIGHT="122" WC="1.000" CONTENT="three"/></TextLine>
</TextBlock>
</PrintSpace>
</Page>', 'and where all of it is');
SELECT is(substring(ocr_hocr(:boxes) FROM '<div.*</div>'), '<div class="ocr_page" id="page_1" title="bbox 0 0 1000 2000; ppageno 0; scan_res 300 300">
<div class="ocr_carea" id="block_1_1" title="bbox 11 22 933 944">
<p class="ocr_par" id="par_1_1" title="bbox 11 22 933 944">
<span class="ocr_line" id="line_1_1_1" title="bbox 12 23 834 145"><span class="ocrx_word" id="word_1_1_1_1" title="bbox 13 24 135 146; x_wconf 97">one</span> <span class="ocrx_word" id="word_1_1_1_2" title="bbox 214 25 336 147; x_wconf 3">two</span></span>
<span class="ocr_line" id="line_1_1_2" title="bbox 16 227 738 349"><span class="ocrx_word" id="word_1_1_2_1" title="bbox 17 228 139 350; x_wconf 100">three</span></span>
</p>
</div>
</div>', 'so does hOCR');
SELECT is(ocr_tsv(:boxes), replace($$level page_num block_num par_num line_num word_num left top width height conf text
1 1 0 0 0 0 0 0 1000 2000 -1 
2 1 1 0 0 0 11 22 922 922 -1 
3 1 1 1 0 0 11 22 922 922 -1 
4 1 1 1 1 0 12 23 822 122 -1 
5 1 1 1 1 1 13 24 122 122 97.25 one
5 1 1 1 1 2 214 25 122 122 3 two
4 1 1 1 2 0 16 227 722 122 -1 
5 1 1 1 2 1 17 228 122 122 100 three
$$, ' ', E'\t'), 'so do tab-separated values');
SELECT is((SELECT array_agg((m[1])::int) FROM regexp_matches(form, '(?:\n1\t|id="page_|ID="page_|<!-- page |"page_no" : )([0-9])', 'g') AS m), '{1,2,3,4}', 'pages are in their order')
FROM (VALUES (ocr_tsv(:job)), (ocr_hocr(:job)), (ocr_alto(:job)), (ocr_markdown(:job)), (ocr_json(:job)::text)) AS f (form);

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
SELECT is(pg_temp.markdown_of('1948. was a year'), E'1948\\. was a year\n', 'also a number that begins no list');
SELECT is(pg_temp.markdown_of('**Visual C##', 'its text goes on and on and on'), E'# Visual C\\##\n\nits text goes on and on and on\n', 'and what would end a heading');
SELECT is(pg_temp.markdown_of('Ms Jane|300', '# 12 Street|320', '> x, USA|310', 'Springfield 12345, Some State, USA'), E'Ms Jane\\\n\\# 12 Street\\\n\\> x, USA\\\nSpringfield 12345, Some State, USA\n',
          'in each line that is kept');
UPDATE ocr.pages SET error_code = '--><script>' WHERE job_id = :job AND page_no = 4;
SELECT is(ocr_markdown(:job, 4), E'<!-- page 4: failed, script -->\n', 'a comment ends where it does');
SELECT is(pg_temp.markdown_of(pg_temp.layout_of('[[[0,0,900,34,90,"Level Two"],[0,40,900,68,90,"Level Three"],[0,75,900,105,40,"Level Noise"],[0,120,900,140,90,"text that is long enough to be the body of it all, and more"]]]')),
          E'## Level Two\n\n### Level Three\n\nLevel Noise text that is long enough to be the body of it all, and more\n', 'a heading has its level, and is sure');
SELECT is(pg_temp.markdown_of('**High but a sentence.', 'its text goes on and on and on'), E'High but a sentence. its text goes on and on and on\n', 'what ends like a sentence is none');
SELECT is(pg_temp.markdown_of('**One', '**Two', '**Three', '**Four', 'a long line of text that is the body of this page, as it has the most letters of all of its lines',
                              'and another long line of text that is the body of this page, as it has the most letters of all'),
          E'One Two Three Four a long line of text that is the body of this page, as it has the most letters of all of its lines and another long line of text that is the body of this page, as it has the most letters of all\n',
          'more than three lines are none, nor are they the body');
SELECT is(pg_temp.markdown_of(pg_temp.layout_of('[[[0,0,900,20,90,"a line of"],[0,22,900,42,90,"one paragraph"],[0,80,900,100,90,"and after a gap"],[0,102,900,122,90,"another one."],[60,124,900,144,90,"Indented it"],[0,146,900,166,90,"begins anew"]]]')),
          E'a line of one paragraph\n\nand after a gap another one.\n\nIndented it begins anew\n', 'a gap ends a paragraph, and so does an indented line');
SELECT is(pg_temp.markdown_of(pg_temp.layout_of('[[[0,0,400,20,90,"A column ends in the"],[0,22,400,42,90,"middle of what it"]],[[500,0,900,20,90,"says, and goes on in"],[500,22,900,42,90,"the next one."]],[[0,100,400,120,90,"Not so here"]]]')),
          E'A column ends in the middle of what it says, and goes on in the next one.\n\nNot so here\n', 'a sentence goes on in the next block');

SELECT * FROM finish();
ROLLBACK;
