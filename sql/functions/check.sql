-- What is wrong with this installation, in words: one function per subject, each of which returns rows of ocr_check(). They
-- run as the extension's owner and say themselves what the caller may see.

CREATE OR REPLACE FUNCTION ocr.monitored_owners() RETURNS name[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN NOT pg_has_role(ocr.caller(), 'pg_monitor', 'USAGE')
                THEN ARRAY(SELECT r.rolname FROM pg_roles r WHERE pg_has_role(ocr.caller(), r.oid, 'USAGE')) END
$$;
COMMENT ON FUNCTION ocr.monitored_owners() IS
'Internal: the roles of whose jobs ocr_check() and ocr.metrics tell the caller: those that it has the rights of; null: of all, as superusers and members of pg_monitor are told';

CREATE OR REPLACE FUNCTION ocr.in_words(span interval) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN seconds >= 172800 THEN div(seconds, 86400) || ' days'
                WHEN seconds >= 7200 THEN div(seconds, 3600) || ' hours'
                WHEN seconds >= 120 THEN div(seconds, 60) || ' minutes'
                ELSE seconds || ' s' END
    FROM (SELECT trunc(extract(epoch FROM span)) AS seconds) AS s
$$;
COMMENT ON FUNCTION ocr.in_words(interval) IS 'Internal: a span of time for people, rounded down';

CREATE OR REPLACE FUNCTION ocr.check_version() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    library text;
    extension CONSTANT text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_ocr');
    installed CONSTANT text := (SELECT a.default_version FROM pg_available_extensions a WHERE a.name = 'pg_ocr');
BEGIN
    topic := 'version';
    status := 'error';
    BEGIN
        library := ocr.library_version();
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        RETURN NEXT;
        RETURN;
    END;
    IF extension <> library THEN
        detail := format('this database has version %s of the extension, and the server has loaded version %s: its documents wait',
                         extension, library);
        hint := 'Call ALTER EXTENSION pg_ocr UPDATE; where the extension is the newer one, restart the server.';
    ELSIF installed <> library THEN
        status := 'warning';
        detail := format('version %s is installed, and the server has loaded version %s', installed, library);
        hint := 'Restart the server, then call ALTER EXTENSION pg_ocr UPDATE in each database.';
    ELSE
        status := 'ok';
        detail := library;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION ocr.check_version() IS 'Internal: rows of ocr_check() about the library and the extension''s version';

CREATE OR REPLACE FUNCTION ocr.check_programs() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    required CONSTANT boolean := current_setting('pg_ocr.sandbox') = 'require';
    library CONSTANT text := ocr.library_version();
    program record;
BEGIN
    FOR program IN SELECT regexp_replace(p.program, '^.*/', '') AS name, p.* FROM ocr.probe_programs() AS p LOOP
        topic := program.name;
        hint := NULL;
        IF program.trouble IS NULL AND program.version = library THEN
            status := 'ok';
            detail := format('%s starts', program.program);
        ELSE
            status := CASE WHEN program.name = 'pg_ocr_engine'
                                OR EXISTS (SELECT FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                                           WHERE w.fdwname IN ('ocr_store', 'ocr_webhook', 'ocr_provider'))
                           THEN 'error' ELSE 'warning' END;
            detail := format('%s cannot be used: %s', program.program,
                             coalesce(program.trouble, format('it is of version %s, the library of %s', program.version, library)));
            hint := CASE WHEN program.version <> library THEN 'Install both from one build, then restart the server.'
                         ELSE 'Install pg_ocr again; the server''s user must be able to run its programs.' END;
        END IF;
        RETURN NEXT;
        IF program.trouble IS NULL THEN
            topic := 'sandbox of ' || program.name;
            hint := NULL;
            IF program.lacking IS NULL THEN
                status := 'ok';
                detail := regexp_replace(program.held, ' \([^)]*\)', '', 'g');
            ELSE
                status := CASE WHEN required THEN 'error' ELSE 'warning' END;
                detail := format('this kernel lacks %s%s', program.lacking,
                                 CASE WHEN required THEN ', and pg_ocr.sandbox is require: nothing is read' END);
                hint := 'Run it on a kernel that has what is lacking'
                        || CASE WHEN required THEN ', or set pg_ocr.sandbox = prefer.' ELSE '.' END;
            END IF;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.check_programs() IS 'Internal: rows of ocr_check() about the programs that the server runs, and their sandboxes';

CREATE OR REPLACE FUNCTION ocr.check_languages() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT int := 20;
    languages text[];
BEGIN
    topic := 'languages';
    BEGIN
        languages := ARRAY(SELECT ocr.installed_languages());
    EXCEPTION WHEN undefined_file THEN
        status := 'error';
        GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        RETURN NEXT;
        RETURN;
    END;
    status := CASE WHEN languages = '{}' THEN 'error' WHEN 'eng' = ANY (languages) THEN 'ok' ELSE 'warning' END;
    detail := CASE WHEN languages = '{}' THEN 'no language is installed: nothing can be submitted'
                   ELSE CASE WHEN status = 'ok' THEN '' ELSE 'eng, which ocr_submit() takes where it is told of no other, is not installed; ' END
                        || array_to_string(languages[:most], ', ')
                        || CASE WHEN cardinality(languages) > most THEN format(' and %s more', cardinality(languages) - most) ELSE '' END END;
    hint := CASE WHEN status <> 'ok' THEN 'Install tesseract-ocr-eng, or set pg_ocr.tessdata_path to where the *.traineddata files are.' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION ocr.check_languages() IS 'Internal: rows of ocr_check() about the models of languages';

CREATE OR REPLACE FUNCTION ocr.check_workers() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    log_hint CONSTANT text := 'Look for pg_ocr in the server log.';
    wanted CONSTANT int := current_setting('pg_ocr.workers')::int;
    reserved CONSTANT bigint := (SELECT sum(split_part(r, '=', 2)::int)
                                 FROM string_to_table(nullif(current_setting('pg_ocr.reserved_workers'), ''), ',') AS r);
    slots_hint CONSTANT text := format('Raise max_worker_processes (now %s) and restart, or lower pg_ocr.workers.',
                                       current_setting('max_worker_processes'));
    engine_memory CONSTANT bigint := pg_size_bytes(current_setting('pg_ocr.engine_memory'));
    bound CONSTANT bigint := pg_size_bytes(current_setting('pg_ocr.memory'));
    machine_memory CONSTANT bigint := (SELECT m.memory FROM ocr.machine() AS m);
    engines CONSTANT bigint := greatest(wanted, (SELECT count(*) FROM ocr.worker_slots()));
    server record;
    here record;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN QUERY VALUES ('workers', 'ok', 'this is a standby: workers start when it is promoted', NULL);
        RETURN;
    END IF;
    SELECT * INTO server FROM ocr.server_state();
    IF server.launcher IS NULL THEN
        RETURN QUERY VALUES ('launcher', 'error', 'the launcher does not run, which starts the workers',
            format('It takes a slot of max_worker_processes (now %s) when the server starts, and comes back a second after it has ended. %s',
                   current_setting('max_worker_processes'), log_hint));
    ELSE
        RETURN QUERY VALUES ('launcher', 'ok', format('pid %s', server.launcher), NULL);
    END IF;

    SELECT count(*) AS workers, count(*) FILTER (WHERE s.state IN ('reading', 'fetching')) AS busy,
           count(*) FILTER (WHERE s.state = 'no engine') AS without_engine, min(s.trouble) AS trouble
    INTO here
    FROM ocr.worker_slots() AS s
    WHERE s.pid IS NOT NULL AND s.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
    topic := 'workers';
    IF wanted = 0 THEN
        status := 'warning';
        detail := 'pg_ocr.workers is 0: documents wait';
        hint := 'ALTER SYSTEM SET pg_ocr.workers = 2; then SELECT pg_reload_conf();';
    ELSIF here.without_engine > 0 THEN
        status := 'error';
        detail := format('%s of %s workers have no engine: %s', here.without_engine, wanted, here.trouble);
        hint := log_hint;
    ELSIF here.workers BETWEEN 1 AND wanted - 1 AND (server.held_back IS NOT NULL OR server.workers_too_large > 0) THEN
        status := 'ok';
        detail := format('%s of %s workers run in this database, %s of them at work', here.workers, wanted, here.busy);
    ELSIF here.workers < wanted THEN
        status := CASE WHEN here.workers = 0 THEN 'error' ELSE 'warning' END;
        detail := format('%s of %s workers run in this database', here.workers, wanted);
        hint := CASE WHEN server.workers_missing > 0 THEN slots_hint
                     WHEN (SELECT d.datistemplate FROM pg_database d WHERE d.datname = current_database())
                     THEN 'A template database has no workers: ALTER DATABASE … IS_TEMPLATE false.'
                     ELSE log_hint END;
    ELSE
        status := 'ok';
        detail := format('%s in this database, %s of them at work', here.workers, here.busy);
        hint := NULL;
    END IF;
    RETURN NEXT;

    IF server.workers_missing > 0 THEN
        RETURN QUERY VALUES ('worker slots', 'warning',
            format('%s workers of this server found no slot of max_worker_processes', server.workers_missing), slots_hint);
    END IF;
    IF server.held_back IS NOT NULL THEN
        RETURN QUERY VALUES ('held back', 'warning', server.held_back || ': fewer workers run',
            'They come back one by one once it has passed. See what else runs on the machine, or change the setting.');
    END IF;
    IF server.workers_too_large > 0 THEN
        RETURN QUERY VALUES ('memory', 'warning',
            format('pg_ocr.memory has no room for %s of the workers that pg_ocr.workers asks for', server.workers_too_large),
            'Raise pg_ocr.memory, or lower pg_ocr.engine_memory or pg_ocr.workers.');
    ELSIF engines * engine_memory > machine_memory AND (bound = 0 OR bound > machine_memory) THEN
        RETURN QUERY VALUES ('memory', 'warning',
            format('%s engines may take pg_ocr.engine_memory = %s each, and the machine has %s', engines,
                   current_setting('pg_ocr.engine_memory'), pg_size_pretty(machine_memory)),
            'Set pg_ocr.memory to what is theirs, or lower pg_ocr.engine_memory or pg_ocr.workers.');
    END IF;
    IF wanted > 0 AND reserved > wanted THEN
        RETURN QUERY VALUES ('reserved workers', 'warning',
            format('pg_ocr.reserved_workers reserves %s workers, and pg_ocr.workers is %s: the last of the list get fewer or none',
                   reserved, wanted),
            'Raise pg_ocr.workers, or reserve fewer.');
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_workers() IS 'Internal: rows of ocr_check() about the launcher and the workers';

CREATE OR REPLACE FUNCTION ocr.check_cards() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    use CONSTANT text := current_setting('pg_ocr.gpu');
    server record;
BEGIN
    SELECT * INTO server FROM ocr.server_state();
    topic := 'gpu';
    FOR status, detail, hint IN
        SELECT CASE c.state WHEN 'down' THEN 'warning' ELSE 'ok' END,
               CASE c.state WHEN 'ready' THEN format('GPU %s, %s: %s engines read on it', c.card, c.name, c.engines)
                            WHEN 'down' THEN format('GPU %s: its service %s; all is read by the CPU meanwhile', c.card, c.trouble)
                            ELSE format('GPU %s: its service starts', c.card) END,
               CASE c.state WHEN 'down' THEN 'It is tried again after a minute at most. Mend what is said, or set pg_ocr.gpu = off.' END
        FROM ocr.card_slots() AS c ORDER BY c.card
    LOOP
        RETURN NEXT;
    END LOOP;
    IF FOUND OR server.launcher IS NULL OR pg_is_in_recovery() THEN
        RETURN;
    END IF;
    status := 'ok';
    detail := 'no NVIDIA GPU was found: all is read by the CPU';
    IF use = 'off' THEN
        detail := 'pg_ocr.gpu is off: all is read by the CPU';
    ELSIF server.cards_without_library > 0 THEN
        status := 'warning';
        detail := format('%s NVIDIA GPUs were found, and pg_ocr was built without CUDA: all is read by the CPU', server.cards_without_library);
        hint := 'Install a CUDA toolkit, then build and install pg_ocr again; or set pg_ocr.gpu = off.';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION ocr.check_cards() IS 'Internal: rows of ocr_check() about the machine''s GPUs; none where no launcher runs that would look for them';

CREATE OR REPLACE FUNCTION ocr.check_queue(patience interval, longest interval)
RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queue record;
    lost bigint;
BEGIN
    SELECT count(*) FILTER (WHERE t.worker IS NULL AND t.run_at <= now()) AS due,
           now() - min(t.run_at) FILTER (WHERE t.worker IS NULL AND t.run_at <= now()) AS age,
           count(*) FILTER (WHERE t.worker IS NOT NULL) AS claimed,
           max(t.claimed_at) AS claimed_at
    INTO queue FROM ocr.tasks t;
    topic := 'queue';
    status := 'ok';
    detail := format('%s tasks are due, %s are being read', queue.due, queue.claimed);
    IF queue.due > 0 THEN
        detail := format('%s tasks are due, the oldest for %s; %s are being read', queue.due, ocr.in_words(queue.age), queue.claimed);
        IF queue.age > patience AND queue.claimed = 0 THEN
            status := 'error';
            hint := 'No worker claims them: see the rows about version, programs and workers, and look for pg_ocr in the server log.';
        ELSIF queue.age > longest THEN
            status := 'warning';
            hint := 'The workers do not keep up: raise pg_ocr.workers where there are cores for more, or see ocr.workers for what they are at.';
        END IF;
    END IF;
    RETURN NEXT;
    IF pg_is_in_recovery() THEN
        RETURN;  -- its workers are the primary's
    END IF;
    lost := (SELECT count(*) FROM ocr.orphaned_tasks());
    IF lost > 0 THEN
        RETURN QUERY VALUES ('lost tasks', 'warning', format('%s tasks were claimed by workers that have ended', lost),
            'The next worker that looks, every pg_ocr.poll_interval, makes them due again.');
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_queue(interval, interval) IS
'Internal: rows of ocr_check() about the queue. patience: how long a task may be due while none is claimed; longest: and while others are';

-- What failed for a reason in the document is its submitter's business; what failed for another one is the administrator's.
CREATE OR REPLACE FUNCTION ocr.check_failures() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
    of_documents CONSTANT text[] := '{document_empty,document_unsupported,document_damaged,document_encrypted,document_password_wrong,document_missing,document_too_large,document_timeout,too_many_pages,no_pages_selected,page_damaged,page_too_large,page_timeout,too_much_text,no_text_layer}';
    failed jsonb;
BEGIN
    SELECT jsonb_object_agg(f.code, f.jobs) INTO failed
    FROM (SELECT j.error_code AS code, count(*) AS jobs FROM ocr.jobs j
          WHERE j.finished_at IS NOT NULL AND j.error_code IS NOT NULL AND (owners IS NULL OR j.owner = ANY (owners))
          GROUP BY j.error_code) AS f;
    topic := 'dead letters';
    status := 'ok';
    detail := 'no job has failed';
    IF failed IS NOT NULL THEN
        SELECT CASE WHEN bool_and(f.key = ANY (of_documents)) THEN 'ok' ELSE 'warning' END,
               format('%s jobs have failed: %s', sum(f.value::bigint), string_agg(f.key || ' ' || f.value, ', ' ORDER BY f.value::bigint DESC, f.key))
        INTO status, detail FROM jsonb_each_text(failed) AS f;
        hint := 'ocr.dead_letters says why, and what can be done; ocr_retry(job_id) sends one round again.';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION ocr.check_failures() IS 'Internal: rows of ocr_check() about jobs that failed, of those that the caller can see';

CREATE OR REPLACE FUNCTION ocr.check_webhooks(patience interval) RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
    overdue CONSTANT interval := now() - (SELECT min(d.run_at) FROM ocr.deliveries d WHERE d.status = 'pending');
BEGIN
    topic := 'courier';
    IF overdue > patience AND NOT pg_is_in_recovery()
       AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.backend_type = 'pg_ocr courier' AND a.datname = current_database()) THEN
        status := 'error';
        detail := format('webhooks have been due for %s, and no courier runs that would deliver them', ocr.in_words(overdue));
        hint := format('It takes a slot of max_worker_processes (now %s). Look for pg_ocr in the server log.',
                       current_setting('max_worker_processes'));
        RETURN NEXT;
    END IF;
    topic := 'webhooks';
    FOR status, detail, hint IN
        SELECT 'warning',
               format('webhook %s: %s deliveries have failed, %s are to be tried again; %s', d.webhook,
                      count(*) FILTER (WHERE d.status = 'failed'), count(*) FILTER (WHERE d.status = 'pending'),
                      left((array_agg(d.error ORDER BY d.id DESC))[1], 200)),
               'ocr.webhooks and ocr.delivery_attempts say more; ocr_redeliver(id) sends one again.'
        FROM (SELECT * FROM ocr.deliveries f WHERE f.status = 'failed'
              UNION ALL
              SELECT * FROM ocr.deliveries p WHERE p.status = 'pending' AND p.attempts > 0) AS d
        WHERE owners IS NULL OR d.owner = ANY (owners)
        GROUP BY d.webhook ORDER BY d.webhook
    LOOP
        RETURN NEXT;
    END LOOP;
    IF status IS NULL OR NOT FOUND THEN
        RETURN QUERY VALUES ('webhooks', 'ok', 'no delivery has failed', NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_webhooks(interval) IS
'Internal: rows of ocr_check() about webhooks, of those that the caller can see. patience: how long a delivery may be due while no courier runs';

-- What was claimed and done stays in the queue's indexes until vacuum has removed it.
CREATE OR REPLACE FUNCTION ocr.check_vacuum(longest interval, dead_rows bigint)
RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    consequence CONSTANT text := 'vacuum cannot clean the queue, and claims get slower';
    names_shown CONSTANT boolean := ocr.monitored_owners() IS NULL;
    found_any boolean := false;
BEGIN
    FOR topic, status, detail, hint IN
        SELECT 'old snapshot', 'warning', h.what || ': ' || consequence, h.remedy
        FROM ((SELECT format('a transaction%s has been open for %s',
                             CASE WHEN names_shown THEN format(' of %s (pid %s)', coalesce(a.usename, a.backend_type), a.pid) END,
                             ocr.in_words(now() - a.xact_start)) AS what,
                      'End it, or set idle_in_transaction_session_timeout.' AS remedy
               FROM pg_stat_activity a
               WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
                 AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL AND a.xact_start < clock_timestamp() - longest
               ORDER BY a.xact_start LIMIT 1)
              UNION ALL
              (SELECT format('a transaction was prepared %s ago%s and is neither committed nor rolled back',
                             ocr.in_words(now() - x.prepared), CASE WHEN names_shown THEN format(' by %s as %s', x.owner, quote_literal(x.gid)) END),
                      'COMMIT PREPARED or ROLLBACK PREPARED it; pg_prepared_xacts lists them.'
               FROM pg_prepared_xacts x
               WHERE x.database = current_database() AND x.prepared < clock_timestamp() - longest
               ORDER BY x.prepared LIMIT 1)
              UNION ALL
              SELECT format('replication slot %s%s keeps the rows that %s transactions have deleted', r.slot_name,
                            CASE WHEN NOT r.active THEN ', which nobody uses,' END, age(r.xmin)),
                     'Drop it with pg_drop_replication_slot() where its standby is gone; else look why that lags.'
              FROM pg_replication_slots r WHERE age(r.xmin) > CASE WHEN r.active THEN 1000000 ELSE 0 END) AS h
    LOOP
        found_any := true;
        RETURN NEXT;
    END LOOP;
    FOR topic, status, detail, hint IN
        SELECT 'dead rows', 'warning',
               format('%s.%s holds %s dead rows beside %s live ones', t.schemaname, t.relname, t.n_dead_tup, t.n_live_tup),
               format('Mend what is said of autovacuum and of old snapshots, then VACUUM %I.%I.', t.schemaname, t.relname)
        FROM pg_stat_all_tables t
        WHERE t.schemaname = 'ocr' AND t.n_dead_tup > greatest(dead_rows, 10 * t.n_live_tup) ORDER BY t.relname
    LOOP
        found_any := true;
        RETURN NEXT;
    END LOOP;
    IF current_setting('autovacuum') = 'off' OR current_setting('track_counts') = 'off' THEN
        RETURN QUERY VALUES ('autovacuum', 'warning',
            format('%s is off: %s', CASE current_setting('autovacuum') WHEN 'off' THEN 'autovacuum' ELSE 'track_counts' END, consequence),
            'Set autovacuum = on and track_counts = on.');
    ELSIF NOT found_any THEN
        RETURN QUERY VALUES ('autovacuum', 'ok', 'nothing keeps the queue from being cleaned', NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_vacuum(interval, bigint) IS
'Internal: rows of ocr_check() about what keeps vacuum from cleaning the queue. longest: how old a transaction may be; dead_rows: how many of them a table may hold';

-- From owner to owner by the indexes, past all that each has.
CREATE OR REPLACE FUNCTION ocr.owners() RETURNS SETOF name
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    last name := '';
BEGIN
    LOOP
        SELECT least((SELECT j.owner FROM ocr.jobs j WHERE j.owner > last ORDER BY j.owner LIMIT 1),
                     (SELECT d.owner FROM ocr.documents d WHERE d.owner > last ORDER BY d.owner LIMIT 1),
                     (SELECT b.owner FROM ocr.batches b WHERE b.owner > last ORDER BY b.owner LIMIT 1))
        INTO last;
        EXIT WHEN last IS NULL;
        RETURN NEXT last;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.owners() IS 'Internal: the names of all roles that have jobs, documents or batches';

CREATE OR REPLACE FUNCTION ocr.check_servers() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
    at_most CONSTANT int := 10000;
BEGIN
    RETURN QUERY
        SELECT 'stores', 'warning', format('jobs of %s wait for a store: %s', w.owner, ocr.server_trouble(w.store, 'ocr_store', w.owner)),
               'Declare the store again or grant USAGE on it; the jobs fail with store_undeclared when their turn comes.'
        FROM (SELECT DISTINCT j.owner, j.store FROM (SELECT t.job_id FROM ocr.tasks t LIMIT at_most) AS t JOIN ocr.jobs j ON j.id = t.job_id
              WHERE j.store IS NOT NULL AND (owners IS NULL OR j.owner = ANY (owners))) AS w
        WHERE ocr.server_trouble(w.store, 'ocr_store', w.owner) IS NOT NULL
        ORDER BY w.owner, w.store;
    RETURN QUERY
        SELECT 'providers', 'warning', format('%s names %s, and this database has no such server of ocr_provider', p.setting, quote_ident(p.name)),
               'Declare it with CREATE SERVER … FOREIGN DATA WRAPPER ocr_provider, or take it off the list.'
        FROM (SELECT s.name AS setting, trim(n) AS name FROM pg_settings s, unnest(string_to_array(s.setting, ',')) AS n
              WHERE s.name IN ('pg_ocr.fast_providers', 'pg_ocr.balanced_providers', 'pg_ocr.accurate_providers')) AS p
        WHERE p.name NOT IN ('pg_ocr', 'tesseract')
          AND NOT EXISTS (SELECT FROM pg_foreign_server f JOIN pg_foreign_data_wrapper w ON w.oid = f.srvfdw
                          WHERE w.fdwname = 'ocr_provider' AND f.srvname = p.name)
        ORDER BY 3;
    IF owners IS NULL THEN
        RETURN QUERY
            SELECT 'dropped roles', 'warning', format('role %s does not exist any more, and still has documents, batches or jobs', string_agg(quote_ident(o.owner), ', ' ORDER BY o.owner)),
                   'Only superusers see them. Give them to another role by UPDATE of owner in ocr.jobs, ocr.documents and ocr.batches, or delete them.'
            FROM ocr.owners() AS o (owner)
            WHERE to_regrole(quote_ident(o.owner)) IS NULL
            HAVING count(*) > 0;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_servers() IS 'Internal: rows of ocr_check() about stores and providers that cannot be used, and roles that are gone; none where all is well';

CREATE OR REPLACE FUNCTION ocr.check_schedules() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owners CONSTANT name[] := ocr.monitored_owners();
BEGIN
    topic := 'pg_cron';
    status := 'ok';
    detail := 'is not installed in this database: what is to be done by the clock has to be called from outside';
    IF ocr.has_cron() THEN
        detail := format('is installed in this database, and has %s schedules of pg_ocr',
                         (SELECT count(*) FROM ocr.cron_jobs() AS j WHERE owners IS NULL OR j.owner = ANY (owners)));
    END IF;
    RETURN NEXT;
    RETURN QUERY
        SELECT 'schedules', 'error', format('schedule %s belongs to role %s, which does not exist any more: pg_cron may run nothing at all', quote_ident(j.name), quote_ident(j.owner)),
               format('SELECT cron.unschedule(%s);', j.job_id)
        FROM ocr.cron_jobs() AS j WHERE to_regrole(quote_ident(j.owner)) IS NULL AND owners IS NULL
        UNION ALL
        SELECT 'schedules', 'warning', format('schedule %s of %s: the last run %s%s', quote_ident(s.name), quote_ident(s.owner),
                                              CASE s.status WHEN 'failed' THEN 'has failed' ELSE 'was interrupted' END, ': ' || left(s.message, 200)),
               'ocr.schedules shows it, cron.job_run_details what pg_cron says.'
        FROM ocr.visible_schedules() AS s
        WHERE s.status IN ('failed', 'interrupted') AND to_regrole(quote_ident(s.owner)) IS NOT NULL
        ORDER BY 3;
END
$$;
COMMENT ON FUNCTION ocr.check_schedules() IS 'Internal: rows of ocr_check() about pg_cron and what it is to do';

CREATE OR REPLACE FUNCTION @extschema@.ocr_check() RETURNS TABLE (topic text, status text, detail text, hint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN QUERY SELECT * FROM ocr.check_version();
    -- Without the library, or with another version's, the rest could only fail.
    IF EXISTS (SELECT FROM ocr.check_version() AS v WHERE v.status = 'error') THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM ocr.check_programs();
    RETURN QUERY SELECT * FROM ocr.check_languages();
    RETURN QUERY SELECT * FROM ocr.check_workers();
    RETURN QUERY SELECT * FROM ocr.check_cards();
    RETURN QUERY SELECT * FROM ocr.check_queue('1 min', '1 hour');
    RETURN QUERY SELECT * FROM ocr.check_failures();
    RETURN QUERY SELECT * FROM ocr.check_webhooks('1 min');
    RETURN QUERY SELECT * FROM ocr.check_vacuum('10 min', 100000);
    RETURN QUERY SELECT * FROM ocr.check_servers();
    RETURN QUERY SELECT * FROM ocr.check_schedules();
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_check() IS
'What is wrong with this installation, in words: one row per thing that was looked at, and more where more than one thing is wrong with it.
status: ok, warning or error. detail: what was found. hint: what can be done about it; null where nothing has to be.
Anybody may call it. Of jobs and webhooks it counts those that the caller can see; to superusers and members of pg_monitor it tells of all.
Takes a second, as it starts the programs that read and fetch documents once.';
