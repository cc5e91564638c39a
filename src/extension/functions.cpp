// The small SQL-callable functions: waking, waiting, and what the server knows of itself. See sql/functions/native.sql.
#include <dirent.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "extension/cards.h"
#include "extension/rows.h"
#include "extension/settings.h"
#include "extension/shared_state.h"
#include "extension/wait_events.h"
#include "extension/wake.h"
#include "pg/guard.h"
#include "worker/child_process.h"
#include "worker/machine.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_caller);
PG_FUNCTION_INFO_V1(pg_ocr_wake_workers);
PG_FUNCTION_INFO_V1(pg_ocr_wake_courier);
PG_FUNCTION_INFO_V1(pg_ocr_interrupt_job);
PG_FUNCTION_INFO_V1(pg_ocr_announce_job_end);
PG_FUNCTION_INFO_V1(pg_ocr_jobs_ended);
PG_FUNCTION_INFO_V1(pg_ocr_wait_for_job_end);
PG_FUNCTION_INFO_V1(pg_ocr_installed_languages);
PG_FUNCTION_INFO_V1(pg_ocr_worker_slots);
PG_FUNCTION_INFO_V1(pg_ocr_server_state);
PG_FUNCTION_INFO_V1(pg_ocr_machine);
PG_FUNCTION_INFO_V1(pg_ocr_set_workers);
PG_FUNCTION_INFO_V1(pg_ocr_counters);
PG_FUNCTION_INFO_V1(pg_ocr_library_version);
}

namespace pg_ocr {
namespace {

const char* state_name(WorkerState state) {
    switch (state) {
        case WorkerState::idle:
            return "idle";
        case WorkerState::fetching:
            return "fetching";
        case WorkerState::reading:
            return "reading";
        case WorkerState::unavailable:
            return "no engine";
        default:
            return "starting";
    }
}

/// Models that only tell scripts and orientations apart read no text.
bool is_language(const std::string& code) { return code != "osd" && code != "equ" && code != "snum"; }

std::vector<std::string> languages_in(const std::string& directory) {
    constexpr std::string_view suffix = ".traineddata";
    std::vector<std::string> codes;
    DIR* listing = opendir(directory.c_str());
    if (listing == nullptr)
        throw pg::Error(ERRCODE_UNDEFINED_FILE,
                        "the directory of Tesseract's models, \"" + directory + "\", cannot be read", "",
                        "Install tesseract-ocr-eng, or set pg_ocr.tessdata_path to where the *.traineddata files are.");
    while (const dirent* entry = readdir(listing)) {
        std::string name = entry->d_name;
        if (name.size() <= suffix.size() || name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0)
            continue;
        name.resize(name.size() - suffix.size());
        if (is_language(name)) codes.push_back(name);
    }
    closedir(listing);
    std::sort(codes.begin(), codes.end());
    return codes;
}

}  // namespace
}  // namespace pg_ocr

using namespace pg_ocr;

Datum pg_ocr_caller(PG_FUNCTION_ARGS) {
    // ANALYZE, autovacuum's too, evaluates the expressions of an index as the table's owner, in a session that may be a
    // superuser's: the owner's functions must not act for that session.
    if (InSecurityRestrictedOperation())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("jobs cannot be asked for within a security-restricted operation"),
                        errdetail("Indexes, materialized views and ANALYZE evaluate expressions in such an operation."),
                        errhint("Read the tables ocr.jobs and ocr.pages there.")));
    const Oid role = GetCurrentRoleId();
    Datum name = DirectFunctionCall1(
        namein, CStringGetDatum(GetUserNameFromId(OidIsValid(role) ? role : GetSessionUserId(), false)));
    PG_RETURN_DATUM(name);
}

Datum pg_ocr_wake_workers(PG_FUNCTION_ARGS) {
    shared_state();
    wake_worker_at_commit();
    PG_RETURN_VOID();
}

Datum pg_ocr_wake_courier(PG_FUNCTION_ARGS) {
    shared_state();
    wake_courier_at_commit();
    PG_RETURN_VOID();
}

Datum pg_ocr_interrupt_job(PG_FUNCTION_ARGS) {
    shared_state();
    interrupt_job_at_commit(PG_GETARG_INT64(0));
    PG_RETURN_VOID();
}

Datum pg_ocr_announce_job_end(PG_FUNCTION_ARGS) {
    shared_state();
    announce_job_end_at_commit();
    PG_RETURN_VOID();
}

Datum pg_ocr_jobs_ended(PG_FUNCTION_ARGS) {
    PG_RETURN_INT64(static_cast<int64>(pg_atomic_read_u64(&shared_state().jobs_ended)));
}

Datum pg_ocr_wait_for_job_end(PG_FUNCTION_ARGS) {
    SharedState& shared = shared_state();
    const auto seen = static_cast<uint64>(PG_GETARG_INT64(0));
    const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PG_GETARG_INT32(1));
    ConditionVariablePrepareToSleep(&shared.job_ended);
    while (pg_atomic_read_u64(&shared.jobs_ended) == seen) {
        const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
        if (left <= 0 || ConditionVariableTimedSleep(&shared.job_ended, left, wait_event(WaitFor::job_end))) break;
    }
    ConditionVariableCancelSleep();
    PG_RETURN_VOID();
}

