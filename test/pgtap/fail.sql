BEGIN;
SELECT plan(58);
\ir fake_worker.psql

-- The tests below count on three attempts.
SELECT is(current_setting('pg_ocr.max_attempts'), '3', 'three attempts');

-- A failure that may pass is tried again, later and later.
SELECT ocr_submit('\x01', password => 'sesame') AS job \gset
SELECT is(pg_temp.claim(), :job, 'first attempt');
SELECT ok(pg_temp.fail('engine_unavailable', 0, 'no engine'), 'fails');
SELECT is(pg_temp.status(:job), 'pending 0/? 0 engine_unavailable', 'pending again, with the reason');
SELECT is((SELECT error FROM ocr_status(:job)), 'no engine', 'in words');
SELECT ok((SELECT run_at > now() + '0.7 s' AND run_at <= now() + '1 s' FROM ocr.tasks), 'in about a second');
SELECT is((SELECT j.run_at = t.run_at FROM ocr.jobs j, ocr.tasks t WHERE t.job_id = j.id), true, 'which the job says as well');
SELECT is(pg_temp.claim(), NULL, 'not before');
SELECT pg_temp.let_backoff_pass();
SELECT is(pg_temp.claim(), :job, 'second attempt');
SELECT is((SELECT password FROM claim), 'sesame', 'with the password');
SELECT ok(pg_temp.fail('engine_unavailable'), 'fails');
SELECT ok((SELECT run_at > now() + '1.4 s' AND run_at <= now() + '2 s' FROM ocr.tasks), 'in twice the time');
SELECT pg_temp.let_backoff_pass();
SELECT is(pg_temp.claim(), :job, 'third attempt');
SELECT ok(pg_temp.fail('engine_unavailable'), 'fails');
SELECT is(pg_temp.status(:job), 'failed 0/? 0 engine_unavailable', 'the attempts are spent');
SELECT is((SELECT attempts FROM ocr_status(:job)), 3, 'all three');
SELECT is((SELECT count(*) FROM ocr.tasks), 0::bigint, 'the queue is empty');
SELECT is((SELECT count(*) FROM ocr.passwords), 0::bigint, 'the password is gone');
SELECT is((SELECT count(*) FROM ocr.documents), 1::bigint, 'the document is not');
SELECT results_eq('SELECT job_id, error_code, action IS NOT NULL FROM ocr.dead_letters',
    format('VALUES (%s::bigint, %L, true)', :job, 'engine_unavailable'), 'it is a dead letter');
SELECT results_eq($$SELECT f->>'attempt', f->>'error' FROM ocr.dead_letters, jsonb_array_elements(failures) AS f$$,
    $$VALUES ('1', 'no engine'), ('2', 'it broke'), ('3', 'it broke')$$, 'with the reason of each attempt');

-- Sent round again.
SELECT ok(ocr_retry(:job, 'open sesame'), 'retried');
SELECT is(ocr_retry(:job), false, 'which it is once');
SELECT is(pg_temp.status(:job), 'pending 0/? 0', 'pending, without a reason');
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT is((SELECT attempt || ' ' || password FROM claim), '1 open sesame', 'its attempts counted anew, with the new password');
SELECT ok(pg_temp.fail('engine_crashed'), 'the engine crashes');
SELECT is(pg_temp.claim(), :job, 'the first try after a crash is made at once');
SELECT pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed approved 1/1 0', 'completed, and no reason is left');
SELECT is(ocr_retry(:job), false, 'what completed is not retried');

SELECT is((SELECT count(*) FROM ocr.failures WHERE job_id = :job), 4::bigint, 'what failed before it was read is still known');

-- Hopeless: never tried again.
SELECT ocr_submit('\x02') AS job \gset
SELECT pg_temp.claim(), pg_temp.fail('document_damaged', 0, 'cut short') \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 0/? 0 document_damaged', 'failed at the first attempt');
SELECT results_eq('SELECT code FROM ocr.error_codes WHERE retry ORDER BY code',
    $$VALUES ('engine_crashed'), ('engine_unavailable'), ('internal_error'), ('page_timeout'), ('provider_unavailable'), ('row_locked'), ('store_unavailable')$$, 'what a retry is worth it for');
SELECT ocr_submit('\x03') AS job \gset
SELECT pg_temp.claim(), pg_temp.fail('something_new', 0, '') \g /dev/null
SELECT is((SELECT status || ' ' || error_code || ': ' || error FROM ocr_status(:job)), 'pending internal_error: ' || meaning,
    'a code that nobody knows is an internal error, and a reason is always given')
FROM ocr.error_codes WHERE code = 'internal_error';
SELECT ok(ocr_cancel(:job), 'cancel it');

