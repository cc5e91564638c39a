#include <algorithm>
#include <new>
#include <string>
#include <vector>

#include "engine/pdf/packed_rows.h"
#include "engine/pdf/stored_image.h"
#include "engine/read/tiff_file.h"

namespace pg_ocr {
namespace {

struct TiffKind {
    uint16_t bits = 1, samples = 1, compression = 1, photometric = 0, fill_order = 1, planar = 1;
    uint16_t format = SAMPLEFORMAT_UINT;
    bool tiled = false;
    uint32_t strips = 0;
};

TiffKind kind_of(TIFF* tiff) {
    TiffKind kind;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &kind.bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &kind.samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &kind.compression);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &kind.photometric);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_FILLORDER, &kind.fill_order);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &kind.planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &kind.format);
    kind.tiled = TIFFIsTiled(tiff) != 0;
    kind.strips = kind.tiled ? 0 : TIFFNumberOfStrips(tiff);
    return kind;
}

bool is_bilevel(const TiffKind& kind) {
    return kind.bits == 1 && kind.samples == 1 && kind.photometric <= PHOTOMETRIC_MINISBLACK && !kind.tiled;
}

/// Whether its samples are of 16 bits and go into a PDF as they are.
bool is_deep(const TiffKind& kind) {
    const bool grey = kind.samples == 1 && kind.photometric <= PHOTOMETRIC_MINISBLACK;
    const bool colours = kind.samples == 3 && kind.photometric == PHOTOMETRIC_RGB && kind.planar == PLANARCONFIG_CONTIG;
    return kind.bits == 16 && kind.format == SAMPLEFORMAT_UINT && !kind.tiled && (grey || colours);
}

std::string fax_parameters(const TiffPage& page, const TiffKind& kind) {
    return "<< /K -1 /Columns " + std::to_string(page.width) + " /Rows " + std::to_string(page.height) +
           (kind.photometric == PHOTOMETRIC_MINISBLACK ? " /BlackIs1 true" : "") + " /EndOfBlock false >>";
}

/// The strip's bytes, the first pixel in the highest bit; empty where it is none.
std::string fax_strip(TIFF* tiff, const TiffKind& kind) {
    const tmsize_t size = static_cast<tmsize_t>(TIFFGetStrileByteCount(tiff, 0));
    if (size <= 0 || size > static_cast<tmsize_t>(1u << 30)) return {};
    std::string strip(static_cast<size_t>(size), '\0');
    if (TIFFReadRawStrip(tiff, 0, strip.data(), size) != size) return {};
    if (kind.fill_order == FILLORDER_LSB2MSB) TIFFReverseBits(reinterpret_cast<uint8_t*>(strip.data()), size);
    return strip;
}

/// Ink is 1 where the photometric interpretation is min-is-white.
std::string bilevel_rows(TIFF* tiff, const TiffPage& page) {
    const size_t row_size = (static_cast<size_t>(page.width) + 7) / 8;
    std::string rows(row_size * page.height, '\0');
    std::vector<uint8_t> row(std::max<size_t>(row_size, static_cast<size_t>(TIFFScanlineSize(tiff))));
    for (uint32_t y = 0; y < page.height; ++y) {
        if (TIFFReadScanline(tiff, row.data(), y) < 0) return {};
        std::copy_n(row.begin(), row_size, rows.begin() + static_cast<std::ptrdiff_t>(y * row_size));
    }
    return rows;
}

