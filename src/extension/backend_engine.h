// The engine that a backend runs for what its user asks here and now: ocr(), ocr_html(), ocr_pdf().
#pragma once

#include "extension/settings.h"
#include "worker/engine_process.h"

namespace pg_ocr {

/// Sees to it that a backend's engine ends with its transaction and with its process; from _PG_init only.
void register_engine_of_backend();

/// This backend's engine, idle. Kept from call to call within a transaction, so that a query over many rows starts one
/// engine and not many. Throws pg::Error.
EngineProcess& engine_of_backend(const WorkerSettings&);

/// Before a document that is to be read: gives this backend's engine a way to a card, where one is ready. It goes by
/// the CPU where not.
void offer_card_to_engine_of_backend();
/// After it.
void note_card_of_backend(const Finished&);

/// What it says next; the statement can be cancelled meanwhile. Throws pg::Error: `late` when it says nothing for so
/// long (-1: without a limit), or how it died.
EngineMessage next_engine_message(int64_t timeout_ms, const Failure& late, uint32_t page_no);

/// As an error of the statement; page_no 0: it is no page's fault.
[[noreturn]] void throw_failure(const Failure&, uint32_t page_no);

void drop_engine_of_backend();

/// What body returns; where it throws, the engine ends, as it may be in the middle of anything.
template <typename Body>
auto with_engine_of_backend(Body&& body) -> decltype(body()) {
    try {
        return body();
    } catch (...) {
        drop_engine_of_backend();
        throw;
    }
}

}  // namespace pg_ocr