-- Each page may find its provider away so many times.
SELECT ocr_submit('\x0304') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2) \g /dev/null
CREATE FUNCTION pg_temp.is_away(times int, page int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. times LOOP
        PERFORM pg_temp.fail('provider_unavailable', page);
        PERFORM pg_temp.let_backoff_pass();
        PERFORM pg_temp.claim();
    END LOOP;
END
$$;
SELECT pg_temp.is_away(9, 1), pg_temp.read(1), pg_temp.is_away(9, 2) \g /dev/null
SELECT is(pg_temp.status(:job), 'running 1/2 0 provider_unavailable', 'a page is tried anew, whatever became of the one before');
SELECT pg_temp.is_away(1, 2) \g /dev/null
SELECT is((SELECT error_code FROM ocr.pages WHERE job_id = :job AND page_no = 2), 'provider_unavailable', 'ten times in a row is enough');
SELECT is((SELECT count(*) FROM ocr.failures WHERE job_id = :job), 19::bigint, 'each is written down');
SELECT ok(ocr_cancel(:job), 'cancel it');

-- A document whose pages take too long, one after the other, has no time without end.
SELECT ocr_submit('\x0303') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(100), pg_temp.read(1) \g /dev/null
INSERT INTO ocr.failures (job_id, attempt, error_code, error)
SELECT :job, 1, code, 'slow' FROM generate_series(1, 28), unnest(ARRAY['page_timeout', 'engine_crashed']) AS code;
SELECT pg_temp.fail('page_timeout', 2) \g /dev/null
SELECT is(pg_temp.status(:job), 'pending 1/100 0 page_timeout', 'pages that took 58 minutes together: it goes on');
SELECT pg_temp.let_backoff_pass();
SELECT pg_temp.claim(), pg_temp.fail('page_timeout', 2) \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 100/100 99 document_timeout', 'at pg_ocr.document_timeout it has failed');
SELECT is((SELECT error FROM ocr_status(:job)), 'too many pages were not read within pg_ocr.page_timeout: together they took as long as pg_ocr.document_timeout',
    'and says why');
SELECT ok(ocr_retry(:job), 'it can be retried');
SELECT pg_temp.claim() \g /dev/null
UPDATE ocr.jobs SET started_at = clock_timestamp() WHERE id = :job;  -- now() is that of this transaction
SELECT is(ocr.lost_too_much_time(:job), false, 'and has the whole time anew');
SELECT ok(ocr_cancel(:job), 'cancel it');

-- One bad page does not cost the others.
SELECT ocr_submit('\x04') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(3), pg_temp.read(1), pg_temp.fail('engine_crashed', 2) \g /dev/null
SELECT pg_temp.claim(), pg_temp.fail('engine_crashed', 2) \g /dev/null
SELECT pg_temp.let_backoff_pass();
SELECT pg_temp.claim(), pg_temp.fail('engine_crashed', 2, 'the engine died of it') \g /dev/null
SELECT is(pg_temp.status(:job), 'pending 2/3 1 engine_crashed', 'the page is written off, the job goes on');
SELECT is(pg_temp.claim(), :job, 'at once');
SELECT is((SELECT attempt || ' ' || done::text FROM claim), '1 {1,2}', 'with its attempts counted anew, past that page');
SELECT pg_temp.fail('page_damaged', 3, 'torn') \g /dev/null
SELECT is(pg_temp.status(:job), 'pending 3/3 2 page_damaged', 'a hopeless page is written off at its first attempt');
SELECT pg_temp.claim(), pg_temp.open(3), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed rejected 3/3 2', 'the job completes');
SELECT results_eq(format('SELECT page_no, error_code, error FROM ocr_pages(%s) WHERE status = %L', :job, 'failed'),
    $$VALUES (2, 'engine_crashed', 'the engine died of it'), (3, 'page_damaged', 'torn')$$, 'the pages have their reasons');

-- A page that is written off and fails again is not the page's fault: that cannot go on for ever.
SELECT ocr_submit('\x05') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.fail('page_damaged', 1) \g /dev/null
SELECT pg_temp.claim(), pg_temp.fail('page_damaged', 1, 'torn again') \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 2/2 2 page_damaged', 'the job fails, and accounts for the page that nobody came to');
SELECT is((SELECT error FROM ocr_pages(:job) WHERE page_no = 2), 'torn again', 'with the reason of the job');

-- Pages that were read survive a retry, failed ones are read again.
SELECT ocr_submit('\x06') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(3), pg_temp.read(1), pg_temp.lose(2), pg_temp.fail('language_missing') \g /dev/null
SELECT is(pg_temp.status(:job), 'failed 3/3 2 language_missing', 'failed half way');
SELECT ok(ocr_retry(:job), 'retried');
SELECT is(pg_temp.status(:job), 'pending 1/3 0', 'one page is left');
SELECT pg_temp.claim() \g /dev/null
SELECT is((SELECT done FROM claim), '{1}', 'and not read again');
SELECT pg_temp.open(3), pg_temp.read(2), pg_temp.read(3), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.status(:job), 'completed approved 3/3 0', 'completed');
SELECT * FROM finish();
ROLLBACK;
