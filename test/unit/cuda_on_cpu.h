// Kernels of src/cuda/*.cuh on the CPU: CUDA's words for a C++ compiler, and a launch that runs each thread of a block
// as a fiber of its own. What goes wrong on a card only now and then goes wrong here every time: threads and blocks run
// in a shuffled order, from one barrier to the next; shared memory holds garbage when a block begins, and what is
// written beyond it is seen; barriers that not all threads reach end the launch. Include this before any .cuh.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__ inline
#define __device__ inline
#define __host__
#define __forceinline__
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned of_x = 1, unsigned of_y = 1, unsigned of_z = 1) : x(of_x), y(of_y), z(of_z) {}
};
struct uint3 {
    unsigned x, y, z;
};
inline thread_local uint3 threadIdx, blockIdx;
inline thread_local dim3 blockDim, gridDim;

namespace cuda_on_cpu {

/// In which order blocks and threads run. A test may seed it.
inline thread_local std::mt19937 shuffling;

enum class FiberState : uint8_t { runs, waits_for_block, waits_for_lanes, ended };

struct Fiber {
    ucontext_t context;
    std::unique_ptr<std::byte[]> stack;
    uint3 index;
    unsigned number;  ///< in its block; 32 neighbours are a warp
    FiberState state;
    unsigned line;   ///< of the source, where it waits
    unsigned lanes;  ///< of its warp that it waits for
    uint64_t given;  ///< what it gives to these
};

/// Runs a block after the other, each fiber until it waits or ends.
class Processor {
  public:
    void run(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel) {
        kernel_ = &kernel;
        gridDim = grid;
        blockDim = block;
        std::vector<uint3> blocks;
        for (unsigned z = 0; z < grid.z; ++z)
            for (unsigned y = 0; y < grid.y; ++y)
                for (unsigned x = 0; x < grid.x; ++x) blocks.push_back({x, y, z});
        std::shuffle(blocks.begin(), blocks.end(), shuffling);
        shared_.resize(shared_bytes + beyond);
        for (const uint3& each : blocks) {
            blockIdx = each;
            std::fill(shared_.begin(), shared_.end(), garbage);
            run_block();
            if (std::any_of(shared_.end() - beyond, shared_.end(), [](uint8_t byte) { return byte != garbage; }))
                fail("something was written beyond its shared memory");
        }
    }

    void* shared() { return shared_.data(); }
    /// The lane of the fiber that runs.
    unsigned lane() const { return fiber_->number % 32; }
    /// What a lane gave to those that waited with it.
    uint64_t given_by(unsigned lane) {
        if ((fiber_->lanes >> lane & 1) == 0) stop("asks for what lane " + std::to_string(lane) + " did not give");
        return given_[fiber_->number / 32][lane];
    }
    void wait_for_block(unsigned line) {
        fiber_->line = line;
        leave(FiberState::waits_for_block);
    }
    void wait_for_lanes(unsigned lanes, uint64_t given, unsigned line) {
        fiber_->line = line;
        if ((lanes >> lane() & 1) == 0) stop("waits with lanes of which it is none");
        fiber_->lanes = lanes;
        fiber_->given = given;
        leave(FiberState::waits_for_lanes);
    }

  private:
    static constexpr size_t stack_bytes = size_t{1} << 17;
    static constexpr size_t beyond = 256;
    static constexpr uint8_t garbage = 0xD7;  // floats of −4.7e14, integers beyond what anything counts

    void run_block() {
        const unsigned count = blockDim.x * blockDim.y * blockDim.z;
        if (count > 1024) fail("its block has more than 1,024 threads");
        if (fibers_.size() < count) fibers_.resize(count);
        given_.assign((count + 31) / 32, {});
        for (unsigned i = 0; i < count; ++i)
            start(fibers_[i], i, {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)});
        std::vector<unsigned> order(count);
        std::iota(order.begin(), order.end(), 0u);
        std::shuffle(order.begin(), order.end(), shuffling);
        do {
            for (unsigned i : order)
                if (fibers_[i].state == FiberState::runs) enter(fibers_[i]);
        } while (release(count));
    }

    void start(Fiber& fiber, unsigned number, uint3 index) {
        if (fiber.stack == nullptr) fiber.stack = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
        fiber.number = number;
        fiber.index = index;
        fiber.state = FiberState::runs;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = stack_bytes;
        fiber.context.uc_link = nullptr;
        makecontext(
            &fiber.context, [] { of_this_thread().run_fiber(); }, 0);
    }
    void run_fiber() {
        arrive();
        (*kernel_)();
        leave(FiberState::ended);
    }

