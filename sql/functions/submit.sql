-- How a document is to be read is checked and stored in one way, wherever it comes from.

CREATE OR REPLACE FUNCTION ocr.check_submission(how ocr.submission, caller name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF how.language IS NULL OR how.tier IS NULL OR how.priority IS NULL OR how.text_layer IS NULL OR how.metadata IS NULL
       OR how.options IS NULL OR how.keep_document IS NULL OR how.run_at IS NULL THEN
        PERFORM ocr.refuse_null(
            CASE WHEN how.language IS NULL THEN 'language' WHEN how.tier IS NULL THEN 'tier'
                 WHEN how.priority IS NULL THEN 'priority' WHEN how.text_layer IS NULL THEN 'text_layer'
                 WHEN how.metadata IS NULL THEN 'metadata' WHEN how.options IS NULL THEN 'options'
                 WHEN how.keep_document IS NULL THEN 'keep_document' ELSE 'run_at' END,
            'Leave it out for the default.');
    END IF;
    PERFORM ocr.check_language(how.language);
    PERFORM ocr.check_text_layer(how.text_layer);
    IF how.tier NOT IN ('fast', 'balanced', 'accurate') THEN
        RAISE EXCEPTION 'unknown tier "%"', left(how.tier, 100)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give ''fast'', ''balanced'' or ''accurate''.';
    END IF;
    -- A claim looks at each priority that waits, from the highest: few of them keep it quick, whatever one user submits.
    IF how.priority NOT BETWEEN -1000 AND 1000 THEN
        RAISE EXCEPTION 'priority must be from -1000 to 1000, not %', how.priority
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Higher is read first; leave it out for 0.';
    END IF;
    IF how.pages IS NOT NULL THEN
        PERFORM ocr.check_pages(how.pages);
    END IF;
    IF how.options <> '{}' THEN
        PERFORM ocr.check_options(how.options);
    END IF;
    IF jsonb_typeof(how.metadata) <> 'object' THEN
        RAISE EXCEPTION 'metadata must be a JSON object'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as in ''{"invoice": 4711}''.';
    END IF;
    PERFORM ocr.check_batch(how.batch);
    IF how.idempotency_key = '' OR length(how.idempotency_key) > 200 THEN
        RAISE EXCEPTION 'idempotency_key must have 1 to 200 characters, not %', length(how.idempotency_key)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a short key, a hash of a longer one, or NULL for none.';
    END IF;
    IF NOT isfinite(how.run_at) THEN
        RAISE EXCEPTION 'run_at must be a finite time, not %', how.run_at
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out to have the document read at once.';
    END IF;
    IF how.webhook IS NOT NULL THEN
        PERFORM ocr.check_server(how.webhook, 'ocr_webhook', caller);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_submission(ocr.submission, name) IS 'Internal: raises an error unless documents can be read so for the caller';

CREATE OR REPLACE FUNCTION ocr.insert_job(caller name, document bytea, uri text, store name, how ocr.submission, attachment bigint = NULL) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    document_id bigint;
    job_id bigint;
BEGIN
    IF how.idempotency_key IS NOT NULL THEN
        SELECT j.id INTO job_id FROM ocr.jobs j WHERE j.owner = caller AND j.idempotency_key = how.idempotency_key;
        IF FOUND THEN
            RETURN job_id;
        END IF;
    END IF;
    IF document IS NOT NULL THEN
        document_id := ocr.stage_document(caller, document);
    END IF;
    LOOP
        -- A concurrent submission with the same key is waited for here: there is one job, whoever commits first.
        INSERT INTO ocr.jobs (owner, document_id, document_size, uri, store, priority, tier, batch, language, pages, text_layer,
                              webhook, metadata, options, keep_document, idempotency_key, run_at, attachment)
        VALUES (caller, document_id, octet_length(document), uri, store, how.priority, how.tier, how.batch, how.language,
                how.pages, how.text_layer, how.webhook, how.metadata, how.options, how.keep_document, how.idempotency_key,
                how.run_at, attachment)
        ON CONFLICT DO NOTHING
        RETURNING id INTO job_id;
        EXIT WHEN FOUND;
        SELECT j.id INTO job_id FROM ocr.jobs j WHERE j.owner = caller AND j.idempotency_key = how.idempotency_key;
        IF FOUND THEN
            IF document_id IS NOT NULL THEN
                PERFORM ocr.drop_document(document_id);
            END IF;
            RETURN job_id;
        END IF;
    END LOOP;
    IF how.batch IS NOT NULL THEN
        INSERT INTO ocr.batches (owner, name) VALUES (caller, how.batch) ON CONFLICT DO NOTHING;
        -- One that has ended begins anew. Whoever else is just saying so need not be waited for.
        UPDATE ocr.batches b SET finished_at = NULL
        WHERE b.ctid = ANY (ARRAY(SELECT e.ctid FROM ocr.batches e
                                  WHERE e.owner = caller AND e.name = how.batch AND e.finished_at IS NOT NULL
                                  FOR NO KEY UPDATE SKIP LOCKED));
    END IF;
    INSERT INTO ocr.tasks (job_id, priority, run_at, tier) VALUES (job_id, how.priority, how.run_at, how.tier);
    IF how.password IS NOT NULL THEN
        INSERT INTO ocr.passwords (job_id, password) VALUES (job_id, how.password);
    END IF;
    PERFORM ocr.wake_workers();  -- also for a later time: an idle worker has to know until when it may sleep
    RETURN job_id;
END
$$;
COMMENT ON FUNCTION ocr.insert_job(name, bytea, text, name, ocr.submission, bigint) IS
'Internal: a job of the caller for these bytes or, where they are null, for the object that a normal URI names in a store, or for a row of an attached table; the one that there is already where an idempotency key says so. Nothing is checked any more';

CREATE OR REPLACE FUNCTION @extschema@.ocr_submit(
    document bytea,
    language text = 'eng',
    tier text = 'balanced',
    priority int = 0,
    batch text = NULL,
    idempotency_key text = NULL,
    pages text = NULL,
    text_layer text = 'auto',
    password text = NULL,
    webhook text = NULL,
    metadata jsonb = '{}',
    options jsonb = '{}',
    keep_document boolean = false,
    run_at timestamptz = now()
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    how CONSTANT ocr.submission := ROW(language, tier, priority, batch, idempotency_key, pages, text_layer, password,
                                               webhook, metadata, options, keep_document, run_at);
BEGIN
    IF document IS NULL THEN
        PERFORM ocr.refuse_null('document', 'Give the bytes of a PDF or an image.');
    END IF;
    PERFORM ocr.check_submission(how, caller);
    PERFORM ocr.check_document(document);
    RETURN ocr.insert_job(caller, document, NULL, NULL, how);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_submit(bytea, text, text, int, text, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz) IS
'Asks for a document to be read and returns the id of the job at once. Takes effect at COMMIT, together with whatever else the transaction does.
document: the bytes of a PDF or an image, at most pg_ocr.max_document_size. Stored until the job ends, once however often it is submitted.
language: Tesseract''s codes, joined by +, as in ''deu+eng''; each must be installed on the database server.
tier: ''fast'' keeps no layout, so that ocr_words() has nothing to show, unless with option debug; ''balanced'' and ''accurate'' keep it; ''accurate'' also looks for tables.
priority: -1000 to 1000, higher first; that of its batch counts instead, where it has one. Within one priority, owners and their batches take turns; in each, first come first served.
batch: the name of a set of jobs, made on first use; ocr_batch() says what holds for it, ocr.progress shows how far it is.
idempotency_key: a second call of the same role with the same key submits nothing and returns the id of the first.
pages: which pages to read, as in ''1-3,7,10-''; NULL means all.
text_layer: ''auto'' takes a PDF page''s own text where it is sound, ''ignore'' never does, ''only'' reads nothing else and skips pages without.
password: of an encrypted PDF; kept only until the job ends, shown nowhere. A failed job needs it again: see ocr_retry().
webhook: the name of a server of foreign-data wrapper ocr_webhook, which is told how the job goes; the caller needs USAGE on it.
metadata: a JSON object of your own; comes back in ocr_status() and in the notification.
options: {"psm": Tesseract''s page segmentation mode, 1 or 3 to 13, "dpi": 70 to 2400, "deskew": true or false, "reuse": false to have it read even if the same bytes were read with the same options before, "debug": true to keep a picture of each page, mostly 10 to 400 kB, over which ocr_html() draws what was found there, "approve_confidence" and "review_confidence": 0 to 100, from which its pages are approved and for review}.
keep_document: keep the bytes in ocr.documents after the job has ended.
run_at: not to be read before this time.
Errors: a bad argument is an error here (22023, 22004, 54000), never later; what is wrong with the document itself ends in error_code and error of the job.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_submit(
    uri text,
    language text = 'eng',
    tier text = 'balanced',
    priority int = 0,
    batch text = NULL,
    idempotency_key text = NULL,
    pages text = NULL,
    text_layer text = 'auto',
    password text = NULL,
    webhook text = NULL,
    metadata jsonb = '{}',
    options jsonb = '{}',
    keep_document boolean = false,
    run_at timestamptz = now()
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    how CONSTANT ocr.submission := ROW(language, tier, priority, batch, idempotency_key, pages, text_layer, password,
                                               webhook, metadata, options, keep_document, run_at);
    document bytea;
    store name;
BEGIN
    IF uri IS NULL THEN
        PERFORM ocr.refuse_null('document', 'Give the bytes of a PDF or an image, or a URI that leads to them.');
    END IF;
    PERFORM ocr.check_submission(how, caller);
    IF starts_with(uri, '\x') THEN
        -- A literal without a type, which Postgres takes for a text where both would do.
        document := uri::bytea;
        PERFORM ocr.check_document(document);
        RETURN ocr.insert_job(caller, document, NULL, NULL, how);
    END IF;
    uri := ocr.normal_uri(uri);
    store := ocr.store_of_uri(uri, caller);
    PERFORM ocr.check_store(store, caller);
    RETURN ocr.insert_job(caller, NULL, uri, store, how);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_submit(text, text, text, int, text, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz) IS
'Asks for a document in a store to be fetched and read, and returns the id of the job at once. Takes effect at COMMIT.
uri: s3://bucket/key, gs://bucket/key, az://container/key, https://host/path (or http), or file:///absolute/path. It leads to a server of foreign-data wrapper ocr_store on which the caller has USAGE: by its bucket, container, longest endpoint or longest directory. Keys stand in it as they are, but in a URL of https, which is percent-encoded. A text that begins with \x is taken for the bytes of a document.
The document is fetched when its turn comes, and again by ocr_retry(). Its bytes are not stored, unless it is long and shared among workers, or kept. etag and document_sha256 of ocr.jobs say which version was read.
The other arguments are those of ocr_submit(bytea, …).
Errors: as those of ocr_submit(bytea, …), and 42704 where no store has the URI, with the CREATE SERVER that would; 42P08 where several have; 42501 without USAGE. What goes wrong with the store later ends in error_code and error of the job.';

-- Parsed now, so that they find ocr_submit() also after the extension's schema was renamed.
CREATE OR REPLACE FUNCTION @extschema@.ocr_submit_many(
    documents bytea[],
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
) RETURNS SETOF bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT @extschema@.ocr_submit(d.document, language => $2, tier => $3, priority => $4, batch => $5, pages => $6, text_layer => $7,
                                   password => $8, webhook => $9, metadata => $10, options => $11, keep_document => $12, run_at => $13)
    FROM unnest($1) WITH ORDINALITY AS d (document, number) ORDER BY d.number;
END;
COMMENT ON FUNCTION @extschema@.ocr_submit_many(bytea[], text, text, int, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz) IS
'Asks for many documents to be read in the same way, and returns the ids of their jobs, in the order of the documents. All or none is submitted: the error of one is the error of the call.
documents: the bytes of each. The other arguments are those of ocr_submit(bytea, …).';

CREATE OR REPLACE FUNCTION @extschema@.ocr_submit_many(
    uris text[],
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
) RETURNS SETOF bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT @extschema@.ocr_submit(u.uri, language => $2, tier => $3, priority => $4, batch => $5, pages => $6, text_layer => $7,
                                   password => $8, webhook => $9, metadata => $10, options => $11, keep_document => $12, run_at => $13)
    FROM unnest($1) WITH ORDINALITY AS u (uri, number) ORDER BY u.number;
END;
COMMENT ON FUNCTION @extschema@.ocr_submit_many(text[], text, text, int, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz) IS
'Asks for many documents in stores to be fetched and read in the same way, and returns the ids of their jobs, in the order of the URIs. All or none is submitted: the error of one is the error of the call.
uris: of each, as for ocr_submit(text, …). The other arguments are those of ocr_submit(bytea, …).';
