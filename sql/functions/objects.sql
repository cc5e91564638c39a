-- Users ask a store themselves.

CREATE OR REPLACE FUNCTION ocr.options_in_turn(store name, owner name) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(word ORDER BY o.name, place)
    FROM ocr.options_of_server(store, owner) AS o, unnest(ARRAY[o.name, o.value]) WITH ORDINALITY AS w (word, place)
$$;
COMMENT ON FUNCTION ocr.options_in_turn(name, name) IS 'Internal: the options of a store for a role, names and values by turns. There are secrets among them';

CREATE OR REPLACE FUNCTION ocr.listing_of(server text) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    caller CONSTANT name := ocr.caller();
    options jsonb;
BEGIN
    PERFORM ocr.check_store(server, caller);
    options := (SELECT ocr.options_of_list(s.srvoptions) FROM pg_foreign_server s WHERE s.srvname = server);
    IF options->>'type' = 'https' THEN
        RAISE EXCEPTION 'store % is of type https, which cannot be listed', server
            USING ERRCODE = 'feature_not_supported', HINT = 'Submit its documents by their URLs.';
    END IF;
    RETURN ocr.options_in_turn(server::name, caller) || ARRAY['uri', (ocr.uri_prefixes(options))[1]];
END
$$;
COMMENT ON FUNCTION ocr.listing_of(text) IS 'Internal: the options of a store that the caller may list, names and values by turns, and as uri what the URIs of its objects begin with; else an error. There are secrets among them';

-- In SQL, with a body that is parsed once, and without a SET: so it becomes a part of the query that calls it, and the rows
-- come as the store gives them. Everything is checked where they come from.
CREATE OR REPLACE FUNCTION @extschema@.ocr_objects(server text, prefix text = '')
RETURNS TABLE (uri text, key text, size bigint, etag text, modified_at timestamptz)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10000
BEGIN ATOMIC
    SELECT (l.object).uri, (l.object).key, (l.object).size, (l.object).etag, (l.object).modified_at
    FROM (SELECT ocr.list_objects($1, $2) AS object) AS l;
END;
COMMENT ON FUNCTION @extschema@.ocr_objects(text, text) IS
'The objects in a store, as the store lists them: in the order of their keys, page by page while the query runs. LIMIT stops the listing.
server: a server of foreign-data wrapper ocr_store, of any type but https; the caller needs USAGE on it.
prefix: what the keys begin with, as in ''2026/''. Of a directory, files in all directories beneath; symbolic links are not followed.
uri: as ocr_submit() takes it. size: bytes. etag: the version, in the store''s words.
Errors: 42704 where there is no such store; 42501 without USAGE, and where the store denies its list; HV00N where it cannot be reached; HV000 where its answer is not to be trusted; 0A000 for type https.';

CREATE OR REPLACE FUNCTION ocr.put(uri text, content bytea, content_type text) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    store name;
    declared record;
BEGIN
    IF uri IS NULL OR content IS NULL THEN
        PERFORM ocr.refuse_null(CASE WHEN uri IS NULL THEN 'uri' ELSE 'content' END,
                                'Give a URI such as s3://bucket/key, and bytes.');
    END IF;
    IF content_type !~ '^[!-~]+/[ -~]*$' OR length(content_type) > 200 THEN
        RAISE EXCEPTION 'content_type cannot be "%"', left(content_type, 100)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as in ''application/json''.';
    END IF;
    uri := ocr.normal_uri(uri);
    store := ocr.store_of_uri(uri, caller);
    PERFORM ocr.check_store(store, caller);
    SELECT s.srvowner, ocr.options_of_list(s.srvoptions) AS options INTO declared FROM pg_foreign_server s WHERE s.srvname = store;
    IF declared.options->>'type' = 'file' AND NOT pg_has_role(declared.srvowner, 'pg_write_server_files', 'USAGE') THEN
        RAISE EXCEPTION 'the owner of server "%" is not a member of pg_write_server_files', store
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'GRANT pg_write_server_files TO the server''s owner, or give it to another.';
    END IF;
    RETURN ocr.put_object(ocr.options_in_turn(store, caller), ocr.key_in_store(uri, declared.options), content, content_type);
END
$$;
COMMENT ON FUNCTION ocr.put(text, bytea, text) IS 'Internal: ocr_put(), for those who are SECURITY DEFINER already';

CREATE OR REPLACE FUNCTION @extschema@.ocr_put(uri text, content bytea, content_type text = NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ocr.put(uri, content, content_type);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_put(text, bytea, text) IS
'Writes an object to a store, now and for good: a ROLLBACK does not take it back. One of the same name is replaced. Returns its etag, null where the store does not say.
uri: as ocr_submit() takes it; the caller needs USAGE on its server. Of a directory, the server''s owner must be a member of pg_write_server_files; directories on the way are made.
content_type: as in ''application/json''; NULL leaves it to the store.
Errors: as those of ocr_submit(uri, …) for the URI; as those of ocr_objects() for what the store says.';

CREATE OR REPLACE FUNCTION ocr.document_of_job(job ocr.jobs, document bytea) RETURNS bytea
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    key text;
BEGIN
    IF document IS NOT NULL THEN
        IF octet_length(document) <> job.document_size OR sha256(document) <> job.document_sha256 THEN
            RAISE EXCEPTION 'this is not the document that job % read', job.id
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Its words would stand in the wrong places. Give the bytes that were submitted.';
        END IF;
        RETURN document;
    END IF;
    SELECT d.bytes INTO document FROM ocr.documents d WHERE d.id = job.document_id;
    IF FOUND THEN
        RETURN document;
    END IF;
    IF job.attachment IS NOT NULL AND job.store IS NULL THEN
        document := ocr.document_in_row(job);
        IF document IS NULL OR sha256(document) <> job.document_sha256 THEN
            RAISE EXCEPTION 'the row of job % has another document by now, or is gone', job.id
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Give the bytes that were read with document => ….';
        END IF;
        RETURN document;
    END IF;
    IF job.store IS NULL THEN
        RAISE EXCEPTION 'the document of job % was not kept', job.id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Give its bytes with document => …; or submit documents with keep_document => true.';
    END IF;
    PERFORM ocr.check_store(job.store, caller);
    key := ocr.key_in_store(job.uri, (SELECT ocr.options_of_list(s.srvoptions) FROM pg_foreign_server s WHERE s.srvname = job.store));
    IF key IS NULL THEN
        RAISE EXCEPTION 'the options of server "%" have changed: it does not have the URI of job % any more', job.store, job.id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Give the document''s bytes with document => ….';
    END IF;
    document := ocr.fetch_object(ocr.options_in_turn(job.store, caller), key);
    IF sha256(document) <> job.document_sha256 THEN
        RAISE EXCEPTION 'the document of job % has changed in its store since it was read', job.id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Submit it again; or give the bytes that were read with document => ….';
    END IF;
    RETURN document;
END
$$;
COMMENT ON FUNCTION ocr.document_of_job(ocr.jobs, bytea) IS
'Internal: the bytes that a job read: those given, where they can be; else those that are kept; else those in the job''s row, or fetched from its store with the caller''s rights. The caller may see the job, which is for others to check.
Errors: 22023 where other bytes are given; 55000 where there are none any more, or others in the store; as those of ocr_objects() for the store.';
