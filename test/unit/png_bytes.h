// PNG files made for tests: of every colour type, depth and filter, sound to the checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pg_ocr {

struct PngBytes {
    uint32_t width = 1, height = 1;
    uint8_t bits = 8, colour_type = 0, interlace = 0;
    std::string palette;       ///< as in its chunk; no chunk where empty
    std::string before_data;   ///< whole chunks
    std::string rows;          ///< each with its filter before it
    int32_t level = 1;         ///< of compression; 0 for none
    uint16_t data_header = 0;  ///< in the place of zlib's, unless 0
    size_t data_chunk = 8192;  ///< bytes of the compressed rows in a chunk

    size_t row_size() const;  ///< bytes, without the filter
    std::string file() const;
};

std::string png_chunk(std::string_view name, std::string_view content);

}  // namespace pg_ocr
