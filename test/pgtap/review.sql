-- What waits for a person, what a decision changes, and where a corrected word is.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE ROLE ocr_test_clerk IN ROLE ocr_test_alice;

-- A page of one block, whose words are 10 pixels wide to a character and 20 high, 10 apart; a line every 30. A word after a ?
-- is one of confidence 40.
CREATE FUNCTION pg_temp.layout_of(text text) RETURNS jsonb LANGUAGE sql AS $$
    WITH words AS (
        SELECT l.no AS line_no, w.no, ltrim(w.word, '?') AS word, CASE WHEN w.word LIKE '?%' THEN 40 ELSE 96 END AS confidence,
               (sum(10 * length(ltrim(w.word, '?')) + 10) OVER (PARTITION BY l.no ORDER BY w.no))::int AS x1
        FROM regexp_split_to_table(text, '\n') WITH ORDINALITY AS l (line, no), regexp_split_to_table(l.line, ' ') WITH ORDINALITY AS w (word, no)
    ), lines AS (
        SELECT line_no, jsonb_build_object('box', jsonb_build_array(10, 30 * line_no, max(x1), 30 * line_no + 20), 'confidence', 90, 'words',
            jsonb_agg(jsonb_build_object('box', jsonb_build_array(x1 - 10 * length(word), 30 * line_no, x1, 30 * line_no + 20),
                                         'text', word, 'confidence', confidence) ORDER BY no)) AS line
        FROM words GROUP BY line_no
    )
    SELECT jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object('box', '[10, 30, 500, 500]'::jsonb, 'lines', jsonb_agg(line ORDER BY line_no))))
    FROM lines
$$;
CREATE FUNCTION pg_temp.read_text(page int, text text, confidence real, source text = 'ocr') RETURNS boolean LANGUAGE sql AS $$
    SELECT ocr.record_page(task_id, fence, page, 'read', source, replace(text, '?', '') || E'\n', confidence, pg_temp.layout_of(text),
                           (SELECT count(*)::int FROM regexp_split_to_table(text, '\s')), 600, 800, 300, 0, 5, 'tesseract', NULL, NULL) FROM claim
$$;
CREATE FUNCTION pg_temp.review(job bigint, page int, decision text, corrected text = NULL) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', verdict, worst_page, pages_waiting, CASE WHEN replaces IS NULL THEN 'first' ELSE 'again' END) FROM ocr_review(job, page, decision, corrected)
$$;
CREATE FUNCTION pg_temp.queue() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(job_id || '/' || page_no, ' ') FROM ocr.review_queue $$;

-- The queue.
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x01', batch => 'b', metadata => '{"n": 1}') AS job \gset
SELECT ocr_submit('\x02', options => '{"approve_confidence": 99, "review_confidence": 95}') AS strict \gset
RESET ROLE;
SELECT pg_temp.claim(), pg_temp.open(7) \g /dev/null
SELECT pg_temp.read_text(1, E'fine words', 97), pg_temp.read_text(2, E'the ?rnodern ?w0rld\nof words', 72), pg_temp.lose(3, error => 'the page is torn'),
       pg_temp.read_text(4, 'a ?w', 20), pg_temp.read(5, -1, 0), pg_temp.read_text(6, 'half of it', 61, 'text_layer'), pg_temp.read_text(7, 'good words all', 55) \g /dev/null
SELECT is(pg_temp.queue(), NULL, 'no page of a job that is not completed waits');
SELECT pg_temp.complete(), pg_temp.claim(), pg_temp.open(1), pg_temp.read_text(1, 'one', 90), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.queue(), format('%1$s/3 %1$s/4 %2$s/1 %1$s/7 %1$s/6 %1$s/2 %1$s/5', :job, :strict), 'worst first');
SELECT results_eq(format('SELECT page_no, reason FROM ocr.review_queue WHERE job_id = %s ORDER BY page_no', :job), $$VALUES
    (2, '2 of 5 words are doubtful; an estimated 28 of 100 words are wrong or missing'), (3, 'page failed: the page is torn'),
    (4, '1 of 2 words is doubtful; an estimated 80 of 100 words are wrong or missing'), (5, 'no word was read: blank or unreadable'),
    (6, 'about 39 % of what looks like text has no words in the PDF''s own text'), (7, 'an estimated 45 of 100 words are wrong or missing')$$, 'with the reason');
