// Memory that the service shares with one engine: lines' pixels come in it, their scores go back. What is in it is the
// engine's to change at any time, so it is only ever taken for numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/frame.h"

namespace pg_ocr {

class SharedLines {
  public:
    /// Pages are taken from the machine when they are first written. Throws std::system_error.
    explicit SharedLines(size_t bytes);
    ~SharedLines();
    SharedLines(const SharedLines&) = delete;
    SharedLines& operator=(const SharedLines&) = delete;
    /// Of a memory file that can neither shrink nor grow.
    int file() const { return file_.get(); }
    uint8_t* bytes() const { return bytes_; }
    size_t size() const { return size_; }

  private:
    UniqueFd file_;
    uint8_t* bytes_ = nullptr;
    size_t size_;
};

}  // namespace pg_ocr
