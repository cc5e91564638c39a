#include "recognise/beam_search.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace pg_ocr::recognise {
namespace {

constexpr float dictionary_ratio = 2.25f;  ///< by which what is in no dictionary is less certain
constexpr double certainty_offset = -0.085;
constexpr float worst_in_dictionary = -25.0f / 7.0f;
constexpr float least_certainty = -20;
const float least_probability = std::exp(least_certainty);

/// Nodes that are kept at a step, by how many codes of an incomplete character they have.
constexpr size_t beam_width(size_t length) { return length == 0 ? 5 : length == 1 ? 10 : 16; }

}  // namespace

BeamSearch::BeamSearch(const Language& language, std::vector<bool> enabled)
    : language_(language), enabled_(std::move(enabled)) {
    enabled_.resize(language.unicharset.unichars.size(), true);
}

float BeamSearch::certainty_of(float probability) const {
    const float logarithm = probability > least_probability ? std::log(probability) : least_certainty;
    return static_cast<float>(logarithm + certainty_offset);
}

void BeamSearch::rank_codes() {
    std::fill(top_.begin(), top_.end(), also_ran);
    best_code_ = second_code_ = -1;
    scored_.clear();
    for (size_t code = 0; code < outputs_.size(); ++code) {
        if (scored_.size() >= beam_width(0) && !(outputs_[code] > scored_.front().score)) continue;
        scored_.push({outputs_[code], static_cast<int32_t>(code)});
        if (scored_.size() > beam_width(0)) scored_.pop();
    }
    while (!scored_.empty()) {
        const int32_t code = scored_.pop().code;
        top_[code] = scored_.size() > 1 ? top_few : top_two;
        if (scored_.size() == 1) second_code_ = code;
        if (scored_.empty()) best_code_ = code;
    }
    const int32_t null_code = language_.null_code;
    top_[null_code] = top_two;
    top_endings_.clear();
    top_beginnings_.clear();
    const auto add = [&](int32_t code) {
        const Recoder::Rank& ranks = language_.recoder.first_ranks()[code];
        if (ranks.ending >= 0) top_endings_.push_back({ranks.ending, code});
        if (ranks.beginning >= 0) top_beginnings_.push_back({ranks.beginning, code});
    };
    if (best_code_ >= 0) add(best_code_);
    if (second_code_ >= 0) add(second_code_);
    if (null_code != best_code_ && null_code != second_code_) add(null_code);
    std::sort(top_endings_.begin(), top_endings_.end());
    std::sort(top_beginnings_.begin(), top_beginnings_.end());
}

std::vector<PathStep> BeamSearch::best_path(const Scores& scores) {
    if (scores.classes != language_.classes || scores.values.size() != size_t{scores.steps} * scores.classes)
        throw std::invalid_argument("scores of another network");
    top_.assign(scores.classes, also_ran);
    nodes_.clear();
    last_step_.fill(0);
    const auto beginning = language_.dictionary.beginning();
    places_.assign(beginning.begin(), beginning.end());
    for (uint32_t step = 0; step < scores.steps; ++step) {
        outputs_ = std::span(scores.values).subspan(size_t{step} * scores.classes, scores.classes);
        rank_codes();
        search_step(step == 0);
        keep_step();
    }
    return trace_best();
}

void BeamSearch::search_step(bool is_first) {
    for (auto& beam : beams_) beam.clear();
    beginnings_.fill(Node{});
    if (is_first) {
        continue_context({}, top_two);
        if (!language_.dictionary.empty()) continue_context({.in_dictionary = true}, top_two);
        return;
    }
    // The best codes only, unless no character can go on with them.
    size_t kept = 0;
    for (int top = top_two; top < top_code_count && kept == 0; ++top) {
        for (size_t beam = 0; beam < beam_count; ++beam)
            for (uint32_t i = last_step_[beam + 1]; i-- > last_step_[beam];)
                continue_context({.index = i,
                                  .length = beam % length_count,
                                  .in_dictionary = beam / length_count >= continuation_count,
                                  .continuation = static_cast<Continuation>(beam / length_count % continuation_count)},
                                 static_cast<TopCode>(top));
        for (size_t length = 0; length < length_count; ++length)
            for (const bool in_dictionary : {false, true})
                kept += beams_[beam_of(in_dictionary, anything, length)].size();
    }
    // Of all that could begin a word here, the best one.
    for (int continuation = 0; continuation < continuation_count; ++continuation) {
        Node& node = beginnings_[continuation];
        if (node.code >= 0) put(beam_of(true, static_cast<Continuation>(continuation), 0), node, {});
    }
}

