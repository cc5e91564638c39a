// The chain of pages in a TIFF file, walked without decoding anything; EXIF data have the same form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/read/bytes.h"

namespace pg_ocr {

struct TiffPage {
    uint64_t offset = 0;               ///< of its directory, in bytes from the start of the file
    uint32_t width = 0;                ///< pixels as stored
    uint32_t height = 0;               ///< pixels as stored
    uint16_t samples = 1;              ///< to a pixel
    uint16_t orientation = 1;          ///< 1 to 8, as in TIFF and EXIF
    double horizontal_resolution = 0;  ///< pixels per inch; 0: not said
    double vertical_resolution = 0;    ///< pixels per inch; 0: not said
};

struct TiffPages {
    std::vector<TiffPage> pages;
    std::string damage;  ///< why the chain could not be followed to its end; empty: it could
};

/// Classic TIFF and BigTIFF in both byte orders. Ends at a directory that was met before, and counts neither reduced
/// copies of a page nor transparency masks as pages. Never throws for what the bytes hold.
TiffPages tiff_pages(Bytes);

}  // namespace pg_ocr
