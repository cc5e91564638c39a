-- The summary of a while.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE FUNCTION pg_temp.report(period interval = '1 day', everyone boolean = false) RETURNS jsonb LANGUAGE sql
AS $$ SELECT ocr_report(period, everyone) - '{since,until}'::text[] $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
DELETE FROM ocr.jobs;
SELECT is(pg_temp.report(),
          jsonb_build_object('owner', current_user, 'everyone', false, 'jobs', 0, 'completed', 0, 'failed', 0, 'cancelled', 0, 'approved', 0, 'review', 0, 'rejected', 0,
                             'pages_done', 0, 'pages_failed', 0, 'wait_p50', NULL, 'wait_p95', NULL, 'failures', '{}'::jsonb, 'unfinished_jobs', 0,
                             'oldest_due_seconds', NULL, 'pages_to_review', 0), 'where nothing was done');

-- One that was read and is for review, one that failed, one that was cancelled, one that waits; and one of long ago.
SELECT ocr_submit('\x01') AS read, pg_temp.claim() AS claimed \gset
SELECT pg_temp.open(2), pg_temp.read(1), pg_temp.read(2), pg_temp.complete() \g /dev/null
UPDATE ocr.jobs SET submitted_at = started_at - interval '20 s', run_at = started_at - interval '10 s' WHERE id = :read;
UPDATE ocr.pages SET verdict = 'review' WHERE job_id = :read AND page_no = 2;
SELECT ocr_submit('\x02') AS failed \gset
UPDATE ocr.jobs SET status = 'failed', error_code = 'document_damaged', error = 'x', finished_at = now(), run_at = now() WHERE id = :failed;
DELETE FROM ocr.tasks WHERE job_id = :failed;
SELECT ocr_cancel(ocr_submit('\x03')) \g /dev/null
SELECT ocr_submit('\x04') AS waits \gset
UPDATE ocr.tasks SET run_at = now() - interval '90 s' WHERE job_id = :waits;
SELECT ocr_submit('\x05') AS old \gset
SELECT ocr_cancel(:old) \g /dev/null
UPDATE ocr.jobs SET finished_at = now() - interval '2 days' WHERE id = :old;
SELECT is(pg_temp.report() - '{owner,everyone}'::text[],
          '{"jobs": 3, "completed": 1, "failed": 1, "cancelled": 1, "approved": 1, "review": 0, "rejected": 0, "pages_done": 2, "pages_failed": 0,
            "wait_p50": 10, "wait_p95": 10, "failures": {"document_damaged": 1}, "unfinished_jobs": 1, "oldest_due_seconds": 90, "pages_to_review": 1}'::jsonb,
          'the figures');
SELECT is((pg_temp.report('1 week')->>'cancelled')::int, 2, 'of a longer while');
SELECT ok((r->>'until')::timestamptz - (r->>'since')::timestamptz = '1 day' AND (r->>'until')::timestamptz = now(), 'which while')
FROM ocr_report() AS r;

-- Whose.
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT is((pg_temp.report(everyone => true)->>'jobs')::int, 0, 'nobody is told of a stranger''s');
SELECT ocr_cancel(ocr_submit('\x05')) \g /dev/null
SELECT is((pg_temp.report()->>'jobs')::int, 1, 'but of one''s own');
RESET SESSION AUTHORIZATION;
SELECT is((pg_temp.report()->>'jobs')::int, 3, 'a superuser as well');
SELECT is((pg_temp.report(everyone => true)->>'jobs')::int, 4, 'or of all');

-- Who is told.
CREATE SERVER ocr_test_hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://example.com/hook', events 'job.failed');
SELECT ocr_report(webhook => 'ocr_test_hook') AS report \gset
SELECT is((SELECT array_agg(event || ' ' || (payload::jsonb->>'type') || ' ' || (payload::jsonb->'data' = :'report'::jsonb)) FROM ocr.deliveries),
          '{"report report true"}', 'a webhook');
SELECT is((SELECT pending FROM ocr.webhooks WHERE webhook = 'ocr_test_hook'), 1::bigint, 'that ocr.webhooks knows of');
SELECT throws_ok($$INSERT INTO ocr.deliveries (owner, webhook, event, payload) VALUES ('x', 'y', 'job.failed', '{}')$$, '23514', NULL, 'other events are of something');
SELECT throws_ok(statement, state, NULL, statement)
FROM (VALUES ($$SELECT ocr_report('0')$$, '22023'), ($$SELECT ocr_report('-1 day')$$, '22023'), ($$SELECT ocr_report(NULL)$$, '22004'),
             ($$SELECT ocr_report(everyone => NULL)$$, '22004'), ($$SELECT ocr_report(webhook => 'nobody')$$, '42704')) AS s (statement, state);
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT throws_ok($$SELECT ocr_report(webhook => 'ocr_test_hook')$$, '42501', NULL, 'a webhook needs USAGE');
RESET SESSION AUTHORIZATION;
SELECT * FROM finish();
ROLLBACK;
