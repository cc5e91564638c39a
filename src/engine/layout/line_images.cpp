#include "engine/layout/line_images.h"

#include <tesseract/baseapi.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "engine/layout/baseline.h"
#include "engine/layout/found_page.h"
#include "engine/layout/line_scaling.h"
#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

/// Page pixels that a crop shows around its line.
constexpr int32_t padding = 4;

/// Between the page, y downwards, and a block's upright text, y upwards.
class Turn {
  public:
    Turn(int32_t quarter_turns, int32_t page_height) : quarter_turns_(quarter_turns), page_height_(page_height) {}

    UprightBox upright(const Box& box) const {
        const int32_t bottom = page_height_ - box.bottom, top = page_height_ - box.top;
        switch (quarter_turns_) {
            case 1:
                return {bottom, -box.right, top, -box.left};
            case 2:
                return {-box.right, -top, -box.left, -bottom};
            case 3:
                return {-top, box.left, -bottom, box.right};
            default:
                return {box.left, bottom, box.right, top};
        }
    }
    Box on_page(const UprightBox& box) const {
        switch (quarter_turns_) {
            case 1:
                return {-box.top, page_height_ - box.right, -box.bottom, page_height_ - box.left};
            case 2:
                return {-box.right, page_height_ + box.bottom, -box.left, page_height_ + box.top};
            case 3:
                return {box.bottom, page_height_ + box.left, box.top, page_height_ + box.right};
            default:
                return {box.left, page_height_ - box.top, box.right, page_height_ - box.bottom};
        }
    }
    BaselineSample upright(int32_t x, int32_t y) const {
        switch (quarter_turns_) {
            case 1:
                return {page_height_ - y, -x};
            case 2:
                return {-x, y - page_height_};
            case 3:
                return {y - page_height_, x};
            default:
                return {x, page_height_ - y};
        }
    }

  private:
    int32_t quarter_turns_;
    int32_t page_height_;
};

/// Baselines run from left to right in upright text: their direction on the page tells how a block is turned.
int32_t quarter_turns_of(const FoundBlock& block) {
    int64_t right = 0, down = 0;
    for (const FoundLine& line : block.lines)
        for (const PageLine& unit : line.unit_baselines) {
            right += unit.x2 - unit.x1;
            down += unit.y2 - unit.y1;
        }
    if (std::abs(right) >= std::abs(down)) return right < 0 ? 2 : 0;
    return down < 0 ? 1 : 3;
}

/// Makes room for ascenders and descenders where a line has none; x-height and ascenders are counted from the baseline.
UprightBox with_room_for_letters(UprightBox ink, const FoundLine& line, float base) {
    constexpr float far_away = 1e6f;  // more than any page is high
    const float bottom = std::clamp(base + line.descenders, -far_away, far_away);
    const float top = std::clamp(base + line.x_height + line.ascenders, -far_away, far_away);
    if (bottom < static_cast<float>(ink.bottom)) ink.bottom = static_cast<int32_t>(bottom);
    if (top > static_cast<float>(ink.top)) ink.top = static_cast<int32_t>(top);
    return ink;
}

Box padded(const Box& box, int32_t width, int32_t height) {
    return {std::max(box.left - padding, 0), std::max(box.top - padding, 0), std::min(box.right + padding, width),
            std::min(box.bottom + padding, height)};
}

/// Takes what a leptonica call made; it gives nothing only when memory is short.
Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

bool is_empty(const Box& box) { return box.left >= box.right || box.top >= box.bottom; }

Box within(PIX* page, const Box& box) {
    return {std::max(box.left, 0), std::max(box.top, 0), std::min(box.right, pixGetWidth(page)),
            std::min(box.bottom, pixGetHeight(page))};
}

Pixels clipped(PIX* page, const Box& crop) {
    BOX area{crop.left, crop.top, crop.right - crop.left, crop.bottom - crop.top, 1};
    return made(pixClipRectangle(page, &area, nullptr));
}

/// A part of the page, upright.
Pixels upright_part(PIX* page, const Box& box, int32_t quarter_turns) {
    Pixels part = clipped(page, box);
    return quarter_turns == 0 ? std::move(part) : made(pixRotateOrth(part.get(), quarter_turns));
}

