-- The outbox of webhooks, without a courier: what is written, what is due, what an attempt leads to, and for whom.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://receiver.test/hook');
CREATE SERVER talkative FOREIGN DATA WRAPPER ocr_webhook
    OPTIONS (url 'https://receiver.test/all', max_attempts '2', events 'job.started, job.progress,job.completed');
CREATE SERVER other FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://receiver.test/other');
CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
CREATE USER MAPPING FOR ocr_test_alice SERVER hook OPTIONS (secret 'whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB');
CREATE USER MAPPING FOR PUBLIC SERVER talkative OPTIONS (secret 'whsec_CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC');
CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (secret 'whsec_DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD');
GRANT USAGE ON FOREIGN SERVER hook, talkative TO ocr_test_alice;
CREATE FUNCTION pg_temp.events(job bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(event, ' ' ORDER BY id) FROM ocr.deliveries WHERE job_id = job
$$;
CREATE FUNCTION pg_temp.due(under_way bigint[] = '{}', busy name[] = '{}', free int[] = '{}', after name = '', room int = 128)
RETURNS SETOF bigint LANGUAGE sql AS $$
    SELECT delivery_id FROM ocr.due_deliveries(under_way, busy, free, after, 8, room)
$$;
CREATE FUNCTION pg_temp.attempt(delivery bigint, answer int, retry_after bigint = 0, event text = NULL) RETURNS boolean LANGUAGE sql AS $$
    SELECT ocr.record_attempt(d.id, coalesce($4, d.event_id), answer BETWEEN 200 AND 299, nullif(answer, 0), 12, retry_after,
                              'an answer', CASE WHEN answer NOT BETWEEN 200 AND 299 THEN 'it answered ' || answer END)
    FROM ocr.deliveries d WHERE d.id = delivery
$$;
CREATE FUNCTION pg_temp.delivery(id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', d.status, d.attempts, d.http_status, d.error) FROM ocr.deliveries d WHERE d.id = delivery.id
$$;

-- Which events are written, and what they say.
SELECT ocr_submit('\x01'::bytea) AS quiet \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.deliveries), 0::bigint, 'a job without a webhook writes nothing');
SELECT ocr_submit('\x02'::bytea, webhook => 'hook', batch => 'b', metadata => '{"invoice": "Zürich \"4711\""}') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(2), pg_temp.read(1) \g /dev/null
SELECT is(pg_temp.events(:job), NULL, 'nothing is said of a start and of progress, unless it is asked for');
SELECT pg_temp.read(2, 60), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.completed job.review_needed', 'a job that needs a look says so');
SELECT results_eq(format($$
    SELECT payload::jsonb->>'type', payload::jsonb->'data' FROM ocr.deliveries WHERE job_id = %s ORDER BY id LIMIT 1$$, :job),
    format($$VALUES ('job.completed', jsonb_build_object('job_id', %s, 'status', 'completed', 'verdict', 'review', 'worst_page', 2, 'confidence', 77.5,
        'pages_total', 2, 'pages_done', 2, 'pages_failed', 0, 'uri', NULL, 'etag', NULL, 'batch', 'b',
        'metadata', '{"invoice": "Zürich \"4711\""}'::jsonb, 'error_code', NULL, 'error', NULL))$$, :job), 'what it says');
CREATE FUNCTION pg_temp.uri_in_payload(uri text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    job ocr.jobs;
BEGIN
    job.uri := uri;
    RETURN ocr.event_payload(job, 'job.failed')::jsonb->'data'->>'uri';
END
$$;
SELECT is(pg_temp.uri_in_payload('https://host/a?X-Amz-Signature=SESAME?x'), 'https://host/a', 'a presigned URL is not given away');
SELECT is(pg_temp.uri_in_payload('s3://bucket/what?'), 's3://bucket/what?', 'a key is whole');
SELECT matches((SELECT payload::jsonb->>'timestamp' FROM ocr.deliveries WHERE job_id = :job LIMIT 1),
    '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$', 'with the time in UTC');
SELECT is((SELECT count(DISTINCT event_id) FROM ocr.deliveries WHERE event_id ~ '^msg_[0-9a-f]{32}$'), 2::bigint, 'each event has an id');
SELECT ocr_submit('\x03'::bytea, webhook => 'hook') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.completed', 'an approved job needs no look');
SELECT ocr_submit('\x04'::bytea, webhook => 'hook') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1, 10), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.completed job.review_needed', 'a rejected one does');
SELECT ocr_submit('\x05'::bytea, webhook => 'hook') AS job \gset
SELECT pg_temp.claim(), pg_temp.fail('document_damaged', 0, 'torn') \g /dev/null
SELECT is((SELECT concat_ws(' ', payload::jsonb->>'type', payload::jsonb->'data'->>'error_code', payload::jsonb->'data'->>'error')
    FROM ocr.deliveries WHERE job_id = :job), 'job.failed document_damaged torn', 'a failure says why');
