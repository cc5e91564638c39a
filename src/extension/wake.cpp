#include "extension/wake.h"

#include <algorithm>

#include "extension/shared_state.h"

namespace pg_ocr {
namespace {

// Of the current transaction. A rolled back subtransaction leaves its wishes behind: a needless look is harmless.
int wanted_workers = 0;
bool job_ended = false;
bool courier_wanted = false;
int64_t interrupted[16];
int interrupted_count = 0;  ///< above 16: all that read are to check

void forget() {
    wanted_workers = 0;
    job_ended = false;
    courier_wanted = false;
    interrupted_count = 0;
}

bool is_interrupted(int64_t job_id) {
    if (interrupted_count > static_cast<int>(lengthof(interrupted))) return true;
    for (int i = 0; i < interrupted_count; ++i)
        if (interrupted[i] == job_id) return true;
    return false;
}

void wish(Wishes& wishes, Oid database, bool& everywhere) {
    Oid* end = wishes.databases + wishes.count;
    if (std::find(wishes.databases, end, database) != end) return;
    if (wishes.count < static_cast<int>(lengthof(wishes.databases)))
        wishes.databases[wishes.count++] = database;
    else
        everywhere = true;
}

/// The courier of this database, told to look once more; 0 where there is none, or none that still looks. The lock must
/// be held.
pid_t nudge_courier(SharedState& shared) {
    for (int i = 0; i < shared.slot_count; ++i) {
        WorkerSlot& slot = shared.slots[i];
        if (!slot.is_courier || slot.database != MyDatabaseId || slot.state != WorkerState::idle) continue;
        slot.nudged = true;
        return slot.pid;
    }
    return 0;
}

void carry_out() {
    SharedState& shared = shared_state();
    pid_t to_wake[64];
    int count = 0;
    bool have_workers = false;
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    for (int i = 0; i < shared.slot_count && count < static_cast<int>(lengthof(to_wake)); ++i) {
        WorkerSlot& slot = shared.slots[i];
        if (slot.state == WorkerState::free || slot.database != MyDatabaseId || slot.is_courier) continue;
        if (slot.extension != Presence::there) continue;  // it may have looked for the extension too early
        have_workers = true;
        if (slot.state == WorkerState::idle && !slot.nudged && !slot.surplus && wanted_workers > 0) {
            slot.nudged = true;
            --wanted_workers;
            to_wake[count++] = slot.pid;
        } else if ((slot.state == WorkerState::reading || slot.state == WorkerState::fetching) &&
                   is_interrupted(slot.job_id)) {
            to_wake[count++] = slot.pid;
        }
    }
    pid_t launcher = 0;
    if (wanted_workers > 0 && !have_workers) {
        wish(shared.wanted, MyDatabaseId, shared.look_everywhere);
        launcher = shared.launcher;
    }
    if (courier_wanted) {
        const pid_t courier = nudge_courier(shared);
        if (courier == 0) {
            wish(shared.couriers_wanted, MyDatabaseId, shared.couriers_everywhere);
            launcher = shared.launcher;
        } else if (count < static_cast<int>(lengthof(to_wake))) {
            to_wake[count++] = courier;
        }
    }
    LWLockRelease(shared.lock);
    for (int i = 0; i < count; ++i) wake_process(to_wake[i]);
    wake_process(launcher);
    if (job_ended) {
        pg_atomic_fetch_add_u64(&shared.jobs_ended, 1);
        ConditionVariableBroadcast(&shared.job_ended);
    }
}

void at_transaction_end(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_COMMIT:
            if (wanted_workers > 0 || job_ended || courier_wanted || interrupted_count > 0) carry_out();
            forget();
            break;
        case XACT_EVENT_ABORT:
        case XACT_EVENT_PREPARE:
            forget();
            break;
        default:
            break;
    }
}

}  // namespace

void register_wake() { RegisterXactCallback(at_transaction_end, nullptr); }

void wake_worker_at_commit() { ++wanted_workers; }

void interrupt_job_at_commit(int64_t job_id) {
    if (interrupted_count < static_cast<int>(lengthof(interrupted))) interrupted[interrupted_count] = job_id;
    ++interrupted_count;
}

void wake_courier_at_commit() { courier_wanted = true; }

void announce_job_end_at_commit() { job_ended = true; }

}  // namespace pg_ocr
