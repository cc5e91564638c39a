#include "engine/pdf/stored_image.h"

#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/pdf/packed_rows.h"
#include "engine/read/decode.h"
#include "engine/read/pixels.h"
#include "engine/read/tiff_file.h"

namespace pg_ocr {
namespace {

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

QPDFObjectHandle image_object(QPDF& pdf, int64_t width, int64_t height, const std::string& attributes) {
    QPDFObjectHandle image = QPDFObjectHandle::newStream(&pdf);
    image.replaceDict(QPDFObjectHandle::parse("<< /Type /XObject /Subtype /Image /Width " + std::to_string(width) +
                                              " /Height " + std::to_string(height) + ' ' + attributes + " >>"));
    return image;
}

/// The bytes stay where they are until the PDF is written.
void set_data(QPDFObjectHandle image, Bytes bytes, const char* filter, const std::string& parameters = "null") {
    image.replaceStreamData(
        [bytes](Pipeline* to) {
            write_to(*to, text_of(bytes));
            to->finish();
        },
        QPDFObjectHandle::newName(filter), QPDFObjectHandle::parse(parameters));
}

void set_data(QPDFObjectHandle image, const std::string& bytes, const char* filter, const std::string& parameters) {
    image.replaceStreamData(bytes, QPDFObjectHandle::newName(filter), QPDFObjectHandle::parse(parameters));
}

std::string prediction(size_t colours, size_t bits, int64_t columns) {
    return "<< /Predictor 15 /Colors " + std::to_string(colours) + " /BitsPerComponent " + std::to_string(bits) +
           " /Columns " + std::to_string(columns) + " >>";
}

std::string hexadecimal(std::string_view bytes) {
    std::string text = "<";
    for (char c : bytes) {
        text += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
        text += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
    }
    return text + '>';
}

std::string indexed(const std::string& colours) {
    return "/ColorSpace [/Indexed /DeviceRGB " + std::to_string(colours.size() / 3 - 1) + ' ' + hexadecimal(colours) +
           ']';
}

/// On white paper.
uint8_t blended(uint32_t value, uint32_t opacity) {
    return static_cast<uint8_t>((value * opacity + 255 * (255 - opacity) + 127) / 255);
}

/// What a JPEG file's header says.
struct JpegFrame {
    uint8_t kind = 0;  ///< the marker's second byte; 0xc0 to 0xc2 are those that PDF knows
    uint8_t bits = 0;
    int64_t width = 0, height = 0;
    uint8_t components = 0;
    bool by_adobe = false;
};

JpegFrame jpeg_frame(Bytes file) {
    constexpr uint8_t marker = 0xff, app14 = 0xee;
    JpegFrame frame;
    for (uint64_t at = 2; file.holds(at, 4);) {
        if (file.u8(at) != marker || file.u8(at + 1) == marker) {
            ++at;
            continue;
        }
        const uint8_t kind = file.u8(at + 1);
        const bool is_frame = kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc;
        if (kind == app14 && file.starts_with("Adobe", at + 4)) frame.by_adobe = true;
        if (is_frame && file.holds(at, 10)) {
            frame.kind = kind;
            frame.bits = file.u8(at + 4);
            frame.height = file.u16(at + 5, ByteOrder::big);
            frame.width = file.u16(at + 7, ByteOrder::big);
            frame.components = file.u8(at + 9);
        }
        if (kind == 0xda) break;  // pixels begin
        at += 2u + file.u16(at + 2, ByteOrder::big);
    }
    return frame;
}

std::optional<StoredImage> jpeg_as_it_is(QPDF& pdf, Bytes file) {
    const JpegFrame frame = jpeg_frame(file);
    const bool known =
        frame.kind >= 0xc0 && frame.kind <= 0xc2 && frame.bits == 8 && frame.width > 0 && frame.height > 0;
    const char* colours = frame.components == 1 ? "Gray" : frame.components == 3 ? "RGB" : "CMYK";
    if (!known || (frame.components != 1 && frame.components != 3 && frame.components != 4)) return std::nullopt;
    // Adobe's programs store the paper's share of four inks, and all take them at their word.
    const bool inverted = frame.components == 4 && frame.by_adobe;
    QPDFObjectHandle image = image_object(pdf, frame.width, frame.height,
                                          std::string("/BitsPerComponent 8 /ColorSpace /Device") + colours +
                                              (inverted ? " /Decode [1 0 1 0 1 0 1 0]" : ""));
    set_data(image, file, "/DCTDecode");
    return StoredImage{image, frame.width, frame.height};
}

void append_box(std::string& to, std::string_view type, const std::string& content) {
    const size_t size = content.size() + 8;
    for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(size >> shift);
    to += type;
    to += content;
}

/// What a JP2 file has before its codestream, of which this one says how large it is and what its samples are.
std::string jp2_header(Bytes codestream) {
    constexpr uint64_t size_marker = 4;  // behind the start, and always first
    const ByteOrder order = ByteOrder::big;
    const uint32_t width = codestream.u32(size_marker + 4, order) - codestream.u32(size_marker + 12, order);
    const uint32_t height = codestream.u32(size_marker + 8, order) - codestream.u32(size_marker + 16, order);
    const uint16_t components = codestream.u16(size_marker + 36, order);
    std::string size, colours, boxes;
    for (uint32_t side : {height, width})
        for (int shift = 24; shift >= 0; shift -= 8) size += static_cast<char>(side >> shift);
    size += {static_cast<char>(components >> 8),
             static_cast<char>(components),
             static_cast<char>(codestream.u8(size_marker + 38)),
             7,
             0,
             0};
    colours = {1, 0, 0, 0, 0, 0, static_cast<char>(components >= 3 ? 16 : 17)};  // sRGB or grey
    append_box(boxes, "ihdr", size);
    append_box(boxes, "colr", colours);
    std::string header;
    append_box(header, "jP  ", "\r\n\x87\n");
    append_box(header, "ftyp", std::string("jp2 \0\0\0\0jp2 ", 12));
    append_box(header, "jp2h", boxes);
    return header + std::string("\0\0\0\0jp2c", 8);  // a length of 0: to the end
}

StoredImage jpeg2000_as_it_is(QPDF& pdf, Bytes file) {
    const ImageSize size = image_size(DocumentType::jpeg2000, file);
    QPDFObjectHandle image = image_object(pdf, size.width, size.height, "");
    const bool is_codestream = file.starts_with("\xff\x4f");
    const std::string header = is_codestream ? jp2_header(file) : std::string();
    image.replaceStreamData(
        [file, header](Pipeline* to) {
            write_to(*to, header);
            write_to(*to, text_of(file));
            to->finish();
        },
        QPDFObjectHandle::newName("/JPXDecode"), QPDFObjectHandle::newNull());
    return {image, size.width, size.height};
}

struct PngParts {
    int64_t width = 0, height = 0;
    uint8_t bits = 0, colour_type = 0, interlace = 0;
    std::string colours;  ///< the palette, red, green and blue by turns
    Bytes transparency;
    std::vector<Bytes> data;
};

PngParts png_parts(Bytes file) {
    constexpr uint64_t signature_size = 8, overhead = 12;
    PngParts parts;
    for (uint64_t at = signature_size; file.holds(at, overhead);) {
        const uint32_t length = file.u32(at, ByteOrder::big);
        const Bytes chunk = file.part(at + 8, length);
        if (file.starts_with("IHDR", at + 4) && chunk.size() >= 13) {
            parts.width = chunk.u32(0, ByteOrder::big);
            parts.height = chunk.u32(4, ByteOrder::big);
            parts.bits = chunk.u8(8);
            parts.colour_type = chunk.u8(9);
            parts.interlace = chunk.u8(12);
        } else if (file.starts_with("PLTE", at + 4)) {
            parts.colours = text_of(chunk);
        } else if (file.starts_with("tRNS", at + 4)) {
            parts.transparency = chunk;
        } else if (file.starts_with("IDAT", at + 4)) {
            parts.data.push_back(chunk);
        }
        at += overhead + length;
    }
    return parts;
}

enum PngColours : uint8_t { png_grey = 0, png_rgb = 2, png_palette = 3 };

/// The one colour that stands for none.
std::string colour_mask(const PngParts& parts, size_t samples) {
    std::string mask = " /Mask [";
    for (size_t i = 0; i < samples; ++i) {
        const std::string value = std::to_string(parts.transparency.u16(2 * i, ByteOrder::big));
        for (int end = 0; end < 2; ++end) mask.append(value).push_back(' ');
    }
    return mask + ']';
}

/// The compressed rows of a PNG file are what PDF calls /FlateDecode with a predictor.
std::optional<StoredImage> png_as_it_is(QPDF& pdf, Bytes file) {
    PngParts parts = png_parts(file);
    const uint8_t type = parts.colour_type;
    const bool known = (type == png_grey || type == png_rgb || type == png_palette) && parts.interlace == 0;
    const size_t samples = type == png_rgb ? 3 : 1;
    if (!known || parts.data.empty() || parts.width <= 0 || parts.height <= 0) return std::nullopt;
    std::string attributes = "/BitsPerComponent " + std::to_string(parts.bits) + ' ';
    if (type == png_palette) {
        std::string& colours = parts.colours;
        if (colours.size() < 3 || colours.size() > 768 || colours.size() % 3 != 0 || parts.bits > 8)
            return std::nullopt;
        for (size_t i = 0; i < parts.transparency.size() && i < colours.size() / 3; ++i)
            for (size_t k = 3 * i; k < 3 * i + 3; ++k)
                colours[k] = static_cast<char>(blended(static_cast<uint8_t>(colours[k]), parts.transparency.u8(i)));
        attributes += indexed(colours);
    } else {
        attributes += samples == 3 ? "/ColorSpace /DeviceRGB" : "/ColorSpace /DeviceGray";
        if (parts.transparency.size() >= 2 * samples) attributes += colour_mask(parts, samples);
    }
    QPDFObjectHandle image = image_object(pdf, parts.width, parts.height, attributes);
    image.replaceStreamData(
        [data = std::move(parts.data)](Pipeline* to) {
            for (const Bytes& piece : data) write_to(*to, text_of(piece));
            to->finish();
        },
        QPDFObjectHandle::newName("/FlateDecode"),
        QPDFObjectHandle::parse(prediction(samples, parts.bits, parts.width)));
    return StoredImage{image, parts.width, parts.height};
}

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

std::string colours_of(PIXCMAP* map) {
    std::string colours;
    for (l_int32 i = 0; i < pixcmapGetCount(map); ++i) {
        l_int32 red = 0, green = 0, blue = 0, opacity = 255;
        pixcmapGetRGBA(map, i, &red, &green, &blue, &opacity);
        for (l_int32 value : {red, green, blue})
            colours += static_cast<char>(blended(static_cast<uint32_t>(value), static_cast<uint32_t>(opacity)));
    }
    return colours;
}

/// A row as it lies in memory whose words are of the machine's order: the first sample first.
std::string row_of(PIX* pix, l_int32 y, size_t size, bool colours) {
    const l_uint32* words = pixGetData(pix) + static_cast<size_t>(y) * static_cast<size_t>(pixGetWpl(pix));
    std::string row;
    row.reserve(size + 4);
    for (size_t i = 0; row.size() < size; ++i) {
        for (int shift = 24; shift >= (colours ? 8 : 0); shift -= 8) row += static_cast<char>(words[i] >> shift);
    }
    row.resize(size);
    return row;
}

/// Of any depth, with a colour map or without.
StoredImage stored_pixels(QPDF& pdf, Pixels pixels) {
    constexpr l_uint32 white = 0xffffff00;
    const bool in_colours = pixGetDepth(pixels.get()) == 32;
    if (in_colours && pixGetSpp(pixels.get()) == 4) pixels = made(pixAlphaBlendUniform(pixels.get(), white));
    const l_int32 width = pixGetWidth(pixels.get()), height = pixGetHeight(pixels.get());
    const l_int32 depth = pixGetDepth(pixels.get());
    PIXCMAP* map = pixGetColormap(pixels.get());
    const size_t row_size = in_colours ? size_t{3} * static_cast<size_t>(width)
                                       : (static_cast<size_t>(width) * static_cast<size_t>(depth) + 7) / 8;
    if (depth == 1 && map == nullptr) {
        std::string rows;
        for (l_int32 y = 0; y < height; ++y) rows += row_of(pixels.get(), y, row_size, false);
        QPDFObjectHandle image = image_object(pdf, width, height, "/BitsPerComponent 1 /ColorSpace /DeviceGray");
        set_data(image, group4_of(static_cast<uint32_t>(width), static_cast<uint32_t>(height), rows), "/CCITTFaxDecode",
                 "<< /K -1 /Columns " + std::to_string(width) + " /Rows " + std::to_string(height) + " >>");
        return {image, width, height};
    }
    const size_t bits = in_colours ? 8 : static_cast<size_t>(depth), samples = in_colours ? 3 : 1;
    std::string attributes = "/BitsPerComponent " + std::to_string(bits) + ' ';
    attributes += map != nullptr ? indexed(colours_of(map))
                  : in_colours   ? "/ColorSpace /DeviceRGB"
                                 : "/ColorSpace /DeviceGray";
    std::string packed;
    Outlet outlet([&packed](std::string_view piece) { packed += piece; });
    PackedRows rows(outlet, row_size, std::max<size_t>(1, samples * bits / 8));
    for (l_int32 y = 0; y < height; ++y) rows.add(row_of(pixels.get(), y, row_size, in_colours));
    rows.finish();
    QPDFObjectHandle image = image_object(pdf, width, height, attributes);
    set_data(image, packed, "/FlateDecode", prediction(samples, bits, width));
    return {image, width, height};
}

/// In its own colours, which reading does not need.
Pixels decoded(DocumentType type, Bytes file) {
    if (type != DocumentType::jpeg) return decode_image(type, file);
    PIX* pix = pixReadMemJpeg(file.data(), file.size(), 0, 1, nullptr, L_JPEG_CONTINUE_WITH_BAD_DATA);
    return pix != nullptr ? Pixels(pix) : decode_image(type, file);
}

}  // namespace

StoredImage stored_image(QPDF& pdf, DocumentType type, Bytes file, const Limits& limits) {
    std::optional<StoredImage> image;
    if (type == DocumentType::jpeg) image = jpeg_as_it_is(pdf, file);
    if (type == DocumentType::png) image = png_as_it_is(pdf, file);
    if (type == DocumentType::jpeg2000) image = jpeg2000_as_it_is(pdf, file);
    if (image) return *image;
    const ImageSize size = image_size(type, file);
    if (limits.page_pixels != 0 &&
        static_cast<uint64_t>(size.width) * static_cast<uint64_t>(size.height) > limits.page_pixels)
        throw DocumentError(ErrorCode::page_too_large, "the image is " + std::to_string(size.width) + " x " +
                                                           std::to_string(size.height) +
                                                           " pixels, more than pg_ocr.max_page_pixels allows");
    return stored_pixels(pdf, decoded(type, file));
}

}  // namespace pg_ocr
