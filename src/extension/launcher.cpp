#include "extension/launcher.h"

#include <csignal>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "extension/card_services.h"
#include "extension/settings.h"
#include "extension/shared_state.h"
#include "extension/wait_events.h"
#include "pg/guard.h"
#include "pg/spi.h"
#include "worker/machine.h"
#include "worker/throttle.h"

extern "C" PGDLLEXPORT void pg_ocr_launcher_main(Datum);

namespace pg_ocr {
namespace {

constexpr long look_interval_ms = 10000;
constexpr int64_t restart_delay_ms = 1000;
constexpr int64_t machine_interval_ms = 5000;
/// Where there are no workers, nobody else looks whether a webhook has fallen due unnoticed.
constexpr int64_t courier_interval_ms = 60000;

/// What the launcher knows of a database. A database without the extension is not asked again until somebody wants it.
struct Database {
    std::string name;
    bool without_extension = false;
    bool proven = false;        ///< a worker has found the extension there
    TimestampTz wanted_at = 0;  ///< a worker that started before may have looked for the extension too early
    TimestampTz not_before = 0;
    TimestampTz courier_due = DT_NOEND;  ///< when a courier is to look into the outbox
    TimestampTz courier_looked_at = 0;   ///< when one ended last
};

bool is_alive(const WorkerSlot& slot) { return slot.pid != 0 && slot.state != WorkerState::ended; }

/// What it costs to let this worker go.
int worth(WorkerState state) {
    switch (state) {
        case WorkerState::reading:
            return 3;
        case WorkerState::fetching:
            return 2;
        case WorkerState::idle:
            return 1;
        default:
            return 0;
    }
}

/// The workers of a database that may still be told to go, those first that are missed least. The lock must be held.
std::vector<WorkerSlot*> workers_to_spare(Oid database) {
    SharedState& shared = shared_state();
    std::vector<WorkerSlot*> workers;
    for (int i = shared.slot_count - 1; i >= 0; --i) {
        WorkerSlot& slot = shared.slots[i];
        if (slot.database == database && !slot.is_courier && !slot.stopping && is_alive(slot)) workers.push_back(&slot);
    }
    std::stable_sort(workers.begin(), workers.end(), [](const WorkerSlot* one, const WorkerSlot* other) {
        return worth(one->state) < worth(other->state);
    });
    return workers;
}

CardServices* my_cards = nullptr;  ///< for the exit callback, which runs where no destructor does

class Launcher {
  public:
    Launcher() { my_cards = &cards_; }
    ~Launcher() { my_cards = nullptr; }
    Launcher(const Launcher&) = delete;
    Launcher& operator=(const Launcher&) = delete;

    void run();

  private:
    void look_for_databases();
    void take_wishes();
    void reap_workers();
    void reap(Database& database, const WorkerSlot& slot);
    void start_couriers();
    void look_at_machine_again();
    /// How many workers each database is to have.
    std::map<Oid, int> shares();
    void start_workers();
    static void note_missing(int count);
    void note_too_large(int count);
    void check_reservations();
    bool start(Oid database, bool courier);
    static void mark_surplus(Oid database, size_t count);
    static void dismiss_one(Oid database);
    static void stop_everything(Oid database);
    long until_next_look() const;
    void stop_workers_elsewhere();
    bool has_ended(int index, const WorkerSlot& slot) const;
    int workers_of(Oid database) const;
    static WorkerState courier_of(Oid database);
    static bool is_reserved(Oid database);
    static bool is_in_motion();

