#include "pg/spi.h"

#include <algorithm>
#include <cstring>

#include "pg/guard.h"

namespace pg_ocr::pg {
namespace {

Datum text_datum(const std::string& utf8) {
    char* server = pg_any_to_server(utf8.c_str(), static_cast<int>(utf8.size()), PG_UTF8);
    if (server == utf8.c_str()) return PointerGetDatum(cstring_to_text_with_len(server, static_cast<int>(utf8.size())));
    return CStringGetTextDatum(server);
}

Datum bytea_datum(const Bytes& bytes) {
    auto* value = static_cast<bytea*>(palloc(bytes.size + VARHDRSZ));
    SET_VARSIZE(value, bytes.size + VARHDRSZ);
    if (bytes.size > 0) std::memcpy(VARDATA(value), bytes.bytes, bytes.size);
    return PointerGetDatum(value);
}

char standing_activity[128] = "";
bool has_standing_activity = false;  ///< and is busy with it

void report_standing_activity() {
    pgstat_report_activity(has_standing_activity ? STATE_RUNNING : STATE_IDLE,
                           standing_activity[0] == '\0' ? nullptr : standing_activity);
}

Datum datum_of(const Value& value, bool& is_null) {
    is_null = false;
    if (const auto* boolean = std::get_if<bool>(&value)) return BoolGetDatum(*boolean);
    if (const auto* int4 = std::get_if<int32_t>(&value)) return Int32GetDatum(*int4);
    if (const auto* int8 = std::get_if<int64_t>(&value)) return Int64GetDatum(*int8);
    if (const auto* float4 = std::get_if<float>(&value)) return Float4GetDatum(*float4);
    if (const auto* text = std::get_if<std::string>(&value)) return text_datum(*text);
    if (const auto* bytes = std::get_if<Bytes>(&value)) return bytea_datum(*bytes);
    is_null = true;
    return 0;
}

/// Before anything else of the extension, so that who wants to drop it and has this lock cannot be waited for in a
/// circle.
void lock_queue() {
    const Oid schema = get_namespace_oid("ocr", true);
    const Oid queue = OidIsValid(schema) ? get_relname_relid("tasks", schema) : InvalidOid;
    if (OidIsValid(queue)) LockRelationOid(queue, AccessShareLock);
}

}  // namespace

void Statement::execute(const std::vector<Value>& arguments) {
    protect([&] {
        if (plan_ == nullptr) {
            SPIPlanPtr plan = SPI_prepare(sql_, static_cast<int>(types_.size()), types_.data());
            if (plan == nullptr) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
            SPI_keepplan(plan);
            plan_ = plan;
        }
        auto* values = static_cast<Datum*>(palloc0(sizeof(Datum) * (arguments.size() + 1)));
        auto* nulls = static_cast<char*>(palloc0(arguments.size() + 1));
        for (size_t i = 0; i < arguments.size(); ++i) {
            bool is_null = false;
            values[i] = datum_of(arguments[i], is_null);
            nulls[i] = is_null ? 'n' : ' ';
        }
        int result = SPI_execute_plan(static_cast<SPIPlanPtr>(plan_), values, nulls, false, 0);
        if (result < 0) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
    });
}

std::vector<Statement::Row> Statement::rows(const std::vector<Value>& arguments) {
    execute(arguments);
    std::vector<Row> result;
    if (SPI_tuptable == nullptr) return result;
    SPITupleTable* table = SPI_tuptable;
    const int columns = table->tupdesc->natts;
    for (uint64 i = 0; i < SPI_processed; ++i) {
        Row row;
        for (int column = 1; column <= columns; ++column) {
            char* text = nullptr;
            protect([&] {
                text = SPI_getvalue(table->vals[i], table->tupdesc, column);
                if (text != nullptr) text = pg_server_to_any(text, static_cast<int>(strlen(text)), PG_UTF8);
            });
            row.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
        }
        result.push_back(std::move(row));
    }
    return result;
}

std::optional<std::string> Statement::value(const std::vector<Value>& arguments) {
    std::vector<Row> all = rows(arguments);
    return all.empty() || all[0].empty() ? std::nullopt : all[0][0];
}

bool Statement::bytes(const std::vector<Value>& arguments, const std::function<void(const char*, size_t)>& use) {
    execute(arguments);
    if (SPI_tuptable == nullptr || SPI_processed == 0) return false;
    bytea* slice = nullptr;
    protect([&] {
        bool is_null = false;
        Datum datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
        if (!is_null) slice = DatumGetByteaPP(datum);
    });
    if (slice == nullptr) return false;
    use(VARDATA_ANY(slice), VARSIZE_ANY_EXHDR(slice));
    return true;
}

void show_activity(bool is_busy, const std::string& what) {
    const size_t length = std::min(what.size(), sizeof(standing_activity) - 1);
    std::memcpy(standing_activity, what.data(), length);
    standing_activity[length] = '\0';
    has_standing_activity = is_busy;
    protect([] {
        SetCurrentStatementStartTimestamp();
        report_standing_activity();
    });
}

void transaction(const char* activity, const std::function<void()>& body) {
    try {
        protect([&] {
            SetCurrentStatementStartTimestamp();
            StartTransactionCommand();
            lock_queue();
            SPI_connect();
            PushActiveSnapshot(GetTransactionSnapshot());
            pgstat_report_activity(STATE_RUNNING, activity);
        });
        body();
        protect([] {
            SPI_finish();
            PopActiveSnapshot();
            CommitTransactionCommand();
            pgstat_report_stat(false);
            report_standing_activity();
        });
    } catch (...) {
        protect([] {
            AbortCurrentTransaction();
            report_standing_activity();
        });
        throw;
    }
}

}  // namespace pg_ocr::pg
