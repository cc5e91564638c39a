// Programs that extract text take a line as it stands on paper and turn round what runs from right to left, each by a
// reading of its own of the Unicode bidirectional algorithm (UAX #9). What that algorithm makes of a line is what they
// have in mind; rules are called here as they are there.
#include "engine/pdf/drawn_order.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "engine/write/page_text.h"

namespace pg_ocr {
namespace {

enum class Kind : uint8_t {
    left,              ///< L: runs rightward
    right,             ///< R
    arabic,            ///< AL
    number,            ///< EN
    arabic_number,     ///< AN
    sign,              ///< ES: plus and minus
    unit,              ///< ET: stands before or behind a number
    number_separator,  ///< CS
    mark,              ///< NSM: stands on the character before it
    other,             ///< WS, ON
};

struct Range {
    char32_t first, last;
    Kind kind;
};

/// Ascending. What is in none is a letter that runs rightward.
constexpr Range ranges[] = {
    {0x00, 0x22, Kind::other},
    {'#', '%', Kind::unit},
    {'&', '*', Kind::other},
    {'+', '+', Kind::sign},
    {',', ',', Kind::number_separator},
    {'-', '-', Kind::sign},
    {'.', '/', Kind::number_separator},
    {'0', '9', Kind::number},
    {':', ':', Kind::number_separator},
    {';', '@', Kind::other},
    {'[', '`', Kind::other},
    {'{', 0xa1, Kind::other},
    {0xa2, 0xa5, Kind::unit},
    {0xa6, 0xa9, Kind::other},
    {0xab, 0xaf, Kind::other},
    {0xb0, 0xb1, Kind::unit},
    {0xb2, 0xb3, Kind::number},
    {0xb4, 0xb4, Kind::other},
    {0xb6, 0xb8, Kind::other},
    {0xb9, 0xb9, Kind::number},
    {0xbb, 0xbf, Kind::other},
    {0xd7, 0xd7, Kind::other},
    {0xf7, 0xf7, Kind::other},
    {0x300, 0x36f, Kind::mark},
    {0x590, 0x590, Kind::right},
    {0x591, 0x5bd, Kind::mark},
    {0x5be, 0x5be, Kind::right},
    {0x5bf, 0x5bf, Kind::mark},
    {0x5c0, 0x5c0, Kind::right},
    {0x5c1, 0x5c2, Kind::mark},
    {0x5c3, 0x5c3, Kind::right},
    {0x5c4, 0x5c5, Kind::mark},
    {0x5c6, 0x5c6, Kind::right},
    {0x5c7, 0x5c7, Kind::mark},
    {0x5c8, 0x5ff, Kind::right},
    {0x600, 0x605, Kind::arabic_number},
    {0x606, 0x607, Kind::other},
    {0x608, 0x608, Kind::arabic},
    {0x609, 0x60a, Kind::unit},
    {0x60b, 0x60b, Kind::arabic},
    {0x60c, 0x60c, Kind::number_separator},
    {0x60d, 0x60f, Kind::other},
    {0x610, 0x61a, Kind::mark},
    {0x61b, 0x64a, Kind::arabic},
    {0x64b, 0x65f, Kind::mark},
    {0x660, 0x669, Kind::arabic_number},
    {0x66a, 0x66a, Kind::unit},
    {0x66b, 0x66c, Kind::arabic_number},
    {0x66d, 0x66f, Kind::arabic},
    {0x670, 0x670, Kind::mark},
    {0x671, 0x6d5, Kind::arabic},
    {0x6d6, 0x6dc, Kind::mark},
    {0x6dd, 0x6dd, Kind::arabic_number},
    {0x6de, 0x6de, Kind::other},
    {0x6df, 0x6e4, Kind::mark},
    {0x6e5, 0x6e6, Kind::arabic},
    {0x6e7, 0x6e8, Kind::mark},
    {0x6e9, 0x6e9, Kind::other},
    {0x6ea, 0x6ed, Kind::mark},
    {0x6ee, 0x6ef, Kind::arabic},
    {0x6f0, 0x6f9, Kind::number},
    {0x6fa, 0x710, Kind::arabic},
    {0x711, 0x711, Kind::mark},
    {0x712, 0x72f, Kind::arabic},
    {0x730, 0x74a, Kind::mark},
    {0x74b, 0x7a5, Kind::arabic},
    {0x7a6, 0x7b0, Kind::mark},
    {0x7b1, 0x7bf, Kind::arabic},
    {0x7c0, 0x7ea, Kind::right},
    {0x7eb, 0x7f3, Kind::mark},
    {0x7f4, 0x815, Kind::right},
    {0x816, 0x82d, Kind::mark},
    {0x82e, 0x85f, Kind::right},
    {0x860, 0x8c9, Kind::arabic},
    {0x8ca, 0x8ff, Kind::mark},
    {0x2000, 0x200d, Kind::other},
    {0x200f, 0x200f, Kind::right},
    {0x2010, 0x202f, Kind::other},
    {0x2030, 0x2034, Kind::unit},
    {0x2035, 0x2043, Kind::other},
    {0x2044, 0x2044, Kind::number_separator},
    {0x2045, 0x206f, Kind::other},
    {0x2070, 0x2079, Kind::number},
    {0x207a, 0x207b, Kind::sign},
    {0x207c, 0x207e, Kind::other},
    {0x2080, 0x2089, Kind::number},
    {0x208a, 0x208b, Kind::sign},
    {0x208c, 0x208e, Kind::other},
    {0x20a0, 0x20cf, Kind::unit},
    {0x20d0, 0x20ff, Kind::mark},
    {0x2190, 0x2211, Kind::other},
    {0x2212, 0x2212, Kind::sign},
    {0x2213, 0x2213, Kind::unit},
    {0x2214, 0x2bff, Kind::other},
    {0x2e00, 0x2e7f, Kind::other},
    {0x3000, 0x3004, Kind::other},
    {0x3008, 0x3020, Kind::other},
    {0xfb1d, 0xfb1d, Kind::right},
    {0xfb1e, 0xfb1e, Kind::mark},
    {0xfb1f, 0xfb4f, Kind::right},
    {0xfb50, 0xfd3d, Kind::arabic},
    {0xfd3e, 0xfd3f, Kind::other},
    {0xfd40, 0xfdff, Kind::arabic},
    {0xfe00, 0xfe0f, Kind::mark},
    {0xfe20, 0xfe2f, Kind::mark},
    {0xfe30, 0xfe4f, Kind::other},
    {0xfe70, 0xfefe, Kind::arabic},
    {0xfeff, 0xff02, Kind::other},
    {0xff03, 0xff05, Kind::unit},
    {0xfff9, 0xffff, Kind::other},
    {0x10800, 0x10cff, Kind::right},
    {0x10d00, 0x10d3f, Kind::arabic},
    {0x10d40, 0x10fff, Kind::right},
    {0x1e800, 0x1ec6f, Kind::right},
    {0x1ec70, 0x1eeff, Kind::arabic},
    {0x1ef00, 0x1efff, Kind::right},
};

Kind kind_of(char32_t c) {
    const Range* after = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                          [](char32_t value, const Range& range) { return value < range.first; });
    if (after == std::begin(ranges)) return Kind::left;
    const Range& range = *std::prev(after);
    return c <= range.last ? range.kind : Kind::left;
}

constexpr char32_t left_to_right_mark = 0x200e, right_to_left_mark = 0x200f;

bool is_strong(Kind kind) { return kind == Kind::left || kind == Kind::right || kind == Kind::arabic; }
bool is_leftward(Kind kind) { return kind == Kind::right || kind == Kind::arabic; }
bool is_number(Kind kind) { return kind == Kind::number || kind == Kind::arabic_number; }
bool is_leftward_letter(char32_t c) { return !is_directional(c) && is_leftward(kind_of(c)); }

bool has_rightward_letter(const std::u32string& word) {
    return std::any_of(word.begin(), word.end(),
                       [](char32_t c) { return !is_directional(c) && kind_of(c) == Kind::left; });
}

/// W1 to W7.
void resolve_numbers(std::vector<Kind>& kinds, Kind around) {
    for (size_t i = 0; i < kinds.size(); ++i)
        if (kinds[i] == Kind::mark) kinds[i] = i > 0 ? kinds[i - 1] : around;
    Kind strong = around;
    for (Kind& kind : kinds) {
        if (is_strong(kind)) strong = kind;
        if (kind == Kind::number && strong == Kind::arabic) kind = Kind::arabic_number;
    }
    std::replace(kinds.begin(), kinds.end(), Kind::arabic, Kind::right);
    for (size_t i = 1; i + 1 < kinds.size(); ++i) {
        const bool joins = kinds[i] == Kind::number_separator ? is_number(kinds[i - 1])
                                                              : kinds[i] == Kind::sign && kinds[i - 1] == Kind::number;
        if (joins && kinds[i + 1] == kinds[i - 1]) kinds[i] = kinds[i - 1];
    }
    for (size_t i = 1; i < kinds.size(); ++i)
        if (kinds[i] == Kind::unit && kinds[i - 1] == Kind::number) kinds[i] = Kind::number;
    for (size_t i = kinds.size(); i-- > 1;)
        if (kinds[i - 1] == Kind::unit && kinds[i] == Kind::number) kinds[i - 1] = Kind::number;
    strong = around;
    for (Kind& kind : kinds) {
        if (kind == Kind::left || kind == Kind::right) strong = kind;
        if (kind == Kind::number && strong == Kind::left) kind = Kind::left;
    }
}

/// N1 and N2: what has no direction has that of its neighbours, where they agree, else that of the line.
void resolve_others(std::vector<Kind>& kinds, Kind around) {
    auto direction = [](Kind kind) { return kind == Kind::left ? Kind::left : Kind::right; };
    auto is_resolved = [](Kind kind) { return kind == Kind::left || kind == Kind::right || is_number(kind); };
    for (auto begin = kinds.begin(); begin != kinds.end();) {
        begin = std::find_if_not(begin, kinds.end(), is_resolved);
        auto end = std::find_if(begin, kinds.end(), is_resolved);
        const Kind before = begin == kinds.begin() ? around : direction(*std::prev(begin));
        const Kind after = end == kinds.end() ? around : direction(*end);
        std::fill(begin, end, before == after ? before : around);
        begin = end;
    }
}

/// I1 and I2: odd where characters run leftward.
std::vector<uint8_t> levels_of(const std::u32string& text, bool leftward) {
    const Kind around = leftward ? Kind::right : Kind::left;
    std::vector<Kind> kinds;
    // A mark that is not drawn may part what runs leftward, and join nothing that does not.
    for (char32_t c : text) kinds.push_back(is_directional(c) && kind_of(c) == Kind::left ? Kind::other : kind_of(c));
    resolve_numbers(kinds, around);
    resolve_others(kinds, around);
    std::vector<uint8_t> levels;
    for (Kind kind : kinds) {
        if (kind == Kind::right)
            levels.push_back(1);
        else
            levels.push_back(leftward || is_number(kind) ? 2 : 0);
    }
    return levels;
}

/// L2: where what is `levels` by `levels` stands from left to right.
std::vector<size_t> order_of(std::vector<uint8_t> levels) {
    std::vector<size_t> order(levels.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (uint8_t level = 2; level > 0; --level)
        for (size_t begin = 0, end = 0; begin < levels.size(); begin = end + 1) {
            for (end = begin; end < levels.size() && levels[end] >= level;) ++end;
            auto reverse = [&](auto& values) {
                std::reverse(values.begin() + static_cast<std::ptrdiff_t>(begin),
                             values.begin() + static_cast<std::ptrdiff_t>(end));
            };
            reverse(order);
            reverse(levels);
        }
    return order;
}

/// Where poppler ends a run from right to left: it takes these for parts of numbers, alone too.
bool ends_leftward_run(char32_t c) {
    constexpr std::u32string_view of_numbers = U"#$%+,-./:\u060c";
    return kind_of(c) == Kind::left || is_number(kind_of(c)) || of_numbers.find(c) != std::u32string_view::npos;
}

struct DrawnCharacter {
    char32_t character;
    uint8_t level;
};

/// Whether a mark is needed between what stands left and right of it. Poppler's runs from left to right go on over all
/// that is no letter of a script from right to left, and on lines that run rightward the other way round.
bool needs_mark(const DrawnCharacter& left, const DrawnCharacter& right, bool line_runs_leftward) {
    if (!line_runs_leftward) return left.level % 2 == 1 && right.level % 2 == 0 && !ends_leftward_run(right.character);
    const bool one_run = left.level == right.level && left.level % 2 == 0;
    return ends_leftward_run(right.character) && !is_leftward_letter(left.character) && !one_run;
}

/// Of a word: that of its letters and digits, where it has some.
uint8_t level_of_word(const std::u32string& text, const std::vector<uint8_t>& levels, size_t begin, size_t end) {
    uint8_t lowest = 2;
    std::optional<uint8_t> lowest_letter;
    for (size_t i = begin; i < end; ++i) {
        if (is_directional(text[i])) continue;
        lowest = std::min(lowest, levels[i]);
        if (is_strong(kind_of(text[i])) || is_number(kind_of(text[i])))
            lowest_letter = std::min(lowest_letter.value_or(2), levels[i]);
    }
    return lowest_letter.value_or(lowest);
}

/// Of a word's characters, from left to right, in the line's text.
using Places = std::vector<size_t>;

/// What opens a run of several words against the direction of their line, as a bracket may, stands on paper behind
/// the last of them, and what closes it before the first one. `places`: by words; `coarse`: of words and gaps.
void move_brackets(std::vector<Places>& places, const std::vector<uint8_t>& coarse, const std::vector<uint8_t>& levels,
                   bool line_runs_leftward) {
    const uint8_t of_line = line_runs_leftward ? 1 : 0;
    auto is_of_line = [&](size_t place) { return levels[place] == of_line; };
    auto move_front = [&](Places& from, Places& to) {
        const auto end = std::find_if_not(from.begin(), from.end(), is_of_line);
        to.insert(to.begin(), from.begin(), end);
        from.erase(from.begin(), end);
    };
    auto move_back = [&](Places& from, Places& to) {
        const auto begin = std::find_if_not(from.rbegin(), from.rend(), is_of_line).base();
        to.insert(to.end(), begin, from.end());
        from.erase(begin, from.end());
    };
    for (size_t first = 0, last = 0; first < places.size(); first = last + 1) {
        last = first;
        if (coarse[2 * first] == of_line) continue;
        while (2 * last + 2 < coarse.size() && coarse[2 * last + 1] != of_line && coarse[2 * last + 2] != of_line)
            ++last;
        if (first == last) continue;
        if (line_runs_leftward) {
            move_front(places[last], places[first]);
            move_back(places[first], places[last]);
        } else {
            move_front(places[first], places[last]);
            move_back(places[last], places[first]);
        }
    }
}

/// The line's text, and where each word begins in it; behind the last one, where it ends.
std::u32string joined(const std::vector<std::u32string>& words, std::vector<size_t>& begins) {
    std::u32string text;
    for (const std::u32string& word : words) {
        if (!begins.empty() && is_space_between(text.back(), word.front())) text += U' ';
        begins.push_back(text.size());
        text += word;
    }
    begins.push_back(text.size());
    return text;
}

}  // namespace

bool is_directional(char32_t c) {
    return c == left_to_right_mark || c == right_to_left_mark || c == 0x61c || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

bool is_combining(char32_t c) { return kind_of(c) == Kind::mark; }

bool runs_leftward(const std::u32string& word) { return std::any_of(word.begin(), word.end(), is_leftward_letter); }

bool mostly_leftward(const std::vector<std::u32string>& words) {
    const auto rightward = std::count_if(words.begin(), words.end(), [](const std::u32string& word) {
        return !runs_leftward(word) && has_rightward_letter(word);
    });
    return std::count_if(words.begin(), words.end(), runs_leftward) >= rightward;
}

std::vector<DrawnWord> drawn_line(const std::vector<std::u32string>& words, bool line_runs_leftward) {
    std::vector<size_t> begins;
    const std::u32string text = joined(words, begins);
    const std::vector<uint8_t> levels = levels_of(text, line_runs_leftward);
    auto at = [&](size_t i) { return levels.begin() + static_cast<std::ptrdiff_t>(i); };
    auto end_of = [&](size_t i) { return begins[i] + words[i].size(); };

    // Of words and the gaps between them.
    std::vector<uint8_t> coarse;
    std::vector<Places> places;
    for (size_t i = 0; i < words.size(); ++i) {
        coarse.push_back(level_of_word(text, levels, begins[i], end_of(i)));
        if (i + 1 < words.size()) coarse.push_back(end_of(i) < begins[i + 1] ? levels[end_of(i)] : coarse.back());
        places.push_back(order_of({at(begins[i]), at(end_of(i))}));
        for (size_t& place : places.back()) place += begins[i];
    }
    move_brackets(places, coarse, levels, line_runs_leftward);

    std::vector<DrawnWord> drawn;
    const char32_t mark = line_runs_leftward ? right_to_left_mark : left_to_right_mark;
    std::optional<DrawnCharacter> left;
    auto is_parted = [&](const DrawnCharacter& right) { return left && needs_mark(*left, right, line_runs_leftward); };
    for (size_t place : order_of(coarse)) {
        const size_t i = place / 2;
        if (place % 2 == 1) {
            if (end_of(i) == begins[i + 1]) continue;
            const DrawnCharacter gap{U' ', coarse[place]};
            if (!drawn.empty() && is_parted(gap)) drawn.back().characters += mark;
            left = gap;
            continue;
        }
        DrawnWord word{i, {}, line_runs_leftward || coarse[place] > 0};
        for (size_t k : places[i]) {
            const DrawnCharacter next{text[k], levels[k]};
            if (is_directional(next.character)) continue;
            if (is_parted(next)) word.characters += mark;
            word.characters += next.character;
            left = next;
        }
        if (!word.characters.empty()) drawn.push_back(std::move(word));
    }
    return drawn;
}

}  // namespace pg_ocr
