#include "worker/reserved_workers.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>

namespace pg_ocr {
namespace {

constexpr uint32_t most_workers = 1024;

std::string_view trimmed(std::string_view text) {
    const size_t from = text.find_first_not_of(" \t\n\r");
    return from == std::string_view::npos ? "" : text.substr(from, text.find_last_not_of(" \t\n\r") - from + 1);
}

uint32_t number_in(std::string_view text, std::string_view item) {
    uint32_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > most_workers)
        throw std::invalid_argument("\"" + std::string(item) + "\" does not say how many workers, from 0 to " +
                                    std::to_string(most_workers));
    return number;
}

}  // namespace

std::vector<ReservedWorkers> reserved_workers_of(std::string_view setting) {
    std::vector<ReservedWorkers> reserved;
    if (trimmed(setting).empty()) return reserved;
    for (size_t from = 0; from <= setting.size();) {
        const size_t end = std::min(setting.find(',', from), setting.size());
        const std::string_view item = trimmed(setting.substr(from, end - from));
        from = end + 1;
        const size_t equals = item.find('=');
        if (equals == std::string_view::npos)
            throw std::invalid_argument("\"" + std::string(item) + "\" is not of the form tier=number");
        const Tier tier = tier_of(trimmed(item.substr(0, equals)));
        if (std::any_of(reserved.begin(), reserved.end(), [&](const auto& other) { return other.tier == tier; }))
            throw std::invalid_argument("tier " + std::string(name_of(tier)) + " is named twice");
        reserved.push_back({tier, number_in(trimmed(item.substr(equals + 1)), item)});
    }
    return reserved;
}

uint32_t count_of(const std::vector<ReservedWorkers>& reserved) {
    uint32_t count = 0;
    for (const ReservedWorkers& each : reserved) count += each.count;
    return count;
}

std::optional<Tier> tier_of_worker(const std::vector<ReservedWorkers>& reserved, uint32_t workers_before) {
    for (const ReservedWorkers& each : reserved) {
        if (workers_before < each.count) return each.tier;
        workers_before -= each.count;
    }
    return std::nullopt;
}

}  // namespace pg_ocr
