// ocr.draw_pages(): images of a document's pages, by the engine of the backend that asks.
#include <string>
#include <vector>

#include "extension/backend_engine.h"
#include "extension/rows.h"
#include "extension/settings.h"
#include "extension/shared_state.h"
#include "pg/guard.h"
#include "protocol/sealed_document.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_draw_pages);
}

namespace pg_ocr {
namespace {

constexpr int numbers_of_a_view = 5;
constexpr int columns = 6;

/// One request's worth of plain values, taken from Datums before any C++ object exists.
struct Arguments {
    bytea* document;
    char* password;
    int32_t dpi;
    Datum* numbers;
    int number_count;
    Datum* skews;
    int skew_count;
    Tuplestorestate* rows;
    TupleDesc description;
};

std::vector<PageView> views_of(const Arguments& arguments) {
    std::vector<PageView> views;
    for (int i = 0; i < arguments.skew_count; ++i) {
        const Datum* number = arguments.numbers + static_cast<ptrdiff_t>(i) * numbers_of_a_view;
        PageView view;
        view.page_no = static_cast<uint32_t>(DatumGetInt32(number[0]));
        view.width = DatumGetInt32(number[1]);
        view.height = DatumGetInt32(number[2]);
        view.dpi = DatumGetInt32(number[3]);
        view.rotation = DatumGetInt32(number[4]);
        view.skew = DatumGetFloat4(arguments.skews[i]);
        views.push_back(view);
    }
    return views;
}

bytea* bytea_of(const std::string& bytes) {
    auto* value = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
    SET_VARSIZE(value, VARHDRSZ + bytes.size());
    memcpy(VARDATA(value), bytes.data(), bytes.size());
    return value;
}

void give(const Drawn& drawn, const Arguments& to) {
    pg::protect([&] {
        Datum values[columns] = {};
        bool nulls[columns] = {};
        values[0] = Int32GetDatum(static_cast<int32_t>(drawn.page_no));
        if (drawn.failure) {
            nulls[1] = nulls[2] = nulls[3] = nulls[4] = true;
            const std::string& message = drawn.failure.message;
            values[5] =
                CStringGetTextDatum(pg_any_to_server(message.c_str(), static_cast<int>(message.size()), PG_UTF8));
        } else {
            values[1] = CStringGetTextDatum(drawn.type.c_str());
            values[2] = Int32GetDatum(drawn.width);
            values[3] = Int32GetDatum(drawn.height);
            values[4] = PointerGetDatum(bytea_of(drawn.bytes));
            nulls[5] = true;
        }
        tuplestore_putvalues(to.rows, to.description, values, nulls);
    });
}

void draw_now(const Arguments& arguments, const DrawRequest& request, const WorkerSettings& settings) {
    EngineProcess& engine = engine_of_backend(settings);
    {
        SealedDocument sealed;
        sealed.append(VARDATA_ANY(arguments.document), VARSIZE_ANY_EXHDR(arguments.document));
        UniqueFd memfd = sealed.seal();
        engine.send_draw(request, memfd.get());
    }
    const int64_t page_time_ms = killed_after_ms(settings.limits.page_time_ms);
    for (;;) {
        engine.set_cpu_limit(static_cast<uint32_t>(page_time_ms / 1000 + 10));
        EngineMessage message = next_engine_message(page_time_ms, page_timed_out(settings.limits), 0);
        if (const auto* drawn = std::get_if<Drawn>(&message)) {
            give(*drawn, arguments);
        } else if (const auto* failure = std::get_if<Failure>(&message)) {
            throw_failure(*failure, 0);
        } else if (std::holds_alternative<Finished>(message)) {
            return;
        }
    }
}

}  // namespace
}  // namespace pg_ocr

Datum pg_ocr_draw_pages(PG_FUNCTION_ARGS) {
    using namespace pg_ocr;
    shared_state();
    Arguments arguments{};
    arguments.rows = begin_rows(fcinfo, &arguments.description);
    arguments.document = PG_GETARG_BYTEA_PP(0);
    char* password = text_to_cstring(PG_GETARG_TEXT_PP(1));
    arguments.password = pg_server_to_any(password, static_cast<int>(strlen(password)), PG_UTF8);
    arguments.dpi = PG_GETARG_INT32(2);
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), INT4OID, sizeof(int32), true, TYPALIGN_INT, &arguments.numbers, nullptr,
                      &arguments.number_count);
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(4), FLOAT4OID, sizeof(float4), true, TYPALIGN_INT, &arguments.skews,
                      nullptr, &arguments.skew_count);
    if (arguments.number_count != arguments.skew_count * numbers_of_a_view)
        ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("views has five numbers for each of skews")));
    pg::enter([&]() -> int {
        const WorkerSettings settings = worker_settings();
        DrawRequest request;
        request.password = arguments.password;
        request.limits = settings.limits;
        request.dpi = arguments.dpi;
        request.pages = views_of(arguments);
        with_engine_of_backend([&] { draw_now(arguments, request, settings); });
        return 0;
    });
    return 0;
}
