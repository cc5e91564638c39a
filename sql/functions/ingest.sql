-- What is new in a store.

CREATE OR REPLACE FUNCTION ocr.object_digest(uri text, etag text) RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT sha256(convert_to(jsonb_build_array(uri, etag)::text, 'UTF8')) $$;
COMMENT ON FUNCTION ocr.object_digest(text, text) IS 'Internal: the key of a version of an object in ocr.ingested';

CREATE OR REPLACE FUNCTION ocr.ingest_object(caller name, uri text, store name, etag text, how ocr.submission) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    digest CONSTANT bytea := ocr.object_digest(uri, etag);
    new_job bigint;
BEGIN
    IF EXISTS (SELECT FROM ocr.ingested i WHERE i.owner = caller AND i.object = digest) THEN
        RETURN NULL;
    END IF;
    new_job := ocr.insert_job(caller, NULL, uri, store, how);
    INSERT INTO ocr.ingested (owner, object, uri, etag, job_id)
    VALUES (caller, digest, ingest_object.uri, ingest_object.etag, new_job)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        -- Another session was quicker; it has been waited for.
        DELETE FROM ocr.jobs j WHERE j.id = new_job;
        RETURN NULL;
    END IF;
    RETURN new_job;
END
$$;
COMMENT ON FUNCTION ocr.ingest_object(name, text, name, text, ocr.submission) IS
'Internal: a job for a version of an object, unless the caller has had one already: then null. Rights and options are checked by then';

