BEGIN;
SELECT plan(47);
\ir fake_worker.psql

-- Claims the next job; the text, or null where an earlier job's result was taken.
CREATE FUNCTION pg_temp.read_next(text text = 'read', failed boolean = false) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    job CONSTANT int := pg_temp.claim();
    task record;
BEGIN
    SELECT * INTO task FROM claim;
    IF NOT ocr.reuse_result(task.task_id, task.fence) THEN
        PERFORM ocr.record_opened(task.task_id, task.fence, 'TIFF', 2, 2);
        PERFORM ocr.record_page(task.task_id, task.fence, 1, 'read', 'ocr', read_next.text, 80, '{"blocks": []}', 3, 10, 20, 300, 90, 7, 'e', NULL, NULL);
        IF failed THEN
            PERFORM ocr.record_page(task.task_id, task.fence, 2, 'failed', NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 7, 'e', 'page_damaged', 'torn');
        ELSE
            PERFORM ocr.record_page(task.task_id, task.fence, 2, 'skipped', NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 7, 'e', 'no_text_layer', 'none');
        END IF;
        PERFORM ocr.complete_task(task.task_id, task.fence);
    END IF;
    RETURN job;
END
$$;

SELECT ocr_submit('\x01', metadata => '{"n": 1}') AS first \gset
SELECT ocr_submit('\x01', metadata => '{"n": 2}', batch => 'b', priority => -1) AS second \gset
SELECT is(pg_temp.read_next(), :first, 'the first job is claimed');
SELECT is((SELECT result_of FROM ocr.jobs WHERE id = :first), NULL, 'and read itself');
SELECT is((SELECT count(*) FROM ocr.documents), 1::bigint, 'the document waits for the second');
SELECT is(pg_temp.read_next('read again'), :second, 'the second has the same bytes and options');
SELECT is((SELECT result_of::int FROM ocr.jobs WHERE id = :second), :first, 'so it shares the result of the first, and says so');
SELECT results_eq(
    format('SELECT to_jsonb(p) - ''job_id'' FROM ocr.pages p WHERE job_id = %s ORDER BY page_no', :second),
    format('SELECT to_jsonb(p) - ''job_id'' FROM ocr.pages p WHERE job_id = %s ORDER BY page_no', :first),
    'page by page, with all that is known of each');
SELECT is((SELECT to_jsonb(j) - '{id,priority,batch,metadata,result_of,document_id}'::text[] FROM ocr.jobs j WHERE id = :second),
    (SELECT to_jsonb(j) - '{id,priority,batch,metadata,result_of,document_id}'::text[] FROM ocr.jobs j WHERE id = :first),
    'status, verdict, confidence, counts and attempts as well');
SELECT is((SELECT status || ' ' || pages_done || ' ' || pages_total || ' ' || attempts FROM ocr.jobs WHERE id = :second), 'completed 2 2 1', 'which are these');
SELECT is((SELECT count(*) FROM ocr.documents), 0::bigint, 'the document is dropped');
SELECT is((SELECT count(*) FROM ocr.tasks), 0::bigint, 'nothing is left in the queue');

SELECT ocr_submit('\x01') AS third \gset
SELECT is(pg_temp.read_next(), :third, 'a third one');
SELECT is((SELECT result_of::int FROM ocr.jobs WHERE id = :third), :first, 'names the job that was read');

-- What is not the same.
CREATE FUNCTION pg_temp.shared(job bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    ASSERT pg_temp.read_next() = job;
    RETURN (SELECT result_of IS NOT NULL FROM ocr.jobs WHERE id = job);
END
$$;
SELECT ok(NOT pg_temp.shared(ocr_submit('\x02')), 'other bytes are read');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', language => 'eng+eng')), 'another language');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', tier => 'fast')), 'another tier');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', pages => '1-')), 'another list of pages');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', text_layer => 'ignore')), 'another use of the text layer');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', options => '{"dpi": 300}')), 'other options');
SELECT ok(pg_temp.shared(ocr_submit('\x01', options => '{"dpi": 300, "reuse": true}')), 'but reuse is none of them');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', password => 'sesame')), 'a job with a password is read');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x03', password => 'sesame')), 'the one that had the password');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x03')), 'does not give its result to one that has none');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01', options => '{"reuse": false}')), 'who asks for it has it read again');
SELECT ok(pg_temp.shared(ocr_submit('\x01')), 'and that result is shared in turn');

