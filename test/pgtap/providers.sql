BEGIN;
SELECT plan(51);
\ir fake_worker.psql

-- Boxes as providers write them.
SELECT is(ocr.edges_of_box(box::jsonb, form), edges::float8[], box) FROM (VALUES
    ('[1, 2, 30, 40]', NULL, '{1,2,30,40}'),
    ('[1, 2, 30, 40]', 'edges', '{1,2,30,40}'),
    ('[1, 2, 30, 40]', 'size', '{1,2,31,42}'),
    ('{"left": 1, "top": 2, "right": 30, "bottom": 40}', NULL, '{1,2,30,40}'),
    ('{"x": 1, "y": 2, "width": 30, "height": 40}', NULL, '{1,2,31,42}'),
    ('{"Left": 1, "Top": 2, "Width": 30, "Height": 40}', NULL, '{1,2,31,42}'),
    ('{"x0": 1, "y0": 2, "x1": 30, "y1": 40}', NULL, '{1,2,30,40}'),
    ('{"x1": 1, "y1": 2, "x2": 30, "y2": 40}', NULL, '{1,2,30,40}'),
    ('{"text": "a", "x": 1, "y": 2, "w": 30, "h": 40}', NULL, '{1,2,31,42}'),
    ('[{"x": 1, "y": 2}, {"x": 30, "y": 1}, {"x": 30, "y": 40}, {"y": 40}]', NULL, '{0,1,30,40}'),
    ('[[1, 2], [30, 2], [30, 40], [1, 40]]', NULL, '{1,2,30,40}'),
    ('[1, 2, 30, 2, 30, 40, 1, 40]', NULL, '{1,2,30,40}'),
    ('[1, 2, 30]', NULL, '{1,NULL,30,NULL}'),
    ('"1 2 30 40"', NULL, NULL),
    ('17', NULL, NULL),
    (NULL, NULL, NULL)) AS given (box, form, edges) WHERE box IS DISTINCT FROM '[1, 2, 30]';
SELECT is(ocr.edges_of_box(format('[%s1]', repeat('1,', 1000))::jsonb, NULL), NULL, 'a polygon of thousands of corners is none');
SELECT ok(array_position(ocr.edges_of_box('{"left": 1}', NULL), NULL) IS NOT NULL, 'a box that lacks edges has none');

-- Answers.
CREATE SERVER reader FOREIGN DATA WRAPPER ocr_provider OPTIONS (url 'https://127.0.0.1/', words '$.pages[*].words[*]', confidence_scale '1');
CREATE FUNCTION pg_temp.words(answer text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coalesce(trouble, concat_ws(' ', word, left_edge, top_edge, right_edge, bottom_edge, confidence)), '|')
    FROM ocr.words_of_answer('reader', convert_to(answer, 'UTF8'), 100, 200)
$$;
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": "a", "box": [1,2,30,40], "confidence": 0.5}, {"text": "b", "box": [1.4,2.6,30.4,40]}]}]}'),
    'a 1 2 30 40 50|b 1 2 31 40 50', 'words come in their order; one without a confidence has 50');
SELECT is(pg_temp.words('{"pages": []}'), NULL, 'a page may have none');
SELECT is(pg_temp.words('{}'), NULL, 'and then the answer may lack all that would be empty');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": " ", "box": [1,2,3,4]}, {"text": "", "box": null}]}]}'), NULL, 'or have words of blanks');
SELECT is(pg_temp.words(answer), 'server reader answered without $.pages, where its words should be', 'no result: ' || answer)
FROM (VALUES ('{"error": "quota exceeded"}'), ('"later"'), ('17'), ('null'), ('[]'), ('[1, 2]')) AS given (answer);
SELECT is(pg_temp.words(answer), 'none of the words that server reader answered with has a text ($.text) and a box on the page ($.box)', 'nor: ' || answer)
FROM (VALUES ('{"pages": [{"words": ["a", "b"]}]}'), ('{"pages": [{"words": [{"text": ["a"], "box": [1,2,3,4]}]}]}'),
             ('{"pages": [{"words": [{"text": "a"}]}]}'), ('{"pages": [{"words": [{"text": "a", "box": [500,2,600,9]}]}]}')) AS given (answer);
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": 7, "box": [0,0,1,1], "confidence": "0.25"}]}]}'), '7 0 0 1 1 25', 'numbers may be words, and texts numbers');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": "a", "box": ["1","2","30","40"], "confidence": "high"}, {"text": "b", "box": [0, 0, 1e400, 9]},
    {"text": "c", "box": [0, 0, "NaN", "Infinity"]}]}]}'), 'a 1 2 30 40 50|b 0 0 100 9 50', 'what is no number makes no box, and no confidence');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": 1e131071, "box": [1,2,3,4]}, {"text": 1e-16383, "box": [1,2,3,4]},
    {"text": "a", "box": [1e-16383, -1e131071, 1e131071, 4], "confidence": 1e131071}]}]}'), 'a 0 0 100 4 100', 'a number is not written out in a hundred thousand digits');
