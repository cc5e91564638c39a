BEGIN;
SELECT plan(122);
\ir fake_worker.psql
CREATE ROLE ocr_test_alice;
CREATE ROLE ocr_test_bob;
CREATE ROLE ocr_test_clerk IN ROLE ocr_test_alice;
CREATE ROLE ocr_test_keeper NOINHERIT IN ROLE ocr_test_alice;

-- A job of pages with these texts. Each line is a line of its layout, unless the tier is fast.
CREATE FUNCTION pg_temp.job_of(texts text[], language text = 'eng', tier text = 'balanced', batch text = NULL) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    job CONSTANT bigint := ocr_submit('\x01', tier => tier, batch => batch, options => '{"reuse": false}');
BEGIN
    PERFORM pg_temp.take(texts, language);
    RETURN job;
END
$$;
CREATE FUNCTION pg_temp.take(texts text[], language text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_temp.claim(), pg_temp.open(cardinality(texts));
    -- Not all languages are installed where this test runs.
    UPDATE ocr.jobs SET language = take.language WHERE id = (SELECT job_id FROM claim);
    PERFORM ocr.record_page(c.task_id, c.fence, t.no::int, 'read', 'ocr', t.text, 90,
        jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object('box', '[0,0,9,9]'::jsonb, 'lines', (
            SELECT jsonb_agg(jsonb_build_object('box', '[0,0,9,9]'::jsonb, 'confidence', 90, 'words', (
                SELECT jsonb_agg(jsonb_build_object('box', jsonb_build_array(w.no, l.no, w.no + 1, l.no + 1), 'text', w.word, 'confidence', 90))
                FROM string_to_table(l.line, ' ') WITH ORDINALITY AS w (word, no))))
            FROM string_to_table(t.text, E'\n') WITH ORDINALITY AS l (line, no))))),
        9, 100, 100, 300, 0, 5, 'e', NULL, NULL)
    FROM claim c, unnest(texts) WITH ORDINALITY AS t (text, no);
    PERFORM pg_temp.complete();
END
$$;
-- job:page of what is found, best first.
CREATE FUNCTION pg_temp.found(query text, fuzzy boolean = false, batch text = NULL, job bigint = NULL) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(job_id || ':' || page_no, ' '), '') FROM ocr_search(query, fuzzy, batch, job)
$$;
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', pg_my_temp_schema()::regnamespace); END $$;

SET ROLE ocr_test_alice;
SELECT pg_temp.job_of(ARRAY[E'The invoices of May.\nTotal amount due: 17 EUR, to be paid by the clerk.', E'Nothing is due, and the total is naught',
                            E'An invoice for infor-\nmation, with Anglo-\nSaxon spelling'], batch => 'mail') AS english \gset
SELECT pg_temp.job_of(ARRAY[E'Die Häuser und ihre Rechnungen', E'Ein Haus'], 'deu+eng', batch => 'post') AS german \gset
SELECT pg_temp.job_of(ARRAY['東京都の会社 請求書', '京都東'], 'jpn') AS japanese \gset
SELECT pg_temp.job_of(ARRAY[E'the clerk''s total, a fast one\nand due'], tier => 'fast') AS fast \gset
SET ROLE ocr_test_bob;
SELECT pg_temp.job_of(ARRAY['An invoice of another, total due'], batch => 'mail') AS of_bob \gset

-- What is found.
SET ROLE ocr_test_alice;
SELECT is((SELECT array_agg(page_no ORDER BY page_no) FROM ocr_search('invoices')), ARRAY[1, 3], 'a word is found in any of its forms');
SELECT is((SELECT array_agg(page_no ORDER BY page_no) FROM ocr_search('haus')), ARRAY[1, 2], 'also in German, on pages of German');
SELECT is(pg_temp.found('amount due'), :'english' || ':1', 'all words must be there');
SELECT is(pg_temp.found('"amount due"'), :'english' || ':1', 'a phrase is found');
SELECT is(pg_temp.found('"due amount"'), '', 'in its order');
SELECT is(pg_temp.found('total -naught -fast'), :'english' || ':1', 'what must not be there is not');
SELECT is(pg_temp.found('naught or "due amount" or rechnung', batch => 'mail'), :'english' || ':2', 'alternatives');
SELECT is(pg_temp.found('information'), :'english' || ':3', 'a word that a hyphen parts is one');
SELECT is(pg_temp.found('saxon spelling'), :'english' || ':3', 'and two words that one joins are two as well');
SELECT is(pg_temp.found('東京都'), :'japanese' || ':1', 'Japanese is found within what has no spaces');
SELECT is(pg_temp.found('会社'), :'japanese' || ':1', 'anywhere in it');
SELECT is(pg_temp.found('"東京" -会社'), '', 'with operators');
SELECT is(pg_temp.found(query), '', 'nothing is found, and no error raised, for ' || quote_literal(query))
FROM unnest(ARRAY['', '  ', 'the', '"', '& | ! <->', 'absent', E'\x01']) AS query;

