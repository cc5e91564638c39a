BEGIN;
SELECT plan(19);
\ir fake_worker.psql
-- A worker that is reserved for a tier.
CREATE FUNCTION pg_temp.claim_for(tier text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM claim;
    INSERT INTO claim SELECT * FROM ocr.claim_task(4712, $1);
    RETURN (SELECT job_id FROM claim);
END
$$;

SELECT is(pg_temp.claim_for('accurate'), NULL, 'an empty queue has nothing for a reserved worker');
SELECT is(ocr.tier_waits('accurate'), false, 'and nothing of its tier waits');
SELECT ocr_submit('\x01', tier => 'fast', priority => 9) AS urgent \gset
SELECT ocr_submit('\x02', tier => 'fast') AS fast \gset
SELECT ocr_submit('\x03', tier => 'accurate', run_at => now() + '1 h', priority => 5) AS later \gset
SELECT is(ocr.tier_waits('accurate'), false, 'what is not due does not wait');
SELECT ocr_submit('\x04', tier => 'accurate') AS accurate \gset
SELECT ocr_submit('\x05', tier => 'accurate', priority => 1) AS accurate_first \gset
SELECT results_eq($$SELECT lane FROM ocr.queue_heads('accurate')$$, 'VALUES (1), (0), (ocr.waiting_lane(5))', 'a tier has heads of its own');
SELECT ok(ocr.tier_waits('accurate'), 'now one waits');
SELECT is(ocr.tier_waits('balanced'), false, 'of this tier, and of no other');
SELECT is((SELECT count(*) FROM ocr.tasks WHERE worker IS NOT NULL), 0::bigint, 'to ask claims nothing');

SELECT is(pg_temp.claim_for('accurate'), :accurate_first, 'its own tier comes first, whatever the priority of others; there, by priority');
SELECT is(pg_temp.claim(), :urgent, 'who is not reserved takes what is next');
SELECT is(pg_temp.claim_for('balanced'), :fast, 'and so does a reserved worker while its tier has nothing');
SELECT ok(pg_temp.open(40), 'a long document is opened');
SELECT is((SELECT string_agg(tier, ' ') FROM ocr.tasks WHERE job_id = :fast), 'fast fast fast', 'its parts are of its tier');
SELECT ok(pg_temp.read(1), 'and its first page is read');

-- Given back it keeps its place, in front of what came after it.
SELECT ocr_submit('\x06', tier => 'fast') AS behind \gset
SELECT lives_ok('SELECT ocr.release_task(task_id, fence) FROM claim', 'given back');
SELECT is(pg_temp.claim_for('accurate'), :accurate, 'for the tier that it was given back for');
SELECT is(pg_temp.claim_for('accurate'), :fast, 'then it is the next');
SELECT is((SELECT format('%s-%s %s %s', first_page, last_page, done, attempt) FROM claim), '1-16 {1} 1',
    'with what was read, its attempt not counted');

-- The memory of one tier is not taken for that of another.
SELECT ocr_submit('\x07', tier => 'balanced') AS balanced \gset
SELECT is(pg_temp.claim_for('balanced'), :balanced, 'a worker that is reserved for another tier now looks for that');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE status IN ('pending', 'running');
SELECT * FROM finish();
ROLLBACK;
