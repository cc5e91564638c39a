#include "protocol/sealed_document.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; the headers may be older than the kernel
#endif

namespace pg_ocr {
namespace {

int create_memory_file() {
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = ::memfd_create("pg_ocr document", flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) fd = ::memfd_create("pg_ocr document", flags);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
    return fd;
}

}  // namespace

SealedDocument::SealedDocument() : fd_(create_memory_file()) {}

void SealedDocument::append(const void* bytes, size_t size) {
    const char* from = static_cast<const char*>(bytes);
    while (size > 0) {
        ssize_t n = ::write(fd_.get(), from, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error(errno, std::generic_category(), "write to a document in memory");
        from += n;
        size -= static_cast<size_t>(n);
        size_ += static_cast<uint64_t>(n);
    }
}

UniqueFd SealedDocument::seal() {
    if (::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        throw std::system_error(errno, std::generic_category(), "seal a document in memory");
    return std::move(fd_);
}

}  // namespace pg_ocr
