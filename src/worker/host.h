// What a worker's loop needs of the process that it runs in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "document/document.h"
#include "worker/card_access.h"
#include "worker/counters.h"
#include "worker/wake.h"

namespace pg_ocr {

class EngineProcess;
class HttpProcess;

class Host {
  public:
    virtual ~Host() = default;
    /// Waits until fd (-1: none) is readable, somebody nudges this worker, it is to stop, or timeout_ms are over.
    virtual Wake wait(int fd, int64_t timeout_ms) = 0;
    /// From now on a submission may nudge this worker; called before the last look into the queue.
    virtual void show_idle() = 0;
    virtual void show_fetching(int64_t job_id) = 0;
    /// page_no, pages: 0 as long as it is at no page, or their number is not known.
    virtual void show_reading(int64_t job_id, uint32_t page_no, uint32_t pages) = 0;
    virtual void show_unavailable(const std::string& why) = 0;
    /// Null: there is none. Also called before a child dies, so that an exit handler never kills a stranger.
    virtual void show_engine(EngineProcess* engine) = 0;
    virtual void show_http(HttpProcess* http) = 0;
    /// The card that this worker's engine is to use, at present; nothing: none is ready.
    virtual std::optional<ReadyCard> ready_card() = 0;
    /// Of the service that the engine has a way to; 0: to none.
    virtual void show_card(uint64_t generation) = 0;
    virtual void show_document_done() = 0;
    /// Whether another worker of the queue has ended since this was asked last: its task may have been left behind.
    virtual bool colleague_ended() = 0;
    /// The tier whose tasks this worker is to take before all others, at present; nothing: it takes what comes.
    virtual std::optional<Tier> reserved_for() = 0;
    /// Whether this worker is one too many, and is to end once it has read its present page. Once true, always true.
    virtual bool is_surplus() = 0;
    /// Asked after the queue has refused: false where the extension has been dropped meanwhile.
    virtual bool still_wanted() = 0;
    virtual void count(Counter) = 0;
    virtual void log(const std::string& message) = 0;
    /// For who follows every page.
    virtual void log_closely(const std::string& message) = 0;
    virtual void warn(const std::string& message) = 0;
};

}  // namespace pg_ocr