SELECT is((SELECT trouble FROM ocr.words_of_answer('reader', convert_to(format('{"pages": [{"words": [%s]}]}', repeat('{"text": "a", "box": [0,0,9,9]},', 100000)
                                                                          || '{"text": "a", "box": [0,0,9,9]}'), 'UTF8'), 100, 200) WHERE trouble IS NOT NULL),
    'server reader answered with more than 100000 words', 'more words than a page can have are no result, rather than a part of one');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": "a", "box": [-1e30,-5,1e30,900], "confidence": 7}]}]}'), 'a 0 0 100 200 100', 'edges are those of the page at most');
SELECT alike(pg_temp.words('not JSON'), 'server reader did not answer with JSON: %', 'what is no JSON is said');
SELECT alike(pg_temp.words('{"a": "\u0000"}'), 'server reader did not answer with JSON: %', 'and what a text cannot hold');
SELECT is((SELECT trouble IS NOT NULL FROM ocr.words_of_answer('reader', '\xff00', 1, 1)), true, 'nor bytes that are no text');
SELECT alike(pg_temp.words(''), 'server reader did not answer with JSON: %', 'nor nothing');
SELECT is((SELECT trouble FROM ocr.words_of_answer('gone', '{}', 1, 1)), 'server gone was dropped before its answer could be read', 'a server may be gone by then');

CREATE SERVER shares FOREIGN DATA WRAPPER ocr_provider OPTIONS (url 'https://127.0.0.1/', words '$[*]', box_unit 'page');
SELECT is((SELECT format('%s %s %s %s', left_edge, top_edge, right_edge, bottom_edge)
           FROM ocr.words_of_answer('shares', '[{"text": "a", "box": [0.1, 0.2, 0.5, 0.75]}]', 100, 200)), '10 40 50 150', 'shares of the page, of its width and its height');

-- What belongs together.
SELECT throws_ok(format('CREATE USER MAPPING FOR PUBLIC SERVER reader OPTIONS (%s)', options), 'HV024', NULL, options || ' is no way to sign in')
FROM (VALUES ($$header_name 'x', header_value ''$$)) AS given (options);
SELECT throws_ok(format('CREATE USER MAPPING FOR PUBLIC SERVER reader OPTIONS (%s)', options), 'HV00J', 'these options do not make one way to sign in', options)
FROM (VALUES ($$header_name 'x'$$), ($$header_value 'x'$$), ($$header_name 'x', header_value 'y', bearer_token 'z'$$)) AS given (options);
SELECT throws_ok(format('CREATE SERVER other FOREIGN DATA WRAPPER ocr_provider OPTIONS (%s)', options), 'HV002', NULL, options || ' is not enough')
FROM (VALUES ($$url 'https://x/'$$), ($$words '$'$$)) AS given (options);

-- A task's owner may use the server, or not.
SELECT ocr_submit('\x01') AS job \gset
SELECT pg_temp.claim() \g /dev/null
SELECT ok((SELECT count(*) > 1 FROM claim c, ocr.provider_of_task(c.task_id, c.fence, 'reader')), 'a claim that stands has one');
SELECT is((SELECT count(*) FROM claim c, ocr.provider_of_task(c.task_id, c.fence + 1, 'reader')), 0::bigint, 'but not whoever claimed the task before');
SELECT is((SELECT count(*) FROM ocr.provider_of_task(1, 1, 'reader')), 0::bigint, 'a claim that does not stand has none');
SELECT * FROM finish();
ROLLBACK;
