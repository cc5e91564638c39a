// Columns of our own layout, on letters that stand where a test puts them.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "engine/lines/arrangement.h"
#include "engine/lines/gutters.h"
#include "engine/lines/rows.h"

namespace pg_ocr {
namespace {

constexpr int32_t x_height = 20, pitch = 44;

void add_letter(std::vector<Letter>& letters, int32_t left, int32_t width, int32_t height, int32_t baseline) {
    const Box box{left, baseline - height, left + width, baseline};
    letters.push_back({box, box, width * height / 2});
}

/// Prose in letters of many widths, from one edge to the other.
void add_prose(std::vector<Letter>& letters, int32_t left, int32_t right, int32_t baseline) {
    constexpr std::array<int32_t, 7> widths{10, 18, 8, 14, 24, 12, 9};
    for (int32_t i = baseline, x = left; x + 24 <= right; ++i) {
        const int32_t width = widths[static_cast<size_t>(i) % widths.size()];
        add_letter(letters, x, width, i % 4 == 0 ? 28 : x_height, baseline);
        x += width + (i % 6 == 0 ? 14 : 3);
    }
    add_letter(letters, right - 12, 12, x_height, baseline);
}

/// What a program printed: each cell that is not a space is a letter.
void add_typewriting(std::vector<Letter>& letters, const std::string& line, int32_t left, int32_t baseline) {
    constexpr int32_t cell = 22;
    for (size_t i = 0; i < line.size(); ++i)
        if (line[i] != ' ')
            add_letter(letters, left + static_cast<int32_t>(i) * cell + 3, 16, line[i] == 'l' ? 28 : x_height,
                       baseline);
}

std::vector<BlockOfRows> arranged_letters(std::vector<Letter> letters) {
    return arranged(parted_at_gutters(pieces_of(std::move(letters)), {}), {}, {});
}

/// Of each row, in reading order, its left and right edge.
std::vector<std::pair<int32_t, int32_t>> rows_of(const std::vector<BlockOfRows>& blocks) {
    std::vector<std::pair<int32_t, int32_t>> rows;
    for (const BlockOfRows& block : blocks)
        for (const RowOfPieces& row : block.rows) rows.emplace_back(row.box.left, row.box.right);
    return rows;
}

/// Lines of the second column are so far below each other: some stand beside a line of the first one, some between two.
void expect_two_columns(int32_t pitch_of_second) {
    constexpr size_t lines = 12;
    std::vector<Letter> letters;
    for (int32_t i = 0; i < static_cast<int32_t>(lines); ++i) {
        add_prose(letters, 100, 900, 200 + pitch * i);
        add_prose(letters, 940, 1740, 200 + pitch_of_second * i);
    }
    const auto rows = rows_of(arranged_letters(letters));
    ASSERT_EQ(rows.size(), 2 * lines) << pitch_of_second;
    for (size_t i = 0; i < rows.size(); ++i)
        EXPECT_EQ(rows[i], i < lines ? std::pair(100, 900) : std::pair(940, 1740)) << pitch_of_second << ' ' << i;
}

TEST(Columns, ArePartedWhateverTheHeightsOfTheirLines) {
    for (const int32_t pitch_of_second : {pitch, 46, 49, 53, 58}) expect_two_columns(pitch_of_second);
}

TEST(Columns, AreNotSeenInWhatAProgramPrinted) {
    std::vector<Letter> letters;
    const std::vector<std::string> lines(6, "where all of them are there    then all of them go on");
    for (size_t i = 0; i < lines.size(); ++i)
        add_typewriting(letters, lines[i], 100, 200 + pitch * static_cast<int32_t>(i));
    const auto rows = rows_of(arranged_letters(letters));
    ASSERT_EQ(rows.size(), lines.size());
    for (const auto& [left, right] : rows) {
        EXPECT_EQ(left, 103);
        EXPECT_GT(right, 700);
    }
}

TEST(Columns, AreNotCutOutOfWhatAProgramPrinted) {
    std::vector<Letter> letters;
    for (int32_t i = 0; i < 8; ++i)
        add_typewriting(letters, "where they are all  land then ever on and on", 100, 200 + pitch * i);
    EXPECT_EQ(parted_at_gutters(pieces_of(std::move(letters)), {}).size(), 8u);
}

/// A letter has others to its right at its height, though they stand on another line.
TEST(Columns, EndWhereTheLineIsAnother) {
    for (const int32_t lower : {0, 9, -9}) {
        std::vector<Letter> letters;
        add_prose(letters, 100, 500, 200);
        add_prose(letters, 532, 900, 200 + lower);
        EXPECT_EQ(pieces_of(std::move(letters)).size(), lower == 0 ? 1u : 2u) << lower;
    }
}

TEST(Columns, HoldWhatAProgramPrintedWhereProseIsAboveAndBelow) {
    constexpr int32_t lines = 12;
    std::vector<Letter> letters;
    for (int32_t i = 0; i < lines; ++i) {
        const int32_t baseline = 200 + pitch * i;
        if (i >= 5 && i < 7) {
            add_typewriting(letters, "select all of it from there to", 100, baseline);
            add_typewriting(letters, "where else could it ever stand", 940, baseline);
        } else {
            add_prose(letters, 100, 900, baseline);
            add_prose(letters, 940, 1740, baseline);
        }
    }
    const auto rows = rows_of(arranged_letters(letters));
    ASSERT_EQ(rows.size(), static_cast<size_t>(2 * lines));
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].first >= 940, i >= static_cast<size_t>(lines)) << i;
}

TEST(Columns, OfAnIndexAreRead) {
    constexpr size_t lines = 30;
    std::vector<Letter> letters;
    for (int32_t i = 0; i < static_cast<int32_t>(lines); ++i) {
        add_prose(letters, 100, 820 + i * 37 % 70, 200 + pitch * i);
        add_prose(letters, 960, 1300 + i * 191 % 450, 200 + pitch * i);
    }
    const auto rows = rows_of(arranged_letters(letters));
    ASSERT_EQ(rows.size(), 2 * lines);
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].first, i < lines ? 100 : 960) << i;
}

}  // namespace
}  // namespace pg_ocr
