#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sandbox/sandbox.h"

namespace pg_ocr {
namespace {

constexpr rlim_t start_cpu_seconds = 600;  // enough for the first document, should nobody renew it
constexpr rlim_t most_open_files = 32;     // with four, pages of PDFs come out blank and nobody is told
constexpr rlim_t most_open_sockets = 4096;

Protection limit(const char* name, __rlimit_resource resource, rlim_t value, std::string detail) {
    rlimit bound{value, value};
    if (::setrlimit(resource, &bound) == 0) return {name, true, std::move(detail)};
    return {name, false, std::strerror(errno)};
}

/// Only the soft limit: the worker renews it from outside, and may do so without privileges up to the hard one.
Protection limit_cpu() {
    rlimit bound{};
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    if (::getrlimit(RLIMIT_CPU, &bound) != 0) return {"cpu", false, std::strerror(errno)};
    bound.rlim_cur =
        std::min(static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + start_cpu_seconds, bound.rlim_max);
    if (::setrlimit(RLIMIT_CPU, &bound) != 0) return {"cpu", false, std::strerror(errno)};
    return {"cpu", true, std::to_string(start_cpu_seconds) + " s to begin with"};
}

Protection limit_processes() {
    Protection protection = limit("processes", RLIMIT_NPROC, 0, "0");
    if (protection.holds && ::geteuid() == 0) {
        protection.holds = false;
        protection.detail = "the limit means nothing to root; run the server as another user";
    }
    return protection;
}

/// A core file would hold the document; and where cores are piped to a program, RLIMIT_CORE does not stop them.
Protection forbid_core_dumps() {
    Protection protection = limit("core_dumps", RLIMIT_CORE, 0, "0");
    if (protection.holds && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        protection = {"core_dumps", false, std::strerror(errno)};
    return protection;
}

/// As many as the host gives, and no more than so many: PostgreSQL's own soft limit may be too low for many transfers.
Protection limit_open_sockets() {
    rlimit bound{};
    if (::getrlimit(RLIMIT_NOFILE, &bound) != 0) return {"open_files", false, std::strerror(errno)};
    const rlim_t most = std::min(bound.rlim_max, most_open_sockets);
    return limit("open_files", RLIMIT_NOFILE, most, std::to_string(most));
}

}  // namespace

std::vector<Protection> limit_resources(const SandboxSettings& settings) {
    Protection memory =
        limit("memory", RLIMIT_AS, settings.memory, std::to_string(settings.memory >> 20) + " MiB of address space");
    // It lives as long as its worker and writes memory files, and its threads count as processes: of all the user's.
    if (settings.profile == Profile::network) return {memory, limit_open_sockets(), forbid_core_dumps()};
    return {
        memory,
        limit_cpu(),
        limit("file_size", RLIMIT_FSIZE, 0, "0"),
        limit_processes(),
        limit("open_files", RLIMIT_NOFILE, most_open_files, std::to_string(most_open_files)),
        forbid_core_dumps(),
    };
}

}  // namespace pg_ocr
