\echo Use "ALTER EXTENSION pg_ocr UPDATE" to load this file. \quit
-- Whoever may create in the extension's schema could have put an operator there that fits better than PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;
DO $$
BEGIN
    IF ocr.library_version() <> '0.2.0' THEN
        RAISE EXCEPTION 'the server has loaded version % of pg_ocr''s library, not 0.2.0', ocr.library_version()
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Restart the server, then update the extension.';
    END IF;
END
$$;

INSERT INTO ocr.error_codes (code, retry, meaning, action) VALUES
('too_much_text', false,
    'The page has more words or text than pg_ocr.max_page_words and pg_ocr.max_page_text allow.',
    'Look at the page: no print holds so much. Raise the limit that the error names if it is to be read.'),
('document_missing', false,
    'The store has no object of that name.',
    'Look for its name in ocr_objects(server, prefix); submit it again once it is there.'),
('document_too_large', false,
    'The object has more bytes than pg_ocr.max_document_size allows.',
    'Submit it in parts, or raise pg_ocr.max_document_size.'),
('store_denied', false,
    'The store does not let the job''s owner read the object: wrong, expired or missing keys.',
    'Mend what the error names: the user mapping''s keys, their rights, or the server''s clock; then retry.'),
('store_refused', false,
    'pg_ocr does not talk to the store: its address, redirect, certificate or answer is not allowed.',
    'Mend the options of the foreign server that the error names, then call ocr_retry(job_id).'),
('store_unavailable', true,
    'The store could not be reached or did not answer as it should, at every attempt.',
    'Look whether the store is up and can be reached from the server, then call ocr_retry(job_id).'),
('store_undeclared', false,
    'The foreign server of the store, or the owner''s right to use it, is gone.',
    'Declare the server again or grant USAGE on it to the job''s owner, then call ocr_retry(job_id).'),
('provider_unavailable', true,
    'A server that is to read the page could not be reached or did not answer as it should, at every attempt.',
    'Look whether the server is up and can be reached from here, then call ocr_retry(job_id), or name another provider beside it.'),
('provider_refused', false,
    'A server that is to read the page refuses to, may not be asked, or answers what is no result.',
    'Mend what the error names: the server''s options, the user mapping''s keys, or the owner''s USAGE; then retry.'),
('row_locked', true,
    'The row of an attached table was locked or about to change at every attempt to write the text to it.',
    'Look who keeps it locked in pg_locks, then call ocr_retry(job_id), which reads no page again.'),
('row_refused', false,
    'The row of an attached table cannot be read or written with the rights of the table''s owner.',
    'Mend what the error names, such as a trigger or a right, then call ocr_retry(job_id), which reads no page again.');

ALTER TABLE ocr.jobs ADD COLUMN result_of bigint;
COMMENT ON COLUMN ocr.jobs.result_of IS 'The earlier job whose result this one shares, as the same bytes were read with the same options; null where it was read itself. That job may be gone by now';

CREATE TABLE ocr.fingerprints (
    fingerprint bytea PRIMARY KEY,
    job_id      bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE
);
CREATE INDEX fingerprints_job ON ocr.fingerprints (job_id);
COMMENT ON TABLE ocr.fingerprints IS 'Internal: which job has the result of which bytes of an owner, read with which options; see ocr.fingerprint()';
ALTER TABLE ocr.fingerprints ENABLE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('ocr.fingerprints', '');

ALTER TABLE ocr.released_documents REPLICA IDENTITY FULL;
ALTER TABLE ocr.failures REPLICA IDENTITY FULL;

ALTER TABLE ocr.tasks ADD COLUMN since xid8;
UPDATE ocr.tasks SET since = pg_current_xact_id();
ALTER TABLE ocr.tasks ALTER COLUMN since SET NOT NULL;
CREATE INDEX tasks_new ON ocr.tasks (since) WHERE worker IS NULL;
COMMENT ON COLUMN ocr.tasks.since IS 'The transaction that last wrote it as a task to be claimed; set by a trigger, for ocr.queue_heads()';
CREATE TYPE ocr.queue_head AS (lane int, turn bigint, id bigint);
COMMENT ON TYPE ocr.queue_head IS 'Internal: the first of the tasks of one lane';
CREATE TYPE ocr.queue_look AS (snapshot pg_snapshot, own xid8, complete_at timestamptz, heads ocr.queue_head[], tier text);
COMMENT ON TYPE ocr.queue_look IS 'Internal: what a session found when it last looked into the queue; see ocr.queue_heads()';

