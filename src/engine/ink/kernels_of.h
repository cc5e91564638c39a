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

/// Of squares, each the two highest of two words' remaining bits: the higher is set where `rank` of them are.
template <uint32_t rank>
uint32_t ranked(uint32_t upper, uint32_t lower) {
    const uint32_t either = upper | lower, both = upper & lower;
    if constexpr (rank == 1) return either | either << 1;
    if constexpr (rank == 2) return (either & either << 1) | both | both << 1;
    if constexpr (rank == 3) return (both & either << 1) | (either & both << 1);
    return both & both << 1;
}

/// Every other bit, from the highest, in the lower half.
inline uint32_t gathered(uint32_t word) {
    word = word >> 1 & 0x55555555;
    word = (word | word >> 1) & 0x33333333;
    word = (word | word >> 2) & 0x0f0f0f0f;
    word = (word | word >> 4) & 0x00ff00ff;
    return (word | word >> 8) & 0x0000ffff;
}

template <uint32_t rank>
void halve_row(const uint32_t* upper, const uint32_t* lower, size_t words, size_t width, uint32_t* to) {
    for (size_t i = 0; i < words / 2; ++i)
        to[i] = gathered(ranked<rank>(upper[2 * i], lower[2 * i])) << 16 |
                gathered(ranked<rank>(upper[2 * i + 1], lower[2 * i + 1]));
    if (words % 2 != 0) to[words / 2] = gathered(ranked<rank>(upper[words - 1], lower[words - 1])) << 16;
    if (width % bits != 0) to[width / bits] &= ~uint32_t{0} << (bits - width % bits);
}

inline void halve(const PixelRows& page, uint32_t rank, uint32_t* to, size_t words_in_row) {
    const size_t width = page.width / 2 > 0 ? page.width / 2 : 1, height = page.height / 2 > 0 ? page.height / 2 : 1;
    const size_t words_from = (2 * width + bits - 1) / bits;
    const size_t words = words_from < page.words_in_row ? words_from : page.words_in_row;
    for (size_t y = 0; y < height; ++y) {
        const uint32_t* upper = page.words + 2 * y * page.words_in_row;
        uint32_t* halved = to + y * words_in_row;
        if (2 * y + 1 == page.height) {
            // The only row. What would be below it is not set: so of each square there are two pixels at most.
            for (size_t i = 0; i < words_in_row; ++i) halved[i] = 0;
            if (rank == 1) halve_row<1>(upper, upper, words, width, halved);
            if (rank == 2) halve_row<4>(upper, upper, words, width, halved);
            continue;
        }
        const uint32_t* lower = upper + page.words_in_row;
        switch (rank) {
            case 1:
                halve_row<1>(upper, lower, words, width, halved);
                break;
            case 2:
                halve_row<2>(upper, lower, words, width, halved);
                break;
            case 3:
                halve_row<3>(upper, lower, words, width, halved);
                break;
            default:
                halve_row<4>(upper, lower, words, width, halved);
        }
    }
}

template <class Greys>
constexpr InkKernels kernels_of(const char* name, bool (*runs_here)()) {
    return {name, runs_here, count_greys<Greys>, find_ink<Greys>, halve};
}

}  // namespace
}  // namespace pg_ocr
