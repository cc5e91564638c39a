// A line of text as the network takes it, and what comes out.
#pragma once

#include <cstdint>
#include <vector>

namespace pg_ocr::recognise {

/// Grey pixels of a line, scaled to the network's height, row by row.
struct LineImage {
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> pixels;
};

/// Of each step from left to right, what each class is worth: steps × classes, row by row, each row's sum is 1.
struct Scores {
    uint32_t steps = 0;
    uint32_t classes = 0;
    std::vector<float> values;
};

/// What is black and what is white in a line, by its middle row: the quartiles of the local extremes.
struct Contrast {
    float black = 0;
    float half = 127.5;  ///< half of what lies between black and white
};
Contrast contrast_of(const uint8_t* pixels, uint32_t width, uint32_t height);
/// −1 at black, 1 at white.
inline float normalised(uint8_t pixel, const Contrast& contrast) {
    return (static_cast<float>(pixel) - contrast.black) / contrast.half - 1.0f;
}

}  // namespace pg_ocr::recognise