SELECT results_eq(format('SELECT owner, verdict, confidence, batch, uri, metadata FROM ocr.review_queue WHERE job_id = %s AND page_no = 4', :job),
    $$VALUES ('ocr_test_alice'::name, 'rejected', 20::real, 'b', NULL::text, '{"n": 1}'::jsonb)$$, 'and what a clerk asks for');
SET ROLE ocr_test_bob;
SELECT is(pg_temp.queue(), NULL, 'nobody sees what others wait for');
SET ROLE ocr_test_clerk;
SELECT isnt(pg_temp.queue(), NULL, 'who acts for the owner does');
RESET ROLE;

-- Who decides.
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT throws_ok(format('SELECT ocr_review(%s, 4, ''approved'')', :job), '42704', NULL, 'a stranger decides on nothing');
SET SESSION AUTHORIZATION ocr_test_clerk;
SELECT is((SELECT concat_ws(' ', verdict, worst_page, pages_waiting) FROM ocr_review(:job, 4, 'rejected')), 'rejected 3 5', 'a clerk decides');
SELECT results_eq('SELECT page_no, reviewer, decision, verdict_before, confidence, corrected_text FROM ocr.reviews',
    $$VALUES (4, 'ocr_test_clerk'::name, 'rejected', 'rejected', 20::real, NULL::text)$$, 'who, what, and what the machine had said');
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT is((SELECT count(*) FROM ocr.reviews), 0::bigint, 'a stranger sees no decision');
RESET SESSION AUTHORIZATION;

-- Verdicts follow.
SELECT is(pg_temp.review(:job, 3, 'approved', 'typed from paper'), 'rejected 4 4 first', 'a page that failed can be typed');
SELECT is(ocr_text(:job), E'fine words\n\fthe rnodern w0rld\nof words\n\ftyped from paper\n\fa w\n\ftext of page 5\fhalf of it\n\fgood words all\n', 'its text is the job''s');
SELECT is(pg_temp.review(:job, 2, 'approved', E'the modern world\r\nof words'), 'rejected 4 3 first', 'the worst page is another');
SELECT is(pg_temp.review(:job, 4, 'approved'), 'review 7 3 again', 'a decision can be another');
SELECT is(pg_temp.review(:job, 5, 'approved', ''), 'review 7 2 first', 'a blank page');
SELECT is(pg_temp.review(:job, 6, 'approved'), 'review 7 1 first', 'one more');
SELECT is(pg_temp.review(:job, 7, 'approved'), 'approved 3 0 first', 'the last one');
SELECT results_eq(format('SELECT verdict, worst_page FROM ocr_status(%s)', :job), $$VALUES ('approved', 3)$$, 'ocr_status() says so');
SELECT is(pg_temp.queue(), :strict || '/1', 'what is decided does not wait');
SELECT is(pg_temp.review(:job, 1, 'rejected'), 'rejected 1 0 first', 'a page that the machine approved can be rejected');
SELECT is((SELECT count(*) FROM ocr.reviews WHERE job_id = :job AND page_no = 4), 2::bigint, 'each decision is kept');
SELECT max(id) AS last FROM ocr.reviews WHERE job_id = :job AND page_no = 4 \gset
SELECT is((SELECT replaces FROM ocr_review(:job, 4, 'approved')), :last::bigint, 'and named when it is replaced');

-- The machine's text stays, and everything else goes by the person's.
SELECT results_eq(format('SELECT text, corrected_text, reviewed_at IS NOT NULL FROM ocr_pages(%s) WHERE page_no = 2', :job),
    $$VALUES (E'the rnodern w0rld\nof words\n', E'the modern world\nof words\n', true)$$, 'both texts');
SELECT results_eq(format('SELECT block_no, line_no, word_no, text, confidence, x, y, width, height FROM ocr_words(%s, 2)', :job),
    $$VALUES (1, 1, 1, 'the', 96::real, 10, 30, 30, 20), (1, 1, 2, 'modern', 100, 50, 30, 70, 20), (1, 1, 3, 'world', 100, 130, 30, 50, 20),
             (1, 2, 1, 'of', 96, 10, 60, 20, 20), (1, 2, 2, 'words', 96, 40, 60, 50, 20)$$, 'words where they are');
