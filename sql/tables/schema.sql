CREATE SCHEMA ocr;
COMMENT ON SCHEMA ocr IS 'pg_ocr: the jobs, pages and documents that the ocr_… functions write, and the queue that its workers read';