/// The same where lines lean: columns come from higher or lower, and the middle of the box from where it is.
Pixels leaning_part(PIX* page, const Box& box, int32_t quarter_turns, float slope) {
    const bool across = quarter_turns % 2 == 0;
    const int32_t length = across ? box.right - box.left : box.bottom - box.top;
    const auto drop_at = [&](int32_t x) {
        return static_cast<int32_t>(std::lround(slope * (static_cast<float>(x) - static_cast<float>(length) / 2)));
    };
    // As much more of the page on both sides as the ends are higher or lower; beyond the page is white.
    const int32_t reach = std::abs(drop_at(0)) + 1;
    const int32_t x_reach = across ? 0 : reach, y_reach = across ? reach : 0;
    const Box wider{std::max(box.left - x_reach, 0), std::max(box.top - y_reach, 0),
                    std::min(box.right + x_reach, pixGetWidth(page)),
                    std::min(box.bottom + y_reach, pixGetHeight(page))};
    const Pixels source = upright_part(page, wider, quarter_turns);
    const int32_t above[] = {box.top - wider.top, box.left - wider.left, wider.bottom - box.bottom,
                             wider.right - box.right};
    // What is above when upright: turned clockwise, a page's left side is its top.
    const int32_t top = above[quarter_turns];
    const int32_t height = across ? box.bottom - box.top : box.right - box.left;
    Pixels part = made(pixCreate(length, height, pixGetDepth(page)));
    if (pixGetDepth(page) > 1) pixSetAll(part.get());
    for (int32_t begin = 0, end = 0; begin < length; begin = end) {
        const int32_t drop = drop_at(begin);
        while (end < length && drop_at(end) == drop) ++end;
        pixRasterop(part.get(), begin, 0, end - begin, height, PIX_SRC, source.get(), begin, top + drop);
    }
    return part;
}

using FirstBitHighest = std::array<std::array<uint8_t, 8>, 256>;
/// Of eight pixels, which are black where a bit is set, their grey.
constexpr FirstBitHighest greys_of_bits = [] {
    FirstBitHighest greys{};
    for (size_t bits = 0; bits < greys.size(); ++bits)
        for (size_t i = 0; i < 8; ++i) greys[bits][i] = (bits >> (7 - i) & 1) != 0 ? 0 : 255;
    return greys;
}();

/// Grey or black and white; the crop lies within the page.
GreyRows grey_rows_of(PIX* page, const Box& crop) {
    GreyRows rows(static_cast<uint32_t>(crop.right - crop.left), static_cast<uint32_t>(crop.bottom - crop.top));
    const int32_t in_word = 32 / pixGetDepth(page);
    const int32_t skipped = pixGetDepth(page) == 8 ? crop.left % 4 : crop.left % 8;
    for (int32_t y = crop.top; y < crop.bottom; ++y) {
        const l_uint32* words = pixGetData(page) + static_cast<ptrdiff_t>(y) * pixGetWpl(page);
        uint8_t* const row = rows.row(static_cast<size_t>(y - crop.top));
        uint8_t* to = row;
        // From the first whole word or byte on: a row's room is for that.
        if (in_word == 4)
            for (int32_t word = crop.left / 4; word <= (crop.right - 1) / 4; ++word, to += 4) {
                const l_uint32 bytes =
                    std::endian::native == std::endian::little ? __builtin_bswap32(words[word]) : words[word];
                std::memcpy(to, &bytes, sizeof bytes);
            }
        else
            for (int32_t byte = crop.left / 8; byte <= (crop.right - 1) / 8; ++byte, to += 8)
                std::memcpy(to, greys_of_bits[words[byte / 4] >> (24 - byte % 4 * 8) & 0xff].data(), 8);
        if (skipped != 0) std::memmove(row, row + skipped, rows.width);
    }
    return rows;
}

recognise::LineImage scaled_by_leptonica(PIX* page, const Box& crop, float scale) {
    Pixels pixels = clipped(page, crop);
    if (pixGetDepth(pixels.get()) < 8) pixels = made(pixConvertTo8(pixels.get(), 0));
    pixels = made(pixScale(pixels.get(), scale, scale));
    // Colours are scaled as colours.
    if (pixGetDepth(pixels.get()) != 8) pixels = made(pixConvertTo8(pixels.get(), 0));
    const auto width = static_cast<uint32_t>(pixGetWidth(pixels.get()));
    const auto height = static_cast<uint32_t>(pixGetHeight(pixels.get()));
    recognise::LineImage line{width, height, std::vector<uint8_t>(size_t{width} * height)};
    pixEndianByteSwap(pixels.get());
    for (uint32_t y = 0; y < height; ++y)
        std::memcpy(line.pixels.data() + size_t{y} * width,
                    pixGetData(pixels.get()) + size_t{y} * static_cast<size_t>(pixGetWpl(pixels.get())), width);
    return line;
}

class Cropping {
  public:
    Cropping(int32_t width, int32_t height, bool whole_page) : width_(width), height_(height), whole_(whole_page) {}

