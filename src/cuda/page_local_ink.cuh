// Ink told from paper by each place's surroundings on the card, as local_ink() of treatment.cpp has it on a CPU, bit by
// bit: Sauvola's threshold as Leptonica has it, by the mean and the deviation of the greys in a square around a pixel.
// Beyond the page are its mirror images. A block goes down a strip: its threads keep the sums of their columns, and of
// these a pixel's are added up.
#pragma once

#include "cuda/card_page.h"
#include "cuda/shared_memory.cuh"

namespace pg_ocr {

inline constexpr unsigned local_threads = 256;
inline constexpr uint32_t strip_rows = 64, largest_window = 60;

struct SharedColumns {
    uint32_t sums[local_threads], squares[local_threads];
};

/// Pixels across that a block tells: whole words.
__host__ __device__ constexpr uint32_t strip_columns(uint32_t half) { return (local_threads - 2 * half) / 32 * 32; }

__device__ uint32_t mirrored(int32_t at, uint32_t side) {
    if (at < 0) return static_cast<uint32_t>(-1 - at);
    const auto index = static_cast<uint32_t>(at);
    return index < side ? index : 2 * side - 1 - index;
}

__device__ uint32_t grey_of(const CardPage& page, uint32_t x, uint32_t y) {
    return page.words[size_t{y} * page.words_in_row + x / 4] >> (24 - 8 * (x % 4)) & 255;
}

/// What a pixel of so many in a window must be darker than, which have these sums.
__device__ uint32_t local_threshold(uint32_t sum, uint32_t squares, uint32_t pixels) {
    constexpr float deviation_counts = 0.34f;
    const auto count = static_cast<double>(pixels);
    const auto share = static_cast<float>(1.0 / count);
    const auto mean = static_cast<uint32_t>(__float2int_rz(__fmul_rn(share, static_cast<float>(sum))));
    const double weighed = 1.0 / count * static_cast<double>(squares);
    const auto variance = static_cast<uint32_t>(weighed + 0.5) - mean * mean;
    const double deviation = sqrtf(static_cast<float>(static_cast<int32_t>(variance)));
    const double lack = static_cast<double>(deviation_counts) * (1.0 - deviation / 128.0);
    return static_cast<uint32_t>(static_cast<double>(mean) * (1.0 - lack)) & 255;
}

/// half: of a window's side, its middle left out; up to largest_window, and the page's sides are 2 half + 3 at least.
/// ink: as CardInk's words. Compiled without fused multiply-add.
__global__ void __launch_bounds__(local_threads)
    find_local_ink(CardPage page, uint32_t half, uint32_t* __restrict__ ink, uint32_t ink_words_in_row) {
    SharedColumns& shared = shared_as<SharedColumns>();
    const uint32_t own = threadIdx.x, columns = strip_columns(half), side = 2 * half + 1;
    const uint32_t left = blockIdx.x * columns, top = blockIdx.y * strip_rows;
    const auto reach = static_cast<int32_t>(half);
    const uint32_t column = mirrored(static_cast<int32_t>(left + own) - reach, page.width);
    // Columns farther to the right than the mirror image reaches are nobody's surroundings.
    const bool has_column = own < columns + 2 * half && left + own < page.width + 2 * half;
    const auto grey_at = [&](int32_t y) { return has_column ? grey_of(page, column, mirrored(y, page.height)) : 0; };
    uint32_t sum = 0, squares = 0;
    const auto first = static_cast<int32_t>(top);
    for (int32_t y = first - reach; y < first + reach; ++y) {
        const uint32_t grey = grey_at(y);
        sum += grey;
        squares += grey * grey;
    }
    // A word's first pixel is its highest bit, and so its last lane's.
    const uint32_t pixel = own / 32 * 32 + 31 - own % 32, x = left + pixel;
    const auto end = static_cast<int32_t>(min(top + strip_rows, page.height));
    for (int32_t y = first; y < end; ++y) {
        const uint32_t coming = grey_at(y + reach);
        sum += coming;
        squares += coming * coming;
        __syncthreads();
        shared.sums[own] = sum;
        shared.squares[own] = squares;
        __syncthreads();
        bool is_ink = false;
        if (pixel < columns && x < page.width) {
            uint32_t all = 0, all_squares = 0;
            for (uint32_t i = 0; i < side; ++i) {
                all += shared.sums[pixel + i];
                all_squares += shared.squares[pixel + i];
            }
            is_ink = grey_of(page, x, static_cast<uint32_t>(y)) < local_threshold(all, all_squares, side * side);
        }
        const uint32_t word = __ballot_sync(~0u, is_ink);
        if (own % 32 == 31 && pixel < columns && x < page.width)
            ink[size_t{static_cast<uint32_t>(y)} * ink_words_in_row + x / 32] = word;
        const uint32_t going = grey_at(y - reach);
        sum -= going;
        squares -= going * going;
    }
}

/// launch: as for launch_ink().
template <class Launch>
void launch_local_ink(const Launch& launch, const CardPage& page, uint32_t half, uint32_t* ink,
                      uint32_t ink_words_in_row) {
    const uint32_t columns = strip_columns(half);
    const dim3 strips((page.width + columns - 1) / columns, (page.height + strip_rows - 1) / strip_rows);
    launch(find_local_ink, strips, local_threads, sizeof(SharedColumns), page, half, ink, ink_words_in_row);
}

}  // namespace pg_ocr
