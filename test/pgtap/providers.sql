BEGIN;
SELECT plan(26);

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
SELECT is(pg_temp.words('{"other": 1}'), NULL, 'as may an answer that has nothing where words are to be');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": 7, "box": [0,0,1,1], "confidence": "0.25"}]}]}'), '7 0 0 1 1 25', 'numbers may be words, and texts numbers');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": "a", "box": [1,2,30,40], "confidence": "high"}, {"text": "b", "box": [0, 0, 1e400, 9]}]}]}'), NULL,
    'what is no number makes no word');
SELECT is(pg_temp.words('{"pages": [{"words": [{"text": "a", "box": [-1e30,-5,1e30,900], "confidence": 7}]}]}'), 'a 0 0 100 200 100', 'edges are those of the page at most');
SELECT alike(pg_temp.words('not JSON'), 'server reader did not answer with JSON: %', 'what is no JSON is said');
SELECT alike(pg_temp.words('{"a": "\u0000"}'), 'server reader did not answer with JSON: %', 'and what a text cannot hold');
SELECT is((SELECT trouble IS NOT NULL FROM ocr.words_of_answer('reader', '\xff00', 1, 1)), true, 'nor bytes that are no text');

-- A task's owner may use the server, or not.
SELECT is((SELECT count(*) FROM ocr.provider_of_task(1, 1, 'reader')), 0::bigint, 'a claim that does not stand has none');
SELECT * FROM finish();
ROLLBACK;
