#include "worker/providers.h"

#include <algorithm>
#include <stdexcept>

namespace pg_ocr {
namespace {

constexpr size_t most_providers = 8;
constexpr size_t longest_name = 63;

}  // namespace

std::vector<std::string> providers_of(std::string_view setting) {
    constexpr std::string_view blanks = " \t\n\r";
    std::vector<std::string> providers;
    for (size_t from = 0; from <= setting.size();) {
        const size_t end = std::min(setting.find(',', from), setting.size());
        std::string_view name = setting.substr(from, end - from);
        from = end + 1;
        name.remove_prefix(std::min(name.find_first_not_of(blanks), name.size()));
        name = name.substr(0, name.find_last_not_of(blanks) + 1);
        if (name.empty()) throw std::invalid_argument("the list lacks a name");
        if (name.size() > longest_name) throw std::invalid_argument("a name has more than 63 bytes");
        if (std::ranges::find(providers, name) != providers.end())
            throw std::invalid_argument("\"" + std::string(name) + "\" is named twice");
        providers.emplace_back(name);
    }
    if (providers.size() > most_providers) throw std::invalid_argument("there are more than 8");
    return providers;
}

}  // namespace pg_ocr
