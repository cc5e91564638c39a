// Columns of our own layout, on letters that stand where a test puts them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "engine/lines/arrangement.h"
#include "engine/lines/gutters.h"
#include "engine/lines/legible.h"
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

std::vector<BlockOfRows> arranged_letters(std::vector<Letter> letters, const Ruling& ruling = {}) {
    return arranged(parted_at_gutters(pieces_of(std::move(letters)), {}), ruling, {});
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

/// With so many lines of prose above, of code, and of prose below; within the code are blank lines.
void expect_columns_with_code(int32_t above, int32_t code, int32_t below) {
    const int32_t lines = above + code + below;
    std::vector<Letter> letters;
    for (int32_t i = 0; i < lines; ++i) {
        const int32_t baseline = 200 + pitch * i;
        if (i >= above && i < above + code) {
            if (i % 9 >= 7) continue;
            add_typewriting(letters, "select all of it from there to", 100, baseline);
            add_typewriting(letters, "where else could it ever stand", 940, baseline);
        } else {
            add_prose(letters, 100, 900, baseline);
            add_prose(letters, 940, 1740, baseline);
        }
    }
    const auto rows = rows_of(arranged_letters(letters));
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].first >= 940, 2 * i >= rows.size()) << i;
}

TEST(Columns, HoldWhatAProgramPrintedWhereProseIsAboveOrBelow) {
    expect_columns_with_code(5, 2, 5);
    expect_columns_with_code(5, 100, 5);
    expect_columns_with_code(0, 60, 4);
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

/// Next to a short entry there is nothing from which its column could be told, but in the rows above and below.
TEST(Columns, OfAnIndexGoOnBesideShortEntries) {
    constexpr size_t lines = 30;
    const auto is_short = [](size_t i) { return (i >= 8 && i < 11) || i + 2 >= lines; };
    std::vector<Letter> letters;
    for (size_t i = 0; i < lines; ++i) {
        const auto row = static_cast<int32_t>(i);
        add_prose(letters, 100, is_short(i) ? 200 : 820 + row * 37 % 70, 200 + pitch * row);
        add_prose(letters, 960, 1300 + row * 191 % 450, 200 + pitch * row);
    }
    const auto rows = rows_of(arranged_letters(letters));
    ASSERT_EQ(rows.size(), 2 * lines);
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].first, i < lines ? 100 : 960) << i;
}

/// Without them, what fills its cells would be columns of prose.
TEST(Columns, AreATablesWhereLinesPartItsRows) {
    std::vector<Letter> letters;
    Ruling ruling;
    for (int32_t row = 0; row < 4; ++row) {
        const int32_t top = 200 + 200 * row;
        add_prose(letters, 100, 800, top);
        for (int32_t line = 0; line < 3; ++line) add_prose(letters, 900, 1700, top + pitch * line);
        ruling.rules.push_back({90, top - 60, 1710, top - 57});
    }
    ruling.rules.push_back({90, 940, 1710, 943});
    for (const auto& [left, right] : rows_of(arranged_letters(letters))) EXPECT_TRUE(left == 900 || right == 800);
    const auto rows = rows_of(arranged_letters(letters, ruling));
    ASSERT_EQ(rows.size(), 12u);
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].first, i % 3 == 0 ? 100 : 900) << i;
    // Lines above and below all of it are a frame's.
    ruling.rules = {{90, -200, 1710, -197}, {90, 1400, 1710, 1403}};
    for (const auto& [left, right] : rows_of(arranged_letters(letters, ruling)))
        EXPECT_TRUE(left == 900 || right == 800);
}

/// A typewriter's letters are most of such a row, and the white before them is not so many spaces.
TEST(Columns, ArePartedBetweenProseAndCode) {
    std::vector<Letter> letters;
    for (int32_t i = 0; i < 12; ++i) {
        add_prose(letters, 100, 400, 200 + pitch * i);
        add_typewriting(letters, "select all where they go on and then all of them go land in it", 440,
                        200 + pitch * i);
    }
    EXPECT_EQ(parted_at_gutters(pieces_of(std::move(letters)), {}).size(), 24u);
}

/// It is high, but no heading, and what it closes is not in the other column.
TEST(Columns, AreReadToTheBracketThatEndsThem) {
    for (const int32_t height : {28, 44}) {
        constexpr size_t lines = 9;
        std::vector<Letter> letters;
        for (int32_t i = 0; i < static_cast<int32_t>(lines); ++i) {
            add_prose(letters, 100, 900, 200 + pitch * i);
            add_prose(letters, 940, 1740, 200 + pitch * i);
        }
        add_letter(letters, 100, 10, height, 200 + pitch * 11);
        add_prose(letters, 800, 1000, 200 + pitch * 30);
        const auto rows = rows_of(arranged_letters(letters));
        ASSERT_EQ(rows.size(), 2 * lines + 2) << height;
        EXPECT_EQ(rows[lines], std::pair(100, 110)) << height;
    }
}

/// Thin strokes may be lost: the row seems to go on from part to part, past the letter that the rest of it begins with.
TEST(Rows, GoOnThroughALetterInParts) {
    std::vector<Letter> letters;
    add_prose(letters, 100, 500, 200);
    add_letter(letters, 502, 8, x_height, 200);
    add_letter(letters, 508, 5, 9, 189);
    add_letter(letters, 524, 4, 5, 186);
    add_letter(letters, 515, 4, 3, 200);
    add_letter(letters, 515, 13, 22, 200);
    add_prose(letters, 531, 900, 200);
    EXPECT_EQ(pieces_of(std::move(letters)).size(), 1u);
}

TEST(Rows, HaveAnEqualsSignInOnePiece) {
    std::vector<Letter> letters;
    add_typewriting(letters, "all of them", 100, 200);
    for (const int32_t bottom : {184, 192}) {
        const Box box{500, bottom - 3, 522, bottom};
        letters.push_back({box, box, 66});
    }
    add_typewriting(letters, "on land", 700, 200);
    const std::vector<RowPiece> pieces = legible(pieces_of(std::move(letters)), {}).pieces;
    ASSERT_EQ(pieces.size(), 3u);
    EXPECT_EQ(std::ranges::count_if(pieces, [](const RowPiece& piece) { return piece.letters.size() == 2; }), 1);
    EXPECT_EQ(rows_of(arranged(pieces, {}, {})).size(), 1u);
}

/// Brackets, commas and underscores reach below the line.
TEST(Rows, OfCodeAreText) {
    std::vector<Letter> letters;
    constexpr std::array<int32_t, 8> below{0, 5, 0, 8, 0, 10, 0, 9};
    for (int32_t i = 0; i < 32; ++i) {
        const int32_t low = below[static_cast<size_t>(i) % below.size()];
        add_letter(letters, 100 + 22 * i, 16, x_height + low, 200 + low);
    }
    RowPiece piece;
    piece.letters = std::move(letters);
    measure(piece);
    EXPECT_TRUE(is_regular(piece));
    // Not where they stand at any distance.
    for (size_t i = 0; i < piece.letters.size(); i += 2) piece.letters[i].box.left -= static_cast<int32_t>(i % 9);
    measure(piece);
    EXPECT_EQ(piece.pitch, 0);
    EXPECT_FALSE(is_regular(piece));
}

}  // namespace
}  // namespace pg_ocr
