#include "recognise/line_reader.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace pg_ocr::recognise {
namespace {

/// Bytes of the UTF-8 character that begins here; 1 where none does.
size_t character_length(std::string_view text) {
    const auto lead = static_cast<uint8_t>(text.front());
    const size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return std::min(length, text.size());
}

std::vector<bool> enabled_by(const LanguageSettings& settings, const Unicharset& set) {
    std::unordered_map<std::string_view, size_t> ids;
    for (size_t id = 0; id < set.unichars.size(); ++id) ids.emplace(set.unichars[id].text, id);
    std::vector<bool> enabled(set.unichars.size(), settings.only.empty());
    const auto enable = [&](std::string_view characters, bool value) {
        while (!characters.empty()) {
            const std::string_view character = characters.substr(0, character_length(characters));
            characters.remove_prefix(character.size());
            if (const auto found = ids.find(character); found != ids.end()) enabled[found->second] = value;
        }
    };
    enable(settings.only, true);
    enable(settings.forbidden, false);
    enable(settings.allowed_again, true);
    return enabled;
}

bool all_are_accepted(const std::vector<LineWord>& words) {
    return std::all_of(words.begin(), words.end(), [](const LineWord& word) { return word.is_accepted; });
}

/// What some words of a line are worth together.
struct Worth {
    float rating = 0;
    float certainty = 0;
    bool is_missing = true;
    bool is_of_dictionary = true;
    Worth(const std::vector<LineWord>& words, size_t from, size_t to) : is_missing(from == to) {
        if (is_missing) is_of_dictionary = false;
        for (size_t i = from; i < to; ++i) {
            rating += words[i].rating;
            certainty = std::min(certainty, words[i].certainty);
            is_of_dictionary &= words[i].source == WordSource::words;
        }
    }
    bool is_better_than(const Worth& other) const {
        constexpr double rating_ratio = 1.5;
        constexpr double certainty_margin = 5.5;
        if (is_missing) return false;
        return other.is_missing || (certainty > other.certainty && rating < other.rating) ||
               (is_of_dictionary && !other.is_of_dictionary && rating < other.rating * rating_ratio &&
                certainty > other.certainty - certainty_margin);
    }
};

/// The right edge of a word, and the left one of the next: a line may be parted between.
struct Gap {
    int32_t from = std::numeric_limits<int32_t>::lowest();
    int32_t to = std::numeric_limits<int32_t>::max();
    Gap(const std::vector<LineWord>& words, size_t index) {
        if (index < words.size()) from = words[index].word.box.right;
        if (index + 1 < words.size()) to = words[index + 1].word.box.left;
    }
};

/// Parts a line wherever both readings of it do, and keeps of each part the better one. More than 0: the new one has
/// won more words than are kept of the old one.
int32_t keep_better(std::vector<LineWord>& words, std::vector<LineWord> rivals) {
    std::vector<LineWord> kept;
    int32_t balance = 0;
    size_t word = 0, rival = 0;
    const auto keep = [&](std::vector<LineWord>& from, size_t begin, size_t end) {
        const auto first = from.begin() + static_cast<ptrdiff_t>(begin);
        kept.insert(kept.end(), std::make_move_iterator(first),
                    std::make_move_iterator(from.begin() + static_cast<ptrdiff_t>(end)));
        return static_cast<int32_t>(end - begin);
    };
    while (word < words.size() || rival < rivals.size()) {
        const size_t first_word = word, first_rival = rival;
        while (word < words.size() || rival < rivals.size()) {
            const Gap of_words(words, word), of_rivals(rivals, rival);
            if (std::max(of_words.from, of_rivals.from) < std::min(of_words.to, of_rivals.to)) break;
            if ((of_words.from < of_rivals.from && word < words.size()) || rival == rivals.size())
                ++word;
            else
                ++rival;
        }
        word = std::min(word + 1, words.size());
        rival = std::min(rival + 1, rivals.size());
        const Worth old_worth(words, first_word, word), new_worth(rivals, first_rival, rival);
        if (new_worth.is_better_than(old_worth))
            balance += keep(rivals, first_rival, rival);
        else if (!old_worth.is_missing)
            balance -= keep(words, first_word, word);
    }
    words = std::move(kept);
    return balance;
}

}  // namespace

LineReader::LineReader(const std::vector<const Language*>& languages) : languages_(languages) {
    for (const Language* language : languages)
        searches_.emplace_back(*language, enabled_by(languages.front()->settings, language->unicharset));
}

std::vector<LineWord> LineReader::read_in(size_t language, const LineLayout& line, const ScoresOf& scores_of) {
    std::vector<LineWord> words;
    if (const std::optional<LineScores> line_scores = scores_of(language))
        words = words_of(searches_[language].best_path(line_scores->scores), *languages_[language], line_scores->frame);
    if (words.empty()) words.push_back(blank_word(line.box, line.blobs.size()));
    for (LineWord& word : words) word.language = static_cast<uint32_t>(language);
    return words;
}

std::vector<LineWord> LineReader::read(const LineLayout& line, const ScoresOf& scores_of) {
    const size_t first = last_language_;
    std::vector<LineWord> words = read_in(first, line, scores_of);
    // After the one that read the line before: the main one, then the others in their order.
    for (size_t language = 0; language < languages_.size() && !all_are_accepted(words); ++language)
        if (language != first && keep_better(words, read_in(language, line, scores_of)) > 0) last_language_ = language;
    fit_to_blobs(words, line);
    if (!words.empty() && !line.begins_row) words.front().spaces_before = line.spaces_before;
    certainties_.clear();
    for (const LineWord& word : words) certainties_.push_back(word.certainty);
    std::erase_if(words, [](const LineWord& word) { return word.is_blank; });
    return words;
}

}  // namespace pg_ocr::recognise
