#include "recognise/dawg.h"

#include <cmath>

namespace pg_ocr::recognise {
namespace {

constexpr int16_t magic = 42;
constexpr int32_t most_unichars = 1 << 24;

}  // namespace

Dawg::Dawg(ModelBytes from) {
    const uint32_t low = from.u8();
    if ((low | uint32_t{from.u8()} << 8) != magic) throw ModelError("has a list of words of another format");
    const int32_t unichars = from.i32();
    if (unichars < 1 || unichars > most_unichars) throw ModelError("has a damaged list of words");
    const uint32_t count = from.count(8);
    if (count == 0) throw ModelError("has an empty list of words");
    // An edge is a character, then three flags, then the node behind. How wide the first is, a rounded logarithm says.
    const auto letter_bits = static_cast<uint32_t>(std::ceil(std::log(unichars + 1.0) / std::log(2.0)));
    letters_ = (uint64_t{1} << letter_bits) - 1;
    last_ = uint64_t{1} << letter_bits;
    const uint64_t backwards = last_ << 1;
    word_end_ = last_ << 2;
    node_shift_ = letter_bits + 3;
    edges_.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
        const auto edge = static_cast<uint64_t>(from.i64());
        if (edge >> node_shift_ >= count || (edge & backwards) != 0) throw ModelError("has a damaged list of words");
        edges_.push_back(edge);
    }
    if ((edges_.back() & last_) == 0) throw ModelError("has a damaged list of words");
    while (!is_last(first_edges_++)) {
    }
}

int64_t Dawg::find(int64_t node, int32_t unichar, bool ends) const {
    if (node == no_edge) return no_edge;
    if (node != first_node) {
        for (int64_t edge = node;; ++edge) {
            if (unichar_of(edge) == unichar && (!ends || ends_word(edge))) return edge;
            if (is_last(edge)) return no_edge;
        }
    }
    int64_t from = 0, to = first_edges_;
    while (from < to) {
        const int64_t edge = (from + to - 1) / 2;
        if (unichar > unichar_of(edge)) {
            from = edge + 1;
        } else if (unichar == unichar_of(edge) && (!ends || ends_word(edge))) {
            return edge;
        } else {
            to = edge;
        }
    }
    return no_edge;
}

int64_t Dawg::behind(int64_t edge) const {
    if (edge == no_edge) return first_node;
    const auto node = static_cast<int64_t>(edges_[edge] >> node_shift_);
    return node == first_node ? no_edge : node;
}

}  // namespace pg_ocr::recognise
