-- Providers that are foreign servers: a worker posts a page's image to them and finds the words in their JSON answer.

CREATE OR REPLACE FUNCTION ocr.provider_options(options text[], catalog oid) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_server CONSTANT text[] := '{url,timeout,connect_timeout,allow_private_addresses,ca_certificate,words,text,box,box_form,box_unit,confidence,confidence_scale}';
    of_mapping CONSTANT text[] := '{bearer_token,header_name,header_value}';
    given CONSTANT jsonb := ocr.options_of_list(options);
    nothing text;
BEGIN
    nothing := ocr.check_declared_options(options, catalog, of_server, of_mapping);
    IF catalog = 'pg_foreign_server'::regclass THEN
        IF NOT given ?& '{url,words}' THEN
            RAISE EXCEPTION 'a provider needs the options "url" and "words"'
                USING ERRCODE = 'fdw_dynamic_parameter_value_needed',
                      HINT = 'Write it as in OPTIONS (url ''https://host/path'', words ''$.pages[*].words[*]'').';
        END IF;
    ELSIF catalog = 'pg_user_mapping'::regclass THEN
        IF (given ? 'header_name') <> (given ? 'header_value') OR (given ? 'header_name' AND given ? 'bearer_token') THEN
            RAISE EXCEPTION 'these options do not make one way to sign in'
                USING ERRCODE = 'fdw_option_name_not_found', HINT = 'Give bearer_token, or header_name and header_value.';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.provider_options(text[], oid) IS
'Internal: checks the options of a provider when CREATE or ALTER SERVER or USER MAPPING gives them.
Server: url, to which a page''s image is posted; timeout, connect_timeout (seconds); allow_private_addresses; ca_certificate (PEM); words, the path of the words in its answer, as in $.pages[*].words[*]; and of each word text ($.text), box ($.box), confidence ($.confidence); box_form (edges or size), of boxes that are four numbers; box_unit (pixels or page); confidence_scale (100 or 1).
User mapping: bearer_token, or header_name and header_value.
Errors: HV00D an option that is not known here; HV024 a value that it may not have; HV002 where url or words is missing; 42501 where only superusers may declare it.';

CREATE OR REPLACE FUNCTION ocr.provider_of_task(task_id bigint, fence bigint, server text) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    owner CONSTANT name := (SELECT j.owner FROM ocr.tasks t JOIN ocr.jobs j ON j.id = t.job_id
                            WHERE t.id = task_id AND t.fence = provider_of_task.fence);
    trouble text;
BEGIN
    IF owner IS NULL THEN
        RETURN;
    END IF;
    trouble := ocr.server_trouble(server::name, 'ocr_provider', owner);
    IF trouble IS NOT NULL THEN
        RETURN QUERY VALUES ('undeclared', trouble);
    ELSE
        RETURN QUERY SELECT o.name, o.value FROM ocr.options_of_server(server::name, owner) AS o;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.provider_of_task(bigint, bigint, text) IS
'Internal: the options of a provider for the owner of a claimed task, those of the user mapping included; or one row undeclared, with the reason why the owner cannot have it; no row where the claim no longer stands';

-- Of a number that is written in eight bytes, as 1e131071 is, a conversion to text or to float8 writes all digits out.
CREATE OR REPLACE FUNCTION ocr.number_of_answer(value jsonb) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE pg_catalog.jsonb_typeof(value)
    WHEN 'number' THEN pg_catalog.round(greatest(-1e9, least(1e9, value::numeric)), 6)::float8
    WHEN 'string' THEN CASE WHEN value #>> '{}' ~ '^-?[0-9]{1,9}([.][0-9]{1,20})?$' THEN (value #>> '{}')::float8 END
END;
COMMENT ON FUNCTION ocr.number_of_answer(jsonb) IS
'Internal: a number in a provider''s answer, also one in quotes, between -1e9 and 1e9 and to six places; null where it is none';

