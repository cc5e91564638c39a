-- ocr_check(): what it says of a queue without workers, of jobs and webhooks that fail, and to whom.
BEGIN;
SELECT no_plan();
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE ROLE ocr_test_watcher IN ROLE pg_monitor;
CREATE FUNCTION pg_temp.said(topic text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c.status || ': ' || c.detail, E'\n') FROM ocr_check() AS c WHERE c.topic = $1
$$;

SELECT is((SELECT string_agg(DISTINCT status, ' ') FROM ocr_check() WHERE status NOT IN ('ok', 'warning', 'error')), NULL, 'a status is one of three');
SELECT is((SELECT count(*) FROM ocr_check() WHERE status <> 'ok' AND hint IS NULL), 0::bigint, 'whatever is wrong has a hint');
SELECT is((SELECT count(*) FROM ocr_check() WHERE detail IS NULL), 0::bigint, 'and everything a detail');
SELECT is(pg_temp.said('version'), 'ok: ' || ocr.library_version(), 'versions agree');
SELECT is(pg_temp.said('workers'), 'warning: pg_ocr.workers is 0: documents wait', 'workers that an administrator has switched off');
SELECT is(pg_temp.said('dead letters'), 'ok: no job has failed', 'nothing has failed yet');
SELECT is(pg_temp.said('gpu'), 'ok: no NVIDIA GPU was found: all is read by the CPU', 'a machine without a GPU');
SELECT is((SELECT count(*) FROM ocr.cards), 0::bigint, 'which shows none');
SELECT is((SELECT enumvals FROM pg_settings WHERE name = 'pg_ocr.gpu'), '{auto,off}', 'and what is for tests is not among what can be chosen');
SELECT columns_are('ocr', 'cards', '{card,name,state,since,pid,memory,engines,lines,batches,refused,busy,starts,trouble}'::name[], 'of one it would show this');

-- The queue. now() stands still in a transaction.
SELECT is(pg_temp.said('queue'), 'ok: 0 tasks are due, 0 are being read', 'an empty queue');
SELECT ocr_submit('\x01'::bytea, run_at => now() - interval '2 min') AS waiting \gset
SELECT ocr_submit('\x02'::bytea, run_at => now() + interval '2 min') AS later \gset
SELECT is(pg_temp.said('queue'), 'error: 1 tasks are due, the oldest for 2 minutes; 0 are being read', 'what nobody claims');
SELECT is((SELECT status FROM ocr.check_queue('3 min', '1 hour')), 'ok', 'is no trouble while it is patient');
SELECT is(pg_temp.claim(), :waiting, 'it is claimed, by a worker that does not live');
SELECT is(pg_temp.said('lost tasks'), 'warning: 1 tasks were claimed by workers that have ended', 'which shows');
SELECT ocr_submit('\x03'::bytea, run_at => now() - interval '3 hours') AS backlog \gset
SELECT is(pg_temp.said('queue'), 'warning: 1 tasks are due, the oldest for 3 hours; 1 are being read', 'a queue that is too long');

-- Dead letters: the document's fault, then another's.
SELECT ok(pg_temp.fail('document_damaged'), 'one fails for what is in the document');
SELECT is(pg_temp.said('dead letters'), 'ok: 1 jobs have failed: document_damaged 1', 'which is no fault of the installation');
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT ocr_submit('\x04'::bytea) AS of_alice \gset
SELECT is(pg_temp.said('dead letters'), 'ok: no job has failed', 'others are not told of it');
RESET SESSION AUTHORIZATION;
SELECT ocr_cancel(:backlog);
SELECT is(pg_temp.claim(), :of_alice, 'hers is claimed');
SELECT ok(pg_temp.fail('language_missing'), 'and fails for want of a language');
SELECT is(pg_temp.said('dead letters'), 'warning: 2 jobs have failed: document_damaged 1, language_missing 1', 'which is');
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT is(pg_temp.said('dead letters'), 'warning: 1 jobs have failed: language_missing 1', 'she is told of hers');
SET LOCAL SESSION AUTHORIZATION ocr_test_watcher;
SELECT is(pg_temp.said('dead letters'), 'warning: 2 jobs have failed: document_damaged 1, language_missing 1', 'a member of pg_monitor of all');
RESET SESSION AUTHORIZATION;
-- Every code of a failure is somebody's fault.
SELECT is((SELECT string_agg(code, ' ' ORDER BY code) FROM ocr.error_codes WHERE pg_get_functiondef('ocr.check_failures'::regproc) !~ ('[{,]' || code || '[,}]')),
    'engine_crashed engine_memory engine_unavailable internal_error language_missing provider_refused provider_unavailable row_locked row_refused store_denied store_refused store_unavailable store_undeclared',
    'these are the administrator''s, the others are in the document');

