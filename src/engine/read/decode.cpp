#include "engine/read/decode.h"

#include <new>
#include <string>
#include <utility>
#include <vector>

#include "engine/read/jpeg2000.h"
#include "engine/read/png.h"
#include "engine/read/pnm.h"

namespace pg_ocr {
namespace {

[[noreturn]] void throw_damaged(DocumentType type, const std::string& why) {
    throw DocumentError(ErrorCode::page_damaged,
                        "the " + name_of(type) + " image " + why + "; submit it again from an undamaged file");
}

ImageSize bmp_size(Bytes file) {
    if (file.u32(14, ByteOrder::little) == 12)
        return {file.u16(18, ByteOrder::little), file.u16(20, ByteOrder::little)};
    auto height = static_cast<int32_t>(file.u32(22, ByteOrder::little));  // negative: stored from the top
    return {static_cast<int32_t>(file.u32(18, ByteOrder::little)), std::abs(static_cast<int64_t>(height))};
}

/// The end of a chain of GIF data blocks that begins at the offset.
uint64_t end_of_gif_blocks(Bytes file, uint64_t at) {
    while (file.u8(at) != 0) at += 1u + file.u8(at);
    return at + 1;
}

uint64_t gif_colours_size(uint8_t flags) { return (flags & 0x80) != 0 ? 3u << ((flags & 7) + 1) : 0; }

/// Where the first frame's header begins.
uint64_t first_gif_frame_offset(Bytes file) {
    constexpr uint64_t header_size = 13;
    constexpr uint8_t extension = 0x21, image = 0x2c;
    uint64_t at = header_size + gif_colours_size(file.u8(10));
    while (file.u8(at) == extension) at = end_of_gif_blocks(file, at + 2);
    if (file.u8(at) != image) throw_damaged(DocumentType::gif, "has no frame");
    return at;
}

ImageSize gif_size(Bytes file) {
    uint64_t frame = first_gif_frame_offset(file);
    return {file.u16(frame + 5, ByteOrder::little), file.u16(frame + 7, ByteOrder::little)};
}

/// The file cut behind its first frame: an animation would else be decoded whole, whatever memory that takes.
std::vector<uint8_t> first_gif_frame(Bytes file) {
    constexpr uint64_t frame_header_size = 10;
    constexpr uint8_t trailer = 0x3b;
    uint64_t frame = first_gif_frame_offset(file);
    uint64_t colours = gif_colours_size(file.u8(frame + 9));
    uint64_t end = end_of_gif_blocks(file, frame + frame_header_size + colours + 1);
    std::vector<uint8_t> cut(file.data(), file.data() + end);
    cut.push_back(trailer);
    return cut;
}

void append_u32(std::vector<uint8_t>& to, uint64_t value) {
    for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<uint8_t>(value >> shift));
}

/// Leptonica refuses animated WebP: this makes a still image of the first frame. Empty when it is not animated.
std::vector<uint8_t> first_webp_frame(Bytes file) {
    constexpr uint64_t header_size = 12, frame_header_size = 16;
    for (uint64_t at = header_size; file.holds(at, 8);) {
        uint64_t length = file.u32(at + 4, ByteOrder::little);
        if (file.starts_with("ANMF", at)) {
            Bytes frame = file.part(at + 8, length);
            Bytes image = frame.part(frame_header_size);
            std::vector<uint8_t> still;
            auto append = [&still](std::string_view text) { still.insert(still.end(), text.begin(), text.end()); };
            append("RIFF");
            bool has_alpha = image.starts_with("ALPH");
            constexpr uint64_t extended_size = 18;
            append_u32(still, 4 + (has_alpha ? extended_size : 0) + image.size());
            append("WEBP");
            if (has_alpha) {  // an alpha chunk is understood only behind an extended header
                constexpr uint64_t alpha_flag = 0x10;
                append("VP8X");
                append_u32(still, extended_size - 8);
                append_u32(still, alpha_flag);
                for (uint64_t i = 6; i < 12; ++i) still.push_back(frame.u8(i));  // width and height less one
            }
            still.insert(still.end(), image.data(), image.data() + image.size());
            return still;
        }
        at += 8 + length + (length & 1);
    }
    return {};
}

/// Where the first scan of a JPEG file begins; its end where there is none.
uint64_t first_jpeg_scan(Bytes file) {
    constexpr uint8_t marker = 0xff, start_of_scan = 0xda;
    for (uint64_t at = 2; file.holds(at, 4);) {
        if (file.u8(at) != marker || file.u8(at + 1) == marker) {  // a fill byte, or one too many
            ++at;
            continue;
        }
        if (file.u8(at + 1) == start_of_scan) return at;
        at += 2u + file.u16(at + 2, ByteOrder::big);
    }
    return file.size();
}

/// Decoders of JPEG paint what is missing grey and call it a success. A thumbnail in the header has an end of its own.
bool is_cut_off_jpeg(Bytes file) {
    constexpr uint8_t marker = 0xff, end_of_image = 0xd9;
    for (uint64_t at = first_jpeg_scan(file); file.holds(at, 2); ++at)
        if (file.u8(at) == marker && file.u8(at + 1) == end_of_image) return false;
    return true;
}

PIX* decode_jpeg(Bytes file) {
    l_int32 components = 0, warnings = 0;
    readHeaderMemJpeg(file.data(), file.size(), nullptr, nullptr, &components, nullptr, nullptr);
    // Of four inks only all give the picture; of colours the luminance is what is read, at a quarter of the memory.
    l_int32 hint = (components == 3 ? L_JPEG_READ_LUMINANCE : 0) | L_JPEG_CONTINUE_WITH_BAD_DATA;
    PIX* pix = pixReadMemJpeg(file.data(), file.size(), 0, 1, &warnings, hint);
    if (pix != nullptr && warnings != 0 && is_cut_off_jpeg(file)) {
        pixDestroy(&pix);
        throw_damaged(DocumentType::jpeg, "is cut off");
    }
    return pix;
}

PIX* decode_gif(Bytes file) {
    std::vector<uint8_t> frame = first_gif_frame(file);
    return pixReadMemGif(frame.data(), frame.size());
}

/// Calls use with the file, or with a still image of its first frame, whose size is its own, not the animation's.
template <typename Use>
auto with_webp_frame(Bytes file, Use use) {
    std::vector<uint8_t> frame = first_webp_frame(file);
    return frame.empty() ? use(file) : use(Bytes(frame.data(), frame.size()));
}

PIX* decode_webp(Bytes file) {
    return with_webp_frame(file, [](Bytes still) { return pixReadMemWebP(still.data(), still.size()); });
}

ImageSize webp_size(Bytes file) {
    return with_webp_frame(file, [](Bytes still) {
        l_int32 width = 0, height = 0, samples = 0;
        readHeaderMemWebP(still.data(), still.size(), &width, &height, &samples);
        return ImageSize{width, height};
    });
}

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

}  // namespace

