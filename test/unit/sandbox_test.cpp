// Attacks from inside the sandbox. Each runs in a child that locks itself in first, as root (where the test may) and as
// an ordinary user.
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace pg_ocr {
namespace {

constexpr uint64_t memory = uint64_t{1} << 30;
constexpr uid_t nobody = 65534;

/// What a child does; returns 0 when it succeeded, else an error number, which becomes its exit code.
using Act = std::function<int()>;

/// 'exit 0', 'exit 13', 'signal 31'
std::string end_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return "exit " + std::to_string(WEXITSTATUS(status));
}

const std::string succeeded = "exit 0";
std::string refused(int error) { return "exit " + std::to_string(error); }
const std::string killed = "signal " + std::to_string(SIGSYS);

std::vector<uid_t> users() {
    if (::geteuid() == 0) return {0, nobody};
    return {::geteuid()};
}

std::string end_of_child(uid_t user, const Act& act) {
    pid_t child = ::fork();
    if (child == 0) {
        if (user != ::geteuid() && (::setgid(user) != 0 || ::setuid(user) != 0)) ::_exit(99);
        ::_exit(act());
    }
    return end_of(child);
}

Protection confine(const std::string& models) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // Landlock asks for it
    return restrict_files({Profile::engine, ::getppid(), memory, models});
}

int error_of(long result) { return result < 0 ? errno : 0; }

class Sandbox : public testing::Test {
  protected:
    Sandbox() {
        std::string pattern = testing::TempDir() + "pg_ocr_sandbox_XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        models_ = directory_ + "/models";
        std::filesystem::create_directory(models_);
        write_file(model());
        write_file(secret());
        for (const std::string& path : {directory_, models_, model(), secret()}) ::chmod(path.c_str(), 0777);
    }
    ~Sandbox() override { std::filesystem::remove_all(directory_); }

    SandboxSettings settings(Profile profile = Profile::engine) const {
        return {profile, ::getppid(), memory, profile == Profile::engine ? models_ : ""};
    }
    std::string model() const { return models_ + "/eng.traineddata"; }
    std::string secret() const { return directory_ + "/secret"; }

    /// How each kind of user's child ends that attacks from inside the whole sandbox.
    void expect(const std::string& end, const Act& attack, Profile profile = Profile::engine) const {
        for (uid_t user : users()) {
            std::string got = end_of_child(user, [&] {
                enter_sandbox(settings(profile));
                return attack();
            });
            EXPECT_EQ(got, end) << "as user " << user;
        }
    }
    void expect_of_network(const std::string& end, const Act& attack) const { expect(end, attack, Profile::network); }

    static bool has_landlock() {
        return end_of_child(::geteuid(), [] { return confine("/").holds ? 0 : 1; }) == succeeded;
    }

    std::string directory_;
    std::string models_;

  private:
    static void write_file(const std::string& path) {
        std::FILE* file = std::fopen(path.c_str(), "w");
        std::fputs("words", file);
        std::fclose(file);
    }
};

TEST_F(Sandbox, HoldsInAllItsParts) {
    uid_t user = users().back();
    std::string end = end_of_child(user, [&] {
        ::clearenv();
        ::setenv("OMP_THREAD_LIMIT", "1", 1);
        ::setenv("LC_ALL", "C.UTF-8", 1);
        if (!die_with_parent(::getppid())) return 98;
        std::vector<std::string> broken;
        std::vector<Protection> protections = enter_sandbox(settings());
        for (const Protection& protection : protections) {
            bool may_lack = protection.name == "processes" && user == 0;
            if (!protection.holds && !may_lack)
                std::fprintf(stderr, "%s: %s\n", protection.name.c_str(), protection.detail.c_str());
            if (!protection.holds && !may_lack) broken.push_back(protection.name);
        }
        if (broken == std::vector<std::string>{"landlock"}) return 0;  // a kernel without it
        return protections.size() == 12 ? static_cast<int>(broken.size()) : 97;
    });
    EXPECT_EQ(end, succeeded);
}

