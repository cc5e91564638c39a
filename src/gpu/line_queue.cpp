#include "gpu/line_queue.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace pg_ocr {

void LineQueue::add(const std::shared_ptr<LineRequest>& request) {
    request->unread = request->lines.size();
    for (size_t i = 0; i < request->lines.size(); ++i)
        waiting_.push_back({request->lines[i], request->steps[i], request});
    ++requests_;
}

void LineQueue::drop(uint64_t engine) {
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        LineRequest& request = *at->request;
        if (request.engine != engine) {
            ++at;
            continue;
        }
        if (--request.unread == 0) --requests_;
        at = waiting_.erase(at);
    }
}

/// Whose turn it is.
const LineQueue::Waiting* LineQueue::leader(CardClock::time_point now) const {
    const auto urgent =
        std::ranges::find_if(waiting_, [&](const Waiting& line) { return line.is_urgent(now, limits_.grown_old); });
    if (urgent != waiting_.end()) return &*urgent;
    return waiting_.empty() ? nullptr : &waiting_.front();
}

bool LineQueue::may_leave(const Waiting& leader, CardClock::time_point now) const {
    if (requests_ >= engines_ || now - waiting_.front().request->came >= limits_.wait) return true;
    uint64_t lines = 0, columns = 0;
    for (const Waiting& line : waiting_)
        if (line.request->network == leader.request->network) {
            ++lines;
            columns += line.line.width;
        }
    return lines >= limits_.lines || columns >= leader.request->network->most_columns;
}

std::optional<LineBatch> LineQueue::take(CardClock::time_point now) {
    const Waiting* first = leader(now);
    if (first == nullptr || !may_leave(*first, now)) return std::nullopt;
    using Place = std::list<Waiting>::iterator;
    std::vector<Place> candidates;
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at)
        if (at->request->network == first->request->network) candidates.push_back(at);
    const auto rank = [&](Place place) {
        const int64_t apart = std::abs(int64_t{place->line.width} - int64_t{first->line.width});
        return std::pair(!place->is_urgent(now, limits_.grown_old), apart);
    };
    std::ranges::stable_sort(candidates, {}, rank);
    // The leader itself is the first, at no distance, or behind another that is as long.
    LineBatch batch;
    batch.network = first->request->network;
    for (const Place& place : candidates) {
        if (batch.lines.size() == limits_.lines) break;
        if (batch.columns + place->line.width > batch.network->most_columns) continue;
        batch.columns += place->line.width;
        batch.lines.push_back(place->line);
        batch.steps.push_back(place->steps);
        batch.requests.push_back(std::move(place->request));
        waiting_.erase(place);
    }
    return batch;
}

std::vector<std::shared_ptr<LineRequest>> LineQueue::finish(const LineBatch& batch, bool well) {
    std::vector<std::shared_ptr<LineRequest>> done;
    for (const std::shared_ptr<LineRequest>& request : batch.requests) {
        request->failed |= !well;
        if (--request->unread > 0) continue;
        --requests_;
        done.push_back(request);
    }
    return done;
}

std::optional<CardClock::time_point> LineQueue::due() const {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.front().request->came + limits_.wait;
}

uint64_t LineQueue::columns() const {
    uint64_t sum = 0;
    for (const Waiting& line : waiting_) sum += line.line.width;
    return sum;
}

}  // namespace pg_ocr
