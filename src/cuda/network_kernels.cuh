// A network on a card, layer by layer: what src/recognise/reference.cpp says, for all lines of a batch together.
//
// Between the layers lie planes: places one after the other, each a row of numbers (int8 or float) that fills vectors
// of 16 bytes. Matrices are by words: [word][output], a word of each of four rows: the four gates of a cell, or four
// neighbouring outputs; what fills up a vector weighs 0, and so cells that fill one up stay 0. Of a line's places none
// depends on what else is in the batch.
#pragma once

#include "cuda/arithmetic.cuh"
#include "cuda/kernel_layouts.h"
#include "cuda/shared_memory.cuh"
#include "recognise/network.h"

namespace pg_ocr {

/// In the card's memory.
struct CardMatrix {
    const int4* weights;   ///< [word][across]
    const int4* biases;    ///< [across], sums to begin with
    const float4* scales;  ///< [across], of integers
    uint32_t across;       ///< cells, or outputs by fours
    uint32_t vectors;      ///< of a place that comes in
    uint32_t own_vectors;  ///< of a cell's outputs of the step before, which follow
};

__device__ uint32_t thread_of_block() { return threadIdx.y * blockDim.x + threadIdx.x; }
__device__ uint32_t threads_of_block() { return blockDim.y * blockDim.x; }

/// All threads of the block together.
template <class Word>
__device__ void copy_all(Word* to, const Word* from, uint32_t count) {
    for (uint32_t i = thread_of_block(); i < count; i += threads_of_block()) to[i] = from[i];
}

/// Of four rows of the matrix by `lanes` rows of numbers, `stride` vectors apart: each weight is loaded once for all.
template <class Number, uint32_t lanes>
__device__ void multiply(const int4* weights, uint32_t across, const int4* numbers, uint32_t stride, uint32_t vectors,
                         typename Arithmetic<Number>::Sum (&sums)[lanes][4]) {
    const auto add = [](const int4& four, int number, typename Arithmetic<Number>::Sum(&to)[4]) {
        to[0] = Arithmetic<Number>::add_products(four.x, number, to[0]);
        to[1] = Arithmetic<Number>::add_products(four.y, number, to[1]);
        to[2] = Arithmetic<Number>::add_products(four.z, number, to[2]);
        to[3] = Arithmetic<Number>::add_products(four.w, number, to[3]);
    };
#pragma unroll 2
    for (uint32_t v = 0; v < vectors; ++v, weights += 4 * size_t{across}) {
        const int4 first = weights[0], second = weights[across];
        const int4 third = weights[2 * size_t{across}], fourth = weights[3 * size_t{across}];
#pragma unroll
        for (uint32_t lane = 0; lane < lanes; ++lane) {
            const int4 word = numbers[lane * stride + v];
            add(first, word.x, sums[lane]);
            add(second, word.y, sums[lane]);
            add(third, word.z, sums[lane]);
            add(fourth, word.w, sums[lane]);
        }
    }
}

template <class Number, uint32_t lanes>
__device__ void begin_with(const int4& biases, typename Arithmetic<Number>::Sum (&sums)[lanes][4]) {
#pragma unroll
    for (uint32_t lane = 0; lane < lanes; ++lane) {
        sums[lane][0] = Arithmetic<Number>::sum_of(biases.x);
        sums[lane][1] = Arithmetic<Number>::sum_of(biases.y);
        sums[lane][2] = Arithmetic<Number>::sum_of(biases.z);
        sums[lane][3] = Arithmetic<Number>::sum_of(biases.w);
    }
}

// Pixels to the first plane: rows of pools, from the top, of each step.

template <class Number>
struct Convolution {
    CardMatrix matrix;  ///< weights have a word each, not packed: [pixel of a patch, column by column][across]
    const CardTables* tables;
    const CardLine* lines;
    const CardTile* tiles;  ///< of each block
    const uint8_t* pixels;
    const Number* noise;
    uint32_t height;
    Number* to;  ///< [place][row of pools][4 × across]
};

/// How much of a line's noise comes before that of a pixel at its edge.
__device__ uint32_t noise_before(uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    const uint32_t of_full_row = 3 * width + 4;
    const uint32_t rows = y == 0 ? 0 : of_full_row + 6 * (y - 1);
    if (y == 0 || y + 1 == height) return rows + (x == 0 ? 0 : 3 * x + 2);
    return rows + (x == 0 ? 0 : 3);
}

/// What the convolution sees around a pixel, column by column.
template <class Number>
__device__ void look_around(const Convolution<Number>& job, const CardLine& line, const Number* normal, uint32_t x,
                            uint32_t y, Number (&patch)[9]) {
    if (x > 0 && x + 1 < line.width && y > 0 && y + 1 < job.height) {
#pragma unroll
        for (uint32_t i = 0; i < 9; ++i) patch[i] = normal[i / 3 * job.height + y - 1 + i % 3];
        return;
    }
    const Number* noise = job.noise + noise_before(x, y, line.width, job.height);
#pragma unroll
    for (uint32_t i = 0; i < 9; ++i) {
        const uint32_t column = x + i / 3, row = y + i % 3;  // one too many: below 0 is no number
        const bool is_inside = column > 0 && column <= line.width && row > 0 && row <= job.height;
        patch[i] = is_inside ? normal[i / 3 * job.height + row - 1] : *noise++;
    }
}

/// A block for each tile, of any number of threads.
template <class Number>
__global__ void __launch_bounds__(most_threads) convolve(Convolution<Number> job) {
    constexpr uint32_t side = recognise::pool_side;
    using Numbers = Arithmetic<Number>;
    auto& shared = shared_as<SharedConvolution>();
    auto* const normal = reinterpret_cast<Number*>(&shared + 1);
    const CardTile tile = job.tiles[blockIdx.x];
    const CardLine line = job.lines[tile.line];
    const uint32_t steps = min(tile_steps, line.steps - tile.step);
    const uint32_t left = side * tile.step, columns = side * steps + 2;
    copy_all(shared.tanh, job.tables->tanh, recognise::table_size);
    for (uint32_t i = thread_of_block(); i < columns * job.height; i += threads_of_block()) {
        const uint32_t column = i % columns, y = i / columns;
        const uint32_t x = left + column - 1;  // left of the line it is no number, and not below the width
        if (x >= line.width) continue;
        const float bright = static_cast<float>(job.pixels[line.pixels + size_t{y} * line.width + x]);
        normal[column * job.height + y] =
            Numbers::pixel(__fadd_rn(__fdiv_rn(__fadd_rn(bright, -line.black), line.half), -1));
    }
    __syncthreads();

    struct alignas(4 * sizeof(Number)) Four {
        Number each[4];
    };
    const uint32_t rows = job.height / side, fours = job.matrix.across;
    Four* to = reinterpret_cast<Four*>(job.to) + size_t{line.first + tile.step} * rows * fours;
    for (uint32_t i = thread_of_block(); i < steps * rows * fours; i += threads_of_block()) {
        const uint32_t four = i % fours, row = i / fours % rows, step = i / fours / rows;
        typename Numbers::Sum most[4] = {Numbers::least, Numbers::least, Numbers::least, Numbers::least};
        for (uint32_t pixel = 0; pixel < side * side; ++pixel) {
            const uint32_t column = side * step + pixel % side;
            Number patch[9];
            look_around(job, line, normal + column * job.height, left + column, side * row + pixel / side, patch);
            typename Numbers::Sum sums[1][4];
            begin_with<Number>(job.matrix.biases[four], sums);
#pragma unroll
            for (uint32_t p = 0; p < 9; ++p) {
                const int4 weights = job.matrix.weights[p * fours + four];
                sums[0][0] = Numbers::add_product(weights.x, patch[p], sums[0][0]);
                sums[0][1] = Numbers::add_product(weights.y, patch[p], sums[0][1]);
                sums[0][2] = Numbers::add_product(weights.z, patch[p], sums[0][2]);
                sums[0][3] = Numbers::add_product(weights.w, patch[p], sums[0][3]);
            }
#pragma unroll
            for (uint32_t k = 0; k < 4; ++k) most[k] = max(most[k], sums[0][k]);
        }
        const float4 scales = job.matrix.scales[four];
        to[i] = {Numbers::stored(tanh_of(shared.tanh, Numbers::scaled(most[0], scales.x))),
                 Numbers::stored(tanh_of(shared.tanh, Numbers::scaled(most[1], scales.y))),
                 Numbers::stored(tanh_of(shared.tanh, Numbers::scaled(most[2], scales.z))),
                 Numbers::stored(tanh_of(shared.tanh, Numbers::scaled(most[3], scales.w)))};
    }
}

// LSTMs. Lanes are sequences that go in lockstep: a block takes some, a thread a cell of a few of them.

template <class Number>
struct Lstm {
    CardMatrix matrix;
    const CardTables* tables;
    const int4* from;       ///< [place][matrix.vectors]
    Number* to;             ///< [place][cells], or of last_only [lane][cells]
    const CardLine* lines;  ///< lanes, from the longest on; null: lanes of the same steps, one after the other
    uint32_t lanes;
    uint32_t steps;  ///< where there are no lines
    bool right_to_left;
    bool last_only;  ///< only what comes out of a lane's last step goes on
};

/// Where a lane begins, and how long it is; none beyond the last lane.
struct LaneOfBlock {
    uint32_t first;
    uint32_t steps;
    __device__ uint32_t place(uint32_t step, bool right_to_left) const {
        return first + (right_to_left ? steps - 1 - step : step);
    }
};

/// Blocks of (some cells, groups of `lanes` lanes) threads.
template <class Number, uint32_t lanes>
__global__ void __launch_bounds__(most_threads, 1) lstm(Lstm<Number> job) {
    using Numbers = Arithmetic<Number>;
    auto& shared = shared_as<SharedLstm>();
    const uint32_t cells = job.matrix.across, vectors = job.matrix.vectors + job.matrix.own_vectors;
    const uint32_t block_lanes = blockDim.y * lanes, first_lane = blockIdx.x * block_lanes;
    auto* const lane_at = reinterpret_cast<LaneOfBlock*>(&shared + 1);  // has the room of a vector each
    auto* const sources = reinterpret_cast<int4*>(&shared + 1) + block_lanes;
    auto* const states = reinterpret_cast<float*>(sources + 2 * size_t{block_lanes} * vectors);

    copy_all(shared.tanh, job.tables->tanh, recognise::table_size);
    copy_all(shared.logistic, job.tables->logistic, recognise::table_size);
    for (uint32_t i = thread_of_block(); i < 2 * block_lanes * vectors; i += threads_of_block())
        sources[i] = int4{0, 0, 0, 0};
    for (uint32_t i = thread_of_block(); i < block_lanes * cells; i += threads_of_block()) states[i] = 0;
    for (uint32_t i = thread_of_block(); i < block_lanes; i += threads_of_block()) {
        const uint32_t lane = first_lane + i;
        lane_at[i] = lane >= job.lanes      ? LaneOfBlock{0, 0}
                     : job.lines != nullptr ? LaneOfBlock{job.lines[lane].first, job.lines[lane].steps}
                                            : LaneOfBlock{lane * job.steps, job.steps};
    }
    __syncthreads();

    // Of the i-th vector of the inputs of all lanes.
    const uint32_t inputs = block_lanes * job.matrix.vectors;
    const auto has_input = [&](uint32_t i, uint32_t step) {
        return i < inputs && step < lane_at[i / job.matrix.vectors].steps;
    };
    const auto input = [&](uint32_t i, uint32_t step) {
        const uint32_t place = lane_at[i / job.matrix.vectors].place(step, job.right_to_left);
        return job.from[size_t{place} * job.matrix.vectors + i % job.matrix.vectors];
    };
    const auto keep_input = [&](int4* source, uint32_t i, const int4& vector) {
        source[i / job.matrix.vectors * vectors + i % job.matrix.vectors] = vector;
    };
    for (uint32_t i = thread_of_block(); has_input(i, 0); i += threads_of_block()) keep_input(sources, i, input(i, 0));
    __syncthreads();

    const uint32_t longest = lane_at[0].steps;
    for (uint32_t step = 0; step < longest; ++step) {
        int4* const source = sources + step % 2 * block_lanes * vectors;
        int4* const next = sources + (step + 1) % 2 * block_lanes * vectors;
        // What a thread loads for the next step comes while it is busy with this one.
        const uint32_t ahead = thread_of_block();
        const bool is_ahead = has_input(ahead, step + 1);
        const int4 loaded = is_ahead ? input(ahead, step + 1) : int4{0, 0, 0, 0};

        for (uint32_t cell = threadIdx.x; cell < cells; cell += blockDim.x) {
            const uint32_t own = threadIdx.y * lanes;
            typename Numbers::Sum sums[lanes][4];
            begin_with<Number>(job.matrix.biases[cell], sums);
            multiply<Number>(job.matrix.weights + cell, cells, source + own * vectors, vectors, vectors, sums);
            const float4 scales = job.matrix.scales[cell];
#pragma unroll
            for (uint32_t l = 0; l < lanes; ++l) {
                static_assert(recognise::cell_input == 0 && recognise::input_gate == 1 && recognise::forget_gate == 2 &&
                              recognise::output_gate == 3);
                const LaneOfBlock lane = lane_at[own + l];
                if (step >= lane.steps) continue;
                float& state = states[(own + l) * cells + cell];
                const float let_in = logistic_of(shared.logistic, Numbers::scaled(sums[l][1], scales.y));
                const float added = __fmul_rn(tanh_of(shared.tanh, Numbers::scaled(sums[l][0], scales.x)), let_in);
                const float kept =
                    __fmul_rn(state, logistic_of(shared.logistic, Numbers::scaled(sums[l][2], scales.z)));
                state = within(__fadd_rn(kept, added), recognise::state_limit);
                const float let_out = logistic_of(shared.logistic, Numbers::scaled(sums[l][3], scales.w));
                const Number output = Numbers::stored(__fmul_rn(tanh_of(shared.tanh, state), let_out));
                reinterpret_cast<Number*>(next + (own + l) * vectors + job.matrix.vectors)[cell] = output;
                if (!job.last_only)
                    job.to[size_t{lane.place(step, job.right_to_left)} * cells + cell] = output;
                else if (step + 1 == lane.steps)
                    job.to[size_t{first_lane + own + l} * cells + cell] = output;
            }
        }
        if (is_ahead) keep_input(next, ahead, loaded);
        for (uint32_t i = ahead + threads_of_block(); i < inputs; i += threads_of_block())
            if (has_input(i, step + 1)) keep_input(next, i, input(i, step + 1));
        __syncthreads();
    }
}

// Classes: sums of products, then what each is worth.

struct Product {
    CardMatrix matrix;
    const int4* from;  ///< [step][matrix.vectors]
    uint32_t steps;
    float* sums;  ///< [step][classes]
    uint32_t classes;
};

/// Blocks of (classes by fours, groups of `lanes` steps) threads; as many across as the classes need. Shared memory has
/// the steps' vectors.
template <class Number, uint32_t lanes>
__global__ void __launch_bounds__(most_threads) weigh(Product job) {
    using Numbers = Arithmetic<Number>;
    auto* const rows = &shared_as<int4>();
    const uint32_t vectors = job.matrix.vectors, block_steps = blockDim.y * lanes;
    const uint32_t first = blockIdx.x * block_steps;
    copy_all(rows, job.from + size_t{first} * vectors, min(block_steps, job.steps - first) * vectors);
    __syncthreads();
    const uint32_t four = blockIdx.y * blockDim.x + threadIdx.x, own = threadIdx.y * lanes;
    if (four >= job.matrix.across) return;
    typename Numbers::Sum sums[lanes][4];
    begin_with<Number>(job.matrix.biases[four], sums);
    multiply<Number>(job.matrix.weights + four, job.matrix.across, rows + own * vectors, vectors, vectors, sums);
    const float4 scales = job.matrix.scales[four];
    const float of_each[4] = {scales.x, scales.y, scales.z, scales.w};
#pragma unroll
    for (uint32_t l = 0; l < lanes; ++l)
#pragma unroll
        for (uint32_t k = 0; k < 4; ++k)
            if (first + own + l < job.steps && 4 * four + k < job.classes)
                job.sums[size_t{first + own + l} * job.classes + 4 * four + k] =
                    Numbers::scaled(sums[l][k], of_each[k]);
}

struct Softmax {
    const CardTables* tables;
    float* scores;  ///< [step][classes], in place of the sums
    uint32_t steps;
    uint32_t classes;
};

/// Blocks of softmax_threads for 32 steps each. A step's sum is added up class by class, as the reference does, by a
/// thread for each step.
__global__ void __launch_bounds__(softmax_threads) softmax(Softmax job) {
    constexpr float least = -86;
    constexpr uint32_t warps = softmax_threads / 32, all_lanes = 0xFFFFFFFF;
    auto& shared = shared_as<SharedSoftmax>();
    const uint32_t first = blockIdx.x * SharedSoftmax::steps, steps = min(SharedSoftmax::steps, job.steps - first);
    const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float* const rows = job.scores + size_t{first} * job.classes;
    copy_all(shared.powers, job.tables->powers, exponent_steps);
    for (uint32_t step = warp; step < steps; step += warps) {
        const float* const row = rows + size_t{step} * job.classes;
        float most = row[0];
        for (uint32_t c = lane; c < job.classes; c += 32) most = max(most, row[c]);
        for (int by = 16; by > 0; by /= 2) most = max(most, __shfl_xor_sync(all_lanes, most, by));
        if (lane == 0) shared.most[step] = most;
    }
    __syncthreads();
    float sum = 0;
    for (uint32_t begin = 0; begin < job.classes; begin += 32) {
        auto& worth = shared.worth[begin / 32 % 2];
        const uint32_t count = min(32u, job.classes - begin);
        for (uint32_t step = warp; step < steps; step += warps) {
            if (lane >= count) continue;
            float& value = rows[size_t{step} * job.classes + begin + lane];
            const float below = __fadd_rn(value, -shared.most[step]);
            value = exponential(shared.powers, below < least ? least : below);
            worth[step][lane] = value;
        }
        __syncthreads();
        if (warp == 0 && lane < steps)
            for (uint32_t c = 0; c < count; ++c) sum = __fadd_rn(sum, worth[lane][c]);
    }
    if (warp == 0 && lane < steps) shared.sum[lane] = sum;
    __syncthreads();
    for (uint32_t step = warp; step < steps; step += warps)
        for (uint32_t c = lane; c < job.classes; c += 32) {
            float& value = rows[size_t{step} * job.classes + c];
            value = __fdiv_rn(value, shared.sum[step]);
        }
}

}  // namespace pg_ocr
