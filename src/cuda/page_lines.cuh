// Line images from a page, as line_image_of() makes them on a CPU, bit by bit: turned, leaning, scaled and sharpened.
// A block makes a tile, so many columns of an image at its full height: first scaled, with what the sharpening looks at
// around it, in shared memory, then sharpened.
#pragma once

#include "cuda/page_lines.h"
#include "cuda/shared_memory.cuh"

namespace pg_ocr {

inline constexpr unsigned line_threads = 256;

/// Which of the part's columns, or rows, make one of the image's. Between the first and the last, each weighs 16.
struct CutSpan {
    uint32_t first, last;
    uint32_t first_weight, last_weight;
};

struct LineTile {
    static constexpr uint32_t reach = 2;  ///< of the sharpening
    static constexpr uint32_t stride = tile_columns + 2 * reach;
    CutSpan across[stride], down[most_line_rows];
    uint8_t scaled[most_line_rows * stride];
};

/// One end is rounded as a float, the other as a double, as Leptonica's are.
__device__ CutSpan cut_span(LineScaling scaling, uint32_t from, uint32_t to, uint32_t index) {
    const float step = __fdiv_rn(__fmul_rn(16.0f, static_cast<float>(from)), static_cast<float>(to));
    const auto begin = static_cast<uint32_t>(__fmul_rn(step, static_cast<float>(index)));
    if (scaling == LineScaling::neighbours)
        return {begin >> 4, min((begin >> 4) + 1, from - 1), 16 - (begin & 15), begin & 15};
    const auto end = static_cast<uint32_t>(static_cast<double>(step) * (index + 1.0));
    return {begin >> 4, end >> 4, 16 - (begin & 15), end & 15};
}

__device__ uint32_t weight_in(const CutSpan& span, uint32_t index) {
    return index == span.first ? span.first_weight : index == span.last ? span.last_weight : 16;
}

__device__ uint32_t weight_of(const CutSpan& span) {
    return span.first_weight + 16 * (span.last - span.first - 1) + span.last_weight;
}

/// The part, in grey.
class PartOfPage {
  public:
    __device__ PartOfPage(const CardPage& page, const LineCut& cut)
        : page_(page), cut_(cut), word_bits_(page.depth == 8 ? 2 : 5), last_in_word_((1u << word_bits_) - 1) {}

    /// By how much lower than in the part a column's pixels are on the page.
    __device__ int32_t drop_at(uint32_t column) const {
        if (cut_.slope == 0) return 0;
        const float middle = static_cast<float>(cut_.columns) / 2;
        return static_cast<int32_t>(lroundf(__fmul_rn(cut_.slope, __fadd_rn(static_cast<float>(column), -middle))));
    }
    __device__ uint32_t grey(uint32_t column, int32_t row_on_page) const {
        if (row_on_page < cut_.first_row || row_on_page >= cut_.end_row) return 255;
        const uint32_t pixel = cut_.first_pixel + column * static_cast<uint32_t>(cut_.to_right) +
                               static_cast<uint32_t>(row_on_page) * static_cast<uint32_t>(cut_.to_below);
        const uint32_t word = page_.words[pixel >> word_bits_];
        const uint32_t rest = last_in_word_ - (pixel & last_in_word_);
        if (page_.depth == 8) return word >> (8 * rest) & 255;
        return (word >> rest & 1) != 0 ? 0 : 255;
    }
    __device__ uint32_t grey(uint32_t column, uint32_t row) const {
        return grey(column, static_cast<int32_t>(row) + drop_at(column));
    }

