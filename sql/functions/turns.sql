-- Whose turn it is. Within a priority, flows take turns: an owner's jobs of one batch are a flow, as are those of no batch.
-- This is start-time fair queueing: a task's place (its turn) is set once, when it comes into the lane of its priority, at
-- the end of its flow but not before the turn that the lane has reached. So a claim takes the least turn of a lane by an index,
-- and knows nothing of flows. Of an owner with several batches each takes longer steps, so that batches win nobody a larger
-- share.
--
-- What a document costs is only known once it was opened: its parts take the next places, and its flow owes as many turns.
-- Whatever of the flow is the next then goes behind by what has come to be owed since its place was set.
--
-- What is not due yet is in a lane of its own, by time; there, what is held is the last.

CREATE OR REPLACE FUNCTION ocr.turn_reached(lane int) RETURNS bigint
    LANGUAGE c STRICT VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_turn_reached';
COMMENT ON FUNCTION ocr.turn_reached(int) IS 'Internal: the highest turn that was claimed in a lane of this database since the server started';

CREATE OR REPLACE FUNCTION ocr.reach_turn(lane int, turn bigint) RETURNS void
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_reach_turn';
COMMENT ON FUNCTION ocr.reach_turn(int, bigint) IS 'Internal: a turn was claimed in a lane. Not undone by a rollback';

CREATE OR REPLACE FUNCTION ocr.debt_of_flow(flow bigint) RETURNS bigint
    LANGUAGE c STRICT VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_debt_of_flow';
COMMENT ON FUNCTION ocr.debt_of_flow(bigint) IS 'Internal: how many turns a flow has come to owe since the server started, for documents that turned out to be long';

CREATE OR REPLACE FUNCTION ocr.charge_flow(flow bigint, turns bigint) RETURNS void
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_charge_flow';
COMMENT ON FUNCTION ocr.charge_flow(bigint, bigint) IS 'Internal: a flow owes so many turns more. Not undone by a rollback';