/// Red, green, blue and opacity; empty where it cannot be decoded.
std::vector<uint32_t> colours_of(Bytes file, const TiffPage& page) {
    TiffSource source{file};
    TiffFile tiff = open_tiff(source, page.offset);
    if (!tiff) return {};
    std::vector<uint32_t> colours(static_cast<size_t>(page.width) * page.height);
    constexpr int stop_on_error = 1;
    TIFFSetField(tiff.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    if (TIFFReadRGBAImageOriented(tiff.get(), page.width, page.height, colours.data(), ORIENTATION_TOPLEFT,
                                  stop_on_error) == 0)
        return {};
    return colours;
}

/// Sixteen bits a sample, as they are; white from where the page is damaged.
void write_deep_samples(Pipeline& to, Bytes file, const TiffPage& page, size_t samples) {
    TiffSource source{file};
    TiffFile tiff = open_tiff(source, page.offset);
    const size_t count = samples * page.width;
    std::string row(2 * count, '\xff');
    std::vector<uint16_t> values(
        std::max<size_t>(count, tiff ? static_cast<size_t>(TIFFScanlineSize(tiff.get())) / 2 + 1 : 0));
    const uint16_t inverted = tiff && kind_of(tiff.get()).photometric == PHOTOMETRIC_MINISWHITE ? 0xffff : 0;
    PackedRows rows(to, row.size(), 2 * samples);
    for (uint32_t y = 0; y < page.height; ++y) {
        if (!tiff || TIFFReadScanline(tiff.get(), values.data(), y) < 0) {
            tiff.reset();
            rows.add_as_it_is(std::string(row.size(), '\xff'));
            continue;
        }
        for (size_t i = 0; i < count; ++i) {
            const auto value = static_cast<uint16_t>(values[i] ^ inverted);
            row[2 * i] = static_cast<char>(value >> 8);
            row[2 * i + 1] = static_cast<char>(value);
        }
        rows.add(row);
    }
    rows.finish();
    to.finish();
}

/// When the PDF is written, so that one page at a time is held.
void write_colours(Pipeline& to, Bytes file, const TiffPage& page, size_t samples) {
    const std::vector<uint32_t> colours = colours_of(file, page);
    const size_t width = page.width;
    PackedRows rows(to, samples * width, samples);
    std::string row(samples * width, '\xff');
    for (size_t y = 0; y < page.height; ++y) {
        if (colours.empty()) {
            rows.add_as_it_is(row);
            continue;
        }
        for (size_t x = 0; x < width; ++x) {
            const uint32_t colour = colours[y * width + x];
            // Colours come multiplied by their opacity: what they lack of it is paper.
            auto on_paper = [missing = 255 - TIFFGetA(colour)](uint32_t value) {
                return static_cast<char>(std::min(255u, value + missing));
            };
            row[samples * x] = on_paper(TIFFGetR(colour));
            if (samples == 1) continue;
            row[samples * x + 1] = on_paper(TIFFGetG(colour));
            row[samples * x + 2] = on_paper(TIFFGetB(colour));
        }
        rows.add(row);
    }
    rows.finish();
    to.finish();
}

QPDFObjectHandle image_object(QPDF& pdf, const TiffPage& page, const std::string& attributes) {
    QPDFObjectHandle image = QPDFObjectHandle::newStream(&pdf);
    image.replaceDict(QPDFObjectHandle::parse("<< /Type /XObject /Subtype /Image /Width " + std::to_string(page.width) +
                                              " /Height " + std::to_string(page.height) + ' ' + attributes + " >>"));
    return image;
}

}  // namespace

StoredImage stored_tiff_page(QPDF& pdf, Bytes file, const TiffPage& page, const Limits& limits) {
    const bool too_large = limits.page_pixels != 0 && uint64_t{page.width} * page.height > limits.page_pixels;
    TiffSource source{file};
    TiffFile tiff = open_tiff(source, page.offset);
    const TiffKind kind = tiff ? kind_of(tiff.get()) : TiffKind{.bits = 8};
    if (tiff && is_bilevel(kind)) {
        std::string strip;
        if (kind.compression == COMPRESSION_CCITTFAX4 && kind.strips == 1) strip = fax_strip(tiff.get(), kind);
        if (strip.empty() && too_large) return {{}, page.width, page.height, false};
        if (strip.empty()) {
            std::string rows = bilevel_rows(tiff.get(), page);
            if (rows.empty()) rows.assign((static_cast<size_t>(page.width) + 7) / 8 * page.height, '\0');
            strip = group4_of(page.width, page.height, rows);
        }
        QPDFObjectHandle image = image_object(pdf, page, "/BitsPerComponent 1 /ColorSpace /DeviceGray");
        image.replaceStreamData(strip, QPDFObjectHandle::newName("/CCITTFaxDecode"),
                                QPDFObjectHandle::parse(fax_parameters(page, kind)));
        return {image, page.width, page.height};
    }
    if (too_large) return {{}, page.width, page.height, false};
    const size_t samples = kind.samples == 1 && kind.photometric <= PHOTOMETRIC_MINISBLACK ? 1 : 3;
    const bool deep = is_deep(kind);
    const std::string bits = " /BitsPerComponent " + std::to_string(deep ? 16 : 8);
    QPDFObjectHandle image = image_object(pdf, page, bits + " /ColorSpace /Device" + (samples == 1 ? "Gray" : "RGB"));
    image.replaceStreamData(
        [file, page, samples, deep](Pipeline* to) {
            (deep ? write_deep_samples : write_colours)(*to, file, page, samples);
        },
        QPDFObjectHandle::newName("/FlateDecode"),
        QPDFObjectHandle::parse("<< /Predictor 15 /Colors " + std::to_string(samples) + bits + " /Columns " +
                                std::to_string(page.width) + " >>"));
    return {image, page.width, page.height};
}

}  // namespace pg_ocr
