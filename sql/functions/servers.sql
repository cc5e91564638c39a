-- Stores, webhooks and providers are foreign servers. Their options are public, as those of every foreign server; secrets belong into
-- user mappings, which Postgres shows to their user, to the server's owner where they are PUBLIC's, and to superusers.

CREATE OR REPLACE FUNCTION ocr.check_server_option(name text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- No message shows what was given for an option that may hold a secret.
    needs CONSTANT text := CASE
        WHEN name IN ('endpoint', 'url') THEN
            CASE WHEN value !~* '^https?://([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-~]*)?$'
                      OR value ~ '#' OR (name = 'endpoint' AND value ~ '[?]')
                 THEN 'the address of an HTTP server, as in https://host:port/path, without user and password' END
        WHEN name IN ('connect_timeout', 'timeout', 'stall_timeout') THEN
            CASE WHEN value !~ '^[1-9][0-9]{0,4}$' OR value::int > 86400 THEN 'a number of seconds from 1 to 86400' END
        WHEN name = 'max_attempts' THEN
            CASE WHEN value !~ '^[1-9][0-9]?$' OR value::int > 50 THEN 'a whole number from 1 to 50' END
        WHEN name = 'allow_private_addresses' THEN
            CASE WHEN value NOT IN ('true', 'false') THEN 'true or false' END
        WHEN name = 'ca_certificate' THEN
            CASE WHEN value !~ '^\s*-----BEGIN CERTIFICATE-----' OR value !~ '-----END CERTIFICATE-----\s*$'
                      OR value !~ '^[\n\r\t -~]*$' OR length(value) > 1000000
                 THEN 'one or more certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----' END
        WHEN name = 'type' THEN
            CASE WHEN value NOT IN ('s3', 'gcs', 'azure', 'https', 'file') THEN 's3, gcs, azure, https or file' END
        WHEN name = 'bucket' THEN
            CASE WHEN value !~ '^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$' OR value ~ '[.][.]'
                 THEN 'a bucket''s name alone, without s3:// or a folder' END
        WHEN name = 'region' THEN CASE WHEN value !~ '^[A-Za-z0-9-]{1,64}$' THEN 'a region''s name, as in eu-central-1' END
        WHEN name = 'addressing' THEN
            CASE WHEN value NOT IN ('path', 'virtual') THEN 'path (endpoint/bucket/key) or virtual (bucket.endpoint/key)' END
        WHEN name = 'account' THEN
            CASE WHEN value !~ '^[a-z0-9]{3,24}$' THEN 'a storage account''s name: 3 to 24 small letters and digits' END
        WHEN name = 'container' THEN
            CASE WHEN value !~ '^([$](root|web|logs)|[a-z0-9](-?[a-z0-9]){2,62})$' OR length(value) > 63
                 THEN 'a container''s name alone: 3 to 63 small letters, digits and single hyphens' END
        WHEN name = 'directory' THEN
            CASE WHEN value !~ '^/' OR value ~ '//|/[.]{1,2}(/|$)' OR length(value) > 4000
                 THEN 'the absolute path of a directory, without . or .. in it' END
        WHEN name = 'events' THEN
            CASE WHEN NOT string_to_array(regexp_replace(value, '\s', '', 'g'), ',')
                          <@ ARRAY['job.started', 'job.progress', 'job.completed', 'job.failed', 'job.cancelled',
                                   'job.review_needed', 'job.reviewed', 'batch.finished']
                      OR value ~ '^\s*$'
                 THEN 'some of job.started, job.progress, job.completed, job.failed, job.cancelled, job.review_needed, job.reviewed and batch.finished, parted by commas' END
        WHEN name = 'secret' THEN
            CASE WHEN value !~ '^whsec_[A-Za-z0-9+/]+={0,2}$' OR length(value) % 4 <> 2
                      OR length(rtrim(substr(value, 7), '=')) * 3 / 4 NOT BETWEEN 24 AND 64
                 THEN 'whsec_ and 24 to 64 random bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes it' END
        WHEN name IN ('words', 'text', 'box', 'confidence') THEN
            -- Steps from value to value, each in time proportional to the answer: no filters, and no .** that could multiply.
            CASE WHEN value !~ '^[$]([.]([A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")|\[([*]|[0-9]{1,6})\]){0,16}$'
                 THEN 'a path of names and elements, as in $.pages[*].words[*]' END
        WHEN name = 'box_form' THEN
            CASE WHEN value NOT IN ('edges', 'size') THEN 'edges (left, top, right, bottom) or size (left, top, width, height)' END
        WHEN name = 'box_unit' THEN
            CASE WHEN value NOT IN ('pixels', 'page') THEN 'pixels (of the image that was sent) or page (shares of its width and height)' END
        WHEN name = 'confidence_scale' THEN CASE WHEN value NOT IN ('1', '100') THEN '1 or 100, what a sure word has' END
        WHEN name = 'header_name' THEN CASE WHEN value !~ '^[A-Za-z0-9-]{1,100}$' THEN 'the name of a header, as in x-api-key' END
        WHEN name = 'sas_token' THEN
            CASE WHEN value !~ '^[?]?[!-~]+$' OR value !~ '(^|[?&])sig=' THEN 'a shared access signature, as in sv=…&sig=…' END
        ELSE CASE WHEN value !~ '^[!-~]([ -~]*[!-~])?$' THEN 'printable ASCII, and must not be empty' END
        END;
BEGIN
    IF needs IS NOT NULL THEN
        RAISE EXCEPTION 'invalid value for option "%"', name
            USING ERRCODE = 'fdw_invalid_attribute_value', HINT = format('%s needs %s.', name, needs);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_server_option(text, text) IS 'Internal: raises an error, which shows no value, unless an option of a store or webhook may have this value. Which options there are is not looked at';

CREATE OR REPLACE FUNCTION ocr.options_of_list(options text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), '{}') FROM unnest(options) AS o
$$;
COMMENT ON FUNCTION ocr.options_of_list(text[]) IS 'Internal: options as the catalogs have them, ''name=value'', as an object';

