// What a batch of lines is to the kernels: plain data, the same on either side of the bus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "recognise/backend.h"

namespace pg_ocr {

/// A line in a batch. Its places, one for each step, follow those of the line before.
struct CardLine {
    size_t pixels;   ///< where its pixels begin
    uint32_t width;  ///< pixels across
    uint32_t first;  ///< place
    uint32_t steps;
    float black;  ///< of its Contrast
    float half;
};

/// Some steps of a line that one block convolves: up to tile_steps from this one on.
struct CardTile {
    uint32_t line;
    uint32_t step;
};
inline constexpr uint32_t tile_steps = 32;

/// Lines from the longest on, so that neighbours end about together; those without a step are left out.
struct CardBatch {
    std::vector<CardLine> lines;
    std::vector<uint32_t> order;  ///< of each line, which one it is to the caller
    std::vector<CardTile> tiles;
    uint32_t places = 0;
};
/// Throws std::bad_alloc.
CardBatch batch_of(std::span<const recognise::LinePixels> lines, uint32_t height);

}  // namespace pg_ocr
