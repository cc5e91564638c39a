#include "recognise/dictionary.h"

#include <algorithm>
#include <utility>

namespace pg_ocr::recognise {
namespace {

/// In lists of punctuation it stands for a word, in lists of numbers for a digit; no word holds it.
constexpr int32_t wildcard = space_unichar;

constexpr int8_t list_count = 2;
constexpr int8_t number_list = 1;
constexpr WordSource source_of_list[list_count] = {WordSource::words, WordSource::numbers};

int32_t as_in_list(int8_t list, const Unicharset& set, int32_t unichar) {
    return list == number_list && set[unichar].is_digit ? wildcard : unichar;
}

/// Real lists lead to a handful of places at once; those of a damaged model, which run in circles, to any number.
constexpr size_t most_places = 64;

void add(std::vector<Place>& places, const Place& place) {
    if (places.size() < most_places && std::find(places.begin(), places.end(), place) == places.end())
        places.push_back(place);
}

void improve(WordSource& source, WordSource by) { source = std::max(source, by); }

}  // namespace

Dictionary::Dictionary(std::optional<Dawg> punctuation, std::optional<Dawg> words, std::optional<Dawg> numbers)
    : punctuation_(std::move(punctuation)), lists_{std::move(words), std::move(numbers)} {
    if (punctuation_) beginning_.push_back({.in_punctuation = true});
    // A word without punctuation is in the list of punctuation, too.
    if (punctuation_ && punctuation_->find(first_node, wildcard, true) != no_edge) return;
    for (int8_t list = 0; list < list_count; ++list)
        if (lists_[list]) beginning_.push_back({.list = list});
}

void Dictionary::enter_lists(const Place& place, const Unicharset& set, int32_t unichar, bool ends,
                             std::vector<Place>& to, Advance& result) const {
    const int64_t node = punctuation_->behind(place.punctuation_edge);
    const int64_t word = punctuation_->find(node, wildcard, ends);
    for (int8_t list = 0; word != no_edge && list < list_count; ++list) {
        if (!lists_[list]) continue;
        const int64_t edge = lists_[list]->find(first_node, as_in_list(list, set, unichar), ends);
        if (edge == no_edge) continue;
        add(to, {edge, word, list, true, false});
        improve(result.source, source_of_list[list]);
        if (lists_[list]->ends_word(edge) && punctuation_->ends_word(word)) result.may_end = true;
    }
    const int64_t edge = punctuation_->find(node, unichar, ends);
    if (edge == no_edge) return;
    add(to, {no_edge, edge, -1, true, false});
    improve(result.source, WordSource::punctuation);
    if (punctuation_->ends_word(edge)) result.may_end = true;
}

Dictionary::Advance Dictionary::advance(std::span<const Place> from, const Unicharset& set, int32_t unichar, bool ends,
                                        std::vector<Place>& to) const {
    Advance result;
    if (unichar == wildcard || unichar == no_unichar) return result;
    for (const Place& place : from) {
        if (place.list < 0) {
            enter_lists(place, set, unichar, ends, to, result);
            continue;
        }
        const Dawg& list = *lists_[place.list];
        if (place.in_punctuation && list.ends_word(place.edge)) {
            const int64_t edge = punctuation_->find(punctuation_->behind(place.punctuation_edge), unichar, ends);
            if (edge != no_edge) {
                add(to, {place.edge, edge, place.list, true, true});
                improve(result.source, source_of_list[place.list]);
                if (punctuation_->ends_word(edge)) result.may_end = true;
            }
        }
        if (place.behind_word) continue;
        const int64_t edge = list.find(list.behind(place.edge), as_in_list(place.list, set, unichar), ends);
        if (edge == no_edge) continue;
        const bool punctuation_may_end = !place.in_punctuation || punctuation_->ends_word(place.punctuation_edge);
        if (ends && !punctuation_may_end) continue;
        improve(result.source, source_of_list[place.list]);
        if (list.ends_word(edge) && punctuation_may_end) result.may_end = true;
        add(to, {edge, place.punctuation_edge, place.list, place.in_punctuation, false});
    }
    return result;
}

bool Dictionary::has_word(const Unicharset& set, std::span<const int32_t> unichars) const {
    std::vector<Place> from = beginning_, to;
    WordSource source = WordSource::none;
    for (size_t i = 0; i < unichars.size(); ++i) {
        to.clear();
        const WordSource here = advance(from, set, unichars[i], i + 1 == unichars.size(), to).source;
        // Punctuation behind a word does not take from it that it is one.
        if (source == WordSource::none || here != WordSource::punctuation) source = here;
        if (source == WordSource::none) return false;
        std::swap(from, to);
    }
    return source == WordSource::words;
}

}  // namespace pg_ocr::recognise
