// A page's greys as shares of their background on the card, as evened() of treatment.cpp has them on a CPU, bit by bit:
// Leptonica's normalisation. A map of every fourth pixel of every fourth row is closed, each pixel made the brightest
// nearby and then the darkest of those, and what is black there all the same is filled from above or from the side.
#pragma once

#include "cuda/card_page.h"
#include "cuda/shared_memory.cuh"

namespace pg_ocr {

inline constexpr unsigned evened_threads = 256;
inline constexpr uint32_t map_reduction = 4;

/// The sides of a page's map: every fourth pixel.
inline uint32_t map_side(uint32_t side) { return static_cast<uint32_t>(0.25f * static_cast<float>(side) + 0.5); }

struct MapOfPage {
    uint32_t width, height;  ///< map_side() of the page's
    uint8_t* greys;          ///< [height][width] what is found
    uint8_t* before;         ///< [height][width] of use on the way there
    uint32_t* columns;       ///< [width] whose greys are a column's
    uint32_t* has_holes;     ///< pixels of no background
    uint32_t* has_greys;     ///< 0: the page is all black, and there is nothing to even
};

__device__ uint32_t sampled_at(uint32_t index, uint32_t from, uint32_t to) {
    const float ratio = __fdiv_rn(static_cast<float>(from), static_cast<float>(to));
    const double at = static_cast<double>(__fmul_rn(ratio, static_cast<float>(index))) + 0.5;
    return min(static_cast<uint32_t>(at), from - 1);
}

/// A step of the closing: the greatest or least of 17 across or down. The first takes the page's pixels.
enum class ClosingStep : uint8_t { greatest_across, greatest_down, least_across, least_down };

__global__ void __launch_bounds__(evened_threads)
    close_map(CardPage page, MapOfPage map, ClosingStep step, const uint8_t* __restrict__ from,
              uint8_t* __restrict__ to) {
    constexpr int32_t reach = 8;
    const auto x = static_cast<int32_t>(blockIdx.x * evened_threads + threadIdx.x),
               y = static_cast<int32_t>(blockIdx.y);
    const auto width = static_cast<int32_t>(map.width), height = static_cast<int32_t>(map.height);
    if (x >= width) return;
    const bool is_across = step == ClosingStep::greatest_across || step == ClosingStep::least_across;
    const bool is_greatest = step == ClosingStep::greatest_across || step == ClosingStep::greatest_down;
    const int32_t at = is_across ? x : y, side = is_across ? width : height;
    uint32_t found = is_greatest ? 0 : 255;
    for (int32_t i = max(at - reach, 0); i <= min(at + reach, side - 1); ++i) {
        uint32_t grey = 0;
        if (step == ClosingStep::greatest_across) {
            const uint32_t column = sampled_at(static_cast<uint32_t>(i), page.width, map.width);
            const uint32_t row = sampled_at(static_cast<uint32_t>(y), page.height, map.height);
            grey = page.words[size_t{row} * page.words_in_row + column / 4] >> (24 - 8 * (column % 4)) & 255;
        } else {
            grey = is_across ? from[y * width + i] : from[i * width + x];
        }
        found = is_greatest ? max(found, grey) : min(found, grey);
    }
    to[y * width + x] = static_cast<uint8_t>(found);
    if (step == ClosingStep::least_down && found == 0) *map.has_holes = 1;
}

/// A column's greys are its own, for now, with holes filled from above; columns without any are told by what lies
/// behind the last. Rows and columns of which the page has not all four pixels do not count.
__global__ void __launch_bounds__(evened_threads) fill_map(CardPage page, MapOfPage map) {
    const uint32_t x = blockIdx.x * evened_threads + threadIdx.x;
    if (x >= map.width) return;
    map.columns[x] = x;
    if (*map.has_holes == 0 || x >= page.width / map_reduction) return;
    const uint32_t rows = page.height / map_reduction;
    uint32_t first = 0;
    while (first < rows && map.greys[first * map.width + x] == 0) ++first;
    if (first == rows) {
        map.columns[x] = map.width;
        return;
    }
    *map.has_greys = 1;
    uint8_t last = map.greys[first * map.width + x];
    for (uint32_t y = 0; y < map.height; ++y) {
        uint8_t& grey = map.greys[y * map.width + x];
        if (grey == 0)
            grey = last;
        else
            last = grey;
    }
}

/// Columns without greys have those of the one before, and the first ones those of the first that has. One thread.
__global__ void choose_columns(CardPage page, MapOfPage map) {
    if (*map.has_holes == 0) *map.has_greys = 1;
    if (*map.has_greys == 0) return;
    const uint32_t whole = page.width / map_reduction;
    uint32_t first = 0, missing = 0;
    while (map.columns[first] == map.width) ++first;
    for (uint32_t x = 0; x < whole; ++x) missing += map.columns[x] == map.width ? 1 : 0;
    for (uint32_t x = 0, last = first; missing > 0 && x < map.width; ++x) {
        if (x < whole && map.columns[x] == x) last = x;
        map.columns[x] = last;
    }
}

/// Four pixels at a time. to: as the page's own words.
__global__ void __launch_bounds__(evened_threads) even_greys(CardPage page, MapOfPage map, uint32_t* __restrict__ to) {
    constexpr uint32_t white = 240;
    const uint32_t word = blockIdx.x * evened_threads + threadIdx.x, y = blockIdx.y;
    if (word * 4 >= page.width || *map.has_greys == 0) return;
    const uint32_t column = map.columns[min(word, map.width - 1)];
    const uint32_t ground = map.greys[min(y / map_reduction, map.height - 1) * map.width + column];
    const uint32_t share = ground > 0 ? 256 * white / ground : white / 2;
    const uint32_t greys = page.words[size_t{y} * page.words_in_row + word];
    uint32_t evened = 0;
    for (int32_t shift = 24; shift >= 0; shift -= 8) evened |= min((greys >> shift & 255) * share / 256, 255u) << shift;
    to[size_t{y} * page.words_in_row + word] = evened;
}

__global__ void clear_map(MapOfPage map) { *map.has_holes = *map.has_greys = 0; }

/// What is launched one after the other, of a page in grey. launch: as for launch_ink().
template <class Launch>
void launch_evened(const Launch& launch, const CardPage& page, const MapOfPage& map, uint32_t* to) {
    const auto blocks = [](uint32_t columns) { return (columns + evened_threads - 1) / evened_threads; };
    const dim3 of_map(blocks(map.width), map.height);
    launch(clear_map, 1, 1, 0, map);
    const auto close = [&](ClosingStep step, const uint8_t* from, uint8_t* closed) {
        launch(close_map, of_map, evened_threads, 0, page, map, step, from, closed);
    };
    close(ClosingStep::greatest_across, nullptr, map.before);
    close(ClosingStep::greatest_down, map.before, map.greys);
    close(ClosingStep::least_across, map.greys, map.before);
    close(ClosingStep::least_down, map.before, map.greys);
    launch(fill_map, blocks(map.width), evened_threads, 0, page, map);
    launch(choose_columns, 1, 1, 0, page, map);
    launch(even_greys, dim3(blocks((page.width + 3) / 4), page.height), evened_threads, 0, page, map, to);
}

}  // namespace pg_ocr
