// The best way through the scores of a line: at each step a class, such that classes make characters, and characters
// rather words of the dictionary than none.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "recognise/language.h"
#include "recognise/least_first.h"
#include "recognise/line.h"

namespace pg_ocr::recognise {

struct PathStep {
    int32_t unichar = no_unichar;  ///< that is complete with this step; none between characters and within them
    WordSource source = WordSource::none;
    bool begins_word = false;  ///< of the dictionary
    bool duplicate = false;    ///< of the step before
    float certainty = 0;       ///< logarithm of what the step is worth, as weighed by the search
};

/// Buffers of one search after the other; not for two threads at once. The language outlives it.
class BeamSearch {
  public:
    /// enabled: of each unichar, whether it may be read.
    BeamSearch(const Language&, std::vector<bool> enabled);
    /// A step for each of the scores; empty where there is no way. Throws std::invalid_argument where the scores are
    /// not of the language's classes.
    std::vector<PathStep> best_path(const Scores&);

  private:
    enum Continuation : uint8_t { anything, only_duplicate, no_duplicate, continuation_count };
    enum TopCode : uint8_t { top_two, top_few, also_ran, top_code_count };
    static constexpr uint32_t no_node = UINT32_MAX;
    static constexpr size_t length_count = Recoder::most_codes + 1;
    static constexpr size_t beam_count = size_t{2} * continuation_count * length_count;

    /// What a path ends with at a step.
    struct Node {
        int32_t code = -1;
        int32_t unichar = no_unichar;
        WordSource source = WordSource::scores;
        bool begins_dictionary = false;
        bool begins_word = false;
        bool ends_word = false;
        bool duplicate = false;
        float certainty = 0;
        float score = 0;    ///< sum of certainties up to here
        uint64_t hash = 0;  ///< of the codes up to here, without duplicates and nulls
        uint32_t previous = no_node;
        uint32_t last_unichar = no_node;  ///< the node of the last complete character up to here
        uint32_t last_code = no_node;     ///< … of the last that is neither null nor a duplicate
        uint32_t places = 0;              ///< in the dictionary: where in places_
        uint32_t place_count = 0;         ///< 0: not in it
        float key() const { return score; }
    };
    struct ScoredCode {
        float score;
        int32_t code;
        float key() const { return score; }
    };
    /// A code in the order of the recoder's first node.
    struct Ranked {
        int32_t rank;
        int32_t code;
        // NOLINTNEXTLINE(modernize-use-nullptr): a comparison with 0 that nobody wrote
        auto operator<=>(const Ranked&) const = default;
    };
    /// A node to be continued.
    struct Context {
        uint32_t index = no_node;  ///< no_node: before the first step
        size_t length = 0;         ///< codes of a character that is not complete
        bool in_dictionary = false;
        Continuation continuation = anything;
    };

    static size_t beam_of(bool in_dictionary, Continuation continuation, size_t length) {
        return (in_dictionary * continuation_count + continuation) * length_count + length;
    }
    const Node* node_at(uint32_t index) const { return index == no_node ? nullptr : &nodes_[index]; }
    float certainty_of(float probability) const;
    void rank_codes();
    void search_step(bool is_first);
    void keep_step();
    void continue_context(const Context&, TopCode);
    void repeat_or_pause(const Context&, const Node& previous, TopCode);
    template <typename Use>
    void for_each_code(const Context&, const Recoder::Node&, bool endings, TopCode, const Use&);
    float joint_probability(const Context&, int32_t code) const;
    void end_character(const Context&, int32_t code, int32_t unichar, float certainty, Continuation);
    void continue_word(const Context&, int32_t code, int32_t unichar, float certainty, Continuation);
    void push_part(const Context&, size_t length, Node, float certainty, Continuation);
    void push(size_t beam, Node, uint32_t previous, std::span<const Place> places);
    void offer_beginning(Node, uint32_t previous, Continuation);
    void put(size_t beam, Node&, std::span<const Place> places);
    uint64_t hash_of(const Node&) const;
    std::vector<PathStep> trace_best() const;

    const Language& language_;
    std::vector<bool> enabled_;
    std::span<const float> outputs_;  ///< of the step at hand
    std::vector<TopCode> top_;        ///< of each code, at the step at hand
    int32_t best_code_ = -1;
    int32_t second_code_ = -1;
    LeastFirst<ScoredCode> scored_;
    std::vector<Ranked> top_endings_;                 ///< of the top two codes and the null
    std::vector<Ranked> top_beginnings_;              ///< …
    std::array<LeastFirst<Node>, beam_count> beams_;  ///< of the step at hand
    std::array<Node, continuation_count> beginnings_;
    std::vector<Node> nodes_;                           ///< of all steps before, in the order of their beams
    std::array<uint32_t, beam_count + 1> last_step_{};  ///< in nodes_: where each beam of the step before begins
    std::vector<Place> places_;
    std::vector<Place> new_places_;
};

}  // namespace pg_ocr::recognise
