#include "engine/tables/columns_judged.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "engine/tables/grid.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

struct ColumnSigns {
    size_t filled = 0, figures = 0, markers = 0, labels = 0, words = 0, characters = 0, rising = 0, numbers = 0;
    double aligned = 0;  ///< share of the entries that begin, end or have their middle under each other
    double words_per_entry() const {
        return static_cast<double>(words) / static_cast<double>(std::max(filled, size_t{1}));
    }
    double length() const { return static_cast<double>(characters) / static_cast<double>(std::max(filled, size_t{1})); }
    double share(size_t of) const { return static_cast<double>(of) / static_cast<double>(std::max(filled, size_t{1})); }
};

/// '1.', '(a)', 'iv)', '•': what a list's item begins with.
bool is_marker(std::string_view text) {
    constexpr size_t longest = 6;
    const std::u32string characters = characters_of(text);
    if (characters.empty() || characters.size() > longest) return false;
    const char32_t last = characters.back();
    if (last == '.' || last == ')') return true;
    return characters.size() == 1 && (characters[0] == '*' || characters[0] == '-' || characters[0] == 0x2022 ||
                                      characters[0] == 0xb7 || (characters[0] >= 0x2010 && characters[0] <= 0x2043) ||
                                      (characters[0] >= 0x25a0 && characters[0] <= 0x27bf) || characters[0] >= 0xe000);
}

double share_aligned(std::vector<int32_t> places, int32_t near) {
    if (places.empty()) return 0;
    std::sort(places.begin(), places.end());
    size_t most = 0, first = 0;
    for (size_t i = 0; i < places.size(); ++i) {
        while (places[i] - places[first] > near) ++first;
        most = std::max(most, i - first + 1);
    }
    return static_cast<double>(most) / static_cast<double>(places.size());
}

std::vector<ColumnSigns> signs_of(const Sheet& sheet, const std::vector<EntryRow>& rows, int32_t columns) {
    std::vector<ColumnSigns> signs(static_cast<size_t>(columns));
    std::vector<std::vector<int32_t>> lefts(signs.size()), rights(signs.size()), middles(signs.size());
    std::vector<int64_t> last_number(signs.size(), -1);
    for (const EntryRow& row : rows) {
        if (row.entries.size() < 2) continue;
        for (const Entry& entry : row.entries) {
            if (entry.column_span > 1) continue;
            const auto column = static_cast<size_t>(entry.column);
            ColumnSigns& sign = signs[column];
            ++sign.filled;
            sign.words += entry.words.size();
            sign.characters += characters_of(entry.text).size();
            sign.figures += is_figure(entry.text) ? 1 : 0;
            sign.markers += is_marker(entry.text) ? 1 : 0;
            sign.labels += entry.text.ends_with(':') ? 1 : 0;
            int64_t number = -1;
            const auto read = std::from_chars(entry.text.data(), entry.text.data() + entry.text.size(), number);
            if (read.ec == std::errc() && read.ptr == entry.text.data() + entry.text.size()) {
                ++sign.numbers;
                sign.rising += number >= last_number[column] ? 1 : 0;
                last_number[column] = number;
            }
            lefts[column].push_back(entry.box.left);
            rights[column].push_back(entry.box.right);
            middles[column].push_back((entry.box.left + entry.box.right) / 2);
        }
    }
    const int32_t near = std::max(2, sheet.word_height / 2);
    for (size_t i = 0; i < signs.size(); ++i)
        signs[i].aligned =
            std::max({share_aligned(std::move(lefts[i]), near), share_aligned(std::move(rights[i]), near),
                      share_aligned(std::move(middles[i]), near)});
    return signs;
}

/// Items with their numbers, contents with their pages, labels with their values.
bool is_list(const std::vector<ColumnSigns>& signs) {
    constexpr double most = 0.6, long_entry = 10, words_of_item = 2.5;
    const ColumnSigns &first = signs.front(), &last = signs.back();
    if (signs.size() > 3) return false;
    if (signs.size() == 2) {
        if (first.share(first.markers) >= most && last.words_per_entry() >= words_of_item) return true;
        if (first.share(first.labels) >= most - 0.1) return true;
    }
    if (signs.size() == 3 && first.share(first.labels) >= most - 0.1 && signs[1].share(signs[1].labels) >= most)
        return true;
    const ColumnSigns& title = signs[signs.size() - 2];
    return last.share(last.numbers) >= most &&
           static_cast<double>(last.rising) >= 0.85 * static_cast<double>(last.numbers) &&
           title.length() >= long_entry && (signs.size() == 2 || first.share(first.markers + first.figures) >= most);
}

}  // namespace

bool is_table(const Sheet& sheet, const std::vector<EntryRow>& rows, int32_t columns, int32_t lines) {
    const bool framed = lines >= 2;
    const auto several = static_cast<size_t>(
        std::count_if(rows.begin(), rows.end(), [](const EntryRow& row) { return row.entries.size() >= 2; }));
    const size_t least_rows = (columns == 2 ? 4 : 3) - (framed ? 1 : 0);
    if (columns < 2 || several < least_rows) return false;
    const std::vector<ColumnSigns> signs = signs_of(sheet, rows, columns);
    size_t filled = 0, figures = 0, beside = 0, characters = 0, prose = 0;
    double aligned = 0;
    for (size_t i = 0; i < signs.size(); ++i) {
        constexpr double length_of_prose = 28, words_of_prose = 4.5;
        filled += signs[i].filled;
        characters += signs[i].characters;
        aligned += signs[i].aligned * static_cast<double>(signs[i].filled);
        prose += signs[i].length() >= length_of_prose && signs[i].words_per_entry() >= words_of_prose ? 1 : 0;
        if (i == 0) continue;
        beside += signs[i].filled;
        figures += signs[i].figures;
    }
    if (filled == 0 || beside == 0 || prose == signs.size()) return false;
    aligned /= static_cast<double>(filled);
    const double share_filled = static_cast<double>(filled) / static_cast<double>(several * signs.size());
    const double share_figures = static_cast<double>(figures) / static_cast<double>(beside);
    const double length = static_cast<double>(characters) / static_cast<double>(filled);
    if (share_filled < (columns == 2 ? 0.7 : 0.45) || is_list(signs)) return false;
    if (framed) return aligned >= 0.5;
    if (share_figures >= 0.5) return aligned >= 0.55;
    return columns >= 3 && several >= 4 && aligned >= 0.7 && length <= 22 && prose == 0 && share_filled >= 0.6;
}

}  // namespace pg_ocr
