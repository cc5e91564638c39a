// How characters are written in the classes of a network: one code each in most models, several in those of thousands
// of characters, as Chinese. A tree of codes, walked from the first to the last of a character.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "recognise/model_file.h"

namespace pg_ocr::recognise {

class Recoder {
  public:
    static constexpr size_t most_codes = 9;  ///< of a character

    /// A code that completes a character.
    struct Ending {
        int32_t code;
        int32_t unichar;
    };
    /// What may follow a beginning, in the order of the file: it decides between equals.
    struct Node {
        std::vector<Ending> endings;
        std::vector<int32_t> beginnings;  ///< codes after which more must come
    };
    /// Where a code stands in the first node's lists; −1: not there.
    struct Rank {
        int32_t ending = -1;
        int32_t beginning = -1;
    };

    /// Throws ModelError, also where a code is not below `classes`.
    static Recoder parse(ModelBytes&, uint32_t classes);
    /// Where ids are classes.
    static Recoder pass_through(uint32_t classes);

    const Node& first() const { return nodes_.front(); }
    std::span<const Rank> first_ranks() const { return ranks_; }
    /// The node after these codes; null: no character begins so.
    const Node* after(std::span<const int32_t> codes) const;
    size_t size() const { return size_; }
    int32_t code_range() const { return code_range_; }  ///< codes are below
    size_t longest() const { return longest_; }         ///< codes of a character, at most

  private:
    explicit Recoder(uint32_t classes) : nodes_(1), ranks_(classes) {}
    void add(std::span<const int32_t> codes, int32_t unichar);
    std::vector<Node> nodes_;
    std::unordered_map<uint64_t, uint32_t> next_;    ///< by node and code
    std::unordered_map<uint64_t, uint32_t> ending_;  ///< by node and code: where in its endings
    std::vector<Rank> ranks_;
    size_t size_ = 0;
    int32_t code_range_ = 0;
    size_t longest_ = 0;
};

}  // namespace pg_ocr::recognise
