#include "sandbox/sandbox.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

namespace pg_ocr {
namespace {

Protection parent_death(pid_t parent) {
    int signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &signal);
    bool holds = signal == SIGKILL && ::getppid() == parent;
    return {"parent_death", holds, holds ? "" : "the kernel would not kill this process when its parent ends"};
}

/// A thread that is older than the sandbox would be outside of it.
Protection single_thread() {
    std::ifstream status("/proc/self/status");
    std::string word;
    int threads = 0;
    while (status >> word) {
        if (word == "Threads:" && status >> threads) break;
    }
    if (threads == 0) return {"single_thread", false, "/proc/self/status does not say how many threads there are"};
    return {"single_thread", threads == 1, threads == 1 ? "" : std::to_string(threads) + " threads are running"};
}

/// Variables such as LD_PRELOAD, GCONV_PATH or FONTCONFIG_FILE would let others decide what the process loads.
Protection clean_environment() {
    std::string foreign;
    for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
        std::string_view name(*variable, std::strcspn(*variable, "="));
        if (name != "OMP_THREAD_LIMIT" && name != "LC_ALL") foreign.append(foreign.empty() ? "" : " ").append(name);
    }
    return {"environment", foreign.empty(), foreign.empty() ? "" : "it has " + foreign};
}

Protection no_new_privileges() {
    bool holds = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    return {"no_new_privs", holds, holds ? "" : std::strerror(errno)};
}

}  // namespace

std::vector<Protection> enter_sandbox(const SandboxSettings& settings) {
    std::vector<Protection> protections;
    protections.push_back(parent_death(settings.parent));
    protections.push_back(single_thread());
    protections.push_back(clean_environment());
    protections.push_back(no_new_privileges());
    protections.push_back(restrict_files(settings));
    for (Protection& limit : limit_resources(settings)) protections.push_back(std::move(limit));
    protections.push_back(filter_system_calls(settings.profile));
    return protections;
}

}  // namespace pg_ocr
