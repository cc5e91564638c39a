// Runs a statement on an attached table with the rights of the table's owner and no others; see
// sql/functions/attached.sql.
#include "extension/local_settings.h"
#include "extension/rows.h"
#include "extension/worker_lock.h"
#include "pg/pg.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_run_as);
}

namespace pg_ocr {
namespace {

constexpr int time_of_a_statement_ms = 30000;
constexpr int time_of_a_process_ms = 40000;  ///< where the statement will not be cancelled
constexpr const char* time_to_wait_for_a_lock = "300ms";

/// A trigger of the owner's may catch a cancel, and go on for ever.
void end_process() {
    ProcDiePending = true;
    InterruptPending = true;
    SetLatch(MyLatch);
}

TimeoutId last_resort = MAX_TIMEOUTS;

/// Workers take no SIGINT otherwise, by which timeouts of locks and statements come.
void begin_time() {
    if (last_resort == MAX_TIMEOUTS) last_resort = RegisterTimeout(USER_TIMEOUT, end_process);
    pqsignal(SIGINT, StatementCancelHandler);
    enable_timeout_after(STATEMENT_TIMEOUT, time_of_a_statement_ms);
    enable_timeout_after(last_resort, time_of_a_process_ms);
}

void end_time() {
    disable_timeout(STATEMENT_TIMEOUT, false);
    disable_timeout(last_resort, false);
    pqsignal(SIGINT, SIG_IGN);
    QueryCancelPending = false;
}

/// Bytes are fetched while the statement's snapshot keeps them from being vacuumed.
void keep_rows(Tuplestorestate* rows, TupleDesc description) {
    if (SPI_tuptable == nullptr) return;
    for (uint64 i = 0; i < SPI_processed; ++i) {
        Datum values[2];
        bool nulls[2];
        for (int column = 0; column < 2; ++column) {
            values[column] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column + 1, &nulls[column]);
            if (!nulls[column]) values[column] = PointerGetDatum(PG_DETOAST_DATUM(values[column]));
        }
        tuplestore_putvalues(rows, description, values, nulls);
    }
}

}  // namespace
}  // namespace pg_ocr

using namespace pg_ocr;

Datum pg_ocr_run_as(PG_FUNCTION_ARGS) {
    const Oid role = PG_GETARG_OID(0);
    const char* search_path = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const char* statement = text_to_cstring(PG_GETARG_TEXT_PP(2));
    Oid types[] = {TEXTARRAYOID};
    Datum arguments[] = {PG_GETARG_DATUM(3)};
    TupleDesc description = nullptr;
    Tuplestorestate* rows = begin_rows(fcinfo, &description);
    Oid user = InvalidOid;
    int context = 0;

    SPI_connect();
    const int settings = NewGUCNestLevel();
    set_here("lock_timeout", time_to_wait_for_a_lock);
    GetUserIdAndSecContext(&user, &context);
    PG_TRY();
    {
        if (has_worker_lock()) begin_time();
        // Later, they would be checked with the rights of whoever commits. By those, and neither ours nor the owner's,
        // is done what waits for COMMIT already.
        SetUserIdAndSecContext(GetOuterUserId(), context | SECURITY_LOCAL_USERID_CHANGE);
        if (SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0) < 0) elog(ERROR, "SET CONSTRAINTS failed");
        set_here("search_path", search_path);
        write_keys_alike();
        SetUserIdAndSecContext(role, context | SECURITY_RESTRICTED_OPERATION);
        const int done = SPI_execute_with_args(statement, 1, types, arguments, nullptr, false, 0);
        if (done < 0) elog(ERROR, "a statement on an attached table failed: %s", SPI_result_code_string(done));
        keep_rows(rows, description);
    }
    PG_FINALLY();
    {
        SetUserIdAndSecContext(user, context);
        if (has_worker_lock()) end_time();
        keep_worker_lock();
    }
    PG_END_TRY();
    AtEOXact_GUC(false, settings);
    SPI_finish();
    return 0;
}
