BEGIN;
SELECT plan(42);
\ir fake_worker.psql

-- Counters, verdicts and the row that users see.
SELECT ocr_submit('\x01', batch => 'b', metadata => '{"invoice": 4711}') AS job \gset
SELECT is(pg_temp.status(:job), 'pending 0/? 0', 'submitted');
SELECT is((SELECT progress FROM ocr_status(:job)), 0::real, 'no progress yet');
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT ok(pg_temp.open(5), 'opened');
SELECT is((SELECT eta FROM ocr_status(:job)), NULL, 'before a page is done, nobody knows when the job will be');
SELECT ok(pg_temp.read(2, 60, 30), 'a page read, out of order');
SELECT is(pg_temp.status(:job), 'running 1/5 0', 'it counts');
SELECT ok((SELECT eta >= started_at FROM ocr_status(:job)), 'now there is an estimate');
SELECT ok(pg_temp.read(2, 99, 30), 'the same page again');
SELECT is(pg_temp.status(:job), 'running 1/5 0', 'does not count twice');
SELECT is((SELECT confidence FROM ocr.pages WHERE job_id = :job), 60::real, 'and changes nothing');
SELECT ok(pg_temp.read(1, 96, 10), 'another page');
SELECT ok(pg_temp.read(3, -1, 0), 'a page without a word');
SELECT ok(pg_temp.lose(4, 'skipped', 'no_text_layer', 'it has no text layer'), 'a page skipped');
SELECT ok(pg_temp.read(5, NULL, 40, 'text_layer'), 'a page from the text layer');
SELECT is((SELECT progress FROM ocr_status(:job)), 1::real, 'all pages are accounted for');
SELECT ok(pg_temp.complete(), 'completed');
SELECT is(pg_temp.status(:job), 'completed review 5/5 0', 'the job has the worst verdict of its pages');
SELECT is((SELECT round(confidence::numeric, 2) FROM ocr_status(:job)), round((30 * 60 + 10 * 96 + 40 * 100) / 80.0, 2),
    'and their mean confidence, weighted by words');
SELECT results_eq(format('SELECT page_no, status, source, confidence, verdict FROM ocr_pages(%s)', :job),
    $$VALUES (1, 'read', 'ocr', 96::real, 'approved'), (2, 'read', 'ocr', 60, 'review'), (3, 'read', 'ocr', NULL, 'review'),
             (4, 'skipped', NULL, NULL, NULL), (5, 'read', 'text_layer', 100, 'approved')$$, 'what became of each page');
SELECT is(ocr_text(:job), E'text of page 1\ftext of page 2\ftext of page 3\f\ftext of page 5', 'its text, page by page');
SELECT results_eq(format('SELECT * FROM ocr_words(%s, 2)', :job),
    $$VALUES (2, 1, 1, 1, 'two', 97::real, 10, 20, 30, 20), (2, 1, 1, 2, 'words', 93::real, 50, 21, 40, 18)$$, 'its words, with boxes');
SELECT is((SELECT count(*) FROM ocr_words(:job)), 8::bigint, 'of all pages');
SELECT is((SELECT finished_at FROM ocr_status(:job)), now(), 'it has ended');
SELECT is((SELECT count(*) FROM ocr.tasks), 0::bigint, 'and left the queue');
SELECT is(pg_temp.complete(), false, 'it completes once');
SELECT results_eq('SELECT batch, jobs, completed, pages_total, pages_done, pages_failed FROM ocr.progress',
    $$VALUES ('b', 1::bigint, 1::bigint, 5::bigint, 5::bigint, 0::bigint)$$, 'its batch shows it');

-- Below the lower limit, a page is rejected; so is one that failed.
SELECT ocr_submit('\x02', tier => 'fast') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read(1, 49.9), pg_temp.lose(2), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed rejected 2/2 1', 'one page read is enough to complete');
SELECT is((SELECT string_agg(verdict, ' ') FROM ocr_pages(:job)), 'rejected rejected', 'rejected');
SELECT is((SELECT count(*) FROM ocr_words(:job)), 0::bigint, 'tier fast keeps no words');

-- No page is ever silently missing, and only those asked for count.
SELECT ocr_submit('\x03', pages => '2-3,7,10-') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(12, 6), pg_temp.read(3), pg_temp.read(10), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed rejected 6/6 4', 'pages without a result are failed pages');
SELECT is((SELECT array_agg(page_no) FROM ocr_pages(:job) WHERE error_code = 'internal_error'), '{2,7,11,12}', 'those of the selection');
SELECT results_eq($$SELECT * FROM ocr.selected_pages('10-,3-5,4,1', 6)$$, '{1,3,4,5,10,11}'::int[], 'a selection in any order, overlapping');
SELECT results_eq($$SELECT * FROM ocr.selected_pages('1-999999999', 3)$$, '{1,2,3}'::int[], 'and one that names more than there is');
SELECT results_eq($$SELECT * FROM ocr.selected_pages('3-4,5,7-,2-3,9-', 6)$$, '{2,3,4,5,7,8}'::int[], 'ranges that overlap and touch');
SELECT results_eq($$SELECT * FROM ocr.selected_pages('999999990-,5', 3)$$, '{5,999999990,999999991}'::int[], 'and one far out');

-- All pages failed: the job has failed, for the reason of the first.
SELECT ocr_submit('\x04') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.lose(2), pg_temp.lose(1, error => NULL), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 2/2 2 page_damaged', 'no page could be read');
SELECT is((SELECT error FROM ocr_status(:job)), 'page 1: ' || meaning, 'a page always has a reason in words')
FROM ocr.error_codes WHERE code = 'page_damaged';
SELECT is((SELECT confidence FROM ocr_status(:job)), NULL, 'there is no confidence');

-- An engine that says nothing at all.
SELECT ocr_submit('\x05') AS job \gset
SELECT pg_temp.claim(), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 0/? 0 internal_error', 'an unopened document is not completed');

-- All pages skipped: accounted for, and to be looked at.
SELECT ocr_submit('\x06', text_layer => 'only') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.lose(1, 'skipped', 'no_text_layer', 'none'), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed review 1/1 0', 'skipped is accounted for');
SELECT is(ocr_text(:job), '', 'without text');
SELECT * FROM finish();
ROLLBACK;