CREATE ROLE reuse_other;
GRANT USAGE ON SCHEMA public TO reuse_other;
SET LOCAL ROLE reuse_other;
SELECT ocr_submit('\x01') AS others \gset
RESET ROLE;
SELECT ok(NOT pg_temp.shared(:others), 'another owner''s result is not shared');

-- What is not a result.
SELECT ocr_submit('\x04') AS damaged \gset
SELECT is(pg_temp.read_next(failed => true), :damaged, 'a document of which a page fails');
SELECT is((SELECT status || ' ' || pages_failed FROM ocr.jobs WHERE id = :damaged), 'completed 1', 'is completed');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x04')), 'and read again when it comes again');
DELETE FROM ocr.jobs WHERE id = :first;
DELETE FROM ocr.jobs WHERE result_of IS NULL AND tier = 'balanced';
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01')), 'a deleted job has no result to share');

-- As if the limits on verdicts had changed meanwhile.
UPDATE ocr.pages SET verdict = 'rejected' WHERE page_no = 1;
SELECT ocr_submit('\x01') AS job \gset
SELECT ok(pg_temp.shared(:job), 'shared');
SELECT is((SELECT verdict FROM ocr.pages WHERE job_id = :job AND page_no = 1), 'review', 'verdicts follow the settings of today');

-- As by hand, or by a restore of less than all.
DELETE FROM ocr.pages WHERE page_no = 2;
SELECT ok(NOT pg_temp.shared(ocr_submit('\x01')), 'a result that lacks a page is not shared');

-- Pages are read in other ways until they are approved. read_next() reads one with confidence 80.
SELECT ok(NOT pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 70}')), 'a page is read that is approved at once');
SELECT ok(pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 80}')), 'who approves it as well shares it');
SELECT ok(pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 60}')), 'and so does who asks for less');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 80.1}')), 'for who asks for more it is read in other ways');
SELECT ok(pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 99}')), 'after which there is no more to be had');
SELECT ok(pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 70}')), 'nor would less be better');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x05', tier => 'fast', options => '{"approve_confidence": 70}')), 'in tier fast');
SELECT ok(pg_temp.shared(ocr_submit('\x05', tier => 'fast', options => '{"approve_confidence": 99}')), 'there are no other ways');
SELECT ocr_batch('strict', approve_confidence => 99);
SELECT ok(NOT pg_temp.shared(ocr_submit('\x06', options => '{"approve_confidence": 70}')), 'a batch''s limits count');
SELECT ok(NOT pg_temp.shared(ocr_submit('\x06', batch => 'strict')), 'like a job''s own');
SELECT ocr_batch('changing', approve_confidence => 70);
SELECT ok(NOT pg_temp.shared(ocr_submit('\x07', batch => 'changing')), 'a page is read that the limits approve');
SELECT ocr_batch('changing', approve_confidence => 99);
SELECT ok(NOT pg_temp.shared(ocr_submit('\x07', batch => 'changing')), 'which are those of the time when it was read');
UPDATE ocr.pages SET source = 'text_layer', confidence = 95 WHERE status = 'read';
SELECT ok(pg_temp.shared(ocr_submit('\x05', options => '{"approve_confidence": 99}')), 'a text layer is read in one way');

SELECT ocr_submit('\x01') AS job \gset
SELECT pg_temp.claim();
SELECT ocr_cancel(:job);
SELECT ok(ocr.reuse_result(task_id, fence), 'without a claim there is nothing to do') FROM claim;
SELECT is((SELECT status FROM ocr.jobs WHERE id = :job), 'cancelled', 'and nothing is done');
SELECT * FROM finish();
ROLLBACK;
