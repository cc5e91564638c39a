-- What workers call, as a superuser. The job's row is always locked before its task's, so that no two of these
-- functions, ocr_cancel() and ocr_retry() can wait for each other in a circle; where that order cannot be kept, SKIP LOCKED
-- keeps from waiting at all.
--
-- enable_seqscan = off: a worker's plans are cached for its life. One made while the queue was nearly empty would go on
-- reading whole tables when it is long.

-- A claim must not get slower with the number of tasks that were done. While some session holds an old snapshot, vacuum
-- cannot remove what was claimed, and a scan of tasks_to_claim from its beginning would walk over all of it. So a session
-- remembers, in pg_ocr.queue_look, the heads that it found: for each lane the first task that its snapshot saw. Before
-- a head there was nothing that the snapshot saw. What was claimed or deleted does not come back, so whatever may be there
-- now was written by a transaction that the snapshot did not see as ended: it was running (xip), or began later (xmax). The
-- index tasks_new has what those wrote, as a trigger notes the writer of each version that is to be claimed. Thus it does
-- not matter who wrote it, when that committed, by COMMIT PREPARED as well, or which claim was rolled back: the head of a
-- claim that did not commit was in the snapshot of whoever met it, and a setting is rolled back with its transaction.
--
-- Whoever disables the trigger loses this, so once a minute all is looked at again. What a reserved worker saw of its tier is
-- remembered apart.
CREATE OR REPLACE FUNCTION ocr.queue_heads(tier text = NULL) RETURNS SETOF ocr.queue_head
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET datestyle = 'ISO'
AS $$
DECLARE
    memory CONSTANT text := CASE WHEN tier IS NULL THEN 'pg_ocr.queue_look' ELSE 'pg_ocr.tier_look' END;
    look ocr.queue_look := nullif(current_setting(memory, true), '')::ocr.queue_look;
    level bigint := 2147483648;  -- above any int
BEGIN
    IF (look.tier IS NOT DISTINCT FROM queue_heads.tier
        AND look.complete_at BETWEEN clock_timestamp() - interval '1 min' AND clock_timestamp()) IS NOT TRUE THEN
        look := (pg_current_snapshot(), NULL, clock_timestamp(), '{}', queue_heads.tier);
        LOOP
            IF queue_heads.tier IS NULL THEN
                SELECT max(t.lane) INTO level FROM ocr.tasks t WHERE t.worker IS NULL AND t.lane < level;
            ELSE
                SELECT -min(-t.lane) INTO level FROM ocr.tasks t
                WHERE t.worker IS NULL AND t.tier = queue_heads.tier AND -t.lane > -level;
            END IF;
            EXIT WHEN level IS NULL;
            look.heads := look.heads || (level, -9223372036854775808, 0)::ocr.queue_head;
        END LOOP;
    END IF;

    WITH ended AS (
        SELECT x FROM pg_snapshot_xip(look.snapshot) AS x WHERE pg_visible_in_snapshot(x, pg_current_snapshot())
    ), new AS (
        SELECT t.lane, t.turn, t.id, t.tier FROM ocr.tasks t
        WHERE t.worker IS NULL AND t.since >= pg_snapshot_xmax(look.snapshot)
        UNION ALL
        SELECT t.lane, t.turn, t.id, t.tier FROM ocr.tasks t
        WHERE t.worker IS NULL AND t.since = ANY (ARRAY(SELECT x FROM ended) || look.own)
    ), start AS (
        SELECT DISTINCT ON (s.lane) s.lane, s.turn, s.id
        FROM (SELECT n.lane, n.turn, n.id FROM new n WHERE n.tier = queue_heads.tier OR queue_heads.tier IS NULL
              UNION ALL
              SELECT * FROM unnest(look.heads)) AS s
        ORDER BY s.lane, s.turn, s.id
    )
    SELECT pg_current_snapshot(), pg_current_xact_id_if_assigned(), look.complete_at,
           array_agg((s.lane, head.turn, head.id)::ocr.queue_head ORDER BY s.lane DESC), look.tier
    INTO look
    FROM start s, LATERAL (
        -- One of the two; the other looks at nothing.
        (SELECT t.turn, t.id FROM ocr.tasks t
         WHERE queue_heads.tier IS NULL AND t.worker IS NULL AND t.lane = s.lane AND (t.turn, t.id) >= (s.turn, s.id)
         ORDER BY t.turn, t.id LIMIT 1)
        UNION ALL
        (SELECT t.turn, t.id FROM ocr.tasks t
         WHERE t.worker IS NULL AND t.tier = queue_heads.tier AND -t.lane = -s.lane AND (t.turn, t.id) >= (s.turn, s.id)
         ORDER BY t.turn, t.id LIMIT 1)) AS head;
    PERFORM set_config(memory, look::text, false);
    RETURN QUERY SELECT * FROM unnest(look.heads);
