// Orientation and resolution from the EXIF data of JPEG, PNG and WebP files.
#pragma once

#include <cstdint>

#include "engine/read/document_type.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

struct Exif {
    uint16_t orientation = 1;  ///< 1 to 8
    double resolution = 0;     ///< pixels per inch; 0: not said
};

/// Never throws for what the bytes hold: damaged EXIF data say nothing, and the image is read as it is stored.
Exif exif_of(DocumentType, Bytes);

/// How an orientation is undone: first mirrored left to right, then turned clockwise by so many degrees.
struct Turn {
    bool mirror = false;
    int32_t degrees = 0;  ///< 0, 90, 180 or 270
};
Turn turn_of(uint16_t orientation);
Pixels turned(Pixels, Turn);

}  // namespace pg_ocr
