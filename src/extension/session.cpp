#include "extension/session.h"

#include <csignal>
#include <vector>

#include "pg/guard.h"
#include "pg/spi.h"

namespace pg_ocr {
namespace {

int slot_index = -1;

/// Only a connected process is in the list of processes, and the launcher takes one that is not there for dead: the pid
/// comes with the connection. False: the launcher has given up waiting and has given the slot to another.
bool take_slot(Oid database) {
    bool taken = false;
    change_slot([&](WorkerSlot& mine) {
        taken = mine.state == WorkerState::starting && mine.pid == 0 && mine.database == database;
        if (taken) mine.pid = MyProcPid;
    });
    return taken;
}

/// What a database or a role sets by default is meant for its users' sessions.
void shield_from_defaults(const char* application_name) {
    SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
#if PG_VERSION_NUM >= 170000
    SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
#endif
    SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("session_replication_role", "origin", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("role", "none", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("standard_conforming_strings", "on", PGC_SUSET, PGC_S_OVERRIDE);
    // Statements here are short; one that reads a catalog is yet taken for worth compiling, which takes 0.3 s.
    SetConfigOption("jit", "off", PGC_USERSET, PGC_S_OVERRIDE);
    SetConfigOption("application_name", application_name, PGC_USERSET, PGC_S_OVERRIDE);
}

/// Functions of another version would be called with arguments that they do not have.
bool look_for_extension() {
    pg::Statement query("SELECT extversion, current_database() FROM pg_catalog.pg_extension WHERE extname = 'pg_ocr'",
                        {});
    std::vector<pg::Statement::Row> rows;
    pg::transaction("looking for the extension", [&] { rows = query.rows({}); });
    if (rows.empty()) return false;
    const std::string version = rows[0][0].value_or("");
    const std::string database = rows[0][1].value_or("");
    if (version == PG_OCR_VERSION) return true;
    pg::protect([&] {
        ereport(WARNING,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("pg_ocr: database \"%s\" has version %s of the extension, and the server has loaded "
                        "version %s: its documents wait",
                        database.c_str(), version.c_str(), PG_OCR_VERSION),
                 errhint("Call ALTER EXTENSION pg_ocr UPDATE in that database; where the extension is the newer "
                         "one, restart the server."),
                 errhidestmt(true), errhidecontext(true)));
    });
    return false;
}

}  // namespace

bool begin_session(int slot, const char* application_name, void (*leave)(int, Datum)) {
    slot_index = slot;
    pqsignal(SIGTERM, die);
    // pg_cancel_backend and lock_timeout come by it. The loop would take either for a crash of the engine; who wants a
    // job to end calls ocr_cancel().
    pqsignal(SIGINT, SIG_IGN);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    Oid database = InvalidOid;
    change_slot([&](const WorkerSlot& mine) { database = mine.database; });
    before_shmem_exit(leave, 0);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
    if (!take_slot(database)) return false;
    shield_from_defaults(application_name);
    return true;
}

WorkerSlot& my_slot() { return shared_state().slots[slot_index]; }

bool extension_is_there() {
    const bool there = look_for_extension();
    pid_t launcher = 0;
    change_slot([&](WorkerSlot& mine) {
        mine.extension = there ? Presence::there : Presence::missing;
        launcher = shared_state().launcher;
    });
    wake_process(launcher);
    return there;
}

Wake wait_in_session(int fd, int64_t timeout_ms, WaitFor what) {
    Wake wake = Wake::timed_out;
    pg::protect([&] {
        int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT;
        if (fd >= 0) events |= WL_SOCKET_READABLE;
        int happened = WaitLatchOrSocket(MyLatch, events, fd >= 0 ? fd : PGINVALID_SOCKET,
                                         static_cast<long>(timeout_ms < 0 ? 0 : timeout_ms), wait_event(what));
        if ((happened & WL_SOCKET_READABLE) != 0) wake = Wake::readable;
        if ((happened & WL_LATCH_SET) != 0) {
            ResetLatch(MyLatch);
            wake = Wake::nudged;
        }
        if (ProcDiePending || ShutdownRequestPending) {
            // From here on the process only gives its work back; that must not be interrupted by the same request.
            HOLD_INTERRUPTS();
            wake = Wake::stop;
            return;
        }
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
    });
    return wake;
}

void say(int level, const std::string& message) {
    pg::protect(
        [&] { ereport(level, (errmsg("pg_ocr: %s", message.c_str()), errhidestmt(true), errhidecontext(true))); });
}

}  // namespace pg_ocr