TEST_F(Sandbox, SaysWhatDoesNotHold) {
    auto report = [&](const std::string& name, const Act& before) {
        return end_of_child(::geteuid(), [&] {
            ::clearenv();
            before();
            for (const Protection& protection : enter_sandbox(settings())) {
                if (protection.name == name) return protection.holds ? 1 : protection.detail.empty() ? 2 : 0;
            }
            return 3;
        });
    };
    auto thread = [] {
        std::thread([] { ::poll(nullptr, 0, -1); }).detach();
        return 0;
    };
    EXPECT_EQ(report("single_thread", thread), succeeded);
    EXPECT_EQ(report("environment", [] { return ::setenv("LD_PRELOAD", "x", 1); }), succeeded);
    EXPECT_EQ(report("parent_death", [] { return 0; }), succeeded) << "nobody called die_with_parent()";
    if (::geteuid() == 0) {
        EXPECT_EQ(report("processes", [] { return 0; }), succeeded);
    }
}

TEST_F(Sandbox, NoticesAStrangerAsParent) {
    EXPECT_EQ(end_of_child(::geteuid(), [] { return die_with_parent(::getpid()) ? 1 : 0; }), succeeded);
    EXPECT_EQ(end_of_child(::geteuid(), [] { return die_with_parent(::getppid()) ? 0 : 1; }), succeeded);
}

TEST_F(Sandbox, ReadsModelsAndNothingElse) {
    expect(succeeded, [&] { return error_of(::open(model().c_str(), O_RDONLY)); });
    if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
    expect(refused(EACCES), [&] { return error_of(::open(secret().c_str(), O_RDONLY)); });
    expect(refused(EACCES), [] { return error_of(::open("/etc/passwd", O_RDONLY)); });
    expect(refused(EACCES), [] { return error_of(::open("/proc/self/environ", O_RDONLY)); });
    expect(refused(EACCES), [&] { return error_of(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY)); });
    expect(refused(EACCES), [&] { return error_of(::open((models_ + "/../secret").c_str(), O_RDONLY)); });
}

TEST_F(Sandbox, WritesNoFile) {
    std::string fresh = models_ + "/fresh";
    expect(refused(EACCES), [&] { return error_of(::open(model().c_str(), O_WRONLY)); });
    expect(refused(EACCES), [&] { return error_of(::open(model().c_str(), O_RDWR)); });
    expect(refused(EACCES), [&] { return error_of(::open(model().c_str(), O_RDONLY | O_TRUNC)); });
    expect(refused(EACCES), [&] { return error_of(::open(fresh.c_str(), O_RDONLY | O_CREAT, 0600)); });
    expect(refused(EACCES), [&] { return error_of(::open(models_.c_str(), O_TMPFILE | O_RDWR, 0600)); });
    expect(refused(EACCES), [&] { return error_of(::unlink(model().c_str())); });
    expect(refused(EACCES), [&] { return error_of(::rename(model().c_str(), fresh.c_str())); });
    expect(refused(EACCES), [&] { return error_of(::link(model().c_str(), fresh.c_str())); });
    expect(refused(EACCES), [&] { return error_of(::symlink("x", fresh.c_str())); });
    expect(refused(EACCES), [&] { return error_of(::mkdir(fresh.c_str(), 0700)); });
    expect(refused(EACCES), [&] { return error_of(::truncate(model().c_str(), 0)); });
    expect(refused(EACCES), [&] { return error_of(::chmod(model().c_str(), 0)); });
    expect(refused(EACCES), [] { return error_of(::memfd_create("x", 0)); });
    EXPECT_EQ(std::filesystem::file_size(model()), 5u);
    EXPECT_FALSE(std::filesystem::exists(fresh));
}

TEST_F(Sandbox, WritesNotEvenToAFileThatIsOpen) {
    UniqueFd open(::open(model().c_str(), O_WRONLY));
    expect("signal " + std::to_string(SIGXFSZ), [&] { return error_of(::write(open.get(), "x", 1)); });
    EXPECT_EQ(std::filesystem::file_size(model()), 5u);
}

