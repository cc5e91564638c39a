#include "engine/pdf/image_pixels.h"

#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/pdf/only_image.h"
#include "engine/pdf/pipelines.h"
#include "engine/read/bytes.h"
#include "engine/read/decode.h"
#include "engine/read/jpeg2000.h"
#include "engine/read/tiff_file.h"

namespace pg_ocr {
namespace {

enum class Colours : uint8_t { none, grey, rgb, palette };

struct ColourSpace {
    Colours colours = Colours::none;    ///< none: there is one, of another kind
    std::vector<uint8_t> palette_grey;  ///< of each of its colours
};

uint8_t grey_of(uint32_t red, uint32_t green, uint32_t blue) {
    return static_cast<uint8_t>((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

Colours device_colours(QPDFObjectHandle space) {
    const std::string name = space.isName() ? space.getName() : "";
    return name == "/DeviceGray" ? Colours::grey : name == "/DeviceRGB" ? Colours::rgb : Colours::none;
}

/// Of a space that is no palette. An array may hold itself: only names are looked for in it.
Colours base_colours(QPDFObjectHandle space) {
    if (!space.isArray()) return device_colours(space);
    if (space.getArrayNItems() < 1 || !space.getArrayItem(0).isName()) return Colours::none;
    const std::string kind = space.getArrayItem(0).getName();
    if (kind == "/ICCBased" && space.getArrayNItems() == 2 && space.getArrayItem(1).isStream()) {
        QPDFObjectHandle components = space.getArrayItem(1).getDict().getKey("/N");
        if (!components.isInteger()) return Colours::none;
        return components.getIntValue() == 1   ? Colours::grey
               : components.getIntValue() == 3 ? Colours::rgb
                                               : Colours::none;
    }
    if (kind == "/CalGray") return Colours::grey;
    if (kind == "/CalRGB") return Colours::rgb;
    return space.getArrayNItems() == 1 ? device_colours(space.getArrayItem(0)) : Colours::none;
}

ColourSpace palette_of(QPDFObjectHandle space) {
    constexpr size_t most_bytes = size_t{3} * 256;
    QPDFObjectHandle last = space.getArrayItem(2), table = space.getArrayItem(3);
    const Colours base = base_colours(space.getArrayItem(1));
    const size_t samples = base == Colours::grey ? 1 : 3;
    if (base == Colours::none || !last.isInteger() || last.getIntValue() < 0 || last.getIntValue() > 255) return {};
    std::string colours;
    if (table.isString()) colours = table.getStringValue();
    if (table.isStream()) colours = decoded_stream(table, most_bytes).value_or("");
    const auto count = static_cast<size_t>(last.getIntValue()) + 1;
    if (colours.size() < count * samples) return {};
    ColourSpace found{Colours::palette, {}};
    for (size_t i = 0; i < count; ++i) {
        const auto* colour = reinterpret_cast<const uint8_t*>(colours.data()) + i * samples;
        found.palette_grey.push_back(samples == 1 ? colour[0] : grey_of(colour[0], colour[1], colour[2]));
    }
    return found;
}

ColourSpace colour_space_of(QPDFObjectHandle space) {
    const bool is_palette = space.isArray() && space.getArrayNItems() == 4 && space.getArrayItem(0).isName() &&
                            space.getArrayItem(0).getName() == "/Indexed";
    if (is_palette) return palette_of(space);
    return {base_colours(space), {}};
}

/// How an image's dictionary has its samples.
struct Samples {
    StoredSize size;
    uint32_t bits = 0;
    ColourSpace space;
    bool inverted = false;
    std::string filter;           ///< empty: none, or several
    QPDFObjectHandle parameters;  ///< of it
    size_t count() const { return space.colours == Colours::rgb ? 3 : 1; }
};

enum class Direction : uint8_t { plain, inverted, other };

Direction direction_of(QPDFObjectHandle decode, const Samples& samples) {
    if (decode.isNull()) return Direction::plain;
    if (!decode.isArray() || decode.getArrayNItems() != static_cast<int>(2 * samples.count())) return Direction::other;
    const bool is_palette = samples.space.colours == Colours::palette;
    const double last = is_palette ? std::pow(2, samples.bits) - 1 : 1;
    bool plain = true, inverted = !is_palette;
    for (int i = 0; i < decode.getArrayNItems(); ++i) {
        QPDFObjectHandle end = decode.getArrayItem(i);
        if (!end.isNumber()) return Direction::other;
        plain = plain && end.getNumericValue() == (i % 2 == 0 ? 0 : last);
        inverted = inverted && end.getNumericValue() == (i % 2 == 0 ? last : 0);
    }
    return plain ? Direction::plain : inverted ? Direction::inverted : Direction::other;
}

bool is_true(QPDFObjectHandle object) { return object.isBool() && object.getBoolValue(); }

/// Nothing where the dictionary is not one of those that are understood.
std::optional<Samples> samples_of(QPDFObjectHandle dictionary) {
    const std::optional<StoredSize> size = stored_size(dictionary);
    // Data in another file are nobody's business.
    if (!size || !dictionary.getKey("/F").isNull()) return std::nullopt;
    Samples samples{*size, 0, {}, false, {}, QPDFObjectHandle::newNull()};
    QPDFObjectHandle filter = dictionary.getKey("/Filter"), parameters = dictionary.getKey("/DecodeParms");
    if (filter.isArray() && filter.getArrayNItems() == 1) {
        filter = filter.getArrayItem(0);
        if (parameters.isArray() && parameters.getArrayNItems() == 1) parameters = parameters.getArrayItem(0);
    }
    if (filter.isName()) {
        samples.filter = filter.getName();
        samples.parameters = parameters;
    }
    const bool is_jpeg2000 = samples.filter == "/JPXDecode";
    QPDFObjectHandle bits = dictionary.getKey("/BitsPerComponent"), space = dictionary.getKey("/ColorSpace");
    if (is_true(dictionary.getKey("/ImageMask"))) {
        samples.bits = 1;
        samples.space.colours = Colours::grey;
    } else {
        if (bits.isInteger() && bits.getIntValue() >= 1 && bits.getIntValue() <= 8)
            samples.bits = static_cast<uint32_t>(bits.getIntValue());
        else if (bits.isNull() && is_jpeg2000)
            samples.bits = 8;
        else if (bits.isNull() && samples.filter == "/CCITTFaxDecode")
            samples.bits = 1;
        if (!(space.isNull() && is_jpeg2000)) samples.space = colour_space_of(space);
        const bool has_colours = samples.space.colours != Colours::none || (space.isNull() && is_jpeg2000);
        if (samples.bits == 0 || !has_colours) return std::nullopt;
    }
    const Direction direction = direction_of(dictionary.getKey("/Decode"), samples);
    if (direction == Direction::other) return std::nullopt;
    samples.inverted = direction == Direction::inverted;
    return samples;
}

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

Pixels blank(const StoredSize& size, int32_t depth) {
    return made(pixCreate(static_cast<l_int32>(size.width), static_cast<l_int32>(size.height), depth));
}

/// Rows of unpacked samples, made pixels as they come.
class Rows {
  public:
    explicit Rows(const Samples& samples)
        : samples_(samples),
          row_((static_cast<size_t>(samples.size.width) * samples.count() * samples.bits + 7) / 8),
          in_bits_(samples.count() == 1 && samples.bits == 1 && is_black_and_white(samples.space)),
          pixels_(blank(samples.size, in_bits_ ? 1 : 8)) {
        for (uint32_t value = 0; value < greys_.size(); ++value) greys_[value] = grey_of_sample(value);
    }
    /// False once there are more than the image has.
    bool take(std::string_view piece) {
        while (!piece.empty()) {
            if (y_ == samples_.size.height) return false;
            const size_t part = std::min(piece.size(), row_.size() - filled_);
            std::copy_n(piece.data(), part, row_.begin() + static_cast<std::ptrdiff_t>(filled_));
            filled_ += part;
            piece.remove_prefix(part);
            if (filled_ == row_.size()) end_row();
        }
        return true;
    }
    /// Nothing where rows are missing.
    Pixels pixels() && { return y_ == samples_.size.height ? std::move(pixels_) : nullptr; }

  private:
    static bool is_black_and_white(const ColourSpace& space) {
        const std::vector<uint8_t>& palette = space.palette_grey;
        return space.colours == Colours::grey ||
               (space.colours == Colours::palette && palette.size() == 2 && palette[0] + palette[1] == 255 &&
                (palette[0] == 0 || palette[1] == 0));
    }
    uint8_t grey_of_sample(uint32_t value) const {
        const uint32_t last = (1u << samples_.bits) - 1;
        const std::vector<uint8_t>& palette = samples_.space.palette_grey;
        // Beyond a palette's end poppler takes its last colour.
        if (!palette.empty()) return palette[std::min<size_t>(value, palette.size() - 1)];
        const uint32_t grey = std::min(value, last) * 255 / last;
        return static_cast<uint8_t>(samples_.inverted ? 255 - grey : grey);
    }
    void end_row() {
        l_uint32* row = pixGetData(pixels_.get()) + static_cast<ptrdiff_t>(pixGetWpl(pixels_.get())) * y_;
        if (in_bits_)
            write_bits(row);
        else
            write_greys(row);
        filled_ = 0;
        ++y_;
    }
    void write_bits(l_uint32* row) const {
        const bool set_is_black = greys_[1] == 0;
        for (size_t i = 0; i < row_.size(); ++i) {
            const auto bits = static_cast<uint8_t>(row_[i]);
            SET_DATA_BYTE(row, i, static_cast<uint8_t>(set_is_black ? bits : ~bits));
        }
    }
    void write_greys(l_uint32* row) const {
        const auto width = static_cast<size_t>(samples_.size.width);
        const auto* from = reinterpret_cast<const uint8_t*>(row_.data());
        if (samples_.count() == 3) {
            for (size_t x = 0; x < width; ++x, from += 3)
                SET_DATA_BYTE(row, x, grey_of(greys_[from[0]], greys_[from[1]], greys_[from[2]]));
            return;
        }
        const uint32_t bits = samples_.bits, mask = (1u << bits) - 1;
        for (size_t x = 0; x < width; ++x) {
            const size_t bit = x * bits;
            SET_DATA_BYTE(row, x, greys_[from[bit / 8] >> (8 - bits - bit % 8) & mask]);
        }
    }

    const Samples& samples_;
    std::vector<char> row_;
    bool in_bits_;
    Pixels pixels_;
    std::array<uint8_t, 256> greys_{};
    size_t filled_ = 0;
    int64_t y_ = 0;
};

Pixels unpacked(QPDFObjectHandle image, const Samples& samples) {
    const uint32_t bits = samples.bits;
    if ((bits != 1 && bits != 2 && bits != 4 && bits != 8) || (samples.count() == 3 && bits != 8)) return {};
    Rows rows(samples);
    struct TooMany : std::runtime_error {
        TooMany() : std::runtime_error("the image has more rows than it says") {}
    };
    size_t surplus = 0;
    Outlet outlet([&](std::string_view piece) {
        // Some producers end their rows with a line feed.
        constexpr size_t most_surplus = 1024;
        if (!rows.take(piece) && (surplus += piece.size()) > most_surplus) throw TooMany();
    });
    try {
        bool is_decoded = false;
        const bool is_whole = image.pipeStreamData(&outlet, &is_decoded, 0, qpdf_dl_generalized, true);
        if (!is_whole || (!is_decoded && !image.getDict().getKey("/Filter").isNull())) return {};
    } catch (const TooMany&) {
        return {};
    }
    return std::move(rows).pixels();
}

std::string raw_data(QPDFObjectHandle image) {
    const std::shared_ptr<Buffer> raw = image.getRawStreamData();
    return {reinterpret_cast<const char*>(raw->getBuffer()), raw->getSize()};
}

Pixels jpeg_pixels(const QPDFObjectHandle& image, const Samples& samples) {
    if (!QPDFObjectHandle(samples.parameters).isNull() || samples.bits != 8 ||
        samples.space.colours == Colours::palette)
        return {};
    const std::string file = raw_data(image);
    const Bytes bytes = bytes_of(file);
    l_int32 width = 0, height = 0, components = 0;
    const bool failed =
        readHeaderMemJpeg(bytes.data(), bytes.size(), &width, &height, &components, nullptr, nullptr) != 0;
    if (failed || width != samples.size.width || height != samples.size.height ||
        static_cast<size_t>(components) != samples.count())
        return {};
    l_int32 warnings = 0;
    Pixels pixels(
        pixReadMemJpeg(bytes.data(), bytes.size(), 0, 1, &warnings, components == 3 ? L_JPEG_READ_LUMINANCE : 0));
    if (!pixels || warnings != 0 || pixGetDepth(pixels.get()) != 8) return {};
    if (samples.inverted) pixInvert(pixels.get(), pixels.get());
    return pixels;
}

Pixels jpeg2000_pixels(const QPDFObjectHandle& image, const Samples& samples) {
    const std::string file = raw_data(image);
    const Bytes bytes = bytes_of(file);
    const uint32_t components = plain_jpeg2000_components(bytes);
    const bool as_said = samples.space.colours == Colours::none || samples.count() == components;
    const ImageSize size = jpeg2000_size(bytes);
    if (components == 0 || !as_said || samples.space.colours == Colours::palette || samples.inverted ||
        size.width != samples.size.width || size.height != samples.size.height)
        return {};
    return decode_jpeg2000(bytes);
}

void append_u16(std::string& to, uint32_t value) { to += {static_cast<char>(value), static_cast<char>(value >> 8)}; }
void append_u32(std::string& to, uint32_t value) {
    append_u16(to, value & 0xffff);
    append_u16(to, value >> 16);
}

constexpr uint32_t tiff_directory = 8;

/// As the one strip of a TIFF file.
std::string tiff_of(const StoredSize& size, const std::string& group4) {
    constexpr uint16_t shorts = 3, longs = 4, entries = 8;
    constexpr uint32_t data = tiff_directory + 2 + 12 * entries + 4;
    std::string file = "II*";
    file += '\0';
    append_u32(file, tiff_directory);
    append_u16(file, entries);
    const auto entry = [&file](uint32_t tag, uint32_t type, uint32_t value) {
        append_u16(file, tag);
        append_u16(file, type);
        append_u32(file, 1);
        append_u32(file, value);
    };
    entry(TIFFTAG_IMAGEWIDTH, longs, static_cast<uint32_t>(size.width));
    entry(TIFFTAG_IMAGELENGTH, longs, static_cast<uint32_t>(size.height));
    entry(TIFFTAG_BITSPERSAMPLE, shorts, 1);
    entry(TIFFTAG_COMPRESSION, shorts, COMPRESSION_CCITTFAX4);
    entry(TIFFTAG_PHOTOMETRIC, shorts, PHOTOMETRIC_MINISWHITE);
    entry(TIFFTAG_STRIPOFFSETS, longs, data);
    entry(TIFFTAG_ROWSPERSTRIP, longs, static_cast<uint32_t>(size.height));
    entry(TIFFTAG_STRIPBYTECOUNTS, longs, static_cast<uint32_t>(group4.size()));
    append_u32(file, 0);
    return file + group4;
}

/// Libtiff goes on behind what is damaged, and leaves it to its handler to tell.
class TiffComplaints {
  public:
    TiffComplaints() : errors_(TIFFSetErrorHandler(note)), warnings_(TIFFSetWarningHandler(note)) { heard_ = false; }
    ~TiffComplaints() {
        TIFFSetErrorHandler(errors_);
        TIFFSetWarningHandler(warnings_);
    }
    TiffComplaints(const TiffComplaints&) = delete;
    TiffComplaints& operator=(const TiffComplaints&) = delete;
    static bool heard() { return heard_; }

  private:
    static void note(const char*, const char*, va_list) { heard_ = true; }
    static inline thread_local bool heard_ = false;
    TIFFErrorHandler errors_, warnings_;
};

/// Ink is set. Nothing where they are damaged.
Pixels fax_rows(Bytes file, const StoredSize& size) {
    const TiffComplaints complaints;
    TiffSource source{file};
    const TiffFile tiff = open_tiff(source, tiff_directory);
    if (!tiff) return {};
    Pixels pixels = blank(size, 1);
    std::vector<uint8_t> row(static_cast<size_t>(TIFFScanlineSize(tiff.get())));
    if (row.size() != (static_cast<size_t>(size.width) + 7) / 8) return {};
    for (int64_t y = 0; y < size.height; ++y) {
        if (TIFFReadScanline(tiff.get(), row.data(), static_cast<uint32_t>(y), 0) < 0 || TiffComplaints::heard())
            return {};
        l_uint32* to = pixGetData(pixels.get()) + static_cast<ptrdiff_t>(pixGetWpl(pixels.get())) * y;
        for (size_t i = 0; i < row.size(); ++i) SET_DATA_BYTE(to, i, row[i]);
    }
    return pixels;
}

int64_t number_in(QPDFObjectHandle dictionary, const char* key, int64_t otherwise) {
    QPDFObjectHandle value = dictionary.getKey(key);
    return value.isInteger() ? value.getIntValue() : value.isNull() ? otherwise : -2;
}

Pixels fax_pixels(const QPDFObjectHandle& image, const Samples& samples) {
    QPDFObjectHandle parameters = samples.parameters;
    if (!parameters.isDictionary() || samples.bits != 1 || samples.space.colours == Colours::rgb) return {};
    constexpr int64_t group4 = -1, usual_columns = 1728;
    const int64_t rows = number_in(parameters, "/Rows", 0);
    if (number_in(parameters, "/K", 0) != group4 ||
        number_in(parameters, "/Columns", usual_columns) != samples.size.width ||
        (rows != 0 && rows != samples.size.height) || is_true(parameters.getKey("/EncodedByteAlign")))
        return {};
    const std::string file = tiff_of(samples.size, raw_data(image));
    Pixels pixels = fax_rows(bytes_of(file), samples.size);
    if (!pixels) return {};
    // Ink is what is set, black; of samples that is 0, unless the dictionary says otherwise, and again otherwise.
    bool black_is_black = samples.inverted == is_true(parameters.getKey("/BlackIs1"));
    if (samples.space.colours == Colours::palette) {
        const std::vector<uint8_t>& greys = samples.space.palette_grey;
        if (greys.size() != 2 || greys[0] + greys[1] != 255 || (greys[0] != 0 && greys[1] != 0)) return {};
        black_is_black = black_is_black == (greys[0] == 0);
    }
    if (!black_is_black) pixInvert(pixels.get(), pixels.get());
    return pixels;
}

}  // namespace

std::optional<StoredSize> stored_size(QPDFObjectHandle dictionary) {
    constexpr int64_t longest = 32767;
    QPDFObjectHandle width = dictionary.getKey("/Width"), height = dictionary.getKey("/Height");
    if (!width.isInteger() || !height.isInteger()) return std::nullopt;
    const StoredSize size{width.getIntValue(), height.getIntValue()};
    if (size.width <= 0 || size.height <= 0 || size.width > longest || size.height > longest) return std::nullopt;
    return size;
}

Pixels pixels_of(QPDFObjectHandle image) {
    const std::optional<Samples> samples = samples_of(image.getDict());
    if (!samples) return {};
    if (samples->filter == "/DCTDecode") return jpeg_pixels(image, *samples);
    if (samples->filter == "/JPXDecode") return jpeg2000_pixels(image, *samples);
    if (samples->filter == "/CCITTFaxDecode") return fax_pixels(image, *samples);
    return unpacked(image, *samples);
}

}  // namespace pg_ocr
