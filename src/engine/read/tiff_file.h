// TIFF files in memory, as libtiff reads and writes them.
#pragma once

#include <tiffio.h>

#include <memory>
#include <string>

#include "engine/read/bytes.h"

namespace pg_ocr {

struct CloseTiff {
    void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffFile = std::unique_ptr<TIFF, CloseTiff>;

/// Where libtiff reads.
struct TiffSource {
    Bytes bytes;
    uint64_t at = 0;
};

/// At the directory with this offset; nothing where there is none. The source must outlive it.
TiffFile open_tiff(TiffSource&, uint64_t directory);

/// Black and white rows, each of (width + 7) / 8 bytes, ink 1, as one strip of CCITT group 4. Throws std::bad_alloc.
std::string group4_of(uint32_t width, uint32_t height, const std::string& rows);

}  // namespace pg_ocr
