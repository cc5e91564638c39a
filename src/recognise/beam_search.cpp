#include "recognise/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "recognise/best_classes.h"

namespace pg_ocr::recognise {
namespace {

constexpr float dictionary_ratio = 2.25f;  ///< by which what is in no dictionary is less certain
constexpr double certainty_offset = -0.085;
constexpr float worst_in_dictionary = -25.0f / 7.0f;
constexpr float least_certainty = -20;
const float least_probability = std::exp(least_certainty);
constexpr float unlimited = -std::numeric_limits<float>::infinity();

/// Nodes that are kept at a step, by how many codes of an incomplete character they have.
constexpr size_t beam_width(size_t length) { return length == 0 ? 5 : length == 1 ? 10 : 16; }

}  // namespace

BeamSearch::BeamSearch(const Language& language, std::vector<bool> enabled)
    : language_(language), enabled_(std::move(enabled)), lengths_(std::max<size_t>(language.recoder.longest(), 1)) {
    enabled_.resize(language.unicharset.unichars.size(), true);
    for (size_t i = 0; i < size_t{2} * continuation_count; ++i)
        for (size_t length = 0; length < lengths_; ++length) beams_.emplace_back(beam_width(length));
    last_step_.resize(beams_.size() + 1);
}

float BeamSearch::certainty_of(float probability) const {
    const float logarithm = probability > least_probability ? std::log(probability) : least_certainty;
    return static_cast<float>(logarithm + certainty_offset);
}

const BeamSearch::Weighed* BeamSearch::weighed(int32_t code) const {
    for (const Weighed& each : weighed_)
        if (each.code == code) return &each;
    return nullptr;
}

float BeamSearch::certainty_alone(int32_t code) const {
    const Weighed* known = weighed(code);
    return known ? known->alone : certainty_of(outputs_[code]);
}

float BeamSearch::certainty_with_null(int32_t code) const {
    const Weighed* known = weighed(code);
    return known ? known->with_null : certainty_of(outputs_[code] + outputs_[language_.null_code]);
}

bool BeamSearch::is_among(TopCode top, int32_t code) const {
    if (top == top_two) return weighed(code) != nullptr;
    return top_[code] == top;
}

/// A space, or a character that needs none, may be followed by a word, outside of the dictionary.
bool BeamSearch::may_begin_word(int32_t unichar) const {
    return !language_.dictionary.empty() && unichar != no_unichar &&
           (unichar == space_unichar || !language_.unicharset[unichar].spaced_script);
}

void BeamSearch::rank_codes() {
    all_ranked_ = false;
    if (const std::optional<BestClasses> best = best_classes(outputs_)) {
        best_code_ = best->best;
        second_code_ = best->second;
    } else {
        rank_all_codes();
    }
    weigh_codes();
    list_options();
}

/// Of equals, the order within the heap decides.
void BeamSearch::rank_all_codes() {
    all_ranked_ = true;
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
    top_[language_.null_code] = top_two;
}

void BeamSearch::weigh_codes() {
    const int32_t null_code = language_.null_code;
    const auto weigh = [&](int32_t code, int32_t rival) {
        Weighed weighed{.code = code, .alone = certainty_of(outputs_[code])};
        if (code == null_code) return weighed;
        const float with_null = outputs_[code] + outputs_[null_code];
        weighed.with_null = certainty_of(with_null);
        if (rival >= 0 && rival != null_code) weighed.with_rival = certainty_of(with_null + outputs_[rival]);
        return weighed;
    };
    weighed_ = {};
    if (best_code_ >= 0) weighed_[0] = weigh(best_code_, second_code_);
    if (second_code_ >= 0) weighed_[1] = weigh(second_code_, best_code_);
    if (null_code != best_code_ && null_code != second_code_) weighed_[2] = weigh(null_code, -1);
}

/// What the step may be of the recoder's first node, which has a code for nearly every character: at most three are
/// meant here.
void BeamSearch::list_options() {
    endings_.clear();
    beginnings_.clear();
    for (const Weighed& each : weighed_) {
        if (each.code < 0) continue;
        const Recoder::Rank& ranks = language_.recoder.first_ranks()[each.code];
        if (ranks.beginning >= 0) beginnings_.push_back({ranks.beginning, no_unichar, false, each});
        if (ranks.ending < 0) continue;
        int32_t unichar = no_unichar;
        if (each.code != language_.null_code) {
            unichar = language_.recoder.first().endings[ranks.ending].unichar;
            if (each.alone < least_certainty || !language_.unicharset.contains(unichar) || !enabled_[unichar]) continue;
        }
        endings_.push_back({ranks.ending, unichar, may_begin_word(unichar), each});
    }
    std::ranges::sort(endings_, {}, &Option::rank);
    std::ranges::sort(beginnings_, {}, &Option::rank);
}

std::vector<PathStep> BeamSearch::best_path(const Scores& scores) {
    if (scores.classes != language_.classes || scores.values.size() != size_t{scores.steps} * scores.classes)
        throw std::invalid_argument("scores of another network");
    top_.assign(scores.classes, also_ran);
    nodes_.clear();
    advanced_.unichar = no_unichar;
    std::ranges::fill(last_step_, 0);
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
    for (Beam& beam : beams_) {
        beam.kept.clear();
        beam.free_slot = 0;
        beam.bar = unlimited;
    }
    for (Node& node : word_beginnings_) node.code = -1;
    if (is_first) {
        continue_context({}, top_two);
        if (!language_.dictionary.empty()) continue_context({.in_dictionary = true}, top_two);
        return;
    }
    // The best codes only, unless no character can go on with them.
    size_t kept = 0;
    for (int top = top_two; top < top_code_count && kept == 0; ++top) {
        if (top != top_two && !all_ranked_) rank_all_codes();
        continue_last_step(static_cast<TopCode>(top));
        for (size_t length = 0; length < lengths_; ++length)
            for (const bool in_dictionary : {false, true})
                kept += beams_[beam_of(in_dictionary, anything, length)].kept.size();
    }
    // Of all that could begin a word here, the best one.
    for (int continuation = 0; continuation < continuation_count; ++continuation) {
        const Node& node = word_beginnings_[continuation];
        if (node.code >= 0) push(beam_of(true, static_cast<Continuation>(continuation), 0), node, {});
    }
}

void BeamSearch::continue_last_step(TopCode top) {
    size_t beam = 0;
    for (const bool in_dictionary : {false, true})
        for (int continuation = 0; continuation < continuation_count; ++continuation)
            for (size_t length = 0; length < lengths_; ++length, ++beam)
                for (uint32_t i = last_step_[beam + 1]; i-- > last_step_[beam];)
                    continue_context({.index = i,
                                      .node = &nodes_[i],
                                      .score = nodes_[i].score,
                                      .length = length,
                                      .in_dictionary = in_dictionary,
                                      .continuation = static_cast<Continuation>(continuation)},
                                     top);
}

void BeamSearch::keep_step() {
    for (size_t beam = 0; beam < beams_.size(); ++beam) {
        last_step_[beam] = static_cast<uint32_t>(nodes_.size());
        for (const Kept& kept : beams_[beam].kept.items()) {
            const auto index = static_cast<uint32_t>(nodes_.size());
            Node& node = nodes_.emplace_back(beams_[beam].slots[kept.slot]);
            const Node* previous = node_at(node.previous);
            node.last_unichar = node.unichar != no_unichar && !node.duplicate ? index
                                : previous                                    ? previous->last_unichar
                                                                              : no_node;
            node.last_code = node.code != language_.null_code && !node.duplicate ? index
                             : previous                                          ? previous->last_code
                                                                                 : no_node;
        }
    }
    last_step_[beams_.size()] = static_cast<uint32_t>(nodes_.size());
}

/// The same class again, or nothing within a character of several codes.
void BeamSearch::repeat_or_pause(const Context& context, TopCode top) {
    const int32_t null_code = language_.null_code;
    const Node& previous = *context.node;
    if (is_among(top, previous.code)) {
        const Node again{.code = previous.code, .unichar = previous.unichar, .duplicate = true};
        if (context.continuation != no_duplicate)
            push_part(context, context.length, again, certainty_alone(previous.code), anything);
        if (context.continuation == anything && top == top_two && previous.code != null_code)
            push_part(context, context.length, again, certainty_with_null(previous.code), no_duplicate);
    }
    if (context.continuation == only_duplicate) return;
    if (previous.code != null_code && context.length > 0 && is_among(top, null_code))
        push_part(context, context.length, {.code = null_code}, certainty_alone(null_code), anything);
}

/// Whether a code and the one before are the best two, so that both may share the step.
bool BeamSearch::is_of_rivals(const Context& context, int32_t code) const {
    if (!context.node || context.continuation != anything || context.node->code == language_.null_code) return false;
    return (context.node->code == best_code_ && code == second_code_) ||
           (code == best_code_ && context.node->code == second_code_);
}

void BeamSearch::continue_context(const Context& context, TopCode top) {
    if (context.node && !language_.simple_text) {
        repeat_or_pause(context, top);
        if (context.continuation == only_duplicate) return;
    }
    if (context.length == 0) {
        if (top == top_two)
            continue_by_options(context);
        else
            continue_by_node(context, language_.recoder.first(), top);
        return;
    }
    std::array<int32_t, Recoder::most_codes> codes{};
    size_t missing = context.length;
    for (uint32_t i = context.index; missing > 0 && i != no_node; i = nodes_[i].previous) {
        i = nodes_[i].last_code;
        if (i == no_node) break;
        codes[--missing] = nodes_[i].code;
    }
    const Recoder::Node* node = language_.recoder.after(std::span(codes).first(context.length));
    if (node) continue_by_node(context, *node, top);
}

void BeamSearch::continue_by_options(const Context& context) {
    const int32_t null_code = language_.null_code;
    const int32_t excluded = context.node && !language_.simple_text ? context.node->code : -1;
    const auto joint = [&](const Weighed& each) {
        return is_of_rivals(context, each.code) ? each.with_rival : each.with_null;
    };
    for (const Option& option : endings_) {
        const Weighed& each = option.weighed;
        if (each.code == excluded) continue;
        end_character(context, each.code, option.unichar, option.may_begin_word, each.alone, anything);
        if (each.code != null_code)
            end_character(context, each.code, option.unichar, option.may_begin_word, joint(each), only_duplicate);
    }
    for (const Option& option : beginnings_) {
        const Weighed& each = option.weighed;
        if (each.code == excluded) continue;
        push_part(context, 1, {.code = each.code}, each.alone, anything);
        if (each.code != null_code) push_part(context, 1, {.code = each.code}, joint(each), only_duplicate);
    }
}

void BeamSearch::continue_by_node(const Context& context, const Recoder::Node& node, TopCode top) {
    const int32_t null_code = language_.null_code;
    const int32_t excluded = context.node && !language_.simple_text ? context.node->code : -1;
    const auto joint = [&](int32_t code) {
        const float shared = outputs_[code] + outputs_[null_code];
        return certainty_of(is_of_rivals(context, code) ? shared + outputs_[context.node->code] : shared);
    };
    for (const auto& [code, completed] : node.endings) {
        if (!is_among(top, code) || code == excluded) continue;
        const float certainty = certainty_alone(code);
        if (certainty < least_certainty && code != null_code) continue;
        int32_t unichar = completed;
        if (context.length == 0 && code == null_code)
            unichar = no_unichar;
        else if (!language_.unicharset.contains(unichar) || !enabled_[unichar])
            continue;
        const bool begins = may_begin_word(unichar);
        end_character(context, code, unichar, begins, certainty, anything);
        if (top == top_two && code != null_code)
            end_character(context, code, unichar, begins, joint(code), only_duplicate);
    }
    for (const int32_t code : node.beginnings) {
        if (!is_among(top, code) || code == excluded) continue;
        push_part(context, context.length + 1, {.code = code}, certainty_alone(code), anything);
        if (top == top_two && code != null_code)
            push_part(context, context.length + 1, {.code = code}, joint(code), only_duplicate);
    }
}

void BeamSearch::end_character(const Context& context, int32_t code, int32_t unichar, bool may_begin_word,
                               float certainty, Continuation continuation) {
    if (context.in_dictionary) {
        if (certainty > worst_in_dictionary) continue_word(context, code, unichar, certainty, continuation);
        return;
    }
    const float weighed = certainty * dictionary_ratio;
    const size_t beam = beam_of(false, continuation, 0);
    if (context.score + weighed > beams_[beam].bar)
        push(beam,
             {.code = code,
              .unichar = unichar,
              .certainty = weighed,
              .score = context.score + weighed,
              .previous = context.index},
             {});
    if (!may_begin_word) return;
    if (unichar != space_unichar) {
        offer_beginning(context, {.code = code, .unichar = unichar, .certainty = weighed}, continuation);
    } else if (certainty > worst_in_dictionary || !language_.unicharset[unichar].spaced_script) {
        // The space is as certain as the word that follows.
        offer_beginning(context, {.code = code, .unichar = unichar, .source = WordSource::none, .certainty = certainty},
                        continuation);
    }
}

void BeamSearch::continue_word(const Context& context, int32_t code, int32_t unichar, float certainty,
                               Continuation continuation) {
    const size_t in_beam = beam_of(true, continuation, 0);
    const size_t out_beam = beam_of(false, continuation, 0);
    const float score = context.score + certainty;
    const bool stays_in = score > beams_[in_beam].bar;
    if (!stays_in && (unichar == no_unichar || !(score > beams_[out_beam].bar))) return;
    Node node{.code = code,
              .unichar = unichar,
              .source = WordSource::none,
              .certainty = certainty,
              .score = score,
              .previous = context.index};
    if (unichar == no_unichar) {
        push(in_beam, node, {});
        return;
    }
    const uint32_t last_index = context.node ? context.node->last_unichar : no_node;
    const Node* last = node_at(last_index);
    const Unicharset& set = language_.unicharset;
    if (unichar == space_unichar) {
        if (!last || !last->ends_word) return;
        node.source = last->source;
        offer_beginning(context, node, continuation);
        push(out_beam, node, {});
        return;
    }
    if (last && last->begins_dictionary && last->unichar != space_unichar && set[last->unichar].spaced_script &&
        set[unichar].spaced_script)
        return;
    if (last && last->place_count == 0) return;
    if (advanced_.unichar != unichar || advanced_.last != last_index) {
        const std::span<const Place> from =
            last ? std::span(std::as_const(places_)).subspan(last->places, last->place_count)
                 : language_.dictionary.beginning();
        advanced_.places.clear();
        advanced_.advance = language_.dictionary.advance(from, set, unichar, false, advanced_.places);
        advanced_.unichar = unichar;
        advanced_.last = last_index;
    }
    const Dictionary::Advance advance = advanced_.advance;
    if (advance.source == WordSource::none) return;
    node.source = advance.source;
    node.begins_word = last ? last->begins_dictionary : true;
    node.ends_word = advance.may_end;
    push(in_beam, node, advanced_.places);
    if (!advance.may_end || set.spaced_language) return;
    offer_beginning(context, node, continuation);
    push(out_beam, node, {});
}

void BeamSearch::offer_beginning(const Context& context, Node node, Continuation continuation) {
    node.score = context.score + node.certainty;
    Node& best = word_beginnings_[continuation];
    if (best.code >= 0 && !(node.score > best.score)) return;
    node.begins_dictionary = true;
    node.previous = context.index;
    node.places = 0;
    node.place_count = static_cast<uint32_t>(language_.dictionary.beginning().size());
    best = node;
}

/// A code that completes no character: one of several, a duplicate, or nothing.
void BeamSearch::push_part(const Context& context, size_t length, const Node& part, float certainty,
                           Continuation continuation) {
    if (context.in_dictionary) {
        if (!(certainty > worst_in_dictionary)) return;
    } else {
        certainty *= dictionary_ratio;
        if (!(certainty >= least_certainty) && part.code != language_.null_code) return;
    }
    const size_t beam = beam_of(context.in_dictionary, continuation, length);
    const float score = context.score + certainty;
    if (!(score > beams_[beam].bar)) return;
    Node node = part;
    node.source = context.node ? context.node->source : context.in_dictionary ? WordSource::none : WordSource::scores;
    node.certainty = certainty;
    node.score = score;
    node.previous = context.index;
    push(beam, node, {});
}

void BeamSearch::push(size_t index, const Node& node, std::span<const Place> places) {
    Beam& beam = beams_[index];
    if (!(node.score > beam.bar)) return;
    const uint64_t hash = hash_of(node);
    const std::span<const Kept> kept = beam.kept.items();
    const auto same = std::find_if(kept.begin(), kept.end(), [&](const Kept& each) {
        if (each.hash != hash) return false;
        const Node& other = beam.slots[each.slot];
        return other.code == node.code && other.source == node.source &&
               other.begins_dictionary == node.begins_dictionary;
    });
    const bool is_same = same != kept.end();
    if (is_same && !(node.score > same->score)) return;
    const uint32_t slot = is_same ? same->slot : beam.free_slot;
    Node& to = beam.slots[slot];
    to = node;
    to.hash = hash;
    if (!places.empty()) {
        to.places = static_cast<uint32_t>(places_.size());
        to.place_count = static_cast<uint32_t>(places.size());
        places_.insert(places_.end(), places.begin(), places.end());
    }
    const size_t width = beam.slots.size() - 1;
    if (is_same) {
        beam.kept.replace(static_cast<size_t>(same - kept.begin()), {hash, node.score, slot});
    } else {
        beam.kept.push({hash, node.score, slot});
        beam.free_slot = beam.kept.size() > width ? beam.kept.pop().slot : slot + 1;
    }
    if (beam.kept.size() == width) beam.bar = beam.kept.front().score;
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
