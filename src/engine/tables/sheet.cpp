#include "engine/tables/sheet.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <new>
#include <optional>

#include "engine/layout/turned.h"
#include "engine/read/pixels.h"
#include "engine/tables/strokes.h"

namespace pg_ocr {
namespace {

/// In inches.
constexpr double telling_stroke = 0.5, telling_line = 2.0, same_line = 0.02, widest_gap = 0.04;
/// Steeper pages are not straightened: they are turned, or no page of text.
constexpr double steepest = 0.09;
/// Of letters that stand on the baseline and of others; lines that say less than that say nothing.
constexpr double noise_of_lines = 0.004;
constexpr size_t lines_to_tell = 5, strokes_to_tell = 3;

/// Lines of a page that lies on its side run down or up it.
int32_t quarter_turns_of(const Layout& layout) {
    int64_t upright = 0, downward = 0, upward = 0, sideways = 0;
    for (const Block& block : layout.blocks)
        for (const Line& line : block.lines) {
            if (line.words.size() < 2) {
                const Box& box = line.box;
                ++(box.right - box.left >= box.bottom - box.top ? upright : sideways);
                continue;
            }
            const Box &first = line.words.front().box, &last = line.words.back().box;
            const int32_t across = std::abs(last.left + last.right - first.left - first.right);
            const int32_t down = last.top + last.bottom - first.top - first.bottom;
            const auto words = static_cast<int64_t>(line.words.size());
            if (across >= std::abs(down))
                upright += words;
            else
                (down > 0 ? downward : upward) += words;
        }
    if (upright >= downward + upward + sideways || downward == upward) return 0;
    return downward > upward ? 3 : 1;
}

std::optional<double> median_of(std::vector<double>& values) {
    if (values.empty()) return std::nullopt;
    auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

double slope_of(const Strokes& strokes, const Sheet& sheet) {
    std::vector<double> slopes;
    for (const Stroke& stroke : strokes.across)
        if (stroke.x1 - stroke.x0 >= telling_stroke * sheet.dpi)
            slopes.push_back((stroke.y1 - stroke.y0) / (stroke.x1 - stroke.x0));
    double least = 0;
    if (slopes.size() < strokes_to_tell) {
        slopes.clear();
        least = noise_of_lines;
        for (const PlacedLine& line : sheet.lines) {
            const Box &first = sheet.words[line.first].box, &last = sheet.words[line.last - 1].box;
            const double across = last.right - first.left;
            if (across >= telling_line * sheet.dpi) slopes.push_back((last.bottom - first.bottom) / across);
        }
        if (slopes.size() < lines_to_tell) return 0;
    }
    const double slope = median_of(slopes).value_or(0);
    return std::abs(slope) > steepest || std::abs(slope) < least ? 0 : slope;
}

/// Stretches of one line that a scan parted, or that were drawn cell by cell.
std::vector<Rule> merged(std::vector<Rule> rules, int32_t aside, int32_t gap) {
    auto by_place = [](const Rule& a, const Rule& b) { return a.at != b.at ? a.at < b.at : a.begin < b.begin; };
    std::sort(rules.begin(), rules.end(), by_place);
    std::vector<Rule> lines;
    for (size_t begin = 0, end = 0; begin < rules.size(); begin = end) {
        while (end < rules.size() && rules[end].at - rules[begin].at <= aside) ++end;
        std::sort(rules.begin() + static_cast<ptrdiff_t>(begin), rules.begin() + static_cast<ptrdiff_t>(end),
                  [](const Rule& a, const Rule& b) { return a.begin < b.begin; });
        const size_t first = lines.size();
        for (size_t i = begin; i < end; ++i) {
            if (lines.size() > first && rules[i].begin - lines.back().end <= gap)
                lines.back().end = std::max(lines.back().end, rules[i].end);
            else
                lines.push_back(rules[i]);
        }
    }
    std::sort(lines.begin(), lines.end(), by_place);
    return lines;
}

Rules straight_rules(const Strokes& strokes, const Sheet& sheet, double slope) {
    Rules rules;
    auto rounded = [](double place) { return static_cast<int32_t>(std::lround(place)); };
    for (const Stroke& s : strokes.across)
        rules.across.push_back({rounded((s.y0 + s.y1) / 2 - slope * (s.x0 + s.x1) / 2), rounded(s.x0 + slope * s.y0),
                                rounded(s.x1 + slope * s.y1)});
    for (const Stroke& s : strokes.down)
        rules.down.push_back({rounded((s.x0 + s.x1) / 2 + slope * (s.y0 + s.y1) / 2), rounded(s.y0 - slope * s.x0),
                              rounded(s.y1 - slope * s.x1)});
    const int32_t aside = std::max(2, sheet.inches(same_line)), gap = std::max(2, sheet.inches(widest_gap));
    rules.across = merged(std::move(rules.across), aside, gap);
    rules.down = merged(std::move(rules.down), aside, gap);
    return rules;
}

void place_words(Sheet& sheet, const Layout& layout) {
    uint32_t block_no = 0;
    for (const Block& block : layout.blocks) {
        for (const Line& line : block.lines) {
            PlacedLine placed{block_no, static_cast<uint32_t>(sheet.words.size()), 0, {}};
            for (const Word& word : line.words) {
                const Box box = sheet.place.turned(word.box);
                if (box.left >= box.right || box.top >= box.bottom) continue;
                placed.box = sheet.words.size() == placed.first ? box : joined(placed.box, box);
                sheet.words.push_back({&word, box, static_cast<uint32_t>(sheet.lines.size())});
            }
            placed.last = static_cast<uint32_t>(sheet.words.size());
            if (placed.last > placed.first) sheet.lines.push_back(placed);
        }
        ++block_no;
    }
}

int32_t median_height(const std::vector<PlacedWord>& words) {
    std::vector<double> heights;
    heights.reserve(words.size());
    for (const PlacedWord& word : words) heights.push_back(word.height());
    return std::max(1, static_cast<int32_t>(median_of(heights).value_or(1)));
}

}  // namespace

Box joined(const Box& a, const Box& b) {
    return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}

Box Straightened::turned(const Box& box) const {
    const Box inside{std::clamp(box.left, 0, width_), std::clamp(box.top, 0, height_), std::clamp(box.right, 0, width_),
                     std::clamp(box.bottom, 0, height_)};
    return Turned(width_, height_, turns_).upright(inside);
}

Box Straightened::straight(const Box& box) const {
    const double x = (box.left + box.right) / 2.0, y = (box.top + box.bottom) / 2.0;
    const auto right = static_cast<int32_t>(std::lround(slope_ * y)),
               up = static_cast<int32_t>(std::lround(slope_ * x));
    return {box.left + right, box.top - up, box.right + right, box.bottom - up};
}

Box Straightened::on_page(const Box& box) const {
    const bool swapped = turns_ % 2 != 0;
    const int32_t width = swapped ? height_ : width_, height = swapped ? width_ : height_;
    const double scale = 1 + slope_ * slope_;
    double left = width, top = height, right = 0, bottom = 0;
    for (double x : {box.left, box.right})
        for (double y : {box.top, box.bottom}) {
            const double back_x = (x - slope_ * y) / scale, back_y = (y + slope_ * x) / scale;
            left = std::min(left, back_x);
            right = std::max(right, back_x);
            top = std::min(top, back_y);
            bottom = std::max(bottom, back_y);
        }
    auto pixel = [](double place, int32_t low, int32_t high) {
        return std::clamp(static_cast<int32_t>(std::lround(place)), low, high);
    };
    Box turned{pixel(left, 0, width), pixel(top, 0, height), 0, 0};
    turned.right = pixel(right, turned.left, width);
    turned.bottom = pixel(bottom, turned.top, height);
    return Turned(width_, height_, turns_).on_page(turned);
}

Sheet sheet_of(const Layout& layout, PIX* page, int32_t dpi) {
    const int32_t turns = quarter_turns_of(layout);
    Sheet sheet{Straightened(pixGetWidth(page), pixGetHeight(page), turns), std::max(1, dpi), 1, {}, {}, {}};
    place_words(sheet, layout);
    sheet.word_height = median_height(sheet.words);
    Pixels upright(turns == 0 ? pixClone(page) : pixRotateOrth(page, turns));
    if (!upright) throw std::bad_alloc();
    const Strokes strokes = strokes_of(upright.get(), sheet.dpi);
    const double slope = slope_of(strokes, sheet);
    sheet.place.set_slope(slope);
    for (PlacedWord& word : sheet.words) word.box = sheet.place.straight(word.box);
    for (PlacedLine& line : sheet.lines) {
        line.box = sheet.words[line.first].box;
        for (uint32_t i = line.first; i < line.last; ++i) line.box = joined(line.box, sheet.words[i].box);
    }
    sheet.rules = straight_rules(strokes, sheet, slope);
    return sheet;
}

}  // namespace pg_ocr
