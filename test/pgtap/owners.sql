BEGIN;
SELECT plan(62 + (SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'ocr'::regnamespace AND c.relkind = 'v')::int);
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE ROLE ocr_test_clerk IN ROLE ocr_test_alice;
CREATE ROLE ocr_test_outsider NOINHERIT IN ROLE ocr_test_alice;
GRANT TEMP ON DATABASE :"DBNAME" TO ocr_test_alice, ocr_test_bob;

-- Whose a job is.
SET ROLE ocr_test_alice;
SELECT ocr_submit('\x01', batch => 'scans', idempotency_key => 'k', metadata => '{"secret": 1}') AS job \gset
CREATE FUNCTION pg_temp.submit_for_bob() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT ocr_submit('\x02') $$;
GRANT EXECUTE ON FUNCTION pg_temp.submit_for_bob() TO ocr_test_bob;
SET ROLE ocr_test_bob;
SELECT ocr_submit('\x01', idempotency_key => 'k') AS of_bob \gset
RESET ROLE;
SELECT isnt(:job, :of_bob, 'a key is its owner''s');
SELECT is((SELECT owner FROM ocr.jobs WHERE id = :job), 'ocr_test_alice', 'a job is of the role that calls');
SELECT is((SELECT count(*) FROM ocr.documents), 2::bigint, 'owners do not share documents');
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO ocr_test_bob', pg_my_temp_schema()::regnamespace); END $$;
SET ROLE ocr_test_bob;
SELECT pg_temp.submit_for_bob() AS through \gset
RESET ROLE;
SELECT is((SELECT owner FROM ocr.jobs WHERE id = :through), 'ocr_test_bob', 'also through another''s SECURITY DEFINER function');
SELECT ok(ocr_cancel(:through), 'a superuser may act on any job');

SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read(1) \g /dev/null
SELECT is((SELECT job_id FROM claim), :job::bigint, 'a page of the job is read');

-- Every way that leads to a job, by role.
CREATE TABLE public.ways AS
SELECT * FROM (VALUES
    ('ocr.jobs', 'SELECT count(*) FROM ocr.jobs WHERE id = %s'),
    ('ocr.pages', 'SELECT count(*) FROM ocr.pages WHERE job_id = %s'),
    ('ocr.documents', 'SELECT count(*) FROM ocr.documents WHERE owner = ''ocr_test_alice'' AND %s > 0'),
    ('ocr.batches', 'SELECT count(*) FROM ocr.batches WHERE name = ''scans'' AND %s > 0'),
    ('ocr.progress', 'SELECT count(*) FROM ocr.progress WHERE owner = ''ocr_test_alice'' AND %s > 0')) AS w (way, query);
