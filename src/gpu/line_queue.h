// Lines of all pages in flight on their way to a card, in batches of one network. Time is given, not asked for, and
// nothing here knows sockets, threads or cards.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "gpu/loaded_networks.h"

namespace pg_ocr {

using CardClock = std::chrono::steady_clock;

/// What an engine asked for at once.
struct LineRequest {
    uint64_t engine = 0;
    uint64_t id = 0;
    bool is_interactive = false;
    CardClock::time_point came;
    std::shared_ptr<const LoadedNetwork> network;
    std::shared_ptr<void> memory;  ///< that its lines and their steps are in
    std::vector<recognise::LinePixels> lines;
    std::vector<recognise::StepScores*> steps;  ///< of each line
    size_t unread = 0;                          ///< lines that wait or are on the card
    bool failed = false;                        ///< some of its lines were not read
};

/// Lines of one network that go to the card together.
struct LineBatch {
    std::shared_ptr<const LoadedNetwork> network;
    std::vector<recognise::LinePixels> lines;
    std::vector<recognise::StepScores*> steps;
    std::vector<std::shared_ptr<LineRequest>> requests;  ///< of each line
    uint64_t columns = 0;
};

struct BatchLimits {
    uint32_t lines = 0;                          ///< of a batch
    std::chrono::microseconds wait{1500};        ///< for others to come
    std::chrono::microseconds grown_old{50000};  ///< from then on a line goes as if somebody waited for it
};

class LineQueue {
  public:
    explicit LineQueue(const BatchLimits& limits) : limits_(limits) {}
    /// How many engines there are: once each of them waits, nobody is waited for.
    void set_engines(size_t engines) { engines_ = engines; }
    /// Each of its lines fits into a batch. Its lines are counted as unread from now on.
    void add(const std::shared_ptr<LineRequest>&);
    /// Forgets what waits of an engine that has gone. What is on the card stays there.
    void drop(uint64_t engine);
    /// The next batch, if one is full, has waited long enough, or nobody is left to wait for. Those that somebody waits
    /// for go first, then those that came first; of more than fit, those that are about as long.
    std::optional<LineBatch> take(CardClock::time_point now);
    /// Lines of a batch are done, well or not. Gives the requests that are done with them.
    std::vector<std::shared_ptr<LineRequest>> finish(const LineBatch&, bool well);
    /// When take() will have a batch though nothing else comes; nothing: never.
    std::optional<CardClock::time_point> due() const;
    /// Pixels across of what waits.
    uint64_t columns() const;

  private:
    struct Waiting {
        recognise::LinePixels line;
        recognise::StepScores* steps;
        std::shared_ptr<LineRequest> request;
        bool is_urgent(CardClock::time_point now, std::chrono::microseconds old) const {
            return request->is_interactive || now - request->came >= old;
        }
    };
    const Waiting* leader(CardClock::time_point now) const;
    bool may_leave(const Waiting& leader, CardClock::time_point now) const;

    BatchLimits limits_;
    size_t engines_ = 0;
    size_t requests_ = 0;         ///< that wait or are on the card
    std::list<Waiting> waiting_;  ///< in the order in which they came
};

}  // namespace pg_ocr
