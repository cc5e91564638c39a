// A page's pixels on a card.
#pragma once

#include <cstdint>

namespace pg_ocr {

/// Pixels of 1 bit, which are black where it is set, or greys of 8, as Leptonica keeps them: rows of words, the first
/// pixel in a word's highest bits. Greys begin at a multiple of 16 bytes, and a row of them is a multiple of
/// card_row_words long.
struct CardPage {
    const uint32_t* words;
    uint32_t words_in_row;
    uint32_t width, height;
    uint32_t depth;
};

inline constexpr uint32_t card_row_words = 8;

}  // namespace pg_ocr
