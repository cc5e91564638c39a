#include "engine/tables/tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/read/pixels.h"
#include "engine/write/layout_json.h"

namespace pg_ocr {
namespace {

constexpr int32_t dpi = 300, letter = 18, high = 28, pitch = 50;

/// A page on which texts and lines are put; each text is a line of the layout, its words are parted by spaces.
class Paper {
  public:
    explicit Paper(int32_t depth = 1, int32_t width = 2480, int32_t height = 3508)
        : pixels_(pixCreate(width, height, depth)) {
        if (depth == 8) pixSetAllArbitrary(pixels_.get(), 255);
        layout_.blocks.emplace_back();
    }
    /// Leaning so much: pixels down for one across.
    void lean(double slope) { slope_ = slope; }
    void text(int32_t x, int32_t y, const std::string& words) {
        Line line;
        std::istringstream from(words);
        for (std::string word; from >> word;) {
            const auto width = static_cast<int32_t>(word.size()) * letter;
            const auto down = static_cast<int32_t>(std::lround(slope_ * x)),
                       left = static_cast<int32_t>(std::lround(slope_ * y));
            const Box box{x - left, y + down, x - left + width, y + down + high};
            line.words.push_back({word, box, 90, true});
            x += width + letter;
        }
        line.box = {line.words.front().box.left, line.words.front().box.top, line.words.back().box.right,
                    line.words.back().box.bottom};
        layout_.blocks.back().lines.push_back(std::move(line));
    }
    void begin_block() { layout_.blocks.emplace_back(); }
    void rule(int32_t x0, int32_t y0, int32_t x1, int32_t y1, int32_t grey = 0) {
        auto across = [&](int32_t x, int32_t y) { return static_cast<l_int32>(std::lround(x - slope_ * y)); };
        auto down = [&](int32_t x, int32_t y) { return static_cast<l_int32>(std::lround(y + slope_ * x)); };
        const l_int32 ax = across(x0, y0), ay = down(x0, y0), bx = across(x1, y1), by = down(x1, y1);
        if (pixGetDepth(pixels_.get()) == 1)
            pixRenderLine(pixels_.get(), ax, ay, bx, by, 3, L_SET_PIXELS);
        else
            pixRenderLineArb(pixels_.get(), ax, ay, bx, by, 3, static_cast<l_uint8>(grey), static_cast<l_uint8>(grey),
                             static_cast<l_uint8>(grey));
    }
    void grid(const std::vector<int32_t>& xs, const std::vector<int32_t>& ys, int32_t grey = 0) {
        for (int32_t y : ys) rule(xs.front(), y, xs.back(), y, grey);
        for (int32_t x : xs) rule(x, ys.front(), x, ys.back(), grey);
    }
    void blot(int32_t x, int32_t y, int32_t width, int32_t height) {
        pixRasterop(pixels_.get(), x, y, width, height, PIX_CLR, nullptr, 0, 0);
    }
    std::vector<Table> tables() const { return tables_of(layout_, pixels_.get(), dpi); }
    PIX* pixels() { return pixels_.get(); }
    Layout& layout() { return layout_; }