END
$$;
COMMENT ON FUNCTION ocr.queue_heads(text) IS
'Internal: per lane, from the highest, the first task that is to be claimed, of a tier or, where that is null, of all; those of waiting lanes come last. Another session may be claiming it';

CREATE OR REPLACE FUNCTION ocr.lock_next_task(tier text) RETURNS ocr.tasks
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    heads ocr.queue_head[] := ARRAY(SELECT h FROM ocr.queue_heads(tier) AS h);
    head ocr.queue_head;
    passed_over bigint[] := '{}';
    passed_flows bigint[] := '{}';
    put_off int := 0;
    task ocr.tasks;
    job ocr.jobs;
    owed bigint;
    held boolean;
BEGIN
    IF ocr.place_due_tasks(heads, tier) THEN
        heads := ARRAY(SELECT h FROM ocr.queue_heads(tier) AS h);
    END IF;
    FOREACH head IN ARRAY heads LOOP
        CONTINUE WHEN ocr.is_waiting_lane(head.lane);
        -- run_at: what came due since this transaction began is the next one's.
        LOOP
            IF tier IS NULL THEN
                SELECT * INTO task FROM ocr.tasks t
                WHERE t.worker IS NULL AND t.lane = head.lane AND (t.turn, t.id) >= (head.turn, head.id)
                  AND t.run_at <= now() AND t.id <> ALL (passed_over) AND t.flow <> ALL (passed_flows)
                ORDER BY t.turn, t.id LIMIT 1
                FOR UPDATE SKIP LOCKED;
            ELSE
                SELECT * INTO task FROM ocr.tasks t
                WHERE t.worker IS NULL AND t.tier = lock_next_task.tier AND -t.lane = -head.lane
                  AND (t.turn, t.id) >= (head.turn, head.id)
                  AND t.run_at <= now() AND t.id <> ALL (passed_over) AND t.flow <> ALL (passed_flows)
                ORDER BY t.turn, t.id LIMIT 1
                FOR UPDATE SKIP LOCKED;
            END IF;
            EXIT WHEN task.id IS NULL;
            SELECT * INTO job FROM ocr.jobs j WHERE j.id = task.job_id FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                passed_over := passed_over || task.id;
                CONTINUE;
            END IF;
            owed := CASE WHEN task.last_page IS NULL THEN ocr.debt_of_flow(task.flow) END;
            held := job.batch IS NOT NULL AND ocr.is_held(job);
            IF job.document_id IS NULL AND (coalesce(job.uri, job.attachment::text) IS NULL OR task.last_page IS NOT NULL) THEN
                PERFORM ocr.finish_job(job.id, 'failed', 'internal_error',
                    'its document was deleted from ocr.documents before it was read; submit it again');
            ELSIF owed > task.debt THEN
                UPDATE ocr.tasks t SET turn = t.turn + owed - t.debt, debt = owed WHERE t.id = task.id;
            ELSIF held IS NULL THEN
                passed_flows := passed_flows || task.flow;
            ELSIF held THEN
                EXIT WHEN put_off = 5;  -- the next claim goes on
                put_off := put_off + 1;
                PERFORM ocr.hold_tasks(task);
            ELSIF job.document_id IS NULL AND ocr.slow_fetches(job.store, now()) >= ocr.most_slow_fetches() THEN
                EXIT WHEN put_off = 5;
                put_off := put_off + 1;
                PERFORM ocr.put_off_fetches(job.store, head);
            ELSE
                RETURN task;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.lock_next_task(text) IS
'Internal: the next task that is due and can be claimed, of a tier or, where that is null, of all; it and its job are locked. Null where there is none';

CREATE OR REPLACE FUNCTION ocr.claim_task(worker bigint, reserved_for text = NULL)
RETURNS TABLE (
    task_id bigint, fence bigint, job_id bigint, attempt int, document_id bigint, language text, tier text,
    text_layer text, password text, pages text, done int[], psm int, dpi int, deskew boolean,
    first_page int, last_page int, task_pages int, uri text, keep_document boolean, enough real, row_kind text, debug boolean)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    task ocr.tasks;
    job ocr.jobs;
    approved_from real;