-- Four numbers, alone or as an object's, or the corners of a polygon, as objects, as pairs or one after another.
CREATE OR REPLACE FUNCTION ocr.edges_of_box(box jsonb, form text) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most_numbers CONSTANT int := 1000;  -- eight million took five minutes
    named jsonb;
    numbers float8[];
    x float8[];
    y float8[];
BEGIN
    IF jsonb_typeof(box) = 'object' THEN
        SELECT jsonb_object_agg(lower(key), number) INTO named
        FROM (SELECT key, ocr.number_of_answer(value) AS number FROM jsonb_each(box)) AS e WHERE number IS NOT NULL;
        x := ARRAY[(coalesce(named->>'left', named->>'x', named->>'x0', named->>'x1', named->>'xmin'))::float8];
        y := ARRAY[(coalesce(named->>'top', named->>'y', named->>'y0', named->>'y1', named->>'ymin'))::float8];
        IF named ? 'width' OR named ? 'w' THEN
            RETURN ARRAY[x[1], y[1], x[1] + coalesce(named->>'width', named->>'w')::float8, y[1] + coalesce(named->>'height', named->>'h')::float8];
        END IF;
        RETURN ARRAY[x[1], y[1],
                     coalesce(named->>'right', CASE WHEN named ? 'x1' AND NOT named ? 'x0' THEN named->>'x2' ELSE named->>'x1' END, named->>'xmax')::float8,
                     coalesce(named->>'bottom', CASE WHEN named ? 'y1' AND NOT named ? 'y0' THEN named->>'y2' ELSE named->>'y1' END, named->>'ymax')::float8];
    ELSIF jsonb_typeof(box) IS DISTINCT FROM 'array' OR jsonb_array_length(box) > most_numbers THEN
        RETURN NULL;
    ELSIF jsonb_typeof(box->0) IN ('number', 'string') THEN
        SELECT array_agg(ocr.number_of_answer(value) ORDER BY place) INTO numbers
        FROM jsonb_array_elements(box) WITH ORDINALITY AS e (value, place);
        IF cardinality(numbers) = 4 AND form = 'size' THEN
            RETURN ARRAY[numbers[1], numbers[2], numbers[1] + numbers[3], numbers[2] + numbers[4]];
        ELSIF cardinality(numbers) = 4 THEN
            RETURN numbers;
        END IF;
        SELECT array_agg(numbers[n]) FILTER (WHERE n % 2 = 1), array_agg(numbers[n]) FILTER (WHERE n % 2 = 0) INTO x, y
        FROM generate_series(1, cardinality(numbers)) AS n;
    ELSE
        -- A corner on the edge of the page may lack a coordinate that is 0.
        SELECT array_agg(ocr.number_of_answer(CASE jsonb_typeof(value) WHEN 'array' THEN value->0 ELSE coalesce(value->'x', '0') END)),
               array_agg(ocr.number_of_answer(CASE jsonb_typeof(value) WHEN 'array' THEN value->1 ELSE coalesce(value->'y', '0') END))
        INTO x, y FROM jsonb_array_elements(box) AS e (value);
    END IF;
    RETURN (SELECT ARRAY[min(a), min(b), max(a), max(b)] FROM unnest(x, y) AS corner (a, b));
END
$$;
COMMENT ON FUNCTION ocr.edges_of_box(jsonb, text) IS
'Internal: left, top, right and bottom of a box as a provider writes it: an object with left, top, right, bottom or with x, y, width, height; four numbers, whose form says which of the two they are; or the corners of a polygon. Null, or with nulls, where it is none of these';

