-- Users call the ocr_… functions; of what is in schema ocr, only what policies and views evaluate as the user.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ocr FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ocr.caller(), ocr.acts_for(name), ocr.visible_workers() TO PUBLIC;
