#include "engine/tables/text_rows.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "engine/tables/grid.h"

namespace pg_ocr {
namespace {

/// In heights of words.
constexpr double widest_space = 1.15, same_row = 0.5;
/// Of a line of running text: how many words, how long it is, how wide its spaces are at most, how many are figures.
constexpr uint32_t words_of_prose = 5;
constexpr double length_of_prose = 14, space_in_prose = 1.6, figures_in_prose = 0.4, leading_of_prose = 1.6;

bool looks_like_prose(const Sheet& sheet, const PlacedLine& line) {
    const uint32_t words = line.last - line.first;
    const int32_t height = std::max(sheet.word_height, 1);
    if (words < words_of_prose || line.box.right - line.box.left < length_of_prose * height) return false;
    uint32_t figures = 0;
    for (uint32_t i = line.first; i < line.last; ++i) {
        figures += is_figure(sheet.words[i].word->text) ? 1 : 0;
        if (i == line.first) continue;
        const Box &before = sheet.words[i - 1].box, &box = sheet.words[i].box;
        const int32_t space = std::max(box.left - before.right, before.left - box.right);
        if (space > space_in_prose * height) return false;
    }
    return figures <= figures_in_prose * words;
}

bool has_wide_space(const Sheet& sheet, const PlacedLine& line) {
    for (uint32_t i = line.first + 1; i < line.last; ++i)
        if (sheet.words[i].box.left - sheet.words[i - 1].box.right > space_in_prose * sheet.word_height) return true;
    return false;
}

}  // namespace

std::vector<bool> lines_of_prose(const Sheet& sheet) {
    const size_t count = sheet.lines.size();
    std::vector<bool> looks(count), prose(count);
    for (size_t i = 0; i < count; ++i) looks[i] = looks_like_prose(sheet, sheet.lines[i]);
    auto follows = [&](size_t i) {
        const PlacedLine &above = sheet.lines[i - 1], &line = sheet.lines[i];
        const int32_t leading = line.box.top - above.box.bottom;
        return leading <= leading_of_prose * sheet.word_height && line.box.bottom > above.box.bottom &&
               line.box.left < above.box.right && line.box.right > above.box.left;
    };
    for (size_t i = 1; i < count; ++i)
        if (looks[i] && looks[i - 1] && follows(i)) prose[i] = prose[i - 1] = true;
    auto ends_paragraph = [&](size_t i) { return !has_wide_space(sheet, sheet.lines[i]); };
    for (size_t i = 1; i < count; ++i)
        if (prose[i - 1] && looks[i - 1] && !prose[i] && follows(i) && ends_paragraph(i)) prose[i] = true;
    return prose;
}

std::vector<TextRow> text_rows_of(const Sheet& sheet, std::vector<uint32_t> words, const std::vector<bool>& prose) {
    std::sort(words.begin(), words.end(), [&](uint32_t a, uint32_t b) {
        const int32_t y = sheet.words[a].centre_y(), other = sheet.words[b].centre_y();
        return y != other ? y < other : a < b;
    });
    std::vector<TextRow> rows;
    for (size_t begin = 0, end = 0; begin < words.size(); begin = end) {
        int64_t sum = 0;
        TextRow row{sheet.words[words[begin]].box.top, sheet.words[words[begin]].box.bottom, {}};
        while (end < words.size()) {
            const PlacedWord& word = sheet.words[words[end]];
            const auto size = static_cast<int64_t>(end - begin);
            const int32_t height = std::min(word.height(), sheet.word_height);
            if (end > begin &&
                static_cast<double>(word.centre_y()) - static_cast<double>(sum) / static_cast<double>(size) >
                    same_row * height)
                break;
            sum += word.centre_y();
            row.top = std::min(row.top, word.box.top);
            row.bottom = std::max(row.bottom, word.box.bottom);
            ++end;
        }
        std::sort(words.begin() + static_cast<ptrdiff_t>(begin), words.begin() + static_cast<ptrdiff_t>(end),
                  [&](uint32_t a, uint32_t b) {
                      const int32_t left = sheet.words[a].box.left, other = sheet.words[b].box.left;
                      return left != other ? left < other : a < b;
                  });
        for (size_t i = begin; i < end; ++i) {
            const PlacedWord& word = sheet.words[words[i]];
            const bool is_prose = !prose.empty() && prose[word.line];
            if (!row.chunks.empty() && row.chunks.back().is_prose == is_prose &&
                word.box.left - row.chunks.back().box.right <= widest_space * sheet.word_height) {
                row.chunks.back().box = joined(row.chunks.back().box, word.box);
                row.chunks.back().words.push_back(words[i]);
            } else {
                row.chunks.push_back({word.box, {words[i]}, is_prose});
            }
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace pg_ocr
