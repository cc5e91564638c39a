-- Whose turn it is among owners and batches.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE FUNCTION pg_temp.end() RETURNS boolean LANGUAGE sql AS $$ SELECT pg_temp.open(1) AND pg_temp.read(1) AND pg_temp.complete() $$;
-- Reads what comes next, so many times: whose, and of which batch.
CREATE FUNCTION pg_temp.next(times int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    jobs text[];
    job int;
BEGIN
    FOR i IN 1 .. times LOOP
        job := pg_temp.claim();
        jobs := jobs || coalesce((SELECT coalesce(j.batch, j.owner) FROM ocr.jobs j WHERE j.id = job), '-');
        PERFORM pg_temp.end();
    END LOOP;
    RETURN array_to_string(jobs, ' ');
END
$$;
CREATE FUNCTION pg_temp.submit(number int, batch text = NULL, priority int = 0) RETURNS void LANGUAGE sql AS $$
    SELECT ocr_submit('\x01', options => '{"reuse": false}', batch => $2, priority => $3) FROM generate_series(1, $1)
$$;
CREATE ROLE alice;
CREATE ROLE bob;

-- A batch and a small job that comes later.
SET SESSION AUTHORIZATION alice;
SELECT pg_temp.submit(50, 'big');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.next(3), 'big big big', 'a batch has all that nobody else wants');
SET SESSION AUTHORIZATION alice;
SELECT pg_temp.submit(1);
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION bob;
SELECT pg_temp.submit(2);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.next(6), 'big bob big alice bob big', 'one job, of whomever, does not wait for the whole batch');

-- Between batches, and between owners whatever number of batches they have.
SET SESSION AUTHORIZATION alice;
SELECT pg_temp.submit(12, 'second');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM regexp_matches(pg_temp.next(12), 'second', 'g')), 4::bigint, 'the places of a batch that was alone are nearer to each other than those of one that came later');
SET SESSION AUTHORIZATION bob;
SELECT pg_temp.submit(30, 'bobs');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM regexp_matches(pg_temp.next(20), 'bobs', 'g')), 8::bigint, 'bob has his share: what was placed before does not move');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE finished_at IS NULL;

SET SESSION AUTHORIZATION alice;
SELECT ocr_batch('a'), ocr_batch('b'), ocr_batch('c');
SELECT pg_temp.submit(20, batch) FROM unnest('{a,b,c}'::text[]) AS batch;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION bob;
SELECT pg_temp.submit(20, 'd');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(batch || ' ' || n, ', ' ORDER BY batch)
           FROM (SELECT batch, count(*) AS n FROM regexp_split_to_table(pg_temp.next(24), ' ') AS batch GROUP BY batch) AS s),
    'a 4, b 4, c 4, d 12', 'three batches win nobody more than one does, and share it evenly');
SET SESSION AUTHORIZATION alice;
SELECT ocr_pause('b');
RESET SESSION AUTHORIZATION;
SELECT is(ocr.step_of('alice', 'a'), (SELECT count(*) FROM ocr.batches WHERE owner = 'alice' AND finished_at IS NULL) - 1, 'a paused one takes nothing of that');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE finished_at IS NULL;

-- Priorities are apart: what was read of one is no reason to wait in another.
SET SESSION AUTHORIZATION alice;
SELECT pg_temp.submit(20, 'urgent', 5), pg_temp.submit(3, 'slow', -5);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.next(20), repeat('urgent ', 19) || 'urgent', 'a higher priority comes first');
SET SESSION AUTHORIZATION bob;
SELECT pg_temp.submit(1, 'bobs_slow', -5);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.next(5), 'bobs_slow slow slow slow -', 'in the lower one, turns are taken as well');

