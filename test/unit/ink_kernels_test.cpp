// Every pixel of a page by each kernel that this machine can run, held bit by bit to the slowest and to Leptonica.
#include "engine/ink/ink_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "reading.h"

namespace pg_ocr {
namespace {

std::vector<const InkKernels*> all_that_run() {
    std::vector<const InkKernels*> all;
    std::ranges::copy_if(ink_kernels(), std::back_inserter(all), [](const InkKernels* k) { return k->runs_here(); });
    return all;
}

PixelRows rows_of(PIX* page) {
    return {pixGetData(page), static_cast<size_t>(pixGetWpl(page)), static_cast<size_t>(pixGetWidth(page)),
            static_cast<size_t>(pixGetHeight(page))};
}

/// Words with what lies behind a row's end.
std::vector<uint32_t> words_of(PIX* pixels) {
    return {pixGetData(pixels), pixGetData(pixels) + static_cast<ptrdiff_t>(pixGetWpl(pixels)) * pixGetHeight(pixels)};
}

/// Of any depth, with rubbish behind a row's end; the greys in stretches, as paper is.
Pixels noise(int32_t width, int32_t height, int32_t depth, std::mt19937& random) {
    Pixels page(pixCreate(width, height, depth));
    const auto words = static_cast<ptrdiff_t>(pixGetWpl(page.get())) * height;
    std::generate(pixGetData(page.get()), pixGetData(page.get()) + words, [&, left = 0u, word = 0u]() mutable {
        if (left == 0) {
            left = static_cast<uint32_t>(random() % 40 + 1);
            word = static_cast<uint32_t>(random() % 256) * 0x01010101u;
        }
        return --left < 3 ? static_cast<uint32_t>(random()) : word;
    });
    return page;
}

constexpr int32_t widths[] = {1, 2, 3, 4, 5, 31, 32, 33, 61, 62, 63, 64, 65, 66, 95, 96, 127, 128, 129, 200, 255, 301};

TEST(InkKernels, CountGreysAsEachOther) {
    std::mt19937 random(1);
    for (const int32_t width : widths) {
        const Pixels page = noise(width, 9, 8, random);
        std::vector<uint32_t> expected(256, 5);
        for (int32_t y = 0; y < 9; ++y)
            for (int32_t x = 0; x < width; ++x) {
                l_uint32 grey = 0;
                pixGetPixel(page.get(), x, y, &grey);
                ++expected[grey];
            }
        for (const InkKernels* kernels : all_that_run()) {
            std::vector<uint32_t> counts(256, 5);
            kernels->count_greys(rows_of(page.get()), counts.data());
            EXPECT_EQ(counts, expected) << kernels->name << ", width " << width;
        }
    }
}

TEST(InkKernels, FindTheInkThatLeptonicaFinds) {
    std::mt19937 random(2);
    for (const int32_t width : widths) {
        const Pixels page = noise(width, 5, 8, random);
        for (const uint32_t grey : {0u, 1u, 2u, 100u, 127u, 128u, 129u, 254u, 255u}) {
            Pixels dark(pixThresholdToBinary(page.get(), static_cast<l_int32>(grey)));
            Pixels bright(pixInvert(nullptr, dark.get()));
            for (const InkKernels* kernels : all_that_run())
                for (const bool is_bright : {false, true}) {
                    Pixels ink(pixCreate(width, 5, 1));
                    kernels->find_ink(rows_of(page.get()), static_cast<uint8_t>(grey), is_bright, pixGetData(ink.get()),
                                      static_cast<size_t>(pixGetWpl(ink.get())));
                    EXPECT_EQ(words_of(ink.get()), words_of(is_bright ? bright.get() : dark.get()))
                        << kernels->name << ", width " << width << ", grey " << grey << ", bright " << is_bright;
                }
        }
    }
}

}  // namespace
}  // namespace pg_ocr