CREATE OR REPLACE FUNCTION ocr.check_options_of_server(options text[], known text[], known_elsewhere text[], elsewhere text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    option text;
    name text;
    value text;
    nothing text;
BEGIN
    -- No query is given a value, here and in the validators: it would be a constant of its plan, which auto_explain shows.
    FOREACH option IN ARRAY options LOOP
        name := split_part(option, '=', 1);
        value := substr(option, strpos(option, '=') + 1);
        IF name = ANY (known_elsewhere) THEN
            RAISE EXCEPTION 'option "%" does not belong here', name
                USING ERRCODE = 'fdw_invalid_option_name', HINT = format('Give it to %s.', elsewhere);
        ELSIF name <> ALL (known) THEN
            RAISE EXCEPTION 'invalid option "%"', left(name, 100)
                USING ERRCODE = 'fdw_invalid_option_name',
                      HINT = CASE WHEN known = '{}' THEN 'There are no options here.'
                                  ELSE format('Known options here: %s.', array_to_string(known, ', ')) END;
        END IF;
        nothing := ocr.check_server_option(name, value);
        IF name = 'allow_private_addresses' AND value = 'true'
           AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
            RAISE EXCEPTION 'only a superuser may declare a server with allow_private_addresses, or change it'
                USING ERRCODE = 'insufficient_privilege',
                      HINT = 'It lets whoever has USAGE on the server reach what is meant for the database server''s network only.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.check_options_of_server(text[], text[], text[], text) IS 'Internal: raises an error unless all options are known here and have values that they may have';

-- Validators run as whoever declares, whose rights they look at.
CREATE OR REPLACE FUNCTION ocr.check_declared_options(options text[], catalog oid, of_server text[], of_mapping text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    nothing text;
BEGIN
    nothing := CASE catalog
        WHEN 'pg_foreign_server'::regclass THEN ocr.check_options_of_server(options, of_server, of_mapping,
            'CREATE USER MAPPING … OPTIONS (…): a server''s options are shown to everybody')
        WHEN 'pg_user_mapping'::regclass THEN ocr.check_options_of_server(options, of_mapping, of_server, 'CREATE SERVER … OPTIONS (…)')
        ELSE ocr.check_options_of_server(options, '{}', of_server || of_mapping, 'CREATE SERVER … or CREATE USER MAPPING …') END;
END
$$;
COMMENT ON FUNCTION ocr.check_declared_options(text[], oid, text[], text[]) IS
'Internal: raises an error unless all options of a server, or of a user mapping, are known there and have values that they may have';

CREATE OR REPLACE FUNCTION ocr.store_options(options text[], catalog oid) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_http CONSTANT text[] := '{connect_timeout,timeout,stall_timeout,allow_private_addresses,ca_certificate}';
    of_server CONSTANT text[] := of_http || '{type,bucket,region,endpoint,addressing,account,container,directory}';
    of_mapping CONSTANT text[] := '{access_key_id,secret_access_key,session_token,sas_token,bearer_token,user,password}';
    given CONSTANT jsonb := ocr.options_of_list(options);
    type CONSTANT text := given->>'type';
    of_type CONSTANT text[] := ARRAY['type'] || CASE type
        WHEN 's3' THEN of_http || '{bucket,region,endpoint,addressing}'
        WHEN 'gcs' THEN of_http || '{bucket,endpoint}'
        WHEN 'azure' THEN of_http || '{account,container,endpoint}'
        WHEN 'https' THEN of_http || '{endpoint}'
        WHEN 'file' THEN '{directory}'::text[] END;
    required CONSTANT text[] := CASE type
        WHEN 's3' THEN '{bucket}'
        WHEN 'gcs' THEN '{bucket}'
        WHEN 'azure' THEN CASE WHEN given ? 'endpoint' THEN '{container}' ELSE '{container,account}' END
        WHEN 'https' THEN '{endpoint}'
        WHEN 'file' THEN '{directory}' END;
    name text;
    nothing text;
BEGIN
    nothing := ocr.check_declared_options(options, catalog, of_server, of_mapping);
    IF catalog = 'pg_foreign_server'::regclass THEN
        IF type IS NULL THEN
            RAISE EXCEPTION 'a store needs the option "type"'
                USING ERRCODE = 'fdw_dynamic_parameter_value_needed',
                      HINT = 'Write it as in OPTIONS (type ''s3'', bucket ''invoices''); there are s3, gcs, azure, https and file.';
        END IF;
        FOREACH name IN ARRAY required LOOP
            IF NOT given ? name THEN
                RAISE EXCEPTION 'a store of type % needs the option "%"', type, name
                    USING ERRCODE = 'fdw_dynamic_parameter_value_needed',
                          HINT = format('Options for type %s: %s.', type, array_to_string(of_type, ', '));
            END IF;
        END LOOP;
        FOR name IN SELECT jsonb_object_keys(given) LOOP
            IF name <> ALL (of_type) THEN
                RAISE EXCEPTION 'option "%" is not for a store of type %', name, type
                    USING ERRCODE = 'fdw_invalid_option_name',
                          HINT = format('Options for type %s: %s.', type, array_to_string(of_type, ', '));
            END IF;
        END LOOP;
        IF type = 'file' AND NOT pg_has_role(current_user, 'pg_read_server_files', 'USAGE') THEN
            RAISE EXCEPTION 'permission denied to declare or change a store of type file'
                USING ERRCODE = 'insufficient_privilege',
                      HINT = 'Only members of pg_read_server_files may: it reads files with the rights of the database server.';
        END IF;
    ELSIF catalog = 'pg_user_mapping'::regclass THEN
        IF (given ? 'access_key_id') <> (given ? 'secret_access_key') OR (given ? 'session_token' AND NOT given ? 'access_key_id')
           OR (given ? 'user') <> (given ? 'password')
           OR (given ?| '{access_key_id}')::int + (given ? 'sas_token')::int + (given ? 'bearer_token')::int
              + (given ? 'user')::int > 1 THEN
            RAISE EXCEPTION 'these options do not make one way to sign in'
                USING ERRCODE = 'fdw_option_name_not_found',
                      HINT = 'Give access_key_id and secret_access_key (with session_token, where there is one), or sas_token, or bearer_token, or user and password.';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.store_options(text[], oid) IS
'Internal: checks the options of a store when CREATE or ALTER SERVER or USER MAPPING gives them.
Server: type (s3, gcs, azure, https or file); bucket, region, endpoint, addressing (s3); bucket, endpoint (gcs); account, container, endpoint (azure); endpoint (https); directory (file); for all but file connect_timeout, timeout, stall_timeout (seconds), allow_private_addresses, ca_certificate (PEM).
User mapping: access_key_id, secret_access_key, session_token (s3, gcs); sas_token (azure); bearer_token, or user and password (https).
Errors: HV00D an option that is not known here; HV024 a value that it may not have; HV002 one that is missing; 42501 where only others may declare it.';

CREATE OR REPLACE FUNCTION ocr.webhook_options(options text[], catalog oid) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_server CONSTANT text[] := '{url,timeout,max_attempts,events,allow_private_addresses,ca_certificate}';
    of_mapping CONSTANT text[] := '{secret}';
    nothing text;
BEGIN
    nothing := ocr.check_declared_options(options, catalog, of_server, of_mapping);
    IF catalog = 'pg_foreign_server'::regclass AND NOT ocr.options_of_list(options) ? 'url' THEN
        RAISE EXCEPTION 'a webhook needs the option "url"'
            USING ERRCODE = 'fdw_dynamic_parameter_value_needed',
                  HINT = 'Write it as in OPTIONS (url ''https://host/path'').';
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.webhook_options(text[], oid) IS
'Internal: checks the options of a webhook when CREATE or ALTER SERVER or USER MAPPING gives them.
Server: url; timeout (seconds); max_attempts; events (of job.started, job.progress, job.completed, job.failed, job.cancelled, job.review_needed, job.reviewed, batch.finished, parted by commas); allow_private_addresses; ca_certificate (PEM).
User mapping: secret (whsec_…), with which deliveries are signed.
Errors: HV00D an option that is not known here; HV024 a value that it may not have; HV002 where the url is missing; 42501 where only superusers may declare it.';

CREATE OR REPLACE FUNCTION ocr.options_of_server(server name, owner name) RETURNS TABLE (name text, value text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    SELECT split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)
    FROM pg_foreign_server s,
         LATERAL (SELECT unnest(s.srvoptions)
                  UNION ALL
                  SELECT unnest(mapping.umoptions)
                  FROM (SELECT m.umoptions FROM pg_user_mapping m
                        WHERE m.umserver = s.oid AND m.umuser IN (0, to_regrole(quote_ident(owner))::oid)
                        ORDER BY m.umuser DESC LIMIT 1) AS mapping) AS options (o)
    WHERE s.srvname = server
$$;
COMMENT ON FUNCTION ocr.options_of_server(name, name) IS 'Internal: the options of a store or webhook together with those of a role''s user mapping, else PUBLIC''s. There are secrets among them';

CREATE OR REPLACE FUNCTION ocr.server_trouble(server name, kind text, owner name) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    role CONSTANT oid := to_regrole(quote_ident(owner));
    declared record;
BEGIN
    SELECT s.oid, s.srvowner, w.fdwname, ocr.options_of_list(s.srvoptions) AS options INTO declared
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    WHERE s.srvname = server;
    IF NOT FOUND THEN
        RETURN format('server "%s" does not exist', server);
    ELSIF declared.fdwname <> kind THEN
        RETURN format('server "%s" is of foreign-data wrapper %s, not %s', server, declared.fdwname, kind);
    ELSIF role IS NULL THEN
        RETURN format('role "%s" does not exist any more', owner);
    ELSIF NOT has_server_privilege(role, declared.oid, 'USAGE') THEN
        RETURN format('role "%s" has no USAGE on server "%s"', owner, server);
    -- Who declared it was allowed to; the server may have been given to another since.
    ELSIF declared.options->>'type' = 'file' AND NOT pg_has_role(declared.srvowner, 'pg_read_server_files', 'USAGE') THEN
        RETURN format('the owner of server "%s" is not a member of pg_read_server_files', server);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ocr.server_trouble(name, text, name) IS
'Internal: why a role cannot use a server of a foreign-data wrapper, ocr_store, ocr_webhook or ocr_provider; null where it can';

CREATE OR REPLACE FUNCTION ocr.check_server(server text, kind text, caller name) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    trouble CONSTANT text := CASE WHEN octet_length(server) < 64 THEN ocr.server_trouble(server::name, kind, caller)
                                  ELSE format('server "%s" does not exist', left(server, 100)) END;
    declared CONSTANT text := (SELECT string_agg(s.srvname, ', ' ORDER BY s.srvname)
                               FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                               WHERE w.fdwname = kind AND has_server_privilege(caller, s.oid, 'USAGE'));
BEGIN
    IF trouble LIKE '%does not exist' OR trouble LIKE '%is of foreign-data wrapper%' THEN
        RAISE EXCEPTION '%', trouble
            USING ERRCODE = CASE WHEN trouble LIKE '%not exist' THEN 'undefined_object' ELSE 'wrong_object_type' END,
                  HINT = coalesce('There are ' || declared || '.',
                                  format('Declare one with CREATE SERVER … FOREIGN DATA WRAPPER %s OPTIONS (…).', kind));
    ELSIF trouble IS NOT NULL THEN
        RAISE EXCEPTION '%', trouble
            USING ERRCODE = 'insufficient_privilege',
                  HINT = CASE WHEN trouble LIKE '%USAGE%' THEN format('GRANT USAGE ON FOREIGN SERVER %I TO %I;', server, caller)
                              ELSE 'GRANT pg_read_server_files TO the server''s owner, or give it to another.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_server(text, text, name) IS 'Internal: raises an error unless there is such a server of this foreign-data wrapper, and the caller may use it';
