-- pg_dump leaves the rows of an extension's tables out unless they are marked. Passwords are left out on purpose: after a
-- restore, a job that needs one fails with document_encrypted and can be retried with it.
SELECT pg_catalog.pg_extension_config_dump('ocr.documents', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.documents_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.released_documents', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.jobs', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.jobs_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.batches', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.ending_batches', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.pages', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.reviews', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.reviews_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.fingerprints', '');
-- A table that has been dropped has a number for a name, which is another one's elsewhere.
SELECT pg_catalog.pg_extension_config_dump('ocr.attachments', 'WHERE relation IN (SELECT oid FROM pg_catalog.pg_class)');
SELECT pg_catalog.pg_extension_config_dump('ocr.attachments_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.attached_changes', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.attached_changes_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.attached_rows', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.failures', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.tasks', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.tasks_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.fences', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.ingested', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.deliveries', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.deliveries_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ocr.delivery_attempts', '');
