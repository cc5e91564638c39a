// The queue as a worker's loop sees it. What a claim or a completion means is written once, in SQL; a driver only
// carries it: queue_spi.cpp inside Postgres.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "document/document.h"
#include "protocol/frame.h"
#include "protocol/http_message.h"

namespace pg_ocr {

/// A task as it was claimed. The fence is the attempt's token: every later write carries it.
struct Task {
    int64_t id = 0;
    int64_t fence = 0;
    int64_t job_id = 0;
    int64_t document_id = 0;  ///< 0: its bytes are not stored
    std::string uri;          ///< of the object in a store that it is about; empty: its bytes were submitted
    std::string row_kind;  ///< of an attached table's row that it is about: 'bytes', 'uri', 'large object'; else empty
    bool keep_document = false;
    int32_t attempt = 0;
    ReadRequest request;
};

/// Where the document of a task's URI is, as its owner may have it at this moment.
struct Source {
    Options store;    ///< with secrets among them
    std::string key;  ///< of the object in it
    Failure failure;  ///< or why it cannot be had
};

/// The database refused or is gone; the message is its own.
struct QueueError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Another session has held a lock on the claim's job for long, as an ocr_cancel() that is not committed does.
struct ClaimLocked : QueueError {
    using QueueError::QueueError;
};

/// The database's disk is full: no fault of the task, and it passes once somebody has made room.
struct DiskFull : QueueError {
    using QueueError::QueueError;
};

/// Every call is one committed transaction, or throws QueueError and has changed nothing.
/// A bool result tells whether the claim still stands; once it does not, nothing was written and the work is to be
/// dropped.
class Queue {
  public:
    virtual ~Queue() = default;
    /// The next task that is due, its attempt counted; where there is one of this tier, that. Nothing: there is none.
    virtual std::optional<Task> claim(std::optional<Tier> reserved_for) = 0;
    /// Whether a task of this tier could be claimed now.
    virtual bool tier_waits(Tier) = 0;
    /// Completes the task's job where an earlier one has read the same. True: there is nothing left to do for the task.
    virtual bool reuse(const Task&) = 0;
    /// Milliseconds until the next task falls due; nothing: none is waiting for its time.
    virtual std::optional<int64_t> due_in_ms() = 0;
    /// The URI in the row that the task is about. Nothing: the claim no longer stands, or the task is settled by now.
    virtual std::optional<std::string> row_uri(const Task&) = 0;
    /// The document in the row that the task is about, as a sealed memfd. Nothing: as for row_uri().
    virtual UniqueFd row_document(const Task&) = 0;
    /// Nothing: the claim no longer stands.
    virtual std::optional<Source> source(const Task&) = 0;
    /// Where a page's image may be sent, as the task's owner may use that server. Nothing: the claim no longer stands.
    virtual std::optional<Source> provider(const Task&, const std::string& server) = 0;
    /// The words in what a provider has answered, a sealed memfd, to an image of that size; or why there are none.
    virtual ProviderAnswer words_of_answer(const std::string& server, int answer, int32_t width, int32_t height) = 0;
    /// Which version was fetched; the pages of it that are recorded already. Nothing: the claim no longer stands.
    virtual std::optional<std::vector<uint32_t>> fetched(const Task&, const std::string& etag, uint64_t size,
                                                         const std::string& sha256) = 0;
    /// Stores the bytes of a memfd as the task's document; its id. Nothing: the claim no longer stands.
    virtual std::optional<int64_t> stage(const Task&, int document) = 0;
    /// The stored document as a sealed memfd; nothing: the claim no longer stands.
    virtual UniqueFd document(const Task&) = 0;
    virtual bool opened(const Task&, const DocumentInfo&) = 0;
    virtual bool record_page(const Task&, const Page&, const std::string& engine_version) = 0;
    virtual bool complete(const Task&) = 0;
    /// The attempt failed; page_no names the page it failed on, 0 where it was no page's fault. Not to be tried again
    /// before retry_after_s seconds.
    virtual bool fail(const Task&, const Failure&, uint32_t page_no, uint32_t retry_after_s) = 0;
    /// Give it back unharmed, the attempt not counted, its place in the queue kept: somebody else may read the rest.
    virtual void release(const Task&) = 0;
    virtual bool still_ours(const Task&) = 0;
    /// Tasks of workers that have died are pending again. False: not all of them, as other sessions hold locks on them.
    virtual bool rescue() = 0;
};

}  // namespace pg_ocr
