#include "recognise/recoder.h"

#include <algorithm>
#include <array>

namespace pg_ocr::recognise {
namespace {

constexpr size_t smallest_entry = 1 + 4 + 4;

uint64_t key(uint32_t node, int32_t code) { return uint64_t{node} << 32 | static_cast<uint32_t>(code); }

}  // namespace

Recoder Recoder::parse(ModelBytes& from, uint32_t classes) {
    Recoder recoder(classes);
    const uint32_t entries = from.count(smallest_entry);
    for (uint32_t entry = 0; entry < entries; ++entry) {
        from.i8();  // whether it is the first of those that share its codes
        const int32_t length = from.i32();
        if (length < 1 || static_cast<size_t>(length) > most_codes)
            throw ModelError("has a character of " + std::to_string(length) + " codes");
        std::array<int32_t, most_codes> codes{};
        for (int32_t i = 0; i < length; ++i) {
            codes[i] = from.i32();
            if (codes[i] < 0 || static_cast<uint32_t>(codes[i]) >= classes)
                throw ModelError("has a code that its network has no class for");
        }
        recoder.add(std::span(codes).first(static_cast<size_t>(length)), static_cast<int32_t>(entry));
        if (entry == 0 && codes[0] != 0) throw ModelError("does not begin with the space");
    }
    if (entries == 0) throw ModelError("has no codes");
    return recoder;
}

Recoder Recoder::pass_through(uint32_t classes) {
    Recoder recoder(classes);
    for (uint32_t id = 0; id < classes; ++id) {
        const auto code = static_cast<int32_t>(id);
        recoder.add(std::span(&code, 1), code);
    }
    return recoder;
}

void Recoder::add(std::span<const int32_t> codes, int32_t unichar) {
    ++size_;
    longest_ = std::max(longest_, codes.size());
    for (const int32_t code : codes) code_range_ = std::max(code_range_, code + 1);
    uint32_t node = 0;
    for (const int32_t code : codes.first(codes.size() - 1)) {
        const auto [found, is_new] = next_.try_emplace(key(node, code), static_cast<uint32_t>(nodes_.size()));
        if (is_new) {
            if (node == 0) ranks_[code].beginning = static_cast<int32_t>(nodes_[node].beginnings.size());
            nodes_[node].beginnings.push_back(code);
            nodes_.emplace_back();
        }
        node = found->second;
    }
    std::vector<Ending>& endings = nodes_[node].endings;
    const auto [found, is_new] = ending_.try_emplace(key(node, codes.back()), static_cast<uint32_t>(endings.size()));
    if (is_new) {
        if (node == 0) ranks_[codes.back()].ending = static_cast<int32_t>(endings.size());
        endings.push_back({codes.back(), unichar});
    } else {
        endings[found->second].unichar = unichar;  // of those that share their codes, the last is read
    }
}

const Recoder::Node* Recoder::after(std::span<const int32_t> codes) const {
    uint32_t node = 0;
    for (const int32_t code : codes) {
        const auto found = next_.find(key(node, code));
        if (found == next_.end()) return nullptr;
        node = found->second;
    }
    return &nodes_[node];
}

}  // namespace pg_ocr::recognise
