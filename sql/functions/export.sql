-- A batch as a file, or as objects of a store. What gives its rows is written so that they are made as they are asked for: functions
-- without a SET, which become part of the query that calls them, and in the select list those that return rows. A document's
-- pages are looked up by their job each time, whatever the planner thinks of the tables: so the first row comes at once, and
-- no sort or hash holds texts.

CREATE OR REPLACE FUNCTION ocr.batch_to_export(INOUT batch text, INOUT owner name, INOUT format text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    IF batch IS NULL THEN
        PERFORM ocr.refuse_null('batch', 'Give the name of a batch.');
    ELSIF format IS NULL THEN
        PERFORM ocr.refuse_null('format', 'Give ''jsonl'', ''json'' or ''csv''.');
    ELSIF format NOT IN ('jsonl', 'json', 'csv') THEN
        RAISE EXCEPTION 'a batch cannot be exported as "%"', left(format, 100)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give ''jsonl'', ''json'' or ''csv''.';
    END IF;
    owner := coalesce(owner, ocr.caller());
    IF NOT ocr.caller_acts_for(owner) OR NOT EXISTS (SELECT FROM ocr.batches b WHERE b.owner = owner AND b.name = batch) THEN
        RAISE EXCEPTION 'batch "%" does not exist', left(batch, 200)
            USING ERRCODE = 'undefined_object',
                  HINT = format('ocr.batches lists the batches that you can see; owner => … names whose it is, if not that of %s.', owner);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.batch_to_export(text, name, text) IS 'Internal: whose batch is to be exported and how, or an error where the caller may not see it';

CREATE OR REPLACE FUNCTION ocr.jobs_of_batch(owner name, batch text) RETURNS TABLE (job_id bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT j.id FROM ocr.jobs j WHERE j.owner = $1 AND j.batch = $2 ORDER BY j.id OFFSET 0;
END;
COMMENT ON FUNCTION ocr.jobs_of_batch(name, text) IS 'Internal: the jobs of a batch in the order in which they were submitted';

CREATE OR REPLACE FUNCTION ocr.pages_of_job(job_id bigint) RETURNS SETOF ocr.exported_page
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT j.batch, j.id, ocr.uri_to_tell(j.uri), j.idempotency_key, j.metadata, j.status, j.verdict, j.confidence, j.error_code, j.error,
           j.pages_total, j.submitted_at, j.finished_at, p.page_no, p.status, p.source, p.verdict, p.confidence,
           coalesce(p.corrected_text, p.text), CASE WHEN p.page_no IS NOT NULL THEN p.corrected_text IS NOT NULL END, p.reviewed_at,
           p.error_code, p.error
    FROM ocr.jobs j LEFT JOIN ocr.pages p ON p.job_id = $1
    WHERE j.id = $1
    ORDER BY p.page_no;
END;
COMMENT ON FUNCTION ocr.pages_of_job(bigint) IS 'Internal: a row per page of a job, and one for a job that has none, see ocr_export_pages()';

CREATE OR REPLACE FUNCTION ocr.json_of_job(job_id bigint) RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT row_to_json(d)::text
    FROM (SELECT j.id AS job_id, ocr.uri_to_tell(j.uri) AS uri, j.idempotency_key, j.metadata, j.status, j.verdict, j.confidence,
                 j.worst_page, j.language, j.tier, j.pages_total, j.pages_failed, j.attempts, j.submitted_at, j.started_at, j.finished_at,
                 j.error_code, j.error, text.is_left_out AS text_left_out,
                 coalesce((SELECT json_agg(row_to_json(e) ORDER BY e.page_no)
                           FROM (SELECT p.page_no, p.status, p.source, p.verdict, p.confidence,
                                        CASE WHEN NOT text.is_left_out THEN coalesce(p.corrected_text, p.text) END AS text,
                                        p.corrected_text IS NOT NULL AS corrected, p.reviewed_at, p.error_code, p.error
                                 FROM ocr.pages p WHERE p.job_id = $1 OFFSET 0) AS e), '[]') AS pages
          FROM ocr.jobs j,
               -- Escaped, it may take six times as much; a value has 1 GB at most, and one document shall not be what a batch fails at.
               LATERAL (SELECT coalesce(sum(octet_length(coalesce(p.corrected_text, p.text))) > 64 * 1024 * 1024, false) AS is_left_out
                        FROM ocr.pages p WHERE p.job_id = $1) AS text
          WHERE j.id = $1 OFFSET 0) AS d;
END;
COMMENT ON FUNCTION ocr.json_of_job(bigint) IS 'Internal: a job with its pages as one line of JSON, see ocr_export()';

CREATE OR REPLACE FUNCTION ocr.utc_text(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION ocr.utc_text(timestamptz) IS 'Internal: a time as ISO 8601 has it, whatever the session''s settings';

-- A spreadsheet takes what begins so for a formula, and a document is written by whoever likes. One apostrophe more before
-- apostrophes as well: so it can be told from one that was there.
CREATE OR REPLACE FUNCTION ocr.csv_text(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN text ~ '^''*([=+@\t\r\n-]|＝|＋|－|＠)' THEN '"''' || replace(text, '"', '""') || '"'
            WHEN text = '' OR text ~ '[",\r\n]' THEN '"' || replace(text, '"', '""') || '"'
            ELSE coalesce(text, '') END;
COMMENT ON FUNCTION ocr.csv_text(text) IS 'Internal: a text as a field of CSV. Null is empty, an empty text is quoted; one that a spreadsheet would take for a formula has an apostrophe before it';

CREATE OR REPLACE FUNCTION ocr.csv_of_page(page ocr.exported_page) RETURNS text
LANGUAGE sql STABLE
RETURN concat_ws(',', ocr.csv_text((page).batch), (page).job_id, ocr.csv_text((page).uri), ocr.csv_text((page).idempotency_key),
    ocr.csv_text((page).metadata::text), (page).job_status, coalesce((page).job_verdict, ''), coalesce((page).job_confidence::text, ''),
    coalesce((page).job_error_code, ''), ocr.csv_text((page).job_error), coalesce((page).pages_total::text, ''),
    coalesce(ocr.utc_text((page).submitted_at), ''), coalesce(ocr.utc_text((page).finished_at), ''), coalesce((page).page_no::text, ''),
    coalesce((page).page_status, ''), coalesce((page).source, ''), coalesce((page).verdict, ''), coalesce((page).confidence::text, ''),
    ocr.csv_text((page).text), coalesce((page).corrected::text, ''), coalesce(ocr.utc_text((page).reviewed_at), ''), coalesce((page).error_code, ''),
    ocr.csv_text((page).error)) || E'\r';
COMMENT ON FUNCTION ocr.csv_of_page(ocr.exported_page) IS 'Internal: a page as a record of CSV, up to the newline that ends it';

CREATE OR REPLACE FUNCTION ocr.csv_header() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(a.attname, ',' ORDER BY a.attnum) || E'\r' FROM pg_attribute a
    WHERE a.attrelid = 'ocr.exported_page'::regclass AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION ocr.csv_header() IS 'Internal: the names of what ocr.csv_of_page() writes';

CREATE OR REPLACE FUNCTION ocr.exported_lines(owner name, batch text, format text) RETURNS TABLE (job_id bigint, line text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT j.job_id, l.line
    FROM ocr.jobs_of_batch($1, $2) AS j,
         LATERAL (SELECT d.line FROM ocr.json_of_job(j.job_id) AS d (line) WHERE $3 <> 'csv'
                  UNION ALL SELECT ocr.csv_of_page(p) FROM ocr.pages_of_job(j.job_id) AS p WHERE $3 = 'csv' OFFSET 0) AS l;
END;
COMMENT ON FUNCTION ocr.exported_lines(name, text, text) IS 'Internal: a line per document of a batch, as CSV one per page, without what stands before, between and behind them';

CREATE OR REPLACE FUNCTION @extschema@.ocr_summary(batch text, owner name = NULL)
RETURNS TABLE (
    batch text, owner name, description text, ended boolean, documents bigint, completed bigint, failed bigint, cancelled bigint,
    unended bigint, approved bigint, review bigint, rejected bigint, pages_total bigint, pages_read bigint, pages_skipped bigint,
    pages_failed bigint, pages_unread bigint, pages_corrected bigint, words bigint, confidence real, lowest_confidence real, failures json,
    submitted_at timestamptz, started_at timestamptz, finished_at timestamptz, elapsed interval, reading_time interval,
    pages_per_minute real)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
BEGIN ATOMIC
    WITH b AS MATERIALIZED (SELECT e.owner, e.batch FROM ocr.batch_to_export($1, $2, 'json') AS e),
    s AS (SELECT count(*) AS documents, count(*) FILTER (WHERE j.status = 'completed') AS completed,
                 count(*) FILTER (WHERE j.status = 'failed') AS failed, count(*) FILTER (WHERE j.status = 'cancelled') AS cancelled,
                 count(*) FILTER (WHERE j.finished_at IS NULL) AS unended, count(*) FILTER (WHERE j.verdict = 'approved') AS approved,
                 count(*) FILTER (WHERE j.verdict = 'review') AS review, count(*) FILTER (WHERE j.verdict = 'rejected') AS rejected,
                 coalesce(sum(j.pages_total), 0) AS pages_total, coalesce(sum(p.pages_read), 0) AS pages_read,
                 coalesce(sum(p.pages_skipped), 0) AS pages_skipped, coalesce(sum(p.pages_failed), 0) AS pages_failed,
                 coalesce(sum(j.pages_total - p.pages), 0) AS pages_unread, coalesce(sum(p.pages_corrected), 0) AS pages_corrected,
                 coalesce(sum(p.words), 0) AS words, avg(j.confidence) AS confidence, min(j.confidence) AS lowest_confidence,
                 min(j.submitted_at) AS submitted_at, min(j.started_at) AS started_at, max(j.finished_at) AS finished_at,
                 interval '1 ms' * coalesce(sum(p.elapsed_ms), 0) AS reading_time
          FROM ocr.jobs j,
               LATERAL (SELECT count(*) AS pages, count(*) FILTER (WHERE q.status = 'read') AS pages_read,
                               count(*) FILTER (WHERE q.status = 'skipped') AS pages_skipped,
                               count(*) FILTER (WHERE q.status = 'failed') AS pages_failed, count(q.corrected_text) AS pages_corrected,
                               sum(q.words) AS words, sum(q.elapsed_ms) AS elapsed_ms
                        FROM ocr.pages q WHERE q.job_id = j.id OFFSET 0) AS p
          WHERE (j.owner, j.batch) = (SELECT b.owner, b.batch FROM b)),
    -- Of a document that failed for one of its pages, both are counted.
    f AS (SELECT json_agg(row_to_json(c) ORDER BY c.documents DESC, c.pages DESC, c.error_code) AS failures
          FROM (SELECT e.error_code, sum(e.documents) AS documents, sum(e.pages) AS pages
                FROM (SELECT j.error_code, 1 AS documents, 0 AS pages FROM ocr.jobs j
                      WHERE (j.owner, j.batch) = (SELECT b.owner, b.batch FROM b) AND j.status = 'failed'
                      UNION ALL
                      SELECT q.error_code, 0, 1 FROM ocr.jobs j, LATERAL (
                          SELECT p.error_code FROM ocr.pages p WHERE p.job_id = j.id AND p.status = 'failed' OFFSET 0) AS q
                      WHERE (j.owner, j.batch) = (SELECT b.owner, b.batch FROM b) AND j.pages_failed > 0) AS e
                GROUP BY e.error_code) AS c),
    t AS (SELECT CASE WHEN s.unended = 0 THEN s.finished_at ELSE now() END - s.started_at AS elapsed FROM s)
    SELECT b.batch, b.owner, (SELECT own.description FROM ocr.batches own WHERE own.owner = b.owner AND own.name = b.batch),
           s.unended = 0, s.documents, s.completed, s.failed, s.cancelled, s.unended, s.approved, s.review, s.rejected, s.pages_total, s.pages_read,
           s.pages_skipped, s.pages_failed, s.pages_unread, s.pages_corrected, s.words, s.confidence::real, s.lowest_confidence,
           coalesce(f.failures, '[]'), s.submitted_at, s.started_at, s.finished_at, t.elapsed, s.reading_time,
           ((s.pages_read + s.pages_skipped + s.pages_failed) * 60 / nullif(extract(epoch FROM t.elapsed), 0))::real
    FROM b, s, f, t;
END;
COMMENT ON FUNCTION @extschema@.ocr_summary(text, name) IS
'What came of a batch: one row.
batch: its name. owner: whose it is, a role that the caller is a member of; NULL: the caller''s own.
ended: whether all its jobs have; unended: how many have not. documents: all of them, by status in completed, failed and cancelled, and by verdict in approved, review and rejected.
pages_total: pages that were asked for and exist, of documents that were opened; of them pages_read, pages_skipped, pages_failed, and pages_unread, which are those of jobs that were cancelled, have failed or have not ended. pages_corrected: those whose text a person has written. words: how many were read.
confidence, lowest_confidence: 0 to 100, the mean and the least of the documents''; null where no word was read.
failures: [{"error_code": "…", "documents": 0, "pages": 0}], how many jobs and pages failed for what.
elapsed: from started_at to finished_at, or until now where it has not ended. reading_time: of all pages together. pages_per_minute: by elapsed.
Errors: 42704 where there is no such batch, or it is not the caller''s to see; 22004.';

CREATE OR REPLACE FUNCTION ocr.summary_as_json(batch text, owner name) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT row_to_json(s)::text FROM @extschema@.ocr_summary($1, $2) AS s;
END;
COMMENT ON FUNCTION ocr.summary_as_json(text, name) IS 'Internal: what ocr_summary() says, as JSON';

CREATE OR REPLACE FUNCTION @extschema@.ocr_export(batch text, format text = 'jsonl', owner name = NULL) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
SET intervalstyle = postgres
BEGIN ATOMIC
    WITH b AS MATERIALIZED (SELECT e.owner, e.batch, e.format FROM ocr.batch_to_export($1, $3, $2) AS e)
    SELECT CASE b.format WHEN 'json' THEN '{"summary":' || ocr.summary_as_json(b.batch, b.owner) || ',"documents":[' ELSE ocr.csv_header() END
    FROM b WHERE b.format <> 'jsonl'
    UNION ALL
    SELECT CASE WHEN b.format = 'json' AND l.job_id <> (SELECT max(j.id) FROM ocr.jobs j WHERE (j.owner, j.batch) = (SELECT c.owner, c.batch FROM b AS c))
                THEN l.line || ',' ELSE l.line END
    FROM b, ocr.exported_lines(b.owner, b.batch, b.format) AS l
    UNION ALL
    SELECT ']}' FROM b WHERE b.format = 'json';
END;
COMMENT ON FUNCTION @extschema@.ocr_export(text, text, name) IS
'A batch as the lines of a file, in the order in which its documents were submitted. All of them are there, also those that failed, were cancelled or have not been read. Texts are as ocr_text() has them: those that a person corrected. Nothing is held in memory but a document.
format: jsonl, a line of JSON per document; json, one document {"summary": {…}, "documents": […]}; csv, a record per page with the columns of ocr_export_pages(), and one per document without a page.
owner: whose batch it is, a role that the caller is a member of; NULL: the caller''s own.
In csv (RFC 4180), a field that a spreadsheet would take for a formula has an apostrophe before it, one more where it begins with some. In json and jsonl, a document with more than 64 MB of text has none, and "text_left_out": true; ocr_export_pages() has it.
psql -At writes the lines as they are. COPY in its own text format does not: it doubles backslashes. COPY (SELECT ocr_export(…)) TO … (FORMAT csv, QUOTE E''\x01'', DELIMITER E''\x02'', ENCODING ''UTF8'') does, of jsonl and json.
Errors: 42704 where there is no such batch, or it is not the caller''s to see; 22023 for another format; 22004.';

CREATE OR REPLACE FUNCTION ocr.exported_pages(batch text, owner name) RETURNS SETOF ocr.exported_page
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
    SELECT p.* FROM ocr.batch_to_export($1, $2, 'csv') AS b, ocr.jobs_of_batch(b.owner, b.batch) AS j, ocr.pages_of_job(j.job_id) AS p
$$;
COMMENT ON FUNCTION ocr.exported_pages(text, name) IS 'Internal: what ocr_export_pages() returns';

-- As ocr_objects(), so that rows come as they are asked for.
CREATE OR REPLACE FUNCTION @extschema@.ocr_export_pages(batch text, owner name = NULL)
RETURNS TABLE (
    batch text, job_id bigint, uri text, idempotency_key text, metadata jsonb, job_status text, job_verdict text, job_confidence real,
    job_error_code text, job_error text, pages_total int, submitted_at timestamptz, finished_at timestamptz, page_no int, page_status text,
    source text, verdict text, confidence real, text text, corrected boolean, reviewed_at timestamptz, error_code text, error text)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10000
BEGIN ATOMIC
    SELECT (e.page).* FROM (SELECT ocr.exported_pages($1, $2) AS page) AS e;
END;
COMMENT ON FUNCTION @extschema@.ocr_export_pages(text, name) IS
'A row per page of a batch, document after document in the order in which they were submitted, and one row for a document without a page, as it failed, was cancelled or has not been read: with page_no and all that follows null.
owner: whose batch it is, a role that the caller is a member of; NULL: the caller''s own.
job_…, pages_total, submitted_at, finished_at: as in ocr.jobs. uri: of a URL, without what follows a question mark. text: as ocr_text() has it; corrected: whether a person wrote it. The others: as in ocr.pages.
COPY (SELECT * FROM ocr_export_pages(…)) TO … (FORMAT csv, HEADER) writes exactly that; for spreadsheets there is ocr_export(…, ''csv'').
Errors: 42704 where there is no such batch, or it is not the caller''s to see; 22004.';

CREATE OR REPLACE FUNCTION ocr.export_manifest(
    batch text, owner name, format text, started_at timestamptz, finished_at timestamptz, parts json[], summary json) RETURNS bytea
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN convert_to(json_build_object('writer', 'pg_ocr ' || ocr.library_version(), 'complete', finished_at IS NOT NULL, 'batch', batch,
                                        'owner', owner, 'format', format, 'started_at', started_at, 'finished_at', finished_at,
                                        'parts', to_json(parts), 'summary', summary)::text || E'\n', 'UTF8');
END
$$;
COMMENT ON FUNCTION ocr.export_manifest(text, name, text, timestamptz, timestamptz, json[], json) IS 'Internal: what manifest.json says, see ocr_export_to(); it is complete where finished_at is not null';

CREATE OR REPLACE FUNCTION @extschema@.ocr_export_to(batch text, uri text, format text = 'jsonl', owner name = NULL)
RETURNS TABLE (manifest text, parts int, documents bigint, bytes bigint)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
SET intervalstyle = postgres
AS $$
#variable_conflict use_variable
DECLARE
    -- Bytes of lines. While a part is written, it takes some ten times that in memory.
    most CONSTANT int := 8 * 1024 * 1024;
    began CONSTANT timestamptz := clock_timestamp();
    -- One query is one snapshot, so that the summary is that of the documents.
    everything refcursor;
    whose record;
    summary json;
    total bigint;
    next record;
    last_job bigint := 0;
    lines text[] := '{}';
    size bigint := 0;
    begun bigint := 0;
    content bytea;
    name text;
    written json[] := '{}';
    at_end boolean := false;
BEGIN
    SELECT b.* INTO whose FROM ocr.batch_to_export(batch, owner, format) AS b;
    IF uri IS NULL THEN
        PERFORM ocr.refuse_null('uri', 'Give a directory of a store, as in s3://bucket/march.');
    ELSIF uri ~ '[?#]' AND uri ~* '^https?:' THEN
        RAISE EXCEPTION 'what follows "?" or "#" cannot be a part of where to export to'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a directory, as in https://host/march; user mappings have the keys.';
    END IF;
    uri := rtrim(uri, '/') || '/';
    manifest := uri || 'manifest.json';
    IF NOT ocr.try_lock(hashtextextended('ocr_export_to ' || uri, 0)) THEN
        RAISE EXCEPTION 'another session is exporting to "%"', left(uri, 200) USING ERRCODE = 'object_in_use', HINT = 'Wait for its end, or export elsewhere.';
    END IF;
    parts := 0;
    documents := 0;
    bytes := 0;
    -- What an earlier export has left is not to be taken for this one.
    PERFORM ocr.put(manifest, ocr.export_manifest(whose.batch, whose.owner, format, began, NULL, written, NULL), 'application/json');
    OPEN everything NO SCROLL FOR
        SELECT 0::bigint AS job_id, ocr.summary_as_json(whose.batch, whose.owner) AS line
        UNION ALL SELECT l.job_id, l.line FROM ocr.exported_lines(whose.owner, whose.batch, whose.format) AS l;
    FETCH everything INTO next;
    summary := next.line;
    total := summary->>'documents';
    LOOP
        FETCH everything INTO next;
        at_end := NOT FOUND;
        IF size > 0 AND (at_end OR size + octet_length(next.line) > most) THEN
            parts := parts + 1;
            name := format('part-%s.%s', lpad(parts::text, greatest(5, length(parts::text)), '0'), format);
            content := convert_to(CASE format
                WHEN 'json' THEN E'{"documents":[\n' || array_to_string(lines, E',\n') || E'\n]}\n'
                WHEN 'csv' THEN ocr.csv_header() || E'\n' || array_to_string(lines, E'\n') || E'\n'
                ELSE array_to_string(lines, E'\n') || E'\n' END, 'UTF8');
            PERFORM ocr.put(uri || name, content, CASE format WHEN 'json' THEN 'application/json' WHEN 'csv' THEN 'text/csv; charset=utf-8'
                                                              ELSE 'application/x-ndjson' END);
            written := written || json_build_object('name', name, 'documents', begun, 'bytes', octet_length(content), 'sha256', encode(sha256(content), 'hex'));
            bytes := bytes + octet_length(content);
            documents := documents + begun;
            RAISE NOTICE '% of % documents written, % in %', documents, total, pg_size_pretty(bytes), uri || name;
            lines := '{}';
            size := 0;
            begun := 0;
        END IF;
        EXIT WHEN at_end;
        lines := lines || next.line;
        size := size + octet_length(next.line);
        IF next.job_id <> last_job THEN
            begun := begun + 1;
            last_job := next.job_id;
        END IF;
    END LOOP;
    CLOSE everything;
    PERFORM ocr.put(manifest, ocr.export_manifest(whose.batch, whose.owner, format, began, clock_timestamp(), written, summary),
                    'application/json');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_export_to(text, text, text, name) IS
'Writes a batch to a store, in parts of some 8 MB: part-00001.jsonl, part-00002.jsonl, … and manifest.json. Now and for good: a ROLLBACK does not take it back. Says after each part how far it is.
uri: a directory of a declared store, as in s3://bucket/march, which ocr_put() could write to. Objects of these names are replaced.
format, owner: as those of ocr_export(); of json each part is a document {"documents": […]}, of csv each has the header.
manifest.json says "complete": false until all parts are there, then true, with name, documents, bytes and sha256 of each part, and what ocr_summary() says. What it does not name is no part.
Returns one row: manifest: its URI. parts: how many. documents: how many. bytes: of all parts.
All of it is of one moment, whose snapshot is held until the end.
Errors: as those of ocr_export(), and of ocr_put() for the URI; 55006 while another session exports to the same URI.';
