// JPEG 2000, as JP2 files and as raw codestreams, decoded by OpenJPEG: leptonica knows neither 16-bit samples, which
// archives scan in, nor unusual headers.
#pragma once

#include "engine/read/bytes.h"
#include "engine/read/decode.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

/// From the header alone. Throws DocumentError page_damaged.
ImageSize jpeg2000_size(Bytes);

/// How many components it has, where they are grey or colours of 8 bits, all as large as the image; else 0. Throws
/// DocumentError page_damaged.
uint32_t plain_jpeg2000_components(Bytes);

/// In 8-bit grey; what is transparent shows white. Throws DocumentError page_damaged.
Pixels decode_jpeg2000(Bytes);

}  // namespace pg_ocr
