#include "engine/lines/gutters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/lines/levels.h"

namespace pg_ocr {
namespace {

/// In x-heights: narrower gaps are spaces in any case.
constexpr float narrowest = 0.9f, narrowest_left = 0.7f;
/// Rows that a strip has to part, in x-heights of its width and in widths of a space.
struct Demand {
    uint32_t rows;
    float x_heights, spaces;
};
constexpr Demand demands[] = {{2, 2.2f, 3.0f}, {3, 1.4f, 2.2f}, {4, 1.0f, 1.8f}, {6, 0.7f, 1.5f}};

class Strip {
  public:
    Strip(const Gap& gap, const MeasuredPiece& row)
        : white_(gap.white),
          x_height_(row.piece->x_height),
          is_typewritten_(is_of_one_pitch(*row.piece, gap.first_behind)) {
        if (row.space > 0) spaces_.push_back(row.space);
        if (is_typewritten_) rows_ = 0;
    }
    /// False where it ends.
    bool goes_through(Level level) {
        const Interval rest = white_in(level, white_);
        if (static_cast<float>(rest.width()) < narrowest_left * x_height_) return false;
        white_ = rest;
        bool left = false, right = false, ends_here = false, begins_here = false;
        for (const MeasuredPiece& row : level) {
            // White between a typewriter's letters may be so many spaces: other text has to tell.
            if (is_typewritten_ && row.piece->pitch > 0) continue;
            left |= row.piece->left() < white_.begin;
            right |= row.piece->right() > white_.end;
            const bool is_long = static_cast<float>(row.piece->right() - row.piece->left()) >= long_line * x_height_;
            ends_here |= is_long && is_near(white_.begin - row.piece->right());
            begins_here |= is_long && is_near(row.piece->left() - white_.end);
            const bool is_parted = row.piece->left() < white_.begin && row.piece->right() > white_.end;
            if (is_parted && row.space > 0) spaces_.push_back(row.space);
        }
        if (left && right)
            ++rows_;
        else if (ends_here)
            ++ends_;
        else if (begins_here)
            ++begins_;
        return true;
    }
    bool parts_columns() const {
        float space = 0;
        if (!spaces_.empty()) {
            std::vector<float> sorted = spaces_;
            const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
            std::ranges::nth_element(sorted, middle);
            space = *middle;
        }
        const auto width = static_cast<float>(white_.width());
        // Columns whose lines are at different heights have few rows in common.
        const uint32_t rows = rows_ + std::min(ends_, begins_);
        return std::ranges::any_of(demands, [&](const Demand& demand) {
            return rows >= demand.rows && width >= demand.x_heights * x_height_ && width >= demand.spaces * space;
        });
    }

  private:
    static constexpr float long_line = 10, near = 1.5f;  // in x-heights
    bool is_near(int32_t distance) const { return distance >= 0 && static_cast<float>(distance) <= near * x_height_; }
    Interval white_;
    float x_height_;
    bool is_typewritten_;
    uint32_t rows_ = 1, ends_ = 0, begins_ = 0;  ///< rows of which it parts two pieces, or has one beside it
    std::vector<float> spaces_;
};

/// Looks at rows in turn above and below, so that a strip is as narrow as the nearest rows make it.
bool is_gutter(const Gap& gap, const MeasuredPiece& row, const Levels& levels, size_t level) {
    constexpr size_t farthest = 8;
    constexpr float tallest_blank = 7;  // in x-heights
    Strip strip(gap, row);
    bool up = true, down = true;
    for (size_t step = 1; step <= farthest && (up || down); ++step) {
        const auto go_on = [&](size_t from, size_t to) {
            const float blank = std::abs(levels[to].front().piece->baseline - levels[from].front().piece->baseline);
            return blank <= tallest_blank * row.piece->x_height && strip.goes_through(levels[to]);
        };
        up = up && level >= step && go_on(level - step + 1, level - step);
        if (up && strip.parts_columns()) return true;
        down = down && level + step < levels.size() && go_on(level + step - 1, level + step);
        if (down && strip.parts_columns()) return true;
    }
    return false;
}

void append_parts(const RowPiece& piece, const std::vector<size_t>& cuts, std::vector<RowPiece>& parts) {
    size_t begin = 0;
    const auto add = [&](size_t end) {
        RowPiece& part = parts.emplace_back();
        part.letters.assign(piece.letters.begin() + static_cast<ptrdiff_t>(begin),
                            piece.letters.begin() + static_cast<ptrdiff_t>(end));
        measure(part);
        // A few letters tell less of their row than all of it does.
        constexpr size_t enough = 6;
        if (part.letters.size() < enough) {
            part.baseline = piece.baseline;
            part.x_height = piece.x_height;
            part.ascent = piece.ascent;
        }
        begin = end;
    };
    for (const size_t cut : cuts) add(cut);
    add(piece.letters.size());
}

}  // namespace

bool is_partitioned(std::span<const Box> partitions, int32_t end, int32_t begin, const Box& at) {
    const int32_t middle = (at.top + at.bottom) / 2;
    return std::ranges::any_of(partitions, [&](const Box& partition) {
        const int32_t x = (partition.left + partition.right) / 2;
        return x >= end && x <= begin && partition.top <= middle && partition.bottom >= middle;
    });
}

std::vector<RowPiece> parted_at_gutters(const std::vector<RowPiece>& pieces, std::span<const Box> partitions) {
    const Levels levels(pieces);
    std::vector<RowPiece> parted;
    for (size_t level = 0; level < levels.size(); ++level)
        for (const MeasuredPiece& row : levels[level]) {
            std::vector<size_t> cuts;
            for (const Gap& gap : row.gaps)
                if (is_partitioned(partitions, gap.white.begin, gap.white.end, row.piece->box) ||
                    (static_cast<float>(gap.white.width()) >= narrowest * row.piece->x_height &&
                     is_gutter(gap, row, levels, level)))
                    cuts.push_back(gap.first_behind);
            append_parts(*row.piece, cuts, parted);
        }
    std::ranges::sort(parted, {}, &RowPiece::baseline);
    return parted;
}

}  // namespace pg_ocr
