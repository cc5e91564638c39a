-- Who may do what. The roles are gone again after the test.
\set SHOW_CONTEXT never
CREATE ROLE regress_ocr_alice;
CREATE ROLE regress_ocr_bob;
CREATE ROLE regress_ocr_reader;
GRANT pg_read_all_data TO regress_ocr_reader;

-- Internal functions are nobody's but a superuser's.
SELECT p.oid::regprocedure AS everybody_may_call
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_ocr'
WHERE has_function_privilege('regress_ocr_alice', p.oid, 'EXECUTE')
ORDER BY p.pronamespace::regnamespace::text, p.oid::regprocedure::text;

-- Tables can be read, where the rows are one's own, and no more than that.
SELECT c.oid::regclass AS relation, p AS privilege
FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
WHERE c.relnamespace = 'ocr'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('regress_ocr_alice', c.oid, p)
ORDER BY c.relname, p;
SELECT c.oid::regclass AS sequence
FROM pg_class c
WHERE c.relnamespace = 'ocr'::regnamespace
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('regress_ocr_alice', c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT has_schema_privilege('regress_ocr_alice', 'ocr', 'CREATE');
SELECT c.oid::regclass AS without_row_security
FROM pg_class c
WHERE c.relnamespace = 'ocr'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity
ORDER BY 1;

SET ROLE regress_ocr_alice;
SELECT ocr_submit('\x01', password => 'sesame', run_at => now() + '1 h') AS job \gset
SELECT * FROM ocr.passwords;
SELECT * FROM ocr.tasks;
SELECT * FROM ocr.claim_task(1);
UPDATE ocr.jobs SET status = 'completed';
DELETE FROM ocr.pages;

-- A user's function does not run with the extension's rights, however it is smuggled in.
RESET ROLE;
CREATE SCHEMA regress_ocr_trap AUTHORIZATION regress_ocr_alice;
SET ROLE regress_ocr_alice;
CREATE FUNCTION regress_ocr_trap.octet_length(bytea) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'the trap runs as %', current_user;
    RETURN 1;
END
$$;
SET search_path = regress_ocr_trap, pg_catalog, public;
SELECT octet_length('\x'::bytea);
SELECT ocr_submit('');
RESET search_path;

-- A member of pg_read_all_data reads all tables, but not past row-level security: no password, no other's page.
SET ROLE regress_ocr_reader;
SELECT count(*) FROM ocr.passwords;
SELECT count(*) FROM ocr.documents;
RESET ROLE;
SELECT count(*) FROM ocr.passwords;
SELECT ocr_cancel(:job);
SELECT count(*) FROM ocr.passwords;
DROP OWNED BY regress_ocr_alice, regress_ocr_bob, regress_ocr_reader;
DROP ROLE regress_ocr_alice, regress_ocr_bob, regress_ocr_reader;

-- A row whose owner is no role any more is its superusers', and no error to others.
SELECT j.owner, s.status FROM ocr_status(:job) s JOIN ocr.jobs j ON j.id = s.job_id;
CREATE ROLE regress_ocr_carol;
SET ROLE regress_ocr_carol;
SELECT count(*) FROM ocr.jobs;
SELECT count(*) FROM ocr.progress;
RESET ROLE;
DROP ROLE regress_ocr_carol;
