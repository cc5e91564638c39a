BEGIN;
SELECT plan(42);
\ir fake_worker.psql

CREATE FUNCTION pg_temp.triage(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT verdict || ' ' || coalesce(worst_page::text, '-') FROM ocr_status(job)
$$;
CREATE FUNCTION pg_temp.verdicts(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coalesce(verdict, '-'), ' ' ORDER BY page_no) FROM ocr_pages(job)
$$;
-- A job of pages with these confidences, read to its end.
CREATE FUNCTION pg_temp.read_all(job bigint, VARIADIC confidences real[]) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    ASSERT pg_temp.claim() = job;
    PERFORM pg_temp.open(cardinality(confidences));
    FOR page IN 1 .. cardinality(confidences) LOOP
        PERFORM pg_temp.read(page, confidences[page], 300);
    END LOOP;
    PERFORM pg_temp.complete();
    RETURN job;
END
$$;

-- A good mean hides no bad page.
SELECT ocr_submit('\x01') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(16) \g /dev/null
SELECT count(pg_temp.read(page, CASE page WHEN 9 THEN 12 ELSE 99 END, CASE page WHEN 9 THEN 20 ELSE 300 END))
FROM generate_series(1, 16) AS page \g /dev/null
SELECT pg_temp.complete() \g /dev/null
SELECT is(pg_temp.triage(:job), 'rejected 9', 'one bad page is the verdict of its document, and it is named');
SELECT ok((SELECT confidence > 98 FROM ocr_status(:job)), 'though the mean is high');
SELECT is((SELECT worst_page FROM ocr.jobs WHERE id = :job), 9, 'the table says so, too');

-- Which page is the worst.
SELECT is(pg_temp.triage(pg_temp.read_all(ocr_submit('\x02'), 99, 95, 97)), 'approved 2', 'of approved pages, the least sure');
SELECT is(pg_temp.triage(pg_temp.read_all(ocr_submit('\x03'), 80, 49, 48, 48, 99)), 'rejected 3', 'of pages alike, the first');
SELECT ocr_submit('\x05') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(4), pg_temp.read(1, 10), pg_temp.read(2, -1, 0), pg_temp.lose(3), pg_temp.read(4, 60), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.triage(:job), 'rejected 3', 'a failed page is worse than any that was read');
SELECT ocr_submit('\x06') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(3), pg_temp.read(1, -1, 0), pg_temp.read(2, 99), pg_temp.read(3, 88), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.triage(:job), 'review 3', 'a page without a word may be blank: one of wrong words comes first');
SELECT ocr_submit('\x07') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read(1, 99), pg_temp.read(2, -1, 0), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.triage(:job), 'review 2', 'but it comes before those that are approved');
SELECT ocr_submit('\x08', text_layer => 'only') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.lose(1, 'skipped', 'no_text_layer', 'none'), pg_temp.read(2, NULL, 9, 'text_layer'), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.triage(:job), 'approved 2', 'a skipped page is not judged');
SELECT ocr_submit('\x09', text_layer => 'only') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.lose(1, 'skipped', 'no_text_layer', 'none'), pg_temp.complete() \g /dev/null
SELECT is((SELECT verdict || coalesce(worst_page, 0) FROM ocr_status(:job)), 'review0', 'nor is it the worst');
SELECT ocr_submit('\x0a') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.lose(1), pg_temp.complete() \g /dev/null
SELECT is((SELECT worst_page FROM ocr_status(:job)), NULL, 'a job that failed has its error instead');

-- Limits by setting, batch and job.
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x10'), 90, 89.9, 50, 49.9)), 'approved review review rejected', 'by the settings');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x11', options => '{"approve_confidence": 97.5, "review_confidence": 80}'), 97.5, 97.4, 80, 79.9)),
    'approved review review rejected', 'by the options of a job');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x12', options => '{"approve_confidence": 40}'), 40, 39)),
    'approved rejected', 'one of them alone moves the other out of its way');
SELECT lives_ok($$SELECT ocr_batch('strict', approve_confidence => 98)$$, 'a batch can have limits before it has jobs');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x13', batch => 'strict'), 98, 97, 50, 49)),
    'approved review review rejected', 'which hold for its jobs; where it has none, the settings''');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x14', batch => 'strict', options => '{"approve_confidence": 60}'), 60, 59)),
    'approved review', 'a job''s own come first');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x15', batch => 'other'), 91)), 'approved', 'another batch has the settings');