    void enter(Fiber& fiber) {
        fiber_ = &fiber;
        threadIdx = fiber.index;
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_start_switch_fiber(nullptr, fiber.stack.get(), stack_bytes);
#endif
        swapcontext(&own_, &fiber.context);
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
        if (!trouble_.empty()) fail(std::exchange(trouble_, {}));
    }
    void leave(FiberState state) {
        fiber_->state = state;
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_start_switch_fiber(nullptr, own_stack_, own_stack_bytes_);
#endif
        swapcontext(&fiber_->context, &own_);
        arrive();
    }
    /// In a fiber, that it goes on.
    void arrive() {
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_finish_switch_fiber(nullptr, &own_stack_, &own_stack_bytes_);
#endif
    }
    /// Nothing can be thrown out of a fiber: it is left for ever, and may own nothing.
    void stop(std::string&& what) {
        trouble_ = std::move(what) + ", in line " + std::to_string(fiber_->line);
        leave(FiberState::ended);
    }

    /// Lets go on whoever waited for others that have come, all or none. False where all have ended.
    bool release(unsigned count) {
        const std::span<Fiber> all(fibers_.data(), count);
        const auto is_like = [&](const Fiber& fiber) {
            return fiber.state == all[0].state && (fiber.state == FiberState::ended || fiber.line == all[0].line);
        };
        if (all[0].state != FiberState::waits_for_lanes && std::all_of(all.begin(), all.end(), is_like)) {
            if (all[0].state == FiberState::ended) return false;
            for (Fiber& fiber : all) fiber.state = FiberState::runs;
            return true;
        }
        bool any = false;
        for (unsigned first = 0; first < count; first += 32)
            any |= release_lanes(all.subspan(first, std::min(32u, count - first)), given_[first / 32]);
        if (!any) fail_waiting(all);
        return true;
    }
    bool release_lanes(std::span<Fiber> warp, std::array<uint64_t, 32>& given) {
        bool any = false;
        for (const Fiber& first : warp) {
            const unsigned lanes = first.lanes, line = first.line;
            bool all_wait = true;
            const auto each = [&](const auto& act) {
                for (unsigned lane = 0; lane < warp.size(); ++lane)
                    if (lanes >> lane & 1) act(lane, warp[lane]);
            };
            if (first.state != FiberState::waits_for_lanes) continue;
            each([&](unsigned, const Fiber& fiber) {
                all_wait &= fiber.state == FiberState::waits_for_lanes && fiber.lanes == lanes && fiber.line == line;
            });
            if (!all_wait) continue;
            each([&](unsigned lane, Fiber& fiber) {
                fiber.state = FiberState::runs;
                given[lane] = fiber.given;
            });
            any = true;
        }
        return any;
    }

    void fail_waiting(std::span<const Fiber> all) const {
        const auto told = [](const Fiber& fiber) {
            const std::string who = "thread " + std::to_string(fiber.number);
            if (fiber.state == FiberState::ended) return who + " has ended";
            return who + " waits for its " + (fiber.state == FiberState::waits_for_block ? "block" : "lanes") +
                   " in line " + std::to_string(fiber.line);
        };
        std::string what = told(all[0]);
        for (size_t i = 1; i < all.size(); ++i)
            if (all[i].state != all[i - 1].state || all[i].line != all[i - 1].line) what += ", " + told(all[i]);
        fail(what);
    }
    static void fail(const std::string& what) {
        throw std::runtime_error("block " + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " +
                                 std::to_string(blockIdx.z) + ": " + what);
    }

    const std::function<void()>* kernel_ = nullptr;
    std::vector<uint8_t> shared_;
    std::vector<Fiber> fibers_;
    std::vector<std::array<uint64_t, 32>> given_;  ///< of each warp
    Fiber* fiber_ = nullptr;                       ///< that runs
    ucontext_t own_;
    std::string trouble_;
#ifdef __SANITIZE_ADDRESS__
    const void* own_stack_ = nullptr;
    size_t own_stack_bytes_ = 0;
#endif

  public:
    static Processor& of_this_thread() {
        static thread_local Processor processor;
        return processor;
    }
};

/// As kernel<<<grid, block, shared_bytes>>>(arguments…), until it has ended. Throws std::runtime_error where threads
/// wait for others that never come, or write beyond shared memory.
template <class... Parameters>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
            std::type_identity_t<Parameters>... arguments) {
    Processor::of_this_thread().run(grid, block, shared_bytes, [&] { kernel(arguments...); });
}

