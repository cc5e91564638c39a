// What a search looks at in the scores of a network, found where they are: as step_scores_of() finds it on a CPU.
#pragma once

#include "cuda/shared_memory.cuh"
#include "recognise/step_scores.h"

namespace pg_ocr {

inline constexpr unsigned step_warps = 8, step_threads = 32 * step_warps;

/// The two greatest of some values. Which class it is of equals does not matter: then the step is not clear.
struct GreatestClasses {
    float first = -1, second = -1;
    uint32_t first_class = 0, second_class = 0;

    __device__ void add(float value, uint32_t of) {
        if (value > first) {
            second = first;
            second_class = first_class;
            first = value;
            first_class = of;
        } else if (value > second) {
            second = value;
            second_class = of;
        }
    }
    /// Those of the whole warp, in each of its lanes.
    __device__ void join_lanes() {
        for (int by = 16; by > 0; by /= 2) {
            const float other_first = __shfl_xor_sync(~0u, first, by), other_second = __shfl_xor_sync(~0u, second, by);
            const uint32_t of_first = __shfl_xor_sync(~0u, first_class, by);
            const uint32_t of_second = __shfl_xor_sync(~0u, second_class, by);
            add(other_first, of_first);
            add(other_second, of_second);
        }
    }
};

__device__ uint32_t sum_of_lanes(uint32_t sum) {
    for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(~0u, sum, by);
    return sum;
}

struct StepSearch {
    const float* scores;  ///< [steps][classes]
    uint32_t steps;
    uint32_t classes;
    uint32_t null_class;
    recognise::StepScores* to;
    uint32_t blocks() const { return (steps + step_warps - 1) / step_warps; }
};

/// A warp for each step.
__global__ void __launch_bounds__(step_threads) find_step_scores(StepSearch job) {
    const auto [scores, steps, classes, null_class, to] = job;
    const uint32_t step = blockIdx.x * step_warps + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (step >= steps) return;
    const float* values = scores + size_t{step} * classes;
    GreatestClasses greatest;
    uint32_t no_numbers = 0;
    for (uint32_t i = lane; i < classes; i += 32) {
        greatest.add(values[i], i);
        no_numbers += values[i] >= 0 ? 0 : 1;
    }
    greatest.join_lanes();
    uint32_t as_good = 0;
    for (uint32_t i = lane; i < classes; i += 32) as_good += values[i] >= greatest.second ? 1 : 0;
    const bool is_clear =
        classes >= 2 && sum_of_lanes(as_good) == 2 && sum_of_lanes(no_numbers) == 0 && greatest.first > greatest.second;
    if (lane != 0) return;
    recognise::StepScores found;
    if (is_clear) {
        found.best = greatest.first;
        found.second = greatest.second;
        found.of_null = values[null_class];
        found.best_class = static_cast<uint16_t>(greatest.first_class);
        found.second_class = static_cast<uint16_t>(greatest.second_class);
    }
    to[step] = found;
}

}  // namespace pg_ocr
