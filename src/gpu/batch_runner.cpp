#include "gpu/batch_runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pg_ocr {
namespace {

/// An engine waits for a second; what would take half of that it reads as fast by itself.
constexpr double longest_wait_s = 0.5;

UniqueFd make_event() {
    UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
    return event;
}

BatchLimits with_lines(BatchLimits limits, uint32_t most_lines) {
    limits.lines = limits.lines == 0 ? most_lines : std::min(limits.lines, most_lines);
    return limits;
}

}  // namespace

BatchRunner::BatchRunner(const CardTable& table, const CardInfo& card, const BatchLimits& limits)
    : table_(table),
      threads_at_once_(std::max(1u, card.at_once)),
      event_(make_event()),
      queue_(with_lines(limits, card.most_lines)),
      on_card_since_(threads_at_once_) {
    for (size_t i = 0; i < threads_at_once_; ++i) threads_.emplace_back([this, i] { run(i); });
}

BatchRunner::~BatchRunner() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void BatchRunner::set_engines(size_t engines) {
    {
        const std::lock_guard lock(mutex_);
        queue_.set_engines(engines);
    }
    changed_.notify_all();
}

bool BatchRunner::add(const std::shared_ptr<LineRequest>& request) {
    {
        const std::lock_guard lock(mutex_);
        const auto ahead = static_cast<double>(queue_.columns() + columns_on_card_);
        const double per_second = columns_per_second_ * static_cast<double>(threads_at_once_);
        if (per_second > 0 && ahead / per_second > longest_wait_s) return false;
        queue_.add(request);
    }
    changed_.notify_all();
    return true;
}

void BatchRunner::drop(uint64_t engine) {
    {
        const std::lock_guard lock(mutex_);
        queue_.drop(engine);
    }
    changed_.notify_all();
}

std::vector<std::shared_ptr<LineRequest>> BatchRunner::done() {
    eventfd_t count = 0;
    (void)::eventfd_read(event_.get(), &count);
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
}

std::optional<std::chrono::milliseconds> BatchRunner::longest_on_card() const {
    const std::lock_guard lock(mutex_);
    std::optional<std::chrono::milliseconds> longest;
    for (const std::optional<CardClock::time_point>& since : on_card_since_) {
        if (!since) continue;
        const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(CardClock::now() - *since);
        longest = std::max(longest.value_or(time), time);
    }
    return longest;
}

RunnerTotals BatchRunner::totals() const {
    const std::lock_guard lock(mutex_);
    RunnerTotals totals = totals_;
    if (busy_since_)
        totals.busy_us += static_cast<uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(CardClock::now() - *busy_since_).count());
    return totals;
}

void BatchRunner::note_speed(const LineBatch& batch, CardClock::duration took) {
    constexpr double weight = 0.2;  // of the last batch
    const double seconds = std::chrono::duration<double>(took).count();
    if (seconds <= 0) return;
    const double speed = static_cast<double>(batch.columns) / seconds;
    columns_per_second_ = columns_per_second_ == 0 ? speed : (1 - weight) * columns_per_second_ + weight * speed;
}

void BatchRunner::run(size_t thread) {
    std::unique_lock lock(mutex_);
    while (!stopping_ && !lost_) {
        const CardClock::time_point now = CardClock::now();
        std::optional<LineBatch> batch = queue_.take(now);
        if (!batch) {
            if (const std::optional<CardClock::time_point> due = queue_.due())
                changed_.wait_until(lock, *due);
            else
                changed_.wait(lock);
            continue;
        }
        on_card_since_[thread] = now;
        if (!busy_since_) busy_since_ = now;
        columns_on_card_ += batch->columns;
        lock.unlock();
        const CardOutcome outcome = table_.forward(batch->network->on_card.get(), batch->lines.data(),
                                                   batch->lines.size(), batch->steps.data());
        lock.lock();
        const CardClock::time_point end = CardClock::now();
        columns_on_card_ -= batch->columns;
        on_card_since_[thread].reset();
        if (std::ranges::none_of(on_card_since_, [](const auto& since) { return since.has_value(); })) {
            totals_.busy_us += static_cast<uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(end - *busy_since_).count());
            busy_since_.reset();
        }
        if (outcome == CardOutcome::done) {
            note_speed(*batch, end - now);
            totals_.lines += batch->lines.size();
            ++totals_.batches;
        }
        if (outcome == CardOutcome::lost) lost_ = true;
        for (std::shared_ptr<LineRequest>& request : queue_.finish(*batch, outcome == CardOutcome::done))
            done_.push_back(std::move(request));
        (void)::eventfd_write(event_.get(), 1);
    }
}

}  // namespace pg_ocr
