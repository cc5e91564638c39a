-- ocr_html() without an engine: what it says, to whom, and that nothing of a document gets out of its text.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE FUNCTION pg_temp.read_words(page int, VARIADIC words text[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT ocr.record_page(task_id, fence, page, 'read', 'ocr', array_to_string(words, ' '), 60, jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object(
        'box', '[0, 0, 100, 20]'::jsonb, 'lines', jsonb_build_array(jsonb_build_object('box', '[0, 0, 100, 20]'::jsonb, 'confidence', 90, 'words',
            (SELECT jsonb_agg(jsonb_build_object('box', jsonb_build_array(10 * no, 0, 10 * no + 9, 20), 'text', word, 'confidence', 30 + 15 * no)) FROM unnest(words) WITH ORDINALITY AS w (word, no))))))),
        cardinality(words), 100, 200, 300, 0, 5, 'tesseract', NULL, NULL, tried => '[{"way": "as it is <i>", "confidence": 40.5, "words": 3, "ms": 12, "won": false}, {"way": "turned by 90", "confidence": 60, "words": 3, "ms": 13, "won": true}]')
    FROM claim
$$;
CREATE FUNCTION pg_temp.has(html text, part text, what text) RETURNS text LANGUAGE sql AS $$ SELECT ok(position(part IN html) > 0, what) $$;
CREATE FUNCTION pg_temp.has_not(html text, part text, what text) RETURNS text LANGUAGE sql AS $$ SELECT ok(position(part IN html) = 0, what) $$;

SET ROLE ocr_test_alice;
SELECT ocr_submit('\x01', batch => '<b id=batch>', metadata => '{"<i id=key>": "\"><script>"}') AS job \gset
RESET ROLE;
SELECT pg_temp.claim() \g /dev/null
SELECT is(ocr_html(:job), NULL, 'nothing before the first page');
SELECT pg_temp.open(4), pg_temp.read_words(1, '<script>alert(1)</script>', '"onload="x', '&amp;', 'fine'), pg_temp.lose(2, error => 'torn <b>'), pg_temp.lose(3, 'skipped', 'no_text_layer', 'none'),
       pg_temp.read(4, -1, 0), pg_temp.complete() \g /dev/null
SELECT ocr_html(:job) AS html \gset
SELECT pg_temp.has(:'html', '&lt;script&gt;alert(1)&lt;/script&gt; </span>', 'text is escaped');
SELECT is((SELECT count(*) FROM regexp_matches(:'html', '<script', 'g')), 1::bigint, 'there is one script');
SELECT pg_temp.has_not(:'html', part, 'not as it was: ' || part) FROM unnest(ARRAY['<b id=batch>', '<i id=key>', '"onload="x', 'torn <b>', 'as it is <i>']) AS part;
SELECT pg_temp.has(:'html', part, 'but escaped: ' || part) FROM unnest(ARRAY['&lt;b id=batch&gt;', '&lt;i id=key&gt;', '&quot;onload=&quot;x', 'torn &lt;b&gt;', 'as it is &lt;i&gt;', '&amp;amp;']) AS part;
SELECT pg_temp.has(:'html', 'script-src ''sha256-' || encode(sha256(convert_to(substring(:'html' FROM '<script>(.*)</script>'), 'UTF8')), 'base64') || '''', 'no other script may run');
SELECT pg_temp.has(:'html', part || ' ''none''', 'nor anything be loaded or sent: ' || part) FROM unnest(ARRAY['default-src', 'form-action', 'base-uri']) AS part;
SELECT is((SELECT string_agg(substring(m[1] FROM 'c[0-9p]'), ' ' ORDER BY no) FROM regexp_matches(:'html', '<span class="(w[^"]*)" id', 'g') WITH ORDINALITY AS f (m, no)), 'c1 c1 c2', 'words are marked by confidence');
SELECT pg_temp.has(:'html', '<li><a href="#w1-1-1-1"><bdi>&lt;script&gt;', 'a doubtful word is in the list');
SELECT pg_temp.has_not(:'html', '<a href="#w1-1-1-3">', 'and no other');
SELECT pg_temp.has(:'html', 'left:10.000%;top:0.000%;width:9.000%;height:10.000%', 'words have the places of their boxes');
SELECT pg_temp.has(:'html', 'No image: the document of job ' || :job || ' was not kept', 'why there is no image');
SELECT pg_temp.has(:'html', 'tried in 2 ways', 'what was tried');
SELECT pg_temp.has(:'html', 'page failed: torn', 'a page that failed says why');
SELECT pg_temp.has(:'html', 'skipped: none', 'and one that was skipped');
SELECT pg_temp.has(:'html', 'no word was read: blank or unreadable', 'and one without a word');
SELECT is((SELECT count(*) FROM regexp_matches(ocr_html(:job, 2), '<section', 'g')), 1::bigint, 'one page alone');
SELECT is(ocr_html(:job, 9), NULL, 'a page that is not');
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT throws_ok(format('SELECT ocr_html(%s)', :job), '42704', NULL, 'a stranger sees nothing');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SELECT ocr_html(%s, document => ''\x0203'')', :job), '22023', NULL, 'another document is refused');

