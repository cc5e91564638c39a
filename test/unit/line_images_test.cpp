#include "engine/layout/line_images.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <tesseract/baseapi.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <sstream>

#include "engine/layout/baseline.h"
#include "engine/layout/recognisers.h"
#include "engine/read/pixels.h"
#include "engine/read/reader.h"
#include "reading.h"

namespace pg_ocr {
namespace {

constexpr uint32_t height = 36;

/// A page in Tesseract, for as long as it lives.
class PageSet {
  public:
    explicit PageSet(PIX* page, int32_t dpi = 300) : tesseract_(recognisers().for_languages("eng")) {
        tesseract_.SetImage(page);
        tesseract_.SetSourceResolution(dpi);
    }
    ~PageSet() { tesseract_.Clear(); }
    PageSet(const PageSet&) = delete;
    PageSet& operator=(const PageSet&) = delete;

    std::vector<TextBlock> blocks(int32_t mode = 3) { return text_blocks_of(tesseract_, mode); }
    std::vector<recognise::LineImage> images(int32_t mode = 3) {
        std::vector<recognise::LineImage> images;
        for (const TextBlock& block : blocks(mode))
            for (const LineOfUnits& line : block.lines)
                for (const LineUnit& unit : line.units)
                    images.push_back(line_image_of(tesseract_.GetInputImage(), unit, block.quarter_turns, height));
        return images;
    }

