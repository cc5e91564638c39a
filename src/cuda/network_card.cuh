// A card that runs networks, on whatever runs kernels: CUDA (cuda_card.cu), or the emulation of unit tests. A Device is
//
//     explicit Device(uint32_t number)     throws DeviceTrouble where there is none, or none that can run the kernels
//     static constexpr uint64_t least_memory
//     name(), multiprocessors(), shared_limit()    the last: bytes that a block may have
//     void use()                           before anything else in a thread
//     std::byte* take(size_t), take_host(size_t)   until the Device ends; null where there is not so much
//     void copy(to, from, bytes)           from host to card, done when it returns
//     Device::Queue(Device&)               in order, beside other queues:
//         upload(to, from, bytes), download(to, from, bytes), launch(kernel, grid, block, shared_bytes, job)
//         wait()                           until all has been done that was queued
//
// All but the constructors throw DeviceTrouble where the card does not do what it is told: it is lost then.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>

#include "cuda/device_arena.h"
#include "cuda/network_kernels.cuh"
#include "cuda/network_plan.h"
#include "cuda/step_scores.cuh"
#include "gpu/card.h"

namespace pg_ocr {

struct DeviceTrouble : std::runtime_error {
    using std::runtime_error::runtime_error;
};

constexpr uint32_t divided_up(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }

/// All memory is taken when it is opened: a quarter for networks, the rest for slots, in each of which a batch is on
/// its way while others copy. Scores are made in pieces: however many classes there are, they need no more memory.
template <class Device>
class NetworkCard {
  public:
    static constexpr uint32_t most_lines = 256;
    static constexpr uint32_t slot_count = 2;

    /// Throws DeviceTrouble with what is wrong and what to do, std::bad_alloc.
    NetworkCard(uint32_t number, uint64_t memory, CardInfo& info) : device_(number), bytes_(taken(memory)) {
        const size_t host_bytes = 2 * staging_bytes();
        for (uint32_t i = 0; i < slot_count; ++i) {
            slots_[i].queue = std::make_unique<typename Device::Queue>(device_);
            slots_[i].memory = memory_ + bytes_ / 4 + i * slot_bytes();
            slots_[i].host = device_.take_host(host_bytes);
            if (slots_[i].host == nullptr)
                throw DeviceTrouble(
                    "there is no memory on the host that the card could copy from: is locked memory "
                    "limited (ulimit -l)?");
        }
        CardTables made;
        std::copy_n(recognise::tables().tanh, recognise::table_size, made.tanh);
        std::copy_n(recognise::tables().logistic, recognise::table_size, made.logistic);
        for (uint32_t i = 0; i < exponent_steps; ++i) made.powers[i] = power_bits(i);
        std::byte* const at = memory_ + arena_.take(sizeof made).value();
        device_.copy(at, &made, sizeof made);
        tables_ = reinterpret_cast<const CardTables*>(at);
        std::snprintf(info.name, sizeof info.name, "%s", device_.name().c_str());
        info.memory = bytes_;
        info.most_lines = most_lines;
        info.at_once = slot_count;
    }

    class Compiled {
      public:
        Compiled(NetworkCard& card, NetworkPlan plan) : card_(card), plan_(std::move(plan)) {}
        Compiled(const Compiled&) = delete;
        Compiled& operator=(const Compiled&) = delete;
        ~Compiled() {
            const std::lock_guard lock(card_.arena_mutex_);
            if (matrices_) card_.arena_.give_back(*matrices_);
            if (noise_) card_.arena_.give_back(*noise_);
        }
        /// False where there is no memory for it.
        bool load() {
            piece_steps_ = static_cast<uint32_t>(card_.piece_bytes() / (sizeof(float) * plan_.classes));
            piece_steps_ -= piece_steps_ % SharedSoftmax::steps;
            for (uint32_t bit = 1u << 29; piece_steps_ > 0 && bit > 0; bit /= 2) {
                const SlotPlan slot = plan_.slot(places_ + bit, most_lines, piece_steps_);
                if (slot.end <= card_.slot_bytes() && slot.staged <= card_.staging_bytes() &&
                    slot.steps_end - slot.steps <= card_.staging_bytes())
                    places_ += bit;
            }
            if (places_ == 0) return false;
            slot_ = plan_.slot(places_, most_lines, piece_steps_);
            matrices_ = keep(plan_.image);
            if (matrices_) noise_ = keep(noise_of(plan_, most_columns()));
            plan_.image = {};
            return noise_.has_value();
        }
        uint32_t most_columns() const { return recognise::pool_side * places_; }
        CardOutcome forward(std::span<const recognise::LinePixels> lines, recognise::StepScores* const* steps) const {
            return card_.forward(*this, lines, steps);
        }

