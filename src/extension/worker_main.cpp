// A background worker: connects, takes its advisory lock, and hands over to the loop.
#include <csignal>
#include <cstring>
#include <string>

#include "extension/settings.h"
#include "extension/shared_state.h"
#include "pg/guard.h"
#include "pg/spi.h"
#include "queue/queue_spi.h"
#include "worker/loop.h"

extern "C" PGDLLEXPORT void pg_ocr_worker_main(Datum);

namespace pg_ocr {
namespace {

int my_slot = -1;
EngineProcess* my_engine = nullptr;

WorkerSlot& slot() { return shared_state().slots[my_slot]; }

template <typename Change>
void change_slot(Change&& change) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_EXCLUSIVE);
    change(slot());
    LWLockRelease(shared.lock);
}

void enter_state(WorkerSlot& to, WorkerState state, int64_t job_id, int32_t page_no) {
    if (to.state != state || to.job_id != job_id || to.page_no != page_no) to.since = GetCurrentTimestamp();
    to.state = state;
    to.job_id = job_id;
    to.page_no = page_no;
}

/// The lock must be held. Returns an idle one to be woken, who need not wait for the launcher; 0 where there is none.
pid_t tell_colleagues(const WorkerSlot& mine) {
    SharedState& shared = shared_state();
    pid_t idle = 0;
    for (int i = 0; i < shared.slot_count; ++i) {
        WorkerSlot& other = shared.slots[i];
        if (&other == &mine || other.database != mine.database || other.pid == 0) continue;
        other.colleague_ended = true;
        if (other.state == WorkerState::idle) idle = other.pid;
    }
    return idle;
}

/// Runs however this process ends, also without destructors: no engine outlives its worker. The server has released the
/// worker's lock by then, so that its task can be rescued.
void leave(int, Datum) {
    if (my_engine != nullptr) my_engine->kill_now();
    my_engine = nullptr;
    pid_t launcher = 0;
    pid_t colleague = 0;
    change_slot([&](WorkerSlot& mine) {
        if (mine.pid != 0 && mine.pid != MyProcPid) return;  // it was given to another
        mine.state = WorkerState::ended;
        mine.engine_pid = 0;
        launcher = shared_state().launcher;
        colleague = tell_colleagues(mine);
    });
    wake_process(launcher);
    wake_process(colleague);
}

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
void shield_from_defaults() {
    SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
#if PG_VERSION_NUM >= 170000
    SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
#endif
    SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("session_replication_role", "origin", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("role", "none", PGC_SUSET, PGC_S_OVERRIDE);
    SetConfigOption("application_name", "pg_ocr worker", PGC_USERSET, PGC_S_OVERRIDE);
}

/// Whether the database has the extension, in this library's version. Functions of another version would be called with
/// arguments that they do not have.
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

/// Also tells the launcher, which starts the other workers once the first has found the extension.
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

class BackgroundWorkerHost final : public Host {
  public:
    Wake wait(int fd, int64_t timeout_ms) override {
        Wake wake = Wake::timed_out;
        pg::protect([&] {
            int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT;
            if (fd >= 0) events |= WL_SOCKET_READABLE;
            int happened = WaitLatchOrSocket(MyLatch, events, fd >= 0 ? fd : PGINVALID_SOCKET,
                                             static_cast<long>(timeout_ms < 0 ? 0 : timeout_ms), PG_WAIT_EXTENSION);
            if ((happened & WL_SOCKET_READABLE) != 0) wake = Wake::readable;
            if ((happened & WL_LATCH_SET) != 0) {
                ResetLatch(MyLatch);
                wake = Wake::nudged;
            }
            if (ProcDiePending || ShutdownRequestPending) {
                // From here on the process only gives its task back; that must not be interrupted by the same request.
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

    void show_idle() override {
        change_slot([](WorkerSlot& mine) {
            mine.nudged = false;
            enter_state(mine, WorkerState::idle, 0, 0);
        });
    }

    void show_reading(int64_t job_id, uint32_t page_no) override {
        change_slot(
            [&](WorkerSlot& mine) { enter_state(mine, WorkerState::reading, job_id, static_cast<int32_t>(page_no)); });
    }

    void show_unavailable(const std::string&) override {
        change_slot([](WorkerSlot& mine) { enter_state(mine, WorkerState::unavailable, 0, 0); });
    }

    void show_engine(EngineProcess* engine) override {
        my_engine = engine;
        change_slot([&](WorkerSlot& mine) { mine.engine_pid = engine == nullptr ? 0 : engine->pid(); });
    }

    void show_document_done() override {
        change_slot([](WorkerSlot& mine) { ++mine.documents; });
    }

    bool colleague_ended() override {
        bool ended = false;
        change_slot([&](WorkerSlot& mine) {
            ended = mine.colleague_ended;
            mine.colleague_ended = false;
        });
        return ended;
    }

    bool still_wanted() override { return extension_is_there(); }

    void log(const std::string& message) override { say(LOG, message); }
    void warn(const std::string& message) override { say(WARNING, message); }

  private:
    static void say(int level, const std::string& message) {
        pg::protect(
            [&] { ereport(level, (errmsg("pg_ocr: %s", message.c_str()), errhidestmt(true), errhidecontext(true))); });
    }
};

/// A session's lock with a random key: it dies with this process, and nobody else has had it before.
int64_t take_worker_lock() {
    int64_t key = 0;
    if (!pg_strong_random(&key, sizeof(key))) throw pg::Error(ERRCODE_INTERNAL_ERROR, "there are no random numbers");
    pg::Statement lock("SELECT pg_catalog.pg_advisory_lock($1)", {INT8OID});
    pg::transaction("taking the worker's lock", [&] { lock.rows({key}); });
    return key;
}

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
    my_slot = DatumGetInt32(argument);
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
    if (!take_slot(database)) return;
    shield_from_defaults();
    pg::enter([] {
        work();
        return 0;
    });
}
