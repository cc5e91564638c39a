#include "recognise/reading_order.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "reading.h"

namespace pg_ocr::recognise {
namespace {

LineWord word_of(std::initializer_list<std::pair<const char*, Direction>> characters) {
    LineWord word;
    for (const auto& [text, direction] : characters) {
        Character character;
        character.text = text;
        character.direction = direction;
        word.word.text += text;
        word.characters.push_back(character);
    }
    return word;
}

constexpr auto L = Direction::left_to_right;
constexpr auto R = Direction::right_to_left;
constexpr auto AL = Direction::right_to_left_arabic;
constexpr auto EN = Direction::european_number;
constexpr auto CS = Direction::common_number_separator;
constexpr auto ET = Direction::european_number_terminator;
constexpr auto ON = Direction::other_neutral;

TEST(ReadingOrder, IsThatOfTesseractsIterator) {
    std::ifstream file(data_path("recognise/reading_order.txt"));
    std::string row;
    size_t lines = 0;
    while (std::getline(file, row)) {
        const bool left_to_right = row == "left";
        std::vector<LineWord> line;
        std::vector<std::string> expected;
        while (std::getline(file, row) && !row.empty()) {
            std::istringstream fields(row);
            std::string kind, text;
            fields >> kind;
            if (kind == "read") {
                expected.push_back(row.substr(5));
                continue;
            }
            line.emplace_back();
            for (int direction = 0; fields >> text >> direction;) {
                Character character;
                character.text = text;
                character.direction = static_cast<Direction>(direction);
                line.back().word.text += text;
                line.back().characters.push_back(character);
            }
        }
        std::vector<std::string> read;
        for (const Word& word : in_reading_order(line, left_to_right)) read.push_back(word.text);
        EXPECT_EQ(read, expected);
        ++lines;
    }
    EXPECT_EQ(lines, 13u);
}

TEST(ReadingOrder, NumbersInWordsFromRightToLeftKeepTheirs) {
    const std::vector<LineWord> line{word_of({{"%", ET}, {"1", EN}, {",", CS}, {"2", EN}, {"b", AL}, {"a", AL}})};
    EXPECT_EQ(in_reading_order(line, false).front().text, "ab%1,2");
}

TEST(ReadingOrder, MixedWordBeforeATurnHasNoMark) {
    const std::vector<LineWord> line{word_of({{"a", L}, {"b", R}}), word_of({{"c", R}})};
    const std::vector<Word> words = in_reading_order(line, true);
    EXPECT_EQ(words[0].text, "ab");
    EXPECT_EQ(words[1].text, "\u200Fc\u200E");
}

TEST(ReadingOrder, NeutralWordsAtTheRightBelongToALeftToRightRun) {
    const std::vector<LineWord> line{word_of({{"a", R}}), word_of({{"b", L}}), word_of({{"c", L}, {"d", R}}),
                                     word_of({{"e", L}}), word_of({{".", ON}})};
    std::vector<std::string> texts;
    for (const Word& word : in_reading_order(line, false)) texts.push_back(word.text);
    EXPECT_EQ(texts, (std::vector<std::string>{"\u200Eb", "cd\u200E", "e", ".\u200F", "a"}));
}

TEST(ReadingOrder, AnEmptyLineStaysEmpty) {
    EXPECT_TRUE(in_reading_order({}, true).empty());
    EXPECT_TRUE(in_reading_order({}, false).empty());
}

TEST(Paragraph, RunsAsItsFirstLineBeginsAndEnds) {
    const LineWord left = word_of({{"a", L}}), right = word_of({{"b", AL}}), neutral = word_of({{".", ON}});
    const auto runs = [](std::vector<std::vector<LineWord>> lines) { return runs_left_to_right(lines); };
    EXPECT_TRUE(runs({}));
    EXPECT_TRUE(runs({{}}));
    EXPECT_FALSE(runs({{right, left}}));
    EXPECT_TRUE(runs({{neutral, right, right, left}}));
    EXPECT_FALSE(runs({{neutral, right}}));
    EXPECT_TRUE(runs({{neutral, right}, {left}}));
    EXPECT_FALSE(runs({{neutral, right}, {left, right}}));
}

TEST(Paragraph, BeginsWhereLinesOfOneDirectionFollowThoseOfTheOther) {
    const std::vector<LineWord> left{word_of({{"a", L}})}, right{word_of({{"b", AL}})}, neutral{word_of({{".", ON}})};
    const std::vector<LineWord> ends_right{right[0], left[0]}, ends_left{left[0], right[0], left[0]};
    const auto directions = [](std::vector<std::vector<LineWord>> block) { return directions_of_paragraphs(block); };
    EXPECT_EQ(directions({}), std::vector<bool>());
    EXPECT_EQ(directions({right, left, left, right}), (std::vector<bool>{false, true, true, false}));
    EXPECT_EQ(directions({left, neutral, right, neutral}), (std::vector<bool>{true, true, false, false}));
    EXPECT_EQ(directions({left, ends_right, right}), (std::vector<bool>{true, false, false}));
    // Within a paragraph from right to left, a line may begin and end with words that run the other way.
    EXPECT_EQ(directions({right, ends_left, right}), (std::vector<bool>{false, false, false}));
    EXPECT_EQ(directions({ends_left, ends_right}), (std::vector<bool>{true, true}));
}

}  // namespace
}  // namespace pg_ocr::recognise
