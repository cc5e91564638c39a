// A list of words as a graph that shares their beginnings and ends. A node is the index of the first of its edges.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "recognise/model_file.h"

namespace pg_ocr::recognise {

inline constexpr int64_t no_edge = -1;
inline constexpr int64_t first_node = 0;

class Dawg {
  public:
    /// Throws ModelError.
    explicit Dawg(ModelBytes);
    /// The edge out of a node that stands for a character, and, where asked for, ends a word; or no_edge.
    int64_t find(int64_t node, int32_t unichar, bool ends_word) const;
    /// The node behind an edge, or behind none the first one; no_edge where nothing follows.
    int64_t behind(int64_t edge) const;
    bool ends_word(int64_t edge) const { return (edges_[edge] & word_end_) != 0; }

  private:
    int32_t unichar_of(int64_t edge) const { return static_cast<int32_t>(edges_[edge] & letters_); }
    bool is_last(int64_t edge) const { return (edges_[edge] & last_) != 0; }
    std::vector<uint64_t> edges_;
    uint64_t letters_ = 0;
    uint64_t last_ = 0;
    uint64_t word_end_ = 0;
    uint32_t node_shift_ = 0;
    int64_t first_edges_ = 0;  ///< of the first node, in order
};

}  // namespace pg_ocr::recognise
