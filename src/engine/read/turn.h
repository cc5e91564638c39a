// How a page that is stored lying down or mirrored is put upright.
#pragma once

#include <cstdint>

#include "engine/read/pixels.h"

namespace pg_ocr {

/// First mirrored left to right, then turned clockwise by so many degrees.
struct Turn {
    bool mirror = false;
    int32_t degrees = 0;  ///< 0, 90, 180 or 270
};
/// Of an orientation as in TIFF and EXIF, 1 to 8.
Turn turn_of(uint16_t orientation);

/// Throws std::bad_alloc.
Pixels turned(Pixels, Turn);

}  // namespace pg_ocr
