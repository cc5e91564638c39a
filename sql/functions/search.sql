-- Search over pages. ocr.pages.search has the words of a page as its language's dictionary gives them, and a GIN index. A
-- wrong letter is found through a second one, over ocr.letter_keys(): two words that are one letter apart have the same
-- first half or the same
-- second half. Policies of row-level security go before conditions that might leak, such as @@,
-- and keep them from using an index; so these functions run as their owner, and ask themselves whose pages they may show.

-- Inlined, so that a look-up is one.
CREATE OR REPLACE FUNCTION ocr.dictionary_names() RETURNS TABLE (code text, name name)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 36
BEGIN ATOMIC
    SELECT * FROM (VALUES
        ('ara', 'arabic'::name), ('hye', 'armenian'), ('eus', 'basque'), ('cat', 'catalan'), ('dan', 'danish'), ('dan_frak', 'danish'),
        ('nld', 'dutch'), ('eng', 'english'), ('est', 'estonian'), ('fin', 'finnish'), ('fra', 'french'), ('deu', 'german'),
        ('deu_frak', 'german'), ('deu_latf', 'german'), ('frk', 'german'), ('ell', 'greek'), ('hin', 'hindi'), ('hun', 'hungarian'),
        ('ind', 'indonesian'), ('gle', 'irish'), ('ita', 'italian'), ('ita_old', 'italian'), ('lit', 'lithuanian'), ('nep', 'nepali'),
        ('nor', 'norwegian'), ('por', 'portuguese'), ('ron', 'romanian'), ('rus', 'russian'), ('srp', 'serbian'), ('srp_latn', 'serbian'),
        ('spa', 'spanish'), ('spa_old', 'spanish'), ('swe', 'swedish'), ('tam', 'tamil'), ('tur', 'turkish'), ('yid', 'yiddish')) AS d;
END;
COMMENT ON FUNCTION ocr.dictionary_names() IS 'Internal: which of PostgreSQL''s text search configurations, of schema pg_catalog, is that of which of Tesseract''s languages';

CREATE OR REPLACE FUNCTION ocr.dictionary_of(language text) RETURNS regconfig
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT c.oid FROM ocr.dictionary_names() d
                     JOIN pg_ts_config c ON c.cfgname = d.name AND c.cfgnamespace = 'pg_catalog'::regnamespace
                     WHERE d.code = split_part(language, '+', 1)), 'pg_catalog.simple'::regconfig);
END
$$;
COMMENT ON FUNCTION ocr.dictionary_of(text) IS 'Internal: the text search configuration of a job''s language, of the first of several; simple where PostgreSQL has none for it';