    std::map<Oid, Database> databases_;
    std::map<int, BackgroundWorkerHandle*> handles_;  ///< by slot, of the workers that this launcher registered
    bool told_of_shortage_ = false;
    bool told_of_waiting_webhooks_ = false;
    bool told_of_reservations_ = false;
    bool told_of_memory_ = false;
    CardServices cards_;
    Throttle throttle_;
    ThrottleLimits throttle_limits_;
    TimestampTz machine_looked_at_ = 0;
    bool short_of_slots_ = false;
    bool webhooks_wait_ = false;
};

void Launcher::run() {
    SharedState& shared = shared_state();
    TimestampTz looked_at = 0;
    for (;;) {
        bool everywhere = false;
        pg::protect([&] {
            CHECK_FOR_INTERRUPTS();
            if (ConfigReloadPending) {
                ConfigReloadPending = false;
                ProcessConfigFile(PGC_SIGHUP);
            }
        });
        LWLockAcquire(shared.lock, LW_EXCLUSIVE);
        everywhere = shared.look_everywhere;
        shared.look_everywhere = false;
        LWLockRelease(shared.lock);
        if (everywhere)
            for (auto& [oid, database] : databases_) database.without_extension = false;
        if (everywhere || TimestampDifferenceExceeds(looked_at, GetCurrentTimestamp(), look_interval_ms)) {
            look_for_databases();
            looked_at = GetCurrentTimestamp();
        }
        reap_workers();
        take_wishes();
        look_at_machine_again();
        start_couriers();
        start_workers();
        check_reservations();
        cards_.look();
        const long longest = std::min(until_next_look(), cards_.until_next_look());
        pg::protect([&] {
            const int happened =
                WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                                  cards_.descriptor(), longest, wait_event(WaitFor::launcher));
            if ((happened & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
        });
    }
}

/// Milliseconds. A database that is still being asked, or a restart that was put off, is looked at again soon.
long Launcher::until_next_look() const {
    const TimestampTz now = GetCurrentTimestamp();
    long longest = short_of_slots_ || webhooks_wait_ ? restart_delay_ms : look_interval_ms;
    if (throttle_limits_ != ThrottleLimits{}) longest = std::min<long>(longest, machine_interval_ms);
    for (const auto& [oid, database] : databases_) {
        if (database.not_before > now) longest = std::min<long>(longest, restart_delay_ms);
        if (database.courier_due > now)
            longest = std::min<long>(longest, TimestampDifferenceMilliseconds(now, database.courier_due));
    }
    return longest;
}

void Launcher::look_for_databases() {
    struct Found {
        Oid oid;
        NameData name;
    };
    Found* found = nullptr;
    int count = 0;
    pg::protect([&] {
        StartTransactionCommand();
        (void)GetTransactionSnapshot();
        Relation relation = table_open(DatabaseRelationId, AccessShareLock);
        TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
        int room = 0;
        for (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection); HeapTupleIsValid(tuple);
             tuple = heap_getnext(scan, ForwardScanDirection)) {
            auto* row = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
            if (!row->datallowconn || row->datistemplate) continue;
            if (count == room) {
                room = room == 0 ? 16 : room * 2;
                MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
                found =
                    static_cast<Found*>(found == nullptr ? palloc(sizeof(Found) * static_cast<Size>(room))
                                                         : repalloc(found, sizeof(Found) * static_cast<Size>(room)));
                MemoryContextSwitchTo(before);
            }
            found[count].oid = row->oid;
            found[count].name = row->datname;
            ++count;
        }
        table_endscan(scan);
        table_close(relation, AccessShareLock);
        CommitTransactionCommand();
    });
    std::map<Oid, Database> now;
    for (int i = 0; i < count; ++i) {
        auto known = databases_.find(found[i].oid);
        Database& database = now[found[i].oid] = known == databases_.end() ? Database() : known->second;
        database.name = NameStr(found[i].name);
    }
    if (found != nullptr) pfree(found);
    databases_ = std::move(now);
    stop_workers_elsewhere();
}

/// Of databases that have been closed to connections or made templates.
void Launcher::stop_workers_elsewhere() {
    SharedState& shared = shared_state();
    for (int i = 0; i < shared.slot_count; ++i) {
        LWLockAcquire(shared.lock, LW_SHARED);
        const WorkerSlot slot = shared.slots[i];
        LWLockRelease(shared.lock);
        if (slot.state != WorkerState::free && databases_.count(slot.database) == 0) stop_everything(slot.database);
    }
}

void Launcher::take_wishes() {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    const Wishes wanted = shared.wanted;
    const Wishes couriers = shared.couriers_wanted;
    const bool couriers_everywhere = shared.couriers_everywhere;
    shared.wanted.count = shared.couriers_wanted.count = 0;
    shared.couriers_everywhere = false;
    LWLockRelease(shared.lock);
    const TimestampTz now = GetCurrentTimestamp();
    const auto grant = [&](Oid oid, bool courier) {
        if (databases_.count(oid) == 0) look_for_databases();
        auto database = databases_.find(oid);
        if (database == databases_.end()) return;
        database->second.without_extension = false;
        database->second.wanted_at = now;
        if (courier) database->second.courier_due = now;
    };
    std::for_each(wanted.databases, wanted.databases + wanted.count, [&](Oid oid) { grant(oid, false); });
    std::for_each(couriers.databases, couriers.databases + couriers.count, [&](Oid oid) { grant(oid, true); });
    if (couriers_everywhere)
        for (auto& [oid, database] : databases_) database.courier_due = now;
}

void Launcher::reap_workers() {
    SharedState& shared = shared_state();
    for (int i = 0; i < shared.slot_count; ++i) {
        LWLockAcquire(shared.lock, LW_SHARED);
        const WorkerSlot slot = shared.slots[i];
        LWLockRelease(shared.lock);
        if (slot.state == WorkerState::free) continue;
        auto database = databases_.find(slot.database);
        if (!has_ended(i, slot)) {
            if (slot.extension == Presence::there && database != databases_.end()) database->second.proven = true;
            continue;
        }
        if (database != databases_.end()) reap(database->second, slot);
        LWLockAcquire(shared.lock, LW_EXCLUSIVE);
        MemSet(&shared.slots[i], 0, sizeof(WorkerSlot));
        LWLockRelease(shared.lock);
        if (auto handle = handles_.find(i); handle != handles_.end()) {
            pfree(handle->second);
            handles_.erase(handle);
        }
    }
}

void Launcher::reap(Database& database, const WorkerSlot& slot) {
    const TimestampTz soon = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), restart_delay_ms);
    if (slot.is_courier) {
        database.courier_looked_at = GetCurrentTimestamp();
        // One that could not say until when it is not needed has failed.
        database.courier_due = std::min(database.courier_due, slot.due == 0 ? soon : slot.due);
    }
    if (slot.extension == Presence::missing) {
        database.without_extension = database.wanted_at < slot.started;
        database.proven = false;
    } else if (!slot.is_courier && !slot.stopping &&
               !TimestampDifferenceExceeds(slot.started, GetCurrentTimestamp(), restart_delay_ms)) {
        database.not_before = soon;  // it ended as soon as it began: not at once again
    }
}

