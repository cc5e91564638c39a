CREATE OR REPLACE FUNCTION @extschema@.ocr(
    document bytea,
    language text = 'eng',
    pages text = NULL,
    text_layer text = 'auto',
    password text = NULL,
    options jsonb = '{}'
) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    IF document IS NULL THEN
        RETURN NULL;
    END IF;
    IF language IS NULL OR text_layer IS NULL OR options IS NULL THEN
        PERFORM ocr.refuse_null(CASE WHEN language IS NULL THEN 'language' WHEN text_layer IS NULL THEN 'text_layer'
                                     ELSE 'options' END, 'Leave it out for the default.');
    END IF;
    PERFORM ocr.check_document(document);
    PERFORM ocr.check_language(language);
    PERFORM ocr.check_text_layer(text_layer);
    IF pages IS NOT NULL THEN
        PERFORM ocr.check_pages(pages);
    END IF;
    PERFORM ocr.check_options(options);
    IF options ? 'reuse' THEN
        RAISE EXCEPTION 'option reuse is not for ocr(), which always reads'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out.';
    END IF;
    IF options ? 'debug' THEN
        RAISE EXCEPTION 'option debug is not for ocr(), which keeps nothing'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out, or submit the document with ocr_submit().';
    END IF;
    IF options ?| '{approve_confidence,review_confidence}' THEN
        RAISE EXCEPTION 'options approve_confidence and review_confidence are not for ocr(), which gives no verdict'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave them out.';
    END IF;
    RETURN ocr.read_now(document, language, pages, text_layer, password,
                        coalesce((options ->> 'psm')::int, 3), coalesce((options ->> 'dpi')::int, 0),
                        coalesce((options ->> 'deskew')::boolean, false));
END
$$;
COMMENT ON FUNCTION @extschema@.ocr(bytea, text, text, text, text, jsonb) IS
'Reads a document here and now and returns its text, pages parted by form feeds; null for null. No job is made and nothing is kept.
The session waits while an engine of its own reads, in the same sandbox as the workers'' engines; cancelling the query or its timing out ends it. The engine is kept until the end of the transaction, so that a query over many rows starts only one.
Arguments are those of ocr_submit().
Errors: a bad argument (22023, 22004, 54000); a document or page that cannot be read (22P03; 28P01 for a password; 54000 beyond a limit; 38000 where the engine died), with the code of ocr.error_codes in DETAIL.';
