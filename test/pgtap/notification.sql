BEGIN;
SELECT plan(8);
\ir fake_worker.psql
CREATE FUNCTION pg_temp.payload(job bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT ocr.notification(j)::jsonb FROM ocr.jobs j WHERE j.id = job
$$;
CREATE FUNCTION pg_temp.submit_with(bytes int) RETURNS bigint LANGUAGE sql AS $$
    SELECT ocr_submit(int4send(bytes), batch => 'b', metadata => jsonb_build_object('x', repeat('ä', bytes / 2)))
$$;

SELECT ocr_submit('\x01', batch => 'b', metadata => '{"invoice": 4711}') AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1), pg_temp.complete() \g /dev/null
SELECT is(pg_temp.payload(:job), format('{"job_id": %s, "status": "completed", "verdict": "approved", "batch": "b", "metadata": {"invoice": 4711}}', :job)::jsonb,
    'what is said of a job that ends');

-- What NOTIFY cannot carry is left out, and that is said; the job ends all the same.
SELECT pg_temp.submit_with(20000) AS job \gset
SELECT pg_temp.claim(), pg_temp.open(1), pg_temp.read(1) \g /dev/null
SELECT lives_ok('SELECT pg_temp.complete()', 'a job with large metadata completes');
SELECT is(pg_temp.payload(:job), format('{"job_id": %s, "status": "completed", "verdict": "approved", "batch": "b", "metadata_omitted": true}', :job)::jsonb,
    'without them');
SELECT is((SELECT length(metadata->>'x') FROM ocr_status(:job)), 10000, 'ocr_status() has them');

-- To the byte: everything up to what NOTIFY takes is said.
CREATE TEMP TABLE sized AS SELECT pg_temp.submit_with(n) AS job FROM generate_series(7800, 8000, 2) AS n;
CREATE TEMP TABLE said AS SELECT ocr.notification(j) AS payload FROM sized JOIN ocr.jobs j ON j.id = sized.job;
SELECT ok(bool_or(payload LIKE '%metadata_omitted%') AND bool_or(payload NOT LIKE '%metadata_omitted%'), 'some fit, some do not') FROM said;
SELECT cmp_ok(max(octet_length(payload)), '<', 8000, 'none is too long') FROM said;
SELECT cmp_ok(max(octet_length(payload)), '>=', 7998, 'none is left out before it has to be') FROM said;
SELECT lives_ok($$SELECT pg_notify('ocr', payload) FROM said$$, 'NOTIFY takes them all');
SELECT * FROM finish();
ROLLBACK;