-- What PostgreSQL would take for a tag, a comment, a path, an entity or a signed number is words on a page.
SELECT pg_temp.job_of(ARRAY['before <sum owed 50> <!-- remark --> Net/Gross INV-2024-001 -55 R&D file\name of 34-12',
                            E'o\ufb03ce re\u0301sume\u0301 zero\u200bwidth soft\u00adened \uff21\uff22\uff23', repeat('x', 50) || ' and abc ' || repeat('abc_', 30000),
                            'of 2024, number 001'], 'deu') AS form \gset
SELECT is(pg_temp.found(query, job => :form), :'form' || ':' || page, 'on a form: ' || query)
FROM (VALUES ('owed', 1), ('remark', 1), ('net', 1), ('gross', 1), ('net/gross', 1), ('2024-001', 1), ('inv-2024-001', 1), ('inv', 1), ('55', 1),
      ('12', 1), ('R&D', 1), ('name', 1), ('"owed 50" 34', 1), ('owed - 55', 1), ('owed --55', 1), ('001 -55', 4), ('2024 -"2024-001"', 4), ('number -2024/55', 4),
      (E'office', 2), (E'r\u00e9sum\u00e9', 2), ('zerowidth', 2), ('softened', 2), (repeat('x', 50), 3)) AS v (query, page);