  private:
    tesseract::TessBaseAPI& tesseract_;
};

PageImage page_of(const std::string& name) {
    const std::string document = contents_of(data_path(name));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    return open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
}

Pixels page_of_grey(int32_t width, int32_t rows, uint32_t grey) {
    Pixels page(pixCreate(width, rows, 8));
    pixSetAllArbitrary(page.get(), grey);
    return page;
}

std::string fingerprint(const recognise::LineImage& line) {
    uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
    for (int bits = 0; bits < 32; bits += 8) add(static_cast<uint8_t>(line.width >> bits));
    std::ranges::for_each(line.pixels, add);
    std::ostringstream text;
    text << std::hex << std::setw(16) << std::setfill('0') << hash;
    return text.str();
}

bool lies_within(const Box& box, const Box& outer) {
    return box.left >= outer.left && box.top >= outer.top && box.right <= outer.right && box.bottom <= outer.bottom &&
           box.left < box.right && box.top < box.bottom;
}

TEST(LineImages, AreTesseractsOwnToTheByte) {
    if (std::string(tesseract::TessBaseAPI::Version()) != "5.3.0") GTEST_SKIP() << "recorded with Tesseract 5.3.0";
    std::ifstream recorded(data_path("recognise/line_images.txt"));
    ASSERT_TRUE(recorded);
    size_t pages = 0;
    for (std::string row; std::getline(recorded, row);) {
        if (row.starts_with('#')) continue;
        std::istringstream fields(row);
        int32_t mode = 0;
        std::string name;
        fields >> mode >> name;
        const std::vector<std::string> expected{std::istream_iterator<std::string>(fields), {}};
        const PageImage image = page_of(name);
        PageSet page(image.pixels.get(), image.dpi);
        std::vector<std::string> seen;
        // What Tesseract finds too narrow for its network never gets there.
        for (const recognise::LineImage& line : page.images(mode))
            if (line.width >= 3) seen.push_back(fingerprint(line));
        EXPECT_EQ(seen, expected) << name << " in mode " << mode;
        ++pages;
    }
    EXPECT_GT(pages, 50u);
}

TEST(LineImages, AreWholeInEveryMode) {
    const PageImage image = page_of("formats/testocr.png");
    const Box whole{0, 0, pixGetWidth(image.pixels.get()), pixGetHeight(image.pixels.get())};
    for (int32_t mode : {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}) {
        PageSet page(image.pixels.get());
        const std::vector<TextBlock> blocks = page.blocks(mode);
        EXPECT_FALSE(blocks.empty()) << mode;
        for (const TextBlock& block : blocks) {
            EXPECT_FALSE(block.lines.empty());
            for (const LineOfUnits& line : block.lines) {
                EXPECT_FALSE(line.units.empty());
                for (const LineUnit& unit : line.units) {
                    EXPECT_TRUE(lies_within(unit.crop, whole)) << mode;
                    for (const Box& blob : unit.blobs) EXPECT_TRUE(lies_within(blob, unit.box)) << mode;
                }
            }
        }
        for (const recognise::LineImage& line : page.images(mode))
            EXPECT_EQ(line.pixels.size(), size_t{line.width} * line.height) << mode;
    }
}

TEST(LineImages, ComeInReadingOrderUprightFromTurnedPages) {
    constexpr int32_t finding_the_turn = 1;
    for (const auto& [name, turns] : {std::pair{"phototest/phototest.tif", 0},
                                      {"phototest/phototest-rotated-L.png", 1},
                                      {"phototest/phototest-rotated-180.png", 2},
                                      {"phototest/phototest-rotated-R.png", 3}}) {
        const PageImage image = page_of(name);
        PageSet page(image.pixels.get(), image.dpi);
        const std::vector<TextBlock> blocks = page.blocks(finding_the_turn);
        ASSERT_EQ(blocks.size(), 1u) << name;
        EXPECT_EQ(blocks[0].quarter_turns, turns) << name;
        ASSERT_EQ(blocks[0].lines.size(), 8u) << name;
        const auto depth = [&, turned = turns](const Box& box) {
            return std::array{box.top, box.left, -box.bottom, -box.right}[static_cast<size_t>(turned)];
        };
        for (size_t i = 1; i < 8; ++i)
            EXPECT_LT(depth(blocks[0].lines[i - 1].units[0].box), depth(blocks[0].lines[i].units[0].box)) << name;
        for (const recognise::LineImage& line : page.images(finding_the_turn))
            EXPECT_GT(line.width, line.height) << name;
    }
}

TEST(LineImages, LeaveNothingBehind) {
    const PageImage image = page_of("formats/testocr.png");
    const auto bytes_after_pages = [&](int pages) {
        for (int i = 0; i < pages; ++i) PageSet(image.pixels.get(), image.dpi).blocks();
        return mallinfo2().uordblks;
    };
    const size_t before = bytes_after_pages(2);
    EXPECT_LT(bytes_after_pages(10), before + 50'000);
}

TEST(LineImages, OfOneLine) {
    const PageImage image = page_of("archiscribe-de/bub_gb_niZMAAAAcAAJ_37d3baec.png");
    PageSet page(image.pixels.get(), image.dpi);
    const std::vector<TextBlock> blocks = page.blocks(7);
    ASSERT_EQ(blocks.size(), 1u);
    ASSERT_EQ(blocks[0].lines.size(), 1u);
    ASSERT_EQ(blocks[0].lines[0].units.size(), 1u);
}

TEST(LineImages, AreNoneWhereThereIsNoText) {
    for (int32_t mode : {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
        for (uint32_t grey : {0u, 128u, 255u}) {
            const Pixels blank = page_of_grey(400, 300, grey);
            PageSet page(blank.get());
            for (const recognise::LineImage& line : page.images(mode))
                EXPECT_EQ(line.pixels.size(), size_t{line.width} * line.height) << mode;
        }
    const Pixels blank = page_of_grey(400, 300, 255);
    PageSet page(blank.get());
    EXPECT_TRUE(page.blocks().empty());
}

TEST(LineImages, OfPagesTinyLongAndHuge) {
    for (const auto& [width, rows] : {std::pair{1, 1}, {3, 3}, {10, 2}, {2, 4000}, {32767, 3}, {6000, 6000}})
        for (int32_t mode : {3, 6, 7, 10, 13}) {
            const Pixels dotted = page_of_grey(width, rows, 255);
            for (int32_t x = 0; x < width; x += 7) pixSetPixel(dotted.get(), x, rows / 2, 0);
            PageSet page(dotted.get());
            for (const recognise::LineImage& line : page.images(mode))
                EXPECT_EQ(line.pixels.size(), size_t{line.width} * line.height) << width << 'x' << rows;
        }
}

TEST(LineImages, AreNotTakenForEmptyWhereMemoryIsShort) {
    const Pixels blank = page_of_grey(32767, 1, 255);
    LineUnit unit;
    unit.crop = {0, 0, 32767, 1};
    EXPECT_EQ(line_image_of(blank.get(), unit, 0, height).width, 32767 * height);
    EXPECT_TRUE(line_image_of(blank.get(), unit, 1, height).pixels.empty());
    constexpr uint32_t too_high = 1000;  // of 32 gigapixels
    EXPECT_THROW(line_image_of(blank.get(), unit, 0, too_high), std::bad_alloc);
}

TEST(LineImages, AreCutFromWhatIsOnThePage) {
    const Pixels blank = page_of_grey(200, 100, 77);
    LineUnit unit;
    unit.crop = {-50, 40, 900, 180};
    const recognise::LineImage line = line_image_of(blank.get(), unit, 0, height);
    EXPECT_EQ(line.width, 120u);
    EXPECT_TRUE(std::ranges::all_of(line.pixels, [](uint8_t pixel) { return pixel == 77; }));
    unit.crop = {200, 40, 210, 60};
    EXPECT_TRUE(line_image_of(blank.get(), unit, 0, height).pixels.empty());
}

TEST(LineImages, InvertedTwiceAreTheSame) {
    const recognise::LineImage line{2, 1, {0, 200}};
    EXPECT_EQ(inverted(line).pixels, (std::vector<uint8_t>{255, 55}));
    EXPECT_EQ(inverted(inverted(line)).pixels, line.pixels);
}

TEST(LineImages, TellHowManyPixelsOfThePageAreOne) {
    LineUnit unit;
    unit.crop = {100, 200, 150, 500};
    EXPECT_FLOAT_EQ(page_pixels_of(unit, 0, height), 300.0f / 36);
    EXPECT_FLOAT_EQ(page_pixels_of(unit, 1, height), 50.0f / 36);
}

RowBlob letter(int32_t left, int32_t bottom) { return {{left, bottom, left + 10, bottom + 20}, {}}; }

TEST(Baselines, AreFittedToLettersThatStandOnThem) {
    std::vector<RowBlob> row;
    row.reserve(80);
    for (int32_t i = 0; i < 20; ++i) row.push_back(letter(i * 20, 100 + i / 4 - (i % 5 == 2 ? 8 : 0)));
    const std::vector<BaselineSample> samples{{0, 100}, {390, 104}};
    const Baseline baseline = fit_baseline(row, 25, samples);
    EXPECT_EQ(baseline.misses(samples), 0);
    EXPECT_NEAR(baseline.at(195), 102, 0.5);
}

TEST(Baselines, FollowAStep) {
    std::vector<RowBlob> row;
    row.reserve(80);
    for (int32_t i = 0; i < 30; ++i) row.push_back(letter(i * 20, i < 15 ? 100 : 102));
    const Baseline baseline = fit_baseline(row, 25, std::vector<BaselineSample>{{0, 100}, {590, 102}});
    EXPECT_NEAR(baseline.at(100), 100, 0.6);
    EXPECT_NEAR(baseline.at(500), 102, 0.6);
}

TEST(Baselines, OfARowWithoutBlobsAreWhatIsTold) {
    const Baseline baseline = fit_baseline({}, 0, std::vector<BaselineSample>{{0, 10}, {100, 20}});
    EXPECT_FLOAT_EQ(baseline.at(50), 15);
}

TEST(Baselines, TakeLettersThatTouchApart) {
    // Six letters, the last of which hangs a pixel low: as one box it would draw the line down.
    RowBlob wide{{60, 99, 180, 120}, std::vector<RowBlob::Column>(120, {100, 120})};
    wide.columns.back().bottom = 99;
    const std::vector<RowBlob> row{letter(0, 100), letter(30, 100), wide, letter(185, 100)};
    const Baseline baseline = fit_baseline(row, 25, std::vector<BaselineSample>{{0, 100}, {195, 100}});
    EXPECT_GT(baseline.at(120), 99.8f);
}

TEST(Baselines, HaveTheirStepsSmoothed) {
    std::vector<RowBlob> row;
    row.reserve(80);
    for (int32_t i = 0; i < 80; ++i) row.push_back(letter(i * 20, 100 + (i / 20 % 2) * 3 - (i % 20 == 10 ? 1 : 0)));
    const Baseline baseline = fit_baseline(row, 25, std::vector<BaselineSample>{{0, 100}, {1590, 103}});
    float steepest = 0;
    for (int32_t x = 0; x < 1600; ++x) steepest = std::max(steepest, std::abs(baseline.at(x + 1) - baseline.at(x)));
    EXPECT_LT(steepest, 2.5f);  // 2.7 where two pieces meet at it
}

}  // namespace
}  // namespace pg_ocr
