// What every background worker that the launcher starts has: a slot in shared memory, and a session in its database.
#pragma once

#include <cstdint>
#include <string>

#include "extension/shared_state.h"
#include "extension/wait_events.h"
#include "worker/wake.h"

namespace pg_ocr {

/// Sets up signals, connects to the slot's database and takes the slot. `leave` runs however the process ends, also
/// without destructors, and is to call leave_slot(). False: the launcher has given the slot to another.
bool begin_session(int slot, const char* application_name, void (*leave)(int, Datum));

/// This process' slot; under the lock only.
WorkerSlot& my_slot();

template <typename Change>
void change_slot(Change&& change) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    change(my_slot());
    LWLockRelease(shared.lock);
}

/// Gives the slot back to the launcher, unless another process has it by now; `also` changes what else is to change.
template <typename Change>
void leave_slot(Change&& also) {
    pid_t launcher = 0;
    change_slot([&](WorkerSlot& mine) {
        if (mine.pid != 0 && mine.pid != MyProcPid) return;
        mine.state = WorkerState::ended;
        launcher = shared_state().launcher;
        also(mine);
    });
    wake_process(launcher);
}

/// Whether the database has the extension, in this library's version. Tells the launcher, which starts the other
/// workers once the first has found the extension.
bool extension_is_there();

/// Waits until fd (-1: none) is readable, the latch is set, the process is to stop, or timeout_ms are over. After
/// Wake::stop nothing interrupts this process any more.
Wake wait_in_session(int fd, int64_t timeout_ms, WaitFor what);

/// Into the server's log.
void say(int level, const std::string& message);

}  // namespace pg_ocr