ALTER TABLE ocr.tasks ADD COLUMN unavailable smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ocr.tasks.unavailable IS 'How many times its store was unavailable; such an attempt is not counted in attempts';
ALTER TABLE ocr.tasks ADD COLUMN fetching boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ocr.tasks.fetching IS 'Whether the worker that has claimed it waits for a store to send the document';
ALTER TABLE ocr.tasks ADD COLUMN tier text;
UPDATE ocr.tasks t SET tier = j.tier FROM ocr.jobs j WHERE j.id = t.job_id;
ALTER TABLE ocr.tasks ALTER COLUMN tier SET NOT NULL;

-- As ocr.place_task() and ocr.flow_of() have it, which are not there yet.
ALTER TABLE ocr.tasks ADD COLUMN lane int, ADD COLUMN turn bigint, ADD COLUMN flow bigint, ADD COLUMN debt bigint NOT NULL DEFAULT 0;
UPDATE ocr.tasks t
SET lane = CASE WHEN t.run_at <= now() THEN t.priority ELSE t.priority - 10000 END,
    turn = CASE WHEN t.run_at <= now() THEN t.id WHEN t.run_at < 'infinity' THEN (1000000 * extract(epoch FROM t.run_at))::bigint
                ELSE 9223372036854775807 END,
    flow = ('x' || substr(md5(j.owner), 1, 8) || CASE WHEN j.batch IS NULL THEN '00000000' ELSE substr(md5(j.batch), 1, 7) || '1' END)
               ::bit(64)::bigint
FROM ocr.jobs j WHERE j.id = t.job_id;
ALTER TABLE ocr.tasks ALTER COLUMN lane SET NOT NULL, ALTER COLUMN turn SET NOT NULL, ALTER COLUMN flow SET NOT NULL;
DROP INDEX ocr.tasks_to_claim;
CREATE INDEX tasks_to_claim ON ocr.tasks (lane DESC, turn, id) WHERE worker IS NULL;
CREATE INDEX tasks_of_tier ON ocr.tasks (tier, (-lane), turn, id) WHERE worker IS NULL;
CREATE INDEX tasks_of_flow ON ocr.tasks (flow, lane, turn) WHERE worker IS NULL;
COMMENT ON COLUMN ocr.tasks.priority IS 'Of its batch, where that has one, else of its job';
COMMENT ON COLUMN ocr.tasks.run_at IS 'When it is due; infinity: it is held, as its batch is paused or has its fill of workers';
COMMENT ON COLUMN ocr.tasks.lane IS 'What is claimed together, in the order of turn: the priority, or, before run_at, a lane of its own; see ocr.waiting_lane(). Set by a trigger';
COMMENT ON COLUMN ocr.tasks.turn IS 'Its place in the lane, which comes round in turns between flows; before run_at, that time in microseconds. Set by a trigger';
COMMENT ON COLUMN ocr.tasks.flow IS 'Whose turn it takes: an owner''s jobs of one batch, or those without one; see ocr.flow_of()';
COMMENT ON COLUMN ocr.tasks.debt IS 'What its flow owed when its place was set; where it owes more by now, it has to wait for so many turns more';
COMMENT ON COLUMN ocr.tasks.tier IS 'Of its job: what a reserved worker looks for';

ALTER TABLE ocr.jobs ALTER COLUMN document_size DROP NOT NULL;
ALTER TABLE ocr.jobs ADD COLUMN uri text, ADD COLUMN store name, ADD COLUMN etag text, ADD COLUMN document_sha256 bytea, ADD COLUMN webhook name;
COMMENT ON COLUMN ocr.jobs.document_id IS 'The staged bytes; null once the job does not need them any more, and of a document in a store that is not kept or shared among workers';
COMMENT ON COLUMN ocr.jobs.document_size IS 'Bytes; null until a document in a store was fetched';
COMMENT ON COLUMN ocr.jobs.uri IS 'Where the document is; null where its bytes were submitted';
COMMENT ON COLUMN ocr.jobs.store IS 'The foreign server that it is fetched from';
COMMENT ON COLUMN ocr.jobs.etag IS 'Which version of it was read, in the store''s words; null until it was fetched';
COMMENT ON COLUMN ocr.jobs.document_sha256 IS 'SHA-256 of a document in a store, as it was fetched';
COMMENT ON COLUMN ocr.jobs.webhook IS 'The foreign server that is told of the job';

