// The best way through the scores of a line: at each step a class, such that classes make characters, and characters
// rather words of the dictionary than none.
#pragma once

#include <array>
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
    };
    /// A node in a heap, where it is moved about.
    struct Kept {
        uint64_t hash;
        float score;
        uint32_t slot;
        float key() const { return score; }
    };
    /// The best nodes of a step that continue alike, and are as far within a character.
    struct Beam {
        explicit Beam(size_t width) : slots(width + 1) {}
        LeastFirst<Kept> kept;
        std::vector<Node> slots;  ///< one more than are kept
        uint32_t free_slot = 0;
        float bar = 0;  ///< what a node must be above to be kept
    };
    struct ScoredCode {
        float score;
        int32_t code;
        float key() const { return score; }
    };
    /// What one of the top two codes or the null is worth at the step at hand: alone, and with what it may share the
    /// step with.
    struct Weighed {
        int32_t code = -1;
        float alone = 0;
        float with_null = 0;
        float with_rival = 0;  ///< and null; the rival is the other one of the best two
    };
    /// One of them where it is in the list of the recoder's first node.
    struct Option {
        int32_t rank;
        int32_t unichar;
        bool may_begin_word;  ///< or a word may follow it
        Weighed weighed;
    };
    /// A node to be continued.
    struct Context {
        uint32_t index = no_node;  ///< no_node: before the first step
        const Node* node = nullptr;
        float score = 0;
        size_t length = 0;  ///< codes of a character that is not complete
        bool in_dictionary = false;
        Continuation continuation = anything;
    };

    size_t beam_of(bool in_dictionary, Continuation continuation, size_t length) const {
        return (in_dictionary * continuation_count + continuation) * lengths_ + length;
    }
    const Node* node_at(uint32_t index) const { return index == no_node ? nullptr : &nodes_[index]; }
    float certainty_of(float probability) const;
    float certainty_alone(int32_t code) const;
    float certainty_with_null(int32_t code) const;
    const Weighed* weighed(int32_t code) const;
    bool is_among(TopCode, int32_t code) const;
    bool may_begin_word(int32_t unichar) const;
    void rank_codes();
    void rank_all_codes();
    void weigh_codes();
    void list_options();
    void search_step(bool is_first);
    void continue_last_step(TopCode);
    void keep_step();
    void continue_context(const Context&, TopCode);
    void continue_by_options(const Context&);
    void continue_by_node(const Context&, const Recoder::Node&, TopCode);
    void repeat_or_pause(const Context&, TopCode);
    bool is_of_rivals(const Context&, int32_t code) const;
    void end_character(const Context&, int32_t code, int32_t unichar, bool may_begin_word, float certainty,
                       Continuation);
    void continue_word(const Context&, int32_t code, int32_t unichar, float certainty, Continuation);
    void push_part(const Context&, size_t length, const Node&, float certainty, Continuation);
    void offer_beginning(const Context&, Node, Continuation);
    void push(size_t beam, const Node&, std::span<const Place> places);
    uint64_t hash_of(const Node&) const;
    std::vector<PathStep> trace_best() const;

    const Language& language_;
    std::vector<bool> enabled_;
    size_t lengths_;                  ///< how far a path can be within a character
    std::span<const float> outputs_;  ///< of the step at hand
    std::vector<TopCode> top_;        ///< of each code, at the step at hand; once they are all ranked
    bool all_ranked_ = false;
    int32_t best_code_ = -1;
    int32_t second_code_ = -1;
    LeastFirst<ScoredCode> scored_;
    std::array<Weighed, 3> weighed_;  ///< the best, the second and the null, which may be one of them
    std::vector<Option> endings_;     ///< of those three, in the order of the recoder's first node
    std::vector<Option> beginnings_;  ///< …
    std::vector<Beam> beams_;         ///< of the step at hand
    std::array<Node, continuation_count> word_beginnings_;
    std::vector<Node> nodes_;          ///< of all steps before, in the order of their beams
    std::vector<uint32_t> last_step_;  ///< in nodes_: where each beam of the step before begins, and the last ends
    std::vector<Place> places_;
    /// By the character that a word was continued with last, and the node from which on.
    struct Advanced {
        int32_t unichar = no_unichar;
        uint32_t last = no_node;
        Dictionary::Advance advance;
        std::vector<Place> places;
    } advanced_;
};

}  // namespace pg_ocr::recognise
