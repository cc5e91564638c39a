#include "extension/shared_state.h"

#include <csignal>

namespace pg_ocr {
namespace {

SharedState* state = nullptr;
shmem_startup_hook_type earlier_startup_hook = nullptr;
#if PG_VERSION_NUM >= 150000
shmem_request_hook_type earlier_request_hook = nullptr;
#endif

constexpr const char* tranche_name = "pg_ocr";

Size state_size() {
    return add_size(offsetof(SharedState, slots),
                    mul_size(sizeof(WorkerSlot), static_cast<Size>(max_worker_processes)));
}

void request() {
#if PG_VERSION_NUM >= 150000
    if (earlier_request_hook != nullptr) earlier_request_hook();
#endif
    RequestAddinShmemSpace(state_size());
    RequestNamedLWLockTranche(tranche_name, 1);
}

void startup() {
    if (earlier_startup_hook != nullptr) earlier_startup_hook();
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    state = static_cast<SharedState*>(ShmemInitStruct("pg_ocr", state_size(), &found));
    if (!found) {
        MemSet(state, 0, state_size());
        state->lock = &GetNamedLWLockTranche(tranche_name)->lock;
        state->slot_count = max_worker_processes;
        pg_atomic_init_u64(&state->jobs_ended, 0);
        for (pg_atomic_uint64& counter : state->counters) pg_atomic_init_u64(&counter, 0);
        ConditionVariableInit(&state->job_ended);
        initialise(state->tallies);
    }
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

void request_shared_state() {
#if PG_VERSION_NUM >= 150000
    earlier_request_hook = shmem_request_hook;
    shmem_request_hook = request;
#else
    request();
#endif
    earlier_startup_hook = shmem_startup_hook;
    shmem_startup_hook = startup;
}

SharedState& shared_state() {
    if (state == nullptr)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("pg_ocr must be loaded by shared_preload_libraries"),
                        errhint("Add pg_ocr to shared_preload_libraries in postgresql.conf and restart the server.")));
    return *state;
}

void terminate_once(WorkerSlot& slot) {
    if (slot.stopping && !slot.surplus) return;
    slot.stopping = true;
    slot.surplus = false;
    kill(slot.pid, SIGTERM);
}

void wake_process(pid_t pid) {
    if (pid == 0) return;
    PGPROC* process = BackendPidGetProc(pid);
    if (process != nullptr) SetLatch(&process->procLatch);
}

}  // namespace pg_ocr
