#include "worker/loop.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <variant>

#include "protocol/sealed_document.h"
#include "worker/sha256.h"

namespace pg_ocr {
namespace {

constexpr int64_t hello_timeout_ms = 60000;
constexpr int64_t heartbeat_ms = 10000;
constexpr int64_t reserved_look_ms = 1000;               ///< while a slow store keeps a worker from its own tier
constexpr uint64_t longest_answer = uint64_t{16} << 20;  ///< of a provider, bytes
constexpr int64_t shortest_wait_ms = 20;
constexpr int64_t shortest_backoff_ms = 500;
constexpr int64_t rescue_again_ms = 200;
constexpr int64_t longest_backoff_ms = 30000;

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string what_read(const Page& page, const std::string& tesseract) {
    const std::optional<Recogniser> recogniser = recogniser_named(page.provider);
    const bool elsewhere = !recogniser && !page.provider.empty();
    return "pg_ocr " PG_OCR_VERSION ", " +
           (elsewhere ? page.provider : (recogniser == Recogniser::tesseract ? "" : "layout by ") + tesseract);
}

/// Whether the engine gives up the document for what is one page's trouble, so that a fresh attempt begins there.
bool is_of_a_page(ErrorCode code) { return code == ErrorCode::page_timeout || code == ErrorCode::provider_unavailable; }

/// Whether an engine that failed so is better replaced: it has run out of memory, or was interrupted.
bool leaves_engine_in_doubt(ErrorCode code) {
    return code == ErrorCode::engine_memory || code == ErrorCode::page_timeout || code == ErrorCode::document_timeout;
}

bool is_readable(int fd) {
    pollfd waited{fd, POLLIN, 0};
    return ::poll(&waited, 1, 0) > 0;
}

/// A descriptor that is readable when one of two is.
UniqueFd either_of(int one, int other) {
    UniqueFd either(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event readable{};
    readable.events = EPOLLIN;
    for (int fd : {one, other})
        if (!either || ::epoll_ctl(either.get(), EPOLL_CTL_ADD, fd, &readable) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll");
    return either;
}

/// Fills in the size and the SHA-256 of a document.
void digest(Fetched& fetched) {
    Sha256 sha256;
    std::vector<char> some(size_t{1} << 20);
    for (;;) {
        const ssize_t n = ::pread(fetched.document.get(), some.data(), some.size(), static_cast<off_t>(fetched.size));
        if (n < 0) throw std::system_error(errno, std::generic_category(), "read a document");
        if (n == 0) break;
        sha256.update(some.data(), static_cast<size_t>(n));
        fetched.size += static_cast<uint64_t>(n);
    }
    fetched.sha256 = sha256.digest();
}

/// The worker was told to stop while it waited, and has given its task back.
struct Stopping {};

}  // namespace

void Worker::run() {
    now_ = settings_();
    rescue();  // before the engine is there: somebody else may be free to read
    int64_t queue_backoff_ms = 0;
    while (!host_.is_surplus()) {
        now_ = settings_();
        if (!ensure_engine()) {
            engine_backoff_ms_ = std::clamp<int64_t>(engine_backoff_ms_ * 2, 1000, longest_backoff_ms);
            if (host_.wait(-1, engine_backoff_ms_) == Wake::stop) break;
            continue;
        }
        engine_backoff_ms_ = 0;
        try {
            // Idle before the claim, not after: a job that commits between the two then finds somebody to nudge.
            host_.show_idle();
            // Also where there is always more to read: else nobody would be idle, and look.
            if (host_.colleague_ended() || now_ms() >= rescue_due_ms()) rescue();
            reserved_for_ = host_.reserved_for();
            std::optional<Task> task = queue_.claim(reserved_for_);
            if (task) {
                if (!read(std::move(*task))) break;
                queue_backoff_ms = 0;
                continue;
            }
            queue_backoff_ms = 0;
            int64_t longest = std::max(rescue_due_ms() - now_ms(), shortest_wait_ms);
            // What is due and yet was not claimed is locked by somebody for a moment: no reason to spin.
            if (std::optional<int64_t> due = queue_.due_in_ms())
                longest = std::min(longest, std::max(*due, shortest_wait_ms));
            if (!idle(longest)) break;
        } catch (const Stopping&) {
            break;
        } catch (const QueueError& error) {
            if (!host_.still_wanted()) break;
            host_.warn(error.what());
            queue_backoff_ms = std::clamp<int64_t>(queue_backoff_ms * 2, shortest_backoff_ms, longest_backoff_ms);
            if (host_.wait(-1, queue_backoff_ms) == Wake::stop) break;
        }
    }
    drop_engine();
    fetcher_.drop_http();
}

void Worker::rescue() {
    try {
        all_rescued_ = queue_.rescue();
    } catch (const QueueError& error) {
        // What keeps the tasks of the dead from being rescued shall not keep the living from reading.
        all_rescued_ = true;
        host_.warn(error.what());
    }
    rescued_at_ms_ = now_ms();
}

int64_t Worker::rescue_due_ms() const {
    return rescued_at_ms_ + (all_rescued_ ? now_.poll_interval_ms : rescue_again_ms);
}

bool Worker::idle(int64_t longest_ms) {
    document_.reset();  // it is memory, and may be a lot
    Wake wake = host_.wait(engine_->socket(), longest_ms);
    if (wake == Wake::readable) {
        // An idle engine has nothing to say: it has died, or it is not to be trusted.
        host_.count(Counter::engines_lost);
        host_.warn("the idle engine " + engine_->obituary());
        drop_engine();
    }
    return wake != Wake::stop;
}

bool Worker::ensure_engine() {
    if (engine_ && engine_->documents_read() >= now_.engine_documents) drop_engine();
    if (engine_ && engine_->documents_read() > 0 && engine_->resident_memory() > now_.engine_growth) {
        host_.log("engine " + std::to_string(engine_->pid()) + " has grown to " +
                  std::to_string(engine_->resident_memory() >> 20) + " MB and is replaced");
        drop_engine();
    }
    if (engine_) return true;
    std::string why;
    try {
        engine_ = std::make_unique<EngineProcess>(now_.engine);
        host_.show_engine(engine_.get());
        const int64_t deadline = now_ms() + hello_timeout_ms;
        for (;;) {
            if (std::optional<EngineMessage> message = engine_->receive()) {
                const auto* hello = std::get_if<Hello>(&*message);
                if (hello == nullptr) throw ProtocolError("its first word is not hello");
                if (hello->version != PG_OCR_VERSION)
                    throw ProtocolError("it is of version " + hello->version +
                                        ", this library of " PG_OCR_VERSION
                                        "; install both from one build and restart the server");
                std::string missing = missing_protections(hello->protections);
                if (!missing.empty() && now_.sandbox_required)
                    throw ProtocolError(
                        "its sandbox lacks " + missing +
                        ", and pg_ocr.sandbox = require; set it to prefer, or run on a kernel that has them");
                tesseract_ = hello->tesseract;
                host_.log("engine " + std::to_string(engine_->pid()) + " (" + hello->tesseract +
                          ") is ready; sandbox: " + held_protections(hello->protections));
                if (!missing.empty()) host_.warn("the engine's sandbox lacks " + missing);
                return true;
            }
            if (engine_->closed()) throw ProtocolError("it " + engine_->obituary());
            const int64_t left = deadline - now_ms();
            if (left <= 0) throw ProtocolError("it said nothing for " + std::to_string(hello_timeout_ms / 1000) + " s");
            if (host_.wait(engine_->socket(), left) == Wake::stop) {
                why = "the worker is stopping";
                break;
            }
        }
    } catch (const std::exception& error) {
        why = error.what();
        host_.warn("the engine " + now_.engine.program + " cannot work: " + why);
    }
    drop_engine();
    host_.show_unavailable(why);
    return false;
}

void Worker::offer_card() {
    if (card_.offer(*engine_, host_.ready_card(), {.is_interactive = false}, now_ms()))
        host_.show_card(card_.generation());
}

void Worker::note_card(const Task& task, const Finished& finished) {
    card_.note(finished, now_ms());
    if (finished.card_trouble.empty()) return;
    host_.show_card(card_.generation());
    host_.count(Counter::cards_left);
    host_.log(about(task) + "its engine has left the GPU and reads by the CPU: " + finished.card_trouble);
}

void Worker::drop_engine() {
    host_.show_engine(nullptr);
    card_.forget_engine();
    engine_.reset();
}

bool Worker::write_when_there_is_room(const Task& task, const std::function<bool()>& write) {
    for (int64_t backoff_ms = shortest_backoff_ms;; backoff_ms = std::min(backoff_ms * 2, longest_backoff_ms)) {
        try {
            return write();
        } catch (const DiskFull& error) {
            host_.warn(about(task) + "waits for room on the disk: " + error.what());
        }
        waited_for_room_ = true;
        if (host_.wait(-1, backoff_ms) == Wake::stop) {
            drop_engine();
            give_back(task);
            throw Stopping();
        }
    }
}

std::string Worker::about(const Task& task, uint32_t page_no, int64_t since_ms) {
    return "job=" + std::to_string(task.job_id) + " page=" + (page_no == 0 ? "-" : std::to_string(page_no)) +
           " attempt=" + std::to_string(task.attempt) + " duration=" + std::to_string(now_ms() - since_ms) + "ms: ";
}

void Worker::note_page(const Task& task, const Page& page) {
    static constexpr Counter counters[] = {Counter::pages_read, Counter::pages_skipped, Counter::pages_failed};
    host_.count(counters[static_cast<size_t>(page.status)]);
    host_.log_closely(about(task, page.page_no, now_ms() - page.elapsed_ms) +
                      (page.failure ? page.failure.message : "read, " + std::to_string(page.words) + " words"));
}

void Worker::give_up(const Task& task, const Failure& failure, uint32_t page_no, uint32_t retry_after_s) {
    host_.count(Counter::attempts_failed);
    host_.log(about(task, page_no, claimed_at_ms_) + failure.message);
    try {
        write_when_there_is_room(task, [&] { return queue_.fail(task, failure, page_no, retry_after_s); });
    } catch (const QueueError& error) {
        // The likely cause, a full disk or a lost connection, may pass: give the task back if that much still works.
        host_.warn(error.what());
        give_back(task);
        throw;
    }
}

void Worker::give_back(const Task& task) {
    try {
        queue_.release(task);
    } catch (const QueueError& error) {
        // A worker that lived on would hold the task for ever. With this process ends its lock: the task is free again
        // without anybody having to write.
        throw TaskStuck(about(task) + "could not be given back, so this worker ends: " + error.what());
    }
}

bool Worker::is_to_leave(const Task& task) {
    if (host_.is_surplus()) return true;
    return reserved_for_ && *reserved_for_ != task.request.tier && queue_.tier_waits(*reserved_for_);
}

Worker::Bytes Worker::have_document(Task& task) {
    if (!task.row_kind.empty() && task.document_id == 0) return fetch_from_row(task);
    if (!task.uri.empty() && task.document_id == 0) return fetch_from_store(task);
    // A part of a long document is only made where the document was opened, to be read.
    if (task.request.task.last == 0 && write_when_there_is_room(task, [&] { return queue_.reuse(task); }))
        return Bytes::settled;
    return fetch_staged(task) ? Bytes::here : Bytes::settled;
}

bool Worker::fetch_staged(const Task& task) {
    if (document_ && document_id_ == task.document_id) return true;
    document_.reset();
    document_ = queue_.document(task);
    document_id_ = task.document_id;
    return static_cast<bool>(document_);
}

Worker::Bytes Worker::fetch_from_store(Task& task) {
    host_.show_fetching(task.job_id);
    document_.reset();
    document_id_ = 0;
    std::optional<Source> source = queue_.source(task);
    if (!source) return Bytes::settled;
    if (source->failure) {
        give_up(task, source->failure, 0);
        return Bytes::settled;
    }
    bool stop = false, elsewhere = false;
    const int64_t look_ms = reserved_for_ && *reserved_for_ != task.request.tier ? reserved_look_ms : heartbeat_ms;
    std::optional<Fetched> fetched =
        fetcher_.fetch(now_.http, source->store, source->key, now_.max_document_size, [&](int fd, int64_t timeout_ms) {
            const Wake wake = host_.wait(fd, std::min(timeout_ms, look_ms));
            stop = wake == Wake::stop;
            if (stop || wake == Wake::readable) return !stop;
            elsewhere = is_to_leave(task);
            return !elsewhere && queue_.still_ours(task);
        });
    if (stop || elsewhere) {
        give_back(task);
        return stop ? Bytes::stop : Bytes::settled;
    }
    if (!fetched) return Bytes::settled;
    if (fetched->failure) {
        give_up(task, fetched->failure, 0, fetched->retry_after_s);
        return Bytes::settled;
    }
    return take_fetched(task, std::move(*fetched));
}

Worker::Bytes Worker::take_fetched(Task& task, Fetched fetched) {
    const bool ours = write_when_there_is_room(task, [&] {
        std::optional<std::vector<uint32_t>> done = queue_.fetched(task, fetched.etag, fetched.size, fetched.sha256);
        if (done) task.request.done = std::move(*done);
        return done.has_value();
    });
    if (!ours) return Bytes::settled;
    document_ = std::move(fetched.document);
    document_id_ = 0;
    if (task.keep_document && !stage(task)) return Bytes::settled;
    if (write_when_there_is_room(task, [&] { return queue_.reuse(task); })) return Bytes::settled;
    host_.count(Counter::documents_fetched);
    host_.log_closely(about(task) + "fetched, " + std::to_string(fetched.size) + " bytes");
    host_.show_reading(task.job_id, 0, 0);
    return Bytes::here;
}

Worker::Bytes Worker::fetch_from_row(Task& task) {
    document_.reset();
    document_id_ = 0;
    if (task.row_kind == "uri") {
        std::optional<std::string> uri;
        write_when_there_is_room(task, [&] {
            uri = queue_.row_uri(task);
            return true;
        });
        if (!uri) return Bytes::settled;
        task.uri = std::move(*uri);
        return fetch_from_store(task);
    }
    Fetched fetched;
    write_when_there_is_room(task, [&] {
        fetched.document = queue_.row_document(task);
        return true;
    });
    if (!fetched.document) return Bytes::settled;
    digest(fetched);
    return take_fetched(task, std::move(fetched));
}

Worker::Bytes Worker::answer(const Task& task, const Ask& ask, int64_t deadline) {
    const std::optional<Source> provider = queue_.provider(task, ask.server);
    if (!provider) return Bytes::settled;
    if (provider->failure) {
        engine_->send_answer({provider->failure, {}});
        return Bytes::here;
    }
    SealedDocument image;
    image.append(ask.image.data(), ask.image.size());
    const UniqueFd sealed = image.seal();
    const int64_t until = now_ms() + std::min(ask.time_ms, deadline - now_ms());
    bool stop = false, lost = false, engine_gone = false;
    UniqueFd either;
    std::optional<Fetched> fetched = fetcher_.ask(
        now_.http, provider->store, ask.languages, sealed.get(), longest_answer, [&](int fd, int64_t timeout_ms) {
            const int64_t left = until - now_ms();
            if (left <= 0) return false;
            if (!either) either = either_of(fd, engine_->socket());
            const Wake wake = host_.wait(either.get(), std::min({timeout_ms, left, heartbeat_ms}));
            stop = wake == Wake::stop;
            engine_gone = is_readable(engine_->socket());  // it is to be silent until it is answered
            lost = !stop && wake != Wake::readable && !queue_.still_ours(task);
            return !stop && !lost && !engine_gone;
        });
    if (stop) return Bytes::stop;
    if (lost) return Bytes::settled;
    if (!engine_gone) engine_->send_answer(answer_of(ask, std::move(fetched)));
    return Bytes::here;
}

ProviderAnswer Worker::answer_of(const Ask& ask, std::optional<Fetched> fetched) {
    if (!fetched)
        return {{ErrorCode::provider_unavailable,
                 "server " + ask.server + " did not answer within the time that the page has for it"},
                {}};
    ProviderAnswer answer;
    if (fetched->failure) {
        const bool may_pass = fetched->failure.code == ErrorCode::store_unavailable;
        if (may_pass) retry_after_s_ = std::max(retry_after_s_, fetched->retry_after_s);
        answer.failure = {may_pass ? ErrorCode::provider_unavailable : ErrorCode::provider_refused,
                          std::move(fetched->failure.message)};
    } else {
        answer = queue_.words_of_answer(ask.server, fetched->document.get(), ask.width, ask.height);
    }
    if (answer.failure) host_.log(answer.failure.message);
    return answer;
}

bool Worker::stage(Task& task) {
    return write_when_there_is_room(task, [&] {
        std::optional<int64_t> id = queue_.stage(task, document_.get());
        task.document_id = document_id_ = id.value_or(0);
        return id.has_value();
    });
}

bool Worker::stop_reading(const Task& task) {
    drop_engine();
    give_back(task);
    return false;
}

bool Worker::read(Task task) {
    claimed_at_ms_ = now_ms();
    host_.show_reading(task.job_id, 0, 0);
    task.request.limits = now_.limits;
    task.request.providers = now_.providers[static_cast<size_t>(task.request.tier)];
    const int64_t page_time_ms = killed_after_ms(now_.limits.page_time_ms);
    const auto cpu_seconds = static_cast<uint32_t>(page_time_ms / 1000 + 10);
    uint32_t page_no = 0, pages = 0;
    bool out_of_memory = false;  // what it allocated for one page may be gone for the next: a fresh engine follows
    try {
        const Bytes bytes = have_document(task);
        if (bytes != Bytes::here) return bytes != Bytes::stop;
        waited_for_room_ = false;
        offer_card();
        engine_->send_read(task.request, document_.get());
        engine_->set_cpu_limit(cpu_seconds);
        const int64_t document_deadline =
            now_.limits.document_time_ms == 0 ? INT64_MAX : now_ms() + killed_after_ms(now_.limits.document_time_ms);
        int64_t deadline = now_ms() + page_time_ms;
        for (;;) {
            bool lost = false;
            while (std::optional<EngineMessage> message = engine_->receive()) {
                if (const auto* info = std::get_if<DocumentInfo>(&*message)) {
                    pages = info->pages;
                    const bool shared = task.request.task_pages != 0 && info->selected > task.request.task_pages;
                    lost = (shared && task.document_id == 0 && !stage(task)) ||
                           !write_when_there_is_room(task, [&] { return queue_.opened(task, *info); });
                } else if (const auto* started = std::get_if<PageStarted>(&*message)) {
                    page_no = started->page_no;
                    retry_after_s_ = 0;
                    host_.show_reading(task.job_id, page_no, pages);
                    engine_->set_cpu_limit(cpu_seconds);
                    deadline = now_ms() + page_time_ms;
                } else if (const auto* page = std::get_if<Page>(&*message)) {
                    out_of_memory = out_of_memory || page->failure.code == ErrorCode::engine_memory;
                    lost = !write_when_there_is_room(
                        task, [&] { return queue_.record_page(task, *page, what_read(*page, tesseract_)); });
                    if (!lost) note_page(task, *page);
                    page_no = 0;
                    deadline = now_ms() + page_time_ms;
                    if (!lost && engine_->pages_owed() > 0 && is_to_leave(task)) {
                        drop_engine();
                        give_back(task);
                        return true;
                    }
                } else if (const auto* ask = std::get_if<Ask>(&*message)) {
                    const Bytes bytes = answer(task, *ask, std::min(deadline, document_deadline));
                    if (bytes == Bytes::stop) return stop_reading(task);
                    lost = bytes != Bytes::here;
                } else if (const auto* failure = std::get_if<Failure>(&*message)) {
                    host_.show_document_done();
                    if (leaves_engine_in_doubt(failure->code)) drop_engine();
                    give_up(task, *failure, is_of_a_page(failure->code) ? page_no : 0, retry_after_s_);
                    return true;
                } else {
                    host_.show_document_done();
                    note_card(task, std::get<Finished>(*message));
                    if (out_of_memory) drop_engine();
                    write_when_there_is_room(task, [&] { return queue_.complete(task); });
                    host_.log_closely(about(task) + "done");
                    return true;
                }
                if (lost) break;
                if (waited_for_room_) {
                    // That time was not the document's: what is left of it is read anew, in a time of its own.
                    drop_engine();
                    write_when_there_is_room(task, [&] {
                        queue_.release(task);
                        return true;
                    });
                    return true;
                }
            }
            if (lost) {
                host_.log(about(task) + "is no longer this worker's: its engine is stopped");
                drop_engine();
                return true;
            }
            if (engine_->closed()) {
                Failure failure = engine_->cause_of_death();
                host_.count(Counter::engines_lost);
                drop_engine();
                give_up(task, failure, page_no);
                return true;
            }
            const int64_t left = std::min(deadline, document_deadline) - now_ms();
            if (left <= 0) {
                // A page that would be written off would give the others the whole time anew.
                const bool of_document = document_deadline <= deadline;
                host_.count(Counter::engines_lost);
                drop_engine();
                give_up(task, of_document ? document_timed_out(now_.limits) : page_timed_out(now_.limits),
                        of_document ? 0 : page_no);
                return true;
            }
            Wake wake = host_.wait(engine_->socket(), std::min(left, heartbeat_ms));
            if (wake == Wake::stop) return stop_reading(task);
            if ((wake == Wake::nudged || wake == Wake::timed_out) && !queue_.still_ours(task)) {
                drop_engine();
                return true;
            }
        }
    } catch (const TaskStuck&) {
        throw;
    } catch (const ClaimLocked& error) {
        drop_engine();
        throw TaskStuck(about(task) + "cannot be recorded, so this worker ends: " + error.what());
    } catch (const QueueError& error) {
        drop_engine();
        host_.warn(error.what());
        give_up(task, {ErrorCode::internal_error, error.what()}, page_no);
    } catch (const std::exception& error) {
        drop_engine();
        give_up(task, {ErrorCode::engine_crashed, error.what()}, page_no);
    }
    return true;
}

}  // namespace pg_ocr