ALTER TABLE ocr.pages ADD COLUMN search tsvector;
COMMENT ON COLUMN ocr.pages.search IS 'What ocr_search() looks into: the words of text, in the form that the job''s language gives them. Kept by a trigger';

CREATE TABLE ocr.ingested (
    owner       name NOT NULL,
    object      bytea NOT NULL CHECK (octet_length(object) = 32),
    uri         text NOT NULL,
    etag        text NOT NULL,
    job_id      bigint NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, object)
);
COMMENT ON TABLE ocr.ingested IS 'What ocr_ingest() and ocr_submit_event() have submitted, so that they submit no version of an object twice. Delete a row to have its object submitted again';
COMMENT ON COLUMN ocr.ingested.uri IS 'Of the object';
COMMENT ON COLUMN ocr.ingested.ingested_at IS 'When it was submitted';
COMMENT ON COLUMN ocr.ingested.owner IS 'The role that called them';
COMMENT ON COLUMN ocr.ingested.object IS 'SHA-256 of uri and etag, see ocr.object_digest()';
COMMENT ON COLUMN ocr.ingested.etag IS 'Which version of it, in the store''s words';
COMMENT ON COLUMN ocr.ingested.job_id IS 'The job that was to read it, which may be gone by now';

-- The options of ocr_submit() that are for any document.
CREATE TYPE ocr.submission AS (
    language text, tier text, priority int, batch text, idempotency_key text, pages text, text_layer text, password text,
    webhook text, metadata jsonb, options jsonb, keep_document boolean, run_at timestamptz);
COMMENT ON TYPE ocr.submission IS 'Internal: how documents are to be read, see ocr_submit()';

CREATE TYPE ocr.stored_object AS (uri text, key text, size bigint, etag text, modified_at timestamptz);
COMMENT ON TYPE ocr.stored_object IS 'Internal: an object in a store, see ocr_objects()';
CREATE TYPE ocr.exported_page AS (
    batch text, job_id bigint, uri text, idempotency_key text, metadata jsonb, job_status text, job_verdict text, job_confidence real,
    job_error_code text, job_error text, pages_total int, submitted_at timestamptz, finished_at timestamptz, page_no int, page_status text,
    source text, verdict text, confidence real, text text, corrected boolean, reviewed_at timestamptz, error_code text, error text);
COMMENT ON TYPE ocr.exported_page IS 'Internal: a page with what is to be known of its job, see ocr_export_pages()';

CREATE FUNCTION ocr.visible_owners() RETURNS name[]
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_visible_owners';
ALTER POLICY owner_sees ON ocr.jobs USING (owner = ANY (ocr.visible_owners()));
ALTER POLICY owner_sees ON ocr.documents USING (owner = ANY (ocr.visible_owners()));
ALTER POLICY owner_sees ON ocr.batches USING (owner = ANY (ocr.visible_owners()));
ALTER POLICY owner_sees ON ocr.pages
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = pages.job_id AND j.owner = ANY (ocr.visible_owners())));
ALTER POLICY owner_sees ON ocr.failures
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = failures.job_id AND j.owner = ANY (ocr.visible_owners())));
ALTER TABLE ocr.ingested ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.ingested FOR SELECT USING (owner = ANY (ocr.visible_owners()));
GRANT SELECT ON ocr.ingested TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ocr.ingested', '');