SELECT ocr_cancel(ocr_submit('\x06'::bytea, webhook => 'hook')) \g /dev/null
SELECT is((SELECT event FROM ocr.deliveries ORDER BY id DESC LIMIT 1), 'job.cancelled', 'a cancelled job says so');
SELECT ocr_submit('\x07'::bytea, webhook => 'hook', metadata => jsonb_build_object('long', repeat('x', 300000))) AS job \gset
SELECT ocr_cancel(:job) \g /dev/null
SELECT ok((SELECT octet_length(payload) < 1000 AND payload::jsonb->'data'->>'metadata_omitted' = 'true'
    FROM ocr.deliveries WHERE job_id = :job), 'metadata beyond measure are left out, and it says so');
DELETE FROM ocr.jobs;
SELECT is((SELECT count(*) FROM ocr.deliveries), 0::bigint, 'a job takes its deliveries with it');

-- Start and progress, where they are asked for; progress every 10 s at most.
SELECT ocr_submit('\x11'::bytea, webhook => 'talkative') AS job \gset
SELECT pg_temp.claim() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started', 'the start');
SELECT is((SELECT payload::jsonb->'data'->>'status' FROM ocr.deliveries WHERE job_id = :job), 'running', 'as it is then');
SELECT ocr.release_task(task_id, fence) FROM claim \g /dev/null
SELECT pg_temp.claim() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started', 'is said once, though a worker gave it back');
SELECT pg_temp.open(4), pg_temp.read(1), pg_temp.read(2) \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started job.progress', 'progress is not said twice within 10 s');
SELECT is((SELECT payload::jsonb->'data'->>'pages_done' FROM ocr.deliveries WHERE event = 'job.progress'), '1', 'it counts the page');
UPDATE ocr.deliveries SET created_at = now() - interval '11 s';
SELECT pg_temp.read(3) \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started job.progress', 'nor while one waits to be delivered');
UPDATE ocr.deliveries SET status = 'delivered', delivered_at = now();
SELECT pg_temp.read(3) \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started job.progress', 'nor for a page that was recorded before');
SELECT pg_temp.read(4) \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started job.progress job.progress', 'but after 10 s');
SELECT pg_temp.complete() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started job.progress job.progress job.completed', 'and the end');
SELECT ocr_submit('\x12'::bytea, webhook => 'talkative') AS job \gset
SELECT pg_temp.claim(), pg_temp.fail('document_damaged'), ocr_retry(:job), pg_temp.claim() \g /dev/null
SELECT is(pg_temp.events(:job), 'job.started job.started', 'failures were not asked for; a job that goes round again starts again');
DELETE FROM ocr.jobs;

-- What is due: of each webhook so many, in the order of their times, each webhook in its turn.
CREATE FUNCTION pg_temp.outbox(webhook name, count int, due interval = '-1 min', owner name = CURRENT_USER) RETURNS bigint LANGUAGE sql AS $$
    WITH job AS (INSERT INTO ocr.jobs (owner, document_size, priority, tier, language, text_layer, metadata, options, keep_document, run_at, webhook)
                 VALUES (owner, 1, 0, 'fast', 'eng', 'auto', '{}', '{}', false, now(), webhook) RETURNING id),
         made AS (INSERT INTO ocr.deliveries (owner, job_id, webhook, event, payload, run_at)
                  SELECT owner, job.id, webhook, 'job.completed', '{}', now() + due + i * interval '1 ms' FROM job, generate_series(1, count) i RETURNING id)
    SELECT min(id) FROM made
$$;
SELECT pg_temp.outbox('hook', 20) AS hooks, pg_temp.outbox('other', 20) AS others, pg_temp.outbox('talkative', 3, '1 h') AS later \gset
SELECT results_eq('SELECT * FROM pg_temp.due()',
    format('SELECT n::bigint FROM generate_series(%s, %s) n UNION ALL SELECT n FROM generate_series(%s, %s) n', :hooks, :hooks + 7, :others, :others + 7),
    'eight of each webhook, the earliest first');
