#include "engine/tables/entries.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "engine/tables/grid.h"

namespace pg_ocr {
namespace {

/// In heights of words.
constexpr double touching = 0.3, space_of_figures = 0.4, space_of_words = 0.75;

std::string text_of(const Sheet& sheet, const std::vector<uint32_t>& words) {
    std::string text;
    for (uint32_t i : words) {
        if (!text.empty()) text += ' ';
        text += sheet.words[i].word->text;
    }
    return text;
}

Entry entry_of(const Sheet& sheet, int32_t first, int32_t last, std::vector<uint32_t> words) {
    Entry entry{first, last - first + 1, std::move(words), {}, {}};
    entry.box = sheet.words[entry.words.front()].box;
    for (uint32_t i : entry.words) entry.box = joined(entry.box, sheet.words[i].box);
    return entry;
}

/// Figures stand closer to each other than words of two columns would.
bool is_wide_space(const Sheet& sheet, uint32_t before, uint32_t after) {
    const PlacedWord &left = sheet.words[before], &right = sheet.words[after];
    const bool figures = is_figure(left.word->text) && is_figure(right.word->text);
    const double widest = (figures ? space_of_figures : space_of_words) * sheet.word_height;
    return right.box.left - left.box.right > widest;
}

}  // namespace

EntryRow Columns::row_of(const RowPart& part) const {
    EntryRow row{part.top, part.bottom, {}};
    for (const Chunk* chunk : part.chunks) {
        std::vector<uint32_t> words;
        int32_t first = 0, last = 0;
        for (uint32_t i : chunk->words) {
            const auto [from, to] = reach_of(sheet_.words[i].box);
            if (!words.empty() && from > last && (is_parted(last, from) || is_wide_space(sheet_, words.back(), i))) {
                add(row, first, last, words);
                words.clear();
            }
            if (words.empty()) first = last = from;
            last = std::max(last, to);
            words.push_back(i);
        }
        if (!words.empty()) add(row, first, last, std::move(words));
    }
    return row;
}

EntryRow Columns::row_with_texts(const RowPart& part) const {
    EntryRow row = row_of(part);
    for (Entry& entry : row.entries) entry.text = text_of(sheet_, entry.words);
    return row;
}

bool Columns::is_parted(int32_t after, int32_t column) const {
    if (parted_.empty()) return false;
    for (int32_t i = after + 1; i <= column; ++i)
        if (parted_[static_cast<size_t>(i)]) return true;
    return false;
}

std::pair<int32_t, int32_t> Columns::reach_of(const Box& box) const {
    const double touch = touching * sheet_.word_height;
    auto by_right = [](const ColumnSpan& span, int32_t x) { return span.right <= x; };
    auto first = std::lower_bound(spans_.begin(), spans_.end(), box.left, by_right) - spans_.begin();
    std::optional<std::pair<int32_t, int32_t>> reach;
    for (auto i = static_cast<size_t>(first); i < spans_.size() && spans_[i].left < box.right; ++i) {
        const int32_t shared = std::min(box.right, spans_[i].right) - std::max(box.left, spans_[i].left);
        if (shared < touch && 2 * shared < std::min(spans_[i].right - spans_[i].left, box.right - box.left)) continue;
        if (!reach) reach = {static_cast<int32_t>(i), static_cast<int32_t>(i)};
        reach->second = static_cast<int32_t>(i);
    }
    if (reach) return *reach;
    return {nearest(box), nearest(box)};
}

int32_t Columns::nearest(const Box& box) const {
    const int32_t middle = (box.left + box.right) / 2;
    auto by_left = [](int32_t x, const ColumnSpan& span) { return x < span.left; };
    auto after = std::upper_bound(spans_.begin(), spans_.end(), middle, by_left);
    if (after == spans_.begin()) return 0;
    const auto before = after - 1;
    const bool nearer_after = after != spans_.end() && after->left - middle < middle - before->right;
    return static_cast<int32_t>((nearer_after ? after : before) - spans_.begin());
}

// What falls into a column that is taken goes on there.
void Columns::add(EntryRow& row, int32_t first, int32_t last, std::vector<uint32_t> words) const {
    if (!row.entries.empty()) {
        Entry& before = row.entries.back();
        const int32_t taken = before.column + before.column_span - 1;
        if (first <= taken) {
            before.words.insert(before.words.end(), words.begin(), words.end());
            before = entry_of(sheet_, before.column, std::max(last, taken), std::move(before.words));
            return;
        }
    }
    row.entries.push_back(entry_of(sheet_, first, last, std::move(words)));
}

}  // namespace pg_ocr
