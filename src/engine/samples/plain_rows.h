// One row at a time, in C++ that is the same for every CPU; each file of kernels includes this once, and compiles it
// for its own.
#pragma once

#include "engine/samples/kernels.h"

namespace pg_ocr {
namespace {

enum Filter : uint8_t { unfiltered, from_left, from_above, from_average, from_paeth };

inline void undo_nothing(const uint8_t* from, size_t size, uint8_t* to) {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

inline void undo_above(const uint8_t* from, size_t size, const uint8_t* above, uint8_t* to) {
    for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(from[i] + above[i]);
}

/// Of the pixels left, above, and above on the left, the nearest to where a plane through them would go on, which is
/// the lesser or the greater of the first two where these differ from the third in one direction and enough; said so
/// there is little to wait for once it is known what is left.
inline int32_t paeth(int32_t left, int32_t above, int32_t corner) {
    const int32_t limit = 3 * corner - above - left;
    const int32_t lesser = left < above ? left : above, greater = left < above ? above : left;
    const int32_t other = greater <= limit ? lesser : corner;
    return limit <= lesser ? greater : other;
}

/// `predicted` is asked with the pixels left, above, and above on the left.
template <size_t pixel_size, class Predicted>
void undo_by_neighbours(const uint8_t* from, size_t size, const uint8_t* above, uint8_t* to, Predicted predicted) {
    int32_t left[pixel_size] = {}, corner[pixel_size] = {};
    for (size_t i = 0; i < size; i += pixel_size)
        for (size_t k = 0; k < pixel_size; ++k) {
            const int32_t up = above[i + k];
            left[k] = (from[i + k] + predicted(left[k], up, corner[k])) & 0xff;
            corner[k] = up;
            to[i + k] = static_cast<uint8_t>(left[k]);
        }
}

template <size_t pixel_size>
void undo_row(uint8_t filter, const uint8_t* from, size_t size, const uint8_t* above, uint8_t* to) {
    switch (filter) {
        case unfiltered:
            return undo_nothing(from, size, to);
        case from_left:
            return undo_by_neighbours<pixel_size>(from, size, above, to,
                                                  [](int32_t left, int32_t, int32_t) { return left; });
        case from_above:
            return undo_above(from, size, above, to);
        case from_average:
            return undo_by_neighbours<pixel_size>(from, size, above, to,
                                                  [](int32_t left, int32_t up, int32_t) { return (left + up) >> 1; });
        default:
            return undo_by_neighbours<pixel_size>(from, size, above, to, paeth);
    }
}

template <size_t pixel_size>
void undo_row_after_row(const FilteredRows& rows, uint8_t* to, size_t stride) {
    for (size_t y = 0; y < rows.count; ++y) {
        const uint8_t* row = rows.bytes + y * (rows.row_size + 1);
        undo_row<pixel_size>(row[0], row + 1, rows.row_size, to + y * stride - stride, to + y * stride);
    }
}

/// Leptonica weighs by .3, .5 and .2, as floating-point numbers, and rounds: of all colours, this gives the same.
inline uint32_t grey_of_colour(const uint8_t* colour) {
    return (3u * colour[0] + 5u * colour[1] + 2u * colour[2] + 5) / 10;
}

/// From the pixel on, the first of a word.
inline void grey_from(size_t first, const uint8_t* colours, size_t pixel_size, size_t pixels, uint32_t* to) {
    for (size_t x = first; x < pixels;) {
        uint32_t word = 0;
        const size_t start = x, end = start + 4 < pixels ? start + 4 : pixels;
        for (uint32_t shift = 24; x < end; ++x, shift -= 8) word |= grey_of_colour(colours + x * pixel_size) << shift;
        to[start / 4] = word;
    }
}

}  // namespace
}  // namespace pg_ocr
