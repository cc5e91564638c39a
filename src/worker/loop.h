// A worker: claim (commit), fetch, read, record (commit). One straight loop that knows neither SPI nor libpq.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "queue/queue.h"
#include "worker/engine_process.h"
#include "worker/wake.h"

namespace pg_ocr {

/// What the loop needs of the process that it runs in.
class Host {
  public:
    virtual ~Host() = default;
    /// Waits until fd (-1: none) is readable, somebody nudges this worker, it is to stop, or timeout_ms are over.
    virtual Wake wait(int fd, int64_t timeout_ms) = 0;
    /// From now on a submission may nudge this worker; called before the last look into the queue.
    virtual void show_idle() = 0;
    virtual void show_reading(int64_t job_id, uint32_t page_no) = 0;
    virtual void show_unavailable(const std::string& why) = 0;
    /// pid 0: there is no engine. Also called before the engine dies, so that an exit handler never kills a stranger.
    virtual void show_engine(EngineProcess* engine) = 0;
    virtual void show_document_done() = 0;
    /// Whether another worker of the queue has ended since this was asked last: its task may have been left behind.
    virtual bool colleague_ended() = 0;
    /// Asked after the queue has refused: false where the extension has been dropped meanwhile.
    virtual bool still_wanted() = 0;
    virtual void log(const std::string& message) = 0;
    virtual void warn(const std::string& message) = 0;
};

struct WorkerSettings {
    EngineSettings engine;
    Limits limits;
    int64_t poll_interval_ms = 5000;
    uint64_t engine_documents = 1000;  ///< after so many an engine is replaced
    uint64_t engine_growth = 0;        ///< bytes; an engine that still holds more after a document is replaced
    bool sandbox_required = false;
};

/// A task could neither be recorded nor given back: the process is to end, for its death frees the task.
struct TaskStuck : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Worker {
  public:
    /// `settings` is asked before every task, so that a reload is seen.
    Worker(Queue& queue, Host& host, WorkerSettings (*settings)()) : queue_(queue), host_(host), settings_(settings) {}
    /// Until the host says stop. Throws TaskStuck, and QueueError where the queue cannot be had at all.
    void run();

  private:
    bool ensure_engine();
    void rescue();
    int64_t rescue_due_ms() const;
    bool fetch(const Task& task);
    /// Whether the claim still stands, as `write` says. Waits as long as the disk is full, holding the task: what was
    /// read is not read again, and no attempt is spent. Told to stop meanwhile, gives the task back and throws
    /// Stopping.
    bool write_when_there_is_room(const Task& task, const std::function<bool()>& write);
    void drop_engine();
    /// False: stop.
    bool read(Task task);
    void give_up(const Task& task, const Failure& failure, uint32_t page_no);
    void give_back(const Task& task);
    bool idle(int64_t longest_ms);

    Queue& queue_;
    Host& host_;
    WorkerSettings (*settings_)();
    WorkerSettings now_;
    /// The document of the last task: the next is often another part of it.
    UniqueFd document_;
    int64_t document_id_ = 0;
    std::unique_ptr<EngineProcess> engine_;
    std::string tesseract_;  ///< with its version, as the engine has it
    int64_t engine_backoff_ms_ = 0;
    bool waited_for_room_ = false;  ///< in the present task
    int64_t rescued_at_ms_ = 0;
    bool all_rescued_ = false;  ///< or it is no use to try before the next poll
};

}  // namespace pg_ocr
