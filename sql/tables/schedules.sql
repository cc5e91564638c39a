-- What became of scheduled calls. The schedules themselves are pg_cron's, in cron.job; so this is not dumped.
CREATE TABLE ocr.schedule_runs (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner         name NOT NULL,
    schedule      text NOT NULL,
    what          text NOT NULL,
    status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed')),
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz,
    message       text,
    skipped       int NOT NULL DEFAULT 0,
    pid           int NOT NULL,
    session_start timestamptz NOT NULL,
    CONSTRAINT ended_means_a_time CHECK ((ended_at IS NULL) = (status = 'running'))
);
CREATE INDEX schedule_runs_of ON ocr.schedule_runs (owner, schedule, id);
COMMENT ON TABLE ocr.schedule_runs IS 'The last 100 runs of each schedule of ocr_schedule(); ocr.schedules shows the last one of each';
COMMENT ON COLUMN ocr.schedule_runs.id IS 'In the order in which they began';
COMMENT ON COLUMN ocr.schedule_runs.owner IS 'The role that it ran as';
COMMENT ON COLUMN ocr.schedule_runs.schedule IS 'The schedule''s name';
COMMENT ON COLUMN ocr.schedule_runs.what IS 'ingest, retry, purge, report or workers';
COMMENT ON COLUMN ocr.schedule_runs.status IS 'running, succeeded or failed; one whose session has ended while it was running shows as interrupted in ocr.schedules';
COMMENT ON COLUMN ocr.schedule_runs.started_at IS 'When it began';
COMMENT ON COLUMN ocr.schedule_runs.ended_at IS 'When it ended; null while it is running';
COMMENT ON COLUMN ocr.schedule_runs.message IS 'What it did, or why it failed';
COMMENT ON COLUMN ocr.schedule_runs.skipped IS 'How many later runs did nothing, as this one was still running when they were due, or had them waiting for its end';
COMMENT ON COLUMN ocr.schedule_runs.pid IS 'The process that ran it';
COMMENT ON COLUMN ocr.schedule_runs.session_start IS 'When that process began';