SELECT lives_ok($$SELECT ocr_batch('strict', review_confidence => 95, reset => '{approve_confidence}')$$, 'they can be changed');
SELECT is((SELECT approve_confidence || '/' || review_confidence FROM ocr.batches WHERE name = 'strict'), NULL, 'a limit that is reset is the setting again');
SELECT is((SELECT review_confidence FROM ocr.batches WHERE name = 'strict'), 95::real, 'and one that is given, that');
SELECT is((SELECT count(*) FROM ocr.batches WHERE name = 'strict'), 1::bigint, 'of the same batch');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x16', batch => 'strict'), 95.5, 94)), 'approved rejected', 'for pages that are read from then on');

-- Another role's batch of the same name is another batch.
CREATE ROLE someone_else;
SET SESSION AUTHORIZATION someone_else;
SELECT ocr_batch('strict', approve_confidence => 1, reset => '{review_confidence}');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT array_agg(approve_confidence::int ORDER BY owner = 'someone_else') FROM ocr.batches WHERE name = 'strict'), '{NULL,1}'::int[], 'nobody sets a stranger''s limits');
SELECT is(pg_temp.verdicts(pg_temp.read_all(ocr_submit('\x19', batch => 'strict'), 60)), 'rejected', 'or is judged by them');

-- A shared result has a verdict of its own.
SELECT pg_temp.read_all(ocr_submit('\x17'), 93, 97) AS first \gset
SELECT ocr_submit('\x17', options => '{"approve_confidence": 95}', keep_document => true) AS job \gset
SELECT pg_temp.claim() \g /dev/null
SELECT ok((SELECT NOT ocr.reuse_result(task_id, fence) FROM claim), 'what was good enough, and is no longer, is read again');
SELECT pg_temp.open(2), pg_temp.read(1, 96), pg_temp.read(2, 94), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.triage(:job), 'review 2', 'for a verdict of its own');
SELECT is(pg_temp.triage(:first), 'approved 1', 'the first keeps its own');

-- The mean of the words' confidences is kept beside the estimate.
SELECT ocr_submit('\x18') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(3) \g /dev/null
SELECT ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'x', 97, NULL, 5, 1, 1, 1, 0, 1, 'e', NULL, NULL, 88.5),
       ocr.record_page(task_id, fence, 2, 'read', 'text_layer', 'x', 100, NULL, 5, 1, 1, 1, 0, 1, 'e', NULL, NULL, NULL),
       ocr.record_page(task_id, fence, 3, 'read', 'ocr', '', -1, NULL, 0, 1, 1, 1, 0, 1, 'e', NULL, NULL, -1) FROM claim \g /dev/null
SELECT pg_temp.complete() \g /dev/null
SELECT results_eq(format('SELECT page_no, confidence, mean_confidence FROM ocr_pages(%s)', :job),
    $$VALUES (1, 97::real, 88.5::real), (2, 100, NULL), (3, NULL, NULL)$$, 'where words were recognised');
SELECT is((SELECT verdict FROM ocr_pages(:job) WHERE page_no = 1), 'approved', 'the verdict goes by the estimate');

-- Bad calls.
SELECT throws_ok(format($$SELECT ocr_submit('\x20', options => '{"approve_confidence": %s}')$$, value), '22023', NULL, 'not an option: ' || value)
FROM unnest('{-1,100.5,"\"90\"",1e-400,true}'::text[]) AS value;
SELECT throws_ok($$SELECT ocr_submit('\x20', options => '{"approve_confidence": 50, "review_confidence": 60}')$$, '22023', NULL, 'limits that cross');
SELECT throws_ok($$SELECT ocr('\x20', options => '{"review_confidence": 60}')$$, '22023', NULL, 'ocr() gives no verdict');
SELECT throws_ok($$SELECT ocr_batch('b', approve_confidence => 101)$$, '22023', NULL, 'not a confidence');
SELECT throws_ok($$SELECT ocr_batch('b', review_confidence => 'NaN')$$, '22023', NULL, 'nor is this');
SELECT throws_ok($$SELECT ocr_batch('b', approve_confidence => 50, review_confidence => 60)$$, '22023', NULL, 'limits of a batch that cross');
SELECT throws_ok($$SELECT ocr_batch('')$$, '22023', NULL, 'no name');
SELECT throws_ok($$SELECT ocr_batch(NULL)$$, '22004', NULL, 'no batch');
SELECT * FROM finish();
ROLLBACK;
