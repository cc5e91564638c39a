-- What is done by the clock, by pg_cron. A schedule is a row of cron.job and nothing else: its command is
-- CALL ocr.run_schedule(name, what, arguments), which pg_cron calls as the role that declared it, with no more rights.

CREATE OR REPLACE FUNCTION ocr.scheduled_submission(arguments jsonb) RETURNS ocr.submission
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ROW(coalesce(arguments->>'language', 'eng'), coalesce(arguments->>'tier', 'balanced'),
               coalesce((arguments->>'priority')::int, 0), arguments->>'batch', NULL, arguments->>'pages',
               coalesce(arguments->>'text_layer', 'auto'), NULL, arguments->>'webhook', coalesce(arguments->'metadata', '{}'),
               coalesce(arguments->'options', '{}'), coalesce((arguments->>'keep_document')::boolean, false), now())::ocr.submission
$$;
COMMENT ON FUNCTION ocr.scheduled_submission(jsonb) IS 'Internal: how a scheduled ocr_ingest() submits';

CREATE OR REPLACE FUNCTION ocr.check_schedule_arguments(what text, arguments jsonb, caller name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known CONSTANT jsonb := '{"ingest": ["server", "prefix", "pattern", "max_documents", "language", "tier", "priority", "batch", "pages", "text_layer", "webhook", "metadata", "options", "keep_document"],
                              "retry": ["batch"], "purge": ["older_than", "batch", "owner", "everyone"],
                              "report": ["period", "everyone", "webhook"], "workers": ["workers"]}';
    objects CONSTANT text[] := '{metadata,options}';
    given record;
