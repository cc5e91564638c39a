-- Attached tables: whoever owns a table says once how its documents are to be read, and where in the row the text goes.

CREATE OR REPLACE FUNCTION ocr.column_of(relation regclass, name name, types text[], what text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type text;
BEGIN
    SELECT format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) INTO type
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped;
    IF type IS NULL THEN
        RAISE EXCEPTION 'table % has no column "%"', relation, name
            USING ERRCODE = 'undefined_column', HINT = format('%s => names a column of the table.', what);
    ELSIF type <> ALL (types) THEN
        RAISE EXCEPTION 'column "%" of table % is of type %', name, relation, type
            USING ERRCODE = 'datatype_mismatch', HINT = format('For %s, give a column of type %s.', what, array_to_string(types, ' or '));
    END IF;
    RETURN type;
END
$$;
COMMENT ON FUNCTION ocr.column_of(regclass, name, text[], text) IS 'Internal: the type of a column, which is one of these; an error where it is not or there is none';

CREATE OR REPLACE FUNCTION ocr.owner_of_table(relation regclass) RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner name;
BEGIN
    IF relation IS NULL THEN
        PERFORM ocr.refuse_null('relation', 'Give the name of a table.');
    END IF;
    SELECT pg_get_userbyid(c.relowner) INTO owner FROM pg_class c WHERE c.oid = relation;
    IF owner IS NULL THEN
        RAISE EXCEPTION 'table % does not exist', relation USING ERRCODE = 'undefined_table', HINT = 'Give the name of a table of this database.';
    ELSIF NOT ocr.caller_acts_for(owner) THEN
        RAISE EXCEPTION 'must be owner of table %', relation
            USING ERRCODE = 'insufficient_privilege', HINT = format('Its documents are read, and their text is written, with the rights of %s.', owner);
    END IF;
    RETURN owner;
END
$$;
COMMENT ON FUNCTION ocr.owner_of_table(regclass) IS 'Internal: the owner of a table, whose rights the caller has, or an error';

CREATE OR REPLACE FUNCTION ocr.attachment_of(relation regclass, document name) RETURNS ocr.attachments
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    owner CONSTANT name := ocr.owner_of_table(relation);
    several ocr.attachments[];
BEGIN
    several := ARRAY(SELECT a FROM ocr.attachments a
                     WHERE a.relation = relation AND (document IS NULL OR a.document_column = document)
                     ORDER BY a.document_column FOR NO KEY UPDATE);
    IF cardinality(several) = 0 THEN
        RAISE EXCEPTION 'table %', relation || CASE WHEN document IS NULL THEN ' is not attached' ELSE format(', column %I, is not attached', document) END
            USING ERRCODE = 'undefined_object', HINT = 'ocr.attached lists the tables that are.';
    ELSIF cardinality(several) > 1 THEN
        RAISE EXCEPTION 'table % is attached with several columns', relation
            USING ERRCODE = 'ambiguous_column',
                  HINT = format('Say which: document => %s.', (SELECT string_agg(quote_literal(a.document_column), ' or ') FROM unnest(several) AS a));
    END IF;
    RETURN several[1];
END
$$;
COMMENT ON FUNCTION ocr.attachment_of(regclass, name) IS 'Internal: how a table of the caller''s is attached, locked; document: null where it is attached once';

CREATE OR REPLACE FUNCTION ocr.trigger_of(document name, event text) RETURNS name
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('ocr_%s_%s', event, left(document, 50))::name $$;
COMMENT ON FUNCTION ocr.trigger_of(name, text) IS 'Internal: the name of the trigger that notes new documents in a column';