      private:
        friend NetworkCard;
        std::optional<size_t> keep(const std::vector<std::byte>& bytes) {
            std::optional<size_t> at;
            {
                const std::lock_guard lock(card_.arena_mutex_);
                at = card_.arena_.take(bytes.size());
            }
            if (at) card_.device_.copy(card_.memory_ + *at, bytes.data(), bytes.size());
            return at;
        }
        CardMatrix matrix(const MatrixPlan& plan) const {
            const std::byte* const image = card_.memory_ + *matrices_;
            return {reinterpret_cast<const int4*>(image + plan.weights),
                    reinterpret_cast<const int4*>(image + plan.biases),
                    reinterpret_cast<const float4*>(image + plan.scales),
                    plan.across,
                    plan.vectors,
                    plan.own_vectors};
        }

        NetworkCard& card_;
        NetworkPlan plan_;
        SlotPlan slot_;
        uint32_t places_ = 0;       // of a batch, at most
        uint32_t piece_steps_ = 0;  // whose scores are there at a time
        std::optional<size_t> matrices_, noise_;
    };

    /// Null where the kernels do not run such a network, there is no memory, or the card is lost.
    std::unique_ptr<Compiled> compile(const recognise::Network& network) {
        std::unique_ptr<Compiled> made;
        const bool is_done = attempt([&] {
            std::optional<NetworkPlan> plan = plan_of(network, device_.shared_limit());
            if (!plan) return;
            made = std::make_unique<Compiled>(*this, std::move(*plan));
            if (!made->load()) made = nullptr;
        });
        return is_done ? std::move(made) : nullptr;
    }

    const char* trouble() const { return is_lost_.load(std::memory_order_acquire) ? trouble_.c_str() : ""; }

  private:
    struct Slot {
        std::unique_ptr<typename Device::Queue> queue;
        std::byte* memory = nullptr;
        std::byte* host = nullptr;  ///< what is staged, then what comes back
        bool is_taken = false;
    };
    /// A slot that nobody else has.
    class TakenSlot {
      public:
        explicit TakenSlot(NetworkCard& card) : card_(card) {
            std::unique_lock lock(card.slots_mutex_);
            const auto free = [&] {
                slot_ = std::find_if(std::begin(card.slots_), std::end(card.slots_),
                                     [](const Slot& slot) { return !slot.is_taken; });
                return slot_ != std::end(card.slots_);
            };
            card.slot_is_free_.wait(lock, free);
            slot_->is_taken = true;
        }
        TakenSlot(const TakenSlot&) = delete;
        TakenSlot& operator=(const TakenSlot&) = delete;
        ~TakenSlot() {
            {
                const std::lock_guard lock(card_.slots_mutex_);
                slot_->is_taken = false;
            }
            card_.slot_is_free_.notify_one();
        }
        Slot& operator*() const { return *slot_; }

      private:
        NetworkCard& card_;
        Slot* slot_ = nullptr;
    };

    static unsigned long long power_bits(uint32_t i) {
        const double power = std::exp2(static_cast<double>(i) / exponent_steps);
        unsigned long long bits = 0;
        std::memcpy(&bits, &power, sizeof bits);
        return bits - (static_cast<unsigned long long>(i) << 47);
    }
    /// Less than was asked for where there is less.
    uint64_t taken(uint64_t bytes) {
        while (bytes >= Device::least_memory) {
            memory_ = device_.take(bytes);
            if (memory_ != nullptr) return bytes;
            bytes /= 2;
        }
        throw DeviceTrouble("less than " + std::to_string(Device::least_memory >> 20) +
                            " MiB of its memory may be used or are free");
    }
    size_t slot_bytes() const { return bytes_ / 4 * 3 / slot_count / 256 * 256; }
    /// Of scores that are there at a time; and of what comes in, and of what goes back.
    size_t piece_bytes() const { return std::min<size_t>(slot_bytes() / 16, size_t{8} << 20); }
    size_t staging_bytes() const { return std::min<size_t>(slot_bytes() / 2, size_t{16} << 20); }

    /// False where the card is lost, of before or by this.
    template <class Action>
    bool attempt(const Action& action) {
        if (is_lost_) return false;
        try {
            device_.use();
            action();
            return true;
        } catch (const DeviceTrouble& trouble) {
            const std::lock_guard lock(slots_mutex_);
            if (!is_lost_) trouble_ = trouble.what();
            is_lost_.store(true, std::memory_order_release);
            return false;
        }
    }

