-- A summary of what was done in a while, for people.

CREATE OR REPLACE FUNCTION ocr.summary_since(since timestamptz, caller name, everyone boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    owners CONSTANT name[] := CASE WHEN NOT everyone THEN ARRAY[caller]
                                   WHEN NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = caller)
                                   THEN ARRAY(SELECT r.rolname FROM pg_roles r WHERE pg_has_role(caller, r.oid, 'USAGE')) END;
BEGIN
    RETURN (
        SELECT jsonb_build_object(
                'jobs', count(*), 'completed', count(*) FILTER (WHERE j.status = 'completed'),
                'failed', count(*) FILTER (WHERE j.status = 'failed'), 'cancelled', count(*) FILTER (WHERE j.status = 'cancelled'),
                'approved', count(*) FILTER (WHERE j.verdict = 'approved'), 'review', count(*) FILTER (WHERE j.verdict = 'review'),
                'rejected', count(*) FILTER (WHERE j.verdict = 'rejected'),
                'pages_done', coalesce(sum(j.pages_done), 0), 'pages_failed', coalesce(sum(j.pages_failed), 0),
                'wait_p50', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.seconds)::numeric, 3),
                'wait_p95', round(percentile_cont(0.95) WITHIN GROUP (ORDER BY w.seconds)::numeric, 3))
        FROM ocr.jobs j, LATERAL (SELECT extract(epoch FROM j.started_at - greatest(j.submitted_at, j.run_at))::float8 AS seconds
                                  WHERE j.run_at <= j.started_at
                                  UNION ALL SELECT NULL WHERE (j.run_at <= j.started_at) IS NOT TRUE) AS w
        WHERE j.finished_at > since AND (owners IS NULL OR j.owner = ANY (owners))
    ) || jsonb_build_object(
        'failures', (SELECT coalesce(jsonb_object_agg(f.error_code, f.jobs), '{}')
                     FROM (SELECT j.error_code, count(*) AS jobs FROM ocr.jobs j
                           WHERE j.finished_at > since AND j.error_code IS NOT NULL AND (owners IS NULL OR j.owner = ANY (owners))
                           GROUP BY j.error_code) AS f)
    ) || (
        SELECT jsonb_build_object('unfinished_jobs', count(DISTINCT t.job_id),
                                  'oldest_due_seconds', floor(extract(epoch FROM now() - min(t.run_at) FILTER (WHERE t.worker IS NULL AND t.run_at <= now()))))
        FROM ocr.tasks t
        WHERE owners IS NULL OR (SELECT j.owner FROM ocr.jobs j WHERE j.id = t.job_id) = ANY (owners)
    ) || (
        SELECT jsonb_build_object('pages_to_review', count(*))
        FROM ocr.pages p JOIN ocr.jobs j ON j.id = p.job_id
        WHERE p.verdict IN ('review', 'rejected') AND p.reviewed_at IS NULL AND j.status = 'completed'
          AND (owners IS NULL OR j.owner = ANY (owners)));
END
$$;
COMMENT ON FUNCTION ocr.summary_since(timestamptz, name, boolean) IS 'Internal: the figures of ocr_report()';

CREATE OR REPLACE FUNCTION @extschema@.ocr_report(
    period interval = '1 day',
    everyone boolean = false,
    webhook text = NULL,
    notify boolean = false
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    caller CONSTANT name := ocr.caller();
    report jsonb;
BEGIN
    IF period IS NULL OR everyone IS NULL OR notify IS NULL THEN
        PERFORM ocr.refuse_null(CASE WHEN period IS NULL THEN 'period' WHEN everyone IS NULL THEN 'everyone' ELSE 'notify' END,
                                'Leave it out for the default.');
    ELSIF period <= '0' THEN
        RAISE EXCEPTION 'period must be above 0, not %', period
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give how far to look back, as in ''1 day''.';
    ELSIF webhook IS NOT NULL THEN
        PERFORM ocr.check_server(webhook, 'ocr_webhook', caller);
    END IF;
    report := jsonb_build_object('owner', caller, 'everyone', everyone, 'since', now() - period, 'until', now())
              || ocr.summary_since(now() - period, caller, everyone);
    IF notify THEN
        PERFORM pg_notify('ocr', jsonb_build_object('report', report)::text);
    END IF;
    IF webhook IS NOT NULL THEN
        INSERT INTO ocr.deliveries (owner, webhook, event, payload)
        VALUES (caller, webhook, 'report', ocr.event_body('report', report));
        PERFORM ocr.wake_courier();
    END IF;
    RETURN report;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_report(interval, boolean, text, boolean) IS
'A summary of the caller''s jobs, as JSON: of those that ended lately how many completed, failed and were cancelled, their verdicts, pages, errors by code, and how many seconds they had waited to be begun (wait_p50, wait_p95); and how many have not ended, since when the first of them is due, and how many pages wait for a person.
period: how far to look back.
everyone: of all roles that the caller is a member of; of a superuser, all.
webhook: the name of a server of foreign-data wrapper ocr_webhook, which is sent the summary as event report, whatever events it asks for otherwise; the caller needs USAGE on it.
notify: whether to NOTIFY ocr, with {"report": …}.
Errors: a bad argument (22023, 22004), a webhook that the caller cannot use (42704, 42501).';
