#include "engine/pdf/drawn_order.h"

#include <gtest/gtest.h>

#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

/// The words as they are drawn, a bar between them; marks as < and >.
std::string drawn(const std::vector<std::u32string>& words, bool line_runs_leftward) {
    std::string line;
    for (const DrawnWord& word : drawn_line(words, line_runs_leftward)) {
        if (!line.empty()) line += '|';
        for (char32_t c : word.characters)
            if (c == 0x200e || c == 0x200f)
                line += c == 0x200e ? '>' : '<';
            else
                append_utf8(line, c);
    }
    return line;
}

std::string leftward(const std::vector<std::u32string>& words) { return drawn(words, true); }
std::string rightward(const std::vector<std::u32string>& words) { return drawn(words, false); }

TEST(DrawnOrder, TurnsWordsAndTheirLetters) {
    EXPECT_EQ(leftward({U"אב", U"גד", U"הו"}), "וה|דג|בא");
    EXPECT_EQ(rightward({U"ab", U"cd"}), "ab|cd");
    EXPECT_EQ(rightward({U"ab", U"גד", U"הו", U"cd"}), "ab|וה|דג>|cd");
}

TEST(DrawnOrder, KeepsNumbersAndForeignWordsAsTheyAre) {
    EXPECT_EQ(leftward({U"אב", U"12.5", U"גד"}), "דג|<12.5|בא");
    EXPECT_EQ(leftward({U"אב", U"2024/05/01"}), "2024/05/01|בא");
    EXPECT_EQ(leftward({U"אב", U"COVID-19", U"גד"}), "דג|<COVID-19|בא");
    EXPECT_EQ(leftward({U"אב", U"one", U"two", U"גד"}), "דג|<one|two|בא");
    EXPECT_EQ(leftward({U"אב", U"١٢", U"גד"}), "דג|<١٢|בא");
    EXPECT_EQ(leftward({U"אב", U"50%"}), "50%|בא");
    EXPECT_EQ(leftward({U"اب", U"50%"}), "%<50|با");  // as all programs draw it behind Arabic letters
}

TEST(DrawnOrder, KeepsAWordOfDigitsAndLettersInItsPlace) {
    EXPECT_EQ(leftward({U"قال", U"5اع", U"هنا"}), "انه|عا5|لاق");
    EXPECT_EQ(leftward({U"قال", U"اع5", U"هنا"}), "انه|<5عا|لاق");
    EXPECT_EQ(leftward({U"ה-5", U"ו-USB"}), "USB<-ו|<5<-ה");
}

TEST(DrawnOrder, PutsBracketsAndStopsAroundWhatTheyAreAround) {
    EXPECT_EQ(leftward({U"אב", U"(5)", U"גד"}), "דג|)<5(|בא");
    EXPECT_EQ(leftward({U"אב", U"(WHO)", U"גד"}), "דג|)<WHO(|בא");
    EXPECT_EQ(leftward({U"אב", U"[גד]"}), "]דג[|בא");
    EXPECT_EQ(leftward({U"אב", U"(one", U"of", U"two)", U"גד"}), "דג|)<one|of|two(|בא");
    EXPECT_EQ(rightward({U"ab", U"(אב", U"גד)", U"cd"}), "ab|(דג|בא>)|cd");
    EXPECT_EQ(leftward({U"אב", U"12."}), ".<12|בא");
    EXPECT_EQ(leftward({U"אב.", U"גד"}), "דג|<.בא");
}

TEST(DrawnOrder, TakesMarksOfTheTextForWhatTheySay) {
    // As Tesseract writes foreign words.
    EXPECT_EQ(leftward({U"אב", U"12", U"\u200eUSB\u200f", U"גד"}), "דג|<USB|<12|בא");
    EXPECT_EQ(leftward({U"אב", U"\u200eUSB\u200f", U"12", U"גד"}), "דג|<12|<USB|בא");
    EXPECT_EQ(leftward({U"אב", U"\u200e(one", U"two)\u200f", U"גד"}), "דג|)<one|two(|בא");
    EXPECT_EQ(leftward({U"\u200f", U"אב"}), "בא");
    EXPECT_TRUE(drawn_line({U"\u200f"}, true).empty());
}

TEST(DrawnOrder, TearsNoWordApart) {
    EXPECT_EQ(leftward({U"one", U"twoאב", U"three"}), "three|באtwo|one");
    for (const DrawnWord& word : drawn_line({U"a1אב2", U"3גc", U"-", U"د4", U"e"}, true))
        EXPECT_GE(word.characters.size(), 1u);
    EXPECT_EQ(drawn_line({U"a1אב2", U"3גc", U"-", U"د4", U"e"}, true).size(), 5u);
}

TEST(DrawnOrder, SaysWhichWordsRunLeftward) {
    const std::vector<DrawnWord> line = drawn_line({U"ab", U"مرحبا", U"12", U"cd"}, false);
    ASSERT_EQ(line.size(), 4u);
    EXPECT_EQ(line[1].number, 2u) << "a number stands left of the Arabic word that it follows";
    EXPECT_FALSE(line[0].runs_leftward);
    EXPECT_TRUE(line[1].runs_leftward);
    EXPECT_TRUE(line[2].runs_leftward);
    EXPECT_FALSE(line[3].runs_leftward);
}

TEST(DrawnOrder, AsksMostWordsWhichWayALineRuns) {
    EXPECT_TRUE(mostly_leftward({U"אב", U"12", U"13", U"14"}));
    EXPECT_TRUE(mostly_leftward({U"אב", U"cd"}));
    EXPECT_FALSE(mostly_leftward({U"אב", U"cd", U"ef"}));
    EXPECT_FALSE(runs_leftward(U"\u200f12"));
}

}  // namespace
}  // namespace pg_ocr