SELECT is(pg_temp.found('abc', job => :form), :'form' || ':3 ' || :'form' || ':2', 'wide letters are letters');
SELECT is((SELECT hits FROM ocr_search('"2024-001"', job_id => :form)), '[{"box": [9, 1, 10, 2], "text": "INV-2024-001"}]', 'with its box');
SELECT is(pg_temp.found('12-34', job => :form), '', 'what is written together is found together');
SELECT is(pg_temp.found(query), '', 'who says only what is not to be there finds nothing: ' || query) FROM unnest(ARRAY['-invoice', '-invoice -"total due"', 'or -due']) AS query;
SELECT lives_ok(format('SELECT * FROM ocr_search(%L)', query), 'no error: ' || left(query, 10))
FROM unnest(ARRAY[repeat('- ', 900) || 'a', repeat('-"" ', 400) || 'a', repeat('-! ', 600) || 'a', repeat('-', 1999) || 'a', repeat('"', 2000), repeat(chr(64978), 600), repeat('a-', 1000),
                  repeat('or ', 600), repeat('\', 2000), repeat('''', 2000), repeat('<', 2000), repeat('!(', 1000), repeat(E'\u8acb', 600)]) AS query;

-- Where it is.
SELECT is((SELECT snippet FROM ocr_search('invoice', job_id => :english) WHERE page_no = 1),
          'The <mark>invoices</mark> of May. Total amount due: 17 EUR, to be paid by the clerk.', 'the words are marked in what is around them');
SELECT is((SELECT snippet FROM ocr_search('"total due"', job_id => :english)), NULL, 'a phrase is not found where its words are apart');
SELECT is((SELECT hits FROM ocr_search('amount clerks', job_id => :english)),
          '[{"box": [2, 2, 3, 3], "text": "amount"}, {"box": [11, 2, 12, 3], "text": "clerk."}]', 'each with its box');
SELECT is((SELECT hits FROM ocr_search('"the clerk"', job_id => :english)),
          '[{"box": [11, 2, 12, 3], "text": "clerk."}]', 'without those that count for nothing');
SELECT pg_temp.job_of(ARRAY['a lazy dog, a lazy fox and a fox']) AS foxes \gset
SELECT is((SELECT hits FROM ocr_search('"lazy fox"')), '[{"box": [5, 1, 6, 2], "text": "lazy"}, {"box": [6, 1, 7, 2], "text": "fox"}]',
          'the words of a phrase where it is');
SELECT is((SELECT hits FROM ocr_search('information')), '[{"box": [4, 1, 5, 2], "text": "infor-"}, {"box": [1, 2, 2, 3], "text": "mation,"}]',
          'both parts of a parted word');
SELECT is((SELECT hits FROM ocr_search('fast', job_id => :fast)), '[{"box": null, "text": "fast"}]', 'without a box in tier fast');
SELECT is((SELECT snippet FROM ocr_search('fast', job_id => :fast)), 'the clerk''s total, a <mark>fast</mark> one and due', 'but with a snippet');
SELECT pg_temp.job_of(ARRAY[(SELECT string_agg('w' || i, ' ') FROM generate_series(1, 60) i) || ' lone ' || (SELECT string_agg('x' || i, ' ') FROM generate_series(1, 60) i)
                            || ' pair lone ' || (SELECT string_agg('y' || i, ' ') FROM generate_series(1, 60) i)]) AS long \gset
SELECT is((SELECT snippet FROM ocr_search('lone pair')),
          '… x56 x57 x58 x59 x60 <mark>pair</mark> <mark>lone</mark> y1 y2 y3 y4 y5 y6 y7 y8 y9 y10 y11 y12 y13 y14 …', 'a snippet is from where the words are close to each other');
SELECT pg_temp.job_of(ARRAY[E'<script>alert("x")</script> & evil\x02 <b>']) AS hostile \gset
SELECT is((SELECT snippet FROM ocr_search('evil')), '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; <mark>evil</mark> &lt;b&gt;', 'a snippet is HTML, whatever was read');

-- A wrong letter.
SELECT is(pg_temp.found(query, true, job => :english), :'english' || ':1', 'fuzzy: ' || query)
FROM unnest(ARRAY['amaunt', 'amounnt', 'amunt', 'aomunt', 'amuont', 'amonut', 'lmount', 'invoiges may clerk', 'tctal amoumt', 'to the amoutn of']) AS query;
SELECT is(pg_temp.found(repeat('x', 50) || ' abd', true, job => :form), '', 'fuzzy: a word of more than 40 letters must be as it is, and one of 3');
SELECT is(pg_temp.found(repeat('x', 50) || ' abc', true, job => :form), :'form' || ':3', 'and is found so');
SELECT is(pg_temp.found(repeat('x', 51) || ' abc', true, job => :form), '', 'only so');
SELECT pg_temp.job_of(ARRAY[repeat('x', 50) || ' remindor']) AS long_word \gset
SELECT is(pg_temp.found(repeat('x', 50) || ' reminder', true), :'long_word' || ':1', 'also beside another that is wrong');
SELECT pg_temp.job_of(ARRAY['Zahlungcn'], 'deu') AS ending \gset
SELECT is(pg_temp.found('Zahlungen', true), :'ending' || ':1', 'fuzzy: a wrong ending keeps a word from being cut to its stem');
SELECT pg_temp.job_of(ARRAY['its 1nvoicc number']) AS digit \gset
SELECT is((SELECT count(*) FROM ocr_search('invoicc', true, job_id => :digit)), 1::bigint, 'fuzzy: also where a letter was taken for a digit');
SELECT is(pg_temp.found('amuont dve'), '', 'not fuzzy: nothing');
SELECT is(pg_temp.found('umaunt', true), '', 'two wrong letters are too many');
SELECT is(pg_temp.found('dve', true), '', 'in short words, one is');
SELECT is((SELECT hits FROM ocr_search('amovnt cleck', true)), '[{"box": [2, 2, 3, 3], "text": "amount"}, {"box": [11, 2, 12, 3], "text": "clerk."}]', 'fuzzy: the words as they are on the page');
SELECT pg_temp.job_of(ARRAY['a rechmung of the clerk, rechmung rechmung']) AS misread \gset
SELECT is(pg_temp.found('rechnung', true), :'german' || ':1 ' || :'misread' || ':1', 'pages with the words as they are come first');

SELECT pg_temp.job_of(ARRAY['rechnungen unter anderem, was nicht dazu gehört', repeat('rechmung ', 30)], 'deu', batch => 'near') AS near \gset
SELECT is(pg_temp.found('rechnung', true, job => :near), :'near' || ':1 ' || :'near' || ':2', 'however often the others have them');
SELECT is(pg_temp.found('rechnung', true, batch => 'post'), :'german' || ':1', 'a fuzzy search of a batch stays in it');
SELECT is((SELECT count(*) FROM ocr_search('rechnung', true, max_results => 3)), 3::bigint, 'and finds no more than is asked for');
SELECT is((SELECT job_id FROM ocr_search('rechmumg', true, max_results => 1)), :near::bigint, 'of pages with other words, the newest');
SELECT pg_temp.job_of(ARRAY['a zebra', 'zebra zebra zebra', 'a grey zebra and a white one']) AS zebras \gset
SELECT is((SELECT page_no FROM ocr_search('zebra', max_results => 1)), 2, 'the best are those that are shown');
-- Whose pages.
SELECT is(pg_temp.found('invoice', batch => 'mail') ~ (:'of_bob' || ':'), false, 'another''s pages are not shown, though the batch has the same name');
SELECT is(pg_temp.found('invoce', true) ~ (:'of_bob' || ':'), false, 'nor by a fuzzy search');
SELECT throws_ok(format('SELECT * FROM ocr_search(''invoice'', job_id => %s)', :of_bob), '42704', format('job %s does not exist', :of_bob), 'another''s job is no job');
SET ROLE ocr_test_clerk;
SELECT is((SELECT count(*) FROM ocr_search('invoice')), 2::bigint, 'a member of the owner finds them');
SET ROLE ocr_test_keeper;
SELECT is((SELECT count(*) FROM ocr_search('invoice')), 0::bigint, 'one who does not inherit the owner''s rights does not');
SET ROLE ocr_test_bob;
SELECT is(pg_temp.found('invoice'), :'of_bob' || ':1', 'everybody finds his own');
RESET ROLE;
SELECT is((SELECT count(*) FROM ocr_search('invoice')), 3::bigint, 'a superuser finds all');
UPDATE ocr.jobs SET owner = 'ocr_test_nobody' WHERE id = :of_bob;
SELECT is((SELECT count(*) FROM ocr_search('invoice')), 3::bigint, 'also what is nobody''s');
SET ROLE ocr_test_bob;
SELECT is(pg_temp.found('invoice'), '', 'others do not');
RESET ROLE;

-- Calls that cannot be answered.
SELECT throws_ok('SELECT * FROM ocr_search(NULL)', '22004', 'query must not be NULL', 'there is nothing to look for');
SELECT throws_ok('SELECT * FROM ocr_search(''a'', NULL)', '22004', 'fuzzy must not be NULL', 'nor is known how');
SELECT throws_ok('SELECT * FROM ocr_search(''a'', max_results => 0)', '22023', 'max_results cannot be 0', 'nor too few');
SELECT throws_ok('SELECT * FROM ocr_search((SELECT string_agg(''word'' || i, '' '') FROM generate_series(1, 17) i), true)', '54000', NULL, 'nor too much');
SELECT is((SELECT count(*) FROM ocr_search('invoice', max_results => 2)), 2::bigint, 'no more than is asked for');

SELECT throws_ok('SELECT * FROM ocr_search(repeat(''x'', 2001))', '54000', NULL, 'nor what is no query any more');
SET ROLE ocr_test_alice;
SELECT pg_temp.job_of(ARRAY[repeat('x', 100000) || ' lengthy']) AS lengthy \gset
RESET ROLE;
SELECT cmp_ok((SELECT length(snippet) FROM ocr_search('lengthy')), '<', 300, 'a snippet is short, however long the words are');

-- What is looked into is kept.
UPDATE ocr.pages SET text = 'a corrected total' WHERE job_id = :fast;
SELECT is(pg_temp.found('corrected'), :'fast' || ':1', 'a text that is corrected is found');
SELECT is((SELECT count(*) FROM ocr.pages WHERE search IS DISTINCT FROM ocr.search_vector(ocr.dictionary_of((SELECT language FROM ocr.jobs WHERE id = job_id)), text)),
          0::bigint, 'every page is kept as it is to be');
SELECT ok((SELECT ocr.words_to_search(text) !~ '[^[:space:]]{201}' FROM ocr.pages WHERE job_id = :form AND page_no = 3), 'no word is so long that the parser takes its time');
INSERT INTO ocr.pages (job_id, page_no, status, text, search) VALUES (:fast, 2, 'read', 'a restored page', 'zulu:1');
SELECT is(pg_temp.found('zulu'), :'fast' || ':2', 'a page that is restored has what was dumped');
DELETE FROM ocr.pages WHERE job_id = :fast AND page_no = 2;
SELECT ok(ocr.search_vector('simple', repeat('a ', 499998) || 'last word') @@ 'last' AND NOT ocr.search_vector('simple', repeat('a ', 499998) || 'last word') @@ 'word',
          'of a text of more than a million characters, the first are looked into');
SELECT pg_temp.job_of(ARRAY['beginning ' || (SELECT string_agg(md5(i::text), ' ') FROM generate_series(1, 60000) i)]) AS huge \gset
SELECT is(pg_temp.found('beginning'), :'huge' || ':1', 'of a text that is too long, the beginning is found');

-- Nor does it matter how the session reads its strings.
SET LOCAL standard_conforming_strings = off;
SET LOCAL escape_string_warning = off;
SET ROLE ocr_test_alice;
SELECT is(pg_temp.found('amount due'), :'english' || ':1', 'a search finds what it finds');
SELECT is(pg_temp.found('amuont due', true), :'english' || ':1', 'with a wrong letter, too');
RESET ROLE;
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_depend d ON d.objid = p.oid
           WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_ocr') AND l.lanname IN ('plpgsql', 'sql')
             AND p.prokind = 'f' AND p.prosqlbody IS NULL AND has_function_privilege('public', p.oid, 'EXECUTE')
             AND 'standard_conforming_strings=on' <> ALL (coalesce(p.proconfig, '{}'))), NULL, 'nor do the checks of what users call');

SELECT * FROM finish();
ROLLBACK;
