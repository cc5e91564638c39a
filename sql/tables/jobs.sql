-- The fill factor leaves room for the counters, which are updated once per page, on the row's own heap page. No index
-- covers a column that changes from page to page. Vacuum follows every fiftieth job that ends: its indexes are walked for
-- what is open, past what has ended since.
CREATE TABLE ocr.jobs (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner           name NOT NULL,
    document_id     bigint REFERENCES ocr.documents ON DELETE SET NULL,
    document_size   bigint,
    document_type   text,
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    verdict         text CHECK (verdict IN ('approved', 'review', 'rejected')),
    confidence      real CHECK (confidence BETWEEN 0 AND 100),
    priority        int NOT NULL,
    tier            text NOT NULL CHECK (tier IN ('fast', 'balanced', 'accurate')),
    batch           text,
    language        text NOT NULL,
    pages           text,
    text_layer      text NOT NULL CHECK (text_layer IN ('auto', 'ignore', 'only')),
    metadata        jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object'),
    options         jsonb NOT NULL CHECK (jsonb_typeof(options) = 'object'),
    keep_document   boolean NOT NULL,
    idempotency_key text,
    pages_total     int,
    pages_done      int NOT NULL DEFAULT 0,
    pages_failed    int NOT NULL DEFAULT 0,
    attempts        int NOT NULL DEFAULT 0,
    submitted_at    timestamptz NOT NULL DEFAULT now(),
    run_at          timestamptz NOT NULL,
    started_at      timestamptz,
    finished_at     timestamptz,
    error_code      text,
    error           text,
    result_of       bigint,
    uri             text,
    store           name,
    etag            text,
    document_sha256 bytea,
    webhook         name,
    worst_page      int,
    enough          real,
    legal_hold      boolean NOT NULL DEFAULT false,
    attachment      bigint,
    CONSTRAINT ended_jobs_have_an_end CHECK ((finished_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))),
    CONSTRAINT failed_jobs_have_a_reason CHECK (status <> 'failed' OR (error_code IS NOT NULL AND error IS NOT NULL)),
    CONSTRAINT documents_are_given_or_found CHECK ((uri IS NULL) = (store IS NULL) AND (uri IS NOT NULL OR document_size IS NOT NULL OR attachment IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE UNIQUE INDEX jobs_idempotency_key ON ocr.jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- With the number, as ocr_purge() goes on from one of many that ended at once.
CREATE INDEX jobs_finished ON ocr.jobs (finished_at, id) WHERE finished_at IS NOT NULL;
-- By finished_at and error_code, which are set when a job ends or an attempt fails. The owner is in it so that it can be
-- counted without looking at the jobs.
CREATE INDEX jobs_failed ON ocr.jobs (error_code, owner) WHERE finished_at IS NOT NULL AND error_code IS NOT NULL;
-- Millions of entries of few values take a few bytes each. The one below is for who asks for the first or the last of a batch.
CREATE INDEX jobs_owner ON ocr.jobs (owner, batch);
CREATE INDEX jobs_batch ON ocr.jobs (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_submitted ON ocr.jobs (submitted_at);
CREATE INDEX jobs_to_end ON ocr.jobs (owner, batch, id) WHERE finished_at IS NULL;
-- What is pending, running, failed or cancelled among many that are completed.
CREATE INDEX jobs_status ON ocr.jobs (status, id) WHERE status <> 'completed';
-- In the order of ocr.dead_letters.
CREATE INDEX jobs_dead ON ocr.jobs (finished_at, id) WHERE status = 'failed';
CREATE INDEX jobs_attached ON ocr.jobs (attachment) WHERE attachment IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_document ON ocr.jobs (document_id, id) WHERE document_id IS NOT NULL;
COMMENT ON TABLE ocr.jobs IS 'One row per request to read a document, made by ocr_submit()';
COMMENT ON COLUMN ocr.jobs.options IS 'As ocr_submit() was told';
COMMENT ON COLUMN ocr.jobs.keep_document IS 'Whether its document stays stored after its end';
COMMENT ON COLUMN ocr.jobs.idempotency_key IS 'The submitter''s own; no two jobs of one owner have the same';
COMMENT ON COLUMN ocr.jobs.submitted_at IS 'When ocr_submit() was called';
COMMENT ON COLUMN ocr.jobs.started_at IS 'When it was claimed first; null until then';
COMMENT ON COLUMN ocr.jobs.finished_at IS 'When it completed, failed or was cancelled; null until then';
COMMENT ON COLUMN ocr.jobs.id IS 'What ocr_submit() returned';
COMMENT ON COLUMN ocr.jobs.owner IS 'The role that submitted it; see ocr.caller()';
COMMENT ON COLUMN ocr.jobs.document_id IS 'The staged bytes; null once the job does not need them any more, and of a document in a store that is not kept or shared among workers';
COMMENT ON COLUMN ocr.jobs.document_size IS 'Bytes; null until a document in a store was fetched';
COMMENT ON COLUMN ocr.jobs.document_type IS 'PDF, TIFF, JPEG, …; null until it was opened';
COMMENT ON COLUMN ocr.jobs.status IS 'pending, running, completed, failed or cancelled. A completed job may have failed pages: see pages_failed';
COMMENT ON COLUMN ocr.jobs.verdict IS 'Of a completed job, the worst of its pages'': approved, review or rejected';
COMMENT ON COLUMN ocr.jobs.confidence IS '0 to 100: how many of 100 words of the whole document are estimated to be right, which is the mean of its pages, weighted by their words; null where no word was read. One bad page does not show in it: see verdict and worst_page';
COMMENT ON COLUMN ocr.jobs.priority IS 'Higher first';
COMMENT ON COLUMN ocr.jobs.tier IS 'fast, balanced or accurate';
COMMENT ON COLUMN ocr.jobs.batch IS 'Name of its batch, a row of ocr.batches';
COMMENT ON COLUMN ocr.jobs.language IS 'Tesseract''s codes, joined by +';
COMMENT ON COLUMN ocr.jobs.pages IS 'Which pages, as in ''1-3,7,10-''; null for all';
COMMENT ON COLUMN ocr.jobs.text_layer IS 'auto, ignore or only';
COMMENT ON COLUMN ocr.jobs.metadata IS 'The submitter''s own';
COMMENT ON COLUMN ocr.jobs.pages_total IS 'How many pages were asked for and exist; null until the document was opened';
COMMENT ON COLUMN ocr.jobs.pages_done IS 'How many of them are accounted for: read, skipped or failed';
COMMENT ON COLUMN ocr.jobs.pages_failed IS 'How many of those failed';
COMMENT ON COLUMN ocr.jobs.attempts IS 'How many times it was tried: 1 where all went well. The parts of a long document count only when one is tried again';
COMMENT ON COLUMN ocr.jobs.run_at IS 'Not to be read before; after a failure, when the next attempt is due';
COMMENT ON COLUMN ocr.jobs.error_code IS 'Why it failed, a row of ocr.error_codes; of an unfinished job, why the last attempt failed';
COMMENT ON COLUMN ocr.jobs.error IS 'The same, in words';
COMMENT ON COLUMN ocr.jobs.result_of IS 'The earlier job whose result this one shares, as the same bytes were read with the same options; null where it was read itself. That job may be gone by now';
COMMENT ON COLUMN ocr.jobs.uri IS 'Where the document is; null where its bytes were submitted';
COMMENT ON COLUMN ocr.jobs.store IS 'The foreign server that it is fetched from';
COMMENT ON COLUMN ocr.jobs.etag IS 'Which version of it was read, in the store''s words; null until it was fetched';
COMMENT ON COLUMN ocr.jobs.document_sha256 IS 'SHA-256 of a document in a store, as it was fetched';
COMMENT ON COLUMN ocr.jobs.worst_page IS 'Of a completed job, the page that its verdict is owed to: the first that failed, else of the pages with that verdict the one of the least confidence. Null where every page was skipped';
COMMENT ON COLUMN ocr.jobs.enough IS 'Internal: the confidence from which its pages were not read in other ways: what its worker was told, and the least of it where its parts were told several; null until it was claimed';
COMMENT ON COLUMN ocr.jobs.legal_hold IS 'Whether it must not be deleted, see ocr_hold(); those of a batch that is held must not, either';
COMMENT ON COLUMN ocr.jobs.attachment IS 'The attached table, a row of ocr.attachments, that its document is in; ocr.attached_rows has the row''s key. Null where it was submitted';
COMMENT ON COLUMN ocr.jobs.webhook IS 'The foreign server that is told of the job';

-- Nothing refers to ocr.batches by a foreign key: that would make every submission to a batch lock its row.
CREATE TABLE ocr.batches (
    owner      name NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    approve_confidence real CHECK (approve_confidence BETWEEN 0 AND 100),
    review_confidence  real CHECK (review_confidence BETWEEN 0 AND 100),
    description        text,
    priority           int CHECK (priority BETWEEN -1000 AND 1000),
    max_workers        int CHECK (max_workers > 0),
    deadline           timestamptz,
    webhook            name,
    paused_at          timestamptz,
    finished_at        timestamptz,
    legal_hold         boolean NOT NULL DEFAULT false,
    PRIMARY KEY (owner, name)
);
COMMENT ON TABLE ocr.batches IS 'Named sets of jobs, each made by ocr_batch(), or when ocr_submit() first names it; ocr.progress shows how far they are';
COMMENT ON COLUMN ocr.batches.owner IS 'The role whose it is';
COMMENT ON COLUMN ocr.batches.name IS 'As in ocr.jobs.batch';
COMMENT ON COLUMN ocr.batches.created_at IS 'When it was made';
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

CREATE INDEX batches_open ON ocr.batches (owner, name) WHERE finished_at IS NULL;
CREATE INDEX batches_limited ON ocr.batches (owner, name) WHERE max_workers IS NOT NULL;

-- A row per job that has ended, until ocr.fold_outcomes() makes one of all those of a batch. Not in a dump: restored jobs are
-- counted as they come.
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

-- Two jobs that end at the same time do not see each other's end.
CREATE TABLE ocr.ending_batches (
    owner name NOT NULL,
    name  text NOT NULL
);
ALTER TABLE ocr.ending_batches REPLICA IDENTITY FULL;
COMMENT ON TABLE ocr.ending_batches IS 'Internal: batches of which a job has ended while few others had not; see ocr.end_batches()';

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

CREATE TABLE ocr.fingerprints (
    fingerprint bytea PRIMARY KEY,
    job_id      bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE
);
CREATE INDEX fingerprints_job ON ocr.fingerprints (job_id);
COMMENT ON TABLE ocr.fingerprints IS 'Internal: which job has the result of which bytes of an owner, read with which options; see ocr.fingerprint()';

CREATE TABLE ocr.passwords (
    job_id   bigint PRIMARY KEY REFERENCES ocr.jobs ON DELETE CASCADE,
    password text NOT NULL
);
COMMENT ON TABLE ocr.passwords IS 'Internal: passwords of encrypted PDFs, each kept only until its job ends, shown to nobody and never dumped';
