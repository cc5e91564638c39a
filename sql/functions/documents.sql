-- Stages once per owner. The lock on the row keeps the end of another job from dropping the document before the
-- caller's own job refers to it.
CREATE OR REPLACE FUNCTION ocr.stage_document(owner name, bytes bytea) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    digest CONSTANT bytea := sha256(bytes);
    document_id bigint;
BEGIN
    LOOP
        INSERT INTO ocr.documents (owner, sha256, bytes, size)
        VALUES (stage_document.owner, digest, stage_document.bytes, octet_length(stage_document.bytes))
        ON CONFLICT DO NOTHING
        RETURNING id INTO document_id;
        IF FOUND THEN
            RETURN document_id;
        END IF;
        SELECT d.id INTO document_id FROM ocr.documents d
        WHERE d.owner = stage_document.owner AND d.sha256 = digest
        FOR KEY SHARE;
        IF FOUND THEN
            RETURN document_id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.stage_document(name, bytea) IS 'Internal: the id of these bytes among an owner''s documents, stored now if they are not there yet';

-- From the youngest job: what has ended leaves traces in the index until they are vacuumed, and it was first.
CREATE OR REPLACE FUNCTION ocr.is_document_needed(document_id bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
BEGIN
    PERFORM FROM ocr.jobs j WHERE j.document_id = is_document_needed.document_id ORDER BY j.document_id DESC, j.id DESC LIMIT 1;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION ocr.is_document_needed(bigint) IS 'Internal: whether a job refers to a document';

CREATE OR REPLACE FUNCTION ocr.drop_document(document_id bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM FROM ocr.documents d WHERE d.id = drop_document.document_id FOR UPDATE SKIP LOCKED;
    IF FOUND AND NOT ocr.is_document_needed(document_id) THEN
        DELETE FROM ocr.documents d WHERE d.id = drop_document.document_id;
        RETURN;
    END IF;
    INSERT INTO ocr.released_documents (document_id) VALUES (drop_document.document_id);
END
$$;
COMMENT ON FUNCTION ocr.drop_document(bigint) IS 'Internal: drops a document that a job does not refer to any more, or notes it down where others still need it or hold a lock on it. Never waits';

CREATE OR REPLACE FUNCTION ocr.sweep_documents() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    released record;
BEGIN
    FOR released IN SELECT r.ctid, r.document_id FROM ocr.released_documents r ORDER BY r.document_id
                    FOR UPDATE SKIP LOCKED LOOP
        PERFORM FROM ocr.documents d WHERE d.id = released.document_id FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            DELETE FROM ocr.documents d WHERE d.id = released.document_id AND NOT ocr.is_document_needed(released.document_id);
        ELSIF EXISTS (SELECT FROM ocr.documents d WHERE d.id = released.document_id) THEN
            CONTINUE;  -- somebody is at it: look again next time
        END IF;
        DELETE FROM ocr.released_documents r WHERE r.ctid = released.ctid;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.sweep_documents() IS 'Internal: drops the documents noted down by ocr.drop_document() that no job needs any more';

CREATE OR REPLACE FUNCTION ocr.release_document_of_deleted_job() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ocr.released_documents (document_id) VALUES (OLD.document_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.release_document_of_deleted_job() IS 'Internal: a job that is deleted gives up its document';

CREATE OR REPLACE TRIGGER release_document AFTER DELETE ON ocr.jobs
    FOR EACH ROW WHEN (OLD.document_id IS NOT NULL) EXECUTE FUNCTION ocr.release_document_of_deleted_job();

CREATE OR REPLACE FUNCTION ocr.release_documents_of_truncated_jobs() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ocr.released_documents (document_id) SELECT d.id FROM ocr.documents d;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.release_documents_of_truncated_jobs() IS 'Internal: TRUNCATE of the jobs gives up all documents';

CREATE OR REPLACE TRIGGER release_documents AFTER TRUNCATE ON ocr.jobs
    FOR EACH STATEMENT EXECUTE FUNCTION ocr.release_documents_of_truncated_jobs();