Datum pg_ocr_installed_languages(PG_FUNCTION_ARGS) {
    TupleDesc description = nullptr;
    Tuplestorestate* rows = begin_rows(fcinfo, &description);
    pg::enter([&] {
        for (const std::string& code : languages_in(tessdata_path()))
            pg::protect([&] {
                Datum value = CStringGetTextDatum(code.c_str());
                bool is_null = false;
                tuplestore_putvalues(rows, description, &value, &is_null);
            });
        return 0;
    });
    return 0;
}

Datum pg_ocr_worker_slots(PG_FUNCTION_ARGS) {
    SharedState& shared = shared_state();
    TupleDesc description = nullptr;
    Tuplestorestate* rows = begin_rows(fcinfo, &description);
    for (int i = 0; i < shared.slot_count; ++i) {
        LWLockAcquire(shared.lock, LW_SHARED);
        const WorkerSlot slot = shared.slots[i];
        const CardSlot* const its_card = card_of(slot.card);
        char card[128] = "";
        if (its_card != nullptr) write_label(card, *its_card);
        LWLockRelease(shared.lock);
        if (slot.state == WorkerState::free || slot.state == WorkerState::ended || slot.is_courier) continue;
        const uint64_t engine_memory = resident_memory_of(slot.engine_pid);
        Datum values[13] = {Int32GetDatum(slot.pid),
                            ObjectIdGetDatum(slot.database),
                            CStringGetTextDatum(state_name(slot.state)),
                            Int64GetDatum(slot.job_id),
                            Int32GetDatum(slot.page_no),
                            TimestampTzGetDatum(slot.since),
                            Int64GetDatum(slot.documents),
                            Int32GetDatum(slot.engine_pid),
                            CStringGetTextDatum(name_of(slot.tier).data()),
                            Int64GetDatum(static_cast<int64>(engine_memory)),
                            CStringGetTextDatum(slot.trouble),
                            BoolGetDatum(slot.surplus || slot.stopping),
                            CStringGetTextDatum(card)};
        bool nulls[13] = {slot.pid == 0,
                          false,
                          false,
                          slot.job_id == 0,
                          slot.page_no == 0,
                          false,
                          false,
                          slot.engine_pid == 0,
                          !slot.is_reserved,
                          engine_memory == 0,
                          slot.trouble[0] == '\0',
                          false,
                          card[0] == '\0'};
        tuplestore_putvalues(rows, description, values, nulls);
    }
    return 0;
}

Datum pg_ocr_server_state(PG_FUNCTION_ARGS) {
    SharedState& shared = shared_state();
    LWLockAcquire(shared.lock, LW_SHARED);
    const pid_t launcher = shared.launcher;
    const int workers_missing = shared.workers_missing;
    const int workers_too_large = shared.workers_too_large;
    const auto cards_without_library = static_cast<int>(shared.cards_without_library);
    char held_back[sizeof(shared.held_back)];
    strlcpy(held_back, shared.held_back, sizeof(held_back));
    LWLockRelease(shared.lock);
    TupleDesc description = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "ocr.server_state() was called where no row is accepted");
    Datum values[5] = {Int32GetDatum(launcher), Int32GetDatum(workers_missing), Int32GetDatum(workers_too_large),
                       CStringGetTextDatum(held_back), Int32GetDatum(cards_without_library)};
    bool nulls[5] = {launcher == 0, false, false, held_back[0] == '\0', false};
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}

Datum pg_ocr_machine(PG_FUNCTION_ARGS) {
    TupleDesc description = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "ocr.machine() was called where no row is accepted");
    const Machine machine = pg::enter([] { return look_at_machine(); });
    Datum values[3] = {Int64GetDatum(static_cast<int64>(machine.memory.value_or(0))),
                       Int64GetDatum(static_cast<int64>(machine.available.value_or(0))),
                       Float8GetDatum(machine.load.value_or(0))};
    bool nulls[3] = {!machine.memory, !machine.available, !machine.load};
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}

/// ALTER SYSTEM itself is refused in functions, as no rollback takes it back. It checks the caller's rights and the
/// value.
Datum pg_ocr_set_workers(PG_FUNCTION_ARGS) {
    List* parsed = pg_parse_query(psprintf("ALTER SYSTEM SET pg_ocr.workers = %d", PG_GETARG_INT32(0)));
    AlterSystemSetConfigFile(castNode(AlterSystemStmt, linitial_node(RawStmt, parsed)->stmt));
    if (kill(PostmasterPid, SIGHUP) != 0)
        ereport(WARNING, (errmsg("the server could not be told to reload its settings: %m"),
                          errhint("Call SELECT pg_reload_conf().")));
    PG_RETURN_VOID();
}

Datum pg_ocr_counters(PG_FUNCTION_ARGS) {
    SharedState& shared = shared_state();
    TupleDesc description = nullptr;
    Tuplestorestate* rows = begin_rows(fcinfo, &description);
    for (size_t i = 0; i < counter_count; ++i) {
        Datum values[2] = {CStringGetTextDatum(name_of(static_cast<Counter>(i)).data()),
                           Int64GetDatum(static_cast<int64>(pg_atomic_read_u64(&shared.counters[i])))};
        bool nulls[2] = {false, false};
        tuplestore_putvalues(rows, description, values, nulls);
    }
    return 0;
}

Datum pg_ocr_library_version(PG_FUNCTION_ARGS) { PG_RETURN_TEXT_P(cstring_to_text(PG_OCR_VERSION)); }
