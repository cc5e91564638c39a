-- What people decided. A row refers to the job and not to the page, whose deletion shall not take the decision along.
CREATE TABLE ocr.reviews (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id         bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE,
    page_no        int NOT NULL CHECK (page_no > 0),
    reviewer       name NOT NULL,
    reviewed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision       text NOT NULL CHECK (decision IN ('approved', 'rejected')),
    verdict_before text CHECK (verdict_before IN ('approved', 'review', 'rejected')),
    confidence     real CHECK (confidence BETWEEN 0 AND 100),
    corrected_text text
);
CREATE INDEX reviews_page ON ocr.reviews (job_id, page_no);
COMMENT ON TABLE ocr.reviews IS 'Every decision that ocr_review() recorded, also those that a later one of the same page replaced';
COMMENT ON COLUMN ocr.reviews.id IS 'What ocr_review() returned as review_id';
COMMENT ON COLUMN ocr.reviews.job_id IS 'The job';
COMMENT ON COLUMN ocr.reviews.page_no IS 'The page, counted from 1 in the document';
COMMENT ON COLUMN ocr.reviews.reviewer IS 'The role that decided: the one of SET ROLE, else the one that logged in';
COMMENT ON COLUMN ocr.reviews.reviewed_at IS 'When';
COMMENT ON COLUMN ocr.reviews.decision IS 'approved or rejected, which is the page''s verdict from then on';
COMMENT ON COLUMN ocr.reviews.verdict_before IS 'The page''s verdict until then: in its first review, the machine''s';
COMMENT ON COLUMN ocr.reviews.confidence IS 'What the machine gave the page, 0 to 100; null where it read no word';
COMMENT ON COLUMN ocr.reviews.corrected_text IS 'The text that this review gave the page; null where it left the text as it was';
