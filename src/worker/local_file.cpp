#include "worker/local_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "protocol/sealed_document.h"
#include "worker/sha256.h"

namespace pg_ocr {
namespace {

constexpr size_t chunk_bytes = 1 << 20;
constexpr uint64_t bytes_between_looks = 64 << 20;

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

bool same_version(const struct stat& left, const struct stat& right) {
    return left.st_size == right.st_size && left.st_mtim.tv_sec == right.st_mtim.tv_sec &&
           left.st_mtim.tv_nsec == right.st_mtim.tv_nsec;
}

Failure changing(const std::string& name) {
    return {ErrorCode::store_unavailable, "the file " + quoted(name) + " was written to while it was read"};
}

}  // namespace

UniqueFd open_beneath(int directory, const std::string& name, uint64_t flags, uint64_t mode) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    // EAGAIN: something was renamed meanwhile, and the kernel cannot tell any more where it is.
    for (int tries = 0; tries < 10; ++tries) {
        UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how))));
        if (fd || (errno != EAGAIN && errno != EINTR)) return fd;
    }
    return UniqueFd();
}

UniqueFd open_directory(const std::string& path) {
    UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        throw std::system_error(errno, std::generic_category(), "the directory " + quoted(path) + " cannot be opened");
    return directory;
}

std::string etag_of(const struct stat& status) {
    char text[80];
    std::snprintf(text, sizeof(text), "%llx-%llx-%llx", static_cast<unsigned long long>(status.st_ino),
                  static_cast<unsigned long long>(status.st_size),
                  static_cast<unsigned long long>(status.st_mtim.tv_sec) * 1000000000 +
                      static_cast<unsigned long long>(status.st_mtim.tv_nsec));
    return text;
}

Failure failure_of_file(int error, const std::string& name) {
    const std::string file = "the file " + quoted(name);
    switch (error) {
        case ENOENT:
        case ENOTDIR:
        case ENAMETOOLONG:
            return {ErrorCode::document_missing, file + " does not exist"};
        case EACCES:
        case EPERM:
            return {ErrorCode::store_denied, "the database server's user may not open " + file};
        case ELOOP:
        case EXDEV:
            return {ErrorCode::store_refused, file + " is a symbolic link or behind one, which stores do not follow"};
        case ENOSYS:
            return {ErrorCode::store_refused, "stores of type file need Linux 5.6, which has openat2"};
        default:
            return {ErrorCode::store_unavailable, file + " cannot be read: " + std::strerror(error)};
    }
}

Fetched fetch_file(const Options& store, const std::string& name, uint64_t max_size,
                   const std::function<bool()>& go_on) {
    Fetched fetched;
    UniqueFd directory;
    try {
        directory = open_directory(option_of(store, "directory"));
    } catch (const std::system_error& error) {
        fetched.failure = {ErrorCode::store_unavailable, error.what()};
        return fetched;
    }
    // First for its name only: to open a device, or a pipe that nobody writes to, may have effects or wait.
    UniqueFd found = open_beneath(directory.get(), name, O_PATH);
    struct stat before {};
    if (!found || ::fstat(found.get(), &before) < 0) {
        fetched.failure = failure_of_file(errno, name);
        return fetched;
    }
    if (!S_ISREG(before.st_mode)) {
        fetched.failure = {ErrorCode::store_refused, quoted(name) + " is not a regular file"};
        return fetched;
    }
    UniqueFd file(
        ::open(("/proc/self/fd/" + std::to_string(found.get())).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) {
        fetched.failure = failure_of_file(errno, name);
        return fetched;
    }
    if (static_cast<uint64_t>(before.st_size) > max_size) {
        fetched.failure = {ErrorCode::document_too_large, "the file " + quoted(name) + " has " +
                                                              std::to_string(before.st_size) +
                                                              " bytes, more than the " + std::to_string(max_size) +
                                                              " that pg_ocr.max_document_size allows"};
        return fetched;
    }

    SealedDocument document;
    Sha256 sha256;
    std::vector<char> chunk(chunk_bytes);
    uint64_t look_at = bytes_between_looks;
    for (;;) {
        const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            fetched.failure = failure_of_file(errno, name);
            return fetched;
        }
        if (n == 0) break;
        if (document.size() + static_cast<uint64_t>(n) > static_cast<uint64_t>(before.st_size)) {
            fetched.failure = changing(name);
            return fetched;
        }
        document.append(chunk.data(), static_cast<size_t>(n));
        sha256.update(chunk.data(), static_cast<size_t>(n));
        if (document.size() >= look_at) {
            if (!go_on()) return fetched;
            look_at += bytes_between_looks;
        }
    }
    struct stat after {};
    if (::fstat(file.get(), &after) < 0 || !same_version(before, after) ||
        document.size() != static_cast<uint64_t>(before.st_size)) {
        fetched.failure = changing(name);
        return fetched;
    }
    fetched.etag = etag_of(before);
    fetched.size = document.size();
    fetched.sha256 = sha256.digest();
    fetched.document = document.seal();
    return fetched;
}