template <class Value>
Value from_lane(unsigned lanes, Value mine, unsigned lane, unsigned line) {
    static_assert(sizeof(Value) <= 8);
    uint64_t bits = 0;
    std::memcpy(&bits, &mine, sizeof mine);
    Processor& processor = Processor::of_this_thread();
    processor.wait_for_lanes(lanes, bits, line);
    bits = processor.given_by(lane);
    std::memcpy(&mine, &bits, sizeof mine);
    return mine;
}

}  // namespace cuda_on_cpu

inline void* shared_memory() { return cuda_on_cpu::Processor::of_this_thread().shared(); }

// The line is where the caller calls: threads that wait in different lines do not wait for each other.
inline void __syncthreads(unsigned line = __builtin_LINE()) {
    cuda_on_cpu::Processor::of_this_thread().wait_for_block(line);
}
inline void __syncwarp(unsigned lanes = ~0u, unsigned line = __builtin_LINE()) {
    cuda_on_cpu::Processor::of_this_thread().wait_for_lanes(lanes, 0, line);
}
template <class Value>
Value __shfl_sync(unsigned lanes, Value mine, int lane, unsigned line = __builtin_LINE()) {
    return cuda_on_cpu::from_lane(lanes, mine, static_cast<unsigned>(lane) % 32, line);
}
template <class Value>
Value __shfl_xor_sync(unsigned lanes, Value mine, int bits, unsigned line = __builtin_LINE()) {
    const unsigned own = cuda_on_cpu::Processor::of_this_thread().lane();
    return cuda_on_cpu::from_lane(lanes, mine, own ^ static_cast<unsigned>(bits), line);
}
template <class Value>
Value __shfl_up_sync(unsigned lanes, Value mine, unsigned by, unsigned line = __builtin_LINE()) {
    const unsigned own = cuda_on_cpu::Processor::of_this_thread().lane();
    return cuda_on_cpu::from_lane(lanes, mine, own < by ? own : own - by, line);
}
template <class Value>
Value __shfl_down_sync(unsigned lanes, Value mine, unsigned by, unsigned line = __builtin_LINE()) {
    const unsigned own = cuda_on_cpu::Processor::of_this_thread().lane();
    return cuda_on_cpu::from_lane(lanes, mine, own + by > 31 ? own : own + by, line);
}
inline unsigned __ballot_sync(unsigned lanes, int mine, unsigned line = __builtin_LINE()) {
    cuda_on_cpu::Processor& processor = cuda_on_cpu::Processor::of_this_thread();
    processor.wait_for_lanes(lanes, mine != 0, line);
    unsigned set = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
        if (lanes >> lane & 1) set |= static_cast<unsigned>(processor.given_by(lane)) << lane;
    return set;
}

// Threads run one at a time: what is atomic on a card is here what it says.
template <class Value>
Value atomicAdd(Value* to, std::type_identity_t<Value> by) {
    return std::exchange(*to, *to + by);
}
template <class Value>
Value atomicMax(Value* to, std::type_identity_t<Value> with) {
    return std::exchange(*to, std::max(*to, with));
}
template <class Value>
Value atomicMin(Value* to, std::type_identity_t<Value> with) {
    return std::exchange(*to, std::min(*to, with));
}
template <class Value>
Value atomicOr(Value* to, std::type_identity_t<Value> with) {
    return std::exchange(*to, *to | with);
}
template <class Value>
Value atomicExch(Value* to, std::type_identity_t<Value> value) {
    return std::exchange(*to, value);
}
template <class Value>
Value atomicCAS(Value* to, std::type_identity_t<Value> expected, std::type_identity_t<Value> value) {
    return std::exchange(*to, *to == expected ? value : *to);
}

struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

using std::max;
using std::min;

// Built with -ffp-contract=off, as kernels are with -fmad=false.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
/// What no integer holds is the nearest; no number is 0.
inline int __float2int_rz(float x) {
    if (std::isnan(x)) return 0;
    return x >= 2147483648.0f ? INT32_MAX : x < -2147483648.0f ? INT32_MIN : static_cast<int>(x);
}
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __dp4a(int a, int b, int sum) {
    for (int shift = 0; shift < 32; shift += 8)
        sum += int{static_cast<int8_t>(a >> shift)} * int{static_cast<int8_t>(b >> shift)};
    return sum;
}
