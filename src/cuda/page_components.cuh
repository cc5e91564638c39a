// Connected ink of a page on the card, as components_of() has it on a CPU, in its order. Nodes are runs, ink side by
// side in a row, numbered from the top and from the left: where two touch, the lesser number becomes the root of both.
// So a component's root is the run that comes first, and roots in order are components in theirs. A warp looks after a
// row, 32 words or runs at a time.
#pragma once

#include "cuda/card_page.h"
#include "cuda/shared_memory.cuh"

namespace pg_ocr {

inline constexpr unsigned row_warps = 8, row_threads = 32 * row_warps, sum_threads = 1024;

/// The end is exclusive.
struct CardComponent {
    int32_t left, top, right, bottom;
    uint32_t pixels;
};

/// Ink side by side; the end is exclusive.
struct CardRun {
    uint16_t begin, end;
};

/// What is found, and what it takes to find it. There is no more than there is room for: runs_found or
/// components_found say when the page has more, and whatever else was found means nothing then.
struct CardComponents {
    CardComponent* components;   ///< [most_components]
    uint32_t* components_found;  ///< of most_components
    uint32_t* runs_found;        ///< of most_runs
    uint32_t most_components, most_runs;
    uint32_t* first_runs;   ///< [height + 1] of each row, and behind the last
    uint32_t* first_roots;  ///< [height + 1] …
    CardRun* runs;          ///< [most_runs]
    uint32_t* parents;      ///< [most_runs]
    CardComponent* boxes;   ///< [most_runs] of roots
};

/// Within a warp: what the lanes before have together.
__device__ uint32_t sum_before(uint32_t mine) {
    const unsigned lane = threadIdx.x % 32;
    uint32_t sum = mine;
    for (unsigned by = 1; by < 32; by *= 2) {
        const uint32_t before = __shfl_up_sync(~0u, sum, by);
        if (lane >= by) sum += before;
    }
    return sum - mine;
}

/// A row's words, and where runs begin and end in them: bits as those of the ink.
struct RowOfInk {
    const uint32_t* words;
    uint32_t count, width;

