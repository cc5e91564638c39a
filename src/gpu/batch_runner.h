// Threads that take batches from the queue and have the card run them.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gpu/line_queue.h"
#include "protocol/frame.h"

namespace pg_ocr {

/// Sums since the start.
struct RunnerTotals {
    uint64_t lines = 0;
    uint64_t batches = 0;
    uint64_t busy_us = 0;  ///< in which a batch was on the card
};

class BatchRunner {
  public:
    BatchRunner(const CardTable&, const CardInfo&, const BatchLimits&);
    /// Waits for the batches that are on the card.
    ~BatchRunner();
    BatchRunner(const BatchRunner&) = delete;
    BatchRunner& operator=(const BatchRunner&) = delete;

    /// Readable when done() has something to give, or is_lost().
    int event() const { return event_.get(); }
    void set_engines(size_t engines);
    /// False: so much waits that it would take longer than an engine should wait. Then it is not taken.
    bool add(const std::shared_ptr<LineRequest>&);
    void drop(uint64_t engine);
    /// Requests that are done since this was asked last.
    std::vector<std::shared_ptr<LineRequest>> done();
    /// The card answers with an error: nothing else will be run.
    bool is_lost() const { return lost_; }
    /// How long the batch that is on the card longest has been there; nothing: none is.
    std::optional<std::chrono::milliseconds> longest_on_card() const;
    RunnerTotals totals() const;

  private:
    void run(size_t thread);
    void note_speed(const LineBatch&, CardClock::duration took);

    const CardTable& table_;
    size_t threads_at_once_;
    UniqueFd event_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    LineQueue queue_;
    std::vector<std::shared_ptr<LineRequest>> done_;
    std::vector<std::optional<CardClock::time_point>> on_card_since_;  ///< of each thread
    uint64_t columns_on_card_ = 0;
    double columns_per_second_ = 0;  ///< of one thread, as of late; 0: not known yet
    RunnerTotals totals_;
    std::optional<CardClock::time_point> busy_since_;
    bool stopping_ = false;
    std::atomic<bool> lost_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace pg_ocr
