-- Which store a URI names, and which object in it. Keys stand in URIs as they are, without percent-encoding, but in those
-- of http: so that a URI says exactly which object is meant.

CREATE OR REPLACE FUNCTION ocr.normal_uri(uri text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    scheme CONSTANT text := lower(substring(uri FROM '^([A-Za-z][A-Za-z0-9+.-]*):'));
    shown CONSTANT text := left(split_part(regexp_replace(uri, '//[^/]*@', '//'), '?', 1), 100);  -- may hold secrets
    parts text[];
BEGIN
    IF uri = '' THEN
        RAISE EXCEPTION 'the document is empty'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the bytes of a PDF or an image, or a URI that leads to them.';
    ELSIF octet_length(uri) > 8000 THEN
        RAISE EXCEPTION 'the URI has % bytes, more than 8000', octet_length(uri)
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Give bytes as a bytea; a text is taken for a URI.';
    ELSIF scheme IN ('s3', 'gs', 'az') THEN
        parts := regexp_match(uri, '^[A-Za-z0-9]+://([^/]+)/(.+)$');
        IF parts IS NOT NULL THEN
            RETURN format('%s://%s/%s', scheme, parts[1], parts[2]);
        END IF;
    ELSIF scheme IN ('http', 'https') THEN
        IF uri ~ '^[A-Za-z]+://[^/?#]*@' THEN
            RAISE EXCEPTION 'the URI "%" comes with a user or a password', shown
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Give them to CREATE USER MAPPING … OPTIONS (user …, password …).';
        END IF;
        -- A path that climbs would leave what the server was declared for.
        parts := regexp_match(uri, '^[A-Za-z]+://([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-"$->@-~]*)([?][!-"$-~]*)?$');
        -- Also one that does so only for servers that decode twice, or take ..; for .. with parameters.
        IF parts IS NOT NULL AND parts[3] !~* '([/\\]|%(25)*(2f|5c))([.]|%(25)*2e){1,2}([/\\;]|%(25)*(2f|5c|3b)|$)' THEN
            RETURN format('%s://%s%s%s%s', scheme, lower(parts[1]),
                          CASE WHEN parts[2] <> CASE scheme WHEN 'https' THEN ':443' ELSE ':80' END THEN parts[2] END,
                          parts[3], parts[4]);
        END IF;
    ELSIF scheme = 'file' THEN
        IF uri ~ '^[A-Za-z]+:///.*[^/]$' AND uri !~ '^[A-Za-z]+:////|//.*//|/[.]{1,2}(/|$)' THEN
            RETURN 'file' || substr(uri, 5);
        END IF;
    END IF;
    RAISE EXCEPTION '"%" is no document', shown
        USING ERRCODE = 'invalid_parameter_value',
              HINT = CASE scheme
                  WHEN 's3' THEN 'Write it as in s3://bucket/key.'
                  WHEN 'gs' THEN 'Write it as in gs://bucket/key.'
                  WHEN 'az' THEN 'Write it as in az://container/key.'
                  WHEN 'http' THEN 'Write it as in http://host:port/path, percent-encoded, without . and .. in the path and without a fragment.'
                  WHEN 'https' THEN 'Write it as in https://host/path, percent-encoded, without . and .. in the path and without a fragment.'
                  WHEN 'file' THEN 'Write it as in file:///absolute/path, without . and .. in it.'
                  ELSE 'Give a URI: s3://bucket/key, gs://bucket/key, az://container/key, https://host/path or file:///path; or bytes as a bytea, as pg_read_binary_file() returns them.'
                  END;
END
$$;
COMMENT ON FUNCTION ocr.normal_uri(text) IS 'Internal: a URI with scheme and host in small letters and without the usual port; an error where it is none that can lead to a document';

CREATE OR REPLACE FUNCTION ocr.decoded_uri(encoded text, plus_is_space boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text;
    bytes bytea := '';
BEGIN
    FOR part IN SELECT m[1] FROM regexp_matches(CASE WHEN plus_is_space THEN replace(encoded, '+', ' ') ELSE encoded END,
                                                '(%[0-9A-Fa-f]{2}|%|[^%]+)', 'g') AS m LOOP
        bytes := bytes || CASE WHEN part ~ '^%.' THEN decode(substr(part, 2), 'hex') ELSE convert_to(part, 'UTF8') END;
    END LOOP;
    RETURN convert_from(bytes, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RAISE EXCEPTION 'a percent-encoded name is not UTF-8'
        USING ERRCODE = 'invalid_parameter_value', HINT = 'pg_ocr knows names in UTF-8 only.';
END
$$;
COMMENT ON FUNCTION ocr.decoded_uri(text, boolean) IS 'Internal: a text without its percent-encoding, in which + may stand for a blank';

-- The prefixes that the URIs of a store's objects begin with, that of ocr_objects() first. An azure blob has two names.
CREATE OR REPLACE FUNCTION ocr.uri_prefixes(options jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(CASE options->>'type'
        WHEN 's3' THEN ARRAY[format('s3://%s/', options->>'bucket')]
        WHEN 'gcs' THEN ARRAY[format('gs://%s/', options->>'bucket')]
        WHEN 'azure' THEN ARRAY[
            format('az://%s/', options->>'container'),
            format('%s/%s/', ocr.normal_endpoint(coalesce(options->>'endpoint',
                   format('https://%s.blob.core.windows.net', options->>'account'))), options->>'container')]
        WHEN 'https' THEN ARRAY[ocr.normal_endpoint(options->>'endpoint') || '/']
        WHEN 'file' THEN ARRAY[format('file://%s/', rtrim(options->>'directory', '/'))]
        END, '{}');
END
$$;

CREATE OR REPLACE FUNCTION ocr.normal_endpoint(endpoint text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT rtrim(ocr.normal_uri(rtrim(endpoint, '/') || '/'), '/') $$;
COMMENT ON FUNCTION ocr.uri_prefixes(jsonb) IS 'Internal: what the URIs of a store with these options begin with, the first being that which ocr_objects() shows';
COMMENT ON FUNCTION ocr.normal_endpoint(text) IS 'Internal: an endpoint as URIs have it, see ocr.normal_uri(), without a slash at its end';

CREATE OR REPLACE FUNCTION ocr.key_in_store(uri text, options jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    prefix text;
    key text;
BEGIN
    FOREACH prefix IN ARRAY ocr.uri_prefixes(options) LOOP
        IF starts_with(uri, prefix) THEN
            key := substr(uri, length(prefix) + 1);
            IF options->>'type' = 'azure' AND prefix LIKE 'http%' THEN
                -- What comes after a question mark is somebody else's signature.
                key := CASE WHEN key !~ '[?]' THEN ocr.decoded_uri(key, false) END;
            END IF;
            RETURN nullif(key, '');
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.key_in_store(text, jsonb) IS 'Internal: the key of the object that a normal URI names in the store with these options; null where the store does not have it';

CREATE OR REPLACE FUNCTION ocr.declaration_for(uri text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    scheme CONSTANT text := split_part(uri, ':', 1);
    place CONSTANT text := split_part(uri, '/', 3);
    options CONSTANT text := CASE scheme
        WHEN 's3' THEN format('type ''s3'', bucket %L, region ''us-east-1''', place)
        WHEN 'gs' THEN format('type ''gcs'', bucket %L', place)
        WHEN 'az' THEN format('type ''azure'', account ''…'', container %L', place)
        WHEN 'file' THEN format('type ''file'', directory %L', coalesce(nullif(regexp_replace(substr(uri, 8), '/[^/]*$', ''), ''), '/'))
        ELSE format('type ''https'', endpoint %L', scheme || '://' || place) END;
BEGIN
    RETURN format('CREATE SERVER %I FOREIGN DATA WRAPPER ocr_store OPTIONS (%s);',
                  left(CASE scheme WHEN 'file' THEN coalesce(substring(uri FROM '([^/]+)/[^/]*$'), 'files') ELSE place END, 40), options);
END
$$;
COMMENT ON FUNCTION ocr.declaration_for(text) IS 'Internal: the CREATE SERVER that would declare the store of a normal URI';

-- Of catalogs nobody knows how few rows they have: such a query is taken for one that is worth compiling, for 0.3 s each time.
CREATE OR REPLACE FUNCTION ocr.store_of_uri(uri text, owner name) RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    fitting name[];
    usable name[];
BEGIN
    -- The longest prefix knows best; where several servers have it, nobody does.
    SELECT array_agg(f.srvname ORDER BY f.srvname) FILTER (WHERE f.usable AND f.place = 1),
           array_agg(f.srvname ORDER BY f.srvname)
    INTO usable, fitting
    FROM (SELECT s.srvname, s.usable, rank() OVER (PARTITION BY s.usable ORDER BY length(s.prefix) DESC) AS place
          FROM (SELECT s.srvname, has_server_privilege(owner, s.oid, 'USAGE') AS usable,
                       ocr.options_of_list(s.srvoptions) AS options
                FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                WHERE w.fdwname = 'ocr_store') AS d,
               LATERAL (SELECT d.srvname, d.usable, p.prefix FROM unnest(ocr.uri_prefixes(d.options)) AS p (prefix)
                        WHERE starts_with(store_of_uri.uri, p.prefix)
                          AND ocr.key_in_store(store_of_uri.uri, d.options) IS NOT NULL) AS s) AS f;
    IF cardinality(usable) = 1 THEN
        RETURN usable[1];
    ELSIF cardinality(usable) > 1 THEN
        RAISE EXCEPTION 'several stores have "%": %', left(split_part(uri, '?', 1), 100), array_to_string(usable, ', ')
            USING ERRCODE = 'ambiguous_parameter',
                  HINT = CASE WHEN uri LIKE 'az:%' THEN 'Give the blob''s https:// URL, which names the account; or leave the role USAGE on one of them only.'
                              ELSE 'ocr_ingest(server, …) names the server; or leave the role USAGE on one of them only.' END;
    ELSIF fitting IS NOT NULL THEN
        RAISE EXCEPTION 'permission denied for store %', array_to_string(fitting, ', ')
            USING ERRCODE = 'insufficient_privilege', HINT = format('GRANT USAGE ON FOREIGN SERVER %I TO %I;', fitting[1], owner);
    END IF;
    RAISE EXCEPTION 'no store has "%"', left(split_part(uri, '?', 1), 100)
        USING ERRCODE = 'undefined_object', HINT = 'Declare it: ' || ocr.declaration_for(uri);
END
$$;
COMMENT ON FUNCTION ocr.store_of_uri(text, name) IS
'Internal: the store that a normal URI leads to, of those that the role may use: by bucket, container, longest endpoint or longest directory. An error where there is none, or more than one';

CREATE OR REPLACE FUNCTION ocr.store_trouble(store name, owner name) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    trouble CONSTANT text := ocr.server_trouble(store, 'ocr_store', owner);
    type text;
    stranger text;
BEGIN
    IF trouble IS NOT NULL THEN
        RETURN trouble;
    END IF;
    -- A validator does not see which server a user mapping is for. Only names are kept here: what is in a variable becomes
    -- a constant of the next query's plan, which auto_explain shows.
    SELECT o.value INTO type FROM ocr.options_of_server(store, owner) AS o WHERE o.name = 'type';
    SELECT o.name INTO stranger
    FROM ocr.options_of_server(store, owner) AS o
    WHERE o.name = ANY ('{access_key_id,secret_access_key,session_token,sas_token,bearer_token,user,password}')
      AND o.name <> ALL (CASE type
          WHEN 's3' THEN '{access_key_id,secret_access_key,session_token}'::text[]
          WHEN 'gcs' THEN '{access_key_id,secret_access_key}'
          WHEN 'azure' THEN '{sas_token}'
          WHEN 'https' THEN '{bearer_token,user,password}'
          ELSE '{}' END)
    ORDER BY 1 LIMIT 1;
    RETURN CASE WHEN stranger IS NOT NULL THEN format('the user mapping for server "%s" has the option "%s", which is not for a store of type %s',
                  store, stranger, type) END;
END
$$;
COMMENT ON FUNCTION ocr.store_trouble(name, name) IS 'Internal: why a role cannot use a store, its user mapping included; null where it can';

CREATE OR REPLACE FUNCTION ocr.check_store(store text, caller name) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trouble text;
BEGIN
    IF store IS NULL THEN
        PERFORM ocr.refuse_null('server', 'Give the name of a server that was made with FOREIGN DATA WRAPPER ocr_store.');
    END IF;
    PERFORM ocr.check_server(store, 'ocr_store', caller);
    trouble := ocr.store_trouble(store::name, caller);
    IF trouble IS NOT NULL THEN
        RAISE EXCEPTION '%', trouble
            USING ERRCODE = 'fdw_invalid_option_name', HINT = 'Mend it with ALTER USER MAPPING … OPTIONS (DROP …, ADD …).';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_store(text, name) IS 'Internal: raises an error unless there is such a store and the caller may use it';

-- For a worker: what is wrong with the store is the job's failure, not the worker's error.
CREATE OR REPLACE FUNCTION ocr.store_of_task(task_id bigint, fence bigint) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    job ocr.jobs;
    trouble text;
    key text;
BEGIN
    SELECT j.* INTO job FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id
    WHERE t.id = task_id AND t.fence = store_of_task.fence;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    trouble := ocr.store_trouble(job.store, job.owner);
    IF trouble IS NULL THEN
        key := ocr.key_in_store(job.uri, (SELECT ocr.options_of_list(s.srvoptions) FROM pg_foreign_server s WHERE s.srvname = job.store));
        IF key IS NULL THEN
            trouble := format('the options of server "%s" have changed: it does not have this URI any more', job.store);
        END IF;
    END IF;
    IF trouble IS NOT NULL THEN
        RETURN QUERY VALUES ('undeclared', trouble);
    ELSE
        RETURN QUERY SELECT o.name, o.value FROM ocr.options_of_server(job.store, job.owner) AS o
                     UNION ALL VALUES ('key', key);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.store_of_task(bigint, bigint) IS
'Internal: the options of the store that the document of a claimed task is in, those of the user mapping included, and its key; or one row undeclared, with the reason why its owner cannot have it; no row where the claim no longer stands';
