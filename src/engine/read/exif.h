// Orientation and resolution from the EXIF data of JPEG, PNG and WebP files.
#pragma once

#include <cstdint>

#include "engine/read/document_type.h"

namespace pg_ocr {

struct Exif {
    uint16_t orientation = 1;  ///< 1 to 8
    double resolution = 0;     ///< pixels per inch; 0: not said
};

/// Never throws for what the bytes hold: damaged EXIF data say nothing, and the image is read as it is stored.
Exif exif_of(DocumentType, Bytes);

}  // namespace pg_ocr
