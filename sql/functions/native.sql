-- What only C can do: wake and wait through shared memory, and run an engine in this backend.

CREATE OR REPLACE FUNCTION ocr.wake_workers() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_wake_workers';
COMMENT ON FUNCTION ocr.wake_workers() IS
    'Internal: at COMMIT, one more idle worker of this database looks into the queue. Nothing happens on ROLLBACK.';

CREATE OR REPLACE FUNCTION ocr.interrupt_job(job_id bigint) RETURNS void
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_interrupt_job';
COMMENT ON FUNCTION ocr.interrupt_job(bigint) IS
    'Internal: at COMMIT, the workers that read this job check whether it is still theirs, and stop their engines if not.';

CREATE OR REPLACE FUNCTION ocr.announce_job_end() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_announce_job_end';
COMMENT ON FUNCTION ocr.announce_job_end() IS 'Internal: at COMMIT, sessions in ocr_wait() look again.';

CREATE OR REPLACE FUNCTION ocr.jobs_ended() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_jobs_ended';
COMMENT ON FUNCTION ocr.jobs_ended() IS 'Internal: how many times a job''s end has been announced since the server started.';

CREATE OR REPLACE FUNCTION ocr.wait_for_job_end(seen bigint, timeout_ms integer) RETURNS void
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_wait_for_job_end';
COMMENT ON FUNCTION ocr.wait_for_job_end(bigint, integer) IS
    'Internal: waits until ocr.jobs_ended() is no longer the number seen, or for so many milliseconds.';

CREATE OR REPLACE FUNCTION ocr.installed_languages() RETURNS SETOF text
    LANGUAGE c STABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'pg_ocr_installed_languages';
COMMENT ON FUNCTION ocr.installed_languages() IS
    'Codes of the languages whose models are installed on the server, as language => takes them, joined by +.';

