#include "engine/read/tiff_file.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace pg_ocr {
namespace {

tmsize_t read_bytes(thandle_t user, void* to, tmsize_t wanted) {
    auto& source = *static_cast<TiffSource*>(user);
    Bytes part = source.bytes.part(source.at, static_cast<uint64_t>(std::max<tmsize_t>(0, wanted)));
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    source.at += part.size();
    return static_cast<tmsize_t>(part.size());
}

toff_t seek_bytes(thandle_t user, toff_t offset, int whence) {
    auto& source = *static_cast<TiffSource*>(user);
    source.at = (whence == SEEK_CUR ? source.at : whence == SEEK_END ? source.bytes.size() : 0) + offset;
    return source.at;
}

toff_t size_of_bytes(thandle_t user) { return static_cast<TiffSource*>(user)->bytes.size(); }
tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return -1; }
int close_nothing(thandle_t) { return 0; }

/// Where libtiff writes.
struct Written {
    std::string bytes;
    uint64_t at = 0;
};

tmsize_t read_written(thandle_t, void*, tmsize_t) { return 0; }

tmsize_t write_bytes(thandle_t user, void* from, tmsize_t size) {
    auto& written = *static_cast<Written*>(user);
    const auto length = static_cast<size_t>(size);
    if (written.bytes.size() < written.at + length) written.bytes.resize(written.at + length);
    std::memcpy(written.bytes.data() + written.at, from, length);
    written.at += length;
    return size;
}

toff_t seek_written(thandle_t user, toff_t offset, int whence) {
    auto& written = *static_cast<Written*>(user);
    written.at = (whence == SEEK_CUR ? written.at : whence == SEEK_END ? written.bytes.size() : 0) + offset;
    return written.at;
}

toff_t size_written(thandle_t user) { return static_cast<Written*>(user)->bytes.size(); }

}  // namespace

TiffFile open_tiff(TiffSource& source, uint64_t directory) {
    TiffFile tiff(TIFFClientOpen("document", "rm", &source, read_bytes, write_nothing, seek_bytes, close_nothing,
                                 size_of_bytes, nullptr, nullptr));
    if (!tiff || TIFFSetSubDirectory(tiff.get(), directory) == 0) return {};
    return tiff;
}

std::string group4_of(uint32_t width, uint32_t height, const std::string& rows) {
    constexpr size_t header_size = 8;  // what libtiff writes before the strip
    Written written;
    TiffFile tiff(TIFFClientOpen("page", "wl", &written, read_written, write_bytes, seek_written, close_nothing,
                                 size_written, nullptr, nullptr));
    if (!tiff) throw std::bad_alloc();
    TIFFSetField(tiff.get(), TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(tiff.get(), TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(tiff.get(), TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff.get(), TIFFTAG_COMPRESSION, COMPRESSION_CCITTFAX4);
    TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    TIFFSetField(tiff.get(), TIFFTAG_FILLORDER, FILLORDER_MSB2LSB);
    TIFFSetField(tiff.get(), TIFFTAG_ROWSPERSTRIP, height);
    if (TIFFWriteEncodedStrip(tiff.get(), 0, const_cast<char*>(rows.data()), static_cast<tmsize_t>(rows.size())) < 0 ||
        TIFFFlushData(tiff.get()) == 0 || written.bytes.size() <= header_size)
        throw std::bad_alloc();
    return written.bytes.substr(header_size);
}

}  // namespace pg_ocr
