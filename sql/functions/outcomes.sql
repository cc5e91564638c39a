-- How many jobs of a batch have ended, and how: kept as jobs end, so that ocr.progress and the end of a batch need not count
-- all that it ever had. Many workers end jobs of one batch at once, and none waits for another: each adds a row of its own,
-- and ocr.fold_outcomes() makes one of many now and then. The sum of a batch's rows is right at any time.

-- No SET, so that it is inlined; what calls it has a search_path of its own.
CREATE OR REPLACE FUNCTION ocr.outcome_of(job ocr.jobs, times int) RETURNS SETOF ocr.outcomes
LANGUAGE sql IMMUTABLE ROWS 1
BEGIN ATOMIC
    SELECT job.owner, job.batch, false,
           times * (job.status = 'completed')::int::bigint, times * (job.status = 'failed')::int::bigint,
           times * (job.status = 'cancelled')::int::bigint,
           times * coalesce((job.verdict = 'approved')::int, 0)::bigint, times * coalesce((job.verdict = 'review')::int, 0)::bigint,
           times * coalesce((job.verdict = 'rejected')::int, 0)::bigint,
           times * (job.pages_total IS NOT NULL)::int::bigint, times * coalesce(job.pages_total, 0)::bigint,
           times * job.pages_done::bigint, times * job.pages_failed::bigint,
           times * (job.confidence IS NOT NULL)::int::bigint, times * coalesce(job.confidence, 0)::float8,
           job.submitted_at, job.started_at, job.finished_at
    WHERE job.finished_at IS NOT NULL;
END;
COMMENT ON FUNCTION ocr.outcome_of(ocr.jobs, int) IS 'Internal: what a job adds to ocr.outcomes, so many times: 1, or -1 to take it away again; no row of a job that has not ended';

CREATE OR REPLACE FUNCTION ocr.count_outcome() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO ocr.outcomes SELECT * FROM ocr.outcome_of(OLD, -1);
    END IF;
    INSERT INTO ocr.outcomes SELECT * FROM ocr.outcome_of(NEW, 1);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.count_outcome() IS 'Internal: notes down a job that has ended, or has changed since';

CREATE OR REPLACE FUNCTION ocr.discount_deleted_jobs() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ocr.outcomes SELECT t.* FROM gone, ocr.outcome_of(gone, -1) AS t;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.discount_deleted_jobs() IS 'Internal: takes jobs that are deleted off what has ended';

CREATE OR REPLACE FUNCTION ocr.discount_all_jobs() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    TRUNCATE ocr.outcomes;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.discount_all_jobs() IS 'Internal: TRUNCATE of the jobs leaves none that has ended';

CREATE OR REPLACE TRIGGER count_inserted_job AFTER INSERT ON ocr.jobs
    FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION ocr.count_outcome();
CREATE OR REPLACE TRIGGER count_changed_job AFTER UPDATE ON ocr.jobs
    FOR EACH ROW
    WHEN ((OLD.finished_at IS NOT NULL OR NEW.finished_at IS NOT NULL)
          AND (OLD.owner, OLD.batch, OLD.status, OLD.verdict, OLD.confidence, OLD.pages_total, OLD.pages_done, OLD.pages_failed, OLD.finished_at)
              IS DISTINCT FROM
              (NEW.owner, NEW.batch, NEW.status, NEW.verdict, NEW.confidence, NEW.pages_total, NEW.pages_done, NEW.pages_failed, NEW.finished_at))
    EXECUTE FUNCTION ocr.count_outcome();
CREATE OR REPLACE TRIGGER discount_deleted_jobs AFTER DELETE ON ocr.jobs
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION ocr.discount_deleted_jobs();
CREATE OR REPLACE TRIGGER discount_all_jobs AFTER TRUNCATE ON ocr.jobs
    FOR EACH STATEMENT EXECUTE FUNCTION ocr.discount_all_jobs();

CREATE OR REPLACE FUNCTION ocr.fold_outcomes() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    at_once CONSTANT int := 10000;
BEGIN
    IF NOT EXISTS (SELECT FROM ocr.outcomes t WHERE NOT t.folded) THEN
        RETURN;
    END IF;
    WITH new AS (
        SELECT t.ctid, t.owner, t.batch FROM ocr.outcomes t WHERE NOT t.folded LIMIT at_once FOR UPDATE SKIP LOCKED
    ), old AS (
        SELECT t.ctid FROM ocr.outcomes t
        WHERE t.folded AND EXISTS (SELECT FROM new n WHERE n.owner = t.owner AND n.batch IS NOT DISTINCT FROM t.batch)
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM ocr.outcomes t
        WHERE t.ctid = ANY (ARRAY(SELECT n.ctid FROM new n UNION ALL SELECT o.ctid FROM old o))
        RETURNING t.*
    )
    INSERT INTO ocr.outcomes
    SELECT g.owner, g.batch, true, sum(g.completed), sum(g.failed), sum(g.cancelled), sum(g.approved), sum(g.review), sum(g.rejected),
           sum(g.opened), sum(g.pages_total), sum(g.pages_done), sum(g.pages_failed), sum(g.rated), sum(g.confidence),
           min(g.submitted_at), min(g.started_at), max(g.finished_at)
    FROM gone g GROUP BY g.owner, g.batch
    HAVING sum(g.completed + g.failed + g.cancelled) <> 0;
END
$$;
COMMENT ON FUNCTION ocr.fold_outcomes() IS 'Internal: makes one row of ocr.outcomes per batch of the first ten thousand that are not yet, and waits for nobody';

CREATE OR REPLACE FUNCTION ocr.recount_jobs() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    LOCK TABLE ocr.jobs, ocr.outcomes IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM ocr.outcomes;
    INSERT INTO ocr.outcomes
    SELECT t.owner, t.batch, true, sum(t.completed), sum(t.failed), sum(t.cancelled), sum(t.approved), sum(t.review), sum(t.rejected),
           sum(t.opened), sum(t.pages_total), sum(t.pages_done), sum(t.pages_failed), sum(t.rated), sum(t.confidence),
           min(t.submitted_at), min(t.started_at), max(t.finished_at)
    FROM ocr.jobs j, ocr.outcome_of(j, 1) AS t GROUP BY t.owner, t.batch;
END
$$;
COMMENT ON FUNCTION ocr.recount_jobs() IS
'Internal: counts all jobs that have ended anew, where they came in without triggers, as by pg_restore --disable-triggers. Keeps jobs from being submitted and read meanwhile';

-- Jobs of before version 0.2.0.
SELECT ocr.recount_jobs() WHERE NOT EXISTS (SELECT FROM ocr.outcomes) AND EXISTS (SELECT FROM ocr.jobs);