-- PostgreSQL's parser takes <total due 50> for a tag and drops it, Net/Total for a path, and the end of INV-2024-001 for the
-- numbers -2024 and -1: on a form, all of these are words. It parses words with hyphens again for each hyphen, so words have
-- an end. A word that a hyphen parts at the end of a line is one word. A Chinese or Japanese character is one, too, as
-- nothing tells where a word ends. Ligatures and letters with their accents apart are what they look like; only UTF8, in which
-- é has two bytes, has them.
CREATE OR REPLACE FUNCTION ocr.words_to_search(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.octet_length(text) < 200 AND text !~ '[^ -~]|[-<>&|/\\+]' THEN text  -- as most words are
       ELSE pg_catalog.regexp_replace(
           pg_catalog.regexp_replace(
               pg_catalog.regexp_replace(
                   pg_catalog.regexp_replace(
                       CASE WHEN pg_catalog.octet_length(pg_catalog.chr(233)) = 2 THEN pg_catalog.normalize(text, 'NFKC') ELSE text END,
                       '([[:alpha:]])(-|­|‐)\n([[:lower:]])|­|[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]', '\1\3', 'g'),
                   '[<>&|/\\+]|(-|‐)(?=[0-9])', ' ', 'g'),
               '([^[:space:]]{200})', '\1 ', 'g'),
           '([\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff])', ' \1 ', 'g')
       END;
COMMENT ON FUNCTION ocr.words_to_search(text) IS 'Internal: a text as it is to be taken apart into words, on a page as in a query';

CREATE OR REPLACE FUNCTION ocr.search_vector(dictionary regconfig, text text) RETURNS tsvector
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text := left(text, 1000000);
BEGIN
    IF octet_length(part) <= 20000 THEN
        RETURN to_tsvector(dictionary, ocr.words_to_search(part));
    END IF;
    -- A tsvector holds a megabyte, and what is made to be slow takes seconds for each. Of more text the beginning is found,
    -- which is better than not to have the page.
    LOOP
        BEGIN
            RETURN to_tsvector(dictionary, ocr.words_to_search(part));
        EXCEPTION WHEN program_limit_exceeded THEN
            part := left(part, length(part) / 2);
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.search_vector(regconfig, text) IS 'Internal: the words of a page''s text; of a text with too many different words, those of its beginning';

CREATE OR REPLACE FUNCTION ocr.note_words() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
    -- A row that is copied or restored has them.
    IF TG_OP = 'UPDATE' OR NEW.search IS NULL THEN
        NEW.search := ocr.search_vector((SELECT ocr.dictionary_of(j.language) FROM ocr.jobs j WHERE j.id = NEW.job_id),
                                        coalesce(NEW.corrected_text, NEW.text));
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ocr.note_words() IS 'Internal: keeps ocr.pages.search';

CREATE OR REPLACE TRIGGER note_words BEFORE INSERT OR UPDATE OF text, corrected_text ON ocr.pages
    FOR EACH ROW EXECUTE FUNCTION ocr.note_words();

-- The index below is over this: who changes what it returns must rebuild the index.
CREATE OR REPLACE FUNCTION ocr.letter_keys(search tsvector) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT key.key
    FROM unnest(tsvector_to_array(search)) AS w (word),
         LATERAL (VALUES (length(w.word) || '<' || left(w.word, length(w.word) / 2)),
                         (length(w.word) || '>' || right(w.word, length(w.word) - length(w.word) / 2))) AS key (key)
    WHERE length(w.word) BETWEEN 3 AND 40);
COMMENT ON FUNCTION ocr.letter_keys(tsvector) IS
'Internal: of each word of 3 to 40 characters, its length with its first half, and its length with its second half. ocr.keys_near() says which of them a word has that is one letter apart from another';

-- Pages of before version 0.2.0. Indexes that are made after it are made at once.
UPDATE ocr.pages SET text = text WHERE search IS NULL AND text IS NOT NULL;
CREATE INDEX IF NOT EXISTS pages_search ON ocr.pages USING gin (search);
CREATE INDEX IF NOT EXISTS pages_letters ON ocr.pages USING gin (ocr.letter_keys(search) COLLATE "C");
-- ANALYZE would compute them for each row of its sample.
ALTER INDEX ocr.pages_letters ALTER COLUMN 1 SET STATISTICS 0;

