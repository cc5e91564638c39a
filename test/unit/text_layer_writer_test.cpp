#include "engine/pdf/text_layer_writer.h"

#include <gtest/gtest.h>

#include <sstream>

#include "engine/pdf/glyphless_font.h"

namespace pg_ocr {
namespace {

PageLayout page_of(std::vector<Word> words, PageView view = {1, 1000, 2000, 300, 0, 0}) {
    Line line{{0, 0, 1000, 100}, 90, std::move(words)};
    Block block{line.box, {line}};
    return {view, {{block}, {}}};
}

Word word(const std::string& text, Box box) { return {text, box, 90, true}; }

std::string content_of_page(const PageLayout& page) {
    TextLayerWriter writer;
    writer.add(page);
    return writer.pages().empty() ? "" : writer.pages().begin()->second.content;
}

/// The six numbers before each Tm.
std::vector<std::vector<double>> matrices(const std::string& content) {
    std::vector<std::vector<double>> found;
    std::istringstream lines(content);
    for (std::string line; std::getline(lines, line);) {
        if (line.find(" Tm ") == std::string::npos) continue;
        std::istringstream numbers(line);
        std::vector<double> matrix(6);
        for (double& number : matrix) numbers >> number;
        found.push_back(matrix);
    }
    return found;
}

TEST(TextLayerWriter, PutsWordsOnOneBaselineOfTheirLine) {
    const std::string content =
        content_of_page(page_of({word("ag", {100, 220, 160, 260}), word("No", {200, 200, 260, 240})}));
    // From 200 to 260: letters 60 high, a fifth of it below the baseline, which is 248 from the top of 2000.
    EXPECT_EQ(content.substr(0, content.find('\n')), "/PgOcr 60 Tf");
    const auto places = matrices(content);
    ASSERT_EQ(places.size(), 2u);
    EXPECT_EQ(places[0], (std::vector<double>{1, 0, 0, 1, 100, 1752}));
    EXPECT_EQ(places[1], (std::vector<double>{1, 0, 0, 1, 200, 1752}));
    // Two glyphs of 30 are 60 wide as they are; the gap of 40 takes a glyph of 30 and a third.
    EXPECT_NE(content.find("100 Tz <00010002> Tj\n133.33 Tz <0003> Tj"), std::string::npos) << content;
}

TEST(TextLayerWriter, KeepsOverlappingWordsApart) {
    const auto places =
        matrices(content_of_page(page_of({word("one", {100, 0, 210, 100}), word("two", {200, 0, 300, 100})})));
    ASSERT_EQ(places.size(), 2u);
    EXPECT_EQ(places[0][4], 100);
    const std::string content =
        content_of_page(page_of({word("one", {100, 0, 210, 100}), word("two", {200, 0, 300, 100})}));
    EXPECT_NE(content.find("53.33 Tz <000100020003> Tj"), std::string::npos) << content;  // 80 wide, and 20 apart
}

TEST(TextLayerWriter, DrawsNoSpaceWhereNoneIsWritten) {
    TextLayerWriter writer;
    writer.add(page_of({word("日", {100, 0, 190, 100}), word("本", {210, 0, 300, 100})}));
    // The one at the line's end.
    EXPECT_EQ(writer.characters().characters(), (std::vector<char32_t>{U'日', U'本', U' '}));
}

TEST(TextLayerWriter, DrawsWhatRunsLeftwardAsItStands) {
    TextLayerWriter writer;
    writer.add(page_of({word("אב12", {500, 0, 700, 100}), word("ג", {300, 0, 400, 100})}));
    EXPECT_EQ(writer.characters().characters(), (std::vector<char32_t>{U'ג', U' ', 0x200f, U'1', U'2', U'ב', U'א'}));
}

TEST(TextLayerWriter, AsksBoxesWhichWayALineRuns) {
    auto first_of = [](Box one, Box other) {
        TextLayerWriter writer;
        writer.add(page_of({word("ab", one), word("אב", other)}));
        return writer.characters().characters().front();
    };
    EXPECT_EQ(first_of({500, 0, 700, 100}, {300, 0, 400, 100}), U'ב');
    EXPECT_EQ(first_of({300, 0, 400, 100}, {500, 0, 700, 100}), U'a');
}

TEST(TextLayerWriter, LeavesNoGapInLeftwardLinesThatPartsThem) {
    const std::string content =
        content_of_page(page_of({word("אב", {900, 0, 1000, 100}), word("גד", {100, 0, 200, 100})}));
    const auto places = matrices(content);
    ASSERT_EQ(places.size(), 2u);
    EXPECT_EQ(places[0], (std::vector<double>{1.8, 0, 0, 1, 100, 1920}));
    EXPECT_EQ(places[1][4], 900);
    // Two glyphs of 50 that the matrix makes 90 wide reach to 105 before the next word.
    EXPECT_NE(content.find("386.11111 Tz <00010002> Tj\n116.66667 Tz <0003>"), std::string::npos) << content;
    // Lines from left to right keep theirs.
    const std::string other =
        content_of_page(page_of({word("ab", {100, 0, 200, 100}), word("cd", {900, 0, 1000, 100})}));
    EXPECT_NE(other.find("1 0 0 1 100 1920 Tm 100 Tz <00010002> Tj"), std::string::npos) << other;
}

TEST(TextLayerWriter, GivesMarksLittleRoom) {
    const std::string content = content_of_page(
        page_of({word("אב", {480, 0, 700, 100}), word("12", {300, 0, 400, 100}), word("גד", {100, 0, 200, 100})}));
    // Of the 100 pixels of 12 its mark has 12.
    EXPECT_NE(content.find("1.8 0 0 1 300 1920 Tm 13.33333 Tz <0004> Tj\n48.88889 Tz <00050006> Tj"), std::string::npos)
        << content;
}

TEST(TextLayerWriter, FollowsLinesThatRunUpAndDown) {
    auto matrix = [](Box first, Box second) {
        return matrices(content_of_page(page_of({word("ab", first), word("cd", second)})))[0];
    };
    EXPECT_EQ(matrix({100, 100, 150, 200}, {100, 300, 150, 400}), (std::vector<double>{0, -1, 1, 0, 110, 1900}));
    EXPECT_EQ(matrix({100, 300, 150, 400}, {100, 100, 150, 200}), (std::vector<double>{0, 1, -1, 0, 140, 1600}));
}

TEST(TextLayerWriter, LeavesOutWhatHasNoPlace) {
    EXPECT_EQ(content_of_page(page_of({word("a", {5, 5, 5, 9}), word("b", {0, 0, INT32_MAX, 9}),
                                       word("c", {INT32_MIN, 0, 9, 9}), word("\x01", {0, 0, 9, 9})})),
              "");
    EXPECT_EQ(content_of_page(page_of({word("a", {0, 0, 9, 9})}, {1, 0, 100, 300, 0, 0})), "");
}

TEST(TextLayerWriter, FindsPointsOfTurnedPages) {
    const double left = 50, bottom = 100, right = 250, top = 500;
    auto place = [&](int32_t rotation, double x, double y) {
        const bool lies = rotation % 180 != 0;
        const PageView view{1, lies ? 400 : 200, lies ? 200 : 400, 72, rotation, 0};
        const Affine map = pixels_to_points(view, left, bottom, right, top);
        y = view.height - y;  // from the top
        return std::vector<double>{map.a * x + map.c * y + map.e, map.b * x + map.d * y + map.f};
    };
    // The image's upper left corner is the page's upper left one, and after a quarter clockwise its lower left one, …
    EXPECT_EQ(place(0, 0, 0), (std::vector<double>{50, 500}));
    EXPECT_EQ(place(90, 0, 0), (std::vector<double>{50, 100}));
    EXPECT_EQ(place(180, 0, 0), (std::vector<double>{250, 100}));
    EXPECT_EQ(place(270, 0, 0), (std::vector<double>{250, 500}));
    EXPECT_EQ(place(90, 400, 0), (std::vector<double>{50, 500}));
}

TEST(TextLayerWriter, UndoesTheSkewOfStraightenedPages) {
    // 90 degrees, so that it can be seen: the point right of the centre was above it.
    const auto places =
        matrices(content_of_page(page_of({word("ab", {900, 980, 960, 1010})}, {1, 1000, 2000, 300, 0, 90})));
    ASSERT_EQ(places.size(), 1u);
    EXPECT_NEAR(places[0][4], 504, 1);   // the baseline, 4 below the centre before, is right of it
    EXPECT_NEAR(places[0][5], 1400, 1);  // 400 above the centre
    EXPECT_NEAR(places[0][1], 1, 1e-5);  // and the word ran up
}

TEST(TextLayerWriter, NumbersMoreCharactersThanThereAreNumbers) {
    CharacterNumbers numbers;
    for (char32_t c = 0x20; c < 0x20 + 70000; ++c) numbers.number_of(c);
    EXPECT_LE(numbers.characters().size(), 65535u);
    EXPECT_EQ(numbers.number_of(0x20), 1);
    EXPECT_EQ(numbers.number_of(0x20000), numbers.number_of(0xfffd));
}

TEST(GlyphlessFont, MapsCharactersBeyondTheFirstPlane) {
    const std::string map = map_to_unicode({U'a', 0x1f600});
    EXPECT_NE(map.find("2 beginbfchar\n<0001> <0061>\n<0002> <D83DDE00>\nendbfchar"), std::string::npos) << map;
    EXPECT_NE(map_to_unicode(std::vector<char32_t>(150, U'x')).find("50 beginbfchar"), std::string::npos);
}

TEST(GlyphlessFont, HasAChecksumThatHolds) {
    const std::string font = glyphless_font_file();
    ASSERT_EQ(font.size() % 4, 0u);
    uint32_t sum = 0;
    for (size_t i = 0; i < font.size(); ++i)
        sum += static_cast<uint32_t>(static_cast<uint8_t>(font[i])) << (24 - 8 * (i % 4));
    EXPECT_EQ(sum, 0xb1b0afbau);
}

}  // namespace
}  // namespace pg_ocr
