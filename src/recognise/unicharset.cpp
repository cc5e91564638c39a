#include "recognise/unicharset.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

namespace pg_ocr::recognise {
namespace {

constexpr size_t most_unichars = 1 << 20;
constexpr size_t longest_unichar = 30;

constexpr uint32_t letter_flag = 1;
constexpr uint32_t lower_flag = 2;
constexpr uint32_t upper_flag = 4;
constexpr uint32_t digit_flag = 8;

constexpr std::string_view no_script = "NULL";
constexpr std::string_view unspaced_scripts[] = {"Han", "Thai", "Hangul", "Hiragana", "Katakana"};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view take_field(std::string_view& line) {
    const auto from = std::find_if_not(line.begin(), line.end(), is_blank);
    const auto to = std::find_if(from, line.end(), is_blank);
    const std::string_view field =
        line.substr(static_cast<size_t>(from - line.begin()), static_cast<size_t>(to - from));
    line.remove_prefix(static_cast<size_t>(to - line.begin()));
    return field;
}

template <typename Number>
bool parse_number(std::string_view text, Number& to, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to, base);
    return error == std::errc() && end == text.data() + text.size();
}

/// Measures of shape, which only the old recogniser used: numbers between commas.
bool is_list_of_numbers(std::string_view field) { return field.find(',') != std::string_view::npos; }

struct Line {
    Unichar unichar;
    std::string script;
};

Line parse_line(std::string_view line) {
    if (line.find('\0') != std::string_view::npos) throw ModelError("has a damaged list of characters");
    const std::string_view text = take_field(line);
    uint32_t flags = 0;
    if (text.empty() || text.size() > longest_unichar || !parse_number(take_field(line), flags, 16))
        throw ModelError("has a damaged list of characters");
    std::string_view script = take_field(line);
    bool has_direction = false;
    if (is_list_of_numbers(script)) {
        script = take_field(line);
        has_direction = true;
    }
    Line parsed;
    Unichar& unichar = parsed.unichar;
    unichar.text = text == no_script ? " " : text;
    unichar.is_letter = (flags & letter_flag) != 0;
    unichar.is_lower = (flags & lower_flag) != 0;
    unichar.is_upper = (flags & upper_flag) != 0;
    unichar.is_digit = (flags & digit_flag) != 0;
    parsed.script = script.empty() ? no_script : script;
    take_field(line);  // the same letter in the other case
    int32_t direction = 0;
    if (has_direction && parse_number(take_field(line), direction))
        unichar.direction =
            direction >= 0 && direction <= 255 ? static_cast<Direction>(direction) : Direction::other_neutral;
    return parsed;
}

}  // namespace

Unicharset parse_unicharset(ModelBytes& from) {
    std::string_view first = from.line();
    size_t count = 0;
    if (!parse_number(take_field(first), count) || count == 0 || count > most_unichars)
        throw ModelError("has a damaged list of characters");
    Unicharset set;
    std::vector<std::string> script_of;
    for (size_t id = 0; id < count; ++id) {
        Line line = parse_line(from.line());
        set.unichars.push_back(std::move(line.unichar));
        script_of.push_back(std::move(line.script));
    }
    const std::set<std::string_view> scripts(script_of.begin(), script_of.end());
    const auto is_there = [&](std::string_view script) { return scripts.contains(script); };
    // Tesseract numbers scripts from 0 for none, and takes 0, too, for a script that no character has.
    const bool none_is_unspaced = !std::all_of(std::begin(unspaced_scripts), std::end(unspaced_scripts), is_there);
    for (size_t id = 0; id < count; ++id)
        set.unichars[id].spaced_script = script_of[id] == no_script
                                             ? !none_is_unspaced
                                             : std::find(std::begin(unspaced_scripts), std::end(unspaced_scripts),
                                                         script_of[id]) == std::end(unspaced_scripts);
    set.spaced_language = !is_there("Han") && !is_there("Katakana") && !is_there("Thai");
    return set;
}

}  // namespace pg_ocr::recognise
