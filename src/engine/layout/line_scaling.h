// Grey pixels of a line, scaled as Leptonica scales them, bit by bit, which decides what is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "recognise/line.h"

namespace pg_ocr {

/// Grey pixels, row by row. Behind each row is room that may be read and written.
struct GreyRows {
    static constexpr size_t room = 32;
    GreyRows(uint32_t columns, uint32_t rows)
        : width(columns), height(rows), stride(columns + room), pixels(stride * rows) {}
    uint8_t* row(size_t y) { return pixels.data() + y * stride; }
    const uint8_t* row(size_t y) const { return pixels.data() + y * stride; }
    uint32_t width;
    uint32_t height;
    size_t stride;
    std::vector<uint8_t> pixels;
};

/// What pixScale() makes of such pixels: averages of areas below a factor of 0.7, interpolation from there on,
/// sharpened but for small and large factors. Nothing where that is left to it: on a CPU without AVX2, for a factor
/// that it has a way of its own for (0.5, 2, 4), for factors below a third and above 4, and where no pixel is left.
/// Throws std::bad_alloc.
std::optional<recognise::LineImage> scaled(const GreyRows&, float factor);

}  // namespace pg_ocr
