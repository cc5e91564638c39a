-- The queue. Rows are inserted, updated a few times and deleted: autovacuum follows every thousand of them, and never
-- truncates, which would lock workers out.
CREATE TABLE ocr.tasks (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE,
    priority   int NOT NULL,
    run_at     timestamptz NOT NULL,
    first_page int NOT NULL DEFAULT 1,
    last_page  int,
    attempts   smallint NOT NULL DEFAULT 0,
    worker     bigint,
    fence      bigint,
    claimed_at timestamptz,
    since      xid8 NOT NULL,
    unavailable smallint NOT NULL DEFAULT 0,
    fetching   boolean NOT NULL DEFAULT false,
    tier       text NOT NULL,
    lane       int NOT NULL,
    turn       bigint NOT NULL,
    flow       bigint NOT NULL,
    debt       bigint NOT NULL DEFAULT 0,
    CONSTRAINT claims_are_whole CHECK ((worker IS NULL) = (fence IS NULL) AND (worker IS NULL) = (claimed_at IS NULL))
) WITH (fillfactor = 70, vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
CREATE INDEX tasks_to_claim ON ocr.tasks (lane DESC, turn, id) WHERE worker IS NULL;
-- -lane: so that no other index can be taken for what asks for a tier, however few tasks there were when it was planned.
CREATE INDEX tasks_of_tier ON ocr.tasks (tier, (-lane), turn, id) WHERE worker IS NULL;
CREATE INDEX tasks_of_flow ON ocr.tasks (flow, lane, turn) WHERE worker IS NULL;
CREATE INDEX tasks_new ON ocr.tasks (since) WHERE worker IS NULL;
CREATE INDEX tasks_claimed ON ocr.tasks (worker) WHERE worker IS NOT NULL;
CREATE INDEX tasks_job ON ocr.tasks (job_id);
COMMENT ON TABLE ocr.tasks IS 'Internal: the queue, one row per range of pages that is still to be read';
COMMENT ON COLUMN ocr.tasks.last_page IS 'Null: to the end of the document';
COMMENT ON COLUMN ocr.tasks.attempts IS 'How many times it was claimed since it was made, or since a page was given up';
COMMENT ON COLUMN ocr.tasks.unavailable IS 'How many times its store was unavailable; such an attempt is not counted in attempts';
COMMENT ON COLUMN ocr.tasks.fetching IS 'Whether the worker that has claimed it waits for a store to send the document';
COMMENT ON COLUMN ocr.tasks.tier IS 'Of its job: what a reserved worker looks for';
COMMENT ON COLUMN ocr.tasks.priority IS 'Of its batch, where that has one, else of its job';
COMMENT ON COLUMN ocr.tasks.run_at IS 'When it is due; infinity: it is held, as its batch is paused or has its fill of workers';
COMMENT ON COLUMN ocr.tasks.lane IS 'What is claimed together, in the order of turn: the priority, or, before run_at, a lane of its own; see ocr.waiting_lane(). Set by a trigger';
COMMENT ON COLUMN ocr.tasks.turn IS 'Its place in the lane, which comes round in turns between flows; before run_at, that time in microseconds. Set by a trigger';
COMMENT ON COLUMN ocr.tasks.flow IS 'Whose turn it takes: an owner''s jobs of one batch, or those without one; see ocr.flow_of()';
COMMENT ON COLUMN ocr.tasks.debt IS 'What its flow owed when its place was set; where it owes more by now, it has to wait for so many turns more';
COMMENT ON COLUMN ocr.tasks.worker IS 'Key of the advisory lock that the claiming worker holds as long as it lives; null: to be claimed';
COMMENT ON COLUMN ocr.tasks.fence IS 'Token of the present attempt; a write that carries another one is refused';
COMMENT ON COLUMN ocr.tasks.since IS 'The transaction that last wrote it as a task to be claimed; set by a trigger, for ocr.queue_heads()';

CREATE TYPE ocr.queue_head AS (lane int, turn bigint, id bigint);
COMMENT ON TYPE ocr.queue_head IS 'Internal: the first of the tasks of one lane';
CREATE TYPE ocr.queue_look AS (snapshot pg_snapshot, own xid8, complete_at timestamptz, heads ocr.queue_head[], tier text);
COMMENT ON TYPE ocr.queue_look IS 'Internal: what a session found when it last looked into the queue; see ocr.queue_heads()';

-- From a number that no earlier extension of this database has reached: a worker that was at a task when the extension was
-- dropped and made again would take a new task of the same number for its own.
CREATE SEQUENCE ocr.fences;
SELECT pg_catalog.setval('ocr.fences', (1000000 * extract(epoch FROM pg_catalog.clock_timestamp()))::bigint);
COMMENT ON SEQUENCE ocr.fences IS 'Internal: tokens of attempts';
