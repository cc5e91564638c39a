// How a page's image looks, as far as it tells which way of reading it again is worth a try.
#pragma once

#include <cstdint>

#include "engine/read/reader.h"

namespace pg_ocr {

struct Skew {
    float degrees = 0;  ///< clockwise, that make lines level; 0 where it is not found
    bool is_sure = false;
};

/// By Leptonica, up to 15 degrees: the angle at which rows of ink and rows without part best.
Skew skew_of(PIX* ink);

struct Light {
    float shading = 0;     ///< by how much the paper is darker in some places than in others: 0 to 1
    bool is_dark = false;  ///< white on black: what stands out from the paper is brighter than it
};

/// Takes no time to speak of. The pixels are of 1 or 8 bits.
Light light_on(PIX* pixels);

struct Appearance {
    uint32_t pieces = 0;      ///< of ink that hang together
    uint32_t letters = 0;     ///< those that may be letters
    float letter_height = 0;  ///< their median, in pixels: about the height of an x; 0 where there are none
    Skew skew;
    int32_t turn = 0;  ///< degrees clockwise that make Latin text upright, where turn_is_sure
    bool turn_is_sure = false;
    Light light;
};

/// Of a page's image and its ink; takes as long as our own layout takes to find the lines and read them. Throws
/// std::bad_alloc.
Appearance appearance_of(const PageImage&);

}  // namespace pg_ocr
