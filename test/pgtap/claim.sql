BEGIN;
SELECT plan(51);
\ir fake_worker.psql

SELECT is(pg_temp.claim(), NULL, 'an empty queue has nothing to claim');
SELECT is(ocr.due_in_ms(), NULL, 'and nothing that falls due');

-- The order.
SELECT ocr_submit('\x01', run_at => now() + '1 h', priority => 9) AS later \gset
SELECT ocr_submit('\x02') AS first \gset
SELECT ocr_submit('\x03', priority => 5) AS urgent \gset
SELECT ocr_submit('\x04', priority => 5) AS urgent_and_younger \gset
SELECT ocr_submit('\x05') AS second \gset
SELECT is(ocr.due_in_ms(), 0::bigint, 'what is due is due now');
SELECT is(pg_temp.claim(), :urgent, 'the highest priority that is due comes first, its oldest task first');
SELECT is(pg_temp.claim(), :urgent_and_younger, 'then the next of the same priority');
SELECT is(pg_temp.claim(), :first, 'then, first come first served, the lower priority');
SELECT is(pg_temp.claim(), :second, 'and its next');
SELECT is(pg_temp.claim(), NULL, 'nothing is claimed twice, and nothing before its time');
SELECT cmp_ok(ocr.due_in_ms(), '>', 3590000::bigint, 'the wait for the next task is known');
SELECT cmp_ok(ocr.due_in_ms(), '<=', 3600000::bigint, 'to the millisecond');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs;

-- A session remembers where each lane begins, and looks again at what was written since.
SELECT ocr_submit('\x06') AS low \gset
SELECT ocr_submit('\x07', priority => 3, run_at => now() + '1 h') AS high \gset
SELECT results_eq('SELECT lane FROM ocr.queue_heads()', 'VALUES (0), (ocr.waiting_lane(3))', 'what is not due is in a lane of its own');
UPDATE ocr.tasks SET run_at = now() - interval '1 s' WHERE job_id = :high;
SELECT is(pg_temp.claim(), :high, 'what was brought forward is claimed');
SELECT ocr_submit('\x08') AS earlier \gset
UPDATE ocr.tasks SET turn = -1 WHERE job_id = :earlier;
SELECT is(pg_temp.claim(), :earlier, 'what is put before what was first is claimed before it');
SELECT lives_ok('SELECT ocr.release_task(task_id, fence) FROM claim', 'given back');
SELECT is((SELECT count(*) FROM ocr.queue_heads()), 1::bigint, 'one lane is left');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE status IN ('pending', 'running');
SELECT is(ocr.due_in_ms(), NULL, 'nothing falls due any more');

-- As an administrator may park one; ocr_submit() takes no such time.
SELECT ocr_submit('\x09') AS parked \gset
UPDATE ocr.tasks SET run_at = 'infinity' WHERE job_id = :parked;
SELECT is(ocr.due_in_ms(), NULL, 'what waits for ever never falls due');
SELECT ok(ocr_cancel(:parked), 'and can be cancelled');

-- What a claim says and does.
SELECT ocr_submit('\x0102030405', language => 'eng', tier => 'accurate', text_layer => 'ignore', password => 'sesame',
                  pages => '2-', options => '{"psm": 6, "dpi": 200, "deskew": true, "debug": true}') AS job \gset
SELECT is(pg_temp.claim(), :job, 'claimed');
SELECT results_eq('SELECT attempt, language, tier, text_layer, password, pages, done, psm, dpi, deskew, debug FROM claim',
    $$VALUES (1, 'eng', 'accurate', 'ignore', 'sesame', '2-', '{}'::int[], 6, 200, true, true)$$, 'it says all that was asked for');
SELECT is((SELECT status || ' ' || attempts || ' ' || (started_at = now()) FROM ocr.jobs WHERE id = :job), 'running 1 true',
    'the job is running, its attempt counted');
SELECT is((SELECT worker FROM ocr.tasks WHERE job_id = :job), 4711::bigint, 'the task says who has it');
SELECT is(ocr.document_size(task_id, fence), 5::bigint, 'the size of the document') FROM claim;
SELECT is(ocr.document_slice(task_id, fence, 1, 3), '\x020304'::bytea, 'a slice of it') FROM claim;
SELECT is(ocr.document_slice(task_id, fence, 4, 100), '\x05'::bytea, 'its end') FROM claim;
SELECT ok(ocr.holds_task(task_id, fence), 'the claim stands') FROM claim;

-- Given back.
SELECT lives_ok('SELECT ocr.release_task(task_id, fence) FROM claim', 'given back');
SELECT is((SELECT status || ' ' || attempts FROM ocr.jobs WHERE id = :job), 'pending 0', 'the job is pending, its attempt not counted');

-- A claim that is lost: another worker has the task now.
CREATE TEMP TABLE lost AS SELECT task_id, fence FROM claim;
SELECT is(pg_temp.claim(), :job, 'claimed again');
SELECT cmp_ok((SELECT fence FROM claim), '>', (SELECT fence FROM lost), 'with a fence of its own');
SELECT is(ocr.holds_task(task_id, fence), false, 'the first claim does not stand') FROM lost;
SELECT is(ocr.document_size(task_id, fence), NULL, 'it reads no size') FROM lost;
SELECT is(ocr.document_slice(task_id, fence, 0, 9), NULL, 'no slice') FROM lost;
SELECT is(ocr.record_opened(task_id, fence, 'PNG', 9, 9), false, 'opens nothing') FROM lost;
SELECT is(ocr.record_page(task_id, fence, 2, 'read', 'ocr', 'x', 9, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL), false,
    'records no page') FROM lost;
SELECT is(ocr.complete_task(task_id, fence), false, 'completes nothing') FROM lost;
SELECT is(ocr.fail_task(task_id, fence, 'document_damaged', 'x', 0), false, 'fails nothing') FROM lost;
SELECT lives_ok('SELECT ocr.release_task(task_id, fence) FROM lost', 'gives nothing back');
SELECT is((SELECT status || ' ' || attempts || ' ' || coalesce(document_type, 'unopened') || ' ' || pages_done
           FROM ocr.jobs WHERE id = :job), 'running 1 unopened 0', 'and the job is as it was');
SELECT is((SELECT count(*) FROM ocr.pages), 0::bigint, 'no page was written');

-- Pages of an earlier attempt are not to be read again.
SELECT ok(pg_temp.open(9, 8), 'opened');
SELECT ok(pg_temp.read(3) AND pg_temp.read(2), 'two pages read');
SELECT lives_ok('SELECT ocr.release_task(task_id, fence) FROM claim', 'given back');
SELECT is(pg_temp.claim(), :job, 'claimed once more');
SELECT is((SELECT done FROM claim), '{2,3}', 'the pages that are done are named');

-- A document that was deleted under the job fails it with a reason; the queue goes on.
SELECT lives_ok('SELECT ocr.release_task(task_id, fence) FROM claim', 'given back');
DELETE FROM ocr.documents;
SELECT ocr_submit('\x06') AS next \gset
SELECT is(pg_temp.claim(), :next, 'the next job is claimed');
SELECT is((SELECT status || ' ' || error_code FROM ocr.jobs WHERE id = :job), 'failed internal_error', 'the other has failed');
SELECT throws_like(format('SELECT ocr_retry(%s)', :job), 'the document of job % is not stored any more', 'and cannot be retried');
SELECT * FROM finish();
ROLLBACK;
