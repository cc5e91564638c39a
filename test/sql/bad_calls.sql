-- A bad call is an error at the call, which says what to do.
\set SHOW_CONTEXT never
SELECT ocr_submit(NULL);
SELECT ocr_submit('');
SELECT ocr_submit('\x01', language => NULL);
SELECT ocr_submit('\x01', tier => NULL);
SELECT ocr_submit('\x01', priority => NULL);
SELECT ocr_submit('\x01', priority => 1001);
SELECT ocr_submit('\x01', priority => -1001);
SELECT ocr_submit('\x01', text_layer => NULL);
SELECT ocr_submit('\x01', metadata => NULL);
SELECT ocr_submit('\x01', options => NULL);
SELECT ocr_submit('\x01', keep_document => NULL);
SELECT ocr_submit('\x01', run_at => NULL);
SELECT ocr_submit('\x01', run_at => 'infinity');
SELECT ocr_submit('\x01', tier => 'best');
SELECT ocr_submit('\x01', text_layer => 'yes');
SELECT ocr_submit('\x01', batch => '');
SELECT ocr_submit('\x01', batch => repeat('x', 201));
SELECT ocr_submit('\x01', idempotency_key => '');
SELECT ocr_submit('\x01', idempotency_key => repeat('x', 201));
SELECT ocr_submit('\x01', metadata => '[]');

-- Languages. What is installed differs from host to host.
CREATE FUNCTION complaint(language text) RETURNS TABLE (code text, message text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ocr_submit('\x01', language => complaint.language);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    hint := regexp_replace(hint, 'Installed: [^.]*\meng\M[^.]*\.', 'Installed: (a list with eng).');
    RETURN NEXT;
END
$$;
\x
SELECT wrong, c.* FROM unnest(ARRAY['', 'xyz', 'eng+xyz_abcd', 'eng+', '+', 'English', '../eng', 'eng,deu', 'osd']) AS wrong, complaint(wrong) AS c;
\x

-- Pages.
SELECT ocr_submit('\x01', pages => '');
SELECT ocr_submit('\x01', pages => '0');
SELECT ocr_submit('\x01', pages => '1, 2');
SELECT ocr_submit('\x01', pages => '1,');
SELECT ocr_submit('\x01', pages => '-3');
SELECT ocr_submit('\x01', pages => '1-2-3');
SELECT ocr_submit('\x01', pages => 'all');
SELECT ocr_submit('\x01', pages => '12345678901');
SELECT ocr_submit('\x01', pages => '1,7-3');
SELECT ocr_submit('\x01', pages => repeat('1,', 5000) || '1');

-- Options.
SELECT ocr_submit('\x01', options => '[]');
SELECT ocr_submit('\x01', options => '{"pms": 6}');
SELECT ocr_submit('\x01', options => '{"psm": 0}');
SELECT ocr_submit('\x01', options => '{"psm": 2}');
SELECT ocr_submit('\x01', options => '{"psm": 14}');
SELECT ocr_submit('\x01', options => '{"psm": "6"}');
SELECT ocr_submit('\x01', options => '{"dpi": 69}');
SELECT ocr_submit('\x01', options => '{"dpi": 2401}');
SELECT ocr_submit('\x01', options => '{"dpi": 300.5}');
SELECT ocr_submit('\x01', options => '{"deskew": "yes"}');
SELECT ocr_submit('\x01', options => '{"deskew": null}');
SELECT ocr_submit('\x01', options => '{"reuse": 1}');
SELECT ocr_submit('\x01', options => '{"debug": "true"}');
SELECT ocr('\x01', options => '{"reuse": true}');
SELECT ocr('\x01', options => '{"debug": true}');

-- Jobs that are not there.
SELECT * FROM ocr_status(999999);
SELECT * FROM ocr_status(NULL);
SELECT * FROM ocr_wait(999999);
SELECT ocr_text(999999);
SELECT * FROM ocr_pages(999999);
SELECT * FROM ocr_words(999999);
SELECT ocr_cancel(999999);
SELECT ocr_cancel(NULL);
SELECT ocr_retry(999999);
\set VERBOSITY sqlstate
SELECT * FROM ocr_status(999999);
SELECT * FROM ocr_status(NULL);
\set VERBOSITY default

-- Waits that could not end.
BEGIN;
SELECT ocr_submit('\x01') AS job \gset
SAVEPOINT later;
SELECT ocr_submit('\x02') AS later_job \gset
CREATE FUNCTION complaint_of_wait(job bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM ocr_wait(job);
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d+', 'N') || '; ' || hint;
END
$$;
SELECT complaint_of_wait(:job), complaint_of_wait(:later_job) IS NOT DISTINCT FROM complaint_of_wait(:job) AS same_after_savepoint;
SELECT ocr_cancel(:job);
SELECT status FROM ocr_wait(:job);
ROLLBACK;
SELECT ocr_submit('\x01', run_at => now() + '1 h') AS job \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM ocr_wait(:job);
ROLLBACK;
SELECT * FROM ocr_wait(:job, NULL);
SELECT status FROM ocr_wait(:job, '10 ms');
SELECT status FROM ocr_wait(:job, '-1 s');
SELECT ocr_cancel(:job);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT status FROM ocr_wait(:job);
ROLLBACK;

-- Nothing of all this was submitted.
SELECT count(*) FROM ocr.jobs WHERE status <> 'cancelled';
SELECT count(*) FROM ocr.tasks;