BEGIN
    IF what IS NULL OR known->what IS NULL THEN
        RAISE EXCEPTION 'there is no "%" to schedule', coalesce(left(what, 100), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It is one of ingest, retry, purge, report and workers.';
    ELSIF arguments IS NULL OR jsonb_typeof(arguments) <> 'object' THEN
        RAISE EXCEPTION 'arguments must be a JSON object'
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Give names and values, as in ''{"%s": …}''.', known->what->>0);
    END IF;
    FOR given IN SELECT a.key, jsonb_typeof(a.value) AS type FROM jsonb_each(arguments) AS a LOOP
        IF NOT known->what ? given.key THEN
            RAISE EXCEPTION 'schedules of % have no argument "%"', what, left(given.key, 100)
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('They have %s.', (SELECT string_agg(k, ', ') FROM jsonb_array_elements_text(known->what) AS k));
        ELSIF given.type IN ('object', 'array') <> (given.key = ANY (objects)) AND given.type <> 'null' THEN
            RAISE EXCEPTION 'argument "%" cannot be %', given.key, CASE given.type WHEN 'array' THEN 'an array' WHEN 'object' THEN 'an object' ELSE 'a ' || given.type END
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it as the function of that name takes it.';
        END IF;
    END LOOP;
    CASE what
    WHEN 'ingest' THEN
        PERFORM ocr.check_store(arguments->>'server', caller);
        PERFORM ocr.check_submission(ocr.scheduled_submission(arguments), caller);
        PERFORM '' ~ (arguments->>'pattern');
        IF (arguments->>'max_documents')::bigint <= 0 THEN
            RAISE EXCEPTION 'max_documents must be above 0, not %', arguments->>'max_documents'
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for no limit.';
        END IF;
    WHEN 'retry' THEN
        PERFORM ocr.batch_of_caller(arguments->>'batch') WHERE arguments->>'batch' IS NOT NULL;
    WHEN 'purge' THEN
        IF arguments->>'batch' IS NOT NULL AND arguments->>'owner' IS NULL AND (arguments->>'everyone')::boolean IS NOT TRUE THEN
            PERFORM ocr.batch_of_caller(arguments->>'batch');
        ELSIF arguments->>'batch' IS NOT NULL
              AND NOT EXISTS (SELECT FROM ocr.batches b WHERE b.name = arguments->>'batch' AND ocr.caller_acts_for(b.owner)
                                AND (b.owner = arguments->>'owner' OR arguments->>'owner' IS NULL)) THEN
            RAISE EXCEPTION 'batch "%" does not exist', left(arguments->>'batch', 200)
                USING ERRCODE = 'undefined_object', HINT = 'ocr.batches lists the batches that you can see.';
        END IF;
        -- It says whether it may delete, and finds nothing that ended at the beginning of time.
        PERFORM ocr.purge_jobs((arguments->>'older_than')::interval, arguments->>'batch', arguments->>'owner',
                               coalesce((arguments->>'everyone')::boolean, false), '-infinity', NULL, NULL, 0);
    WHEN 'report' THEN
        IF (arguments->>'period')::interval <= '0' THEN
            RAISE EXCEPTION 'period must be above 0, not %', arguments->>'period'
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Give how far to look back, as in ''1 day''.';
        ELSIF arguments->>'webhook' IS NOT NULL THEN
            PERFORM ocr.check_server(arguments->>'webhook', 'ocr_webhook', caller);
        END IF;
        PERFORM (arguments->>'everyone')::boolean;
    WHEN 'workers' THEN
        IF arguments->>'workers' IS NULL THEN
            PERFORM ocr.refuse_null('workers', 'Give how many, as in ''{"workers": 4}''.');
        ELSIF (arguments->>'workers')::int NOT BETWEEN 0 AND 1024 THEN
            RAISE EXCEPTION 'workers must be from 0 to 1024, not %', arguments->>'workers'
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a value of pg_ocr.workers.';
        ELSIF NOT ocr.may_set_workers(caller) THEN
            RAISE EXCEPTION 'role "%" may not set pg_ocr.workers', caller
                USING ERRCODE = 'insufficient_privilege',
                      HINT = format('Schedule it as a superuser, or call GRANT ALTER SYSTEM ON PARAMETER pg_ocr.workers TO %I.', caller);
        END IF;
    END CASE;
END
$$;
COMMENT ON FUNCTION ocr.check_schedule_arguments(text, jsonb, name) IS 'Internal: raises an error unless a role could do this, as far as is known now';

CREATE OR REPLACE FUNCTION ocr.may_set_workers(caller name) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    may boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = caller);
BEGIN
    IF NOT may AND current_setting('server_version_num')::int >= 150000 THEN
        EXECUTE 'SELECT has_parameter_privilege($1, ''pg_ocr.workers'', ''ALTER SYSTEM'')' INTO may USING caller;
    END IF;
    RETURN may;
END
$$;
COMMENT ON FUNCTION ocr.may_set_workers(name) IS 'Internal: whether ocr_set_workers() would do as a role says';

-- Not whether there is a table of that name, which might be a trap: what is asked of it is asked with the rights of a superuser.
CREATE OR REPLACE FUNCTION ocr.has_cron() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') $$;
COMMENT ON FUNCTION ocr.has_cron() IS 'Internal: whether pg_cron''s tables are in this database';