    CardOutcome forward(const Compiled& network, std::span<const recognise::LinePixels> lines,
                        recognise::StepScores* const* steps) {
        uint64_t columns = 0;
        for (const recognise::LinePixels& line : lines) columns += line.width;
        if (lines.size() > most_lines || columns > network.most_columns()) return CardOutcome::too_large;
        const CardBatch batch = batch_of(lines, network.plan_.height);
        const TakenSlot slot(*this);
        const bool is_done = attempt([&] {
            if (batch.places == 0) return;
            stage(network, *slot, batch, lines);
            if (network.plan_.integers)
                run<int8_t>(network, *slot, batch, steps);
            else
                run<float>(network, *slot, batch, steps);
        });
        return is_done ? CardOutcome::done : CardOutcome::lost;
    }

    void stage(const Compiled& network, Slot& slot, const CardBatch& batch,
               std::span<const recognise::LinePixels> lines) const {
        const SlotPlan& plan = network.slot_;
        std::memcpy(slot.host + plan.lines, batch.lines.data(), sizeof(CardLine) * batch.lines.size());
        std::memcpy(slot.host + plan.tiles, batch.tiles.data(), sizeof(CardTile) * batch.tiles.size());
        size_t end = plan.pixels;
        for (uint32_t i : batch.order) {
            const size_t bytes = size_t{lines[i].width} * network.plan_.height;
            std::memcpy(slot.host + end, lines[i].pixels, bytes);
            end += bytes;
        }
        slot.queue->upload(slot.memory, slot.host, end);
    }

    template <class Number>
    void run(const Compiled& network, Slot& slot, const CardBatch& batch, recognise::StepScores* const* steps) const {
        const NetworkPlan& plan = network.plan_;
        const auto* const lines = reinterpret_cast<const CardLine*>(slot.memory + network.slot_.lines);
        std::byte* const planes[] = {slot.memory + network.slot_.planes[0], slot.memory + network.slot_.planes[1]};
        slot.queue->launch(convolve<Number>, static_cast<uint32_t>(batch.tiles.size()), convolve_threads,
                           plan.shared_bytes_of_convolution(),
                           Convolution<Number>{
                               .matrix = network.matrix(plan.convolution),
                               .tables = tables_,
                               .lines = lines,
                               .tiles = reinterpret_cast<const CardTile*>(slot.memory + network.slot_.tiles),
                               .pixels = reinterpret_cast<const uint8_t*>(slot.memory + network.slot_.pixels),
                               .noise = reinterpret_cast<const Number*>(memory_ + *network.noise_),
                               .height = plan.height,
                               .to = reinterpret_cast<Number*>(planes[0]),
                           });
        const auto between = [&](const LstmPlan& lstm, size_t from) {
            Lstm<Number> job{};
            job.matrix = network.matrix(lstm.matrix);
            job.tables = tables_;
            job.from = reinterpret_cast<const int4*>(planes[from]);
            job.to = reinterpret_cast<Number*>(planes[1 - from]);
            return job;
        };
        Lstm<Number> down = between(plan.down, 0);
        down.lanes = batch.places;
        down.steps = plan.rows();
        down.last_only = true;
        launch_lstm(plan, plan.down, slot, down);
        size_t from = 1;
        for (const LstmPlan& lstm : plan.along) {
            Lstm<Number> along = between(lstm, from);
            along.lines = lines;
            along.lanes = static_cast<uint32_t>(batch.lines.size());
            along.right_to_left = lstm.right_to_left;
            launch_lstm(plan, lstm, slot, along);
            from = 1 - from;
        }
        for (uint32_t first = 0; first < batch.places; first += network.piece_steps_)
            weigh_piece<Number>(network, slot, planes[from], first,
                                std::min(network.piece_steps_, batch.places - first));
        auto* const found = reinterpret_cast<recognise::StepScores*>(slot.host + staging_bytes());
        slot.queue->download(found, slot.memory + network.slot_.steps, sizeof *found * batch.places);
        slot.queue->wait();
        for (size_t i = 0; i < batch.lines.size(); ++i)
            std::copy_n(found + batch.lines[i].first, batch.lines[i].steps, steps[batch.order[i]]);
    }

