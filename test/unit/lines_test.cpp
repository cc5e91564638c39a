// Our own layout, from ink to lines in reading order.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/layout/ink.h"
#include "engine/layout/own_layout.h"
#include "engine/lines/components.h"
#include "engine/lines/parts.h"
#include "engine/lines/slope.h"
#include "engine/lines/text_page.h"
#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/write/page_text.h"
#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

PageImage image_of(const std::string& page) {
    const std::string document = contents_of(data_path(page));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    PageImage image = open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
    image.ink = black_on_white(image.pixels.get());
    return image;
}

using Known = std::tuple<int32_t, int32_t, int32_t, int32_t, int32_t>;

std::vector<Known> by_us(PIX* ink) {
    std::vector<Known> all;
    for (const Component& each : components_of(ink))
        all.emplace_back(each.box.top, each.box.left, each.box.right, each.box.bottom, each.pixels);
    std::ranges::sort(all);
    return all;
}

std::vector<Known> by_leptonica(PIX* ink) {
    PIXA* images = nullptr;
    BOXA* boxes = pixConnComp(ink, &images, 8);
    std::vector<Known> all;
    for (l_int32 i = 0; i < boxaGetCount(boxes); ++i) {
        l_int32 x = 0, y = 0, width = 0, height = 0, pixels = 0;
        boxaGetBoxGeometry(boxes, i, &x, &y, &width, &height);
        const Pixels image(pixaGetPix(images, i, L_CLONE));
        pixCountPixels(image.get(), &pixels, nullptr);
        all.emplace_back(y, x, x + width, y + height, pixels);
    }
    boxaDestroy(&boxes);
    pixaDestroy(&images);
    std::ranges::sort(all);
    return all;
}

TEST(Components, AreLeptonicasOnPages) {
    for (const char* page : {"phototest/phototest.tif", "phototest/eurotext.tif", "ocrmypdf-robust/typewriter.png"}) {
        const PageImage image = image_of(page);
        EXPECT_EQ(by_us(image.ink.get()), by_leptonica(image.ink.get())) << page;
    }
}

TEST(Components, AreLeptonicasOnNoiseOfAnyWidth) {
    std::mt19937 random(7);
    for (int32_t width = 1; width <= 130; width += 3)
        for (const uint32_t share : {1u, 3u, 5u, 9u}) {
            const Pixels ink(pixCreate(width, 40, 1));
            for (int32_t y = 0; y < 40; ++y)
                for (int32_t x = 0; x < width; ++x)
                    if (random() % 10 < share) pixSetPixel(ink.get(), x, y, 1);
            EXPECT_EQ(by_us(ink.get()), by_leptonica(ink.get())) << width << ' ' << share;
        }
}

/// Pixels down for each to the right, of phototest turned by so much.
double slope_when_turned(double degrees) {
    const PageImage image = image_of("phototest/phototest.tif");
    constexpr double degree = 3.14159265358979 / 180;
    const Pixels turned(
        pixRotate(image.ink.get(), static_cast<float>(degrees * degree), L_ROTATE_SAMPLING, L_BRING_IN_WHITE, 0, 0));
    const PageParts parts = parts_of(turned.get());
    return slope_of(parts.letters, parts.size) / degree;
}

TEST(Slope, IsThatOfThePage) {
    const double upright = slope_when_turned(0);
    for (const double degrees : {-4.0, -1.5, 0.5, 3.0})
        EXPECT_NEAR(slope_when_turned(degrees) - upright, degrees, 0.15);
}

std::string text_of(PageImage& image) {
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(1);
    return page_text(read_page(recognisers().layout_for("eng", 3), recognisers().models().for_languages("eng"), image,
                               3, never, LinesBy::own));
}

std::string text_of(const std::string& page) {
    PageImage image = image_of(page);
    return text_of(image);
}

/// The bounds lie a little above what was measured; behind it, what the same lines have when Tesseract finds them.
struct Sample {
    const char* page;
    double bound;
};

class OwnLines : public testing::TestWithParam<Sample> {};

TEST_P(OwnLines, AreReadInTheirOrder) {
    const std::string truth = contents_of(data_path(std::string(GetParam().page) + ".gt.txt"));
    EXPECT_LE(character_error_rate(truth, text_of(GetParam().page)), GetParam().bound) << GetParam().page;
}

INSTANTIATE_TEST_SUITE_P(Pages, OwnLines,
                         testing::Values(Sample{"phototest/phototest.tif", 0.005},            // 0.000; 0.000
                                         Sample{"phototest/phototest-rotated-L.png", 0.005},  // 0.000; 0.820
                                         Sample{"phototest/phototest-rotated-R.png", 0.005},  // 0.000; 0.000
                                         Sample{"phototest/eurotext.tif", 0.03},              // 0.022; 0.022
                                         Sample{"linn/linn.pdf", 0.03},                       // 0.018; 0.010
                                         Sample{"linn/skew.pdf", 0.03},                       // 0.019; 0.396
                                         Sample{"formats/testocr.png", 0.005}));              // 0.000; 0.000

