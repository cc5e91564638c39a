// ocr_objects() and ocr_put(): a user's backend asks a store itself.
#pragma once

namespace pg_ocr {

/// pg_ocr_http of a backend ends with the transaction that needed it; from _PG_init only.
void register_http_of_backend();

}  // namespace pg_ocr
