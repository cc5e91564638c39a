-- The outbox of webhooks. What is to be delivered is found per webhook, however much of another one waits: deliveries_due
-- holds nothing that has ended.
CREATE TABLE ocr.deliveries (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner        name NOT NULL,
    job_id       bigint REFERENCES ocr.jobs ON DELETE CASCADE,
    webhook      name NOT NULL,
    event        text NOT NULL,
    event_id     text NOT NULL DEFAULT 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    payload      text NOT NULL,
    status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts     int NOT NULL DEFAULT 0,
    run_at       timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    http_status  int,
    error        text,
    batch        text,
    CONSTRAINT deliveries_are_of_something CHECK (num_nonnulls(job_id, batch) = CASE event WHEN 'report' THEN 0 ELSE 1 END),
    CONSTRAINT delivered_means_a_time CHECK ((delivered_at IS NOT NULL) = (status = 'delivered')),
    CONSTRAINT failed_deliveries_have_a_reason CHECK (status <> 'failed' OR error IS NOT NULL)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX deliveries_due ON ocr.deliveries (webhook, run_at, id) WHERE status = 'pending';
CREATE INDEX deliveries_failed ON ocr.deliveries (webhook) WHERE status = 'failed';
CREATE INDEX deliveries_job ON ocr.deliveries (job_id);
COMMENT ON TABLE ocr.deliveries IS 'Webhooks: one row per event that is told to a receiver, written in the same commit as what it tells of. ocr_redeliver(id) sends one again; ocr.webhooks sums them up';
COMMENT ON COLUMN ocr.deliveries.id IS 'What ocr_redeliver() takes';
COMMENT ON COLUMN ocr.deliveries.created_at IS 'When what it tells of happened';
COMMENT ON COLUMN ocr.deliveries.delivered_at IS 'When the receiver took it; null until then';
COMMENT ON COLUMN ocr.deliveries.owner IS 'The role that the job or batch belongs to, with whose user mapping it is signed';
COMMENT ON COLUMN ocr.deliveries.webhook IS 'The name of the server of foreign data wrapper ocr_webhook';
COMMENT ON COLUMN ocr.deliveries.job_id IS 'The job that it tells of; null where it tells of a batch, or of all';
COMMENT ON COLUMN ocr.deliveries.batch IS 'The batch that it tells of; null where it tells of a job, or of all';
COMMENT ON COLUMN ocr.deliveries.event IS 'job.started, job.progress, job.completed, job.failed, job.cancelled, job.review_needed, job.reviewed, batch.finished or report';
COMMENT ON COLUMN ocr.deliveries.event_id IS 'Header webhook-id: the same at every attempt, so that a receiver can tell what it has had';
COMMENT ON COLUMN ocr.deliveries.payload IS 'The body, JSON: {"type": …, "timestamp": …, "data": {…}}';
COMMENT ON COLUMN ocr.deliveries.status IS 'pending, delivered (the receiver answered with 2xx) or failed';
COMMENT ON COLUMN ocr.deliveries.attempts IS 'How many times it was tried, counted anew by ocr_redeliver(); each is a row of ocr.delivery_attempts';
COMMENT ON COLUMN ocr.deliveries.run_at IS 'Of a pending one, when the next attempt is due';
COMMENT ON COLUMN ocr.deliveries.http_status IS 'What the last attempt was answered with; null where there was no answer';
COMMENT ON COLUMN ocr.deliveries.error IS 'Why the last attempt failed, or why there was none; null once it is delivered';

CREATE TABLE ocr.delivery_attempts (
    delivery_id bigint NOT NULL REFERENCES ocr.deliveries ON DELETE CASCADE,
    attempt     int NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    http_status int,
    latency_ms  int,
    answer      text,
    error       text
);
-- Has no key, and yet its rows can be deleted while it is published, as by FOR ALL TABLES.
ALTER TABLE ocr.delivery_attempts REPLICA IDENTITY FULL;
CREATE INDEX delivery_attempts_at ON ocr.delivery_attempts USING brin (at) WITH (autosummarize = on);
CREATE INDEX delivery_attempts_delivery ON ocr.delivery_attempts (delivery_id);
COMMENT ON TABLE ocr.delivery_attempts IS 'Every attempt at a row of ocr.deliveries';
COMMENT ON COLUMN ocr.delivery_attempts.delivery_id IS 'Of ocr.deliveries';
COMMENT ON COLUMN ocr.delivery_attempts.attempt IS 'Which one it was, from 1; counted anew by ocr_redeliver()';
COMMENT ON COLUMN ocr.delivery_attempts.at IS 'When its outcome was recorded';
COMMENT ON COLUMN ocr.delivery_attempts.http_status IS 'What the receiver answered with; null where there was no answer';
COMMENT ON COLUMN ocr.delivery_attempts.latency_ms IS 'Milliseconds until the answer, or until it was given up';
COMMENT ON COLUMN ocr.delivery_attempts.answer IS 'The first kilobyte of the answer''s body';
COMMENT ON COLUMN ocr.delivery_attempts.error IS 'Why it failed; null where it went well';
