// Documents of a store of type file: read by the server itself, from a directory and nowhere else.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>

#include "worker/fetched.h"

namespace pg_ocr {

/// Opens what is beneath a directory, for its name only (O_PATH) or with these flags: never through a symbolic link,
/// and never above the directory. -1 and errno where it cannot be had.
UniqueFd open_beneath(int directory, const std::string& name, uint64_t flags, uint64_t mode = 0);

/// The directory of a store of type file. Throws std::system_error, naming it.
UniqueFd open_directory(const std::string& path);

/// Which version of a file this is: its number, size and time of change.
std::string etag_of(const struct stat&);

/// How the names of files begin that put_file() has not finished.
inline constexpr char unfinished_file[] = ".pg_ocr_put.";

/// What an errno of opening or reading a file of a store means for its job.
Failure failure_of_file(int error, const std::string& name);

/// Reads one regular file; what changes meanwhile is no document yet (store_unavailable). `go_on` is asked now and
/// then; where it says false, the failure is without a code and so is the document. Throws std::system_error where
/// there is no memory.
Fetched fetch_file(const Options& store, const std::string& name, uint64_t max_size,
                   const std::function<bool()>& go_on);

/// Writes a file, and the directories on the way to it; one of that name is replaced in one step. Returns the new one's
/// etag, or the failure.
struct Put {
    Failure failure;
    std::string etag;
};
Put put_file(const Options& store, const std::string& name, const void* bytes, size_t size);

}  // namespace pg_ocr
