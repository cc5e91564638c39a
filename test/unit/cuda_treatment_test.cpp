// What a card does to pages that are poor, run on the CPU: bit by bit what Leptonica makes of them there.
#include "cuda_on_cpu.h"

#include <allheaders.h>
#include <gtest/gtest.h>

#include <numbers>

#include "cuda/page_evened.cuh"
#include "cuda/page_local_ink.cuh"
#include "cuda/page_straightened.cuh"
#include "engine/fallback/treatment.h"
#include "reading.h"

namespace pg_ocr {
namespace {

constexpr auto on_cpu = [](auto kernel, dim3 grid, dim3 block, size_t shared_bytes, auto... arguments) {
    cuda_on_cpu::launch(kernel, grid, block, shared_bytes, arguments...);
};

CardPage as_card_page(PIX* page) {
    return {pixGetData(page), static_cast<uint32_t>(pixGetWpl(page)), static_cast<uint32_t>(pixGetWidth(page)),
            static_cast<uint32_t>(pixGetHeight(page)), static_cast<uint32_t>(pixGetDepth(page))};
}

/// A part of a photographed page.
Pixels photographed() {
    const std::string document = contents_of(data_path("tapus-fr/1912k_18_9f102_default.jpg"));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    const PageImage page = open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
    BOX part{300, 200, 611, 402, 1};
    return Pixels(pixClipRectangle(page.pixels.get(), &part, nullptr));
}

/// Print in a light that comes from a side.
Pixels shaded_page(std::mt19937& random, int32_t width, int32_t height) {
    Pixels page(pixCreate(width, height, 8));
    for (int32_t y = 0; y < height; ++y)
        for (int32_t x = 0; x < width; ++x) {
            const auto light = static_cast<uint32_t>(60 + (x + y) * 180 / (width + height));
            const auto noise = static_cast<uint32_t>(random() % 9);
            pixSetPixel(page.get(), x, y, x % 9 < 3 && y % 17 < 8 ? light / 4 : light + noise);
        }
    return page;
}

void blacken(PIX* page, const Box& box) {
    BOX area{box.left, box.top, box.right - box.left, box.bottom - box.top, 1};
    pixClearInRect(page, &area);
}

PageImage copy_of(PIX* page) {
    PageImage copy;
    copy.pixels.reset(pixCopy(nullptr, page));
    copy.dpi = 300;
    return copy;
}

void expect_alike(const std::vector<uint32_t>& seen, PIX* expected, const std::string& what) {
    const auto words = static_cast<size_t>(pixGetWpl(expected));
    for (int32_t y = 0; y < pixGetHeight(expected); ++y)
        for (int32_t x = 0; x < pixGetWidth(expected); ++x) {
            const size_t row = static_cast<size_t>(y) * words;
            const int32_t grey = GET_DATA_BYTE(seen.data() + row, x);
            ASSERT_EQ(grey, GET_DATA_BYTE(pixGetData(expected) + row, x)) << what << " at " << x << ", " << y;
        }
}

/// False where the page has no background.
bool expect_evened_alike(PIX* pixels, const std::string& what) {
    const CardPage page = as_card_page(pixels);
    const uint32_t width = map_side(page.width), height = map_side(page.height);
    std::vector<uint8_t> greys(size_t{width} * height, 77), before = greys;
    std::vector<uint32_t> columns(width, 77), seen(size_t{page.words_in_row} * page.height);
    uint32_t has_holes = 77, has_greys = 77;
    launch_evened(on_cpu, page, {width, height, greys.data(), before.data(), columns.data(), &has_holes, &has_greys},
                  seen.data());
    if (has_greys == 0) return false;
    const PageImage expected = treated(copy_of(pixels), {.evened = true});
    expect_alike(seen, expected.pixels.get(), what);
    return true;
}

TEST(CudaTreatment, EvensPagesAsLeptonicaDoes) {
    std::mt19937 random(1);
    for (int32_t round = 0; round < 5; ++round) {
        const Pixels page = shaded_page(random, 136 + round, 170 - round);
        EXPECT_TRUE(expect_evened_alike(page.get(), "page " + std::to_string(round)));
        // Holes: in the middle, at all edges, and columns without any grey to the left, to the right and in between.
        blacken(page.get(), {20, 30, 110, 120});
        EXPECT_TRUE(expect_evened_alike(page.get(), "page with a hole " + std::to_string(round)));
        blacken(page.get(), {0, 0, 500, 75});
        blacken(page.get(), {64 + round, 0, 140, 500});
        EXPECT_TRUE(expect_evened_alike(page.get(), "page with a black edge " + std::to_string(round)));
        blacken(page.get(), {0, 0, 40, 500});
        EXPECT_TRUE(expect_evened_alike(page.get(), "page with black edges " + std::to_string(round)));
    }
    // Of what is seen of the last row and column of the map, the page has two pixels, which do not count.
    for (const Box& black : {Box{0, 30, 138, 120}, Box{40, 0, 132, 170}, Box{40, 0, 138, 164}}) {
        const Pixels page = shaded_page(random, 138, 170);
        blacken(page.get(), black);
        EXPECT_TRUE(expect_evened_alike(page.get(), "page black from " + std::to_string(black.left)));
    }
    const Pixels page = photographed();
    ASSERT_EQ(pixGetDepth(page.get()), 8);
    EXPECT_TRUE(expect_evened_alike(page.get(), "photographed"));
    pixClearAll(page.get());
    EXPECT_FALSE(expect_evened_alike(page.get(), "all black"));
}

void expect_turned_alike(PIX* pixels, float degrees) {
    const CardPage page = as_card_page(pixels);
    std::vector<uint32_t> seen(size_t{page.words_in_row} * page.height);
    launch_turn(on_cpu, page, sixteenths_of(degrees * std::numbers::pi_v<float> / 180), seen.data());
    Treatment treatment;
    treatment.skew = degrees;
    const PageImage expected = treated(copy_of(pixels), treatment);
    expect_alike(seen, expected.pixels.get(), std::to_string(degrees) + " degrees");
}

TEST(CudaTreatment, StraightensPagesAsLeptonicaDoes) {
    std::mt19937 random(2);
    for (int32_t round = 0; round < 30; ++round) {
        const Pixels page = shaded_page(random, 100 + round * 7 % 40, 60 + round * 5 % 30);
        expect_turned_alike(page.get(), static_cast<float>(static_cast<int32_t>(random() % 3000) - 1500) / 100 + 0.1f);
    }
    expect_turned_alike(photographed().get(), -1.37f);
}

/// Where every grey counts.
Pixels noisy_page(std::mt19937& random, int32_t width, int32_t height) {
    Pixels page(pixCreate(width, height, 8));
    for (int32_t y = 0; y < height; ++y)
        for (int32_t x = 0; x < width; ++x) pixSetPixel(page.get(), x, y, static_cast<uint32_t>(random() % 256));
    return page;
}

void expect_local_ink_alike(PIX* pixels, int32_t dpi, uint32_t half) {
    const CardPage page = as_card_page(pixels);
    const uint32_t words_in_row = (page.width + 31) / 32;
    std::vector<uint32_t> seen(size_t{words_in_row} * page.height);
    launch_local_ink(on_cpu, page, half, seen.data(), words_in_row);
    PageImage copy = copy_of(pixels);
    copy.dpi = dpi;
    const PageImage expected = treated(std::move(copy), {.local = true});
    const l_uint32* words = pixGetData(expected.ink.get());
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), words)) << page.width << " x " << page.height << ", " << half;
}

TEST(CudaTreatment, TellsInkByItsSurroundingsAsLeptonicaDoes) {
    std::mt19937 random(3);
    for (const auto& [width, height, dpi, half] : {std::tuple{150, 140, 300, 24u},
                                                   {191, 64, 96, 7u},
                                                   {192, 65, 200, 16u},
                                                   {193, 130, 300, 24u},
                                                   {400, 133, 75, 7u},
                                                   {300, 129, 1200, 60u}})
        expect_local_ink_alike(noisy_page(random, width, height).get(), dpi, half);
    expect_local_ink_alike(photographed().get(), 300, 24);
    // Leptonica tells it in tiles, of which nothing shall be seen.
    expect_local_ink_alike(noisy_page(random, 2030, 90).get(), 100, 8);
}

}  // namespace
}  // namespace pg_ocr
