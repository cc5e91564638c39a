CREATE OR REPLACE FUNCTION @extschema@.ocr_pdf(job_id bigint, document bytea = NULL, password text = NULL) RETURNS bytea
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    job CONSTANT ocr.jobs := ocr.visible_job(job_id);
BEGIN
    IF document IS NOT NULL THEN
        PERFORM ocr.check_document(document);
    END IF;
    IF job.tier = 'fast' THEN
        RAISE EXCEPTION 'job % was read in tier fast, which keeps no boxes', job_id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'A searchable PDF needs them: submit the document with tier => ''balanced''.';
    END IF;
    IF NOT EXISTS (SELECT FROM ocr.pages p WHERE p.job_id = job.id) THEN
        RETURN NULL;
    END IF;
    RETURN ocr.compose_pdf(ocr.document_of_job(job, document), job.id, password);
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_pdf(bigint, bytea, text) IS
'The document as a searchable PDF: its own pages as they are, and on those that were read by OCR the words, invisible and in place, to be searched, selected and copied. Pages with a text layer of their own, pages that were skipped or failed, and pages that were not asked for are there as they were. Of an image, a PDF with one page for each of its pages.
Where a person has corrected a page, see ocr_review(), the corrected words, in the places of those that they stand for.
document: the bytes that were submitted; by default those that were kept, else they are fetched from the store that they were read from, with the caller''s rights.
password: of an encrypted PDF, which stays encrypted as it was.
Null before the first page is done.
Errors: 42704 where there is no such job, or it is not the caller''s to see. 55000 for a job of tier fast, which keeps no boxes; where the document was not kept; where it has changed in its store. 22023 for another document. 28P01 for a password that is missing or wrong, 22P03 for a document that is damaged, 54000 beyond 1 GB; with the code of ocr.error_codes in DETAIL. As those of ocr_objects() for the store.';
