#include "extension/ocr_function.h"

#include <algorithm>
#include <memory>
#include <string>

#include "extension/settings.h"
#include "extension/shared_state.h"
#include "pg/guard.h"
#include "protocol/sealed_document.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_read_now);
}

namespace pg_ocr {
namespace {

constexpr size_t most_text = MaxAllocSize - VARHDRSZ;

/// Kept from call to call within a transaction, so that a query over many rows starts one engine and not many.
std::unique_ptr<EngineProcess> engine;
bool exit_callback_registered = false;

int sqlstate_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::document_empty:
        case ErrorCode::document_unsupported:
        case ErrorCode::document_damaged:
        case ErrorCode::page_damaged:
            return ERRCODE_INVALID_BINARY_REPRESENTATION;
        case ErrorCode::document_encrypted:
        case ErrorCode::document_password_wrong:
            return ERRCODE_INVALID_PASSWORD;
        case ErrorCode::too_many_pages:
        case ErrorCode::page_too_large:
        case ErrorCode::too_much_text:
        case ErrorCode::page_timeout:
        case ErrorCode::document_timeout:
        case ErrorCode::engine_memory:
            return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
        case ErrorCode::no_pages_selected:
        case ErrorCode::language_missing:
            return ERRCODE_INVALID_PARAMETER_VALUE;
        default:
            return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
    }
}

[[noreturn]] void throw_failure(const Failure& failure, uint32_t page_no) {
    std::string message = failure.message;
    if (page_no > 0) message = "page " + std::to_string(page_no) + ": " + message;
    throw pg::Error(
        sqlstate_of(failure.code), message, "The error's code is " + std::string(name_of(failure.code)) + ".",
        page_no > 0 ? "Leave the page out with pages => …, or use ocr_submit(), which reads the others." : "");
}

void wait_for_engine(int64_t timeout_ms) {
    pg::protect([&] {
        int happened = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                                         engine->socket(), static_cast<long>(timeout_ms), PG_WAIT_EXTENSION);
        if ((happened & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    });
}

/// The engine's next message; waits for it, then throws `late`.
EngineMessage next_message(int64_t timeout_ms, const Failure& late, uint32_t page_no) {
    const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
    for (;;) {
        if (std::optional<EngineMessage> message = engine->receive()) return std::move(*message);
        if (engine->closed()) throw_failure(engine->cause_of_death(), 0);
        const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
        if (left <= 0) throw_failure(late, page_no);
        wait_for_engine(left);
    }
}

void start_engine(const WorkerSettings& settings) {
    engine = std::make_unique<EngineProcess>(settings.engine);
    EngineMessage first =
        next_message(60000, {ErrorCode::engine_unavailable, "the engine did not start within 60 s"}, 0);
    const auto* hello = std::get_if<Hello>(&first);
    if (hello == nullptr || hello->version != PG_OCR_VERSION)
        throw_failure({ErrorCode::engine_unavailable, "the engine is not of this library's version, " PG_OCR_VERSION},
                      0);
    if (!settings.sandbox_required) return;
    for (const Protection& protection : hello->protections)
        if (!protection.holds)
            throw_failure({ErrorCode::engine_unavailable, "the engine's sandbox lacks " + protection.name + " (" +
                                                              protection.detail + "), and pg_ocr.sandbox = require"},
                          0);
}

std::string read_now(const bytea* document, const ReadRequest& request, const WorkerSettings& settings) {
    if (engine && (engine->documents_read() >= settings.engine_documents ||
                   (engine->documents_read() > 0 && engine->resident_memory() > settings.engine_growth)))
        engine.reset();
    if (!engine) start_engine(settings);
    {
        SealedDocument sealed;
        sealed.append(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document));
        UniqueFd memfd = sealed.seal();
        engine->send_read(request, memfd.get());
    }
    const int64_t page_time_ms = killed_after_ms(settings.limits.page_time_ms);
    std::string text;
    bool first = true;
    uint32_t page_no = 0;
    for (;;) {
        engine->set_cpu_limit(static_cast<uint32_t>(page_time_ms / 1000 + 10));
        EngineMessage message = next_message(page_time_ms, page_timed_out(settings.limits), page_no);
        if (const auto* started = std::get_if<PageStarted>(&message)) {
            page_no = started->page_no;
        } else if (const auto* page = std::get_if<Page>(&message)) {
            if (page->status == PageStatus::failed) throw_failure(page->failure, page->page_no);
            if (text.size() + page->text.size() >= most_text)
                throw_failure({ErrorCode::too_much_text, "the text is longer than the 1 GB that a value can have"},
                              page->page_no);
            if (!first) text += '\f';
            first = false;
            text += page->text;
        } else if (const auto* failure = std::get_if<Failure>(&message)) {
            throw_failure(*failure, failure->code == ErrorCode::page_timeout ? page_no : 0);
        } else if (std::holds_alternative<Finished>(message)) {
            return text;
        }
    }
}

void end_engine_with_transaction(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) engine.reset();
}

void end_engine_with_process(int, Datum) {
    if (engine) engine->kill_now();
}

/// One request's worth of plain values, taken from Datums before any C++ object exists.
struct Arguments {
    bytea* document;
    char* language;
    char* pages;
    char* text_layer;
    char* password;
    int32_t psm;
    int32_t dpi;
    bool deskew;
};

char* utf8_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return pstrdup("");
    char* server = text_to_cstring(PG_GETARG_TEXT_PP(index));
    return pg_server_to_any(server, static_cast<int>(strlen(server)), PG_UTF8);
}

}  // namespace

void register_engine_of_backend() { RegisterXactCallback(end_engine_with_transaction, nullptr); }

}  // namespace pg_ocr

Datum pg_ocr_read_now(PG_FUNCTION_ARGS) {
    using namespace pg_ocr;
    shared_state();
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    Arguments arguments;
    arguments.document = PG_GETARG_BYTEA_PP(0);
    arguments.language = utf8_argument(fcinfo, 1);
    arguments.pages = utf8_argument(fcinfo, 2);
    arguments.text_layer = utf8_argument(fcinfo, 3);
    arguments.password = utf8_argument(fcinfo, 4);
    arguments.psm = PG_GETARG_INT32(5);
    arguments.dpi = PG_GETARG_INT32(6);
    arguments.deskew = PG_GETARG_BOOL(7);
    if (!exit_callback_registered) {
        before_shmem_exit(end_engine_with_process, 0);
        exit_callback_registered = true;
    }
    text* result = pg::enter([&]() -> text* {
        const WorkerSettings settings = worker_settings();
        ReadRequest request;
        request.languages = arguments.language;
        request.tier = Tier::fast;
        request.text_layer = text_layer_of(arguments.text_layer);
        request.password = arguments.password;
        request.pages = parse_page_ranges(arguments.pages);
        request.page_segmentation_mode = arguments.psm;
        request.dpi = arguments.dpi;
        request.deskew = arguments.deskew;
        request.recogniser = settings.engine.recogniser;
        request.limits = settings.limits;
        request.limits.document_time_ms = 0;  // a query's time is statement_timeout's to limit
        std::string read;
        try {
            read = read_now(arguments.document, request, settings);
        } catch (...) {
            // It may be in the middle of anything.
            engine.reset();
            throw;
        }
        text* converted = nullptr;
        pg::protect([&] {
            char* server = pg_any_to_server(read.c_str(), static_cast<int>(read.size()), PG_UTF8);
            converted = cstring_to_text(server);
        });
        return converted;
    });
    PG_RETURN_TEXT_P(result);
}