CREATE OR REPLACE FUNCTION ocr.worker_slots(
    OUT pid integer, OUT database oid, OUT state text, OUT job_id bigint, OUT page_no integer, OUT since timestamptz,
    OUT documents bigint, OUT engine_pid integer, OUT reserved_for text, OUT engine_memory bigint, OUT trouble text,
    OUT leaving boolean, OUT card text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL SAFE ROWS 8 AS 'MODULE_PATHNAME', 'pg_ocr_worker_slots';
COMMENT ON FUNCTION ocr.worker_slots() IS 'Internal: the background workers of the whole cluster; see the view ocr.workers.';

CREATE OR REPLACE FUNCTION ocr.card_slots(
    OUT card integer, OUT name text, OUT state text, OUT since timestamptz, OUT pid integer, OUT memory bigint, OUT engines integer,
    OUT lines bigint, OUT batches bigint, OUT refused bigint, OUT busy real, OUT busy_seconds double precision, OUT starts bigint,
    OUT trouble text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'pg_ocr_card_slots';
COMMENT ON FUNCTION ocr.card_slots() IS 'Internal: the services of the machine''s GPUs; see the view ocr.cards.';

CREATE OR REPLACE FUNCTION ocr.server_state(
    OUT launcher integer, OUT workers_missing integer, OUT workers_too_large integer, OUT held_back text,
    OUT cards_without_library integer) RETURNS record
    LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_server_state';
COMMENT ON FUNCTION ocr.server_state() IS
    'Internal: the pid of the launcher, null where none runs, and how many workers of the whole server found no slot when it looked last, for how many pg_ocr.memory had no room, and why the machine''s memory or load kept it from having as many as are wanted; null: nothing did. cards_without_library: GPUs that were found where pg_ocr was built without CUDA.';

CREATE OR REPLACE FUNCTION ocr.machine(OUT memory bigint, OUT available bigint, OUT load double precision) RETURNS record
    LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_machine';
COMMENT ON FUNCTION ocr.machine() IS
    'Internal: bytes of memory that the machine has, or the container of the server where that has less; those of them to be had without swapping; and its load average of a minute. Null: not known.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_set_workers(workers integer) RETURNS void
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_set_workers';
COMMENT ON FUNCTION @extschema@.ocr_set_workers(integer) IS
'The same as ALTER SYSTEM SET pg_ocr.workers and a reload, for who can call functions only, as pg_cron does. Takes effect at once, and not only at COMMIT. For superusers, and from PostgreSQL 15 on for roles with ALTER SYSTEM on the parameter pg_ocr.workers.
workers: 0 to 1024, per database; 0 pauses reading.
Errors: 42501 where the caller may not; 22023.';

CREATE OR REPLACE FUNCTION ocr.counters(OUT name text, OUT value bigint) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL SAFE ROWS 11 AS 'MODULE_PATHNAME', 'pg_ocr_counters';
COMMENT ON FUNCTION ocr.counters() IS
    'Internal: what workers and couriers of the whole server have counted since it started; see ocr.metrics.';

CREATE OR REPLACE FUNCTION ocr.probe_programs(
    OUT program text, OUT version text, OUT held text, OUT lacking text, OUT trouble text) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 2 AS 'MODULE_PATHNAME', 'pg_ocr_probe_programs';
COMMENT ON FUNCTION ocr.probe_programs() IS
    'Internal: starts pg_ocr_engine and pg_ocr_http as children of this backend, and says what they said: their versions, the protections of their sandboxes that hold and those that are lacking, or why they cannot be used. Takes a second; 60 s where a program says nothing.';

CREATE OR REPLACE FUNCTION ocr.library_version() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_library_version';
COMMENT ON FUNCTION ocr.library_version() IS
    'The version of the library that the server has loaded; pg_extension.extversion is the version of the SQL objects.';

CREATE OR REPLACE FUNCTION ocr.read_now(
    document bytea, language text, pages text, text_layer text, password text, psm integer, dpi integer, deskew boolean)
    RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'pg_ocr_read_now';
COMMENT ON FUNCTION ocr.read_now(bytea, text, text, text, text, integer, integer, boolean) IS
    'Internal: the C part of ocr(): arguments are checked by then.';

CREATE OR REPLACE FUNCTION ocr.draw_pages(
    document bytea, password text, dpi integer, views integer[], skews real[],
    OUT page_no integer, OUT type text, OUT width integer, OUT height integer, OUT image bytea, OUT error text)
    RETURNS SETOF record
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10 AS 'MODULE_PATHNAME', 'pg_ocr_draw_pages';
COMMENT ON FUNCTION ocr.draw_pages(bytea, text, integer, integer[], real[]) IS
    'Internal: images of pages as they were read. views: of each page its page_no, width, height, dpi and rotation as in ocr.pages, one page after the other; skews: of each page. dpi: what is wanted. type: image/jpeg or image/png; error: why a page has no image.';

CREATE OR REPLACE FUNCTION ocr.try_lock(key bigint) RETURNS boolean
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_try_lock';
COMMENT ON FUNCTION ocr.try_lock(bigint) IS
    'Internal: a lock until the end of the transaction, of a kind that users cannot take; false where another session has it.';

-- Looks up the caller's rights by itself, as users call it: ocr_objects() is put into their queries.
CREATE OR REPLACE FUNCTION ocr.list_objects(server text, prefix text) RETURNS SETOF ocr.stored_object
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 10000
    SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'pg_ocr_list_objects';
COMMENT ON FUNCTION ocr.list_objects(text, text) IS 'Internal: the C part of ocr_objects(), row by row.';

CREATE OR REPLACE FUNCTION ocr.put_object(options text[], key text, content bytea, content_type text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_put_object';
COMMENT ON FUNCTION ocr.put_object(text[], text, bytea, text) IS
    'Internal: the C part of ocr_put(): names and values of a store''s options by turns, and rights that were checked.';

CREATE OR REPLACE FUNCTION ocr.fetch_object(options text[], key text) RETURNS bytea
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_fetch_object';
COMMENT ON FUNCTION ocr.fetch_object(text[], text) IS
    'Internal: the bytes of an object in a store, pg_ocr.max_document_size of them at most: names and values of the store''s options by turns, and rights that were checked. Errors as those of ocr_objects().';

CREATE OR REPLACE FUNCTION ocr.compose_pdf(document bytea, job_id bigint, password text) RETURNS bytea
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'pg_ocr_compose_pdf';
COMMENT ON FUNCTION ocr.compose_pdf(bytea, bigint, text) IS
    'Internal: the C part of ocr_pdf(): the caller may see the job, and this is its document.';

CREATE OR REPLACE FUNCTION ocr.note_attached_row() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_ocr_note_attached_row';
COMMENT ON FUNCTION ocr.note_attached_row() IS
    'Internal: the trigger of attached tables: at COMMIT, the key of the row is in ocr.attached_changes of the attachment whose id is its argument.';

CREATE OR REPLACE FUNCTION ocr.document_changed(earlier bytea, now bytea) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_document_changed';
CREATE OR REPLACE FUNCTION ocr.document_changed(earlier text, now text) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_ocr_document_changed';
COMMENT ON FUNCTION ocr.document_changed(bytea, bytea) IS
    'Internal: as IS DISTINCT FROM, but reads no large value that an UPDATE has left alone.';
COMMENT ON FUNCTION ocr.document_changed(text, text) IS
    'Internal: as IS DISTINCT FROM, but reads no large value that an UPDATE has left alone.';

CREATE OR REPLACE FUNCTION ocr.run_as(
    role oid, search_path text, statement text, arguments text[], OUT bytes bytea, OUT texts text[]) RETURNS SETOF record
    LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'pg_ocr_run_as';
COMMENT ON FUNCTION ocr.run_as(oid, text, text, text[]) IS
    'Internal: runs a statement with the arguments as $1, with the rights of a role and in a security-restricted operation, and returns its rows, which are of a bytea and a text[]. Waits 300 ms for a lock, and in a worker 30 s for the statement.';