bool Launcher::has_ended(int index, const WorkerSlot& slot) const {
    // Only the postmaster knows when a worker's place among the background workers is free again.
    pid_t pid = 0;
    if (auto handle = handles_.find(index); handle != handles_.end())
        return GetBackgroundWorkerPid(handle->second, &pid) == BGWH_STOPPED;
    // One that a launcher before this one registered. It is given a minute to be there.
    if (slot.state == WorkerState::ended) return true;
    if (slot.pid != 0) return BackendPidGetProc(slot.pid) == nullptr;
    return TimestampDifferenceExceeds(slot.started, GetCurrentTimestamp(), 60000);
}

int Launcher::workers_of(Oid database) const {
    SharedState& shared = shared_state();
    int count = 0;
    LWLockAcquire(shared.lock, LW_SHARED);
    for (int i = 0; i < shared.slot_count; ++i) {
        const WorkerSlot& slot = shared.slots[i];
        if (slot.state != WorkerState::free && slot.database == database && !slot.stopping && !slot.is_courier) ++count;
    }
    LWLockRelease(shared.lock);
    return count;
}

/// What the database's courier is at; free: there is none.
WorkerState Launcher::courier_of(Oid database) {
    SharedState& shared = shared_state();
    WorkerState state = WorkerState::free;
    LWLockAcquire(shared.lock, LW_SHARED);
    for (int i = 0; i < shared.slot_count; ++i)
        if (shared.slots[i].is_courier && shared.slots[i].database == database) state = shared.slots[i].state;
    LWLockRelease(shared.lock);
    return state;
}

