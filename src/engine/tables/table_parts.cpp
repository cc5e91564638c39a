#include "engine/tables/table_parts.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>

namespace pg_ocr {
namespace {

/// In heights of words: how far apart chunks of one table may be, beside and below each other.
constexpr double farthest_beside = 22, farthest_below = 2.6, farthest_head = 1.2;
constexpr size_t rows_looked_back = 4;
/// So many rows of one chunk in sequence end a part.
constexpr size_t singles_to_end = 3;

/// Chunks of the page, and which of them belong together.
class Neighbours {
  public:
    Neighbours(const Sheet& sheet, const std::vector<TextRow>& rows) : rows_(rows), height_(sheet.word_height) {
        size_t count = 0;
        for (const TextRow& row : rows) {
            begins_.push_back(count);
            count += row.chunks.size();
        }
        parents_.resize(count);
        std::iota(parents_.begin(), parents_.end(), size_t{0});
        for (size_t i = 0; i < rows.size(); ++i) {
            join_beside(i);
            for (size_t back = 1; back <= std::min(i, rows_looked_back); ++back) join_below(i - back, i);
        }
    }

    std::vector<std::vector<RowPart>> parts() {
        std::map<size_t, std::vector<RowPart>> by_root;
        std::map<size_t, size_t> last_row;
        for (size_t i = 0; i < rows_.size(); ++i)
            for (size_t j = 0; j < rows_[i].chunks.size(); ++j) {
                const Chunk& chunk = rows_[i].chunks[j];
                if (chunk.is_prose) continue;
                const size_t root = root_of(begins_[i] + j);
                std::vector<RowPart>& part = by_root[root];
                if (part.empty() || last_row[root] != i) part.push_back({chunk.box.top, chunk.box.bottom, {}});
                last_row[root] = i;
                RowPart& row = part.back();
                row.top = std::min(row.top, chunk.box.top);
                row.bottom = std::max(row.bottom, chunk.box.bottom);
                row.chunks.push_back(&chunk);
            }
        std::vector<std::vector<RowPart>> parts;
        parts.reserve(by_root.size());
        for (auto& [root, part] : by_root) parts.push_back(std::move(part));
        return parts;
    }

  private:
    void join_beside(size_t row) {
        const std::vector<Chunk>& chunks = rows_[row].chunks;
        for (size_t i = 1; i < chunks.size(); ++i)
            if (!chunks[i - 1].is_prose && !chunks[i].is_prose &&
                chunks[i].box.left - chunks[i - 1].box.right <= farthest_beside * height_)
                join(begins_[row] + i - 1, begins_[row] + i);
    }

    void join_below(size_t above, size_t below) {
        const std::vector<Chunk>&upper = rows_[above].chunks, &lower = rows_[below].chunks;
        size_t first = 0;
        for (size_t j = 0; j < lower.size(); ++j) {
            while (first < upper.size() && upper[first].box.right <= lower[j].box.left) ++first;
            for (size_t i = first; i < upper.size() && upper[i].box.left < lower[j].box.right; ++i)
                if (!upper[i].is_prose && !lower[j].is_prose &&
                    lower[j].box.top - upper[i].box.bottom <= farthest_below * height_)
                    join(begins_[above] + i, begins_[below] + j);
        }
    }

    size_t root_of(size_t i) {
        while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
        return i;
    }
    void join(size_t a, size_t b) {
        a = root_of(a);
        b = root_of(b);
        parents_[std::max(a, b)] = std::min(a, b);
    }

    const std::vector<TextRow>& rows_;
    int32_t height_;
    std::vector<size_t> begins_, parents_;
};

/// A head over several columns, but not over the first one, as a title is.
bool is_head_over(const RowPart& row, const RowPart& below, int32_t height) {
    const Box& head = row.chunks.front()->box;
    if (row.chunks.size() != 1 || below.top - row.bottom > farthest_head * height) return false;
    const auto under = std::count_if(below.chunks.begin(), below.chunks.end(), [&](const Chunk* chunk) {
        return chunk->box.left < head.right && chunk->box.right > head.left;
    });
    return under >= 1 && head.left >= below.chunks.front()->box.right;
}

void add_trimmed(std::vector<std::vector<RowPart>>& parts, std::vector<RowPart> rows, int32_t height) {
    auto has_several = [](const RowPart& row) { return row.chunks.size() >= 2; };
    auto first = std::find_if(rows.begin(), rows.end(), has_several);
    const auto last = std::find_if(rows.rbegin(), rows.rend(), has_several).base();
    if (first != rows.begin() && first < last && is_head_over(*(first - 1), *first, height)) --first;
    if (first < last) parts.emplace_back(first, last);
}

}  // namespace

std::vector<std::vector<RowPart>> table_parts_of(const Sheet& sheet, const std::vector<TextRow>& rows) {
    std::vector<std::vector<RowPart>> parts;
    for (const std::vector<RowPart>& together : Neighbours(sheet, rows).parts()) {
        std::vector<RowPart> part;
        size_t singles = 0;
        for (const RowPart& row : together) {
            singles = row.chunks.size() >= 2 ? 0 : singles + 1;
            part.push_back(row);
            if (singles < singles_to_end) continue;
            add_trimmed(parts, std::move(part), sheet.word_height);
            part.clear();
        }
        add_trimmed(parts, std::move(part), sheet.word_height);
    }
    return parts;
}

}  // namespace pg_ocr
