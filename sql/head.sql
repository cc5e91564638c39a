\echo Use "CREATE EXTENSION pg_ocr" to load this file. \quit
-- Whoever may create in the extension's schema could have put an operator there that fits better than PostgreSQL's own.
SET LOCAL search_path = pg_catalog, pg_temp;
-- What is read has typographic quotes, dashes and currencies that most other encodings lack.
DO $$
BEGIN
    IF getdatabaseencoding() NOT IN ('UTF8', 'SQL_ASCII') THEN
        RAISE EXCEPTION 'pg_ocr needs a database with the encoding UTF8; this one has %', getdatabaseencoding()
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Make one with CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0, and CREATE EXTENSION there.';
    END IF;
END
$$;
