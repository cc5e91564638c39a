BEGIN;
SELECT plan(17);
\ir fake_worker.psql

SELECT ocr_submit('\x0102') AS job \gset
SELECT results_eq(format($$SELECT owner, status, priority, tier, batch, language, pages, text_layer, metadata, options,
        keep_document, document_size, run_at = now(), submitted_at = now() FROM ocr.jobs WHERE id = %s$$, :job),
    $$VALUES (current_user, 'pending', 0, 'balanced', NULL, 'eng', NULL, 'auto', '{}'::jsonb, '{}'::jsonb, false, 2::bigint, true, true)$$,
    'the defaults');
SELECT is((SELECT count(*) FROM ocr.passwords), 0::bigint, 'no password unless one is given');

-- The same key is the same job.
SELECT ocr_submit('\x03', idempotency_key => 'k', batch => 'b') AS job \gset
SELECT is(ocr_submit('\x03', idempotency_key => 'k', batch => 'b'), :job::bigint, 'the same key, the same job');
SELECT is(ocr_submit('\x04', idempotency_key => 'k'), :job::bigint, 'even with another document');
SELECT is((SELECT count(*) FROM ocr.jobs), 2::bigint, 'nothing more was submitted');
SELECT is((SELECT count(*) FROM ocr.tasks), 2::bigint, 'or queued');
SELECT is((SELECT count(*) FROM ocr.documents), 2::bigint, 'or stored');
SELECT isnt(ocr_submit('\x03', idempotency_key => 'K'), :job::bigint, 'another key is another job');
SELECT ok(ocr_cancel(:job), 'an ended job');
SELECT is(ocr_submit('\x03', idempotency_key => 'k'), :job::bigint, 'keeps its key');
SELECT throws_ok($$INSERT INTO ocr.jobs (owner, document_size, priority, tier, language, text_layer, metadata, options, keep_document,
        run_at, idempotency_key) VALUES (current_user, 1, 0, 'fast', 'eng', 'auto', '{}', '{}', false, now(), 'k')$$,
    '23505', NULL, 'a unique index holds it');

-- Batches are made on first use.
SELECT ocr_submit('\x05', batch => 'b') AS job \gset
SELECT results_eq('SELECT owner, name FROM ocr.batches', $$VALUES (current_user, 'b')$$, 'one batch');
SELECT results_eq('SELECT batch, jobs, pending, cancelled FROM ocr.progress ORDER BY batch',
    $$VALUES ('b', 2::bigint, 1::bigint, 1::bigint), (NULL, 2, 2, 0)$$, 'and how far it is');

-- Everything that pages => can say is taken.
SELECT lives_ok(format('SELECT ocr_submit(%L, pages => %L)', '\x06', good), good || ' is a list of pages')
FROM unnest(ARRAY['1', '1-', '7-7', '3,1-2,10-']) AS good;
SELECT * FROM finish();
ROLLBACK;