void Launcher::start_couriers() {
    const TimestampTz now = GetCurrentTimestamp();
    const char* waiting = nullptr;
    Oid best_served = InvalidOid;
    int most = 1;
    for (auto& [oid, database] : databases_) {
        if (workers_of(oid) > most) {
            most = workers_of(oid);
            best_served = oid;
        }
        const WorkerState courier = courier_of(oid);
        // It looks, or will before anything else: whatever was wished for until now, it finds.
        if (courier == WorkerState::starting || courier == WorkerState::idle) database.courier_due = DT_NOEND;
        if (courier != WorkerState::free) continue;
        if (worker_count() == 0 && TimestampDifferenceExceeds(database.courier_looked_at, now, courier_interval_ms))
            database.courier_due = std::min(database.courier_due, now);
        // Where there are workers, the first of them finds out whether the extension is there.
        if (database.without_extension || (worker_count() > 0 && !database.proven) || database.courier_due > now ||
            is_reserved(oid))
            continue;
        if (waiting == nullptr && start(oid, true))
            database.courier_due = DT_NOEND;
        else if (waiting == nullptr)
            waiting = database.name.c_str();
    }
    webhooks_wait_ = waiting != nullptr;
    if (webhooks_wait_ && is_in_motion()) return;
    if (webhooks_wait_ && OidIsValid(best_served)) dismiss_one(best_served);
    if (webhooks_wait_ && !told_of_waiting_webhooks_)
        pg::protect([&] {
            ereport(WARNING,
                    (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                     errmsg("pg_ocr: no free slot for the courier of database \"%s\": its webhooks wait", waiting),
                     errhint("Raise max_worker_processes (now %d) and restart, or lower pg_ocr.workers.",
                             max_worker_processes)));
        });
    told_of_waiting_webhooks_ = webhooks_wait_;
}

void Launcher::look_at_machine_again() {
    const ThrottleLimits limits = throttle_limits();
    const TimestampTz now = GetCurrentTimestamp();
    if (limits == throttle_limits_ && !TimestampDifferenceExceeds(machine_looked_at_, now, machine_interval_ms)) return;
    throttle_limits_ = limits;
    machine_looked_at_ = now;
    const Throttle::Reason before = throttle_.reason();
    throttle_.look(look_at_machine(), limits, worker_count());
    const std::string& why = throttle_.why();
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    strlcpy(shared.held_back, why.c_str(), sizeof(shared.held_back));
    LWLockRelease(shared.lock);
    if (throttle_.reason() == before) return;
    pg::show_activity(false, why);
    pg::protect([&] {
        if (why.empty())
            ereport(LOG, (errmsg("pg_ocr: all workers may run again")));
        else
            ereport(LOG, (errmsg("pg_ocr: %s: fewer workers run", why.c_str())));
    });
}

std::map<Oid, int> Launcher::shares() {
    const int wanted = throttle_.allowed(worker_count());
    int room = engines_in_memory();
    int too_large = 0;
    std::map<Oid, int> shares;
    // Every database has its first worker before any has its second.
    for (int round = 1; round <= wanted; ++round)
        for (const auto& [oid, database] : databases_) {
            // One worker goes ahead and finds out whether the extension is there; the others follow it.
            if (database.without_extension || (round > 1 && !database.proven)) continue;
            if (round > 1 && room <= 0) {
                ++too_large;
                continue;
            }
            ++shares[oid];
            if (database.proven) --room;
        }
    note_too_large(too_large);
    return shares;
}

