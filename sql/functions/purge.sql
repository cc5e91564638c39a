-- Retention: what is deleted after a while, and what must not be.

CREATE OR REPLACE FUNCTION ocr.is_on_hold(job ocr.jobs) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN job.legal_hold OR job.batch IS NOT NULL AND EXISTS (
        SELECT FROM ocr.batches b WHERE b.owner = job.owner AND b.name = job.batch AND b.legal_hold);
END
$$;
COMMENT ON FUNCTION ocr.is_on_hold(ocr.jobs) IS 'Internal: whether a job must not be deleted, by itself or by its batch';

CREATE OR REPLACE FUNCTION ocr.refuse_to_delete_held_job() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What was never begun has nothing to hold but by itself; ocr_ingest() takes back what another session has submitted.
    IF OLD.legal_hold OR OLD.started_at IS NOT NULL AND ocr.is_on_hold(OLD) THEN
        RAISE EXCEPTION 'job % is on legal hold', OLD.id
            USING ERRCODE = 'object_in_use',
                  HINT = CASE WHEN OLD.legal_hold THEN format('SELECT ocr_hold(%s, false) ends it.', OLD.id)
                              ELSE format('SELECT ocr_hold(%L, false) ends that of its batch.', OLD.batch) END;
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION ocr.refuse_to_delete_held_job() IS 'Internal: keeps a job that is on legal hold from being deleted, by whomever';

CREATE OR REPLACE TRIGGER refuse_to_delete_held_job BEFORE DELETE ON ocr.jobs
    FOR EACH ROW EXECUTE FUNCTION ocr.refuse_to_delete_held_job();

CREATE OR REPLACE FUNCTION @extschema@.ocr_hold(job_id bigint, hold boolean = true) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    PERFORM ocr.visible_job(job_id);
    IF hold IS NULL THEN
        PERFORM ocr.refuse_null('hold', 'Give true or false.');
    END IF;
    UPDATE ocr.jobs j SET legal_hold = hold WHERE j.id = ocr_hold.job_id AND j.legal_hold <> hold;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_hold(bigint, boolean) IS
'Puts a job on legal hold: neither ocr_purge() nor a DELETE takes it, and a document that is stored by then stays stored. With hold => false, ends that. Returns false, and changes nothing, where it is so already.
Errors: 42704 where there is no such job, or it is not the caller''s to see.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_hold(batch text, hold boolean = true) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    own CONSTANT ocr.batches := ocr.batch_of_caller(batch);
BEGIN
    IF hold IS NULL THEN
        PERFORM ocr.refuse_null('hold', 'Give true or false.');
    END IF;
    UPDATE ocr.batches b SET legal_hold = hold WHERE b.owner = own.owner AND b.name = own.name AND b.legal_hold <> hold;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_hold(text, boolean) IS
'Puts all jobs of a batch on legal hold, also those that are submitted to it later, as ocr_hold(bigint) does with one. With hold => false, ends that.
batch: the name of one of the caller''s own.
Errors: 42704 where there is no such batch; 22004.';

