// Rows of pixels and sums, scaled by vector instructions. Plain data and pointers only, as in recognise/cpu/kernels.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pg_ocr {

/// Columns that a kernel writes at once: what it writes has room for so many more.
inline constexpr uint32_t columns_at_once = 16;

/// Which columns of a row go into which column of the result, 16 bytes for some neighbours: as pairs for eight of them,
/// or as fours for four. There are blocks for columns_at_once more or less of them.
struct ColumnBlocks {
    uint32_t blocks = 0;
    const uint32_t* first = nullptr;   ///< [block] the column that the block's bytes count from
    const uint8_t* order = nullptr;    ///< [block][16] 255: none
    const uint8_t* weights = nullptr;  ///< [block][16] up to 16
};

/// What some rows weigh that make one.
struct WeighedRows {
    const uint16_t* rows[4];
    uint16_t weights[4];
};

struct LineScalingKernels {
    /// Sums of weighed pairs.
    void (*add_pairs)(const ColumnBlocks&, const uint8_t* row, uint16_t* sums);
    /// … of fours.
    void (*add_fours)(const ColumnBlocks&, const uint8_t* row, uint16_t* sums);
    /// Of two rows of sums, weighed by 16 together, a 256th, rounded.
    void (*interpolate)(const WeighedRows&, uint32_t width, uint8_t* to);
    /// Of four rows of sums, their weighed sum and 128, divided: by numbers whose inverses are the products of a
    /// column's and the row's.
    void (*average)(const WeighedRows&, const float* inverses, float inverse, uint32_t width, uint8_t* to);
    /// Pixels, and by how much they are above the mean of the square around them, times sharpness; of 2 · half + 1 rows
    /// the middle one, without half a square at both ends. Needs room for a row's sums.
    void (*sharpen)(const uint8_t* const* rows, uint32_t half, float sharpness, uint32_t width, uint16_t* sums,
                    uint8_t* to);
};

/// For CPUs with AVX2.
extern const LineScalingKernels avx2_line_scaling;

}  // namespace pg_ocr