CREATE OR REPLACE FUNCTION ocr.make_triggers(attachment ocr.attachments, on_replica boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    as_stored CONSTANT text := CASE attachment.kind WHEN 'bytes' THEN '::bytea' WHEN 'uri' THEN '::text' ELSE '' END;
    key CONSTANT name[] := (ocr.key_of_relation(attachment.relation)).columns;
    event text;
BEGIN
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s FOR EACH ROW WHEN (NEW.%I IS NOT NULL%s) EXECUTE FUNCTION ocr.note_attached_row(%L)',
                   ocr.trigger_of(attachment.document_column, 'insert'), attachment.relation, attachment.document_column,
                   CASE WHEN attachment.text_column IS NOT NULL THEN format(' AND nullif(NEW.%I::text, '''') IS NULL', attachment.text_column) END, attachment.id);
    -- record_image_ne() compares bytes, by no function of anybody's.
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s FOR EACH ROW WHEN (%s AND %s OR NEW.%I IS NOT NULL%s AND %s) EXECUTE FUNCTION ocr.note_attached_row(%L)',
                   ocr.trigger_of(attachment.document_column, 'update'), attachment.relation,
                   CASE attachment.kind WHEN 'large object' THEN format('OLD.%1$I::oid IS DISTINCT FROM NEW.%1$I::oid', attachment.document_column)
                        ELSE format('ocr.document_changed(OLD.%1$I%2$s, NEW.%1$I%2$s)', attachment.document_column, as_stored) END,
                   CASE WHEN attachment.text_column IS NULL THEN 'true'
                        ELSE format('(nullif(NEW.%1$I::text, '''') IS NULL OR NOT ocr.document_changed(OLD.%1$I::text, NEW.%1$I::text))', attachment.text_column) END,
                   attachment.document_column,
                   CASE WHEN attachment.text_column IS NOT NULL THEN format(' AND nullif(NEW.%I::text, '''') IS NULL', attachment.text_column) END,
                   (SELECT format('pg_catalog.record_image_ne(ROW(%s), ROW(%s))', string_agg(format('OLD.%I', k), ', '), string_agg(format('NEW.%I', k), ', '))
                    FROM unnest(key) AS k),
                   attachment.id);
    IF on_replica THEN
        FOREACH event IN ARRAY '{insert,update}'::text[] LOOP
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', attachment.relation, ocr.trigger_of(attachment.document_column, event));
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.make_triggers(ocr.attachments, boolean) IS
'Internal: the triggers of an attached table: on rows that come with a document and without a text, and on those whose document changes, unless their text does, too, or whose key changes while they have no text';

CREATE OR REPLACE FUNCTION @extschema@.ocr_attach(
    relation regclass,
    document name,
    text name = NULL,
    confidence name = NULL,
    verdict name = NULL,
    layout name = NULL,
    status name = NULL,
    job name = NULL,
    language text = 'eng',
    tier text = 'balanced',
    priority int = 0,
    pages text = NULL,
    text_layer text = 'auto',
    webhook text = NULL,
    metadata jsonb = '{}',
    options jsonb = '{}',
    backfill boolean = true,
    on_replica boolean = false
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    owner CONSTANT name := ocr.owner_of_table(relation);
    how CONSTANT ocr.submission := ROW(language, tier, priority, NULL, NULL, pages, text_layer, NULL, webhook, metadata, options, false, now());
    attachment ocr.attachments;
    type text;
    obliged name;
    class pg_class;
BEGIN
    IF document IS NULL THEN
        PERFORM ocr.refuse_null('document', 'Name the column that has the documents, or their URIs.');
    ELSIF backfill IS NULL OR on_replica IS NULL THEN
        PERFORM ocr.refuse_null(CASE WHEN backfill IS NULL THEN 'backfill' ELSE 'on_replica' END, 'Leave it out for the default.');
    ELSIF coalesce(text, confidence, verdict, layout, status, job) IS NULL THEN
        RAISE EXCEPTION 'nothing is to be written to the rows'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name a column for the text, as in text => ''scan_text'', or for the job''s id, as in job => ''scan_job''.';
    END IF;
    SELECT c.* INTO class FROM pg_class c WHERE c.oid = relation;
    IF class.relkind NOT IN ('r', 'p') OR class.relpersistence = 't' OR class.relnamespace IN ('pg_catalog'::regnamespace, 'ocr'::regnamespace) THEN
        RAISE EXCEPTION '% cannot be attached', relation
            USING ERRCODE = 'wrong_object_type', HINT = 'Attach an ordinary or a partitioned table that other sessions see, not a view, a foreign or a temporary table.';
    ELSIF class.relispartition THEN
        RAISE EXCEPTION 'table % is a partition', relation
            USING ERRCODE = 'wrong_object_type', HINT = 'Attach the partitioned table: that holds for all its partitions.';
    ELSIF (ocr.key_of_relation(relation)).columns IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key', relation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('A text comes back to its row by the key: ALTER TABLE %s ADD PRIMARY KEY (…), or REPLICA IDENTITY USING INDEX ….', relation);
    END IF;
    PERFORM ocr.check_submission(how, owner);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', relation);
    type := ocr.column_of(relation, document, '{bytea,text,"character varying",oid}', 'document');
    PERFORM ocr.column_of(relation, c.name, c.types::text[], c.what)
    FROM (VALUES (text, '{text,"character varying",character}', 'text'), (confidence, '{real,"double precision",numeric}', 'confidence'),
                 (verdict, '{text,"character varying",character}', 'verdict'), (layout, '{jsonb,json}', 'layout'),
                 (status, '{text,"character varying",character}', 'status'), (job, '{bigint,numeric}', 'job')) AS c (name, types, what)
    WHERE c.name IS NOT NULL;
    -- A row whose document cannot be read gets null there.
    SELECT a.attname INTO obliged FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attnotnull AND a.attname IN (confidence, verdict, layout, status) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of table % is NOT NULL', obliged, relation
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'A document that cannot be read has none of these: let the column be null.';
    END IF;
    IF (SELECT count(*) <> count(DISTINCT c) FROM unnest(ARRAY[document, text, confidence, verdict, layout, status, job]) AS c WHERE c IS NOT NULL) THEN
        RAISE EXCEPTION 'a column is named twice' USING ERRCODE = 'invalid_parameter_value', HINT = 'Give each its own.';
    END IF;

    DELETE FROM ocr.attachments a WHERE NOT ocr.is_there(a.relation);
    INSERT INTO ocr.attachments (owner, relation, document_column, kind, text_column, confidence_column, verdict_column,
                                 layout_column, status_column, job_column, how, batch)
    VALUES (owner, relation, document, CASE type WHEN 'bytea' THEN 'bytes' WHEN 'oid' THEN 'large object' ELSE 'uri' END,
            text, confidence, verdict, layout, status, job, how, left(format('backfill of %s.%s', relation, quote_ident(document)), 200))
    ON CONFLICT DO NOTHING
    RETURNING * INTO attachment;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table %, column %, is attached already', relation, document
            USING ERRCODE = 'duplicate_object', HINT = 'Call ocr_detach() first to have it read otherwise.';
    END IF;
    -- Whatever its rows cannot take is an error now: a type, a generated column, a right that the owner does not have.
    PERFORM ocr.run_for_attachment(attachment, ocr.row_update(attachment, 'false'), array_fill(NULL::text, ARRAY[6]));
    PERFORM ocr.make_triggers(attachment, on_replica);
    IF backfill THEN
        PERFORM ocr.begin_backfill(attachment);
    END IF;
    RETURN attachment.id;
END
$$;

COMMENT ON FUNCTION @extschema@.ocr_attach(regclass, name, name, name, name, name, name, name, text, text, int, text, text, text, jsonb, jsonb, boolean, boolean) IS
'From COMMIT on, the documents in a column of a table are read by themselves: of each row that comes with one and without a text, and of each row whose document changes. What is read is written to the row, by the rights of the table''s owner, unless the row has another document or text by then. Returns the id of the attachment; ocr.attached shows how far it is. The jobs are the table owner''s; their metadata have the table and the row''s key.
relation: a table with a primary key, or with a replica identity by an index; of a partitioned table, all partitions.
document: the column with the documents: bytea, or text with URIs as ocr_submit() takes them, or oid with large objects. What is in the store or the large object is taken for the same as long as the column is.
text, confidence, verdict, layout, status, job: columns that get the text as ocr_text() has it, the confidence (0 to 100), the verdict, the layouts of its pages (an array, as layout of ocr.pages), completed or failed, and the id of the job; null: nowhere. At least one. Where the document cannot be read, the first four are null.
language, tier, priority, pages, text_layer, webhook, metadata, options: as for ocr_submit().
backfill: read the rows that are there already and have a document and no text, too; see ocr_backfill().
on_replica: also what logical replication brings to this table, whose text is then written here.
Errors: 42501 where the caller does not have the rights of the table''s owner; 42809 where it is no table, 42703 and 42804 where a column is not there or of another type, 55000 where it has no key, 42710 where the column is attached already; and those of ocr_submit().';

CREATE OR REPLACE FUNCTION ocr.begin_backfill(attachment ocr.attachments) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO ocr.batches AS b (owner, name, description)
    VALUES (attachment.owner, attachment.batch, format('Documents that table %s had before', attachment.relation))
    ON CONFLICT ON CONSTRAINT batches_pkey DO UPDATE SET finished_at = NULL;
    UPDATE ocr.attachments a SET backfill_after = NULL, backfill_at = now(), trouble = NULL WHERE a.id = attachment.id;
    PERFORM ocr.wake_workers();
END
$$;
COMMENT ON FUNCTION ocr.begin_backfill(ocr.attachments) IS 'Internal: all rows of an attached table are looked through for documents without a text';

CREATE OR REPLACE FUNCTION @extschema@.ocr_backfill(relation regclass, document name = NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    attachment CONSTANT ocr.attachments := ocr.attachment_of(relation, document);
BEGIN
    PERFORM ocr.begin_backfill(attachment);
    RETURN attachment.batch;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_backfill(regclass, name) IS
'Has the rows of an attached table that have a document and no text read, in the order of their keys; ocr_attach() does so by itself. Needed after rows came without its triggers: with a partition that was attached, or by pg_restore --disable-triggers. Returns the name of their batch, which ocr_pause(), ocr_resume() and ocr.progress take. Its jobs are made while it goes on, some hundred at a time.
document: its column with the documents; null where only one is attached.
Errors: 42501 where the caller does not have the rights of the table''s owner; 42704 where the table is not attached; 42702 where several columns are.';

CREATE OR REPLACE FUNCTION @extschema@.ocr_detach(relation regclass, document name = NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_variable
DECLARE
    attachment ocr.attachments;
    event text;
    job_id bigint;
    cancelled bigint := 0;
BEGIN
    PERFORM ocr.owner_of_table(relation);
    -- The table before anything of ours: workers that have the table want to lock that next.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation);
    attachment := ocr.attachment_of(relation, document);
    FOREACH event IN ARRAY '{insert,update}'::text[] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', ocr.trigger_of(attachment.document_column, event), attachment.relation);
    END LOOP;
    DELETE FROM ocr.attachments a WHERE a.id = attachment.id;
    DELETE FROM ocr.attached_changes c WHERE c.attachment = (attachment).id;
    FOR job_id IN
        SELECT j.id FROM ocr.jobs j WHERE j.attachment = (attachment).id AND j.finished_at IS NULL ORDER BY j.id FOR NO KEY UPDATE
    LOOP
        PERFORM ocr.finish_job(job_id, 'cancelled', NULL, 'its table was detached');
        PERFORM ocr.interrupt_job(job_id);
        cancelled := cancelled + 1;
    END LOOP;
    RETURN cancelled;
END
$$;
COMMENT ON FUNCTION @extschema@.ocr_detach(regclass, name) IS
'From COMMIT on, new documents of a table are not read any more. Its pending and running jobs are cancelled; returns how many. What was written to rows stays, as do the jobs that have ended.
document: its column with the documents; null where only one is attached.
Errors: 42501 where the caller does not have the rights of the table''s owner; 42704 where the table is not attached; 42702 where several columns are.';