TEST_F(Sandbox, HasNoNetwork) {
    for (int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
        expect(killed, [&] { return error_of(::socket(family, SOCK_STREAM, 0)); });
    }
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    expect(killed, [&] { return error_of(::connect(pair[0], to, sizeof(address))); });
    expect(killed, [&] { return error_of(::bind(pair[0], to, sizeof(address))); });
    expect(killed, [&] { return error_of(::sendto(pair[0], "x", 1, 0, to, sizeof(address))); });
    ::close(pair[0]);
    ::close(pair[1]);
}

TEST_F(Sandbox, StartsNothing) {
    expect(killed, [] { return error_of(::fork()); });
    expect(killed, [] { return error_of(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)); });
    expect(killed, [] { return error_of(::syscall(SYS_clone3, nullptr, 0)); });
    expect(killed, [] { return error_of(::unshare(CLONE_NEWUSER)); });
    char program[] = "/bin/true";
    char* arguments[] = {program, nullptr};
    expect(killed, [&] { return error_of(::execv(program, arguments)); });
    expect(killed, [&] { return error_of(::execveat(AT_FDCWD, program, arguments, ::environ, 0)); });
    expect(killed, [] {
        std::thread([] {}).join();
        return 0;
    });
}

TEST_F(Sandbox, TouchesNoOtherProcess) {
    expect(killed, [] { return error_of(::kill(::getppid(), SIGCONT)); });
    expect(killed, [] { return error_of(::syscall(SYS_tgkill, ::getppid(), ::getppid(), SIGCONT)); });
    expect(killed, [] { return error_of(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); });
    expect(killed, [] { return error_of(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); });
    expect(killed, [] {
        char byte = 0;
        iovec here{&byte, 1};
        return error_of(::process_vm_readv(::getppid(), &here, 1, &here, 1, 0));
    });
    // A descriptor's owner is sent SIGIO: a way to signal others.
    expect(refused(ENOSYS), [] { return error_of(::fcntl(STDIN_FILENO, F_SETOWN, ::getppid())); });
    expect("signal " + std::to_string(SIGABRT), []() -> int { std::abort(); });
}

TEST_F(Sandbox, AsksTheKernelForNothingNew) {
    expect(killed, [] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); });
    expect(killed, [] { return error_of(::syscall(SYS_bpf, 0, nullptr, 0)); });
    expect(killed, [] { return error_of(::setuid(0)); });
    expect(refused(ENOSYS), [] { return error_of(::syscall(SYS_prctl, 1, 0, 0, 0, 0)); });
    expect(refused(ENOSYS), [] { return error_of(::syscall(4000)); });
}

TEST_F(Sandbox, RaisesNoLimit) {
    rlimit any{RLIM_INFINITY, RLIM_INFINITY};
    expect(succeeded, [&] { return error_of(::getrlimit(RLIMIT_AS, &any)); });
    expect(refused(EACCES), [&] { return error_of(::setrlimit(RLIMIT_AS, &any)); });
    expect(refused(EACCES), [&] { return error_of(::prlimit(::getppid(), RLIMIT_CPU, &any, nullptr)); });
#ifdef SYS_setrlimit
    expect(refused(EACCES), [&] { return error_of(::syscall(SYS_setrlimit, RLIMIT_CPU, &any)); });
#endif
}

TEST_F(Sandbox, MakesNothingExecutable) {
    auto map = [](size_t size, int protection) {
        return ::mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    };
    expect(succeeded, [&] { return map(4096, PROT_READ | PROT_WRITE) == MAP_FAILED ? errno : 0; });
    expect(refused(EACCES), [&] { return map(4096, PROT_READ | PROT_EXEC) == MAP_FAILED ? errno : 0; });
    expect(refused(EACCES),
           [&] { return error_of(::mprotect(map(4096, PROT_READ | PROT_WRITE), 4096, PROT_READ | PROT_EXEC)); });
    expect(refused(ENOMEM), [&] { return map(memory, PROT_READ | PROT_WRITE) == MAP_FAILED ? errno : 0; });
}

