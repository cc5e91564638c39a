CREATE TABLE ocr.failures (
    job_id     bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE,
    failed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt    int NOT NULL,
    page_no    int,
    error_code text NOT NULL,
    error      text NOT NULL
);
-- Has no key, and yet its rows can be deleted while it is published, as by FOR ALL TABLES.
ALTER TABLE ocr.failures REPLICA IDENTITY FULL;
CREATE INDEX failures_failed_at ON ocr.failures USING brin (failed_at) WITH (autosummarize = on);
CREATE INDEX failures_job ON ocr.failures (job_id);
COMMENT ON TABLE ocr.failures IS 'Every attempt that failed, also of jobs that were read in the end';
COMMENT ON COLUMN ocr.failures.job_id IS 'The job';
COMMENT ON COLUMN ocr.failures.failed_at IS 'When the attempt ended';
COMMENT ON COLUMN ocr.failures.attempt IS 'Which one it was at these pages, from 1; counted anew after a page was given up and by ocr_retry()';
COMMENT ON COLUMN ocr.failures.page_no IS 'The page it failed on; null where it was no page''s fault';
COMMENT ON COLUMN ocr.failures.error_code IS 'Why, a row of ocr.error_codes';
COMMENT ON COLUMN ocr.failures.error IS 'The same, in words';
