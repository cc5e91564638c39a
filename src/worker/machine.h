// What the machine has left for engines: its memory, and its load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pg_ocr {

struct Machine {
    /// Bytes: of the machine, or of the container where that has less. Nothing: not known.
    std::optional<uint64_t> memory;
    /// Bytes of it that can be had without swapping.
    std::optional<uint64_t> available;
    /// Processes that ran or waited to, on average over the last minute.
    std::optional<double> load;
};

/// As Linux says it at this moment: /proc/meminfo, and of cgroup v2 the group of this process with those above it.
/// root: a directory in whose proc and sys to look, for tests.
Machine look_at_machine(const std::string& root = "");

}  // namespace pg_ocr
