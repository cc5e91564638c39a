#pragma once

#include <cstdint>

namespace pg_ocr {

/// What woke a process that waited.
enum class Wake : uint8_t { readable, nudged, timed_out, stop };

}  // namespace pg_ocr
