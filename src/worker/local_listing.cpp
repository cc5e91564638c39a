#include "worker/local_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "worker/child_process.h"
#include "worker/local_file.h"

namespace pg_ocr {
namespace {

constexpr size_t deepest = 100;  // each level keeps a descriptor

bool begins_with(const std::string& text, const std::string& with) { return text.compare(0, with.size(), with) == 0; }

/// What the entry is, without following a symbolic link; 0 where it has gone.
mode_t kind_of(int directory, const char* name, unsigned char said) {
    if (said == DT_REG) return S_IFREG;
    if (said == DT_DIR) return S_IFDIR;
    struct stat status {};
    if (said != DT_UNKNOWN || ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return 0;
    return status.st_mode & S_IFMT;
}

}  // namespace

LocalListing::LocalListing(const std::string& directory, std::string prefix) : prefix_(std::move(prefix)) {
    UniqueFd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root)
        throw std::system_error(errno, std::generic_category(), "the directory \"" + directory + "\" cannot be read");
    enter(std::move(root), "");
}

bool LocalListing::may_lead_to_prefix(const std::string& key) const {
    return begins_with(key, prefix_) || (key.back() == '/' && begins_with(prefix_, key));
}

void LocalListing::enter(UniqueFd directory, const std::string& path) {
    Level level{std::move(directory), path, {}};
    UniqueFd to_read(::fcntl(level.directory.get(), F_DUPFD_CLOEXEC, 0));
    std::unique_ptr<DIR, int (*)(DIR*)> listing(to_read ? ::fdopendir(to_read.get()) : nullptr, ::closedir);
    if (!listing) throw std::system_error(errno, std::generic_category(), "a directory cannot be read");
    to_read.release();
    errno = 0;
    while (const dirent* found = ::readdir(listing.get())) {
        const std::string name = found->d_name;
        if (name == "." || name == ".." || begins_with(name, unfinished_file)) continue;
        const mode_t kind = kind_of(level.directory.get(), found->d_name, found->d_type);
        if (kind != S_IFREG && kind != S_IFDIR) continue;
        Entry entry{kind == S_IFDIR ? name + '/' : name};
        if (!may_lead_to_prefix(path + entry.name)) continue;
        if (!is_text(name)) {
            complaints_.push_back("a name in \"" + path + "\" is not UTF-8 and is left out");
            continue;
        }
        level.entries.push_back(std::move(entry));
        errno = 0;
    }
    if (errno != 0)
        complaints_.push_back("the directory \"" + path + "\" cannot be read to its end: " + std::strerror(errno));
    std::sort(level.entries.begin(), level.entries.end(),
              [](const Entry& left, const Entry& right) { return left.name > right.name; });
    levels_.push_back(std::move(level));
}

std::optional<StoredObject> LocalListing::next() {
    while (!levels_.empty()) {
        Level& level = levels_.back();
        if (level.entries.empty()) {
            levels_.pop_back();
            continue;
        }
        const Entry entry = std::move(level.entries.back());
        level.entries.pop_back();
        const std::string key = level.path + entry.name;
        if (entry.is_directory()) {
            const std::string name = entry.name.substr(0, entry.name.size() - 1);
            UniqueFd below = levels_.size() < deepest
                                 ? open_beneath(level.directory.get(), name, O_RDONLY | O_DIRECTORY)
                                 : UniqueFd();
            if (below)
                enter(std::move(below), key);
            else if (levels_.size() >= deepest)
                complaints_.push_back("the directory \"" + key + "\" is too deep and is left out");
            else if (errno != ENOENT)
                complaints_.push_back("the directory \"" + key + "\" is left out: " + std::strerror(errno));
            continue;
        }
        struct stat status {};
        if (::fstatat(level.directory.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(status.st_mode))
            continue;
        return StoredObject{key, static_cast<uint64_t>(status.st_size), etag_of(status),
                            int64_t{status.st_mtim.tv_sec} * 1000000 + status.st_mtim.tv_nsec / 1000};
    }
    return std::nullopt;
}

std::vector<std::string> LocalListing::take_complaints() { return std::exchange(complaints_, {}); }

}  // namespace pg_ocr
