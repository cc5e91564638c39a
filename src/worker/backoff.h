#pragma once

#include <algorithm>
#include <cstdint>

namespace pg_ocr {

/// How long to leave alone what is in trouble: a second, then twice as long each time, and a minute at most.
class Backoff {
  public:
    int64_t next_ms() { return last_ms_ = std::clamp<int64_t>(last_ms_ * 2, 1000, 60000); }
    void reset() { last_ms_ = 0; }

  private:
    int64_t last_ms_ = 0;
};

}  // namespace pg_ocr