-- Not by hashtext(), whose results may differ where a dump is restored.
CREATE OR REPLACE FUNCTION ocr.flow_of(owner name, batch text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ('x' || substr(md5(owner), 1, 8) || CASE WHEN batch IS NULL THEN '00000000' ELSE substr(md5(batch), 1, 7) || '1' END)
               ::bit(64)::bigint
$$;
COMMENT ON FUNCTION ocr.flow_of(name, text) IS 'Internal: the flow of an owner''s jobs of a batch, or of no batch; its lower half is 0 for the latter only';

CREATE OR REPLACE FUNCTION ocr.waiting_lane(priority int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT priority - 10000 $$;
COMMENT ON FUNCTION ocr.waiting_lane(int) IS 'Internal: the lane of tasks of a priority (-1000 to 1000) that are not due yet';

CREATE OR REPLACE FUNCTION ocr.is_waiting_lane(lane int) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lane < -5000 $$;
COMMENT ON FUNCTION ocr.is_waiting_lane(int) IS 'Internal: whether the tasks of a lane wait for their time';

CREATE OR REPLACE FUNCTION ocr.turn_at(run_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN run_at < 'infinity' THEN (1000000 * extract(epoch FROM run_at))::bigint ELSE 9223372036854775807 END
$$;
COMMENT ON FUNCTION ocr.turn_at(timestamptz) IS 'Internal: the place in a waiting lane of what is due at a time';

CREATE OR REPLACE FUNCTION ocr.step_of(owner name, batch text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN 1 + (SELECT count(*) FROM ocr.batches b
                WHERE b.owner = step_of.owner AND b.finished_at IS NULL AND b.paused_at IS NULL AND b.name IS DISTINCT FROM batch);
END
$$;
COMMENT ON FUNCTION ocr.step_of(name, text) IS 'Internal: how far apart the places of a flow''s tasks are: an owner''s batches, but for paused ones, share what one flow is due';

CREATE OR REPLACE FUNCTION ocr.place_task() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    job ocr.jobs;
    batch ocr.batches;
    reached bigint;
BEGIN
    NEW.since := pg_current_xact_id();
    IF TG_OP = 'UPDATE' AND OLD.lane = NEW.priority AND NEW.run_at <= clock_timestamp() THEN
        RETURN NEW;  -- it keeps its place
    END IF;
    IF TG_OP = 'INSERT' AND NEW.turn IS NOT NULL AND NOT ocr.is_waiting_lane(NEW.lane) THEN
        RETURN NEW;  -- a part of a document, or out of a dump
    END IF;
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = NEW.job_id;
    IF job.batch IS NOT NULL AND TG_OP = 'INSERT' THEN
        SELECT * INTO batch FROM ocr.batches b WHERE b.owner = job.owner AND b.name = job.batch;
        NEW.priority := coalesce(batch.priority, NEW.priority);
        NEW.run_at := CASE WHEN batch.paused_at IS NULL THEN NEW.run_at ELSE 'infinity' END;
    END IF;
    NEW.flow := coalesce(NEW.flow, ocr.flow_of(job.owner, job.batch));
    IF NEW.run_at > clock_timestamp() THEN
        NEW.lane := ocr.waiting_lane(NEW.priority);
        NEW.turn := ocr.turn_at(NEW.run_at);
        RETURN NEW;
    END IF;
    NEW.lane := NEW.priority;
    NEW.debt := ocr.debt_of_flow(NEW.flow);
    reached := ocr.turn_reached(NEW.lane);
    NEW.turn := CASE WHEN NEW.attempts + NEW.unavailable > 0 THEN reached  -- it has had its turn
                     ELSE greatest(reached, (SELECT max(t.turn) FROM ocr.tasks t
                                             WHERE t.worker IS NULL AND t.flow = NEW.flow AND t.lane = NEW.lane AND t.turn > reached))
                          + ocr.step_of(job.owner, job.batch) END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ocr.place_task() IS 'Internal: gives a task that is to be claimed its place, and notes which transaction wrote it, for ocr.queue_heads()';

CREATE OR REPLACE TRIGGER place_task BEFORE INSERT OR UPDATE ON ocr.tasks
    FOR EACH ROW WHEN (NEW.worker IS NULL) EXECUTE FUNCTION ocr.place_task();
ALTER TABLE ocr.tasks ENABLE ALWAYS TRIGGER place_task;

CREATE OR REPLACE FUNCTION ocr.place_due_tasks(heads ocr.queue_head[], tier text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    at_once CONSTANT int := 100;
    present CONSTANT bigint := ocr.turn_at(now());
    head ocr.queue_head;
    task_id bigint;
    found_some boolean := false;
BEGIN
    FOREACH head IN ARRAY heads LOOP
        CONTINUE WHEN NOT ocr.is_waiting_lane(head.lane) OR head.turn > present;
        FOREACH task_id IN ARRAY CASE WHEN tier IS NULL THEN
            ARRAY(SELECT t.id FROM ocr.tasks t
                  WHERE t.worker IS NULL AND t.lane = head.lane AND (t.turn, t.id) >= (head.turn, head.id) AND t.turn <= present
                  ORDER BY t.turn, t.id LIMIT at_once FOR UPDATE SKIP LOCKED)
        ELSE
            ARRAY(SELECT t.id FROM ocr.tasks t
                  WHERE t.worker IS NULL AND t.tier = place_due_tasks.tier AND -t.lane = -head.lane
                    AND (t.turn, t.id) >= (head.turn, head.id) AND t.turn <= present
                  ORDER BY t.turn, t.id LIMIT at_once FOR UPDATE SKIP LOCKED)
        END LOOP
            UPDATE ocr.tasks t SET run_at = t.run_at WHERE t.id = task_id;
            found_some := true;
        END LOOP;
    END LOOP;
    RETURN found_some;
END
$$;
COMMENT ON FUNCTION ocr.place_due_tasks(ocr.queue_head[], text) IS
'Internal: of each waiting lane, the first hundred tasks whose time has come take their places in the lane of their priority; false where there was none';

CREATE OR REPLACE FUNCTION ocr.is_held(job ocr.jobs) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    own_flow CONSTANT bigint := ocr.flow_of(job.owner, job.batch);
    batch ocr.batches;
    at_work int;
BEGIN
    SELECT * INTO batch FROM ocr.batches b WHERE b.owner = job.owner AND b.name = job.batch;
    IF batch.paused_at IS NULL THEN
        IF batch.max_workers IS NULL THEN
            RETURN false;
        END IF;
        IF NOT ocr.try_lock(own_flow) THEN
            RETURN NULL;
        END IF;
        at_work := (SELECT count(*) FROM ocr.tasks t WHERE t.worker IS NOT NULL AND t.flow = own_flow);
        IF at_work < batch.max_workers THEN
            RETURN false;
        END IF;
    END IF;
    -- Whoever resumes a batch waits here for the claims that hold some of its tasks, so that it sees all of these.
    SELECT * INTO batch FROM ocr.batches b WHERE b.owner = job.owner AND b.name = job.batch FOR SHARE SKIP LOCKED;
    RETURN CASE WHEN FOUND THEN coalesce(batch.paused_at IS NOT NULL OR batch.max_workers <= at_work, false) END;
END
$$;
COMMENT ON FUNCTION ocr.is_held(ocr.jobs) IS 'Internal: whether nothing more of a job''s batch is to be claimed now, as it is paused or has its fill of workers; null where another session is just changing that';

CREATE OR REPLACE FUNCTION ocr.hold_tasks(task ocr.tasks) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    at_once CONSTANT int := 200;
BEGIN
    UPDATE ocr.tasks t SET run_at = 'infinity'
    WHERE t.id = ANY (ARRAY(SELECT n.id FROM ocr.tasks n
                            WHERE n.worker IS NULL AND n.flow = task.flow AND n.lane = task.lane AND n.turn >= task.turn
                            ORDER BY n.turn LIMIT at_once FOR UPDATE SKIP LOCKED));
END
$$;
COMMENT ON FUNCTION ocr.hold_tasks(ocr.tasks) IS 'Internal: a task and those of its flow behind it, two hundred at a time, are to be claimed once ocr.admit_tasks() says so';

CREATE OR REPLACE FUNCTION ocr.admit_tasks(owner name, batch text, most int = NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    task_id bigint;
BEGIN
    FOR task_id IN
        SELECT t.id FROM ocr.tasks t
        WHERE t.worker IS NULL AND t.flow = ocr.flow_of(owner, batch) AND ocr.is_waiting_lane(t.lane) AND t.turn = ocr.turn_at('infinity')
        ORDER BY t.lane DESC, t.id LIMIT most FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE ocr.tasks t SET run_at = j.run_at FROM ocr.jobs j WHERE t.id = task_id AND j.id = t.job_id;
        PERFORM ocr.wake_workers();
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.admit_tasks(name, text, int) IS 'Internal: so many of the tasks of a batch that are held, or all, may be claimed when they are due';

CREATE INDEX IF NOT EXISTS batches_flow ON ocr.batches (ocr.flow_of(owner, name));

CREATE OR REPLACE FUNCTION ocr.admit_next_task() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM ocr.admit_tasks(b.owner, b.name, 1) FROM ocr.batches b
    WHERE ocr.flow_of(b.owner, b.name) = OLD.flow AND b.max_workers IS NOT NULL AND b.paused_at IS NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.admit_next_task() IS 'Internal: where a batch has its fill of workers, the end of a task lets the next be claimed';

CREATE OR REPLACE TRIGGER admit_next_task AFTER DELETE ON ocr.tasks
    FOR EACH ROW WHEN (OLD.worker IS NOT NULL AND (OLD.flow & 4294967295) <> 0) EXECUTE FUNCTION ocr.admit_next_task();
CREATE OR REPLACE TRIGGER admit_next_task_instead AFTER UPDATE ON ocr.tasks
    FOR EACH ROW WHEN (OLD.worker IS NOT NULL AND NEW.worker IS NULL AND (OLD.flow & 4294967295) <> 0)
    EXECUTE FUNCTION ocr.admit_next_task();

-- A claim may have held tasks while the last of those that are read came to its end.
CREATE OR REPLACE FUNCTION ocr.admit_forgotten_tasks() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM ocr.admit_tasks(b.owner, b.name, b.max_workers) FROM ocr.batches b
    WHERE b.max_workers IS NOT NULL AND b.paused_at IS NULL
      AND NOT EXISTS (SELECT FROM ocr.tasks t WHERE t.worker IS NOT NULL AND t.flow = ocr.flow_of(b.owner, b.name));
END
$$;
COMMENT ON FUNCTION ocr.admit_forgotten_tasks() IS 'Internal: where nobody reads for a batch that has room for workers, held tasks of it may be claimed';