    TextBlock block_of(FoundBlock&& found) const {
        TextBlock block{quarter_turns_of(found), {}};
        const Turn turn(block.quarter_turns, height_);
        std::vector<std::vector<RowBlob>> rows;
        std::vector<UprightBox> all;
        for (const FoundLine& line : found.lines) {
            rows.push_back(blobs_of(line, turn));
            for (const RowBlob& blob : rows.back()) all.push_back(blob.box);
        }
        const float line_size = line_size_of(all);
        for (size_t i = 0; i < found.lines.size(); ++i) {
            FoundLine& line = found.lines[i];
            const std::vector<BaselineSample> samples = samples_of(line, turn);
            const Baseline baseline = fit_baseline(rows[i], line_size, samples);
            for (size_t u = 0; u < line.units.size(); ++u) {
                LineUnit& unit = line.units[u];
                UprightBox ink = turn.upright(whole_ ? Box{0, 0, width_, height_} : unit.box);
                if (!whole_) {
                    const float base = baseline.between(samples[2 * u], samples[2 * u + 1], (ink.left + ink.right) / 2);
                    ink = with_room_for_letters(ink, line, base);
                }
                unit.crop = padded(turn.on_page(ink), width_, height_);
            }
            std::erase_if(line.units, [](const LineUnit& unit) { return is_empty(unit.crop); });
            if (!line.units.empty()) block.lines.push_back({std::move(line.units)});
        }
        return block;
    }

  private:
    static std::vector<RowBlob> blobs_of(const FoundLine& line, const Turn& turn) {
        std::vector<RowBlob> blobs;
        for (const LineUnit& unit : line.units)
            for (const Box& box : unit.blobs) {
                RowBlob blob{turn.upright(box), line.columns[blobs.size()]};
                for (RowBlob::Column& column : blob.columns) {
                    column.bottom += blob.box.top;
                    column.top += blob.box.top;
                }
                blobs.push_back(std::move(blob));
            }
        std::ranges::stable_sort(blobs, {}, [](const RowBlob& blob) { return blob.box.left; });
        return blobs;
    }
    /// Tesseract rounds by adding a half and cutting the fraction off, below 0, in turned blocks, as well.
    static BaselineSample to_nearest(BaselineSample sample) {
        if (sample.y < 0) --sample.y;
        return sample;
    }
    /// Of each unit's two ends.
    static std::vector<BaselineSample> samples_of(const FoundLine& line, const Turn& turn) {
        std::vector<BaselineSample> samples;
        for (const PageLine& unit : line.unit_baselines) {
            samples.push_back(to_nearest(turn.upright(unit.x1, unit.y1)));
            samples.push_back(to_nearest(turn.upright(unit.x2, unit.y2)));
        }
        return samples;
    }

    int32_t width_;
    int32_t height_;
    bool whole_;
};

/// Modes that say: the image is what there is to read.
bool takes_whole_page(int32_t mode) { return mode == tesseract::PSM_SINGLE_WORD || mode == tesseract::PSM_RAW_LINE; }

}  // namespace

std::vector<TextBlock> text_blocks_of(tesseract::TessBaseAPI& tesseract, int32_t page_segmentation_mode) {
    tesseract.SetPageSegMode(static_cast<tesseract::PageSegMode>(page_segmentation_mode));
    std::vector<FoundBlock> all = found_blocks(tesseract);
    if (all.empty()) return {};
    PIX* page = tesseract.GetInputImage();
    const Cropping cropping(pixGetWidth(page), pixGetHeight(page), takes_whole_page(page_segmentation_mode));
    std::vector<TextBlock> blocks;
    for (FoundBlock& found : all) {
        TextBlock block = cropping.block_of(std::move(found));
        if (!block.lines.empty()) blocks.push_back(std::move(block));
    }
    return blocks;
}

recognise::LineImage line_image_of(PIX* page, const LineUnit& unit, int32_t quarter_turns, uint32_t height) {
    Box crop = unit.crop;
    Pixels turned;
    if (quarter_turns != 0 || unit.slope != 0) {
        turned = unit.slope == 0 ? upright_part(page, crop, quarter_turns)
                                 : leaning_part(page, crop, quarter_turns, unit.slope);
        page = turned.get();
        crop = {0, 0, pixGetWidth(page), pixGetHeight(page)};
    }
    crop = within(page, crop);
    if (is_empty(crop)) return {};
    const float scale = static_cast<float>(height) / static_cast<float>(crop.bottom - crop.top);
    if (scale * static_cast<float>(crop.right - crop.left) < 1) return {};
    std::optional<recognise::LineImage> line;
    if (pixGetDepth(page) == 8 || pixGetDepth(page) == 1) line = scaled(grey_rows_of(page, crop), scale);
    if (!line) line = scaled_by_leptonica(page, crop, scale);
    if (line->height != height) return {};
    return std::move(*line);
}

recognise::LineImage inverted(const recognise::LineImage& line) {
    recognise::LineImage result{line.width, line.height, std::vector<uint8_t>(line.pixels.size())};
    std::ranges::transform(line.pixels, result.pixels.begin(), [](uint8_t p) { return static_cast<uint8_t>(~p); });
    return result;
}

float page_pixels_of(const LineUnit& unit, int32_t quarter_turns, uint32_t height) {
    const Box& crop = unit.crop;
    const int32_t upright = quarter_turns % 2 == 0 ? crop.bottom - crop.top : crop.right - crop.left;
    return 1 / (static_cast<float>(height) / static_cast<float>(upright));
}

}  // namespace pg_ocr