-- Of words of less than four letters every other one is a letter apart, and of more than forty there are no keys; these are
-- found as they are.
CREATE OR REPLACE FUNCTION ocr.is_bendable(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.length(word) BETWEEN 4 AND 40;
COMMENT ON FUNCTION ocr.is_bendable(text) IS 'Internal: whether a fuzzy search looks for words that are a letter apart from this one';

CREATE OR REPLACE FUNCTION ocr.keys_near(word text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT key.key
    FROM generate_series(length(word) - ocr.is_bendable(word)::int, length(word) + ocr.is_bendable(word)::int) AS n,
         LATERAL (VALUES (n || '<' || left(word, n / 2)), (n || '>' || right(word, n - n / 2))) AS key (key)
    UNION ALL
    -- Two letters that are swapped across the middle change both halves.
    SELECT n || '<' || left(word, n / 2 - 1) || substr(word, n / 2 + 1, 1) FROM length(word) AS n WHERE ocr.is_bendable(word)
$$;
COMMENT ON FUNCTION ocr.keys_near(text) IS
'Internal: keys of which a word has at least one that is this word, has one letter changed, more or less, or two neighbours swapped; see ocr.letter_keys()';

CREATE OR REPLACE FUNCTION ocr.pattern_near(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(DISTINCT regexp_replace(p.head, '([!-/:-@[-`{-~])', '\\\1', 'g') || p.any_letter
                               || regexp_replace(p.tail, '([!-/:-@[-`{-~])', '\\\1', 'g'), '|')
    FROM (SELECT word AS head, '' AS any_letter, '' AS tail
          UNION ALL SELECT left(word, i), '[^\n]', substr(word, i + 1) FROM generate_series(0, length(word)) AS i WHERE ocr.is_bendable(word)
          UNION ALL SELECT left(word, i - 1), '[^\n]', substr(word, i + 1) FROM generate_series(1, length(word)) AS i WHERE ocr.is_bendable(word)
          UNION ALL SELECT left(word, i - 1), '', substr(word, i + 1) FROM generate_series(1, length(word)) AS i WHERE ocr.is_bendable(word)
          UNION ALL SELECT left(word, i - 1) || substr(word, i + 1, 1) || substr(word, i, 1), '', substr(word, i + 2)
                    FROM generate_series(1, length(word) - 1) AS i WHERE ocr.is_bendable(word)) AS p
$$;
COMMENT ON FUNCTION ocr.pattern_near(text) IS 'Internal: a regular expression for the words that ocr.keys_near() is for';

CREATE OR REPLACE FUNCTION ocr.query_of_words(words text[]) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg('''' || replace(replace(w, '\', '\\'), '''', '''''') || '''', '|')::tsquery FROM unnest(words) AS w
$$;
COMMENT ON FUNCTION ocr.query_of_words(text[]) IS 'Internal: a query for any of these words, which are as a tsvector has them; null where there is none';

CREATE OR REPLACE FUNCTION ocr.words_of_query(query tsquery) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(DISTINCT replace(replace(m[1], '''''', ''''), '\\', '\'))
    FROM regexp_matches(querytree(query), '''((?:[^'']|'''')*)''', 'g') AS m
$$;
COMMENT ON FUNCTION ocr.words_of_query(tsquery) IS 'Internal: the words that a query asks for, without those that it excludes';

CREATE OR REPLACE FUNCTION ocr.query_near(search tsvector, dictionary regconfig, words text[], patterns text[]) RETURNS tsquery
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    on_page CONSTANT text := E'\n' || array_to_string(tsvector_to_array(search), E'\n') || E'\n';
    near tsquery;
    part tsquery;
BEGIN
    FOR i IN 1 .. cardinality(words) LOOP
        part := (SELECT ocr.query_of_words(array_agg(m[1])) FROM regexp_matches(on_page, patterns[i], 'g') AS m);
        IF part IS NOT NULL THEN
            near := CASE WHEN near IS NULL THEN part ELSE near && part END;
        ELSIF to_tsvector(dictionary, words[i]) <> ''::tsvector THEN
            RETURN NULL;
        END IF;  -- What the page's dictionary leaves out, the page cannot have.
    END LOOP;
    RETURN near;
END
$$;
COMMENT ON FUNCTION ocr.query_near(tsvector, regconfig, text[], text[]) IS
'Internal: a query for those words of a page that match the patterns of the words looked for; null where one of these has no match on the page';

-- What words_to_search() takes apart is to be found together: it is quoted, unless it is within quotes already. A dash that
-- has a space after it, or a line of them, is a dash; one before a number excludes it.
CREATE OR REPLACE FUNCTION ocr.phrased_query(query text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ocr.words_to_search(string_agg(
        CASE WHEN p.no % 2 = 0 THEN p.part
             ELSE regexp_replace(regexp_replace(regexp_replace(p.part,
                 '-{2,}|-(?=[[:space:]])', ' ', 'g'),
                 '(^|[[:space:]])(-?)((?:[^[:space:]-][^[:space:]]*-|(?:[^[:space:]-][^[:space:]]*)?[<>&|/\\+\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff])[^[:space:]]*)', '\1\2"\3"', 'g'),
                 '(^|[[:space:]])-(?=[0-9])', '\1- ', 'g') END,
        '"' ORDER BY p.no))
    FROM string_to_table(query, '"') WITH ORDINALITY AS p (part, no)
$$;
COMMENT ON FUNCTION ocr.phrased_query(text) IS 'Internal: a query as websearch_to_tsquery() is to have it';

-- Compared by code, in the order of the codes: the first is for languages without a dictionary.
CREATE OR REPLACE FUNCTION ocr.readings_of_query(query text, fuzzy boolean, OUT codes text[], OUT dictionaries regconfig[], OUT queries tsquery[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    phrased CONSTANT text := ocr.phrased_query(query);
    dictionary regconfig;
    reading tsquery;
BEGIN
    SELECT array_agg(d.code ORDER BY d.code COLLATE "C"), array_agg(d.dictionary ORDER BY d.code COLLATE "C")
    INTO codes, dictionaries
    FROM (SELECT '' AS code, 'pg_catalog.simple'::regconfig AS dictionary
          UNION ALL SELECT n.code, c.oid FROM ocr.dictionary_names() n
                    JOIN pg_ts_config c ON c.cfgname = n.name AND c.cfgnamespace = 'pg_catalog'::regnamespace) AS d;
    FOREACH dictionary IN ARRAY dictionaries LOOP
        BEGIN
            reading := CASE WHEN fuzzy THEN plainto_tsquery(dictionary, phrased) ELSE websearch_to_tsquery(dictionary, phrased) END;
        EXCEPTION WHEN internal_error OR statement_too_complex OR program_limit_exceeded THEN
            -- So many dashes before a word that PostgreSQL's parser does not follow them.
            reading := plainto_tsquery(dictionary, phrased);
        END;
        -- An index has no list of the pages that do not have a word.
        queries := queries || CASE WHEN querytree(reading) = 'T' THEN ''::tsquery ELSE reading END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ocr.readings_of_query(text, boolean) IS
'Internal: what a query means on pages of each language. codes: of languages, the first, which is empty, standing for all that PostgreSQL has no dictionary for; dictionaries and queries: of each of them';

CREATE OR REPLACE FUNCTION ocr.forms_of_words(words text[], dictionaries regconfig[]) RETURNS TABLE (no int, form text, is_left_out boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT f.no::int, f.form, bool_or(f.left_out) OVER (PARTITION BY f.no)
    FROM (SELECT DISTINCT w.no, l.form, l.form IS NULL AS left_out
          FROM unnest(words) WITH ORDINALITY AS w (word, no), unnest(dictionaries) AS d (dictionary)
          LEFT JOIN LATERAL unnest(tsvector_to_array(to_tsvector(d.dictionary, w.word))) AS l (form) ON true) AS f
$$;
COMMENT ON FUNCTION ocr.forms_of_words(text[], regconfig[]) IS
'Internal: each word as these dictionaries give it. form: null where a dictionary leaves it out; is_left_out: whether one does';

CREATE OR REPLACE FUNCTION ocr.check_search(query text, fuzzy boolean, job_id bigint, max_results int) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    longest_query CONSTANT int := 2000;
BEGIN
    IF query IS NULL THEN
        PERFORM ocr.refuse_null('query', 'Give the words to look for.');
    END IF;
    IF fuzzy IS NULL THEN
        PERFORM ocr.refuse_null('fuzzy', 'Give true or false.');
    END IF;
    IF octet_length(query) > longest_query THEN
        RAISE EXCEPTION 'the query has % bytes, more than the % that a search takes', octet_length(query), longest_query
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Leave out the words that many pages have.';
    END IF;
    IF max_results IS NULL THEN
        PERFORM ocr.refuse_null('max_results', 'Give a number from 1 to 1000.');
    END IF;
    IF max_results NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'max_results cannot be %', max_results
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a number from 1 to 1000.';
    END IF;
    IF job_id IS NOT NULL THEN
        PERFORM ocr.visible_job(job_id);
    END IF;
END
$$;
COMMENT ON FUNCTION ocr.check_search(text, boolean, bigint, int) IS 'Internal: raises an error where an argument of ocr_search() is null, out of its range, or a job that the caller may not see';

CREATE OR REPLACE FUNCTION ocr.find_pages(query text, fuzzy boolean, batch text, job_id bigint, max_results int)
RETURNS TABLE (found_job bigint, found_page int, rank real, dictionary regconfig, page_query tsquery)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan
SET work_mem = '64MB'
SET jit = off
-- That it is of stop words only is no news in the twenty languages that were not meant.
SET client_min_messages = warning
AS $$
DECLARE
    most_words CONSTANT int := 16;
    most_ranked CONSTANT int := 10000;  -- of words that most pages have, the newest: the others' rank would cost a second per 100,000
    words text[];
    readings record;
    reading tsquery;
    any_reading tsquery;
    patterns text[];
    conditions text;
    found int;
    owners CONSTANT name[] := ARRAY(SELECT r.rolname FROM pg_roles r WHERE pg_has_role(ocr.caller(), r.oid, 'USAGE'));
    sees_nobodys CONSTANT boolean := pg_has_role(ocr.caller(), 10::oid, 'USAGE');
BEGIN
    PERFORM ocr.check_search(query, fuzzy, job_id, max_results);
    words := ARRAY(SELECT w.lexeme FROM unnest(to_tsvector('simple', ocr.words_to_search(query))) AS w ORDER BY w.positions[1]);
    IF fuzzy AND cardinality(words) > most_words THEN
        RAISE EXCEPTION 'the query has % words, more than the % that a fuzzy search takes', cardinality(words), most_words
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Leave out the words that many pages have.';
    END IF;
    SELECT * INTO readings FROM ocr.readings_of_query(query, fuzzy);
    FOR reading IN SELECT DISTINCT q FROM unnest(readings.queries) AS q WHERE numnode(q) > 0 LOOP
        any_reading := CASE WHEN any_reading IS NULL THEN reading ELSE any_reading || reading END;
    END LOOP;
    IF any_reading IS NULL THEN
        RETURN;
    END IF;

    RETURN QUERY
        SELECT c.job_id, c.page_no, ((ts_rank_cd(c.search, c.query, 33) + fuzzy::int) / (1 + fuzzy::int))::real AS page_rank, c.dictionary, c.query
        FROM (SELECT n.job_id, n.page_no, n.search, q.dictionary, q.query
              FROM (SELECT p.job_id, p.page_no, p.search, coalesce(array_position(readings.codes, split_part(j.language, '+', 1)), 1) AS language
                    FROM ocr.pages p JOIN ocr.jobs j ON j.id = p.job_id
                    WHERE p.search @@ any_reading
                      AND (find_pages.job_id IS NULL OR p.job_id = find_pages.job_id) AND (find_pages.batch IS NULL OR j.batch = find_pages.batch)
                      AND (j.owner = ANY (owners) OR (sees_nobodys AND to_regrole(quote_ident(j.owner)) IS NULL))
                    ORDER BY p.job_id DESC, p.page_no OFFSET 0) AS n,
                   LATERAL (SELECT readings.dictionaries[n.language] AS dictionary, readings.queries[n.language] AS query) AS q
              WHERE n.search @@ q.query
              LIMIT most_ranked) AS c
        ORDER BY page_rank DESC, c.job_id DESC, c.page_no
        LIMIT max_results;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF NOT fuzzy OR found = max_results THEN
        RETURN;
    END IF;

    -- By dictionary and word: a word as that dictionary gives it, and as it is written, since one with a wrong ending is not
    -- cut to its stem.
    SELECT array_agg(E'\n(' || concat_ws('|', ocr.pattern_near(w.word), (
                   SELECT string_agg(ocr.pattern_near(l.form), '|')
                   FROM unnest(tsvector_to_array(to_tsvector(d.dictionary, w.word))) AS l (form) WHERE l.form <> w.word))
               || E')(?=\n)' ORDER BY d.no, w.no)
    INTO patterns
    FROM unnest(readings.dictionaries) WITH ORDINALITY AS d (dictionary, no), unnest(words) WITH ORDINALITY AS w (word, no);
    -- What is a stop word in one of the languages cannot be asked of the index for all.
    SELECT string_agg(CASE WHEN NOT ocr.is_bendable(words[w.no]) THEN format('p.search @@ %L', ocr.query_of_words(w.forms))
                           ELSE format('ocr.letter_keys(p.search) && (%L COLLATE "C")',
                                       ARRAY(SELECT DISTINCT k FROM unnest(w.forms) AS form, ocr.keys_near(form) AS k)) END, ' AND ')
    INTO conditions
    FROM (SELECT f.no, array_agg(DISTINCT f.form) AS forms
          FROM ocr.forms_of_words(words, readings.dictionaries) AS f WHERE NOT f.is_left_out GROUP BY f.no) AS w;
    IF conditions IS NULL THEN
        RETURN;
    END IF;
    -- Candidates are many where half a word is common. So they are sorted by age, and looked at one after the other, until
    -- there are enough; OFFSET 0 keeps the look behind the sort.
    RETURN QUERY EXECUTE format($q$
        SELECT c.job_id, c.page_no, (ts_rank_cd(c.search, near.query, 33) / 2)::real, c.dictionary, near.query
        FROM (SELECT p.job_id, p.page_no, p.search, $2[language.no] AS dictionary,
                     $5[(language.no - 1) * cardinality($4) + 1 : language.no * cardinality($4)] AS patterns
              FROM ocr.pages p JOIN ocr.jobs j ON j.id = p.job_id,
                   LATERAL (SELECT coalesce(array_position($1, split_part(j.language, '+', 1)), 1) AS no) AS language
              WHERE %s AND NOT p.search @@ $3[language.no]
                AND ($6 IS NULL OR p.job_id = $6) AND ($7 IS NULL OR j.batch = $7)
                AND (j.owner = ANY ($8) OR ($9 AND to_regrole(quote_ident(j.owner)) IS NULL))
              ORDER BY p.job_id DESC, p.page_no OFFSET 0) AS c,
             LATERAL (SELECT ocr.query_near(c.search, c.dictionary, $4, c.patterns) AS query OFFSET 0) AS near
        WHERE near.query IS NOT NULL
        LIMIT $10 $q$, conditions)
    USING readings.codes, readings.dictionaries, readings.queries, words, patterns, job_id, batch, owners, sees_nobodys, max_results - found;
END
$$;
COMMENT ON FUNCTION ocr.find_pages(text, boolean, text, bigint, int) IS
'Internal: the pages that ocr_search() finds, best first, with the dictionary of each and a query for the words that were found there';

CREATE OR REPLACE FUNCTION ocr.hits_on_page(job_id bigint, page_no int, dictionary regconfig, query tsquery, OUT snippet text, OUT hits jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan  -- planning took as long as a page
SET enable_hashagg = off
SET jit = off
SET client_min_messages = warning
AS $$
DECLARE
    before CONSTANT int := 5;
    after CONSTANT int := 15;
    longest_word CONSTANT int := 200;
    page ocr.pages;
    wanted CONSTANT text[] := ocr.words_of_query(query);
    -- Of a phrase, only words that are where it is are hits. So far from each other its words can be.
    span CONSTANT int := CASE WHEN query::text ~ '[&|!]' THEN NULL ELSE (
        SELECT sum(coalesce(m[1]::int, 1)) FROM regexp_matches(query::text, '''[^'']*<(?:-|([0-9]+))>', 'g') AS m) END;
BEGIN
    SELECT c.* INTO page FROM ocr.pages p, ocr.as_corrected(p) AS c WHERE p.job_id = hits_on_page.job_id AND p.page_no = hits_on_page.page_no;
    WITH words AS (
        SELECT w.no AS word_no, l.no AS line_no, b.no AS block_no, w.word->>'text' AS text, w.word->'box' AS box
        FROM jsonb_array_elements(page.layout->'blocks') WITH ORDINALITY AS b (block, no),
             jsonb_array_elements(b.block->'lines') WITH ORDINALITY AS l (line, no),
             jsonb_array_elements(l.line->'words') WITH ORDINALITY AS w (word, no)
        UNION ALL
        SELECT w.no, l.no, 1, w.word, NULL
        FROM regexp_split_to_table(page.text, '\n') WITH ORDINALITY AS l (line, no),
             regexp_split_to_table(btrim(l.line), '[[:space:]]+') WITH ORDINALITY AS w (word, no)
        WHERE page.layout IS NULL AND w.word <> ''
    ), in_order AS (
        SELECT row_number() OVER reading AS no, w.text, w.box, w.line_no,
               lag(w.text) OVER reading AS text_before, lag(w.line_no) OVER reading AS line_before,
               lead(w.text) OVER reading AS text_after, lead(w.line_no) OVER reading AS line_after
        FROM words w
        WINDOW reading AS (ORDER BY w.block_no, w.line_no, w.word_no)
    ), whole AS MATERIALIZED (
        -- Of a word that a hyphen parts, both parts are the whole.
        SELECT w.no, w.text, w.box, ocr.words_to_search(w.joined) AS whole
        FROM (SELECT i.no, i.text, i.box,
                     CASE WHEN i.line_after <> i.line_no AND i.text ~ '[[:alpha:]](-|­|‐)$' THEN i.text || E'\n' || i.text_after
                          WHEN i.line_before <> i.line_no AND i.text_before ~ '[[:alpha:]](-|­|‐)$' THEN i.text_before || E'\n' || i.text
                          ELSE i.text END AS joined
              FROM in_order i OFFSET 0) AS w
    ), around AS (
        SELECT v.no, string_agg(v.whole, ' ') OVER (ORDER BY v.no ROWS BETWEEN coalesce(span, 0) PRECEDING AND coalesce(span, 0) FOLLOWING) AS text
        FROM whole v WHERE span IS NOT NULL
    ), matches AS MATERIALIZED (
        SELECT DISTINCT d.whole, match.word
        FROM (SELECT DISTINCT v.whole FROM whole v) AS d, unnest(tsvector_to_array(to_tsvector(dictionary, d.whole))) AS match (word)
        WHERE match.word = ANY (wanted)
    ), found AS MATERIALIZED (
        SELECT v.no, v.text, v.box, m.word FROM whole v JOIN matches m USING (whole) LEFT JOIN around a ON a.no = v.no
        WHERE span IS NULL OR to_tsvector(dictionary, a.text) @@ query
    ), start AS (
        -- Where most of the words that were looked for are close to each other.
        SELECT f.no
        FROM (SELECT DISTINCT k.no FROM found k ORDER BY k.no LIMIT 200) AS f
        ORDER BY (SELECT count(DISTINCT k.word) FROM found k WHERE k.no BETWEEN f.no AND f.no + after) DESC, f.no
        LIMIT 1
    )
    SELECT CASE WHEN min(v.no) > 1 THEN '… ' ELSE '' END
           || replace(replace(regexp_replace(
                  string_agg(CASE WHEN f.no IS NULL THEN ocr.xml_text(left(v.text, longest_word)) ELSE E'\x02' || ocr.xml_text(left(v.text, longest_word)) || E'\x03' END, ' ' ORDER BY v.no),
                  '([\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef]\x03?) (?=\x02?[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef])', '\1', 'g'),
                  E'\x02', '<mark>'), E'\x03', '</mark>')
           || CASE WHEN max(v.no) < (SELECT max(k.no) FROM whole k) THEN ' …' ELSE '' END,
           (SELECT jsonb_agg(jsonb_build_object('text', k.text, 'box', k.box) ORDER BY k.no) FROM (SELECT DISTINCT no, text, box FROM found) AS k)
    INTO snippet, hits
    FROM start s JOIN whole v ON v.no BETWEEN s.no - before AND s.no + after
    LEFT JOIN (SELECT DISTINCT no FROM found) AS f ON f.no = v.no;
END
$$;
COMMENT ON FUNCTION ocr.hits_on_page(bigint, int, regconfig, tsquery) IS 'Internal: where a query''s words are on a page; see ocr_search()';

CREATE OR REPLACE FUNCTION @extschema@.ocr_search(
    query text, fuzzy boolean = false, batch text = NULL, job_id bigint = NULL, max_results int = 20)
RETURNS TABLE (job_id bigint, page_no int, rank real, snippet text, hits jsonb)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT f.found_job, f.found_page, f.rank, h.snippet, h.hits
    FROM ocr.find_pages(query, fuzzy, batch, $4, max_results) AS f,
         LATERAL ocr.hits_on_page(f.found_job, f.found_page, f.dictionary, f.page_query) AS h
    ORDER BY f.rank DESC, f.found_job DESC, f.found_page
$$;
COMMENT ON FUNCTION @extschema@.ocr_search(text, boolean, text, bigint, int) IS
'The pages, of all that the caller may see, that have these words: best first, at most max_results of them (1 to 1000).
query: as for websearch_to_tsquery(): all words, "quoted words" in that order, or between alternatives, - before what must not be there; one that only says what must not be there finds nothing. Words are compared as the dictionary of the job''s language gives them, of the first of its languages: invoices finds invoice, and words such as "the" do not count. fuzzy: each word may have one letter wrong, missing or too many, or two neighbours swapped; words of less than four letters, or more than forty, may not. Then quotes, or and - mean nothing; pages that have the words as they are come first, then those of the newest jobs. batch, job_id: only pages of that batch, or of that job.
rank: 0 to 1; of words that more than 10,000 pages have, the newest 10,000 are ranked. snippet: HTML, the words in <mark>, all else escaped. hits: the words found on the page, in reading order, [{"text": "…", "box": [left, top, right, bottom]}] in pixels; box is null in tier fast. Where a person has corrected a page, see ocr_review(), the corrected text is searched.
Errors: 22004 where query, fuzzy or max_results is null, 22023 where max_results is out of its range, 42704 where there is no such job or it is not the caller''s to see, 54000 for a query of more than 2000 bytes, or a fuzzy search of more than 16 words.';