-- The functions that follow have what these are to check.
CREATE FUNCTION ocr.store_options(options text[], catalog oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION ocr.webhook_options(options text[], catalog oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
CREATE FOREIGN DATA WRAPPER ocr_store VALIDATOR ocr.store_options;
COMMENT ON FOREIGN DATA WRAPPER ocr_store IS 'Stores that documents can be fetched from: CREATE SERVER … FOREIGN DATA WRAPPER ocr_store OPTIONS (type …); see ocr.store_options()';
CREATE FUNCTION ocr.provider_options(options text[], catalog oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
CREATE FOREIGN DATA WRAPPER ocr_provider VALIDATOR ocr.provider_options;
COMMENT ON FOREIGN DATA WRAPPER ocr_provider IS 'Servers that read pages: CREATE SERVER … FOREIGN DATA WRAPPER ocr_provider OPTIONS (url …, words …); see ocr.provider_options()';
CREATE FOREIGN DATA WRAPPER ocr_webhook VALIDATOR ocr.webhook_options;
COMMENT ON FOREIGN DATA WRAPPER ocr_webhook IS 'Who is told when jobs end: CREATE SERVER … FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url …); see ocr.webhook_options()';

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
ALTER TABLE ocr.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.delivery_attempts ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.deliveries FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.delivery_attempts FOR SELECT
    USING (EXISTS (SELECT FROM ocr.deliveries d WHERE d.id = delivery_attempts.delivery_id AND d.owner = ANY (ocr.visible_owners())));
GRANT SELECT ON ocr.deliveries, ocr.delivery_attempts TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ocr.deliveries', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.deliveries_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.delivery_attempts', '');

ALTER TABLE ocr.jobs ADD COLUMN worst_page int, ADD COLUMN enough real;
COMMENT ON COLUMN ocr.jobs.confidence IS '0 to 100: how many of 100 words of the whole document are estimated to be right, which is the mean of its pages, weighted by their words; null where no word was read. One bad page does not show in it: see verdict and worst_page';
COMMENT ON COLUMN ocr.jobs.worst_page IS 'Of a completed job, the page that its verdict is owed to: the first that failed, else of the pages with that verdict the one of the least confidence. Null where every page was skipped';
COMMENT ON COLUMN ocr.jobs.enough IS 'Internal: the confidence from which its pages were not read in other ways: what its worker was told, and the least of it where its parts were told several; null until it was claimed';
ALTER TABLE ocr.batches
    ADD COLUMN approve_confidence real CHECK (approve_confidence BETWEEN 0 AND 100),
    ADD COLUMN review_confidence real CHECK (review_confidence BETWEEN 0 AND 100),
    ADD COLUMN description text,
    ADD COLUMN priority int CHECK (priority BETWEEN -1000 AND 1000),
    ADD COLUMN max_workers int CHECK (max_workers > 0),
    ADD COLUMN deadline timestamptz,
    ADD COLUMN webhook name,
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN finished_at timestamptz,
    ADD COLUMN legal_hold boolean NOT NULL DEFAULT false;
ALTER TABLE ocr.jobs ADD COLUMN legal_hold boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ocr.jobs.legal_hold IS 'Whether it must not be deleted, see ocr_hold(); those of a batch that is held must not, either';
CREATE INDEX jobs_submitted ON ocr.jobs (submitted_at);
CREATE INDEX jobs_to_end ON ocr.jobs (owner, batch, id) WHERE finished_at IS NULL;
UPDATE ocr.batches b
SET finished_at = coalesce((SELECT max(j.finished_at) FROM ocr.jobs j WHERE j.owner = b.owner AND j.batch = b.name), b.created_at)
WHERE NOT EXISTS (SELECT FROM ocr.jobs j WHERE j.owner = b.owner AND j.batch = b.name AND j.finished_at IS NULL);
CREATE TABLE ocr.ending_batches (
    owner name NOT NULL,
    name  text NOT NULL
);
ALTER TABLE ocr.ending_batches REPLICA IDENTITY FULL;
ALTER TABLE ocr.ending_batches ENABLE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('ocr.ending_batches', '');
COMMENT ON TABLE ocr.ending_batches IS 'Internal: batches of which a job has ended while few others had not; see ocr.end_batches()';
COMMENT ON TABLE ocr.batches IS 'Named sets of jobs, each made by ocr_batch(), or when ocr_submit() first names it; ocr.progress shows how far they are';
COMMENT ON COLUMN ocr.batches.approve_confidence IS 'Pages of its jobs at or above are approved; null: as pg_ocr.approve_confidence says';
COMMENT ON COLUMN ocr.batches.review_confidence IS 'Pages of its jobs below are rejected; null: as pg_ocr.review_confidence says';
COMMENT ON COLUMN ocr.batches.description IS 'What it is, in its owner''s words';
COMMENT ON COLUMN ocr.batches.priority IS 'Of all its jobs, instead of their own; null: each has its own';
COMMENT ON COLUMN ocr.batches.max_workers IS 'At most so many workers read for it at a time; null: as many as there are';
COMMENT ON COLUMN ocr.batches.deadline IS 'When it is to be done: ocr.progress says whether it will be late. Nothing is stopped for it';
COMMENT ON COLUMN ocr.batches.webhook IS 'The foreign server that is told of its end; null: none';
COMMENT ON COLUMN ocr.batches.paused_at IS 'Since when no more of it is begun, see ocr_pause(); null: it goes on';
COMMENT ON COLUMN ocr.batches.legal_hold IS 'Whether its jobs must not be deleted, see ocr_hold()';
COMMENT ON COLUMN ocr.batches.finished_at IS 'When the last of its jobs ended; null while there are others, and before there was any';
ALTER TABLE ocr.pages
    ADD COLUMN mean_confidence real CHECK (mean_confidence BETWEEN 0 AND 100),
    ADD COLUMN skew real CHECK (skew BETWEEN -45 AND 45),
    ADD COLUMN provider text,
    ADD COLUMN tried jsonb;
COMMENT ON COLUMN ocr.pages.skew IS 'Degrees clockwise by which the page, after its rotation, was turned about its centre to stand straight; boxes are in pixels of the page turned so';
COMMENT ON COLUMN ocr.pages.provider IS 'What recognised its text: pg_ocr, tesseract, or the name of a foreign server; null where nothing did';
COMMENT ON COLUMN ocr.pages.tried IS 'In what ways the page was read, in their order: [{"way":"","confidence":0,"words":0,"ms":0,"won":true}]; null where there was but one';
COMMENT ON COLUMN ocr.pages.confidence IS '0 to 100: how many of 100 words of the page are estimated to be right; null where there is no word. Of a text layer, 100 unless a part of what looks like text on the page has no words in it';
COMMENT ON COLUMN ocr.pages.mean_confidence IS '0 to 100: the mean of the words'' own confidences, weighted by their length in characters, for those who make an estimate of their own; null for a text layer, whose words nobody recognised, and where there is no word';

COMMENT ON COLUMN ocr.pages.verdict IS 'approved from approve_confidence, review from review_confidence, rejected below: the job''s options, else its batch, else pg_ocr''s settings say where that is. A page without a word is for review, because a blank page and an unreadable one look alike; a failed page is rejected; a skipped page has none. Once a person has decided, it is that decision, see ocr_review()';

CREATE TABLE ocr.reviews (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id         bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE,
    page_no        int NOT NULL CHECK (page_no > 0),
    reviewer       name NOT NULL,
    reviewed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision       text NOT NULL CHECK (decision IN ('approved', 'rejected')),
    verdict_before text CHECK (verdict_before IN ('approved', 'review', 'rejected')),
    confidence     real CHECK (confidence BETWEEN 0 AND 100),
    corrected_text text
);
CREATE INDEX reviews_page ON ocr.reviews (job_id, page_no);
COMMENT ON TABLE ocr.reviews IS 'Every decision that ocr_review() recorded, also those that a later one of the same page replaced';
COMMENT ON COLUMN ocr.reviews.id IS 'What ocr_review() returned as review_id';
COMMENT ON COLUMN ocr.reviews.job_id IS 'The job';
COMMENT ON COLUMN ocr.reviews.page_no IS 'The page, counted from 1 in the document';
COMMENT ON COLUMN ocr.reviews.reviewer IS 'The role that decided: the one of SET ROLE, else the one that logged in';
COMMENT ON COLUMN ocr.reviews.reviewed_at IS 'When';
COMMENT ON COLUMN ocr.reviews.decision IS 'approved or rejected, which is the page''s verdict from then on';
COMMENT ON COLUMN ocr.reviews.verdict_before IS 'The page''s verdict until then: in its first review, the machine''s';
COMMENT ON COLUMN ocr.reviews.confidence IS 'What the machine gave the page, 0 to 100; null where it read no word';
COMMENT ON COLUMN ocr.reviews.corrected_text IS 'The text that this review gave the page; null where it left the text as it was';
ALTER TABLE ocr.reviews ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.reviews FOR SELECT
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = reviews.job_id AND j.owner = ANY (ocr.visible_owners())));
GRANT SELECT ON ocr.reviews TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ocr.reviews', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.reviews_id_seq', '');
ALTER TABLE ocr.pages ADD COLUMN corrected_text text, ADD COLUMN corrected_layout jsonb, ADD COLUMN reviewed_at timestamptz;
CREATE INDEX pages_to_review ON ocr.pages (verdict, (status = 'read'), confidence, job_id, page_no)
    WHERE verdict IN ('review', 'rejected') AND reviewed_at IS NULL;