ImageSize image_size(DocumentType type, Bytes file) {
    l_int32 width = 0, height = 0;
    ImageSize size;
    switch (type) {
        case DocumentType::gif:
            return gif_size(file);
        case DocumentType::bmp:
            return bmp_size(file);
        case DocumentType::jpeg2000:
            return jpeg2000_size(file);
        case DocumentType::webp:
            size = webp_size(file);
            break;
        case DocumentType::jpeg:
            readHeaderMemJpeg(file.data(), file.size(), &width, &height, nullptr, nullptr, nullptr);
            size = {width, height};
            break;
        case DocumentType::png:
            readHeaderMemPng(file.data(), file.size(), &width, &height, nullptr, nullptr, nullptr);
            size = {width, height};
            break;
        case DocumentType::pnm:
            readHeaderMemPnm(file.data(), file.size(), &width, &height, nullptr, nullptr, nullptr, nullptr);
            size = {width, height};
            break;
        case DocumentType::pdf:
        case DocumentType::tiff:
            break;
    }
    if (size.width <= 0 || size.height <= 0) throw_damaged(type, "has a damaged header");
    return size;
}

Pixels decode_image(DocumentType type, Bytes file) {
    PIX* pix = nullptr;
    switch (type) {
        case DocumentType::jpeg:
            pix = decode_jpeg(file);
            break;
        case DocumentType::jpeg2000:
            return decode_jpeg2000(file);
        case DocumentType::gif:
            pix = decode_gif(file);
            break;
        case DocumentType::webp:
            pix = decode_webp(file);
            break;
        case DocumentType::png:
            pix = pixReadMemPng(file.data(), file.size());
            break;
        case DocumentType::bmp:
            pix = pixReadMemBmp(file.data(), file.size());
            break;
        case DocumentType::pnm:
            pix = pixReadMemPnm(file.data(), file.size());
            break;
        case DocumentType::pdf:
        case DocumentType::tiff:
            break;
    }
    if (pix == nullptr) throw_damaged(type, "cannot be decoded");
    return Pixels(pix);
}

Pixels grey(Pixels pixels) {
    constexpr l_uint32 white = 0xffffff00;
    if (PIXCMAP* colours = pixGetColormap(pixels.get())) {
        l_int32 opaque = 1;
        pixcmapIsOpaque(colours, &opaque);
        pixels = made(pixRemoveColormap(pixels.get(), opaque != 0 ? REMOVE_CMAP_TO_GRAYSCALE : REMOVE_CMAP_WITH_ALPHA));
    }
    if (pixGetDepth(pixels.get()) == 32 && pixGetSpp(pixels.get()) == 4)
        pixels = made(pixAlphaBlendUniform(pixels.get(), white));
    // Scanners store 12 bits in 16: what is brightest is to be white.
    if (pixGetDepth(pixels.get()) == 16) pixels = made(pixMaxDynamicRange(pixels.get(), L_LINEAR_SCALE));
    if (pixGetDepth(pixels.get()) != 1 && pixGetDepth(pixels.get()) != 8) pixels = made(pixConvertTo8(pixels.get(), 0));
    return pixels;
}

Pixels decode_grey(DocumentType type, Bytes file) {
    Pixels pixels;
    if (type == DocumentType::png) pixels = grey_of_png(file);
    if (type == DocumentType::pnm) pixels = grey_of_pnm(file);
    if (pixels) return pixels;
    pixels = decode_image(type, file);
    const l_int32 horizontal = pixGetXRes(pixels.get()), vertical = pixGetYRes(pixels.get());
    pixels = grey(std::move(pixels));
    pixSetResolution(pixels.get(), horizontal, vertical);
    return pixels;
}

}  // namespace pg_ocr
