// ocr(): reads a document here and now, in the backend that asks, by an engine of its own.
#pragma once

namespace pg_ocr {

/// Sees to it that a backend's engine ends with its transaction and with its process; from _PG_init only.
void register_engine_of_backend();

}  // namespace pg_ocr
