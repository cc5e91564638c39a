-- The launcher learns at COMMIT that this database wants workers.
DO $$ BEGIN PERFORM ocr.wake_workers(); END $$;
