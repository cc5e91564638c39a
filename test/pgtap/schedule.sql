-- What is scheduled, and when a run is one too many. With the real pg_cron: test/t/089_cron.pl.
BEGIN;
SELECT no_plan();
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;

-- Fields of cron.
SELECT is(ocr.cron_field(field, 0, 59), numbers, format('minutes %s', field))
FROM (VALUES ('5', '{5}'::int[]), ('*/20', '{0,20,40}'), ('1-3', '{1,2,3}'), ('1-10/4,30', '{1,5,9,30}'), ('x', NULL), ('1/0', NULL), ('', NULL),
             ('1,', NULL), ('5 seconds', NULL)) AS f (field, numbers);
SELECT is(ocr.cron_field('Mon-FRI,sunday', 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'), '{1,2,3,4,5,0}', 'names of days');
SELECT is(ocr.cron_field('jan,dec', 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'), '{1,12}', 'and months');

-- Whether there was a time of a schedule since a run began.
CREATE FUNCTION pg_temp.due(schedule text, ago interval) RETURNS boolean LANGUAGE sql
AS $$ SELECT ocr.is_due_again(schedule, clock_timestamp() - ago, 'GMT') $$;
CREATE FUNCTION pg_temp.at(ago interval, form text) RETURNS text LANGUAGE sql
AS $$ SELECT to_char((clock_timestamp() - ago) AT TIME ZONE 'GMT', form) $$;
SELECT ok(NOT ocr.is_due_again('* * * * *', clock_timestamp(), 'GMT')
          OR date_trunc('minute', clock_timestamp()) > now(), 'not twice in a minute');
SELECT ok(pg_temp.due('* * * * *', '1 min'), 'but every minute');
SELECT ok(pg_temp.due('*/5 * * * *', '6 min'), 'every five minutes');
SELECT ok(pg_temp.due(format('%s %s * * *', pg_temp.at('1 h', 'MI'), pg_temp.at('1 h', 'HH24')), '2 h'), 'its time was an hour ago, and a run began two hours ago');
SELECT ok(NOT pg_temp.due(format('%s %s * * *', pg_temp.at('2 h', 'MI'), pg_temp.at('2 h', 'HH24')), '1 h'), 'its time was two hours ago, and a run began an hour ago');
SELECT ok(NOT pg_temp.due(format('%s %s * * *', pg_temp.at('1 h', 'MI'), pg_temp.at('1 h', 'HH24')), '1 h'), 'a run that began in its minute has served it');
SELECT ok(NOT ocr.is_due_again(format('%s %s * * *', pg_temp.at('1 h', 'MI'), pg_temp.at('1 h', 'HH24')), clock_timestamp() - interval '2 h', '+07'), 'at that time elsewhere');
SELECT ok(pg_temp.due('@hourly', '61 min') AND pg_temp.due(' @daily ', '25 h') AND NOT pg_temp.due('@yearly', '0'), 'schedules with names');
SELECT ok(pg_temp.due(format('0 0 %s * %s', pg_temp.at('-10 days', 'DD'), pg_temp.at('1 day', 'Dy')), '2 days'), 'either kind of day is enough');
SELECT ok(NOT pg_temp.due(format('0 0 %s * *', pg_temp.at('-10 days', 'DD')), '2 days'), 'if both are given');
SELECT ok(NOT pg_temp.due(format('0 0 * %s *', (pg_temp.at('0', 'MM')::int + 5) % 12 + 1), '3 days'), 'another month');
SELECT ok(NOT pg_temp.due(format('* * * * %s', (pg_temp.at('0', 'D')::int + 2) % 7), '1 day'), 'another day of the week');
SELECT ok(pg_temp.due(schedule, '1 s'), format('what is not understood is due: %s', schedule))
FROM unnest('{30 seconds,@reboot,"",0 0 $ * *,* * * * * *}'::text[]) AS schedule;
SELECT ok(ocr.is_due_again('0 0 1 1 *', NULL, 'GMT') AND pg_temp.due('0 0 1 1 *', '8 days'), 'as is what has not run for long');

-- The command, there and back.
SELECT is(ocr.literals_of(format('CALL ocr.run_schedule(%L, %L, %L)', name, 'retry', '{"batch": "a''\\b"}')), ARRAY[name, 'retry', '{"batch": "a''\\b"}'], name)
FROM unnest(ARRAY['plain', 'it''s', 'a\b', '\''\', '''); DROP TABLE x; --', E'two\nlines']) AS name;
SELECT ok(ocr.is_schedule('CALL ocr.run_schedule(1)') AND NOT ocr.is_schedule('SELECT 1; CALL ocr.run_schedule(1)'), 'which jobs are schedules');
SELECT is(ocr.arguments_in('{bad'), NULL, 'what is no JSON is no argument');

-- What is refused when it is declared. This server has no pg_cron, which comes last.
CREATE FUNCTION pg_temp.schedule(what text, arguments jsonb = '{}', name text = 'x') RETURNS bigint LANGUAGE sql
AS $$ SELECT ocr_schedule(name, '* * * * *', what, arguments) $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
SELECT ocr_batch('march');
CREATE SERVER ocr_test_store FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans');
CREATE SERVER ocr_test_hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://example.com/hook');
SELECT throws_ok(format('SELECT pg_temp.schedule(%L, %L)', what, arguments), state, NULL, format('%s %s', what, arguments))
FROM (VALUES ('bake', '{}', '22023'), ('retry', '[]', '22023'), ('retry', '{"batches": "march"}', '22023'), ('retry', '{"batch": ["march"]}', '22023'),
             ('retry', '{"batch": "april"}', '42704'), ('retry', '{"batch": "march"}', '55000'), ('retry', '{}', '55000'), ('retry', '{"batch": null}', '55000'),
             ('ingest', '{}', '22004'), ('ingest', '{"server": "nowhere"}', '42704'), ('ingest', '{"server": "ocr_test_hook"}', '42809'),
             ('ingest', '{"server": "ocr_test_store", "tier": "quick"}', '22023'), ('ingest', '{"server": "ocr_test_store", "language": "xyz"}', '22023'),
             ('ingest', '{"server": "ocr_test_store", "pattern": "("}', '2201B'), ('ingest', '{"server": "ocr_test_store", "webhook": "nobody"}', '42704'),
             ('ingest', '{"server": "ocr_test_store", "max_documents": 0}', '22023'), ('ingest', '{"server": "ocr_test_store", "priority": "high"}', '22P02'),
             ('ingest', '{"server": "ocr_test_store", "metadata": "x"}', '22023'), ('ingest', '{"server": "ocr_test_store", "password": "x"}', '22023'),
             ('ingest', '{"server": "ocr_test_store", "options": {"nonsense": 1}}', '22023'), ('ingest', '{"server": "ocr_test_store", "batch": ""}', '22023'),
             ('ingest', '{"server": "ocr_test_store", "metadata": {"by": "night"}, "batch": "new", "webhook": "ocr_test_hook"}', '55000'),
             ('purge', '{}', '22004'), ('purge', '{"older_than": "-1 day"}', '22023'), ('purge', '{"older_than": "long"}', '22007'),
             ('purge', '{"batch": "april"}', '42704'), ('purge', '{"batch": "march"}', '55000'), ('purge', '{"batch": "april", "everyone": true}', '42704'),
             ('purge', '{"batch": "march", "everyone": true}', '55000'), ('purge', '{"older_than": "90 days", "owner": "postgres", "everyone": true}', '22023'),
             ('purge', '{"older_than": "90 days", "everyone": true}', '55000'),
             ('report', '{"period": "0"}', '22023'), ('report', '{"webhook": "nobody"}', '42704'), ('report', '{"everyone": "perhaps"}', '22P02'),
             ('report', '{"period": "1 week", "webhook": "ocr_test_hook"}', '55000'),
             ('workers', '{}', '22004'), ('workers', '{"workers": -1}', '22023'), ('workers', '{"workers": 2000}', '22023'), ('workers', '{"workers": 4}', '55000'))
     AS s (what, arguments, state);
SELECT throws_ok($$SELECT pg_temp.schedule('retry', name => '')$$, '22023', NULL, 'no name');
SELECT throws_ok($$SELECT pg_temp.schedule('retry', name => repeat('ä', 32))$$, '22023', NULL, 'a name that pg_cron would cut off');
SELECT throws_ok($$SELECT pg_temp.schedule('retry', name => NULL)$$, '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT ocr_schedule('x', NULL, 'retry')$$, '22004', NULL, 'no time');
SELECT throws_ok($$SELECT ocr_unschedule('x')$$, '55000', NULL, 'nor can it be taken back');
SELECT throws_like($$SELECT pg_temp.schedule('retry')$$, '%has not loaded pg_cron', 'without pg_cron');
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT throws_ok($$SELECT pg_temp.schedule('workers', '{"workers": 4}')$$, '42501', NULL, 'the number of workers is an administrator''s');
SELECT throws_ok($$SELECT pg_temp.schedule('purge', '{"older_than": "1 day", "owner": "ocr_test_bob"}')$$, '42501', NULL, 'a stranger''s jobs are not purged');
SELECT throws_ok($$SELECT pg_temp.schedule('purge', '{"batch": "march", "everyone": true}')$$, '42704', NULL, 'nor a stranger''s batch');
SELECT throws_ok($$SELECT pg_temp.schedule('ingest', '{"server": "ocr_test_store"}')$$, '42501', NULL, 'a store needs USAGE');
SELECT throws_ok($$SELECT ocr_set_workers(3)$$, '42501', NULL, 'no more by hand');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$SELECT ocr_set_workers(5000)$$, '22023', NULL, 'too many workers');

-- A table that only looks like pg_cron's is not asked, with whose rights ever.
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT ocr.begin_run('trapped', 'retry') AS trapped \gset
RESET SESSION AUTHORIZATION;
CREATE SCHEMA cron;
CREATE FUNCTION cron.trap() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the trap runs as %', current_user; END $$;
CREATE VIEW cron.job AS SELECT 1 AS jobid, 'trapped' AS jobname, cron.trap() AS username, cron.trap() AS schedule, cron.trap() AS command, current_database() AS database, true AS active;
CREATE VIEW cron.job_run_details AS SELECT 1 AS jobid, 1 AS runid, cron.trap() AS status, cron.trap() AS return_message;
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT lives_ok($$SELECT * FROM ocr.schedules$$, 'not by ocr.schedules');
SELECT lives_ok($$SELECT ocr.begin_run('trapped', 'retry')$$, 'nor by a run');
RESET SESSION AUTHORIZATION;
SELECT lives_ok($$SELECT * FROM ocr.check_schedules()$$, 'nor by ocr_check()');
DELETE FROM ocr.schedule_runs;
DROP SCHEMA cron CASCADE;

-- pg_cron in another database.
SET cron.database_name = 'elsewhere';
CREATE FUNCTION pg_temp.hint(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END
$$;
SELECT is(pg_temp.hint($$SELECT ocr_schedule('it''s', '0 2 * * *', 'retry', '{"batch": "march"}')$$),
          format($$Connect to it as a superuser and call SELECT cron.schedule_in_database('it''s', '0 2 * * *', 'CALL ocr.run_schedule(''it''''s'', ''retry'', ''{"batch": "march"}'')', %L, %L);$$,
                 current_database(), current_user), 'what is to be called there is said');
SELECT ok(pg_temp.hint($$SELECT ocr_unschedule('it''s')$$) LIKE '%cron.unschedule(j.jobid)%', 'also to end it');

-- Runs, which another session is not at: begun, ended, one too many.
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT pg_sleep(60 - s) FROM (SELECT extract(second FROM clock_timestamp())::float8 AS s) AS now WHERE s > 57 \g /dev/null
SELECT ocr.begin_run('nightly', 'retry') AS run \gset
SELECT ok(:'run' <> '', 'a run begins');
SELECT is(ocr.begin_run('nightly', 'retry'), NULL, 'not again in the same minute');
SELECT ocr.end_run(:run, 'done', false);
SELECT is((SELECT concat_ws(' ', name, owner, what, status, message, skipped) FROM ocr.schedules), 'nightly ocr_test_alice retry succeeded done 1', 'as ocr.schedules says');
SELECT ocr.end_run(:run, 'again', true);
SELECT is((SELECT message FROM ocr.schedule_runs), 'done', 'it ends once');
RESET SESSION AUTHORIZATION;
UPDATE ocr.schedule_runs SET started_at = started_at - interval '1 h';
SET SESSION AUTHORIZATION ocr_test_bob;
SELECT is((SELECT count(*) FROM ocr.schedules), 0::bigint, 'nobody sees a stranger''s');
SELECT is((SELECT count(*) FROM ocr.schedule_runs), 0::bigint, 'nor their runs');
SELECT ok(ocr.begin_run('nightly', 'retry') IS NOT NULL, 'the same name is another schedule for another role');
SELECT ocr.end_run(:run + 1, 'not his', true);
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT ocr.begin_run('nightly', 'retry') AS second \gset
SELECT ok(:'second' <> '', 'later it runs again');
SELECT is((SELECT status FROM ocr.schedules), 'interrupted', 'a run of which nobody knows the end');
SELECT ocr.end_run(:second, 'broken', true);
SELECT is((SELECT status || ' ' || message FROM ocr.schedules), 'failed broken', 'a run that fails');
SELECT ok((SELECT detail = 'schedule nightly of ocr_test_alice: the last run has failed: broken' FROM ocr_check() WHERE topic = 'schedules'), 'which ocr_check() says');
SELECT throws_ok($$SELECT ocr.begin_run(NULL, 'retry')$$, '22004', NULL, 'a run of nothing');
RESET SESSION AUTHORIZATION;
UPDATE ocr.schedule_runs SET status = 'running', ended_at = NULL, pid = a.pid, session_start = a.backend_start, started_at = now() - interval '1 day'
FROM (SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_start IS NOT NULL LIMIT 1) AS a WHERE id = :second;
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT is((SELECT status FROM ocr.schedules), 'running', 'another session is at it');
SELECT is(ocr.begin_run('nightly', 'retry'), NULL, 'so this one does nothing');
SELECT is((SELECT skipped FROM ocr.schedules), 1, 'and is counted');
RESET SESSION AUTHORIZATION;
UPDATE ocr.schedule_runs SET session_start = session_start - interval '1 s';
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT is((SELECT status FROM ocr.schedules), 'interrupted', 'a process of the same number that began later is another');
RESET SESSION AUTHORIZATION;
INSERT INTO ocr.schedule_runs (owner, schedule, what, status, started_at, ended_at, pid, session_start)
SELECT 'ocr_test_alice', 'nightly', 'retry', 'succeeded', now() - interval '1 h', now() - interval '1 h', 1, now() FROM generate_series(1, 200);
SET SESSION AUTHORIZATION ocr_test_alice;
SELECT ok(ocr.begin_run('nightly', 'retry') IS NOT NULL, 'after many runs');
SELECT is((SELECT count(*) FROM ocr.schedule_runs), 100::bigint, 'the last hundred are kept');
RESET SESSION AUTHORIZATION;
SELECT * FROM finish();
ROLLBACK;