BEGIN
    IF reserved_for IS NOT NULL THEN
        task := ocr.lock_next_task(reserved_for);
    END IF;
    IF task.id IS NULL THEN
        task := ocr.lock_next_task(NULL);
        IF task.id IS NULL THEN
            RETURN;
        END IF;
        PERFORM ocr.reach_turn(task.lane, task.turn);  -- what is reserved is out of turn
    END IF;
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = task.job_id;
    UPDATE ocr.tasks t
    SET worker = claim_task.worker, fence = nextval('ocr.fences'), claimed_at = now(), attempts = t.attempts + 1,
        fetching = job.document_id IS NULL
    WHERE t.id = task.id
    RETURNING * INTO task;
    approved_from := (SELECT l.approve FROM ocr.limits_of_verdicts(job) AS l);
    UPDATE ocr.jobs j
    SET status = 'running', attempts = j.attempts + ocr.counts_for_job(task), started_at = coalesce(j.started_at, now()),
        enough = least(j.enough, approved_from)
    WHERE j.id = job.id;
    IF job.webhook IS NOT NULL AND job.started_at IS NULL THEN
        SELECT * INTO job FROM ocr.jobs j WHERE j.id = job.id;
        PERFORM ocr.emit_event(job, 'job.started');
    END IF;
    RETURN QUERY SELECT task.id, task.fence, job.id, (task.attempts + task.unavailable)::int, job.document_id, job.language,
        job.tier, job.text_layer, (SELECT p.password FROM ocr.passwords p WHERE p.job_id = job.id), job.pages,
        ARRAY(SELECT p.page_no FROM ocr.pages p
              WHERE p.job_id = job.id AND p.page_no BETWEEN task.first_page AND coalesce(task.last_page, 2147483647)
              ORDER BY p.page_no),
        coalesce((job.options->>'psm')::int, 3), coalesce((job.options->>'dpi')::int, 0),
        coalesce((job.options->>'deskew')::boolean, false), task.first_page, task.last_page,
        CASE WHEN task.last_page IS NULL THEN ocr.pages_of_a_task() END, job.uri, job.keep_document,
        approved_from, (SELECT coalesce((SELECT a.kind FROM ocr.attachments a WHERE a.id = job.attachment), 'bytes') WHERE job.attachment IS NOT NULL),
        coalesce((job.options->>'debug')::boolean, false);
END
$$;
COMMENT ON FUNCTION ocr.claim_task(bigint, text) IS
'Internal: the next task that is due, now claimed by the worker that holds the advisory lock with this key, its attempt counted; no row where there is none. reserved_for: the tier whose tasks come before all others, for this worker. done: pages of its range recorded already. task_pages: of its range, only so many are to be read, as ocr.record_opened() makes tasks of the others. uri without document_id: the document is to be fetched, see ocr.store_of_task(); row_kind without document_id: it is in a row, see ocr.row_document(), and for ''uri'' its URI is, see ocr.row_uri(). COMMIT before the work starts';

-- A store that sends nothing, or a byte now and then, keeps a worker until its timeout. With enough documents of one, whoever
-- may use it would keep all workers from everybody else. So what takes long has half of them at most: its other tasks wait,
-- and of those that began together, before it was known to be slow, all but so many are put off again after a moment.
CREATE OR REPLACE FUNCTION ocr.most_slow_fetches() RETURNS int
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT greatest(1, current_setting('pg_ocr.workers')::int / 2) $$;
COMMENT ON FUNCTION ocr.most_slow_fetches() IS 'Internal: how many workers may wait for a store that is slow to send documents';

CREATE OR REPLACE FUNCTION ocr.slow_fetches(store name, before timestamptz) RETURNS int
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    patience CONSTANT interval := '5 s';
BEGIN
    RETURN (SELECT count(*) FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id
            WHERE t.worker IS NOT NULL AND t.fetching AND t.claimed_at < least(before, now() - patience)
              AND j.store = slow_fetches.store);
END
$$;
COMMENT ON FUNCTION ocr.slow_fetches(name, timestamptz) IS
'Internal: how many workers have waited for more than 5 s for a document of a store, of those that claimed it before a time';