-- pg_cron keeps its jobs in one database of the server. From another one they cannot be reached.
CREATE OR REPLACE FUNCTION ocr.check_cron(caller name, there text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    home CONSTANT text := current_setting('cron.database_name', true);
BEGIN
    IF ocr.has_cron() THEN
        IF NOT has_schema_privilege(caller, 'cron', 'USAGE') THEN
            RAISE EXCEPTION 'role "%" may not use pg_cron', caller
                USING ERRCODE = 'insufficient_privilege', HINT = format('GRANT USAGE ON SCHEMA cron TO %I, as a superuser.', caller);
        END IF;
        RETURN;
    END IF;
    IF home IS NULL THEN
        RAISE EXCEPTION 'this server has not loaded pg_cron'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Install it, add pg_cron to shared_preload_libraries, restart the server and CREATE EXTENSION pg_cron; or have another program that knows the time call what docs/schedule.md says.';
    ELSIF home = current_database() THEN
        RAISE EXCEPTION 'pg_cron is loaded, but was not created in this database'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'CREATE EXTENSION pg_cron, as a superuser.';
    ELSE
        RAISE EXCEPTION 'pg_cron is in database "%", not in this one', home
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Connect to it as a superuser and call %s', there);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_cron(name, text) IS
'Internal: raises an error where pg_cron cannot be used from this database. there: what is to be called where it can';

CREATE OR REPLACE FUNCTION ocr.scheduled_command(name text, schedule text, what text, arguments jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    stranger boolean := false;
    command text;
BEGIN
    IF name IS NULL OR schedule IS NULL THEN
        PERFORM ocr.refuse_null(CASE WHEN name IS NULL THEN 'name' ELSE 'schedule' END,
                                'Give a name, and a time as in ''0 2 * * *''.');
    ELSIF name = '' OR octet_length(name) > 63 THEN
        RAISE EXCEPTION 'name must have 1 to 63 bytes, not %', octet_length(name)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a short name.';
    END IF;
    PERFORM ocr.check_schedule_arguments(what, arguments, caller);
    command := format('CALL ocr.run_schedule(%L, %L, %L)', name, what, arguments);
    PERFORM ocr.check_cron(caller, format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);',
                                          name, schedule, command, current_database(), caller));
    EXECUTE 'SELECT EXISTS (SELECT FROM cron.job j WHERE j.jobname = $1 AND j.username = $2 AND NOT (ocr.is_schedule(j.command) AND j.database = current_database()))'
        INTO stranger USING name, caller;
    IF stranger THEN
        RAISE EXCEPTION 'pg_cron has another job "%" of role "%"', name, caller
            USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or cron.unschedule() that job.';
    END IF;
    RETURN command;
END
$$;
COMMENT ON FUNCTION ocr.scheduled_command(text, text, text, jsonb) IS 'Internal: what pg_cron is to call, or an error where that would be of no use';

CREATE OR REPLACE FUNCTION ocr.is_schedule(command text) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$ SELECT command ~ '^CALL ocr[.]run_schedule\(' $$;
COMMENT ON FUNCTION ocr.is_schedule(text) IS 'Internal: whether a job of pg_cron is one of ocr_schedule()';

