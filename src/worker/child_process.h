// A program that one process of the server runs for itself: started, listened to, watched, and killed. It has a socket
// to its parent and a pipe for its complaints, and nothing else of its parent's. Knows no Postgres.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.h"

namespace pg_ocr {

/// One child, from its start to its end. No signal handler is installed and no child but this one is waited for. The
/// destructor kills what still lives.
class ChildProcess {
  public:
    /// `words` follow `program --socket 3 --parent PID`. The environment is only what is given here. `role` is what
    /// errors call it: 'engine'. Throws std::system_error, naming the program, when it cannot be started.
    ChildProcess(const std::string& role, const std::string& program, const std::vector<std::string>& words,
                 const std::vector<std::string>& environment);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    int socket() const { return socket_.get(); }
    Channel& channel() { return channel_; }
    const Channel& channel() const { return channel_; }
    /// 0 once it has ended and was reaped.
    pid_t pid() const { return pid_; }

    /// Takes in what it wrote to stderr; never waits.
    void read_stderr();
    /// Printable ASCII and newlines since the last call, 16 KiB at most.
    std::string drain_stderr();
    /// Whether its last words, since the last call of forget_words(), hold these.
    bool said(std::string_view words) const { return stderr_tail_.find(words) != std::string::npos; }
    void forget_words();

    /// How it ended and its last words: 'was killed by signal 9 (Killed)', 'exited with code 1: out of memory'. Waits
    /// up to 2 s for the end, then makes one.
    std::string obituary();
    /// From now on it may burn so many seconds of CPU, then SIGXCPU ends it. Throws std::system_error; not when it has
    /// died.
    void set_cpu_limit(uint32_t seconds);
    /// SIGKILL to its process group, then reaped. Allocates nothing: an exit callback may call it where no destructor
    /// runs.
    void kill_now() noexcept;
    /// Bytes; 0 when it has gone.
    uint64_t resident_memory() const noexcept;

  private:
    bool reap(int timeout_ms) noexcept;

    UniqueFd socket_;
    UniqueFd stderr_;
    Channel channel_;
    pid_t pid_ = 0;
    std::optional<int> wait_status_;  ///< as waitpid() gave it
    std::string stderr_new_;          ///< not drained yet
    std::string stderr_tail_;         ///< for the obituary
};

/// Bytes that a process has resident; 0 where there is none of that pid.
uint64_t resident_memory_of(pid_t pid) noexcept;

/// Whether it is well-formed UTF-8 without NUL: what Postgres can store as text.
bool is_text(std::string_view bytes);

}  // namespace pg_ocr