  private:
    const CardPage& page_;
    const LineCut& cut_;
    uint32_t word_bits_, last_in_word_;
};

/// The mean of an area; of one that reaches the last column or row, its first pixel.
__device__ uint32_t mean_of_area(const PartOfPage& part, const LineCut& cut, const CutSpan& across,
                                 const CutSpan& down) {
    if (across.last + 1 >= cut.columns || down.last + 1 >= cut.rows) return part.grey(across.first, down.first);
    uint32_t sum = 128;
    for (uint32_t column = across.first; column <= across.last; ++column) {
        const int32_t drop = part.drop_at(column);
        uint32_t of_column = 0;
        for (uint32_t row = down.first; row <= down.last; ++row)
            of_column += weight_in(down, row) * part.grey(column, static_cast<int32_t>(row) + drop);
        sum += weight_in(across, column) * of_column;
    }
    return sum / (weight_of(across) * weight_of(down));
}

__device__ uint32_t between_neighbours(const PartOfPage& part, const CutSpan& across, const CutSpan& down) {
    const auto in_column = [&](uint32_t column) {
        return down.first_weight * part.grey(column, down.first) + down.last_weight * part.grey(column, down.last);
    };
    return (across.first_weight * in_column(across.first) + across.last_weight * in_column(across.last) + 128) / 256;
}

/// A pixel, and by how much it is above the mean of the square around it.
__device__ uint8_t sharpened_pixel(const uint8_t* scaled, uint32_t around) {
    const auto half = static_cast<int32_t>(around);
    const uint32_t side = 2 * around + 1;
    uint32_t sum = 0;
    for (int32_t y = -half; y <= half; ++y)
        for (int32_t x = -half; x <= half; ++x) sum += scaled[y * static_cast<int32_t>(LineTile::stride) + x];
    const auto pixel = static_cast<float>(*scaled);
    const float inverse = __fdiv_rn(1.0f, static_cast<float>(side * side));
    const float above = __fadd_rn(pixel, -__fmul_rn(inverse, static_cast<float>(sum)));
    const float value = __fadd_rn(pixel, __fmul_rn(around == 1 ? 0.2f : 0.4f, above));
    if (!(value > 0)) return 0;
    const int32_t whole = __float2int_rz(value);
    const bool is_up = __fadd_rn(value, -static_cast<float>(whole)) >= 0.5f;
    return static_cast<uint8_t>(min(whole + (is_up ? 1 : 0), 255));
}

/// lines: [count], those that the card cuts, in the order of their tiles; a block for each tile. images: see
/// LineCut::image.
__global__ void __launch_bounds__(line_threads)
    cut_lines(CardPage page, const LineCut* __restrict__ lines, uint32_t count, uint8_t* __restrict__ images) {
    LineTile& tile = shared_as<LineTile>();
    uint32_t line = 0;
    for (uint32_t end = count; end - line > 1;) {
        const uint32_t middle = (line + end) / 2;
        (lines[middle].first_tile <= blockIdx.x ? line : end) = middle;
    }
    const LineCut cut = lines[line];
    const PartOfPage part(page, cut);
    const uint32_t begin = (blockIdx.x - cut.first_tile) * tile_columns;
    const uint32_t end = min(begin + tile_columns, cut.width);
    const uint32_t first = begin - min(begin, LineTile::reach);
    const uint32_t columns = min(end + LineTile::reach, cut.width) - first;
    for (uint32_t i = threadIdx.x; i < columns; i += line_threads)
        tile.across[i] = cut_span(cut.scaling, cut.columns, cut.width, first + i);
    for (uint32_t i = threadIdx.x; i < cut.height; i += line_threads)
        tile.down[i] = cut_span(cut.scaling, cut.rows, cut.height, i);
    __syncthreads();
    for (uint32_t i = threadIdx.x; i < columns * cut.height; i += line_threads) {
        const uint32_t x = i % columns, y = i / columns;
        uint32_t grey = 0;
        if (cut.scaling == LineScaling::areas)
            grey = mean_of_area(part, cut, tile.across[x], tile.down[y]);
        else if (cut.scaling == LineScaling::neighbours)
            grey = between_neighbours(part, tile.across[x], tile.down[y]);
        else
            grey = part.grey(first + x, y);
        tile.scaled[y * LineTile::stride + x] = static_cast<uint8_t>(grey);
    }
    __syncthreads();
    const uint32_t around = cut.sharpened_around;
    for (uint32_t i = threadIdx.x; i < (end - begin) * cut.height; i += line_threads) {
        const uint32_t x = begin + i % (end - begin), y = i / (end - begin);
        const uint8_t* scaled = &tile.scaled[y * LineTile::stride + x - first];
        const bool is_edge = x < around || y < around || x + around >= cut.width || y + around >= cut.height;
        images[cut.image + y * cut.width + x] = around == 0 || is_edge ? *scaled : sharpened_pixel(scaled, around);
    }
}

}  // namespace pg_ocr