CREATE OR REPLACE FUNCTION ocr.purge_jobs(
    older_than interval, batch text, owner name, everyone boolean,
    INOUT until timestamptz, INOUT after timestamptz, INOUT after_id bigint, INOUT purged bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_variable
DECLARE
    at_once CONSTANT int := 1000;
    caller CONSTANT name := ocr.caller();
    whose CONSTANT name := coalesce(owner, caller);
    seen bigint[];
    gone bigint;
BEGIN
    IF older_than IS NULL AND batch IS NULL THEN
        RAISE EXCEPTION 'ocr_purge() needs to know what to delete'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Give older_than, as in ''90 days'', a batch, or both; older_than => ''0'' is all that has ended.';
    ELSIF older_than < '0' THEN
        RAISE EXCEPTION 'older_than must not be negative'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give how long ago a job must have ended, as in ''90 days''.';
    ELSIF everyone IS NULL THEN
        PERFORM ocr.refuse_null('everyone', 'Leave it out for your own jobs.');
    ELSIF everyone AND owner IS NOT NULL THEN
        RAISE EXCEPTION 'owner and everyone exclude each other' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave one of them out.';
    ELSIF NOT ocr.caller_acts_for(whose) THEN
        RAISE EXCEPTION 'role "%" is not yours to delete jobs of', whose
            USING ERRCODE = 'insufficient_privilege', HINT = 'Give a role that you are a member of, or leave owner out for your own jobs.';
    END IF;
    until := coalesce(until, now() - coalesce(older_than, '0'));  -- what ends meanwhile is the next one's
    -- From the last one on, so that what was deleted before is not walked over again.
    IF batch IS NULL THEN
        seen := ARRAY(SELECT j.id FROM ocr.jobs j
                      WHERE j.finished_at <= until AND (j.finished_at, j.id) > (coalesce(after, '-infinity'), coalesce(after_id, 0))
                      ORDER BY j.finished_at, j.id LIMIT at_once);
    ELSE
        seen := ARRAY(SELECT j.id FROM ocr.jobs j
                      WHERE j.id > coalesce(after_id, 0) AND j.batch = batch AND (j.owner = whose OR everyone)
                      ORDER BY j.id LIMIT at_once);
    END IF;
    after_id := seen[cardinality(seen)];
    after := (SELECT j.finished_at FROM ocr.jobs j WHERE j.id = after_id);
    WITH ended AS (
        SELECT j.id FROM ocr.jobs j
        WHERE j.id = ANY (seen) AND j.finished_at <= until AND (j.batch = batch OR batch IS NULL)
          AND CASE WHEN everyone THEN ocr.caller_acts_for(j.owner) ELSE j.owner = whose END AND NOT ocr.is_on_hold(j)
        FOR UPDATE SKIP LOCKED)
    DELETE FROM ocr.jobs j USING ended e WHERE j.id = e.id;
    GET DIAGNOSTICS gone = ROW_COUNT;
    purged := purged + gone;
END
$$;
COMMENT ON FUNCTION ocr.purge_jobs(interval, text, name, boolean, timestamptz, timestamptz, bigint, bigint) IS
'Internal: of the next thousand jobs, deletes those that ocr_purge() is to. until: when they must have ended, null at first. after, after_id: the end and the number of the last of the thousand, null at first; after_id is null where there is none any more. purged: how many so far';

-- Neither SECURITY DEFINER nor SET, which would keep it from committing; so its body uses no operator of the caller's.
CREATE OR REPLACE PROCEDURE @extschema@.ocr_purge(
    older_than interval = NULL,
    batch text = NULL,
    owner name = NULL,
    everyone boolean = false,
    INOUT purged bigint = 0
)
LANGUAGE plpgsql
AS $$
DECLARE
    until pg_catalog.timestamptz;
    after pg_catalog.timestamptz;
    after_id pg_catalog.int8;
BEGIN
    purged := 0;
    LOOP
        SELECT p.until, p.after, p.after_id, p.purged INTO until, after, after_id, purged
        FROM ocr.purge_jobs(ocr_purge.older_than, ocr_purge.batch, ocr_purge.owner, ocr_purge.everyone, until, after, after_id, purged) AS p;
        COMMIT;
        EXIT WHEN after_id IS NULL;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE @extschema@.ocr_purge(interval, text, name, boolean, bigint) IS
'Deletes jobs that have ended, with their pages, reviews, failures and deliveries, and documents that were kept for them. A thousand at a time, each with a COMMIT, so that nobody waits for it and it can be stopped at any time: CALL it outside of a transaction block. Jobs that are on legal hold stay, see ocr_hold(), and so does what another session has a lock on.
older_than: how long ago they must have ended.
batch: only those of this batch. One of the two is to be given.
owner: whose; a role that the caller is a member of. NULL: the caller''s own.
everyone: those of all roles that the caller is a member of; of a superuser, all.
purged: returns how many were deleted.
Errors: 22004 where it is not said what to delete; 22023; 42501 where another role''s are not the caller''s to delete; 2D000 within a transaction block.';
