-- What workers do for attached tables: jobs for rows with new documents, the documents of rows, and the text into rows.
-- Whatever is done to such a table is done by ocr.run_as() with the rights of its owner, as it may run the owner's functions.

CREATE OR REPLACE FUNCTION ocr.key_of_relation(relation regclass, OUT columns name[], OUT types text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT array_agg(a.attname ORDER BY k.number), array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY k.number)
    FROM (SELECT i.indrelid, i.indkey, i.indnkeyatts FROM pg_index i
          WHERE i.indrelid = relation AND (i.indisprimary OR i.indisreplident) AND i.indisvalid
          ORDER BY i.indisprimary DESC LIMIT 1) AS i,
         unnest(i.indkey) WITH ORDINALITY AS k (attribute, number) JOIN pg_attribute a ON a.attnum = k.attribute
    WHERE a.attrelid = i.indrelid AND k.number <= i.indnkeyatts
$$;
COMMENT ON FUNCTION ocr.key_of_relation(regclass) IS
'Internal: the columns of a table''s primary key, or of the index that is its replica identity, in the index'' order, and their types; null where it has neither';

CREATE OR REPLACE FUNCTION ocr.is_there(relation regclass) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM pg_class c WHERE c.oid = relation) $$;
COMMENT ON FUNCTION ocr.is_there(regclass) IS 'Internal: whether an attached table has not been dropped';

-- The functions of a table's owner look for what they use where the owner's sessions do.
CREATE OR REPLACE FUNCTION ocr.search_path_of(role oid) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT coalesce((SELECT substr(setting, length('search_path=') + 1)
                     FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
                     WHERE s.setrole IN (0, role) AND setting LIKE 'search_path=%'
                       AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
                     ORDER BY s.setrole = role DESC, s.setdatabase <> 0 DESC LIMIT 1),
                    '"$user", public')
$$;
COMMENT ON FUNCTION ocr.search_path_of(oid) IS 'Internal: where sessions of a role look for names in this database by default';

CREATE OR REPLACE FUNCTION ocr.run_for_attachment(
    attachment ocr.attachments, statement text, arguments text[], OUT bytes bytea, OUT texts text[]) RETURNS SETOF record
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    role CONSTANT oid := to_regrole(quote_ident(attachment.owner));
BEGIN
    IF role IS NULL THEN
        RAISE EXCEPTION 'role "%" does not exist', attachment.owner
            USING ERRCODE = 'undefined_object', HINT = 'Attach the table again, for the owner that it has now.';
    -- A new owner's triggers must not get the rights of the old one, nor those of whoever has been given a partition.
    ELSIF EXISTS (SELECT FROM pg_class c WHERE c.oid = attachment.relation AND c.relowner <> role)
          OR EXISTS (SELECT FROM pg_partition_tree(attachment.relation) AS p JOIN pg_class c ON c.oid = p.relid
                     WHERE NOT pg_has_role(c.relowner, role, 'MEMBER')) THEN
        RAISE EXCEPTION 'table % has another owner than when it was attached', attachment.relation
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('It was %I''s then, and all of its partitions are to be.', attachment.owner),
                  HINT = 'Call ocr_detach() and ocr_attach(), or give it back.';
    END IF;
    RETURN QUERY SELECT * FROM ocr.run_as(role, ocr.search_path_of(role), statement, arguments);
END
$$;
COMMENT ON FUNCTION ocr.run_for_attachment(ocr.attachments, text, text[]) IS
'Internal: ocr.run_as() with the rights of whoever a table is attached for';

CREATE OR REPLACE FUNCTION ocr.is_key(attachment ocr.attachments, first_argument int) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key CONSTANT record := ocr.key_of_relation(attachment.relation);
BEGIN
    IF key.columns IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key any more', attachment.relation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Give it a primary key, or a replica identity by an index, again, or call ocr_detach().';
    END IF;
    RETURN (SELECT string_agg(format('t.%I = ($1)[%s]::%s', c.name, first_argument + c.number - 1, c.type), ' AND ' ORDER BY c.number)
            FROM unnest(key.columns, key.types) WITH ORDINALITY AS c (name, type, number));
