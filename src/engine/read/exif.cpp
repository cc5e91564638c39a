#include "engine/read/exif.h"

#include "engine/read/tiff_directory.h"

namespace pg_ocr {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view exif_prefix = "Exif\0\0"sv;

Bytes exif_in_jpeg(Bytes file) {
    for (uint64_t at = 2; file.holds(at, 4) && file.u8(at) == 0xff;) {
        uint8_t marker = file.u8(at + 1);
        if (marker == 0xff) {  // a fill byte
            ++at;
            continue;
        }
        if (marker == 0xda) break;  // pixels begin
        uint16_t length = file.u16(at + 2, ByteOrder::big);
        if (length < 2) break;
        if (marker == 0xe1 && file.starts_with(exif_prefix, at + 4))
            return file.part(at + 4 + exif_prefix.size(), length - 2 - exif_prefix.size());
        at += 2u + length;
    }
    return {};
}

Bytes exif_in_png(Bytes file) {
    constexpr uint64_t signature_size = 8, chunk_overhead = 12;
    for (uint64_t at = signature_size; file.holds(at, 8);) {
        uint32_t length = file.u32(at, ByteOrder::big);
        if (file.starts_with("eXIf", at + 4)) return file.part(at + 8, length);
        at += chunk_overhead + length;
    }
    return {};
}

Bytes exif_in_webp(Bytes file) {
    constexpr uint64_t header_size = 12;
    for (uint64_t at = header_size; file.holds(at, 8);) {
        uint64_t length = file.u32(at + 4, ByteOrder::little);
        if (file.starts_with("EXIF", at)) {
            Bytes exif = file.part(at + 8, length);
            return exif.starts_with(exif_prefix) ? exif.part(exif_prefix.size()) : exif;  // some writers keep it
        }
        at += 8 + length + (length & 1);
    }
    return {};
}

Bytes exif_data(DocumentType type, Bytes file) {
    switch (type) {
        case DocumentType::jpeg:
            return exif_in_jpeg(file);
        case DocumentType::png:
            return exif_in_png(file);
        case DocumentType::webp:
            return exif_in_webp(file);
        default:
            return {};
    }
}

}  // namespace

Exif exif_of(DocumentType type, Bytes file) {
    Bytes data = exif_data(type, file);
    if (data.empty()) return {};
    TiffPages directories = tiff_pages(data);
    if (directories.pages.empty()) return {};
    return {directories.pages[0].orientation, directories.pages[0].horizontal_resolution};
}

}  // namespace pg_ocr