namespace {

constexpr mode_t file_mode = 0644;  // as COPY TO writes them: the server's own umask is for its data directory
constexpr mode_t directory_mode = 0755;

[[noreturn]] void throw_errno() { throw std::system_error(errno, std::generic_category()); }

/// The directory of a name beneath another, made where it is not there.
UniqueFd directory_for(UniqueFd directory, const std::string& name) {
    for (size_t at = 0, slash = name.find('/'); slash != std::string::npos;
         at = slash + 1, slash = name.find('/', at)) {
        const std::string part = name.substr(at, slash - at);
        UniqueFd next = open_beneath(directory.get(), part, O_PATH | O_DIRECTORY);
        if (!next && errno == ENOENT) {
            if (::mkdirat(directory.get(), part.c_str(), directory_mode) < 0 && errno != EEXIST) throw_errno();
            next = open_beneath(directory.get(), part, O_RDONLY | O_DIRECTORY);
            if (next && ::fchmod(next.get(), directory_mode) < 0) throw_errno();
        }
        if (!next) throw_errno();
        directory = std::move(next);
    }
    return directory;
}

/// A file on its way: goes again, unless it was given its name.
class UnfinishedFile {
  public:
    explicit UnfinishedFile(int directory) : directory_(directory) {
        using namespace std::chrono;
        name_ = unfinished_file + std::to_string(::getpid()) + "." +
                std::to_string(system_clock::now().time_since_epoch().count());
        fd_ = open_beneath(directory, name_, O_WRONLY | O_CREAT | O_EXCL, file_mode);
        if (!fd_) throw_errno();
    }
    ~UnfinishedFile() {
        if (!name_.empty()) ::unlinkat(directory_, name_.c_str(), 0);
    }
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;

    void write(const void* bytes, size_t size) {
        const char* from = static_cast<const char*>(bytes);
        while (size > 0) {
            const ssize_t n = ::write(fd_.get(), from, std::min(size, chunk_bytes));
            if (n < 0 && errno != EINTR) throw_errno();
            if (n < 0) continue;
            from += n;
            size -= static_cast<size_t>(n);
        }
        if (::fchmod(fd_.get(), file_mode) < 0 || ::fsync(fd_.get()) < 0) throw_errno();
    }
    /// Returns its etag.
    std::string finish(const std::string& name) {
        struct stat status {};
        if (::renameat(directory_, name_.c_str(), directory_, name.c_str()) < 0) throw_errno();
        name_.clear();
        if (::fstat(fd_.get(), &status) < 0) throw_errno();
        return etag_of(status);
    }

  private:
    int directory_;
    std::string name_;
    UniqueFd fd_;
};

}  // namespace

Put put_file(const Options& store, const std::string& name, const void* bytes, size_t size) {
    try {
        UniqueFd directory = directory_for(open_directory(option_of(store, "directory")), name);
        UnfinishedFile file(directory.get());
        file.write(bytes, size);
        std::string etag = file.finish(name.substr(name.rfind('/') + 1));
        // The name is to be there after a crash as well.
        UniqueFd readable = open_beneath(directory.get(), ".", O_RDONLY | O_DIRECTORY);
        if (readable) ::fsync(readable.get());
        return {{}, etag};
    } catch (const std::system_error& error) {
        Failure failure = failure_of_file(error.code().value(), name);
        if (failure.code != ErrorCode::store_refused)
            failure.message = "the file \"" + name + "\" cannot be written: " + std::strerror(error.code().value());
        return {failure, ""};
    }
}

}  // namespace pg_ocr
