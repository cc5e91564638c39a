#include "engine/tables/grid.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

/// Hebrew, Arabic and their kin.
bool runs_leftward(std::string_view text) {
    const std::u32string characters = characters_of(text);
    return std::any_of(characters.begin(), characters.end(), [](char32_t c) {
        return (c >= 0x590 && c < 0x900) || (c >= 0xfb1d && c < 0xfe00) || (c >= 0xfe70 && c < 0xff00);
    });
}

/// What recognisers make of ruling lines at the edge of a word.
std::string_view without_rules(std::string_view text) {
    const size_t begin = text.find_first_not_of('|');
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of('|') - begin + 1);
}

/// The words line by line, each line in reading order.
std::vector<std::vector<uint32_t>> lines_of(const Sheet& sheet, std::vector<uint32_t> words) {
    std::vector<std::vector<uint32_t>> lines;
    auto centre = [&](uint32_t word) { return sheet.words[word].centre_y(); };
    std::sort(words.begin(), words.end(), [&](uint32_t a, uint32_t b) {
        return centre(a) != centre(b) ? centre(a) < centre(b) : sheet.words[a].box.left < sheet.words[b].box.left;
    });
    for (size_t begin = 0, end = 0; begin < words.size(); begin = end) {
        // A line goes on while the next word's middle is above the foot of its first ones.
        int32_t foot = sheet.words[words[begin]].box.bottom;
        size_t leftward = 0;
        while (end < words.size() && (end == begin || centre(words[end]) < foot)) {
            if (end == begin || sheet.words[words[end]].height() > sheet.word_height / 2)
                foot = std::max(foot,
                                std::min(sheet.words[words[end]].box.bottom, centre(words[begin]) + sheet.word_height));
            leftward += runs_leftward(sheet.words[words[end]].word->text) ? 1 : 0;
            ++end;
        }
        const bool turned = 2 * leftward > end - begin;
        std::sort(words.begin() + static_cast<ptrdiff_t>(begin), words.begin() + static_cast<ptrdiff_t>(end),
                  [&](uint32_t a, uint32_t b) {
                      const int32_t left = sheet.words[a].box.left, other = sheet.words[b].box.left;
                      if (left == other) return a < b;
                      return turned ? left > other : left < other;
                  });
        lines.emplace_back(words.begin() + static_cast<ptrdiff_t>(begin), words.begin() + static_cast<ptrdiff_t>(end));
    }
    return lines;
}

}  // namespace

Table table_of(const Sheet& sheet, const Grid& grid) {
    Table table;
    table.rows = grid.rows();
    table.columns = grid.columns();
    Box all = grid.box();
    for (const GridCell& from : grid.cells) {
        Cell cell{from.row + 1, from.column + 1, from.row_span, from.column_span, {}, {}, 0};
        Box box{grid.xs[static_cast<size_t>(from.column)], grid.ys[static_cast<size_t>(from.row)],
                grid.xs[from.edge_right()], grid.ys[from.edge_below()]};
        Block block;
        for (const std::vector<uint32_t>& line : lines_of(sheet, from.words)) {
            block.lines.emplace_back();
            for (uint32_t i : line) {
                const PlacedWord& placed = sheet.words[i];
                Word word = *placed.word;
                word.text = without_rules(word.text);
                if (word.text.empty()) continue;
                box = joined(box, placed.box);
                block.lines.back().words.push_back(std::move(word));
            }
            if (block.lines.back().words.empty()) block.lines.pop_back();
        }
        all = joined(all, box);
        const Layout layout{{std::move(block)}, {}};
        cell.text = trimmed(page_text(layout));
        cell.confidence = std::max(0.0f, confidence_of(layout));
        cell.box = sheet.place.on_page(box);
        table.cells.push_back(std::move(cell));
    }
    table.box = sheet.place.on_page(all);
    return table;
}

bool is_figure(std::string_view utf8) {
    size_t digits = 0, letters = 0, signs = 0;
    for (char32_t c : characters_of(utf8)) {
        if (c >= '0' && c <= '9')
            ++digits;
        else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c < 0x2000) || c >= 0x2e80)
            ++letters;
        else if (c != ' ')
            ++signs;
    }
    if (digits == 0) return letters == 0 ? signs > 0 && signs <= 3 : utf8 == "n/a" || utf8 == "N/A" || utf8 == "NA";
    return digits >= letters;
}

}  // namespace pg_ocr
