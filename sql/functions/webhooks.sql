-- The outbox of webhooks. Events are written by the queue's functions, in the commit of what they tell of; the courier, one
-- background worker per database, posts them and records what came of it. It is the only one that does, so what it has
-- under way is in its memory: after a crash it is sent again.
CREATE OR REPLACE FUNCTION ocr.wake_courier() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_wake_courier';
COMMENT ON FUNCTION ocr.wake_courier() IS
    'Internal: at COMMIT, the courier of this database looks for webhooks to deliver; it is started where there is none.';

CREATE OR REPLACE FUNCTION ocr.webhook_option(webhook name, option text, otherwise text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN coalesce((SELECT o.option_value
                     FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw,
                          pg_options_to_table(s.srvoptions) AS o
                     WHERE s.srvname = webhook AND w.fdwname = 'ocr_webhook' AND o.option_name = option), otherwise);
END
$$;
COMMENT ON FUNCTION ocr.webhook_option(name, text, text) IS 'Internal: an option of a webhook''s server; `otherwise` where it is not set or there is no such server';

CREATE OR REPLACE FUNCTION ocr.webhook_trouble(webhook name, owner name) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    trouble CONSTANT text := ocr.server_trouble(webhook, 'ocr_webhook', owner);
BEGIN
    RETURN coalesce(trouble, CASE WHEN NOT EXISTS (SELECT FROM ocr.options_of_server(webhook, owner) AS o WHERE o.name = 'secret')
        THEN format('webhook "%s" has no secret for role "%s"; declare it with CREATE USER MAPPING FOR %I SERVER %I OPTIONS (secret …)',
                    webhook, owner, owner, webhook) END);
END
$$;
COMMENT ON FUNCTION ocr.webhook_trouble(name, name) IS 'Internal: why nothing can be delivered to a webhook for a role; null where it can';

-- Who is told of a document is nobody to be given what a presigned URL opens.
CREATE OR REPLACE FUNCTION ocr.uri_to_tell(uri text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT regexp_replace(uri, '^(https?:[^?]*)[?].*$', '\1')
$$;
COMMENT ON FUNCTION ocr.uri_to_tell(text) IS 'Internal: a URI as others than its job''s owner may know it: of a URL, without what comes after a question mark, as it may be a signature';

-- What NOTIFY would cut off fits here, but a receiver does not expect megabytes: Standard Webhooks asks for small ones.
CREATE OR REPLACE FUNCTION ocr.event_body(event text, data jsonb) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    longest CONSTANT int := 262144;
BEGIN
    IF octet_length(data::text) > longest THEN
        data := data - '{metadata,description}'::text[] || '{"metadata_omitted": true}';
    END IF;
    IF getdatabaseencoding() <> 'UTF8' THEN
        BEGIN
            PERFORM convert_from(convert_to(data::text, getdatabaseencoding()), 'UTF8');
        EXCEPTION WHEN character_not_in_repertoire THEN
            data := data - '{metadata,batch,uri,error,description,owner}'::text[] || '{"metadata_omitted": true}';
        END;
    END IF;
    RETURN format('{"type": %s, "timestamp": "%s", "data": %s}', to_json(event),
                  to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), data);
END
$$;
COMMENT ON FUNCTION ocr.event_body(text, jsonb) IS
'Internal: the body of a webhook. Metadata and descriptions are left out of more than 256 kB, and in a database that is not in UTF8 all text that is not; metadata_omitted says so';

CREATE OR REPLACE FUNCTION ocr.event_payload(job ocr.jobs, event text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    data jsonb := jsonb_build_object(
        'job_id', job.id, 'status', job.status, 'verdict', job.verdict, 'worst_page', job.worst_page, 'confidence', job.confidence,
        'pages_total', job.pages_total, 'pages_done', job.pages_done, 'pages_failed', job.pages_failed,
        'uri', ocr.uri_to_tell(job.uri), 'etag', job.etag, 'batch', job.batch, 'metadata', job.metadata,
        'error_code', job.error_code, 'error', job.error);
BEGIN
    IF event = 'job.reviewed' THEN
        data := data || (SELECT jsonb_build_object('pages_reviewed', count(*),
                                                   'pages_rejected', count(*) FILTER (WHERE p.verdict = 'rejected'),
                                                   'pages_corrected', count(p.corrected_text))
                         FROM ocr.pages p WHERE p.job_id = job.id AND p.reviewed_at IS NOT NULL);
    END IF;
    RETURN ocr.event_body(event, data);
END
$$;
COMMENT ON FUNCTION ocr.event_payload(ocr.jobs, text) IS
'Internal: what a webhook says of a job';

CREATE OR REPLACE FUNCTION ocr.is_asked_for(webhook name, event text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT event = ANY (string_to_array(regexp_replace(ocr.webhook_option(
        webhook, 'events', 'job.completed,job.failed,job.cancelled,job.review_needed,job.reviewed,batch.finished'), '\s', '', 'g'), ','))
$$;
COMMENT ON FUNCTION ocr.is_asked_for(name, text) IS 'Internal: whether a webhook''s server asks for an event. One that is gone gets the default events, so that nothing is lost until it is declared again';

CREATE OR REPLACE FUNCTION ocr.emit_batch_event(batch ocr.batches, summary jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF ocr.is_asked_for(batch.webhook, 'batch.finished') THEN
        INSERT INTO ocr.deliveries (owner, batch, webhook, event, payload)
        VALUES (batch.owner, batch.name, batch.webhook, 'batch.finished', ocr.event_body('batch.finished', summary));
        PERFORM ocr.wake_courier();
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.emit_batch_event(ocr.batches, jsonb) IS 'Internal: puts the end of a batch into the outbox, where its webhook asks for it';

CREATE OR REPLACE FUNCTION ocr.emit_event(job ocr.jobs, event text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
BEGIN
    IF job.webhook IS NULL OR NOT ocr.is_asked_for(job.webhook, event) THEN
        RETURN;
    END IF;
    -- One that waits for a receiver would be overtaken by the next: a dead receiver shall not make them pile up.
    IF event = 'job.progress' AND EXISTS (
           SELECT FROM ocr.deliveries d WHERE d.job_id = job.id AND d.event = 'job.progress'
           AND (d.status = 'pending' OR d.created_at > now() - interval '10 s')) THEN
        RETURN;
    END IF;
    INSERT INTO ocr.deliveries (owner, job_id, webhook, event, payload)
    VALUES (job.owner, job.id, job.webhook, event, ocr.event_payload(job, event));
    PERFORM ocr.wake_courier();
END
$$;
COMMENT ON FUNCTION ocr.emit_event(ocr.jobs, text) IS
'Internal: puts an event of a job into the outbox, where the job has a webhook that asks for it; job.progress every 10 s at most';

CREATE OR REPLACE FUNCTION ocr.due_deliveries(under_way bigint[], busy name[], free int[], after name, most_per_webhook int, room int)
RETURNS TABLE (delivery_id bigint, event_id text, webhook name, owner name, payload text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    hook name := after;
    from_the_beginning boolean := false;
    most int;
    delivery ocr.deliveries;
    asked name;
    trouble text;
BEGIN
    LOOP
        -- From webhook to webhook by the index, past all that waits for one.
        SELECT d.webhook INTO hook FROM ocr.deliveries d WHERE d.status = 'pending' AND d.webhook > hook
        ORDER BY d.webhook LIMIT 1;
        IF NOT FOUND THEN
            EXIT WHEN from_the_beginning;
            from_the_beginning := true;
            hook := '';
            CONTINUE;
        END IF;
        EXIT WHEN from_the_beginning AND hook > after;
        most := least(room, coalesce(free[array_position(busy, hook)], most_per_webhook));
        CONTINUE WHEN most <= 0;
        asked := NULL;
        trouble := NULL;
        FOR delivery IN
            SELECT * FROM ocr.deliveries d
            WHERE d.status = 'pending' AND d.webhook = hook AND d.run_at <= now() AND d.id <> ALL (under_way)
            ORDER BY d.run_at, d.id LIMIT most
            FOR NO KEY UPDATE SKIP LOCKED
        LOOP
            IF delivery.owner IS DISTINCT FROM asked THEN
                asked := delivery.owner;
                trouble := ocr.webhook_trouble(hook, asked);
                PERFORM ocr.fail_deliveries(hook, asked, under_way, trouble) WHERE trouble IS NOT NULL;
            END IF;
            CONTINUE WHEN trouble IS NOT NULL;
            room := room - 1;
            RETURN QUERY SELECT delivery.id, delivery.event_id, delivery.webhook, delivery.owner, delivery.payload;
        END LOOP;
        EXIT WHEN room = 0;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.due_deliveries(bigint[], name[], int[], name, int, int) IS
'Internal: deliveries that are due, in all at most `room`, of each webhook at most most_per_webhook, or as many as `free` says of those in `busy`; webhook after webhook, beginning with the one after `after`, so that each has its turn. Leaves out those under_way, and those that another session has locked. Fails those whose webhook may not be used any more';

CREATE OR REPLACE FUNCTION ocr.fail_deliveries(webhook name, owner name, under_way bigint[], error text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
BEGIN
    UPDATE ocr.deliveries d SET status = 'failed', http_status = NULL, error = fail_deliveries.error
    WHERE d.id = ANY (ARRAY(
        SELECT e.id FROM ocr.deliveries e
        WHERE e.status = 'pending' AND e.webhook = fail_deliveries.webhook AND e.run_at <= now()
          AND e.owner = fail_deliveries.owner AND e.id <> ALL (under_way)
        ORDER BY e.run_at, e.id LIMIT 1000
        FOR NO KEY UPDATE SKIP LOCKED));
END
$$;
COMMENT ON FUNCTION ocr.fail_deliveries(name, name, bigint[], text) IS 'Internal: fails the due deliveries of an owner to a webhook, a thousand at a time, without an attempt';

CREATE OR REPLACE FUNCTION ocr.deliveries_due_in_ms(under_way bigint[] = '{}', full_webhooks name[] = '{}') RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
    hook name := '';
    due timestamptz;
    earliest timestamptz;
BEGIN
    LOOP
        SELECT d.webhook INTO hook FROM ocr.deliveries d WHERE d.status = 'pending' AND d.webhook > hook
        ORDER BY d.webhook LIMIT 1;
        EXIT WHEN NOT FOUND OR earliest <= now();
        CONTINUE WHEN hook = ANY (full_webhooks);
        SELECT d.run_at INTO due FROM ocr.deliveries d
        WHERE d.status = 'pending' AND d.webhook = hook AND d.id <> ALL (under_way)
        ORDER BY d.run_at, d.id LIMIT 1;
        earliest := least(earliest, due);
    END LOOP;
    RETURN CASE WHEN earliest IS NOT NULL
                THEN greatest(0, ceil(1000 * extract(epoch FROM earliest - clock_timestamp()))) END;
END
$$;
COMMENT ON FUNCTION ocr.deliveries_due_in_ms(bigint[], name[]) IS
'Internal: milliseconds until a delivery falls due that is not under_way and not to a webhook that is full, 0 where one is due, null where there is none';

CREATE OR REPLACE FUNCTION ocr.record_attempt(
    delivery_id bigint, event_id text, delivered boolean, http_status int, latency_ms int, retry_after_s bigint, answer text, error text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    longest_delay CONSTANT interval := '1 day';
    gone CONSTANT int := 410;
    delivery ocr.deliveries;
    attempt int;
    delay interval;
BEGIN
    SELECT * INTO delivery FROM ocr.deliveries d WHERE d.id = delivery_id AND d.event_id = record_attempt.event_id
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NOT EXISTS (SELECT FROM ocr.deliveries d WHERE d.id = delivery_id AND d.event_id = record_attempt.event_id);
    END IF;
    attempt := delivery.attempts + 1;
    INSERT INTO ocr.delivery_attempts (delivery_id, attempt, http_status, latency_ms, answer, error)
    VALUES (delivery_id, attempt, http_status, latency_ms, answer, error);
    IF delivered THEN
        UPDATE ocr.deliveries d
        SET status = 'delivered', delivered_at = clock_timestamp(), attempts = attempt, http_status = record_attempt.http_status, error = NULL
        WHERE d.id = delivery_id;
    ELSIF http_status = gone OR attempt >= ocr.webhook_option(delivery.webhook, 'max_attempts', '11')::int THEN
        UPDATE ocr.deliveries d
        SET status = 'failed', attempts = attempt, http_status = record_attempt.http_status, error = record_attempt.error
        WHERE d.id = delivery_id;
    ELSE
        -- 3 s that triple: eleven attempts take about a day. The spread keeps what failed together from coming back together.
        delay := least(longest_delay, greatest(make_interval(secs => 3 ^ least(attempt, 20) * (0.9 + random() / 5)),
                                               make_interval(secs => least(retry_after_s, 1000000))));
        UPDATE ocr.deliveries d
        SET run_at = clock_timestamp() + delay, attempts = attempt, http_status = record_attempt.http_status, error = record_attempt.error
        WHERE d.id = delivery_id;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.record_attempt(bigint, text, boolean, int, int, bigint, text, text) IS
'Internal: what came of an attempt. One that failed is due again after 3 s that triple with each attempt, or after retry_after_s where that is longer, a day at most; until max_attempts of the webhook are spent, or the receiver said 410 Gone. False: another session holds a lock on it, nothing was written. A delivery that is gone is no error';

CREATE OR REPLACE FUNCTION @extschema@.ocr_redeliver(delivery_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    delivery ocr.deliveries;
BEGIN
    IF delivery_id IS NULL THEN
        PERFORM ocr.refuse_null('delivery_id', 'Give an id of ocr.deliveries.');
    END IF;
    SELECT * INTO delivery FROM ocr.deliveries d WHERE d.id = delivery_id;
    -- One error for both: who may not see a delivery shall not learn that there is one.
    IF NOT FOUND OR NOT ocr.caller_acts_for(delivery.owner) THEN
        RAISE EXCEPTION 'delivery % does not exist', delivery_id
            USING ERRCODE = 'undefined_object',
                  HINT = 'ocr.deliveries lists those that you can see: of your own jobs, and of those of the roles that you are a member of.';
    END IF;
    UPDATE ocr.deliveries d SET status = 'pending', attempts = 0, run_at = now(), delivered_at = NULL
    WHERE d.id = delivery_id AND (d.status <> 'pending' OR d.run_at > now());
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM ocr.wake_courier();
    RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_redeliver(bigint) IS
'Sends a webhook again, whether it has failed, was delivered or waits for its next attempt: at once, with the same payload and the same webhook-id, its attempts counted anew. Takes effect at COMMIT. Returns false, and changes nothing, where it is due already.
Errors: 42704 where there is no such delivery, or it is not the caller''s to see.';
