-- Users call the ocr_… functions; of what is in schema ocr, what policies and views
-- evaluate as the user, and what tells which languages there are to ask for.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ocr FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ocr.caller(), ocr.acts_for(name), ocr.visible_workers(), ocr.installed_languages(),
    ocr.list_objects(text, text) TO PUBLIC;
-- Validators run as whoever declares a server.
GRANT EXECUTE ON FUNCTION ocr.store_options(text[], oid), ocr.webhook_options(text[], oid),
    ocr.check_options_of_server(text[], text[], text[], text), ocr.check_server_option(text, text), ocr.options_of_list(text[])
    TO PUBLIC;
