// PBM, PGM and PPM straight to grey: many times as fast as by Leptonica, which reads byte by byte.
#pragma once

#include "engine/read/bytes.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

/// What grey(decode_image()) would give. Nothing where there is a fault, a PAM file, or samples of other than 1 or 8
/// bits. Throws std::bad_alloc.
Pixels grey_of_pnm(Bytes);

}  // namespace pg_ocr
