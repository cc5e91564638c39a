CREATE TABLE ocr.pages (
    job_id     bigint NOT NULL REFERENCES ocr.jobs ON DELETE CASCADE,
    page_no    int NOT NULL CHECK (page_no > 0),
    status     text NOT NULL CHECK (status IN ('read', 'skipped', 'failed')),
    source     text CHECK (source IN ('ocr', 'text_layer')),
    text       text,
    confidence real CHECK (confidence BETWEEN 0 AND 100),
    verdict    text CHECK (verdict IN ('approved', 'review', 'rejected')),
    layout     jsonb,
    words      int NOT NULL DEFAULT 0,
    width      int,
    height     int,
    dpi        int,
    rotation   int CHECK (rotation IN (0, 90, 180, 270)),
    elapsed_ms int,
    engine     text,
    error_code text,
    error      text,
    read_at    timestamptz NOT NULL DEFAULT now(),
    search     tsvector,
    mean_confidence real CHECK (mean_confidence BETWEEN 0 AND 100),
    skew       real CHECK (skew BETWEEN -45 AND 45),
    provider   text,
    tried      jsonb,
    corrected_text text,
    corrected_layout jsonb,
    reviewed_at timestamptz,
    picture    bytea,
    PRIMARY KEY (job_id, page_no),
    CONSTRAINT unread_pages_have_a_reason CHECK (status = 'read' OR (error_code IS NOT NULL AND error IS NOT NULL))
);
-- It is compressed already.
ALTER TABLE ocr.pages ALTER COLUMN picture SET STORAGE EXTERNAL;
-- In the order of ocr.review_queue, with nothing in it but what waits.
CREATE INDEX pages_to_review ON ocr.pages (verdict, (status = 'read'), confidence, job_id, page_no)
    WHERE verdict IN ('review', 'rejected') AND reviewed_at IS NULL;
-- Rows come in the order of read_at, so that a few kilobytes say where those of the last hour are.
CREATE INDEX pages_read_at ON ocr.pages USING brin (read_at) WITH (autosummarize = on);
COMMENT ON TABLE ocr.pages IS 'What came out of each page: its text, or the reason why there is none';
COMMENT ON COLUMN ocr.pages.job_id IS 'The job';
COMMENT ON COLUMN ocr.pages.page_no IS 'Counted from 1 in the document';
COMMENT ON COLUMN ocr.pages.status IS 'read, skipped or failed';
COMMENT ON COLUMN ocr.pages.source IS 'Where the text came from: ocr, or the text_layer that the PDF brought along';
COMMENT ON COLUMN ocr.pages.text IS 'Lines end in a newline, blocks are parted by an empty line';
COMMENT ON COLUMN ocr.pages.confidence IS '0 to 100: how many of 100 words of the page are estimated to be right; null where there is no word. Of a text layer, 100 unless a part of what looks like text on the page has no words in it';
COMMENT ON COLUMN ocr.pages.verdict IS 'approved from approve_confidence, review from review_confidence, rejected below: the job''s options, else its batch, else pg_ocr''s settings say where that is. A page without a word is for review, because a blank page and an unreadable one look alike; a failed page is rejected; a skipped page has none. Once a person has decided, it is that decision, see ocr_review()';
COMMENT ON COLUMN ocr.pages.layout IS 'Blocks, lines and words with their boxes [left, top, right, bottom] in pixels, in reading order: {"blocks":[{"box":[],"lines":[{"box":[],"confidence":0,"words":[{"box":[],"text":"","confidence":0}]}]}]}. ocr_words() unfolds it. lines_by says whose layout found the lines, pg_ocr or tesseract, and doubt why pg_ocr''s were not taken. Null in tier fast, unless with option debug';
COMMENT ON COLUMN ocr.pages.words IS 'How many words were read';
COMMENT ON COLUMN ocr.pages.width IS 'Pixels of the image that was read';
COMMENT ON COLUMN ocr.pages.height IS 'Pixels of the image that was read';
COMMENT ON COLUMN ocr.pages.dpi IS 'Pixels per inch of the image that was read';
COMMENT ON COLUMN ocr.pages.rotation IS 'Degrees clockwise by which the page was turned before it was read';
COMMENT ON COLUMN ocr.pages.elapsed_ms IS 'Milliseconds that reading it took';
COMMENT ON COLUMN ocr.pages.engine IS 'What read it, with its version';
COMMENT ON COLUMN ocr.pages.error_code IS 'Why it was skipped or failed, a row of ocr.error_codes';
COMMENT ON COLUMN ocr.pages.error IS 'The same, in words';
COMMENT ON COLUMN ocr.pages.read_at IS 'When it was recorded';
COMMENT ON COLUMN ocr.pages.search IS 'What ocr_search() looks into: the words of text, in the form that the job''s language gives them. Kept by a trigger';
COMMENT ON COLUMN ocr.pages.mean_confidence IS '0 to 100: the mean of the words'' own confidences, weighted by their length in characters, for those who make an estimate of their own; null for a text layer, whose words nobody recognised, and where there is no word';
COMMENT ON COLUMN ocr.pages.skew IS 'Degrees clockwise by which the page, after its rotation, was turned about its centre to stand straight; boxes are in pixels of the page turned so';
COMMENT ON COLUMN ocr.pages.provider IS 'What recognised its text: pg_ocr, tesseract, or the name of a foreign server; null where nothing did';
COMMENT ON COLUMN ocr.pages.tried IS 'In what ways the page was read, in their order: [{"way":"","confidence":0,"words":0,"ms":0,"won":true}]; null where there was but one';
COMMENT ON COLUMN ocr.pages.corrected_text IS 'The text as a person corrected it, see ocr_review(), which is what ocr_text() and ocr_search() go by; text stays the machine''s. Null where nobody did';
COMMENT ON COLUMN ocr.pages.corrected_layout IS 'As layout, of corrected_text: each of its words with the box of the machine''s words that it stands for, its blocks and lines those of corrected_text. What a person wrote has a confidence of 100 and "corrected":true. Null where nobody corrected the text, or layout has no words';
COMMENT ON COLUMN ocr.pages.reviewed_at IS 'When a person last decided on it, see ocr.reviews; verdict is that decision since. Null where nobody did';
COMMENT ON COLUMN ocr.pages.picture IS 'The page as it was read, in grey, turned and straightened, in 150 dots per inch at most: a JPEG or PNG file, for ocr_html(). Kept with option debug, as long as the page is; else null';

CREATE TYPE ocr.exported_page AS (
    batch text, job_id bigint, uri text, idempotency_key text, metadata jsonb, job_status text, job_verdict text, job_confidence real,
    job_error_code text, job_error text, pages_total int, submitted_at timestamptz, finished_at timestamptz, page_no int, page_status text,
    source text, verdict text, confidence real, text text, corrected boolean, reviewed_at timestamptz, error_code text, error text);
COMMENT ON TYPE ocr.exported_page IS 'Internal: a page with what is to be known of its job, see ocr_export_pages()';
