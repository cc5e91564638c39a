CREATE FOREIGN DATA WRAPPER ocr_store VALIDATOR ocr.store_options;
COMMENT ON FOREIGN DATA WRAPPER ocr_store IS 'Stores that documents can be fetched from: CREATE SERVER … FOREIGN DATA WRAPPER ocr_store OPTIONS (type …); see ocr.store_options()';
CREATE FOREIGN DATA WRAPPER ocr_provider VALIDATOR ocr.provider_options;
COMMENT ON FOREIGN DATA WRAPPER ocr_provider IS 'Servers that read pages: CREATE SERVER … FOREIGN DATA WRAPPER ocr_provider OPTIONS (url …, words …); see ocr.provider_options()';
CREATE FOREIGN DATA WRAPPER ocr_webhook VALIDATOR ocr.webhook_options;
COMMENT ON FOREIGN DATA WRAPPER ocr_webhook IS 'Who is told when jobs end: CREATE SERVER … FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url …); see ocr.webhook_options()';
