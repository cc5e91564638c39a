// PNG straight to grey: many times as fast as by libpng and Leptonica, which make colours first.
#pragma once

#include "engine/read/bytes.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

/// What grey(decode_image()) would give, with the resolution that the file says, from a file without a fault, or a file
/// that is read to the same picture all the same. Nothing where there is a fault or something rare: transparent colours
/// of a palette, interlacing. Throws std::bad_alloc.
Pixels grey_of_png(Bytes);

}  // namespace pg_ocr
