#include "engine/layout/line_scaling.h"

#include <allheaders.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/layout/line_images.h"
#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

bool has_kernels() {
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") != 0;
#else
    return false;
#endif
}

/// Noise, black and white, slopes, or print; behind the rows there may be anything.
GreyRows random_rows(std::mt19937& random, uint32_t width, uint32_t height) {
    GreyRows rows(width, height);
    for (uint8_t& pixel : rows.pixels) pixel = static_cast<uint8_t>(random());
    const auto kind = random() % 4;
    for (uint32_t y = 0; y < height; ++y)
        for (uint32_t x = 0; x < width; ++x) {
            uint8_t& pixel = rows.row(y)[x];
            if (kind == 1) pixel = pixel % 2 == 0 ? 0 : 255;
            if (kind == 2) pixel = static_cast<uint8_t>(3 * x + y);
            if (kind == 3) pixel = static_cast<uint8_t>(pixel % 8 == 0 ? pixel / 16 : 255 - pixel % 6);
        }
    return rows;
}

Pixels as_leptonica_has(const GreyRows& rows) {
    Pixels pixels(pixCreate(static_cast<int32_t>(rows.width), static_cast<int32_t>(rows.height), 8));
    for (uint32_t y = 0; y < rows.height; ++y)
        for (uint32_t x = 0; x < rows.width; ++x)
            pixSetPixel(pixels.get(), static_cast<int32_t>(x), static_cast<int32_t>(y), rows.row(y)[x]);
    return pixels;
}

recognise::LineImage image_of(PIX* pixels) {
    recognise::LineImage image{
        static_cast<uint32_t>(pixGetWidth(pixels)), static_cast<uint32_t>(pixGetHeight(pixels)), {}};
    for (int32_t y = 0; y < pixGetHeight(pixels); ++y)
        for (int32_t x = 0; x < pixGetWidth(pixels); ++x) {
            l_uint32 value = 0;
            pixGetPixel(pixels, x, y, &value);
            image.pixels.push_back(static_cast<uint8_t>(value));
        }
    return image;
}

void expect_equal(const recognise::LineImage& seen, const recognise::LineImage& expected, const std::string& of) {
    ASSERT_EQ(seen.width, expected.width) << of;
    ASSERT_EQ(seen.height, expected.height) << of;
    ASSERT_EQ(seen.pixels, expected.pixels) << of;
}

TEST(LineScaling, IsLeptonicasToTheBit) {
    if (!has_kernels()) GTEST_SKIP() << "left to Leptonica";
    std::mt19937 random(1);
    size_t averaged = 0, interpolated = 0;
    for (uint32_t round = 0; round < 1500; ++round) {
        const auto width = static_cast<uint32_t>(1 + random() % (round % 10 == 0 ? 1500 : 150));
        const auto height = static_cast<uint32_t>(1 + random() % 110);
        const float factors[] = {36.0f / static_cast<float>(height), 48.0f / static_cast<float>(height),
                                 static_cast<float>(random() % 2000) / 700};
        const float factor = factors[round % 3];
        const GreyRows rows = random_rows(random, width, height);
        const std::optional<recognise::LineImage> seen = scaled(rows, factor);
        if (!seen) continue;
        ++(factor < 0.7f ? averaged : interpolated);
        const Pixels expected(pixScale(as_leptonica_has(rows).get(), factor, factor));
        ASSERT_TRUE(expected);
        ASSERT_NO_FATAL_FAILURE(
            expect_equal(*seen, image_of(expected.get()), std::to_string(width) + " x " + std::to_string(height)));
    }
    EXPECT_GT(averaged, 300u);
    EXPECT_GT(interpolated, 300u);
}

TEST(LineScaling, IsItsOwnForEveryHeightOfALine) {
    if (!has_kernels()) GTEST_SKIP() << "left to Leptonica";
    for (uint32_t height = 10; height < 108; ++height) {
        const bool is_special = height == 18 || height == 72;
        EXPECT_EQ(scaled(GreyRows(300, height), 36.0f / static_cast<float>(height)).has_value(), !is_special) << height;
    }
    EXPECT_FALSE(scaled(GreyRows(10, 9), 4));
    EXPECT_FALSE(scaled(GreyRows(10, 10), 0.02f));
    EXPECT_FALSE(scaled(GreyRows(10, 1), 0.4f));
}

/// As it would be done with Leptonica only.
recognise::LineImage cut_by_leptonica(PIX* page, const Box& crop, int32_t quarter_turns, uint32_t height) {
    BOX area{crop.left, crop.top, crop.right - crop.left, crop.bottom - crop.top, 1};
    Pixels pixels(pixClipRectangle(page, &area, nullptr));
    pixels.reset(pixRotateOrth(pixels.get(), quarter_turns));
    pixels.reset(pixConvertTo8(pixels.get(), 0));
    const float factor = static_cast<float>(height) / static_cast<float>(pixGetHeight(pixels.get()));
    pixels.reset(pixScale(pixels.get(), factor, factor));
    return image_of(pixels.get());
}

TEST(LineScaling, OfPartsOfPagesInGreyAndInBlackAndWhite) {
    std::mt19937 random(2);
    for (const int32_t depth : {8, 1}) {
        const Pixels grey = as_leptonica_has(random_rows(random, 331, 203));
        const Pixels page(depth == 8 ? pixClone(grey.get()) : pixThresholdToBinary(grey.get(), 128));
        for (int round = 0; round < 200; ++round) {
            LineUnit unit;
            unit.crop.left = static_cast<int32_t>(random() % 250);
            unit.crop.right = round % 5 == 0 ? 331 : unit.crop.left + 40 + static_cast<int32_t>(random() % 41);
            unit.crop.top = static_cast<int32_t>(random() % 150);
            unit.crop.bottom = round % 7 == 0 ? 203 : unit.crop.top + 20 + static_cast<int32_t>(random() % 33);
            const int32_t turns = round % 4;
            const recognise::LineImage seen = line_image_of(page.get(), unit, turns, 36);
            ASSERT_NO_FATAL_FAILURE(expect_equal(seen, cut_by_leptonica(page.get(), unit.crop, turns, 36),
                                                 std::to_string(depth) + " bits, turned " + std::to_string(turns)));
        }
    }
}

}  // namespace
}  // namespace pg_ocr
