// The engine as the process that it is: started, spoken to, watched, and killed. Knows no Postgres: a worker's loop, a
// backend's ocr() and the benchmarks use it alike.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "protocol/frame.h"
#include "protocol/message.h"
#include "worker/child_process.h"

namespace pg_ocr {

struct EngineSettings {
    std::string program;                      ///< absolute path of pg_ocr_engine
    std::string tessdata;                     ///< absolute path of the directory of *.traineddata
    uint64_t memory = 1024u << 20;            ///< bytes of address space
    Recogniser recogniser = Recogniser::own;  ///< for which it warms up; a request may ask for another provider
    bool operator==(const EngineSettings&) const = default;
};

struct PageStarted {
    uint32_t page_no = 0;
};

/// An engine watches its limits of time itself, and says so when one is over. One that has not done so by then is stuck
/// in a library, and to be killed.
constexpr int64_t killed_after_ms(int64_t limit_ms) { return limit_ms + limit_ms / 10 + 1000; }

using EngineMessage = std::variant<Hello, DocumentInfo, PageStarted, Page, Finished, Failure, Drawn, Piece, Ask>;

/// One engine, from its start to its end. No signal handler is installed and no child but this one is waited for. The
/// destructor kills what still lives.
class EngineProcess {
  public:
    /// Starts it; the engine says Hello once it is warm and locked in. Throws std::system_error, naming the program,
    /// when it cannot be started.
    explicit EngineProcess(const EngineSettings&);

    /// Readable when receive() has something to say; non-blocking.
    int socket() const { return child_.socket(); }
    /// 0 once it has ended and was reaped.
    pid_t pid() const { return child_.pid(); }

    /// Hands over one document; the descriptor stays the caller's. Only after Hello, and when the last document has
    /// ended: std::logic_error otherwise. An engine that has died meanwhile is not an error here: receive() finds it
    /// closed. Throws std::system_error when the engine takes nothing for 10 s.
    void send_read(const ReadRequest&, int memfd);
    /// Gives it a way to a card: a socket to its service. It stays the caller's. Only between documents; it takes the
    /// place of one that was given before.
    void send_card(const CardGrant&, int socket);
    /// What an Ask is owed before anything else.
    void send_answer(const ProviderAnswer&);
    /// In the same way: receive() then gives a Drawn for each page, in the order asked, and Finished; or a Failure.
    void send_draw(const DrawRequest&, int memfd);
    /// In the same way, followed by send_layout() for each page that is to have text, ascending, and
    /// send_layouts_end(); receive() then gives Pieces and Finished, or a Failure.
    void send_compose(const ComposeRequest&, int memfd);
    void send_layout(const PageLayout&);
    void send_layouts_end();

    /// The next message; nothing: none has come yet, or the engine has gone (then closed()). Text in it is valid UTF-8
    /// without NUL. Throws ProtocolError when the engine says what it must not, or what it said out of turn: it is to
    /// be killed then.
    std::optional<EngineMessage> receive();
    bool closed() const { return child_.channel().closed(); }

    /// After closed(): how it ended and its last words, to follow "the engine ": 'was killed by signal 9 (Killed)',
    /// 'exited with code 1: tesseract: out of memory'. Waits up to 2 s for the end, then makes one.
    std::string obituary() { return child_.obituary(); }
    /// The same as a failure of what it was reading, in words for its submitter: engine_memory or page_damaged
    /// (document_damaged where no page was begun) where its last words say so, else engine_crashed.
    Failure cause_of_death();
    /// What it wrote to stderr since the last call, 16 KiB at most; never waits. Printable ASCII and newlines.
    std::string drain_stderr() { return child_.drain_stderr(); }

    /// From now on it may burn so many seconds of CPU, then SIGXCPU ends it. Renew it for every document: it starts
    /// with 600. Throws std::system_error; not when it has died.
    void set_cpu_limit(uint32_t seconds) { child_.set_cpu_limit(seconds); }
    /// SIGKILL to its process group, then reaped. Allocates nothing: an exit callback may call it where no destructor
    /// runs.
    void kill_now() noexcept { child_.kill_now(); }

    /// Pages of its document that it has not done yet; 0 before it has opened it.
    size_t pages_owed() const { return to_read_.size(); }
    /// Documents it has ended, read or failed.
    uint64_t documents_read() const { return documents_read_; }
    /// Bytes; 0 when it has gone.
    uint64_t resident_memory() const noexcept { return child_.resident_memory(); }

  private:
    enum class State : uint8_t { starting, idle, opening, reading, drawing, laying_out, composing };

    void begin(State);
    void send(MessageType, const std::string& body, int memfd = -1);

    EngineMessage accept(Frame&&);
    void accept_opened(const DocumentInfo&);
    void accept_page_started(uint32_t page_no);
    void accept_page_done(const Page&);
    void accept_ask(const Ask&);
    void accept_drawn(const Drawn&);
    void accept_finished();
    void end_document();

    ChildProcess child_;
    State state_ = State::starting;
    ReadRequest request_;
    std::set<uint32_t> to_read_;  ///< pages of the task that the engine still owes
    uint32_t page_open_ = 0;      ///< started and not done; 0: none
    bool is_asking_ = false;      ///< waits for an answer
    std::deque<uint32_t> to_draw_;
    uint64_t documents_read_ = 0;
};

}  // namespace pg_ocr
