#include "scoring.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <sstream>
#include <string_view>
#include <vector>

#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

std::u32string folded(const std::vector<std::string>& words) {
    std::string joined;
    for (const std::string& word : words) joined += joined.empty() ? word : ' ' + word;
    return characters_of(joined);
}

template <class Sequence>
size_t edit_distance(const Sequence& wanted, const Sequence& got) {
    std::vector<size_t> row(got.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < wanted.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < got.size(); ++j) {
            size_t replaced = diagonal + (wanted[i] == got[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

char32_t lower(char32_t c) {
    static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), unicode));
}

bool is_hyphen(char32_t c) { return c == U'-' || c == U'\u00ac' || c == U'\u00ad' || c == U'\u2010'; }
bool is_space(char32_t c) { return c == U' ' || (c >= U'\t' && c <= U'\r') || c == U'\u00a0'; }
bool is_lower(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'\u00df' && c <= U'\u00ff'); }

/// One sign for all that look like it.
char32_t plain(char32_t c) {
    if ((c >= U'\u2018' && c <= U'\u201b')) return U'\'';
    if ((c >= U'\u201c' && c <= U'\u201e') || c == U'\u00ab' || c == U'\u00bb') return U'"';
    if ((c >= U'\u2010' && c <= U'\u2015') || c == U'\u2212') return U'-';
    if (c == U'\u2022' || c == U'\u00b7') return U'*';
    return c == U'\u017f' ? U's' : lower(c);
}

/// Where a word goes on after a hyphen and a line break: the place of its next letter; else 0.
size_t continued_at(const std::u32string& text, size_t hyphen) {
    if (hyphen == 0 || !is_hyphen(text[hyphen]) || is_space(text[hyphen - 1])) return 0;
    size_t next = hyphen + 1;
    bool line_ends = false;
    for (; next < text.size() && is_space(text[next]); ++next) line_ends |= text[next] == U'\n';
    return line_ends && next < text.size() && is_lower(text[next]) ? next : 0;
}

using Bag = std::map<std::u32string, size_t>;

Bag bag_of(const std::string& utf8) {
    constexpr std::u32string_view punctuation = U".,;:!?\"'()[]{}*-_|";
    const std::u32string text = characters_of(utf8);
    Bag bag;
    std::u32string word;
    auto end_word = [&] {
        const size_t begin = word.find_first_not_of(punctuation);
        if (begin != std::u32string::npos) ++bag[word.substr(begin, word.find_last_not_of(punctuation) - begin + 1)];
        word.clear();
    };
    for (size_t i = 0; i < text.size(); ++i) {
        if (const size_t next = continued_at(text, i)) i = next;
        if (is_space(text[i]))
            end_word();
        else if (text[i] != U'\u00ad')
            word += plain(text[i]);
    }
    end_word();
    return bag;
}

size_t size_of(const Bag& bag) {
    return std::accumulate(bag.begin(), bag.end(), size_t{0},
                           [](size_t sum, const auto& of) { return sum + of.second; });
}

double share(size_t part, size_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<size_t>(1, whole));
}

}  // namespace

Score& Score::operator+=(const Score& other) {
    characters += other.characters;
    character_errors += other.character_errors;
    words += other.words;
    word_errors += other.word_errors;
    bag_written += other.bag_written;
    bag_read += other.bag_read;
    bag_found += other.bag_found;
    return *this;
}

double Score::cer() const { return share(character_errors, characters); }
double Score::wer() const { return share(word_errors, words); }
double Score::f1() const { return share(2 * bag_found, bag_written + bag_read); }

Score score_of(const std::string& truth, const std::string& text) {
    const std::vector<std::string> wanted = words_of(truth), got = words_of(text);
    const std::u32string wanted_characters = folded(wanted);
    Score score;
    score.characters = wanted_characters.size();
    score.character_errors = edit_distance(wanted_characters, folded(got));
    score.words = wanted.size();
    score.word_errors = edit_distance(wanted, got);
    const Bag written = bag_of(truth), read = bag_of(text);
    score.bag_written = size_of(written);
    score.bag_read = size_of(read);
    for (const auto& [word, count] : written)
        if (auto found = read.find(word); found != read.end()) score.bag_found += std::min(count, found->second);
    return score;
}

}  // namespace pg_ocr