    /// As many groups in a block as leave no multiprocessor without one.
    template <class Number>
    void launch_lstm(const NetworkPlan& plan, const LstmPlan& lstm, Slot& slot, const Lstm<Number>& job) const {
        const BlockPlan& most = lstm.most;
        const uint32_t everywhere = divided_up(job.lanes, most.lanes_each * device_.multiprocessors());
        const uint32_t groups = std::min(everywhere, most.groups);
        slot.queue->launch(most.lanes_each == 4 ? pg_ocr::lstm<Number, 4> : pg_ocr::lstm<Number, 1>,
                           divided_up(job.lanes, groups * most.lanes_each), dim3(most.across, groups),
                           plan.shared_bytes(lstm, groups), job);
    }

    /// Of some steps from the first on: what each class is worth, and of that what goes back.
    template <class Number>
    void weigh_piece(const Compiled& network, Slot& slot, const std::byte* plane, uint32_t first,
                     uint32_t steps) const {
        const NetworkPlan& plan = network.plan_;
        const BlockPlan& block = plan.output_block;
        auto* const scores = reinterpret_cast<float*>(slot.memory + network.slot_.scores);
        slot.queue->launch(weigh<Number, 4>,
                           dim3(divided_up(steps, block.lanes()), divided_up(plan.output.across, block.across)),
                           dim3(block.across, block.groups), plan.shared_bytes_of_output(),
                           Product{
                               .matrix = network.matrix(plan.output),
                               .from = reinterpret_cast<const int4*>(plane) + size_t{first} * plan.output.vectors,
                               .steps = steps,
                               .sums = scores,
                               .classes = plan.classes,
                           });
        slot.queue->launch(softmax, divided_up(steps, SharedSoftmax::steps), softmax_threads, sizeof(SharedSoftmax),
                           Softmax{tables_, scores, steps, plan.classes});
        const StepSearch search{
            .scores = scores,
            .steps = steps,
            .classes = plan.classes,
            .null_class = plan.null_class,
            .to = reinterpret_cast<recognise::StepScores*>(slot.memory + network.slot_.steps) + first,
        };
        slot.queue->launch(find_step_scores, search.blocks(), step_threads, 0, search);
    }

    static constexpr uint32_t convolve_threads = 256;

    Device device_;
    std::byte* memory_ = nullptr;
    uint64_t bytes_;
    std::mutex arena_mutex_;
    DeviceArena arena_{bytes_ / 4};
    const CardTables* tables_ = nullptr;
    std::mutex slots_mutex_;
    std::condition_variable slot_is_free_;
    Slot slots_[slot_count];
    std::atomic<bool> is_lost_ = false;
    std::string trouble_;
};

template <class Device>
constexpr CardTable card_table_of(const char* name) {
    using ThisCard = NetworkCard<Device>;
    using Compiled = typename ThisCard::Compiled;
    return {
        .version = card_version,
        .name = name,
        .open = [](uint32_t number, uint64_t memory, CardInfo* info) -> Card* {
            *info = {};
            try {
                return reinterpret_cast<Card*>(std::make_unique<ThisCard>(number, memory, *info).release());
            } catch (const DeviceTrouble& trouble) {
                std::snprintf(info->error, sizeof info->error, "%s", trouble.what());
            } catch (const std::bad_alloc&) {
                std::snprintf(info->error, sizeof info->error, "the host has no memory left");
            }
            return nullptr;
        },
        .close = [](Card* card) { std::unique_ptr<ThisCard>(reinterpret_cast<ThisCard*>(card)).reset(); },
        .compile = [](Card* card, const recognise::Network* network) -> CardNetwork* {
            try {
                return reinterpret_cast<CardNetwork*>(reinterpret_cast<ThisCard*>(card)->compile(*network).release());
            } catch (const std::bad_alloc&) {
                return nullptr;
            }
        },
        .release =
            [](CardNetwork* network) { std::unique_ptr<Compiled>(reinterpret_cast<Compiled*>(network)).reset(); },
        .most_columns =
            [](const CardNetwork* network) { return reinterpret_cast<const Compiled*>(network)->most_columns(); },
        .forward =
            [](const CardNetwork* network, const recognise::LinePixels* lines, size_t count,
               recognise::StepScores* const* steps) {
                try {
                    return reinterpret_cast<const Compiled*>(network)->forward({lines, count}, steps);
                } catch (const std::bad_alloc&) {
                    return CardOutcome::too_large;
                }
            },
        .trouble = [](const Card* card) { return reinterpret_cast<const ThisCard*>(card)->trouble(); },
    };
}

}  // namespace pg_ocr
