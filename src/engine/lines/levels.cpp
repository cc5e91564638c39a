#include "engine/lines/levels.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace pg_ocr {
namespace {

std::vector<Gap> gaps_of(const RowPiece& piece) {
    std::vector<Gap> gaps;
    int32_t right = piece.letters.front().box.right;
    for (size_t i = 1; i < piece.letters.size(); ++i) {
        const Box& box = piece.letters[i].box;
        if (box.left > right) gaps.push_back({{right, box.left}, i});
        right = std::max(right, box.right);
    }
    return gaps;
}

/// The widest of its gaps are spaces, about one to each five letters.
float space_of(const std::vector<Gap>& gaps, size_t letters) {
    std::vector<int32_t> widths;
    widths.reserve(gaps.size());
    for (const Gap& gap : gaps) widths.push_back(gap.white.width());
    const size_t spaces = std::min(letters / 5 + 1, widths.size());
    if (spaces == 0) return 0;
    const auto middle = widths.begin() + static_cast<ptrdiff_t>(spaces / 2);
    std::ranges::nth_element(widths, middle, std::greater<>());
    return static_cast<float>(*middle);
}

/// The widest part of an interval that the piece's letters leave white.
Interval white_part(const Interval& interval, const MeasuredPiece& row) {
    if (row.piece->right() <= interval.begin || row.piece->left() >= interval.end) return interval;
    Interval widest{interval.begin, interval.begin};
    const auto offer = [&](int32_t begin, int32_t end) {
        begin = std::max(begin, interval.begin);
        end = std::min(end, interval.end);
        if (end - begin > widest.width()) widest = {begin, end};
    };
    offer(std::numeric_limits<int32_t>::min(), row.piece->left());
    for (const Gap& gap : row.gaps) offer(gap.white.begin, gap.white.end);
    offer(row.piece->right(), std::numeric_limits<int32_t>::max());
    return widest;
}

}  // namespace

Interval white_in(Level level, Interval interval) {
    for (const MeasuredPiece& row : level) interval = white_part(interval, row);
    return interval;
}

Levels::Levels(const std::vector<RowPiece>& pieces) {
    for (const RowPiece& piece : pieces) {
        std::vector<Gap> gaps = gaps_of(piece);
        const float space = space_of(gaps, piece.letters.size());
        rows_.push_back({&piece, std::move(gaps), space});
    }
    for (size_t begin = 0, end = 0; begin < rows_.size(); begin = end) {
        const RowPiece& first = *rows_[begin].piece;
        while (end < rows_.size() && rows_[end].piece->baseline - first.baseline <= 0.5f * first.x_height) ++end;
        levels_.emplace_back(rows_.data() + begin, end - begin);
    }
}

}  // namespace pg_ocr
