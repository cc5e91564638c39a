// How many workers run while the machine is short of memory, or busy with something else.
#pragma once

#include <cstdint>
#include <string>

#include "worker/machine.h"

namespace pg_ocr {

struct ThrottleLimits {
    double load = 0;      ///< above it there are to be fewer workers; 0: never
    uint64_t memory = 0;  ///< bytes that are to be left available; 0: none
    bool operator==(const ThrottleLimits&) const = default;
};

/// Above the load one worker goes at each look, as the load also comes from workers and follows them with a delay;
/// where memory is short all but one go at once. They come back one by one, and only once the machine is well below the
/// limit.
class Throttle {
  public:
    enum class Reason : uint8_t { none, memory, load };

    /// wanted: workers, where nothing keeps them from it.
    void look(const Machine&, const ThrottleLimits&, int wanted);
    /// At least one, where any is wanted: else what waits would never be read.
    int allowed(int wanted) const;
    Reason reason() const { return reason_; }
    /// In words; empty where there is none.
    const std::string& why() const { return why_; }

  private:
    int most_ = 0;  ///< only where there is a reason
    Reason reason_ = Reason::none;
    std::string why_;
};

}  // namespace pg_ocr