-- Long documents. The parts of the first are on their way; its batch has to wait for as many turns as they take.
SET SESSION AUTHORIZATION alice;
SELECT ocr_batch('books', reset => '{priority}');
SELECT pg_temp.submit(3, 'books');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION bob;
SELECT pg_temp.submit(20, 'letters');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.next_part(times int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    parts text[];
BEGIN
    FOR i IN 1 .. times LOOP
        PERFORM pg_temp.claim();
        PERFORM pg_temp.open(80) FROM claim c JOIN ocr.jobs j ON j.id = c.job_id WHERE j.batch = 'books' AND c.last_page IS NULL;
        parts := parts || (SELECT CASE j.batch WHEN 'books' THEN format('%s/%s', j.id - first.id, c.first_page) ELSE 'letter' END
                           FROM claim c JOIN ocr.jobs j ON j.id = c.job_id,
                                LATERAL (SELECT min(b.id) AS id FROM ocr.jobs b WHERE b.batch = 'books') AS first);
    END LOOP;
    RETURN array_to_string(parts, ' ');
END
$$;
SELECT is(pg_temp.next_part(20), '0/1 letter letter 0/17 letter 0/33 letter 0/49 letter 0/65 1/1 letter letter 1/17 letter 1/33 letter 1/49 letter 1/65',
    'a book takes turns with letters, and the next book begins when it is read');
SET SESSION AUTHORIZATION alice;
SELECT ocr_submit('\x01', batch => 'books', pages => '1', options => '{"reuse": false}') AS leaflet \gset
RESET SESSION AUTHORIZATION;
SELECT is((SELECT debt FROM ocr.tasks WHERE job_id = :leaflet), ocr.debt_of_flow(ocr.flow_of('alice', 'books')),
    'what comes later does not pay for what was read before');
SELECT is((SELECT debt FROM ocr.tasks WHERE job_id = :leaflet) > 0, true, 'which was something');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE finished_at IS NULL;

-- What failed, and is due again, has had its turn.
SET SESSION AUTHORIZATION alice;
SELECT pg_temp.submit(9, 'flaky');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.claim() AS flaky \gset
SELECT pg_temp.fail('engine_crashed') \g /dev/null
SELECT is(pg_temp.claim(), :flaky, 'what is due at once keeps its place');
SELECT pg_temp.fail('engine_crashed') \g /dev/null
SELECT isnt(pg_temp.claim(), :flaky, 'while it is not due, others are read');
SELECT pg_temp.end() \g /dev/null
SELECT pg_temp.let_backoff_pass();
SELECT is(pg_temp.claim(), :flaky, 'when it is, it is the next');
SELECT pg_temp.end() \g /dev/null

-- What waits for its time takes its place when that has come.
SET SESSION AUTHORIZATION bob;
SELECT ocr_submit('\x01', batch => 'timed', run_at => now() + '1 h', options => '{"reuse": false}') FROM generate_series(1, 150);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.next(2), 'flaky flaky', 'not before');
UPDATE ocr.tasks SET run_at = run_at - interval '2 h' WHERE ocr.is_waiting_lane(lane);
SELECT is(pg_temp.next(4), 'flaky timed flaky timed', 'then it takes turns');
SELECT is((SELECT count(*) FROM ocr.tasks WHERE ocr.is_waiting_lane(lane)), 0::bigint, 'all of it has its place');
SELECT ok(bool_and(ocr_cancel(id)), 'cancel all') FROM ocr.jobs WHERE finished_at IS NULL;
SET SESSION AUTHORIZATION bob;
SELECT ocr_submit('\x01', batch => 'timed', run_at => now() + '1 h', options => '{"reuse": false}') FROM generate_series(1, 150);
RESET SESSION AUTHORIZATION;
-- As time does, which fires no trigger.
SET session_replication_role = replica;
ALTER TABLE ocr.tasks DISABLE TRIGGER place_task;
UPDATE ocr.tasks SET run_at = run_at - interval '2 h', turn = turn - 7200000000, since = pg_current_xact_id();
ALTER TABLE ocr.tasks ENABLE ALWAYS TRIGGER place_task;
RESET session_replication_role;
SELECT is(pg_temp.next(1), 'timed', 'what has come due is claimed');
SELECT is((SELECT count(*) FROM ocr.tasks WHERE ocr.is_waiting_lane(lane)), 50::bigint, 'a hundred at a time take their places');
SELECT is(pg_temp.next(150), repeat('timed ', 149) || '-', 'and all are read');
SELECT * FROM finish();
ROLLBACK;