void BeamSearch::keep_step() {
    for (size_t beam = 0; beam < beam_count; ++beam) {
        last_step_[beam] = static_cast<uint32_t>(nodes_.size());
        for (Node node : beams_[beam].items()) {
            const auto index = static_cast<uint32_t>(nodes_.size());
            const Node* previous = node_at(node.previous);
            node.last_unichar = node.unichar != no_unichar && !node.duplicate ? index
                                : previous                                    ? previous->last_unichar
                                                                              : no_node;
            node.last_code = node.code != language_.null_code && !node.duplicate ? index
                             : previous                                          ? previous->last_code
                                                                                 : no_node;
            nodes_.push_back(node);
        }
    }
    last_step_[beam_count] = static_cast<uint32_t>(nodes_.size());
}

/// The same class again, or nothing within a character of several codes.
void BeamSearch::repeat_or_pause(const Context& context, const Node& previous, TopCode top) {
    const int32_t null_code = language_.null_code;
    if (top_[previous.code] == top) {
        const Node again{.code = previous.code, .unichar = previous.unichar, .duplicate = true};
        if (context.continuation != no_duplicate)
            push_part(context, context.length, again, certainty_of(outputs_[previous.code]), anything);
        if (context.continuation == anything && top == top_two && previous.code != null_code)
            push_part(context, context.length, again, certainty_of(outputs_[previous.code] + outputs_[null_code]),
                      no_duplicate);
    }
    if (context.continuation == only_duplicate) return;
    if (previous.code != null_code && context.length > 0 && top_[null_code] == top)
        push_part(context, context.length, {.code = null_code}, certainty_of(outputs_[null_code]), anything);
}

template <typename Use>
void BeamSearch::for_each_code(const Context& context, const Recoder::Node& node, bool endings, TopCode top,
                               const Use& use) {
    const Node* previous = node_at(context.index);
    const auto consider = [&](int32_t code, int32_t unichar) {
        if (top_[code] != top) return;
        if (previous && previous->code == code && !language_.simple_text) return;
        use(code, unichar);
    };
    if (context.length > 0 || top != top_two) {
        if (endings)
            for (const Recoder::Ending& each : node.endings) consider(each.code, each.unichar);
        else
            for (const int32_t code : node.beginnings) consider(code, no_unichar);
        return;
    }
    // The first node has a code for nearly every character, and at most three are meant here.
    if (endings)
        for (const Ranked& each : top_endings_) consider(each.code, node.endings[each.rank].unichar);
    else
        for (const Ranked& each : top_beginnings_) consider(each.code, no_unichar);
}

/// Of a class that the step shares with nothing, and, where both were the best, with the class before.
float BeamSearch::joint_probability(const Context& context, int32_t code) const {
    float probability = outputs_[code] + outputs_[language_.null_code];
    const Node* previous = node_at(context.index);
    if (previous && context.continuation == anything && previous->code != language_.null_code &&
        ((previous->code == best_code_ && code == second_code_) ||
         (code == best_code_ && previous->code == second_code_)))
        probability += outputs_[previous->code];
    return probability;
}

