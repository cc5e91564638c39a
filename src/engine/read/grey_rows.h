// Rows of bytes into pixels as Leptonica keeps them.
#pragma once

#include <array>
#include <cstdint>

#include "engine/read/pixels.h"

namespace pg_ocr {

/// Pixels 1 or 8 bits deep that are not set yet. Throws std::bad_alloc.
Pixels unset_pixels(uint32_t width, uint32_t height, uint32_t depth);

/// Where the row's words begin.
uint32_t* row_of(PIX*, uint32_t y);

/// Bytes of which the first lies in a word's highest bits; 0 behind the last.
void pack(const uint8_t* bytes, size_t size, uint32_t* words);

/// What is blended with white by Leptonica's formula: `opacity` is 0 to 255.
uint8_t on_white(uint8_t sample, uint8_t opacity);

/// Greys of values of 1, 2, 4 or 8 bits, of which a byte has several, the first in its highest bits.
class GreyTable {
  public:
    /// `greys` are those of the values 0 to count - 1; others are not to be found.
    GreyTable(uint32_t bits, const std::array<uint8_t, 256>& greys, uint32_t count);
    /// Writes up to 8 bytes more than there are pixels in the bytes. False when there is a value without a grey, even
    /// behind the last pixel.
    bool spread(const uint8_t* bytes, size_t size, uint8_t* to) const;

  private:
    size_t pixels_in_byte_;
    std::array<std::array<uint8_t, 8>, 256> greys_{};  ///< of a byte's pixels
    std::array<bool, 256> is_unknown_{};
};

}  // namespace pg_ocr
