// A worker: claim (commit), fetch, read, record (commit). One straight loop that knows neither SPI nor libpq.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "queue/queue.h"
#include "worker/card_access.h"
#include "worker/engine_process.h"
#include "worker/fetcher.h"
#include "worker/host.h"

namespace pg_ocr {

struct WorkerSettings {
    EngineSettings engine;
    std::array<std::vector<std::string>, 3> providers;  ///< by tier, in the order in which they are tried
    Limits limits;
    int64_t poll_interval_ms = 5000;
    uint64_t engine_documents = 1000;  ///< after so many an engine is replaced
    uint64_t engine_growth = 0;        ///< bytes; an engine that still holds more after a document is replaced
    bool sandbox_required = false;
    HttpSettings http;
    uint64_t max_document_size = 0;  ///< bytes, of a document in a store
};

/// A task could neither be recorded nor given back: the process is to end, for its death frees the task.
struct TaskStuck : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Worker {
  public:
    /// `settings` is asked before every task, so that a reload is seen.
    Worker(Queue& queue, Host& host, WorkerSettings (*settings)())
        : queue_(queue), host_(host), settings_(settings), fetcher_(host) {}
    /// Until the host says stop. Throws TaskStuck, and QueueError where the queue cannot be had at all.
    void run();

  private:
    bool ensure_engine();
    void rescue();
    int64_t rescue_due_ms() const;
    enum class Bytes : uint8_t { here, settled, stop };
    /// Has the task's document in document_; or settles the task, as it is somebody else's, done or has failed; or has
    /// given it back, as the worker is to stop.
    Bytes have_document(Task& task);
    bool fetch_staged(const Task& task);
    Bytes fetch_from_store(Task& task);
    Bytes fetch_from_row(Task& task);
    /// What was fetched is the task's document, unless an earlier job has read the same.
    Bytes take_fetched(Task& task, Fetched fetched);
    /// Asks a provider for the engine, which waits, and hands it the answer: the words, or why there are none. An
    /// engine that dies meanwhile gets none. settled: the claim no longer stands.
    Bytes answer(const Task& task, const Ask& ask, int64_t deadline);
    ProviderAnswer answer_of(const Ask& ask, std::optional<Fetched> fetched);
    /// Stores the document in the database, for others to read or to be kept. False: the claim no longer stands.
    bool stage(Task& task);
    /// Whether the claim still stands, as `write` says. Waits as long as the disk is full, holding the task: what was
    /// read is not read again, and no attempt is spent. Told to stop meanwhile, gives the task back and throws
    /// Stopping.
    bool write_when_there_is_room(const Task& task, const std::function<bool()>& write);
    void offer_card();
    void note_card(const Task& task, const Finished& finished);
    void drop_engine();
    /// What a line of the log about a task begins with; page_no 0: it is about no page. since_ms: when what it is about
    /// began.
    static std::string about(const Task& task, uint32_t page_no, int64_t since_ms);
    std::string about(const Task& task) const { return about(task, 0, claimed_at_ms_); }
    void note_page(const Task& task, const Page& page);
    /// False: stop.
    bool read(Task task);
    /// Always false.
    bool stop_reading(const Task& task);
    void give_up(const Task& task, const Failure& failure, uint32_t page_no, uint32_t retry_after_s = 0);
    void give_back(const Task& task);
    /// Whether this worker is to leave a task to others, as it is one too many, or as one of the tier that it is
    /// reserved for waits.
    bool is_to_leave(const Task& task);
    bool idle(int64_t longest_ms);

    Queue& queue_;
    Host& host_;
    WorkerSettings (*settings_)();
    Fetcher fetcher_;
    WorkerSettings now_;
    /// The document of the last task: the next is often another part of it.
    UniqueFd document_;
    int64_t document_id_ = 0;  ///< 0: it is not stored
    std::unique_ptr<EngineProcess> engine_;
    CardAccess card_;
    std::string tesseract_;  ///< with its version, as the engine has it
    int64_t engine_backoff_ms_ = 0;
    int64_t claimed_at_ms_ = 0;     ///< the present task
    bool waited_for_room_ = false;  ///< in the present task
    std::optional<Tier> reserved_for_;
    uint32_t retry_after_s_ = 0;  ///< what providers asked for in the present page
    int64_t rescued_at_ms_ = 0;
    bool all_rescued_ = false;  ///< or it is no use to try before the next poll
};

}  // namespace pg_ocr
