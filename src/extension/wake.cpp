#include "extension/wake.h"

#include <algorithm>

#include "extension/shared_state.h"

namespace pg_ocr {
namespace {

// Of the current transaction. A rolled back subtransaction leaves its wishes behind: a needless look is harmless.
int wanted_workers = 0;
bool job_ended = false;
int64_t interrupted[16];
int interrupted_count = 0;  ///< above 16: all that read are to check

void forget() {
    wanted_workers = 0;
    job_ended = false;
    interrupted_count = 0;
}

bool is_interrupted(int64_t job_id) {
    if (interrupted_count > static_cast<int>(lengthof(interrupted))) return true;
    for (int i = 0; i < interrupted_count; ++i)
        if (interrupted[i] == job_id) return true;
    return false;
}

void carry_out() {
    SharedState& shared = shared_state();
    pid_t to_wake[64];
    int count = 0;
    bool have_workers = false;
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    for (int i = 0; i < shared.slot_count && count < static_cast<int>(lengthof(to_wake)); ++i) {
        WorkerSlot& slot = shared.slots[i];
        if (slot.state == WorkerState::free || slot.database != MyDatabaseId) continue;
        if (slot.extension != Presence::there) continue;  // it may have looked for the extension too early
        have_workers = true;
        if (slot.state == WorkerState::idle && !slot.nudged && wanted_workers > 0) {
            slot.nudged = true;
            --wanted_workers;
            to_wake[count++] = slot.pid;
        } else if (slot.state == WorkerState::reading && is_interrupted(slot.job_id)) {
            to_wake[count++] = slot.pid;
        }
    }
    pid_t launcher = 0;
    if (wanted_workers > 0 && !have_workers) {
        Oid* end = shared.wanted + shared.wanted_count;
        const bool told = std::find(shared.wanted, end, MyDatabaseId) != end;
        if (!told && shared.wanted_count < static_cast<int>(lengthof(shared.wanted)))
            shared.wanted[shared.wanted_count++] = MyDatabaseId;
        else if (!told)
            shared.look_everywhere = true;
        launcher = shared.launcher;
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
            if (wanted_workers > 0 || job_ended || interrupted_count > 0) carry_out();
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

void announce_job_end_at_commit() { job_ended = true; }

}  // namespace pg_ocr