CREATE OR REPLACE FUNCTION ocr.put_off_fetches(store name, head ocr.queue_head) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    at_once CONSTANT int := 1000;
    few CONSTANT interval := '5 s';
    many CONSTANT interval := '300 s';  -- or they would be put off again and again, to no end
    due bigint[];
BEGIN
    due := ARRAY(SELECT t.id FROM ocr.tasks t
                 WHERE t.worker IS NULL AND t.lane = head.lane AND (t.turn, t.id) >= (head.turn, head.id)
                 ORDER BY t.turn, t.id LIMIT at_once FOR UPDATE SKIP LOCKED);
    UPDATE ocr.tasks t
    SET run_at = now() + interval '1 s' + random() * CASE cardinality(due) WHEN at_once THEN many ELSE few END
    FROM ocr.jobs j
    WHERE t.id = ANY (due) AND j.id = t.job_id AND j.store = put_off_fetches.store AND j.document_id IS NULL;
    PERFORM ocr.wake_workers();  -- somebody has to know when the next of them is due
END
$$;
COMMENT ON FUNCTION ocr.put_off_fetches(name, ocr.queue_head) IS
'Internal: the tasks of a store among the first thousand that are due are due a little later, behind those of others';

-- A job of many tasks that all went well was tried once.
CREATE OR REPLACE FUNCTION ocr.counts_for_job(task ocr.tasks) RETURNS int
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (task.first_page = 1 OR task.attempts > 1)::int $$;
COMMENT ON FUNCTION ocr.counts_for_job(ocr.tasks) IS 'Internal: 1 where this attempt at a task is also one more attempt at its job, else 0';

-- Large enough that opening the document again costs little, small enough that the workers end together.
CREATE OR REPLACE FUNCTION ocr.pages_of_a_task() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 16 $$;
COMMENT ON FUNCTION ocr.pages_of_a_task() IS 'Internal: a document of more pages than this is shared among the workers, so many pages at a time';

CREATE OR REPLACE FUNCTION ocr.tier_waits(tier text) RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (ocr.lock_next_task(tier)).id IS NOT NULL $$;
COMMENT ON FUNCTION ocr.tier_waits(text) IS
'Internal: whether there is a task of a tier that could be claimed now: then a worker that is reserved for the tier gives back what it reads for others';

CREATE OR REPLACE FUNCTION ocr.due_in_ms() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    due CONSTANT bigint := (SELECT min(CASE WHEN ocr.is_waiting_lane(h.lane) THEN h.turn ELSE 0 END) FROM ocr.queue_heads() AS h);
BEGIN
    RETURN CASE WHEN ocr.attached_rows_wait() THEN 0
                WHEN due < ocr.turn_at('infinity')
                THEN ceil(greatest(0, due - 1000000 * extract(epoch FROM clock_timestamp())) / 1000) END;
END
$$;
COMMENT ON FUNCTION ocr.due_in_ms() IS
'Internal: milliseconds until the earliest unclaimed task falls due, 0 where one is due, null where there is none. 0 does not promise that it can be claimed: another session may hold a lock on it';

CREATE OR REPLACE FUNCTION ocr.lock_claim(task_id bigint, fence bigint) RETURNS ocr.tasks
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    patience CONSTANT interval := '5 s';
    give_up_at CONSTANT timestamptz := clock_timestamp() + patience;
    job_id bigint;
    task ocr.tasks;
BEGIN
    LOOP
        SELECT t.job_id INTO job_id FROM ocr.tasks t WHERE t.id = task_id AND t.fence = lock_claim.fence;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        PERFORM FROM ocr.jobs j WHERE j.id = job_id FOR NO KEY UPDATE SKIP LOCKED;
        EXIT WHEN FOUND;
        -- The other parts of a document lock its job for a moment. An ocr_cancel() in a transaction that stays open locks it
        -- for as long as its user likes: without an end to patience, one user could hold up every worker.
        IF clock_timestamp() > give_up_at THEN
            RAISE EXCEPTION 'another session has held a lock on job % for %', job_id, patience
                USING ERRCODE = 'lock_not_available';
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    SELECT * INTO task FROM ocr.tasks t WHERE t.id = task_id AND t.fence = lock_claim.fence FOR UPDATE;
    RETURN task;
END
$$;
COMMENT ON FUNCTION ocr.lock_claim(bigint, bigint) IS
'Internal: locks a job and its task for a write and returns the task; null where the claim no longer stands, and nothing may be written. Error 55P03 where another session holds a lock on the job for long';

