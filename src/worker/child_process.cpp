#include "worker/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace pg_ocr {
namespace {

constexpr int child_socket = 3;         // the descriptor that the child finds its socket under
constexpr int above_child_socket = 10;  // its originals are moved up here, so that no dup2 of the spawn hits another
constexpr size_t stderr_kept = 16384;
constexpr size_t stderr_tail = 400;

[[noreturn]] void throw_error(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

UniqueFd move_up(int fd) {
    UniqueFd original(fd);
    UniqueFd moved(::fcntl(original.get(), F_DUPFD_CLOEXEC, above_child_socket));
    if (!moved) throw_error(errno, "fcntl");
    return moved;
}

/// The child's end stays blocking, ours does not.
std::pair<UniqueFd, UniqueFd> socket_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) throw_error(errno, "socketpair");
    UniqueFd ours(ends[0]);
    UniqueFd theirs = move_up(ends[1]);
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) < 0) throw_error(errno, "fcntl");
    return {std::move(ours), std::move(theirs)};
}

/// Neither end blocks: a child that floods its stderr loses words, not time.
std::pair<UniqueFd, UniqueFd> stderr_pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) throw_error(errno, "pipe2");
    UniqueFd ours(ends[0]);
    return {std::move(ours), move_up(ends[1])};
}

class SpawnActions {
  public:
    SpawnActions(int socket, int stderr_end) {
        check(::posix_spawn_file_actions_init(&actions_));
        check(::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
        check(::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0));
        check(::posix_spawn_file_actions_adddup2(&actions_, stderr_end, STDERR_FILENO));
        check(::posix_spawn_file_actions_adddup2(&actions_, socket, child_socket));
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, child_socket + 1));
    }
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    static void check(int error) {
        if (error != 0) throw_error(error, "posix_spawn_file_actions");
    }
    posix_spawn_file_actions_t actions_{};
};

/// No signal blocked, none ignored, and a process group of its own: a cancel signals the whole group of a backend.
class SpawnAttributes {
  public:
    SpawnAttributes() {
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers(words.size() + 1, nullptr);
    std::transform(words.begin(), words.end(), pointers.begin(), [](std::string& word) { return word.data(); });
    return pointers;
}

pid_t spawn(const std::string& role, std::vector<std::string> words, std::vector<std::string> environment, int socket,
            int stderr_end) {
    SpawnActions actions(socket, stderr_end);
    SpawnAttributes attributes;
    const std::string program = words[0];
    pid_t pid = 0;
    int error = ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), pointers_to(words).data(),
                              pointers_to(environment).data());
    if (error != 0) throw_error(error, "could not start the " + role + " " + program);
    return pid;
}

int64_t now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

std::string describe(std::optional<int> wait_status) {
    if (!wait_status) return "ended, and how was not to be learnt";
    if (WIFSIGNALED(*wait_status)) {
        int signal = WTERMSIG(*wait_status);
        return "was killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
    }
    return "exited with code " + std::to_string(WEXITSTATUS(*wait_status));
}

}  // namespace

/// Whether it is well-formed UTF-8 without NUL: what Postgres can store as text.
bool is_text(std::string_view bytes) {
    size_t at = 0;
    while (at < bytes.size()) {
        auto lead = static_cast<uint8_t>(bytes[at++]);
        if (lead == 0) return false;
        if (lead < 0x80) continue;
        size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (lead < 0xC2 || lead > 0xF4 || bytes.size() - at < more) return false;
        uint32_t code = lead & (0x3Fu >> more);
        for (size_t i = 0; i < more; ++i) {
            auto next = static_cast<uint8_t>(bytes[at++]);
            if ((next & 0xC0) != 0x80) return false;
            code = code << 6 | (next & 0x3Fu);
        }
        constexpr uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    }
    return true;
}

