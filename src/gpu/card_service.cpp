#include "gpu/card_service.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace pg_ocr {
namespace {

constexpr std::chrono::milliseconds between_reports{1000};

void set_nonblocking(int fd) {
    if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        throw std::system_error(errno, std::generic_category(), "fcntl");
}

bool same(const CardReport& one, const CardReport& other) {
    return one.engines == other.engines && one.lines == other.lines && one.refused == other.refused;
}

}  // namespace

CardService::CardService(const CardTable& table, Card* card, const CardInfo& info, CardServiceSettings settings,
                         int parent)
    : table_(table),
      card_(card),
      settings_(std::move(settings)),
      parent_(parent, longest_card_frame),
      parent_socket_(parent),
      networks_(table, card, settings_.models),
      runner_(table, info, settings_.batches) {
    set_nonblocking(parent_socket_);
    parent_.send(static_cast<uint8_t>(CardMessageType::ready),
                 encode(CardReady{PG_OCR_VERSION, info.name, info.memory}));
}

void CardService::run() {
    for (;;) {
        std::vector<pollfd> waits{{parent_socket_, POLLIN, 0}, {runner_.event(), POLLIN, 0}};
        if (listening_) waits.push_back({listening_.get(), POLLIN, 0});
        const size_t first_engine = waits.size();
        std::vector<uint64_t> ids;
        for (const auto& [id, engine] : engines_) {
            const bool writes = engine.channel.unsent() > 0;
            waits.push_back({engine.socket.get(), static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0});
            ids.push_back(id);
        }
        if (::poll(waits.data(), waits.size(), timeout_ms()) < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        check_card();
        if (waits[0].revents != 0 && !hear_parent()) return;
        answer_done();
        for (size_t i = 0; i < ids.size(); ++i) {
            const auto engine = engines_.find(ids[i]);
            if (waits[first_engine + i].revents != 0 && !hear(ids[i], engine->second)) drop(engine);
        }
        if (listening_) accept_engines();
        report();
    }
}

/// False: it has hung up.
bool CardService::hear_parent() {
    while (std::optional<Frame> frame = parent_.receive()) {
        if (static_cast<CardMessageType>(frame->type) != CardMessageType::listen || !frame->fd)
            throw ProtocolError("the parent sent something else than a socket to listen on");
        listening_ = std::move(frame->fd);
        set_nonblocking(listening_.get());
    }
    return !parent_.closed();
}

void CardService::accept_engines() {
    for (;;) {
        UniqueFd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) return;
        if (engines_.size() >= settings_.most_engines) continue;
        try {
            const auto [at, added] = engines_.try_emplace(++last_engine_, std::move(socket), settings_.shared_bytes);
            Engine& engine = at->second;
            UniqueFd file(::fcntl(engine.shared->file(), F_DUPFD_CLOEXEC, 0));
            engine.channel.send_later(static_cast<uint8_t>(CardMessageType::welcome),
                                      encode(CardWelcome{PG_OCR_VERSION, engine.shared->size()}), std::move(file));
        } catch (const std::system_error& error) {
            // It goes on by the CPU; here, memory or descriptors are short.
            complain(std::string("an engine could not be welcomed: ") + error.what());
            engines_.erase(last_engine_);
        }
        runner_.set_engines(engines_.size());
    }
}

/// False: it is gone, or to go.
bool CardService::hear(uint64_t id, Engine& engine) {
    try {
        engine.channel.flush();
        while (std::optional<Frame> frame = engine.channel.receive()) {
            if (static_cast<CardMessageType>(frame->type) != CardMessageType::forward || frame->fd || engine.waits)
                throw ProtocolError("something else than one request came");
            if (engine.channel.unsent() > longest_card_frame) throw ProtocolError("it does not listen to answers");
            forward(id, engine, frame->body);
        }
        return !engine.channel.closed();
    } catch (const ProtocolError& error) {
        complain(std::string("an engine is not served any more: ") + error.what());
    } catch (const std::system_error&) {
    }
    return false;
}

void CardService::forward(uint64_t id, Engine& engine, const std::string& body) {
    const ForwardRequest request = decode_forward(body);
    engine.waits = true;
    const std::optional<CardAnswer> refusal = queue(id, engine, request);
    if (!refusal) return;
    refused_ += request.widths.size();
    answer(engine, request.id, *refusal);
}

