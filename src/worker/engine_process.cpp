#include "worker/engine_process.h"

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

constexpr int engine_socket = 3;         // the descriptor that the engine finds its socket under
constexpr int above_engine_socket = 10;  // its originals are moved up here, so that no dup2 of the spawn hits another
constexpr size_t stderr_kept = 16384;
constexpr size_t stderr_tail = 400;

[[noreturn]] void throw_error(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

UniqueFd move_up(int fd) {
    UniqueFd original(fd);
    UniqueFd moved(::fcntl(original.get(), F_DUPFD_CLOEXEC, above_engine_socket));
    if (!moved) throw_error(errno, "fcntl");
    return moved;
}

/// The engine's end stays blocking, ours does not.
std::pair<UniqueFd, UniqueFd> socket_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) throw_error(errno, "socketpair");
    UniqueFd ours(ends[0]);
    UniqueFd theirs = move_up(ends[1]);
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) < 0) throw_error(errno, "fcntl");
    return {std::move(ours), std::move(theirs)};
}

/// Neither end blocks: an engine that floods its stderr loses words, not time.
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
        check(::posix_spawn_file_actions_adddup2(&actions_, socket, engine_socket));
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, engine_socket + 1));
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

pid_t spawn(const EngineSettings& settings, int socket, int stderr_end) {
    std::vector<std::string> words = {settings.program,
                                      "--socket",
                                      std::to_string(engine_socket),
                                      "--parent",
                                      std::to_string(::getpid()),
                                      "--tessdata",
                                      settings.tessdata,
                                      "--memory",
                                      std::to_string(settings.memory),
                                      "--recogniser",
                                      std::string(name_of(settings.recogniser))};
    std::vector<char*> arguments(words.size() + 1, nullptr);
    std::transform(words.begin(), words.end(), arguments.begin(), [](std::string& word) { return word.data(); });
    // Tesseract's threads make a worker-per-core host slower, and would be born before the filter that is to hold them.
    char threads[] = "OMP_THREAD_LIMIT=1";
    char locale[] = "LC_ALL=C.UTF-8";
    char* environment[] = {threads, locale, nullptr};

    SpawnActions actions(socket, stderr_end);
    SpawnAttributes attributes;
    pid_t pid = 0;
    int error =
        ::posix_spawn(&pid, settings.program.c_str(), actions.get(), attributes.get(), arguments.data(), environment);
    if (error != 0) throw_error(error, "could not start the engine " + settings.program);
    return pid;
}

int64_t now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

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

void require(bool holds, const char* complaint) {
    if (!holds) throw ProtocolError(std::string("the engine ") + complaint);
}

void require_text(std::string_view bytes) { require(is_text(bytes), "sent text that is not UTF-8"); }

std::string describe(std::optional<int> wait_status) {
    if (!wait_status) return "ended, and how was not to be learnt";
    if (WIFSIGNALED(*wait_status)) {
        int signal = WTERMSIG(*wait_status);
        return "was killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
    }
    return "exited with code " + std::to_string(WEXITSTATUS(*wait_status));
}

}  // namespace

EngineProcess::EngineProcess(const EngineSettings& settings) : channel_(-1) {
    auto [socket, engine_end] = socket_pair();
    auto [stderr_ours, stderr_theirs] = stderr_pipe();
    pid_ = spawn(settings, engine_end.get(), stderr_theirs.get());
    socket_ = std::move(socket);
    stderr_ = std::move(stderr_ours);
    channel_ = Channel(socket_.get());
}

EngineProcess::~EngineProcess() { kill_now(); }

void EngineProcess::send_read(const ReadRequest& request, int memfd) {
    if (state_ != State::idle)
        throw std::logic_error("a document for an engine that has not said hello, or is still reading another");
    state_ = State::opening;
    request_ = request;
    request_.password.clear();
    try {
        channel_.send(static_cast<uint8_t>(MessageType::read), encode(request), memfd, 10000);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::broken_pipe && error.code() != std::errc::connection_reset) throw;
    }
}

std::optional<EngineMessage> EngineProcess::receive() {
    read_stderr();
    std::optional<Frame> frame = channel_.receive();
    if (!frame) return std::nullopt;
    return accept(*frame);
}

