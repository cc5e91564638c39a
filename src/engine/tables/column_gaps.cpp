#include "engine/tables/column_gaps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace pg_ocr {
namespace {

/// Of the rows that tell, the share that may reach over a gap; and of the row with the most chunks, the share that a
/// row has to have to tell.
constexpr double most_across = 0.1, telling_share = 0.6;
/// In heights of words: how wide a gap has to be. Spaces of a few rows may stand under each other by chance.
double narrowest_gap(size_t rows) { return std::clamp(2.2 / std::sqrt(static_cast<double>(rows)), 0.45, 1.0); }

}  // namespace

std::vector<ColumnSpan> columns_of(const Sheet& sheet, const std::vector<RowPart>& rows) {
    std::vector<size_t> counts;
    for (const RowPart& row : rows)
        if (row.chunks.size() >= 2) counts.push_back(row.chunks.size());
    if (counts.empty()) return {};
    // The ninth of ten, as one row may have fallen to pieces.
    auto most = counts.begin() + static_cast<ptrdiff_t>(9 * (counts.size() - 1) / 10);
    std::nth_element(counts.begin(), most, counts.end());
    const auto least = std::max(size_t{2}, static_cast<size_t>(std::ceil(telling_share * static_cast<double>(*most))));
    int32_t left = INT32_MAX, right = INT32_MIN;
    std::vector<const RowPart*> telling;
    for (const RowPart& row : rows) {
        if (row.chunks.size() < least) continue;
        telling.push_back(&row);
        left = std::min(left, row.chunks.front()->box.left);
        for (const Chunk* chunk : row.chunks) right = std::max(right, chunk->box.right);
    }
    if (telling.empty() || right <= left) return {};
    std::vector<int32_t> covering(static_cast<size_t>(right - left) + 1);
    for (const RowPart* row : telling)
        for (const Chunk* chunk : row->chunks)
            for (uint32_t i : chunk->words) {
                const Box& box = sheet.words[i].box;
                ++covering[static_cast<size_t>(std::max(box.left - left, 0))];
                --covering[static_cast<size_t>(std::min(box.right - left, right - left))];
            }
    const auto across = static_cast<int32_t>(most_across * static_cast<double>(telling.size()));
    const double gap = narrowest_gap(telling.size()) * sheet.word_height;
    std::vector<ColumnSpan> columns;
    int32_t count = 0;
    bool inside = false;
    for (int32_t x = left; x <= right; ++x) {
        count += covering[static_cast<size_t>(x - left)];
        const bool covered = count > across && x < right;
        if (covered && !inside) {
            if (!columns.empty() && x - columns.back().right < gap)
                columns.back().right = x;
            else
                columns.push_back({x, x});
        }
        if (!covered && inside) columns.back().right = x;
        inside = covered;
    }
    return columns;
}

}  // namespace pg_ocr
