// A background worker: connects, takes its advisory lock, and hands over to the loop.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "extension/cards.h"
#include "extension/session.h"
#include "extension/settings.h"
#include "extension/worker_lock.h"
#include "pg/guard.h"
#include "pg/spi.h"
#include "queue/queue_spi.h"
#include "worker/loop.h"

extern "C" PGDLLEXPORT void pg_ocr_worker_main(Datum);

namespace pg_ocr {
namespace {

EngineProcess* my_engine = nullptr;
HttpProcess* my_http = nullptr;

void enter_state(WorkerSlot& to, WorkerState state, int64_t job_id, int32_t page_no) {
    if (to.state != state || to.job_id != job_id || to.page_no != page_no) to.since = GetCurrentTimestamp();
    to.state = state;
    to.job_id = job_id;
    to.page_no = page_no;
    if (state != WorkerState::unavailable) to.trouble[0] = '\0';
}

/// The lock must be held. Returns an idle one to be woken, who need not wait for the launcher; 0 where there is none.
pid_t tell_colleagues(const WorkerSlot& mine) {
    SharedState& shared = shared_state();
    pid_t idle = 0;
    for (int i = 0; i < shared.slot_count; ++i) {
        WorkerSlot& other = shared.slots[i];
        if (&other == &mine || other.database != mine.database || other.pid == 0 || other.is_courier) continue;
        other.colleague_ended = true;
        if (other.state == WorkerState::idle && !other.surplus) idle = other.pid;
    }
    return idle;
}

/// The lock must be held.
uint32_t workers_before(const WorkerSlot& mine) {
    const SharedState& shared = shared_state();
    return static_cast<uint32_t>(std::count_if(shared.slots, &mine, [&](const WorkerSlot& other) {
        return other.database == mine.database && !other.is_courier && !other.stopping &&
               other.state != WorkerState::free && other.state != WorkerState::ended;
    }));
}

/// Runs however this process ends, also without destructors: no child outlives its worker. The server has released the
/// worker's lock by then, so that its task can be rescued.
void leave(int, Datum) {
    if (my_engine != nullptr) my_engine->kill_now();
    my_engine = nullptr;
    if (my_http != nullptr) my_http->kill_now();
    my_http = nullptr;
    pid_t colleague = 0;
    leave_slot([&](WorkerSlot& mine) {
        mine.engine_pid = 0;
        colleague = tell_colleagues(mine);
    });
    wake_process(colleague);
}

class BackgroundWorkerHost final : public Host {
  public:
    Wake wait(int fd, int64_t timeout_ms) override { return wait_in_session(fd, timeout_ms, waits_for_); }

    void show_idle() override {
        change_slot([](WorkerSlot& mine) {
            mine.nudged = false;
            enter_state(mine, WorkerState::idle, 0, 0);
        });
        waits_for_ = WaitFor::work;
        pg::show_activity(false, "idle");
    }

    void show_fetching(int64_t job_id) override {
        change_slot([&](WorkerSlot& mine) { enter_state(mine, WorkerState::fetching, job_id, 0); });
        waits_for_ = WaitFor::http;
        pg::show_activity(true, "fetching job " + std::to_string(job_id));
    }

    void show_reading(int64_t job_id, uint32_t page_no, uint32_t pages) override {
        change_slot(
            [&](WorkerSlot& mine) { enter_state(mine, WorkerState::reading, job_id, static_cast<int32_t>(page_no)); });
        waits_for_ = WaitFor::engine;
        std::string what = "reading job " + std::to_string(job_id);
        if (page_no > 0) what += ", page " + std::to_string(page_no) + " of " + std::to_string(pages);
        pg::show_activity(true, what);
    }

    void show_unavailable(const std::string& why) override {
        change_slot([&](WorkerSlot& mine) {
            enter_state(mine, WorkerState::unavailable, 0, 0);
            copy_text(mine.trouble, why);
        });
        waits_for_ = WaitFor::work;
        pg::show_activity(false, "idle, without an engine");
    }

    void show_engine(EngineProcess* engine) override {
        my_engine = engine;
        change_slot([&](WorkerSlot& mine) {
            mine.engine_pid = engine == nullptr ? 0 : engine->pid();
            mine.card = 0;
        });
        if (engine == nullptr) return;
        waits_for_ = WaitFor::engine;
        pg::show_activity(true, "starting an engine");
        count(Counter::engines_started);
    }

    void show_http(HttpProcess* http) override { my_http = http; }

    std::optional<ReadyCard> ready_card() override {
        return ready_card_for(static_cast<uint32_t>(&my_slot() - shared_state().slots));
    }

    void show_card(uint64_t generation) override {
        change_slot([&](WorkerSlot& mine) { mine.card = generation; });
    }

    void show_document_done() override {
        change_slot([](WorkerSlot& mine) { ++mine.documents; });
        count(Counter::documents);
    }

    bool colleague_ended() override {
        bool ended = false;
        change_slot([&](WorkerSlot& mine) {
            ended = mine.colleague_ended;
            mine.colleague_ended = false;
        });
        return ended;
    }

    /// The first workers of the database, by their slots, are the reserved ones: whichever of them dies, its successor
    /// or the next one takes its part.
    std::optional<Tier> reserved_for() override {
        const std::vector<ReservedWorkers> reserved = reserved_workers();
        std::optional<Tier> tier;
        change_slot([&](WorkerSlot& mine) {
            if (!reserved.empty()) tier = tier_of_worker(reserved, workers_before(mine));
            mine.is_reserved = tier.has_value();
            mine.tier = tier.value_or(Tier::balanced);
        });
        return tier;
    }

    bool is_surplus() override {
        bool surplus = false;
        change_slot([&](WorkerSlot& mine) {
            surplus = mine.surplus;
            mine.stopping = mine.stopping || surplus;
        });
        return surplus;
    }

    bool still_wanted() override { return extension_is_there(); }

    void count(Counter counter) override { pg_ocr::count(counter); }
    void log(const std::string& message) override { say(LOG, message); }
    void log_closely(const std::string& message) override { say(DEBUG1, message); }
    void warn(const std::string& message) override { say(WARNING, message); }

  private:
    WaitFor waits_for_ = WaitFor::engine;
};

void work() {
    if (!extension_is_there()) return;
    const int64_t key = take_worker_lock();
    BackgroundWorkerHost host;
    std::unique_ptr<Queue> queue = make_spi_queue(key);
    Worker(*queue, host, worker_settings).run();
}

}  // namespace
}  // namespace pg_ocr

void pg_ocr_worker_main(Datum argument) {
    using namespace pg_ocr;
    if (!begin_session(DatumGetInt32(argument), "pg_ocr worker", leave)) return;
    pg::enter([] {
        work();
        return 0;
    });
}