EngineMessage EngineProcess::accept(const Frame& frame) {
    require(!frame.fd, "sent a descriptor");
    auto type = static_cast<MessageType>(frame.type);
    if (state_ == State::starting) {
        require(type == MessageType::hello, "did not say hello first");
        Hello hello = decode_hello(frame.body);
        require_text(hello.version);
        require_text(hello.tesseract);
        for (const Protection& protection : hello.protections) {
            require_text(protection.name);
            require_text(protection.detail);
        }
        state_ = State::idle;
        return hello;
    }
    require(state_ != State::idle, "spoke without having been asked");
    if (type == MessageType::failed) {
        Failure failure = decode_failed(frame.body);
        require_text(failure.message);
        end_document();
        return failure;
    }
    if (state_ == State::opening) {
        require(type == MessageType::opened, "did not open the document first");
        DocumentInfo info = decode_opened(frame.body);
        accept_opened(info);
        return info;
    }
    switch (type) {
        case MessageType::page_started: {
            uint32_t page_no = decode_page_started(frame.body);
            accept_page_started(page_no);
            return PageStarted{page_no};
        }
        case MessageType::page_done: {
            Page page = decode_page_done(frame.body);
            accept_page_done(page);
            return page;
        }
        case MessageType::finished: {
            Finished finished = decode_finished(frame.body);
            accept_finished();
            return finished;
        }
        default:
            throw ProtocolError("the engine sent a message of type " + std::to_string(frame.type) + " out of turn");
    }
}

void EngineProcess::accept_opened(const DocumentInfo& info) {
    require_text(info.type);
    require(info.selected == selected_pages(request_, info.pages).size(), "miscounted the pages that were asked for");
    const std::vector<uint32_t> to_read = pages_to_read(request_, info.pages);
    to_read_ = std::set<uint32_t>(to_read.begin(), to_read.end());
    page_open_ = 0;
    state_ = State::reading;
}

void EngineProcess::accept_page_started(uint32_t page_no) {
    require(page_open_ == 0, "started a page before it was done with another");
    require(to_read_.contains(page_no), "started a page that was not asked for, or is done already");
    page_open_ = page_no;
}

void EngineProcess::accept_page_done(const Page& page) {
    require(page_open_ != 0 && page.page_no == page_open_, "is done with a page that it had not started");
    require_text(page.text);
    require_text(page.layout);
    require_text(page.failure.message);
    to_read_.erase(page.page_no);
    page_open_ = 0;
}

void EngineProcess::accept_finished() {
    require(page_open_ == 0 && to_read_.empty(), "finished with pages missing");
    end_document();
}

void EngineProcess::end_document() {
    state_ = State::idle;
    ++documents_read_;
    // What it said of this document is not why it dies of another.
    read_stderr();
    stderr_tail_.clear();
}

std::string EngineProcess::obituary() {
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

Failure EngineProcess::cause_of_death() {
    std::string how = "the engine " + obituary();
    auto said = [this](std::string_view words) { return stderr_tail_.find(words) != std::string::npos; };
    // Poppler, libstdc++ and libjpeg end the process when there is no memory left; poppler as well when it is asked for
    // more than numbers can count.
    if (said("Bogus memory allocation size"))
        return {page_open_ != 0 ? ErrorCode::page_damaged : ErrorCode::document_damaged,
                "it asks for more memory than there can be, and " + how + "; submit it again from an undamaged file"};
    if (said("Out of memory") || said("out of memory") || said("bad_alloc") || said("Insufficient memory"))
        return {ErrorCode::engine_memory,
                "there is not enough memory to read it, and " + how + "; raise pg_ocr.engine_memory"};
    return {ErrorCode::engine_crashed, how};
}

std::string EngineProcess::drain_stderr() {
    read_stderr();
    return std::exchange(stderr_new_, {});
}

void EngineProcess::read_stderr() {
    char chunk[4096];
    // No further than a pipe is long: an engine that never stops writing must not hold its worker here.
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

void EngineProcess::set_cpu_limit(uint32_t seconds) {
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
    if (!set && errno != ESRCH) throw_error(errno, "could not limit the engine's CPU time");
}

bool EngineProcess::reap(int timeout_ms) noexcept {
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

void EngineProcess::kill_now() noexcept {
    if (pid_ == 0) return;
    ::kill(-pid_, SIGKILL);
    reap(5000);
}

uint64_t EngineProcess::resident_memory() const noexcept {
    if (pid_ == 0) return 0;
    char path[64];
    std::snprintf(path, sizeof(path), "/proc/%d/statm", static_cast<int>(pid_));
    UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    char content[128] = {};
    if (!file || ::read(file.get(), content, sizeof(content) - 1) <= 0) return 0;
    unsigned long long resident = 0;
    if (std::sscanf(content, "%*u %llu", &resident) != 1) return 0;
    return uint64_t{resident} * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace pg_ocr
