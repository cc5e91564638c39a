// pg_ocr_http as the process that it is, started, spoken to, watched and killed. Knows no Postgres: a worker's loop,
// the courier and a backend's ocr_objects() and ocr_put() use it alike.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "protocol/http_message.h"
#include "worker/child_process.h"

namespace pg_ocr {

struct HttpSettings {
    std::string program;            ///< absolute path of pg_ocr_http
    uint64_t memory = 1024u << 20;  ///< bytes of address space; documents on their way do not count
    bool sandbox_required = false;  ///< refuse one whose sandbox lacks a protection
    bool operator==(const HttpSettings&) const = default;
};

/// How often it tries before it says that a server is unavailable; a job's task is tried again later.
constexpr uint32_t attempts_in_one_go = 3;
/// The option `timeout` of a server, or what is usual.
int64_t declared_timeout_s(const Options&, int64_t usual);
/// When a pg_ocr_http that has not answered such attempts must be stuck: it minds its limits of time itself.
int64_t stuck_after_ms(const Options&);

/// One pg_ocr_http, from its start to its end. The destructor kills what still lives.
class HttpProcess {
  public:
    /// Throws std::system_error, naming the program, when it cannot be started.
    explicit HttpProcess(const HttpSettings&);

    /// Readable when receive() has something to say; non-blocking.
    int socket() const { return child_.socket(); }
    /// 0 once it has ended and was reaped.
    pid_t pid() const { return child_.pid(); }

    /// Asks; at any time, before its hello as well. The content of a `put` is a sealed memfd, and stays the caller's.
    /// One that has died meanwhile is not an error here: receive() finds it closed. Throws std::logic_error where the
    /// id is that of an open request, std::system_error when it takes nothing for 10 s.
    void send(const HttpRequest&, int content = -1);

    struct Answer {
        HttpResponse response;
        UniqueFd document;  ///< of a fetch that went well: sealed against every change, response.size long
    };
    /// The next answer; nothing: none has come yet, or it has gone (then closed()). Text in it is valid UTF-8 without
    /// NUL. Throws ProtocolError when it says what it must not, is of another version, or lacks a protection that is
    /// required: it is to be killed then.
    std::optional<Answer> receive();
    bool closed() const { return child_.channel().closed(); }
    /// What it said when it was ready; nothing: it is not yet.
    const std::optional<HttpHello>& hello() const { return hello_; }
    size_t open_requests() const { return open_.size(); }

    /// After closed(): how it ended and its last words. Waits up to 2 s for the end, then makes one.
    std::string obituary() { return child_.obituary(); }
    void kill_now() noexcept { child_.kill_now(); }

  private:
    void accept_hello(const Frame&);
    Answer accept_response(Frame&&);

    HttpSettings settings_;
    ChildProcess child_;
    std::optional<HttpHello> hello_;
    struct Open {
        HttpOperation operation;
        uint64_t max_size;
    };
    std::map<uint64_t, Open> open_;
};

}  // namespace pg_ocr
