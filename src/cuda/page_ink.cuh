// A page's ink on the card, as black_on_white() has it on a CPU, bit by bit: greys are counted, the threshold is where
// dark and bright are farthest apart, and what is darker, or on dark pages brighter, is ink. Tiles that are all ink are
// told; whether they are grey grounds with text, which is rare, is for the CPU.
#pragma once

#include "cuda/card_page.h"
#include "cuda/shared_memory.cuh"

namespace pg_ocr {

inline constexpr unsigned ink_threads = 256;

/// What is known of a page's ink.
struct FoundInk {
    uint32_t counts[256];  ///< of pixels of each grey
    uint32_t darkest_bright;
    uint32_t ink_is_dark;
    uint32_t black_tiles;  ///< of 32 x 32 pixels, counted where ink is dark: all ink, or nearly
};

struct CardInk {
    uint32_t* words;        ///< as Leptonica keeps them, with 0 behind the width
    uint32_t words_in_row;  ///< as many as hold the width
    FoundInk* found;
    uint8_t* is_black;  ///< of each tile that lies within the page, row by row
};

__global__ void __launch_bounds__(ink_threads) clear_found_ink(FoundInk* found) {
    found->counts[threadIdx.x] = 0;
    if (threadIdx.x == 0) found->black_tiles = 0;
}

struct SharedCounts {
    static constexpr uint32_t copies = 8;  ///< since neighbours count the same greys
    uint32_t counts[256][copies];
};

/// Stretches of one grey, which most of a page is, are counted before they are added.
class GreyStretch {
  public:
    __device__ explicit GreyStretch(SharedCounts& shared) : counts_(shared.counts) {}
    __device__ void add(uint32_t grey, uint32_t pixels) {
        if (grey != grey_) {
            end();
            grey_ = grey;
        }
        pixels_ += pixels;
    }
    __device__ void end() {
        if (pixels_ > 0) atomicAdd(&counts_[grey_][threadIdx.x % SharedCounts::copies], pixels_);
        pixels_ = 0;
    }