-- A reviewed page has the words of the person, and who it was.
SELECT ocr_review(:job, 1, 'approved', '<u> fine') \g /dev/null
SELECT ocr_html(:job, 1) AS html \gset
SELECT pg_temp.has(:'html', ' cp" id="w1-1-1-1" dir="auto"', 'a corrected word is marked');
SELECT pg_temp.has(:'html', '&lt;u&gt; </span>', 'and escaped');
SELECT pg_temp.has_not(:'html', 'alert(1)', 'what it replaced is gone');
SELECT pg_temp.has(:'html', 'approved by ' || session_user || ', with a corrected text', 'who did it');
SELECT ocr_review(:job, 2, 'approved', 'typed <in>') \g /dev/null
SELECT pg_temp.has(ocr_html(:job, 2), '<pre dir="auto">typed &lt;in&gt;', 'text without places is shown as it is');

SELECT pg_temp.has(ocr_html(:job, 1), 'wrong or missing', 'why it waited is told still');

-- What comes from elsewhere is escaped as well.
CREATE ROLE "<b id=role>" IN ROLE ocr_test_alice;
SET SESSION AUTHORIZATION "<b id=role>";
SELECT ocr_review(:job, 1, 'rejected', '') \g /dev/null
RESET SESSION AUTHORIZATION;
UPDATE ocr.jobs SET uri = 'https://nowhere.test/a/<b id=uri>.pdf?token=secret', store = 'nowhere' WHERE id = :job;
UPDATE ocr.pages SET provider = '<b id=provider>' WHERE job_id = :job AND page_no = 1;
SELECT ocr_html(:job) AS html \gset
SELECT pg_temp.has_not(:'html', part, 'not as it was: ' || part) FROM unnest(ARRAY['<b id=role>', '<b id=uri>', '<b id=provider>', 'secret']) AS part;
SELECT pg_temp.has(:'html', part, 'but escaped: ' || part) FROM unnest(ARRAY['rejected by &lt;b id=role&gt;', '&lt;b id=uri&gt;.pdf</title>', 'by &lt;b id=provider&gt;']) AS part;
SELECT pg_temp.has_not(ocr.html_section(p, NULL, '<b id=why>'), '<b id=why>', 'nor why there is no image') FROM ocr.pages p WHERE p.job_id = :job AND p.page_no = 1;

-- Below 40, below 70, below 90.
UPDATE ocr.pages SET corrected_layout = NULL, corrected_text = NULL,
    layout = jsonb_set(jsonb_set(layout, '{blocks,0,lines,0,words,0,confidence}', '39.9'), '{blocks,0,lines,0,words,1,confidence}', '40')
WHERE job_id = :job AND page_no = 1;
SELECT is((SELECT string_agg(substring(m[1] FROM 'c[0-9p]'), ' ' ORDER BY no) FROM regexp_matches(ocr_html(:job, 1), '<span class="(w[^"]*)" id', 'g') WITH ORDINALITY AS f (m, no)), 'c0 c1 c2', 'each word by its confidence');

-- What a layout may hold by a mistake of an engine ends in an error and not in the page.
UPDATE ocr.pages SET corrected_layout = NULL, corrected_text = NULL, layout = jsonb_set(layout, '{blocks,0,lines,0,words,0,box}', '["\"><script>", 0, 1, 1]') WHERE job_id = :job AND page_no = 1;
SELECT throws_ok(format('SELECT ocr_html(%s)', :job), '22P02', NULL, 'a box that is none');

-- Too much for one value.
INSERT INTO ocr.pages (job_id, page_no, status, words) SELECT :job, i, 'read', 0 FROM generate_series(10, 60) AS i;
SELECT throws_ok(format('SELECT ocr_html(%s)', :job), '54000', NULL, 'too many pages');
SELECT pg_temp.has(ocr_html(:job, 20), 'id="page20"', 'but each alone');
SELECT * FROM finish();
ROLLBACK;