CREATE OR REPLACE FUNCTION @extschema@.ocr_ingest(
    server text,
    prefix text = '',
    language text = 'eng',
    tier text = 'balanced',
    priority int = 0,
    batch text = NULL,
    pages text = NULL,
    text_layer text = 'auto',
    password text = NULL,
    webhook text = NULL,
    metadata jsonb = '{}',
    options jsonb = '{}',
    keep_document boolean = false,
    run_at timestamptz = now(),
    pattern text = NULL,
    max_documents bigint = NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    how CONSTANT ocr.submission := ROW(language, tier, priority, batch, NULL, pages, text_layer, password,
                                       webhook, metadata, options, keep_document, run_at);
    step CONSTANT int := 10000;
    found ocr.stored_object;
    seen bigint := 0;
    submitted bigint := 0;
BEGIN
    IF server IS NULL OR prefix IS NULL THEN
        PERFORM ocr.refuse_null(CASE WHEN server IS NULL THEN 'server' ELSE 'prefix' END,
                                'Give the name of a store; leave prefix out for all of it.');
    END IF;
    IF max_documents <= 0 THEN
        RAISE EXCEPTION 'max_documents must be above 0, not %', max_documents
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for no limit.';
    END IF;
    PERFORM ocr.check_submission(how, caller);
    PERFORM ocr.check_store(server, caller);
    PERFORM '' ~ pattern;  -- an error in it is told before anything is listed
    IF NOT ocr.try_lock(hashtextextended(jsonb_build_array('ocr_ingest', caller, server, prefix)::text, 0)) THEN
        RAISE NOTICE 'another session is at ocr_ingest(''%'', ''%''): nothing was submitted', server, prefix;
        RETURN 0;
    END IF;
    FOR found IN SELECT (l.object).* FROM (SELECT ocr.list_objects(server, prefix) AS object) AS l LOOP
        seen := seen + 1;
        -- A key that ends at a slash is how stores without directories show one.
        IF found.key NOT LIKE '%/' AND (pattern IS NULL OR found.key ~ pattern)
           AND ocr.ingest_object(caller, found.uri, server::name,
                                 coalesce(found.etag, concat_ws(' ', found.size, found.modified_at AT TIME ZONE 'UTC')), how) IS NOT NULL THEN
            submitted := submitted + 1;
            EXIT WHEN submitted = max_documents;
        END IF;
        IF seen % step = 0 THEN
            RAISE NOTICE '% objects looked at, % submitted', seen, submitted;
        END IF;
    END LOOP;
    RETURN submitted;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_ingest(text, text, text, text, int, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz, text, bigint) IS
'Submits every object of a store that the caller has not submitted before in the same version, and returns how many. Takes effect at COMMIT. Meant to be called again and again, as by pg_cron: ocr.ingested has what was submitted, by uri and etag.
server, prefix: as those of ocr_objects(). Where another session is at the same, nothing is submitted, with a NOTICE.
pattern: a regular expression that keys must match, as in ''[.](pdf|tiff?)$'', so that what was written beside the documents is left out; NULL for all.
max_documents: how many to submit at most; the next call goes on. NULL for all.
The other arguments are those of ocr_submit(). Says every 10000 objects how far it is.
Errors: as those of ocr_submit() and ocr_objects(). Nothing is submitted then.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_submit_event(
    event jsonb,
    language text = 'eng',
    tier text = 'balanced',
    priority int = 0,
    batch text = NULL,
    pages text = NULL,
    text_layer text = 'auto',
    password text = NULL,
    webhook text = NULL,
    metadata jsonb = '{}',
    options jsonb = '{}',
    keep_document boolean = false,
    run_at timestamptz = now()
) RETURNS TABLE (uri text, job_id bigint)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    how CONSTANT ocr.submission := ROW(language, tier, priority, batch, NULL, pages, text_layer, password,
                                       webhook, metadata, options, keep_document, run_at);
    record jsonb;
    key text;
    store name;
    etag text;
BEGIN
    IF event IS NULL THEN
        PERFORM ocr.refuse_null('event', 'Give the JSON that S3 sent to a queue.');
    END IF;
    PERFORM ocr.check_submission(how, caller);
    IF event->>'Event' = 's3:TestEvent' THEN
        RAISE NOTICE 'a test event of bucket "%": nothing was submitted', event->>'Bucket';
        RETURN;
    END IF;
    IF jsonb_typeof(event->'Records') IS DISTINCT FROM 'array' THEN
        PERFORM ocr.refuse_event('it has no list "Records"');
    END IF;
    FOR record IN SELECT * FROM jsonb_array_elements(event->'Records') LOOP
        IF jsonb_typeof(record->'eventName') IS DISTINCT FROM 'string' THEN
            PERFORM ocr.refuse_event('a record has no "eventName"');
        ELSIF record->>'eventName' !~ '^(s3:)?ObjectCreated:' THEN
            RAISE NOTICE 'an event % of "%": nothing was submitted', left(record->>'eventName', 100),
                         left(record #>> '{s3,object,key}', 200);
            CONTINUE;
        ELSIF jsonb_typeof(record #> '{s3,bucket,name}') IS DISTINCT FROM 'string'
              OR jsonb_typeof(record #> '{s3,object,key}') IS DISTINCT FROM 'string' THEN
            PERFORM ocr.refuse_event('a record has no s3.bucket.name or no s3.object.key');
        END IF;
        key := ocr.decoded_uri(record #>> '{s3,object,key}', true);
        IF key LIKE '%/' THEN
            RAISE NOTICE 'an event of the folder "%": nothing was submitted', left(key, 200);
            CONTINUE;
        END IF;
        uri := ocr.normal_uri(format('s3://%s/%s', record #>> '{s3,bucket,name}', key));
        store := ocr.store_of_uri(uri, caller);
        PERFORM ocr.check_store(store, caller);
        etag := coalesce(btrim(record #>> '{s3,object,eTag}', '"'), record #>> '{s3,object,versionId}',
                         record #>> '{s3,object,sequencer}', '');
        job_id := ocr.ingest_object(caller, uri, store, etag, how);
        IF job_id IS NULL THEN
            job_id := (SELECT i.job_id FROM ocr.ingested i WHERE i.owner = caller AND i.object = ocr.object_digest(uri, etag));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_submit_event(jsonb, text, text, int, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz) IS
'Submits the objects that an event notification of S3 tells of, and returns their jobs. Takes effect at COMMIT. An event that comes twice is the same job, and what it submitted is not submitted again by ocr_ingest().
event: the JSON that S3 sends, with "Records"; of a message of SNS its "Message". Removals, test events and folders submit nothing, with a NOTICE.
The other arguments are those of ocr_submit().
Errors: 22023 where it is no such event; as those of ocr_submit(uri, …) for its objects. Nothing is submitted then.';

CREATE OR REPLACE FUNCTION ocr.refuse_event(reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'this is no event notification of S3: %', reason
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'Give what S3 sends: {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": …}, "object": {"key": …, "eTag": …}}}]}. In a message of SNS it is the text of "Message".';
END
$$;
COMMENT ON FUNCTION ocr.refuse_event(text) IS 'Internal: raises the error of what is no event of S3';