  private:
    uint32_t (*counts_)[SharedCounts::copies];
    uint32_t grey_ = 0;
    uint32_t pixels_ = 0;
};

__device__ void add_greys(GreyStretch& stretch, uint32_t word, uint32_t pixels) {
    const uint32_t first = word >> 24;
    if (pixels == 4 && word == first * 0x01010101u) {
        stretch.add(first, 4);
        return;
    }
    for (uint32_t i = 0; i < pixels; ++i) stretch.add(word >> (24 - 8 * i) & 255, 1);
}

/// Of greys; any number of blocks.
__global__ void __launch_bounds__(ink_threads) count_greys(CardPage page, FoundInk* __restrict__ found) {
    SharedCounts& shared = shared_as<SharedCounts>();
    for (uint32_t& count : shared.counts[threadIdx.x]) count = 0;
    __syncthreads();
    constexpr uint32_t at_once = 16;
    const uint32_t in_row = (page.width + at_once - 1) / at_once, all = in_row * page.height;
    GreyStretch stretch(shared);
    for (uint32_t i = blockIdx.x * ink_threads + threadIdx.x; i < all; i += gridDim.x * ink_threads) {
        const uint32_t y = i / in_row, x = i % in_row;
        const auto* row = reinterpret_cast<const uint4*>(page.words + size_t{y} * page.words_in_row);
        const uint4 words = row[x];
        const uint32_t pixels = min(at_once, page.width - x * at_once);
        const uint32_t four[] = {words.x, words.y, words.z, words.w};
        for (uint32_t k = 0; k < 4; ++k) add_greys(stretch, four[k], min(4u, pixels - min(pixels, 4 * k)));
    }
    stretch.end();
    __syncthreads();
    uint32_t sum = 0;
    for (const uint32_t count : shared.counts[threadIdx.x]) sum += count;
    if (sum > 0) atomicAdd(&found->counts[threadIdx.x], sum);
}

struct SharedThreshold {
    uint64_t dark[2][ink_threads], grey[2][ink_threads];  ///< pixels up to each grey, and the sum of their greys
    double variance[ink_threads];
    uint32_t best[ink_threads];
};

/// One block, a thread for each grey; as threshold_of() in ink.cpp. Sums are whole numbers, which no order changes.
__global__ void __launch_bounds__(ink_threads) find_threshold(FoundInk* found) {
    SharedThreshold& shared = shared_as<SharedThreshold>();
    const uint32_t own = threadIdx.x;
    shared.dark[0][own] = found->counts[own];
    shared.grey[0][own] = uint64_t{own} * found->counts[own];
    uint32_t now = 0;
    for (uint32_t by = 1; by < ink_threads; by *= 2, now = 1 - now) {
        __syncthreads();
        shared.dark[1 - now][own] = shared.dark[now][own] + (own < by ? 0 : shared.dark[now][own - by]);
        shared.grey[1 - now][own] = shared.grey[now][own] + (own < by ? 0 : shared.grey[now][own - by]);
    }
    __syncthreads();
    const auto all = static_cast<double>(shared.dark[now][ink_threads - 1]);
    const auto all_grey = static_cast<double>(shared.grey[now][ink_threads - 1]);
    const auto dark = static_cast<double>(shared.dark[now][own]);
    const auto dark_grey = static_cast<double>(shared.grey[now][own]);
    const double bright = all - dark;
    double variance = -1;
    if (dark != 0 && bright != 0) {
        const double apart = (all_grey - dark_grey) / bright - dark_grey / dark;
        variance = apart * (apart * dark * bright);
    }
    shared.variance[own] = variance;
    shared.best[own] = own;
    for (uint32_t half = ink_threads / 2; half > 0; half /= 2) {
        __syncthreads();
        if (own >= half) continue;
        const uint32_t mine = shared.best[own], other = shared.best[own + half];
        const double lead = shared.variance[other] - shared.variance[mine];
        if (lead > 0 || (lead == 0 && other < mine)) shared.best[own] = other;
    }
    __syncthreads();
    if (own != shared.best[0]) return;
    const bool is_of_one_grey = variance < 0;
    found->darkest_bright = is_of_one_grey ? 0 : own + 1;
    found->ink_is_dark = is_of_one_grey || dark < bright;
}

/// Ink of four greys, in the lowest bits: the difference's sign.
__device__ uint32_t darker_of(uint32_t greys, uint32_t than) {
    const auto darker = [than](uint32_t grey) { return ((grey & 255) - than) >> 31; };
    return darker(greys >> 24) << 3 | darker(greys >> 16) << 2 | darker(greys >> 8) << 1 | darker(greys);
}

inline constexpr uint32_t tile_side = 32, tiles_at_once = ink_threads / tile_side;

/// Blocks: for each tiles_at_once tiles of a row of tiles one, from the left, also for those that are cut off.
__global__ void __launch_bounds__(ink_threads) find_ink(CardPage page, CardInk ink) {
    uint32_t* const counts = shared_as<uint32_t[tiles_at_once]>();
    if (threadIdx.x < tiles_at_once) counts[threadIdx.x] = 0;
    __syncthreads();
    const uint32_t column = threadIdx.x % tiles_at_once, x = blockIdx.x * tiles_at_once + column;
    const uint32_t y = blockIdx.y * tile_side + threadIdx.x / tiles_at_once;
    if (x < ink.words_in_row && y < page.height) {
        const auto* row = reinterpret_cast<const uint4*>(page.words + size_t{y} * page.words_in_row);
        const uint4 left = row[2 * x], right = row[2 * x + 1];
        const uint32_t than = ink.found->darkest_bright;
        const uint32_t greys[] = {left.x, left.y, left.z, left.w, right.x, right.y, right.z, right.w};
        uint32_t word = 0;
        for (const uint32_t four : greys) word = word << 4 | darker_of(four, than);
        if (ink.found->ink_is_dark == 0) word = ~word;
        const uint32_t rest = page.width - x * tile_side;
        if (rest < tile_side) word &= ~0u << (tile_side - rest);
        ink.words[size_t{y} * ink.words_in_row + x] = word;
        atomicAdd(&counts[column], static_cast<uint32_t>(__popc(word)));
    }
    __syncthreads();
    const uint32_t across = page.width / tile_side, tile = blockIdx.x * tiles_at_once + threadIdx.x;
    if (threadIdx.x >= tiles_at_once || tile >= across || blockIdx.y >= page.height / tile_side) return;
    constexpr uint32_t almost_all = tile_side * tile_side * 97 / 100;
    const bool is_black = ink.found->ink_is_dark != 0 && counts[threadIdx.x] >= almost_all;
    ink.is_black[blockIdx.y * across + tile] = is_black;
    if (is_black) atomicAdd(&ink.found->black_tiles, 1u);
}

/// What is launched one after the other, of a page in grey. launch: (kernel, blocks, threads, bytes shared,
/// arguments…). counting: blocks that the card runs at once.
template <class Launch>
void launch_ink(const Launch& launch, const CardPage& page, const CardInk& ink, uint32_t counting) {
    const dim3 of_tiles((ink.words_in_row + tiles_at_once - 1) / tiles_at_once,
                        (page.height + tile_side - 1) / tile_side);
    launch(clear_found_ink, 1, ink_threads, 0, ink.found);
    launch(count_greys, counting, ink_threads, sizeof(SharedCounts), page, ink.found);
    launch(find_threshold, 1, ink_threads, sizeof(SharedThreshold), ink.found);
    launch(find_ink, of_tiles, ink_threads, tiles_at_once * sizeof(uint32_t), page, ink);
}

}  // namespace pg_ocr