TEST_F(Sandbox, OpensFewFiles) {
    expect(refused(EMFILE), [&] {
        for (int i = 0; i < 33; ++i) {
            if (::dup(STDIN_FILENO) < 0) return errno;
        }
        return 0;
    });
}

/// One wall may fall: each mechanism alone stops what the others stop as well.
TEST_F(Sandbox, LandlockHoldsAlone) {
    if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
    auto alone = [&](const Act& act) {
        return end_of_child(::geteuid(), [&] { return confine(models_).holds ? act() : 98; });
    };
    EXPECT_EQ(alone([&] { return error_of(::open(model().c_str(), O_RDONLY)); }), succeeded);
    EXPECT_EQ(alone([&] { return error_of(::open(secret().c_str(), O_RDONLY)); }), refused(EACCES));
    EXPECT_EQ(alone([&] { return error_of(::open(model().c_str(), O_WRONLY)); }), refused(EACCES));
    EXPECT_EQ(alone([&] { return error_of(::unlink(model().c_str())); }), refused(EACCES));
}

TEST_F(Sandbox, LimitsHoldAlone) {
    auto alone = [&](const Act& act) {
        return end_of_child(users().back(), [&] {
            limit_resources(settings());
            return act();
        });
    };
    if (users().back() != 0) {
        EXPECT_EQ(alone([] { return error_of(::fork()); }), refused(EAGAIN));
    }
    EXPECT_EQ(alone([] {
                  rlimit core{};
                  ::getrlimit(RLIMIT_CORE, &core);
                  return core.rlim_max == 0 ? 0 : 1;
              }),
              succeeded);
}

TEST_F(Sandbox, BurnsNoMoreProcessorTimeThanItsParentAllows) {
    int locked_in[2];
    ASSERT_EQ(::pipe(locked_in), 0);
    pid_t child = ::fork();
    if (child == 0) {
        enter_sandbox(settings());
        volatile ssize_t turns = ::write(locked_in[1], "x", 1);
        for (;;) turns = turns + 1;
    }
    char byte = 0;
    EXPECT_EQ(::read(locked_in[0], &byte, 1), 1);
    rlimit one_second{1, RLIM_INFINITY};
    bool limited = ::prlimit(child, RLIMIT_CPU, &one_second, nullptr) == 0;
    EXPECT_TRUE(limited);
    if (!limited) ::kill(child, SIGKILL);
    EXPECT_EQ(end_of(child), "signal " + std::to_string(SIGXCPU));
    ::close(locked_in[0]);
    ::close(locked_in[1]);
}

TEST_F(Sandbox, OfTheNetworkHoldsInAllItsParts) {
    const std::string end = end_of_child(users().back(), [&] {
        ::clearenv();
        if (!die_with_parent(::getppid())) return 98;
        int broken = 0;
        const std::vector<Protection> protections = enter_sandbox(settings(Profile::network));
        for (const Protection& protection : protections) {
            if (!protection.holds) std::fprintf(stderr, "%s: %s\n", protection.name.c_str(), protection.detail.c_str());
            if (!protection.holds && protection.name != "landlock") ++broken;
        }
        return protections.size() == 9 ? broken : 97;
    });
    EXPECT_EQ(end, succeeded);
}

TEST_F(Sandbox, OfTheNetworkResolvesNamesAndReadsNothingElse) {
    auto resolve = [](const char* name) {
        addrinfo* found = nullptr;
        const int error = ::getaddrinfo(name, "80", nullptr, &found);
        if (error == 0) ::freeaddrinfo(found);
        return error;
    };
    resolve("localhost");  // loads what it resolves with
    expect_of_network(succeeded, [&] { return resolve("localhost"); });
    expect_of_network(succeeded, [] { return error_of(::open("/etc/hosts", O_RDONLY)); });
    if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
    for (const std::string& path : {secret(), model(), std::string("/etc/passwd"), std::string("/proc/self/environ"),
                                    std::string("/etc"), std::string("/etc/ssl/certs/ca-certificates.crt")})
        expect_of_network(refused(EACCES), [&] {
            return ::access(path.c_str(), F_OK) == 0 ? error_of(::open(path.c_str(), O_RDONLY)) : EACCES;
        });
}