COMMENT ON COLUMN ocr.pages.corrected_text IS 'The text as a person corrected it, see ocr_review(), which is what ocr_text() and ocr_search() go by; text stays the machine''s. Null where nobody did';
COMMENT ON COLUMN ocr.pages.corrected_layout IS 'As layout, of corrected_text: each of its words with the box of the machine''s words that it stands for, its blocks and lines those of corrected_text. What a person wrote has a confidence of 100 and "corrected":true. Null where nobody corrected the text, or layout has no words';
COMMENT ON COLUMN ocr.pages.reviewed_at IS 'When a person last decided on it, see ocr.reviews; verdict is that decision since. Null where nobody did';

ALTER TABLE ocr.pages ADD COLUMN picture bytea;
COMMENT ON COLUMN ocr.pages.layout IS 'Blocks, lines and words with their boxes [left, top, right, bottom] in pixels, in reading order: {"blocks":[{"box":[],"lines":[{"box":[],"confidence":0,"words":[{"box":[],"text":"","confidence":0}]}]}]}. ocr_words() unfolds it. lines_by says whose layout found the lines, pg_ocr or tesseract, and doubt why pg_ocr''s were not taken. Null in tier fast, unless with option debug';
ALTER TABLE ocr.pages ALTER COLUMN picture SET STORAGE EXTERNAL;
COMMENT ON COLUMN ocr.pages.picture IS 'The page as it was read, in grey, turned and straightened, in 150 dots per inch at most: a JPEG or PNG file, for ocr_html(). Kept with option debug, as long as the page is; else null';