/// White on black, in a bar across a page that is black on white.
TEST(OwnLines, AreFoundInBlackBars) {
    PageImage image = image_of("phototest/phototest.tif");
    const std::string before = text_of(image);
    image = image_of("phototest/phototest.tif");
    // It ends between two lines.
    const l_int32 width = pixGetWidth(image.pixels.get());
    l_int32 height = pixGetHeight(image.pixels.get()) / 3, inked = 1;
    for (; inked != 0; ++height) pixCountPixelsInRow(image.ink.get(), height, &inked, nullptr);
    pixRasterop(image.pixels.get(), 0, 0, width, height, PIX_NOT(PIX_DST), nullptr, 0, 0);
    image.ink = black_on_white(image.pixels.get());
    EXPECT_LE(character_error_rate(before, text_of(image)), 0.02);
}

/// Dark on a grey that is ink by the page's threshold.
TEST(OwnLines, AreFoundOnGreyGrounds) {
    const std::string before = text_of("phototest/phototest.tif");
    const PageImage image = image_of("phototest/phototest.tif");
    PageImage grey{Pixels(pixConvertTo8(image.ink.get(), 0)), 70, 0, {}};
    for (l_int32 y = 0; y < pixGetHeight(grey.pixels.get()) / 3; ++y)
        for (l_int32 x = 0; x < pixGetWidth(grey.pixels.get()); ++x) {
            l_uint32 was = 0;
            pixGetPixel(grey.pixels.get(), x, y, &was);
            pixSetPixel(grey.pixels.get(), x, y, std::min(was, l_uint32{110}));
        }
    grey.ink = black_on_white(grey.pixels.get());
    EXPECT_LE(character_error_rate(before, text_of(grey)), 0.02);
}

/// A page, its middle lower than its sides by so much, as that of an open book may be.
PageImage bent(const std::string& name, double pixels) {
    PageImage image = image_of(name);
    const Pixels page(pixConvertTo8(image.pixels.get(), 0));
    const l_int32 width = pixGetWidth(page.get()), height = pixGetHeight(page.get());
    image.pixels.reset(pixCreateTemplate(page.get()));
    pixSetAll(image.pixels.get());
    for (l_int32 x = 0; x < width; ++x) {
        const auto down = static_cast<l_int32>(std::lround(pixels * std::sin(3.14159265358979 * x / width)));
        pixRasterop(image.pixels.get(), x, down, 1, height - down, PIX_SRC, page.get(), x, 0);
    }
    image.ink = black_on_white(image.pixels.get());
    return image;
}

TEST(OwnLines, AreReadWhereTheyBendALittleAndDoubtedWhereMore) {
    PageImage little = bent("phototest/phototest.tif", 4);
    EXPECT_EQ(text_page_of(little.ink.get()).doubt, "");
    EXPECT_LE(character_error_rate(text_of("phototest/phototest.tif"), text_of(little)), 0.01);
    EXPECT_EQ(text_page_of(bent("linn/linn.pdf", 8).ink.get()).doubt, "");
    for (const double pixels : {32.0, 40.0})
        EXPECT_EQ(text_page_of(bent("linn/linn.pdf", pixels).ink.get()).doubt, "the lines of the page bend") << pixels;
}

TEST(OwnLines, HaveNoneOnAnEmptyPage) {
    const Pixels ink(pixCreate(800, 600, 1));
    EXPECT_TRUE(text_page_of(ink.get()).blocks.empty());
    pixSetAll(ink.get());
    EXPECT_TRUE(text_page_of(ink.get()).blocks.empty());
}

TEST(OwnLines, AreDoubtedWhereAPageIsNoise) {
    std::mt19937 random(5);
    const Pixels ink(pixCreate(4000, 4000, 1));
    for (int32_t i = 0; i < 1'000'000; ++i)
        pixSetPixel(ink.get(), static_cast<l_int32>(random() % 4000), static_cast<l_int32>(random() % 4000), 1);
    const TextPage page = text_page_of(ink.get());
    EXPECT_FALSE(page.doubt.empty());
    EXPECT_TRUE(page.blocks.empty());
}

/// All lines lie on the page, whatever is on it.
TEST(OwnLines, StayOnThePage) {
    std::mt19937 random(11);
    for (const uint32_t share : {1u, 5u, 20u, 50u}) {
        const Pixels ink(pixCreate(500, 400, 1));
        for (int32_t y = 0; y < 400; ++y)
            for (int32_t x = 0; x < 500; ++x)
                if (random() % 100 < share) pixSetPixel(ink.get(), x, y, 1);
        for (const int32_t turns : {0, 1, 2, 3})
            for (const TextBlock& block : text_page_of(ink.get(), turns).blocks)
                for (const LineOfUnits& line : block.lines)
                    for (const LineUnit& unit : line.units) {
                        EXPECT_GE(unit.crop.left, 0);
                        EXPECT_GE(unit.crop.top, 0);
                        EXPECT_LE(unit.crop.right, 500);
                        EXPECT_LE(unit.crop.bottom, 400);
                        EXPECT_LT(unit.crop.left, unit.crop.right);
                        EXPECT_LT(unit.crop.top, unit.crop.bottom);
                    }
    }
}

}  // namespace
}  // namespace pg_ocr
