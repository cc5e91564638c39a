#include "cuda/page_lines.h"

#include <algorithm>
#include <cmath>

namespace pg_ocr {
namespace {

bool is_within(const Box& box, const CardPage& page) {
    return box.left >= 0 && box.top >= 0 && box.right <= static_cast<int32_t>(page.width) &&
           box.bottom <= static_cast<int32_t>(page.height);
}

Box on_page(const Box& box, const CardPage& page) {
    return {std::max(box.left, 0), std::max(box.top, 0), std::min(box.right, static_cast<int32_t>(page.width)),
            std::min(box.bottom, static_cast<int32_t>(page.height))};
}

/// Where the upright part begins on the page, and how it goes on there.
void place(LineCut& cut, const CardPage& page, const Box& box, int32_t quarter_turns) {
    const auto width = static_cast<int32_t>(page.width), height = static_cast<int32_t>(page.height);
    const auto next_row = static_cast<int32_t>(page.words_in_row * (32 / page.depth));
    const auto begin_at = [&](int32_t x, int32_t y) {
        cut.first_pixel = static_cast<uint32_t>(y) * static_cast<uint32_t>(next_row) + static_cast<uint32_t>(x);
    };
    const bool across = quarter_turns % 2 == 0;
    cut.columns = static_cast<uint32_t>(across ? box.right - box.left : box.bottom - box.top);
    cut.rows = static_cast<uint32_t>(across ? box.bottom - box.top : box.right - box.left);
    switch (quarter_turns) {
        case 1:
            begin_at(box.left, box.bottom - 1);
            cut.to_right = -next_row;
            cut.to_below = 1;
            cut.first_row = -box.left;
            cut.end_row = width - box.left;
            break;
        case 2:
            begin_at(box.right - 1, box.bottom - 1);
            cut.to_right = -1;
            cut.to_below = -next_row;
            cut.first_row = box.bottom - height;
            cut.end_row = box.bottom;
            break;
        case 3:
            begin_at(box.right - 1, box.top);
            cut.to_right = next_row;
            cut.to_below = -1;
            cut.first_row = box.right - width;
            cut.end_row = box.right;
            break;
        default:
            begin_at(box.left, box.top);
            cut.to_right = 1;
            cut.to_below = next_row;
            cut.first_row = -box.top;
            cut.end_row = height - box.top;
    }
}

/// As Leptonica rounds it.
uint32_t scaled_side(uint32_t side, float factor) {
    return static_cast<uint32_t>(std::floor(static_cast<double>(factor * static_cast<float>(side)) + 0.5));
}

CutBy scale(LineCut& cut, float factor) {
    const double wide = factor;
    constexpr double smallest_sharpened = 0.2, largest = 4;
    if (!(wide > smallest_sharpened && wide < largest) || factor == 0.25f || factor == 0.5f || factor == 2)
        return CutBy::cpu;
    cut.width = scaled_side(cut.columns, factor);
    cut.height = scaled_side(cut.rows, factor);
    if (cut.width == 0 || cut.height == 0) return CutBy::cpu;
    if (factor == 1) return CutBy::card;
    cut.scaling = wide < 0.7 ? LineScaling::areas : LineScaling::neighbours;
    cut.sharpened_around = wide < 0.7 ? 1 : wide < 1.4 ? 2 : 0;
    if (std::min(cut.width, cut.height) <= 2 * cut.sharpened_around) cut.sharpened_around = 0;
    return CutBy::card;
}

}  // namespace

LineCut line_cut_of(const CardPage& page, const LineToCut& line) {
    LineCut cut;
    cut.by = CutBy::cpu;
    const bool is_turned = line.quarter_turns != 0 || line.slope != 0;
    if (line.slope != 0 && !is_within(line.crop, page)) return cut;
    const Box box = on_page(line.crop, page);
    if (box.left >= box.right || box.top >= box.bottom) {
        cut.by = is_turned ? CutBy::cpu : CutBy::nobody;
        return cut;
    }
    place(cut, page, box, line.quarter_turns);
    cut.slope = line.slope;
    const float factor = static_cast<float>(line.height) / static_cast<float>(cut.rows);
    cut.by = factor * static_cast<float>(cut.columns) < 1 ? CutBy::nobody : scale(cut, factor);
    if (cut.by != CutBy::card) return cut;
    if (cut.height != line.height) cut.by = CutBy::nobody;
    if (cut.height > most_line_rows) cut.by = CutBy::cpu;
    return cut;
}

}  // namespace pg_ocr