SELECT results_eq(format('SELECT * FROM pg_temp.due(ARRAY[%s, %s], ''{hook}'', ''{2}'')', :hooks, :hooks + 2),
    format('VALUES (%s::bigint), (%s) UNION ALL SELECT n FROM generate_series(%s, %s) n', :hooks + 1, :hooks + 3, :others, :others + 7),
    'not what is under way, and no more than a busy one may have');
SELECT results_eq('SELECT * FROM pg_temp.due(busy => ''{hook}'', free => ''{0}'', room => 3)',
    format('SELECT n::bigint FROM generate_series(%s, %s) n', :others, :others + 2), 'no more than there is room for');
SELECT results_eq('SELECT * FROM pg_temp.due(after => ''hook'', room => 10)',
    format('SELECT n::bigint FROM generate_series(%s, %s) n UNION ALL VALUES (%s::bigint), (%s)', :others, :others + 7, :hooks, :hooks + 1),
    'the turn goes round');
SELECT is_empty('SELECT * FROM pg_temp.due(busy => ''{hook,other}'', free => ''{-7,0}'')', 'one that has more under way than it may gets none');
SELECT is(ocr.deliveries_due_in_ms(), 0::bigint, 'something is due');
SELECT ok(ocr.deliveries_due_in_ms(ARRAY(SELECT id FROM ocr.deliveries WHERE webhook <> 'talkative')) BETWEEN 3500000 AND 3600100,
    'of what is not under way, the next in an hour');
SELECT ok(ocr.deliveries_due_in_ms('{}', '{hook,other}') BETWEEN 3500000 AND 3600100, 'of webhooks that are not full as well');
SELECT is(ocr.deliveries_due_in_ms('{}', '{hook,other,talkative}'), NULL, 'nothing');
SELECT is((SELECT payload FROM ocr.due_deliveries('{}', '{}', '{}', '', 8, 1)), '{}', 'with its payload');

-- What an attempt leads to.
SELECT pg_temp.attempt(:hooks, 204) \g /dev/null
SELECT is(pg_temp.delivery(:hooks), 'delivered 1 204', 'delivered');
SELECT ok((SELECT delivered_at IS NOT NULL FROM ocr.deliveries WHERE id = :hooks), 'with its time');
SELECT results_eq(format('SELECT attempt, http_status, latency_ms, answer, error FROM ocr.delivery_attempts WHERE delivery_id = %s', :hooks),
    $$VALUES (1, 204, 12, 'an answer', NULL::text)$$, 'and its attempt');
CREATE FUNCTION pg_temp.backoffs(delivery bigint, count int) RETURNS SETOF float8 LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. count LOOP
        PERFORM pg_temp.attempt(delivery, 500);
        RETURN QUERY SELECT extract(epoch FROM d.run_at - clock_timestamp())::float8 / 3 ^ i FROM ocr.deliveries d WHERE d.id = delivery;
    END LOOP;
END
$$;
SELECT ok(bool_and(b BETWEEN 0.89 AND 1.11), 'between attempts, 3 s that triple, give or take a tenth') FROM pg_temp.backoffs(:hooks + 1, 10) b;
SELECT is(pg_temp.delivery(:hooks + 1), 'pending 10 500 it answered 500', 'after ten failures it still waits');
SELECT ok((SELECT count(DISTINCT round(b::numeric, 4)) > 1 FROM generate_series(2, 7) n, pg_temp.backoffs(:hooks + n, 1) b), 'not all of them for as long');
SELECT pg_temp.attempt(:hooks + 1, 0) \g /dev/null
SELECT is(pg_temp.delivery(:hooks + 1), 'failed 11 it answered 0', 'the eleventh is the last');
SELECT is((SELECT count(*) FROM ocr.delivery_attempts WHERE delivery_id = :hooks + 1), 11::bigint, 'each is written down');
SELECT pg_temp.attempt(:hooks + 8, 429, 100) \g /dev/null
SELECT ok((SELECT run_at - clock_timestamp() BETWEEN '99 s' AND '101 s' FROM ocr.deliveries WHERE id = :hooks + 8), 'Retry-After is honoured');
SELECT pg_temp.attempt(:hooks + 8, 503, 4000000000) \g /dev/null
SELECT ok((SELECT run_at - clock_timestamp() BETWEEN '23 h' AND '24 h 1 s' FROM ocr.deliveries WHERE id = :hooks + 8), 'up to a day');
SELECT pg_temp.attempt(:hooks + 9, 500, 1) \g /dev/null
SELECT ok((SELECT run_at - clock_timestamp() > '2 s' FROM ocr.deliveries WHERE id = :hooks + 9), 'and not instead of a longer backoff');
SELECT pg_temp.attempt(:hooks + 10, 410) \g /dev/null
SELECT is(pg_temp.delivery(:hooks + 10), 'failed 1 410 it answered 410', 'who is gone is not asked again');
SELECT pg_temp.attempt(:later, 500), pg_temp.attempt(:later, 500) \g /dev/null
SELECT is(pg_temp.delivery(:later), 'failed 2 500 it answered 500', 'a webhook may have another number of attempts');
SELECT is(pg_temp.attempt(:hooks + 11, 204, 0, 'msg_of_another'), true, 'an attempt at another delivery of that number is settled');
SELECT is(pg_temp.delivery(:hooks + 11), 'pending 0', 'and writes nothing');
SELECT is(ocr.record_attempt(-1, 'msg_', true, 204, 1, 0, NULL, NULL), true, 'as one at a delivery that is gone');

