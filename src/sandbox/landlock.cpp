#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "sandbox/sandbox.h"

namespace pg_ocr {
namespace {

// Rights and fields that the kernel's headers of the build machine may be too old to name; see landlock(7).
constexpr uint64_t rights_of_first_version = (uint64_t{1} << 13) - 1;
constexpr uint64_t right_to_refer = uint64_t{1} << 13;
constexpr uint64_t right_to_truncate = uint64_t{1} << 14;
constexpr uint64_t right_to_ioctl_devices = uint64_t{1} << 15;
constexpr uint64_t bind_tcp = 1;
constexpr uint64_t connect_tcp = 2;
constexpr uint64_t abstract_sockets_and_signals = 3;
struct RulesetAttributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;  ///< since version 4
    uint64_t scoped;              ///< since version 6
};

constexpr uint64_t reading_files = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t reading_directories = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

/// What the engine's libraries open while they read: fonts that a PDF does not embed, poppler's encodings, libmagic's
/// database. Without the fonts such PDFs come out blank, and nobody is told.
constexpr const char* engine_reads[] = {
    "/etc/fonts",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/usr/share/X11/fonts",
    "/var/cache/fontconfig",
    "/usr/share/poppler",
    "/usr/share/misc",
    "/usr/share/file",
    "/usr/lib/file",
    "/etc/magic",
    "/etc/magic.mime",
};

/// What the C library resolves names by. Where /etc/resolv.conf is a link, the rule is on what it leads to; systemd
/// replaces that file when it changes, so there it is the directory.
constexpr const char* network_reads[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/run/systemd/resolve",
};

RulesetAttributes attributes_for(long version, Profile profile) {
    RulesetAttributes attributes{rights_of_first_version, 0, 0};
    if (version >= 2) attributes.handled_access_fs |= right_to_refer;
    if (version >= 3) attributes.handled_access_fs |= right_to_truncate;
    if (version >= 5) attributes.handled_access_fs |= right_to_ioctl_devices;
    if (version >= 4) attributes.handled_access_net = profile == Profile::network ? bind_tcp : bind_tcp | connect_tcp;
    if (version >= 6) attributes.scoped = abstract_sockets_and_signals;
    return attributes;
}

/// False: it is there, and could not be allowed.
bool allow_reading(int ruleset, const char* path) {
    UniqueFd opened(::open(path, O_PATH | O_CLOEXEC));
    if (!opened) return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
    struct stat status {};
    if (::fstat(opened.get(), &status) < 0) return false;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(status.st_mode) ? reading_directories : reading_files;
    rule.parent_fd = opened.get();
    return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

Protection failed(const std::string& step) { return {"landlock", false, step + ": " + std::strerror(errno)}; }

}  // namespace

Protection restrict_files(const SandboxSettings& settings) {
    long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) return failed("the kernel offers no Landlock (see its boot parameter lsm=)");
    RulesetAttributes attributes = attributes_for(version, settings.profile);
    UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
    if (!ruleset) return failed("landlock_create_ruleset");
    std::vector<std::string> readable;
    if (settings.profile == Profile::network) {
        readable.assign(std::begin(network_reads), std::end(network_reads));
    } else {
        readable.assign(std::begin(engine_reads), std::end(engine_reads));
        readable.push_back(settings.tessdata);
    }
    for (const std::string& path : readable) {
        if (!allow_reading(ruleset.get(), path.c_str())) return failed(path);
    }
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return failed("landlock_restrict_self");
    return {"landlock", true, "version " + std::to_string(version)};
}

}  // namespace pg_ocr
