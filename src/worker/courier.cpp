#include "worker/courier.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "queue/queue.h"

namespace pg_ocr {
namespace {

constexpr int most_under_way = 128;
constexpr int most_per_webhook = 8;
/// A receiver that does not even answer gets one at a time, until it does: else a few of them, each for as long as its
/// timeout, would take all the room there is.
constexpr int most_per_silent_webhook = 1;
constexpr size_t most_unrecorded = 1000;

constexpr int64_t linger_ms = 60000;
constexpr int64_t longest_wait_ms = 1000;
constexpr int64_t shortest_wait_ms = 50;
constexpr int64_t shortest_backoff_ms = 500;
constexpr int64_t longest_backoff_ms = 30000;
constexpr int64_t last_answers_ms = 1000;
constexpr int64_t default_timeout_s = 30;
constexpr int64_t overtime_ms = 30000;

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

int64_t next_backoff(int64_t backoff_ms) {
    return std::clamp<int64_t>(backoff_ms * 2, shortest_backoff_ms, longest_backoff_ms);
}

}  // namespace

std::optional<int64_t> Courier::run() {
    int64_t backoff_ms = 0;
    bool leaving = false;
    host_.show_looking();
    for (;;) {
        int64_t wait_ms = 0;
        try {
            collect();
            record();
            wait_ms = look();
            backoff_ms = 0;
            const bool may_leave = under_way_.empty() && outcomes_.empty() && now_ms() >= busy_until_ms_ &&
                                   (!next_in_ms_ || *next_in_ms_ > linger_ms);
            if (may_leave && leaving) return next_in_ms_;
            if (may_leave || leaving) {
                // What commits between the last look and the end finds nobody to nudge: so another look, after it is
                // known that nobody is here, and after somebody is here again.
                leaving = may_leave;
                leaving ? host_.show_leaving() : host_.show_looking();
                continue;
            }
        } catch (const QueueError& error) {
            if (!host_.still_wanted()) return std::nullopt;
            host_.warn(error.what());
            wait_ms = backoff_ms = next_backoff(backoff_ms);
        }
        if (host_.wait(http_ ? http_->socket() : -1, wait_ms) == Wake::stop) break;
    }
    finish();
    return 0;
}

/// Sends what is due and returns how long to wait for the next look, if nothing happens before.
int64_t Courier::look() {
    const int64_t until_http = http_not_before_ms_ - now_ms();
    if (until_http > 0) {
        busy_until_ms_ = now_ms() + linger_ms;
        return until_http;
    }
    const Load load = this->load();
    if (load.room > 0) {
        DueDeliveries due = outbox_.due(load);
        next_in_ms_ = due.next_in_ms;
        if (!due.deliveries.empty() && !ensure_http()) return shortest_wait_ms;
        for (const Delivery& delivery : due.deliveries)
            if (http_) send(delivery);
    }
    int64_t wait_ms = std::max(next_in_ms_.value_or(longest_wait_ms), shortest_wait_ms);
    if (!under_way_.empty()) return std::min(wait_ms, longest_wait_ms);
    if (!outcomes_.empty()) return shortest_wait_ms;
    return std::clamp(wait_ms, shortest_wait_ms, std::max(busy_until_ms_ - now_ms(), shortest_wait_ms));
}

Load Courier::load() const {
    Load load;
    load.after = last_webhook_;
    load.free_per_webhook = most_per_webhook;
    load.room = outcomes_.size() < most_unrecorded ? most_under_way - static_cast<int>(under_way_.size()) : 0;
    for (const std::string& webhook : silent_) load.free[webhook] = most_per_silent_webhook;
    for (const auto& [id, delivery] : under_way_) {
        load.deliveries.push_back(id);
        --load.free.try_emplace(delivery.webhook, most_per_webhook).first->second;
    }
    for (const Attempt& outcome : outcomes_) load.deliveries.push_back(outcome.delivery_id);
    return load;
}

bool Courier::ensure_http() {
    if (http_) return true;
    const HttpSettings settings = settings_();
    try {
        http_ = std::make_unique<HttpProcess>(settings);
        host_.show_http(http_.get());
        greeted_ = false;
        return true;
    } catch (const std::exception& error) {
        lose_http(std::string("cannot be started: ") + error.what());
        return false;
    }
}

void Courier::send(const Delivery& delivery) {
    HttpRequest request;
    request.id = static_cast<uint64_t>(delivery.id);
    request.operation = HttpOperation::post;
    request.options = delivery.options;
    request.name = delivery.event_id;
    request.body = delivery.payload;
    under_way_[delivery.id] = {delivery.event_id, delivery.webhook,
                               now_ms() + 1000 * declared_timeout_s(delivery.options, default_timeout_s) + overtime_ms};
    last_webhook_ = delivery.webhook;
    busy_until_ms_ = now_ms() + linger_ms;
    try {
        http_->send(request);
    } catch (const std::exception& error) {
        lose_http(error.what());
    }
}

void Courier::collect() {
    if (!http_) return;
    try {
        while (std::optional<HttpProcess::Answer> answer = http_->receive()) note(answer->response);
        if (!greeted_ && http_->hello()) {
            greeted_ = true;
            const HttpHello& hello = *http_->hello();
            host_.log("pg_ocr_http " + std::to_string(http_->pid()) + " (" + hello.curl +
                      ") delivers webhooks; sandbox: " + held_protections(hello.protections));
            if (const std::string missing = missing_protections(hello.protections); !missing.empty())
                host_.warn("pg_ocr_http's sandbox lacks " + missing);
        }
        if (http_->closed()) {
            lose_http(http_->obituary());
        } else if (std::any_of(under_way_.begin(), under_way_.end(),
                               [](const auto& each) { return now_ms() > each.second.deadline_ms; })) {
            lose_http("did not answer in time and was killed");
        }
    } catch (const std::exception& error) {
        lose_http(error.what());
    }
}

void Courier::note(const HttpResponse& response) {
    auto found = under_way_.find(static_cast<int64_t>(response.id));
    if (found == under_way_.end()) return;
    Attempt outcome;
    outcome.delivery_id = found->first;
    outcome.event_id = found->second.event_id;
    outcome.delivered = !response.failure;
    host_.count(outcome.delivered ? Counter::deliveries_made : Counter::deliveries_failed);
    outcome.http_status = response.status;
    outcome.latency_ms = std::min<uint32_t>(response.elapsed_ms, INT32_MAX);
    outcome.retry_after_s = response.retry_after_s;
    outcome.answer = response.excerpt;
    outcome.error = response.failure.message;
    if (response.status == 0)
        silent_.insert(found->second.webhook);
    else
        silent_.erase(found->second.webhook);
    outcomes_.push_back(std::move(outcome));
    under_way_.erase(found);
    http_backoff_ms_ = 0;
    busy_until_ms_ = now_ms() + linger_ms;
}

void Courier::lose_http(const std::string& why) {
    host_.warn("pg_ocr_http " + why);
    host_.show_http(nullptr);
    http_.reset();
    for (const auto& [id, delivery] : under_way_) {
        Attempt outcome;
        outcome.delivery_id = id;
        outcome.event_id = delivery.event_id;
        outcome.error = "pg_ocr_http, which was delivering it, " + why;
        host_.count(Counter::deliveries_failed);
        outcomes_.push_back(std::move(outcome));
    }
    under_way_.clear();
    http_backoff_ms_ = next_backoff(http_backoff_ms_);
    http_not_before_ms_ = now_ms() + http_backoff_ms_;
}

void Courier::record() {
    if (outcomes_.empty()) return;
    const std::vector<bool> settled = outbox_.record(outcomes_);
    std::vector<Attempt> left;
    for (size_t i = 0; i < outcomes_.size(); ++i)
        if (!settled[i]) left.push_back(std::move(outcomes_[i]));
    outcomes_ = std::move(left);
}

/// Told to stop: what is on its way may be answered in a moment, and need not be sent again then.
void Courier::finish() {
    const int64_t give_up_at = now_ms() + last_answers_ms;
    while (http_ && !under_way_.empty() && now_ms() < give_up_at) {
        pollfd answers{http_->socket(), POLLIN, 0};
        ::poll(&answers, 1, static_cast<int>(give_up_at - now_ms()));
        collect();
    }
    host_.show_http(nullptr);
    http_.reset();
    try {
        record();
    } catch (const QueueError& error) {
        host_.warn(error.what());
    }
}

}  // namespace pg_ocr
