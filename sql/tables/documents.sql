CREATE TABLE ocr.documents (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner      name NOT NULL,
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    bytes      bytea NOT NULL,
    size       bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, sha256)
);
-- Scans are compressed already, and only values that are not compressed can be read slice by slice.
ALTER TABLE ocr.documents ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE ocr.documents IS 'The bytes that unfinished jobs are to read, once per owner however many jobs read them. A document is dropped when the last job that needs it ends; a failed job still needs it, and so does one with keep_document';
COMMENT ON COLUMN ocr.documents.id IS 'As in ocr.jobs.document_id';
COMMENT ON COLUMN ocr.documents.created_at IS 'When it was stored';
COMMENT ON COLUMN ocr.documents.owner IS 'The role whose jobs read it';
COMMENT ON COLUMN ocr.documents.sha256 IS 'SHA-256 of bytes';
COMMENT ON COLUMN ocr.documents.bytes IS 'The file as it was submitted';
COMMENT ON COLUMN ocr.documents.size IS 'Length of bytes';

-- Documents that a job gave up while others still needed them, or held a lock on them: to be looked at again. Without
-- this list, two last jobs that end at once could each leave the dropping to the other.
CREATE TABLE ocr.released_documents (
    document_id bigint NOT NULL
);
-- Has no key, and yet its rows can be deleted while it is published, as by FOR ALL TABLES.
ALTER TABLE ocr.released_documents REPLICA IDENTITY FULL;
CREATE INDEX released_documents_document ON ocr.released_documents (document_id);
COMMENT ON TABLE ocr.released_documents IS 'Internal: documents that workers drop as soon as no job needs them';
