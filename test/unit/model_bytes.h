// Components of models, made by hand.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "recognise/model_file.h"
#include "recognise/network.h"

namespace pg_ocr::recognise {

class Written {
  public:
    Written& u8(uint32_t value) { return integer(value, 1); }
    Written& u16(uint32_t value) { return integer(value, 2); }
    Written& u32(uint32_t value) { return integer(value, 4); }
    Written& u64(uint64_t value) { return integer(value, 8); }
    Written& i32(int64_t value) { return integer(static_cast<uint64_t>(value), 4); }
    Written& f64(double value) { return integer(std::bit_cast<uint64_t>(value), 8); }
    Written& text(std::string_view value) { return u32(static_cast<uint32_t>(value.size())).raw(value); }
    template <class Bytes>
    Written& raw(const Bytes& bytes) {
        for (const auto byte : bytes) bytes_.push_back(static_cast<uint8_t>(byte));
        return *this;
    }
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

/// A model of these components.
std::vector<uint8_t> model_bytes(const std::map<Component, std::vector<uint8_t>>& components);

/// As parse_network() takes it. `characters` and `codes`: of a model that holds them there.
std::vector<uint8_t> network_bytes(const Network&, std::string_view characters = {},
                                   const std::vector<uint8_t>& codes = {});

/// The same weights as reals, as a "best" model has them.
void make_real(Network&);

/// How many numbers each layer of a network gives.
struct LayerSizes {
    uint32_t tanh = 19;
    uint32_t down = 21;
    uint32_t along[3] = {33, 7, 18};  ///< the second from right to left
    uint32_t classes = 67;
};
/// Of the shape of all models, by default of sizes that fill no vector. A row's sum is multiplied by up to 100 × scale.
Network made_network(uint32_t height, float scale, const LayerSizes& = {});

/// Of reals, but nothing in it depends on the order of a sum: gates are their biases, and a class is one cell of the
/// last LSTM. So its scores show, to the last bit, what a cell fuses or rounds that the reference does not.
Network network_of_cells(uint32_t height);

}  // namespace pg_ocr::recognise
