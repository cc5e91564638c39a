// A card whose device is the CPU: all of src/cuda but CUDA's own calls. What is queued is done when somebody waits for
// it, and not before: whoever reuses memory that is still to be copied is found out.
#pragma once

#include "cuda_on_cpu.h"

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

#include "cuda/network_card.cuh"

namespace pg_ocr {

/// What the emulated devices of a test are like.
struct EmulatedCard {
    static inline size_t free_memory = size_t{1} << 30;
    static inline size_t shared_limit = size_t{64} << 10;
    static inline uint32_t multiprocessors = 1;
    static inline int calls_until_lost = -1;  ///< below 0: it is never lost
};

class EmulatedDevice {
  public:
    static constexpr uint64_t least_memory = uint64_t{1} << 20;

    explicit EmulatedDevice(uint32_t number) {
        if (number != 0) throw DeviceTrouble("there is one emulated card, number 0");
    }
    std::string name() const { return "emulated"; }
    uint32_t multiprocessors() const { return EmulatedCard::multiprocessors; }
    size_t shared_limit() const { return EmulatedCard::shared_limit; }
    void use() const {}
    std::byte* take(size_t bytes) {
        if (bytes > EmulatedCard::free_memory) return nullptr;
        return take_host(bytes);
    }
    std::byte* take_host(size_t bytes) {
        taken_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes + aligned));
        std::memset(taken_.back().get(), 0xFF, bytes + aligned);  // no numbers
        void* at = taken_.back().get();
        size_t space = bytes + aligned;
        return static_cast<std::byte*>(std::align(aligned, bytes, at, space));
    }
    void copy(void* to, const void* from, size_t bytes) const {
        call("copy");
        std::memcpy(to, from, bytes);
    }

    class Queue {
      public:
        explicit Queue(EmulatedDevice&) {}
        void upload(void* to, const void* from, size_t bytes) {
            call("upload");
            queued_.emplace_back([=] { std::memcpy(to, from, bytes); });
        }
        void download(void* to, const void* from, size_t bytes) { upload(to, from, bytes); }
        template <class Job>
        void launch(void (*kernel)(Job), dim3 grid, dim3 block, size_t shared_bytes, const Job& job) {
            call("launch");
            if (shared_bytes > EmulatedCard::shared_limit) throw DeviceTrouble("a block has not so much shared memory");
            queued_.emplace_back([=] { cuda_on_cpu::launch(kernel, grid, block, shared_bytes, job); });
        }
        void wait() {
            call("wait");
            for (; !queued_.empty(); queued_.pop_front()) queued_.front()();
        }

      private:
        std::deque<std::function<void()>> queued_;
    };

  private:
    static void call(const std::string& what) {
        if (EmulatedCard::calls_until_lost > 0) --EmulatedCard::calls_until_lost;
        if (EmulatedCard::calls_until_lost == 0) throw DeviceTrouble(what + ": the card fell off");
    }
    static constexpr size_t aligned = 256;
    std::vector<std::unique_ptr<std::byte[]>> taken_;
};

inline constexpr CardTable emulated_card = card_table_of<EmulatedDevice>("emulated");

}  // namespace pg_ocr
