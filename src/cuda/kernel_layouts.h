// What kernels and whoever launches them agree on, in plain C++: tables, and what lies in a block's shared memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/card_batch.h"
#include "recognise/line_layers.h"
#include "recognise/nonlinear.h"

namespace pg_ocr {

inline constexpr uint32_t most_threads = 512;  ///< of a block
inline constexpr uint32_t softmax_threads = 256;
inline constexpr size_t vector_bytes = 16;
inline constexpr uint32_t exponent_steps = 32;

/// What kernels look up, in the card's memory.
struct CardTables {
    float tanh[recognise::table_size];
    float logistic[recognise::table_size];
    unsigned long long powers[exponent_steps];  ///< bits of 2^(i / 32), less i / 32 in the place of the exponent
};

/// How much noise a line uses up: those of the first and the last row look at one row that is not there, those at an
/// end at a column of three.
constexpr uint32_t noise_of_line(uint32_t width, uint32_t height) { return 6 * width + 6 * height - 4; }

/// Followed by pixels as the network takes them, columns × height: from the column left of the tile to the one right of
/// it.
struct SharedConvolution {
    float tanh[recognise::table_size];
    static constexpr uint32_t columns = recognise::pool_side * tile_steps + 2;
    static constexpr size_t bytes(uint32_t height, size_t number_bytes) {
        return sizeof(SharedConvolution) + number_bytes * columns * height;
    }
};

/// Followed by what is of each lane: a vector that says which it is, those that go into its gates (of this step and of
/// the next in turn), its cells.
struct SharedLstm {
    float tanh[recognise::table_size];
    float logistic[recognise::table_size];
    static constexpr size_t bytes(size_t lanes, size_t vectors, size_t cells) {
        return sizeof(SharedLstm) + lanes * (vector_bytes + 2 * vectors * vector_bytes + sizeof(float) * cells);
    }
};

struct SharedSoftmax {
    static constexpr uint32_t steps = 32;  ///< of a block, and classes at a time
    unsigned long long powers[exponent_steps];
    float most[steps];
    float sum[steps];
    float worth[2][steps][steps + 1];  ///< of classes at a time, those before and these in turn
};

}  // namespace pg_ocr
