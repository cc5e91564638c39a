// The pixels of an image that is stored in a PDF, as it is stored: neither turned nor scaled.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/pdf/qpdf.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

struct StoredSize {
    int64_t width = 0, height = 0;
};

/// What an image's dictionary says; nothing where that is no size, or a side longer than 32,767.
std::optional<StoredSize> stored_size(QPDFObjectHandle dictionary);

/// Black and white in 1 bit, black set, or 8 bits of grey. Of JPEG, JPEG 2000, CCITT group 4 and what qpdf unpacks, in
/// grey, RGB, colours by an ICC profile or a palette, of up to 8 bits; a stencil as if black were its ink. Nothing for
/// all else, and where the data are damaged or not as the dictionary has them. Throws QPDFExc, std::bad_alloc.
Pixels pixels_of(QPDFObjectHandle image);

}  // namespace pg_ocr
