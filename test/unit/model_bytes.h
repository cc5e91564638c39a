// Components of models, made by hand.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace pg_ocr::recognise {

class Written {
  public:
    Written& u8(uint32_t value) { return integer(value, 1); }
    Written& u16(uint32_t value) { return integer(value, 2); }
    Written& u32(uint32_t value) { return integer(value, 4); }
    Written& u64(uint64_t value) { return integer(value, 8); }
    const std::vector<uint8_t>& bytes() const { return bytes_; }

  private:
    Written& integer(uint64_t value, int size) {
        for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<uint8_t>(value >> (8 * i)));
        return *this;
    }
    std::vector<uint8_t> bytes_;
};

/// The codes of each character, by its id.
inline std::vector<uint8_t> recoder_bytes(const std::vector<std::vector<int32_t>>& codes) {
    Written written;
    written.u32(static_cast<uint32_t>(codes.size()));
    for (const std::vector<int32_t>& each : codes) {
        written.u8(1).u32(static_cast<uint32_t>(each.size()));
        for (const int32_t code : each) written.u32(static_cast<uint32_t>(code));
    }
    return written.bytes();
}

struct WrittenEdge {
    uint64_t unichar;
    bool is_last;
    bool ends_word;
    uint64_t node;
};

/// A list of words over up to 2^letter_bits − 1 characters.
inline std::vector<uint8_t> dawg_bytes(uint32_t letter_bits, const std::vector<WrittenEdge>& edges) {
    Written written;
    written.u16(42).u32((1u << letter_bits) - 1).u32(static_cast<uint32_t>(edges.size()));
    for (const WrittenEdge& edge : edges)
        written.u64(edge.unichar | uint64_t{edge.is_last} << letter_bits |
                    uint64_t{edge.ends_word} << (letter_bits + 2) | edge.node << (letter_bits + 3));
    return written.bytes();
}

}  // namespace pg_ocr::recognise