-- Once more.
SELECT is(ocr_redeliver(:hooks + 1), true, 'a failed one is delivered again');
SELECT is(pg_temp.delivery(:hooks + 1), 'pending 0 it answered 0', 'its attempts counted anew');
SELECT is((SELECT run_at FROM ocr.deliveries WHERE id = :hooks + 1), now(), 'at once');
SELECT is(ocr_redeliver(:hooks + 1), false, 'it is due already');
SELECT is(ocr_redeliver(:hooks), true, 'a delivered one as well');
SELECT is(pg_temp.delivery(:hooks), 'pending 0 204', 'is pending');
SELECT is(ocr_redeliver(:hooks + 8), true, 'and one that waits');
SELECT is((SELECT run_at FROM ocr.deliveries WHERE id = :hooks + 8), now(), 'waits no longer');
SELECT throws_ok('SELECT ocr_redeliver(-1)', '42704', 'delivery -1 does not exist', 'none');
SELECT throws_ok('SELECT ocr_redeliver(NULL)', '22004', 'delivery_id must not be NULL', 'NULL');
DELETE FROM ocr.jobs;

-- Whoever may not use a webhook any more is told so; others go on.
SELECT pg_temp.outbox('hook', 3, '-1 h', 'ocr_test_bob') AS bobs, pg_temp.outbox('hook', 2, '-1 min', 'ocr_test_alice') AS alices,
       pg_temp.outbox('gone', 2) AS gone, pg_temp.outbox('talkative', 1, '1 h', 'ocr_test_bob') AS later \gset
SELECT results_eq('SELECT * FROM pg_temp.due()', format('VALUES (%s::bigint), (%s)', :alices, :alices + 1), 'alice''s are due');
SELECT is(pg_temp.delivery(:bobs + 2), 'failed 0 role "ocr_test_bob" has no USAGE on server "hook"', 'bob has no USAGE');
SELECT is(pg_temp.delivery(:gone), 'failed 0 server "gone" does not exist', 'a server that was dropped');
SELECT is(pg_temp.delivery(:later), 'pending 0', 'what is not due is left alone');
SELECT results_eq('SELECT value FROM ocr.options_of_server(''hook'', ''ocr_test_alice'') WHERE name = ''secret''',
    $$VALUES ('whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB')$$, 'alice''s own secret');
DROP USER MAPPING FOR PUBLIC SERVER hook;
DROP USER MAPPING FOR ocr_test_alice SERVER hook;
SELECT is_empty('SELECT * FROM pg_temp.due()', 'without a secret nothing can be delivered');
SELECT is(pg_temp.delivery(:alices), 'failed 0 webhook "hook" has no secret for role "ocr_test_alice"; declare it with CREATE USER MAPPING FOR ocr_test_alice SERVER hook OPTIONS (secret …)',
    'which it says');
CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
GRANT USAGE ON FOREIGN SERVER hook TO ocr_test_bob;
SELECT ocr_redeliver(id) FROM ocr.deliveries WHERE webhook = 'hook' \g /dev/null
SELECT is((SELECT count(*) FROM pg_temp.due()), 5::bigint, 'once that is mended, all can be delivered again');
SELECT pg_temp.outbox('gone', 2500) \g /dev/null
SELECT count(*) FROM pg_temp.due() \g /dev/null
SELECT is((SELECT count(*) FROM ocr.deliveries WHERE webhook = 'gone' AND status = 'failed'), 1002::bigint, 'thousands fail a thousand at a time');
CREATE ROLE ocr_test_carol;
SELECT pg_temp.outbox('other', 1, '-1 min', 'ocr_test_carol') AS carols \gset
DROP ROLE ocr_test_carol;
SELECT count(*) FROM pg_temp.due() \g /dev/null
SELECT is(pg_temp.delivery(:carols), 'failed 0 role "ocr_test_carol" does not exist any more', 'a role that was dropped');
SELECT ocr_submit('\x31'::bytea, webhook => 'hook') AS job \gset
ALTER SERVER hook RENAME TO renamed;
SELECT ocr_cancel(:job) \g /dev/null
SELECT is(pg_temp.events(:job), 'job.cancelled', 'an event whose server is gone is written all the same');
ALTER SERVER renamed RENAME TO hook;

-- Who sees what.
SELECT pg_temp.attempt(:alices, 500) \g /dev/null
SET ROLE ocr_test_alice;
SELECT is((SELECT count(*) FROM ocr.deliveries), 2::bigint, 'the owner sees her deliveries');
SELECT is((SELECT count(*) FROM ocr.delivery_attempts), 1::bigint, 'and the attempts');
SELECT results_eq('SELECT owner, webhook, pending, delivered, failed, last_attempts, last_http_status, last_error FROM ocr.webhooks',
    $$VALUES ('ocr_test_alice'::name, 'hook'::name, 2::bigint, 0::bigint, 0::bigint, 0, NULL::int,
       'webhook "hook" has no secret for role "ocr_test_alice"; declare it with CREATE USER MAPPING FOR ocr_test_alice SERVER hook OPTIONS (secret …)')$$,
    'and what is stuck, and why');
SELECT is(ocr_redeliver(:alices), true, 'and may have one delivered again');
SELECT throws_ok('UPDATE ocr.deliveries SET status = ''pending''', '42501', NULL, 'but not write there');
SELECT throws_ok('SELECT * FROM ocr.options_of_server(''hook'', ''ocr_test_bob'')', '42501', NULL, 'nor ask for secrets');
SELECT throws_ok('SELECT * FROM ocr.due_deliveries(''{}'', ''{}'', ''{}'', '''', 1, 1)', '42501', NULL, 'nor play the courier');
SELECT throws_ok('SELECT ocr.record_attempt(1, '''', true, 1, 1, 1, '''', '''')', '42501', NULL, 'in any way');
SET ROLE ocr_test_bob;
SELECT is((SELECT count(*) FROM ocr.deliveries WHERE owner <> 'ocr_test_bob'), 0::bigint, 'others see nothing of it');
SELECT is((SELECT count(*) FROM ocr.delivery_attempts), 0::bigint, 'not an attempt');
SELECT is((SELECT count(*) FROM ocr.webhooks WHERE owner <> 'ocr_test_bob'), 0::bigint, 'not in sum');
SELECT throws_ok(format('SELECT ocr_redeliver(%s)', :alices), '42704', format('delivery %s does not exist', :alices), 'and hear that there is none');
RESET ROLE;
SELECT is((SELECT count(*) FROM ocr.deliveries d, to_jsonb(d) AS r WHERE r::text ~ 'whsec_'), 0::bigint, 'no secret is in the outbox');

-- However much waits for one webhook, what is due of another is found by the index alone.
DELETE FROM ocr.jobs;
SELECT pg_temp.outbox('hook', 60000), pg_temp.outbox('other', 1) AS other \gset
ANALYZE ocr.deliveries;
CREATE FUNCTION pg_temp.blocks(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE query;  -- what planning reads does not count
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
    RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END
$$;
SELECT results_eq('SELECT * FROM pg_temp.due(busy => ''{hook}'', free => ''{0}'')', format('VALUES (%s::bigint)', :other), 'it is found');
SELECT cmp_ok(pg_temp.blocks('SELECT * FROM pg_temp.due(busy => ''{hook}'', free => ''{0}'')'), '<', 2000::bigint, 'without a look at the others');
SELECT cmp_ok(pg_temp.blocks('SELECT ocr.deliveries_due_in_ms(''{}'', ''{hook}'')'), '<', 2000::bigint, 'and so is when the next is due');
SELECT * FROM finish();
ROLLBACK;