-- As format() has written them.
CREATE OR REPLACE FUNCTION ocr.literals_of(command text) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
    SELECT array_agg(CASE WHEN m.match[1] = 'E' THEN replace(replace(m.match[2], '''''', ''''), '\\', '\')
                          ELSE replace(m.match[2], '''''', '''') END ORDER BY m.number)
    FROM regexp_matches(command, '(E?)''((?:[^'']|'''')*)''', 'g') WITH ORDINALITY AS m (match, number)
$$;
COMMENT ON FUNCTION ocr.literals_of(text) IS 'Internal: the literals in a command, which are the arguments of ocr.run_schedule()';

CREATE OR REPLACE FUNCTION @extschema@.ocr_schedule(name text, schedule text, what text, arguments jsonb = '{}') RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    command CONSTANT text := ocr.scheduled_command(name, schedule, what, arguments);
    job bigint;
    complaint text;
BEGIN
    BEGIN
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job USING name, schedule, command;
    EXCEPTION WHEN invalid_parameter_value THEN
        GET STACKED DIAGNOSTICS complaint = MESSAGE_TEXT;
        RAISE EXCEPTION '%', complaint
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give minute, hour, day of the month, month and day of the week, as in ''30 2 * * mon-fri'' or ''*/10 * * * *''.';
    END;
    RETURN job;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_schedule(text, text, text, jsonb) IS
'Has pg_cron do something at certain times, as the current user and with no more rights. Returns the number of its job in cron.job. A name that the caller has used for a schedule before is declared anew.
name: of the schedule.
schedule: in the syntax of cron, as in ''0 2 * * *'' for 02:00 every day; pg_cron takes it as GMT, where it has no setting cron.timezone.
what: ingest (ocr_ingest), retry (ocr_retry_failed), purge (ocr_purge), report (ocr_report, with NOTIFY) or workers (ocr_set_workers).
arguments: of that function, by name: ''{"server": "inbox", "batch": "scans"}''.
A run that finds the one before it still running does nothing, and so do those that had to wait for its end.
Errors: a bad argument (22023, 22004, 42704), another job of that name (42710), no right to pg_cron or to what is to be done (42501), no pg_cron in this database (55000).';

CREATE OR REPLACE FUNCTION @extschema@.ocr_unschedule(name text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    job bigint;
BEGIN
    PERFORM ocr.forget_runs(name);
    EXECUTE 'SELECT j.jobid FROM cron.job j WHERE j.jobname = $1 AND j.username = current_user AND ocr.is_schedule(j.command) AND j.database = current_database()'
        INTO job USING name;
    IF job IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT cron.unschedule($1)' USING job;
    RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_unschedule(text) IS
'Ends a schedule of the current user''s, and forgets its runs. One that is running goes on to its end. Returns false where there is none. A superuser ends those of others by cron.unschedule(job_id).
name: of the schedule.
Errors: no right to pg_cron (42501), no pg_cron in this database (55000).';

CREATE OR REPLACE FUNCTION ocr.forget_runs(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller CONSTANT name := ocr.caller();
BEGIN
    PERFORM ocr.check_cron(caller, format('SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE j.jobname = %L AND j.username = %L;',
                                          forget_runs.name, caller));
    DELETE FROM ocr.schedule_runs r WHERE r.owner = caller AND r.schedule = forget_runs.name AND r.status <> 'running';
END
$$;
COMMENT ON FUNCTION ocr.forget_runs(text) IS 'Internal: what ocr_unschedule() forgets, or an error where pg_cron cannot be used';

CREATE OR REPLACE FUNCTION ocr.is_running(run ocr.schedule_runs) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT run.status = 'running' AND run.pid <> pg_backend_pid()
       AND EXISTS (SELECT FROM pg_stat_get_activity(run.pid) AS a WHERE a.backend_start = run.session_start)
$$;
COMMENT ON FUNCTION ocr.is_running(ocr.schedule_runs) IS 'Internal: whether another session is at a run';

CREATE OR REPLACE FUNCTION ocr.begin_run(name text, what text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    kept CONSTANT int := 100;
    caller CONSTANT name := ocr.caller();
    schedule text;
    last ocr.schedule_runs;
    run bigint;
BEGIN
    IF name IS NULL OR octet_length(name) > 63 OR what IS NULL THEN
        PERFORM ocr.refuse_null('name', 'Let pg_cron call this, as ocr_schedule() has told it.');
    END IF;
    IF NOT ocr.try_lock(hashtextextended(jsonb_build_array('ocr.begin_run', caller, name)::text, 0)) THEN
        RAISE LOG 'pg_ocr: schedule % of % is skipped, as another session has just begun it', quote_ident(name), caller;
        RETURN NULL;
    END IF;
    SELECT * INTO last FROM ocr.schedule_runs r WHERE r.owner = caller AND r.schedule = name ORDER BY r.id DESC LIMIT 1;
    IF ocr.has_cron() THEN
        EXECUTE 'SELECT j.schedule FROM cron.job j WHERE j.jobname = $1 AND j.username = $2 AND j.database = current_database()'
            INTO schedule USING name, caller;
    END IF;
    -- pg_cron makes up for each run that it could not begin, one after the other: they find that their time has been served.
    IF ocr.is_running(last) OR NOT ocr.is_due_again(coalesce(schedule, '* * * * *'), last.started_at,
                                                    coalesce(current_setting('cron.timezone', true), 'GMT')) THEN
        UPDATE ocr.schedule_runs r SET skipped = r.skipped + 1
        WHERE r.id = (SELECT s.id FROM ocr.schedule_runs s WHERE s.id = last.id FOR UPDATE SKIP LOCKED);  -- never waits
        RAISE LOG 'pg_ocr: schedule % of % is skipped, as the run of % %', quote_ident(name), caller, last.started_at,
                  CASE WHEN ocr.is_running(last) THEN 'is still running' ELSE 'has served its time' END;
        RETURN NULL;
    END IF;
    DELETE FROM ocr.schedule_runs r
    WHERE r.owner = caller AND r.schedule = name AND NOT ocr.is_running(r)
      AND r.id <= (SELECT s.id FROM ocr.schedule_runs s WHERE s.owner = caller AND s.schedule = name
                   ORDER BY s.id DESC OFFSET kept - 1 LIMIT 1);
    INSERT INTO ocr.schedule_runs (owner, schedule, what, pid, session_start)
    SELECT caller, name, what, a.pid, a.backend_start FROM pg_stat_get_activity(pg_backend_pid()) AS a
    RETURNING id INTO run;
    RETURN run;
END
$$;
COMMENT ON FUNCTION ocr.begin_run(text, text) IS
'Internal: the id of a new run of a schedule of the caller''s; null where it is to do nothing, as an earlier one is running or was due at the same time';

CREATE OR REPLACE FUNCTION ocr.end_run(run bigint, message text, failed boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    UPDATE ocr.schedule_runs r
    SET status = CASE WHEN failed THEN 'failed' ELSE 'succeeded' END, ended_at = clock_timestamp(), message = left(end_run.message, 1000)
    WHERE r.id = run AND r.owner = ocr.caller() AND r.pid = pg_backend_pid() AND r.status = 'running';
END
$$;
COMMENT ON FUNCTION ocr.end_run(bigint, text, boolean) IS 'Internal: records what became of a run of this session';

-- Parsed now, so that they find what they call also after the extension's schema was renamed. They run as whoever calls them.
CREATE OR REPLACE FUNCTION ocr.scheduled_ingest(arguments jsonb) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT pg_catalog.format('%s documents submitted', @extschema@.ocr_ingest(
        server => arguments->>'server', prefix => coalesce(arguments->>'prefix', ''), language => coalesce(arguments->>'language', 'eng'),
        tier => coalesce(arguments->>'tier', 'balanced'), priority => coalesce((arguments->>'priority')::int, 0),
        batch => arguments->>'batch', pages => arguments->>'pages', text_layer => coalesce(arguments->>'text_layer', 'auto'),
        webhook => arguments->>'webhook', metadata => coalesce(arguments->'metadata', '{}'), options => coalesce(arguments->'options', '{}'),
        keep_document => coalesce((arguments->>'keep_document')::boolean, false), pattern => arguments->>'pattern',
        max_documents => (arguments->>'max_documents')::bigint));
END;
COMMENT ON FUNCTION ocr.scheduled_ingest(jsonb) IS 'Internal: a run of a schedule of ingest';

CREATE OR REPLACE FUNCTION ocr.scheduled_retry(arguments jsonb) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT pg_catalog.format('%s jobs retried', @extschema@.ocr_retry_failed(arguments->>'batch'));
END;
COMMENT ON FUNCTION ocr.scheduled_retry(jsonb) IS 'Internal: a run of a schedule of retry';

CREATE OR REPLACE FUNCTION ocr.scheduled_report(arguments jsonb) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT @extschema@.ocr_report(coalesce((arguments->>'period')::interval, '1 day'), coalesce((arguments->>'everyone')::boolean, false),
                                  arguments->>'webhook', true)::text;
END;
COMMENT ON FUNCTION ocr.scheduled_report(jsonb) IS 'Internal: a run of a schedule of report';

CREATE OR REPLACE FUNCTION ocr.scheduled_workers(arguments jsonb) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT @extschema@.ocr_set_workers((arguments->>'workers')::int);
    SELECT pg_catalog.format('pg_ocr.workers is %s', arguments->>'workers');
END;
COMMENT ON FUNCTION ocr.scheduled_workers(jsonb) IS 'Internal: a run of a schedule of workers';

CREATE OR REPLACE FUNCTION ocr.do_scheduled(what text, arguments jsonb, INOUT rest jsonb, INOUT message text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
BEGIN
    IF what = 'purge' THEN
        SELECT CASE WHEN p.after_id IS NOT NULL THEN to_jsonb(p) END, p.purged || ' jobs deleted' INTO rest, message
        FROM ocr.purge_jobs((arguments->>'older_than')::interval, arguments->>'batch', (arguments->>'owner')::name,
                            coalesce((arguments->>'everyone')::boolean, false), (rest->>'until')::timestamptz, (rest->>'after')::timestamptz,
                            (rest->>'after_id')::bigint, coalesce((rest->>'purged')::bigint, 0)) AS p;
        RETURN;
    END IF;
    rest := NULL;
    message := CASE what WHEN 'ingest' THEN ocr.scheduled_ingest(arguments) WHEN 'retry' THEN ocr.scheduled_retry(arguments)
                         WHEN 'report' THEN ocr.scheduled_report(arguments) WHEN 'workers' THEN ocr.scheduled_workers(arguments) END;
END
$$;
COMMENT ON FUNCTION ocr.do_scheduled(text, jsonb, jsonb, text) IS
'Internal: a part of a run of a schedule. rest: what the next part is to know, null where there is none. message: what was done so far';

-- As it commits, it can neither be SECURITY DEFINER nor SET anything: its body uses no operator of the caller's.
CREATE OR REPLACE PROCEDURE ocr.run_schedule(name text, what text, arguments jsonb)
LANGUAGE plpgsql
AS $$
DECLARE
    run pg_catalog.int8;
    message pg_catalog.text;
    state pg_catalog.text;
    hint pg_catalog.text;
    rest pg_catalog.jsonb;
BEGIN
    run := ocr.begin_run(name, what);
    COMMIT;
    IF run IS NULL THEN
        RETURN;
    END IF;
    LOOP
        BEGIN
            SELECT d.rest, d.message INTO rest, message FROM ocr.do_scheduled(what, arguments, rest, message) AS d;
        EXCEPTION WHEN OTHERS OR query_canceled THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
        END;
        COMMIT;
        EXIT WHEN rest IS NULL OR state IS NOT NULL;
    END LOOP;
    PERFORM ocr.end_run(run, message, state IS NOT NULL);
    COMMIT;
    IF state IS NOT NULL THEN
        RAISE EXCEPTION '%', message USING ERRCODE = state, HINT = hint;
    END IF;
END
$$;
COMMENT ON PROCEDURE ocr.run_schedule(text, text, jsonb) IS
'Internal: what pg_cron calls for ocr_schedule(). Commits, also within what it does';

-- Who writes into cron.job what merely looks like a schedule shall not keep others from seeing theirs.
CREATE OR REPLACE FUNCTION ocr.arguments_in(literal text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN literal::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.arguments_in(text) IS 'Internal: a literal as JSON; null where it is none';

CREATE OR REPLACE FUNCTION ocr.cron_jobs()
RETURNS TABLE (job_id bigint, name text, owner name, schedule text, what text, arguments jsonb, active boolean, trouble text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    looked_at CONSTANT int := 10000;
BEGIN
    IF NOT ocr.has_cron() THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE $query$
        SELECT j.jobid, j.jobname::text, j.username::name, j.schedule, l.literals[2], ocr.arguments_in(l.literals[3]), j.active,
               CASE WHEN d.status = 'failed' THEN d.return_message END
        FROM cron.job j
        CROSS JOIN LATERAL (SELECT ocr.literals_of(j.command) AS literals) AS l
        LEFT JOIN LATERAL (SELECT r.status, r.return_message FROM cron.job_run_details r
                           WHERE r.jobid = j.jobid AND r.runid > (SELECT max(m.runid) FROM cron.job_run_details m) - $1
                           ORDER BY r.runid DESC LIMIT 1) AS d ON true
        WHERE ocr.is_schedule(j.command) AND j.database = current_database()
    $query$ USING looked_at;
END
$$;
COMMENT ON FUNCTION ocr.cron_jobs() IS
'Internal: schedules of this database in cron.job; none where pg_cron is in another one. trouble: why pg_cron''s last run failed, of the last 10000 of the server; null where it did not';

CREATE OR REPLACE FUNCTION ocr.visible_schedules()
RETURNS TABLE (name text, owner name, schedule text, what text, arguments jsonb, active boolean, status text, started_at timestamptz,
               ended_at timestamptz, message text, skipped int, job_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT coalesce(j.name, r.schedule), coalesce(j.owner, r.owner), j.schedule, coalesce(j.what, r.what), j.arguments, j.active,
           CASE WHEN ocr.is_running(r) THEN 'running' WHEN j.trouble IS NOT NULL THEN 'failed'
                WHEN r.status = 'running' THEN 'interrupted' ELSE r.status END,
           r.started_at, r.ended_at, CASE WHEN ocr.is_running(r) THEN NULL ELSE coalesce(CASE r.status WHEN 'failed' THEN r.message END, j.trouble, r.message) END,
           r.skipped, j.job_id
    FROM ocr.cron_jobs() AS j
    FULL JOIN (SELECT DISTINCT ON (s.owner, s.schedule) s.* FROM ocr.schedule_runs s ORDER BY s.owner, s.schedule, s.id DESC) AS r
        ON r.owner = j.owner AND r.schedule = j.name
    WHERE ocr.caller_acts_for(coalesce(j.owner, r.owner))
$$;
COMMENT ON FUNCTION ocr.visible_schedules() IS 'Internal: what ocr.schedules shows, which depends on who asks';

CREATE OR REPLACE VIEW ocr.schedules AS
SELECT name, owner, schedule, what, arguments, active, status, started_at, ended_at, message, skipped, job_id
FROM ocr.visible_schedules();
COMMENT ON VIEW ocr.schedules IS 'What ocr_schedule() has pg_cron do, and what became of the last run of each. Shows the schedules of roles that you act for';
COMMENT ON COLUMN ocr.schedules.name IS 'As given to ocr_schedule()';
COMMENT ON COLUMN ocr.schedules.owner IS 'The role that it runs as';
COMMENT ON COLUMN ocr.schedules.schedule IS 'When, in the syntax of cron; null where pg_cron is in another database';
COMMENT ON COLUMN ocr.schedules.what IS 'ingest, retry, purge, report or workers';
COMMENT ON COLUMN ocr.schedules.arguments IS 'As given to ocr_schedule()';
COMMENT ON COLUMN ocr.schedules.active IS 'Whether pg_cron is to run it';
COMMENT ON COLUMN ocr.schedules.status IS 'Of the last run: running, succeeded, failed, or interrupted where its session ended before it did; null before the first';
COMMENT ON COLUMN ocr.schedules.started_at IS 'When the last run began';
COMMENT ON COLUMN ocr.schedules.ended_at IS 'When it ended';
COMMENT ON COLUMN ocr.schedules.message IS 'What it did, or why it failed';
COMMENT ON COLUMN ocr.schedules.skipped IS 'How many later runs did nothing, as this one was running, or had them waiting for its end';
COMMENT ON COLUMN ocr.schedules.job_id IS 'Of cron.job; null where pg_cron is in another database';
REVOKE ALL ON ocr.schedules FROM PUBLIC;
GRANT SELECT ON ocr.schedules TO PUBLIC;
