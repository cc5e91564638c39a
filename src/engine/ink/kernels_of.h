// The kernels, for a file that says how its CPU does many pixels at once; each includes this once. `Greys` are so many,
// 8 bits deep.
#pragma once

#include "engine/ink/kernels.h"

namespace pg_ocr {
namespace {

constexpr size_t greys = 256, bits = 32, greys_in_word = 4;

inline uint32_t grey_at(const uint32_t* row, size_t x) {
    return row[x / greys_in_word] >> (24 - x % greys_in_word * 8) & 0xff;
}

template <class Greys>
void count_greys(const PixelRows& page, uint32_t* counts) {
    // Four, since neighbours are often alike, and an addition would wait for the one before.
    uint32_t more[3][greys] = {};
    for (size_t y = 0; y < page.height; ++y) {
        const uint32_t* row = page.words + y * page.words_in_row;
        size_t x = 0;
        const auto count_word = [&](uint32_t word) {
            ++counts[word >> 24];
            ++more[0][word >> 16 & 0xff];
            ++more[1][word >> 8 & 0xff];
            ++more[2][word & 0xff];
        };
        for (; x + Greys::pixels <= page.width; x += Greys::pixels) {
            const uint32_t* words = row + x / greys_in_word;
            const uint32_t first = words[0] >> 24;
            // Most of a page is paper.
            if (Greys::all_are(words, first))
                counts[first] += Greys::pixels;
            else
                for (size_t i = 0; i < Greys::pixels / greys_in_word; ++i) count_word(words[i]);
        }
        for (; x + greys_in_word <= page.width; x += greys_in_word) count_word(row[x / greys_in_word]);
        for (; x < page.width; ++x) ++counts[grey_at(row, x)];
    }
    for (const uint32_t* part : more)
        for (size_t grey = 0; grey < greys; ++grey) counts[grey] += part[grey];
}

template <class Greys>
void find_ink(const PixelRows& page, uint8_t grey, bool bright, uint32_t* to, size_t words_in_row) {
    const uint32_t flipped = bright ? ~uint32_t{0} : 0;
    for (size_t y = 0; y < page.height; ++y) {
        const uint32_t* row = page.words + y * page.words_in_row;
        uint32_t* ink = to + y * words_in_row;
        size_t x = 0;
        for (; x + Greys::pixels <= page.width; x += Greys::pixels)
            Greys::find_darker(row + x / greys_in_word, grey, flipped, ink + x / bits);
        while (x < page.width) {
            const size_t end = x + bits < page.width ? x + bits : page.width;
            uint32_t word = 0;
            for (size_t bit = bits; x < end; ++x) word |= uint32_t{(grey_at(row, x) < grey) != bright} << --bit;
            ink[(x - 1) / bits] = word;
        }
    }
}

template <class Greys>
constexpr InkKernels kernels_of(const char* name, bool (*runs_here)()) {
    return {name, runs_here, count_greys<Greys>, find_ink<Greys>};
}

}  // namespace
}  // namespace pg_ocr