CREATE OR REPLACE FUNCTION ocr.holds_task(task_id bigint, fence bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task ocr.tasks;
BEGIN
    SELECT * INTO task FROM ocr.tasks t WHERE t.id = task_id AND t.fence = holds_task.fence;
    IF task.fetching AND ocr.slow_fetches((SELECT j.store FROM ocr.jobs j WHERE j.id = task.job_id), task.claimed_at)
                         >= ocr.most_slow_fetches() THEN
        PERFORM ocr.give_task_back(ocr.lock_claim(task_id, fence), now() + random() * interval '5 s');
        RETURN false;
    END IF;
    RETURN task.id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION ocr.holds_task(bigint, bigint) IS
'Internal: whether the claim still stands. One of a document of a store for which enough others have been waiting for longer is given back here';

CREATE OR REPLACE FUNCTION ocr.document_of_task(task_id bigint, fence bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    job ocr.jobs;
BEGIN
    SELECT j.* INTO job FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id
    WHERE t.id = task_id AND t.fence = document_of_task.fence;
    IF FOUND AND job.document_id IS NULL THEN
        RAISE EXCEPTION 'the document of job % was deleted from ocr.documents while it was read', job.id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Cancel a job before you delete its document.';
    END IF;
    RETURN job.document_id;
END
$$;
COMMENT ON FUNCTION ocr.document_of_task(bigint, bigint) IS 'Internal: the id of the document that a claimed task is to read; null where the claim no longer stands';

CREATE OR REPLACE FUNCTION ocr.document_size(task_id bigint, fence bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    document_id CONSTANT bigint := ocr.document_of_task(task_id, fence);
BEGIN
    RETURN (SELECT d.size FROM ocr.documents d WHERE d.id = document_id);
END
$$;
COMMENT ON FUNCTION ocr.document_size(bigint, bigint) IS 'Internal: bytes of the document that a claimed task is to read; null where the claim no longer stands';

CREATE OR REPLACE FUNCTION ocr.document_slice(task_id bigint, fence bigint, from_byte bigint, length int) RETURNS bytea
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    document_id CONSTANT bigint := ocr.document_of_task(task_id, fence);
BEGIN
    RETURN (SELECT substr(d.bytes, (from_byte + 1)::int, length) FROM ocr.documents d WHERE d.id = document_id);
END
$$;
COMMENT ON FUNCTION ocr.document_slice(bigint, bigint, bigint, int) IS 'Internal: a part of the document that a claimed task is to read, from a byte counted from 0; null where the claim no longer stands';

CREATE OR REPLACE FUNCTION ocr.release_task(task_id bigint, fence bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
BEGIN
    PERFORM ocr.give_task_back(task, task.run_at);
END
$$;
COMMENT ON FUNCTION ocr.release_task(bigint, bigint) IS
'Internal: gives a claimed task back unharmed: its attempt is not counted, and it keeps its place in the queue';

CREATE OR REPLACE FUNCTION ocr.give_task_back(task ocr.tasks, run_at timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    IF task.id IS NOT NULL THEN
        UPDATE ocr.tasks t SET attempts = t.attempts - 1 WHERE t.id = task.id;
        UPDATE ocr.jobs j SET attempts = j.attempts - ocr.counts_for_job(task) WHERE j.id = task.job_id;
        PERFORM ocr.requeue_task(task, run_at);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.give_task_back(ocr.tasks, timestamptz) IS
'Internal: a task whose claim the caller has locked is pending again, its attempt not counted, due at run_at; null: nothing is done';

CREATE OR REPLACE FUNCTION ocr.requeue_task(task ocr.tasks, run_at timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    UPDATE ocr.tasks t SET worker = NULL, fence = NULL, claimed_at = NULL, fetching = false, run_at = requeue_task.run_at
    WHERE t.id = task.id;
    UPDATE ocr.jobs j
    SET run_at = requeue_task.run_at,
        status = CASE WHEN EXISTS (SELECT FROM ocr.tasks t WHERE t.job_id = task.job_id AND t.worker IS NOT NULL)
                      THEN 'running' ELSE 'pending' END
    WHERE j.id = task.job_id;
    PERFORM ocr.wake_workers();
END
$$;
COMMENT ON FUNCTION ocr.requeue_task(ocr.tasks, timestamptz) IS 'Internal: a task whose claim the caller has locked is pending again, due at run_at';