  private:
    Pixels pixels_;
    Layout layout_;
    double slope_ = 0;
};

/// Row by row, cells parted by '|', with spans as 'text<columns>x<rows>'.
std::string shown(const Table& table) {
    std::string text;
    int32_t row = 1;
    bool first = true;
    for (const Cell& cell : table.cells) {
        for (; row < cell.row; ++row) {
            text += '\n';
            first = true;
        }
        if (!first) text += '|';
        first = false;
        for (char c : cell.text) text += c == '\n' ? '/' : c;
        if (cell.column_span > 1 || cell.row_span > 1)
            text += '<' + std::to_string(cell.column_span) + 'x' + std::to_string(cell.row_span) + '>';
    }
    return text;
}
std::string shown(const std::vector<Table>& tables) {
    std::string text;
    for (const Table& table : tables) text += (text.empty() ? "" : "\n--\n") + shown(table);
    return text;
}

/// Each place of a table belongs to one cell, whose box is on the page.
void expect_whole(const std::vector<Table>& tables, PIX* page) {
    for (const Table& table : tables) {
        std::map<std::pair<int32_t, int32_t>, int> taken;
        for (const Cell& cell : table.cells) {
            for (int32_t row = cell.row; row < cell.row + cell.row_span; ++row)
                for (int32_t column = cell.column; column < cell.column + cell.column_span; ++column)
                    ++taken[{row, column}];
            EXPECT_TRUE(cell.box.left >= 0 && cell.box.top >= 0 && cell.box.left <= cell.box.right &&
                        cell.box.top <= cell.box.bottom && cell.box.right <= pixGetWidth(page) &&
                        cell.box.bottom <= pixGetHeight(page));
        }
        EXPECT_EQ(taken.size(), static_cast<size_t>(table.rows) * static_cast<size_t>(table.columns));
        for (const auto& [place, times] : taken) {
            EXPECT_EQ(times, 1);
            EXPECT_TRUE(place.first >= 1 && place.first <= table.rows && place.second >= 1 &&
                        place.second <= table.columns);
        }
    }
}

void put_small_table(Paper& paper) {
    paper.text(220, 215, "Fruit");
    paper.text(520, 215, "Weight");
    paper.text(820, 215, "Price");
    paper.text(220, 315, "Apple");
    paper.text(520, 315, "12");
    paper.text(820, 315, "3.50");
    paper.text(220, 415, "Big pear");
    paper.text(520, 415, "7");
    paper.text(820, 415, "4.10");
}
const std::string small_table = "Fruit|Weight|Price\nApple|12|3.50\nBig pear|7|4.10";

TEST(RuledTables, LinesBothWays) {
    Paper paper;
    paper.grid({200, 500, 800, 1100}, {200, 300, 400, 500});
    put_small_table(paper);
    const std::vector<Table> tables = paper.tables();
    ASSERT_EQ(shown(tables), small_table);
    expect_whole(tables, paper.pixels());
    EXPECT_EQ(tables[0].rows, 3);
    EXPECT_EQ(tables[0].columns, 3);
    EXPECT_FLOAT_EQ(tables[0].cells[0].confidence, 90);
    EXPECT_NEAR(tables[0].box.left, 200, 3);
    EXPECT_NEAR(tables[0].box.bottom, 500, 3);
    EXPECT_NEAR(tables[0].cells[4].box.left, 500, 3);
    EXPECT_NEAR(tables[0].cells[4].box.top, 300, 3);
}

TEST(RuledTables, LeaningLines) {
    for (double slope : {-0.03, -0.01, 0.01, 0.03}) {
        Paper paper;
        paper.lean(slope);
        paper.grid({200, 500, 800, 1100}, {200, 300, 400, 500});
        put_small_table(paper);
        EXPECT_EQ(shown(paper.tables()), small_table) << slope;
    }
}

TEST(RuledTables, LinesWithGaps) {
    Paper paper;
    paper.grid({200, 500, 800, 1100}, {200, 300, 400, 500});
    put_small_table(paper);
    for (int32_t x = 240; x < 1100; x += 150) paper.blot(x, 190, 8, 320);
    for (int32_t y = 230; y < 500; y += 90) paper.blot(190, y, 920, 8);
    EXPECT_EQ(shown(paper.tables()), small_table);
}

TEST(RuledTables, FaintLinesOnGrey) {
    Paper paper(8);
    paper.grid({200, 500, 800, 1100}, {200, 300, 400, 500}, 215);
    put_small_table(paper);
    EXPECT_EQ(shown(paper.tables()), small_table);
}

TEST(RuledTables, OpenSides) {
    Paper paper;
    for (int32_t y : {200, 300, 400, 500}) paper.rule(200, y, 1100, y);
    for (int32_t x : {500, 800}) paper.rule(x, 200, x, 500);
    put_small_table(paper);
    EXPECT_EQ(shown(paper.tables()), small_table);
}

TEST(RuledTables, CellsOverRowsAndColumns) {
    Paper paper;
    for (int32_t y : {200, 500}) paper.rule(200, y, 1100, y);
    paper.rule(500, 300, 1100, 300);
    paper.rule(200, 400, 1100, 400);
    for (int32_t x : {200, 500, 1100}) paper.rule(x, 200, x, 500);
    paper.rule(800, 300, 800, 500);
    paper.text(220, 265, "Fruit");
    paper.text(720, 215, "In 2011");
    paper.text(520, 315, "Weight");
    paper.text(820, 315, "Price");
    paper.text(220, 415, "Pear");
    paper.text(820, 415, "4.10");
    const std::vector<Table> tables = paper.tables();
    EXPECT_EQ(shown(tables), "Fruit<1x2>|In 2011<2x1>\nWeight|Price\nPear||4.10");
    expect_whole(tables, paper.pixels());
    EXPECT_FLOAT_EQ(tables.at(0).cells.at(5).confidence, 0) << "empty";
}

TEST(RuledTables, RowsWithoutLinesBetween) {
    Paper paper;
    paper.grid({200, 500, 800, 1100}, {200, 300, 700});
    paper.text(220, 215, "Year");
    paper.text(520, 215, "Sold");
    paper.text(820, 215, "Left");
    for (int32_t i = 0; i < 6; ++i) {
        paper.text(220, 320 + i * pitch, std::to_string(2001 + i));
        paper.text(520, 320 + i * pitch, std::to_string(10 + i));
        paper.text(820, 320 + i * pitch, std::to_string(90 - i));
    }
    EXPECT_EQ(shown(paper.tables()),
              "Year|Sold|Left\n2001|10|90\n2002|11|89\n2003|12|88\n2004|13|87\n2005|14|86\n2006|15|85");
}

TEST(RuledTables, LinesOfACellStayTogether) {
    Paper paper;
    paper.grid({200, 500, 1000}, {200, 350, 500});
    paper.text(220, 210, "Address");
    paper.text(520, 210, "12 Long Road");
    paper.text(520, 260, "Oxford");
    paper.text(220, 365, "Name");
    paper.text(520, 365, "Smith");
    EXPECT_EQ(shown(paper.tables()), "Address|12 Long Road/Oxford\nName|Smith");
}

TEST(RuledTables, BarsThatWereReadAsLettersAreLeftOut) {
    Paper paper;
    paper.grid({200, 500, 800, 1100}, {200, 300, 400, 500});
    put_small_table(paper);
    paper.text(500, 315, "|");
    paper.text(330, 215, "|x|");
    EXPECT_EQ(shown(paper.tables()).substr(0, 14), "Fruit x|Weight");
}

TEST(RuledTables, FramesAndFormsAndChartsAreNone) {
    Paper frame;
    frame.grid({200, 1200}, {200, 900});
    for (int32_t i = 0; i < 8; ++i) frame.text(220, 250 + i * pitch, "a frame around some words of text");
    EXPECT_EQ(shown(frame.tables()), "");
    Paper chart;
    chart.grid({200, 400, 600, 800, 1000, 1200}, {200, 300, 400, 500, 600});
    chart.text(500, 620, "Months");
    EXPECT_EQ(shown(chart.tables()), "");
}

TEST(RuledTables, NextToEmptyGridsAreNone) {
    Paper paper;
    paper.grid({200, 500, 800}, {200, 300, 400});
    paper.text(220, 215, "Fruit");
    paper.text(520, 315, "12");
    EXPECT_EQ(shown(paper.tables()), "");
    paper.text(520, 215, "Price");
    EXPECT_EQ(shown(paper.tables()), "Fruit|Price\n|12");
}

TEST(UnruledTables, FiguresUnderEachOther) {
    Paper paper;
    paper.text(300, 100, "A title over it all that is long enough");
    paper.text(600, 300, "2010");
    paper.text(900, 300, "2011");
    const std::vector<std::string> names{"Sales", "Cost of sales", "Gross profit", "Taxes", "Net profit"};
    for (int32_t i = 0; i < 5; ++i) {
        const int32_t y = 350 + i * pitch;
        paper.text(100, y, names[static_cast<size_t>(i)]);
        // To the right, under each other.
        const std::string first = std::to_string(1200 * (i + 1)), second = std::to_string(90 + i * 7);
        paper.text(672 - static_cast<int32_t>(first.size()) * letter, y, first);
        paper.text(972 - static_cast<int32_t>(second.size()) * letter, y, second);
    }
    const std::vector<Table> tables = paper.tables();
    EXPECT_EQ(
        shown(tables),
        "|2010|2011\nSales|1200|90\nCost of sales|2400|97\nGross profit|3600|104\nTaxes|4800|111\nNet profit|6000|118");
    expect_whole(tables, paper.pixels());
}

TEST(UnruledTables, HeadsOverColumnsAndNamesOfTwoLines) {
    Paper paper;
    paper.text(600, 200, "Year ended in May");
    paper.text(100, 250, "Name");
    paper.text(600, 250, "2010");
    paper.text(900, 250, "2011");
    for (int32_t i = 0; i < 4; ++i) {
        const int32_t y = 320 + i * 2 * pitch;
        paper.text(100, y, "Item number " + std::string(1, static_cast<char>('A' + i)));
        paper.text(600, y, std::to_string(1100 + i));
        paper.text(900, y, std::to_string(2100 + i));
        if (i == 1) paper.text(100, y + 40, "and its parts");
    }
    EXPECT_EQ(
        shown(paper.tables()),
        "|Year ended in May<2x1>\nName|2010|2011\nItem number A|1100|2100\nItem number B/and its parts|1101|2101\n"
        "Item number C|1102|2102\nItem number D|1103|2103");
}

TEST(UnruledTables, WordsBetweenLinesAcross) {
    Paper paper;
    for (int32_t y : {190, 245, 560}) paper.rule(100, y, 1100, y);
    paper.text(100, 200, "Letter");
    paper.text(500, 200, "Name");
    paper.text(800, 200, "Kind");
    const std::vector<std::string> names{"alpha", "beta", "gamma", "delta", "epsilon", "zeta"};
    for (int32_t i = 0; i < 6; ++i) {
        paper.text(100, 255 + i * pitch, std::string(1, static_cast<char>('a' + i)));
        paper.text(500, 255 + i * pitch, names[static_cast<size_t>(i)]);
        paper.text(800, 255 + i * pitch, i % 2 == 0 ? "vowel" : "other");
    }
    EXPECT_EQ(
        shown(paper.tables()),
        "Letter|Name|Kind\na|alpha|vowel\nb|beta|other\nc|gamma|vowel\nd|delta|other\ne|epsilon|vowel\nf|zeta|other");
}

TEST(UnruledTables, ColumnsOfTextAreNone) {
    Paper paper;
    std::mt19937 random(7);
    auto sentence = [&] {
        std::string text;
        while (text.size() < 50) text += std::string(2 + random() % 8, 'e') + ' ';
        return text;
    };
    for (int32_t x : {100, 1300}) {
        for (int32_t i = 0; i < 30; ++i) paper.text(x, 200 + i * pitch, sentence());
        paper.begin_block();
    }
    EXPECT_EQ(shown(paper.tables()), "");
}

TEST(UnruledTables, ListsContentsLabelsAndAddressesAreNone) {
    Paper paper;
    for (int32_t i = 0; i < 6; ++i) {
        paper.text(100, 100 + i * pitch, std::to_string(i + 1) + ".");
        paper.text(200, 100 + i * pitch, "What is to be done in the end");
        paper.text(100, 1100 + i * pitch, "A chapter of many words");
        paper.text(1500, 1100 + i * pitch, std::to_string(3 + 7 * i));
        paper.text(100, 2100 + i * pitch, "Name:");
        paper.text(500, 2100 + i * pitch, std::to_string(100 + i));
    }
    paper.text(100, 3000, "Miller and Sons");
    paper.text(1500, 3000, "12 Long Road");
    paper.text(100, 3050, "Builders");
    paper.text(1500, 3050, "Oxford");
    EXPECT_EQ(shown(paper.tables()), "");
}

TEST(Tables, OnPagesThatLieOnTheirSide) {
    Paper upright;
    upright.grid({200, 500, 800, 1100}, {200, 300, 400, 500});
    put_small_table(upright);
    for (int32_t turns : {1, 3}) {
        Pixels turned(pixRotateOrth(upright.pixels(), turns));
        const int32_t width = pixGetWidth(upright.pixels()), height = pixGetHeight(upright.pixels());
        Layout layout = upright.layout();
        for (Line& line : layout.blocks[0].lines)
            for (Word& word : line.words) {
                const Box box = word.box;
                word.box = turns == 1 ? Box{height - box.bottom, box.left, height - box.top, box.right}
                                      : Box{box.top, width - box.right, box.bottom, width - box.left};
                line.box = word.box;
            }
        const std::vector<Table> tables = tables_of(layout, turned.get(), dpi);
        EXPECT_EQ(shown(tables), small_table) << turns;
        expect_whole(tables, turned.get());
    }
}

TEST(Tables, APageOfAnythingCostsNoMoreThanItsSize) {
    std::mt19937 random(3);
    auto below = [&](int32_t most) { return static_cast<int32_t>(random() % static_cast<uint32_t>(most)); };
    Paper specks;
    for (uint32_t i = 0; i < 2480u * 3508u / 32; ++i) pixGetData(specks.pixels())[i] = static_cast<l_uint32>(random());
    for (int32_t i = 0; i < 50000; ++i) {
        const int32_t left = below(2470), top = below(3498);
        const Box box{left, top, left + 1 + below(9), top + 1 + below(9)};
        specks.layout().blocks[0].lines.push_back({box, 50, {{std::to_string(i), box, 50, false}}});
    }
    expect_whole(specks.tables(), specks.pixels());
    Paper rules;
    for (int32_t y = 0; y < 3508; y += 7) rules.rule(0, y, 2480, y);
    for (int32_t x = 0; x < 2480; x += 7) rules.rule(x, 0, x, 3508);
    rules.layout() = specks.layout();
    expect_whole(rules.tables(), rules.pixels());
    Paper figures;
    for (int32_t y = 0; y < 3500; y += 14)
        for (int32_t x = 0; x < 2470; x += 17) {
            const Box box{x, y, x + 8, y + 10};
            figures.layout().blocks[0].lines.push_back({box, 50, {{"7", box, 50, false}}});
        }
    expect_whole(figures.tables(), figures.pixels());
}

/// One word in each of so many places, which is all that a page of that size can be given.
void scatter(Paper& paper, int32_t across, int32_t down) {
    const int32_t width = pixGetWidth(paper.pixels()), height = pixGetHeight(paper.pixels());
    for (int32_t row = 0; row < down; ++row)
        for (int32_t column = 0; column < across; ++column) {
            const int32_t left = column * width / across, top = row * height / down;
            const Box box{left, top, left + std::max(1, width / across / 2), top + std::max(1, height / down / 2)};
            paper.layout().blocks[0].lines.push_back({box, 50, {{"7", box, 50, false}}});
        }
}

TEST(Tables, OnPagesThatAreNone) {
    for (const int32_t depth : {1, 8}) {
        Paper point(depth, 1, 1);
        scatter(point, 1, 1);
        EXPECT_EQ(shown(point.tables()), "");
        Paper black(depth);
        depth == 1 ? pixSetAll(black.pixels()) : pixClearAll(black.pixels());
        scatter(black, 2, 30);
        expect_whole(black.tables(), black.pixels());
        Paper chessboard(depth);
        for (int32_t y = 0; y < 3508; y += 20)
            for (int32_t x = y / 20 % 2 * 20; x < 2480; x += 40)
                pixRasterop(chessboard.pixels(), x, y, 20, 20, depth == 1 ? PIX_SET : PIX_CLR, nullptr, 0, 0);
        scatter(chessboard, 124, 175);
        expect_whole(chessboard.tables(), chessboard.pixels());
        Paper strip(depth, 30000, 60);
        for (int32_t x = 0; x < 30000; x += 15) strip.rule(x, 0, x, 59);
        strip.rule(0, 1, 29999, 1);
        strip.rule(0, 30, 29999, 30);
        strip.rule(0, 58, 29999, 58);
        scatter(strip, 3000, 3);
        expect_whole(strip.tables(), strip.pixels());
    }
}

TEST(Tables, AmongTenThousandLines) {
    Paper paper;
    std::mt19937 random(5);
    const auto below = [&](uint32_t most) { return static_cast<int32_t>(random() % most); };
    for (int32_t i = 0; i < 5000; ++i) {
        const int32_t x = below(2300), y = below(3300);
        paper.rule(x, y, x + 60 + below(100), y);
        paper.rule(x, y, x, y + 60 + below(100));
    }
    scatter(paper, 100, 140);
    const std::vector<Table> tables = paper.tables();
    EXPECT_LE(tables.size(), 100u);
    expect_whole(tables, paper.pixels());
}

/// All in one row, and in two columns.
TEST(Tables, OfMoreWordsThanARowHas) {
    Paper paper(1, 30000, 200);
    for (int32_t i = 0; i < 100000; ++i) {
        const int32_t left = i % 2 == 0 ? i % 1000 : 15000 + i % 1000, top = i % 3 * 60;
        const Box box{left, top, left + 8, top + 28};
        paper.layout().blocks[0].lines.push_back({box, 50, {{"7", box, 50, false}}});
    }
    expect_whole(paper.tables(), paper.pixels());
}

TEST(Tables, AreInTheLayoutsJson) {
    Layout layout;
    layout.tables.push_back(
        {{1, 2, 30, 40}, 1, 2, {{1, 1, 1, 1, {1, 2, 15, 40}, "a\"\nb", 91.25}, {1, 2, 1, 1, {15, 2, 30, 40}, "", 0}}});
    EXPECT_EQ(layout_json(layout),
              "{\"blocks\":[],\"tables\":[{\"box\":[1,2,30,40],\"rows\":1,\"columns\":2,\"cells\":["
              "{\"row\":1,\"column\":1,\"row_span\":1,\"column_span\":1,\"box\":[1,2,15,40],\"text\":\"a\\\"\\u000ab\","
              "\"confidence\":91.3},"
              "{\"row\":1,\"column\":2,\"row_span\":1,\"column_span\":1,\"box\":[15,2,30,40],\"text\":\"\","
              "\"confidence\":null}]}]}");
}

}  // namespace
}  // namespace pg_ocr
