#include "gpu/shared_lines.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pg_ocr {
namespace {

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

SharedLines::SharedLines(size_t bytes)
    : file_(::memfd_create("pg_ocr lines", MFD_CLOEXEC | MFD_ALLOW_SEALING)), size_(bytes) {
    if (!file_) throw_errno("memfd_create");
    if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) throw_errno("ftruncate");
    if (::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) throw_errno("fcntl");
    void* mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (mapped == MAP_FAILED) throw_errno("mmap");
    bytes_ = static_cast<uint8_t*>(mapped);
}

SharedLines::~SharedLines() { ::munmap(bytes_, size_); }

}  // namespace pg_ocr
