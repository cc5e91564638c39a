// What is counted from the server's start on, over all its databases, as no table keeps it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pg_ocr {

enum class Counter : uint8_t {
    documents,
    pages_read,
    pages_skipped,
    pages_failed,
    attempts_failed,
    documents_fetched,
    engines_started,
    engines_lost,  ///< that ended by themselves, or had to be killed for taking too long
    deliveries_made,
    deliveries_failed,
    cards_left,  ///< by an engine, that went on by the CPU
};

inline constexpr size_t counter_count = 11;

constexpr std::string_view name_of(Counter counter) {
    constexpr std::array<std::string_view, counter_count> names = {
        "documents",       "pages_read",        "pages_skipped",   "pages_failed",
        "attempts_failed", "documents_fetched", "engines_started", "engines_lost",
        "deliveries_made", "deliveries_failed", "cards_left"};
    return names[static_cast<size_t>(counter)];
}

}  // namespace pg_ocr