SELECT is((SELECT p->>'text' || '|' || (p->>'corrected_text') || '|' || (p #>> '{blocks,0,lines,0,words,1,text}') || '|' || (p #>> '{corrected_blocks,0,lines,0,words,1,text}')
           FROM jsonb_array_elements(ocr_json(:job, 2)::jsonb->'pages') AS p), E'the rnodern w0rld\nof words\n|the modern world\nof words\n|rnodern|modern', 'JSON says both');
SELECT matches(ocr_markdown(:job, 2), 'the modern world of words', 'Markdown has it');
SELECT matches(f.form, 'modern.*world', f.name || ' has it') FROM (VALUES ('hOCR', ocr_hocr(:job, 2)), ('ALTO', ocr_alto(:job, 2)), ('TSV', ocr_tsv(:job, 2))) AS f (name, form);
SELECT results_eq(format($$SELECT page_no, snippet, hits FROM ocr_search('modern world', job_id => %s)$$, :job),
    $$VALUES (2, 'the <mark>modern</mark> <mark>world</mark> of words',
        '[{"box": [50, 30, 120, 50], "text": "modern"}, {"box": [130, 30, 180, 50], "text": "world"}]'::jsonb)$$, 'a search finds it in its place');
SELECT is((SELECT count(*) FROM ocr_search('rnodern', job_id => :job)), 0::bigint, 'and not what was wrong');
SELECT results_eq(format($$SELECT page_no, snippet, hits FROM ocr_search('paper', job_id => %s)$$, :job),
    $$VALUES (3, 'typed from <mark>paper</mark>', '[{"box": null, "text": "paper"}]'::jsonb)$$, 'what was typed has no place');
SELECT is((SELECT count(*) FROM ocr_words(:job, 5)), 0::bigint, 'a blank page has no word');
SELECT pg_temp.review(:job, 2, 'rejected') \g /dev/null
SELECT is((SELECT corrected_text FROM ocr_pages(:job) WHERE page_no = 2), E'the modern world\nof words\n', 'no text leaves the text');
SELECT pg_temp.review(:job, 2, 'approved', E'the rnodern w0rld\nof words') \g /dev/null
SELECT results_eq(format('SELECT corrected_text, corrected_layout FROM ocr.pages WHERE job_id = %s AND page_no = 2', :job), 'VALUES (NULL::text, NULL::jsonb)', 'the machine''s takes it back');
SELECT is((SELECT count(*) FROM ocr_search('rnodern', job_id => :job)), 1::bigint, 'for a search, too');

SELECT reviewed_at AS before FROM ocr.pages WHERE job_id = :job AND page_no = 2 \gset
SET ROLE ocr_test_clerk;
SELECT pg_temp.review(:job, 2, 'rejected') \g /dev/null
RESET ROLE;
SELECT is((SELECT reviewer FROM ocr.reviews WHERE job_id = :job AND page_no = 2 ORDER BY id DESC LIMIT 1), 'ocr_test_clerk', 'who decides is the role that was set');
SELECT cmp_ok((SELECT reviewed_at FROM ocr.pages WHERE job_id = :job AND page_no = 2), '>', :'before'::timestamptz, 'the time is that of the last decision');

-- Another job of the same bytes has the machine's result and waits for a person itself.
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x03', keep_document => true) AS first \gset
RESET ROLE;
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read_text(1, 'teh cat', 70), pg_temp.complete() \g /dev/null
SELECT pg_temp.review(:first, 1, 'approved', 'the cat') \g /dev/null
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x03') AS second \gset
RESET ROLE;
SELECT pg_temp.claim() \g /dev/null
SELECT ok((SELECT ocr.reuse_result(task_id, fence) FROM claim), 'a result is shared');
SELECT is(ocr_text(:second), E'teh cat\n', 'the machine''s');
SELECT is((SELECT count(*) FROM ocr_search('teh', job_id => :second)), 1::bigint, 'and is found by it');
SELECT is((SELECT verdict FROM ocr_status(:second)), 'review', 'and waits');

-- Tier fast, without boxes.
SELECT ocr_submit('\x04', tier => 'fast') AS fast \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read_text(1, '?teh dog', 60), pg_temp.complete() \g /dev/null
SELECT is((SELECT reason FROM ocr.review_queue WHERE job_id = :fast), 'an estimated 40 of 100 words are wrong or missing', 'a reason without words');
SELECT is(pg_temp.review(:fast, 1, 'approved', 'the dog'), 'approved 1 0 first', 'can be corrected');
SELECT results_eq(format($$SELECT snippet, hits FROM ocr_search('dog', job_id => %s)$$, :fast), $$VALUES ('the <mark>dog</mark>', '[{"box": null, "text": "dog"}]'::jsonb)$$, 'and found');

-- Bad calls.
SELECT throws_ok(format('SELECT ocr_review(%s, 1, %s)', :job, decision), code, NULL, 'no decision: ' || decision)
FROM (VALUES ('''yes''', '22023'), ('NULL', '22004'), ('''APPROVED''', '22023')) AS bad (decision, code);
SELECT throws_ok(format('SELECT ocr_review(%s, NULL, ''approved'')', :job), '22004', NULL, 'no page');
SELECT throws_ok(format('SELECT ocr_review(%s, 8, ''approved'')', :job), '22023', NULL, 'not one of its pages');
SELECT throws_ok($$SELECT ocr_review(NULL, 1, 'approved')$$, '22004', NULL, 'no job');
SELECT throws_ok(format('SELECT ocr_review(%s, 1, ''approved'', repeat(''x'', 5000000))', :job), '54000', NULL, 'too much text');
SELECT ocr_submit('\x05') AS waiting \gset
SELECT throws_ok(format('SELECT ocr_review(%s, 1, ''approved'')', :waiting), '55000', NULL, 'a job that has not ended');
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.lose(1), pg_temp.complete() \g /dev/null
SELECT throws_ok(format('SELECT ocr_review(%s, 1, ''approved'')', :waiting), '55000', NULL, 'or has failed: it can be read again');
SELECT is((SELECT count(*) FROM ocr.review_queue WHERE job_id = :waiting), 0::bigint, 'and is not in the queue');

-- Where corrected words are: [left, right] of each, of a line of words 10 pixels to a character and 10 apart.
CREATE FUNCTION pg_temp.places(read text, corrected text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s-%s', w->>'text', w->'box'->0, w->'box'->2), ', ')
    FROM jsonb_path_query(ocr.corrected_layout(pg_temp.layout_of(read), corrected), '$.blocks[*].lines[*].words[*]') AS w
$$;
SELECT is(pg_temp.places(read, corrected), places, what) FROM (VALUES
    ('aa bb cc', 'aa xx cc', 'aa 10-30, xx 40-60, cc 70-90', 'one for one'),
    ('aa b b cc', 'aa bb cc', 'aa 10-30, bb 40-70, cc 80-100', 'one for two'),
    ('aa bbbb cc', 'aa bb bb cc', 'aa 10-30, bb 40-60, bb 60-80, cc 90-110', 'two for one'),
    ('aa bb cc dd', 'aa x cc', 'aa 10-30, x 40-60, cc 70-90', 'and one left out'),
    ('aa cc', 'aa new cc', 'aa 10-30, new 30-40, cc 40-60', 'a missing one between its neighbours'),
    ('aa cc', 'new aa cc', 'new 10-30, aa 10-30, cc 40-60', 'or at the first'),
    ('aa cc', 'aa cc new', 'aa 10-30, cc 40-60, new 40-60', 'or at the last'),
    ('aa bb cc', '', NULL, 'nothing is left'),
    ('aa bb cc dd', 'bb cc', 'bb 40-60, cc 70-90', 'the first and the last left out'),
    ('אבגד', 'אב גד', 'אב 30-50, גד 10-30', 'right to left'),
    ('日本 語', '日木語', '日 10-20, 木 20-30, 語 40-50', 'Japanese by characters')) AS t (read, corrected, places, what);
SELECT is((SELECT count(*) FROM jsonb_path_query(ocr.corrected_layout(pg_temp.layout_of(string_agg(i::text, ' ')), string_agg((i + 1)::text, E'\n' ORDER BY i)), '$.blocks[*].lines[*]')), 3000::bigint,
    'a page that was written anew, in as many lines') FROM generate_series(1, 3000) AS i;
SELECT is(pg_temp.places(E'aaa\ncc', E'aaa new\ncc'), 'aaa 10-40, new 10-40, cc 10-30', 'at the end of a line it is at the word before');
SELECT is(ocr.box_between_words('{{0,0,50,10},{40,0,90,10}}', 1), '{0,0,50,10}', 'nothing is between words that overlap');
SELECT is(ocr.part_of_box('{0,0,10,100}', 'ab', 0, 0.5), '{0,0,10,50}', 'from the top where words stand upright');
SELECT is((SELECT count(*) FROM jsonb_path_query(ocr.corrected_layout(pg_temp.layout_of('aa bb'), E'aa\n\nbb'), '$.blocks[*]')), 2::bigint, 'an empty line parts blocks');
SELECT is(ocr.text_of_page(E'\n\na \t\fb\x0bc\r\nd\re  \n\n'), E'a\nb\nc\nd\ne\n', 'a person''s text has one way to end a line');
SELECT is(ocr.matched_words('{a,b,c,a,b,b,a}', '{c,b,a,b,a,c}'), '{3,NULL,4,5,7,NULL}', 'the most words are matched')
UNION ALL SELECT is(ocr.matched_words('{}', '{a}'), '{NULL}', 'none of none')
UNION ALL SELECT is(ocr.matched_words('{a}', '{}'), '{}', 'nothing to match');
SELECT is((SELECT count(*) FROM unnest(ocr.matched_words(
        ARRAY(SELECT (i * 7919 % 1009)::text FROM generate_series(1, 2000) AS i), ARRAY(SELECT (i * 7919 % 1009)::text FROM generate_series(1, 2000) AS i WHERE i % 20 <> 0))) AS m WHERE m IS NULL),
    0::bigint, 'what is left is matched');

-- The index has what waits, in the queue's order.
INSERT INTO ocr.pages (job_id, page_no, status, verdict, confidence, words) SELECT :job, i, 'read', 'approved', 97, 5 FROM generate_series(100, 20000) AS i;
ANALYZE ocr.pages, ocr.jobs;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan text;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan;
END
$$;
SELECT matches(pg_temp.plan_of('SELECT * FROM ocr.review_queue LIMIT 50'), 'pages_to_review', 'the queue is read by its index');
SELECT doesnt_match(pg_temp.plan_of('SELECT * FROM ocr.review_queue LIMIT 50'), '"Sort"', 'in its order');

-- Events.
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://receiver.test/hook');
CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
SELECT ocr_submit('\x06'::bytea, webhook => 'hook') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read_text(1, 'a b', 60), pg_temp.read_text(2, 'c d', 60), pg_temp.complete() \g /dev/null
CREATE FUNCTION pg_temp.events(job bigint) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(event, ' ' ORDER BY id) FROM ocr.deliveries WHERE job_id = job $$;
SELECT pg_temp.review(:job, 2, 'approved') \g /dev/null
SELECT is(pg_temp.events(:job), 'job.completed job.review_needed', 'nothing is told while a page waits');
SELECT pg_temp.review(:job, 1, 'rejected', 'x') \g /dev/null
SELECT is(pg_temp.events(:job), 'job.completed job.review_needed job.reviewed', 'the last decision is told');
SELECT is((SELECT (payload::jsonb->'data')::text::jsonb - '{uri,etag,batch,metadata,error,error_code,confidence}'::text[] FROM ocr.deliveries WHERE job_id = :job AND event = 'job.reviewed'),
    format('{"job_id": %s, "status": "completed", "verdict": "rejected", "worst_page": 1, "pages_total": 2, "pages_done": 2, "pages_failed": 0,
             "pages_reviewed": 2, "pages_rejected": 1, "pages_corrected": 1}', :job)::jsonb, 'with what came of it');
SELECT is(ocr.notification(j, reviewed => true)::jsonb, format('{"job_id": %s, "status": "completed", "verdict": "rejected", "batch": null, "metadata": {}, "reviewed": true}', :job)::jsonb, 'NOTIFY says that it was reviewed')
FROM ocr.jobs j WHERE j.id = :job;
SELECT * FROM finish();
ROLLBACK;