CREATE INDEX pages_read_at ON ocr.pages USING brin (read_at) WITH (autosummarize = on);
CREATE INDEX failures_failed_at ON ocr.failures USING brin (failed_at) WITH (autosummarize = on);
DROP INDEX ocr.jobs_batch;
DROP INDEX ocr.jobs_document;
CREATE INDEX jobs_document ON ocr.jobs (document_id, id) WHERE document_id IS NOT NULL;
CREATE INDEX jobs_finished ON ocr.jobs (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_failed ON ocr.jobs (error_code, owner) WHERE finished_at IS NOT NULL AND error_code IS NOT NULL;
CREATE INDEX jobs_owner ON ocr.jobs (owner, batch);
CREATE INDEX jobs_batch ON ocr.jobs (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_status ON ocr.jobs (status, id) WHERE status <> 'completed';
CREATE INDEX jobs_dead ON ocr.jobs (finished_at, id) WHERE status = 'failed';
ALTER TABLE ocr.jobs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX batches_open ON ocr.batches (owner, name) WHERE finished_at IS NULL;
CREATE INDEX batches_limited ON ocr.batches (owner, name) WHERE max_workers IS NOT NULL;

CREATE TABLE ocr.outcomes (
    owner        name NOT NULL,
    batch        text,
    folded       boolean NOT NULL,
    completed    bigint NOT NULL,
    failed       bigint NOT NULL,
    cancelled    bigint NOT NULL,
    approved     bigint NOT NULL,
    review       bigint NOT NULL,
    rejected     bigint NOT NULL,
    opened       bigint NOT NULL,
    pages_total  bigint NOT NULL,
    pages_done   bigint NOT NULL,
    pages_failed bigint NOT NULL,
    rated        bigint NOT NULL,
    confidence   float8 NOT NULL,
    submitted_at timestamptz NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz NOT NULL
) WITH (vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE ocr.outcomes REPLICA IDENTITY FULL;
CREATE INDEX outcomes_batch ON ocr.outcomes (owner, batch);
CREATE INDEX outcomes_new ON ocr.outcomes (owner) WHERE NOT folded;
COMMENT ON TABLE ocr.outcomes IS 'Internal: how many jobs of a batch have ended, and how, as the sum of its rows; batch is null for jobs without one. See ocr.fold_outcomes()';
COMMENT ON COLUMN ocr.outcomes.opened IS 'How many of them have pages_total';
COMMENT ON COLUMN ocr.outcomes.rated IS 'How many of them have a confidence';
COMMENT ON COLUMN ocr.outcomes.confidence IS 'The sum of theirs';
COMMENT ON COLUMN ocr.outcomes.submitted_at IS 'The first of theirs, as started_at, also where that one was deleted since; finished_at is the last';
ALTER TABLE ocr.outcomes ENABLE ROW LEVEL SECURITY;

COMMENT ON COLUMN ocr.batches.owner IS 'The role whose it is';
COMMENT ON COLUMN ocr.batches.name IS 'As in ocr.jobs.batch';
COMMENT ON COLUMN ocr.batches.created_at IS 'When it was made';
COMMENT ON COLUMN ocr.documents.id IS 'As in ocr.jobs.document_id';
COMMENT ON COLUMN ocr.documents.created_at IS 'When it was stored';
COMMENT ON COLUMN ocr.error_codes.code IS 'As in ocr.jobs.error_code and ocr.pages.error_code';
COMMENT ON COLUMN ocr.failures.job_id IS 'The job';
COMMENT ON COLUMN ocr.failures.failed_at IS 'When the attempt ended';
COMMENT ON COLUMN ocr.jobs.options IS 'As ocr_submit() was told';
COMMENT ON COLUMN ocr.jobs.keep_document IS 'Whether its document stays stored after its end';
COMMENT ON COLUMN ocr.jobs.idempotency_key IS 'The submitter''s own; no two jobs of one owner have the same';
COMMENT ON COLUMN ocr.jobs.submitted_at IS 'When ocr_submit() was called';
COMMENT ON COLUMN ocr.jobs.started_at IS 'When it was claimed first; null until then';
COMMENT ON COLUMN ocr.jobs.finished_at IS 'When it completed, failed or was cancelled; null until then';
COMMENT ON COLUMN ocr.pages.job_id IS 'The job';
-- What became of scheduled calls.
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
ALTER TABLE ocr.schedule_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.schedule_runs FOR SELECT USING (owner = ANY (ocr.visible_owners()));
GRANT SELECT ON ocr.schedule_runs TO PUBLIC;

ALTER TABLE ocr.jobs ADD COLUMN attachment bigint;
ALTER TABLE ocr.jobs ADD CONSTRAINT documents_are_given_or_found
    CHECK ((uri IS NULL) = (store IS NULL) AND (uri IS NOT NULL OR document_size IS NOT NULL OR attachment IS NOT NULL));
CREATE INDEX jobs_attached ON ocr.jobs (attachment) WHERE attachment IS NOT NULL AND finished_at IS NULL;
COMMENT ON COLUMN ocr.jobs.attachment IS 'The attached table, a row of ocr.attachments, that its document is in; ocr.attached_rows has the row''s key. Null where it was submitted';
CREATE TABLE ocr.attachments (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner             name NOT NULL,
    relation          regclass NOT NULL,
    document_column   name NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('bytes', 'uri', 'large object')),
    text_column       name,
    confidence_column name,
    verdict_column    name,
    layout_column     name,
    status_column     name,
    job_column        name,
    how               ocr.submission NOT NULL,
    batch             text NOT NULL,
    backfill_after    text[],
    backfill_at       timestamptz,
    trouble           text,
    retry_at          timestamptz,
    attached_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (relation, document_column)
);
COMMENT ON TABLE ocr.attachments IS 'Tables whose documents are read by themselves, see ocr_attach(); ocr.attached shows how far they are';
COMMENT ON COLUMN ocr.attachments.id IS 'What ocr_attach() returned';
COMMENT ON COLUMN ocr.attachments.relation IS 'The table';
COMMENT ON COLUMN ocr.attachments.confidence_column IS 'Where its confidence goes';
COMMENT ON COLUMN ocr.attachments.verdict_column IS 'Where its verdict goes';
COMMENT ON COLUMN ocr.attachments.layout_column IS 'Where the layouts of its pages go';
COMMENT ON COLUMN ocr.attachments.status_column IS 'Where completed or failed goes';
COMMENT ON COLUMN ocr.attachments.job_column IS 'Where the id of the job goes';
COMMENT ON COLUMN ocr.attachments.attached_at IS 'When ocr_attach() was called';
COMMENT ON COLUMN ocr.attachments.owner IS 'The owner of the table when it was attached, by whose rights its rows are read and written';
COMMENT ON COLUMN ocr.attachments.document_column IS 'Where its documents are';
COMMENT ON COLUMN ocr.attachments.kind IS 'What that column holds: bytes (bytea), uri (text) or large object (oid)';
COMMENT ON COLUMN ocr.attachments.text_column IS 'Where the text of a row''s document goes; null: nowhere. The other columns likewise';
COMMENT ON COLUMN ocr.attachments.how IS 'How the documents are read, as ocr_submit() has it';
COMMENT ON COLUMN ocr.attachments.batch IS 'The batch of the rows that were there before, see ocr_backfill()';
COMMENT ON COLUMN ocr.attachments.backfill_after IS 'The key of the last of those rows that has a job or needs none';
COMMENT ON COLUMN ocr.attachments.backfill_at IS 'When more of them are looked for; null: all have been';
COMMENT ON COLUMN ocr.attachments.trouble IS 'Why its rows could not be looked for; null where they could';
COMMENT ON COLUMN ocr.attachments.retry_at IS 'When the jobs for its changed rows are made after that; null: at once';

CREATE TABLE ocr.attached_changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attachment bigint NOT NULL,
    keys       text[] NOT NULL
) WITH (vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX attached_changes_attachment ON ocr.attached_changes (attachment, id);
COMMENT ON TABLE ocr.attached_changes IS 'Internal: rows of attached tables with new documents, for which there are no jobs yet';
COMMENT ON COLUMN ocr.attached_changes.keys IS 'Their keys: of each row, the values of the key''s columns, one row after the other';

CREATE TABLE ocr.attached_rows (
    job_id     bigint PRIMARY KEY REFERENCES ocr.jobs ON DELETE CASCADE,
    attachment bigint NOT NULL,
    key        text[] NOT NULL,
    document   text,
    text_hash  text,
    written_at timestamptz
);
CREATE INDEX attached_rows_key ON ocr.attached_rows (attachment, hash_array_extended(key, 0));
COMMENT ON TABLE ocr.attached_rows IS 'Which row of an attached table a job is about';
COMMENT ON COLUMN ocr.attached_rows.job_id IS 'The job';
COMMENT ON COLUMN ocr.attached_rows.attachment IS 'As in ocr.attachments, which may have been detached by now';
COMMENT ON COLUMN ocr.attached_rows.key IS 'The values of the key''s columns, as text';
COMMENT ON COLUMN ocr.attached_rows.document IS 'The URI, or the oid of the large object, that the row had when it was read; null for bytes, see document_sha256 of ocr.jobs';
COMMENT ON COLUMN ocr.attached_rows.text_hash IS 'Of the text that the row had then, so that nothing newer is overwritten; null where it had none';
COMMENT ON COLUMN ocr.attached_rows.written_at IS 'When the result was written to the row; null where it was not';
ALTER TABLE ocr.attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.attached_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.attached_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.attachments FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.attached_rows FOR SELECT
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = attached_rows.job_id AND j.owner = ANY (ocr.visible_owners())));
GRANT SELECT ON ocr.attachments, ocr.attached_rows TO PUBLIC;
-- A table that has been dropped has a number for a name, which is another one's elsewhere.
SELECT pg_catalog.pg_extension_config_dump('ocr.attachments', 'WHERE relation IN (SELECT oid FROM pg_catalog.pg_class)');
SELECT pg_catalog.pg_extension_config_dump('ocr.attachments_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.attached_changes', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.attached_changes_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.attached_rows', '');

-- They return more columns or take more arguments now.
DROP FUNCTION ocr.record_page(bigint, bigint, int, text, text, text, real, jsonb, int, int, int, int, int, int, text, text, text);
DROP FUNCTION @extschema@.ocr_wait(bigint, interval);
DROP FUNCTION @extschema@.ocr_status(bigint);
DROP FUNCTION @extschema@.ocr_pages(bigint);
DROP FUNCTION ocr.claim_task(bigint);
DROP VIEW ocr.workers;
DROP FUNCTION ocr.visible_workers();
DROP FUNCTION ocr.worker_slots();
DROP FUNCTION ocr.fail_task(bigint, bigint, text, text, int);
DROP FUNCTION ocr.finish_job(bigint, text, text, text);
DROP FUNCTION @extschema@.ocr_submit(bytea, text, text, int, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz);
DROP FUNCTION ocr.notification(ocr.jobs);
