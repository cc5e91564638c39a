#include "engine/read/png.h"

#include <libdeflate.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "engine/read/grey_rows.h"
#include "engine/samples/sample_kernels.h"

namespace pg_ocr {
namespace {

enum ColourType : uint8_t { grey_only = 0, colours = 2, palette = 3, grey_and_opacity = 4, colours_and_opacity = 6 };

constexpr uint32_t most_pixels_of_side = 1000000;  // libpng's own limit
constexpr uint32_t largest_remark = 1 << 20;       ///< bytes of a chunk that does not matter; libpng has limits, too

struct PngFile {
    uint32_t width = 0, height = 0, bits = 0;
    ColourType type = grey_only;
    uint32_t dots_per_metre[2] = {};
    Bytes palette;
    std::vector<Bytes> data;

    uint32_t samples() const {
        switch (type) {
            case colours:
                return 3;
            case grey_and_opacity:
                return 2;
            case colours_and_opacity:
                return 4;
            default:
                return 1;
        }
    }
    size_t row_size() const { return (size_t{width} * bits * samples() + 7) / 8; }
    size_t pixel_size() const { return std::max(1u, bits * samples() / 8); }
};

bool can_have(ColourType type, uint32_t bits) {
    switch (type) {
        case grey_only:
            return bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
        case palette:
            return bits == 1 || bits == 2 || bits == 4 || bits == 8;
        case colours:
        case grey_and_opacity:
        case colours_and_opacity:
            return bits == 8 || bits == 16;
    }
    return false;
}

bool read_header(Bytes header, PngFile& file) {
    if (header.size() != 13) return false;
    file.width = header.u32(0, ByteOrder::big);
    file.height = header.u32(4, ByteOrder::big);
    file.bits = header.u8(8);
    file.type = static_cast<ColourType>(header.u8(9));
    const bool is_plain = header.u8(10) == 0 && header.u8(11) == 0 && header.u8(12) == 0;
    const auto is_side = [](uint32_t pixels) { return pixels > 0 && pixels <= most_pixels_of_side; };
    return is_plain && is_side(file.width) && is_side(file.height) && can_have(file.type, file.bits);
}

bool read_resolution(Bytes chunk, PngFile& file) {
    if (chunk.size() != 9) return false;
    constexpr uint8_t per_metre = 1;
    if (chunk.u8(8) == per_metre)
        for (uint64_t i = 0; i < 2; ++i) file.dots_per_metre[i] = chunk.u32(4 * i, ByteOrder::big);
    return true;
}

bool is_letter(uint8_t byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

/// Takes chunks in their order. What libpng only warns of is not looked for.
class Chunks {
  public:
    bool is_whole() const { return is_whole_; }
    PngFile file() && { return std::move(file_); }

    /// False when it is not as it should be there, or says something rare.
    bool take(Bytes name, Bytes content) {
        const bool is_data = name.starts_with("IDAT"), has_data = !file_.data.empty();
        is_data_over_ |= has_data && !is_data;
        if (!std::exchange(is_begun_, true)) return name.starts_with("IHDR") && read_header(content, file_);
        if (is_data) {
            file_.data.push_back(content);
            return !is_data_over_;
        }
        if (name.starts_with("IEND")) {
            is_whole_ = has_data && content.empty();
            return is_whole_;
        }
        if (name.starts_with("PLTE")) return !has_data && take_palette(content);
        if (name.starts_with("pHYs"))
            return !has_data && !std::exchange(has_resolution_, true) && read_resolution(content, file_);
        return !is_critical(name) && !name.starts_with("tRNS") && content.size() <= largest_remark;
    }

    static bool is_critical(Bytes name) { return name.u8(0) < 'a'; }

  private:
    bool take_palette(Bytes content) {
        const bool is_expected = file_.type == palette || file_.type == colours || file_.type == colours_and_opacity;
        const bool is_sound = content.size() >= 3 && content.size() <= 768 && content.size() % 3 == 0;
        if (!is_expected || !is_sound || !file_.palette.empty()) return false;
        file_.palette = content;
        return true;
    }

    PngFile file_;
    bool is_begun_ = false, has_resolution_ = false, is_data_over_ = false, is_whole_ = false;
};

/// Checksums are those of what matters.
std::optional<PngFile> png_file(Bytes bytes) {
    constexpr uint64_t signature_size = 8, overhead = 12;
    Chunks chunks;
    for (uint64_t at = signature_size; !chunks.is_whole();) {
        if (!bytes.holds(at, overhead)) return std::nullopt;
        const uint32_t length = bytes.u32(at, ByteOrder::big);
        if (!bytes.holds(at, overhead + length)) return std::nullopt;
        const Bytes name = bytes.part(at + 4, 4);
        if (!std::all_of(name.data(), name.data() + 4, is_letter)) return std::nullopt;
        const bool matters = Chunks::is_critical(name) || name.starts_with("pHYs");
        if (matters &&
            libdeflate_crc32(0, name.data(), 4 + size_t{length}) != bytes.u32(at + 8 + length, ByteOrder::big))
            return std::nullopt;
        if (!chunks.take(name, bytes.part(at + 8, length))) return std::nullopt;
        at += overhead + length;
    }
    return std::move(chunks).file();
}

using Buffer = std::unique_ptr<uint8_t[]>;

Buffer buffer(size_t size) { return Buffer(new uint8_t[size]); }  // not zeroed: it is written whole

/// In large pages, where the system has such on demand: to be given small ones takes longer than to inflate into them.
Buffer large_buffer(size_t size) {
    constexpr size_t page = 4096;
    Buffer bytes = buffer(size + page);
    void* start = bytes.get();
    size_t space = size + page;
    if (std::align(page, size, start, space) != nullptr) madvise(start, size / page * page, MADV_HUGEPAGE);
    return bytes;
}

/// The rows as they are filtered, and 8 bytes. Nothing when they are not of this size to the byte.
Buffer inflated(const PngFile& file) {
    Bytes data = file.data[0];
    Buffer joined;
    if (file.data.size() > 1) {
        size_t size = 0;
        for (const Bytes& part : file.data) size += part.size();
        joined = buffer(size);
        uint8_t* end = joined.get();
        for (const Bytes& part : file.data) end = std::copy(part.data(), part.data() + part.size(), end);
        data = Bytes(joined.get(), size);
    }
    // zlib looks back no farther than the header says, the other as far as it is told.
    constexpr uint8_t largest_window = 0x78;
    constexpr uint64_t most_from_a_byte = 1032;
    const uint64_t size = uint64_t{file.height} * (file.row_size() + 1);
    if (data.size() < 2 || data.u8(0) != largest_window || size / most_from_a_byte > data.size()) return {};
    struct Free {
        void operator()(libdeflate_decompressor* one) const { libdeflate_free_decompressor(one); }
    };
    const std::unique_ptr<libdeflate_decompressor, Free> decompressor(libdeflate_alloc_decompressor());
    if (!decompressor) throw std::bad_alloc();
    constexpr size_t read_beyond = 8;
    Buffer rows = large_buffer(size + read_beyond);
    const auto outcome =
        libdeflate_zlib_decompress(decompressor.get(), data.data(), data.size(), rows.get(), size, nullptr);
    if (outcome != LIBDEFLATE_SUCCESS) return {};
    return rows;
}

uint8_t grey_of_entry(const uint8_t* colour) {
    uint32_t word = 0;
    best_sample_kernels().grey_of(colour, 3, 1, &word);
    return static_cast<uint8_t>(word >> 24);
}

/// A palette of black and white is ink; which of them comes first.
std::optional<bool> begins_with_black(const PngFile& file) {
    if (file.type == grey_only) return true;
    const uint8_t* colour = file.palette.data();
    const auto are = [&](size_t first, uint8_t value) {
        return std::all_of(colour + first, colour + first + 3, [value](uint8_t sample) { return sample == value; });
    };
    if (file.palette.size() < 6) return std::nullopt;
    if (are(0, 0) && are(3, 255)) return true;
    if (are(0, 255) && are(3, 0)) return false;
    return std::nullopt;
}

/// Rows whose filters are undone, into pixels.
class PngRows {
  public:
    explicit PngRows(const PngFile& file)
        : file_(file), kernels_(best_sample_kernels()), bytes_(buffer(size_t{file.width} * 4 + 16)) {
        if (file.bits == 1) black_first_ = begins_with_black(file);
        pixels_ = unset_pixels(file.width, file.height, black_first_ ? 1 : 8);
        if (file.bits < 8 || file.type == palette) table_ = greys();
    }

    /// Spoils the row. False when a value is not in the palette.
    bool take(uint32_t y, uint8_t* row) {
        uint32_t* words = row_of(pixels_.get(), y);
        if (black_first_) {
            take_ink(row, words);
            return true;
        }
        if (table_) {
            const bool are_known = table_->spread(row, file_.row_size(), bytes_.get());
            pack(bytes_.get(), file_.width, words);
            return are_known;
        }
        if (file_.bits == 16) drop_lower_bytes(row);
        take_samples(row, words);
        return true;
    }

    Pixels pixels() && {
        const auto per_inch = [](uint32_t per_metre) {
            return static_cast<l_int32>(std::floor(static_cast<double>(static_cast<float>(per_metre)) / 39.37 + 0.5));
        };
        pixSetResolution(pixels_.get(), per_inch(file_.dots_per_metre[0]), per_inch(file_.dots_per_metre[1]));
        return std::move(pixels_);
    }

  private:
    GreyTable greys() const {
        std::array<uint8_t, 256> greys{};
        uint32_t count = 1u << file_.bits;
        if (file_.type == palette) {
            count = std::min(count, static_cast<uint32_t>(file_.palette.size() / 3));
            for (uint32_t i = 0; i < count; ++i) greys[i] = grey_of_entry(file_.palette.data() + size_t{3} * i);
        } else {
            for (uint32_t i = 0; i < count; ++i) greys[i] = static_cast<uint8_t>(i * 255 / (count - 1));
        }
        return {file_.bits, greys, count};
    }

    void take_ink(const uint8_t* row, uint32_t* words) const {
        pack(row, file_.row_size(), words);
        const size_t size = (size_t{file_.width} + 31) / 32;
        if (*black_first_)
            for (size_t i = 0; i < size; ++i) words[i] = ~words[i];
        if (file_.width % 32 != 0) words[size - 1] &= ~uint32_t{0} << (32 - file_.width % 32);
    }

    void drop_lower_bytes(uint8_t* row) const {
        for (size_t i = 0; i < size_t{file_.width} * file_.samples(); ++i) row[i] = row[2 * i];
    }

    void take_samples(uint8_t* row, uint32_t* words) const {
        const size_t width = file_.width;
        switch (file_.type) {
            case grey_and_opacity:
                for (size_t x = 0; x < width; ++x) bytes_[x] = on_white(row[2 * x], row[2 * x + 1]);
                return pack(bytes_.get(), width, words);
            case colours:
                return kernels_.grey_of(row, 3, width, words);
            case colours_and_opacity:
                show_white_through(row);
                return kernels_.grey_of(row, 4, width, words);
            default:
                return pack(row, width, words);
        }
    }

    void show_white_through(uint8_t* row) const {
        uint8_t all = 255;
        for (size_t x = 0; x < file_.width; ++x) all &= row[4 * x + 3];
        if (all == 255) return;
        for (uint8_t* pixel = row; pixel < row + size_t{4} * file_.width; pixel += 4)
            if (pixel[3] != 255)
                for (size_t k = 0; k < 3; ++k) pixel[k] = on_white(pixel[k], pixel[3]);
    }

    const PngFile& file_;
    const SampleKernels& kernels_;
    Buffer bytes_;  ///< a row's greys
    Pixels pixels_;
    std::optional<bool> black_first_;  ///< of what is ink
    std::optional<GreyTable> table_;
};

}  // namespace

Pixels grey_of_png(Bytes bytes) {
    const std::optional<PngFile> file = png_file(bytes);
    if (!file || (file->type == palette && file->palette.empty())) return {};
    const Buffer filtered = inflated(*file);
    if (!filtered) return {};
    const size_t row_size = file->row_size();
    constexpr uint8_t last_filter = 4;
    for (size_t y = 0; y < file->height; ++y)
        if (filtered[y * (row_size + 1)] > last_filter) return {};
    // So few rows at a time that they stay in the CPU's cache.
    constexpr size_t at_once = 16;
    const size_t stride = (row_size + 8 + 63) / 64 * 64;
    const Buffer undone = buffer(stride * (at_once + 1));
    uint8_t* above = undone.get();
    std::memset(above, 0, stride);
    PngRows rows(*file);
    for (uint32_t y = 0; y < file->height; y += at_once) {
        const size_t count = std::min<size_t>(at_once, file->height - y);
        const FilteredRows some{filtered.get() + y * (row_size + 1), count, row_size, file->pixel_size()};
        best_sample_kernels().undo_filters(some, above + stride, stride);
        // The next rows need what is above them, and a row that is taken is spoiled.
        std::memcpy(above, above + count * stride, row_size);
        for (uint32_t i = 0; i < count; ++i)
            if (!rows.take(y + i, above + (i + 1) * stride)) return {};
    }
    return std::move(rows).pixels();
}

}  // namespace pg_ocr
