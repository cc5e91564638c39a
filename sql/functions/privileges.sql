-- Users call the ocr_… functions; of what is in schema ocr, what policies and views
-- evaluate as the user, and what tells which languages there are to ask for.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ocr FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ocr.caller(), ocr.acts_for(name), ocr.visible_owners(), ocr.visible_workers(), ocr.card_slots(), ocr.installed_languages(),
    ocr.visible_queue(), ocr.visible_pace(), ocr.visible_times(), ocr.visible_failures(), ocr.visible_deliveries(), ocr.visible_counters(),
    ocr.reason_for_review(ocr.pages), ocr.doubtful_below(), ocr.list_objects(text, text), ocr.purge_jobs(interval, text, name, boolean, timestamptz, timestamptz, bigint, bigint),
    ocr.exported_pages(text, name), ocr.document_changed(bytea, bytea), ocr.document_changed(text, text), ocr.key_of_relation(regclass),
    ocr.visible_schedules(), ocr.scheduled_command(text, text, text, jsonb), ocr.is_schedule(text),
    ocr.forget_runs(text), ocr.begin_run(text, text), ocr.end_run(bigint, text, boolean), ocr.do_scheduled(text, jsonb, jsonb, text),
    ocr.scheduled_ingest(jsonb), ocr.scheduled_retry(jsonb), ocr.scheduled_report(jsonb), ocr.scheduled_workers(jsonb) TO PUBLIC;
-- Validators run as whoever declares a server.
GRANT EXECUTE ON FUNCTION ocr.store_options(text[], oid), ocr.webhook_options(text[], oid), ocr.provider_options(text[], oid),
    ocr.check_declared_options(text[], oid, text[], text[]), ocr.check_options_of_server(text[], text[], text[], text), ocr.check_server_option(text, text), ocr.options_of_list(text[])
    TO PUBLIC;

-- The bodies of functions are parsed in the session of whoever calls them, where standard_conforming_strings = off makes other
-- regular expressions of those that they check their arguments with.
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
        WHERE d.deptype = 'e' AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'pg_ocr')
          AND l.lanname IN ('plpgsql', 'sql') AND p.prokind = 'f' AND p.prosqlbody IS NULL AND has_function_privilege('public', p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', function);
    END LOOP;
END
$$;
