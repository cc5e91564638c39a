// The library's entry point.
#include "extension/attached_rows.h"
#include "extension/backend_engine.h"
#include "extension/drop_extension.h"
#include "extension/launcher.h"
#include "extension/make_way.h"
#include "extension/settings.h"
#include "extension/shared_state.h"
#include "extension/store_functions.h"
#include "extension/wake.h"
#include "pg/pg.h"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
    if (!process_shared_preload_libraries_in_progress)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("pg_ocr must be loaded by shared_preload_libraries"),
                        errhint("Add pg_ocr to shared_preload_libraries in postgresql.conf and restart the server.")));
    pg_ocr::define_settings();
    pg_ocr::request_shared_state();
    pg_ocr::register_wake();
    pg_ocr::register_attached_rows();
    pg_ocr::register_engine_of_backend();
    pg_ocr::register_http_of_backend();
    pg_ocr::register_launcher();
    pg_ocr::register_make_way();
    pg_ocr::register_drop_extension();
}