void BeamSearch::continue_context(const Context& context, TopCode top) {
    const Node* previous = node_at(context.index);
    std::array<int32_t, Recoder::most_codes> codes{};
    size_t missing = context.length;
    for (uint32_t i = context.index; missing > 0 && i != no_node; i = nodes_[i].previous) {
        i = nodes_[i].last_code;
        if (i == no_node) break;
        codes[--missing] = nodes_[i].code;
    }
    if (previous && !language_.simple_text) {
        repeat_or_pause(context, *previous, top);
        if (context.continuation == only_duplicate) return;
    }
    const Recoder::Node* node = context.length == 0 ? &language_.recoder.first()
                                                    : language_.recoder.after(std::span(codes).first(context.length));
    if (!node) return;
    const int32_t null_code = language_.null_code;
    for_each_code(context, *node, true, top, [&](int32_t code, int32_t unichar) {
        const float certainty = certainty_of(outputs_[code]);
        if (certainty < least_certainty && code != null_code) return;
        if (context.length == 0 && code == null_code) {
            unichar = no_unichar;
        } else if (!language_.unicharset.contains(unichar) || !enabled_[unichar]) {
            return;
        }
        end_character(context, code, unichar, certainty, anything);
        if (top == top_two && code != null_code)
            end_character(context, code, unichar, certainty_of(joint_probability(context, code)), only_duplicate);
    });
    for_each_code(context, *node, false, top, [&](int32_t code, int32_t) {
        push_part(context, context.length + 1, {.code = code}, certainty_of(outputs_[code]), anything);
        if (top == top_two && code != null_code)
            push_part(context, context.length + 1, {.code = code}, certainty_of(joint_probability(context, code)),
                      only_duplicate);
    });
}

void BeamSearch::end_character(const Context& context, int32_t code, int32_t unichar, float certainty,
                               Continuation continuation) {
    if (context.in_dictionary) {
        if (certainty > worst_in_dictionary) continue_word(context, code, unichar, certainty, continuation);
        return;
    }
    Node node{.code = code, .unichar = unichar, .certainty = certainty * dictionary_ratio};
    push(beam_of(false, continuation, 0), node, context.index, {});
    if (language_.dictionary.empty() || unichar == no_unichar) return;
    // A space, or a character that needs none, may be followed by a word. The space is as certain as that word's.
    if (unichar == space_unichar) {
        if (!(certainty > worst_in_dictionary) && language_.unicharset[unichar].spaced_script) return;
        node.source = WordSource::none;
        node.certainty = certainty;
        offer_beginning(node, context.index, continuation);
    } else if (!language_.unicharset[unichar].spaced_script) {
        offer_beginning(node, context.index, continuation);
    }
}

void BeamSearch::continue_word(const Context& context, int32_t code, int32_t unichar, float certainty,
                               Continuation continuation) {
    Node node{.code = code, .unichar = unichar, .source = WordSource::none, .certainty = certainty};
    const size_t in_beam = beam_of(true, continuation, 0);
    const size_t out_beam = beam_of(false, continuation, 0);
    if (unichar == no_unichar) {
        push(in_beam, node, context.index, {});
        return;
    }
    const Node* previous = node_at(context.index);
    const float score = previous ? certainty + previous->score : certainty;
    const auto is_hopeless = [&](size_t beam) {
        return beams_[beam].size() >= beam_width(0) && score <= beams_[beam].front().score;
    };
    if (is_hopeless(in_beam) && is_hopeless(out_beam)) return;
    const Node* last = previous ? node_at(previous->last_unichar) : nullptr;
    const Unicharset& set = language_.unicharset;
    if (unichar == space_unichar) {
        if (!last || !last->ends_word) return;
        node.source = last->source;
        offer_beginning(node, context.index, continuation);
        push(out_beam, node, context.index, {});
        return;
    }
    if (last && last->begins_dictionary && last->unichar != space_unichar && set[last->unichar].spaced_script &&
        set[unichar].spaced_script)
        return;
    if (last && last->place_count == 0) return;
    const std::span<const Place> from = last
                                            ? std::span(std::as_const(places_)).subspan(last->places, last->place_count)
                                            : language_.dictionary.beginning();
    new_places_.clear();
    const Dictionary::Advance advance = language_.dictionary.advance(from, set, unichar, false, new_places_);
    if (advance.source == WordSource::none) return;
    node.source = advance.source;
    node.begins_word = last ? last->begins_dictionary : true;
    node.ends_word = advance.may_end;
    push(in_beam, node, context.index, new_places_);
    if (!advance.may_end || set.spaced_language) return;
    offer_beginning(node, context.index, continuation);
    push(out_beam, node, context.index, {});
}

