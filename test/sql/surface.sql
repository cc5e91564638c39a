-- What users find when they look around.
\pset format unaligned
\df ocr*
\d ocr.jobs
\d ocr.pages
\d ocr.reviews
\d ocr.documents
\d ocr.batches
\d ocr.ingested
\d ocr.tasks
\d ocr.deliveries
\d ocr.delivery_attempts
\d ocr.passwords
\d ocr.error_codes
\d ocr.progress
\d ocr.dead_letters
\d ocr.workers
\d ocr.cards
\d ocr.webhooks
\d ocr.metrics
\d ocr.review_queue
\dew ocr*
SELECT code, retry FROM ocr.error_codes ORDER BY code;

-- Everything is explained where it stands: every object of the extension but sequences and triggers, every column that users
-- read, and every setting. What is not for users says so, and nothing else does.
SELECT d.classid::regclass AS kind, pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE e.extname = 'pg_ocr' AND d.deptype = 'e' AND (c.relkind IS NULL OR c.relkind IN ('r', 'v') OR c.relname = 'fences')
  AND obj_description(d.objid, d.classid::regclass::text) IS NULL;
SELECT c.relname || '.' || string_agg(a.attname, ', ' ORDER BY a.attnum) AS without_comment
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'ocr'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('public', c.oid, 'SELECT')
  AND col_description(c.oid, a.attnum) IS NULL
GROUP BY c.relname ORDER BY 1;
SELECT name AS without_description FROM pg_settings WHERE name LIKE 'pg\_ocr.%' AND coalesce(short_desc, '') = '';
SELECT p.oid::regprocedure AS internal_and_does_not_say_so FROM pg_proc p
WHERE p.pronamespace = 'ocr'::regnamespace AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
  AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal: %' AND p.proname <> 'library_version';
SELECT oid::regclass AS internal_and_does_not_say_so FROM pg_class
WHERE relnamespace = 'ocr'::regnamespace AND relkind IN ('r', 'v')
  AND (obj_description(oid, 'pg_class') LIKE 'Internal: %') = has_table_privilege('public', oid, 'SELECT');

-- Every function that runs with others' rights has its search_path pinned; none takes it from the session but the one that
-- row-level security inlines. That one's names were looked up when it was made. A procedure that commits can pin nothing, and has
-- its caller's rights only.
SELECT p.oid::regprocedure AS not_pinned
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_ocr'
JOIN pg_language l ON l.oid = p.prolang AND l.lanname <> 'c'
WHERE p.prosqlbody IS NULL AND (p.prokind = 'f' OR p.prosecdef)
  AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false);

-- pg_dump carries the rows of all tables but the passwords, the constant one, and what is counted anew.
SELECT c.relname AS not_dumped
FROM pg_class c JOIN pg_extension e ON e.extname = 'pg_ocr'
WHERE c.relnamespace = 'ocr'::regnamespace AND c.relkind IN ('r', 'S') AND c.oid <> ALL (e.extconfig)
ORDER BY 1;