GRANT SELECT ON public.ways TO PUBLIC;
CREATE FUNCTION public.rows_seen(query text, job bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format(query, job) INTO n;
    RETURN n;
END
$$;
SET ROLE ocr_test_alice;
SELECT is(rows_seen(query, :job), 1::bigint, 'the owner sees her rows in ' || way) FROM ways;
SELECT is(ocr_text(:job), 'text of page 1', 'the owner reads it');
SET ROLE ocr_test_clerk;
SELECT is(rows_seen(query, :job), 1::bigint, 'a member of the owner sees them in ' || way) FROM ways;
SELECT is((SELECT count(*) FROM ocr_pages(:job)), 1::bigint, 'a member of the owner reads it');
SET ROLE ocr_test_bob;
SELECT is(rows_seen(query, :job), 0::bigint, 'another role sees nothing in ' || way) FROM ways;

-- Types are looked for in pg_temp first, and casts are their owner's: a policy that looked there would take bob's word.
SET LOCAL client_min_messages = warning;
CREATE TYPE pg_temp.oid AS ENUM ('mine');
CREATE FUNCTION pg_temp.mine(regrole) RETURNS pg_temp.oid LANGUAGE sql AS $$ SELECT 'mine'::pg_temp.oid $$;
CREATE FUNCTION pg_temp.mine(int) RETURNS pg_temp.oid LANGUAGE sql AS $$ SELECT 'mine'::pg_temp.oid $$;
CREATE FUNCTION pg_temp.of_bob(pg_temp.oid) RETURNS pg_catalog.oid LANGUAGE sql
    AS $$ SELECT 'ocr_test_bob'::pg_catalog.regrole::pg_catalog.oid $$;
CREATE CAST (regrole AS pg_temp.oid) WITH FUNCTION pg_temp.mine(regrole);
CREATE CAST (int AS pg_temp.oid) WITH FUNCTION pg_temp.mine(int);
CREATE CAST (pg_temp.oid AS pg_catalog.oid) WITH FUNCTION pg_temp.of_bob(pg_temp.oid) AS IMPLICIT;
SELECT is(rows_seen(query, :job), 0::bigint, 'nor with a type that passes for pg_catalog''s in ' || way) FROM ways;
DROP TYPE pg_temp.oid CASCADE;
SET LOCAL client_min_messages = notice;

SELECT is((SELECT count(*) FROM ocr.jobs), 2::bigint, 'but its own jobs');
SELECT throws_ok(format('SELECT %s(%s)', call, :job), '42704', format('job %s does not exist', :job), call || ' knows nothing of it')
FROM unnest(ARRAY['ocr_status', 'ocr_wait', 'ocr_text', 'ocr_pages', 'ocr_words', 'ocr_json', 'ocr_hocr', 'ocr_alto', 'ocr_tsv',
                  'ocr_markdown', 'ocr_cancel', 'ocr_retry']) AS call;
SELECT is((SELECT count(*) FROM ocr_search('text')), 0::bigint, 'nor does a search');
SELECT throws_ok('SELECT ocr_text(999999)', '42704', 'job 999999 does not exist', 'as of a job that is not there');
SET ROLE ocr_test_outsider;
SELECT is(rows_seen(query, :job), 0::bigint, 'who does not inherit the owner''s rights sees nothing in ' || way) FROM ways;
SELECT throws_ok(format('SELECT ocr_cancel(%s)', :job), '42704', NULL, 'nor may act on it');

-- The server itself evaluates what a table's owner wrote, on ANALYZE as a superuser or whoever calls it: what the owner
-- wrote does not act for them.
RESET ROLE;
CREATE TABLE public.bait AS SELECT 1 AS n;
CREATE TABLE public.prey (found text);
CREATE FUNCTION public.hunt(job bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.prey SELECT status FROM public.ocr_status(job);
EXCEPTION WHEN OTHERS THEN
    INSERT INTO public.prey VALUES (SQLSTATE);
END
$$;
SELECT format('CREATE FUNCTION public.trap(int) RETURNS int LANGUAGE sql IMMUTABLE AS ''SELECT public.hunt(%s); SELECT 1''', :job) \gexec
ALTER TABLE public.bait OWNER TO ocr_test_bob;
ALTER TABLE public.prey OWNER TO ocr_test_bob;
CREATE INDEX ON public.bait (public.trap(n));
TRUNCATE public.prey;
ANALYZE public.bait;
SELECT results_eq('SELECT DISTINCT found FROM public.prey', ARRAY['42501'], 'what bob has the server evaluate gets nothing');

-- Dead letters and acting by membership.
RESET ROLE;
SELECT pg_temp.fail('document_damaged') \g /dev/null
SET ROLE ocr_test_bob;
SELECT is((SELECT count(*) FROM ocr.dead_letters), 0::bigint, 'another''s dead letters are not shown');
SET ROLE ocr_test_clerk;
SELECT is((SELECT count(*) FROM ocr.dead_letters), 1::bigint, 'a member of the owner sees them');
SELECT ok(ocr_retry(:job), 'may retry');
SELECT ok(ocr_cancel(:job), 'and cancel');
RESET ROLE;

-- Who has the rights of whom may change from one statement to the next.
CREATE ROLE ocr_test_late;
SET ROLE ocr_test_late;
SELECT is((SELECT count(*) FROM ocr.jobs WHERE owner = 'ocr_test_alice'), 0::bigint, 'a stranger sees none');
SELECT is(ocr.visible_owners(), '{ocr_test_late}', 'but its own');
RESET ROLE;
GRANT ocr_test_alice TO ocr_test_late;
SET ROLE ocr_test_late;
SELECT isnt((SELECT count(*) FROM ocr.jobs WHERE owner = 'ocr_test_alice'), 0::bigint, 'as a member it sees them');
RESET ROLE;
REVOKE ocr_test_alice FROM ocr_test_late;
SET ROLE ocr_test_late;
SELECT is((SELECT count(*) FROM ocr.jobs WHERE owner = 'ocr_test_alice'), 0::bigint, 'and then no longer');
RESET ROLE;
ALTER ROLE ocr_test_late RENAME TO ocr_test_later;
SET ROLE ocr_test_later;
SELECT is(ocr.visible_owners(), '{ocr_test_later}', 'nor by the name that it had');
RESET ROLE;
ALTER ROLE ocr_test_later NOINHERIT;
GRANT ocr_test_alice TO ocr_test_later;
SET ROLE ocr_test_later;
SELECT is((SELECT count(*) FROM ocr.jobs WHERE owner = 'ocr_test_alice'), 0::bigint, 'nor where it does not inherit');
RESET ROLE;

-- What a view calls, whoever looks at it must be allowed to call.
SET ROLE ocr_test_bob;
SELECT lives_ok(format('SELECT * FROM ocr.%I', c.relname), 'anybody may look at ocr.' || c.relname)
FROM pg_class c WHERE c.relnamespace = 'ocr'::regnamespace AND c.relkind = 'v' ORDER BY c.relname;
RESET ROLE;

-- A role that was dropped leaves its rows to superusers.
UPDATE ocr.jobs SET owner = 'ocr_test_nobody' WHERE id = :job;
SELECT is((SELECT status FROM ocr_status(:job)), 'cancelled', 'a superuser reads what is nobody''s');
SET ROLE ocr_test_alice;
SELECT is((SELECT count(*) FROM ocr.jobs WHERE owner = 'ocr_test_nobody'), 0::bigint, 'others do not, and hear no error');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