void Launcher::start_workers() {
    int missing = 0;
    bool without_any = false;
    Oid best_served = InvalidOid;
    int most = 1;
    std::map<Oid, int> wanted = shares();
    for (int round = 1; round <= std::max(1, worker_count()); ++round)
        for (auto& [oid, database] : databases_) {
            if (database.without_extension || database.not_before > GetCurrentTimestamp() || is_reserved(oid)) continue;
            const int there = workers_of(oid);
            if (round == 1) mark_surplus(oid, static_cast<size_t>(std::max(0, there - wanted[oid])));
            if (there > most) {
                most = there;
                best_served = oid;
            }
            if (there >= std::min(round, wanted[oid]) || (missing == 0 && start(oid, false))) continue;
            ++missing;
            without_any = without_any || there == 0;
        }
    short_of_slots_ = missing > 0;
    // Most databases do not have the extension: the place of the worker that asks is soon free again.
    if (missing > 0 && is_in_motion()) return;
    note_missing(missing);
    if (without_any && OidIsValid(best_served)) dismiss_one(best_served);
    if (missing > 0 && !told_of_shortage_)
        pg::protect([&] {
            ereport(WARNING,
                    (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                     errmsg("pg_ocr: no free slot for %d of its background workers; it goes on with fewer", missing),
                     errhint("Raise max_worker_processes (now %d) and restart, or lower pg_ocr.workers.",
                             max_worker_processes)));
        });
    told_of_shortage_ = missing > 0;
}

/// For ocr_check().
void Launcher::note_missing(int count) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    shared.workers_missing = count;
    LWLockRelease(shared.lock);
}

/// Also in the log, once.
void Launcher::note_too_large(int count) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    shared.workers_too_large = count;
    LWLockRelease(shared.lock);
    if (count > 0 && !told_of_memory_)
        pg::protect([&] {
            ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                          errmsg("pg_ocr: pg_ocr.memory has no room for %d of the workers that pg_ocr.workers asks "
                                 "for; it goes on with fewer",
                                 count),
                          errhint("Raise pg_ocr.memory, or lower pg_ocr.engine_memory or pg_ocr.workers.")));
        });
    told_of_memory_ = count > 0;
}

void Launcher::check_reservations() {
    const uint32_t reserved = count_of(reserved_workers());
    const bool too_many = worker_count() > 0 && reserved > static_cast<uint32_t>(worker_count());
    if (too_many && !told_of_reservations_)
        pg::protect([&] {
            ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                              errmsg("pg_ocr: pg_ocr.reserved_workers reserves %u workers, and pg_ocr.workers is %d: "
                                     "the last of the list get fewer or none",
                                     reserved, worker_count()),
                              errhint("Raise pg_ocr.workers, or reserve fewer.")));
        });
    told_of_reservations_ = too_many;
}

/// Whether a worker is about to come or to go, so that its place may soon be free again.
bool Launcher::is_in_motion() {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_SHARED);
    const bool found = std::any_of(shared.slots, shared.slots + shared.slot_count, [&](const WorkerSlot& slot) {
        return slot.state == WorkerState::starting || (slot.stopping && slot.state != WorkerState::free);
    });
    LWLockRelease(shared.lock);
    return found;
}

bool Launcher::is_reserved(Oid database) {
    SharedState& shared = shared_state();
    const TimestampTz now = GetCurrentTimestamp();
    LWLockAcquire(shared.lock, LW_SHARED);
    const bool reserved =
        std::any_of(std::begin(shared.reservations), std::end(shared.reservations),
                    [&](const Reservation& each) { return each.database == database && each.until > now; });
    LWLockRelease(shared.lock);
    return reserved;
}