TEST_F(Sandbox, OfTheNetworkWritesNoFileButInMemory) {
    const std::string fresh = directory_ + "/fresh";
    expect_of_network(refused(EACCES), [&] { return error_of(::open(model().c_str(), O_WRONLY)); });
    expect_of_network(refused(EACCES), [&] { return error_of(::open(fresh.c_str(), O_RDWR | O_CREAT, 0600)); });
    expect_of_network(refused(EACCES), [&] { return error_of(::unlink(model().c_str())); });
    expect_of_network(refused(EACCES), [&] { return error_of(::rename(model().c_str(), fresh.c_str())); });
    expect_of_network(refused(EACCES), [&] { return error_of(::chmod(model().c_str(), 0)); });
    expect_of_network(succeeded, [] {
        const int fd = ::memfd_create("x", MFD_ALLOW_SEALING);
        if (fd < 0 || ::write(fd, "words", 5) != 5) return errno;
        return error_of(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    });
    EXPECT_EQ(std::filesystem::file_size(model()), 5u);
}

TEST_F(Sandbox, OfTheNetworkTalksToServersButIsNone) {
    for (int family : {AF_INET, AF_INET6}) {
        for (int type : {int{SOCK_STREAM}, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK}) {
            expect_of_network(succeeded, [&] {
                const int error = error_of(::socket(family, type, 0));
                return error == EAFNOSUPPORT ? 0 : error;  // a host without IPv6
            });
        }
    }
    // Other processes of this host may listen there and trust whoever comes.
    expect_of_network(refused(EAFNOSUPPORT), [] { return error_of(::socket(AF_UNIX, SOCK_STREAM, 0)); });
    expect_of_network(refused(EAFNOSUPPORT), [] { return error_of(::socket(AF_NETLINK, SOCK_RAW, 0)); });
    expect_of_network(refused(ENOSYS), [] { return error_of(::socket(AF_PACKET, SOCK_RAW, 0)); });
    expect_of_network(refused(ENOSYS), [] { return error_of(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); });
    expect_of_network(refused(ENOSYS), [] { return error_of(::socket(AF_VSOCK, SOCK_STREAM, 0)); });
    expect_of_network(killed, [] {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        return error_of(
            ::bind(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address), sizeof(address)));
    });
    expect_of_network(killed, [] { return error_of(::listen(::socket(AF_INET, SOCK_STREAM, 0), 1)); });
}

TEST_F(Sandbox, OfTheNetworkHasThreadsButNoProcesses) {
    expect_of_network(succeeded, [] {
        std::thread([] {}).join();
        return 0;
    });
    expect_of_network(killed, [] { return error_of(::fork()); });
    expect_of_network(
        killed, [] { return error_of(::syscall(SYS_clone, CLONE_VM | SIGCHLD, nullptr, nullptr, nullptr, nullptr)); });
    expect_of_network(refused(ENOSYS), [] { return error_of(::syscall(SYS_clone3, nullptr, 0)); });
    expect_of_network(killed, [] { return error_of(::unshare(CLONE_NEWUSER)); });
    char program[] = "/bin/true";
    char* arguments[] = {program, nullptr};
    expect_of_network(killed, [&] { return error_of(::execv(program, arguments)); });
    expect_of_network(killed, [] { return error_of(::kill(::getppid(), SIGCONT)); });
    expect_of_network(killed, [] { return error_of(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); });
    expect_of_network(killed, [] { return error_of(::setuid(0)); });
    expect_of_network(refused(EACCES), [] {
        return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                                              : 0;
    });
    expect_of_network(refused(ENOMEM), [] {
        return ::mmap(nullptr, memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                                                 : 0;
    });
}

}  // namespace
}  // namespace pg_ocr