END
$$;
COMMENT ON FUNCTION ocr.is_key(ocr.attachments, int) IS
'Internal: the condition that row t of an attached table has the key of the arguments from this one on';

-- A table's own rows and not those of tables that inherit from it, whose triggers are their own.
CREATE OR REPLACE FUNCTION ocr.own_rows(relation regclass) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE (SELECT c.relkind FROM pg_class c WHERE c.oid = relation) WHEN 'p' THEN '' ELSE 'ONLY ' END || relation::text $$;
COMMENT ON FUNCTION ocr.own_rows(regclass) IS 'Internal: what stands after FROM for the rows of an attached table';

CREATE OR REPLACE FUNCTION ocr.hash_of_column(name name) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN name IS NULL THEN 'NULL::text' ELSE format('pg_catalog.hashtextextended(t.%I::text COLLATE "C", 0)::text', name) END $$;
COMMENT ON FUNCTION ocr.hash_of_column(name) IS 'Internal: the expression by which it is seen whether the text in a column of row t has changed';

CREATE OR REPLACE FUNCTION ocr.row_trouble(sqlstate text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN sqlstate LIKE '40%' OR sqlstate IN ('55P03', '57014') THEN 'row_locked' ELSE 'row_refused' END $$;
COMMENT ON FUNCTION ocr.row_trouble(text) IS 'Internal: the error code for an error that a statement on an attached table has raised; a time-out, a lock and a deadlock may pass';

CREATE OR REPLACE FUNCTION ocr.read_row(task_id bigint, fence bigint, OUT uri text, OUT bytes bytea)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    most CONSTANT bigint := pg_size_bytes(current_setting('pg_ocr.max_document_size'));
    task CONSTANT ocr.tasks := ocr.lock_claim(task_id, fence);
    attachment ocr.attachments;
    attached ocr.attached_rows;
    got record;
    server name;
BEGIN
    IF task.id IS NULL THEN
        RETURN;
    END IF;
    SELECT * INTO attached FROM ocr.attached_rows r WHERE r.job_id = task.job_id;
    SELECT * INTO attachment FROM ocr.attachments a WHERE a.id = attached.attachment AND ocr.is_there(a.relation);
    IF NOT FOUND THEN
        PERFORM ocr.finish_job(task.job_id, 'cancelled', NULL, 'the table that its document is in is not attached any more');
        RETURN;
    END IF;
    BEGIN
        SELECT r.bytes, r.texts INTO got
        FROM ocr.run_for_attachment(attachment, format(
            'SELECT %s, ARRAY[(t.%I IS NULL)::text, %s, %s] FROM %s t WHERE %s',
            CASE attachment.kind
                WHEN 'bytes' THEN format('CASE WHEN pg_catalog.octet_length(t.%1$I) <= %2$s THEN t.%1$I::bytea END', attachment.document_column, most)
                WHEN 'uri' THEN 'NULL::bytea'
                ELSE format('CASE WHEN t.%1$I IS NOT NULL THEN pg_catalog.lo_get(t.%1$I, 0, %2$s) END', attachment.document_column, most + 1) END,
            attachment.document_column,
            CASE attachment.kind WHEN 'bytes' THEN 'NULL::text' ELSE format('t.%I::text', attachment.document_column) END,
            ocr.hash_of_column(attachment.text_column), ocr.own_rows(attachment.relation), ocr.is_key(attachment, 1)), attached.key) AS r;
    EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
        PERFORM ocr.fail_task(task.id, task.fence, ocr.row_trouble(sqlstate),
                              format('the document in %s of table %s: %s', attachment.document_column, attachment.relation, sqlerrm), 0);
        RETURN;
    END;
    IF got.texts IS NULL THEN
        PERFORM ocr.finish_job(task.job_id, 'cancelled', NULL, 'its row has been deleted, or has another key by now');
        RETURN;
    END IF;
    UPDATE ocr.attached_rows r SET document = got.texts[2], text_hash = got.texts[3] WHERE r.job_id = task.job_id;
    IF got.texts[1]::boolean THEN
        PERFORM ocr.end_attached_job(task, 'cancelled', 'its row has no document any more');
    ELSIF attachment.kind = 'uri' THEN
        uri := got.texts[2];
        BEGIN
            uri := ocr.normal_uri(uri);
            server := ocr.store_of_uri(uri, attachment.owner);
            PERFORM ocr.check_store(server, attachment.owner);
        EXCEPTION WHEN OTHERS THEN
            uri := NULL;
            PERFORM ocr.fail_task(task.id, task.fence, 'store_undeclared', sqlerrm, 0);
            RETURN;
        END;
        UPDATE ocr.jobs j SET uri = read_row.uri, store = server WHERE j.id = task.job_id;
    ELSIF got.bytes IS NULL OR octet_length(got.bytes) > most THEN
        PERFORM ocr.fail_task(task.id, task.fence, 'document_too_large',
                              format('the document in %s of table %s has more than %s, which pg_ocr.max_document_size allows',
                                     attachment.document_column, attachment.relation, pg_size_pretty(most)), 0);
    ELSE
        bytes := got.bytes;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.read_row(bigint, bigint) IS
'Internal: the document of a claimed task in the row of an attached table, or its URI. Null for both: the claim no longer stands, or the task is settled by now';

CREATE OR REPLACE FUNCTION ocr.row_uri(task_id bigint, fence bigint) RETURNS text
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.uri FROM ocr.read_row(task_id, fence) AS r $$;
COMMENT ON FUNCTION ocr.row_uri(bigint, bigint) IS 'Internal: the URI in the row that a claimed task is about, whose object is to be fetched; null where there is nothing left to do';

CREATE OR REPLACE FUNCTION ocr.row_document(task_id bigint, fence bigint) RETURNS bytea
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.bytes FROM ocr.read_row(task_id, fence) AS r $$;
COMMENT ON FUNCTION ocr.row_document(bigint, bigint) IS 'Internal: the bytes in the row that a claimed task is about; null where there is nothing left to do';

CREATE OR REPLACE FUNCTION ocr.layout_of_job(job_id bigint) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(jsonb_build_object('page_no', p.page_no, 'width', p.width, 'height', p.height)
                     || coalesce(p.corrected_layout, p.layout, '{}') ORDER BY p.page_no)
    FROM ocr.pages p WHERE p.job_id = layout_of_job.job_id
$$;
COMMENT ON FUNCTION ocr.layout_of_job(bigint) IS 'Internal: the layouts of a job''s pages, as ocr_attach() writes them to rows';

CREATE OR REPLACE FUNCTION ocr.row_update(attachment ocr.attachments, condition text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('UPDATE %s t SET %s WHERE %s RETURNING NULL::bytea, ARRAY[%s]', ocr.own_rows(attachment.relation),
                  string_agg(format('%I = %s', c.name, c.value), ', '), condition, ocr.hash_of_column(attachment.text_column))
    FROM (SELECT) AS one LEFT JOIN pg_attribute a ON a.attrelid = attachment.relation AND a.attname = attachment.text_column,
         LATERAL (VALUES (attachment.text_column, CASE WHEN a.attnotnull THEN 'coalesce(($1)[1], '''')' ELSE '($1)[1]' END),
                 (attachment.confidence_column, '($1)[2]::real'), (attachment.verdict_column, '($1)[3]'),
                 (attachment.layout_column, '($1)[4]::jsonb'), (attachment.status_column, '($1)[5]'),
                 (attachment.job_column, '($1)[6]::bigint')) AS c (name, value)
    WHERE c.name IS NOT NULL
$$;
COMMENT ON FUNCTION ocr.row_update(ocr.attachments, text) IS
'Internal: the UPDATE that writes to those rows t of an attached table that fulfil a condition its arguments from 1 to 6: text, confidence, verdict, layout, status and job. Returns the hash of the text that they have then';

-- Only where the row has the document that was read, and the text that it had then. A row that changes at this moment is
-- waited for, and looked at again: PostgreSQL checks the condition anew on what it has become.
CREATE OR REPLACE FUNCTION ocr.write_row(job_id bigint, status text, OUT trouble text, OUT reason text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    job ocr.jobs;
    attachment ocr.attachments;
    attached ocr.attached_rows;
    is_read CONSTANT boolean := status = 'completed';
    written text[];
BEGIN
    SELECT * INTO job FROM ocr.jobs j WHERE j.id = write_row.job_id;
    SELECT * INTO attached FROM ocr.attached_rows r WHERE r.job_id = write_row.job_id;
    SELECT * INTO attachment FROM ocr.attachments a WHERE a.id = attached.attachment AND ocr.is_there(a.relation);
    IF NOT FOUND THEN
        trouble := 'superseded';
        reason := 'the table that its document is in is not attached any more';
        RETURN;
    END IF;
    BEGIN
        SELECT r.texts INTO written FROM ocr.run_for_attachment(attachment, ocr.row_update(attachment, format('%s AND %s AND %s IS NOT DISTINCT FROM ($1)[8]',
            ocr.is_key(attachment, 10),
            CASE WHEN status = 'cancelled' THEN format('t.%I IS NULL', attachment.document_column) ELSE
            CASE attachment.kind
                WHEN 'bytes' THEN format('coalesce(($1)[9] = pg_catalog.encode(pg_catalog.sha256(t.%I), ''hex''), true)', attachment.document_column)
                WHEN 'uri' THEN format('t.%I = ($1)[7]', attachment.document_column)
                ELSE format('t.%1$I = ($1)[7]::oid AND coalesce(($1)[9] = pg_catalog.encode(pg_catalog.sha256(pg_catalog.lo_get(t.%1$I)), ''hex''), true)', attachment.document_column) END END,
            ocr.hash_of_column(attachment.text_column))),
            ARRAY[CASE WHEN is_read THEN (SELECT string_agg(coalesce(p.corrected_text, p.text, ''), E'\f' ORDER BY p.page_no)
                                          FROM ocr.pages p WHERE p.job_id = write_row.job_id) END,
                  CASE WHEN is_read THEN ocr.confidence_of_job(job_id)::text END,
                  CASE WHEN is_read THEN (SELECT v.verdict FROM ocr.triage_of_job(job_id) AS v) END,
                  CASE WHEN is_read AND attachment.layout_column IS NOT NULL THEN ocr.layout_of_job(job_id)::text END,
                  CASE WHEN status <> 'cancelled' THEN status END, job_id::text,
                  attached.document, attached.text_hash, encode(job.document_sha256, 'hex')] || attached.key) AS r;
        IF NOT FOUND THEN
            trouble := 'superseded';
            reason := 'its row was deleted or changed while it was read; where its document changed, that is read anew';
            RETURN;
        END IF;
    EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
        trouble := ocr.row_trouble(sqlstate);
        reason := format('the text could not be written to table %s: %s', attachment.relation, sqlerrm);
        RETURN;
    END;
    -- As the row has it, whatever its type or its triggers have made of the text.
    UPDATE ocr.attached_rows r SET written_at = clock_timestamp(), text_hash = written[1] WHERE r.job_id = write_row.job_id;
END
$$;
COMMENT ON FUNCTION ocr.write_row(bigint, text) IS
'Internal: writes the result of a job, that it failed, or that there is none, to its row, unless the row has another document or text by now. trouble: an error code, or superseded; null where it is written';

CREATE OR REPLACE FUNCTION ocr.end_attached_job(task ocr.tasks, status text, reason text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    outcome CONSTANT record := ocr.write_row(task.job_id, status);
BEGIN
    IF outcome.trouble IS NULL THEN
        PERFORM ocr.finish_job(task.job_id, status, NULL, reason);
    ELSIF outcome.trouble = 'superseded' THEN
        PERFORM ocr.finish_job(task.job_id, 'cancelled', NULL, coalesce(reason, outcome.reason));
    ELSE
        PERFORM ocr.fail_task(task.id, task.fence, outcome.trouble, outcome.reason, 0);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.end_attached_job(ocr.tasks, text, text) IS
'Internal: completes or cancels the job of a task whose claim the caller has locked, once its row has been written; where that cannot be done, the attempt has failed';

-- At once and not by a worker: whoever corrects a text sees whether the row has taken it.
CREATE OR REPLACE FUNCTION ocr.write_reviewed_row(job ocr.jobs) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    outcome CONSTANT record := ocr.write_row(job.id, 'completed');
BEGIN
    IF outcome.trouble IN ('row_locked', 'row_refused') THEN
        RAISE EXCEPTION '%', outcome.reason
            USING ERRCODE = CASE outcome.trouble WHEN 'row_locked' THEN 'lock_not_available' ELSE 'object_not_in_prerequisite_state' END,
                  HINT = (SELECT c.action FROM ocr.error_codes c WHERE c.code = outcome.trouble);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.write_reviewed_row(ocr.jobs) IS
'Internal: writes what a person has decided and corrected to the row of an attached table, unless the row has another document or text by now';

CREATE OR REPLACE FUNCTION ocr.document_in_row(job ocr.jobs) RETURNS bytea
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN (SELECT found.bytes
            FROM ocr.attached_rows r JOIN ocr.attachments a ON a.id = r.attachment,
                 ocr.run_for_attachment(a, format(CASE a.kind WHEN 'bytes' THEN 'SELECT t.%I::bytea, NULL::text[] FROM %s t WHERE %s'
                                                       ELSE 'SELECT pg_catalog.lo_get(t.%I), NULL::text[] FROM %s t WHERE %s' END,
                                                  a.document_column, ocr.own_rows(a.relation), ocr.is_key(a, 1)), r.key) AS found
            WHERE r.job_id = job.id);
END
$$;
COMMENT ON FUNCTION ocr.document_in_row(ocr.jobs) IS
'Internal: the bytes that the row of a job has now; null where there is none. The caller may see the job, which is for others to check';

CREATE OR REPLACE FUNCTION ocr.make_attached_jobs() RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    at_once CONSTANT int := 100;
    attachment ocr.attachments;
    columns name[];
    keys text[];
BEGIN
    IF NOT ocr.attached_rows_wait() OR NOT ocr.try_lock(hashtextextended('ocr.make_attached_jobs', 0)) THEN
        RETURN false;
    END IF;
    DELETE FROM ocr.attachments a WHERE NOT ocr.is_there(a.relation);
    -- Turn about, so that a COPY into one table does not keep the others waiting.
    SELECT * INTO attachment FROM ocr.attachments a
    WHERE (a.retry_at <= clock_timestamp()) IS NOT FALSE AND EXISTS (SELECT FROM ocr.attached_changes c WHERE c.attachment = a.id)
    ORDER BY random() LIMIT 1;
    IF FOUND THEN
        BEGIN
            PERFORM ocr.is_key(attachment, 1);
            columns := (ocr.key_of_relation(attachment.relation)).columns;
            WITH chosen AS (
                SELECT c.id, sum(cardinality(c.keys)) OVER (ORDER BY c.id) - cardinality(c.keys) AS before
                FROM (SELECT c.id, c.keys FROM ocr.attached_changes c WHERE c.attachment = attachment.id ORDER BY c.id LIMIT at_once) AS c
            ), taken AS (
                DELETE FROM ocr.attached_changes c USING chosen s
                WHERE c.id = s.id AND s.before < at_once * cardinality(columns)
                RETURNING c.id, c.keys)
            SELECT array_agg(k.value ORDER BY t.id, k.number) INTO keys
            FROM taken t, unnest(t.keys) WITH ORDINALITY AS k (value, number);
            PERFORM ocr.insert_attached_jobs(attachment, columns, keys, (attachment.how).batch);
            UPDATE ocr.attachments a SET trouble = NULL, retry_at = NULL WHERE a.id = attachment.id AND a.retry_at IS NOT NULL;
        -- One table's trouble, or its owner's, is nobody else's: the others go on.
        EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
            UPDATE ocr.attachments a SET trouble = sqlerrm, retry_at = clock_timestamp() + interval '1 min' WHERE a.id = attachment.id;
        END;
        RETURN true;
    END IF;
    DELETE FROM ocr.attached_changes c WHERE NOT EXISTS (SELECT FROM ocr.attachments a WHERE a.id = c.attachment);
    SELECT a.* INTO attachment FROM ocr.attachments a
    WHERE a.backfill_at <= clock_timestamp() AND NOT ocr.is_paused(a.owner, a.batch) ORDER BY random() LIMIT 1;
    IF FOUND THEN
        BEGIN
            PERFORM ocr.backfill_some(attachment);
        EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
            -- What takes long to fail is not tried as often.
            UPDATE ocr.attachments a
            SET trouble = sqlerrm, backfill_at = clock_timestamp() + greatest(interval '1 min', 20 * (clock_timestamp() - now()))
            WHERE a.id = attachment.id;
        END;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ocr.make_attached_jobs() IS
'Internal: jobs for the next hundred rows or so of attached tables that have new documents, and where there are none, for some that had theirs before. False: there was nothing to do, or another session is at it';

CREATE OR REPLACE FUNCTION ocr.is_paused(owner name, batch text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM ocr.batches b WHERE b.owner = $1 AND b.name = $2 AND b.paused_at IS NOT NULL) $$;
COMMENT ON FUNCTION ocr.is_paused(name, text) IS 'Internal: whether ocr_pause() keeps more of a batch from being begun';

CREATE OR REPLACE FUNCTION ocr.is_backfilling(owner name, batch text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM ocr.attachments a WHERE a.owner = $1 AND a.batch = $2 AND a.backfill_at IS NOT NULL) $$;
COMMENT ON FUNCTION ocr.is_backfilling(name, text) IS 'Internal: whether more jobs of a batch are to be made for rows of an attached table';

CREATE OR REPLACE FUNCTION ocr.attached_rows_wait() RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ocr.attachments a WHERE (a.retry_at <= clock_timestamp()) IS NOT FALSE
                                                   AND EXISTS (SELECT FROM ocr.attached_changes c WHERE c.attachment = a.id))
        OR EXISTS (SELECT FROM ocr.attachments a WHERE a.backfill_at <= clock_timestamp() AND NOT ocr.is_paused(a.owner, a.batch));
END
$$;
COMMENT ON FUNCTION ocr.attached_rows_wait() IS 'Internal: whether rows of attached tables wait for their jobs';

-- A job that nobody has begun reads what its row has when its turn comes: it is for this change as well. A row that a backfill
-- comes upon has not changed: any job that reads it is enough.
CREATE OR REPLACE FUNCTION ocr.insert_attached_jobs(attachment ocr.attachments, columns name[], keys text[], batch text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    is_backfill CONSTANT boolean := batch IS NOT DISTINCT FROM attachment.batch;
    how ocr.submission := attachment.how;
    row_key text[];
    job_id bigint;
BEGIN
    how.batch := batch;
    how.run_at := now();
    FOR row_key IN
        SELECT k.key
        FROM (SELECT array_agg(e.value ORDER BY e.number) AS key, min(e.number) AS number
              FROM unnest(keys) WITH ORDINALITY AS e (value, number)
              GROUP BY (e.number - 1) / cardinality(columns)) AS k
        WHERE NOT EXISTS (SELECT FROM ocr.attached_rows r JOIN ocr.jobs j ON j.id = r.job_id
                          WHERE r.attachment = insert_attached_jobs.attachment.id AND hash_array_extended(r.key, 0) = hash_array_extended(k.key, 0) AND r.key = k.key
                                AND (j.status = 'pending' AND j.document_id IS NULL OR is_backfill AND j.finished_at IS NULL))
        GROUP BY k.key ORDER BY min(k.number)
    LOOP
        how.metadata := (attachment.how).metadata
                        || jsonb_build_object('table', attachment.relation::text,
                                              'key', (SELECT jsonb_object_agg(c.name, c.value) FROM unnest(columns, row_key) AS c (name, value)));
        job_id := ocr.insert_job(attachment.owner, NULL, NULL, NULL, how, attachment.id);
        INSERT INTO ocr.attached_rows (job_id, attachment, key) VALUES (job_id, insert_attached_jobs.attachment.id, row_key);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.insert_attached_jobs(ocr.attachments, name[], text[], text) IS
'Internal: a job for each row with these keys that has none that is still to begin. keys: the values of the key''s columns, one row after the other';

CREATE OR REPLACE FUNCTION ocr.backfill_some(attachment ocr.attachments) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    at_once CONSTANT int := 100;
    after CONSTANT text[] := attachment.backfill_after;
    key CONSTANT record := ocr.key_of_relation(attachment.relation);
    got record;
    keys text[] := '{}';
    last_key text[];
    rows int := 0;
BEGIN
    PERFORM ocr.is_key(attachment, 1);
    FOR got IN
        SELECT r.texts FROM ocr.run_for_attachment(attachment, (
            SELECT format('SELECT NULL::bytea, ARRAY[(t.%I IS NOT NULL%s)::text, %s] FROM %s t %s ORDER BY %s LIMIT %s',
                          attachment.document_column,
                          CASE WHEN attachment.text_column IS NOT NULL THEN format(' AND nullif(t.%I::text, '''') IS NULL', attachment.text_column) END,
                          string_agg(format('pg_catalog.format(''%%s'', t.%I)', c.name), ', ' ORDER BY c.number), ocr.own_rows(attachment.relation),
                          CASE WHEN after IS NOT NULL
                               THEN format('WHERE (%s) > (%s)', string_agg(format('t.%I', c.name), ', ' ORDER BY c.number),
                                           string_agg(format('($1)[%s]::%s', c.number, c.type), ', ' ORDER BY c.number)) END,
                          string_agg(format('t.%I', c.name), ', ' ORDER BY c.number), at_once)
            FROM unnest(key.columns, key.types) WITH ORDINALITY AS c (name, type, number)), coalesce(after, '{}')) AS r
    LOOP
        rows := rows + 1;
        last_key := got.texts[2:];
        IF got.texts[1]::boolean THEN
            keys := keys || last_key;
        END IF;
    END LOOP;
    PERFORM ocr.insert_attached_jobs(attachment, key.columns, keys, attachment.batch);
    UPDATE ocr.attachments a
    SET backfill_after = coalesce(last_key, after), trouble = NULL, backfill_at = CASE WHEN rows = at_once THEN clock_timestamp() END
    WHERE a.id = attachment.id;
    IF rows < at_once THEN
        INSERT INTO ocr.ending_batches VALUES (attachment.owner, attachment.batch);  -- it may have had no job, or they have ended
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.backfill_some(ocr.attachments) IS
'Internal: jobs for the next rows of an attached table that have a document and no text, in the order of their keys';
