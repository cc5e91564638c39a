// One page of a TIFF file into pixels.
#pragma once

#include "engine/read/bytes.h"
#include "engine/read/pixels.h"
#include "engine/read/tiff_directory.h"

namespace pg_ocr {

/// Turned as its orientation tag says. Throws DocumentError page_damaged.
Pixels decode_tiff_page(Bytes, const TiffPage&);

}  // namespace pg_ocr
