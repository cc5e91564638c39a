BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE FUNCTION pg_temp.line(batch text, job bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT l::jsonb FROM ocr_export(batch) AS l WHERE (l::jsonb->>'job_id')::bigint = job
$$;
CREATE FUNCTION pg_temp.submit(batch text, uri_or_key text = NULL) RETURNS bigint LANGUAGE sql AS $$
    SELECT ocr_submit('\x01'::bytea, batch => $1, idempotency_key => $2, options => '{"reuse": false}')
$$;

-- One of each kind.
SELECT pg_temp.submit('march', '=key') AS read \gset
SELECT pg_temp.submit('march') AS torn \gset
SELECT pg_temp.submit('march') AS cancelled \gset
SELECT pg_temp.submit('march') AS running \gset
SELECT pg_temp.submit('march') AS waiting \gset
SELECT pg_temp.claim(), pg_temp.open(3), pg_temp.read(1, 60), pg_temp.read(2), pg_temp.lose(3), pg_temp.complete() \g /dev/null
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read(1), pg_temp.fail('page_damaged') \g /dev/null
SELECT ocr_cancel(:cancelled), pg_temp.claim(), pg_temp.open(2), pg_temp.read(1) \g /dev/null
SELECT is(array_agg((l::jsonb->>'job_id')::bigint ORDER BY n), ARRAY[:read, :torn, :cancelled, :running, :waiting]::bigint[], 'a line for each document, in their order')
FROM ocr_export('march') WITH ORDINALITY AS e (l, n);
SELECT is(array_agg(l::jsonb->>'status' ORDER BY n), '{completed,failed,cancelled,running,pending}', 'whatever became of it')
FROM ocr_export('march') WITH ORDINALITY AS e (l, n);
SELECT is(pg_temp.line('march', :torn) - '{job_id,submitted_at,started_at,finished_at,pages}'::text[],
    '{"uri": null, "idempotency_key": null, "metadata": {}, "status": "failed", "verdict": null, "confidence": null, "worst_page": null, "language": "eng", "tier": "balanced", "pages_total": 2, "pages_failed": 1, "attempts": 1, "error_code": "page_damaged", "error": "it broke", "text_left_out": false}',
    'a failed one has its reason');
SELECT is(pg_temp.line('march', :torn)->'pages',
    '[{"page_no": 1, "status": "read", "source": "ocr", "verdict": "approved", "confidence": 95, "text": "text of page 1", "corrected": false, "reviewed_at": null, "error_code": null, "error": null},
      {"page_no": 2, "status": "failed", "source": null, "verdict": "rejected", "confidence": null, "text": null, "corrected": false, "reviewed_at": null, "error_code": "page_damaged", "error": "it broke"}]',
    'and so have its pages');
SELECT is(jsonb_path_query_array(pg_temp.line('march', :running), '$.pages[*].page_no'), '[1]', 'of one that is being read, what there is');
SELECT is(pg_temp.line('march', :waiting)->'pages', '[]', 'of others nothing');
SELECT results_eq($$SELECT job_id, job_status, page_no, page_status, corrected, coalesce(error_code, job_error_code) FROM ocr_export_pages('march')$$,
    format($$VALUES (%s::bigint, 'completed', 1, 'read', false, NULL), (%1$s, 'completed', 2, 'read', false, NULL), (%1$s, 'completed', 3, 'failed', false, 'page_damaged'),
        (%s, 'failed', 1, 'read', false, 'page_damaged'), (%2$s, 'failed', 2, 'failed', false, 'page_damaged'), (%s, 'cancelled', NULL, NULL, NULL, NULL),
        (%s, 'running', 1, 'read', false, NULL), (%s, 'pending', NULL, NULL, NULL, NULL)$$, :read, :torn, :cancelled, :running, :waiting),
    'a row for each page, and for each document without one');
