-- Attached tables in hostile and in clumsy hands: nobody gets rights by them, and nothing that is done to one keeps the
-- others waiting.
BEGIN;
SELECT plan(20);
\ir fake_worker.psql
CREATE ROLE attacker;
GRANT CREATE ON SCHEMA public TO attacker;
CREATE FUNCTION pg_temp.make_all() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 100 LOOP
        EXIT WHEN NOT ocr.make_attached_jobs();
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.keys(relation text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(r.key[1], ',' ORDER BY r.key) FROM ocr.attached_rows r JOIN ocr.attachments a ON a.id = r.attachment WHERE a.relation = $1::regclass
$$;
CREATE FUNCTION pg_temp.write(id int) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', w.trouble, w.reason)
    FROM ocr.attached_rows r JOIN ocr.attachments a ON a.id = r.attachment, ocr.write_row(r.job_id, 'completed') AS w
    WHERE a.relation::text = 'mine' AND r.key = ARRAY[$1::text]
$$;

-- Rights.
SET LOCAL ROLE attacker;
CREATE TABLE stamps (who name);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$ BEGIN INSERT INTO stamps VALUES (current_user); RETURN NULL; END $$;
CREATE TABLE late (i int);
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TABLE mine (id int PRIMARY KEY, scan bytea, words text);
INSERT INTO late VALUES (1);
SELECT lives_ok($$SELECT ocr_attach('mine', 'scan', text => 'words', backfill => false)$$, 'attached');
SELECT results_eq('SELECT who FROM stamps', $$VALUES ('attacker'::name)$$, 'a deferred trigger of the caller''s is still the caller''s');
RESET ROLE;
CREATE TABLE given (id int PRIMARY KEY, scan bytea, words text);
SELECT lives_ok($$SELECT ocr_attach('given', 'scan', text => 'words', backfill => false)$$, 'a superuser''s');
CREATE FUNCTION pg_temp.touch(relation text) RETURNS void LANGUAGE sql AS $$
    SELECT ocr.run_for_attachment(a, 'SELECT NULL::bytea, NULL::text[]', '{}') FROM ocr.attachments a WHERE a.relation = $1::regclass
$$;
ALTER TABLE given OWNER TO attacker;
SELECT throws_ok($$SELECT pg_temp.touch('given')$$, '42501', 'table public.given has another owner than when it was attached', 'is not touched once it is given away');
CREATE TABLE parted (id int PRIMARY KEY, scan bytea, words text) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted DEFAULT;
SELECT ocr_attach('parted', 'scan', text => 'words', backfill => false) \gset
SELECT lives_ok($$SELECT pg_temp.touch('parted')$$, 'one with a partition');
ALTER TABLE part OWNER TO attacker;
SELECT throws_ok($$SELECT pg_temp.touch('parted')$$, '42501', NULL, 'nor one whose partition is given away');

-- A table without its key, and one with keys that no index takes, beside one that is in order.
CREATE TABLE keyless (id int PRIMARY KEY, scan bytea, words text);
CREATE TABLE long (id bytea PRIMARY KEY, scan bytea, words text);
SELECT ocr_attach('keyless', 'scan', text => 'words', backfill => false), ocr_attach('long', 'scan', text => 'words', backfill => false) \gset
INSERT INTO ocr.attached_changes (attachment, keys) SELECT a.id, ARRAY['1', '2'] FROM ocr.attachments a WHERE a.relation IN ('keyless'::regclass, 'mine'::regclass);
INSERT INTO ocr.attached_changes (attachment, keys)
SELECT a.id, ARRAY['\x' || string_agg(sha256(n::text::bytea)::text, '' ORDER BY n)] FROM ocr.attachments a, generate_series(1, 80) n WHERE a.relation = 'long'::regclass GROUP BY a.id;
ALTER TABLE keyless DROP CONSTRAINT keyless_pkey;
SELECT lives_ok('SELECT pg_temp.make_all()', 'jobs are made');
SELECT is(pg_temp.keys('mine'), '1,2', 'for the table that is in order');
SELECT ok(length(pg_temp.keys('long')) > 5000, 'for keys of any length');
SELECT is((SELECT concat_ws('|', trouble, waiting > 0) FROM ocr.attached WHERE relation = 'keyless'::regclass), 'table public.keyless has no primary key any more|t', 'and the other says why it waits');
SELECT is(ocr.attached_rows_wait(), false, 'which keeps no worker busy');
ALTER TABLE keyless ADD PRIMARY KEY (id);
UPDATE ocr.attachments SET retry_at = now();
SELECT pg_temp.make_all();
SELECT is((SELECT pg_temp.keys('keyless') || coalesce(trouble, '') FROM ocr.attached WHERE relation = 'keyless'::regclass), '1,2', 'until it is mended');

-- A backfill by policies that raise what OTHERS does not catch.
SET LOCAL ROLE attacker;
CREATE FUNCTION deny() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ASSERT false, 'not this'; RETURN true; END $$;
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled USING MESSAGE = 'enough'; END $$;
CREATE POLICY deny ON mine USING (deny());
ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT ocr_backfill('mine') \gset
RESET ROLE;
INSERT INTO mine VALUES (1, 'a');
DELETE FROM ocr.attached_changes;
SELECT lives_ok('SELECT pg_temp.make_all()', 'a backfill that its owner has stopped');
SELECT is((SELECT trouble FROM ocr.attached WHERE relation = 'mine'::regclass), 'not this', 'says so');
SELECT is(pg_temp.write(1), 'row_refused the text could not be written to table public.mine: not this', 'as does a write');
ALTER TABLE mine DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
CREATE TRIGGER stop BEFORE UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION stop();
SELECT is(pg_temp.write(1), 'row_locked the text could not be written to table public.mine: enough', 'a write that runs out of time is tried again');

-- Whose trigger is the death of every worker that writes to a row is not the death of those that rescue the job.
SELECT ocr_cancel(id) FROM ocr.jobs WHERE finished_at IS NULL \g /dev/null
CREATE TABLE deadly (id int PRIMARY KEY, scan bytea, state text);
SELECT ocr_attach('deadly', 'scan', status => 'state', backfill => false) AS deadly \gset
INSERT INTO deadly VALUES (1, 'a');
INSERT INTO ocr.attached_changes (attachment, keys) VALUES (:deadly, '{1}');
SELECT pg_temp.make_all();
SELECT pg_temp.claim(), ocr.rescue_tasks() FROM generate_series(1, 3) \g /dev/null
SELECT is((SELECT string_agg(status || error_code, ' ') FROM ocr.jobs WHERE attachment = :deadly), 'failedengine_crashed', 'a job that no worker has survived');
SELECT is((SELECT state FROM deadly), NULL, 'leaves its row alone');

-- Keys are noted as any session reads them.
CREATE TABLE days (day date, wide interval, deep float, scan bytea, words text, PRIMARY KEY (day, wide, deep));
SELECT ocr_attach('days', 'scan', text => 'words', backfill => false) AS days \gset
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL intervalstyle = 'sql_standard';
SET LOCAL extra_float_digits = -10;
INSERT INTO days SELECT '2026-02-01'::date + n, '1 year 2 days', 0.1::float + 0.2::float, 'a' FROM generate_series(1, 100) n;
SELECT is((SELECT keys[1:3]::text FROM ocr.attached_changes WHERE attachment = :days), '{2026-02-02,"1 year 2 days",0.30000000000000004}', 'a key in a session of other customs');
SELECT is(current_setting('datestyle') || current_setting('intervalstyle') || current_setting('extra_float_digits'), 'SQL, DMYsql_standard-10', 'which keeps them');

SELECT * FROM finish();
ROLLBACK;