bool Launcher::start(Oid database, bool courier) {
    SharedState& shared = shared_state();
    int slot = -1;
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    for (int i = 0; i < shared.slot_count && slot < 0; ++i)
        if (shared.slots[i].state == WorkerState::free) slot = i;
    if (slot >= 0) {
        MemSet(&shared.slots[slot], 0, sizeof(WorkerSlot));
        shared.slots[slot].state = WorkerState::starting;
        shared.slots[slot].database = database;
        shared.slots[slot].is_courier = courier;
        shared.slots[slot].started = shared.slots[slot].since = GetCurrentTimestamp();
    }
    LWLockRelease(shared.lock);
    if (slot < 0) return false;

    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    strlcpy(worker.bgw_library_name, "pg_ocr", sizeof(worker.bgw_library_name));
    const std::string type = courier ? "pg_ocr courier" : "pg_ocr worker";
    strlcpy(worker.bgw_function_name, courier ? "pg_ocr_courier_main" : "pg_ocr_worker_main",
            sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, (type + " for " + databases_[database].name).c_str(), sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, type.c_str(), sizeof(worker.bgw_type));
    worker.bgw_main_arg = Int32GetDatum(slot);
    worker.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle* handle = nullptr;
    bool registered = false;
    pg::protect([&] {
        MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
        registered = RegisterDynamicBackgroundWorker(&worker, &handle);
        MemoryContextSwitchTo(before);
    });
    if (!registered) {
        LWLockAcquire(shared.lock, LW_EXCLUSIVE);
        shared.slots[slot].state = WorkerState::free;
        LWLockRelease(shared.lock);
        return false;
    }
    handles_[slot] = handle;
    return true;
}

/// So many of the database's workers, and no others, are to go after their present page.
void Launcher::mark_surplus(Oid database, size_t count) {
    SharedState& shared = shared_state();
    std::vector<pid_t> marked;
    marked.reserve(count);
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    for (WorkerSlot* slot : workers_to_spare(database)) {
        slot->surplus = marked.size() < count;
        if (slot->surplus) marked.push_back(slot->pid);
    }
    LWLockRelease(shared.lock);
    std::for_each(marked.begin(), marked.end(), wake_process);
}

/// For good, as its place is needed elsewhere.
void Launcher::dismiss_one(Oid database) {
    SharedState& shared = shared_state();
    pid_t dismissed = 0;
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    if (const std::vector<WorkerSlot*> workers = workers_to_spare(database); !workers.empty()) {
        workers.front()->surplus = workers.front()->stopping = true;
        dismissed = workers.front()->pid;
    }
    LWLockRelease(shared.lock);
    wake_process(dismissed);
}

void Launcher::stop_everything(Oid database) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    for (int i = 0; i < shared.slot_count; ++i)
        if (shared.slots[i].database == database && is_alive(shared.slots[i])) terminate_once(shared.slots[i]);
    LWLockRelease(shared.lock);
}

/// Runs however this process ends, also without destructors.
void leave(int, Datum) {
    if (my_cards != nullptr) my_cards->kill_now();
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    if (shared.launcher == MyProcPid) {
        shared.launcher = 0;
        for (CardSlot& card : shared.cards) card.state = CardState::off;
    }
    LWLockRelease(shared.lock);
}

}  // namespace

void register_launcher() {
    if (IsBinaryUpgrade) return;  // pg_upgrade wants its databases for itself, and as they are
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = 1;
    strlcpy(worker.bgw_library_name, "pg_ocr", sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, "pg_ocr_launcher_main", sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, "pg_ocr launcher", sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, "pg_ocr launcher", sizeof(worker.bgw_type));
    RegisterBackgroundWorker(&worker);
}

}  // namespace pg_ocr

void pg_ocr_launcher_main(Datum) {
    pqsignal(SIGTERM, die);
    pqsignal(SIGINT, SIG_IGN);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    pg_ocr::SharedState& shared = pg_ocr::shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    shared.launcher = MyProcPid;
    LWLockRelease(shared.lock);
    before_shmem_exit(pg_ocr::leave, 0);
    pg_ocr::pg::enter([] {
        pg_ocr::Launcher launcher;
        launcher.run();
        return 0;
    });
}