SELECT is((SELECT count(*) FROM ocr_export('march', 'csv')), 9::bigint, 'as CSV as well, with a header');
SELECT is((SELECT string_agg(l, E'\n')::jsonb #>> '{documents,4,status}' FROM ocr_export('march', 'json') AS l), 'pending', 'all of it is one JSON document');
SELECT is((SELECT string_agg(l, E'\n')::jsonb #>> '{summary,unended}' FROM ocr_export('march', 'json') AS l), '2', 'with the summary');
SELECT results_eq($$SELECT batch, owner, ended, documents, completed, failed, cancelled, unended, approved, review, rejected, pages_total, pages_read,
        pages_skipped, pages_failed, pages_unread, pages_corrected, words, round(confidence), round(lowest_confidence), failures::text, finished_at IS NOT NULL, elapsed >= '0', reading_time, pages_per_minute IS NULL
    FROM ocr_summary('march')$$,
    $$VALUES ('march', current_user, false, 5::bigint, 1::bigint, 1::bigint, 1::bigint, 2::bigint, 0::bigint, 0::bigint, 1::bigint, 7::bigint, 4::bigint,
        0::bigint, 2::bigint, 1::bigint, 0::bigint, 4::bigint, 78::float8, 78::float8, '[{"error_code":"page_damaged","documents":1,"pages":2}]', true, true, interval '25 ms', true)$$,
    'a summary counts everything once');

-- What a person decided.
SELECT ocr_review(:read, 1, 'approved', E'what a person wrote\n') \g /dev/null
SELECT is((pg_temp.line('march', :read) #> '{pages,0}') - '{reviewed_at,confidence}'::text[],
    '{"page_no": 1, "status": "read", "source": "ocr", "verdict": "approved", "text": "what a person wrote\n", "corrected": true, "error_code": null, "error": null}', 'a page as a person corrected it');
SELECT results_eq($$SELECT text, corrected, verdict, reviewed_at IS NOT NULL FROM ocr_export_pages('march') LIMIT 1$$,
    $$VALUES (E'what a person wrote\n', true, 'approved', true)$$, 'as a row');
SELECT is((SELECT pages_corrected FROM ocr_summary('march')), 1::bigint, 'which is counted');

-- Quotes, newlines, and what a spreadsheet takes for a formula.
CREATE FUNCTION pg_temp.text_as_csv(typed text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ocr.pages p SET text = typed WHERE p.page_no = 2 AND p.status = 'read';
    RETURN (SELECT substring(l FROM E',95,(.*),false,,,\r$') FROM ocr_export('march', 'csv') WITH ORDINALITY AS e (l, n) WHERE n = 3);
END
$$;
SELECT is((SELECT l FROM ocr_export('march', 'csv') AS l LIMIT 1), E'batch,job_id,uri,idempotency_key,metadata,job_status,job_verdict,job_confidence,job_error_code,job_error,pages_total,submitted_at,finished_at,page_no,page_status,source,verdict,confidence,text,corrected,reviewed_at,error_code,error\r', 'a header');
SELECT is(left(l, 20 + length(:'read')), 'march,' || :read || E',,"''=key","{}"', 'a field that begins as a formula does is none')
FROM (SELECT replace(l, ',{},', ',"{}",') AS l, n FROM ocr_export('march', 'csv') WITH ORDINALITY AS e (l, n)) AS e WHERE n = 2;
SELECT is(pg_temp.text_as_csv('plain text'), 'plain text', 'nothing to quote');
SELECT is(pg_temp.text_as_csv('5" by 3, or so'), '"5"" by 3, or so"', 'quotes and commas');
SELECT is(pg_temp.text_as_csv(E'a\r\nb\\n'), E'"a\r\nb\\n"', 'ends of lines, and a backslash');
SELECT is(pg_temp.text_as_csv(''), '""', 'an empty text, which is not null');
SELECT is(pg_temp.text_as_csv(typed), '"''' || typed || '"', format('%s is no formula', typed)) FROM unnest(ARRAY['=1', '+1', '-1', '@a', '＝1', '＋1', '－1', '＠a', '''=1', '''''@', E'\t=1', E'\n=1']) AS typed;
SELECT is(pg_temp.text_as_csv(typed), typed, format('%s stays', typed)) FROM unnest(ARRAY['''a', '1=1', '''']) AS typed;
SELECT is(count(*) FILTER (WHERE l ~ E'[\n\x01\x02]'), 0::bigint, 'a line of JSON has nothing in it that parts lines, or that COPY would quote')
FROM ocr_export('march') AS l, pg_temp.text_as_csv(E'\x01\x02\r\n\f\x7f"\\') AS t;

-- Signatures do not leave the database.
UPDATE ocr.jobs SET uri = 'https://host/a.pdf?signature=secret', store = 'gone' WHERE id = :waiting;
SELECT is(pg_temp.line('march', :waiting)->>'uri', 'https://host/a.pdf', 'a URL goes without its query');
SELECT is(uri, 'https://host/a.pdf', 'in rows as well') FROM ocr_export_pages('march') WHERE job_id = :waiting;

-- Whose it is.
SELECT throws_ok($$SELECT ocr_export('nothing')$$, '42704', 'batch "nothing" does not exist', 'no such batch');
SELECT throws_ok($$SELECT ocr_export(NULL)$$, '22004', NULL, 'no batch');
SELECT throws_ok($$SELECT ocr_export('march', 'xml')$$, '22023', NULL, 'no such format');
SELECT throws_ok($$SELECT ocr_export('march', NULL)$$, '22004', NULL, 'no format');
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT pg_temp.submit('march') AS hers \gset
SELECT is(array_agg(l::jsonb->>'job_id'), ARRAY[:'hers'], 'one''s own batch of the same name') FROM ocr_export('march') AS l;
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT throws_ok(format('SELECT %s(''march''%s)', function, argument), '42704', 'batch "march" does not exist', function || ': a stranger''s batch does not exist')
FROM unnest('{ocr_export,ocr_export_pages,ocr_summary}'::text[]) AS function, unnest(ARRAY['', ', owner => ''ocr_test_alice''', ', owner => ''nobody''']) AS argument;
SELECT throws_ok($$SELECT ocr_export_to('march', 'file:///tmp/x', owner => 'ocr_test_alice')$$, '42704', 'batch "march" does not exist', 'nor is it written anywhere');
SELECT throws_ok($$SELECT ocr.exported_lines('ocr_test_alice', 'march', 'csv')$$, '42501', NULL, 'there is no way around it');
SELECT throws_ok($$SELECT ocr.exported_pages('march', 'ocr_test_alice')$$, '42704', NULL, 'or another one');
RESET SESSION AUTHORIZATION;
GRANT ocr_test_alice TO ocr_test_bob;
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT is(array_agg(l::jsonb->>'job_id'), ARRAY[:'hers'], 'a member of its owner sees it') FROM ocr_export('march', owner => 'ocr_test_alice') AS l;
SELECT is((SELECT documents FROM ocr_summary('march', 'ocr_test_alice')), 1::bigint, 'and its summary');
RESET SESSION AUTHORIZATION;

-- Rows come as they are asked for: the first of many has looked at few.
SELECT ocr_batch('large') \g /dev/null
SET LOCAL session_replication_role = replica;
WITH jobs AS (
    INSERT INTO ocr.jobs (owner, batch, document_size, status, finished_at, priority, tier, language, text_layer, metadata, options, keep_document, run_at)
    SELECT current_user, 'large', 1, 'completed', now(), 0, 'fast', 'eng', 'auto', '{}', '{}', false, now() FROM generate_series(1, 150) RETURNING id)
INSERT INTO ocr.pages (job_id, page_no, status, text) SELECT id, 1, 'read', repeat('x', 100000) FROM jobs;
RESET session_replication_role;
CREATE FUNCTION pg_temp.looked_at() RETURNS bigint LANGUAGE sql AS $$ SELECT pg_stat_get_xact_numscans(indexrelid) FROM pg_index WHERE indexrelid = 'ocr.pages_pkey'::regclass $$;
SELECT pg_temp.looked_at() AS before \gset
DECLARE lines CURSOR FOR SELECT ocr_export('large');
FETCH 3 FROM lines \g /dev/null
DECLARE records CURSOR FOR SELECT ocr_export('large', 'csv');
FETCH 3 FROM records \g /dev/null
DECLARE pages CURSOR FOR SELECT * FROM ocr_export_pages('large');
FETCH 3 FROM pages \g /dev/null
SELECT cmp_ok(pg_temp.looked_at() - :before, '<', 30::bigint, 'the first rows of a large batch have not looked at all of it');
SELECT cmp_ok(pg_temp.looked_at() - :before, '>=', 8::bigint, 'but at some');
CLOSE ALL;

-- One document shall not be what a batch fails at.
UPDATE ocr.pages p SET text = repeat('ab', 40 * 1024 * 1024) FROM ocr.jobs j WHERE j.id = p.job_id AND j.batch = 'large'
AND j.id = (SELECT min(k.id) FROM ocr.jobs k WHERE k.batch = 'large') AND set_config('session_replication_role', 'replica', true) IS NOT NULL;
RESET session_replication_role;
SELECT is(array_agg(DISTINCT (l::jsonb->>'text_left_out') || (l::jsonb #>> '{pages,0,text}' IS NULL)), '{falsefalse,truetrue}', 'a text that is too long for JSON is left out, which is said')
FROM ocr_export('large') AS l;
SELECT is(max(length(text)), 80 * 1024 * 1024, 'and is among the pages') FROM ocr_export_pages('large');
UPDATE ocr.pages p SET text = 'x' FROM ocr.jobs j WHERE j.id = p.job_id AND j.batch = 'large' AND length(p.text) > 100000;

-- To a store.
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -rf "$PGDATA/pg_ocr_export"; mkdir "$PGDATA/pg_ocr_export"';
SELECT 'file://' || current_setting('data_directory') || '/pg_ocr_export' AS here, current_setting('data_directory') || '/pg_ocr_export/' AS there \gset
SELECT set_config('ocr_test.there', :'there', true) \g /dev/null
SELECT format('CREATE SERVER ocr_test_out FOREIGN DATA WRAPPER ocr_store OPTIONS (type ''file'', directory %L)', current_setting('data_directory') || '/pg_ocr_export') \gexec
CREATE FUNCTION pg_temp.file(name text) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(pg_read_binary_file(current_setting('ocr_test.there') || name), 'UTF8') $$;
CREATE FUNCTION pg_temp.manifest(directory text) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.file(directory || '/manifest.json')::jsonb $$;
SELECT results_eq(format('SELECT * FROM ocr_export_to(''march'', %L)', :'here' || '/march/'), format('VALUES (%L, 1, 5::bigint, %s::bigint)', :'here' || '/march/manifest.json',
    (SELECT sum(octet_length(l) + 1) FROM ocr_export('march') AS l)), 'a batch is written to a store');
SELECT is(pg_temp.file('march/part-00001.jsonl'), (SELECT string_agg(l || E'\n', '') FROM ocr_export('march') AS l), 'as its lines');
SELECT is(pg_temp.manifest('march') - '{started_at,finished_at,parts,summary}'::text[],
    jsonb_build_object('writer', 'pg_ocr ' || ocr.library_version(), 'complete', true, 'batch', 'march', 'owner', current_user, 'format', 'jsonl'), 'with a manifest');
SELECT is(pg_temp.manifest('march') #> '{parts,0}', jsonb_build_object('name', 'part-00001.jsonl', 'documents', 5,
    'bytes', octet_length(convert_to(pg_temp.file('march/part-00001.jsonl'), 'UTF8')), 'sha256', encode(sha256(convert_to(pg_temp.file('march/part-00001.jsonl'), 'UTF8')), 'hex')),
    'that has its parts');
SELECT is((pg_temp.manifest('march')->'summary') - '{elapsed,pages_per_minute}'::text[], to_jsonb(s) - '{elapsed,pages_per_minute}'::text[], 'and the summary') FROM ocr_summary('march') AS s;
SELECT is((SELECT parts FROM ocr_export_to('large', :'here' || '/large')), 2, 'a large one is parted');
SELECT is((SELECT sum((p->>'documents')::int) FROM jsonb_array_elements(pg_temp.manifest('large')->'parts') AS p), 150::bigint, 'with every document in one of them');
SELECT is((SELECT array_agg((l::jsonb->>'job_id')::bigint) FROM unnest('{1,2}'::int[]) AS n, string_to_table(rtrim(pg_temp.file('large/part-0000' || n || '.jsonl'), E'\n'), E'\n') AS l),
    (SELECT array_agg(id ORDER BY id) FROM ocr.jobs WHERE batch = 'large'), 'once, in their order');
SELECT is((SELECT parts FROM ocr_export_to('large', :'here' || '/large', 'json')), 2, 'as JSON');
SELECT is((SELECT sum(jsonb_array_length(pg_temp.file('large/part-0000' || n || '.json')::jsonb->'documents')) FROM unnest('{1,2}'::int[]) AS n), 150::bigint, 'each part is a document');
SELECT is((SELECT parts FROM ocr_export_to('large', :'here' || '/large', 'csv')), 2, 'as CSV');
SELECT is(array_agg(DISTINCT split_part(pg_temp.file('large/part-0000' || n || '.csv'), E'\n', 1)), ARRAY(SELECT l FROM ocr_export('large', 'csv') AS l LIMIT 1), 'each part has the header') FROM unnest('{1,2}'::int[]) AS n;
SELECT is((SELECT sum((p->>'documents')::int) FROM jsonb_array_elements(pg_temp.manifest('large')->'parts') AS p), 150::bigint, 'with every document');
SELECT ocr_batch('nobody came') \g /dev/null
SELECT is((SELECT parts || ' ' || documents FROM ocr_export_to('nobody came', :'here' || '/none')), '0 0', 'nothing is no error');
SELECT is(pg_temp.manifest('none')->>'complete', 'true', 'but has a manifest');
-- A directory where the second part would be.
SELECT ocr_put(:'here' || '/torn/part-00002.jsonl/x', 'x') \g /dev/null
SELECT throws_matching(format('SELECT ocr_export_to(''large'', %L)', :'here' || '/torn'), 'part-00002', 'an export that fails');
SELECT is((SELECT array_agg(f ORDER BY f) FROM pg_ls_dir(:'there' || 'torn') AS f), '{manifest.json,part-00001.jsonl,part-00002.jsonl}', 'half way');
SELECT is(pg_temp.manifest('torn')->>'complete', 'false', 'can be told by its manifest');
SELECT ocr_export_to('march', :'here' || '/torn', 'csv') \g /dev/null
SELECT is((SELECT (m->>'complete') || ' ' || (m #>> '{parts,0,name}') FROM pg_temp.manifest('torn') AS m), 'true part-00001.csv', 'another one takes its place');
SELECT throws_ok($$SELECT ocr_export_to('march', NULL)$$, '22004', NULL, 'nowhere');
SELECT throws_ok($$SELECT ocr_export_to('march', 'https://host/a?b')$$, '22023', NULL, 'a query is no directory');
SELECT throws_ok($$SELECT ocr_export_to('march', 's3://nowhere/a')$$, '42704', NULL, 'a store that is not declared');
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT throws_ok(format('SELECT ocr_export_to(''march'', %L)', :'here' || '/hers'), '42501', NULL, 'one that the caller may not use');
RESET SESSION AUTHORIZATION;
SELECT * FROM finish();
ROLLBACK;
