ALTER TABLE ocr.jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.pages ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.ingested ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.jobs FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.documents FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.batches FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.ingested FOR SELECT USING (owner = ANY (ocr.visible_owners()));
ALTER TABLE ocr.attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.attached_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.pages FOR SELECT
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = pages.job_id AND j.owner = ANY (ocr.visible_owners())));
CREATE POLICY owner_sees ON ocr.failures FOR SELECT
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = failures.job_id AND j.owner = ANY (ocr.visible_owners())));
CREATE POLICY owner_sees ON ocr.reviews FOR SELECT
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = reviews.job_id AND j.owner = ANY (ocr.visible_owners())));
CREATE POLICY owner_sees ON ocr.attachments FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.attached_rows FOR SELECT
    USING (EXISTS (SELECT FROM ocr.jobs j WHERE j.id = attached_rows.job_id AND j.owner = ANY (ocr.visible_owners())));
GRANT USAGE ON SCHEMA ocr TO PUBLIC;
GRANT SELECT ON ocr.jobs, ocr.pages, ocr.reviews, ocr.failures, ocr.documents, ocr.batches, ocr.ingested, ocr.error_codes, ocr.attachments, ocr.attached_rows TO PUBLIC;

-- Without a policy nobody but superusers sees a row, not even a member of pg_read_all_data.
ALTER TABLE ocr.tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.passwords ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.fingerprints ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.released_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.attached_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.ending_batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.outcomes ENABLE ROW LEVEL SECURITY;

-- The outbox, and what came of it.
ALTER TABLE ocr.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE ocr.delivery_attempts ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.deliveries FOR SELECT USING (owner = ANY (ocr.visible_owners()));
CREATE POLICY owner_sees ON ocr.delivery_attempts FOR SELECT
    USING (EXISTS (SELECT FROM ocr.deliveries d WHERE d.id = delivery_attempts.delivery_id AND d.owner = ANY (ocr.visible_owners())));
GRANT SELECT ON ocr.deliveries, ocr.delivery_attempts TO PUBLIC;

ALTER TABLE ocr.schedule_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_sees ON ocr.schedule_runs FOR SELECT USING (owner = ANY (ocr.visible_owners()));
GRANT SELECT ON ocr.schedule_runs TO PUBLIC;