CREATE OR REPLACE FUNCTION ocr.words_of_answer(server text, answer bytea, width int, height int)
RETURNS TABLE (word text, left_edge int, top_edge int, right_edge int, bottom_edge int, confidence real, trouble text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    unknown_confidence CONSTANT float8 := 50;
    most_words CONSTANT int := 100000;
    options CONSTANT jsonb := (SELECT ocr.options_of_list(s.srvoptions) FROM pg_foreign_server s WHERE s.srvname = server::name);
    -- The first step of the path of the words.
    root CONSTANT text := substring(options->>'words' from '^[$][.](?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")');
    text_path CONSTANT text := coalesce(options->>'text', '$.text');
    box_path CONSTANT text := coalesce(options->>'box', '$.box');
    confidence_path CONSTANT jsonpath := coalesce(options->>'confidence', '$.confidence');
    sure CONSTANT float8 := coalesce(options->>'confidence_scale', '100')::float8;
    scale float8[] := CASE options->>'box_unit' WHEN 'page' THEN ARRAY[width, height] ELSE '{1,1}' END;
    content jsonb;
    item jsonb;
    value jsonb;
    edges float8[];
    found jsonb;
    kept int := 0;
    blank int := 0;
BEGIN
    IF options IS NULL THEN
        trouble := format('server %s was dropped before its answer could be read', server);
        RETURN NEXT;
        RETURN;
    END IF;
    BEGIN
        content := convert_from(answer, 'UTF8')::jsonb;
    EXCEPTION WHEN data_exception OR character_not_in_repertoire OR untranslatable_character OR feature_not_supported
                   OR statement_too_complex OR program_limit_exceeded OR out_of_memory THEN
        trouble := format('server %s did not answer with JSON: %s', server, sqlerrm);
        RETURN NEXT;
        RETURN;
    END;
    -- A page without words may lack all that would be empty; an error that is told with the status of a success has something
    -- else in its place.
    IF root IS NOT NULL AND content <> '{}' AND NOT jsonb_path_exists(content, root::jsonpath, '{}', true) THEN
        trouble := format('server %s answered without %s, where its words should be', server, root);
        RETURN NEXT;
        RETURN;
    END IF;
    -- Not jsonb_path_query(): the time that it takes grows with the square of what it finds.
    found := jsonb_path_query_array(content, (options->>'words')::jsonpath, '{}', true);
    IF jsonb_array_length(found) > most_words THEN
        trouble := format('server %s answered with more than %s words', server, most_words);
        RETURN NEXT;
        RETURN;
    END IF;
    FOR item IN SELECT jsonb_array_elements(found) LOOP
        value := jsonb_path_query_first(item, text_path::jsonpath, '{}', true);
        word := CASE jsonb_typeof(value)
            WHEN 'string' THEN value #>> '{}'
            WHEN 'number' THEN CASE WHEN abs(value::numeric) < 1e20 AND scale(value::numeric) <= 20 THEN value #>> '{}' END END;
        CONTINUE WHEN word IS NULL;
        IF word !~ '[^[:space:]]' THEN
            blank := blank + 1;
            CONTINUE;
        END IF;
        edges := ocr.edges_of_box(jsonb_path_query_first(item, box_path::jsonpath, '{}', true), options->>'box_form');
        CONTINUE WHEN array_position(edges, NULL) IS NOT NULL OR cardinality(edges) IS DISTINCT FROM 4;
        left_edge := greatest(0, least(width, floor(edges[1] * scale[1])));
        top_edge := greatest(0, least(height, floor(edges[2] * scale[2])));
        right_edge := greatest(0, least(width, ceil(edges[3] * scale[1])));
        bottom_edge := greatest(0, least(height, ceil(edges[4] * scale[2])));
        CONTINUE WHEN left_edge >= right_edge OR top_edge >= bottom_edge;
        confidence := greatest(0, least(100, coalesce(
            100 / sure * ocr.number_of_answer(jsonb_path_query_first(item, confidence_path, '{}', true)), unknown_confidence)));
        kept := kept + 1;
        RETURN NEXT;
    END LOOP;
    IF kept = 0 AND jsonb_array_length(found) > blank THEN
        trouble := format('none of the words that server %s answered with has a text (%s) and a box on the page (%s)', server, text_path, box_path);
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.words_of_answer(text, bytea, int, int) IS
'Internal: the words in the JSON that a provider answered to an image of so many pixels, by the paths of its options; boxes are cut to the image. Words without a text or a box on the image are left out; those without a confidence have 50. A row with trouble: the answer is no result, whatever the other rows say';