ChildProcess::ChildProcess(const std::string& role, const std::string& program, const std::vector<std::string>& words,
                           const std::vector<std::string>& environment)
    : channel_(-1) {
    auto [socket, child_end] = socket_pair();
    auto [stderr_ours, stderr_theirs] = stderr_pipe();
    std::vector<std::string> all = {program, "--socket", std::to_string(child_socket), "--parent",
                                    std::to_string(::getpid())};
    all.insert(all.end(), words.begin(), words.end());
    pid_ = spawn(role, std::move(all), environment, child_end.get(), stderr_theirs.get());
    socket_ = std::move(socket);
    stderr_ = std::move(stderr_ours);
    channel_ = Channel(socket_.get());
}

ChildProcess::~ChildProcess() { kill_now(); }

void ChildProcess::forget_words() {
    read_stderr();
    stderr_tail_.clear();
}

std::string ChildProcess::obituary() {
    bool ended = reap(2000);
    if (!ended) kill_now();
    read_stderr();
    std::string text = ended ? describe(wait_status_) : "did not end by itself and was killed";
    size_t end = stderr_tail_.find_last_not_of("\n ");
    if (end == std::string::npos) return text;
    size_t line_break = stderr_tail_.rfind('\n', end);
    size_t begin = line_break == std::string::npos ? 0 : line_break + 1;
    return text + ": " + stderr_tail_.substr(begin, end + 1 - begin);
}

std::string ChildProcess::drain_stderr() {
    read_stderr();
    return std::exchange(stderr_new_, {});
}

void ChildProcess::read_stderr() {
    char chunk[4096];
    // No further than a pipe is long: a child that never stops writing must not hold its parent here.
    for (size_t total = 0; total < 65536;) {
        ssize_t n = ::read(stderr_.get(), chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        auto count = static_cast<size_t>(n);
        total += count;
        for (size_t i = 0; i < count; ++i) {
            if (chunk[i] != '\n' && (chunk[i] < ' ' || chunk[i] > '~')) chunk[i] = '?';
        }
        stderr_new_.append(chunk, std::min(count, stderr_kept - stderr_new_.size()));
        stderr_tail_.append(chunk, count);
        if (stderr_tail_.size() > stderr_tail) stderr_tail_.erase(0, stderr_tail_.size() - stderr_tail);
    }
}

void ChildProcess::set_cpu_limit(uint32_t seconds) {
    if (pid_ == 0) return;
    clockid_t clock{};
    timespec used{};
    rlimit limit{};
    if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) < 0) return;
    bool set = ::prlimit(pid_, RLIMIT_CPU, nullptr, &limit) == 0;
    if (set) {
        limit.rlim_cur = std::min(static_cast<rlim_t>(used.tv_sec) + 1 + seconds, limit.rlim_max);
        set = ::prlimit(pid_, RLIMIT_CPU, &limit, nullptr) == 0;
    }
    if (!set && errno != ESRCH) throw_error(errno, "could not limit a child's CPU time");
}

bool ChildProcess::reap(int timeout_ms) noexcept {
    int64_t until = now_ms() + timeout_ms;
    while (pid_ != 0) {
        int status = 0;
        pid_t ended = ::waitpid(pid_, &status, WNOHANG);
        if (ended == pid_) wait_status_ = status;
        if (ended == pid_ || (ended < 0 && errno == ECHILD)) {
            pid_ = 0;
        } else {
            if (now_ms() >= until) return false;
            ::poll(nullptr, 0, 1);
        }
    }
    return true;
}

void ChildProcess::kill_now() noexcept {
    if (pid_ == 0) return;
    ::kill(-pid_, SIGKILL);
    reap(5000);
}

uint64_t ChildProcess::resident_memory() const noexcept { return resident_memory_of(pid_); }

uint64_t resident_memory_of(pid_t pid) noexcept {
    if (pid == 0) return 0;
    char path[64];
    std::snprintf(path, sizeof(path), "/proc/%d/statm", static_cast<int>(pid));
    UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    char content[128] = {};
    if (!file || ::read(file.get(), content, sizeof(content) - 1) <= 0) return 0;
    unsigned long long resident = 0;
    if (std::sscanf(content, "%*u %llu", &resident) != 1) return 0;
    return uint64_t{resident} * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace pg_ocr
