-- Option debug: what is kept with it and what is not without it, and what ocr_html() draws, of whatever a page says.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE FUNCTION pg_temp.record_picture(page int, picture bytea, layout jsonb) RETURNS boolean LANGUAGE sql AS $$
    SELECT ocr.record_page(task_id, fence, page, 'read', 'ocr', 'text', 60, layout, 3, 1050, 1800, 300, 0, 5, 'e', NULL, NULL, picture => picture) FROM claim
$$;
CREATE FUNCTION pg_temp.word(x int, y int, text text, confidence numeric) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('box', jsonb_build_array(x, y, x + 50, y + 20), 'text', text, 'confidence', confidence)
$$;
CREATE FUNCTION pg_temp.line(x int, y int, VARIADIC words jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('box', jsonb_build_array(x, y, x + 100, y + 20), 'confidence', 90, 'words', to_jsonb(words))
$$;
CREATE FUNCTION pg_temp.block(x int, y int, VARIADIC lines jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('box', jsonb_build_array(x, y, x + 100, y + 60), 'lines', to_jsonb(lines))
$$;
-- Two columns, the right one read first.
CREATE TEMP TABLE page AS SELECT jsonb_build_object('blocks', jsonb_build_array(
    pg_temp.block(500, 100, pg_temp.line(500, 100, pg_temp.word(500, 100, '</svg><script>alert(1)</script>', 30), pg_temp.word(550, 100, '" onload="x', 95.7)),
                            pg_temp.line(500, 140, pg_temp.word(500, 140, '</title><b id=boo>', 80))),
    pg_temp.block(200, 100, pg_temp.line(200, 100, pg_temp.word(200, 100, '&amp;', 92))))) AS layout;
CREATE FUNCTION pg_temp.has(html text, part text, what text) RETURNS text LANGUAGE sql AS $$ SELECT ok(position(part IN html) > 0, what) $$;
CREATE FUNCTION pg_temp.has_not(html text, part text, what text) RETURNS text LANGUAGE sql AS $$ SELECT ok(position(part IN html) = 0, what) $$;
\set png '\\x89504e470d0a1a0a00'
\set jpeg '\\xffd8ffe000'

-- Without it, nothing is kept and nothing is drawn.
SELECT ocr_submit('\x01') AS plain, ocr_submit('\x02', options => '{"debug": false}') AS not_asked \gset
SELECT pg_temp.claim() \g /dev/null
SELECT is(debug, false, 'a worker is not asked to') FROM claim;
SELECT pg_temp.open(1), pg_temp.record_picture(1, :'png', layout), pg_temp.complete() FROM page \g /dev/null
SELECT is((SELECT picture FROM ocr.pages WHERE job_id = :plain), NULL, 'no picture is kept, whatever an engine sends');
SELECT ocr_html(:plain) AS html \gset
SELECT pg_temp.has_not(:'html', part, 'not drawn: ' || part) FROM unnest(ARRAY['<svg', 'class="layout"', 'data-do="layout"', '90 and above', 'in reading order', ' title="&amp;']) AS part;
SELECT pg_temp.has(:'html', 'was not kept', 'and the page has no image');
SELECT pg_temp.claim() \g /dev/null
SELECT is(debug, false, 'nor where it says not to') FROM claim;
SELECT pg_temp.open(1), pg_temp.record_picture(1, :'png', layout), pg_temp.complete() FROM page \g /dev/null
SELECT is((SELECT picture FROM ocr.pages WHERE job_id = :not_asked), NULL, 'false is false');

-- With it.
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x01', options => '{"debug": true}') AS job \gset
RESET ROLE;
SELECT pg_temp.claim() \g /dev/null
SELECT is(debug, true, 'the worker is asked to') FROM claim;
SELECT pg_temp.open(4), pg_temp.record_picture(1, :'png', layout), pg_temp.record_picture(2, :'jpeg', '{"blocks": []}'), pg_temp.record_picture(3, NULL, layout), pg_temp.lose(4), pg_temp.complete() FROM page \g /dev/null
SELECT is((SELECT picture FROM ocr.pages WHERE job_id = :job AND page_no = 1), :'png'::bytea, 'the picture is kept');
SELECT is((SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'ocr.pages'::regclass AND attname = 'picture'), 'e', 'as it is, not compressed once more');
SELECT ocr_html(:job) AS html \gset
SELECT pg_temp.has(:'html', '<img alt="" src="data:image/png;base64,' || encode(:'png', 'base64') || '">', 'a page shows its picture');
SELECT pg_temp.has(:'html', '<img alt="" src="data:image/jpeg;base64,' || encode(:'jpeg', 'base64') || '">', 'a JPEG is one');
SELECT is((SELECT count(*) FROM regexp_matches(:'html', '<img ', 'g')), 2::bigint, 'a page without one has none');
SELECT is((SELECT count(*) FROM regexp_matches(:'html', 'No image: ', 'g')), 1::bigint, 'and says why');
SELECT pg_temp.has(ocr_html(:job, 4), 'page failed: torn', 'a failed page says why it failed');
SELECT is((SELECT count(*) FROM regexp_matches(:'html', '<svg ', 'g')), 2::bigint, 'each page with blocks has its drawing');
SELECT ocr_html(:job, 1) AS html \gset
SELECT pg_temp.has(:'html', '2 blocks, 3 lines, in reading order</summary>', 'a layout does not have to say who found its lines');
SELECT pg_temp.has((ocr.html_layout(layout || said, 1050, 1800)).list, 'in reading order' || shown || '</summary>', 'whose layout it is: ' || shown)
FROM page, (VALUES ('{"lines_by": "pg_ocr"}'::jsonb, '; lines found by pg_ocr'), ('{"lines_by": "tesseract"}', '; lines found by Tesseract'),
                   ('{"lines_by": "tesseract", "doubt": "it is <b>"}', '; lines found by Tesseract: pg_ocr saw that it is &lt;b&gt;')) AS says (said, shown);
SELECT substring(:'html' FROM '<svg.*</svg>') AS svg \gset
SELECT lives_ok(format('SELECT xmlparse(CONTENT %L)', :'svg'), 'which is well-formed');
SELECT pg_temp.has(:'svg', 'viewBox="0 0 1050 1800"', 'in pixels of the page');
SELECT pg_temp.has(:'svg', '<rect class="block" x="500" y="100" width="100" height="60"><title>block 1 · 2 lines</title>', 'the frame of a block');
SELECT pg_temp.has(:'svg', '<rect class="line" x="500" y="140" width="100" height="20"><title>line 2 of block 1 · 80 of 100</title>', 'and of a line');
-- 30 with 31 letters, 95.7 with 11.
SELECT pg_temp.has(:'svg', '<title>line 1 of block 1 · 47 of 100</title>', 'whose confidence is that of its words, by their length');
SELECT pg_temp.has(:'svg', '<polyline points="500,110 500,150"/>', 'lines in their order');
SELECT is((SELECT string_agg(m[1], ' ' ORDER BY no) FROM regexp_matches(:'svg', '<text[^>]*>(\d+)</text>', 'g') WITH ORDINALITY AS f (m, no)), '1 2', 'blocks have numbers');
-- The number's radius is 10 pixels, and the unit: from 49, 11 to 19, 11.
SELECT is((SELECT array_agg(m[1] || m[2]) FROM regexp_matches(:'svg', '<path transform="([^"]*)" d="([^m]*)m', 'g') AS m), '{"translate(49.00 11.00) rotate(180.0)M1 0H29.00"}', 'an arrow leads from each to the next');
SELECT pg_temp.has(:'html', '<tr><td>2<td>1<td>1<td>92<td><bdi>&amp;amp;</bdi></tr>', 'blocks are in a list as well');
SELECT pg_temp.has(:'html', ' title="&amp;amp; · 92 of 100"', 'a word''s title says what it is and how sure');
SELECT pg_temp.has(:'html', ' title="&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt; · 30 of 100"', 'escaped');
SELECT pg_temp.has(:'html', part, 'the legend and the tools: ' || part) FROM unnest(ARRAY['<html lang="en" class="layout">', 'order of blocks', '90 and above', 'data-do="layout"']) AS part;
SELECT is((SELECT count(*) FROM regexp_matches(:'html', part, 'g')), 1::bigint, 'no page writes another: ' || part) FROM unnest(ARRAY['<script', '</svg>', '</html>']) AS part;
SELECT pg_temp.has_not(:'html', part, 'nor as it was: ' || part) FROM unnest(ARRAY['<b id=boo>', '" onload="x']) AS part;

-- A person's correction changes words, and not what the machine found.
SELECT ocr_review(:job, 1, 'approved', 'mended') \g /dev/null
SELECT is(substring(ocr_html(:job, 1) FROM '<svg.*</svg>'), :'svg', 'what was found is drawn as before');
SELECT pg_temp.has(ocr_html(:job, 1), ' title="mended · corrected"', 'beneath the words of a person');

-- Only who may see the job sees its picture.
SET ROLE ocr_test_bob;
SELECT is((SELECT count(*) FROM ocr.pages WHERE picture IS NOT NULL), 0::bigint, 'a stranger sees no picture');
SELECT throws_ok(format('SELECT ocr_html(%s)', :job), '42704', NULL, 'nor the page');
RESET ROLE;

-- A box that is none ends in an error and not in the page.
UPDATE ocr.pages SET layout = jsonb_set(layout, '{blocks,1,box}', '["\"><script>", 0, 1, 1]') WHERE job_id = :job AND page_no = 1;
SELECT throws_ok(format('SELECT ocr_html(%s)', :job), '22P02', NULL, 'a box of a block that is none');

-- Read once: a job with it shares the pictures of another with it, and not the result of one without.
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x07') AS without \gset
SELECT ocr_submit('\x07', options => '{"debug": true}') AS with_it, ocr_submit('\x07', options => '{"debug": true}') AS again \gset
RESET ROLE;
CREATE FUNCTION pg_temp.read_next() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.claim();
    IF ocr.reuse_result((SELECT task_id FROM claim), (SELECT fence FROM claim)) THEN
        RETURN false;
    END IF;
    PERFORM pg_temp.open(1), pg_temp.record_picture(1, '\xffd8ff', '{"blocks": []}'), pg_temp.complete();
    RETURN true;
END
$$;
SELECT is(pg_temp.read_next(), true, 'the first is read');
SELECT is(pg_temp.read_next(), true, 'one with debug is read anew');
SELECT is(pg_temp.read_next(), false, 'a second one is not');
SELECT is((SELECT picture FROM ocr.pages WHERE job_id = :again), '\xffd8ff'::bytea, 'and has the picture');
DELETE FROM ocr.jobs WHERE id = :with_it;
SELECT is((SELECT picture FROM ocr.pages WHERE job_id = :again), '\xffd8ff'::bytea, 'its own');

-- Tier fast keeps its layout for it.
SELECT ocr_submit('\x08', tier => 'fast', options => '{"debug": true}') AS fast \gset
SELECT pg_temp.claim(), pg_temp.open(1) \g /dev/null
SELECT pg_temp.record_picture(1, :'png', layout), pg_temp.complete() FROM page \g /dev/null
SELECT pg_temp.has(ocr_html(:fast), '<svg ', 'a page of tier fast is drawn as well');

-- What deletes a job deletes its pictures.
SELECT ocr.purge_jobs('0', NULL, NULL, true, NULL, NULL, NULL, NULL) \g /dev/null
SELECT is((SELECT count(*) FROM ocr.pages), 0::bigint, 'ocr_purge() takes pictures with their pages');
SELECT * FROM finish();
ROLLBACK;
