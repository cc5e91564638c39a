#include "engine/read/jpeg2000.h"

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>

namespace pg_ocr {
namespace {

[[noreturn]] void throw_damaged(const std::string& why) {
    throw DocumentError(ErrorCode::page_damaged,
                        "the JPEG 2000 image " + why + "; submit it again from an undamaged file");
}

/// OpenJPEG's own types for the first two are void: the function makes the difference.
using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
using Image = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

/// Where OpenJPEG reads.
struct Cursor {
    Bytes bytes;
    size_t at = 0;
};

OPJ_SIZE_T read_bytes(void* to, OPJ_SIZE_T wanted, void* user) {
    auto& cursor = *static_cast<Cursor*>(user);
    Bytes part = cursor.bytes.part(cursor.at, wanted);
    if (part.empty()) return static_cast<OPJ_SIZE_T>(-1);
    std::memcpy(to, part.data(), part.size());
    cursor.at += part.size();
    return part.size();
}

OPJ_OFF_T skip_bytes(OPJ_OFF_T count, void* user) {
    auto& cursor = *static_cast<Cursor*>(user);
    if (count < 0 || static_cast<size_t>(count) > cursor.bytes.size() - cursor.at) return -1;
    cursor.at += static_cast<size_t>(count);
    return count;
}

OPJ_BOOL seek_bytes(OPJ_OFF_T to, void* user) {
    auto& cursor = *static_cast<Cursor*>(user);
    if (to < 0 || static_cast<size_t>(to) > cursor.bytes.size()) return OPJ_FALSE;
    cursor.at = static_cast<size_t>(to);
    return OPJ_TRUE;
}

/// A codestream whose header has been read.
class Decoder {
  public:
    explicit Decoder(Bytes bytes)
        : cursor_{bytes},
          codec_(opj_create_decompress(bytes.starts_with("\xff\x4f") ? OPJ_CODEC_J2K : OPJ_CODEC_JP2),
                 opj_destroy_codec),
          stream_(opj_stream_default_create(OPJ_TRUE), opj_stream_destroy),
          image_(nullptr, opj_image_destroy) {
        if (!codec_ || !stream_) throw std::bad_alloc();
        opj_stream_set_user_data(stream_.get(), &cursor_, nullptr);
        opj_stream_set_user_data_length(stream_.get(), bytes.size());
        opj_stream_set_read_function(stream_.get(), read_bytes);
        opj_stream_set_skip_function(stream_.get(), skip_bytes);
        opj_stream_set_seek_function(stream_.get(), seek_bytes);
        opj_dparameters_t parameters;
        opj_set_default_decoder_parameters(&parameters);
        opj_image_t* image = nullptr;
        bool read = opj_setup_decoder(codec_.get(), &parameters) != 0 &&
                    opj_read_header(stream_.get(), codec_.get(), &image) != 0;
        image_.reset(image);
        constexpr uint32_t most_components = 8;  // each takes four bytes a pixel
        if (!read || !image_ || image_->numcomps == 0 || image_->numcomps > most_components)
            throw_damaged("has a damaged header");
    }

    ImageSize size() const {
        return {static_cast<int64_t>(image_->x1) - image_->x0, static_cast<int64_t>(image_->y1) - image_->y0};
    }

    const opj_image_t& header() const { return *image_; }

    const opj_image_t& decode() {
        if (opj_decode(codec_.get(), stream_.get(), image_.get()) == 0) throw_damaged("cannot be decoded");
        return *image_;
    }

  private:
    Cursor cursor_;
    Codec codec_;
    Stream stream_;
    Image image_;
};

enum class Range { declared, used };

/// A component's samples, whatever their depth and spacing, as shares of the greatest: of what their depth declares, or
/// of what is used of it. Scanners store 12 bits in 16; what is brightest is to be white.
class Component {
  public:
    Component(const opj_image_comp_t& from, Range range) : from_(from) {
        if (from.data == nullptr || from.w == 0 || from.h == 0 || from.prec == 0 || from.prec > 31)
            throw_damaged("lacks a colour");
        lowest_ = from.sgnd != 0 ? -(static_cast<int64_t>(1) << (from.prec - 1)) : 0;
        range_ = static_cast<double>((static_cast<int64_t>(1) << from.prec) - 1);
        if (range == Range::used && from.prec > 8)
            range_ = std::max(1.0, static_cast<double>(*std::max_element(from.data, from.data + size()) - lowest_));
    }
    double at(uint32_t x, uint32_t y) const {
        uint32_t column = std::min(x / std::max(1u, from_.dx), from_.w - 1);
        uint32_t row = std::min(y / std::max(1u, from_.dy), from_.h - 1);
        return static_cast<double>(from_.data[static_cast<size_t>(row) * from_.w + column] - lowest_) / range_;
    }

  private:
    size_t size() const { return static_cast<size_t>(from_.w) * from_.h; }
    const opj_image_comp_t& from_;
    int64_t lowest_ = 0;
    double range_ = 1;
};

}  // namespace

ImageSize jpeg2000_size(Bytes bytes) { return Decoder(bytes).size(); }

uint32_t plain_jpeg2000_components(Bytes bytes) {
    const Decoder decoder(bytes);
    const opj_image_t& image = decoder.header();
    const bool known = image.color_space == OPJ_CLRSPC_UNSPECIFIED || image.color_space == OPJ_CLRSPC_UNKNOWN ||
                       image.color_space == OPJ_CLRSPC_SRGB || image.color_space == OPJ_CLRSPC_GRAY;
    if (!known || (image.numcomps != 1 && image.numcomps != 3)) return 0;
    for (uint32_t i = 0; i < image.numcomps; ++i) {
        const opj_image_comp_t& component = image.comps[i];
        if (component.prec != 8 || component.sgnd != 0 || component.dx != 1 || component.dy != 1) return 0;
    }
    return image.numcomps;
}

Pixels decode_jpeg2000(Bytes bytes) {
    Decoder decoder(bytes);
    const opj_image_t& image = decoder.decode();
    ImageSize size = decoder.size();
    Pixels pixels(pixCreate(static_cast<l_int32>(size.width), static_cast<l_int32>(size.height), 8));
    if (!pixels) throw std::bad_alloc();
    // Grey alone, red, green and blue, or luminance first; a last one of two or four is how opaque a pixel is.
    bool colours = image.numcomps >= 3 && image.color_space != OPJ_CLRSPC_SYCC;
    bool transparent = image.numcomps == 2 || image.numcomps == 4;
    Component first(image.comps[0], Range::used), second(image.comps[colours ? 1 : 0], Range::used),
        third(image.comps[colours ? 2 : 0], Range::used);
    Component opacity(image.comps[image.numcomps - 1], Range::declared);
    constexpr double red = 0.3, green = 0.5, blue = 0.2, white = 255;
    for (uint32_t y = 0; y < size.height; ++y) {
        l_uint32* row =
            pixGetData(pixels.get()) + static_cast<size_t>(y) * static_cast<size_t>(pixGetWpl(pixels.get()));
        for (uint32_t x = 0; x < size.width; ++x) {
            double brightness = red * first.at(x, y) + green * second.at(x, y) + blue * third.at(x, y);
            if (transparent) brightness = 1 - opacity.at(x, y) * (1 - brightness);
            SET_DATA_BYTE(row, x, static_cast<l_uint8>(std::clamp(brightness * white + 0.5, 0.0, white)));
        }
    }
    return pixels;
}

}  // namespace pg_ocr
