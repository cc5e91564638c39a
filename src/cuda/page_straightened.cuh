// A page in grey, turned by a small angle around its middle on the card, as Leptonica turns it, bit by bit: each pixel
// from the four that it lies between, in 16ths.
#pragma once

#include <cmath>

#include "cuda/card_page.h"
#include "cuda/shared_memory.cuh"

namespace pg_ocr {

inline constexpr unsigned straightened_threads = 256;

/// 16 times the angle's sine and cosine.
struct TurnBySixteenths {
    float sine, cosine;
};

/// Of an angle clockwise, in radians. Leptonica leaves a page as it is that is to be turned by less than a thousandth.
inline TurnBySixteenths sixteenths_of(float angle) {
    const double exact = angle;
    return {static_cast<float>(16 * std::sin(exact)), static_cast<float>(16 * std::cos(exact))};
}

/// Four pixels at a time. to: as the page's own words; what comes from beyond the page is white.
__global__ void __launch_bounds__(straightened_threads)
    turn_page(CardPage page, TurnBySixteenths by, uint32_t* __restrict__ to) {
    const uint32_t word = blockIdx.x * straightened_threads + threadIdx.x, y = blockIdx.y;
    if (word * 4 >= page.width) return;
    const auto width = static_cast<int32_t>(page.width), height = static_cast<int32_t>(page.height);
    const int32_t middle_x = width / 2, middle_y = height / 2;
    const auto up = static_cast<float>(middle_y - static_cast<int32_t>(y));
    uint32_t turned = 0;
    for (uint32_t i = 0; i < 4; ++i) {
        const auto left = static_cast<float>(middle_x - static_cast<int32_t>(word * 4 + i));
        const int32_t right16 = __float2int_rz(__fadd_rn(__fmul_rn(-left, by.cosine), -__fmul_rn(up, by.sine)));
        const int32_t down16 = __float2int_rz(__fadd_rn(__fmul_rn(-up, by.cosine), __fmul_rn(left, by.sine)));
        const int32_t from_x = middle_x + (right16 >> 4), from_y = middle_y + (down16 >> 4);
        const uint32_t right = right16 & 15, down = down16 & 15;
        uint32_t grey = 255;
        if (from_x >= 0 && from_y >= 0 && from_x <= width - 2 && from_y <= height - 2) {
            const auto at = [&](int32_t row, int32_t column) {
                const uint32_t four = page.words[size_t{static_cast<uint32_t>(row)} * page.words_in_row + column / 4];
                return four >> (24 - 8 * (column % 4)) & 255;
            };
            const auto between = [&](int32_t row) {
                return (16 - right) * at(row, from_x) + right * at(row, from_x + 1);
            };
            grey = ((16 - down) * between(from_y) + down * between(from_y + 1) + 128) / 256;
        }
        turned = turned << 8 | grey;
    }
    to[size_t{y} * page.words_in_row + word] = turned;
}

/// launch: as for launch_ink().
template <class Launch>
void launch_turn(const Launch& launch, const CardPage& page, TurnBySixteenths by, uint32_t* to) {
    const uint32_t blocks = ((page.width + 3) / 4 + straightened_threads - 1) / straightened_threads;
    launch(turn_page, dim3(blocks, page.height), straightened_threads, 0, page, by, to);
}

}  // namespace pg_ocr
