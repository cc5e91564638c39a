#include "engine/read/pnm.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/read/grey_rows.h"
#include "engine/samples/sample_kernels.h"

namespace pg_ocr {
namespace {

bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/// Goes through a file from its start. It has been looked whether there is more before anything is taken.
class Cursor {
  public:
    explicit Cursor(Bytes file) : at_(file.data()), end_(file.data() + file.size()) {}
    size_t left() const { return static_cast<size_t>(end_ - at_); }
    const uint8_t* at() const { return at_; }
    bool is_at_space() const { return left() > 0 && is_space(*at_); }

    void skip_space() {
        while (is_at_space()) ++at_;
    }
    void skip_comments() {
        while (left() > 0 && *at_ == '#') {
            at_ = std::find(at_, end_, '\n');
            if (left() > 0) ++at_;
        }
    }
    /// Whether there was a single space.
    bool take_space() { return is_at_space() && (++at_, true); }
    /// Behind spaces or none; at most nine digits.
    std::optional<uint32_t> number() {
        skip_space();
        constexpr size_t most_digits = 9;
        uint32_t value = 0;
        size_t digits = 0;
        for (; left() > 0 && is_digit(*at_); ++at_, ++digits) {
            if (digits == most_digits) return std::nullopt;
            value = 10 * value + (*at_ - uint32_t{'0'});
        }
        return digits > 0 ? std::optional(value) : std::nullopt;
    }

  private:
    const uint8_t *at_, *end_;
};

enum Kind : uint8_t { written_bits = '1', written_greys, written_colours, bits, greys, colours };

struct PnmFile {
    uint8_t kind = 0;
    uint32_t width = 0, height = 0;
    size_t row_size() const {
        if (kind == bits) return (size_t{width} + 7) / 8;
        return size_t{width} * (kind == colours || kind == written_colours ? 3 : 1);
    }
};

constexpr uint32_t brightest = 255;

/// Leaves the cursor where pixels begin.
std::optional<PnmFile> pnm_file(Cursor& cursor) {
    PnmFile file;
    file.kind = cursor.at()[1];
    if (file.kind < written_bits || file.kind > colours) return std::nullopt;
    cursor = Cursor(Bytes(cursor.at() + 2, cursor.left() - 2));
    cursor.skip_space();
    cursor.skip_comments();
    const auto width = cursor.number();
    if (!width || !cursor.is_at_space()) return std::nullopt;
    const auto height = cursor.number();
    if (!height) return std::nullopt;
    if (file.kind != bits && file.kind != written_bits) {
        if (!cursor.is_at_space() || cursor.number() != brightest) return std::nullopt;
    }
    file.width = *width;
    file.height = *height;
    const bool is_empty = file.width == 0 || file.height == 0;
    return !is_empty && cursor.take_space() ? std::optional(file) : std::nullopt;
}

Pixels stored_pixels(const PnmFile& file, const Cursor& cursor) {
    const size_t row_size = file.row_size();
    if (cursor.left() / file.height < row_size) return {};
    // Leptonica takes all spaces for the header's, as they are where a line ends with two characters.
    if (file.kind == bits && cursor.is_at_space() && cursor.left() != row_size * file.height) return {};
    Pixels pixels = unset_pixels(file.width, file.height, file.kind == bits ? 1 : 8);
    const uint8_t* row = cursor.at();
    for (uint32_t y = 0; y < file.height; ++y, row += row_size) {
        uint32_t* words = row_of(pixels.get(), y);
        if (file.kind == colours)
            best_sample_kernels().grey_of(row, 3, file.width, words);
        else
            pack(row, row_size, words);
    }
    return pixels;
}

Pixels written_pixels(const PnmFile& file, Cursor& cursor) {
    const size_t row_size = file.row_size();
    // A digit and a space, but behind the last.
    if ((cursor.left() + 1) / 2 / file.height < row_size) return {};
    const bool is_ink = file.kind == written_bits;
    Pixels pixels = unset_pixels(file.width, file.height, is_ink ? 1 : 8);
    std::vector<uint8_t> samples(row_size), packed((size_t{file.width} + 7) / 8);
    for (uint32_t y = 0; y < file.height; ++y) {
        for (uint8_t& sample : samples) {
            const auto value = cursor.number();
            if (!value || (!is_ink && *value > brightest)) return {};
            sample = static_cast<uint8_t>(is_ink ? *value != 0 : *value);
        }
        uint32_t* words = row_of(pixels.get(), y);
        if (is_ink) {
            std::fill(packed.begin(), packed.end(), uint8_t{0});
            for (size_t x = 0; x < samples.size(); ++x)
                packed[x / 8] = static_cast<uint8_t>(packed[x / 8] | samples[x] << (7 - x % 8));
            pack(packed.data(), packed.size(), words);
        } else if (file.kind == written_colours) {
            best_sample_kernels().grey_of(samples.data(), 3, file.width, words);
        } else {
            pack(samples.data(), samples.size(), words);
        }
    }
    return pixels;
}

}  // namespace

Pixels grey_of_pnm(Bytes bytes) {
    if (bytes.size() < 3) return {};
    Cursor cursor(bytes);
    const std::optional<PnmFile> file = pnm_file(cursor);
    if (!file) return {};
    return file->kind >= bits ? stored_pixels(*file, cursor) : written_pixels(*file, cursor);
}

}  // namespace pg_ocr