    /// The row that a warp looks after; count is 0 where there is none.
    __device__ RowOfInk(const CardPage& ink, uint32_t y)
        : words(ink.words + size_t{y} * ink.words_in_row),
          count(y < ink.height ? (ink.width + 31) / 32 : 0),
          width(ink.width) {}
    /// Without what lies behind the width.
    __device__ uint32_t word(uint32_t x) const {
        if (x >= count) return 0;
        const uint32_t rest = width - x * 32;
        return rest < 32 ? words[x] & ~0u << (32 - rest) : words[x];
    }
    __device__ uint32_t begins_in(uint32_t x, uint32_t word_there) const {
        const uint32_t before = x == 0 ? 0 : words[x - 1];
        return x < count ? word_there & ~(word_there >> 1 | before << 31) : 0;
    }
    /// A run's last pixels.
    __device__ uint32_t ends_in(uint32_t x, uint32_t word_there) const {
        return word_there & ~(word_there << 1 | word(x + 1) >> 31);
    }
};

__device__ uint32_t row_of_warp() { return blockIdx.x * row_warps + threadIdx.x / 32; }

/// So many in each row of first_runs.
__global__ void __launch_bounds__(row_threads) count_runs(CardPage ink, CardComponents to) {
    const uint32_t y = row_of_warp(), lane = threadIdx.x % 32;
    const RowOfInk row(ink, y);
    uint32_t runs = 0;
    for (uint32_t x = lane; x < row.count; x += 32)
        runs += static_cast<uint32_t>(__popc(row.begins_in(x, row.word(x))));
    const uint32_t before = sum_before(runs);
    if (lane == 31 && y < ink.height) to.first_runs[y] = before + runs;
}

struct SharedSums {
    uint32_t sums[2][sum_threads];
};

/// Counts of each row into where each begins, and all of them together. One block.
__global__ void __launch_bounds__(sum_threads) sum_rows(uint32_t* counts, uint32_t rows, uint32_t* all) {
    SharedSums& shared = shared_as<SharedSums>();
    const uint32_t own = threadIdx.x, each = (rows + sum_threads - 1) / sum_threads;
    const uint32_t begin = min(own * each, rows), end = min(begin + each, rows);
    uint32_t sum = 0;
    for (uint32_t i = begin; i < end; ++i) sum += counts[i];
    shared.sums[0][own] = sum;
    uint32_t now = 0;
    for (uint32_t by = 1; by < sum_threads; by *= 2, now = 1 - now) {
        __syncthreads();
        shared.sums[1 - now][own] = shared.sums[now][own] + (own < by ? 0 : shared.sums[now][own - by]);
    }
    uint32_t first = shared.sums[now][own] - sum;
    for (uint32_t i = begin; i < end; ++i) {
        const uint32_t count = counts[i];
        counts[i] = first;
        first += count;
    }
    if (own + 1 == sum_threads) {
        counts[rows] = first;
        *all = first;
    }
}

__device__ bool has_room(const CardComponents& of) { return *of.runs_found <= of.most_runs; }

/// Where runs begin and end; each is its own root, and of it is all that is known.
__global__ void __launch_bounds__(row_threads) write_runs(CardPage ink, CardComponents to) {
    const uint32_t y = row_of_warp(), lane = threadIdx.x % 32;
    if (!has_room(to)) return;
    const RowOfInk row(ink, y);
    uint32_t begun = row.count > 0 ? to.first_runs[y] : 0, ended = begun;
    for (uint32_t first = 0; first < row.count; first += 32) {
        const uint32_t x = first + lane, word = row.word(x);
        uint32_t begins = row.begins_in(x, word), ends = row.ends_in(x, word);
        const auto begin_count = static_cast<uint32_t>(__popc(begins)), end_count = static_cast<uint32_t>(__popc(ends));
        const uint32_t begins_before = sum_before(begin_count), ends_before = sum_before(end_count);
        uint32_t run = begun + begins_before;
        for (; begins != 0; ++run) {
            const auto bit = static_cast<uint32_t>(__clz(static_cast<int>(begins)));
            begins &= ~(0x80000000u >> bit);
            to.runs[run].begin = static_cast<uint16_t>(x * 32 + bit);
            to.parents[run] = run;
        }
        run = ended + ends_before;
        for (; ends != 0; ++run) {
            const auto bit = static_cast<uint32_t>(__clz(static_cast<int>(ends)));
            ends &= ~(0x80000000u >> bit);
            to.runs[run].end = static_cast<uint16_t>(x * 32 + bit + 1);
        }
        begun += __shfl_sync(~0u, begins_before + begin_count, 31);
        ended += __shfl_sync(~0u, ends_before + end_count, 31);
    }
}

/// Other threads may make a parent less meanwhile: what is found was a root.
__device__ uint32_t root_of(const uint32_t* parents, uint32_t run) {
    for (uint32_t parent = parents[run]; parent != run; parent = parents[run]) run = parent;
    return run;
}

__device__ void join(uint32_t* parents, uint32_t one, uint32_t other) {
    for (;;) {
        one = root_of(parents, one);
        other = root_of(parents, other);
        if (one == other) return;
        const uint32_t root = min(one, other), child = max(one, other);
        const uint32_t parent = atomicMin(&parents[child], root);
        if (parent == child) return;
        // It was none any more: what it had become the child of is to be joined.
        one = root;
        other = parent;
    }
}

/// Runs with those above that they touch, also at their corners.
__global__ void __launch_bounds__(row_threads) join_runs(CardPage ink, CardComponents to) {
    const uint32_t y = row_of_warp();
    if (y == 0 || y >= ink.height || !has_room(to)) return;
    const uint32_t above = to.first_runs[y - 1], begin = to.first_runs[y], end = to.first_runs[y + 1];
    for (uint32_t i = begin + threadIdx.x % 32; i < end; i += 32) {
        const CardRun run = to.runs[i];
        uint32_t first = above;
        for (uint32_t last = begin; first < last;) {
            const uint32_t middle = (first + last) / 2;
            if (to.runs[middle].end < run.begin)
                first = middle + 1;
            else
                last = middle;
        }
        for (; first < begin && to.runs[first].begin <= run.end; ++first) join(to.parents, i, first);
    }
}

/// Each run's root, and how many of a row are roots. A root begins as all that is known of its component.
__global__ void __launch_bounds__(row_threads) find_roots(CardPage ink, CardComponents to) {
    const uint32_t y = row_of_warp(), lane = threadIdx.x % 32;
    if (y >= ink.height) return;
    const bool fits = has_room(to);
    const uint32_t begin = to.first_runs[y], end = fits ? to.first_runs[y + 1] : begin;
    uint32_t roots = 0;
    for (uint32_t i = begin + lane; i < end; i += 32) {
        const uint32_t root = root_of(to.parents, i);
        to.parents[i] = root;
        if (root != i) continue;
        ++roots;
        const CardRun run = to.runs[i];
        const auto row = static_cast<int32_t>(y);
        to.boxes[i] = {run.begin, row, run.end, row + 1, 0u + run.end - run.begin};
    }
    const uint32_t before = sum_before(roots);
    if (lane == 31) to.first_roots[y] = before + roots;
}

/// Runs to what is known of their components.
__global__ void __launch_bounds__(row_threads) add_runs(CardPage ink, CardComponents to) {
    const uint32_t y = row_of_warp();
    if (y >= ink.height || !has_room(to)) return;
    for (uint32_t i = to.first_runs[y] + threadIdx.x % 32; i < to.first_runs[y + 1]; i += 32) {
        if (to.parents[i] == i) continue;
        CardComponent& box = to.boxes[to.parents[i]];
        const CardRun run = to.runs[i];
        const auto bottom = static_cast<int32_t>(y) + 1;
        // What is there already only grows.
        if (run.begin < box.left) atomicMin(&box.left, int32_t{run.begin});
        if (run.end > box.right) atomicMax(&box.right, int32_t{run.end});
        if (bottom > box.bottom) atomicMax(&box.bottom, bottom);
        atomicAdd(&box.pixels, 0u + run.end - run.begin);
    }
}

__global__ void __launch_bounds__(row_threads) write_components(CardPage ink, CardComponents to) {
    const uint32_t y = row_of_warp(), lane = threadIdx.x % 32;
    if (y >= ink.height || !has_room(to)) return;
    const uint32_t end = to.first_runs[y + 1];
    uint32_t index = to.first_roots[y];
    for (uint32_t first = to.first_runs[y]; first < end; first += 32) {
        const uint32_t i = first + lane;
        const bool is_root = i < end && to.parents[i] == i;
        const unsigned roots = __ballot_sync(~0u, is_root);
        const uint32_t own = index + static_cast<uint32_t>(__popc(roots & ((1u << lane) - 1)));
        if (is_root && own < to.most_components) to.components[own] = to.boxes[i];
        index += static_cast<uint32_t>(__popc(roots));
    }
}

/// What is launched one after the other, of a page in black and white. launch: as for launch_ink().
template <class Launch>
void launch_components(const Launch& launch, const CardPage& ink, const CardComponents& to) {
    const uint32_t rows = (ink.height + row_warps - 1) / row_warps;
    launch(count_runs, rows, row_threads, 0, ink, to);
    launch(sum_rows, 1, sum_threads, sizeof(SharedSums), to.first_runs, ink.height, to.runs_found);
    launch(write_runs, rows, row_threads, 0, ink, to);
    launch(join_runs, rows, row_threads, 0, ink, to);
    launch(find_roots, rows, row_threads, 0, ink, to);
    launch(sum_rows, 1, sum_threads, sizeof(SharedSums), to.first_roots, ink.height, to.components_found);
    launch(add_runs, rows, row_threads, 0, ink, to);
    launch(write_components, rows, row_threads, 0, ink, to);
}

}  // namespace pg_ocr