-- Webhooks.
SELECT is(pg_temp.said('webhooks'), 'ok: no delivery has failed', 'no webhook, no trouble');
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'https://receiver.test/hook', max_attempts '2');
CREATE USER MAPPING FOR PUBLIC SERVER hook OPTIONS (secret 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
GRANT USAGE ON FOREIGN SERVER hook TO ocr_test_bob;
SET LOCAL SESSION AUTHORIZATION ocr_test_bob;
SELECT ocr_submit('\x05'::bytea, webhook => 'hook') AS told \gset
RESET SESSION AUTHORIZATION;
SELECT ocr_cancel(:told);
SELECT is(pg_temp.said('webhooks'), 'ok: no delivery has failed', 'one that waits has not failed');
UPDATE ocr.deliveries SET run_at = now() - interval '5 min';
SELECT is(pg_temp.said('courier'), 'error: webhooks have been due for 5 minutes, and no courier runs that would deliver them', 'but somebody should deliver it');
SELECT ok(ocr.record_attempt(id, event_id, false, 500, 12, 0, '', 'it answered 500'), 'an attempt fails') FROM ocr.deliveries;
SELECT is(pg_temp.said('webhooks'), 'warning: webhook hook: 0 deliveries have failed, 1 are to be tried again; it answered 500', 'which is said');
SELECT ok(ocr.record_attempt(id, event_id, false, 503, 12, 0, '', 'it answered 503'), 'and another, the last') FROM ocr.deliveries;
SELECT is(pg_temp.said('webhooks'), 'warning: webhook hook: 1 deliveries have failed, 0 are to be tried again; it answered 503', 'so it has failed');
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT is(pg_temp.said('webhooks'), 'ok: no delivery has failed', 'strangers are not told');
RESET SESSION AUTHORIZATION;

-- Stores, providers, roles.
SELECT is((SELECT count(*) FROM ocr.check_servers()), 0::bigint, 'no store, no trouble');
CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'scans');
GRANT USAGE ON FOREIGN SERVER scans TO ocr_test_bob;
SET LOCAL SESSION AUTHORIZATION ocr_test_bob;
SELECT ocr_submit('s3://scans/x.pdf') AS fetched \gset
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.said('stores'), NULL, 'nor with a store that can be used');
REVOKE USAGE ON FOREIGN SERVER scans FROM ocr_test_bob;
SELECT is(pg_temp.said('stores'), 'warning: jobs of ocr_test_bob wait for a store: role "ocr_test_bob" has no USAGE on server "scans"', 'one that cannot be');
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT is(pg_temp.said('stores'), NULL, 'is nothing that strangers are told of');
RESET SESSION AUTHORIZATION;
SET LOCAL pg_ocr.fast_providers = 'reader, pg_ocr';
SELECT is(pg_temp.said('providers'), 'warning: pg_ocr.fast_providers names reader, and this database has no such server of ocr_provider', 'a provider that is not there');
CREATE SERVER reader FOREIGN DATA WRAPPER ocr_provider OPTIONS (url 'https://reader.test/', words '$.words[*]', text '$.text', box '$.box');
SELECT is(pg_temp.said('providers'), NULL, 'and one that is');
SELECT is(pg_temp.said('dropped roles'), NULL, 'everybody is there');
UPDATE ocr.jobs SET owner = 'ocr_test_gone' WHERE id = :fetched;
SELECT is(pg_temp.said('dropped roles'), 'warning: role ocr_test_gone does not exist any more, and still has documents, batches or jobs', 'a role that is gone');
SET LOCAL SESSION AUTHORIZATION ocr_test_alice;
SELECT is(pg_temp.said('dropped roles'), NULL, 'is for superusers and members of pg_monitor to hear of');
RESET SESSION AUTHORIZATION;

-- Time, for people.
SELECT results_eq($$SELECT ocr.in_words(t) FROM unnest('{0.9 s,119 s,2 min,119 min,2 h,47 h,2 days,100 days}'::interval[]) AS t$$,
    $$VALUES ('0 s'), ('119 s'), ('2 minutes'), ('119 minutes'), ('2 hours'), ('47 hours'), ('2 days'), ('100 days')$$, 'spans of time in words');
SELECT * FROM finish();
ROLLBACK;
