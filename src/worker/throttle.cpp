#include "worker/throttle.h"

#include <algorithm>
#include <cstdio>

namespace pg_ocr {
namespace {

constexpr double calm_share = 0.8;    ///< of the limit, below which the load is no trouble any more
constexpr double ample_share = 1.25;  ///< of the limit, above which memory is none

std::string load_in_words(double load, double limit) {
    char text[128];
    std::snprintf(text, sizeof(text), "the machine's load is %.4g, and pg_ocr.max_load %.4g", load, limit);
    return text;
}

std::string memory_in_words(uint64_t available, uint64_t limit) {
    return "the machine has " + std::to_string(available >> 20) +
           " MB of memory to spare, and pg_ocr.min_available_memory is " + std::to_string(limit >> 20) + " MB";
}

}  // namespace

void Throttle::look(const Machine& machine, const ThrottleLimits& limits, int wanted) {
    const bool load_counts = limits.load > 0 && machine.load;
    const bool memory_counts = limits.memory > 0 && machine.available;
    const bool is_short = memory_counts && *machine.available < limits.memory;
    const bool is_ample =
        !memory_counts || static_cast<double>(*machine.available) > ample_share * static_cast<double>(limits.memory);
    const bool is_busy = load_counts && *machine.load > limits.load;
    const bool is_calm = !load_counts || *machine.load < calm_share * limits.load;
    const int present = allowed(wanted);
    if (is_short) {
        reason_ = Reason::memory;
        most_ = 1;
    } else if (is_busy) {
        reason_ = Reason::load;
        most_ = std::max(1, present - 1);
    } else if (is_calm && is_ample) {
        most_ = present + 1;
    }
    const bool no_limit = reason_ == Reason::memory ? !memory_counts : !load_counts;
    if (no_limit || most_ >= wanted || wanted <= 1) reason_ = Reason::none;
    why_ = reason_ == Reason::none     ? ""
           : reason_ == Reason::memory ? memory_in_words(*machine.available, limits.memory)
                                       : load_in_words(*machine.load, limits.load);
}

int Throttle::allowed(int wanted) const { return reason_ == Reason::none ? wanted : std::min(most_, wanted); }

}  // namespace pg_ocr
