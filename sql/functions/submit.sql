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
    document_id bigint;
    job_id bigint;
BEGIN
    IF document IS NULL OR language IS NULL OR tier IS NULL OR priority IS NULL OR text_layer IS NULL OR metadata IS NULL
       OR options IS NULL OR keep_document IS NULL OR run_at IS NULL THEN
        PERFORM ocr.refuse_null(
            CASE WHEN document IS NULL THEN 'document' WHEN language IS NULL THEN 'language'
                 WHEN tier IS NULL THEN 'tier' WHEN priority IS NULL THEN 'priority'
                 WHEN text_layer IS NULL THEN 'text_layer' WHEN metadata IS NULL THEN 'metadata'
                 WHEN options IS NULL THEN 'options' WHEN keep_document IS NULL THEN 'keep_document'
                 ELSE 'run_at' END,
            CASE WHEN document IS NULL THEN 'Give the bytes of a PDF or an image.'
                 ELSE 'Leave it out for the default.' END);
    END IF;
    PERFORM ocr.check_language(language);
    PERFORM ocr.check_document(document);
    PERFORM ocr.check_text_layer(text_layer);
    IF tier NOT IN ('fast', 'balanced', 'accurate') THEN
        RAISE EXCEPTION 'unknown tier "%"', left(tier, 100)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give ''fast'', ''balanced'' or ''accurate''.';
    END IF;
    -- A claim looks at each priority that waits, from the highest: few of them keep it quick, whatever one user submits.
    IF priority NOT BETWEEN -1000 AND 1000 THEN
        RAISE EXCEPTION 'priority must be from -1000 to 1000, not %', priority
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Higher is read first; leave it out for 0.';
    END IF;
    IF pages IS NOT NULL THEN
        PERFORM ocr.check_pages(pages);
    END IF;
    IF options <> '{}' THEN
        PERFORM ocr.check_options(options);
    END IF;
    IF jsonb_typeof(metadata) <> 'object' THEN
        RAISE EXCEPTION 'metadata must be a JSON object'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as in ''{"invoice": 4711}''.';
    END IF;
    IF batch = '' OR length(batch) > 200 THEN
        RAISE EXCEPTION 'batch must have 1 to 200 characters, not %', length(batch)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a short name, or NULL for no batch.';
    END IF;
    IF idempotency_key = '' OR length(idempotency_key) > 200 THEN
        RAISE EXCEPTION 'idempotency_key must have 1 to 200 characters, not %', length(idempotency_key)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a short key, a hash of a longer one, or NULL for none.';
    END IF;
    IF NOT isfinite(run_at) THEN
        RAISE EXCEPTION 'run_at must be a finite time, not %', run_at
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out to have the document read at once.';
    END IF;

    IF idempotency_key IS NOT NULL THEN
        SELECT j.id INTO job_id FROM ocr.jobs j
        WHERE j.owner = caller AND j.idempotency_key = ocr_submit.idempotency_key;
        IF FOUND THEN
            RETURN job_id;
        END IF;
    END IF;
    document_id := ocr.stage_document(caller, document);
    LOOP
        -- A concurrent submission with the same key is waited for here: there is one job, whoever commits first.
        INSERT INTO ocr.jobs (owner, document_id, document_size, priority, tier, batch, language, pages, text_layer,
                              metadata, options, keep_document, idempotency_key, run_at)
        VALUES (caller, document_id, octet_length(document), priority, tier, batch, language, pages, text_layer,
                metadata, options, keep_document, idempotency_key, run_at)
        ON CONFLICT DO NOTHING
        RETURNING id INTO job_id;
        EXIT WHEN FOUND;
        SELECT j.id INTO job_id FROM ocr.jobs j
        WHERE j.owner = caller AND j.idempotency_key = ocr_submit.idempotency_key;
        IF FOUND THEN
            PERFORM ocr.drop_document(document_id);
            RETURN job_id;
        END IF;
    END LOOP;
    INSERT INTO ocr.tasks (job_id, priority, run_at) VALUES (job_id, priority, run_at);
    IF batch IS NOT NULL THEN
        INSERT INTO ocr.batches (owner, name) VALUES (caller, batch) ON CONFLICT DO NOTHING;
    END IF;
    IF password IS NOT NULL THEN
        INSERT INTO ocr.passwords (job_id, password) VALUES (job_id, password);
    END IF;
    PERFORM ocr.wake_workers();  -- also for a later time: an idle worker has to know until when it may sleep
    RETURN job_id;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_submit(bytea, text, text, int, text, text, text, text, text, jsonb, jsonb, boolean, timestamptz) IS
'Asks for a document to be read and returns the id of the job at once. Takes effect at COMMIT, together with whatever else the transaction does.
document: the bytes of a PDF or an image, at most pg_ocr.max_document_size. Stored until the job ends, once however often it is submitted.
language: Tesseract''s codes, joined by +, as in ''deu+eng''; each must be installed on the database server.
tier: ''fast'' keeps no layout, so that ocr_words() has nothing to show; ''balanced'' and ''accurate'' keep it, and read alike for now.
priority: -1000 to 1000, higher first; within one priority, first come first served.
batch: the name of a set of jobs, made on first use; ocr.progress shows how far it is.
idempotency_key: a second call of the same role with the same key submits nothing and returns the id of the first.
pages: which pages to read, as in ''1-3,7,10-''; NULL means all.
text_layer: ''auto'' takes a PDF page''s own text where it is sound, ''ignore'' never does, ''only'' reads nothing else and skips pages without.
password: of an encrypted PDF; kept only until the job ends, shown nowhere. A failed job needs it again: see ocr_retry().
metadata: a JSON object of your own; comes back in ocr_status() and in the notification.
options: {"psm": Tesseract''s page segmentation mode, 1 or 3 to 13, "dpi": 70 to 2400, "deskew": true or false, "reuse": false to have it read even if the same bytes were read with the same options before}.
keep_document: keep the bytes in ocr.documents after the job has ended.
run_at: not to be read before this time.
Errors: a bad argument is an error here (22023, 22004, 54000), never later; what is wrong with the document itself ends in error_code and error of the job.';
