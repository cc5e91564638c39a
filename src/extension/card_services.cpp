#include "extension/card_services.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <system_error>

#include "extension/cards.h"
#include "extension/settings.h"
#include "pg/guard.h"

namespace pg_ocr {
namespace {

constexpr int64_t longest_start_ms = 60000;
constexpr int64_t long_enough_ms = 60000;  ///< who was ready for so long does not pay for what was before

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

template <typename Change>
void change_card(CardSlot& card, Change&& change) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    change(card);
    LWLockRelease(shared.lock);
}

void enter_state(CardSlot& card, CardState state) {
    card.state = state;
    card.since = GetCurrentTimestamp();
    card.busy_us = 0;
    card.engines = 0;
}

}  // namespace

CardServices::CardServices() : events_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!events_) throw std::system_error(errno, std::generic_category(), "epoll");
    for (uint32_t card = 0; card < services_.size(); ++card) {
        ::unlink(card_socket_path(card).c_str());
        change_card(slot_of(card), [](CardSlot& slot) {
            enter_state(slot, CardState::off);
            slot.pid = 0;
        });
    }
}

std::vector<CardSettings> CardServices::wanted() {
    uint32_t count = gpu() == Gpu::off ? 0 : gpu() == Gpu::stand_in ? 1 : count_cards();
    count = std::min(count, static_cast<uint32_t>(services_.size()));
    uint32_t without_library = 0;
    if (gpu() == Gpu::automatic && count > 0 && ::access(card_settings(0).library.c_str(), R_OK) != 0)
        std::swap(count, without_library);
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    shared.cards_without_library = without_library;
    LWLockRelease(shared.lock);
    if (without_library > 0 && !told_of_library_)
        pg::protect([&] {
            ereport(LOG,
                    (errmsg("pg_ocr: this machine has a GPU, and pg_ocr was built without CUDA: it reads by the CPU"),
                     errhint("Install a CUDA toolkit, then build and install pg_ocr again; or set pg_ocr.gpu = off.")));
        });
    told_of_library_ = without_library > 0;
    std::vector<CardSettings> settings;
    for (uint32_t card = 0; card < count; ++card) settings.push_back(card_settings(card));
    return settings;
}

void CardServices::look() {
    const std::vector<CardSettings> settings = wanted();
    for (uint32_t card = 0; card < services_.size(); ++card) {
        Service& service = services_[card];
        const std::optional<CardSettings> now = card < settings.size() ? std::optional(settings[card]) : std::nullopt;
        if (service.settings != now) {
            end(card);
            service.settings = now;
        }
        if (service.process)
            listen_to(card);
        else if (service.settings && now_ms() >= service.due_ms)
            start(card);
    }
}

void CardServices::start(uint32_t card) {
    Service& service = services_[card];
    service.started_ms = now_ms();
    service.ready_ms = 0;
    service.seen = {};
    change_card(slot_of(card), [](CardSlot& slot) {
        enter_state(slot, CardState::starting);
        slot.generation = ++shared_state().card_generations;
        ++slot.starts;
    });
    try {
        service.process = std::make_unique<CardProcess>(*service.settings);
        epoll_event readable{};
        readable.events = EPOLLIN;
        if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, service.process->socket(), &readable) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll");
    } catch (const std::system_error& error) {
        mourn(card, std::string("cannot work: ") + error.what());
        return;
    }
    change_card(slot_of(card), [&](CardSlot& slot) { slot.pid = service.process->pid(); });
}

void CardServices::listen_to(uint32_t card) {
    Service& service = services_[card];
    CardProcess& process = *service.process;
    try {
        process.receive();
    } catch (const std::exception& error) {
        mourn(card, error.what());
        return;
    }
    if (process.ready() && service.ready_ms == 0) show_ready(card);
    if (process.ready()) show_report(card);
    for (const std::string& complaint : process.take_complaints())
        pg::protect([&] { ereport(LOG, (errmsg("pg_ocr: GPU %u: %s", card, complaint.c_str()))); });
    if (process.closed())
        mourn(card, process.obituary());
    else if (service.ready_ms == 0 && now_ms() >= service.started_ms + longest_start_ms)
        mourn(card, "was not ready within " + std::to_string(longest_start_ms / 1000) + " s");
}

void CardServices::show_ready(uint32_t card) {
    Service& service = services_[card];
    const CardReady& ready = *service.process->ready();
    service.ready_ms = now_ms();
    change_card(slot_of(card), [&](CardSlot& slot) {
        enter_state(slot, CardState::ready);
        copy_text(slot.name, ready.card);
        slot.memory = ready.memory;
        slot.trouble[0] = '\0';
    });
    pg::protect([&] {
        ereport(LOG, (errmsg("pg_ocr: reading on GPU %u, %s, %d MB", card, slot_of(card).name,
                             static_cast<int>(ready.memory >> 20))));
    });
}

void CardServices::show_report(uint32_t card) {
    CardReport& seen = services_[card].seen;
    const CardReport& now = services_[card].process->report();
    change_card(slot_of(card), [&](CardSlot& slot) {
        slot.engines = now.engines;
        slot.busy_us = now.busy_us;
        slot.lines += now.lines - seen.lines;
        slot.batches += now.batches - seen.batches;
        slot.refused += now.refused - seen.refused;
        slot.all_busy_us += now.busy_us - seen.busy_us;
    });
    seen = now;
}

/// As people are told: how it ended, and when it is started again.
void CardServices::mourn(uint32_t card, const std::string& how) {
    Service& service = services_[card];
    service.process.reset();
    if (service.ready_ms != 0 && now_ms() - service.ready_ms >= long_enough_ms) service.backoff.reset();
    const int64_t pause_ms = service.backoff.next_ms();
    service.due_ms = now_ms() + pause_ms;
    change_card(slot_of(card), [&](CardSlot& slot) {
        enter_state(slot, CardState::down);
        slot.pid = 0;
        copy_text(slot.trouble, how);
    });
    pg::protect([&] {
        ereport(WARNING, (errmsg("pg_ocr: the service of GPU %u %s; it is started again in %d s", card, how.c_str(),
                                 static_cast<int>(pause_ms / 1000)),
                          errdetail("Lines are read by the CPU meanwhile.")));
    });
}

/// As the settings have changed.
void CardServices::end(uint32_t card) {
    Service& service = services_[card];
    if (!service.settings) return;
    service = {};
    change_card(slot_of(card), [](CardSlot& slot) {
        enter_state(slot, CardState::off);
        slot.pid = 0;
        slot.trouble[0] = '\0';
    });
    pg::protect([&] {
        ereport(LOG, (errmsg("pg_ocr: the service of GPU %u has been ended, as its settings have changed", card)));
    });
}

long CardServices::until_next_look() const {
    int64_t next = INT64_MAX;
    for (const Service& service : services_) {
        if (service.process && service.ready_ms == 0) next = std::min(next, service.started_ms + longest_start_ms);
        if (!service.process && service.settings) next = std::min(next, service.due_ms);
    }
    return next == INT64_MAX ? LONG_MAX : static_cast<long>(std::max<int64_t>(next - now_ms(), 0));
}

void CardServices::kill_now() noexcept {
    for (const Service& service : services_)
        if (service.process) service.process->kill_now();
}

}  // namespace pg_ocr