void BeamSearch::offer_beginning(Node node, uint32_t previous, Continuation continuation) {
    const Node* before = node_at(previous);
    node.score = before ? node.certainty + before->score : node.certainty;
    Node& best = beginnings_[continuation];
    if (best.code >= 0 && !(node.score > best.score)) return;
    node.begins_dictionary = true;
    node.previous = previous;
    node.places = 0;
    node.place_count = static_cast<uint32_t>(language_.dictionary.beginning().size());
    node.hash = hash_of(node);
    best = node;
}

/// A code that completes no character: one of several, a duplicate, or nothing.
void BeamSearch::push_part(const Context& context, size_t length, Node node, float certainty,
                           Continuation continuation) {
    const Node* previous = node_at(context.index);
    if (context.in_dictionary) {
        if (!(certainty > worst_in_dictionary)) return;
        node.source = previous ? previous->source : WordSource::none;
    } else {
        certainty *= dictionary_ratio;
        if (!(certainty >= least_certainty) && node.code != language_.null_code) return;
        node.source = previous ? previous->source : WordSource::scores;
    }
    node.certainty = certainty;
    push(beam_of(context.in_dictionary, continuation, length), node, context.index, {});
}

void BeamSearch::push(size_t beam, Node node, uint32_t previous, std::span<const Place> places) {
    const Node* before = node_at(previous);
    node.previous = previous;
    node.score = before ? node.certainty + before->score : node.certainty;
    if (beams_[beam].size() >= beam_width(beam % length_count) && !(node.score > beams_[beam].front().score)) return;
    node.hash = hash_of(node);
    put(beam, node, places);
}

void BeamSearch::put(size_t beam, Node& node, std::span<const Place> places) {
    LeastFirst<Node>& nodes = beams_[beam];
    const size_t width = beam_width(beam % length_count);
    if (nodes.size() >= width && !(node.score > nodes.front().score)) return;
    const std::span<const Node> kept = nodes.items();
    const auto same = std::find_if(kept.begin(), kept.end(), [&](const Node& each) {
        return each.code == node.code && each.hash == node.hash && each.source == node.source &&
               each.begins_dictionary == node.begins_dictionary;
    });
    if (same != kept.end() && !(node.score > same->score)) return;
    if (!places.empty()) {
        node.places = static_cast<uint32_t>(places_.size());
        node.place_count = static_cast<uint32_t>(places.size());
        places_.insert(places_.end(), places.begin(), places.end());
    }
    if (same != kept.end()) {
        nodes.replace(static_cast<size_t>(same - kept.begin()), node);
        return;
    }
    nodes.push(node);
    if (nodes.size() > width) nodes.pop();
}

uint64_t BeamSearch::hash_of(const Node& node) const {
    const Node* previous = node_at(node.previous);
    uint64_t hash = previous ? previous->hash : 0;
    if (node.duplicate || node.code == language_.null_code) return hash;
    const auto range = static_cast<uint64_t>(language_.recoder.code_range());
    const uint64_t carry = (hash >> 32) * range >> 32;
    return hash * range + carry + static_cast<uint64_t>(node.code);
}

std::vector<PathStep> BeamSearch::trace_best() const {
    const Node* best = nullptr;
    for (const Continuation continuation : {anything, no_duplicate}) {
        for (const bool in_dictionary : {false, true}) {
            const size_t beam = beam_of(in_dictionary, continuation, 0);
            for (uint32_t i = last_step_[beam]; i < last_step_[beam + 1]; ++i) {
                const Node& node = nodes_[i];
                if (in_dictionary) {
                    const Node* last = node_at(node.last_unichar);
                    if (!last || (!last->ends_word && last->unichar != space_unichar)) continue;
                }
                if (!best || node.score > best->score) best = &node;
            }
        }
    }
    std::vector<PathStep> path;
    for (; best; best = node_at(best->previous))
        path.push_back({best->unichar, best->source, best->begins_word, best->duplicate, best->certainty});
    std::reverse(path.begin(), path.end());
    return path;
}

}  // namespace pg_ocr::recognise
