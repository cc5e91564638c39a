// One image's bytes into pixels, from memory: by leptonica, but where there is a faster way.
#pragma once

#include <cstdint>

#include "engine/read/bytes.h"
#include "engine/read/document_type.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

struct ImageSize {
    int64_t width = 0, height = 0;
};

/// From the header alone, so that a small file cannot ask for much memory. Neither PDF nor TIFF.
/// Throws DocumentError page_damaged.
ImageSize image_size(DocumentType, Bytes);

/// Of an animation the first frame. Neither PDF nor TIFF. Throws DocumentError page_damaged when the image cannot be
/// decoded, or only in part.
Pixels decode_image(DocumentType, Bytes);

/// 1 or 8 bits deep, without colour map; what is transparent shows white. Throws std::bad_alloc.
Pixels grey(Pixels);

/// The pixels of grey(decode_image()) with the resolution of decode_image(), sooner. Throws as they do.
Pixels decode_grey(DocumentType, Bytes);

}  // namespace pg_ocr
