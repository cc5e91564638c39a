#include "extension/backend_engine.h"

#include <chrono>
#include <memory>
#include <string>

#include "extension/cards.h"
#include "extension/session.h"
#include "extension/wait_events.h"
#include "pg/guard.h"

namespace pg_ocr {
namespace {

std::unique_ptr<EngineProcess> engine;
CardAccess card_access;
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

/// -1: for ever.
void wait_for_engine(long timeout_ms) {
    pg::protect([&] {
        const int events = WL_LATCH_SET | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH | (timeout_ms < 0 ? 0 : WL_TIMEOUT);
        int happened = WaitLatchOrSocket(MyLatch, events, engine->socket(), timeout_ms, wait_event(WaitFor::engine));
        if ((happened & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    });
}

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void start_engine(const WorkerSettings& settings) {
    card_access.forget_engine();
    engine = std::make_unique<EngineProcess>(settings.engine);
    EngineMessage first =
        next_engine_message(60000, {ErrorCode::engine_unavailable, "the engine did not start within 60 s"}, 0);
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

void end_engine_with_transaction(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) engine.reset();
}

void end_engine_with_process(int, Datum) {
    if (engine) engine->kill_now();
}

}  // namespace

void register_engine_of_backend() { RegisterXactCallback(end_engine_with_transaction, nullptr); }

EngineProcess& engine_of_backend(const WorkerSettings& settings) {
    if (!exit_callback_registered) {
        pg::protect([] { before_shmem_exit(end_engine_with_process, 0); });
        exit_callback_registered = true;
    }
    if (engine && (engine->documents_read() >= settings.engine_documents ||
                   (engine->documents_read() > 0 && engine->resident_memory() > settings.engine_growth)))
        engine.reset();
    if (!engine) start_engine(settings);
    return *engine;
}

void drop_engine_of_backend() { engine.reset(); }

void offer_card_to_engine_of_backend() {
    const std::optional<ReadyCard> card = ready_card_for(static_cast<uint32_t>(MyProcPid));
    card_access.offer(*engine, card, {.is_interactive = true}, now_ms());
}

void note_card_of_backend(const Finished& finished) {
    card_access.note(finished, now_ms());
    if (finished.card_trouble.empty()) return;
    count(Counter::cards_left);
    say(LOG, "the engine of ocr() has left the GPU and reads by the CPU: " + finished.card_trouble);
}

void throw_failure(const Failure& failure, uint32_t page_no) {
    std::string message = failure.message;
    if (page_no > 0) message = "page " + std::to_string(page_no) + ": " + message;
    throw pg::Error(
        sqlstate_of(failure.code), message, "The error's code is " + std::string(name_of(failure.code)) + ".",
        page_no > 0 ? "Leave the page out with pages => …, or use ocr_submit(), which reads the others." : "");
}

EngineMessage next_engine_message(int64_t timeout_ms, const Failure& late, uint32_t page_no) {
    const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
    for (;;) {
        if (std::optional<EngineMessage> message = engine->receive()) return std::move(*message);
        if (engine->closed()) throw_failure(engine->cause_of_death(), 0);
        const long left = timeout_ms < 0 ? -1 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
        if (left == 0) throw_failure(late, page_no);
        wait_for_engine(left);
    }
}

}  // namespace pg_ocr
