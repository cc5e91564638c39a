#include "png_bytes.h"

#include <libdeflate.h>

#include <memory>

namespace pg_ocr {
namespace {

std::string big_endian(uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
}

std::string deflated(std::string_view bytes, int32_t level) {
    struct Free {
        void operator()(libdeflate_compressor* one) const { libdeflate_free_compressor(one); }
    };
    const std::unique_ptr<libdeflate_compressor, Free> compressor(libdeflate_alloc_compressor(level));
    std::string to(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()), '\0');
    to.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(), bytes.size(), to.data(), to.size()));
    return to;
}

}  // namespace

std::string png_chunk(std::string_view name, std::string_view content) {
    const std::string named = std::string(name) + std::string(content);
    return big_endian(static_cast<uint32_t>(content.size())) + named +
           big_endian(libdeflate_crc32(0, named.data(), named.size()));
}

size_t PngBytes::row_size() const {
    const size_t samples = colour_type == 2 ? 3 : colour_type == 4 ? 2 : colour_type == 6 ? 4 : 1;
    return (width * samples * bits + 7) / 8;
}

std::string PngBytes::file() const {
    std::string bytes = "\x89PNG\r\n\x1a\n";
    bytes +=
        png_chunk("IHDR", big_endian(width) + big_endian(height) + static_cast<char>(bits) +
                              static_cast<char>(colour_type) + std::string(2, '\0') + static_cast<char>(interlace));
    if (!palette.empty()) bytes += png_chunk("PLTE", palette);
    bytes += before_data;
    std::string data = deflated(rows, level);
    if (data_header != 0) {
        data[0] = static_cast<char>(data_header >> 8);
        data[1] = static_cast<char>(data_header);
    }
    for (size_t at = 0; at < data.size(); at += data_chunk) bytes += png_chunk("IDAT", data.substr(at, data_chunk));
    return bytes + png_chunk("IEND", "");
}

}  // namespace pg_ocr
