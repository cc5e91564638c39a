// The CPU as a card: that it runs kernels as a card does, and fails where a card might not.
#include "cuda_on_cpu.h"

#include <gtest/gtest.h>

#include "cuda/shared_memory.cuh"

namespace pg_ocr {
namespace {

using cuda_on_cpu::launch;

__global__ void turn_round(const int* from, int* to) {
    int* shared = &shared_as<int>();
    shared[threadIdx.x] = from[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    to[blockIdx.x * blockDim.x + threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

TEST(CudaOnCpu, RunsThreadsFromBarrierToBarrier) {
    std::vector<int> from(5 * 70);
    std::iota(from.begin(), from.end(), 0);
    std::vector<int> to(from.size());
    launch(turn_round, 5, 70, 70 * sizeof(int), from.data(), to.data());
    for (int i = 0; i < 5 * 70; ++i) EXPECT_EQ(to[i], i / 70 * 70 + 69 - i % 70);
}

__global__ void read_before_it_is_written(int* to) {
    int& shared = shared_as<int>();
    if (threadIdx.x == 0) shared = 1;
    to[threadIdx.x] = shared;
}

TEST(CudaOnCpu, ShowsWhereABarrierIsMissing) {
    std::vector<int> to(64);
    launch(read_before_it_is_written, 1, 64, sizeof(int), to.data());
    EXPECT_NE(std::count(to.begin(), to.end(), 1), 64);
}

__global__ void keep_order(unsigned* count, unsigned* order) {
    order[atomicAdd(count, 1)] = blockIdx.x * blockDim.x + threadIdx.x;
}

TEST(CudaOnCpu, RunsThreadsInAnOrderThatTheSeedGives) {
    std::vector<std::vector<unsigned>> orders;
    for (unsigned seed : {1u, 1u, 2u}) {
        cuda_on_cpu::shuffling.seed(seed);
        unsigned count = 0;
        orders.emplace_back(4 * 64);
        launch(keep_order, 4, 64, 0, &count, orders.back().data());
    }
    EXPECT_EQ(orders[0], orders[1]);
    EXPECT_NE(orders[0], orders[2]);
    std::sort(orders[0].begin(), orders[0].end());
    for (unsigned i = 0; i < orders[0].size(); ++i) EXPECT_EQ(orders[0][i], i);
}

__global__ void add_up(const int* from, int* sums, unsigned* odd) {
    int sum = from[threadIdx.x];
    for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(~0u, sum, by);
    const unsigned set = __ballot_sync(~0u, from[threadIdx.x] % 2);
    if (threadIdx.x % 32 == 0) {
        sums[threadIdx.x / 32] = sum;
        odd[threadIdx.x / 32] = set;
    }
}

TEST(CudaOnCpu, ExchangesWhatLanesHold) {
    std::vector<int> from(64);
    std::iota(from.begin(), from.end(), 0);
    std::vector<int> sums(2);
    std::vector<unsigned> odd(2);
    launch(add_up, 1, 64, 0, from.data(), sums.data(), odd.data());
    EXPECT_EQ(sums, (std::vector<int>{31 * 16, 31 * 16 + 32 * 32}));
    EXPECT_EQ(odd, (std::vector<unsigned>{0xAAAAAAAA, 0xAAAAAAAA}));
}

__global__ void swap_some(int* to) {
    if (threadIdx.x < 4) to[threadIdx.x] = __shfl_xor_sync(0xF, static_cast<int>(threadIdx.x), 1);
}

TEST(CudaOnCpu, ExchangesAmongTheLanesThatAreNamed) {
    std::vector<int> to(4);
    launch(swap_some, 1, 32, 0, to.data());
    EXPECT_EQ(to, (std::vector<int>{1, 0, 3, 2}));
}

template <class... Parameters>
std::string trouble_of(void (*kernel)(Parameters...), dim3 block, std::type_identity_t<Parameters>... arguments) {
    try {
        launch(kernel, 1, block, 16, arguments...);
        return "";
    } catch (const std::runtime_error& trouble) {
        return trouble.what();
    }
}

constexpr int line_of_barriers = __LINE__;
__global__ void end_early() {
    if (threadIdx.x != 5) __syncthreads();
}
__global__ void wait_in_two_places() {
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
}
__global__ void leave_a_lane_alone() {
    if (threadIdx.x != 9) __syncwarp();
}
__global__ void ask_whom_it_does_not_wait_for(int* to) {
    if (threadIdx.x < 4) *to = __shfl_sync(0xF, 1, 6);
}
__global__ void write_beyond() { (&shared_as<uint8_t>())[16 + threadIdx.x] = 1; }

TEST(CudaOnCpu, FailsWhereACardMightHang) {
    const auto line = [](int after) { return " in line " + std::to_string(line_of_barriers + after); };
    EXPECT_EQ(trouble_of(end_early, 32), "block 0, 0, 0: thread 0 waits for its block" + line(2) +
                                             ", thread 5 has ended, thread 6 waits for its block" + line(2));
    EXPECT_EQ(trouble_of(wait_in_two_places, 64),
              "block 0, 0, 0: thread 0 waits for its block" + line(6) + ", thread 32 waits for its block" + line(8));
    EXPECT_EQ(trouble_of(leave_a_lane_alone, 32), "block 0, 0, 0: thread 0 waits for its lanes" + line(11) +
                                                      ", thread 9 has ended, thread 10 waits for its lanes" + line(11));
    int to = 0;
    EXPECT_EQ(trouble_of(ask_whom_it_does_not_wait_for, 32, &to),
              "block 0, 0, 0: asks for what lane 6 did not give," + line(14));
    EXPECT_EQ(trouble_of(write_beyond, 2), "block 0, 0, 0: something was written beyond its shared memory");
    // It is none the worse for it.
    EXPECT_EQ(trouble_of(
                  +[] { __syncthreads(); }, 64),
              "");
}

TEST(CudaOnCpu, MultipliesBytesWithTheirSigns) {
    EXPECT_EQ(__dp4a(static_cast<int>(0x80FF7F01), static_cast<int>(0x80017F02), 5), 128 * 128 - 1 + 127 * 127 + 2 + 5);
    EXPECT_EQ(__float2int_rz(-1.9f), -1);
    EXPECT_EQ(__float2int_rz(1e20f), INT32_MAX);
    EXPECT_EQ(__clz(1), 31);
}

}  // namespace
}  // namespace pg_ocr
