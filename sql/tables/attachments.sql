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
