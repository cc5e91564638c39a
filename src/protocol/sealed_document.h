// A document on its way to the engine: a memory file that nobody can change any more, so that it may be mapped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/frame.h"

namespace pg_ocr {

class SealedDocument {
  public:
    /// Throws std::system_error.
    SealedDocument();
    /// Adds bytes at the end. Throws std::system_error.
    void append(const void* bytes, size_t size);
    uint64_t size() const { return size_; }
    /// Seals it against shrinking, growing and writing, and gives it away. Throws std::system_error.
    UniqueFd seal();

  private:
    UniqueFd fd_;
    uint64_t size_ = 0;
};

}  // namespace pg_ocr