/// Why not; nothing: it waits for its turn.
std::optional<CardAnswer> CardService::queue(uint64_t id, Engine& engine, const ForwardRequest& request) {
    auto made = std::make_shared<LineRequest>();
    made->network = networks_.find(request.model, request.fingerprint);
    if (made->network == nullptr) {
        if (const std::string trouble = networks_.take_trouble(); !trouble.empty()) complain(trouble);
        return CardAnswer::unknown_model;
    }
    const LoadedNetwork& network = *made->network;
    uint64_t pixels = 0, steps = 0;
    for (const uint32_t width : request.widths) {
        if (width > network.most_columns) return CardAnswer::too_large;
        pixels += uint64_t{width} * network.height;
        steps += width / network.x_scale;
    }
    const uint64_t size = engine.shared->size();
    const uint64_t begin = scores_begin(pixels);
    if (begin > size || steps > (size - begin) / sizeof(recognise::StepScores)) return CardAnswer::too_large;
    const uint8_t* line = engine.shared->bytes();
    auto* to = reinterpret_cast<recognise::StepScores*>(engine.shared->bytes() + begin);
    for (const uint32_t width : request.widths) {
        made->lines.push_back({line, width});
        made->steps.push_back(to);
        line += size_t{width} * network.height;
        to += width / network.x_scale;
    }
    made->engine = id;
    made->id = request.id;
    made->is_interactive = request.is_interactive;
    made->came = CardClock::now();
    made->memory = engine.shared;
    if (!runner_.add(made)) return CardAnswer::busy;
    return std::nullopt;
}

void CardService::answer(Engine& engine, uint64_t request, CardAnswer answer) {
    engine.waits = false;
    engine.channel.send_later(static_cast<uint8_t>(CardMessageType::scored), encode(ForwardAnswer{request, answer}),
                              {});
}

CardService::Engines::iterator CardService::drop(Engines::iterator engine) {
    runner_.drop(engine->first);
    const auto next = engines_.erase(engine);
    runner_.set_engines(engines_.size());
    return next;
}

void CardService::answer_done() {
    for (const std::shared_ptr<LineRequest>& request : runner_.done()) {
        const auto engine = engines_.find(request->engine);
        if (engine == engines_.end()) continue;
        if (request->failed) refused_ += request->lines.size();
        try {
            answer(engine->second, request->id, request->failed ? CardAnswer::too_large : CardAnswer::scored);
        } catch (const std::system_error&) {
            drop(engine);
        }
    }
}

void CardService::check_card() const {
    if (runner_.is_lost()) throw std::runtime_error(std::string("the card was lost: ") + table_.trouble(card_));
    const std::optional<std::chrono::milliseconds> longest = runner_.longest_on_card();
    if (longest && *longest >= settings_.hung)
        throw std::runtime_error("the card has not ended a batch for " + std::to_string(longest->count()) + " ms");
}

void CardService::report() {
    const RunnerTotals totals = runner_.totals();
    const CardReport now{static_cast<uint32_t>(engines_.size()), totals.lines, totals.batches, refused_,
                         totals.busy_us};
    if (same(now, reported_) || CardClock::now() - reported_at_ < between_reports) return;
    parent_.send_later(static_cast<uint8_t>(CardMessageType::report), encode(now), {});
    reported_ = now;
    reported_at_ = CardClock::now();
}

/// Not more often than once a second, whatever engines do.
void CardService::complain(const std::string& what) {
    if (CardClock::now() - complained_at_ < between_reports) return;
    parent_.send_later(static_cast<uint8_t>(CardMessageType::complaint), encode_complaint(what), {});
    complained_at_ = CardClock::now();
}

/// A card that hangs is to be noticed, and a report that was put off to be sent; else forever.
int CardService::timeout_ms() const {
    const bool works = runner_.longest_on_card().has_value() ||
                       std::ranges::any_of(engines_, [](const auto& each) { return each.second.waits; });
    const RunnerTotals totals = runner_.totals();
    const bool owes =
        totals.lines != reported_.lines || refused_ != reported_.refused || engines_.size() != reported_.engines;
    return works || owes ? static_cast<int>(between_reports.count()) : -1;
}

}  // namespace pg_ocr
