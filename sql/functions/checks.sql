-- What a bad call is told. Each raises an error with an SQLSTATE and a hint, or returns.

CREATE OR REPLACE FUNCTION ocr.check_document(document bytea) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    limit_bytes CONSTANT bigint := pg_size_bytes(current_setting('pg_ocr.max_document_size'));
BEGIN
    IF octet_length(document) = 0 THEN
        RAISE EXCEPTION 'the document is empty'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the bytes of a PDF or an image.';
    END IF;
    IF octet_length(document) > limit_bytes THEN
        RAISE EXCEPTION 'the document has % bytes, more than the % that pg_ocr.max_document_size allows',
                octet_length(document), limit_bytes
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Split the document, or ask an administrator to raise pg_ocr.max_document_size.';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_document(bytea) IS 'Internal: raises an error where a document is empty or larger than pg_ocr.max_document_size';

CREATE OR REPLACE FUNCTION ocr.check_text_layer(text_layer text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF text_layer NOT IN ('auto', 'ignore', 'only') THEN
        RAISE EXCEPTION 'unknown text_layer "%"', left(text_layer, 100)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give ''auto'' (use a PDF page''s text where it is sound), ''ignore'' or ''only''.';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_text_layer(text) IS 'Internal: raises an error unless this is auto, ignore or only';

CREATE OR REPLACE FUNCTION ocr.check_language(language text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    installed text[] := ARRAY(SELECT l FROM ocr.installed_languages() AS l ORDER BY l COLLATE "C");
    missing text;
BEGIN
    IF string_to_array(language, '+') <@ installed AND language <> '' THEN
        RETURN;
    END IF;
    IF language = '' THEN
        RAISE EXCEPTION 'language is empty'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the codes of one or more languages, as in ''eng'' or ''deu+eng''. Installed: '
                         || coalesce(nullif(array_to_string(installed, ', '), ''), 'none') || '.';
    END IF;
    SELECT code INTO missing
    FROM unnest(string_to_array(language, '+')) WITH ORDINALITY AS wanted (code, position)
    WHERE code <> ALL (installed)
    ORDER BY position LIMIT 1;
    RAISE EXCEPTION 'language "%" is not installed', missing
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'Installed: ' || coalesce(nullif(array_to_string(installed, ', '), ''), 'none') || '.'
                     || CASE WHEN missing ~ '^[a-z]{3}(_[a-z]+)?$' AND missing <> 'osd'
                             THEN ' On Debian and Ubuntu, `apt install tesseract-ocr-' || replace(missing, '_', '-')
                                  || '` on the database server adds it.'
                             ELSE ' Codes are joined by ''+'', as in ''deu+eng''.' END;
END
$$;
COMMENT ON FUNCTION ocr.check_language(text) IS 'Internal: raises an error unless every language is installed';

CREATE OR REPLACE FUNCTION ocr.check_pages(pages text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item text;
BEGIN
    IF length(pages) > 10000 THEN
        RAISE EXCEPTION 'pages has % characters, more than 10000', length(pages)
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Submit the document in several jobs, each with a part of the list.';
    END IF;
    IF pages !~ '^[1-9][0-9]{0,8}(-([1-9][0-9]{0,8})?)?(,[1-9][0-9]{0,8}(-([1-9][0-9]{0,8})?)?)*$' THEN
        RAISE EXCEPTION 'pages "%" is not a list of pages', left(pages, 100)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give page numbers from 1 and ranges of them, without spaces, as in ''1-3,7,10-''; NULL means every page.';
    END IF;
    FOREACH item IN ARRAY string_to_array(pages, ',') LOOP
        IF split_part(item, '-', 1)::int > nullif(split_part(item, '-', 2), '')::int THEN
            RAISE EXCEPTION 'the range "%" in pages runs backwards', item
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('Write %s-%s. Pages are read in the order of the document, whatever order they are listed in.',
                                    split_part(item, '-', 2), split_part(item, '-', 1));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.check_pages(text) IS 'Internal: raises an error unless this is a list of pages such as 1-3,7,10-';

CREATE OR REPLACE FUNCTION ocr.check_options(options jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known CONSTANT text := 'Known options: psm (1, or 3 to 13), dpi (70 to 2400), deskew (true or false), reuse (true or false), debug (true or false), approve_confidence and review_confidence (0 to 100).';
    key text;
    value jsonb;
BEGIN
    IF jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write them as in ''{"dpi": 300}''. ' || known;
    END IF;
    FOR key, value IN SELECT o.key, o.value FROM jsonb_each(options) AS o LOOP
        CASE key
        WHEN 'psm' THEN
            IF value::text !~ '^([13-9]|1[0-3])$' THEN
                RAISE EXCEPTION 'option psm cannot be %', left(value::text, 100)
                    USING ERRCODE = 'invalid_parameter_value',
                          HINT = 'Give one of Tesseract''s page segmentation modes that give text: 1, or 3 to 13. 3, the default, finds the blocks by itself; 6 expects one block, 7 one line.';
            END IF;
        WHEN 'dpi' THEN
            IF value::text !~ '^[1-9][0-9]{1,3}$' OR value::int NOT BETWEEN 70 AND 2400 THEN
                RAISE EXCEPTION 'option dpi cannot be %', left(value::text, 100)
                    USING ERRCODE = 'invalid_parameter_value',
                          HINT = 'Give a whole number from 70 to 2400; 300 suits most print. Without it, an image is taken at what it says of itself and a PDF page is drawn at 300.';
            END IF;
        WHEN 'deskew', 'reuse', 'debug' THEN
            IF jsonb_typeof(value) <> 'boolean' THEN
                RAISE EXCEPTION 'option % cannot be %', key, left(value::text, 100)
                    USING ERRCODE = 'invalid_parameter_value', HINT = 'Give true or false, without quotes.';
            END IF;
        WHEN 'approve_confidence', 'review_confidence' THEN
            IF value::text !~ '^(100|[0-9]{1,2}([.][0-9]{1,3})?)$' THEN
                RAISE EXCEPTION 'option % cannot be %', key, left(value::text, 100)
                    USING ERRCODE = 'invalid_parameter_value',
                          HINT = 'Give a number from 0 to 100, with three decimals at most: how many of 100 words should be right.';
            END IF;
        ELSE
            RAISE EXCEPTION 'unknown option "%"', left(key, 100)
                USING ERRCODE = 'invalid_parameter_value', HINT = known;
        END CASE;
    END LOOP;
    PERFORM ocr.check_limits_of_verdicts((options ->> 'approve_confidence')::numeric, (options ->> 'review_confidence')::numeric);
END
$$;
COMMENT ON FUNCTION ocr.check_options(jsonb) IS 'Internal: raises an error unless every option is known and in its range';

CREATE OR REPLACE FUNCTION ocr.check_batch(batch text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF batch = '' OR length(batch) > 200 THEN
        RAISE EXCEPTION 'batch must have 1 to 200 characters, not %', length(batch)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a short name, or NULL for no batch.';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_batch(text) IS 'Internal: raises an error unless a batch can have this name; null is none';

CREATE OR REPLACE FUNCTION ocr.refuse_null(parameter text, hint text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% must not be NULL', parameter
        USING ERRCODE = 'null_value_not_allowed', HINT = hint;
END
$$;
COMMENT ON FUNCTION ocr.refuse_null(text, text) IS 'Internal: raises the error of a parameter that is NULL';
